/* workflow/place.c: see place.h. One look at DNS decides for both routes. */
#include "workflow/place.h"

#include "base/name.h"
#include "dns/client.h"
#include "dns/message.h"
#include "workflow/connection.h"

struct look {
	struct worker           *w;
	struct arena            *a;
	const struct place_wish *wish;
	char                     challenge[NAME_SIZE];
	struct dns_chain         chain;
	const char              *final; /* where the CA will look */
};

static bool look_up(struct look *l, struct err *err)
{
	if (!name_challenge(l->wish->name, l->challenge))
		return err_problem(err, ERR_INPUT, "invalid-name", "_acme-challenge.%s is longer than a name may be", l->wish->name);
	if (!dns_lookup_chain(l->w->resolver, l->a, l->challenge, "", l->w->settings.resolver_timeout_ms, &l->chain, err))
		return err_in(err, "look-up of %s", l->challenge);
	l->final = l->chain.outcome == DNS_PRESENT ? l->chain.final : l->challenge;
	return true;
}

static bool unknown(const struct look *l, struct err *err)
{
	err_problem(err, ERR_CONFIG, "delegation-unknown", "%s could not be looked up: %s", l->challenge, l->chain.detail);
	return err_hint(err, "the name servers of %s must answer", l->wish->name);
}

static bool elsewhere(const struct look *l, const char *zones, const char *example, struct err *err)
{
	if (l->chain.outcome == DNS_PRESENT)
		err_problem(err, ERR_CONFIG, "delegation-different", "%s leads to %s, which is not in %s", l->challenge, l->final, zones);
	else
		err_problem(err, ERR_CONFIG, "delegation-missing", "%s has no CNAME, and %s is not in %s", l->challenge, l->wish->name, zones);
	return err_hint(err, "%s this record %s the zone of %s: %s. 300 IN CNAME %s.",
	                l->chain.outcome == DNS_PRESENT ? "change" : "add", l->chain.outcome == DNS_PRESENT ? "in" : "to", l->wish->name,
	                l->challenge, example);
}

/* A target to propose. */
static const char *target_in(const struct look *l, const struct connection *c, const char *zone)
{
	return connection_holds(l->w, c) > 0 ? zone : arena_printf(l->a, "_acme-challenge.%s", zone);
}

static bool take(const struct look *l, const struct connection *c, const char *zone, struct place *ret)
{
	*ret = (struct place){ .found = true, .direct = strcmp(l->final, l->challenge) == 0, .connection = *c,
		               .target = arena_strdup(l->a, l->final), .zone = zone };
	return true;
}

/* ---- route 3 ---- */

/* What the authority says, else the connection. An id alone is of the zone that DNS has the name in; nothing is written elsewhere. */
static bool authority_zone(const struct look *l, const struct connection *c, const char **ret_zone, const char **ret_id,
                           struct err *err)
{
	struct dns_auth auth;

	zone_spec_split(l->a, l->wish->authority->zone[0] != '\0' ? l->wish->authority->zone : connection_zone(l->a, c), ret_zone, ret_id);
	if ((*ret_zone)[0] != '\0' || (*ret_id)[0] == '\0')
		return true;
	if (!dns_lookup_auth(l->w->resolver, l->a, l->final, DNS_TXT, l->w->settings.resolver_timeout_ms, &auth, err))
		return err_in(err, "name servers of %s", l->final);
	if (auth.zone[0] == '\0') {
		err_problem(err, ERR_CONFIG, "delegation-unknown", "the zone of %s was not found: %s", l->final, auth.detail);
		return err_hint(err, "give the authority the name of the zone beside its id: --zone NAME/%s", *ret_id);
	}
	*ret_zone = auth.zone;
	return true;
}

static bool at_authority(struct look *l, struct db *db, struct place *ret, struct err *err)
{
	struct connection c;
	const char       *zone, *id;

	if (!connection_find(db, l->a, l->wish->authority->connection_id, &c, err))
		return false;
	if (l->chain.outcome == DNS_UNKNOWN)
		return unknown(l, err);
	if (!authority_zone(l, &c, &zone, &id, err))
		return false;
	if (zone[0] != '\0' && !name_in_zone(l->final, zone))
		return elsewhere(l, arena_printf(l->a, "the zone %s of the authority %s", zone, l->wish->authority->name), target_in(l, &c, zone), err);
	return take(l, &c, id[0] != '\0' ? arena_printf(l->a, "%s/%s", zone, id) : zone, ret);
}

/* ---- route 4 ---- */

static bool wanted(const struct place_wish *wish, const struct connection *c)
{
	return strcmp(c->provider, PROVIDER_BUILTIN) != 0 &&
	       (wish->connection[0] == '\0' || strcmp(c->name, wish->connection) == 0 || strcmp(c->id, wish->connection) == 0);
}

