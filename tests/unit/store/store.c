/* The store: groups, failures, locks, readers, full disks. */
#include "store/store.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fixture.h"
#include "store/project.h"

static bool put(struct db *db, void *arg, struct err *err)
{
	const char    *name = arg;
	struct project p = { name, name, 1 };

	return project_insert(db, &p, err);
}

/* Writes, then changes its mind. */
static bool put_and_refuse(struct db *db, void *arg, struct err *err)
{
	return put(db, arg, err) && err_set(err, ERR_INPUT, "changed my mind");
}

static int64_t count_projects(struct fixture *f)
{
	struct db *db = store_reader(f->store, &f->err);
	int64_t    count = -1;

	assert_non_null(db);
	CHECK_OK(db_each(db, fixture_count, &count, &f->err, "SELECT COUNT(*) FROM projects"), f->err);
	return count;
}

TEST(readers_see_commits)
{
	struct fixture f;
	struct stat    st;

	fixture_open(&f);
	CHECK_INT(count_projects(&f), 0);
	CHECK_OK(store_write(f.store, put, (char[]){ "a" }, &f.err), f.err);
	CHECK_INT(count_projects(&f), 1);
	REFUSED(store_write(f.store, put, (char[]){ "a" }, &f.err), ERR_CONFLICT, "already-exists", f.err);
	REFUSED(store_write(f.store, put_and_refuse, (char[]){ "b" }, &f.err), ERR_INPUT, "", f.err);
	CHECK_INT(count_projects(&f), 1);
	CHECK(stat(f.path, &st) == 0 && (st.st_mode & 0777) == 0600);
	store_close(f.store);
	f.store = NULL;

	CHECK_OK(store_open(f.path, STORE_WRITE, &f.store, &f.err), f.err);
	CHECK_INT(count_projects(&f), 1);
	fixture_close(&f);
}

/* ---- one group: the first request leads until the others are queued ---- */

struct gate {
	sem_t entered, leave;
};

static bool wait_at_gate(struct db *db, void *arg, struct err *err)
{
	struct gate *gate = arg;

	sem_post(&gate->entered);
	sem_wait(&gate->leave);
	return put(db, (char[]){ "gate" }, err);
}

struct writer {
	pthread_t      thread;
	struct store  *store;
	store_write_fn fn;
	void          *arg;
	bool           ok;
	struct err     err;
};

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	w->ok = store_write(w->store, w->fn, w->arg, &w->err);
	return NULL;
}

static void writer_start(struct writer *w, struct store *store, store_write_fn fn, void *arg)
{
	*w = (struct writer){ .store = store, .fn = fn, .arg = arg };
	assert_int_equal(pthread_create(&w->thread, NULL, writer_main, w), 0);
}

/* Starts the writers while another one leads, so that they make one group. */
static void run_as_group(struct fixture *f, struct writer *writers, size_t count, const store_write_fn *fns,
                         char (*names)[8])
{
	struct gate   gate;
	struct writer holder;

	sem_init(&gate.entered, 0, 0);
	sem_init(&gate.leave, 0, 0);
	writer_start(&holder, f->store, wait_at_gate, &gate);
	sem_wait(&gate.entered);
	for (size_t i = 0; i < count; i++)
		writer_start(&writers[i], f->store, fns[i], names[i]);
	usleep(100 * 1000); /* more than they need; fewer in the group would make the test weaker, not fail */
	sem_post(&gate.leave);
	pthread_join(holder.thread, NULL);
	for (size_t i = 0; i < count; i++)
		pthread_join(writers[i].thread, NULL);
	sem_destroy(&gate.entered);
	sem_destroy(&gate.leave);
}

TEST(a_failing_request_harms_nobody)
{
	struct fixture       f;
	struct writer        writers[6];
	const store_write_fn fns[6] = { put, put_and_refuse, put, put, put_and_refuse, put };
	char                 names[6][8] = { "a", "b", "c", "c", "d", "e" };
	int                  refused = 0, taken = 0, done = 0;

	fixture_open(&f);
	run_as_group(&f, writers, ARRAY_LEN(writers), fns, names);
	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		done += writers[i].ok;
		refused += !writers[i].ok && writers[i].err.class == ERR_INPUT;
		taken += !writers[i].ok && writers[i].err.class == ERR_CONFLICT;
	}
	CHECK_INT(done, 3);
	CHECK_INT(refused, 2);
	CHECK_INT(taken, 1);
	CHECK_INT(count_projects(&f), 4);
	CHECK(store_commits(f.store) <= 3); /* shared, or there would be four and more */
	fixture_close(&f);
}

#define THREADS 16
#define ROUNDS  40

