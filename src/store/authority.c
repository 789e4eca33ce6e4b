/*
 * Upstream CAs and our accounts there. row_version stands still where a sealed column is bound to it.
 */
#include "store/authority.h"

#include <assert.h>

#include "base/buf.h"
#include "base/wire.h"
#include "store/rows.h"

#define AUTHORITY_COLUMNS                                                                          \
	"id, project_id, name, directory_url, email, eab_kid, eab_hmac, ca_pem, allow_addresses, is_default," \
	" created_at, removed_at, row_version, mac, connection_id, zone, preset, profile, chain"
#define CANONICAL_MAX (16 * MIB)

static bool authority_read(const struct db_row *row, void *arg)
{
	struct rows      *rows = arg;
	struct arena     *a = rows->a;
	struct authority *x = rows_add(rows);

	x->id = db_text(row, 0, a);
	x->project_id = db_text(row, 1, a);
	x->name = db_text(row, 2, a);
	x->directory_url = db_text(row, 3, a);
	x->email = db_text(row, 4, a);
	x->eab_kid = db_text(row, 5, a);
	x->eab_hmac = db_blob(row, 6, a);
	x->ca_pem = db_text(row, 7, a);
	x->allow_addresses = db_text(row, 8, a);
	x->is_default = db_int(row, 9) != 0;
	x->created_at = db_int(row, 10);
	x->removed_at = db_int(row, 11);
	x->row_version = db_int(row, 12);
	x->mac = db_blob(row, 13, a);
	x->connection_id = db_text(row, 14, a);
	x->zone = db_text(row, 15, a);
	x->preset = db_text(row, 16, a);
	x->profile = db_text(row, 17, a);
	x->chain = db_text(row, 18, a);
	return true;
}

struct str authority_canonical(struct arena *a, const struct authority *x)
{
	AUTO(buf_clear) struct buf b;

	buf_init(&b, CANONICAL_MAX);
	wire_put_c(&b, x->id);
	wire_put_c(&b, x->project_id);
	wire_put_c(&b, x->name);
	wire_put_c(&b, x->directory_url);
	wire_put_c(&b, x->email);
	wire_put_c(&b, x->eab_kid);
	wire_put_str(&b, x->eab_hmac);
	wire_put_c(&b, x->ca_pem);
	wire_put_c(&b, x->allow_addresses);
	wire_put_i64(&b, x->created_at);
	/* Rows from before there were these columns have none. */
	if (x->connection_id != NULL && x->connection_id[0] != '\0') {
		wire_put_c(&b, x->connection_id);
		wire_put_c(&b, x->zone);
	}
	assert(!b.failed); /* each part was bounded where it came in */
	return arena_dup(a, buf_str(&b));
}

bool authority_insert(struct db *db, const struct authority *x, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "INSERT INTO authorities (" AUTHORITY_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
	               " CASE WHEN EXISTS (SELECT 1 FROM authorities WHERE project_id = $2 AND is_default = 1"
	               " AND removed_at IS NULL) THEN 0 ELSE 1 END, $10, NULL, $11, $12, $13, $14, $15, $16, $17)"
	               " ON CONFLICT (project_id, name) WHERE removed_at IS NULL DO NOTHING",
	               DB_T(x->id), DB_T(x->project_id), DB_T(x->name), DB_T(x->directory_url), DB_C(x->email),
	               DB_C(x->eab_kid), DB_B(x->eab_hmac), DB_C(x->ca_pem), DB_C(x->allow_addresses),
	               DB_I(x->created_at), DB_I(x->row_version), DB_B(x->mac), DB_C(x->connection_id), DB_C(x->zone),
	               DB_C(x->preset), DB_C(x->profile), DB_C(x->chain)) &&
	       rows_inserted(changed, err, "an authority", x->name);
}

bool authority_find(struct db *db, struct arena *a, const char *id, struct authority *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct authority);

	return db_each(db, authority_read, &rows, err, "SELECT " AUTHORITY_COLUMNS " FROM authorities WHERE id = $1",
	               DB_C(id)) &&
	       rows_first(&rows, ret, err, "authority", id);
}

bool authority_find_named(struct db *db, struct arena *a, const char *project_id, const char *id_or_name,
                          struct authority *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct authority);

	return db_each(db, authority_read, &rows, err,
	               "SELECT " AUTHORITY_COLUMNS " FROM authorities"
	               " WHERE project_id = $1 AND (id = $2 OR name = $2) AND removed_at IS NULL"
	               " ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END LIMIT 1",
	               DB_C(project_id), DB_C(id_or_name)) &&
	       rows_first(&rows, ret, err, "authority", id_or_name);
}

bool authority_find_default(struct db *db, struct arena *a, const char *project_id, struct authority *ret,
                            struct err *err)
{
	struct rows rows = ROWS(a, struct authority);

	return db_each(db, authority_read, &rows, err,
	               "SELECT " AUTHORITY_COLUMNS " FROM authorities"
	               " WHERE project_id = $1 AND is_default = 1 AND removed_at IS NULL",
	               DB_C(project_id)) &&
	       rows_first(&rows, ret, err, "default authority", "");
}

bool authority_list(struct db *db, struct arena *a, const char *project_id, struct authority **ret,
                    size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct authority);

	return db_each(db, authority_read, &rows, err,
	               "SELECT " AUTHORITY_COLUMNS " FROM authorities WHERE project_id = $1 AND removed_at IS NULL"
	               " ORDER BY name",
	               DB_C(project_id)) &&
	       rows_take(&rows, ret, ret_count);
}