/* The longest zone; of equals the default of its provider. A connection without a zone is taken only when asked for. */
static bool at_connection(struct look *l, const struct connection *all, size_t count, struct place *ret, struct err *err)
{
	const struct place_wish *wish = l->wish;
	bool                     asked = wish->provider[0] != '\0' || wish->connection[0] != '\0', tie = false;
	const struct connection *best = NULL;
	const char              *zones = "", *names = "", *example = "";

	for (size_t i = 0; i < count; i++) {
		const struct connection *c = &all[i];
		size_t                   len = strlen(c->zone), best_len = best != NULL ? strlen(best->zone) : 0;

		if (!wanted(wish, c))
			continue;
		if (c->zone[0] != '\0') {
			zones = arena_printf(l->a, "%s%s%s", zones, zones[0] != '\0' ? ", " : "", c->zone);
			example = target_in(l, c, c->zone);
		}
		if (c->zone[0] != '\0' ? !name_in_zone(l->final, c->zone) : !asked)
			continue;
		if (best != NULL && len == best_len && best->is_default == c->is_default) {
			tie = true;
			names = arena_printf(l->a, "%s, %s", names[0] != '\0' ? names : best->name, c->name);
		} else if (best == NULL || len > best_len || (len == best_len && c->is_default)) {
			best = c;
			tie = false;
			names = "";
		}
	}
	if (tie) {
		err_problem(err, ERR_CONFLICT, "ambiguous-connection", "%s can be written by more than one connection: %s", l->final, names);
		return err_hint(err, "name one of them with account_id (connection), or make one the default of its provider");
	}
	if (best != NULL)
		return take(l, best, connection_zone(l->a, best), ret);
	if (asked && zones[0] != '\0')
		return elsewhere(l, arena_printf(l->a, "a zone that can be written (%s)", zones), example, err);
	return true;
}

bool place_find(struct worker *w, struct arena *a, const struct place_wish *wish, struct place *ret, struct err *err)
{
	struct look        l = { .w = w, .a = a, .wish = wish };
	struct db         *db = store_reader(w->store, err);
	bool               asked = wish->provider[0] != '\0' || wish->connection[0] != '\0';
	bool               by_authority = !asked && wish->authority->connection_id[0] != '\0';
	struct connection *all;
	size_t             count, fit = 0;

	*ret = (struct place){ .found = false };
	if (db == NULL || !connection_list(db, a, wish->project_id, wish->provider, &all, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		fit += wanted(wish, &all[i]);
	if (!by_authority && fit == 0) {
		if (wish->provider[0] == '\0' || strcmp(wish->provider, PROVIDER_BUILTIN) == 0)
			return true;
		err_problem(err, ERR_CONFIG, "no-connection", "there is no connection%s%s of the provider %s",
		            wish->connection[0] != '\0' ? " " : "", wish->connection, wish->provider);
		return err_hint(err, "`reeve connection list` shows what there is; `reeve connection add NAME --provider %s` adds one",
		                wish->provider);
	}
	if (clock_mono_ms() > wish->until_ms) {
		if (!asked && !by_authority)
			return true;
		err_problem(err, ERR_TEMPORARY, "delegation-unknown", "the look-ups of the names before %s took too long", wish->name);
		return err_hint(err, "the name servers are slow; try again");
	}
	if (!look_up(&l, err))
		return false;
	if (by_authority)
		return at_authority(&l, db, ret, err);
	if (l.chain.outcome == DNS_UNKNOWN)
		return !asked || unknown(&l, err);
	return at_connection(&l, all, count, ret, err);
}

/* ---- authorities ---- */

bool place_of_authority(struct worker *w, struct arena *a, struct authority *x, struct err *err)
{
	struct db            *db = store_reader(w->store, err);
	struct connection     c;
	struct connection_use use;
	const char           *zone, *id;
	char                  name[NAME_SIZE] = "";
	bool                  ok;

	if (x->connection_id[0] == '\0') {
		if (x->zone[0] == '\0')
			return true;
		return err_problem(err, ERR_INPUT, "invalid-request", "a zone of an authority needs the connection that can write it");
	}
	if (db == NULL || !connection_find_named(db, a, x->project_id, x->connection_id, &c, err))
		return false;
	x->connection_id = c.id;
	/* A name has a dot; "NAME/ID" is both; anything else is the provider's id. */
	zone_spec_split(a, x->zone, &zone, &id);
	if (zone[0] != '\0' && strchr(zone, '.') == NULL) {
		id = x->zone;
		zone = "";
	}
	if (zone[0] != '\0' && !owner_parse(str_c(zone), name, err))
		return err_in(err, "zone \"%s\"", zone);
	x->zone = id[0] != '\0' ? arena_printf(a, "%s/%s", name, id) : arena_strdup(a, name);
	if (strcmp(c.provider, PROVIDER_BUILTIN) == 0)
		return x->zone[0] == '\0' || strcmp(x->zone, c.zone) == 0 ||
		       err_problem(err, ERR_INPUT, "invalid-request", "the zone of the connection %s is %s", c.name, c.zone);
	if (!connection_use_open(w, NULL, &c, x->zone, &use, err))
		return false;
	ok = engine_account_check(&use.account, err);
	connection_use_close(&use);
	return ok;
}
