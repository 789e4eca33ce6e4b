/*
 * deploy/target.c: the tables of kinds and members. A member says which kinds know it, so a setting that would be
 * ignored is an error instead.
 */
#include "deploy/target.h"

#include <stdlib.h>

#include "net/url.h"

#define SETTINGS_MAX  (48u * KIB)
#define TIMEOUT_S     120
#define TIMEOUT_S_MAX 600
#define KEEP          3
#define KEEP_MAX      100
#define PASSWORD_MAX  64
#define PROBE_WAIT_S  30

enum { FILES = 1 << DEPLOY_FILES, HOOK = 1 << DEPLOY_HOOK, WEBHOOK = 1 << DEPLOY_WEBHOOK, ALL = FILES | HOOK | WEBHOOK };

static const struct {
	const char *name;
	const char *needs; /* a member that must be given */
} kinds[DEPLOY__COUNT] = {
	[DEPLOY_FILES] = { "files", "directory" },
	[DEPLOY_HOOK] = { "hook", "hook" },
	[DEPLOY_WEBHOOK] = { "webhook", "url" },
};

static const struct json_field fields[] = {
	{ JSON_FIELD(struct deploy_settings, directory, STR) },
	{ JSON_FIELD(struct deploy_settings, owner, STR) },
	{ JSON_FIELD(struct deploy_settings, group, STR) },
	{ JSON_FIELD(struct deploy_settings, key_mode, STR) },
	{ JSON_FIELD(struct deploy_settings, pkcs12, BOOL) },
	{ JSON_FIELD(struct deploy_settings, pkcs12_password, STR) },
	{ JSON_FIELD(struct deploy_settings, pkcs1, BOOL) },
	{ JSON_FIELD(struct deploy_settings, keep, INT) },
	{ JSON_FIELD(struct deploy_settings, hook, STR) },
	{ JSON_FIELD(struct deploy_settings, timeout_s, INT) },
	{ JSON_FIELD(struct deploy_settings, url, STR) },
	{ JSON_FIELD(struct deploy_settings, ca_pem, STR) },
	{ JSON_FIELD(struct deploy_settings, probe, STR) },
	{ JSON_FIELD(struct deploy_settings, probe_name, STR) },
	{ JSON_FIELD(struct deploy_settings, probe_wait_s, INT) },
	{ JSON_FIELD(struct deploy_settings, allow_addresses, STR_ARRAY) },
};

/* In the order of `fields`: who knows it. */
static const unsigned known_by[] = {
	FILES, FILES, FILES, FILES, FILES | HOOK, FILES | HOOK, FILES | HOOK, FILES, FILES | HOOK, ALL, WEBHOOK, WEBHOOK, ALL, ALL, ALL, ALL,
};
_Static_assert(ARRAY_LEN(fields) == ARRAY_LEN(known_by), "a row for each member");

const char *deploy_kind_name(enum deploy_kind kind)
{
	return kinds[kind].name;
}

bool deploy_kind_find(const char *name, enum deploy_kind *ret, struct err *err)
{
	for (size_t i = 0; i < DEPLOY__COUNT; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			*ret = (enum deploy_kind)i;
			return true;
		}
	err_set(err, ERR_INPUT, "there is no kind of deployment \"%s\"", name);
	return err_hint(err, "kind is files, hook or webhook");
}

