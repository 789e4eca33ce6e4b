/* store/project.h: projects, and the small facts about this installation (meta, seals, project keys). */
#ifndef REEVE_STORE_PROJECT_H
#define REEVE_STORE_PROJECT_H

#include "store/db.h"

#define PROJECT_DEFAULT "default"

struct project {
	const char *id, *name;
	int64_t     created_at;
};

MUST_CHECK bool project_insert(struct db *db, const struct project *p, struct err *err);
/* By id or by name. ERR_NOT_FOUND. */
MUST_CHECK bool project_find(struct db *db, struct arena *a, const char *id_or_name, struct project *ret, struct err *err);
MUST_CHECK bool project_list(struct db *db, struct arena *a, struct project **ret, size_t *ret_count, struct err *err);

/* "" when absent. Keys: instance_id, node_id. */
MUST_CHECK bool meta_get(struct db *db, struct arena *a, const char *key, const char **ret, struct err *err);
MUST_CHECK bool meta_set(struct db *db, const char *key, const char *value, struct err *err);

MUST_CHECK bool seal_insert(struct db *db, const char *id, const char *provider, struct str wrapped_root, int64_t now, struct err *err);
/* The newest seal. ERR_NOT_FOUND before `reeve init`. */
MUST_CHECK bool seal_find(struct db *db, struct arena *a, struct str *ret_wrapped_root, struct err *err);

struct project_key {
	uint64_t    key_id;
	const char *project_id;
	struct str  wrapped;
};
MUST_CHECK bool project_key_insert(struct db *db, const struct project_key *k, int64_t now, struct err *err);
MUST_CHECK bool project_key_list(struct db *db, struct arena *a, struct project_key **ret, size_t *ret_count, struct err *err);

MUST_CHECK bool audit_insert(struct db *db, int64_t at, const char *project_id, const char *principal, const char *action,
                             const char *object, const char *detail, struct err *err);

#endif
