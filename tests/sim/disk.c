/*
 * disk.c: see the header. The locks of SQLite's rollback journal are kept as far as opening and closing a WAL database
 * needs them; those of the WAL index are exact.
 */
#include "disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "fiber.h"

#define FILES_MAX 8
#define REGIONS_MAX 64
#define LOCKS     8

struct pending {
	struct pending *next;
	int64_t         at; /* of a truncation: the size */
	size_t          len;
	bool            truncates;
	unsigned char   bytes[];
};

struct content {
	unsigned char *ptr;
	size_t         len, cap;
};

struct node {
	char            name[64];
	bool            exists;
	struct content  seen, durable;
	struct pending *pending, **pending_end;
	unsigned        shared, exclusive; /* holders of the file's locks */
	void           *regions[REGIONS_MAX];
	unsigned        lock_shared[LOCKS];
	bool            lock_exclusive[LOCKS];
	unsigned        generation;
};

struct handle {
	sqlite3_file  base;
	struct node  *node;
	int           level; /* SQLITE_LOCK_* */
	unsigned      lock_shared, lock_exclusive; /* bits */
	unsigned      generation;
};

static struct node nodes[FILES_MAX];
static void      (*on_sync)(bool after);

/* ---- contents ---- */

static void content_write(struct content *c, const void *ptr, size_t len, int64_t at)
{
	size_t end = (size_t)at + len;

	if (end > c->cap) {
		c->cap = end * 2 > 65536 ? end * 2 : 65536;
		c->ptr = realloc(c->ptr, c->cap);
		assert(c->ptr != NULL);
	}
	if (end > c->len) {
		if ((size_t)at > c->len)
			memset(c->ptr + c->len, 0, (size_t)at - c->len);
		c->len = end;
	}
	memcpy(c->ptr + at, ptr, len);
}

static void content_truncate(struct content *c, int64_t size)
{
	if ((size_t)size < c->len)
		c->len = (size_t)size;
}

static void pending_add(struct node *n, const void *ptr, size_t len, int64_t at, bool truncates)
{
	struct pending *p = malloc(sizeof(*p) + len);

	assert(p != NULL);
	*p = (struct pending){ .at = at, .len = len, .truncates = truncates };
	if (len > 0)
		memcpy(p->bytes, ptr, len);
	*n->pending_end = p;
	n->pending_end = &p->next;
}

/* Each write since the last sync reaches the disk (all), or is drawn. */
static void pending_settle(struct node *n, bool all)
{
	while (n->pending != NULL) {
		struct pending *p = n->pending;

		n->pending = p->next;
		if (all || sim_chance(500)) {
			if (p->truncates)
				content_truncate(&n->durable, p->at);
			else
				content_write(&n->durable, p->bytes, p->len, p->at);
		}
		free(p);
	}
	n->pending_end = &n->pending;
}

static struct node *node_find(const char *name, bool make)
{
	struct node *unused = NULL;

	for (size_t i = 0; i < FILES_MAX; i++) {
		if (nodes[i].name[0] == '\0' && unused == NULL)
			unused = &nodes[i];
		else if (strcmp(nodes[i].name, name) == 0)
			return &nodes[i];
	}
	if (!make)
		return NULL;
	assert(unused != NULL && strlen(name) < sizeof(unused->name));
	snprintf(unused->name, sizeof(unused->name), "%s", name);
	unused->pending_end = &unused->pending;
	return unused;
}

/* ---- a file ---- */

static struct handle *handle_of(sqlite3_file *file)
{
	struct handle *h = (struct handle *)(void *)file;

	return h;
}

static void locks_drop(struct handle *h)
{
	struct node *n = h->node;

	if (h->generation != n->generation)
		return;
	n->shared -= h->level >= SQLITE_LOCK_SHARED;
	n->exclusive -= h->level == SQLITE_LOCK_EXCLUSIVE;
	h->level = SQLITE_LOCK_NONE;
	for (unsigned i = 0; i < LOCKS; i++) {
		n->lock_shared[i] -= h->lock_shared >> i & 1u;
		if (h->lock_exclusive >> i & 1u)
			n->lock_exclusive[i] = false;
	}
	h->lock_shared = h->lock_exclusive = 0;
}

