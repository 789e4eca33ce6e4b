/*
 * command_init.c: `reeve init`: everything a first `reeve serve` needs, in an order that can be begun again: each piece is
 * whole or absent, nothing that exists is ever overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "cli/settings.h"
#include "daemon/config.h"
#include "keeper/keeper.h"
#include "keeper/seal.h"
#include "store/project.h"
#include "store/store.h"


static bool failed(struct err *err, const char *path, int number)
{
	err_problem(err, ERR_CONFIG, "configuration", "%s: %s", path, strerror(number));
	if (number == EACCES)
		return err_hint(err, "run `reeve init` as a user that may write there, or choose a place of your own with --home DIR");
	return false;
}

static void say(const char *what, const char *path, bool made)
{
	printf("  %-13s %s%s\n", what, path, made ? "" : " (was there, kept)");
}

/* The directory and those above it; *ret_made tells whether the last one is new. */
static bool make_directory(struct arena *a, const char *path, mode_t mode, bool *ret_made, struct err *err)
{
	char       *copy = arena_strdup(a, path);
	struct stat st;

	for (char *p = strchr(copy + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(copy, 0755) != 0 && errno != EEXIST)
			return failed(err, copy, errno);
		*p = '/';
	}
	*ret_made = mkdir(copy, mode) == 0;
	if (!*ret_made && errno != EEXIST)
		return failed(err, copy, errno);
	if (stat(copy, &st) != 0 || !S_ISDIR(st.st_mode))
		return failed(err, copy, ENOTDIR);
	/* The umask may have taken bits; an old directory keeps its mode. */
	return !*ret_made || chmod(copy, mode) == 0 || failed(err, copy, errno);
}

/* `path` with these bytes, durable, never over an existing file. */
static bool write_new(struct arena *a, const char *path, const char *text, bool *ret_made, struct err *err)
{
	const char *temporary = arena_printf(a, "%s.new", path);
	int         fd;

	*ret_made = false;
	if (access(path, F_OK) == 0)
		return true;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return failed(err, temporary, errno);
	bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
	int  number = errno;
	close(fd);
	/* link() refuses an existing name, rename() would replace it. */
	if (ok && link(temporary, path) != 0 && errno != EEXIST) {
		ok = false;
		number = errno;
	}
	unlink(temporary);
	*ret_made = ok;
	return ok || failed(err, path, number);
}

/* ---- the database ---- */

struct contents {
	struct arena      *arena;
	char               project_id[ID_SIZE], instance_id[ID_SIZE], node_id[ID_SIZE], seal_id[ID_SIZE];
	struct keeper_init keys;
	bool               made;
};

/* One transaction: a database either has all of this or nothing. */
static bool fill(struct db *db, void *arg, struct err *err)
{
	struct contents   *c = arg;
	int64_t            now = clock_now_ms();
	struct project     project = { .id = c->project_id, .name = PROJECT_DEFAULT, .created_at = now };
	struct project_key key = { KEEPER_KEY_FIRST, c->project_id, c->keys.project_wrap };
	const char        *present;

	if (!meta_get(db, c->arena, "instance_id", &present, err))
		return false;
	if (present[0] != '\0')
		return true;
	c->made = true;
	return project_insert(db, &project, err) && seal_insert(db, c->seal_id, "file", c->keys.root_wrap, now, err) &&
	       project_key_insert(db, &key, now, err) && meta_set(db, "instance_id", c->instance_id, err) &&
	       meta_set(db, "node_id", c->node_id, err) &&
	       audit_insert(db, now, c->project_id, "init", "instance.create", c->instance_id, "", err);
}

/* Read-only, so that it may run beside a server; what cannot be read so is looked at by make_database(). */
static bool is_filled(struct cli *cli)
{
	AUTO(store_closep) struct store *store = NULL;
	struct db                       *db;
	const char                      *present = "";

	return access(cli->config.store_path, F_OK) == 0 && store_open(cli->config.store_path, STORE_READ, &store, NULL) &&
	       (db = store_reader(store, NULL)) != NULL && meta_get(db, cli->arena, "instance_id", &present, NULL) && present[0] != '\0';
}

