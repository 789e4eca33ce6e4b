/*
 * API tokens. Only digests come here; whether a token is good is the keeper's decision.
 */
#include "store/token.h"

#include "store/rows.h"

#define TOKEN_COLUMNS "id, project_id, name, role, digest, created_at, expires_at, revoked_at, row_version, mac, certificate_id"

static bool token_read(const struct db_row *row, void *arg)
{
	struct rows  *rows = arg;
	struct arena *a = rows->a;
	struct token *t = rows_add(rows);

	t->id = db_text(row, 0, a);
	t->project_id = db_text(row, 1, a);
	t->name = db_text(row, 2, a);
	t->role = db_text(row, 3, a);
	t->digest = db_blob(row, 4, a);
	t->created_at = db_int(row, 5);
	t->expires_at = db_int(row, 6);
	t->revoked_at = db_int(row, 7);
	t->row_version = db_int(row, 8);
	t->mac = db_blob(row, 9, a);
	t->certificate_id = db_text(row, 10, a);
	return true;
}

bool token_insert(struct db *db, const struct token *t, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "INSERT INTO tokens (" TOKEN_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	               " ON CONFLICT (project_id, name) WHERE revoked_at IS NULL DO NOTHING",
	               DB_T(t->id), DB_T(t->project_id), DB_T(t->name), DB_T(t->role), DB_B(t->digest),
	               DB_I(t->created_at), DB_I(t->expires_at), DB_I0(t->revoked_at), DB_I(t->row_version),
	               DB_B(t->mac), DB_C(t->certificate_id)) &&
	       rows_inserted(changed, err, "a token", t->name);
}

bool token_find(struct db *db, struct arena *a, const char *id, struct token *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct token);

	return db_each(db, token_read, &rows, err, "SELECT " TOKEN_COLUMNS " FROM tokens WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "token", id);
}

bool token_find_named(struct db *db, struct arena *a, const char *project_id, const char *id_or_name,
                      struct token *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct token);

	return db_each(db, token_read, &rows, err,
	               "SELECT " TOKEN_COLUMNS " FROM tokens"
	               " WHERE project_id = $1 AND (id = $2 OR name = $2) AND revoked_at IS NULL"
	               " ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END LIMIT 1",
	               DB_C(project_id), DB_C(id_or_name)) &&
	       rows_first(&rows, ret, err, "token", id_or_name);
}

bool token_list(struct db *db, struct arena *a, const char *project_id, struct token **ret, size_t *ret_count,
                struct err *err)
{
	struct rows rows = ROWS(a, struct token);

	return db_each(db, token_read, &rows, err,
	               "SELECT " TOKEN_COLUMNS " FROM tokens WHERE $1 = '' OR project_id = $1 ORDER BY id",
	               DB_C(project_id)) &&
	       rows_take(&rows, ret, ret_count);
}

/* The first revocation counts; the MAC is the one over the row with revoked_at set. */
bool token_revoke(struct db *db, const char *id, int64_t revoked_at, struct str mac, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE tokens SET revoked_at = $2, mac = $3 WHERE id = $1 AND revoked_at IS NULL",
	               DB_C(id), DB_I(revoked_at), DB_B(mac)) &&
	       rows_changed(changed, err, "live token", id);
}