static int file_close(sqlite3_file *file)
{
	locks_drop(handle_of(file));
	return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *ret, int count, sqlite3_int64 at)
{
	struct content *c = &handle_of(file)->node->seen;
	size_t          len = (size_t)count, there = (size_t)at < c->len ? c->len - (size_t)at : 0;

	if (there >= len) {
		memcpy(ret, c->ptr + at, len);
		return SQLITE_OK;
	}
	if (there > 0)
		memcpy(ret, c->ptr + at, there);
	memset((char *)ret + there, 0, len - there);
	return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *ptr, int count, sqlite3_int64 at)
{
	struct node *n = handle_of(file)->node;

	content_write(&n->seen, ptr, (size_t)count, at);
	pending_add(n, ptr, (size_t)count, at, false);
	return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct node *n = handle_of(file)->node;

	content_truncate(&n->seen, size);
	pending_add(n, NULL, 0, size, true);
	return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags UNUSED)
{
	if (on_sync != NULL)
		on_sync(false);
	pending_settle(handle_of(file)->node, true);
	if (on_sync != NULL)
		on_sync(true);
	return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)handle_of(file)->node->seen.len;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
	struct handle *h = handle_of(file);
	struct node   *n = h->node;

	if (h->level >= level)
		return SQLITE_OK;
	if (level == SQLITE_LOCK_EXCLUSIVE && n->shared > 1u)
		return SQLITE_BUSY;
	if (n->exclusive > 0 && h->level < SQLITE_LOCK_EXCLUSIVE)
		return SQLITE_BUSY;
	n->shared += h->level == SQLITE_LOCK_NONE;
	n->exclusive += level == SQLITE_LOCK_EXCLUSIVE;
	h->level = level;
	return SQLITE_OK;
}

static int file_unlock(sqlite3_file *file, int level)
{
	struct handle *h = handle_of(file);
	struct node   *n = h->node;

	if (h->generation != n->generation || h->level <= level)
		return SQLITE_OK;
	n->exclusive -= h->level == SQLITE_LOCK_EXCLUSIVE;
	n->shared -= level == SQLITE_LOCK_NONE;
	h->level = level;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *file, int *ret)
{
	*ret = handle_of(file)->node->exclusive > 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *file UNUSED, int op UNUSED, void *arg UNUSED)
{
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file UNUSED)
{
	return 4096;
}

static int file_character(sqlite3_file *file UNUSED)
{
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the default VFS says */
}

/* ---- the WAL index ---- */

static int shm_map(sqlite3_file *file, int region, int size, int make, void volatile **ret)
{
	struct node *n = handle_of(file)->node;

	assert(region < REGIONS_MAX);
	if (n->regions[region] == NULL && make) {
		n->regions[region] = calloc(1, (size_t)size);
		assert(n->regions[region] != NULL);
	}
	*ret = n->regions[region];
	return SQLITE_OK;
}

static int shm_lock(sqlite3_file *file, int first, int count, int flags)
{
	struct handle *h = handle_of(file);
	struct node   *n = h->node;

	if (h->generation != n->generation)
		return SQLITE_OK;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = first; i < first + count; i++) {
			unsigned bit = 1u << i;
			bool     own_shared = (h->lock_shared & bit) != 0, own_exclusive = (h->lock_exclusive & bit) != 0;

			if (flags & SQLITE_SHM_UNLOCK) {
				if (pass == 0)
					continue;
				n->lock_shared[i] -= own_shared;
				if (own_exclusive)
					n->lock_exclusive[i] = false;
				h->lock_shared &= ~bit;
				h->lock_exclusive &= ~bit;
			} else if (flags & SQLITE_SHM_SHARED) {
				if (own_shared)
					continue;
				if (n->lock_exclusive[i])
					return SQLITE_BUSY;
				if (pass == 1) {
					n->lock_shared[i]++;
					h->lock_shared |= bit;
				}
			} else {
				if (own_exclusive)
					continue;
				if (n->lock_exclusive[i] || n->lock_shared[i] > own_shared)
					return SQLITE_BUSY;
				if (pass == 1) {
					n->lock_exclusive[i] = true;
					h->lock_exclusive |= bit;
				}
			}
		}
	}
	return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *file UNUSED)
{
}

