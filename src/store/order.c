/*
 * Orders, their authorizations and their history. The facts only: who moves an order is the workflow.
 */
#include "store/order.h"

#include "store/rows.h"

#define ORDER_COLUMNS                                                                              \
	"id, project_id, certificate_id, version_id, authority_id, account_id, status, step, order_url," \
	" finalize_url, certificate_url, csr, new_orders, requests, problem, detail, hint, next_try_at," \
	" created_at, ended_at, row_version"

static bool order_read(const struct db_row *row, void *arg)
{
	struct rows  *rows = arg;
	struct arena *a = rows->a;
	struct order *o = rows_add(rows);

	o->id = db_text(row, 0, a);
	o->project_id = db_text(row, 1, a);
	o->certificate_id = db_text(row, 2, a);
	o->version_id = db_text(row, 3, a);
	o->authority_id = db_text(row, 4, a);
	o->account_id = db_text(row, 5, a);
	o->status = db_text(row, 6, a);
	o->step = db_text(row, 7, a);
	o->order_url = db_text(row, 8, a);
	o->finalize_url = db_text(row, 9, a);
	o->certificate_url = db_text(row, 10, a);
	o->csr = db_blob(row, 11, a);
	o->new_orders = db_int(row, 12);
	o->requests = db_int(row, 13);
	o->problem = db_text(row, 14, a);
	o->detail = db_text(row, 15, a);
	o->hint = db_text(row, 16, a);
	o->next_try_at = db_int(row, 17);
	o->created_at = db_int(row, 18);
	o->ended_at = db_int(row, 19);
	o->row_version = db_int(row, 20);
	return true;
}

bool order_insert(struct db *db, const struct order *o, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "INSERT INTO orders (" ORDER_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
	             " $13, $14, $15, $16, $17, $18, $19, $20, $21)"
	             " ON CONFLICT (certificate_id) WHERE status = 'running' DO NOTHING",
	             DB_T(o->id), DB_T(o->project_id), DB_T(o->certificate_id), DB_C(o->version_id),
	             DB_T(o->authority_id), DB_C(o->account_id), DB_T(o->status), DB_C(o->step), DB_C(o->order_url),
	             DB_C(o->finalize_url), DB_C(o->certificate_url), DB_B(o->csr), DB_I(o->new_orders),
	             DB_I(o->requests), DB_C(o->problem), DB_C(o->detail), DB_C(o->hint), DB_I0(o->next_try_at),
	             DB_I(o->created_at), DB_I0(o->ended_at), DB_I(o->row_version)))
		return false;
	if (changed > 0)
		return true;
	err_problem(err, ERR_CONFLICT, "order-running", "an order for certificate %s is running already", o->certificate_id);
	return err_hint(err, "wait until it ended, or cancel it");
}

bool order_find(struct db *db, struct arena *a, const char *id, struct order *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct order);

	return db_each(db, order_read, &rows, err, "SELECT " ORDER_COLUMNS " FROM orders WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "order", id);
}

bool order_list(struct db *db, struct arena *a, const char *project_id, const char *certificate_id, size_t limit,
                struct order **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct order);
	bool        ok;

	if (certificate_id[0] == '\0')
		ok = db_each(db, order_read, &rows, err,
		             "SELECT " ORDER_COLUMNS " FROM orders WHERE project_id = $1"
		             " ORDER BY created_at DESC, id DESC LIMIT $2",
		             DB_C(project_id), DB_I(limit));
	else
		ok = db_each(db, order_read, &rows, err,
		             "SELECT " ORDER_COLUMNS " FROM orders WHERE certificate_id = $1"
		             " AND ($2 = '' OR project_id = $2) ORDER BY created_at DESC, id DESC LIMIT $3",
		             DB_C(certificate_id), DB_C(project_id), DB_I(limit));
	return ok && rows_take(&rows, ret, ret_count);
}

bool order_find_running(struct db *db, struct arena *a, const char *certificate_id, struct order *ret,
                        struct err *err)
{
	struct rows rows = ROWS(a, struct order);

	return db_each(db, order_read, &rows, err,
	               "SELECT " ORDER_COLUMNS " FROM orders WHERE certificate_id = $1 AND status = 'running'",
	               DB_C(certificate_id)) &&
	       rows_first(&rows, ret, err, "running order of certificate", certificate_id);
}

bool order_set_version(struct db *db, const char *id, const char *version_id, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE orders SET version_id = $2, row_version = row_version + 1 WHERE id = $1", DB_C(id),
	               DB_C(version_id)) &&
	       rows_changed(changed, err, "order", id);
}

bool order_set_account(struct db *db, const char *id, const char *account_id, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE orders SET account_id = $2, row_version = row_version + 1 WHERE id = $1", DB_C(id),
	               DB_C(account_id)) &&
	       rows_changed(changed, err, "order", id);
}

