/*
 * workflow/connection_command.c: what people do with connections: add, change, test, remove. The api role has sealed the
 * credentials to the settings; here both are opened together once, so that nothing is stored that could not be used.
 */
#include "base/name.h"
#include "keeper/keeper.h"
#include "net/url.h"
#include "store/project.h"
#include "workflow/connection.h"
#include "workflow/connection_command.h"
#include "workflow/session.h"

#define PEM_MAX  (24 * KIB)
#define TEXT_MAX 255

struct connection_write {
	const struct command_who *who;
	struct connection         c;
	int64_t                   seen_version;
};

static bool write_add(struct db *db, void *arg, struct err *err)
{
	struct connection_write *x = arg;

	return connection_plan(db, &x->c, err) &&
	       audit_insert(db, clock_now_ms(), x->who->project_id, x->who->principal, "connection-add", x->c.id, x->c.name, err);
}

static bool write_update(struct db *db, void *arg, struct err *err)
{
	struct connection_write *x = arg;
	int64_t                  now = clock_now_ms();

	return connection_update(db, &x->c, x->seen_version, now, err) &&
	       audit_insert(db, now, x->who->project_id, x->who->principal, "connection-update", x->c.id, x->c.name, err);
}

static bool write_remove(struct db *db, void *arg, struct err *err)
{
	struct connection_write *x = arg;
	int64_t                  now = clock_now_ms();

	return connection_remove(db, x->c.id, now, err) &&
	       audit_insert(db, now, x->who->project_id, x->who->principal, "connection-remove", x->c.id, x->c.name, err);
}

static bool name_check(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (len >= 1 && len <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len)
		return true;
	err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" is not a name for a connection", name);
	return err_hint(err, "use 1 to 64 of a-z, 0-9 and -");
}

static bool settings_check(const struct connection *c, struct err *err)
{
	struct cidr cidrs[CIDRS_MAX];
	size_t      count;
	char        zone[NAME_SIZE];
	struct url  url;

	if (!name_check(c->name, err) || !authority_cidrs(c->allow_addresses, cidrs, &count, err))
		return false;
	if (strcmp(c->provider, PROVIDER_BUILTIN) == 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "the built-in zones need no connection");
		return err_hint(err, "set [zone] names in reeve.toml and restart");
	}
	if (c->zone[0] != '\0' && (!owner_parse(str_c(c->zone), zone, err) || strcmp(zone, c->zone) != 0))
		return err_in(err, "zone \"%s\"", c->zone);
	if (c->zone_id[0] != '\0' && c->zone[0] == '\0') {
		err_problem(err, ERR_INPUT, "invalid-request", "a zone id alone does not say which names it holds");
		return err_hint(err, "give the name of the zone too");
	}
	if (strlen(c->zone_id) > TEXT_MAX || strlen(c->base_url) > TEXT_MAX || strlen(c->proxy) > TEXT_MAX || strlen(c->ca_pem) > PEM_MAX)
		return err_problem(err, ERR_INPUT, "too-large", "a setting of the connection is too long");
	if (c->proxy[0] != '\0' && (!url_parse(str_c(c->proxy), &url, err) || url.https || url.target.len > 1)) {
		err_problem(err, ERR_INPUT, "invalid-request", "proxy: %.200s is not http://host:port", c->proxy);
		return err_hint(err, "the proxy is spoken to in the clear; what goes through it is TLS with the provider");
	}
	return c->base_url[0] == '\0' || url_parse(str_c(c->base_url), &url, err) || err_in(err, "base_url");
}

bool connection_command_add(struct worker *w, struct arena *a, const struct command_who *who, const struct command_connection *in,
                            struct command_reply *ret, struct err *err)
{
	struct connection_write x = { .who = who, .c = in->c };
	struct connection       existing;
	struct err              missing = { 0 };
	struct db              *db = store_reader(w->store, err);

	if (db == NULL)
		return false;
	ret->id = x.c.id;
	if (connection_find(db, a, x.c.id, &existing, &missing))
		return true; /* the same command again */
	x.c.project_id = who->project_id;
	x.c.created_at = clock_now_ms();
	if (!settings_check(&x.c, err) || !connection_check(w, &x.c, err) || !connection_enroll(w, a, &x.c, err))
		return false;
	if (!store_write(w->store, write_add, &x, err)) {
		if (err->class == ERR_CONFLICT)
			err_hint(err, "choose another name, or change that one: `reeve connection update %s`", x.c.name);
		return false;
	}
	worker_kick(w, 0);
	return true;
}

static bool find(struct worker *w, struct arena *a, const struct command_who *who, const char *name, struct connection *ret,
                 struct err *err)
{
	struct db *db = store_reader(w->store, err);

	if (db == NULL || !connection_find_named(db, a, who->project_id, name, ret, err))
		return false;
	if (ret->project_id[0] != '\0')
		return true;
	err_problem(err, ERR_CONFLICT, "conflict", "%s is a zone that Reeve serves itself", ret->name);
	return err_hint(err, "it is set by [zone] names in reeve.toml");
}

bool connection_command_update(struct worker *w, struct arena *a, const struct command_who *who,
                               const struct command_connection *in, struct command_reply *ret, struct err *err)
{
	struct connection_write x = { .who = who, .c = in->c, .seen_version = in->seen_version };
	struct connection       old;

	if (!find(w, a, who, x.c.id, &old, err))
		return false;
	if (strcmp(old.provider, x.c.provider) != 0)
		return err_problem(err, ERR_INPUT, "invalid-request", "the provider of a connection cannot be changed");
	x.c.project_id = who->project_id;
	if (!settings_check(&x.c, err) || !connection_check(w, &x.c, err) || !store_write(w->store, write_update, &x, err))
		return false;
	ret->id = x.c.id;
	ret->row_version = x.c.row_version;
	worker_changed(w, "connection", x.c.id);
	worker_kick(w, 0);
	return true;
}

bool connection_command_remove(struct worker *w, struct arena *a, const struct command_who *who, const char *name,
                               struct command_reply *ret, struct err *err)
{
	struct connection_write x = { .who = who };

	if (!find(w, a, who, name, &x.c, err) || !store_write(w->store, write_remove, &x, err))
		return false;
	ret->id = x.c.id;
	return true;
}

bool connection_command_test(struct worker *w, struct arena *a, const struct command_who *who, const char *name, bool probe,
                             struct command_reply *ret, struct err *err)
{
	AUTO(http_client_freep) struct http_client *http = http_client_new();
	struct connection                           c;
	struct err                                  finding;

	if (!find(w, a, who, name, &c, err) || !connection_look(w, http, &c, probe, &finding, err))
		return false;
	ret->id = c.id;
	ret->problem = arena_strdup(a, finding.problem);
	ret->detail = arena_strdup(a, finding.text);
	ret->hint = arena_strdup(a, finding.hint);
	return true;
}
