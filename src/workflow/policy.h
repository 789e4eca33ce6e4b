/*
 * workflow/policy.h: what a failed order means for the next one: its class, when it is due, and a sentence.
 *
 * Rule     the class comes from the one table of acme/problem.c for a CA's problems, and from the class of the err for our
 *          own. Waiting saturates: 1, 10, 100 minutes, then a day, never more than a quarter of the life that is left.
 * Purity   no I/O, no clock, no database, no randomness.
 */
#ifndef REEVE_WORKFLOW_POLICY_H
#define REEVE_WORKFLOW_POLICY_H

#include "acme/problem.h"

#define POLICY_NEVER   INT64_MAX /* not by itself: a person resumes */
#define POLICY_NOW_MAX 3         /* so many in a row are tried again at once */

struct policy_context {
	enum acme_where where;
	int64_t         failures; /* in a row, this one included */
	int64_t         left_ms;  /* of the life of the version served; 0: there is none */
	int64_t         now_ms;
	int64_t         draw;     /* 0..999999: where in the spread it is tried; many must not come back at once */
};

struct policy_reaction {
	enum acme_again class;
	int64_t         next_at; /* or POLICY_NEVER */
	char            sentence[256];
};

void        policy_react(const struct err *cause, const struct policy_context *c, struct policy_reaction *ret);
/* As it is stored: "now", "later", "stated", "change", "person", "never". */
const char *policy_class_name(enum acme_again class);
/* Has the CA paused the name, until a person visits its page? */
bool        policy_is_pause(const struct err *cause);

#endif
