/* store/connection.h: where TXT values can be written. The built-in zones are connections of every project. */
#ifndef REEVE_STORE_CONNECTION_H
#define REEVE_STORE_CONNECTION_H

#include "store/db.h"

#define CONNECTION_BUILTIN "builtin" /* the provider of the built-in zones; stored, never renamed */

struct connection {
	const char *id, *project_id; /* "" : serves every project */
	const char *provider, *name, *zone;
	bool        is_default;
};

/* Make the built-in connections equal the configured zones: missing ones are added, others marked removed;
 * a zone that comes back keeps its id. The first zone is the default. */
MUST_CHECK bool connection_sync_builtin(struct db *db, const char *const *zones, size_t zones_count, int64_t now, struct err *err);
/* By id, removed ones too (cleanup must still find them). */
MUST_CHECK bool connection_find(struct db *db, struct arena *a, const char *id, struct connection *ret, struct err *err);
/* All live ones a project may use; provider "" for any. */
MUST_CHECK bool connection_list(struct db *db, struct arena *a, const char *project_id, const char *provider,
                                struct connection **ret, size_t *ret_count, struct err *err);

#endif
