/*
 * Notifiers, conditions, events and notifications. An event is written once, in the transaction of what happened; a
 * notification is one event for one notifier, and several of them may be sent as one message.
 */
#include "store/notification.h"

#include "base/wire.h"
#include "store/rows.h"

#define NOTIFIER_COLUMNS                                                                           \
	"id, project_id, name, kind, settings, events, secret, secret_version, created_at, removed_at, dropped, row_version, mac"

static bool notifier_read(const struct db_row *row, void *arg)
{
	struct rows     *rows = arg;
	struct arena    *a = rows->a;
	struct notifier *n = rows_add(rows);

	n->id = db_text(row, 0, a);
	n->project_id = db_text(row, 1, a);
	n->name = db_text(row, 2, a);
	n->kind = db_text(row, 3, a);
	n->settings = db_text(row, 4, a);
	n->events = db_text(row, 5, a);
	n->secret = db_blob(row, 6, a);
	n->secret_version = db_int(row, 7);
	n->created_at = db_int(row, 8);
	n->removed_at = db_int(row, 9);
	n->dropped = db_int(row, 10);
	n->row_version = db_int(row, 11);
	n->mac = db_blob(row, 12, a);
	return true;
}

struct str notifier_canonical(struct arena *a, const struct notifier *n)
{
	const char *const columns[] = { n->id, n->project_id, n->name, n->kind, n->settings, n->events };
	struct buf        b;
	struct str        text;

	buf_init(&b, 256 * KIB);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		wire_put_c(&b, columns[i]);
	wire_put_str(&b, n->secret);
	wire_put_i64(&b, n->secret_version);
	wire_put_i64(&b, n->created_at);
	text = arena_dup(a, buf_str(&b));
	buf_clear(&b);
	return text;
}

bool notifier_insert(struct db *db, const struct notifier *n, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO notifiers (id, project_id, name, kind, settings, events, secret, secret_version, created_at,"
	               " row_version, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	               DB_T(n->id), DB_T(n->project_id), DB_T(n->name), DB_T(n->kind), DB_T(n->settings), DB_C(n->events),
	               DB_B(n->secret), DB_I(n->secret_version), DB_I(n->created_at), DB_I(n->row_version), DB_B(n->mac));
}

bool notifier_find(struct db *db, struct arena *a, const char *id, struct notifier *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct notifier);

	return db_each(db, notifier_read, &rows, err, "SELECT " NOTIFIER_COLUMNS " FROM notifiers WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "notifier", id);
}

bool notifier_find_named(struct db *db, struct arena *a, const char *project_id, const char *name_or_id, struct notifier *ret,
                         struct err *err)
{
	struct rows rows = ROWS(a, struct notifier);

	return db_each(db, notifier_read, &rows, err,
	               "SELECT " NOTIFIER_COLUMNS " FROM notifiers"
	               " WHERE project_id = $1 AND (name = $2 OR id = $2) AND removed_at IS NULL",
	               DB_C(project_id), DB_C(name_or_id)) &&
	       rows_first(&rows, ret, err, "notifier", name_or_id);
}

bool notifier_list(struct db *db, struct arena *a, const char *project_id, struct notifier **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct notifier);

	return db_each(db, notifier_read, &rows, err,
	               "SELECT " NOTIFIER_COLUMNS " FROM notifiers WHERE project_id = $1 AND removed_at IS NULL ORDER BY name",
	               DB_C(project_id)) &&
	       rows_take(&rows, ret, ret_count);
}

static bool project_read(const struct db_row *row, void *arg)
{
	struct rows *rows = arg;
	const char **id = rows_add(rows);

	*id = db_text(row, 0, rows->a);
	return true;
}

bool notifier_projects(struct db *db, struct arena *a, const char ***ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, const char *);

	return db_each(db, project_read, &rows, err, "SELECT DISTINCT project_id FROM notifiers WHERE removed_at IS NULL AND $1 = 1",
	               DB_I(1)) &&
	       rows_take(&rows, ret, ret_count);
}

bool notifier_update(struct db *db, const struct notifier *n, int64_t seen_version, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "UPDATE notifiers SET settings = $2, events = $3, secret = $4, secret_version = $5, row_version = $6, mac = $7"
	             " WHERE id = $1 AND row_version = $8 AND removed_at IS NULL",
	             DB_C(n->id), DB_T(n->settings), DB_C(n->events), DB_B(n->secret), DB_I(n->secret_version), DB_I(n->row_version),
	             DB_B(n->mac), DB_I(seen_version)))
		return false;
	return changed > 0 || err_problem(err, ERR_CONFLICT, "conflict", "%s was changed meanwhile: look at it and try again", n->name);
}

bool notifier_remove(struct db *db, const char *id, int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE notifiers SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL", DB_C(id),
	               DB_I(now)) &&
	       rows_changed(changed, err, "notifier", id);
}

