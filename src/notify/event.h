/*
 * notify/event.h: the kinds of events as a table, and what is said about them: what happened, why, what to change, when it
 * is tried again.
 *
 * Quiet    a notifier that names no events is told only of what may ask for a person.
 * States   "happened"; "again": the same is still so, a reminder; "over".
 * Text     plain, lines end with LF; every part that came from outside is one line without control bytes.
 */
#ifndef REEVE_NOTIFY_EVENT_H
#define REEVE_NOTIFY_EVENT_H

#include "store/notification.h"

enum notify_kind {
	NOTIFY_ISSUED,
	NOTIFY_RENEWED,
	NOTIFY_ISSUE_FAILED,
	NOTIFY_RENEWAL_FAILED,
	NOTIFY_EXPIRING,
	NOTIFY_DELEGATION_BROKEN,
	NOTIFY_DEPLOYMENT_FAILED,
	NOTIFY_DEBT,
	NOTIFY_CA_INCIDENT,
	NOTIFY_CA_UNREACHABLE,
	NOTIFY_CONNECTION_FAILED,
	NOTIFY_TEST,
	NOTIFY__COUNT
};

const char     *notify_kind_name(enum notify_kind kind); /* stored, and what people write */
MUST_CHECK bool notify_kind_find(struct str name, enum notify_kind *ret, struct err *err);
/* Space separated names; "" and "default" are the quiet ones, "all" are all. ERR_INPUT names the wrong one. */
MUST_CHECK bool notify_events_parse(struct str events, unsigned *ret_mask, struct err *err);
bool            notify_wanted(const char *events, enum notify_kind kind);
/* The names of a mask, space separated. */
const char     *notify_events_write(struct arena *a, unsigned mask);

/* One line, at most 200 bytes. */
const char *event_subject(struct arena *a, const struct event *e);
/* Paragraphs, without who is told. */
const char *event_text(struct arena *a, const struct event *e);

#endif
