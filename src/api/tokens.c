/*
 * api/tokens.c: API tokens. The keeper makes them, the worker stores what the keeper made, and the text is shown
 * once and forgotten.
 */
#include "api/call.h"
#include "base/clock.h"
#include "crypto/secret.h"
#include "store/certificate.h"
#include "store/project.h"
#include "store/token.h"

#define DAY_MS (86400 * (int64_t)1000)

struct token_request {
	const char *name, *role, *project, *certificate;
	int64_t     expires_in_days;
};

const struct json_field token_fields[] = {
	{ JSON_FIELD(struct token_request, name, STR), .required = true },
	{ JSON_FIELD(struct token_request, role, STR) },
	{ JSON_FIELD(struct token_request, expires_in_days, INT) },
	{ JSON_FIELD(struct token_request, project, STR) },
	{ JSON_FIELD(struct token_request, certificate, STR) },
};
const size_t token_fields_count = ARRAY_LEN(token_fields);

/* NULL + err. */
static json_t *token_json(struct call *call, const struct token *t, struct err *err)
{
	struct certificate c = { .name = "" };
	json_t            *json;

	if (t->certificate_id[0] != '\0' && !certificate_find(call->db, call->arena, t->certificate_id, &c, err))
		return NULL;
	json = json_object();
	json_put_str(json, "id", t->id);
	json_put_str(json, "name", t->name);
	json_put_str(json, "role", t->role);
	json_put_str(json, "project", call->project_name);
	put_text_or_null(json, "certificate", c.name);
	put_time(json, "created_at", t->created_at);
	put_time(json, "expires_at", t->expires_at);
	return json;
}

/* A narrow token: it reads the bundle of one certificate. */
static bool narrow_to(struct call *call, const char *certificate, struct keeper_token *row, struct err *err)
{
	struct certificate c;

	if (certificate[0] == '\0')
		return true;
	if (!certificate_find_named(call->db, call->arena, call->project_id, certificate, &c, err))
		return false;
	row->certificate_id = c.id;
	if (row->role != ROLE_ADMINISTRATOR)
		return true;
	err_set(err, ERR_INPUT, "a token of one certificate is a viewer's or an operator's");
	return err_hint(err, "leave role out: an operator gets the key, a viewer does not");
}

static bool row_make(struct call *call, const struct token_request *request, struct keeper_token *ret, struct err *err)
{
	size_t len = strlen(request->name);

	if (len < 1 || len > 64)
		return err_set(err, ERR_INPUT, "the name of a token is 1 to 64 bytes");
	if (request->expires_in_days < 1 || request->expires_in_days > 366)
		return err_set(err, ERR_INPUT, "expires_in_days must be 1 to 366");
	if (!keeper_role_parse(str_c(request->role), &ret->role))
		return err_set(err, ERR_INPUT, "role must be viewer, operator or administrator");
	ret->project_id = call->project_id;
	ret->name = request->name;
	ret->created_at = clock_now_ms();
	ret->expires_at = ret->created_at + request->expires_in_days * DAY_MS;
	ret->row_version = 1;
	return true;
}

bool token_create(struct call *call, struct err *err)
{
	struct token_request     request = { .role = "operator", .project = "", .certificate = "", .expires_in_days = 90 };
	struct keeper_token      row = { .certificate_id = "" };
	struct keeper_token_made made = { 0 };
	struct command_reply     reply;
	struct token             t;
	char                     id[TOKEN_ID_SIZE];
	json_t                  *json;

	if (!call_bind(call, token_fields, token_fields_count, &request, err) ||
	    (request.project[0] != '\0' && !call_project(call, request.project, err)) ||
	    !row_make(call, &request, &row, err) || !narrow_to(call, request.certificate, &row, err))
		return false;
	api_token_id_new(id);
	row.id = id;
	if (!keeper_token_new(call_keeper(call), call->grant.bytes, &row, call->arena, &made, err))
		return false;
	t = (struct token){
		.id = row.id, .project_id = row.project_id, .name = row.name, .role = keeper_role_name(row.role),
		.certificate_id = row.certificate_id,
		.digest = str_of(made.digest, sizeof(made.digest)), .mac = str_of(made.mac, sizeof(made.mac)),
		.created_at = row.created_at, .expires_at = row.expires_at, .row_version = row.row_version,
	};
	if (!command_token_add(call_worker(call), call->arena, &call->who, &t, &reply, err))
		return false;
	json = token_json(call, &t, err);
	if (json != NULL) {
		json_put_str(json, "token", made.text);
		call->answer->secret = true;
		call_json(call, 201, json);
	}
	wipe((void *)(uintptr_t)made.text, strlen(made.text));
	return json != NULL;
}

bool token_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	struct token            *list;
	size_t                   count;
	json_t                  *json;

	if (!token_list(call->db, call->arena, call->project_id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (list[i].revoked_at != 0)
			continue;
		json = token_json(call, &list[i], err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = json_object();
	json_put(json, "tokens", TAKE(array));
	return call_json(call, 200, json);
}

bool token_delete(struct call *call, struct err *err)
{
	struct command_reply reply;

	if (!command_token_revoke(call_worker(call), call->arena, &call->who, call_x(call), &reply, err))
		return false;
	call_forget_grants(call);
	return call_empty(call, 204);
}