static void *many_writes(void *arg)
{
	struct fixture *f = arg;
	char            name[40];

	for (int i = 0; i < ROUNDS; i++) {
		struct err err = { 0 };

		snprintf(name, sizeof(name), "%lx-%d", (unsigned long)pthread_self(), i);
		CHECK_OK(store_write(f->store, put, name, &err), err);
		/* What was confirmed is there for this thread's own reader. */
		{
			struct db *db = store_reader(f->store, &err);
			int64_t    count = 0;

			assert_non_null(db);
			CHECK_OK(db_each(db, fixture_count, &count, &err, "SELECT COUNT(*) FROM projects WHERE id = $1",
			                 DB_T(name)), err);
			CHECK_INT(count, 1);
		}
	}
	return NULL;
}

TEST(sixteen_threads_write)
{
	struct fixture f;
	pthread_t      threads[THREADS];

	fixture_open(&f);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_writes, &f), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(count_projects(&f), THREADS * ROUNDS);
	CHECK(store_commits(f.store) > 0 && store_commits(f.store) <= THREADS * ROUNDS);
	fixture_close(&f);
}

/* ---- opening ---- */

TEST(second_opener_is_refused)
{
	struct fixture f;
	struct store  *second = NULL;
	char           pid[32];

	fixture_open(&f);
	REFUSED(store_open(f.path, STORE_WRITE, &second, &f.err), ERR_CONFLICT, "conflict", f.err);
	snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
	assert_non_null(strstr(f.err.text, "another Reeve"));
	assert_non_null(strstr(f.err.text, pid));
	assert_null(second);
	/* Readers need no lock, and do not write. */
	CHECK_OK(store_open(f.path, STORE_READ, &second, &f.err), f.err);
	CHECK(!db_exec(store_reader(second, &f.err), NULL, &f.err, "DELETE FROM projects"));
	store_close(second);
	store_close(f.store);
	f.store = NULL;
	CHECK_OK(store_open(f.path, STORE_WRITE, &f.store, &f.err), f.err);
	fixture_close(&f);
}

TEST(opens_only_what_is_there)
{
	struct fixture f;
	struct store  *store = NULL;
	FILE          *file;

	fixture_dir(&f);
	REFUSED(store_open(f.path, STORE_WRITE, &store, &f.err), ERR_CONFIG, "storage", f.err);
	CHECK(f.err.hint[0] != '\0');
	REFUSED(store_open(f.path, STORE_READ, &store, &f.err), ERR_CONFIG, "storage", f.err);
	CHECK_OK(store_open(f.path, STORE_CREATE, &store, &f.err), f.err);
	store_close(store);
	store = NULL;
	REFUSED(store_open(f.path, STORE_CREATE, &store, &f.err), ERR_CONFLICT, "already-exists", f.err);

	file = fopen(f.path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database\n", file);
	fclose(file);
	REFUSED(store_open(f.path, STORE_WRITE, &store, &f.err), ERR_CONFIG, "storage", f.err);
	REFUSED(store_open(f.path, STORE_READ, &store, &f.err), ERR_CONFIG, "storage", f.err);
	assert_null(store);
	fixture_close(&f);
}

/* ---- no room ---- */

static bool set_page_limit(struct db *db, void *arg, struct err *err)
{
	(void)arg;
	return db_exec(db, NULL, err, "PRAGMA max_page_count = 1"); /* means: not one page more */
}

static bool lift_page_limit(struct db *db, void *arg, struct err *err)
{
	(void)arg;
	return db_exec(db, NULL, err, "PRAGMA max_page_count = 1000000");
}

static bool put_large(struct db *db, void *arg, struct err *err)
{
	static char large[200 * 1024];

	memset(large, 'x', sizeof(large) - 1);
	return put(db, arg, err) && meta_set(db, arg, large, err);
}

/* Does not notice that a statement failed. */
static bool put_large_carelessly(struct db *db, void *arg, struct err *err)
{
	struct err ignored = { 0 };

	if (!put_large(db, (char[]){ "careless" }, &ignored))
		return put(db, arg, err);
	return true;
}

static void check_full(const struct fixture *f, const struct err *err)
{
	CHECK_INT(err->class, ERR_TEMPORARY);
	CHECK_STR(err->problem, "storage");
	assert_non_null(strstr(err->text, f->path));
	assert_non_null(strstr(err->hint, "nothing was lost"));
	CHECK(!store_broken(f->store));
}

TEST(full_disk_is_named_and_survived)
{
	struct fixture       f;
	struct writer        writers[4];
	const store_write_fn fns[4] = { put, put_large, put, put_large_carelessly };
	char                 names[4][8] = { "a", "b", "c", "d" };
	int64_t              before;
	bool                 failed = false;

	fixture_open(&f);
	CHECK_OK(store_write(f.store, put, (char[]){ "before" }, &f.err), f.err);
	CHECK_OK(store_write(f.store, set_page_limit, NULL, &f.err), f.err);
	run_as_group(&f, writers, ARRAY_LEN(writers), fns, names);
	CHECK(!writers[1].ok);
	CHECK(!writers[3].ok);
	assert_non_null(strstr(writers[1].err.text, "full"));
	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		if (!writers[i].ok)
			check_full(&f, &writers[i].err);
		failed = failed || !writers[i].ok;
	}
	CHECK(failed);
	before = count_projects(&f);
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		before -= writers[i].ok;
	CHECK_INT(before, 2); /* "before" and "gate": a lost group leaves nothing behind */
	CHECK_OK(store_write(f.store, lift_page_limit, NULL, &f.err), f.err);
	CHECK_OK(store_write(f.store, put_large, (char[]){ "after" }, &f.err), f.err);
	fixture_close(&f);
}

