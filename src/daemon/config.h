/*
 * daemon/config.h: the dozen bootstrap settings. Flag > REEVE_* environment > file > default. DESIGN section 15.
 *
 * File     `reeve.toml`, sections [server] [store] [keys] [zone] [resolver] [worker] [hooks] [providers] [log]; an unknown key, section or a
 *          wrong type is an error with file, line, column and the name of the key.
 * Env      REEVE_<SECTION>_<KEY>, lists separated by commas; an unknown key of a known section is refused too.
 * Memory   everything lives in the arena given.
 *
 *   [server]   listen = ["127.0.0.1:8080"]   socket = "<run>/reeve.sock"
 *   [store]    path = "<var>/reeve.db"
 *   [keys]     seal = "<etc>/seal.key"
 *   [zone]     names = ["acme.example.org"]   name_servers = ["ns1.acme.example.org=192.0.2.1", …]
 *              hostmaster = "hostmaster.example.org"   listen = ["127.0.0.1:5300"]
 *   [resolver] stub = ["example.test=127.53.0.1@5301", …]   timeout_ms = 5000
 *   [worker]   threads = 16
 *   [hooks]    directory = "<etc>/hooks.d"
 *   [providers] directory = "<etc>/providers.d"
 *   [log]      level = "info"
 */
#ifndef REEVE_DAEMON_CONFIG_H
#define REEVE_DAEMON_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"

struct config_list {
	const char **items;
	size_t       count;
};

struct config {
	const char        *etc, *var, *run;  /* directories: --home DIR sets them to DIR/{etc,var,run} */
	const char        *file;             /* the configuration file */
	struct config_list http_listen;      /* "address:port", "[::1]:port" */
	const char        *socket_path;
	uint32_t           silent_s;         /* a role that does not answer for so long is killed */
	const char        *store_path;
	const char        *seal_path;
	struct config_list zone_names;       /* the first takes the generated targets; none: no built-in zone */
	struct config_list zone_name_servers; /* "name=address"; several addresses per name by repetition */
	const char        *zone_hostmaster;
	struct config_list dns_listen;
	struct config_list resolver_stub;    /* "zone=address@port", "." for the root */
	uint32_t           resolver_timeout_ms;
	uint32_t           worker_threads;
	const char        *hooks_directory;  /* executables that deployments may name */
	const char        *providers_directory; /* recipes of the user */
	enum log_level     log_level;
};

/* home NULL: /etc/reeve, /var/lib/reeve, /run/reeve. A missing file is fine unless file_path was given. */
MUST_CHECK bool config_load(struct arena *a, const char *home, const char *file_path, struct config *ret, struct err *err);
/* A flag: `name` is "section.key", lists are separated by commas. `origin` starts the sentence of an error. */
MUST_CHECK bool config_set(struct arena *a, struct config *c, const char *origin, const char *name, const char *value, struct err *err);
/* What no single setting can know: addresses and zone names are well-formed, a built-in zone is served. */
MUST_CHECK bool config_check(const struct config *c, struct err *err);
/* The commented text of a new reeve.toml, for `reeve init`. */
const char *config_template(struct arena *a, const struct config *c);

#endif