static int shm_unmap(sqlite3_file *file, int forget)
{
	struct node *n = handle_of(file)->node;

	for (size_t i = 0; forget && i < REGIONS_MAX; i++) {
		free(n->regions[i]);
		n->regions[i] = NULL;
	}
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, .xClose = file_close, .xRead = file_read, .xWrite = file_write, .xTruncate = file_truncate,
	.xSync = file_sync, .xFileSize = file_size, .xLock = file_lock, .xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved, .xFileControl = file_control, .xSectorSize = file_sector,
	.xDeviceCharacteristics = file_character, .xShmMap = shm_map, .xShmLock = shm_lock, .xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* ---- the VFS ---- */

static int vfs_open(sqlite3_vfs *vfs UNUSED, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct handle *h = handle_of(file);
	const char    *slash = name != NULL ? strrchr(name, '/') : NULL;
	struct node   *n;

	/* Temporary files stay in memory (PRAGMA temp_store). */
	assert(name != NULL);
	n = node_find(slash != NULL ? slash + 1 : name, true);
	n->exists = true;
	*h = (struct handle){ .base = { &methods }, .node = n, .generation = n->generation };
	if (ret_flags != NULL)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs UNUSED, const char *name, int sync UNUSED)
{
	const char  *slash = strrchr(name, '/');
	struct node *n = node_find(slash != NULL ? slash + 1 : name, false);

	if (n == NULL || !n->exists)
		return SQLITE_IOERR_DELETE_NOENT;
	/* What is written under the name later is another file, so nothing of this one may come back under it. */
	n->exists = false;
	pending_settle(n, true);
	content_truncate(&n->seen, 0);
	content_truncate(&n->durable, 0);
	return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs UNUSED, const char *name, int flags UNUSED, int *ret)
{
	const char  *slash = strrchr(name, '/');
	struct node *n = node_find(slash != NULL ? slash + 1 : name, false);

	*ret = n != NULL && n->exists && n->seen.len > 0;
	return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs UNUSED, const char *name, int size, char *ret)
{
	snprintf(ret, (size_t)size, "%s", name);
	return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs UNUSED, int count, char *ret)
{
	for (int i = 0; i < count; i++)
		ret[i] = (char)sim_rand();
	return count;
}

static int vfs_sleep(sqlite3_vfs *vfs UNUSED, int us)
{
	return us;
}

static int vfs_time(sqlite3_vfs *vfs UNUSED, sqlite3_int64 *ret)
{
	*ret = fiber_wall_ms() + 210866760000000; /* Julian day of the epoch */
	return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs UNUSED, int size UNUSED, char *ret UNUSED)
{
	return 0;
}

/* The store configures SQLite before it is brought up, and nothing can be registered before that. */
int __real_sqlite3_initialize(void);
int __wrap_sqlite3_initialize(void);
int __wrap_sqlite3_initialize(void)
{
	static sqlite3_vfs vfs = {
		.iVersion = 2, .szOsFile = sizeof(struct handle), .mxPathname = 512, .zName = "sim", .xOpen = vfs_open,
		.xDelete = vfs_delete, .xAccess = vfs_access, .xFullPathname = vfs_full_path, .xRandomness = vfs_random,
		.xSleep = vfs_sleep, .xCurrentTimeInt64 = vfs_time, .xGetLastError = vfs_error,
	};

	if (__real_sqlite3_initialize() != SQLITE_OK)
		return SQLITE_ERROR;
	return sqlite3_vfs_register(&vfs, 1);
}

void disk_on_sync(void (*fn)(bool after))
{
	on_sync = fn;
}

static void node_forget_locks(struct node *n)
{
	n->generation++;
	n->shared = n->exclusive = 0;
	memset(n->lock_shared, 0, sizeof(n->lock_shared));
	memset(n->lock_exclusive, 0, sizeof(n->lock_exclusive));
	(void)shm_unmap((sqlite3_file *)(void *)&(struct handle){ .node = n }, 1);
}

void disk_killed(void)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		node_forget_locks(&nodes[i]);
}

void disk_power_lost(void)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct node *n = &nodes[i];

		if (n->name[0] == '\0')
			continue;
		node_forget_locks(n);
		pending_settle(n, false);
		content_truncate(&n->seen, 0);
		if (n->durable.len > 0)
			content_write(&n->seen, n->durable.ptr, n->durable.len, 0);
		n->exists = n->exists || n->durable.len > 0;
	}
}

bool disk_has_bytes(struct str needle)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (nodes[i].seen.len > 0 && memmem(nodes[i].seen.ptr, nodes[i].seen.len, needle.ptr, needle.len) != NULL)
			return true;
	return false;
}
