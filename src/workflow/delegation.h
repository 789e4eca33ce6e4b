/*
 * workflow/delegation.h: making delegations and looking whether DNS agrees with them. DESIGN section 5.
 *
 * Verdict  a delegation is verified when the CNAME of _acme-challenge.NAME leads to its target. Every other result
 *          carries a problem code (delegation-missing, -different, -unknown), a sentence and the record to add.
 */
#ifndef REEVE_WORKFLOW_DELEGATION_H
#define REEVE_WORKFLOW_DELEGATION_H

#include "dns/client.h"
#include "store/connection.h"
#include "store/delegation.h"
#include "workflow/engine.h"
#include "workflow/place.h"

#define DELEGATION_FRESH_MS (3600 * 1000) /* a verified delegation is believed so long */

/* "_acme-challenge.example.test. 300 IN CNAME target." */
const char *delegation_record(struct arena *a, const struct delegation *d);

/* Written at the name itself, in its own zone: there must be no CNAME, and there is no record to add. */
bool delegation_is_direct(const struct delegation *d);

struct delegation_verdict {
	const char *health;  /* to store */
	struct err  finding; /* class ERR_NONE when verified */
};
/* Look now, and store the health; wakes the orders that waited when it is verified. */
MUST_CHECK bool delegation_look(struct worker *w, struct arena *a, const struct delegation *d,
                                struct delegation_verdict *ret, struct err *err);
/* The row is what was written (its MAC), and it is this project's delegation of this name. */
MUST_CHECK bool delegation_trusted(struct worker *w, struct arena *a, const struct delegation *d, const char *project_id,
                                   const char *name, struct err *err);

/* What a new delegation is made of; `made` is filled with a ready row (MAC included), to be inserted. */
struct delegation_wish {
	const char *project_id, *id /* "" : a new one */, *name /* base */, *target /* owner, "" : generated */, *provider, *connection;
	const struct place *place; /* workflow/place.h: instead of target, provider and connection */
};
MUST_CHECK bool delegation_make(struct worker *w, struct arena *a, const struct delegation_wish *wish,
                                struct delegation *ret, struct err *err);
/* Claim the target, insert the row and its check job: inside a write. */
MUST_CHECK bool delegation_plan(struct db *db, const struct delegation *d, struct err *err);

/* The connection that can write `owner`: by name when given, else by zone (the longest), else ambiguous or none. */
MUST_CHECK bool connection_for(struct db *db, struct arena *a, const char *project_id, const char *provider,
                               const char *name, const char *owner, struct connection *ret, struct err *err);

#endif
