/* tests/unit/keeper/seal.c: the seal file's owner, mode, place and contents. */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/seal.h"

static char dir[] = "/tmp/reeve-seal-XXXXXX";

static const char *path_of(char ret[static 256], const char *name)
{
	snprintf(ret, 256, "%s/%s", dir, name);
	return ret;
}

static void file_write(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	CHECK(chmod(path, mode) == 0);
}

TEST(seal_round_trip)
{
	AUTO(secret_freep) struct secret *key = NULL;
	AUTO(secret_freep) struct secret *again = NULL;
	char        path[256];
	struct stat st;
	struct err  err = { 0 };
	int         fd = -1;

	path_of(path, "seal.key");
	CHECK_OK(seal_create(path, "/var/lib/none", &err), err);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0400 && st.st_size == 65);
	CHECK_OK(seal_open(path, "/var/lib/none", &fd, &err), err);
	CHECK_OK(seal_read(fd, &key, &err), err);
	CHECK_OK(seal_read(fd, &again, &err), err); /* a restarted keeper has the same open file */
	CHECK(secret_len(key) == SEAL_SIZE && ct_equal(secret_ptr(key), secret_ptr(again), SEAL_SIZE));
	close(fd);
	/* Never a second one over the first. */
	CHECK(!seal_create(path, NULL, &err));
	CHECK_STR(err.problem, "already-exists");
	unlink(path);
}

TEST(seal_refuses)
{
	static const struct {
		const char *text;
		mode_t      mode;
	} bad[] = {
		{ "0000000000000000000000000000000000000000000000000000000000000000", 0644 },
		{ "0000000000000000000000000000000000000000000000000000000000000000", 0440 },
		{ "000000000000000000000000000000000000000000000000000000000000000", 0400 },
		{ "00000000000000000000000000000000000000000000000000000000000000000", 0400 },
		{ "0000000000000000000000000000000000000000000000000000000000000000\n\n", 0400 },
		{ "000000000000000000000000000000000000000000000000000000000000000g", 0400 },
		{ "", 0400 },
	};
	char path[256];

	path_of(path, "bad.key");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct secret *key = NULL;
		struct err     err = { 0 };
		int            fd = -1;

		unlink(path);
		file_write(path, bad[i].text, bad[i].mode);
		CHECK(!(seal_open(path, NULL, &fd, &err) && seal_read(fd, &key, &err)));
		CHECK(err.class == ERR_CONFIG && err.hint[0] != '\0');
		CHECK_STR(err.problem, "sealed");
		if (fd >= 0)
			close(fd);
	}
	unlink(path);

	struct err err = { 0 };
	int        fd = -1;

	CHECK(!seal_open(path, NULL, &fd, &err));
	assert_non_null(strstr(err.hint, "reeve init"));
	CHECK(!seal_open(dir, NULL, &fd, &err)); /* a directory */
	assert_non_null(strstr(err.text, "not a regular file"));
	CHECK(fd == -1);
}

TEST(seal_not_beside_the_data)
{
	char       path[256], data[256];
	struct err err = { 0 };
	int        fd = -1;

	CHECK(mkdir(path_of(data, "data"), 0700) == 0);
	path_of(path, "data/seal.key");
	CHECK(!seal_create(path, data, &err));
	assert_non_null(strstr(err.text, "inside the data directory"));
	CHECK_OK(seal_create(path, NULL, &err), err);
	CHECK(!seal_open(path, data, &fd, &err));
	CHECK(!seal_open(path, dir, &fd, &err));
	/* A directory whose name only begins alike is another one. */
	char like[256];
	CHECK(mkdir(path_of(like, "dat"), 0700) == 0);
	CHECK_OK(seal_open(path, like, &fd, &err), err);
	close(fd);
	unlink(path);
	rmdir(like);
	rmdir(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(seal_round_trip), T(seal_refuses), T(seal_not_beside_the_data) };
	int                     rc;

	if (mkdtemp(dir) == NULL)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return rc;
}
