/*
 * store/schedule.h: writes that reach across tables: wake-ups by what jobs wait for, and ends.
 */
#ifndef REEVE_STORE_SCHEDULE_H
#define REEVE_STORE_SCHEDULE_H

#include "store/order.h"

/* Order jobs of this authority that wait in `step` wake at wake_at, if that is sooner. */
MUST_CHECK bool schedule_wake_authority(struct db *db, const char *authority_id, const char *step, int64_t wake_at,
                                        struct err *err);
/* Order jobs waiting in `step` whose certificate routes a name through this delegation. */
MUST_CHECK bool schedule_wake_delegation(struct db *db, const char *delegation_id, const char *step, int64_t wake_at,
                                         struct err *err);
/*
 * The values of an order were asked for: bring its first poll forward to wake_at. Later polls keep the CA's pace, and
 * an order that still has authorizations to publish or respond to is left alone.
 */
MUST_CHECK bool schedule_wake_seen(struct db *db, const char *order_id, int64_t wake_at, struct err *err);
/* Another running order that already has this order URL: some CAs give the same one for the same names. */
MUST_CHECK bool order_url_taken(struct db *db, const char *order_url, const char *but_order_id, bool *ret, struct err *err);
/*
 * The wall clock went back by `by_ms`, more than an hour: what was put to sleep before would sleep that much too long.
 * Jobs whose wake-up lies behind the time that was left are moved back with it, and likewise what renewals and removals
 * wait for, how long jobs and owner names are claimed, what failed, and what the limits of CAs hold.
 */
MUST_CHECK bool schedule_clock_back(struct db *db, int64_t now, int64_t by_ms, int64_t *ret_count, struct err *err);
/* The wall time of the newest event that was written down; 0: there is none. */
MUST_CHECK bool schedule_newest(struct db *db, int64_t *ret_ms, struct err *err);
/* Does any certificate route a name through this delegation? */
MUST_CHECK bool delegation_routed(struct db *db, const char *delegation_id, bool *ret, struct err *err);
/* End the active jobs of one kind of an order; their fence moves, so that a running one cannot write any more. */
MUST_CHECK bool schedule_end_jobs(struct db *db, const char *kind, const char *order_id, struct err *err);
MUST_CHECK bool order_add_requests(struct db *db, const char *order_id, int64_t more, struct err *err);
/* Authorizations of an order that are not final become `status`. */
MUST_CHECK bool authorization_settle(struct db *db, const char *order_id, const char *status, struct err *err);
/* Orders that run and jobs that are due by now: of one project, or "" for all. */
MUST_CHECK bool schedule_load(struct db *db, const char *project_id, int64_t now, int64_t *ret_running, int64_t *ret_due,
                              struct err *err);
/* history_insert; when the newest row of this job says the same, only its until_at moves. */
MUST_CHECK bool history_note(struct db *db, const struct history *h, struct err *err);

#endif
