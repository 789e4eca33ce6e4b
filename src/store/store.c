/*
 * One writer at a time, many readers. Who comes while nobody writes takes the lead: everything queued runs in one
 * transaction with a savepoint for each, is committed once, and only then the callers go on, so that the cost of one
 * fsync is shared by all who waited for it. What was queued meanwhile is led by its first caller. A thread of its own
 * for this would cost every write two more changes of thread. Readers are one connection per thread. What the
 * statements are is the nouns' business, how they reach the disk the driver's.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/driver.h"
#include "store/migrate.h"

#define QUEUE_MAX 10000u

/* Lives on the stack of the caller, who waits for `wake`. */
struct request {
	store_write_fn  fn;
	void           *arg;
	struct err     *err;
	bool            ok;
	bool            lead; /* woken to lead the queue, not because it is done */
	sem_t           wake;
	struct request *next;
};

struct reader {
	struct store  *store;
	struct db     *db;
	struct reader *next, **link; /* *link points at this reader */
};

struct store {
	char      *path;
	int        lock_fd; /* -1: read-only */
	struct db *writer;  /* belongs to whoever leads */

	pthread_mutex_t  mutex; /* everything down to `reader_key` */
	pthread_cond_t   quiet;
	bool             led;   /* somebody leads, or was woken to */
	struct request  *queue, **queue_end;
	size_t           queue_count;
	bool             stopping;
	struct reader   *readers;

	pthread_key_t    reader_key;
	_Atomic uint64_t commits;
	_Atomic bool     broken;
};

/* ---- groups ---- */

/* A write within a write would wait for itself. */
static _Thread_local bool leading;

/* False when the whole group is lost. */
static bool request_run(struct store *store, struct request *r)
{
	struct db *db = store->writer;

	if (!db_savepoint(db, r->err))
		return false;
	r->ok = r->fn(db, r->arg, r->err);
	if (r->ok && db_health(db) == DB_WELL)
		return db_release(db, r->err);
	r->ok = false;
	db_rollback_to(db);
	return db_health(db) == DB_WELL;
}

static bool group_run(struct store *store, struct request *group)
{
	struct err ignored = { 0 }; /* the driver remembers why */

	if (!db_begin(store->writer, true, &ignored))
		return false;
	for (struct request *r = group; r != NULL; r = r->next)
		if (!request_run(store, r))
			return false;
	return db_commit(store->writer, &ignored);
}

static void group_lose(struct store *store, struct request *group)
{
	assert(db_health(store->writer) != DB_WELL);
	for (struct request *r = group; r != NULL; r = r->next) {
		db_ailment(store->writer, r->err);
		r->ok = false;
	}
	if (db_health(store->writer) == DB_BROKEN)
		store->broken = true;
	db_rollback(store->writer);
}

/* Lets everybody go but the one who leads. */
static void group_release(struct request *group, const struct request *leader)
{
	while (group != NULL) {
		struct request *next = group->next; /* the request is gone once its caller wakes */

		if (group != leader)
			sem_post(&group->wake);
		group = next;
	}
}

static void group_serve(struct store *store, struct request *group, const struct request *leader)
{
	leading = true;
	if (group_run(store, group))
		store->commits++;
	else
		group_lose(store, group);
	group_release(group, leader);
	leading = false;
	db_upkeep(store->writer);
	if (db_health(store->writer) == DB_BROKEN)
		store->broken = true;
}

/* Serve everything that waits, this request among it, and hand the lead to the next. */
static void queue_lead(struct store *store, const struct request *leader)
{
	struct request *group;

	pthread_mutex_lock(&store->mutex);
	group = store->queue;
	store->queue = NULL;
	store->queue_end = &store->queue;
	store->queue_count = 0;
	pthread_mutex_unlock(&store->mutex);
	group_serve(store, group, leader);
	pthread_mutex_lock(&store->mutex);
	store->led = store->queue != NULL;
	if (store->led) {
		store->queue->lead = true;
		sem_post(&store->queue->wake);
	} else {
		pthread_cond_broadcast(&store->quiet);
	}
	pthread_mutex_unlock(&store->mutex);
}

/* *ret_lead: nobody leads; the caller does. */
static bool queue_add(struct store *store, struct request *r, bool *ret_lead, struct err *err)
{
	bool   stopping;
	size_t count;

	pthread_mutex_lock(&store->mutex);
	stopping = store->stopping;
	count = store->queue_count;
	if (!stopping && count < QUEUE_MAX) {
		*store->queue_end = r;
		store->queue_end = &r->next;
		store->queue_count++;
		*ret_lead = !store->led;
		store->led = true;
	}
	pthread_mutex_unlock(&store->mutex);
	if (stopping)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "the store is closing");
	if (count >= QUEUE_MAX)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "%zu writes wait for the disk already", count);
	return true;
}

bool store_write(struct store *store, store_write_fn fn, void *arg, struct err *err)
{
	struct request r = { .fn = fn, .arg = arg, .err = err };
	bool           queued, lead = false;

	assert(store->writer != NULL && !leading);
	sem_init(&r.wake, 0, 0);
	queued = queue_add(store, &r, &lead, err);
	if (queued && !lead) {
		while (sem_wait(&r.wake) != 0)
			assert(errno == EINTR);
		lead = r.lead;
	}
	if (queued && lead)
		queue_lead(store, &r);
	sem_destroy(&r.wake);
	return queued && r.ok;
}

uint64_t store_commits(const struct store *store)
{
	return store->commits;
}

bool store_broken(const struct store *store)
{
	return store->broken;
}

/* ---- readers ---- */

