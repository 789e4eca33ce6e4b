/*
 * config.c: the bootstrap settings from defaults, file, environment and flags, by one table. What the settings mean
 * together is config_check.c's; reading TOML is base/toml.c's.
 */
#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/toml.h"

#define LIST_MAX 256u

enum kind { KIND_STRING, KIND_PATH, KIND_LIST, KIND_NUMBER, KIND_LEVEL };

static const struct setting {
	const char *section, *key;
	enum kind   kind;
	size_t      offset;
	uint32_t    min, max; /* KIND_NUMBER */
	const char *about;    /* a comment of the template */
} settings[] = {
	{ "server", "listen", KIND_LIST, offsetof(struct config, http_listen), 0, 0,
	  "Where HTTP is served. [] serves the UNIX socket alone." },
	{ "server", "socket", KIND_PATH, offsetof(struct config, socket_path), 0, 0,
	  "The command line comes in here; the same user and root need no token." },
	{ "server", "silent_s", KIND_NUMBER, offsetof(struct config, silent_s), 5, 3600,
	  "A process that does not answer the supervisor for so long is killed and started anew." },
	{ "store", "path", KIND_PATH, offsetof(struct config, store_path), 0, 0, "The database." },
	{ "keys", "seal", KIND_PATH, offsetof(struct config, seal_path), 0, 0,
	  "The one secret outside the database: without it nothing in there can be opened. Keep a copy elsewhere." },
	{ "zone", "names", KIND_LIST, offsetof(struct config, zone_names), 0, 0,
	  "Validation zones that Reeve serves itself; the first takes the generated targets." },
	{ "zone", "name_servers", KIND_LIST, offsetof(struct config, zone_name_servers), 0, 0,
	  "Their name servers, \"name=address\", as the parent zone delegates to them." },
	{ "zone", "hostmaster", KIND_STRING, offsetof(struct config, zone_hostmaster), 0, 0,
	  "The contact in the SOA record; \"\" is hostmaster.<zone>." },
	{ "zone", "listen", KIND_LIST, offsetof(struct config, dns_listen), 0, 0,
	  "Where DNS is served, UDP and TCP. The Internet asks port 53." },
	{ "resolver", "stub", KIND_LIST, offsetof(struct config, resolver_stub), 0, 0,
	  "Ask these servers for these zones: \"zone=address@port\", \".\" is the root." },
	{ "resolver", "timeout_ms", KIND_NUMBER, offsetof(struct config, resolver_timeout_ms), 100, 60000,
	  "How long one look-up may take." },
	{ "worker", "threads", KIND_NUMBER, offsetof(struct config, worker_threads), 1, 256,
	  "Steps that may run at the same time." },
	{ "hooks", "directory", KIND_PATH, offsetof(struct config, hooks_directory), 0, 0,
	  "Executables that a deployment may run, by file name. Owned by root (or the user of Reeve) alone." },
	{ "providers", "directory", KIND_PATH, offsetof(struct config, providers_directory), 0, 0,
	  "Recipes of your own for DNS providers, *.json; read again when a file changes." },
	{ "log", "level", KIND_LEVEL, offsetof(struct config, log_level), 0, 0, "error, warn, info or debug." },
};

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug"
};

/* One value on its way in: text from environment and flags, typed from the file. */
struct value {
	enum toml_type     type;
	const char        *string;
	int64_t            integer;
	const char *const *items;
	size_t             items_count;
};

static const enum toml_type types[] = {
	[KIND_STRING] = TOML_STRING, [KIND_PATH] = TOML_STRING, [KIND_LIST] = TOML_ARRAY,
	[KIND_NUMBER] = TOML_INTEGER, [KIND_LEVEL] = TOML_STRING,
};

static void *member(struct config *c, const struct setting *s)
{
	return (char *)c + s->offset;
}

static const void *member_const(const struct config *c, const struct setting *s)
{
	return (const char *)c + s->offset;
}

static const struct setting *setting_find(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
			return &settings[i];
	return NULL;
}

