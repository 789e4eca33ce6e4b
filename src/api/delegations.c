/*
 * api/delegations.c: base names and the targets that serve their challenges. Each shows the very record that has
 * to be in DNS.
 */
#include "api/call.h"
#include "store/connection.h"
#include "store/delegation.h"

struct delegation_request {
	const char *name, *target, *connection;
};

const struct json_field delegation_fields[] = {
	{ JSON_FIELD(struct delegation_request, name, STR), .required = true },
	{ JSON_FIELD(struct delegation_request, target, STR) },
	{ JSON_FIELD(struct delegation_request, connection, STR) },
};
const size_t delegation_fields_count = ARRAY_LEN(delegation_fields);

/* NULL + err. */
static json_t *delegation_json(struct call *call, const struct delegation *d, struct err *err)
{
	struct connection connection;
	json_t           *json;

	if (!connection_find(call->db, call->arena, d->connection_id, &connection, err))
		return NULL;
	json = json_object();
	json_put_str(json, "id", d->id);
	json_put_str(json, "name", d->name);
	json_put_str(json, "target", d->target);
	json_put_str(json, "kind", d->kind);
	json_put_str(json, "connection", connection.name);
	json_put_str(json, "provider", connection.provider);
	json_put_str(json, "zone", d->zone[0] != '\0' ? d->zone : connection.zone);
	json_put_str(json, "health", d->health);
	/* A direct one needs none: the value is written at the name itself. */
	json_put_str(json, "record", strcmp(d->kind, "direct") == 0 ? NULL
				     : arena_printf(call->arena, "_acme-challenge.%s. 300 IN CNAME %s.", d->name, d->target));
	put_text_or_null(json, "problem", d->problem);
	put_text_or_null(json, "finding", d->finding);
	put_time(json, "verified_at", d->verified_at);
	put_time(json, "checked_at", d->checked_at);
	put_time(json, "created_at", d->created_at);
	return json;
}

static bool delegation_answer(struct call *call, int status, const char *name_or_id, struct err *err)
{
	struct delegation d;
	json_t           *json;

	if (!delegation_find_named(call->db, call->arena, call->project_id, name_or_id, &d, err))
		return false;
	json = delegation_json(call, &d, err);
	return json != NULL && call_json(call, status, json);
}

bool delegation_create(struct call *call, struct err *err)
{
	struct delegation_request request = { .target = "", .connection = "" };
	struct command_delegation d = { 0 };
	struct command_reply      reply;
	char                      id[ID_SIZE];

	if (!call_bind(call, delegation_fields, delegation_fields_count, &request, err))
		return false;
	id_new(id);
	d = (struct command_delegation){ id, request.name, request.target, request.connection };
	return command_delegation_add(call_worker(call), call->arena, &call->who, &d, &reply, err) &&
	       delegation_answer(call, 201, reply.id, err);
}

bool delegation_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	struct delegation       *list;
	size_t                   count;
	json_t                  *json;

	if (!delegation_list(call->db, call->arena, call->project_id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		json = delegation_json(call, &list[i], err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = json_object();
	json_put(json, "delegations", TAKE(array));
	return call_json(call, 200, json);
}

bool delegation_get(struct call *call, struct err *err)
{
	return delegation_answer(call, 200, call_x(call), err);
}

bool delegation_check(struct call *call, struct err *err)
{
	struct command_reply reply;

	return command_delegation_check(call_worker(call), call->arena, &call->who, call_x(call), &reply, err) &&
	       delegation_answer(call, 200, reply.id, err);
}

bool delegation_delete(struct call *call, struct err *err)
{
	struct command_reply reply;

	return command_delegation_remove(call_worker(call), call->arena, &call->who, call_x(call), &reply, err) &&
	       call_empty(call, 204);
}
