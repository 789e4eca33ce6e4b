/*
 * workflow/admit.h: may this order ask its CA now? The limits of the CA, what the CA itself said, and rehearsals.
 *
 * Parking  an order that would exceed a bucket waits in its step `admit` without a thread; what it waits for is in the order
 *          and in its timeline. A CA's own "not now" holds the whole bucket, so the others wait with it.
 * Taking   is one transaction with the intent of newOrder: parallel orders cannot take the same token.
 */
#ifndef REEVE_WORKFLOW_ADMIT_H
#define REEVE_WORKFLOW_ADMIT_H

#include "store/authority.h"
#include "store/certificate.h"
#include "store/limit.h"
#include "workflow/engine.h"
#include "workflow/limits.h"

#define REHEARSE_AFTER 3 /* failed validations of a name in a row, unless the authority says otherwise */

struct gate {
	struct authority         authority;
	struct limits            limits;
	struct authority_policy  policy;     /* as stored, or what holds without a row: then row_version is 0 */
	bool                     limited;    /* the CA has a limit that is counted */
	bool                     in_window;  /* renewed inside the CA's window, where that is exempt */
	const char             **keys[LIMIT__COUNT];
	size_t                   keys_count[LIMIT__COUNT];
};

/* What is set for an authority, over what is known of its CA. Never ERR_NOT_FOUND. */
MUST_CHECK bool gate_settings(struct db *db, struct arena *a, const struct authority *x, struct gate *ret, struct err *err);
/* The same with the keys of a certificate's names. */
MUST_CHECK bool gate_load(struct db *db, struct arena *a, const struct authority *x, const struct certificate *c, int64_t now,
                          struct gate *ret, struct err *err);

struct gate_blocked {
	int64_t    until;  /* 0: nothing is in the way; INT64_MAX: a person */
	int64_t    spread_ms;
	bool       stated; /* the CA itself said so; else Reeve counts, and has not asked */
	struct err why;    /* its text ends before the time */
};
/* The bucket that stands in the way longest. */
MUST_CHECK bool gate_look(struct db *db, struct arena *a, const struct gate *g, int64_t now, struct gate_blocked *ret, struct err *err);
/* Look, and take from all buckets when none is in the way: inside a write. */
MUST_CHECK bool gate_take(struct db *db, struct arena *a, const struct gate *g, const char *order_id, int64_t now,
                          struct gate_blocked *ret, struct err *err);

/* newOrder was refused by a limit, or a pause: hold its bucket and go back to `admit`. False: the refusal is something else. */
bool admit_refused(struct job *job, const struct gate *g, int status, uint32_t retry_after_s, const struct err *cause);

/* ---- inside the transactions of others ---- */

/* A job is tried again because of a limit: everything else at this authority waits as long. */
MUST_CHECK bool admit_retried(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err);
/* A name (identifier "": the order as a whole) failed. `validation`: the CA refused what it found in DNS. */
MUST_CHECK bool admit_failed(struct db *db, struct arena *a, const struct order *o, const char *identifier, bool validation,
                             const struct err *cause, enum step_id step, int64_t now, struct err *err);
/* The order ended without a certificate: when may the next one come by itself? What it took goes back. */
MUST_CHECK bool admit_ended(struct db *db, struct arena *a, const struct order *o, int64_t *ret_next_at, struct err *err);
MUST_CHECK bool admit_issued(struct db *db, struct arena *a, const struct order *o, int64_t now, struct err *err);
/* A person says that it goes on: pauses of its names end, its waiting order looks again. */
MUST_CHECK bool admit_resume(struct db *db, struct arena *a, const struct certificate *c, int64_t now, struct err *err);

#endif