TEST(file_size_limit_is_named_and_survived)
{
	struct fixture f;
	struct rlimit  old, small;

	fixture_open(&f);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ .rlim_cur = 300 * 1024, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	f.err = (struct err){ 0 };
	CHECK(!store_write(f.store, put_large, (char[]){ "a" }, &f.err) ||
	      !store_write(f.store, put_large, (char[]){ "b" }, &f.err));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(f.err.text, "file size limit"));
	check_full(&f, &f.err);
	CHECK_OK(store_write(f.store, put_large, (char[]){ "c" }, &f.err), f.err);
	CHECK_OK(store_write(f.store, put, (char[]){ "d" }, &f.err), f.err);
	store_close(f.store);
	f.store = NULL;
	CHECK_OK(store_open(f.path, STORE_WRITE, &f.store, &f.err), f.err);
	CHECK(count_projects(&f) >= 2);
	fixture_close(&f);
}

TEST(damage_breaks_the_store)
{
	struct fixture f;
	int            fd;
	int64_t        page = 0;
	char           junk[4096];

	fixture_open(&f);
	CHECK_OK(store_write(f.store, put, (char[]){ "a" }, &f.err), f.err);
	CHECK_OK(db_each(store_reader(f.store, &f.err), fixture_count, &page, &f.err,
	                 "SELECT rootpage FROM sqlite_schema WHERE name = 'projects'"), f.err);
	CHECK(page > 1);
	store_close(f.store); /* the log is in the database now */
	memset(junk, 0xa5, sizeof(junk));
	fd = open(f.path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), (page - 1) * (off_t)sizeof(junk)), sizeof(junk));
	close(fd);
	f.store = NULL;
	CHECK_OK(store_open(f.path, STORE_WRITE, &f.store, &f.err), f.err);
	REFUSED(store_write(f.store, put, (char[]){ "b" }, &f.err), ERR_TEMPORARY, "storage", f.err);
	assert_non_null(strstr(f.err.text, "damaged"));
	CHECK(store_broken(f.store));
	REFUSED(store_write(f.store, lift_page_limit, NULL, &f.err), ERR_TEMPORARY, "storage", f.err);
	fixture_close(&f);
}

/* ---- the death of the process ---- */

TEST(what_was_confirmed_survives_kill)
{
	struct fixture f;
	int            pipe_ends[2], status;
	char           name[16] = "";
	int64_t        confirmed = 0;
	pid_t          child;

	fixture_open(&f);
	store_close(f.store);
	f.store = NULL;
	assert_int_equal(pipe(pipe_ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store *store = NULL;

		if (!store_open(f.path, STORE_WRITE, &store, NULL))
			_exit(1);
		for (int i = 0;; i++) {
			snprintf(name, sizeof(name), "%d", i);
			if (!store_write(store, put, name, NULL) || write(pipe_ends[1], "x", 1) != 1)
				_exit(1);
		}
	}
	close(pipe_ends[1]);
	while (confirmed < 20 && read(pipe_ends[0], name, 1) == 1)
		confirmed++;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	while (read(pipe_ends[0], name, 1) == 1)
		confirmed++;
	close(pipe_ends[0]);
	CHECK(WIFSIGNALED(status));
	CHECK_OK(store_open(f.path, STORE_WRITE, &f.store, &f.err), f.err);
	CHECK(confirmed >= 20 && count_projects(&f) >= confirmed);
	fixture_close(&f);
}

TESTS(T(readers_see_commits), T(a_failing_request_harms_nobody), T(sixteen_threads_write),
      T(second_opener_is_refused), T(opens_only_what_is_there), T(full_disk_is_named_and_survived),
      T(file_size_limit_is_named_and_survived), T(damage_breaks_the_store), T(what_was_confirmed_survives_kill))
