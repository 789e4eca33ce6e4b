/*
 * store/migrate.h: numbered changes of the schema, compiled into the binary.
 *
 * Rules    numbers go up by one from 1; an applied migration is never edited (its SHA-256 is stored and
 *          compared at each start); each runs in a transaction of its own.
 * Errors   ERR_CONFIG "storage": newer or edited database, or not ours at all.
 */
#ifndef REEVE_STORE_MIGRATE_H
#define REEVE_STORE_MIGRATE_H

#include "store/driver.h"

struct migration {
	int64_t     number;
	const char *name;
	const char *sql;
};

/* Generated from migrations/NNNN-name.sql. */
extern const struct migration migrations[];
extern const size_t           migrations_count;

/* Apply what is missing. A database that holds something is copied to "<path>.before-<number>" first. */
MUST_CHECK bool migrate_up(struct db *db, const struct migration *list, size_t count, struct err *err);
/* For readers: the database must be exactly as new as the list. */
MUST_CHECK bool migrate_check(struct db *db, const struct migration *list, size_t count, struct err *err);

#endif
