/*
 * api/operations.c: what is asked of a CA beside certificates: started here, done by the worker's jobs, followed by id.
 */
#include "acme/preset.h"
#include "api/call.h"
#include "base/clock.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/operation.h"

#define TEXT_MAX (256 * KIB)

/* ---- showing ---- */

static json_t *text_json(const char *text)
{
	json_t *json;

	return text[0] != '\0' && json_read(str_c(text), TEXT_MAX, &json, NULL) ? json : json_null();
}

static json_t *operation_json(const struct operation *o)
{
	json_t *json = json_object();

	json_put_str(json, "id", o->id);
	json_put_str(json, "kind", o->kind);
	json_put_str(json, "state", o->state);
	json_put_str(json, "authority_id", o->authority_id);
	put_text_or_null(json, "certificate_id", o->certificate_id);
	json_put(json, "request", text_json(o->request));
	json_put(json, "report", text_json(o->report));
	put_text_or_null(json, "problem", o->problem);
	put_text_or_null(json, "detail", o->detail);
	put_text_or_null(json, "hint", o->hint);
	put_time(json, "next_try_at", o->next_try_at);
	put_time(json, "created_at", o->created_at);
	put_time(json, "ended_at", o->ended_at);
	return json;
}

bool operation_list_get(struct call *call, struct err *err)
{
	json_t           *json = NULL, *array;
	struct operation *list;
	size_t            count;
	uint64_t          limit;

	if (!call_number(call, "limit", 1, 1000, 100, &limit, err) ||
	    !operation_list(call->db, call->arena, call->project_id, (size_t)limit, &list, &count, err))
		return false;
	json = json_object();
	array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, operation_json(&list[i]));
	json_put(json, "operations", array);
	return call_json(call, 200, json);
}

struct operation_wait {
	int64_t deadline_ms;
};

bool operation_get(struct call *call, struct err *err)
{
	struct operation_wait *wait = call->request->state;
	struct operation       o;
	uint64_t               wait_s;

	if (!call_number(call, "wait", 0, 60, 0, &wait_s, err) || !operation_find(call->db, call->arena, call_x(call), &o, err))
		return false;
	if (strcmp(o.project_id, call->project_id) != 0)
		return err_set(err, ERR_NOT_FOUND, "there is no operation %s", call_x(call));
	if (wait == NULL) {
		wait = arena_alloc(call->arena, sizeof(*wait));
		wait->deadline_ms = clock_mono_ms() + (int64_t)wait_s * 1000;
		call->request->state = wait;
	}
	if (o.ended_at == 0 && clock_mono_ms() < wait->deadline_ms)
		return call_park(call, "operation", o.id, wait->deadline_ms);
	return call_json(call, 200, operation_json(&o));
}

/* ---- starting ---- */

/* Takes `request`. 202 with the operation as stored just now. */
static bool start(struct call *call, struct command_operation *c, json_t *request, struct err *err)
{
	AUTO(json_freep) json_t *json = request;
	struct command_reply     reply;
	struct operation         o;
	char                     id[ID_SIZE], order_id[ID_SIZE];

	id_new(id);
	id_new(order_id);
	c->id = id;
	c->order_id = order_id;
	c->request = json_write(call->arena, json);
	return command_operation(call_worker(call), call->arena, &call->who, c, &reply, err) &&
	       operation_find(call->db, call->arena, reply.id, &o, err) && call_json(call, 202, operation_json(&o));
}

static bool start_on_authority(struct call *call, const char *kind, json_t *request, struct err *err)
{
	struct command_operation c = { .kind = kind, .authority = call_x(call), .certificate = "" };

	return start(call, &c, request, err);
}

static bool start_plain(struct call *call, const char *kind, struct err *err)
{
	char nothing;

	return call_bind(call, NULL, 0, &nothing, err) && start_on_authority(call, kind, json_object(), err);
}

bool authority_test(struct call *call, struct err *err)
{
	return start_plain(call, "authority-test", err);
}

bool account_find_post(struct call *call, struct err *err)
{
	return start_plain(call, "account-find", err);
}

bool account_deactivate(struct call *call, struct err *err)
{
	return start_plain(call, "account-deactivate", err);
}

struct account_update_request {
	const char *email;
	bool        agree_terms;
};

const struct json_field account_update_fields[] = {
	{ JSON_FIELD(struct account_update_request, email, STR) },
	{ JSON_FIELD(struct account_update_request, agree_terms, BOOL) },
};
const size_t account_update_fields_count = ARRAY_LEN(account_update_fields);

bool account_update(struct call *call, struct err *err)
{
	struct account_update_request request = { 0 };
	json_t                       *json;

	if (!call_bind(call, account_update_fields, account_update_fields_count, &request, err))
		return false;
	json = json_object();
	if (request.email != NULL)
		json_put_str(json, "email", request.email);
	json_put_bool(json, "agree_terms", request.agree_terms);
	return start_on_authority(call, "account-update", json, err);
}

struct account_rollover_request {
	const char *key_type;
};

const struct json_field account_rollover_fields[] = { { JSON_FIELD(struct account_rollover_request, key_type, STR) } };
const size_t            account_rollover_fields_count = ARRAY_LEN(account_rollover_fields);

bool account_rollover(struct call *call, struct err *err)
{
	struct account_rollover_request request = { 0 };
	json_t                         *json;

	if (!call_bind(call, account_rollover_fields, account_rollover_fields_count, &request, err))
		return false;
	json = json_object();
	if (request.key_type != NULL)
		json_put_str(json, "key_type", request.key_type);
	return start_on_authority(call, "account-rollover", json, err);
}

struct revoke_request {
	const char *reason, *method, *authority;
	int64_t     version;
	bool        reissue;
};

const struct json_field revoke_fields[] = {
	{ JSON_FIELD(struct revoke_request, reason, STR) },
	{ JSON_FIELD(struct revoke_request, method, STR) },
	{ JSON_FIELD(struct revoke_request, authority, STR) },
	{ JSON_FIELD(struct revoke_request, version, INT) },
	{ JSON_FIELD(struct revoke_request, reissue, BOOL) },
};
const size_t revoke_fields_count = ARRAY_LEN(revoke_fields);

bool certificate_revoke(struct call *call, struct err *err)
{
	struct revoke_request    request = { .reason = "", .method = "", .authority = "" };
	struct command_operation c = { .kind = "certificate-revoke", .certificate = call_x(call) };
	json_t                  *json;

	if (!call_bind(call, revoke_fields, revoke_fields_count, &request, err))
		return false;
	if (request.version < 0)
		return err_set(err, ERR_INPUT, "version must be the number of a version");
	c.authority = request.authority;
	c.version = request.version;
	json = json_object();
	json_put_str(json, "reason", request.reason);
	json_put_str(json, "method", request.method);
	json_put_bool(json, "reissue", request.reissue);
	return start(call, &c, json, err);
}
