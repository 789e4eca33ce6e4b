/*
 * Where TXT values can be written. Connections are never deleted: a ledger row may still need one.
 */
#include "store/connection.h"

#include <assert.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/wire.h"
#include "crypto/sha256.h"
#include "keeper/keeper.h"
#include "store/rows.h"

#define CONNECTION_COLUMNS                                                                         \
	"id, project_id, provider, name, zone, is_default, zone_id, base_url, ca_pem, allow_addresses, fields, credentials," \
	" row_version, health, problem, finding, hint, checked_at, created_at, removed_at, proxy"
#define BOUND_MAX (2 * MIB)

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
	c->zone_id = db_text(row, 6, rows->a);
	c->base_url = db_text(row, 7, rows->a);
	c->ca_pem = db_text(row, 8, rows->a);
	c->allow_addresses = db_text(row, 9, rows->a);
	c->fields = db_text(row, 10, rows->a);
	c->credentials = db_blob(row, 11, rows->a);
	c->row_version = db_int(row, 12);
	c->health = db_text(row, 13, rows->a);
	c->problem = db_text(row, 14, rows->a);
	c->finding = db_text(row, 15, rows->a);
	c->hint = db_text(row, 16, rows->a);
	c->checked_at = db_int(row, 17);
	c->created_at = db_int(row, 18);
	c->removed_at = db_int(row, 19);
	c->proxy = db_text(row, 20, rows->a);
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

bool connection_find_named(struct db *db, struct arena *a, const char *project_id, const char *id_or_name, struct connection *ret,
                           struct err *err)
{
	struct rows rows = ROWS(a, struct connection);

	return db_each(db, connection_read, &rows, err,
	               "SELECT " CONNECTION_COLUMNS " FROM connections WHERE removed_at IS NULL"
	               " AND (project_id IS NULL OR project_id = $1) AND (id = $2 OR name = $2)"
	               " ORDER BY CASE WHEN id = $2 THEN 0 WHEN project_id IS NOT NULL THEN 1 ELSE 2 END LIMIT 1",
	               DB_C(project_id), DB_C(id_or_name)) &&
	       rows_first(&rows, ret, err, "connection", id_or_name);
}

/* ---- what belongs together ---- */

/* The id of a sealed value has room for an id and a digest: nothing has to be known of the settings by the keeper. */
void connection_record(struct arena *a, const struct connection *c, struct record_id *ret)
{
	const char *const texts[] = { c->provider, c->zone, c->zone_id, c->base_url, c->proxy, c->ca_pem, c->allow_addresses,
		                    c->fields };
	char              digest[SHA256_HEX_SIZE];
	struct buf        b;

	buf_init(&b, BOUND_MAX);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		wire_put_c(&b, texts[i]);
	assert(!b.failed); /* each part was bounded where it came in */
	sha256_hex(buf_str(&b), digest);
	buf_clear(&b);
	*ret = (struct record_id){ .project_id = c->project_id, .column = KEEPER_COLUMN_CREDENTIALS, .row_version = c->row_version,
		                   .row_id = arena_printf(a, "%s/%s", c->id, digest) };
}

const char *connection_zone(struct arena *a, const struct connection *c)
{
	return c->zone_id[0] != '\0' ? arena_printf(a, "%s/%s", c->zone, c->zone_id) : c->zone;
}

void zone_spec_split(struct arena *a, const char *spec, const char **ret_zone, const char **ret_id)
{
	const char *slash = strchr(spec, '/');

	*ret_zone = slash != NULL ? arena_str(a, str_of(spec, (size_t)(slash - spec))) : spec;
	*ret_id = slash != NULL ? slash + 1 : "";
}

/* ---- accounts at providers ---- */

bool connection_insert(struct db *db, const struct connection *c, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "INSERT INTO connections (id, project_id, provider, name, zone, zone_id, base_url, ca_pem, allow_addresses,"
	               " fields, credentials, row_version, created_at, proxy, is_default)"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	               " CASE WHEN EXISTS (SELECT 1 FROM connections WHERE project_id = $2 AND provider = $3 AND is_default = 1"
	               " AND removed_at IS NULL) THEN 0 ELSE 1 END)"
	               " ON CONFLICT (project_id, name) WHERE removed_at IS NULL AND project_id IS NOT NULL DO NOTHING",
	               DB_T(c->id), DB_T(c->project_id), DB_T(c->provider), DB_T(c->name), DB_C(c->zone), DB_C(c->zone_id),
	               DB_C(c->base_url), DB_C(c->ca_pem), DB_C(c->allow_addresses), DB_C(c->fields), DB_B(c->credentials),
	               DB_I(c->row_version), DB_I(c->created_at), DB_C(c->proxy)) &&
	       rows_inserted(changed, err, "a connection", c->name);
}