bool deploy_hook_id_valid(const char *id)
{
	size_t len = strlen(id);

	return len >= 1 && len <= 64 && id[0] != '.' &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

const char *deploy_directory_name(struct arena *a, const char *certificate_name)
{
	char *name = arena_strdup(a, certificate_name);

	if (name[0] == '*')
		name[0] = '_';
	return name;
}

bool deploy_probe_split(struct arena *a, const char *text, enum starttls *ret_starttls, const char **ret_host, const char **ret_port,
                        struct err *err)
{
	const char *mark = strstr(text, "://"), *probe = mark != NULL ? mark + 3 : text, *colon = strrchr(probe, ':');
	struct str  host;
	uint64_t    port;

	*ret_starttls = STARTTLS_NONE;
	if (mark != NULL && !starttls_parse(str_of(text, (size_t)(mark - text)), ret_starttls)) {
		err_set(err, ERR_INPUT, "probe \"%s\": there is no such protocol", text);
		return err_hint(err, "smtp://, imap:// or postgresql:// before host:port; nothing for TLS from the first byte");
	}

	if (colon != NULL && str_to_u64(str_c(colon + 1), &port) && port >= 1 && port <= 65535) {
		host = str_of(probe, (size_t)(colon - probe));
		if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
			host = str_of(host.ptr + 1, host.len - 2);
		else if (str_index(host, ':') != host.len)
			host.len = 0;
		if (host.len > 0 && host.len < 256) {
			*ret_host = arena_str(a, host);
			*ret_port = arena_strdup(a, colon + 1);
			return true;
		}
	}
	err_set(err, ERR_INPUT, "probe \"%s\" is not host:port", text);
	return err_hint(err, "\"probe\": \"www.example.org:443\"");
}

static bool number_check(const char *name, int64_t value, int64_t max, struct err *err)
{
	return (value >= 1 && value <= max) || err_set(err, ERR_INPUT, "%s must be between 1 and %lld", name, (long long)max);
}

static bool directory_check(const char *path, struct err *err)
{
	struct str rest = str_c(path), part;

	if (path[0] != '/' || path[1] == '\0' || strlen(path) > 1024) {
		err_set(err, ERR_INPUT, "directory \"%s\" is not an absolute path below /", path);
		return err_hint(err, "\"directory\": \"/etc/ssl/example.org\"");
	}
	while (str_next(&rest, '/', &part))
		if (str_eq(part, STR("..")) || str_eq(part, STR(".")))
			return err_set(err, ERR_INPUT, "directory \"%s\" has a \"%.*s\" in it", path, STR_ARG(part));
	return true;
}

static bool check(struct arena *a, enum deploy_kind kind, struct deploy_settings *s, struct err *err)
{
	const char   *host, *port;
	enum starttls starttls;
	struct url    url;
	char         *end = NULL;

	if (!number_check("timeout_s", s->timeout_s, TIMEOUT_S_MAX, err) || !number_check("keep", s->keep, KEEP_MAX, err) ||
	    !number_check("probe_wait_s", s->probe_wait_s, TIMEOUT_S_MAX, err))
		return false;
	if (kind == DEPLOY_FILES && !directory_check(s->directory, err))
		return false;
	s->key_mode_bits = (unsigned)strtoul(s->key_mode, &end, 8);
	/* Others never read a key; the owner always does. */
	if (end == s->key_mode || *end != '\0' || (s->key_mode_bits & ~0640u) != 0 || (s->key_mode_bits & 0400u) == 0) {
		err_set(err, ERR_INPUT, "key_mode \"%s\" is not 0400, 0440, 0600 or 0640", s->key_mode);
		return err_hint(err, "name a group that may read the key and use \"0640\"");
	}
	if (s->pkcs12_password[0] != '\0' && (!s->pkcs12 || strlen(s->pkcs12_password) > PASSWORD_MAX)) {
		err_set(err, ERR_INPUT, "pkcs12_password is for \"pkcs12\": true, and at most %d bytes", PASSWORD_MAX);
		return err_hint(err, "Java's usual one is \"changeit\"");
	}
	if (s->hook[0] != '\0' && !deploy_hook_id_valid(s->hook)) {
		err_set(err, ERR_INPUT, "\"%s\" is not the name of a hook", s->hook);
		return err_hint(err, "put an executable into the hooks directory and give its file name: letters, digits, \".\", \"_\" and \"-\"");
	}
	if (kind == DEPLOY_WEBHOOK && !url_parse_https(str_c(s->url), &url, err))
		return err_in(err, "url");
	if (s->probe[0] != '\0' && !deploy_probe_split(a, s->probe, &starttls, &host, &port, err))
		return false;
	if (s->allow_addresses.count > DEPLOY_CIDRS_MAX)
		return err_set(err, ERR_INPUT, "more than %d allow_addresses", DEPLOY_CIDRS_MAX);
	for (size_t i = 0; i < s->allow_addresses.count; i++)
		if (!cidr_parse(str_c(s->allow_addresses.items[i]), &s->cidrs[s->cidrs_count++], err))
			return err_in(err, "allow_addresses");
	return true;
}

bool deploy_settings_bind(struct arena *a, enum deploy_kind kind, const json_t *object, struct deploy_settings *ret,
                          struct err *err)
{
	struct deploy_settings s = { .directory = "", .owner = "", .group = "", .key_mode = "0600", .keep = KEEP, .hook = "",
		                     .timeout_s = TIMEOUT_S, .url = "", .ca_pem = "", .probe = "", .probe_name = "", .pkcs12_password = "",
		                     .probe_wait_s = PROBE_WAIT_S };
	const char            *needed;

	if (!json_bind(a, object, fields, ARRAY_LEN(fields), true, &s, err))
		return err_in(err, "settings");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if ((known_by[i] & 1u << kind) == 0 && json_object_get(object, fields[i].name) != NULL) {
			err_problem(err, ERR_INPUT, "unknown-member", "settings: a deployment of kind %s knows no \"%s\"", kinds[kind].name,
			            fields[i].name);
			return false;
		}
	needed = json_str(object, kinds[kind].needs);
	if (needed == NULL || needed[0] == '\0')
		return err_set(err, ERR_INPUT, "settings: a deployment of kind %s needs \"%s\"", kinds[kind].name, kinds[kind].needs);
	if (!check(a, kind, &s, err))
		return err_in(err, "settings");
	*ret = s;
	return true;
}

bool deploy_settings_parse(struct arena *a, enum deploy_kind kind, const char *json, struct deploy_settings *ret, struct err *err)
{
	AUTO(json_freep) json_t *object = NULL;

	/* The strings that json_bind hands out live in the arena, not in the object. */
	return json_read(str_c(json), SETTINGS_MAX, &object, err) && deploy_settings_bind(a, kind, object, ret, err);
}