bool notifier_told_dropped(struct db *db, const char *id, int64_t count, struct err *err)
{
	return db_exec(db, NULL, err, "UPDATE notifiers SET dropped = dropped - $2 WHERE id = $1", DB_C(id), DB_I(count));
}

/* ---- conditions ---- */

struct condition {
	bool    found, same;
	int64_t told_at;
};

static bool condition_read(const struct db_row *row, void *arg)
{
	struct condition *c = arg;

	*c = (struct condition){ true, db_int(row, 0) != 0, db_int(row, 1) };
	return true;
}

bool condition_set(struct db *db, const char *project_id, const char *key, const char *state, int64_t remind_ms, int64_t now,
                   bool *ret_news, bool *ret_again, struct err *err)
{
	struct condition c = { 0 };

	if (!db_each(db, condition_read, &c, err,
	             "SELECT CASE WHEN state = $3 THEN 1 ELSE 0 END, told_at FROM conditions WHERE project_id = $1 AND key = $2",
	             DB_C(project_id), DB_C(key), DB_C(state)))
		return false;
	*ret_again = c.found && c.same;
	*ret_news = !c.found || !c.same || (remind_ms > 0 && now - c.told_at >= remind_ms);
	return !*ret_news ||
	       db_exec(db, NULL, err,
	               "INSERT INTO conditions (project_id, key, state, told_at) VALUES ($1, $2, $3, $4)"
	               " ON CONFLICT (project_id, key) DO UPDATE SET state = $3, told_at = $4",
	               DB_C(project_id), DB_C(key), DB_C(state), DB_I(now));
}

bool condition_clear(struct db *db, const char *project_id, const char *key, bool *ret_was, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err, "DELETE FROM conditions WHERE project_id = $1 AND key = $2", DB_C(project_id), DB_C(key)))
		return false;
	*ret_was = changed > 0;
	return true;
}

/* ---- events ---- */

#define EVENT_COLUMNS                                                                              \
	"id, project_id, kind, state, name, certificate_id, order_id, authority, version, not_after_at, problem, detail, hint, url," \
	" next_try_at, at"

static bool event_read(const struct db_row *row, void *arg)
{
	struct rows  *rows = arg;
	struct arena *a = rows->a;
	struct event *e = rows_add(rows);

	e->id = db_text(row, 0, a);
	e->project_id = db_text(row, 1, a);
	e->kind = db_text(row, 2, a);
	e->state = db_text(row, 3, a);
	e->name = db_text(row, 4, a);
	e->certificate_id = db_text(row, 5, a);
	e->order_id = db_text(row, 6, a);
	e->authority = db_text(row, 7, a);
	e->version = db_int(row, 8);
	e->not_after_at = db_int(row, 9);
	e->problem = db_text(row, 10, a);
	e->detail = db_text(row, 11, a);
	e->hint = db_text(row, 12, a);
	e->url = db_text(row, 13, a);
	e->next_try_at = db_int(row, 14);
	e->at = db_int(row, 15);
	return true;
}

bool event_insert(struct db *db, const struct event *e, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO events (" EVENT_COLUMNS ")"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
	               DB_T(e->id), DB_T(e->project_id), DB_T(e->kind), DB_T(e->state), DB_C(e->name), DB_C(e->certificate_id),
	               DB_C(e->order_id), DB_C(e->authority), DB_I(e->version), DB_I0(e->not_after_at), DB_C(e->problem),
	               DB_C(e->detail), DB_C(e->hint), DB_C(e->url), DB_I0(e->next_try_at), DB_I(e->at));
}

bool event_find(struct db *db, struct arena *a, const char *id, struct event *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct event);

	return db_each(db, event_read, &rows, err, "SELECT " EVENT_COLUMNS " FROM events WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "event", id);
}

/* ---- notifications ---- */

#define NOTIFICATION_COLUMNS                                                                       \
	"id, notifier_id, event_id, recipient, state, message_id, attempts, problem, detail, hint, next_try_at, created_at, ended_at"

static bool notification_read(const struct db_row *row, void *arg)
{
	struct rows         *rows = arg;
	struct arena        *a = rows->a;
	struct notification *n = rows_add(rows);

	n->id = db_int(row, 0);
	n->notifier_id = db_text(row, 1, a);
	n->event_id = db_text(row, 2, a);
	n->recipient = db_text(row, 3, a);
	n->state = db_text(row, 4, a);
	n->message_id = db_text(row, 5, a);
	n->attempts = db_int(row, 6);
	n->problem = db_text(row, 7, a);
	n->detail = db_text(row, 8, a);
	n->hint = db_text(row, 9, a);
	n->next_try_at = db_int(row, 10);
	n->created_at = db_int(row, 11);
	n->ended_at = db_int(row, 12);
	return true;
}

