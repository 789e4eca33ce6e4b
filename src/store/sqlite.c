/*
 * The SQLite driver: the only file that speaks SQLite's own SQL. It opens connections, keeps prepared
 * statements, binds $1…, turns result codes into errors that say what to do, and owns the checkpoints.
 * What runs when, and who waits for it, is store.c's business.
 */
#include "store/driver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/planted.h"

#define VALUES_MAX      40   /* parameters of one statement */
#define STATEMENTS_SIZE 512  /* a power of two, far more than there are SQL texts */
#define PROBE_MAX       16
#define BUSY_MS         5000 /* only tools from outside can hold the write lock */
#define WAL_PAGES       1000 /* longer than this, the log moves into the database */
#define SCRIPT_MAX      (16 * MIB)

struct statement {
	const char   *sql; /* address given by the caller: the key */
	sqlite3_stmt *handle;
	int           index[VALUES_MAX]; /* SQLite's number of $n, at n - 1 */
	unsigned      parameters;
};

struct db {
	sqlite3         *handle;
	char            *path;
	enum db_mode     mode;
	enum db_health   health;
	struct err       ailment; /* meaningful unless DB_WELL */
	int              wal_pages;
	uint64_t         steps;
	bool             writing; /* between db_begin(write) and its end */
	struct statement statements[STATEMENTS_SIZE];
};

struct db_row {
	sqlite3_stmt *handle;
};

static void statement_clear(struct statement *s)
{
	sqlite3_finalize(s->handle);
	*s = (struct statement){ 0 };
}

/* ---- result codes ---- */

static bool out_of_space(int extended, int number)
{
	if ((extended & 0xff) == SQLITE_FULL)
		return true;
	/* A write that was refused leaves nothing behind; an fsync that failed leaves nobody knows what. */
	return (extended == SQLITE_IOERR_WRITE || extended == SQLITE_IOERR_SHMSIZE || extended == SQLITE_IOERR_TRUNCATE) &&
	       (number == ENOSPC || number == EDQUOT || number == EFBIG);
}

static void ail_full(struct db *db, int number)
{
	db->health = DB_LOST;
	if (number == EDQUOT)
		err_problem(&db->ailment, ERR_TEMPORARY, "storage", "the disk quota that holds %s is used up", db->path);
	else if (number == EFBIG)
		err_problem(&db->ailment, ERR_TEMPORARY, "storage", "the file size limit of the process is reached by %s",
		            db->path);
	else
		err_problem(&db->ailment, ERR_TEMPORARY, "storage", "the disk that holds %s is full", db->path);
	err_hint(&db->ailment, "%s; nothing was lost, Reeve goes on by itself",
	         number == EFBIG ? "raise the limit (LimitFSIZE=) or free space" : "free space");
}

static void ail_broken(struct db *db, int extended, int number, const char *text)
{
	db->health = DB_BROKEN;
	if ((extended & 0xff) == SQLITE_CORRUPT || (extended & 0xff) == SQLITE_NOTADB) {
		err_problem(&db->ailment, ERR_TEMPORARY, "storage", "the database %s is damaged: %s", db->path, text);
		err_hint(&db->ailment, "stop Reeve, keep a copy of %s and its -wal file, and restore the last backup", db->path);
		return;
	}
	err_problem(&db->ailment, ERR_TEMPORARY, "storage", "the database %s cannot be used: %s%s%s", db->path, text,
	            number != 0 ? ": " : "", number != 0 ? strerror(number) : "");
	err_hint(&db->ailment, "look at the disk, its mount and the kernel log; what was confirmed before is safe, "
	         "and Reeve starts again to look");
}

static void ail_locked(struct db *db)
{
	db->health = DB_LOST;
	err_problem(&db->ailment, ERR_TEMPORARY, "storage", "another program keeps the database %s locked", db->path);
	err_hint(&db->ailment, "end the program that has %s open; nothing was lost, Reeve goes on by itself", db->path);
}

