/*
 * Operations: rows that end once. An ended one does not change any more, whatever runs late.
 */
#include "store/operation.h"

#include "store/rows.h"

#define COLUMNS                                                                                    \
	"id, project_id, kind, subject, authority_id, certificate_id, version_id, state, request, report, key_blob, jwk," \
	" thumbprint, problem, detail, hint, next_try_at, created_at, ended_at"

static bool operation_read(const struct db_row *row, void *arg)
{
	struct rows      *rows = arg;
	struct arena     *a = rows->a;
	struct operation *o = rows_add(rows);

	o->id = db_text(row, 0, a);
	o->project_id = db_text(row, 1, a);
	o->kind = db_text(row, 2, a);
	o->subject = db_text(row, 3, a);
	o->authority_id = db_text(row, 4, a);
	o->certificate_id = db_text(row, 5, a);
	o->version_id = db_text(row, 6, a);
	o->state = db_text(row, 7, a);
	o->request = db_text(row, 8, a);
	o->report = db_text(row, 9, a);
	o->key_blob = db_blob(row, 10, a);
	o->jwk = db_text(row, 11, a);
	o->thumbprint = db_text(row, 12, a);
	o->problem = db_text(row, 13, a);
	o->detail = db_text(row, 14, a);
	o->hint = db_text(row, 15, a);
	o->next_try_at = db_int(row, 16);
	o->created_at = db_int(row, 17);
	o->ended_at = db_int(row, 18);
	return true;
}

bool operation_insert(struct db *db, const struct operation *o, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "INSERT INTO operations (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, '', NULL, '', '', '', '',"
	             " '', NULL, $9, NULL) ON CONFLICT (subject) WHERE ended_at IS NULL DO NOTHING",
	             DB_T(o->id), DB_T(o->project_id), DB_T(o->kind), DB_T(o->subject), DB_T(o->authority_id),
	             DB_C(o->certificate_id), DB_C(o->version_id), DB_C(o->request), DB_I(o->created_at)))
		return false;
	if (changed > 0)
		return true;
	err_problem(err, ERR_CONFLICT, "conflict", "the same, or something that excludes it, is under way already");
	return err_hint(err, "wait until it ended: GET /v1/operations lists what runs");
}

bool operation_find(struct db *db, struct arena *a, const char *id, struct operation *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct operation);

	return db_each(db, operation_read, &rows, err, "SELECT " COLUMNS " FROM operations WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "operation", id);
}

bool operation_list(struct db *db, struct arena *a, const char *project_id, size_t limit, struct operation **ret,
                    size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct operation);

	return db_each(db, operation_read, &rows, err,
	               "SELECT " COLUMNS " FROM operations WHERE project_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
	               DB_C(project_id), DB_I(limit)) &&
	       rows_take(&rows, ret, ret_count);
}

bool operation_set_key(struct db *db, const char *id, struct str key_blob, const char *jwk, const char *thumbprint,
                       struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE operations SET key_blob = $2, jwk = $3, thumbprint = $4 WHERE id = $1 AND ended_at IS NULL", DB_C(id),
	               DB_B(key_blob), DB_T(jwk), DB_T(thumbprint)) &&
	       rows_changed(changed, err, "operation under way", id);
}

bool operation_set_sent(struct db *db, const char *id, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE operations SET state = 'sent' WHERE id = $1 AND ended_at IS NULL", DB_C(id)) &&
	       rows_changed(changed, err, "operation under way", id);
}

bool operation_set_wait(struct db *db, const char *id, const char *problem, const char *detail, const char *hint,
                        int64_t next_try_at, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE operations SET problem = $2, detail = $3, hint = $4, next_try_at = $5 WHERE id = $1 AND ended_at IS NULL",
	               DB_C(id), DB_C(problem), DB_C(detail), DB_C(hint), DB_I0(next_try_at));
}

bool operation_end(struct db *db, const char *id, const char *state, const char *report, const char *problem,
                   const char *detail, const char *hint, int64_t now, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE operations SET state = $2, report = $3, problem = $4, detail = $5, hint = $6, next_try_at = NULL,"
	               " key_blob = CASE WHEN $2 = 'done' THEN NULL ELSE key_blob END, ended_at = $7 WHERE id = $1 AND ended_at IS NULL",
	               DB_C(id), DB_T(state), DB_C(report), DB_C(problem), DB_C(detail), DB_C(hint), DB_I(now));
}
