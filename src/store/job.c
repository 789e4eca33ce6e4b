/*
 * Durable work. While a job is claimed its wake_at stands at INT64_MAX, so that it is out of the way of the
 * index that finds due work, and a wake-up from somebody else shows as a smaller number, which job_sleep keeps.
 * A lease that is over is given back first, then everything due looks the same.
 */
#include "store/job.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/planted.h"
#include "store/rows.h"

/* A claimed job shows when it was due, not the mark that says it is claimed. */
#define JOB_COLUMNS                                                                                \
	"id, kind, subject, order_id, project_id, step, state, attempts, claims, fence,"           \
	" CASE WHEN lease_owner <> '' THEN due_at ELSE wake_at END, created_at"

/* 9223372036854775807 is INT64_MAX. */
#define NEVER "9223372036854775807"

#define CLAIMED_BY_FENCE " WHERE id = $1 AND fence = $2 AND state = 'active' AND lease_owner <> ''"

static bool job_read(const struct db_row *row, void *arg)
{
	struct rows    *rows = arg;
	struct arena   *a = rows->a;
	struct job_row *j = rows_add(rows);

	j->id = db_int(row, 0);
	j->kind = db_text(row, 1, a);
	j->subject = db_text(row, 2, a);
	j->order_id = db_text(row, 3, a);
	j->project_id = db_text(row, 4, a);
	j->step = db_text(row, 5, a);
	j->state = db_text(row, 6, a);
	j->attempts = db_int(row, 7);
	j->claims = db_int(row, 8);
	j->fence = db_int(row, 9);
	j->wake_at = db_int(row, 10);
	j->created_at = db_int(row, 11);
	return true;
}

bool job_insert(struct db *db, const char *kind, const char *subject, const char *order_id, const char *project_id,
                const char *step, int64_t wake_at, int64_t *ret_id, struct err *err)
{
	return db_each(db, rows_int, ret_id, err,
	               "INSERT INTO jobs (kind, subject, order_id, project_id, step, state, wake_at, created_at)"
	               " VALUES ($1, $2, $3, $4, $5, 'active', $6, $7)"
	               " ON CONFLICT (kind, subject) WHERE state = 'active' DO UPDATE SET wake_at ="
	               " CASE WHEN excluded.wake_at < jobs.wake_at THEN excluded.wake_at ELSE jobs.wake_at END"
	               " RETURNING id",
	               DB_T(kind), DB_T(subject), DB_C(order_id), DB_C(project_id), DB_T(step), DB_I(wake_at),
	               DB_I(clock_now_ms()));
}

bool job_find(struct db *db, struct arena *a, int64_t id, struct job_row *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct job_row);
	char        number[24];

	snprintf(number, sizeof(number), "%lld", (long long)id);
	return db_each(db, job_read, &rows, err, "SELECT " JOB_COLUMNS " FROM jobs WHERE id = $1", DB_I(id)) &&
	       rows_first(&rows, ret, err, "job", number);
}

bool job_find_live(struct db *db, struct arena *a, const char *kind, const char *subject, struct job_row *ret,
                   struct err *err)
{
	struct rows rows = ROWS(a, struct job_row);

	return db_each(db, job_read, &rows, err,
	               "SELECT " JOB_COLUMNS " FROM jobs WHERE kind = $1 AND subject = $2 AND state = 'active'",
	               DB_C(kind), DB_C(subject)) &&
	       rows_first(&rows, ret, err, "active job for", subject);
}

static int by_wake(const void *left, const void *right)
{
	const struct job_row *l = left, *r = right;

	if (l->wake_at != r->wake_at)
		return l->wake_at < r->wake_at ? -1 : 1;
	return (l->id > r->id) - (l->id < r->id);
}

/*
 * When a job whose holder died is due again: as it was, but from the third time on after a pause that doubles from 10 s
 * to an hour, since the job itself may be what kills its holder.
 */
#define AFTER_DEATH(now)                                                                           \
	"CASE WHEN claims >= 12 THEN " now " + 3600000"                                            \
	" WHEN claims >= 3 THEN " now " + 10000 * (1 << CAST(claims - 3 AS INTEGER))"              \
	" WHEN wake_at < due_at THEN wake_at ELSE due_at END"

