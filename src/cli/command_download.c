/*
 * command_download.c: `reeve certificate download`. Every file is written beside its name, synced and renamed, so that a
 * reader finds the old or the new one and never half of one. All four are fetched at one version before the first is
 * replaced, so that key and certificate always belong together.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"

/* The key goes before fullchain.pem: who watches the latter finds its key there. */
static const struct part {
	const char *part, *file;
	mode_t      mode;
} parts[] = {
	{ "cert", "cert.pem", 0644 },
	{ "chain", "chain.pem", 0644 },
	{ "key", "privkey.pem", 0600 },
	{ "fullchain", "fullchain.pem", 0644 },
};

static bool fetch(struct cli *cli, const char *part, const char *version, struct str *ret, struct err *err)
{
	return cli_ask_text(cli,
	                    arena_printf(cli->arena, "/v1/certificates/%s/download?part=%s%s%s", cli_escape(cli->arena, cli->call.args[0]),
	                                 cli_escape(cli->arena, part), version != NULL ? "&version=" : "",
	                                 version != NULL ? cli_escape(cli->arena, version) : ""),
	                    ret, err);
}

static bool failed(struct err *err, const char *path, int number)
{
	return err_problem(err, ERR_PERMANENT, "refused", "%s: %s", path, strerror(number));
}

static bool write_all(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			text = str_of(text.ptr + n, text.len - (size_t)n);
	}
	return true;
}

/* Beside its final name; the mode is there before the first byte. */
static bool write_beside(const char *path, mode_t mode, struct str text, struct err *err)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return failed(err, path, errno);
	bool ok = fchmod(fd, mode) == 0 && write_all(fd, text) && fsync(fd) == 0;
	int  number = errno;
	close(fd);
	if (!ok)
		unlink(path);
	return ok || failed(err, path, number);
}

static bool replace_all(struct cli *cli, const char *dir, const struct str *texts, struct err *err)
{
	const char *from[ARRAY_LEN(parts)], *to[ARRAY_LEN(parts)];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		to[i] = arena_printf(cli->arena, "%s/%s", dir, parts[i].file);
		from[i] = arena_printf(cli->arena, "%s/.%s.reeve-new", dir, parts[i].file);
		if (!write_beside(from[i], parts[i].mode, texts[i], err))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (rename(from[i], to[i]) != 0)
			return failed(err, to[i], errno);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return true;
}

static bool download_all(struct cli *cli, const char *dir, struct err *err)
{
	struct cli_reply reply;
	struct str       texts[ARRAY_LEN(parts)];
	const char      *version = cli_value(&cli->call, "version");
	bool             json = cli->json;

	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		return failed(err, dir, errno);
	/* One version for all four, also when a renewal ends in between. */
	if (version == NULL) {
		cli->json = false;
		bool ok = cli_ask(cli, "GET", arena_printf(cli->arena, "/v1/certificates/%s", cli_escape(cli->arena, cli->call.args[0])), NULL,
		                  &reply, err);
		cli->json = json;
		if (!ok)
			return false;
		if (json_int(reply.json, "version", 0) > 0)
			version = arena_printf(cli->arena, "%lld", (long long)json_int(reply.json, "version", 0));
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!fetch(cli, parts[i].part, version, &texts[i], err))
			return false;
	bool ok = replace_all(cli, dir, texts, err);
	explicit_bzero((void *)(uintptr_t)texts[2].ptr, texts[2].len);
	return ok;
}

int run_certificate_download(struct cli *cli)
{
	const char *out = cli_value(&cli->call, "out"), *part = cli_value(&cli->call, "part");
	struct err  err = { 0 };
	struct str  text;

	if (out != NULL && strcmp(out, "-") != 0) {
		if (part != NULL) {
			err_problem(&err, ERR_INPUT, "invalid-request", "--part prints one part, --out DIR writes all of them");
			cli_fail(cli, &err);
			return EXIT_USAGE;
		}
		if (!download_all(cli, out, &err))
			return cli_fail(cli, &err);
		for (size_t i = 0; i < ARRAY_LEN(parts); i++)
			printf("%s/%s\n", out, parts[i].file);
		return EXIT_DONE;
	}
	if (!fetch(cli, part != NULL ? part : "fullchain", cli_value(&cli->call, "version"), &text, &err))
		return cli_fail(cli, &err);
	fwrite(text.ptr, 1, text.len, stdout);
	explicit_bzero((void *)(uintptr_t)text.ptr, text.len);
	return EXIT_DONE;
}
