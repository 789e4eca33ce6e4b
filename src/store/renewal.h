/*
 * store/renewal.h: what decides when a certificate's successor is ordered. One row per certificate that has a version.
 *
 * The due time is not stored: workflow/renewal_plan.h computes it from this row, the version and the policy.
 */
#ifndef REEVE_STORE_RENEWAL_H
#define REEVE_STORE_RENEWAL_H

#include "store/db.h"

struct renewal {
	const char *certificate_id;
	int64_t     position;                       /* 0..999999 */
	int64_t     window_start_at, window_end_at; /* 0: the CA suggests none; likewise the next */
	int64_t     drawn_at;
	const char *explanation_url;                /* "" when there is none */
	int64_t     asked_at, ask_at, ask_failures;
	const char *finding;                        /* why there is no window, or no newer one; "" when all is well */
	int64_t     failures, retry_at, early;
};

/* ERR_NOT_FOUND before the first version is stored. */
MUST_CHECK bool renewal_find(struct db *db, struct arena *a, const char *certificate_id, struct renewal *ret, struct err *err);
/* A version was stored: insert the row, or begin it anew with all of `r`. */
MUST_CHECK bool renewal_begin(struct db *db, const struct renewal *r, struct err *err);
/* What the CA answered: window, draw, explanation, asked_at, ask_at, ask_failures and finding of `r`. */
MUST_CHECK bool renewal_set_asked(struct db *db, const struct renewal *r, struct err *err);
/* failures, retry_at and early of `r`. */
MUST_CHECK bool renewal_set_tries(struct db *db, const struct renewal *r, struct err *err);

#endif
