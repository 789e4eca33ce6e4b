/*
 * command_fetch.c: `reeve fetch`: a remote machine pulls its certificate. It asks whether there is another version than the
 * one it has; only a new one is written, by the same switch as a delivery of the server (deploy/files.h), and a program is
 * run after it. A program that fails takes the switch back, and the next run tries again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "deploy/files.h"
#include "deploy/run.h"

#define ETAG_FILE    ".etag"
#define ETAG_MAX     200
#define TIMEOUT_S    120
#define KEEP         3

struct fetch {
	struct cli         *cli;
	const char         *directory;
	struct files_target target;
	struct files_bundle bundle;
	struct cli_bundle   got;
};

/* What the directory holds, when it still holds it. */
static const char *etag_read(struct fetch *f)
{
	struct str  text;
	struct err  missing = { 0 };
	struct stat at;

	if (stat(arena_printf(f->cli->arena, "%s/" FILES_CURRENT "/privkey.pem", f->directory), &at) != 0 ||
	    !cli_read_file(f->cli->arena, arena_printf(f->cli->arena, "%s/" ETAG_FILE, f->directory), ETAG_MAX, &text, &missing))
		return "";
	return arena_str(f->cli->arena, str_trim(text));
}

/* After everything else: without it the next run does all of it again, which is right. */
static bool etag_write(struct fetch *f, struct err *err)
{
	const char *path = arena_printf(f->cli->arena, "%s/" ETAG_FILE, f->directory);
	const char *fresh = arena_printf(f->cli->arena, "%s/" ETAG_FILE ".new", f->directory);
	size_t      len = strlen(f->got.etag);

	unlink(fresh);
	int  fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	bool ok = fd >= 0 && write(fd, f->got.etag, len) == (ssize_t)len && fsync(fd) == 0;
	int  number = errno;
	if (fd >= 0)
		close(fd);
	if (ok && rename(fresh, path) == 0)
		return true;
	return err_problem(err, ERR_PERMANENT, "refused", "%s: %s", path, strerror(ok ? errno : number));
}

/* The server sends chain and key one behind the other. */
static bool bundle_split(struct fetch *f, struct err *err)
{
	static const char begin[] = "-----BEGIN PRIVATE KEY-----";
	struct str        all = f->got.combined;
	const char       *key = memmem(all.ptr, all.len, begin, sizeof(begin) - 1);

	if (key == NULL)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "the server's answer has no key");
	return files_bundle_make(str_of(all.ptr, (size_t)(key - all.ptr)), str_of(key, all.len - (size_t)(key - all.ptr)), STR(""),
	                         &f->bundle, err);
}

static bool run_after(struct fetch *f, const char *event, struct err *err)
{
	struct arena      *a = f->cli->arena;
	const char        *path = realpath(cli_value(&f->cli->call, "exec"), NULL);
	const char        *name = f->cli->call.args[0];
	const char        *environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", arena_printf(a, "REEVE_EVENT=%s", event),
		arena_printf(a, "REEVE_CERTIFICATE=%s", name), arena_printf(a, "REEVE_VERSION=%lld", (long long)f->got.version),
		arena_printf(a, "REEVE_CERT_PATH=%s/current/cert.pem", f->directory),
		arena_printf(a, "REEVE_CHAIN_PATH=%s/current/chain.pem", f->directory),
		arena_printf(a, "REEVE_FULLCHAIN_PATH=%s/current/fullchain.pem", f->directory),
		arena_printf(a, "REEVE_KEY_PATH=%s/current/privkey.pem", f->directory),
		arena_printf(a, "REEVE_COMBINED_PATH=%s/current/combined.pem", f->directory),
		arena_printf(a, "RENEWED_LINEAGE=%s/current", f->directory), NULL,
	};
	struct run_program program = { .path = path, .environment = environment, .directory = "/", .fd = -1, .timeout_s = TIMEOUT_S,
		                       .cancel_fd = -1 };
	struct run_result  result;

	if (path == NULL)
		return err_problem(err, ERR_CONFIG, "configuration", "%s: %s", cli_value(&f->cli->call, "exec"), strerror(errno));
	bool ok = run_program(a, &program, &result, err);
	fputs(result.output, stderr);
	free((void *)(uintptr_t)path);
	return ok;
}

static bool deliver(struct fetch *f, struct err *err)
{
	const char *previous;
	struct err  undone = { 0 };

	f->target.certificate_id = f->got.certificate_id;
	if (!bundle_split(f, err) ||
	    !files_deliver(f->cli->arena, &f->target, &f->bundle, f->got.version, false, &previous, err))
		return false;
	if (!cli_given(&f->cli->call, "exec") || run_after(f, "fetched", err))
		return etag_write(f, err);
	if (!files_restore(&f->target, previous, &undone))
		return err_in(err, "the way back: %s; and before that", undone.text);
	if (previous[0] != '\0' && !run_after(f, "rollback", &undone))
		return err_in(err, "version %s is back in place, but: %s; before that", previous, undone.text);
	if (previous[0] != '\0')
		err_in(err, "version %s is back in place", previous);
	return false;
}

int run_bundle_fetch(struct cli *cli)
{
	const char  *to = cli_value(&cli->call, "to"), *mode = cli_value(&cli->call, "key-mode");
	struct fetch f = { .cli = cli };
	struct err   err = { 0 };
	char        *end = NULL, here[4096];

	f.target = (struct files_target){ .owner = "", .group = "", .key_mode = 0600, .keep = KEEP };
	if (mode != NULL)
		f.target.key_mode = (unsigned)strtoul(mode, &end, 8);
	if (to == NULL || (mode != NULL && (*end != '\0' || (f.target.key_mode & ~0640u) != 0))) {
		err_problem(&err, ERR_INPUT, "invalid-request", to == NULL ? "--to DIR says where to put it" : "--key-mode is 0400, 0440, 0600 or 0640");
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	if (to[0] != '/' && getcwd(here, sizeof(here)) != NULL)
		to = arena_printf(cli->arena, "%s/%s", here, to);
	f.directory = f.target.directory = to;
	if (cli_value(&cli->call, "owner") != NULL)
		f.target.owner = cli_value(&cli->call, "owner");
	if (cli_value(&cli->call, "group") != NULL)
		f.target.group = cli_value(&cli->call, "group");
	if (!cli_ask_bundle(cli, cli->call.args[0], etag_read(&f), &f.got, &err))
		return cli_fail(cli, &err);
	if (f.got.unchanged) {
		fprintf(stderr, "%s: nothing new\n", shown_text(cli->arena, cli->call.args[0]));
		return EXIT_DONE;
	}
	bool ok = deliver(&f, &err);
	explicit_bzero((void *)(uintptr_t)f.got.combined.ptr, f.got.combined.len);
	if (!ok)
		return cli_fail(cli, &err);
	printf("%s/" FILES_CURRENT "  version %lld\n", to, (long long)f.got.version);
	return EXIT_DONE;
}
