/*
 * Brings a database up to this binary. Compares what was applied (number, name, SHA-256) with what is
 * compiled in and runs the rest, one transaction each, after a copy of a database that holds something.
 */
#include "store/migrate.h"

#include <assert.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/encode.h"
#include "store/rows.h"

struct applied {
	int64_t     number;
	const char *name, *sha256;
};

static bool applied_read(const struct db_row *row, void *arg)
{
	struct rows    *rows = arg;
	struct applied *x = rows_add(rows);

	x->number = db_int(row, 0);
	x->name = db_text(row, 1, rows->a);
	x->sha256 = db_text(row, 2, rows->a);
	return true;
}

static const char *digest(struct arena *a, const char *sql)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	size_t        len = 0;

	if (EVP_Q_digest(NULL, "SHA256", NULL, sql, strlen(sql), bytes, &len) != 1)
		abort();
	return hex_encode(a, str_of(bytes, len));
}

static bool newer(const struct db *db, const struct applied *last, size_t count, struct err *err)
{
	err_problem(err, ERR_CONFIG, "storage",
	            "the database %s is at version %lld (%s), newer than version %zu that Reeve " REEVE_VERSION " knows",
	            db_path(db), (long long)last->number, last->name, count);
	return err_hint(err, "start the newer Reeve that was used last, or restore a copy made before it");
}

/* How many of the list are in the database; all of them must be as compiled in. */
static bool compare(struct db *db, struct arena *a, const struct migration *list, size_t count, size_t *ret,
                    struct err *err)
{
	struct rows     rows = ROWS(a, struct applied);
	struct applied *applied;
	int64_t         ours = 0, all = 0;

	if (!db_tables(db, "schema_migrations", &ours, err) || !db_tables(db, NULL, &all, err))
		return false;
	if (ours == 0 && all > 0) {
		err_problem(err, ERR_CONFIG, "storage", "%s is not a database of Reeve", db_path(db));
		return err_hint(err, "name the right file in [store]");
	}
	if (ours > 0 &&
	    !db_each(db, applied_read, &rows, err, "SELECT number, name, sha256 FROM schema_migrations ORDER BY number"))
		return false;
	applied = (void *)rows.items;
	if (rows.count > 0 && applied[rows.count - 1].number > (int64_t)count)
		return newer(db, &applied[rows.count - 1], count, err);
	for (size_t i = 0; i < rows.count; i++) {
		if (applied[i].number == list[i].number && strcmp(applied[i].sha256, digest(a, list[i].sql)) == 0)
			continue;
		err_problem(err, ERR_CONFIG, "storage",
		            "migration %lld (%s) of the database %s is not the one Reeve " REEVE_VERSION " was built with",
		            (long long)applied[i].number, applied[i].name, db_path(db));
		return err_hint(err, "use the Reeve that made this database, or restore a backup");
	}
	*ret = rows.count;
	return true;
}

static bool apply(struct db *db, struct arena *a, const struct migration *m, struct err *err)
{
	return db_begin(db, true, err) &&
	       db_script(db, STR("CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT PRIMARY KEY,"
	                         " name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)"), err) &&
	       db_script(db, str_c(m->sql), err) &&
	       db_exec(db, NULL, err,
	               "INSERT INTO schema_migrations (number, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
	               DB_I(m->number), DB_T(m->name), DB_T(digest(a, m->sql)), DB_I(clock_now_ms())) &&
	       db_commit(db, err);
}

bool migrate_up(struct db *db, const struct migration *list, size_t count, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	size_t                          done = 0;

	if (!compare(db, a, list, count, &done, err))
		return false;
	if (done > 0 && done < count &&
	    !db_copy(db, arena_printf(a, "%s.before-%04lld", db_path(db), (long long)list[done].number), err))
		return err_in(err, "the copy before migration %lld", (long long)list[done].number);
	for (size_t i = done; i < count; i++) {
		assert(list[i].number == (int64_t)i + 1);
		if (!apply(db, a, &list[i], err)) {
			db_rollback(db);
			return err_in(err, "migration %lld (%s)", (long long)list[i].number, list[i].name);
		}
	}
	return true;
}

bool migrate_check(struct db *db, const struct migration *list, size_t count, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	size_t                          done = 0;

	if (!compare(db, a, list, count, &done, err))
		return false;
	if (done == count)
		return true;
	err_problem(err, ERR_CONFIG, "storage", "the database %s is at version %zu, older than version %zu of this Reeve",
	            db_path(db), done, count);
	return err_hint(err, "start `reeve serve` of this version once: it migrates the database");
}
