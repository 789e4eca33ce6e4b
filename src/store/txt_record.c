/*
 * The ledger of TXT values. A row says what must be true at a provider; making it so is not done here.
 */
#include "store/txt_record.h"

#include <assert.h>

#include "store/rows.h"

#define TXT_RECORD_COLUMNS                                                                         \
	"t.id, t.connection_id, t.zone, t.owner, t.value, t.order_id, t.authorization_id, t.state, t.intent_at," \
	" t.live_at, t.gone_at, t.seen_at, t.seen_networks, t.retired_at, t.failures, t.retry_at, t.problem, t.detail, t.hint"

static bool txt_record_read(const struct db_row *row, void *arg)
{
	struct rows       *rows = arg;
	struct arena      *a = rows->a;
	struct txt_record *r = rows_add(rows);

	r->id = db_int(row, 0);
	r->connection_id = db_text(row, 1, a);
	r->zone = db_text(row, 2, a);
	r->owner = db_text(row, 3, a);
	r->value = db_text(row, 4, a);
	r->order_id = db_text(row, 5, a);
	r->authorization_id = db_int(row, 6);
	r->state = db_text(row, 7, a);
	r->intent_at = db_int(row, 8);
	r->live_at = db_int(row, 9);
	r->gone_at = db_int(row, 10);
	r->seen_at = db_int(row, 11);
	r->seen_networks = db_int(row, 12);
	r->retired_at = db_int(row, 13);
	r->failures = db_int(row, 14);
	r->retry_at = db_int(row, 15);
	r->problem = db_text(row, 16, a);
	r->detail = db_text(row, 17, a);
	r->hint = db_text(row, 18, a);
	return true;
}

/* The row that has this value now. */
static bool existing(struct db *db, const struct txt_record *r, int64_t *ret_id, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct rows                     rows = ROWS(a, struct txt_record);
	struct txt_record               found;

	if (!db_each(db, txt_record_read, &rows, err,
	             "SELECT " TXT_RECORD_COLUMNS " FROM txt_records t"
	             " WHERE connection_id = $1 AND zone = $2 AND owner = $3 AND value = $4 AND gone_at IS NULL",
	             DB_T(r->connection_id), DB_T(r->zone), DB_T(r->owner), DB_T(r->value)) ||
	    !rows_first(&rows, &found, err, "TXT value at", r->owner))
		return false;
	if (strcmp(found.order_id, r->order_id) != 0)
		return err_problem(err, ERR_CONFLICT, "conflict", "the TXT value at %s belongs to order %s", r->owner,
		                   found.order_id);
	if (found.retired_at != 0)
		return err_problem(err, ERR_TEMPORARY, "conflict", "the TXT value at %s is just being removed", r->owner);
	*ret_id = found.id;
	return true;
}

bool txt_record_intend(struct db *db, const struct txt_record *r, int64_t *ret_id, bool *ret_again, struct err *err)
{
	int64_t id = 0;

	*ret_again = false;
	if (!db_each(db, rows_int, &id, err,
	             "INSERT INTO txt_records (connection_id, zone, owner, value, order_id, authorization_id, state,"
	             " intent_at) VALUES ($1, $2, $3, $4, $5, $6, 'intent', $7)"
	             " ON CONFLICT (connection_id, zone, owner, value) WHERE gone_at IS NULL DO NOTHING RETURNING id",
	             DB_T(r->connection_id), DB_T(r->zone), DB_T(r->owner), DB_T(r->value), DB_T(r->order_id),
	             DB_I(r->authorization_id), DB_I(r->intent_at)))
		return false;
	if (id == 0) {
		*ret_again = true;
		return existing(db, r, ret_id, err);
	}
	*ret_id = id;
	return true;
}

bool txt_record_beside(struct db *db, const struct txt_record *r, int64_t since, int64_t *ret_own, int64_t *ret_others, struct err *err)
{
	*ret_own = *ret_others = 0;
	return db_each(db, rows_int, ret_own, err,
	               "SELECT COUNT(*) FROM txt_records WHERE owner = $1 AND connection_id = $2 AND state IN ('intent', 'live')"
	               " AND order_id = $3 AND value <> $4",
	               DB_T(r->owner), DB_T(r->connection_id), DB_T(r->order_id), DB_T(r->value)) &&
	       db_each(db, rows_int, ret_others, err,
	               "SELECT COUNT(*) FROM txt_records WHERE owner = $1 AND connection_id = $2 AND state IN ('intent', 'live')"
	               " AND order_id <> $3 AND intent_at > $4",
	               DB_T(r->owner), DB_T(r->connection_id), DB_T(r->order_id), DB_I(since));
}

