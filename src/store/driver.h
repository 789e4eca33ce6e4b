/*
 * store/driver.h: what a database driver gives to store.c and migrate.c beyond db.h.
 *
 * Health   a writer that met a full disk, a lock or an I/O error refuses every further statement until
 *          db_rollback(), so that nothing is written outside the transaction that was lost; after an I/O
 *          error or damage it refuses for ever (an fsync is never repeated). A reader is opened anew then.
 */
#ifndef REEVE_STORE_DRIVER_H
#define REEVE_STORE_DRIVER_H

#include "store/db.h"

enum db_mode {
	DB_WRITER,
	DB_READER,
};

enum db_health {
	DB_WELL,
	DB_LOST,   /* this transaction cannot be saved, the next one may: full disk, locked */
	DB_BROKEN, /* I/O error or damage: the process has to end and look again */
};

/* The file must exist; an empty one is an empty database. */
MUST_CHECK bool db_open(const char *path, enum db_mode mode, struct db **ret, struct err *err);
void            db_close(struct db *db); /* NULL is fine */
void            db_closep(struct db **db);
const char     *db_path(const struct db *db);
enum db_health  db_health(const struct db *db);
/* The error of a database that is not well, once more: for each caller of a group. Always false. */
bool            db_ailment(const struct db *db, struct err *err);

/* How much the statements did so far, in the database's own small steps: tests see a scan by it. */
uint64_t        db_steps(const struct db *db);

/* Tables of this name; NULL: all tables. */
MUST_CHECK bool db_tables(struct db *db, const char *name, int64_t *ret, struct err *err);
/* Several statements without parameters; @BLOB@ and @IDENTITY@ become this database's words. */
MUST_CHECK bool db_script(struct db *db, struct str sql, struct err *err);
/* A complete, durable copy of the database in a file of its own (0600); an old file there is replaced. */
MUST_CHECK bool db_copy(struct db *db, const char *to, struct err *err);
/* Upkeep between transactions: move the log into the database when it is long. Health tells how it went. */
void            db_upkeep(struct db *db);

#endif
