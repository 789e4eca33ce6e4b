/*
 * store/owner_lease.h: who may change the values at one owner name just now, for providers that read a set, change it and
 * write it back: two at a time would lose a value.
 *
 * Rule     taken in the transaction of the intent, given back in the transaction of the outcome. A lease that was not
 *          given back ends by itself; the same job takes its own again.
 */
#ifndef REEVE_STORE_OWNER_LEASE_H
#define REEVE_STORE_OWNER_LEASE_H

#include "store/db.h"

/* *ret_taken: false while another job has it. */
MUST_CHECK bool owner_lease_take(struct db *db, const char *connection_id, const char *zone, const char *owner, int64_t job_id,
                                 int64_t now, int64_t until, bool *ret_taken, struct err *err);
/* All that the job has. */
MUST_CHECK bool owner_lease_give(struct db *db, int64_t job_id, struct err *err);

#endif
