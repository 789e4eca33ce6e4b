/*
 * store/connection.h: where TXT values can be written: the built-in zones, which are connections of every project, and
 * accounts at DNS providers, which belong to one.
 *
 * Seal     credentials are sealed for connection_record(): the row's identity and version, and every setting that
 *          decides where they are sent. A changed setting does not open; whoever changes one gives them anew.
 * Zone     "" : the longest zone of the account that holds the owner. A zone spec is "", "ZONE" or "ZONE/ID".
 */
#ifndef REEVE_STORE_CONNECTION_H
#define REEVE_STORE_CONNECTION_H

#include "crypto/record.h"
#include "store/db.h"

#define CONNECTION_BUILTIN "builtin" /* the provider of the built-in zones; stored, never renamed */

struct connection {
	const char *id, *project_id; /* "" : serves every project */
	const char *provider, *name, *zone, *zone_id, *base_url, *proxy, *ca_pem, *allow_addresses, *fields;
	struct str  credentials; /* sealed; NULL for the built-in zones */
	const char *health /* "", good, bad */, *problem, *finding, *hint;
	int64_t     row_version, checked_at, created_at, removed_at;
	bool        is_default;
};

/* Make the built-in connections equal the configured zones: missing ones are added, others marked removed;
 * a zone that comes back keeps its id. The first zone is the default. */
MUST_CHECK bool connection_sync_builtin(struct db *db, const char *const *zones, size_t zones_count, int64_t now, struct err *err);
/* By id, removed ones too (cleanup must still find them). */
MUST_CHECK bool connection_find(struct db *db, struct arena *a, const char *id, struct connection *ret, struct err *err);
/* A live one that the project may use, by id or name. */
MUST_CHECK bool connection_find_named(struct db *db, struct arena *a, const char *project_id, const char *id_or_name,
                                      struct connection *ret, struct err *err);
/* All live ones a project may use; provider "" for any. */
MUST_CHECK bool connection_list(struct db *db, struct arena *a, const char *project_id, const char *provider,
                                struct connection **ret, size_t *ret_count, struct err *err);

/* What the credentials of this row are sealed for; column "connections.credentials". */
void connection_record(struct arena *a, const struct connection *c, struct record_id *ret);
/* The spec of its own zone. */
const char *connection_zone(struct arena *a, const struct connection *c);
/* The two parts of a spec. */
void zone_spec_split(struct arena *a, const char *spec, const char **ret_zone, const char **ret_id);

/* The first of a provider in a project becomes its default. "already-exists" for a taken name. */
MUST_CHECK bool connection_insert(struct db *db, const struct connection *c, struct err *err);
/* All that people set, for the version before `c->row_version` or, with the same credentials, for that very one. */
MUST_CHECK bool connection_update(struct db *db, const struct connection *c, int64_t seen_version, int64_t now, struct err *err);
MUST_CHECK bool connection_set_health(struct db *db, const char *id, const char *health, const char *problem, const char *finding,
                                      const char *hint, int64_t now, struct err *err);
/* ERR_CONFLICT while it owes the removal of values, or something live leads to it. The sealed credentials are wiped. */
MUST_CHECK bool connection_remove(struct db *db, const char *id, int64_t now, struct err *err);

#endif