/* Always false. */
static bool fail(struct db *db, int rc, const char *sql, struct err *err)
{
	int         last = errno; /* 0 before each step: SQLite does not pass it on from there */
	int         extended = db->handle != NULL ? sqlite3_extended_errcode(db->handle) : rc;
	int         number = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
	const char *text = db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);

	if ((extended & 0xff) != (rc & 0xff))
		extended = rc;
	if (number == 0)
		number = last;
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY)
			return err_problem(err, ERR_CONFLICT, "already-exists", "such an object exists already (%s)", text);
		if (extended == SQLITE_CONSTRAINT_FOREIGNKEY)
			return err_problem(err, ERR_CONFLICT, "conflict", "it refers to an object that does not exist");
		break;
	case SQLITE_TOOBIG:
		return err_problem(err, ERR_INPUT, "too-large", "a value is too large to be stored");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		ail_locked(db);
		return db_ailment(db, err);
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_NOLFS:
		if (out_of_space(extended, number))
			ail_full(db, number);
		else
			ail_broken(db, extended, number, text);
		return db_ailment(db, err);
	default:
		break;
	}
	/* Out of memory, a statement that is wrong, a rule of the schema our code must keep: our bug. */
	log_error("store: %s (%d) in: %s", text, extended, sql);
	abort();
}

bool db_ailment(const struct db *db, struct err *err)
{
	if (err != NULL)
		*err = db->ailment;
	return false;
}

enum db_health db_health(const struct db *db)
{
	return db->health;
}

uint64_t db_steps(const struct db *db)
{
	return db->steps;
}

/* ---- open and close ---- */

static int on_wal(void *ctx, sqlite3 *handle UNUSED, const char *name UNUSED, int pages)
{
	struct db *db = ctx;

	db->wal_pages = pages;
	return SQLITE_OK;
}

static bool pragma(struct db *db, const char *sql, struct err *err)
{
	int rc;

	errno = 0;
	rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK || fail(db, rc, sql, err);
}

static bool set_up(struct db *db, struct err *err)
{
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (db->mode == DB_READER) {
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		return pragma(db, "PRAGMA wal_autocheckpoint = 0", err) && pragma(db, "PRAGMA mmap_size = 0", err) &&
		       pragma(db, "SELECT COUNT(*) FROM sqlite_schema", err); /* reads the file: damage shows now */
	}
	if (!pragma(db, "PRAGMA journal_mode = WAL", err) || !pragma(db, PLANTED(1) ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL", err) ||
	    /* Savepoints keep the pages they may give back in a temporary file; ours are small and many. */
	    !pragma(db, "PRAGMA temp_store = MEMORY", err) || !pragma(db, "PRAGMA foreign_keys = ON", err) || !pragma(db, "PRAGMA mmap_size = 0", err) ||
	    !pragma(db, "PRAGMA journal_size_limit = 67108864", err))
		return false;
	/* SQLite's own checkpoint swallows the failure of an fsync; db_upkeep does it in sight. */
	sqlite3_wal_hook(db->handle, on_wal, db);
	return true;
}

/* SQLite counts its memory under one lock for all connections, which every thread would wait for; nobody reads it. */
static void library_start(void)
{
	if (sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK || sqlite3_initialize() != SQLITE_OK)
		abort();
}

bool db_open(const char *path, enum db_mode mode, struct db **ret, struct err *err)
{
	static pthread_once_t      once = PTHREAD_ONCE_INIT;
	AUTO(db_closep) struct db *db = calloc(1, sizeof(*db));
	int             flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	            (mode == DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int rc;

	if (db == NULL || (db->path = strdup(path)) == NULL)
		abort();
	pthread_once(&once, library_start);
	db->mode = mode;
	rc = sqlite3_open_v2(path, &db->handle, flags, NULL);
	if (rc != SQLITE_OK)
		return fail(db, rc, "open", err);
	if (!set_up(db, err)) {
		if (db->health == DB_BROKEN && sqlite3_errcode(db->handle) == SQLITE_NOTADB) {
			err_problem(err, ERR_CONFIG, "storage", "%s is not a database", path);
			return err_hint(err, "name the right file in [store], or restore a backup");
		}
		return false;
	}
	*ret = TAKE(db);
	return true;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; i < STATEMENTS_SIZE; i++)
		statement_clear(&db->statements[i]);
	if (db->handle != NULL && db->health == DB_BROKEN)
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (sqlite3_close(db->handle) != SQLITE_OK)
		abort(); /* a statement that was never finalized */
	free(db->path);
	free(db);
}

void db_closep(struct db **db)
{
	db_close(*db);
}

const char *db_path(const struct db *db)
{
	return db->path;
}

/* ---- statements ---- */

static bool prepare(struct db *db, const char *sql, struct statement *ret, struct err *err)
{
	struct statement s = { .sql = sql };
	int              rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s.handle, NULL);

	if (rc != SQLITE_OK)
		return fail(db, rc, sql, err);
	assert(s.handle != NULL);
	s.parameters = (unsigned)sqlite3_bind_parameter_count(s.handle);
	assert(s.parameters <= VALUES_MAX);
	for (unsigned n = 1; n <= s.parameters; n++) {
		char name[16];

		snprintf(name, sizeof(name), "$%u", n);
		s.index[n - 1] = sqlite3_bind_parameter_index(s.handle, name);
		assert(s.index[n - 1] > 0); /* every $1 … $n is used */
	}
	*ret = s;
	return true;
}

