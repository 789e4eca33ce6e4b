/*
 * api/debt.c: TXT values that should be gone and are not: which, since when, why, and when each is tried again.
 */
#include "api/call.h"
#include "base/clock.h"
#include "store/connection.h"
#include "store/txt_record.h"

#define SHOWN_DEFAULT 100
#define SHOWN_MAX     1000

static json_t *debt_json(const struct debt_summary *s)
{
	json_t *json = json_object();

	json_put_int(json, "count", s->count);
	json_put_int(json, "given_up", s->given_up);
	put_time(json, "oldest_at", s->oldest_at);
	json_put_bool(json, "alert", s->alert);
	return json;
}

/* NULL + err. */
static json_t *value_json(struct call *call, const struct txt_record *r, struct err *err)
{
	struct connection connection;
	bool              failed = strcmp(r->state, "debt") == 0;
	json_t           *json;

	if (!connection_find(call->db, call->arena, r->connection_id, &connection, err))
		return NULL;
	json = json_object();
	json_put_str(json, "owner", r->owner);
	json_put_str(json, "value", r->value);
	json_put_str(json, "zone", r->zone);
	json_put_str(json, "connection", connection.name);
	json_put_str(json, "provider", connection.provider);
	json_put_str(json, "order", r->order_id);
	put_time(json, "since", r->retired_at);
	json_put_int(json, "failures", r->failures);
	json_put_bool(json, "given_up", failed && r->retry_at == 0);
	put_time(json, "next_try_at", r->retry_at);
	put_text_or_null(json, "problem", r->problem);
	put_text_or_null(json, "detail", r->detail);
	put_text_or_null(json, "hint", r->hint);
	return json;
}

bool debt_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	struct txt_record       *list;
	struct debt_summary      summary;
	int64_t                  now = clock_now_ms();
	uint64_t                 limit;
	size_t                   count;
	json_t                  *json;

	if (!call_number(call, "limit", 1, SHOWN_MAX, SHOWN_DEFAULT, &limit, err) ||
	    !txt_record_debt(call->db, call->project_id, now, &summary, err) ||
	    !txt_record_list_debt(call->db, call->arena, call->project_id, now, (int64_t)limit, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		json = value_json(call, &list[i], err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = debt_json(&summary);
	json_put(json, "values", TAKE(array));
	return call_json(call, 200, json);
}

bool debt_retry_post(struct call *call, struct err *err)
{
	struct command_reply reply;
	struct debt_summary  summary;

	return command_debt_retry(call_worker(call), call->arena, &call->who, &reply, err) &&
	       txt_record_debt(call->db, call->project_id, clock_now_ms(), &summary, err) &&
	       call_json(call, 202, debt_json(&summary));
}
