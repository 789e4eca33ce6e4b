/*
 * workflow/renewal_plan.h: when a certificate is renewed, and why then. RFC 9773 4.2, 4.3.
 *
 * Rule     the earliest of: the moment drawn in the window the CA suggests; the policy of the certificate; without a
 *          window and a policy two thirds of the life (half of a life under ten days). A window never moves a renewal
 *          behind the deadline: a tenth of the life, at least a day, but at most a quarter of the life, is kept for
 *          further tries. What is not drawn is spread: earlier by up to a twentieth of the life.
 * Holding  a failed or cancelled order and renewals that follow too quickly on each other hold the next one back.
 * Units    *_at are Unix milliseconds UTC, *_ms durations.
 * Purity   no I/O, no clock, no database, no randomness: years of renewals are a unit test.
 */
#ifndef REEVE_WORKFLOW_RENEWAL_PLAN_H
#define REEVE_WORKFLOW_RENEWAL_PLAN_H

#include "store/certificate.h"
#include "store/renewal.h"

#define RENEWAL_POSITIONS 1000000

/* How long before the end; both 0: Reeve's own rule. */
struct renewal_policy {
	int64_t  before_ms;
	uint64_t part, whole; /* part/whole of the life */
};
/* "30d", "36h", "90m", "1/3", "33%"; "" is no policy. ERR_INPUT "invalid-request". */
MUST_CHECK bool renewal_policy_parse(struct str text, struct renewal_policy *ret, struct err *err);
/* Could a life of this length ever meet it? ERR_INPUT "invalid-request" with the reason. */
MUST_CHECK bool renewal_policy_check(const struct renewal_policy *policy, int64_t life_ms, struct err *err);

enum renewal_reason {
	RENEWAL_WINDOW,   /* drawn in the CA's window */
	RENEWAL_DEADLINE, /* the CA suggests later than is safe */
	RENEWAL_POLICY,   /* the certificate's own */
	RENEWAL_LIFETIME, /* two thirds, or half */
	RENEWAL_RETRY,    /* the order before failed or was cancelled */
	RENEWAL_EARLY,    /* the last ones came so early that the next one is held back */
	RENEWAL_OFF,      /* not by itself */
	RENEWAL_PAUSED,
	RENEWAL_REVOKED,  /* the version served was revoked: the next one is ordered by hand */
	RENEWAL__COUNT
};

struct renewal_plan {
	int64_t             due_at; /* also when nothing renews it by itself: when it should be */
	enum renewal_reason reason; /* the last word on due_at, or why nothing happens then */
	bool                automatic;
	bool                policy_unmet; /* the policy fits no life as short as this one: it is left out */
};

/* `r` NULL: nothing is known but the validity. The version is one that was issued. */
void        renewal_plan(const struct certificate *c, const struct version *v, const struct renewal *r, struct renewal_plan *ret);
/* Should it have a successor by now, whatever holds that back? */
bool        renewal_needed(const struct certificate *c, const struct version *v, const struct renewal *r, int64_t now);
const char *renewal_reason_name(enum renewal_reason reason);
/* The reason as a sentence without its final dot. */
const char *renewal_plan_text(struct arena *a, const struct renewal_plan *plan, const struct certificate *c,
                              const struct version *v, const struct renewal *r);

/*
 * After `failures` (from 1) orders that failed in a row, with so much of the life left: 1, 10, 100 minutes, then a day;
 * never more than a quarter of what is left, never less than a minute. Not jittered.
 */
int64_t renewal_retry_ms(int64_t failures, int64_t left_ms);
/* How long a new version is left alone when it is the early-th in a row that was renewed too soon: 0, 1 h, 6 h, 1 day. */
int64_t renewal_early_ms(int64_t early);
/* Is this moment within a third of the life since the version was stored? */
bool    renewal_is_early(const struct version *v, int64_t now);

#endif
