/*
 * tests/unit/store/fixture.h: a database in a directory of its own.
 *
 * Use      fixture_open() gives a store; fixture_db() gives the writer's connection itself inside an open
 *          transaction, for tests of domain functions. fixture_close() removes everything.
 */
#ifndef REEVE_TESTS_STORE_FIXTURE_H
#define REEVE_TESTS_STORE_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/driver.h"
#include "store/migrate.h"
#include "store/store.h"
#include "test.h"

struct fixture {
	char          dir[64], path[80];
	struct store *store;
	struct db    *db;
	struct arena *a;
	struct err    err;
};

static inline void fixture_dir(struct fixture *f)
{
	*f = (struct fixture){ .dir = "/tmp/reeve-store-XXXXXX", .a = arena_new() };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/reeve.db", f->dir);
}

static inline void fixture_open(struct fixture *f)
{
	fixture_dir(f);
	CHECK_OK(store_open(f->path, STORE_CREATE, &f->store, &f->err), f->err);
}

static inline void fixture_file(struct fixture *f)
{
	int fd;

	fixture_dir(f);
	fd = open(f->path, O_CREAT | O_EXCL | O_RDWR, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static inline void fixture_db(struct fixture *f)
{
	fixture_file(f);
	CHECK_OK(db_open(f->path, DB_WRITER, &f->db, &f->err), f->err);
	CHECK_OK(migrate_up(f->db, migrations, migrations_count, &f->err), f->err);
	CHECK_OK(db_begin(f->db, true, &f->err), f->err);
}

static inline void fixture_close(struct fixture *f)
{
	DIR           *dir = opendir(f->dir);
	struct dirent *entry;

	store_close(f->store);
	if (f->db != NULL)
		db_rollback(f->db);
	db_close(f->db);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(f->dir), 0);
	arena_free(f->a);
}

/* The call must be refused with this class and code, and say something. */
#define REFUSED(call, wanted_class, wanted_problem, e)                                             \
	do {                                                                                       \
		(e) = (struct err){ 0 };                                                           \
		CHECK(!(call));                                                                    \
		CHECK_INT((e).class, wanted_class);                                                \
		CHECK_STR((e).problem, wanted_problem);                                            \
		CHECK((e).text[0] != '\0');                                                        \
	} while (0)

static inline bool fixture_count(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = db_int(row, 0);
	return true;
}

#endif
