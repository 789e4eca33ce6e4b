/*
 * notify/send.c: see the header. The password of a mail server is here for the time of one connection.
 */
#include "notify/send.h"

#include "base/clock.h"
#include "crypto/secret.h"
#include "deploy/webhook.h"
#include "keeper/keeper.h"
#include "notify/mail.h"

size_t notify_events_max(enum notify_target kind)
{
	return kind == NOTIFY_SMTP ? NOTIFY_EVENTS_MAX : 1;
}

static const char *dropped_text(struct arena *a, const struct notify_message *m)
{
	return m->dropped == 0 ? ""
	                       : arena_printf(a,
	                                      "%lld more %s not kept, because too many waited to be sent: look at "
	                                      "`reeve certificate list` and `reeve doctor`.\n\n",
	                                      (long long)m->dropped, m->dropped == 1 ? "message was" : "messages were");
}

/* ---- webhook ---- */

static void put_time_or_null(json_t *object, const char *key, int64_t at_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	json_put_str(object, key, at_ms != 0 ? clock_rfc3339(at_ms, text) : NULL);
}

static void put_or_null(json_t *object, const char *key, const char *value)
{
	json_put_str(object, key, value[0] != '\0' ? value : NULL);
}

const char *notify_webhook_body(struct arena *a, const struct notify_message *m)
{
	AUTO(json_freep) json_t *json = json_object();
	const struct event      *e = &m->events[0];
	const char              *title = event_subject(a, e), *text = arena_printf(a, "%s%s", dropped_text(a, m), event_text(a, e));
	json_t                  *details = json_object();

	json_put_str(json, "id", e->id);
	json_put_str(json, "event", e->kind);
	json_put_str(json, "state", e->state);
	json_put_str(json, "title", title);
	json_put_str(json, "message", text);
	/* What chat servers look for. */
	json_put_str(json, "text", arena_printf(a, "%s\n%s", title, text));
	json_put_str(details, "project", m->project);
	put_or_null(details, "name", e->name);
	put_or_null(details, "certificate_id", e->certificate_id);
	put_or_null(details, "order_id", e->order_id);
	put_or_null(details, "authority", e->authority);
	json_put(details, "version", e->version != 0 ? json_integer(e->version) : json_null());
	put_time_or_null(details, "not_after", e->not_after_at);
	put_or_null(details, "problem", e->problem);
	put_or_null(details, "detail", e->detail);
	put_or_null(details, "hint", e->hint);
	put_or_null(details, "url", e->url);
	put_time_or_null(details, "next_try_at", e->next_try_at);
	json_put_int(details, "dropped", m->dropped);
	json_put(json, "details", details);
	put_time_or_null(json, "timestamp", e->at);
	return json_write(a, json);
}

static bool send_webhook(struct http_client *http, struct ipc_peer *keeper, struct arena *a, const struct notify_settings *s,
                         const struct notify_message *m, const char **ret_answer, struct err *err)
{
	const struct notifier *n = m->notifier;
	struct webhook_post    post = { .url = s->url, .ca_pem = s->ca_pem, .allowed = s->cidrs, .allowed_count = s->cidrs_count,
		                        .timeout_s = s->timeout_s, .id_header = "X-Reeve-Event", .id = m->events[0].id,
		                        .secret_id = { n->project_id, KEEPER_COLUMN_NOTIFIER, n->id, n->secret_version },
		                        .secret = n->secret, .body = str_c(notify_webhook_body(a, m)) };
	int                    status;

	if (!webhook_post(http, keeper, a, &post, &status, err))
		return false;
	*ret_answer = arena_printf(a, "HTTP %d", status);
	return true;
}

/* ---- mail ---- */

const char *notify_mail_text(struct arena *a, const struct notify_message *m)
{
	struct buf  b;
	const char *text;

	buf_init(&b, 256 * KIB);
	buf_add_c(&b, dropped_text(a, m));
	for (size_t i = 0; i < m->events_count; i++) {
		if (m->events_count > 1)
			buf_printf(&b, "%s(%zu of %zu)\n", i > 0 ? "\n" : "", i + 1, m->events_count);
		buf_add_c(&b, event_text(a, &m->events[i]));
	}
	buf_printf(&b,
	           "\n-- \nReeve sends this because of the notifier %s of project %s.\n"
	           "What it is told of: reeve notify update %s --event ...\n",
	           m->notifier->name, m->project, m->notifier->name);
	text = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return text;
}

static const char *mail_subject(struct arena *a, const struct notify_message *m)
{
	if (m->events_count == 1)
		return arena_printf(a, "[reeve] %s", event_subject(a, &m->events[0]));
	return arena_printf(a, "[reeve] %zu events: %s, ...", m->events_count, event_subject(a, &m->events[0]));
}

static bool send_mail(struct ipc_peer *keeper, struct arena *a, const struct notify_settings *s, const struct notify_message *m,
                      const char **ret_answer, struct err *err)
{
	const struct notifier *n = m->notifier;
	const char *const     *to = s->to.count > 0 ? s->to.items : &m->recipient;
	size_t                 to_count = s->to.count > 0 ? s->to.count : 1;
	struct mail            mail = { .from = s->from, .sender_name = "Reeve", .to = to, .to_count = to_count, .id = m->message_id,
		                        .subject = mail_subject(a, m), .text = notify_mail_text(a, m), .events = "",
		                        .at_ms = m->events[m->events_count - 1].at };
	struct smtp_request    request = { .host = s->host, .port = (uint16_t)s->port, .security = s->security_is, .username = s->username,
		                           .from = s->from, .to = to, .to_count = to_count, .ca_pem = str_c(s->ca_pem),
		                           .allowed = s->cidrs, .allowed_count = s->cidrs_count,
		                           .timeout_ms = (uint32_t)s->timeout_s * 1000 };
	struct record_id       id = { n->project_id, KEEPER_COLUMN_SMTP, n->id, n->secret_version };
	bool                   ok;

	if (s->to.count == 0 && m->recipient[0] == '\0') {
		err_problem(err, ERR_CONFIG, "configuration", "nobody to send it to: the authority has no account e-mail");
		return err_hint(err, "name a recipient: reeve notify update %s --to ADDRESS", n->name);
	}
	if (s->username[0] != '\0' && n->secret.len == 0) {
		err_problem(err, ERR_CONFIG, "configuration", "there is no password for %s", s->username);
		return err_hint(err, "give it: reeve notify update %s --password-file FILE", n->name);
	}
	for (size_t i = 0; i < m->events_count; i++)
		mail.events = arena_printf(a, "%s%s%s", mail.events, i > 0 ? " " : "", m->events[i].id);
	request.message = mail_write(a, &mail);
	if (s->username[0] != '\0' && !keeper_open_credential(keeper, &id, n->secret, a, &request.password, err))
		return false;
	ok = smtp_send(&request, a, ret_answer, err);
	if (request.password.len > 0)
		wipe((void *)(uintptr_t)request.password.ptr, request.password.len);
	return ok;
}

bool notify_send(struct http_client *http, struct ipc_peer *keeper, struct arena *a, enum notify_target kind,
                 const struct notify_settings *s, const struct notify_message *m, const char **ret_answer, struct err *err)
{
	switch (kind) {
	case NOTIFY_WEBHOOK:
		return send_webhook(http, keeper, a, s, m, ret_answer, err);
	case NOTIFY_SMTP:
		return send_mail(keeper, a, s, m, ret_answer, err);
	case NOTIFY_TARGET__COUNT:
		break;
	}
	return err_set(err, ERR_PERMANENT, "a notifier of no kind");
}