/* The cached statement, or *spare when the cached one is just running further up the stack. */
static struct statement *statement_get(struct db *db, const char *sql, struct statement *spare, struct err *err)
{
	size_t            start = (size_t)(((uintptr_t)sql * 0x9e3779b97f4a7c15u) >> 40);
	struct statement *slot = NULL;

	for (size_t i = 0; i < PROBE_MAX; i++) {
		struct statement *s = &db->statements[(start + i) & (STATEMENTS_SIZE - 1)];
		bool              idle = s->handle == NULL || !sqlite3_stmt_busy(s->handle);

		if (s->handle != NULL && s->sql == sql && idle && strcmp(sqlite3_sql(s->handle), sql) == 0)
			return s;
		if (idle && (slot == NULL || (slot->handle != NULL && s->handle == NULL)))
			slot = s;
		if (s->handle == NULL)
			break;
	}
	if (slot == NULL)
		return prepare(db, sql, spare, err) ? spare : NULL;
	statement_clear(slot);
	return prepare(db, sql, slot, err) ? slot : NULL;
}

static bool bind_one(struct db *db, struct statement *s, unsigned n, const struct db_value *v, struct err *err)
{
	int index = s->index[n];
	int rc = SQLITE_OK;

	/* The bytes outlive the step, so nothing is copied. */
	switch (v->type) {
	case DB_NULL:
		rc = sqlite3_bind_null(s->handle, index);
		break;
	case DB_INT:
		rc = sqlite3_bind_int64(s->handle, index, v->i);
		break;
	case DB_TEXT:
		if (v->s.ptr != NULL && str_has_nul(v->s))
			return err_problem(err, ERR_INPUT, "invalid-request", "text with a NUL byte");
		rc = sqlite3_bind_text64(s->handle, index, v->s.ptr, v->s.len, SQLITE_STATIC, SQLITE_UTF8);
		break;
	case DB_BLOB:
		rc = sqlite3_bind_blob64(s->handle, index, v->s.ptr, v->s.len, SQLITE_STATIC);
		break;
	}
	return rc == SQLITE_OK || fail(db, rc, s->sql, err);
}

static bool step_all(struct db *db, struct statement *s, db_row_fn fn, void *arg, struct err *err)
{
	struct db_row row = { s->handle };
	int           rc;

	/* A write outside a transaction would commit by itself, past the group. */
	assert(db->mode == DB_READER || db->writing || sqlite3_stmt_readonly(s->handle));
	errno = 0;
	while ((rc = sqlite3_step(s->handle)) == SQLITE_ROW) {
		if (fn != NULL && !fn(&row, arg))
			return true;
	}
	return rc == SQLITE_DONE || fail(db, rc, s->sql, err);
}

