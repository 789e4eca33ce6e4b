/* store/token.h: API tokens as keyed digests. */
#ifndef REEVE_STORE_TOKEN_H
#define REEVE_STORE_TOKEN_H

#include "store/db.h"

struct token {
	const char *id, *project_id, *name, *role, *certificate_id /* "" : not narrowed */;
	struct str  digest, mac;
	int64_t     created_at, expires_at, revoked_at; /* revoked_at 0: live */
	int64_t     row_version;
};

MUST_CHECK bool token_insert(struct db *db, const struct token *t, struct err *err);
/* By id. ERR_NOT_FOUND. */
MUST_CHECK bool token_find(struct db *db, struct arena *a, const char *id, struct token *ret, struct err *err);
/* A live token by id or name within a project. */
MUST_CHECK bool token_find_named(struct db *db, struct arena *a, const char *project_id, const char *id_or_name, struct token *ret, struct err *err);
/* project_id "" lists all projects. */
MUST_CHECK bool token_list(struct db *db, struct arena *a, const char *project_id, struct token **ret, size_t *ret_count, struct err *err);
/* `mac` covers the row with this revoked_at. A token that is revoked already keeps its first time. */
MUST_CHECK bool token_revoke(struct db *db, const char *id, int64_t revoked_at, struct str mac, struct err *err);

#endif
