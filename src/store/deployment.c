/*
 * Deployments and their deliveries. What is at a target is not a column of its own but the newest delivery that was
 * confirmed and not taken back, so the two can never disagree.
 */
#include "store/deployment.h"

#include "store/rows.h"

#define DEPLOYMENT_COLUMNS                                                                         \
	"id, project_id, name, certificate_id, kind, settings, secret, created_at, removed_at, row_version, mac"

static bool deployment_read(const struct db_row *row, void *arg)
{
	struct rows       *rows = arg;
	struct arena      *a = rows->a;
	struct deployment *d = rows_add(rows);

	d->id = db_text(row, 0, a);
	d->project_id = db_text(row, 1, a);
	d->name = db_text(row, 2, a);
	d->certificate_id = db_text(row, 3, a);
	d->kind = db_text(row, 4, a);
	d->settings = db_text(row, 5, a);
	d->secret = db_blob(row, 6, a);
	d->created_at = db_int(row, 7);
	d->removed_at = db_int(row, 8);
	d->row_version = db_int(row, 9);
	d->mac = db_blob(row, 10, a);
	return true;
}

bool deployment_insert(struct db *db, const struct deployment *d, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO deployments (" DEPLOYMENT_COLUMNS ")"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	               DB_T(d->id), DB_T(d->project_id), DB_T(d->name), DB_C(d->certificate_id), DB_T(d->kind),
	               DB_T(d->settings), DB_B(d->secret), DB_I(d->created_at), DB_I0(d->removed_at), DB_I(d->row_version),
	               DB_B(d->mac));
}

bool deployment_find(struct db *db, struct arena *a, const char *id, struct deployment *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct deployment);

	return db_each(db, deployment_read, &rows, err, "SELECT " DEPLOYMENT_COLUMNS " FROM deployments WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "deployment", id);
}

bool deployment_find_named(struct db *db, struct arena *a, const char *project_id, const char *name_or_id,
                           struct deployment *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct deployment);

	return db_each(db, deployment_read, &rows, err,
	               "SELECT " DEPLOYMENT_COLUMNS " FROM deployments"
	               " WHERE project_id = $1 AND (name = $2 OR id = $2) AND removed_at IS NULL",
	               DB_C(project_id), DB_C(name_or_id)) &&
	       rows_first(&rows, ret, err, "deployment", name_or_id);
}

bool deployment_list(struct db *db, struct arena *a, const char *project_id, const char *certificate_id,
                     struct deployment **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct deployment);

	return db_each(db, deployment_read, &rows, err,
	               "SELECT " DEPLOYMENT_COLUMNS " FROM deployments WHERE project_id = $1 AND removed_at IS NULL"
	               " AND ($2 = '' OR certificate_id = $2 OR certificate_id = '') ORDER BY name",
	               DB_C(project_id), DB_C(certificate_id)) &&
	       rows_take(&rows, ret, ret_count);
}

bool deployment_remove(struct db *db, const char *id, int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE deployments SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL", DB_C(id), DB_I(now)) &&
	       rows_changed(changed, err, "deployment", id);
}

/* ---- deliveries ---- */

#define DELIVERY_COLUMNS                                                                           \
	"id, deployment_id, project_id, certificate_id, version_id, number, order_id, event, dry_run, state, attempts," \
	" COALESCE(exit_code, -1), output, problem, detail, hint, next_try_at, started_at, deployed_at, seen_at, created_at," \
	" ended_at"

static bool delivery_read(const struct db_row *row, void *arg)
{
	struct rows     *rows = arg;
	struct arena    *a = rows->a;
	struct delivery *d = rows_add(rows);

	d->id = db_text(row, 0, a);
	d->deployment_id = db_text(row, 1, a);
	d->project_id = db_text(row, 2, a);
	d->certificate_id = db_text(row, 3, a);
	d->version_id = db_text(row, 4, a);
	d->number = db_int(row, 5);
	d->order_id = db_text(row, 6, a);
	d->event = db_text(row, 7, a);
	d->dry_run = db_int(row, 8) != 0;
	d->state = db_text(row, 9, a);
	d->attempts = db_int(row, 10);
	d->exit_code = db_int(row, 11);
	d->output = db_text(row, 12, a);
	d->problem = db_text(row, 13, a);
	d->detail = db_text(row, 14, a);
	d->hint = db_text(row, 15, a);
	d->next_try_at = db_int(row, 16);
	d->started_at = db_int(row, 17);
	d->deployed_at = db_int(row, 18);
	d->seen_at = db_int(row, 19);
	d->created_at = db_int(row, 20);
	d->ended_at = db_int(row, 21);
	return true;
}

bool delivery_insert(struct db *db, const struct delivery *d, bool *ret_made, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "INSERT INTO deliveries (id, deployment_id, project_id, certificate_id, version_id, number, order_id,"
	             " event, dry_run, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', $10)"
	             " ON CONFLICT (deployment_id, version_id) WHERE event <> 'manual' DO NOTHING",
	             DB_T(d->id), DB_T(d->deployment_id), DB_T(d->project_id), DB_T(d->certificate_id), DB_T(d->version_id),
	             DB_I(d->number), DB_C(d->order_id), DB_T(d->event), DB_I(d->dry_run), DB_I(d->created_at)))
		return false;
	*ret_made = changed > 0;
	return true;
}

