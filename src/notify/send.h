/*
 * notify/send.h: one message to one notifier, now.
 *
 * Webhook  {"id", "event", "state", "title", "message", "text", "details", "timestamp"}; X-Reeve-Event is the id of the
 *          event, the same for each try; signed as deploy/webhook.h says.
 * Mail     one for several events; Message-ID is made of message_id, the same for each try.
 * Errors   as net/client.h, deploy/webhook.h and net/smtp.h say.
 */
#ifndef REEVE_NOTIFY_SEND_H
#define REEVE_NOTIFY_SEND_H

#include "net/client.h"
#include "notify/event.h"
#include "notify/target.h"

#define NOTIFY_EVENTS_MAX 25 /* in one mail */

struct ipc_peer;

struct notify_message {
	const struct notifier *notifier;
	const char            *project; /* its name */
	const char            *message_id;
	const char            *recipient; /* for a mail whose settings name none */
	const struct event    *events;
	size_t                 events_count; /* 1 for a webhook */
	int64_t                dropped;      /* so many more were not kept */
};

size_t notify_events_max(enum notify_target kind);
/* *ret_answer: what the other side said, for people. */
MUST_CHECK bool notify_send(struct http_client *http, struct ipc_peer *keeper, struct arena *a, enum notify_target kind,
                            const struct notify_settings *s, const struct notify_message *m, const char **ret_answer, struct err *err);

/* For tests and façades: what is sent. */
const char *notify_webhook_body(struct arena *a, const struct notify_message *m);
const char *notify_mail_text(struct arena *a, const struct notify_message *m);

#endif