bool notification_queue(struct db *db, const char *notifier_id, const char *event_id, const char *recipient, int64_t now,
                        struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "INSERT INTO notifications (notifier_id, event_id, recipient, state, created_at)"
	               " SELECT $1, $2, $3, 'queued', $4"
	               " WHERE (SELECT COUNT(*) FROM notifications WHERE notifier_id = $1 AND ended_at IS NULL) < $5",
	               DB_C(notifier_id), DB_C(event_id), DB_C(recipient), DB_I(now), DB_I(NOTIFICATIONS_OPEN_MAX)) &&
	       (changed > 0 || db_exec(db, NULL, err, "UPDATE notifiers SET dropped = dropped + 1 WHERE id = $1", DB_C(notifier_id)));
}

bool notification_list_open(struct db *db, struct arena *a, const char *notifier_id, size_t limit, struct notification **ret,
                            size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct notification);

	return db_each(db, notification_read, &rows, err,
	               "SELECT " NOTIFICATION_COLUMNS " FROM notifications WHERE notifier_id = $1 AND ended_at IS NULL ORDER BY id LIMIT $2",
	               DB_C(notifier_id), DB_I(limit)) &&
	       rows_take(&rows, ret, ret_count);
}

bool notification_list(struct db *db, struct arena *a, const char *notifier_id, size_t limit, struct notification **ret,
                       size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct notification);

	return db_each(db, notification_read, &rows, err,
	               "SELECT " NOTIFICATION_COLUMNS " FROM notifications WHERE notifier_id = $1 ORDER BY id DESC LIMIT $2",
	               DB_C(notifier_id), DB_I(limit)) &&
	       rows_take(&rows, ret, ret_count);
}

bool notification_start(struct db *db, int64_t id, const char *message_id, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE notifications SET state = 'sending', attempts = attempts + 1, message_id = $2, next_try_at = NULL"
	               " WHERE id = $1 AND ended_at IS NULL",
	               DB_I(id), DB_C(message_id));
}

bool notification_set(struct db *db, const struct notification *n, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE notifications SET state = $2, problem = $3, detail = $4, hint = $5, next_try_at = $6, ended_at = $7"
	               " WHERE id = $1 AND ended_at IS NULL",
	               DB_I(n->id), DB_T(n->state), DB_C(n->problem), DB_C(n->detail), DB_C(n->hint), DB_I0(n->next_try_at),
	               DB_I0(n->ended_at));
}

bool notification_end_open(struct db *db, const char *notifier_id, int64_t created_before, const char *state, int64_t now,
                           struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE notifications SET state = $3, next_try_at = NULL, ended_at = $4"
	               " WHERE notifier_id = $1 AND created_at < $2 AND ended_at IS NULL",
	               DB_C(notifier_id), DB_I(created_before), DB_T(state), DB_I(now));
}

bool notification_retry(struct db *db, const char *notifier_id, struct err *err)
{
	return db_exec(db, NULL, err, "UPDATE notifications SET next_try_at = NULL WHERE notifier_id = $1 AND ended_at IS NULL",
	               DB_C(notifier_id));
}

bool notification_forget(struct db *db, const char *notifier_id, int64_t before, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err, "DELETE FROM notifications WHERE notifier_id = $1 AND ended_at IS NOT NULL AND ended_at < $2",
	             DB_C(notifier_id), DB_I(before)))
		return false;
	return changed == 0 || db_exec(db, NULL, err,
	                               "DELETE FROM events WHERE at < $1"
	                               " AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.event_id = events.id)",
	                               DB_I(before));
}

struct summary_rows {
	struct arena                *a;
	struct notification_summary *ret;
};

static bool summary_open(const struct db_row *row, void *arg)
{
	struct notification_summary *s = arg;

	s->open = db_int(row, 0);
	s->oldest_at = db_int(row, 1);
	return true;
}

static bool summary_waiting(const struct db_row *row, void *arg)
{
	struct summary_rows *x = arg;

	x->ret->problem = db_text(row, 0, x->a);
	x->ret->detail = db_text(row, 1, x->a);
	x->ret->hint = db_text(row, 2, x->a);
	x->ret->next_try_at = db_int(row, 3);
	return true;
}

bool notification_summary(struct db *db, struct arena *a, const char *notifier_id, struct notification_summary *ret, struct err *err)
{
	struct notification_summary s = { .problem = "", .detail = "", .hint = "" };
	struct summary_rows         x = { a, &s };

	if (!db_each(db, summary_open, &s, err,
	             "SELECT COUNT(*), MIN(created_at) FROM notifications WHERE notifier_id = $1 AND ended_at IS NULL",
	             DB_C(notifier_id)) ||
	    !db_each(db, rows_int, &s.sent_at, err,
	             "SELECT MAX(ended_at) FROM notifications WHERE notifier_id = $1 AND ended_at IS NOT NULL AND state = 'sent'",
	             DB_C(notifier_id)) ||
	    !db_each(db, summary_waiting, &x, err,
	             "SELECT problem, detail, hint, next_try_at FROM notifications"
	             " WHERE notifier_id = $1 AND ended_at IS NULL ORDER BY id LIMIT 1",
	             DB_C(notifier_id)))
		return false;
	*ret = s;
	return true;
}