static bool section_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (strcmp(settings[i].section, section) == 0)
			return true;
	return false;
}

static void hint_keys(const char *section, struct err *err)
{
	AUTO(buf_clear) struct buf names;

	buf_init(&names, 512);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (strcmp(settings[i].section, section) == 0)
			buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", settings[i].key);
	err_hint(err, "the keys of [%s] are %s", section, names.ptr);
}

static bool list_set(struct arena *a, struct config_list *list, const char *const *items, size_t count, struct err *err)
{
	struct config_list made = { NULL, count };

	if (count > LIST_MAX)
		return err_problem(err, ERR_INPUT, "invalid-request", "more than %u values", LIST_MAX);
	made.items = arena_alloc_array(a, count + 1, sizeof(*made.items));
	for (size_t i = 0; i < count; i++) {
		if (items[i][0] == '\0')
			return err_problem(err, ERR_INPUT, "invalid-request", "an empty value in the list");
		made.items[i] = arena_strdup(a, items[i]);
	}
	*list = made;
	return true;
}

/* The value has the setting's type already. */
static bool value_set(struct arena *a, struct config *c, const struct setting *s, const struct value *v, struct err *err)
{
	void *at = member(c, s);

	switch (s->kind) {
	case KIND_PATH:
		if (v->string[0] != '/')
			return err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" is not an absolute path", v->string);
		FALLTHROUGH;
	case KIND_STRING:
		*(const char **)at = arena_strdup(a, v->string);
		return true;
	case KIND_LIST:
		return list_set(a, at, v->items, v->items_count, err);
	case KIND_NUMBER:
		if (v->integer < s->min || v->integer > s->max)
			return err_problem(err, ERR_INPUT, "invalid-request", "%lld is not between %u and %u",
			                   (long long)v->integer, s->min, s->max);
		*(uint32_t *)at = (uint32_t)v->integer;
		return true;
	case KIND_LEVEL: {
		enum log_level level;

		if (!log_level_parse(v->string, &level))
			return err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" is not error, warn, info or debug",
			                   v->string);
		*(enum log_level *)at = level;
		return true;
	}
	}
	__builtin_unreachable();
}

static bool text_set(struct arena *a, struct config *c, const struct setting *s, const char *text, struct err *err)
{
	struct value v = { .type = types[s->kind], .string = text };
	const char  *items[LIST_MAX + 1];
	struct str   rest = str_trim(str_c(text)), field;
	uint64_t     number;

	if (s->kind == KIND_NUMBER) {
		if (!str_to_u64(rest, &number) || number > UINT32_MAX)
			return err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" is not a number", text);
		v.integer = (int64_t)number;
	} else if (s->kind == KIND_LIST) {
		while (v.items_count <= LIST_MAX && str_next(&rest, ',', &field))
			items[v.items_count++] = arena_str(a, str_trim(field));
		v.items = items;
	}
	return value_set(a, c, s, &v, err);
}

bool config_set(struct arena *a, struct config *c, const char *origin, const char *name, const char *value, struct err *err)
{
	struct str            rest = str_c(name), section;
	const struct setting *s = NULL;

	if (str_next(&rest, '.', &section))
		s = setting_find(arena_str(a, section), arena_str(a, rest));
	if (s == NULL)
		return err_problem(err, ERR_INPUT, "invalid-request", "%s: there is no setting \"%s\"", origin, name);
	if (!text_set(a, c, s, value, err))
		return err_in(err, "%s", origin);
	return true;
}

/* ---- the file ---- */

