/*
 * api/notifications.c: who is told when something happens, and what came of the messages. Secrets go in and never out.
 */
#include "api/call.h"
#include "notify/event.h"
#include "notify/target.h"

#define SECRET_MAX 512

struct notification_request {
	const char         *name, *kind, *secret;
	const json_t       *settings;
	struct json_strings events;
	bool                has_events;
};

const struct json_field notification_fields[] = {
	{ JSON_FIELD(struct notification_request, name, STR), .required = true },
	{ JSON_FIELD(struct notification_request, kind, STR), .required = true },
	{ JSON_FIELD(struct notification_request, settings, OBJECT), .required = true },
	{ JSON_FIELD(struct notification_request, events, STR_ARRAY) },
	{ JSON_FIELD(struct notification_request, secret, STR) },
};
const size_t notification_fields_count = ARRAY_LEN(notification_fields);

const struct json_field notification_patch_fields[] = {
	{ JSON_FIELD(struct notification_request, settings, OBJECT) },
	{ JSON_FIELD(struct notification_request, events, STR_ARRAY), .present = offsetof(struct notification_request, has_events) + 1 },
	{ JSON_FIELD(struct notification_request, secret, STR) },
};
const size_t notification_patch_fields_count = ARRAY_LEN(notification_patch_fields);

/* ---- shapes ---- */

static json_t *message_json(struct call *call, const struct notification *n, struct err *err)
{
	struct event e;
	json_t      *json;

	if (!event_find(call->db, call->arena, n->event_id, &e, err))
		return NULL;
	json = json_object();
	json_put_str(json, "event_id", e.id);
	json_put_str(json, "event", e.kind);
	json_put_str(json, "event_state", e.state);
	json_put_str(json, "title", event_subject(call->arena, &e));
	put_text_or_null(json, "certificate_id", e.certificate_id);
	put_text_or_null(json, "order_id", e.order_id);
	json_put_str(json, "state", n->state);
	json_put_int(json, "attempts", n->attempts);
	put_text_or_null(json, "problem", n->problem);
	put_text_or_null(json, "detail", n->detail);
	put_text_or_null(json, "hint", n->hint);
	put_time(json, "next_try_at", n->next_try_at);
	put_time(json, "created_at", n->created_at);
	put_time(json, "ended_at", n->ended_at);
	return json;
}

/* With the newest messages when `shown` is not 0. NULL + err. */
static json_t *notifier_json(struct call *call, const struct notifier *n, size_t shown, struct err *err)
{
	AUTO(json_freep) json_t    *json = json_object();
	struct notification_summary s;
	struct notification        *list;
	size_t                      count;
	unsigned                    mask;
	json_t                     *part;

	if (!notification_summary(call->db, call->arena, n->id, &s, err) || !notify_events_parse(str_c(n->events), &mask, err))
		return NULL;
	json_put_str(json, "id", n->id);
	json_put_str(json, "name", n->name);
	json_put_str(json, "kind", n->kind);
	part = json_loads(n->settings, 0, NULL);
	json_put(json, "settings", part != NULL ? part : json_object());
	json_put(json, "events", names_json(notify_events_write(call->arena, mask)));
	json_put_bool(json, "secret_set", n->secret.len > 0);
	json_put_int(json, "waiting", s.open);
	put_time(json, "waiting_since", s.oldest_at);
	json_put_int(json, "dropped", n->dropped);
	put_text_or_null(json, "problem", s.problem);
	put_text_or_null(json, "detail", s.detail);
	put_text_or_null(json, "hint", s.hint);
	put_time(json, "next_try_at", s.next_try_at);
	put_time(json, "last_sent_at", s.sent_at);
	put_time(json, "created_at", n->created_at);
	if (shown == 0)
		return TAKE(json);
	if (!notification_list(call->db, call->arena, n->id, shown, &list, &count, err))
		return NULL;
	part = json_array();
	json_put(json, "messages", part);
	for (size_t i = 0; i < count; i++) {
		json_t *one = message_json(call, &list[i], err);

		if (one == NULL)
			return NULL;
		json_array_append_new(part, one);
	}
	return TAKE(json);
}

static bool notifier_answer(struct call *call, int status, const char *name_or_id, size_t shown, struct err *err)
{
	struct notifier n;
	json_t         *json;

	if (!notifier_find_named(call->db, call->arena, call->project_id, name_or_id, &n, err))
		return false;
	json = notifier_json(call, &n, shown, err);
	return json != NULL && call_json(call, status, json);
}

/* ---- /v1/notifications ---- */

/* Into the form in which it is stored. */
static bool events_take(struct call *call, const struct json_strings *events, const char **ret, struct err *err)
{
	const char *text = "";
	unsigned    mask;

	for (size_t i = 0; i < events->count; i++)
		text = arena_printf(call->arena, "%s%s%s", text, i > 0 ? " " : "", events->items[i]);
	*ret = text;
	return notify_events_parse(str_c(text), &mask, err);
}

