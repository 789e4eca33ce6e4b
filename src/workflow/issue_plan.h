/*
 * workflow/issue_plan.h: what ordering and editing a certificate share: names, authorities, key and routes, read and
 * checked before anything is written. Private to issue.c and edit.c.
 *
 * Memory   everything lives in the arena of the command.
 * Errors   texts for the caller of the command; nothing is written but the delegations (plan_write_delegations).
 */
#ifndef REEVE_WORKFLOW_ISSUE_PLAN_H
#define REEVE_WORKFLOW_ISSUE_PLAN_H

#include "store/certificate.h"
#include "workflow/command.h"
#include "workflow/delegation.h"

struct route {
	const char       *name;
	struct delegation delegation;
	bool              planned; /* to be inserted */
};

struct plan {
	struct worker              *w;
	struct arena               *a;
	const struct command_who   *who;
	const struct command_issue *c;
	struct identifier          *names;
	size_t                      names_count;
	struct authority            authority;
	struct certificate          certificate;
	bool                        existing; /* the certificate row is there already */
	struct certificate_route   *kept;     /* of an edit: the routes it has */
	size_t                      kept_count;
	struct route               *routes;
	size_t                      routes_count;
	const char                 *order_id;
	int64_t                     look_until_ms; /* for finding places; monotonic */
	struct authority            staging; /* of a dry run */
};

/* c->names into p->names, each once. */
MUST_CHECK bool plan_names(struct plan *p, struct err *err);
MUST_CHECK bool plan_authority_named(struct plan *p, struct db *db, const char *name, struct authority *ret, struct err *err);
/* The second authority, "" for none, and its condition; p->authority, p->names and the wishes of p->certificate are there. */
MUST_CHECK bool plan_fallback(struct plan *p, struct db *db, const char *name, const char *after, const char **ret_id, struct err *err);
/* Is this authority not known to refuse these names together, or what p->certificate wishes of it? */
MUST_CHECK bool plan_accepts(struct plan *p, const struct authority *x, struct err *err);
/* Key type and policy of p->certificate, and the key of its CSR. */
MUST_CHECK bool plan_key(struct plan *p, struct db *db, struct err *err);
MUST_CHECK bool plan_routes(struct plan *p, struct db *db, struct err *err);
/* The first route that does not hold; class ERR_NONE when all do. */
MUST_CHECK bool plan_look(struct plan *p, struct err *ret_finding, struct err *err);
/* A store_write_fn: the delegations that are new. */
MUST_CHECK bool plan_write_delegations(struct db *db, void *plan, struct err *err);
/* Why the order is parked, for the caller. */
void plan_reply(struct arena *a, struct command_reply *ret, const struct err *finding);

#endif
