/*
 * Projects and the small facts about the installation. What a key or a seal means is the keeper's business.
 */
#include "store/project.h"

#include "store/rows.h"

#define PROJECT_COLUMNS "id, name, created_at"

static bool project_read(const struct db_row *row, void *arg)
{
	struct rows    *rows = arg;
	struct project *p = rows_add(rows);

	p->id = db_text(row, 0, rows->a);
	p->name = db_text(row, 1, rows->a);
	p->created_at = db_int(row, 2);
	return true;
}

bool project_insert(struct db *db, const struct project *p, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "INSERT INTO projects (" PROJECT_COLUMNS ") VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
	               DB_T(p->id), DB_T(p->name), DB_I(p->created_at)) &&
	       rows_inserted(changed, err, "a project", p->name);
}

bool project_find(struct db *db, struct arena *a, const char *id_or_name, struct project *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct project);

	return db_each(db, project_read, &rows, err,
	               "SELECT " PROJECT_COLUMNS " FROM projects WHERE id = $1 OR name = $1"
	               " ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1",
	               DB_C(id_or_name)) &&
	       rows_first(&rows, ret, err, "project", id_or_name);
}

bool project_list(struct db *db, struct arena *a, struct project **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct project);

	return db_each(db, project_read, &rows, err, "SELECT " PROJECT_COLUMNS " FROM projects ORDER BY name") &&
	       rows_take(&rows, ret, ret_count);
}

/* ---- meta ---- */

struct meta {
	struct arena *a;
	const char   *value;
};

static bool meta_read(const struct db_row *row, void *arg)
{
	struct meta *m = arg;

	m->value = db_text(row, 0, m->a);
	return true;
}

bool meta_get(struct db *db, struct arena *a, const char *key, const char **ret, struct err *err)
{
	struct meta m = { a, "" };

	if (!db_each(db, meta_read, &m, err, "SELECT value FROM meta WHERE key = $1", DB_T(key)))
		return false;
	*ret = m.value;
	return true;
}

bool meta_set(struct db *db, const char *key, const char *value, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO meta (key, value) VALUES ($1, $2)"
	               " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	               DB_T(key), DB_C(value));
}

/* ---- seals and project keys ---- */

static bool seal_read(const struct db_row *row, void *arg)
{
	struct rows *rows = arg;
	struct str  *wrapped = rows_add(rows);

	*wrapped = db_blob(row, 0, rows->a);
	return true;
}

bool seal_insert(struct db *db, const char *id, const char *provider, struct str wrapped_root, int64_t now,
                 struct err *err)
{
	return db_exec(db, NULL, err, "INSERT INTO seals (id, provider, wrapped_root, created_at) VALUES ($1, $2, $3, $4)",
	               DB_T(id), DB_T(provider), DB_B(wrapped_root), DB_I(now));
}

bool seal_find(struct db *db, struct arena *a, struct str *ret_wrapped_root, struct err *err)
{
	struct rows rows = ROWS(a, struct str);

	return db_each(db, seal_read, &rows, err,
	               "SELECT wrapped_root FROM seals ORDER BY created_at DESC, id DESC LIMIT 1") &&
	       rows_first(&rows, ret_wrapped_root, err, "seal", "");
}

static bool project_key_read(const struct db_row *row, void *arg)
{
	struct rows        *rows = arg;
	struct project_key *k = rows_add(rows);

	k->key_id = (uint64_t)db_int(row, 0);
	k->project_id = db_text(row, 1, rows->a);
	k->wrapped = db_blob(row, 2, rows->a);
	return true;
}

bool project_key_insert(struct db *db, const struct project_key *k, int64_t now, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO project_keys (key_id, project_id, wrapped, created_at) VALUES ($1, $2, $3, $4)",
	               DB_I(k->key_id), DB_T(k->project_id), DB_B(k->wrapped), DB_I(now));
}

bool project_key_list(struct db *db, struct arena *a, struct project_key **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct project_key);

	return db_each(db, project_key_read, &rows, err,
	               "SELECT key_id, project_id, wrapped FROM project_keys ORDER BY created_at, key_id") &&
	       rows_take(&rows, ret, ret_count);
}

/* ---- audit ---- */

bool audit_insert(struct db *db, int64_t at, const char *project_id, const char *principal, const char *action,
                  const char *object, const char *detail, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO audit (at, project_id, principal, action, object, detail)"
	               " VALUES ($1, $2, $3, $4, $5, $6)",
	               DB_I(at), DB_C(project_id), DB_C(principal), DB_C(action), DB_C(object), DB_C(detail));
}
