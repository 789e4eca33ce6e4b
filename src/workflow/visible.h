/*
 * workflow/visible.h: is a TXT value on every authoritative server of its zone? The look is one question; waiting is the
 * job's, between two of them.
 */
#ifndef REEVE_WORKFLOW_VISIBLE_H
#define REEVE_WORKFLOW_VISIBLE_H

#include "workflow/engine.h"

#define VISIBLE_LOOKS_MAX 60 /* with the waits between them: about half an hour */

struct visible {
	bool        everywhere; /* each server that was found answered, with authority, with the value */
	const char *detail;     /* a sentence: on how many, and which one has it not */
};

/* False only when the resolver cannot be asked. */
MUST_CHECK bool visible_look(struct worker *w, struct arena *a, const char *owner, const char *value, struct visible *ret,
                             struct err *err);
/* How long until the next look, after `looks` of them: half a second, growing to 45 s. */
int64_t visible_wait_ms(int64_t looks);
/* Is it time to ask whether the provider still has the value? */
bool visible_ask_provider(int64_t looks);

#endif
