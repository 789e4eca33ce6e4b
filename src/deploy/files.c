/*
 * deploy/files.c: see the header. Every path below the target is opened relative to its descriptor and without following
 * links, so nothing that is swapped in meanwhile is written through.
 */
#include "deploy/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/encode.h"
#include "crypto/keys.h"
#include "crypto/x509.h"

#define MARKER      ".reeve"
#define LINK_NEW    ".new-" FILES_CURRENT
#define NUMBER_SIZE 24

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void dir_closep(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

/* Errors that go away by themselves are temporary; the others wait for a person. */
static bool failed(struct err *err, int number, const char *path, const char *what)
{
	enum err_class class = number == EIO || number == EINTR || number == EMFILE || number == ENFILE || number == ENOMEM ?
	                               ERR_TEMPORARY : ERR_CONFIG;

	err_problem(err, class, "configuration", "%s%s%s: %s", path, what[0] != '\0' ? ": " : "", what, strerror(number));
	switch (number) {
	case ENOSPC:
	case EDQUOT:
		return err_hint(err, "make room; what was delivered before is still in place");
	case EROFS:
		return err_hint(err, "mount the file system writable, or choose another directory");
	case EACCES:
	case EPERM:
		return err_hint(err, "let uid %u write there, or choose another directory or owner", (unsigned)geteuid());
	case ELOOP:
		return err_hint(err, "a part of the path is a symbolic link: give the path it leads to");
	case ENOENT:
		return err_hint(err, "make the directory that is to hold it");
	default:
		return false;
	}
}

/* ---- the directory ---- */

static int open_strict(const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		                .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	int             fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	/* Before Linux 5.6 only the last component is looked at. */
	if (fd < 0 && errno == ENOSYS)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd;
}

static bool directory_make(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char        parent[1100];

	snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	AUTO(fd_closep) int fd = open_strict(parent);
	if (fd < 0)
		return failed(err, errno, parent, "");
	if (mkdirat(fd, slash + 1, 0755) != 0 && errno != EEXIST)
		return failed(err, errno, path, "");
	return fsync(fd) == 0 || failed(err, errno, parent, "");
}

/* Open, made when it was missing, and locked: one delivery at a time. */
static bool directory_open(const char *path, int *ret, struct err *err)
{
	int fd = open_strict(path);

	if (fd < 0 && errno == ENOENT) {
		if (!directory_make(path, err))
			return false;
		fd = open_strict(path);
	}
	if (fd < 0 && errno == ENOTDIR)
		return err_problem(err, ERR_CONFIG, "configuration", "%s is not a directory", path) ||
		       err_hint(err, "move it away, or choose another directory");
	if (fd < 0)
		return failed(err, errno, path, "");
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return err_problem(err, ERR_TEMPORARY, "unavailable", "%s: another delivery is at it", path);
	}
	*ret = fd;
	return true;
}

/* ---- small files ---- */

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			bytes = str_of(bytes.ptr + n, bytes.len - (size_t)n);
	}
	return true;
}