static bool make_database(struct cli *cli, bool *ret_made, struct err *err)
{
	AUTO(store_closep) struct store *store = NULL;
	struct contents                  contents = { .arena = cli->arena };
	bool                             exists = access(cli->config.store_path, F_OK) == 0;
	int                              seal;

	id_new(contents.project_id);
	id_new(contents.instance_id);
	id_new(contents.node_id);
	id_new(contents.seal_id);
	if (!seal_open(cli->config.seal_path, cli->config.var, &seal, err))
		return false;
	bool ok = keeper_init_offline(seal, contents.instance_id, contents.project_id, KEEPER_KEY_FIRST, cli->arena, &contents.keys, err);
	close(seal);
	if (!ok)
		return false;
	if (!store_open(cli->config.store_path, exists ? STORE_WRITE : STORE_CREATE, &store, err) ||
	    !store_write(store, fill, &contents, err))
		return err_in(err, "%s", cli->config.store_path);
	*ret_made = contents.made;
	return true;
}

/* ---- the whole ---- */

static bool make_all(struct cli *cli, struct err *err)
{
	const struct config *c = &cli->config;
	bool                 made;

	if (!make_directory(cli->arena, c->etc, 0700, &made, err))
		return false;
	say("settings", c->etc, made);
	if (!make_directory(cli->arena, c->var, 0700, &made, err))
		return false;
	say("data", c->var, made);
	if (!make_directory(cli->arena, c->run, 0755, &made, err))
		return false;
	say("run", c->run, made);
	if (!write_new(cli->arena, c->file, config_template(cli->arena, c), &made, err))
		return false;
	say("configuration", c->file, made);
	bool filled = is_filled(cli);
	made = access(c->seal_path, F_OK) != 0;
	/* A new seal opens nothing that was sealed with the lost one. */
	if (made && filled)
		return err_problem(err, ERR_CONFIG, "configuration", "%s belongs to a seal that is not at %s", c->store_path, c->seal_path) ||
		       err_hint(err, "put the old seal back there; without it the secrets in this database cannot be opened");
	if (made && !seal_create(c->seal_path, c->var, err))
		return false;
	say("seal", c->seal_path, made);
	made = false;
	if (!filled && !make_database(cli, &made, err))
		return false;
	say("database", c->store_path, made);
	return true;
}

/* Flags that would change a file that is kept: said, not ignored. */
static bool flags_fit(const struct cli *cli, struct err *err)
{
	static const char *const settings[] = { "zone", "name-server", "listen", "dns-listen", "stub" };

	if (access(cli->config.file, F_OK) != 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (cli_given(&cli->call, settings[i]))
			return err_problem(err, ERR_CONFLICT, "already-exists", "%s exists and is kept: --%s would have no effect", cli->config.file,
			                   settings[i]) ||
			       err_hint(err, "change the setting in that file, or run `reeve init` without the flag");
	return true;
}

int run_init(struct cli *cli)
{
	struct err  err = { 0 };
	const char *home = cli_value(&cli->call, "home");
	const char *again = home != NULL ? arena_printf(cli->arena, " --home %s", home) : "";

	if (!cli_config(cli, &err) || !flags_fit(cli, &err) || !cli_settings(cli, &err) || !config_check(&cli->config, &err))
		return cli_fail(cli, &err);
	if (!make_all(cli, &err))
		return cli_fail(cli, &err);
	printf("\nKeep a copy of the seal in a safe place that is not the database's backup.\n"
	       "\nNext:\n"
	       "  reeve serve%s\n"
	       "  reeve authority add letsencrypt --directory https://acme-v02.api.letsencrypt.org/directory%s\n",
	       again, again);
	return EXIT_DONE;
}
