/*
 * store/limit.h: the token buckets of CAs' limits, what orders took from them, and what was set for an authority.
 *
 * Bucket   GCRA: full_at is the time at which the bucket is full again; taking one moves it by the cost (window / count).
 *          The numbers of a limit are not stored here: workflow/limits.h has them.
 * Hold     the CA itself said that nothing may be asked for before held_until.
 * Time     the caller passes `now`, the time of the database as in store/job.h.
 */
#ifndef REEVE_STORE_LIMIT_H
#define REEVE_STORE_LIMIT_H

#include "store/db.h"

struct bucket {
	const char *scope, *name, *key;
	int64_t     full_at, held_until, issued_at;
	const char *held_problem, *held_text, *held_url;
};

/* A bucket nobody took from is a row of zeros: never ERR_NOT_FOUND. */
MUST_CHECK bool bucket_find(struct db *db, struct arena *a, const char *scope, const char *name, const char *key,
                            struct bucket *ret, struct err *err);
/* Does any bucket of these scopes have a row? */
MUST_CHECK bool bucket_any(struct db *db, const char *scope, const char *other_scope, bool *ret, struct err *err);
/* Those of a scope that say anything. */
MUST_CHECK bool bucket_list(struct db *db, struct arena *a, const char *scope, int64_t now, size_t limit, struct bucket **ret,
                            size_t *ret_count, struct err *err);
/* Keep full_at. */
MUST_CHECK bool bucket_set(struct db *db, const struct bucket *b, int64_t now, struct err *err);
/* Keep the later of the holds, with its words. */
MUST_CHECK bool bucket_hold(struct db *db, const struct bucket *b, int64_t now, struct err *err);
/* A person says that it goes on: of one scope, name and key. */
MUST_CHECK bool bucket_release(struct db *db, const char *scope, const char *name, const char *key, struct err *err);
/* schedule_clock_back of what is counted and held: what lies at or behind `from` moves by `by_ms`. */
MUST_CHECK bool bucket_clock_back(struct db *db, int64_t by_ms, int64_t from, struct err *err);
/* A certificate for this set was issued; remembered until keep_until. */
MUST_CHECK bool bucket_issued(struct db *db, const char *scope, const char *name, const char *key, int64_t now, int64_t keep_until,
                              struct err *err);
/* One success makes it full. */
MUST_CHECK bool bucket_reset(struct db *db, const char *scope, const char *name, const char *key, struct err *err);

/* *ret_new is false when the order took it already. */
MUST_CHECK bool charge_insert(struct db *db, const char *order_id, const struct bucket *b, int64_t cost_ms, bool *ret_new, struct err *err);
/* The order ended: what it took stays taken, or goes back. */
MUST_CHECK bool charge_end(struct db *db, const char *order_id, bool give_back, struct err *err);

struct authority_policy {
	const char *authority_id, *staging_id, *limits;
	int64_t     rehearse_after, row_version;
	struct str  mac;
};

struct str authority_policy_canonical(struct arena *a, const struct authority_policy *x);
/* ERR_NOT_FOUND before anything was set. */
MUST_CHECK bool authority_policy_find(struct db *db, struct arena *a, const char *authority_id, struct authority_policy *ret, struct err *err);
/* Insert or replace. */
MUST_CHECK bool authority_policy_put(struct db *db, const struct authority_policy *x, struct err *err);

#endif