static bool read_file(struct arena *a, const char *path, bool must, struct str *ret, struct err *err)
{
	AUTO(buf_clear) struct buf text = { 0 };
	char    block[8192];
	ssize_t n = 0;
	int     fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == ENOENT && !must) {
		*ret = (struct str){ "", 0 };
		return true;
	}
	if (fd < 0)
		return err_problem(err, ERR_CONFIG, "configuration", "%s: %s", path, strerror(errno));
	buf_init(&text, TOML_SIZE_MAX);
	while (!text.failed && (n = read(fd, block, sizeof(block))) > 0)
		buf_add(&text, block, (size_t)n);
	int number = errno;
	close(fd);
	if (n < 0)
		return err_problem(err, ERR_CONFIG, "configuration", "%s: %s", path, strerror(number));
	if (text.failed)
		return err_problem(err, ERR_CONFIG, "configuration", "%s: longer than %u bytes", path, TOML_SIZE_MAX);
	*ret = arena_dup(a, buf_str(&text));
	return true;
}

static bool entry_set(struct arena *a, struct config *c, const struct toml_entry *e, struct err *err)
{
	const struct setting *s = setting_find(e->section, e->key);
	struct err            cause = { 0 };

	if (e->section[0] == '\0')
		return toml_refuse(e, err, "the key \"%s\" stands outside of a section", e->key);
	if (!section_known(e->section)) {
		toml_refuse(e, err, "there is no section [%s]", e->section);
		return err_hint(err, "the sections are [server] [store] [keys] [zone] [resolver] [worker] [hooks] [providers] [log]");
	}
	if (s == NULL) {
		toml_refuse(e, err, "[%s] has no key \"%s\"", e->section, e->key);
		hint_keys(e->section, err);
		return false;
	}
	if (e->type != types[s->kind])
		return toml_refuse(e, err, "%s must be %s, not %s", s->key, toml_type_name(types[s->kind]), toml_type_name(e->type));

	struct value v = { e->type, e->string, e->integer, e->items, e->items_count };
	if (!value_set(a, c, s, &v, &cause))
		return toml_refuse(e, err, "%s: %s", s->key, cause.text);
	return true;
}

static bool file_read(struct arena *a, struct config *c, bool must, struct err *err)
{
	struct str  text;
	struct toml toml;

	if (!read_file(a, c->file, must, &text, err))
		return false;
	if (!toml_parse(a, text, &toml, err))
		return err_in(err, "%s", c->file);
	for (size_t i = 0; i < toml.entries_count; i++)
		if (!entry_set(a, c, &toml.entries[i], err))
			return err_in(err, "%s", c->file);
	return true;
}

/* ---- the environment ---- */

/* "REEVE_ZONE_NAME_SERVERS=…": a name of a known section must be one of its keys. */
static bool variable_read(struct arena *a, struct config *c, const char *variable, struct err *err)
{
	const char *value = strchr(variable, '=');

	if (value == NULL || strncmp(variable, "REEVE_", 6) != 0)
		return true;
	char *section = arena_str(a, str_of(variable + 6, (size_t)(value - variable) - 6));
	char *name = arena_str(a, str_of(variable, (size_t)(value - variable)));
	char *key = strchr(section, '_');
	if (key == NULL)
		return true;
	*key++ = '\0';
	str_lower(section);
	str_lower(key);
	if (!section_known(section))
		return true;

	const struct setting *s = setting_find(section, key);
	if (s == NULL) {
		err_problem(err, ERR_CONFIG, "configuration", "%s in the environment: [%s] has no key \"%s\"", name, section, key);
		hint_keys(section, err);
		return false;
	}
	if (!text_set(a, c, s, value + 1, err))
		return err_in(err, "%s in the environment", name);
	return true;
}

/* ---- the whole ---- */

static void list_default(struct arena *a, struct config_list *list, const char *only)
{
	list->items = arena_alloc_array(a, 2, sizeof(*list->items));
	list->count = only != NULL ? 1 : 0;
	list->items[0] = only;
}

static void paths_default(struct arena *a, struct config *c)
{
	c->socket_path = arena_printf(a, "%s/reeve.sock", c->run);
	c->store_path = arena_printf(a, "%s/reeve.db", c->var);
	c->seal_path = arena_printf(a, "%s/seal.key", c->etc);
	c->hooks_directory = arena_printf(a, "%s/hooks.d", c->etc);
	c->providers_directory = arena_printf(a, "%s/providers.d", c->etc);
}

