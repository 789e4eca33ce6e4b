/*
 * workflow/place.h: where challenges are written when neither a target nor a stored delegation says so: in the zone of the
 * authority's default connection, or in a zone of a connection that holds the name. DESIGN section 5, routes 3 and 4.
 *
 * Rule     DNS says at which name the CA will look; which zones may be written is said by connections and authorities
 *          alone. A name outside of these is never a place.
 */
#ifndef REEVE_WORKFLOW_PLACE_H
#define REEVE_WORKFLOW_PLACE_H

#include "store/authority.h"
#include "store/connection.h"
#include "workflow/engine.h"

struct place_wish {
	const char             *project_id, *name; /* base */
	const struct authority *authority;
	const char             *provider;   /* its id; "" : any */
	const char             *connection; /* name or id; "" : any */
	int64_t                 until_ms;   /* monotonic: no look-up begins later */
};

struct place {
	bool              found; /* false: nothing of this kind fits, and nothing was asked for */
	bool              direct; /* the name has no CNAME: its own challenge name is the target */
	struct connection connection;
	const char       *target, *zone; /* spec: store/connection.h */
};

/* ERR_CONFIG with the record that is needed when a place was asked for and DNS does not lead there. */
MUST_CHECK bool place_find(struct worker *w, struct arena *a, const struct place_wish *wish, struct place *ret, struct err *err);

/* The default connection of a new authority, by name or id, becomes its id, its zone a spec; both are checked. */
MUST_CHECK bool place_of_authority(struct worker *w, struct arena *a, struct authority *x, struct err *err);

#endif
