/*
 * Where TXT values can be written. Connections are never deleted: a ledger row may still need one.
 */
#include "store/connection.h"

#include "base/id.h"
#include "store/rows.h"

#define CONNECTION_COLUMNS "id, project_id, provider, name, zone, is_default"

static bool connection_read(const struct db_row *row, void *arg)
{
	struct rows       *rows = arg;
	struct connection *c = rows_add(rows);

	c->id = db_text(row, 0, rows->a);
	c->project_id = db_text(row, 1, rows->a);
	c->provider = db_text(row, 2, rows->a);
	c->name = db_text(row, 3, rows->a);
	c->zone = db_text(row, 4, rows->a);
	c->is_default = db_int(row, 5) != 0;
	return true;
}

static bool configured(const char *zone, const char *const *zones, size_t zones_count)
{
	for (size_t i = 0; i < zones_count; i++) {
		if (strcmp(zone, zones[i]) == 0)
			return true;
	}
	return false;
}

static bool builtin_remove_others(struct db *db, const char *const *zones, size_t zones_count, int64_t now,
                                  struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct rows                     rows = ROWS(a, struct connection);
	const struct connection        *live;

	if (!db_each(db, connection_read, &rows, err,
	             "SELECT " CONNECTION_COLUMNS " FROM connections"
	             " WHERE provider = $1 AND project_id IS NULL AND removed_at IS NULL",
	             DB_T(CONNECTION_BUILTIN)))
		return false;
	live = (const void *)rows.items;
	for (size_t i = 0; i < rows.count; i++) {
		if (!configured(live[i].zone, zones, zones_count) &&
		    !db_exec(db, NULL, err, "UPDATE connections SET removed_at = $2, is_default = 0 WHERE id = $1",
		             DB_T(live[i].id), DB_I(now)))
			return false;
	}
	return true;
}

/* Brings back the row a zone had before, or makes one. */
static bool builtin_have(struct db *db, const char *zone, bool is_default, int64_t now, struct err *err)
{
	char    id[ID_SIZE];
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "UPDATE connections SET removed_at = NULL, is_default = $3"
	             " WHERE provider = $1 AND project_id IS NULL AND zone = $2",
	             DB_T(CONNECTION_BUILTIN), DB_T(zone), DB_I(is_default)))
		return false;
	if (changed > 0)
		return true;
	id_new(id);
	return db_exec(db, NULL, err,
	               "INSERT INTO connections (id, project_id, provider, name, zone, is_default, created_at)"
	               " VALUES ($1, NULL, $2, $3, $3, $4, $5)",
	               DB_T(id), DB_T(CONNECTION_BUILTIN), DB_T(zone), DB_I(is_default), DB_I(now));
}

bool connection_sync_builtin(struct db *db, const char *const *zones, size_t zones_count, int64_t now,
                             struct err *err)
{
	if (!builtin_remove_others(db, zones, zones_count, now, err))
		return false;
	for (size_t i = 0; i < zones_count; i++) {
		if (!configured(zones[i], zones, i) && !builtin_have(db, zones[i], i == 0, now, err))
			return false;
	}
	return true;
}

bool connection_find(struct db *db, struct arena *a, const char *id, struct connection *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct connection);

	return db_each(db, connection_read, &rows, err, "SELECT " CONNECTION_COLUMNS " FROM connections WHERE id = $1",
	               DB_C(id)) &&
	       rows_first(&rows, ret, err, "connection", id);
}

bool connection_list(struct db *db, struct arena *a, const char *project_id, const char *provider,
                     struct connection **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct connection);

	return db_each(db, connection_read, &rows, err,
	               "SELECT " CONNECTION_COLUMNS " FROM connections WHERE removed_at IS NULL"
	               " AND (project_id IS NULL OR project_id = $1) AND ($2 = '' OR provider = $2)"
	               " ORDER BY is_default DESC, zone, id",
	               DB_C(project_id), DB_C(provider)) &&
	       rows_take(&rows, ret, ret_count);
}