static bool is_state(const char *state)
{
	return strcmp(state, "live") == 0 || strcmp(state, "removing") == 0 || strcmp(state, "gone") == 0 ||
	       strcmp(state, "superseded") == 0;
}

bool txt_record_set_state(struct db *db, int64_t id, const char *state, int64_t now, struct err *err)
{
	int64_t changed = 0;

	assert(is_state(state));
	if (!db_exec(db, &changed, err,
	             "UPDATE txt_records SET state = $2,"
	             " live_at = CASE WHEN $2 = 'live' THEN COALESCE(live_at, $3) ELSE live_at END,"
	             " retired_at = CASE WHEN $2 = 'live' THEN retired_at ELSE COALESCE(retired_at, $3) END,"
	             " gone_at = CASE WHEN $2 IN ('gone', 'superseded') THEN COALESCE(gone_at, $3) ELSE gone_at END"
	             " WHERE id = $1 AND (state IN ('intent', 'live') OR (state IN ('removing', 'debt') AND $2 <> 'live')"
	             " OR (state = $2 AND $2 IN ('gone', 'superseded')))",
	             DB_I(id), DB_T(state), DB_I(now)))
		return false;
	return changed > 0 || err_problem(err, ERR_CONFLICT, "conflict", "TXT record %lld cannot become %s any more",
	                                  (long long)id, state);
}

bool txt_record_owe(struct db *db, int64_t id, int64_t retry_at, const struct err *why, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "UPDATE txt_records SET state = 'debt', failures = failures + 1, retry_at = NULLIF($2, 0), problem = $3,"
	             " detail = $4, hint = $5 WHERE id = $1 AND retired_at IS NOT NULL AND gone_at IS NULL",
	             DB_I(id), DB_I(retry_at), DB_C(why->problem), DB_C(why->text), DB_C(why->hint)))
		return false;
	return changed > 0 || err_problem(err, ERR_CONFLICT, "conflict", "TXT record %lld is not owed any more", (long long)id);
}

bool txt_record_retire(struct db *db, const char *order_id, int64_t authorization_id, int64_t now, int64_t *ret_count,
                       struct err *err)
{
	return db_exec(db, ret_count, err,
	               "UPDATE txt_records SET state = CASE WHEN state = 'debt' THEN state ELSE 'removing' END,"
	               " retired_at = COALESCE(retired_at, $3)"
	               " WHERE order_id = $1 AND ($2 = 0 OR authorization_id = $2) AND gone_at IS NULL",
	               DB_C(order_id), DB_I(authorization_id), DB_I(now));
}

bool txt_record_list_order(struct db *db, struct arena *a, const char *order_id, struct txt_record **ret,
                           size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct txt_record);

	return db_each(db, txt_record_read, &rows, err,
	               "SELECT " TXT_RECORD_COLUMNS " FROM txt_records t WHERE t.order_id = $1 ORDER BY t.id",
	               DB_C(order_id)) &&
	       rows_take(&rows, ret, ret_count);
}

/* `gone_at IS NULL` is in the queries below because the indices have it; the ledger's past is much longer than its present. */
bool txt_record_list_live(struct db *db, struct arena *a, const char *provider, struct txt_record **ret,
                          size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct txt_record);

	return db_each(db, txt_record_read, &rows, err,
	               "SELECT " TXT_RECORD_COLUMNS " FROM connections c JOIN txt_records t ON t.connection_id = c.id"
	               " WHERE c.provider = $1 AND t.state = 'live' AND t.gone_at IS NULL ORDER BY t.id",
	               DB_C(provider)) &&
	       rows_take(&rows, ret, ret_count);
}

static bool order_once(const struct db_row *row, void *arg)
{
	struct rows *rows = arg;
	const char  *id = db_text(row, 0, rows->a);

	for (size_t i = 0; i < rows->count; i++) {
		if (strcmp(((const char *const *)(void *)rows->items)[i], id) == 0)
			return true;
	}
	*(const char **)rows_add(rows) = id;
	return true;
}

