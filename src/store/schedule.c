/*
 * store/schedule.c: see schedule.h. What a job waits for is known by other tables; the joins live here, so
 * that job.c stays a table of jobs.
 */
#include "store/schedule.h"

#include "store/failure.h"
#include "store/limit.h"
#include "store/rows.h"

bool schedule_wake_authority(struct db *db, const char *authority_id, const char *step, int64_t wake_at, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE jobs SET wake_at = $3 WHERE kind = 'order' AND state = 'active' AND step = $2"
	               " AND wake_at > $3 AND order_id IN"
	               " (SELECT id FROM orders WHERE authority_id = $1 AND status = 'running')",
	               DB_T(authority_id), DB_T(step), DB_I(wake_at));
}

bool schedule_wake_delegation(struct db *db, const char *delegation_id, const char *step, int64_t wake_at,
                              struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE jobs SET wake_at = $3 WHERE kind = 'order' AND state = 'active' AND step = $2"
	               " AND wake_at > $3 AND order_id IN"
	               " (SELECT o.id FROM orders o JOIN certificate_routes r ON r.certificate_id = o.certificate_id"
	               "  WHERE r.delegation_id = $1 AND o.status = 'running')",
	               DB_T(delegation_id), DB_T(step), DB_I(wake_at));
}

bool schedule_wake_seen(struct db *db, const char *order_id, int64_t wake_at, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE jobs SET wake_at = $2 WHERE order_id = $1 AND kind = 'order' AND state = 'active'"
	               " AND step IN ('authorizations', 'await') AND attempts = 0 AND wake_at > $2 AND NOT EXISTS"
	               " (SELECT 1 FROM authorizations WHERE order_id = $1 AND status = 'pending')",
	               DB_T(order_id), DB_I(wake_at));
}

static bool found_one(const struct db_row *row UNUSED, void *arg)
{
	*(bool *)arg = true;
	return false;
}

bool order_url_taken(struct db *db, const char *order_url, const char *but_order_id, bool *ret, struct err *err)
{
	bool taken = false;

	if (!db_each(db, found_one, &taken, err,
	             "SELECT id FROM orders WHERE order_url = $1 AND id <> $2 AND status = 'running'", DB_T(order_url),
	             DB_T(but_order_id)))
		return false;
	*ret = taken;
	return true;
}

#define CLOCK_SLACK_MS (24 * 3600 * (int64_t)1000)

bool schedule_clock_back(struct db *db, int64_t now, int64_t by_ms, int64_t *ret_count, struct err *err)
{
	/* How far ahead the clock was is known only as far as something was written down then. */
	int64_t slack = by_ms / 2 < CLOCK_SLACK_MS ? by_ms / 2 : CLOCK_SLACK_MS, from = now + by_ms - slack;

	/* 9223372036854775807 is INT64_MAX: sleeps until somebody wakes it. */
	return db_exec(db, ret_count, err,
	               "UPDATE jobs SET wake_at = CASE WHEN wake_at - $2 > $1 THEN wake_at - $2 ELSE $1 END"
	               " WHERE state = 'active' AND wake_at >= $3 AND wake_at < 9223372036854775807",
	               DB_I(now), DB_I(by_ms), DB_I(from)) &&
	       /* Who has a claim and lives renews it; who is dead must not keep it for as long as the clock was ahead. */
	       db_exec(db, NULL, err,
	               "UPDATE jobs SET lease_until = lease_until - $1 WHERE state = 'active' AND lease_owner <> '' AND lease_until >= $2",
	               DB_I(by_ms), DB_I(from)) &&
	       db_exec(db, NULL, err, "UPDATE owner_leases SET lease_until = lease_until - $1 WHERE lease_until >= $2", DB_I(by_ms),
	               DB_I(from)) &&
	       db_exec(db, NULL, err,
	               "UPDATE txt_records SET retry_at = retry_at - $1"
	               " WHERE gone_at IS NULL AND retired_at IS NOT NULL AND retry_at >= $2",
	               DB_I(by_ms), DB_I(from)) &&
	       db_exec(db, NULL, err, "UPDATE renewals SET ask_at = $1 WHERE ask_at >= $2", DB_I(now), DB_I(from)) &&
	       db_exec(db, NULL, err, "UPDATE renewals SET retry_at = retry_at - $1 WHERE retry_at >= $2", DB_I(by_ms), DB_I(from)) &&
	       failure_clock_back(db, by_ms, from, err) && bucket_clock_back(db, by_ms, from, err);
}

bool schedule_newest(struct db *db, int64_t *ret_ms, struct err *err)
{
	int64_t history = 0, audit = 0;

	if (!db_each_values(db, rows_int, &history, err, "SELECT at FROM history ORDER BY id DESC LIMIT 1", NULL, 0) ||
	    !db_each_values(db, rows_int, &audit, err, "SELECT at FROM audit ORDER BY id DESC LIMIT 1", NULL, 0))
		return false;
	*ret_ms = history > audit ? history : audit;
	return true;
}

bool delegation_routed(struct db *db, const char *delegation_id, bool *ret, struct err *err)
{
	bool routed = false;

	if (!db_each(db, found_one, &routed, err, "SELECT name FROM certificate_routes WHERE delegation_id = $1 LIMIT 1",
	             DB_T(delegation_id)))
		return false;
	*ret = routed;
	return true;
}

bool schedule_end_jobs(struct db *db, const char *kind, const char *order_id, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE jobs SET state = 'failed', fence = fence + 1, lease_owner = '', lease_until = 0"
	               " WHERE order_id = $1 AND kind = $2 AND state = 'active'",
	               DB_T(order_id), DB_T(kind));
}

bool order_add_requests(struct db *db, const char *order_id, int64_t more, struct err *err)
{
	return db_exec(db, NULL, err, "UPDATE orders SET requests = requests + $2, row_version = row_version + 1 WHERE id = $1",
	               DB_T(order_id), DB_I(more));
}

bool authorization_settle(struct db *db, const char *order_id, const char *status, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE authorizations SET status = $2 WHERE order_id = $1 AND status IN ('pending', 'responded')",
	               DB_T(order_id), DB_T(status));
}

bool history_note(struct db *db, const struct history *h, struct err *err)
{
	int64_t changed = 0;

	/* The same wait again lasts longer; it is one row. */
	if (!db_exec(db, &changed, err,
	             "UPDATE history SET until_at = $6 WHERE id = (SELECT MAX(id) FROM history n WHERE n.order_id = $1 AND n.job_id = $2)"
	             " AND step = $3 AND outcome = $4 AND text = $5",
	             DB_T(h->order_id), DB_I(h->job_id), DB_T(h->step), DB_T(h->outcome), DB_T(h->text), DB_I0(h->until_at)))
		return false;
	return changed > 0 || history_insert(db, h, err);
}

bool schedule_load(struct db *db, const char *project_id, int64_t now, int64_t *ret_running, int64_t *ret_due, struct err *err)
{
	*ret_running = *ret_due = 0;
	return db_each(db, rows_int, ret_running, err,
	               "SELECT COUNT(*) FROM orders WHERE status = 'running' AND ($1 = '' OR project_id = $1)", DB_C(project_id)) &&
	       db_each(db, rows_int, ret_due, err,
	               "SELECT COUNT(*) FROM jobs WHERE state = 'active' AND wake_at <= $2 AND ($1 = '' OR project_id = $1)",
	               DB_C(project_id), DB_I(now));
}
