/*
 * api/limits.c: the limits of an authority and what is left of them; dry runs; and the drill.
 */
#include "api/call.h"
#include "base/clock.h"
#include "store/certificate.h"
#include "store/order.h"
#include "workflow/admit.h"
#include "workflow/policy.h"

#define BUCKETS_MAX 200

struct limits_request {
	const char *staging, *limits;
	int64_t     rehearse_after;
	bool        has_staging, has_limits, has_rehearse_after;
};

const struct json_field limits_fields[] = {
	{ JSON_FIELD(struct limits_request, staging, STR), .present = offsetof(struct limits_request, has_staging) + 1 },
	{ JSON_FIELD(struct limits_request, rehearse_after, INT), .present = offsetof(struct limits_request, has_rehearse_after) + 1 },
	{ JSON_FIELD(struct limits_request, limits, STR), .present = offsetof(struct limits_request, has_limits) + 1 },
};
const size_t limits_fields_count = ARRAY_LEN(limits_fields);

static json_t *kinds_json(struct call *call, const struct gate *g)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < LIMIT__COUNT; i++) {
		const struct limit *l = &g->limits.limit[i];
		json_t             *x;

		if (l->count == 0)
			continue;
		x = json_object();
		json_put_str(x, "name", limit_kinds[i].name);
		json_put_str(x, "text", arena_printf(call->arena, "%s: %s", limit_kinds[i].text, limit_text(call->arena, l)));
		json_put_int(x, "count", l->count);
		json_put_int(x, "window_s", l->window_ms / 1000);
		json_array_append_new(array, x);
	}
	return array;
}

/* Those of our account; and of the CA as a whole, as far as this server took from them. */
static bool put_buckets(struct call *call, const struct gate *g, const char *scope, bool all_accounts, json_t *array, struct err *err)
{
	struct bucket *list;
	size_t         count;
	int64_t        now = clock_now_ms();

	if (!bucket_list(call->db, call->arena, scope, now, BUCKETS_MAX, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		for (unsigned id = 0; id < LIMIT__COUNT; id++) {
			const struct limit *l = &g->limits.limit[id];
			json_t             *x;

			if (strcmp(limit_kinds[id].name, list[i].name) != 0 || limit_kinds[id].all_accounts != all_accounts)
				continue;
			x = json_object();
			json_put_str(x, "name", list[i].name);
			json_put_str(x, "key", list[i].key);
			if (l->count > 0)
				json_put_int(x, "left", limit_left(l, list[i].full_at, now));
			else
				json_put(x, "left", json_null());
			put_time(x, "next_at", l->count > 0 ? limit_next_at(l, list[i].full_at, now) : 0);
			put_time(x, "held_until", list[i].held_until > now && list[i].held_until != POLICY_NEVER ? list[i].held_until : 0);
			json_put_bool(x, "paused", list[i].held_until == POLICY_NEVER);
			put_text_or_null(x, "held_text", list[i].held_text);
			put_text_or_null(x, "held_url", list[i].held_url);
			json_array_append_new(array, x);
		}
	}
	return true;
}

static bool limits_answer(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *json = json_object(), *buckets = json_array();
	struct authority         x, staging = { .name = "" };
	struct gate              g;

	if (!authority_find_named(call->db, call->arena, call->project_id, call_x(call), &x, err) ||
	    !gate_settings(call->db, call->arena, &x, &g, err) ||
	    (g.policy.staging_id[0] != '\0' && !authority_find(call->db, call->arena, g.policy.staging_id, &staging, err)) ||
	    !put_buckets(call, &g, x.id, false, buckets, err) || !put_buckets(call, &g, x.directory_url, true, buckets, err))
		return false;
	json_put_str(json, "authority", x.name);
	put_text_or_null(json, "staging", staging.name);
	json_put_str(json, "known_staging_url", g.limits.staging_url);
	json_put_int(json, "rehearse_after", g.policy.rehearse_after);
	json_put_bool(json, "renewals_in_window_exempt", g.limits.window_exempt);
	json_put(json, "limits", kinds_json(call, &g));
	json_put(json, "buckets", TAKE(buckets));
	return call_json(call, 200, TAKE(json));
}

bool limits_get(struct call *call, struct err *err)
{
	return limits_answer(call, err);
}

bool limits_patch(struct call *call, struct err *err)
{
	struct limits_request request = { .staging = "", .limits = "" };
	struct command_limits c;
	struct command_reply  reply;

	if (!call_bind(call, limits_fields, limits_fields_count, &request, err))
		return false;
	c = (struct command_limits){ .authority = call_x(call), .has_staging = request.has_staging, .staging = request.staging,
		                     .has_rehearse_after = request.has_rehearse_after, .rehearse_after = request.rehearse_after,
		                     .has_limits = request.has_limits, .limits = request.limits };
	return command_limits(call_worker(call), call->arena, &call->who, &c, &reply, err) && limits_answer(call, err);
}

bool certificate_rehearse(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *json = json_object();
	struct command_reply     reply;
	struct certificate       c;
	struct order             o;
	json_t                  *part;
	char                     order_id[ID_SIZE], nothing;

	if (!call_bind(call, NULL, 0, &nothing, err) ||
	    !certificate_find_named(call->db, call->arena, call->project_id, call_x(call), &c, err))
		return false;
	id_new(order_id);
	if (!command_rehearse(call_worker(call), call->arena, &call->who, c.id, order_id, &reply, err) ||
	    !order_find(call->db, call->arena, reply.order_id, &o, err))
		return false;
	part = order_json(call, &o, false, err);
	if (part == NULL)
		return false;
	json_put(json, "order", part);
	return call_json(call, 202, TAKE(json));
}

bool drill_get(struct call *call, struct err *err)
{
	const char *after = http_target_param(call->request->target, "after");
	const char *name = http_target_param(call->request->target, "certificate");
	const char *report;

	if (after != NULL && after[0] != '\0' && !id_valid(str_c(after)))
		return err_set(err, ERR_INPUT, "after must be the `next` of the page before");
	return command_drill(call_worker(call), call->arena, &call->who, after != NULL ? after : "", name != NULL ? name : "", &report,
	                     err) &&
	       call_text(call, 200, "application/json", str_c(report));
}
