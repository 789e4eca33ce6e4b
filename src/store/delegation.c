/*
 * Delegations and the owner names they point at. What DNS says about them is only recorded here.
 */
#include "store/delegation.h"

#include <assert.h>

#include "base/buf.h"
#include "base/wire.h"
#include "store/rows.h"

#define DELEGATION_COLUMNS                                                                         \
	"id, project_id, name, target, kind, connection_id, health, problem, finding, verified_at, checked_at," \
	" created_at, removed_at, row_version, mac, zone"
#define CANONICAL_MAX (64 * KIB)

static bool delegation_read(const struct db_row *row, void *arg)
{
	struct rows       *rows = arg;
	struct arena      *a = rows->a;
	struct delegation *d = rows_add(rows);

	d->id = db_text(row, 0, a);
	d->project_id = db_text(row, 1, a);
	d->name = db_text(row, 2, a);
	d->target = db_text(row, 3, a);
	d->kind = db_text(row, 4, a);
	d->connection_id = db_text(row, 5, a);
	d->health = db_text(row, 6, a);
	d->problem = db_text(row, 7, a);
	d->finding = db_text(row, 8, a);
	d->verified_at = db_int(row, 9);
	d->checked_at = db_int(row, 10);
	d->created_at = db_int(row, 11);
	d->removed_at = db_int(row, 12);
	d->row_version = db_int(row, 13);
	d->mac = db_blob(row, 14, a);
	d->zone = db_text(row, 15, a);
	return true;
}

struct str delegation_canonical(struct arena *a, const struct delegation *d)
{
	AUTO(buf_clear) struct buf b;

	buf_init(&b, CANONICAL_MAX);
	wire_put_c(&b, d->id);
	wire_put_c(&b, d->project_id);
	wire_put_c(&b, d->name);
	wire_put_c(&b, d->target);
	wire_put_c(&b, d->kind);
	wire_put_c(&b, d->connection_id);
	wire_put_i64(&b, d->created_at);
	/* Rows from before there was a column have none. */
	if (d->zone != NULL && d->zone[0] != '\0')
		wire_put_c(&b, d->zone);
	assert(!b.failed); /* ids and domain names are short */
	return arena_dup(a, buf_str(&b));
}

/* ---- targets ---- */

static bool target_owned(const char *owner, struct err *err)
{
	err_problem(err, ERR_CONFLICT, "target-owned", "the target %s is taken", owner);
	return err_hint(err, "choose another target; a name that was given once is never given to anybody else");
}

/* *ret is 1 when the target is this project's and, unless kind is "", of this kind. */
static bool target_is(struct db *db, const char *owner, const char *project_id, const char *kind, int64_t *ret,
                      struct err *err)
{
	return db_each(db, rows_int, ret, err,
	               "SELECT COUNT(*) FROM targets WHERE owner = $1 AND project_id = $2 AND ($3 = '' OR kind = $3)",
	               DB_C(owner), DB_C(project_id), DB_C(kind));
}

bool target_claim(struct db *db, const char *owner, const char *project_id, const char *kind, int64_t now,
                  struct err *err)
{
	int64_t changed = 0, ours = 0;

	if (!db_exec(db, &changed, err,
	             "INSERT INTO targets (owner, project_id, kind, created_at) VALUES ($1, $2, $3, $4)"
	             " ON CONFLICT (owner) DO NOTHING",
	             DB_T(owner), DB_T(project_id), DB_T(kind), DB_I(now)))
		return false;
	if (changed > 0)
		return true;
	/* A generated name serves one delegation only, so only a named one may come again. */
	if (strcmp(kind, "named") != 0)
		return target_owned(owner, err);
	return target_is(db, owner, project_id, "named", &ours, err) && (ours > 0 || target_owned(owner, err));
}

/* ---- delegations ---- */