bool txt_record_seen(struct db *db, struct arena *a, const char *owner, int64_t now, int64_t networks,
                     const char ***ret_orders, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, const char *);

	/* One that is just being removed counts: the answer was given before. */
	return db_each(db, order_once, &rows, err,
	               "UPDATE txt_records SET seen_at = COALESCE(seen_at, $2), seen_networks = $3"
	               " WHERE owner = $1 AND state IN ('live', 'removing', 'debt') AND gone_at IS NULL RETURNING order_id",
	               DB_C(owner), DB_I(now), DB_I(networks)) &&
	       rows_take(&rows, ret_orders, ret_count);
}

/* ---- debt ---- */

/* $1 a project or '', $2 what was retired before counts although no removal has failed. */
#define OWED                                                                                       \
	" FROM txt_records t JOIN orders o ON o.id = t.order_id WHERE t.gone_at IS NULL AND t.retired_at IS NOT NULL" \
	" AND ($1 = '' OR o.project_id = $1) AND (t.state = 'debt' OR t.retired_at <= $2)"

static bool summary_read(const struct db_row *row, void *arg)
{
	struct debt_summary *s = arg;

	s->count = db_int(row, 0);
	s->given_up = db_int(row, 1);
	s->oldest_at = db_int(row, 2);
	return true;
}

bool txt_record_debt(struct db *db, const char *project_id, int64_t now, struct debt_summary *ret, struct err *err)
{
	*ret = (struct debt_summary){ 0 };
	if (!db_each(db, summary_read, ret, err,
	             "SELECT COUNT(*), COUNT(CASE WHEN t.state = 'debt' AND t.retry_at IS NULL THEN 1 END), MIN(t.retired_at)" OWED,
	             DB_C(project_id), DB_I(now - DEBT_GRACE_MS)))
		return false;
	ret->alert = ret->count > 0 && now - ret->oldest_at > DEBT_ALERT_MS;
	return true;
}

bool txt_record_list_debt(struct db *db, struct arena *a, const char *project_id, int64_t now, int64_t max,
                          struct txt_record **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct txt_record);

	return db_each(db, txt_record_read, &rows, err,
	               "SELECT " TXT_RECORD_COLUMNS OWED " ORDER BY t.retired_at, t.id LIMIT $3", DB_C(project_id),
	               DB_I(now - DEBT_GRACE_MS), DB_I(max)) &&
	       rows_take(&rows, ret, ret_count);
}

bool txt_record_debt_retry(struct db *db, struct arena *a, const char *project_id, int64_t now, const char ***ret_orders,
                           size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, const char *);

	return db_each(db, order_once, &rows, err,
	               "UPDATE txt_records SET retry_at = $2 WHERE gone_at IS NULL AND retired_at IS NOT NULL AND state = 'debt'"
	               " AND order_id IN (SELECT id FROM orders WHERE project_id = $1) RETURNING order_id",
	               DB_C(project_id), DB_I(now)) &&
	       rows_take(&rows, ret_orders, ret_count);
}

static bool stray_read(const struct db_row *row, void *arg)
{
	struct rows             *rows = arg;
	struct txt_record_stray *s = rows_add(rows);

	s->order_id = db_text(row, 0, rows->a);
	s->project_id = db_text(row, 1, rows->a);
	s->retired = db_int(row, 2) != 0;
	return true;
}

bool txt_record_strays(struct db *db, struct arena *a, struct txt_record_stray **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct txt_record_stray);

	return db_each(db, stray_read, &rows, err,
	               "SELECT o.id, o.project_id, MIN(t.retired_at IS NOT NULL)"
	               " FROM txt_records t JOIN orders o ON o.id = t.order_id WHERE t.gone_at IS NULL"
	               " AND ((t.retired_at IS NULL AND o.status <> 'running') OR (t.retired_at IS NOT NULL"
	               "  AND (t.state <> 'debt' OR t.retry_at IS NOT NULL) AND NOT EXISTS"
	               "  (SELECT 1 FROM jobs j WHERE j.kind = 'cleanup' AND j.subject = o.id AND j.state = 'active')))"
	               " GROUP BY o.id, o.project_id") &&
	       rows_take(&rows, ret, ret_count);
}
