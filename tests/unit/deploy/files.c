/* The versioned directory: what is in it after each delivery, and what stops one. */
#include "deploy/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../crypto/make_cert.h"
#include "base/clock.h"
#include "crypto/x509.h"
#include "test.h"

struct fixture {
	char                dir[64], path[96];
	struct arena       *a;
	struct files_target target;
	struct files_bundle bundle, other;
	struct secret      *keys[2];
};

static void bundle_make(struct fixture *f, unsigned n, struct files_bundle *ret)
{
	int64_t                    now = clock_now_ms();
	struct err                 err = { 0 };
	AUTO(key_freep) struct key *key = NULL;
	struct cert_info           info;

	CHECK_OK(key_generate(KEY_P256, &key, &err), err);
	const struct cert_wish wish = { .key = key, .issuer_key = key, .subject = "x", .issuer = "x", .san = "DNS:x.example",
		                        .not_before_ms = now, .not_after_ms = now + 86400000 };
	CHECK_OK(cert_parse(f->a, make_cert(f->a, &wish), &info, &err), err);
	struct cert_info  twice[2] = { info, info };
	struct cert_chain chain = { twice, 2 };
	f->keys[n] = key_pem(key, KEY_PEM_PKCS8);
	CHECK_OK(files_bundle_make(chain_write(f->a, &chain), secret_str(f->keys[n]), STR(""), ret, &err), err);
}

static void begin(struct fixture *f)
{
	*f = (struct fixture){ .dir = "/tmp/reeve-files-XXXXXX", .a = arena_new() };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/target", f->dir);
	f->target = (struct files_target){ f->path, "certificate-1", "", "", 0600, 2 };
	bundle_make(f, 0, &f->bundle);
	bundle_make(f, 1, &f->other);
}

static void remove_tree(const char *path)
{
	DIR           *dir = opendir(path);
	struct dirent *entry;
	char           below[512];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (unlink(below) != 0)
			remove_tree(below);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

static void end(struct fixture *f)
{
	remove_tree(f->dir);
	secret_free(f->keys[0]);
	secret_free(f->keys[1]);
	arena_free(f->a);
}

/* The number that `current` names; 0 without one. */
static int current(const struct fixture *f)
{
	char    path[128], text[32] = "";
	ssize_t n;

	snprintf(path, sizeof(path), "%s/current", f->path);
	n = readlink(path, text, sizeof(text) - 1);
	return n > 0 ? (int)strtol(text, NULL, 10) : 0;
}

static unsigned entries(const char *path)
{
	DIR     *dir = opendir(path);
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2;
}

static void deliver(struct fixture *f, const struct files_bundle *b, int64_t number, const char *previous)
{
	const char *was;
	struct err  err = { 0 };

	CHECK_OK(files_deliver(f->a, &f->target, b, number, false, &was, &err), err);
	CHECK_STR(was, previous);
	CHECK_INT(current(f), number);
}

TEST(one_version_after_the_other)
{
	struct fixture f;
	struct stat    at;
	char           path[128];
	const char    *was;
	struct err     err = { 0 };

	begin(&f);
	deliver(&f, &f.bundle, 1, "");
	deliver(&f, &f.bundle, 1, "1"); /* again, as after a crash */
	deliver(&f, &f.other, 2, "1");
	deliver(&f, &f.bundle, 3, "2");
	deliver(&f, &f.other, 10, "3");
	CHECK_INT(entries(f.path), 4); /* .reeve, current, 3, 10 */
	snprintf(path, sizeof(path), "%s/current", f.path);
	CHECK_INT(entries(path), 5);
	snprintf(path, sizeof(path), "%s/current/privkey.pem", f.path);
	CHECK(stat(path, &at) == 0 && (at.st_mode & 07777) == 0600);
	CHECK_OK(files_deliver(f.a, &f.target, &f.bundle, 11, true, &was, &err), err);
	CHECK_INT(current(&f), 10);
	CHECK_INT(entries(f.path), 4);
	CHECK_OK(files_restore(&f.target, "3", &err), err);
	CHECK_INT(current(&f), 3);
	CHECK_OK(files_restore(&f.target, "", &err), err);
	CHECK_INT(current(&f), 0);
	end(&f);
}

TEST(leftovers_of_a_crash_are_in_nobodys_way)
{
	struct fixture f;
	char           path[128];

	begin(&f);
	deliver(&f, &f.bundle, 1, "");
	snprintf(path, sizeof(path), "%s/.new-2", f.path);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/.new-2/privkey.pem", f.path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/.new-current", f.path);
	CHECK_INT(symlink("7", path), 0);
	deliver(&f, &f.other, 2, "1");
	CHECK_INT(entries(f.path), 4);
	end(&f);
}

static void refused(struct fixture *f, const struct files_bundle *b, const char *words)
{
	struct err  err = { 0 };
	const char *was = "untouched";
	int         before = current(f);

	if (files_deliver(f->a, &f->target, b, 2, false, &was, &err))
		fail_msg("accepted, not refused with \"%s\"", words);
	if (strstr(err.text, words) == NULL && strstr(err.hint, words) == NULL)
		fail_msg("\"%s\" / \"%s\" without \"%s\"", err.text, err.hint, words);
	CHECK_INT(current(f), before);
}

TEST(what_stops_a_delivery)
{
	struct fixture      f;
	struct files_bundle mixed;
	char                path[128], link[128];

	begin(&f);
	mixed = f.bundle;
	mixed.key = f.other.key;
	refused(&f, &mixed, "does not belong");
	CHECK(access(f.path, F_OK) != 0);
	deliver(&f, &f.bundle, 1, "");
	f.target.owner = "no-such-user-here";
	refused(&f, &f.bundle, "no user");
	f.target.owner = "";
	f.target.certificate_id = "certificate-2";
	refused(&f, &f.bundle, "another certificate");
	f.target.certificate_id = "certificate-1";
	snprintf(path, sizeof(path), "%s/current", f.path);
	unlink(path);
	CHECK_INT(symlink("/etc", path), 0);
	refused(&f, &f.bundle, "not a link that Reeve made");
	snprintf(link, sizeof(link), "%s/link", f.dir);
	CHECK_INT(symlink(f.path, link), 0);
	f.target.directory = link;
	refused(&f, &f.bundle, "symbolic link");
	snprintf(link, sizeof(link), "%s/link/below", f.dir);
	refused(&f, &f.bundle, "symbolic link");
	snprintf(link, sizeof(link), "%s/no/such", f.dir);
	refused(&f, &f.bundle, "make the directory");
	end(&f);
}

TESTS(T(one_version_after_the_other), T(leftovers_of_a_crash_are_in_nobodys_way), T(what_stops_a_delivery))