static bool run(struct db *db, db_row_fn fn, void *arg, int64_t *ret_changed, struct err *err, const char *sql,
                const struct db_value *values, size_t count)
{
	AUTO(statement_clear) struct statement spare = { 0 };
	struct statement *s;
	int64_t           before = sqlite3_total_changes64(db->handle);
	bool              ok = true;

	if (db->health != DB_WELL)
		return db_ailment(db, err);
	s = statement_get(db, sql, &spare, err);
	if (s == NULL)
		return false;
	assert(s->parameters == count);
	for (unsigned n = 0; ok && n < count; n++)
		ok = bind_one(db, s, n, &values[n], err);
	ok = ok && step_all(db, s, fn, arg, err);
	db->steps += (uint64_t)sqlite3_stmt_status(s->handle, SQLITE_STMTSTATUS_VM_STEP, 1);
	sqlite3_reset(s->handle);
	sqlite3_clear_bindings(s->handle);
	if (ok && ret_changed != NULL)
		*ret_changed = sqlite3_total_changes64(db->handle) - before;
	return ok;
}

bool db_exec_values(struct db *db, int64_t *ret_changed, struct err *err, const char *sql,
                    const struct db_value *values, size_t count)
{
	return run(db, NULL, NULL, ret_changed, err, sql, values, count);
}

bool db_each_values(struct db *db, db_row_fn fn, void *arg, struct err *err, const char *sql,
                    const struct db_value *values, size_t count)
{
	return run(db, fn, arg, NULL, err, sql, values, count);
}

int64_t db_int(const struct db_row *row, unsigned column)
{
	return sqlite3_column_int64(row->handle, (int)column);
}

bool db_is_null(const struct db_row *row, unsigned column)
{
	return sqlite3_column_type(row->handle, (int)column) == SQLITE_NULL;
}

const char *db_text(const struct db_row *row, unsigned column, struct arena *a)
{
	const void *ptr = sqlite3_column_text(row->handle, (int)column);
	int         len = sqlite3_column_bytes(row->handle, (int)column);

	return ptr == NULL || len == 0 ? "" : arena_str(a, str_of(ptr, (size_t)len));
}

struct str db_blob(const struct db_row *row, unsigned column, struct arena *a)
{
	const void *ptr = sqlite3_column_blob(row->handle, (int)column);
	int         len = sqlite3_column_bytes(row->handle, (int)column);

	if (db_is_null(row, column))
		return str_of(NULL, 0);
	return ptr == NULL ? STR("") : arena_dup(a, str_of(ptr, (size_t)len));
}

/* ---- transactions ---- */

bool db_begin(struct db *db, bool write, struct err *err)
{
	assert(sqlite3_get_autocommit(db->handle));
	db->writing = write;
	if (write)
		return db_exec(db, NULL, err, "BEGIN IMMEDIATE");
	return db_exec(db, NULL, err, "BEGIN");
}

bool db_commit(struct db *db, struct err *err)
{
	if (!db_exec(db, NULL, err, "COMMIT"))
		return false;
	db->writing = false;
	return true;
}

