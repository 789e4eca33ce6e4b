/*
 * keeper/seal.c: making, checking and reading the seal file. The supervisor opens, the keeper reads; both check,
 * because the one may be root and the other is not.
 */
#include "keeper/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/encode.h"
#include "base/str.h"

#define SEAL_TEXT_SIZE (2 * SEAL_SIZE)

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void freep(char **p)
{
	free(*p);
	*p = NULL;
}

/* The directory part of a path. */
static char *directory_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return arena_strdup(a, ".");
	return slash == path ? arena_strdup(a, "/") : arena_str(a, str_of(path, (size_t)(slash - path)));
}

/* A backup of the data directory must not carry the key to itself. */
static bool place_check(const char *path, const char *data_dir, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(freep) char *dir = realpath(directory_of(a, path), NULL);
	AUTO(freep) char *data = data_dir != NULL && data_dir[0] != '\0' ? realpath(data_dir, NULL) : NULL;
	size_t len;

	if (dir == NULL || data == NULL)
		return true; /* what does not exist holds nothing; open() will say more */
	len = strlen(data);
	if (strncmp(dir, data, len) != 0 || (dir[len] != '\0' && dir[len] != '/'))
		return true;
	err_problem(err, ERR_CONFIG, "sealed", "the seal file %s lies inside the data directory %s", path, data_dir);
	return err_hint(err, "move it elsewhere, for example to /etc/reeve/seal.key, and name that place in [keys] seal");
}

static bool descriptor_check(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(err, errno, "the seal file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_problem(err, ERR_CONFIG, "sealed", "the seal file %s is not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		err_problem(err, ERR_CONFIG, "sealed", "the seal file %s belongs to uid %u; Reeve runs as uid %u", path,
		            (unsigned)st.st_uid, (unsigned)geteuid());
		return err_hint(err, "chown %u %s", (unsigned)geteuid(), path);
	}
	if ((st.st_mode & 077) != 0) {
		err_problem(err, ERR_CONFIG, "sealed", "the seal file %s can be used by others (mode %04o)", path,
		            (unsigned)(st.st_mode & 07777));
		return err_hint(err, "chmod 0400 %s; if others may have read it, make a new seal", path);
	}
	return true;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

bool seal_create(const char *path, const char *data_dir, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(fd_closep) int fd = -1;
	AUTO(fd_closep) int dir = -1;
	AUTO(secret_freep) struct secret *key = NULL;
	AUTO(secret_freep) struct secret *text = NULL;
	uint8_t *out;
	bool     written;

	if (!place_check(path, data_dir, err))
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd < 0 && errno == EEXIST) {
		err_problem(err, ERR_CONFLICT, "already-exists", "there is a seal file at %s", path);
		return err_hint(err, "keep it: without it everything sealed with it is lost");
	}
	if (fd < 0)
		return err_errno(err, errno, "making the seal file %s", path);
	key = secret_random(SEAL_SIZE);
	text = secret_new(SEAL_TEXT_SIZE + 1);
	out = secret_ptr(text);
	for (size_t i = 0; i < SEAL_SIZE; i++) {
		out[2 * i] = (uint8_t)digits[secret_ptr(key)[i] >> 4];
		out[2 * i + 1] = (uint8_t)digits[secret_ptr(key)[i] & 15];
	}
	out[SEAL_TEXT_SIZE] = '\n';
	dir = open(directory_of(a, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	written = fchmod(fd, 0400) == 0 && write_all(fd, secret_str(text).ptr, SEAL_TEXT_SIZE + 1) && dir >= 0 &&
	          fsync(dir) == 0;
	if (!written) {
		int number = errno;

		(void)unlink(path); /* half a seal is worse than none */
		return err_errno(err, number, "writing the seal file %s", path);
	}
	return true;
}

bool seal_open(const char *path, const char *data_dir, int *ret_fd, struct err *err)
{
	AUTO(fd_closep) int fd = -1;

	if (!place_check(path, data_dir, err))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT) {
		err_problem(err, ERR_CONFIG, "sealed", "there is no seal file at %s", path);
		return err_hint(err, "run `reeve init` once, or put the seal file of this installation back");
	}
	if (fd < 0 && errno == EACCES) {
		err_problem(err, ERR_CONFIG, "sealed", "the seal file %s cannot be read by uid %u", path,
		            (unsigned)geteuid());
		return err_hint(err, "chown %u %s", (unsigned)geteuid(), path);
	}
	if (fd < 0)
		return err_errno(err, errno, "opening the seal file %s", path);
	if (!descriptor_check(fd, path, err))
		return false;
	*ret_fd = fd;
	fd = -1;
	return true;
}

/* The file's name for a sentence, as far as the kernel tells. */
static const char *path_of(int fd, char ret[static 256])
{
	char    link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, ret, 255);
	if (n <= 0)
		return "seal.key";
	ret[n] = '\0';
	return ret;
}

bool seal_read(int fd, struct secret **ret, struct err *err)
{
	AUTO(secret_freep) struct secret *text = secret_new(SEAL_TEXT_SIZE + 2); /* a newline, and one too many */
	AUTO(secret_freep) struct secret *key = secret_new(SEAL_SIZE);
	uint8_t *in = secret_ptr(text);
	char     path[256];
	ssize_t  n;

	if (fd < 0)
		return err_problem(err, ERR_CONFIG, "sealed", "the keeper was given no seal file");
	if (!descriptor_check(fd, path_of(fd, path), err))
		return false;
	/* From the start, whoever read before: the keeper may be restarted with the same open file. */
	n = pread(fd, in, SEAL_TEXT_SIZE + 2, 0);
	if (n < 0)
		return err_errno(err, errno, "reading the seal file");
	if (n != SEAL_TEXT_SIZE && !(n == SEAL_TEXT_SIZE + 1 && in[SEAL_TEXT_SIZE] == '\n'))
		n = -1;
	for (size_t i = 0; n > 0 && i < SEAL_SIZE; i++) {
		int high = hex_digit((char)in[2 * i]), low = hex_digit((char)in[2 * i + 1]);

		if (high < 0 || low < 0)
			n = -1;
		else
			secret_ptr(key)[i] = (uint8_t)(high << 4 | low);
	}
	if (n < 0) {
		err_problem(err, ERR_CONFIG, "sealed", "the seal file does not hold %d hex digits", SEAL_TEXT_SIZE);
		return err_hint(err, "put the seal file of this installation back; `reeve init` makes a new one");
	}
	*ret = TAKE(key);
	return true;
}