bool job_claim(struct db *db, struct arena *a, const char *owner, int64_t now, int64_t lease_until, size_t max,
               struct job_row **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct job_row);

	/* Leases that are over: few, found by their own index. The old holder's writes are refused from here. */
	if (!db_exec(db, NULL, err,
	             "UPDATE jobs SET lease_owner = '', lease_until = 0,"
	             " wake_at = " AFTER_DEATH("$1") " WHERE state = 'active' AND lease_owner <> '' AND lease_until <= $1",
	             DB_I(now)))
		return false;
	/* The PostgreSQL driver puts FOR UPDATE SKIP LOCKED where the comment is. */
	if (!db_each(db, job_read, &rows, err,
	             "UPDATE jobs SET fence = fence + 1, claims = claims + 1, lease_owner = $1, lease_until = $2,"
	             " due_at = wake_at, wake_at = " NEVER
	             " WHERE id IN (SELECT id FROM jobs WHERE state = 'active' AND wake_at <= $3 AND lease_owner = ''"
	             " ORDER BY wake_at LIMIT $4 /*SKIP LOCKED*/)"
	             " RETURNING " JOB_COLUMNS,
	             DB_T(owner), DB_I(lease_until), DB_I(now), DB_I(max)))
		return false;
	if (rows.count > 1)
		qsort(rows.items, rows.count, sizeof(struct job_row), by_wake);
	return rows_take(&rows, ret, ret_count);
}

bool job_next_wake(struct db *db, int64_t *ret, struct err *err)
{
	int64_t wake = INT64_MAX, lease = INT64_MAX;

	/* The first walks past claimed jobs that were woken, at most one for each step thread. */
	if (!db_each(db, rows_int, &wake, err,
	             "SELECT wake_at FROM jobs WHERE state = 'active' AND lease_owner = '' ORDER BY wake_at LIMIT 1") ||
	    !db_each(db, rows_int, &lease, err,
	             "SELECT lease_until FROM jobs WHERE state = 'active' AND lease_owner <> ''"
	             " ORDER BY lease_until LIMIT 1"))
		return false;
	*ret = wake < lease ? wake : lease;
	return true;
}

bool job_lease_over(struct db *db, int64_t now, bool *ret, struct err *err)
{
	int64_t over = 0;

	*ret = false;
	if (!db_each(db, rows_int, &over, err,
	             "SELECT 1 FROM jobs WHERE state = 'active' AND lease_owner <> '' AND lease_until <= $1 LIMIT 1", DB_I(now)))
		return false;
	*ret = over != 0;
	return true;
}

bool job_void_leases(struct db *db, const char *owner, int64_t now, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE jobs SET lease_owner = '', lease_until = 0,"
	               " wake_at = " AFTER_DEATH("$2") " WHERE state = 'active' AND lease_owner <> '' AND lease_owner = $1",
	               DB_T(owner), DB_I(now));
}

/* ---- what the holder of a claim does ---- */

static bool held(int64_t count, int64_t id, struct err *err)
{
	return count > 0 ||
	       err_problem(err, ERR_CONFLICT, "conflict", "job %lld was taken over by somebody else", (long long)id);
}

bool job_check(struct db *db, int64_t id, int64_t fence, struct err *err)
{
	int64_t count = 0;

	return db_each(db, rows_int, &count, err, "SELECT COUNT(*) FROM jobs" CLAIMED_BY_FENCE, DB_I(id), DB_I(fence)) &&
	       (PLANTED(2) || held(count, id, err));
}

bool job_renew_lease(struct db *db, int64_t id, int64_t fence, int64_t lease_until, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE jobs SET lease_until = $3" CLAIMED_BY_FENCE, DB_I(id), DB_I(fence),
	               DB_I(lease_until)) &&
	       held(changed, id, err);
}

bool job_move(struct db *db, int64_t id, int64_t fence, const char *step, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE jobs SET step = $3, attempts = 0, claims = 0" CLAIMED_BY_FENCE, DB_I(id),
	               DB_I(fence), DB_T(step)) &&
	       held(changed, id, err);
}

bool job_sleep(struct db *db, int64_t id, int64_t fence, const char *step, int64_t attempts, int64_t wake_at,
               struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE jobs SET step = $3, attempts = $4, claims = 0, lease_owner = '', lease_until = 0,"
	               " wake_at = CASE WHEN wake_at < $5 THEN wake_at ELSE $5 END" CLAIMED_BY_FENCE,
	               DB_I(id), DB_I(fence), DB_T(step), DB_I(attempts), DB_I(wake_at)) &&
	       held(changed, id, err);
}

bool job_end(struct db *db, int64_t id, int64_t fence, const char *state, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE jobs SET state = $3, claims = 0, lease_owner = '', lease_until = 0, wake_at = due_at"
	               CLAIMED_BY_FENCE,
	               DB_I(id), DB_I(fence), DB_T(state)) &&
	       held(changed, id, err);
}

/* ---- what others do ---- */

bool job_wake(struct db *db, const char *kind, const char *subject, int64_t wake_at, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE jobs SET wake_at = $3"
	               " WHERE kind = $1 AND subject = $2 AND state = 'active' AND wake_at > $3",
	               DB_C(kind), DB_C(subject), DB_I(wake_at));
}

bool job_wake_order(struct db *db, const char *kind, const char *order_id, int64_t wake_at, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE jobs SET wake_at = $3"
	               " WHERE order_id = $2 AND ($1 = '' OR kind = $1) AND state = 'active' AND wake_at > $3",
	               DB_C(kind), DB_C(order_id), DB_I(wake_at));
}