void db_rollback(struct db *db)
{
	if (db->health == DB_LOST)
		db->health = DB_WELL;
	db->writing = false;
	/* SQLite rolls back by itself after some errors. What a rollback itself meets shows in the next use. */
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool db_savepoint(struct db *db, struct err *err)
{
	return db_exec(db, NULL, err, "SAVEPOINT request");
}

bool db_release(struct db *db, struct err *err)
{
	return db_exec(db, NULL, err, "RELEASE request");
}

void db_rollback_to(struct db *db)
{
	struct err ignored = { 0 };

	/* A failure makes the database unwell, which store.c looks at next. */
	if (db_exec(db, NULL, &ignored, "ROLLBACK TO request"))
		(void)!db_release(db, &ignored);
}

void db_upkeep(struct db *db)
{
	struct err ignored = { 0 };
	int        rc;

	if (db->health != DB_WELL || db->wal_pages < WAL_PAGES)
		return;
	errno = 0;
	rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return;
	fail(db, rc, "checkpoint", &ignored);
	/* No room for the checkpoint: the log keeps everything, and the next one tries again. */
	if (db->health == DB_LOST)
		db->health = DB_WELL;
}

/* ---- for migrate.c ---- */

bool db_tables(struct db *db, const char *name, int64_t *ret, struct err *err)
{
	struct str pattern = str_c(name != NULL ? name : "");
	int64_t    count = 0;
	int        rc;
	AUTO(statement_clear) struct statement s = { 0 };

	if (!prepare(db,
	             "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	             " AND ($1 = '' OR name = $1)",
	             &s, err))
		return false;
	sqlite3_bind_text64(s.handle, s.index[0], pattern.ptr, pattern.len, SQLITE_STATIC, SQLITE_UTF8);
	errno = 0;
	rc = sqlite3_step(s.handle);
	if (rc != SQLITE_ROW)
		return fail(db, rc, s.sql, err);
	count = sqlite3_column_int64(s.handle, 0);
	*ret = count;
	return true;
}

static void translate(struct buf *b, struct str sql)
{
	static const struct {
		struct str from, to;
	} words[] = {
		{ { "@BLOB@", 6 }, { "BLOB", 4 } },
		{ { "@IDENTITY@", 10 }, { "INTEGER PRIMARY KEY AUTOINCREMENT", 33 } },
	};

	while (sql.len > 0) {
		size_t length = 0;

		for (size_t i = 0; i < ARRAY_LEN(words) && length == 0; i++) {
			if (str_starts(sql, words[i].from)) {
				buf_add_str(b, words[i].to);
				length = words[i].from.len;
			}
		}
		if (length == 0) {
			buf_add_char(b, sql.ptr[0]);
			length = 1;
		}
		sql = str_of(sql.ptr + length, sql.len - length);
	}
}

bool db_script(struct db *db, struct str sql, struct err *err)
{
	AUTO(buf_clear) struct buf b = { 0 };
	int             rc;

	if (db->health != DB_WELL)
		return db_ailment(db, err);
	buf_init(&b, SCRIPT_MAX);
	buf_add_c(&b, "");
	translate(&b, sql);
	assert(!b.failed && !sqlite3_get_autocommit(db->handle));
	if (b.len == 0)
		return true;
	errno = 0;
	rc = sqlite3_exec(db->handle, b.ptr, NULL, NULL, NULL);
	return rc == SQLITE_OK || fail(db, rc, "script", err);
}

static void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* VACUUM INTO an empty file that was made first, so that nobody else may ever read it. */
static bool copy_write(struct db *db, const char *part, struct err *err)
{
	AUTO(statement_clear) struct statement s = { 0 };
	int         rc;
	AUTO(closep) int fd = -1;

	if (unlink(part) != 0 && errno != ENOENT)
		return err_errno(err, errno, "replacing %s", part);
	fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, errno, "creating %s", part);
	if (!prepare(db, "VACUUM INTO $1", &s, err))
		return false;
	sqlite3_bind_text(s.handle, s.index[0], part, -1, SQLITE_STATIC);
	errno = 0;
	rc = sqlite3_step(s.handle);
	if (rc != SQLITE_DONE)
		return fail(db, rc, s.sql, err);
	return fsync(fd) == 0 || err_errno(err, errno, "writing %s", part);
}

/* A half-made copy never has the final name. */
bool db_copy(struct db *db, const char *to, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	const char                     *part = arena_printf(a, "%s.part", to);
	AUTO(closep) int                dir = -1;

	if (!copy_write(db, part, err)) {
		unlink(part);
		return err_in(err, "copying the database to %s", to);
	}
	if (rename(part, to) != 0)
		return err_errno(err, errno, "renaming %s", part);
	dir = open(dirname(arena_strdup(a, to)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return (dir >= 0 && fsync(dir) == 0) || err_errno(err, errno, "keeping %s", to);
}
