/*
 * The ledger of TXT values. A row says what must be true at a provider; making it so is not done here.
 */
#include "store/txt_record.h"

#include <assert.h>

#include "store/rows.h"

#define TXT_RECORD_COLUMNS                                                                         \
	"t.id, t.connection_id, t.zone, t.owner, t.value, t.order_id, t.authorization_id, t.state, t.intent_at," \
	" t.live_at, t.gone_at, t.seen_at, t.seen_networks"

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
	             " WHERE connection_id = $1 AND zone = $2 AND owner = $3 AND value = $4 AND state <> 'gone'",
	             DB_T(r->connection_id), DB_T(r->zone), DB_T(r->owner), DB_T(r->value)) ||
	    !rows_first(&rows, &found, err, "TXT value at", r->owner))
		return false;
	if (strcmp(found.order_id, r->order_id) != 0)
		return err_problem(err, ERR_CONFLICT, "conflict", "the TXT value at %s belongs to order %s", r->owner,
		                   found.order_id);
	if (strcmp(found.state, "removing") == 0)
		return err_problem(err, ERR_TEMPORARY, "conflict", "the TXT value at %s is just being removed", r->owner);
	*ret_id = found.id;
	return true;
}

bool txt_record_intend(struct db *db, const struct txt_record *r, int64_t *ret_id, struct err *err)
{
	int64_t id = 0;

	if (!db_each(db, rows_int, &id, err,
	             "INSERT INTO txt_records (connection_id, zone, owner, value, order_id, authorization_id, state,"
	             " intent_at) VALUES ($1, $2, $3, $4, $5, $6, 'intent', $7)"
	             " ON CONFLICT (connection_id, zone, owner, value) WHERE state <> 'gone' DO NOTHING RETURNING id",
	             DB_T(r->connection_id), DB_T(r->zone), DB_T(r->owner), DB_T(r->value), DB_T(r->order_id),
	             DB_I(r->authorization_id), DB_I(r->intent_at)))
		return false;
	if (id == 0)
		return existing(db, r, ret_id, err);
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

bool txt_record_set_state(struct db *db, int64_t id, const char *state, int64_t now, struct err *err)
{
	int64_t changed = 0;

	assert(strcmp(state, "live") == 0 || strcmp(state, "removing") == 0 || strcmp(state, "gone") == 0);
	if (!db_exec(db, &changed, err,
	             "UPDATE txt_records SET state = $2,"
	             " live_at = CASE WHEN $2 = 'live' THEN COALESCE(live_at, $3) ELSE live_at END,"
	             " gone_at = CASE WHEN $2 = 'gone' THEN COALESCE(gone_at, $3) ELSE gone_at END"
	             " WHERE id = $1 AND (state IN ('intent', 'live') OR (state = 'removing' AND $2 <> 'live')"
	             " OR (state = 'gone' AND $2 = 'gone'))",
	             DB_I(id), DB_T(state), DB_I(now)))
		return false;
	return changed > 0 || err_problem(err, ERR_CONFLICT, "conflict", "TXT record %lld cannot become %s any more",
	                                  (long long)id, state);
}

bool txt_record_retire(struct db *db, const char *order_id, int64_t *ret_count, struct err *err)
{
	return db_exec(db, ret_count, err,
	               "UPDATE txt_records SET state = 'removing' WHERE order_id = $1 AND state <> 'gone'",
	               DB_C(order_id));
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

/* `<> 'gone'` is in the queries below because the indices are; the ledger's past is much longer than its present. */
bool txt_record_list_live(struct db *db, struct arena *a, const char *provider, struct txt_record **ret,
                          size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct txt_record);

	return db_each(db, txt_record_read, &rows, err,
	               "SELECT " TXT_RECORD_COLUMNS " FROM connections c JOIN txt_records t ON t.connection_id = c.id"
	               " WHERE c.provider = $1 AND t.state = 'live' AND t.state <> 'gone' ORDER BY t.id",
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
	               " WHERE owner = $1 AND state IN ('live', 'removing') AND state <> 'gone' RETURNING order_id",
	               DB_C(owner), DB_I(now), DB_I(networks)) &&
	       rows_take(&rows, ret_orders, ret_count);
}
