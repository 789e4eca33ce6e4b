/* dns/lookup_internal.h: what lookup.c (libunbound) and lookup_run.c share. */
#ifndef REEVE_DNS_LOOKUP_INTERNAL_H
#define REEVE_DNS_LOOKUP_INTERNAL_H

#include "dns/lookup.h"

#define DIRECT_MS 2000 /* for direct questions */

struct ub_ctx;

struct look {
	struct arena                 *a;
	const struct resolver_config *config;
	struct ub_ctx                *ub;
	int64_t                       until_ms; /* monotonic */
};

int64_t left_ms(const struct look *l);
/* A context set up as Let's Encrypt runs Unbound; NULL and why. */
struct ub_ctx *view_make(const struct resolver_config *c, const char **ret_problem);
/* What libunbound finds out about one name and type; budget_ms 0: all but the time for direct questions. */
struct dns_result view_result(struct look *l, const char *name, uint16_t qtype, int64_t budget_ms);

#endif
