/*
 * store/notification.h: who is told (notifiers), what is wrong (conditions), what happened (events), and each message
 * about it (notifications).
 *
 * Bounds   an unsent queue of NOTIFICATIONS_OPEN_MAX per notifier; what finds it full is counted and not kept.
 *          Messages that have ended, and their events, are kept for NOTIFICATIONS_KEEP_MS.
 */
#ifndef REEVE_STORE_NOTIFICATION_H
#define REEVE_STORE_NOTIFICATION_H

#include "store/db.h"

#define NOTIFICATIONS_OPEN_MAX 200
#define NOTIFICATIONS_KEEP_MS  ((int64_t)30 * 86400 * 1000)

struct notifier {
	const char *id, *project_id, *name, *kind, *settings /* JSON */, *events /* space separated; "": the default */;
	struct str  secret; /* sealed; NULL without one */
	int64_t     secret_version, created_at, removed_at, dropped, row_version;
	struct str  mac; /* of notifier_canonical() */
};
/* What the row MAC covers: where messages and the password go. */
struct str notifier_canonical(struct arena *a, const struct notifier *n);
/* ERR_CONFLICT "already-exists" when the project has a live one of this name. */
MUST_CHECK bool notifier_insert(struct db *db, const struct notifier *n, struct err *err);
MUST_CHECK bool notifier_find(struct db *db, struct arena *a, const char *id, struct notifier *ret, struct err *err); /* removed too */
MUST_CHECK bool notifier_find_named(struct db *db, struct arena *a, const char *project_id, const char *name_or_id, struct notifier *ret, struct err *err);
MUST_CHECK bool notifier_list(struct db *db, struct arena *a, const char *project_id, struct notifier **ret, size_t *ret_count, struct err *err);
/* The projects that have one. */
MUST_CHECK bool notifier_projects(struct db *db, struct arena *a, const char ***ret, size_t *ret_count, struct err *err);
/* Settings, events, secret, mac; ERR_CONFLICT when the row is not of seen_version any more. */
MUST_CHECK bool notifier_update(struct db *db, const struct notifier *n, int64_t seen_version, struct err *err);
MUST_CHECK bool notifier_remove(struct db *db, const char *id, int64_t now, struct err *err);
/* It was told that so many were not kept. */
MUST_CHECK bool notifier_told_dropped(struct db *db, const char *id, int64_t count, struct err *err);

/*
 * The condition `key` is in `state`, from now on. *ret_news: it was not, or was told longer than remind_ms ago (0: never
 * again); *ret_again tells the latter.
 */
MUST_CHECK bool condition_set(struct db *db, const char *project_id, const char *key, const char *state, int64_t remind_ms, int64_t now,
                              bool *ret_news, bool *ret_again, struct err *err);
/* It is over; *ret_was: there was one. */
MUST_CHECK bool condition_clear(struct db *db, const char *project_id, const char *key, bool *ret_was, struct err *err);

struct event {
	const char *id, *project_id, *kind, *state, *name, *certificate_id, *order_id, *authority, *problem, *detail, *hint, *url;
	int64_t     version, not_after_at, next_try_at, at;
};
MUST_CHECK bool event_insert(struct db *db, const struct event *e, struct err *err);
MUST_CHECK bool event_find(struct db *db, struct arena *a, const char *id, struct event *ret, struct err *err);

struct notification {
	int64_t     id, attempts, next_try_at, created_at, ended_at;
	const char *notifier_id, *event_id, *recipient, *state, *message_id, *problem, *detail, *hint;
};
/* Into the queue, or counted as dropped when that is full. */
MUST_CHECK bool notification_queue(struct db *db, const char *notifier_id, const char *event_id, const char *recipient, int64_t now,
                                   struct err *err);
/* Unsent ones, oldest first. */
MUST_CHECK bool notification_list_open(struct db *db, struct arena *a, const char *notifier_id, size_t limit, struct notification **ret,
                                       size_t *ret_count, struct err *err);
/* Newest first. */
MUST_CHECK bool notification_list(struct db *db, struct arena *a, const char *notifier_id, size_t limit, struct notification **ret,
                                  size_t *ret_count, struct err *err);
/* An attempt begins: state sending, attempts + 1, part of this message. */
MUST_CHECK bool notification_start(struct db *db, int64_t id, const char *message_id, struct err *err);
/* state, problem, detail, hint, next_try_at, ended_at of `n`. */
MUST_CHECK bool notification_set(struct db *db, const struct notification *n, struct err *err);
/* All unsent ones of a notifier that are older than created_before end as `state`, keeping what was found out. */
MUST_CHECK bool notification_end_open(struct db *db, const char *notifier_id, int64_t created_before, const char *state, int64_t now,
                                      struct err *err);
/* What waits for its next try is due at once. */
MUST_CHECK bool notification_retry(struct db *db, const char *notifier_id, struct err *err);
/* Ended before `before`, with their events. */
MUST_CHECK bool notification_forget(struct db *db, const char *notifier_id, int64_t before, struct err *err);

struct notification_summary {
	int64_t     open, oldest_at, sent_at, next_try_at; /* 0: none */
	const char *problem, *detail, *hint; /* of the oldest that waits; "" */
};
MUST_CHECK bool notification_summary(struct db *db, struct arena *a, const char *notifier_id, struct notification_summary *ret,
                                     struct err *err);

#endif
