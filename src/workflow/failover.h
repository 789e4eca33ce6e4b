/*
 * workflow/failover.h: a second authority, where a certificate names one.
 *
 * When     the first authority has failed the certificate for `fallback_after` (12 hours; "0": at its first failure), or
 *          fails it when less than a sixth of the life of the version served is left, or ended the order for a first
 *          version. Failing is what the CA itself does or does not: no answer, an error of its own, a rate limit,
 *          nonsense. What it says about a name, a record or an account never leads elsewhere: that is for a person.
 *          An order held by what the CA itself said about its limits is failed by it; one that is parked because Reeve counts,
 *          before the CA is asked, is not, however long it waits; nor is one whose rehearsal waits or fails.
 * Then     one order goes to the second; the timelines of both orders and the audit say why. When the second fails too,
 *          the next try is the first one's again. A version by the second is renewed at the first.
 * CAA      a running order is given up only when the CAA records let the second issue, and it answers; any order of the
 *          second looks at them before its CA hears of it, as every order does.
 */
#ifndef REEVE_WORKFLOW_FAILOVER_H
#define REEVE_WORKFLOW_FAILOVER_H

#include "store/certificate.h"
#include "store/order.h"

/* "2d", "12h", "90m"; "0" is at once, "" Reeve's own 12 hours. ERR_INPUT "invalid-request". */
MUST_CHECK bool failover_after_parse(struct str text, int64_t *ret_ms, struct err *err);

/* What the choice depends on. *_at are Unix milliseconds, 0: never. */
struct failover_facts {
	int64_t failing_at;      /* since when the first authority fails */
	bool    failed_by_other; /* the last try was the second's, and failed */
	int64_t not_before_at, not_after_at; /* of the version served */
};
/* Which reason sends the next order to the second authority now? NULL: none. Pure. */
const char *failover_reason(const struct failover_facts *facts, int64_t after_ms, int64_t now);
/* Is a problem code one of the CA's own failures? */
bool failover_is_failure(const char *problem);

/* ---- inside a write ---- */

/* Beside an order at the first authority: the job that looks whether it is failed for too long. */
MUST_CHECK bool failover_watch(struct db *db, const struct certificate *c, const struct order *order, int64_t now, struct err *err);
/* order_start() at the authority whose turn it is. */
MUST_CHECK bool failover_order_start(struct db *db, const struct certificate *c, const char *order_id, struct err *err);
/* An order ended without a certificate. When nothing else would try again, the second authority does. */
MUST_CHECK bool failover_failed(struct db *db, struct arena *a, const struct order *order, const struct err *cause, int64_t now,
                                struct err *err);

#endif
