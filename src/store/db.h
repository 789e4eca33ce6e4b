/*
 * store/db.h: one SQL dialect over two small drivers. SQLite now; PostgreSQL implements the same functions.
 *
 * SQL      placeholders are $1, $2, …; RETURNING is used; nothing that only one database understands stands
 *          outside the driver's own file.
 * Values   NULL, int64, text, bytes. Parameters are given as an array of struct db_value, columns are read
 *          by position. Text and bytes of a row live in the arena.
 * Errors   ERR_CONFLICT "already-exists" for a violated unique constraint; ERR_TEMPORARY "storage" when the
 *          database cannot be written (full disk, I/O); a broken statement is an assert: it is our bug.
 * Threads  a struct db belongs to one thread at a time.
 */
#ifndef REEVE_STORE_DB_H
#define REEVE_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct db;

enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BLOB };

struct db_value {
	enum db_type type;
	int64_t      i;
	struct str   s;
};

#define DB_I(v) ((struct db_value){ DB_INT, (int64_t)(v), { NULL, 0 } })
#define DB_T(c) ((struct db_value){ DB_TEXT, 0, str_c(c) })     /* a C string; NULL is SQL NULL */
#define DB_C(c) DB_T((c) != NULL ? (c) : "")                     /* a C string; NULL is '' */
#define DB_S(v) ((struct db_value){ DB_TEXT, 0, (v) })          /* a view */
#define DB_B(v) ((struct db_value){ DB_BLOB, 0, (v) })          /* bytes; a NULL pointer is SQL NULL */
#define DB_N()  ((struct db_value){ DB_NULL, 0, { NULL, 0 } })
/* Present or NULL: 0 is NULL. For optional times. */
#define DB_I0(v) ((v) != 0 ? DB_I(v) : DB_N())

/* One result row; valid until the next db_step. */
struct db_row;
int64_t     db_int(const struct db_row *row, unsigned column);  /* NULL reads as 0 */
const char *db_text(const struct db_row *row, unsigned column, struct arena *a); /* NULL reads as "" */
struct str  db_blob(const struct db_row *row, unsigned column, struct arena *a);
bool        db_is_null(const struct db_row *row, unsigned column);

/*
 * SQL texts are literals: prepared statements are cached by address and text. Each of $1 … $n is used.
 * Run a statement that returns no rows; *ret_changed (may be NULL) is the number of rows changed.
 *   db_exec(db, &changed, err, "UPDATE t SET a = $1 WHERE id = $2", DB_I(1), DB_T(id))
 */
#define db_exec(db, ret_changed, err, sql, ...)                                                    \
	db_exec_values((db), (ret_changed), (err), (sql),                                          \
	               (const struct db_value[]){ __VA_ARGS__ },                                   \
	               sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value))
MUST_CHECK bool db_exec_values(struct db *db, int64_t *ret_changed, struct err *err, const char *sql,
                               const struct db_value *values, size_t count);

/* For each row call fn; stops early (still true) when fn returns false. */
typedef bool (*db_row_fn)(const struct db_row *row, void *arg);
#define db_each(db, fn, arg, err, sql, ...)                                                        \
	db_each_values((db), (fn), (arg), (err), (sql),                                            \
	               (const struct db_value[]){ __VA_ARGS__ },                                   \
	               sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value))
MUST_CHECK bool db_each_values(struct db *db, db_row_fn fn, void *arg, struct err *err, const char *sql,
                               const struct db_value *values, size_t count);

/* Transaction control; used by store.c only. */
MUST_CHECK bool db_begin(struct db *db, bool write, struct err *err);
MUST_CHECK bool db_commit(struct db *db, struct err *err);
void            db_rollback(struct db *db);
MUST_CHECK bool db_savepoint(struct db *db, struct err *err);
MUST_CHECK bool db_release(struct db *db, struct err *err);
void            db_rollback_to(struct db *db);

#endif
