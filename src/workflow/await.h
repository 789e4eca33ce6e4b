/* workflow/await.h: what other steps share with waiting for the CA. */
#ifndef REEVE_WORKFLOW_AWAIT_H
#define REEVE_WORKFLOW_AWAIT_H

#include "acme/order.h"
#include "workflow/session.h"

/* The values of an order are due for removal, and a cleanup job owes it: inside a write. */
MUST_CHECK bool await_retire(struct db *db, const char *order_id, const char *project_id, struct err *err);
/* The same for the values of one authorization, which has become final before the others. */
MUST_CHECK bool await_retire_one(struct db *db, const char *order_id, const char *project_id, int64_t authorization_id, struct err *err);
/* When the order is worth its first poll. */
MUST_CHECK bool await_first_poll(struct db *db, struct arena *a, const char *order_id, int64_t learned_ms, int64_t *ret_at,
                                 struct err *err);
/*
 * POST-as-GET of the order. OUT_DONE: *ret is the answer. OUT_WAIT: the CA has forgotten it; job->next and facts are
 * set to begin again, so the step returns OUT_DONE. OUT_RETRY, OUT_FAIL: err.
 */
MUST_CHECK enum outcome await_poll(struct job *job, struct session *s, struct order *ret_order, struct acme_order *ret,
                                   struct err *err);

/*
 * Look at the authorizations the CA was told of, unless at most `but` of them are open; the values of those that are
 * final become due: facts for OUT_WAIT. False: err, which is temporary.
 */
MUST_CHECK bool await_look(struct job *job, struct session *s, size_t but, struct err *err);

#define AWAIT_LOOK_MS 5000 /* so long the values of an authorization may be there before others of the order are published */

#endif
