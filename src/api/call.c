/*
 * api/call.c: what every handler needs: reading the body and the query, answering, parking, roles.
 */
#include "api/call.h"

#include "base/clock.h"

bool call_bind(struct call *call, const struct json_field *fields, size_t count, void *ret, struct err *err)
{
	AUTO(json_freep) json_t *empty = json_object();

	return json_bind(call->arena, call->body != NULL ? call->body : empty, fields, count, call->style == STYLE_V1,
			 ret, err);
}

bool call_number(struct call *call, const char *name, uint64_t min, uint64_t max, uint64_t otherwise, uint64_t *ret,
                 struct err *err)
{
	const char *text = http_target_param(call->request->target, name);
	uint64_t    value = otherwise;

	if (text != NULL && (!str_to_u64(str_c(text), &value) || value < min || value > max))
		return err_set(err, ERR_INPUT, "%s must be a whole number from %llu to %llu", name,
			       (unsigned long long)min, (unsigned long long)max);
	*ret = value;
	return true;
}

bool call_text(struct call *call, int status, const char *content_type, struct str body)
{
	call->answer->status = status;
	call->answer->content_type = content_type;
	call->answer->body = body;
	return true;
}

bool call_json(struct call *call, int status, json_t *json)
{
	call_text(call, status, "application/json", str_c(json_write(call->arena, json)));
	json_decref(json);
	return true;
}

bool call_empty(struct call *call, int status)
{
	call->answer->status = status;
	return true;
}

bool call_header(struct call *call, const char *name, const char *value)
{
	for (size_t i = 0; i < HTTP_ANSWER_HEADERS_MAX; i++) {
		if (call->answer->headers[i].name == NULL) {
			call->answer->headers[i] = (struct http_header){ name, value };
			return true;
		}
	}
	abort(); /* our own code set more than there is room for */
}

bool call_park(struct call *call, const char *kind, const char *id, int64_t deadline_ms)
{
	call->parked = true;
	call->answer->kind = kind;
	call->answer->id = arena_strdup(call->arena, id);
	call->answer->deadline_ms = deadline_ms;
	return true;
}

bool call_role(const struct call *call, enum keeper_role least, struct err *err)
{
	if (call->grant.role >= least)
		return true;
	err_problem(err, ERR_DENIED, "forbidden", "%s privileges required", keeper_role_name(least));
	return err_hint(err, "use a token with role %s or above", keeper_role_name(least));
}

bool slug_check(const char *what, const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (len >= 1 && len <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len)
		return true;
	err_set(err, ERR_INPUT, "%s is 1 to 64 characters of a-z, 0-9 and '-'", what);
	return err_hint(err, "choose a name such as \"lets-encrypt\"");
}

void put_time(json_t *object, const char *key, int64_t at_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	json_put_str(object, key, at_ms != 0 ? clock_rfc3339(at_ms, text) : NULL);
}

void put_text_or_null(json_t *object, const char *key, const char *value)
{
	json_put_str(object, key, value != NULL && value[0] != '\0' ? value : NULL);
}
