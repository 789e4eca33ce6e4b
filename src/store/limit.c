/*
 * The token buckets of CAs' limits. A row that says nothing any more is removed by the next write that meets the index.
 */
#include "store/limit.h"

#include <assert.h>

#include "base/buf.h"
#include "base/wire.h"
#include "store/rows.h"

#define BUCKET_COLUMNS "scope, name, key, full_at, held_until, held_text, held_url, issued_at, held_problem"

static bool bucket_read(const struct db_row *row, void *arg)
{
	struct rows   *rows = arg;
	struct bucket *b = rows_add(rows);

	b->scope = db_text(row, 0, rows->a);
	b->name = db_text(row, 1, rows->a);
	b->key = db_text(row, 2, rows->a);
	b->full_at = db_int(row, 3);
	b->held_until = db_int(row, 4);
	b->held_text = db_text(row, 5, rows->a);
	b->held_problem = db_text(row, 8, rows->a);
	b->held_url = db_text(row, 6, rows->a);
	b->issued_at = db_int(row, 7);
	return true;
}

bool bucket_find(struct db *db, struct arena *a, const char *scope, const char *name, const char *key, struct bucket *ret,
                 struct err *err)
{
	struct rows rows = ROWS(a, struct bucket);

	if (!db_each(db, bucket_read, &rows, err,
	             "SELECT " BUCKET_COLUMNS " FROM ca_buckets WHERE scope = $1 AND name = $2 AND key = $3", DB_T(scope),
	             DB_T(name), DB_T(key)))
		return false;
	if (rows.count > 0)
		*ret = *(struct bucket *)(void *)rows.items;
	else
		*ret = (struct bucket){ .scope = scope, .name = name, .key = key, .held_problem = "", .held_text = "", .held_url = "" };
	return true;
}

bool bucket_any(struct db *db, const char *scope, const char *other_scope, bool *ret, struct err *err)
{
	int64_t any = 0;

	if (!db_each(db, rows_int, &any, err, "SELECT EXISTS (SELECT 1 FROM ca_buckets WHERE scope IN ($1, $2))", DB_T(scope),
	             DB_T(other_scope)))
		return false;
	*ret = any != 0;
	return true;
}

bool bucket_list(struct db *db, struct arena *a, const char *scope, int64_t now, size_t limit, struct bucket **ret,
                 size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct bucket);

	return db_each(db, bucket_read, &rows, err,
	               "SELECT " BUCKET_COLUMNS " FROM ca_buckets WHERE scope = $1 AND (full_at > $2 OR held_until > $2)"
	               " ORDER BY name, key LIMIT $3",
	               DB_T(scope), DB_I(now), DB_I(limit)) &&
	       rows_take(&rows, ret, ret_count);
}

static bool forget_expired(struct db *db, int64_t now, struct err *err)
{
	return db_exec(db, NULL, err, "DELETE FROM ca_buckets WHERE expires_at < $1", DB_I(now));
}

bool bucket_set(struct db *db, const struct bucket *b, int64_t now, struct err *err)
{
	return forget_expired(db, now, err) &&
	       db_exec(db, NULL, err,
	               "INSERT INTO ca_buckets (" BUCKET_COLUMNS ", expires_at) VALUES ($1, $2, $3, $4, 0, '', '', 0, '', $4)"
	               " ON CONFLICT (scope, name, key) DO UPDATE SET full_at = excluded.full_at,"
	               " expires_at = CASE WHEN expires_at > excluded.expires_at THEN expires_at ELSE excluded.expires_at END",
	               DB_T(b->scope), DB_T(b->name), DB_T(b->key), DB_I(b->full_at));
}

bool bucket_hold(struct db *db, const struct bucket *b, int64_t now, struct err *err)
{
	return forget_expired(db, now, err) &&
	       db_exec(db, NULL, err,
	               "INSERT INTO ca_buckets (" BUCKET_COLUMNS ", expires_at) VALUES ($1, $2, $3, 0, $4, $5, $6, 0, $7, $4)"
	               " ON CONFLICT (scope, name, key) DO UPDATE SET held_until = excluded.held_until,"
	               " held_text = excluded.held_text, held_url = excluded.held_url, held_problem = excluded.held_problem,"
	               " expires_at = CASE WHEN expires_at > excluded.expires_at THEN expires_at ELSE excluded.expires_at END"
	               " WHERE held_until < excluded.held_until",
	               DB_T(b->scope), DB_T(b->name), DB_T(b->key), DB_I(b->held_until), DB_C(b->held_text), DB_C(b->held_url),
	               DB_C(b->held_problem));
}

bool bucket_release(struct db *db, const char *scope, const char *name, const char *key, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE ca_buckets SET held_until = 0, held_text = '', held_url = '',"
	               " expires_at = CASE WHEN full_at > issued_at THEN full_at ELSE issued_at END"
	               " WHERE scope = $1 AND name = $2 AND key = $3 AND held_until > 0",
	               DB_T(scope), DB_T(name), DB_T(key));
}

