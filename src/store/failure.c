/*
 * What went wrong, and rehearsals. INT64_MAX is stored as NULL: there is no time at which a person acts.
 */
#include "store/failure.h"

#include "store/rows.h"

#define FAILURE_COLUMNS                                                                            \
	"certificate_id, authority_id, identifier, failures, validations, class, next_at, problem, detail, failed_at, rehearsed_at"

static bool failure_read(const struct db_row *row, void *arg)
{
	struct rows    *rows = arg;
	struct failure *f = rows_add(rows);

	f->certificate_id = db_text(row, 0, rows->a);
	f->authority_id = db_text(row, 1, rows->a);
	f->identifier = db_text(row, 2, rows->a);
	f->failures = db_int(row, 3);
	f->validations = db_int(row, 4);
	f->class = db_text(row, 5, rows->a);
	f->next_at = db_is_null(row, 6) ? INT64_MAX : db_int(row, 6);
	f->problem = db_text(row, 7, rows->a);
	f->detail = db_text(row, 8, rows->a);
	f->failed_at = db_int(row, 9);
	f->rehearsed_at = db_int(row, 10);
	return true;
}

bool failure_find(struct db *db, struct arena *a, const char *certificate_id, const char *authority_id, const char *identifier,
                  struct failure *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct failure);

	if (!db_each(db, failure_read, &rows, err,
	             "SELECT " FAILURE_COLUMNS " FROM failures WHERE certificate_id = $1 AND authority_id = $2 AND identifier = $3",
	             DB_T(certificate_id), DB_T(authority_id), DB_T(identifier)))
		return false;
	if (rows.count > 0)
		*ret = *(struct failure *)(void *)rows.items;
	else
		*ret = (struct failure){ .certificate_id = certificate_id, .authority_id = authority_id, .identifier = identifier,
			                 .class = "", .problem = "", .detail = "" };
	return true;
}

bool failure_list(struct db *db, struct arena *a, const char *certificate_id, const char *authority_id, struct failure **ret,
                  size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct failure);

	return db_each(db, failure_read, &rows, err,
	               "SELECT " FAILURE_COLUMNS " FROM failures WHERE certificate_id = $1 AND ($2 = '' OR authority_id = $2)"
	               " ORDER BY authority_id, identifier",
	               DB_T(certificate_id), DB_T(authority_id)) &&
	       rows_take(&rows, ret, ret_count);
}

bool failure_put(struct db *db, const struct failure *f, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO failures (" FAILURE_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	               " ON CONFLICT (certificate_id, authority_id, identifier) DO UPDATE SET failures = excluded.failures,"
	               " validations = excluded.validations, class = excluded.class, next_at = excluded.next_at,"
	               " problem = excluded.problem, detail = excluded.detail, failed_at = excluded.failed_at,"
	               " rehearsed_at = excluded.rehearsed_at",
	               DB_T(f->certificate_id), DB_T(f->authority_id), DB_T(f->identifier), DB_I(f->failures), DB_I(f->validations),
	               DB_C(f->class), f->next_at == INT64_MAX ? DB_N() : DB_I(f->next_at), DB_C(f->problem), DB_C(f->detail),
	               DB_I(f->failed_at), DB_I0(f->rehearsed_at));
}

bool failure_clear(struct db *db, const char *certificate_id, struct err *err)
{
	return db_exec(db, NULL, err, "DELETE FROM failures WHERE certificate_id = $1", DB_T(certificate_id));
}

bool failure_clock_back(struct db *db, int64_t by_ms, int64_t from, struct err *err)
{
	return db_exec(db, NULL, err, "UPDATE failures SET next_at = next_at - $1 WHERE next_at >= $2 AND next_at < 9223372036854775807",
	               DB_I(by_ms), DB_I(from));
}

bool failure_rehearsed(struct db *db, const char *certificate_id, const char *authority_id, int64_t now, struct err *err)
{
	return db_exec(db, NULL, err, "UPDATE failures SET rehearsed_at = $3 WHERE certificate_id = $1 AND authority_id = $2",
	               DB_T(certificate_id), DB_T(authority_id), DB_I(now));
}

/* ---- rehearsals ---- */

static bool rehearsal_read(const struct db_row *row, void *arg)
{
	struct rows      *rows = arg;
	struct rehearsal *r = rows_add(rows);

	r->certificate_id = db_text(row, 0, rows->a);
	r->order_id = db_text(row, 1, rows->a);
	r->waiting_id = db_text(row, 2, rows->a);
	r->created_at = db_int(row, 3);
	return true;
}

bool rehearsal_insert(struct db *db, const struct rehearsal *r, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO rehearsals (certificate_id, order_id, waiting_id, created_at) VALUES ($1, $2, $3, $4)",
	               DB_T(r->certificate_id), DB_T(r->order_id), DB_C(r->waiting_id), DB_I(r->created_at));
}

bool rehearsal_find(struct db *db, struct arena *a, const char *certificate_id, struct rehearsal *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct rehearsal);

	return db_each(db, rehearsal_read, &rows, err,
	               "SELECT certificate_id, order_id, waiting_id, created_at FROM rehearsals WHERE certificate_id = $1",
	               DB_T(certificate_id)) &&
	       rows_first(&rows, ret, err, "rehearsal", certificate_id);
}

bool rehearsal_find_waiting(struct db *db, struct arena *a, const char *order_id, struct rehearsal *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct rehearsal);

	return db_each(db, rehearsal_read, &rows, err,
	               "SELECT certificate_id, order_id, waiting_id, created_at FROM rehearsals"
	               " WHERE waiting_id = $1 AND waiting_id <> '' ORDER BY created_at DESC LIMIT 1",
	               DB_T(order_id)) &&
	       rows_first(&rows, ret, err, "rehearsal of the order", order_id);
}

bool version_discard(struct db *db, const char *version_id, struct err *err)
{
	return db_exec(db, NULL, err, "DELETE FROM versions WHERE id = $1 AND issued_at IS NULL", DB_C(version_id));
}
