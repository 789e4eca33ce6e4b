/* workflow/change.h: what people change about certificates and orders that are there: the policy, and an end. */
#ifndef REEVE_WORKFLOW_CHANGE_H
#define REEVE_WORKFLOW_CHANGE_H

#include "workflow/command.h"
#include "workflow/engine.h"

/* A policy that the certificate's life could never meet is refused with the reason. */
MUST_CHECK bool change_policy(struct worker *w, struct arena *a, const struct command_who *who, const struct command_policy *c,
                              struct command_reply *ret, struct err *err);
/* Staging directory, rehearsals and limits of an authority. */
MUST_CHECK bool change_limits(struct worker *w, struct arena *a, const struct command_who *who, const struct command_limits *c,
                              struct command_reply *ret, struct err *err);
/* The order and its jobs end, its values are removed as after a failure. Cancelled already: done. */
MUST_CHECK bool change_cancel(struct worker *w, struct arena *a, const struct command_who *who, const char *order_id,
                              struct command_reply *ret, struct err *err);

#endif
