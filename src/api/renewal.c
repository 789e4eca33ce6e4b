/*
 * api/renewal.c: when a certificate is renewed and why then. The plan is computed here from the rows
 * that the worker computes it from; nothing is decided. Changing it is edit.c's.
 */
#include "api/call.h"
#include "base/clock.h"
#include "store/renewal.h"
#include "workflow/renewal_plan.h"

/* *ret is NULL before there is a row. */
static bool renewal_row(struct call *call, const char *certificate_id, struct renewal **ret, struct err *err)
{
	struct renewal *r = arena_alloc(call->arena, sizeof(*r));
	struct err      missing = { 0 };

	*ret = NULL;
	if (renewal_find(call->db, call->arena, certificate_id, r, &missing)) {
		*ret = r;
		return true;
	}
	if (missing.class == ERR_NOT_FOUND)
		return true;
	*err = missing;
	return false;
}

static json_t *window_json(const struct renewal *r)
{
	json_t *json;

	if (r == NULL || r->window_start_at == 0)
		return json_null();
	json = json_object();
	put_time(json, "start", r->window_start_at);
	put_time(json, "end", r->window_end_at);
	return json;
}

json_t *renewal_json(struct call *call, const struct certificate *c, const struct version *v, struct err *err)
{
	struct renewal_plan plan = { 0 };
	struct renewal     *r = NULL;
	json_t             *json;

	if (v != NULL) {
		if (!renewal_row(call, c->id, &r, err))
			return NULL;
		renewal_plan(c, v, r, &plan);
	}
	json = json_object();
	json_put_bool(json, "auto_renew", c->auto_renew);
	json_put_bool(json, "paused", c->paused_at != 0);
	put_text_or_null(json, "renew_before", c->renew_before);
	put_time(json, "due_at", plan.due_at);
	json_put_str(json, "reason", v != NULL ? renewal_reason_name(plan.reason) : NULL);
	json_put_str(json, "text", v != NULL ? renewal_plan_text(call->arena, &plan, c, v, r) : NULL);
	json_put(json, "window", window_json(r));
	put_text_or_null(json, "explanation_url", r != NULL ? r->explanation_url : "");
	put_text_or_null(json, "finding", r != NULL ? r->finding : "");
	put_time(json, "asked_at", r != NULL ? r->asked_at : 0);
	put_time(json, "ask_at", r != NULL ? r->ask_at : 0);
	json_put_int(json, "failures", r != NULL ? r->failures : 0);
	return json;
}

bool renewal_is_needed(struct call *call, const struct certificate *c, const struct version *v, bool *ret, struct err *err)
{
	struct renewal *r;

	if (!renewal_row(call, c->id, &r, err))
		return false;
	*ret = renewal_needed(c, v, r, clock_now_ms());
	return true;
}
