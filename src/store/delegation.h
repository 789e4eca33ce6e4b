/* store/delegation.h: delegations and the targets (owner names) they point at. */
#ifndef REEVE_STORE_DELEGATION_H
#define REEVE_STORE_DELEGATION_H

#include "store/db.h"

struct delegation {
	const char *id, *project_id, *name, *target, *kind /* generated, named, direct: its own name */, *connection_id,
		*zone; /* spec: store/connection.h; "" : the connection's */
	const char *health /* planned, published, verified, broken */, *problem, *finding;
	int64_t     verified_at, checked_at, created_at, removed_at; /* 0: never */
	int64_t     row_version;
	struct str  mac;
};

/* Columns under the row MAC: id, project_id, name, target, kind, connection_id, created_at, zone. */
struct str delegation_canonical(struct arena *a, const struct delegation *d);

/*
 * Claim an owner name for a project. The same project may claim a named target again; any other claim of an
 * existing row is ERR_CONFLICT "target-owned" (the other project is not named).
 */
MUST_CHECK bool target_claim(struct db *db, const char *owner, const char *project_id, const char *kind, int64_t now, struct err *err);

MUST_CHECK bool delegation_insert(struct db *db, const struct delegation *d, struct err *err);
MUST_CHECK bool delegation_find(struct db *db, struct arena *a, const char *id, struct delegation *ret, struct err *err); /* removed too */
/* The live delegation of a base name to use: verified before others, then newest. By name or id. ERR_NOT_FOUND. */
MUST_CHECK bool delegation_find_named(struct db *db, struct arena *a, const char *project_id, const char *name_or_id, struct delegation *ret, struct err *err);
MUST_CHECK bool delegation_find_target(struct db *db, struct arena *a, const char *project_id, const char *name, const char *target, struct delegation *ret, struct err *err);
MUST_CHECK bool delegation_list(struct db *db, struct arena *a, const char *project_id, struct delegation **ret, size_t *ret_count, struct err *err);
/* Result of a check; verified_at is set to `now` when health is verified. */
MUST_CHECK bool delegation_set_health(struct db *db, const char *id, const char *health, const char *problem, const char *finding, int64_t now, struct err *err);
/* ERR_CONFLICT while a running order uses it. The target stays claimed for ever. */
MUST_CHECK bool delegation_remove(struct db *db, const char *id, int64_t now, struct err *err);

#endif