static bool make_default(struct db *db, const struct connection *c, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE connections SET is_default = 0 WHERE project_id = $1 AND provider = $2 AND is_default = 1"
	               " AND removed_at IS NULL AND id <> $3",
	               DB_T(c->project_id), DB_T(c->provider), DB_T(c->id)) &&
	       db_exec(db, NULL, err, "UPDATE connections SET is_default = 1 WHERE id = $1", DB_T(c->id));
}

/* What waits for the connection looks again with the new settings. */
static bool wake(struct db *db, const char *id, int64_t now, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE txt_records SET retry_at = $2 WHERE connection_id = $1 AND state = 'debt' AND gone_at IS NULL",
	               DB_T(id), DB_I(now)) &&
	       db_exec(db, NULL, err,
	               "UPDATE jobs SET wake_at = $2 WHERE state = 'active' AND wake_at > $2 AND ("
	               "(kind IN ('authorization', 'cleanup') AND order_id IN"
	               " (SELECT order_id FROM authorizations WHERE connection_id = $1"
	               "  UNION SELECT order_id FROM txt_records WHERE connection_id = $1 AND gone_at IS NULL))"
	               " OR (kind = 'connection-check' AND subject = $1))",
	               DB_T(id), DB_I(now));
}

bool connection_update(struct db *db, const struct connection *c, int64_t seen_version, int64_t now, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "UPDATE connections SET name = $3, zone = $4, zone_id = $5, base_url = $6, ca_pem = $7, allow_addresses = $8,"
	             " fields = $9, credentials = $10, row_version = $11, proxy = $13, health = '', problem = '', finding = '', hint = ''"
	             " WHERE id = $1 AND row_version = $2 AND removed_at IS NULL AND NOT EXISTS"
	             " (SELECT 1 FROM connections o WHERE o.project_id = $12 AND o.name = $3 AND o.id <> $1 AND o.removed_at IS NULL)",
	             DB_T(c->id), DB_I(seen_version), DB_T(c->name), DB_C(c->zone), DB_C(c->zone_id), DB_C(c->base_url),
	             DB_C(c->ca_pem), DB_C(c->allow_addresses), DB_C(c->fields), DB_B(c->credentials), DB_I(c->row_version),
	             DB_T(c->project_id), DB_C(c->proxy)))
		return false;
	if (changed == 0) {
		err_problem(err, ERR_CONFLICT, "conflict", "the connection %s was changed meanwhile, or the name is taken", c->name);
		return err_hint(err, "look at it again and repeat the change");
	}
	return (!c->is_default || make_default(db, c, err)) && wake(db, c->id, now, err);
}

bool connection_set_health(struct db *db, const char *id, const char *health, const char *problem, const char *finding,
                           const char *hint, int64_t now, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE connections SET health = $2, problem = $3, finding = $4, hint = $5, checked_at = $6"
	               " WHERE id = $1 AND removed_at IS NULL",
	               DB_T(id), DB_T(health), DB_C(problem), DB_C(finding), DB_C(hint), DB_I(now));
}

struct first_text {
	char   text[320];
	size_t count;
};

static bool first_text_read(const struct db_row *row, void *arg)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct first_text              *x = arg;

	if (x->count++ == 0)
		snprintf(x->text, sizeof(x->text), "%s", db_text(row, 0, a));
	return true;
}

bool connection_remove(struct db *db, const char *id, int64_t now, struct err *err)
{
	struct first_text owed = { .count = 0 }, used = { .count = 0 };
	int64_t           changed = 0;

	if (!db_each(db, first_text_read, &owed, err,
	             "SELECT DISTINCT owner FROM txt_records WHERE connection_id = $1 AND gone_at IS NULL", DB_T(id)) ||
	    !db_each(db, first_text_read, &used, err,
	             "SELECT name FROM delegations WHERE connection_id = $1 AND removed_at IS NULL"
	             " UNION SELECT 'authority ' || name FROM authorities WHERE connection_id = $1 AND removed_at IS NULL",
	             DB_T(id)))
		return false;
	if (owed.count > 0) {
		err_problem(err, ERR_CONFLICT, "conflict", "the connection still has to remove TXT values at %zu name%s: %s%s", owed.count,
		            owed.count == 1 ? "" : "s", owed.text, owed.count > 1 ? ", …" : "");
		return err_hint(err, "wait until they are gone, or give the connection a credential that may remove them");
	}
	if (used.count > 0) {
		err_problem(err, ERR_CONFLICT, "conflict", "the connection is used by %zu route%s: %s%s", used.count,
		            used.count == 1 ? "" : "s", used.text, used.count > 1 ? ", …" : "");
		return err_hint(err, "remove the delegations first (`reeve delegation list`), and the authority that names it");
	}
	return db_exec(db, &changed, err,
	               "UPDATE connections SET removed_at = $2, is_default = 0, credentials = NULL WHERE id = $1 AND removed_at IS NULL",
	               DB_T(id), DB_I(now)) &&
	       rows_changed(changed, err, "connection", id);
}