/* At the end of the thread, or of the store: the list's mutex is held by store_close then. */
static void reader_free(struct reader *r)
{
	*r->link = r->next;
	if (r->next != NULL)
		r->next->link = r->link;
	db_close(r->db);
	free(r);
}

static void reader_thread_ends(void *arg)
{
	struct reader *r = arg;
	struct store  *store = r->store;

	pthread_mutex_lock(&store->mutex);
	reader_free(r);
	pthread_mutex_unlock(&store->mutex);
}

static struct reader *reader_new(struct store *store)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL || pthread_setspecific(store->reader_key, r) != 0)
		abort();
	r->store = store;
	pthread_mutex_lock(&store->mutex);
	r->next = store->readers;
	r->link = &store->readers;
	if (r->next != NULL)
		r->next->link = &r->next;
	store->readers = r;
	pthread_mutex_unlock(&store->mutex);
	return r;
}

struct db *store_reader(struct store *store, struct err *err)
{
	struct reader *r = pthread_getspecific(store->reader_key);

	if (r == NULL)
		r = reader_new(store);
	if (r->db != NULL && db_health(r->db) != DB_WELL) {
		db_close(r->db);
		r->db = NULL;
	}
	if (r->db == NULL && !db_open(store->path, DB_READER, &r->db, err))
		return NULL;
	return r->db;
}

/* ---- open and close ---- */

static void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static const char *folder(struct arena *a, const char *path)
{
	return dirname(arena_strdup(a, path)); /* changes its argument */
}

static bool locked_by(int fd, const char *path, struct err *err)
{
	char    pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	err_problem(err, ERR_CONFLICT, "conflict", "another Reeve (pid %s) uses the database %s",
	            pid[0] != '\0' ? pid : "unknown", path);
	return err_hint(err, "stop it first, or give this one another data directory");
}

/* The kernel drops the lock with the process, so a stale file locks nobody out. */
static bool lock_take(struct store *store, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	const char                     *path = arena_printf(a, "%s/lock", folder(a, store->path));
	struct flock                    lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	AUTO(closep) int                fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char                            pid[24];
	int                             len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

	if (fd < 0)
		return err_errno(err, errno, "opening the lock file %s", path);
	if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
		if (errno != EAGAIN && errno != EACCES)
			return err_errno(err, errno, "locking %s", path);
		return locked_by(fd, store->path, err);
	}
	/* Only for the sentence above: a full disk shall not keep the process from starting. */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, pid, (size_t)len, 0);
	store->lock_fd = fd;
	fd = -1;
	return true;
}

/* *ret_made: the file is ours to remove when the rest does not work out. */
static bool file_make(const char *path, bool *ret_made, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct stat                     st;
	AUTO(closep) int dir = open(folder(a, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* An empty file is what an interrupted creation leaves. */
	if (fd < 0 && errno == EEXIST && stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		return true;
	if (fd < 0 && errno == EEXIST) {
		err_problem(err, ERR_CONFLICT, "already-exists", "the database %s exists already", path);
		return err_hint(err, "start `reeve serve`, or choose another data directory");
	}
	if (fd < 0)
		return err_errno(err, errno, "creating %s", path);
	if (dir < 0 || fsync(dir) != 0)
		return err_errno(err, errno, "creating %s", path);
	*ret_made = true;
	return true;
}

static bool file_there(const char *path, struct err *err)
{
	if (access(path, F_OK) == 0)
		return true;
	if (errno != ENOENT && errno != ENOTDIR)
		return err_errno(err, errno, "opening %s", path);
	err_problem(err, ERR_CONFIG, "storage", "there is no database at %s", path);
	return err_hint(err, "make one with `reeve init`, or name the right file in [store]");
}

static bool open_writer(struct store *store, enum store_mode mode, bool *ret_made, struct err *err)
{
	if (mode == STORE_CREATE ? !lock_take(store, err) || !file_make(store->path, ret_made, err)
	                         : !file_there(store->path, err) || !lock_take(store, err))
		return false;
	return db_open(store->path, DB_WRITER, &store->writer, err) &&
	       migrate_up(store->writer, migrations, migrations_count, err);
}

static bool open_reader(struct store *store, struct err *err)
{
	struct db *db;

	if (!file_there(store->path, err))
		return false;
	db = store_reader(store, err);
	return db != NULL && migrate_check(db, migrations, migrations_count, err);
}

static struct store *store_new(const char *path)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL || (store->path = strdup(path)) == NULL ||
	    pthread_key_create(&store->reader_key, reader_thread_ends) != 0)
		abort();
	pthread_mutex_init(&store->mutex, NULL);
	pthread_cond_init(&store->quiet, NULL);
	store->queue_end = &store->queue;
	store->lock_fd = -1;
	return store;
}

bool store_open(const char *path, enum store_mode mode, struct store **ret, struct err *err)
{
	AUTO(store_closep) struct store *store = store_new(path);
	bool                             made = false;

	if (mode == STORE_READ ? !open_reader(store, err) : !open_writer(store, mode, &made, err)) {
		if (made)
			unlink(path);
		return false;
	}
	*ret = TAKE(store);
	return true;
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	pthread_mutex_lock(&store->mutex);
	store->stopping = true;
	while (store->led)
		pthread_cond_wait(&store->quiet, &store->mutex);
	pthread_mutex_unlock(&store->mutex);
	pthread_key_delete(store->reader_key);
	/* Readers first: the last connection to close is the writer, which checkpoints. */
	while (store->readers != NULL)
		reader_free(store->readers);
	db_close(store->writer);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	pthread_cond_destroy(&store->quiet);
	pthread_mutex_destroy(&store->mutex);
	free(store->path);
	free(store);
}

void store_closep(struct store **store)
{
	store_close(*store);
}