static const char *absolute(struct arena *a, const char *path)
{
	char here[4096];

	if (path[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return arena_strdup(a, path);
	if (path[0] == '.' && path[1] == '/')
		path += 2;
	return arena_printf(a, "%s/%s", here, path);
}

bool config_load(struct arena *a, const char *home, const char *file_path, struct config *ret, struct err *err)
{
	struct config c = { 0 };

	if (home != NULL) {
		struct str root = str_c(absolute(a, home));

		while (root.len > 1 && root.ptr[root.len - 1] == '/')
			root.len--;
		c.etc = arena_printf(a, "%.*s/etc", STR_ARG(root));
		c.var = arena_printf(a, "%.*s/var", STR_ARG(root));
		c.run = arena_printf(a, "%.*s/run", STR_ARG(root));
	} else {
		c.etc = "/etc/reeve";
		c.var = "/var/lib/reeve";
		c.run = "/run/reeve";
	}
	c.file = file_path != NULL ? absolute(a, file_path) : arena_printf(a, "%s/reeve.toml", c.etc);
	list_default(a, &c.http_listen, "127.0.0.1:8080");
	paths_default(a, &c);
	list_default(a, &c.zone_names, NULL);
	list_default(a, &c.zone_name_servers, NULL);
	c.zone_hostmaster = "";
	list_default(a, &c.dns_listen, "127.0.0.1:5300");
	list_default(a, &c.resolver_stub, NULL);
	c.silent_s = 60;
	c.resolver_timeout_ms = 5000;
	c.worker_threads = 16;
	c.log_level = LOG_LEVEL_INFO;

	if (!file_read(a, &c, file_path != NULL, err))
		return false;
	for (char **variable = environ; *variable != NULL; variable++)
		if (!variable_read(a, &c, *variable, err))
			return false;
	*ret = c;
	return true;
}

/* ---- the template ---- */

static void quote(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *p);
	}
	buf_add_char(out, '"');
}

/* A path that is where it would be anyway stays a comment, so that a moved --home finds its files. */
static bool usual_place(struct arena *a, const struct config *c, const struct setting *s)
{
	struct config usual = { .etc = c->etc, .var = c->var, .run = c->run };

	paths_default(a, &usual);
	return s->kind == KIND_PATH &&
	       strcmp(*(const char *const *)member_const(c, s), *(const char *const *)member_const(&usual, s)) == 0;
}

const char *config_template(struct arena *a, const struct config *c)
{
	AUTO(buf_clear) struct buf out;
	const char *section = "";

	buf_init(&out, MIB);
	buf_add_c(&out, "# Reeve reads this file once, at start. Every setting may also come from the environment\n"
	                "# (REEVE_ZONE_NAMES=acme.example.org) and from a flag of `reeve serve`; everything else\n"
	                "# (authorities, delegations, certificates) is managed with `reeve`, not here.\n");
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct setting *s = &settings[i];
		const void           *at = member_const(c, s);

		if (strcmp(section, s->section) != 0)
			buf_printf(&out, "\n[%s]\n", section = s->section);
		buf_printf(&out, "# %s\n%s%s = ", s->about, usual_place(a, c, s) ? "# " : "", s->key);
		switch (s->kind) {
		case KIND_STRING:
		case KIND_PATH:
			quote(&out, *(const char *const *)at);
			break;
		case KIND_LIST: {
			const struct config_list *list = at;

			buf_add_char(&out, '[');
			for (size_t n = 0; n < list->count; n++) {
				buf_add_c(&out, n > 0 ? ", " : "");
				quote(&out, list->items[n]);
			}
			buf_add_char(&out, ']');
			break;
		}
		case KIND_NUMBER:
			buf_printf(&out, "%u", *(const uint32_t *)at);
			break;
		case KIND_LEVEL:
			quote(&out, level_names[*(const enum log_level *)at]);
			break;
		}
		buf_add_char(&out, '\n');
	}
	return arena_str(a, buf_str(&out));
}