bool delivery_find(struct db *db, struct arena *a, const char *id, struct delivery *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct delivery);

	return db_each(db, delivery_read, &rows, err, "SELECT " DELIVERY_COLUMNS " FROM deliveries WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "delivery", id);
}

bool delivery_list(struct db *db, struct arena *a, const char *deployment_id, size_t limit, struct delivery **ret,
                   size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct delivery);

	return db_each(db, delivery_read, &rows, err,
	               "SELECT " DELIVERY_COLUMNS " FROM deliveries WHERE deployment_id = $1"
	               " ORDER BY created_at DESC, id DESC LIMIT $2",
	               DB_C(deployment_id), DB_I(limit)) &&
	       rows_take(&rows, ret, ret_count);
}

bool delivery_find_deployed(struct db *db, struct arena *a, const char *deployment_id, const char *certificate_id,
                            const char *but_id, struct delivery *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct delivery);

	return db_each(db, delivery_read, &rows, err,
	               "SELECT " DELIVERY_COLUMNS " FROM deliveries WHERE deployment_id = $1 AND certificate_id = $2"
	               " AND id <> $3 AND dry_run = 0 AND deployed_at IS NOT NULL ORDER BY deployed_at DESC, id DESC LIMIT 1",
	               DB_C(deployment_id), DB_C(certificate_id), DB_C(but_id)) &&
	       rows_first(&rows, ret, err, "version deployed by", deployment_id);
}

bool delivery_find_seen(struct db *db, struct arena *a, const char *deployment_id, const char *certificate_id,
                        struct delivery *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct delivery);

	return db_each(db, delivery_read, &rows, err,
	               "SELECT " DELIVERY_COLUMNS " FROM deliveries WHERE deployment_id = $1 AND certificate_id = $2"
	               " AND seen_at IS NOT NULL ORDER BY seen_at DESC, id DESC LIMIT 1",
	               DB_C(deployment_id), DB_C(certificate_id)) &&
	       rows_first(&rows, ret, err, "version seen by", deployment_id);
}

bool delivery_busy(struct db *db, const struct delivery *d, bool *ret, struct err *err)
{
	int64_t count = 0;

	if (!db_each(db, rows_int, &count, err,
	             "SELECT COUNT(*) FROM deliveries WHERE deployment_id = $1 AND certificate_id = $2 AND id <> $3"
	             " AND state IN ('running', 'probing')",
	             DB_C(d->deployment_id), DB_C(d->certificate_id), DB_C(d->id)))
		return false;
	*ret = count > 0;
	return true;
}

bool delivery_start(struct db *db, const char *id, int64_t now, struct err *err)
{
	int64_t changed = 0;

	/* Between the look and this write another one may have begun. */
	if (!db_exec(db, &changed, err,
	             "UPDATE deliveries SET state = 'running', attempts = attempts + 1, started_at = $2, next_try_at = NULL"
	             " WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.deployment_id = deliveries.deployment_id"
	             " AND o.certificate_id = deliveries.certificate_id AND o.id <> $1 AND o.state IN ('running', 'probing'))",
	             DB_C(id), DB_I(now)))
		return false;
	return changed > 0 || err_problem(err, ERR_CONFLICT, "conflict", "another delivery to the same place is under way");
}

bool delivery_set_problem(struct db *db, const struct delivery *d, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE deliveries SET state = $2, exit_code = $3, output = $4, problem = $5, detail = $6, hint = $7,"
	               " next_try_at = $8 WHERE id = $1",
	               DB_C(d->id), DB_T(d->state), d->exit_code >= 0 ? DB_I(d->exit_code) : DB_N(), DB_C(d->output),
	               DB_C(d->problem), DB_C(d->detail), DB_C(d->hint), DB_I0(d->next_try_at)) &&
	       rows_changed(changed, err, "delivery", d->id);
}

bool delivery_set_deployed(struct db *db, const char *id, const char *state, int64_t exit_code, const char *output,
                           int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE deliveries SET state = $2, exit_code = $3, output = $4, deployed_at = $5, problem = '', detail = '',"
	               " hint = '', ended_at = CASE WHEN $2 = 'done' THEN $5 ELSE NULL END WHERE id = $1",
	               DB_C(id), DB_T(state), exit_code >= 0 ? DB_I(exit_code) : DB_N(), DB_C(output), DB_I(now)) &&
	       rows_changed(changed, err, "delivery", id);
}

bool delivery_set_seen(struct db *db, const char *id, int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE deliveries SET state = 'done', seen_at = $2, ended_at = $2 WHERE id = $1",
	               DB_C(id), DB_I(now)) &&
	       rows_changed(changed, err, "delivery", id);
}

bool delivery_end(struct db *db, const char *id, const char *state, const char *problem, const char *detail,
                  const char *hint, bool taken_back, int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE deliveries SET state = $2, problem = $3, detail = $4, hint = $5,"
	               " deployed_at = CASE WHEN $7 = 1 THEN NULL ELSE deployed_at END, next_try_at = NULL, ended_at = $6 WHERE id = $1",
	               DB_C(id), DB_T(state), DB_C(problem), DB_C(detail), DB_C(hint), DB_I(now), DB_I(taken_back)) &&
	       rows_changed(changed, err, "delivery", id);
}