bool bucket_clock_back(struct db *db, int64_t by_ms, int64_t from, struct err *err)
{
	return db_exec(db, NULL, err, "UPDATE ca_buckets SET full_at = full_at - $1 WHERE full_at >= $2", DB_I(by_ms), DB_I(from)) &&
	       db_exec(db, NULL, err,
	               "UPDATE ca_buckets SET held_until = held_until - $1 WHERE held_until >= $2 AND held_until < 9223372036854775807",
	               DB_I(by_ms), DB_I(from));
}

bool bucket_issued(struct db *db, const char *scope, const char *name, const char *key, int64_t now, int64_t keep_until,
                   struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO ca_buckets (" BUCKET_COLUMNS ", expires_at) VALUES ($1, $2, $3, 0, 0, '', '', $4, '', $5)"
	               " ON CONFLICT (scope, name, key) DO UPDATE SET issued_at = excluded.issued_at,"
	               " expires_at = CASE WHEN expires_at > excluded.expires_at THEN expires_at ELSE excluded.expires_at END",
	               DB_T(scope), DB_T(name), DB_T(key), DB_I(now), DB_I(keep_until));
}

bool bucket_reset(struct db *db, const char *scope, const char *name, const char *key, struct err *err)
{
	return db_exec(db, NULL, err, "UPDATE ca_buckets SET full_at = 0 WHERE scope = $1 AND name = $2 AND key = $3", DB_T(scope),
	               DB_T(name), DB_T(key));
}

/* ---- charges ---- */

bool charge_insert(struct db *db, const char *order_id, const struct bucket *b, int64_t cost_ms, bool *ret_new, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "INSERT INTO order_charges (order_id, scope, name, key, cost_ms) VALUES ($1, $2, $3, $4, $5)"
	             " ON CONFLICT (order_id, scope, name, key) DO NOTHING",
	             DB_T(order_id), DB_T(b->scope), DB_T(b->name), DB_T(b->key), DB_I(cost_ms)))
		return false;
	*ret_new = changed > 0;
	return true;
}

bool charge_end(struct db *db, const char *order_id, bool give_back, struct err *err)
{
	if (give_back &&
	    !db_exec(db, NULL, err,
	             "UPDATE ca_buckets SET full_at = full_at - (SELECT c.cost_ms FROM order_charges c WHERE c.order_id = $1"
	             " AND c.scope = ca_buckets.scope AND c.name = ca_buckets.name AND c.key = ca_buckets.key)"
	             " WHERE (scope, name, key) IN (SELECT scope, name, key FROM order_charges WHERE order_id = $1)",
	             DB_T(order_id)))
		return false;
	return db_exec(db, NULL, err, "DELETE FROM order_charges WHERE order_id = $1", DB_T(order_id));
}

/* ---- what was set for an authority ---- */

struct str authority_policy_canonical(struct arena *a, const struct authority_policy *x)
{
	AUTO(buf_clear) struct buf b;

	buf_init(&b, 16 * KIB);
	wire_put_c(&b, x->authority_id);
	wire_put_c(&b, x->staging_id);
	wire_put_i64(&b, x->rehearse_after);
	wire_put_c(&b, x->limits);
	assert(!b.failed); /* each part was bounded where it came in */
	return arena_dup(a, buf_str(&b));
}

static bool policy_read(const struct db_row *row, void *arg)
{
	struct rows             *rows = arg;
	struct authority_policy *x = rows_add(rows);

	x->authority_id = db_text(row, 0, rows->a);
	x->staging_id = db_text(row, 1, rows->a);
	x->rehearse_after = db_int(row, 2);
	x->limits = db_text(row, 3, rows->a);
	x->row_version = db_int(row, 4);
	x->mac = db_blob(row, 5, rows->a);
	return true;
}

bool authority_policy_find(struct db *db, struct arena *a, const char *authority_id, struct authority_policy *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct authority_policy);

	return db_each(db, policy_read, &rows, err,
	               "SELECT authority_id, staging_id, rehearse_after, limits, row_version, mac FROM authority_policies"
	               " WHERE authority_id = $1",
	               DB_T(authority_id)) &&
	       rows_first(&rows, ret, err, "policy of the authority", authority_id);
}

bool authority_policy_put(struct db *db, const struct authority_policy *x, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO authority_policies (authority_id, staging_id, rehearse_after, limits, row_version, mac)"
	               " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (authority_id) DO UPDATE SET staging_id = excluded.staging_id,"
	               " rehearse_after = excluded.rehearse_after, limits = excluded.limits, row_version = excluded.row_version,"
	               " mac = excluded.mac",
	               DB_T(x->authority_id), DB_C(x->staging_id), DB_I(x->rehearse_after), DB_C(x->limits), DB_I(x->row_version),
	               DB_B(x->mac));
}
