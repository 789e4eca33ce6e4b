/*
 * api/orders.c: orders with their timeline, and the long poll that follows one without holding a thread.
 */
#include "api/call.h"
#include "base/clock.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/failure.h"
#include "store/order.h"
#include "store/txt_record.h"

static bool put_authorizations(struct call *call, json_t *json, const char *order_id, struct err *err)
{
	struct authorization *list;
	size_t                count;
	json_t               *array;

	if (!authorization_list(call->db, call->arena, order_id, &list, &count, err))
		return false;
	array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *x = json_object();

		json_put_str(x, "name", list[i].name);
		json_put_bool(x, "wildcard", list[i].wildcard);
		json_put_str(x, "status", list[i].status);
		put_text_or_null(x, "owner", list[i].owner);
		put_text_or_null(x, "value", list[i].value);
		json_array_append_new(array, x);
	}
	json_put(json, "authorizations", array);
	return true;
}

static bool put_txt_records(struct call *call, json_t *json, const char *order_id, struct err *err)
{
	struct txt_record *list;
	size_t             count;
	json_t            *array;

	if (!txt_record_list_order(call->db, call->arena, order_id, &list, &count, err))
		return false;
	array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *x = json_object();

		json_put_str(x, "owner", list[i].owner);
		json_put_str(x, "value", list[i].value);
		json_put_str(x, "state", list[i].state);
		put_time(x, "live_at", list[i].live_at);
		put_time(x, "gone_at", list[i].gone_at);
		json_put_int(x, "seen_networks", list[i].seen_networks);
		json_array_append_new(array, x);
	}
	json_put(json, "txt_records", array);
	return true;
}

static bool put_timeline(struct call *call, json_t *json, const char *order_id, struct err *err)
{
	struct history *list;
	size_t          count;
	json_t         *array;

	if (!history_list(call->db, call->arena, order_id, &list, &count, err))
		return false;
	array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *x = json_object();

		put_time(x, "at", list[i].at);
		json_put_str(x, "kind", list[i].kind);
		json_put_str(x, "step", list[i].step);
		json_put_str(x, "outcome", list[i].outcome);
		json_put_str(x, "text", list[i].text);
		put_time(x, "until", list[i].until_at);
		json_array_append_new(array, x);
	}
	json_put(json, "timeline", array);
	return true;
}

json_t *order_json(struct call *call, const struct order *o, bool brief, struct err *err)
{
	AUTO(json_freep) json_t *json = json_object();
	struct certificate       certificate;
	struct authority         authority;
	struct rehearsal         rehearsal;
	struct err               missing = { 0 };

	if (!certificate_find(call->db, call->arena, o->certificate_id, &certificate, err) ||
	    !authority_find(call->db, call->arena, o->authority_id, &authority, err))
		return NULL;
	json_put_str(json, "id", o->id);
	json_put_str(json, "certificate_id", o->certificate_id);
	json_put(json, "names", names_json(certificate.names));
	json_put_str(json, "authority", authority.name);
	json_put_str(json, "status", o->status);
	json_put_bool(json, "dry_run", rehearsal_find(call->db, call->arena, o->certificate_id, &rehearsal, &missing));
	json_put_str(json, "step", o->step);
	put_text_or_null(json, "problem", o->problem);
	put_text_or_null(json, "detail", o->detail);
	put_text_or_null(json, "hint", o->hint);
	put_time(json, "next_try_at", o->next_try_at);
	put_text_or_null(json, "order_url", o->order_url);
	json_put_int(json, "requests", o->requests);
	json_put_int(json, "row_version", o->row_version);
	put_time(json, "created_at", o->created_at);
	put_time(json, "ended_at", o->ended_at);
	if (!brief && (!put_authorizations(call, json, o->id, err) || !put_txt_records(call, json, o->id, err) ||
		       !put_timeline(call, json, o->id, err)))
		return NULL;
	return TAKE(json);
}

bool order_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	const char              *name = http_target_param(call->request->target, "certificate");
	struct certificate       certificate = { .id = "" };
	struct order            *list;
	size_t                   count;
	uint64_t                 limit;
	json_t                  *json;

	if (!call_number(call, "limit", 1, 1000, 100, &limit, err))
		return false;
	if (name != NULL && name[0] != '\0' &&
	    !certificate_find_named(call->db, call->arena, call->project_id, name, &certificate, err))
		return false;
	if (!order_list(call->db, call->arena, call->project_id, certificate.id, (size_t)limit, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		json = order_json(call, &list[i], true, err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = json_object();
	json_put(json, "orders", TAKE(array));
	return call_json(call, 200, json);
}

/* What a long poll remembers between its runs. */
struct order_wait {
	int64_t seen, deadline_ms;
};

/* An order that has ended does not change again: it is answered at once. */
bool order_get(struct call *call, struct err *err)
{
	struct order_wait *wait = call->request->state;
	uint64_t           wait_s, seen;
	struct order       o;
	json_t            *json;

	if (!call_number(call, "wait", 0, 60, 0, &wait_s, err) || !call_number(call, "seen", 0, INT64_MAX, 0, &seen, err) ||
	    !order_find(call->db, call->arena, call_x(call), &o, err))
		return false;
	if (strcmp(o.project_id, call->project_id) != 0)
		return err_set(err, ERR_NOT_FOUND, "there is no order %s", call_x(call));
	if (wait == NULL) {
		wait = arena_alloc(call->arena, sizeof(*wait));
		wait->seen = http_target_param(call->request->target, "seen") != NULL ? (int64_t)seen : o.row_version;
		wait->deadline_ms = clock_mono_ms() + (int64_t)wait_s * 1000;
		call->request->state = wait;
	}
	if (o.row_version == wait->seen && strcmp(o.status, "running") == 0 && clock_mono_ms() < wait->deadline_ms)
		return call_park(call, "order", o.id, wait->deadline_ms);
	json = order_json(call, &o, false, err);
	return json != NULL && call_json(call, 200, json);
}

bool order_cancel(struct call *call, struct err *err)
{
	struct command_reply reply;
	struct order         o;
	json_t              *json;
	char                 nothing;

	if (!call_bind(call, NULL, 0, &nothing, err) ||
	    !command_cancel(call_worker(call), call->arena, &call->who, call_x(call), &reply, err) ||
	    !order_find(call->db, call->arena, reply.order_id, &o, err))
		return false;
	json = order_json(call, &o, false, err);
	return json != NULL && call_json(call, 200, json);
}