static bool secret_seal(struct call *call, struct notifier *n, enum notify_target kind, const char *secret, struct err *err)
{
	struct record_id record = { n->project_id, kind == NOTIFY_SMTP ? KEEPER_COLUMN_SMTP : KEEPER_COLUMN_NOTIFIER, n->id,
		                    n->row_version };

	if (strlen(secret) > SECRET_MAX)
		return err_set(err, ERR_INPUT, "the secret is longer than %d bytes", SECRET_MAX);
	n->secret_version = n->row_version;
	return keeper_seal(call_keeper(call), &record, str_c(secret), call->arena, &n->secret, err);
}

/* What goes together: a password only for a user. */
static bool secret_check(const struct notifier *n, enum notify_target kind, const struct notify_settings *s, struct err *err)
{
	if (kind != NOTIFY_SMTP || (s->username[0] != '\0') == (n->secret.len > 0))
		return true;
	if (n->secret.len > 0) {
		err_set(err, ERR_INPUT, "there is a password, but no user");
		return err_hint(err, "\"username\" in settings, or \"secret\": \"\" to take the password away");
	}
	err_set(err, ERR_INPUT, "the password of %s is missing", s->username);
	return err_hint(err, "\"secret\": its password, or settings without \"username\"");
}

bool notification_create(struct call *call, struct err *err)
{
	struct notification_request request = { .secret = "" };
	struct command_notifier     in = { .n = { .project_id = call->project_id, .row_version = 1 } };
	struct notify_settings      settings;
	struct command_reply        reply;
	enum notify_target          kind;
	char                        id[ID_SIZE];

	if (!call_bind(call, notification_fields, notification_fields_count, &request, err) ||
	    !slug_check("a notifier", request.name, err) || !notify_target_find(request.kind, &kind, err) ||
	    !notify_settings_bind(call->arena, kind, request.settings, &settings, err) ||
	    !events_take(call, &request.events, &in.n.events, err))
		return false;
	id_new(id);
	in.n.id = id;
	in.n.name = request.name;
	in.n.kind = request.kind;
	in.n.settings = json_write(call->arena, request.settings);
	if (request.secret[0] != '\0' && !secret_seal(call, &in.n, kind, request.secret, err))
		return false;
	return secret_check(&in.n, kind, &settings, err) &&
	       command_notifier_add(call_worker(call), call->arena, &call->who, &in, &reply, err) &&
	       notifier_answer(call, 201, reply.id, 0, err);
}

bool notification_patch(struct call *call, struct err *err)
{
	struct notification_request request = { 0 };
	struct command_notifier     in;
	struct notify_settings      settings;
	struct command_reply        reply;
	enum notify_target          kind;

	if (!call_bind(call, notification_patch_fields, notification_patch_fields_count, &request, err) ||
	    !notifier_find_named(call->db, call->arena, call->project_id, call_x(call), &in.n, err) ||
	    !notify_target_find(in.n.kind, &kind, err))
		return false;
	in.seen_version = in.n.row_version++;
	if (request.settings != NULL)
		in.n.settings = json_write(call->arena, request.settings);
	if ((request.has_events && !events_take(call, &request.events, &in.n.events, err)) ||
	    !notify_settings_parse(call->arena, kind, in.n.settings, &settings, err))
		return false;
	if (request.secret != NULL && request.secret[0] == '\0')
		in.n.secret = str_of(NULL, 0);
	else if (request.secret != NULL && !secret_seal(call, &in.n, kind, request.secret, err))
		return false;
	return secret_check(&in.n, kind, &settings, err) &&
	       command_notifier_update(call_worker(call), call->arena, &call->who, &in, &reply, err) &&
	       notifier_answer(call, 200, reply.id, 0, err);
}

bool notification_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	struct notifier         *list;
	size_t                   count;
	json_t                  *json;

	if (!notifier_list(call->db, call->arena, call->project_id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		json = notifier_json(call, &list[i], 0, err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = json_object();
	json_put(json, "notifications", TAKE(array));
	return call_json(call, 200, json);
}

bool notification_get(struct call *call, struct err *err)
{
	uint64_t limit;

	return call_number(call, "limit", 1, 1000, 20, &limit, err) && notifier_answer(call, 200, call_x(call), (size_t)limit, err);
}

bool notification_test_post(struct call *call, struct err *err)
{
	struct command_reply reply;
	json_t              *json;

	if (!command_notifier_test(call_worker(call), call->arena, &call->who, call_x(call), &reply, err))
		return false;
	json = json_object();
	json_put_str(json, "id", reply.id);
	json_put_bool(json, "delivered", reply.problem[0] == '\0');
	put_text_or_null(json, "answer", reply.problem[0] == '\0' ? reply.detail : "");
	put_text_or_null(json, "problem", reply.problem);
	put_text_or_null(json, "detail", reply.problem[0] == '\0' ? "" : reply.detail);
	put_text_or_null(json, "hint", reply.hint);
	return call_json(call, 200, json);
}

bool notification_delete(struct call *call, struct err *err)
{
	struct command_reply reply;

	return command_notifier_remove(call_worker(call), call->arena, &call->who, call_x(call), &reply, err) && call_empty(call, 204);
}
