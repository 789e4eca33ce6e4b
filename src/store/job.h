/*
 * store/job.h: units of durable work. Claimed with a lease and a fence; every later write carries the fence.
 *
 * Time     the caller passes `now` (the database's clock is ours with SQLite; PostgreSQL uses its own).
 * Errors   a write with a stale fence changes nothing and is ERR_CONFLICT "conflict": abandon silently.
 */
#ifndef REEVE_STORE_JOB_H
#define REEVE_STORE_JOB_H

#include "store/db.h"

struct job_row {
	int64_t     id, attempts, claims, fence, wake_at, created_at;
	const char *kind, *subject, *order_id, *project_id, *step, *state;
};

/* A live job of the same kind and subject is left alone (*ret_id is its id), but woken at wake_at when that is sooner. */
MUST_CHECK bool job_insert(struct db *db, const char *kind, const char *subject, const char *order_id, const char *project_id,
                           const char *step, int64_t wake_at, int64_t *ret_id, struct err *err);
MUST_CHECK bool job_find(struct db *db, struct arena *a, int64_t id, struct job_row *ret, struct err *err);
/* The active job of this kind and subject. ERR_NOT_FOUND. */
MUST_CHECK bool job_find_live(struct db *db, struct arena *a, const char *kind, const char *subject, struct job_row *ret, struct err *err);

/*
 * A claimed job's wake_at is INT64_MAX in the table until somebody wakes it; in struct job_row it is the time
 * it was due at.
 *
 * Claim up to `max` due jobs whose lease is free or over: fence + 1, claims + 1. Oldest wake-up first.
 */
MUST_CHECK bool job_claim(struct db *db, struct arena *a, const char *owner, int64_t now, int64_t lease_until, size_t max,
                          struct job_row **ret, size_t *ret_count, struct err *err);
/* The earliest wake-up of an unclaimed active job, or the earliest end of a lease; INT64_MAX when there is none. */
MUST_CHECK bool job_next_wake(struct db *db, int64_t *ret, struct err *err);
/* Is any lease over? Found by its own index. */
MUST_CHECK bool job_lease_over(struct db *db, int64_t now, bool *ret, struct err *err);
MUST_CHECK bool job_renew_lease(struct db *db, int64_t id, int64_t fence, int64_t lease_until, struct err *err);
/* At start: this node's old leases are void. A job claimed three times without an outcome pauses, longer each time. */
MUST_CHECK bool job_void_leases(struct db *db, const char *owner, int64_t now, struct err *err);

/* Check the fence and keep the claim: first statement of each write of a step. */
MUST_CHECK bool job_check(struct db *db, int64_t id, int64_t fence, struct err *err);
/* Next step, claim kept, attempts and claims back to 0. */
MUST_CHECK bool job_move(struct db *db, int64_t id, int64_t fence, const char *step, struct err *err);
/* Put back: lease released; claims back to 0; attempts as given. Wakes at wake_at, or sooner when it was woken meanwhile. */
MUST_CHECK bool job_sleep(struct db *db, int64_t id, int64_t fence, const char *step, int64_t attempts, int64_t wake_at, struct err *err);
/* state is done or failed; lease released. */
MUST_CHECK bool job_end(struct db *db, int64_t id, int64_t fence, const char *state, struct err *err);
/* Somebody else's wake-up: an active job that sleeps later than wake_at wakes then. A claimed job remembers it. */
MUST_CHECK bool job_wake(struct db *db, const char *kind, const char *subject, int64_t wake_at, struct err *err);
/* The same for all active jobs of these kinds with this order id (kind "" for all). */
MUST_CHECK bool job_wake_order(struct db *db, const char *kind, const char *order_id, int64_t wake_at, struct err *err);

#endif
