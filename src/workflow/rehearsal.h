/*
 * workflow/rehearsal.h: orders at a CA's staging directory, whose certificate is discarded.
 *
 * A rehearsal is an order like any other, through the real delegation, with an account of its own at the staging authority.
 * Its certificate is a row that no list shows: it has the names, key type and routes of what is rehearsed, no version, no
 * renewal, no delivery.
 */
#ifndef REEVE_WORKFLOW_REHEARSAL_H
#define REEVE_WORKFLOW_REHEARSAL_H

#include "store/failure.h"
#include "workflow/admit.h"

/* Has a name of this order failed so often that the staging directory is asked first? Places the rehearsal, waits for it, or
 * goes on. */
enum outcome rehearsal_look(struct job *job, struct db *db, const struct order *o, const struct certificate *c, const struct gate *g,
                            struct err *err);

struct rehearsal_plan {
	struct certificate  like;        /* names, key type, project; id and authority are set by the call */
	const char         *staging_id, *certificate_id, *order_id; /* ids: new */
	const char         *waiting_id;  /* the order that waits, or "" */
	struct str          csr;         /* the user's request, DER; empty: Reeve makes the key */
	const struct certificate_route *routes;
	size_t              routes_count;
	const char         *note;        /* first row of its timeline */
};
/* Make it: inside a write. */
MUST_CHECK bool rehearsal_place(struct db *db, const struct rehearsal_plan *p, int64_t now, struct err *err);
/* The request that a certificate is made from; empty when Reeve makes its keys. */
MUST_CHECK bool rehearsal_csr(struct db *db, struct arena *a, const struct certificate *c, struct str *ret, struct err *err);
/* The staging authority of `x`. ERR_CONFIG "no-staging" with what to set. */
MUST_CHECK bool rehearsal_staging(struct db *db, struct arena *a, const struct authority *x, struct authority *ret, struct err *err);

/* The order of a rehearsal has ended: nothing of it is kept, and who waits looks again. *ret_is is false for a real order,
 * which is left alone. Inside a write. */
MUST_CHECK bool rehearsal_ended(struct db *db, struct arena *a, const struct order *o, bool passed, int64_t now, bool *ret_is, struct err *err);

#endif