bool authority_set_email(struct db *db, const char *id, const char *email, struct str mac, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE authorities SET email = $2, mac = $3 WHERE id = $1", DB_C(id), DB_C(email), DB_B(mac)) &&
	       rows_changed(changed, err, "authority", id);
}

bool authority_set_wishes(struct db *db, const char *id, const char *profile, const char *chain, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE authorities SET profile = $2, chain = $3 WHERE id = $1", DB_C(id), DB_C(profile), DB_C(chain)) &&
	       rows_changed(changed, err, "authority", id);
}

bool authority_set_default(struct db *db, const char *project_id, const char *id, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, NULL, err,
	               "UPDATE authorities SET is_default = 0"
	               " WHERE project_id = $1 AND is_default = 1 AND removed_at IS NULL",
	               DB_C(project_id)) &&
	       db_exec(db, &changed, err,
	               "UPDATE authorities SET is_default = 1 WHERE project_id = $1 AND id = $2 AND removed_at IS NULL",
	               DB_C(project_id), DB_C(id)) &&
	       rows_changed(changed, err, "authority", id);
}

struct in_use {
	char order_id[64];
};

static bool in_use_read(const struct db_row *row, void *arg)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct in_use                  *x = arg;

	snprintf(x->order_id, sizeof(x->order_id), "%s", db_text(row, 0, a));
	return true;
}

bool authority_unused(struct db *db, const char *id, struct err *err)
{
	struct in_use use = { "" };

	if (!db_each(db, in_use_read, &use, err,
	             "SELECT id FROM orders WHERE status = 'running' AND authority_id = $1 LIMIT 1", DB_C(id)))
		return false;
	if (use.order_id[0] != '\0') {
		err_problem(err, ERR_CONFLICT, "conflict", "the authority is used by the running order %s", use.order_id);
		return err_hint(err, "wait until the order ended, or cancel it");
	}
	return true;
}

bool authority_orders_open(struct db *db, const char *id, int64_t *ret, struct err *err)
{
	return db_each(db, rows_int, ret, err,
	               "SELECT COUNT(*) FROM orders WHERE status = 'running' AND authority_id = $1 AND order_url <> ''", DB_C(id));
}

bool authority_remove(struct db *db, const char *id, int64_t now, struct err *err)
{
	int64_t changed = 0;

	return authority_unused(db, id, err) &&
	       db_exec(db, &changed, err,
	               "UPDATE authorities SET removed_at = $2, is_default = 0 WHERE id = $1 AND removed_at IS NULL",
	               DB_C(id), DB_I(now)) &&
	       rows_changed(changed, err, "authority", id);
}

/* ---- accounts ---- */

#define ACCOUNT_COLUMNS                                                                            \
	"id, project_id, authority_id, status, url, key_blob, jwk, thumbprint, hosts, problem, row_version, created_at"

static bool account_read(const struct db_row *row, void *arg)
{
	struct rows    *rows = arg;
	struct arena   *a = rows->a;
	struct account *x = rows_add(rows);

	x->id = db_text(row, 0, a);
	x->project_id = db_text(row, 1, a);
	x->authority_id = db_text(row, 2, a);
	x->status = db_text(row, 3, a);
	x->url = db_text(row, 4, a);
	x->key_blob = db_blob(row, 5, a);
	x->jwk = db_text(row, 6, a);
	x->thumbprint = db_text(row, 7, a);
	x->hosts = db_text(row, 8, a);
	x->problem = db_text(row, 9, a);
	x->row_version = db_int(row, 10);
	x->created_at = db_int(row, 11);
	return true;
}

bool account_insert(struct db *db, const struct account *x, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "INSERT INTO accounts (" ACCOUNT_COLUMNS ")"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
	               " ON CONFLICT (project_id, authority_id) DO NOTHING",
	               DB_T(x->id), DB_T(x->project_id), DB_T(x->authority_id), DB_T(x->status), DB_C(x->url),
	               DB_B(x->key_blob), DB_C(x->jwk), DB_C(x->thumbprint), DB_C(x->hosts), DB_C(x->problem),
	               DB_I(x->row_version), DB_I(x->created_at)) &&
	       rows_inserted(changed, err, "an account at the authority", x->authority_id);
}

bool account_find(struct db *db, struct arena *a, const char *project_id, const char *authority_id,
                  struct account *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct account);

	return db_each(db, account_read, &rows, err,
	               "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE project_id = $1 AND authority_id = $2",
	               DB_C(project_id), DB_C(authority_id)) &&
	       rows_first(&rows, ret, err, "account at the authority", authority_id);
}

bool account_find_id(struct db *db, struct arena *a, const char *id, struct account *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct account);

	return db_each(db, account_read, &rows, err, "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "account", id);
}

bool account_set_key(struct db *db, const char *id, struct str key_blob, const char *jwk, const char *thumbprint,
                     int64_t row_version, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE accounts SET key_blob = $2, jwk = $3, thumbprint = $4, row_version = $5 WHERE id = $1", DB_C(id),
	               DB_B(key_blob), DB_T(jwk), DB_T(thumbprint), DB_I(row_version)) &&
	       rows_changed(changed, err, "account", id);
}

bool account_set_status(struct db *db, const char *id, const char *status, const char *url, const char *problem,
                        struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE accounts SET status = $2, url = $3, problem = $4 WHERE id = $1",
	               DB_C(id), DB_T(status), DB_C(url), DB_C(problem)) &&
	       rows_changed(changed, err, "account", id);
}
