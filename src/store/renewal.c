/*
 * store/renewal.c: see renewal.h. Facts only: what they mean is the workflow's.
 */
#include "store/renewal.h"

#include "store/rows.h"

#define RENEWAL_COLUMNS                                                                            \
	"certificate_id, position, window_start_at, window_end_at, drawn_at, explanation_url, asked_at, ask_at," \
	" ask_failures, finding, failures, retry_at, early"

static bool renewal_read(const struct db_row *row, void *arg)
{
	struct rows    *rows = arg;
	struct renewal *r = rows_add(rows);

	r->certificate_id = db_text(row, 0, rows->a);
	r->position = db_int(row, 1);
	r->window_start_at = db_int(row, 2);
	r->window_end_at = db_int(row, 3);
	r->drawn_at = db_int(row, 4);
	r->explanation_url = db_text(row, 5, rows->a);
	r->asked_at = db_int(row, 6);
	r->ask_at = db_int(row, 7);
	r->ask_failures = db_int(row, 8);
	r->finding = db_text(row, 9, rows->a);
	r->failures = db_int(row, 10);
	r->retry_at = db_int(row, 11);
	r->early = db_int(row, 12);
	return true;
}

bool renewal_find(struct db *db, struct arena *a, const char *certificate_id, struct renewal *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct renewal);

	return db_each(db, renewal_read, &rows, err, "SELECT " RENEWAL_COLUMNS " FROM renewals WHERE certificate_id = $1",
	               DB_C(certificate_id)) &&
	       rows_first(&rows, ret, err, "renewal of certificate", certificate_id);
}

bool renewal_begin(struct db *db, const struct renewal *r, struct err *err)
{
	return db_exec(db, NULL, err, "DELETE FROM renewals WHERE certificate_id = $1", DB_T(r->certificate_id)) &&
	       db_exec(db, NULL, err,
	               "INSERT INTO renewals (" RENEWAL_COLUMNS ")"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
	               DB_T(r->certificate_id), DB_I(r->position), DB_I0(r->window_start_at), DB_I0(r->window_end_at),
	               DB_I0(r->drawn_at), DB_C(r->explanation_url), DB_I0(r->asked_at), DB_I(r->ask_at),
	               DB_I(r->ask_failures), DB_C(r->finding), DB_I(r->failures), DB_I0(r->retry_at), DB_I(r->early));
}

bool renewal_set_asked(struct db *db, const struct renewal *r, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE renewals SET window_start_at = $2, window_end_at = $3, drawn_at = $4, explanation_url = $5,"
	               " asked_at = $6, ask_at = $7, ask_failures = $8, finding = $9 WHERE certificate_id = $1",
	               DB_T(r->certificate_id), DB_I0(r->window_start_at), DB_I0(r->window_end_at), DB_I0(r->drawn_at),
	               DB_C(r->explanation_url), DB_I0(r->asked_at), DB_I(r->ask_at), DB_I(r->ask_failures),
	               DB_C(r->finding)) &&
	       rows_changed(changed, err, "renewal of certificate", r->certificate_id);
}

bool renewal_set_tries(struct db *db, const struct renewal *r, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE renewals SET failures = $2, retry_at = $3, early = $4 WHERE certificate_id = $1",
	               DB_T(r->certificate_id), DB_I(r->failures), DB_I0(r->retry_at), DB_I(r->early)) &&
	       rows_changed(changed, err, "renewal of certificate", r->certificate_id);
}