static bool read_whole(int dir, const char *name, size_t max, struct arena *a, struct str *ret)
{
	AUTO(fd_closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat         at;
	char               *bytes;

	if (fd < 0 || fstat(fd, &at) != 0 || !S_ISREG(at.st_mode) || at.st_size < 0 || (uint64_t)at.st_size > max)
		return false;
	bytes = arena_alloc(a, (size_t)at.st_size + 1);
	if (pread(fd, bytes, (size_t)at.st_size, 0) != at.st_size)
		return false;
	*ret = str_of(bytes, (size_t)at.st_size);
	return true;
}

/* The first delivery makes the marker; later ones compare. */
static bool marker_check(int dir, const struct files_target *t, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str          found;
	struct stat         at;
	AUTO(fd_closep) int fd = -1;

	if (read_whole(dir, MARKER, 256, a, &found)) {
		if (str_eq(str_trim(found), str_c(t->certificate_id)))
			return true;
		err_problem(err, ERR_CONFIG, "configuration", "%s holds the files of another certificate", t->directory);
		return err_hint(err, "choose a directory for each certificate, or empty this one");
	}
	if (fstatat(dir, FILES_CURRENT, &at, AT_SYMLINK_NOFOLLOW) == 0) {
		err_problem(err, ERR_CONFIG, "configuration", "%s/" FILES_CURRENT " is there, and Reeve did not make it", t->directory);
		return err_hint(err, "move it away, or choose another directory");
	}
	fd = openat(dir, MARKER, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || !write_all(fd, str_c(t->certificate_id)) || fsync(fd) != 0)
		return failed(err, errno, t->directory, MARKER);
	return true;
}

static bool is_number(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < NUMBER_SIZE && text[0] != '0' && strspn(text, "0123456789") == len;
}

/* What `current` names; "" when there is none. */
static bool current_read(int dir, const struct files_target *t, char ret[static NUMBER_SIZE], struct err *err)
{
	ssize_t n = readlinkat(dir, FILES_CURRENT, ret, NUMBER_SIZE - 1);

	if (n < 0 && errno == ENOENT) {
		ret[0] = '\0';
		return true;
	}
	if (n > 0)
		ret[n] = '\0';
	if (n > 0 && is_number(ret))
		return true;
	err_problem(err, ERR_CONFIG, "configuration", "%s/" FILES_CURRENT " is not a link that Reeve made", t->directory);
	return err_hint(err, "move it away; the next try makes a new one");
}

void files_remove_directory(int dir, const char *name)
{
	int            fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	AUTO(dir_closep) DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (entries == NULL) {
		fd_closep(&fd);
		unlinkat(dir, name, 0);
		return;
	}
	while ((entry = readdir(entries)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(fd, entry->d_name, 0);
	unlinkat(dir, name, AT_REMOVEDIR);
}

/* ---- the files of one version ---- */

static bool owner_of(const struct files_target *t, uid_t *ret_uid, gid_t *ret_gid, struct err *err)
{
	uint64_t       number;
	struct passwd *user;
	struct group  *group;

	*ret_uid = (uid_t)-1;
	*ret_gid = (gid_t)-1;
	if (t->owner[0] != '\0') {
		user = getpwnam(t->owner);
		if (user == NULL && (!str_to_u64(str_c(t->owner), &number) || number >= UINT32_MAX))
			return err_problem(err, ERR_CONFIG, "configuration", "there is no user \"%s\" on this machine", t->owner);
		*ret_uid = user != NULL ? user->pw_uid : (uid_t)number;
	}
	if (t->group[0] != '\0') {
		group = getgrnam(t->group);
		if (group == NULL && (!str_to_u64(str_c(t->group), &number) || number >= UINT32_MAX))
			return err_problem(err, ERR_CONFIG, "configuration", "there is no group \"%s\" on this machine", t->group);
		*ret_gid = group != NULL ? group->gr_gid : (gid_t)number;
	}
	return true;
}

struct file {
	const char *name;
	struct str  bytes[2]; /* one behind the other */
	bool        secret;   /* and left out when its last part is empty: a form of the key that is not wanted or not here */
};

static bool file_write(int dir, const struct files_target *t, const struct file *f, uid_t uid, gid_t gid, struct err *err)
{
	AUTO(fd_closep) int fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || !write_all(fd, f->bytes[0]) || !write_all(fd, f->bytes[1]))
		return failed(err, errno, t->directory, f->name);
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && fchown(fd, uid, gid) != 0)
		return failed(err, errno, t->directory, f->name);
	/* Owner and mode before anybody finds it under its name. */
	if (fchmod(fd, f->secret ? t->key_mode : 0644) != 0 || fsync(fd) != 0)
		return failed(err, errno, t->directory, f->name);
	return true;
}

bool files_write_all(int dir, const struct files_target *t, const struct files_bundle *b, struct err *err)
{
	const struct file files[] = {
		{ "cert.pem", { STR(""), b->cert }, false },
		{ "chain.pem", { STR(""), b->chain }, false },
		{ "fullchain.pem", { STR(""), b->fullchain }, false },
		{ "privkey.pem", { STR(""), b->key }, true },
		{ "combined.pem", { b->fullchain, b->key }, true },
		{ "bundle.p12", { STR(""), b->pkcs12 }, true },
		{ "privkey-pkcs1.pem", { STR(""), b->pkcs1 }, true },
	};
	uid_t uid;
	gid_t gid;

	if (!owner_of(t, &uid, &gid, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (files[i].secret && files[i].bytes[1].len == 0)
			continue;
		if (!file_write(dir, t, &files[i], uid, gid, err))
			return false;
	}
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && fchown(dir, uid, gid) != 0)
		return failed(err, errno, t->directory, "");
	return fsync(dir) == 0 || failed(err, errno, t->directory, "");
}

/* The DER inside of one PEM block. */
static bool pem_der(struct arena *a, struct str pem, const char *begin, const char *end, struct str *ret)
{
	char       *text = arena_str(a, pem), *from = strstr(text, begin), *to = from != NULL ? strstr(from, end) : NULL, *out;
	struct str  base64;

	if (to == NULL)
		return false;
	from += strlen(begin);
	out = from;
	for (const char *p = from; p < to; p++)
		if (*p != '\n' && *p != '\r')
			*out++ = *p;
	base64 = str_of(from, (size_t)(out - from));
	bool ok = b64_any_decode(a, base64, ret);
	wipe(text, pem.len);
	return ok;
}

static bool key_read(struct arena *a, struct str key_pem, struct key **ret, struct err *err)
{
	struct str der;

	if (!pem_der(a, key_pem, "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", &der))
		return err_set(err, ERR_PERMANENT, "the private key is not PEM");
	bool ok = key_from_pkcs8(der, ret, err);
	wipe((void *)(uintptr_t)der.ptr, der.len);
	return ok;
}

bool files_bundle_pkcs1(struct arena *a, struct files_bundle *b, struct err *err)
{
	AUTO(key_freep) struct key       *key = NULL;
	AUTO(secret_freep) struct secret *text = NULL;

	if (!key_read(a, b->key, &key, err))
		return false;
	text = key_pem(key, KEY_PEM_TRADITIONAL);
	b->pkcs1 = arena_dup(a, secret_str(text));
	return true;
}

bool files_bundle_pkcs12(struct arena *a, struct files_bundle *b, const char *password, const char *friendly_name, struct err *err)
{
	AUTO(key_freep) struct key       *key = NULL;
	AUTO(secret_freep) struct secret *der = NULL;

	if (!key_read(a, b->key, &key, err) || !key_pkcs12(key, b->fullchain, password, friendly_name, &der, err))
		return false;
	b->pkcs12 = arena_dup(a, secret_str(der));
	return true;
}

bool files_pair_check(struct arena *a, struct str fullchain, struct str key_pem, struct err *err)
{
	struct cert_chain chain;
	char              spki[SHA256_HEX_SIZE];
	AUTO(key_freep) struct key *key = NULL;

	if (!chain_parse(a, fullchain, &chain, err))
		return false;
	if (key_pem.len == 0)
		return true;
	if (!key_read(a, key_pem, &key, err))
		return false;
	key_spki_sha256(key, spki);
	return strcmp(spki, chain.certs[0].spki_sha256) == 0 ||
	       err_set(err, ERR_PERMANENT, "the private key does not belong to the certificate");
}

/* What is on disk, not what was meant to be. */
static bool written_check(int dir, const struct files_target *t, const struct files_bundle *b, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str fullchain, key = { 0 };
	bool       ok;

	if (!read_whole(dir, "fullchain.pem", MIB, a, &fullchain) || (b->key.len > 0 && !read_whole(dir, "privkey.pem", MIB, a, &key)))
		return err_problem(err, ERR_TEMPORARY, "unavailable", "%s: what was written cannot be read back", t->directory);
	ok = str_eq(fullchain, b->fullchain) && str_eq(key, b->key);
	if (!ok)
		err_problem(err, ERR_TEMPORARY, "unavailable", "%s: what was written reads back differently", t->directory);
	else
		ok = files_pair_check(a, fullchain, key, err);
	wipe((void *)(uintptr_t)key.ptr, key.len);
	return ok;
}

bool files_bundle_make(struct str chain_pem, struct str key_pem, struct str pkcs12, struct files_bundle *ret, struct err *err)
{
	static const char end[] = "-----END CERTIFICATE-----";
	const char       *mark = chain_pem.len > 0 ? memmem(chain_pem.ptr, chain_pem.len, end, sizeof(end) - 1) : NULL;
	size_t            leaf;

	if (mark == NULL)
		return err_set(err, ERR_PERMANENT, "the chain has no certificate");
	leaf = (size_t)(mark - chain_pem.ptr) + sizeof(end) - 1;
	while (leaf < chain_pem.len && (chain_pem.ptr[leaf] == '\r' || chain_pem.ptr[leaf] == '\n'))
		leaf++;
	*ret = (struct files_bundle){ .cert = str_of(chain_pem.ptr, leaf), .fullchain = chain_pem, .key = key_pem, .pkcs12 = pkcs12,
		                      .chain = str_of(chain_pem.ptr + leaf, chain_pem.len - leaf) };
	return true;
}

/* ---- the switch ---- */

static bool current_switch(int dir, const struct files_target *t, const char *number, struct err *err)
{
	if (unlinkat(dir, LINK_NEW, 0) != 0 && errno != ENOENT)
		return failed(err, errno, t->directory, LINK_NEW);
	if (symlinkat(number, dir, LINK_NEW) != 0)
		return failed(err, errno, t->directory, LINK_NEW);
	CRASH_POINT(FILES_SWITCH_BEFORE);
	if (renameat(dir, LINK_NEW, dir, FILES_CURRENT) != 0)
		return failed(err, errno, t->directory, FILES_CURRENT);
	CRASH_POINT(FILES_SWITCH_AFTER);
	return fsync(dir) == 0 || failed(err, errno, t->directory, "");
}

/* `fresh` gets its number; a directory of a run before it goes. */
static bool version_place(int dir, const struct files_target *t, const char *fresh, const char *number, struct err *err)
{
	if (renameat2(dir, fresh, dir, number, RENAME_NOREPLACE) == 0)
		return fsync(dir) == 0 || failed(err, errno, t->directory, "");
	if (errno != EEXIST)
		return failed(err, errno, t->directory, number);
	/* `current` may name it: it is there at every moment. */
	if (renameat2(dir, fresh, dir, number, RENAME_EXCHANGE) != 0)
		return failed(err, errno, t->directory, number);
	files_remove_directory(dir, fresh);
	return fsync(dir) == 0 || failed(err, errno, t->directory, "");
}

static int by_number(const void *left, const void *right)
{
	const long long l = *(const long long *)left, r = *(const long long *)right;

	return (l < r) - (l > r);
}

/* The newest `keep` stay, and always the ones named: nothing that may be needed for the way back goes. */
static void versions_prune(int dir, const struct files_target *t, const char *current, const char *previous)
{
	int            copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(dir_closep) DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
	long long      found[1024];
	size_t         count = 0;
	struct dirent *entry;
	char           name[NUMBER_SIZE];

	while (entries != NULL && count < ARRAY_LEN(found) && (entry = readdir(entries)) != NULL)
		if (is_number(entry->d_name))
			found[count++] = strtoll(entry->d_name, NULL, 10);
	qsort(found, count, sizeof(found[0]), by_number);
	for (size_t i = t->keep; i < count; i++) {
		snprintf(name, sizeof(name), "%lld", found[i]);
		if (strcmp(name, current) != 0 && strcmp(name, previous) != 0)
			files_remove_directory(dir, name);
	}
}

bool files_deliver(struct arena *a, const struct files_target *t, const struct files_bundle *b, int64_t number, bool dry_run,
                   const char **ret_previous, struct err *err)
{
	AUTO(fd_closep) int dir = -1;
	AUTO(fd_closep) int sub = -1;
	char fresh[NUMBER_SIZE + 8], name[NUMBER_SIZE], previous[NUMBER_SIZE];
	bool ok;

	snprintf(name, sizeof(name), "%lld", (long long)number);
	snprintf(fresh, sizeof(fresh), ".new-%s", name);
	if (!files_pair_check(a, b->fullchain, b->key, err) || !directory_open(t->directory, &dir, err) ||
	    !marker_check(dir, t, err) || !current_read(dir, t, previous, err))
		return false;
	files_remove_directory(dir, fresh);
	if (mkdirat(dir, fresh, 0755) != 0 ||
	    (sub = openat(dir, fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return failed(err, errno, t->directory, fresh);
	ok = files_write_all(sub, t, b, err) && written_check(sub, t, b, err) &&
	     (dry_run || (version_place(dir, t, fresh, name, err) && current_switch(dir, t, name, err)));
	if (!ok || dry_run) {
		files_remove_directory(dir, fresh);
		unlinkat(dir, LINK_NEW, 0);
	} else {
		versions_prune(dir, t, name, previous);
	}
	*ret_previous = arena_strdup(a, previous);
	return ok;
}

bool files_restore(const struct files_target *t, const char *previous, struct err *err)
{
	AUTO(fd_closep) int dir = -1;

	if (!directory_open(t->directory, &dir, err) || !marker_check(dir, t, err))
		return false;
	if (previous[0] != '\0')
		return current_switch(dir, t, previous, err);
	if (unlinkat(dir, FILES_CURRENT, 0) != 0 && errno != ENOENT)
		return failed(err, errno, t->directory, FILES_CURRENT);
	return fsync(dir) == 0 || failed(err, errno, t->directory, "");
}