bool delegation_insert(struct db *db, const struct delegation *d, struct err *err)
{
	int64_t changed = 0, ours = 0;

	if (!target_is(db, d->target, d->project_id, "", &ours, err))
		return false;
	if (ours == 0)
		return target_owned(d->target, err);
	return db_exec(db, &changed, err,
	               "INSERT INTO delegations (" DELEGATION_COLUMNS ")"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
	               " ON CONFLICT (project_id, name, target) WHERE removed_at IS NULL DO NOTHING",
	               DB_T(d->id), DB_T(d->project_id), DB_T(d->name), DB_T(d->target), DB_T(d->kind),
	               DB_T(d->connection_id), DB_T(d->health), DB_C(d->problem), DB_C(d->finding),
	               DB_I0(d->verified_at), DB_I0(d->checked_at), DB_I(d->created_at), DB_I0(d->removed_at),
	               DB_I(d->row_version), DB_B(d->mac), DB_C(d->zone)) &&
	       rows_inserted(changed, err, "such a delegation of", d->name);
}

bool delegation_find(struct db *db, struct arena *a, const char *id, struct delegation *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct delegation);

	return db_each(db, delegation_read, &rows, err, "SELECT " DELEGATION_COLUMNS " FROM delegations WHERE id = $1",
	               DB_C(id)) &&
	       rows_first(&rows, ret, err, "delegation", id);
}

bool delegation_find_named(struct db *db, struct arena *a, const char *project_id, const char *name_or_id,
                           struct delegation *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct delegation);

	return db_each(db, delegation_read, &rows, err,
	               "SELECT " DELEGATION_COLUMNS " FROM delegations"
	               " WHERE project_id = $1 AND (name = $2 OR id = $2) AND removed_at IS NULL"
	               " ORDER BY CASE WHEN id = $2 THEN 0 WHEN health = 'verified' THEN 1 ELSE 2 END,"
	               " created_at DESC, id DESC LIMIT 1",
	               DB_C(project_id), DB_C(name_or_id)) &&
	       rows_first(&rows, ret, err, "delegation of", name_or_id);
}

bool delegation_find_target(struct db *db, struct arena *a, const char *project_id, const char *name,
                            const char *target, struct delegation *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct delegation);

	return db_each(db, delegation_read, &rows, err,
	               "SELECT " DELEGATION_COLUMNS " FROM delegations"
	               " WHERE project_id = $1 AND name = $2 AND target = $3 AND removed_at IS NULL",
	               DB_C(project_id), DB_C(name), DB_C(target)) &&
	       rows_first(&rows, ret, err, "such a delegation of", name);
}

bool delegation_list(struct db *db, struct arena *a, const char *project_id, struct delegation **ret,
                     size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct delegation);

	return db_each(db, delegation_read, &rows, err,
	               "SELECT " DELEGATION_COLUMNS " FROM delegations WHERE project_id = $1 AND removed_at IS NULL"
	               " ORDER BY name, target",
	               DB_C(project_id)) &&
	       rows_take(&rows, ret, ret_count);
}

bool delegation_set_health(struct db *db, const char *id, const char *health, const char *problem,
                           const char *finding, int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE delegations SET health = $2, problem = $3, finding = $4, checked_at = $5,"
	               " verified_at = CASE WHEN $2 = 'verified' THEN $5 ELSE verified_at END,"
	               " row_version = row_version + 1 WHERE id = $1",
	               DB_C(id), DB_T(health), DB_C(problem), DB_C(finding), DB_I(now)) &&
	       rows_changed(changed, err, "delegation", id);
}

bool delegation_remove(struct db *db, const char *id, int64_t now, struct err *err)
{
	int64_t changed = 0, running = 0;

	if (!db_each(db, rows_int, &running, err,
	             "SELECT COUNT(*) FROM orders o JOIN certificate_routes r ON r.certificate_id = o.certificate_id"
	             " WHERE o.status = 'running' AND r.delegation_id = $1",
	             DB_C(id)))
		return false;
	if (running > 0) {
		err_problem(err, ERR_CONFLICT, "conflict", "the delegation is used by a running order");
		return err_hint(err, "wait until the order ended, or cancel it");
	}
	return db_exec(db, &changed, err,
	               "UPDATE delegations SET removed_at = $2, row_version = row_version + 1"
	               " WHERE id = $1 AND removed_at IS NULL",
	               DB_C(id), DB_I(now)) &&
	       rows_changed(changed, err, "delegation", id);
}
