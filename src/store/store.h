/*
 * store/store.h: the database of one Reeve: opening, migrating, one writer, many readers. DESIGN section 9.
 *
 * Writing  store_write(store, fn, arg, err) runs fn inside a savepoint (SQL only, no waiting; it fails alone)
 *          and returns after the group's durable commit. fn may run in another writer's thread: it must
 *          not touch thread-local state of the caller; arg stays valid until the return.
 * Reading  store_reader() is this thread's own read-only connection; each domain function that reads sees
 *          the newest commit (no transaction is held open between calls). Threads that read end before
 *          store_close(), or never use the store again.
 * One writer  the file `lock` beside the database is held exclusively by the process that may write; with
 *          SQLite exactly that process writes and checkpoints.
 */
#ifndef REEVE_STORE_STORE_H
#define REEVE_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/db.h"

struct store;

enum store_mode {
	STORE_CREATE, /* `reeve init`: makes the file (0600), refuses an existing one; writes */
	STORE_WRITE,  /* the worker: takes the lock, migrates, writes, reads */
	STORE_READ,   /* api: read-only, refuses a database that is older or newer than this binary */
};

/*
 * Open. A database newer than this binary: ERR_CONFIG "storage" naming both versions and that the newer
 * binary is needed; before a migration a copy is made beside the file (VACUUM INTO).
 */
MUST_CHECK bool store_open(const char *path, enum store_mode mode, struct store **ret, struct err *err);
void            store_close(struct store *store); /* waits for writes in flight; NULL is fine */
void            store_closep(struct store **store);

typedef bool (*store_write_fn)(struct db *db, void *arg, struct err *err);
MUST_CHECK bool store_write(struct store *store, store_write_fn fn, void *arg, struct err *err);

/* This thread's reader; NULL + err when it cannot be opened. */
struct db *store_reader(struct store *store, struct err *err);

/* Commits since the start, for bench and metrics. */
uint64_t store_commits(const struct store *store);

/*
 * True after an I/O error or damage: the process must end and look again (an fsync is never repeated). A full
 * disk fails the writes of the moment (ERR_TEMPORARY "storage"), the next ones try again.
 */
bool store_broken(const struct store *store);

#endif