bool order_count_new_order(struct db *db, const char *id, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE orders SET new_orders = new_orders + 1, row_version = row_version + 1 WHERE id = $1",
	               DB_C(id)) &&
	       rows_changed(changed, err, "order", id);
}

bool order_set_urls(struct db *db, const char *id, const char *order_url, const char *finalize_url, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE orders SET order_url = $2, finalize_url = $3, row_version = row_version + 1 WHERE id = $1",
	               DB_C(id), DB_C(order_url), DB_C(finalize_url)) &&
	       rows_changed(changed, err, "order", id);
}

bool order_forget_urls(struct db *db, const char *id, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE orders SET order_url = '', finalize_url = '', certificate_url = '', csr = NULL,"
	               " row_version = row_version + 1 WHERE id = $1",
	               DB_C(id)) &&
	       rows_changed(changed, err, "order", id) &&
	       db_exec(db, NULL, err, "DELETE FROM authorizations WHERE order_id = $1", DB_C(id));
}

bool order_set_csr(struct db *db, const char *id, struct str csr, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE orders SET csr = $2, row_version = row_version + 1 WHERE id = $1",
	               DB_C(id), DB_B(csr)) &&
	       rows_changed(changed, err, "order", id);
}

bool order_set_certificate_url(struct db *db, const char *id, const char *url, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE orders SET certificate_url = $2, row_version = row_version + 1 WHERE id = $1", DB_C(id),
	               DB_C(url)) &&
	       rows_changed(changed, err, "order", id);
}

bool order_set_progress(struct db *db, const char *id, const char *step, const char *problem, const char *detail,
                        const char *hint, int64_t next_try_at, int64_t requests_more, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE orders SET step = $2, problem = $3, detail = $4, hint = $5, next_try_at = $6,"
	               " requests = requests + $7, row_version = row_version + 1 WHERE id = $1",
	               DB_C(id), DB_T(step), DB_C(problem), DB_C(detail), DB_C(hint), DB_I0(next_try_at),
	               DB_I(requests_more)) &&
	       rows_changed(changed, err, "order", id);
}

bool order_end(struct db *db, const char *id, const char *status, const char *problem, const char *detail,
               const char *hint, int64_t now, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "UPDATE orders SET status = $2, problem = $3, detail = $4, hint = $5, ended_at = $6,"
	             " next_try_at = NULL, row_version = row_version + 1 WHERE id = $1 AND status = 'running'",
	             DB_C(id), DB_T(status), DB_C(problem), DB_C(detail), DB_C(hint), DB_I(now)))
		return false;
	return changed > 0 || err_problem(err, ERR_CONFLICT, "conflict", "order %s is not running", id);
}

/* ---- authorizations ---- */

#define AUTHORIZATION_COLUMNS                                                                      \
	"id, order_id, url, name, wildcard, status, challenge_url, value, owner, connection_id, responded_at, zone, republished"

static bool authorization_read(const struct db_row *row, void *arg)
{
	struct rows          *rows = arg;
	struct arena         *a = rows->a;
	struct authorization *x = rows_add(rows);

	x->id = db_int(row, 0);
	x->order_id = db_text(row, 1, a);
	x->url = db_text(row, 2, a);
	x->name = db_text(row, 3, a);
	x->wildcard = db_int(row, 4) != 0;
	x->status = db_text(row, 5, a);
	x->challenge_url = db_text(row, 6, a);
	x->value = db_text(row, 7, a);
	x->owner = db_text(row, 8, a);
	x->connection_id = db_text(row, 9, a);
	x->responded_at = db_int(row, 10);
	x->zone = db_text(row, 11, a);
	x->republished = db_int(row, 12);
	return true;
}

static bool authorization_changed(int64_t changed, int64_t id, struct err *err)
{
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)id);
	return rows_changed(changed, err, "authorization", number);
}

bool authorization_insert(struct db *db, const char *order_id, const char *url, int64_t *ret_id, struct err *err)
{
	return db_each(db, rows_int, ret_id, err,
	               "INSERT INTO authorizations (order_id, url, status) VALUES ($1, $2, 'pending')"
	               " ON CONFLICT (order_id, url) DO UPDATE SET url = excluded.url RETURNING id",
	               DB_T(order_id), DB_T(url));
}

bool authorization_find(struct db *db, struct arena *a, int64_t id, struct authorization *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct authorization);

	if (!db_each(db, authorization_read, &rows, err,
	             "SELECT " AUTHORIZATION_COLUMNS " FROM authorizations WHERE id = $1", DB_I(id)) ||
	    !authorization_changed((int64_t)rows.count, id, err))
		return false;
	return rows_first(&rows, ret, err, "authorization", "");
}

