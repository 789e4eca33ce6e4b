/*
 * store/failure.h: what went wrong with each name of a certificate at an authority, and the rehearsals that follow from it.
 * workflow/policy.h says what it means.
 */
#ifndef REEVE_STORE_FAILURE_H
#define REEVE_STORE_FAILURE_H

#include "store/db.h"

struct failure {
	const char *certificate_id, *authority_id;
	const char *identifier; /* base name; "" : the order as a whole */
	int64_t     failures, validations;
	const char *class, *problem, *detail;
	int64_t     next_at; /* INT64_MAX: not before a person says so */
	int64_t     failed_at, rehearsed_at;
};

/* One that never failed is a row of zeros: never ERR_NOT_FOUND. */
MUST_CHECK bool failure_find(struct db *db, struct arena *a, const char *certificate_id, const char *authority_id,
                             const char *identifier, struct failure *ret, struct err *err);
/* authority_id "" : all. */
MUST_CHECK bool failure_list(struct db *db, struct arena *a, const char *certificate_id, const char *authority_id, struct failure **ret,
                             size_t *ret_count, struct err *err);
/* Insert or replace. */
MUST_CHECK bool failure_put(struct db *db, const struct failure *f, struct err *err);
/* Issued, by whichever authority: all names are well. */
MUST_CHECK bool failure_clear(struct db *db, const char *certificate_id, struct err *err);
/* A rehearsal passed: production may be asked once. */
MUST_CHECK bool failure_rehearsed(struct db *db, const char *certificate_id, const char *authority_id, int64_t now, struct err *err);
/* schedule_clock_back of the next tries: those at or behind `from` move by `by_ms`. */
MUST_CHECK bool failure_clock_back(struct db *db, int64_t by_ms, int64_t from, struct err *err);

/* An order whose certificate is discarded. */
struct rehearsal {
	const char *certificate_id; /* hidden: a row of `certificates` that no list shows */
	const char *order_id, *waiting_id;
	int64_t     created_at;
};
MUST_CHECK bool rehearsal_insert(struct db *db, const struct rehearsal *r, struct err *err);
/* By the hidden certificate. ERR_NOT_FOUND: the certificate is a real one. */
MUST_CHECK bool rehearsal_find(struct db *db, struct arena *a, const char *certificate_id, struct rehearsal *ret, struct err *err);
/* The newest one an order waits for. ERR_NOT_FOUND. */
MUST_CHECK bool rehearsal_find_waiting(struct db *db, struct arena *a, const char *order_id, struct rehearsal *ret, struct err *err);
/* The key and chain of a rehearsal: nothing of it is kept. */
MUST_CHECK bool version_discard(struct db *db, const char *version_id, struct err *err);

#endif