bool authorization_url_used(struct db *db, const char *authority_id, const char *url, bool *ret, struct err *err)
{
	int64_t count = 0;

	if (!db_each(db, rows_int, &count, err,
	             "SELECT COUNT(*) FROM orders o JOIN authorizations a ON a.order_id = o.id"
	             " WHERE o.status = 'running' AND o.authority_id = $1 AND a.url = $2",
	             DB_T(authority_id), DB_T(url)))
		return false;
	*ret = count > 0;
	return true;
}

bool authorization_list(struct db *db, struct arena *a, const char *order_id, struct authorization **ret,
                        size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct authorization);

	return db_each(db, authorization_read, &rows, err,
	               "SELECT " AUTHORIZATION_COLUMNS " FROM authorizations WHERE order_id = $1 ORDER BY id",
	               DB_C(order_id)) &&
	       rows_take(&rows, ret, ret_count);
}

bool authorization_set_challenge(struct db *db, int64_t id, const char *name, bool wildcard,
                                 const char *challenge_url, const char *value, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE authorizations SET name = $2, wildcard = $3, challenge_url = $4, value = $5 WHERE id = $1",
	               DB_I(id), DB_C(name), DB_I(wildcard), DB_C(challenge_url), DB_C(value)) &&
	       authorization_changed(changed, id, err);
}

bool authorization_set_route(struct db *db, int64_t id, const char *owner, const char *connection_id, const char *zone,
                             struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE authorizations SET owner = $2, connection_id = $3, zone = $4 WHERE id = $1",
	               DB_I(id), DB_C(owner), DB_C(connection_id), DB_C(zone)) &&
	       authorization_changed(changed, id, err);
}

bool authorization_add_republished(struct db *db, int64_t id, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE authorizations SET republished = republished + 1 WHERE id = $1", DB_I(id)) &&
	       authorization_changed(changed, id, err);
}

bool authorization_set_status(struct db *db, int64_t id, const char *status, int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE authorizations SET status = $2,"
	               " responded_at = CASE WHEN $2 = 'responded' THEN $3 ELSE responded_at END WHERE id = $1",
	               DB_I(id), DB_T(status), DB_I(now)) &&
	       authorization_changed(changed, id, err);
}

bool authorization_pending(struct db *db, const char *order_id, int64_t *ret, struct err *err)
{
	return db_each(db, rows_int, ret, err,
	               "SELECT COUNT(*) FROM authorizations WHERE order_id = $1 AND status = 'pending'", DB_C(order_id));
}

/* ---- history ---- */

static bool history_read(const struct db_row *row, void *arg)
{
	struct rows    *rows = arg;
	struct history *h = rows_add(rows);

	h->id = db_int(row, 0);
	h->order_id = db_text(row, 1, rows->a);
	h->job_id = db_int(row, 2);
	h->kind = db_text(row, 3, rows->a);
	h->step = db_text(row, 4, rows->a);
	h->outcome = db_text(row, 5, rows->a);
	h->at = db_int(row, 6);
	h->text = db_text(row, 7, rows->a);
	h->until_at = db_int(row, 8);
	return true;
}

bool history_insert(struct db *db, const struct history *h, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO history (order_id, job_id, kind, step, outcome, at, text, until_at)"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	               DB_C(h->order_id), DB_I(h->job_id), DB_C(h->kind), DB_C(h->step), DB_C(h->outcome), DB_I(h->at),
	               DB_C(h->text), DB_I0(h->until_at));
}

bool history_list(struct db *db, struct arena *a, const char *order_id, struct history **ret, size_t *ret_count,
                  struct err *err)
{
	struct rows rows = ROWS(a, struct history);

	return db_each(db, history_read, &rows, err,
	               "SELECT id, order_id, job_id, kind, step, outcome, at, text, until_at FROM history"
	               " WHERE order_id = $1 AND id > COALESCE((SELECT id FROM history WHERE order_id = $1"
	               " ORDER BY id DESC LIMIT 1 OFFSET 1000), 0) ORDER BY id",
	               DB_C(order_id)) &&
	       rows_take(&rows, ret, ret_count);
}

bool history_failing_since(struct db *db, const char *order_id, int64_t *ret, struct err *err)
{
	/* An order that waits for its account waits; the account's own tries are another job's. `admit` asks the CA for nothing. */
	return db_each(db, rows_int, ret, err,
	               "SELECT COALESCE(MIN(at), 0) FROM history WHERE order_id = $1"
	               " AND (outcome = 'retry' OR (outcome = 'wait' AND step = 'account'))"
	               " AND id > COALESCE((SELECT MAX(id) FROM history WHERE order_id = $1 AND outcome = 'done'"
	               " AND step <> 'admit' AND kind IN ('order', 'authorization')), 0)",
	               DB_T(order_id));
}
