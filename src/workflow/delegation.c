/*
 * workflow/delegation.c: see delegation.h; and the job that looks at each delegation again and again.
 */
#include "workflow/delegation.h"

#include "base/encode.h"
#include "base/id.h"
#include "base/name.h"
#include "base/rand.h"
#include "keeper/keeper.h"
#include "workflow/connection.h"
#include "workflow/notification.h"
#include "workflow/steps.h"

#define RECHECK_VERIFIED_MS (24 * 3600 * 1000)
#define RECHECK_BROKEN_MS   (10 * 60 * 1000)
#define RECHECK_PLANNED_MS  (3600 * 1000)
#define FORGET_MS           (7LL * 24 * 3600 * 1000)
#define LABEL_BYTES         16 /* 128 random bits: 26 characters of base32 */

const char *delegation_record(struct arena *a, const struct delegation *d)
{
	return arena_printf(a, "_acme-challenge.%s. 300 IN CNAME %s.", d->name, d->target);
}

bool delegation_trusted(struct worker *w, struct arena *a, const struct delegation *d, const char *project_id,
                        const char *name, struct err *err)
{
	if (strcmp(d->project_id, project_id) != 0 || strcmp(d->name, name) != 0)
		return err_problem(err, ERR_PERMANENT, "tampered", "the route of %s leads to another delegation", name);
	if (!keeper_mac_check(w->keeper, "delegations", delegation_canonical(a, d), 1, d->mac, err))
		return err_in(err, "delegation of %s", d->name);
	return true;
}

/* ---- looking ---- */

static void chain_text(struct arena *a, const struct dns_chain *c, const char **ret)
{
	const char *text = "";

	for (size_t i = 0; i < c->hops_count; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? " -> " : "", c->hops[i]);
	*ret = text;
}

bool delegation_is_direct(const struct delegation *d)
{
	return strcmp(d->kind, "direct") == 0;
}

static void judge(struct arena *a, const struct delegation *d, const struct dns_chain *c, struct delegation_verdict *ret)
{
	const char *was = strcmp(d->health, "planned") == 0 ? "planned" : "broken";
	const char *hops;

	if (c->outcome == DNS_PRESENT && c->matches_expected) {
		ret->health = "verified";
		return;
	}
	if (c->outcome == DNS_ABSENT && delegation_is_direct(d)) {
		ret->health = "verified";
		return;
	}
	if (c->outcome == DNS_UNKNOWN) {
		/* Nothing is proven: the health stays what it was. */
		ret->health = d->health;
		err_problem(&ret->finding, ERR_CONFIG, "delegation-unknown", "_acme-challenge.%s could not be looked up: %s",
		            d->name, c->detail);
		err_hint(&ret->finding, "the name servers of %s must answer%s%s", d->name,
		         delegation_is_direct(d) ? "" : "; the record to find there is: ", delegation_is_direct(d) ? "" : delegation_record(a, d));
		return;
	}
	if (c->outcome == DNS_ABSENT) {
		ret->health = was;
		err_problem(&ret->finding, ERR_CONFIG, "delegation-missing", "_acme-challenge.%s has no CNAME%s", d->name,
		            c->txt_at_first ? ", but a TXT record in its place" : "");
		err_hint(&ret->finding, "%sadd this record to the zone of %s: %s",
		         c->txt_at_first ? "remove the TXT record and " : "", d->name, delegation_record(a, d));
		return;
	}
	chain_text(a, c, &hops);
	if (delegation_is_direct(d)) {
		ret->health = was;
		err_problem(&ret->finding, ERR_CONFIG, "delegation-different",
		            "_acme-challenge.%s is a CNAME to %s now: a value written at the name itself would not be seen", d->name, hops);
		err_hint(&ret->finding, "remove the CNAME, or let the place be found anew: reeve delegation remove %s", d->name);
		return;
	}
	ret->health = strcmp(d->health, "planned") == 0 ? "published" : "broken";
	err_problem(&ret->finding, ERR_CONFIG, "delegation-different", "_acme-challenge.%s is a CNAME to %s, not to %s", d->name,
	            hops, d->target);
	err_hint(&ret->finding, "change the record to: %s", delegation_record(a, d));
}

struct health_write {
	const struct delegation         *d;
	const struct delegation_verdict *verdict;
};

static bool write_health(struct db *db, void *arg, struct err *err)
{
	struct health_write *x = arg;
	const struct err    *f = &x->verdict->finding;
	int64_t              now = clock_now_ms();

	if (!delegation_set_health(db, x->d->id, x->verdict->health, f->problem, f->text, now, err) ||
	    !notify_delegation(db, x->d, x->verdict->health, f, now, err))
		return false;
	return f->class != ERR_NONE || schedule_wake_delegation(db, x->d->id, steps[STEP_PREFLIGHT].name, now, err);
}

bool delegation_look(struct worker *w, struct arena *a, const struct delegation *d, struct delegation_verdict *ret,
                     struct err *err)
{
	struct delegation_verdict verdict = { .health = d->health };
	struct health_write       write = { d, &verdict };
	struct dns_chain          chain;
	char                      name[NAME_SIZE];

	if (!name_challenge(d->name, name))
		return err_problem(err, ERR_INPUT, "invalid-name", "_acme-challenge.%s is longer than a name may be", d->name);
	if (!dns_lookup_chain(w->resolver, a, name, delegation_is_direct(d) ? "" : d->target, w->settings.resolver_timeout_ms, &chain, err))
		return err_in(err, "look-up of %s", name);
	judge(a, d, &chain, &verdict);
	if (!store_write(w->store, write_health, &write, err))
		return false;
	worker_changed(w, "delegation", d->id);
	if (verdict.finding.class == ERR_NONE)
		worker_kick(w, clock_now_ms());
	*ret = verdict;
	return true;
}

static bool write_forget(struct db *db, void *arg, struct err *err)
{
	return delegation_remove(db, arg, clock_now_ms(), err);
}

/* Planned by a request, never published and used by nothing: a mistyped name does not stay for ever. */
static bool forgotten(struct job *job, struct db *db, const struct delegation *d, bool *ret, struct err *err)
{
	bool routed = true;

	*ret = false;
	if (strcmp(d->health, "planned") != 0 || d->verified_at != 0 || clock_now_ms() - d->created_at < FORGET_MS)
		return true;
	if (!delegation_routed(db, d->id, &routed, err))
		return false;
	*ret = !routed;
	if (*ret)
		log_info("delegation=%s name=%s outcome=removed cause=\"planned and never published\"", d->id, d->name);
	return !*ret || store_write(job->worker->store, write_forget, arena_strdup(job->arena, d->id), err);
}

static int64_t recheck_ms(const struct delegation *d, const struct delegation_verdict *verdict)
{
	int64_t age_ms = clock_now_ms() - d->created_at;

	if (strcmp(verdict->health, "verified") == 0 && verdict->finding.class == ERR_NONE)
		return RECHECK_VERIFIED_MS;
	if (strcmp(verdict->health, "planned") != 0)
		return RECHECK_BROKEN_MS;
	return age_ms / 4 < RECHECK_PLANNED_MS ? RECHECK_PLANNED_MS : age_ms / 4;
}

enum outcome run_look(struct job *job, struct err *err)
{
	struct delegation         d;
	struct delegation_verdict verdict;
	struct db                *db;
	bool                      gone;

	if (!job_reader(job, &db, err) || !delegation_find(db, job->arena, job->row.subject, &d, err) ||
	    !forgotten(job, db, &d, &gone, err))
		return job_outcome(err);
	if (d.removed_at != 0 || gone) {
		job->next = STEP_LOOKED;
		return OUT_DONE;
	}
	if (!delegation_look(job->worker, job->arena, &d, &verdict, err))
		return OUT_RETRY;
	if (strcmp(verdict.health, "broken") == 0)
		log_warn("delegation=%s name=%s health=broken cause=\"%s\"", d.id, d.name, verdict.finding.text);
	return job_wait(job, clock_now_ms() + rand_jitter(recheck_ms(&d, &verdict), 20), "%s", verdict.health);
}

/* ---- making ---- */

struct connection_pick {
	const struct connection *best;
	bool                     tie;
	const char              *names;
};

/* The longest zone; of equals the default of its provider. */
static void pick_add(struct arena *a, struct connection_pick *pick, const struct connection *c)
{
	size_t len = strlen(c->zone), best_len = pick->best != NULL ? strlen(pick->best->zone) : 0;

	if (pick->best != NULL && len == best_len && pick->best->is_default == c->is_default) {
		pick->tie = true;
		pick->names = arena_printf(a, "%s, %s", pick->names, c->name);
	} else if (pick->best == NULL || len > best_len || (len == best_len && c->is_default)) {
		*pick = (struct connection_pick){ .best = c, .names = c->name };
	}
}

bool connection_for(struct db *db, struct arena *a, const char *project_id, const char *provider, const char *name,
                    const char *owner, struct connection *ret, struct err *err)
{
	struct connection       *all;
	struct connection_pick   pick = { .names = "" };
	const struct connection *by_default = NULL;
	size_t                   count;
	const char              *zones = "";
	bool                     asked = provider[0] != '\0' || name[0] != '\0';

	if (!connection_list(db, a, project_id, provider, &all, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct connection *c = &all[i];
		bool                     builtin = strcmp(c->provider, CONNECTION_BUILTIN) == 0;

		if (c->zone[0] != '\0')
			zones = arena_printf(a, "%s%s%s", zones, zones[0] != '\0' ? ", " : "", c->zone);
		if (name[0] != '\0' && strcmp(c->name, name) != 0 && strcmp(c->id, name) != 0)
			continue;
		/* A generated target needs a zone to be in; without a word it is in our own. */
		if (c->zone[0] != '\0' && (name[0] != '\0' || (c->is_default && (builtin || provider[0] != '\0'))))
			by_default = c;
		/* A connection without a zone finds it in the account, when it is asked for. */
		if (owner[0] != '\0' && (c->zone[0] != '\0' ? name_in_zone(owner, c->zone) : asked))
			pick_add(a, &pick, c);
	}
	if (pick.tie) {
		err_problem(err, ERR_CONFLICT, "ambiguous-connection", "%s can be written by more than one connection: %s", owner,
		            pick.names);
		return err_hint(err, "name one of them with account_id (connection), or make one the default of its provider");
	}
	if (pick.best != NULL) {
		*ret = *pick.best;
		return true;
	}
	if (owner[0] == '\0' && by_default != NULL) {
		*ret = *by_default;
		return true;
	}
	if (count == 0 && provider[0] != '\0' && strcmp(provider, CONNECTION_BUILTIN) != 0) {
		err_problem(err, ERR_CONFIG, "no-connection", "there is no connection of the provider %s", provider);
		return err_hint(err, "add one: reeve connection add NAME --provider %s", provider);
	}
	if (count == 0) {
		err_problem(err, ERR_CONFIG, "no-connection", "Reeve serves no validation zone");
		return err_hint(err, "set [zone] names in reeve.toml and restart");
	}
	if (owner[0] == '\0' || (name[0] != '\0' && by_default == NULL)) {
		err_problem(err, ERR_CONFIG, "no-connection", "there is no connection \"%s\" with a zone of its own", name);
		return err_hint(err, "zones that can be written: %s", zones);
	}
	err_problem(err, ERR_CONFIG, "no-connection", "no connection can write at %s", owner);
	return err_hint(err, "choose a target inside one of these zones: %s", zones);
}

bool delegation_make(struct worker *w, struct arena *a, const struct delegation_wish *wish, struct delegation *ret,
                     struct err *err)
{
	struct db        *db = store_reader(w->store, err);
	struct connection connection;
	struct delegation d = { .project_id = wish->project_id, .name = wish->name, .kind = wish->target[0] != '\0' ? "named" : "generated",
		                .health = "planned", .problem = "", .finding = "", .zone = "", .row_version = 1 };
	uint8_t           mac[ROW_MAC_SIZE];
	char              id[ID_SIZE], challenge[NAME_SIZE];

	if (!name_challenge(wish->name, challenge))
		return err_problem(err, ERR_INPUT, "invalid-name", "_acme-challenge.%s is longer than a name may be", wish->name);
	if (db == NULL || (wish->place == NULL && !connection_for(db, a, wish->project_id, wish->provider, wish->connection,
	                                                         wish->target, &connection, err)))
		return false;
	if (wish->place != NULL) {
		connection = wish->place->connection;
		d.kind = wish->place->direct ? "direct" : "named";
		d.target = wish->place->target;
		d.zone = strcmp(wish->place->zone, connection_zone(a, &connection)) == 0 ? "" : wish->place->zone;
	} else if (wish->target[0] != '\0') {
		d.target = wish->target;
	} else if (connection_holds(w, &connection) > 0) {
		d.kind = "named";
		d.target = connection.zone; /* the only name that it can write */
	} else {
		uint8_t label[LABEL_BYTES];

		rand_bytes(label, sizeof(label));
		d.target = arena_printf(a, "%s.%s", base32_encode(a, str_of(label, sizeof(label))), connection.zone);
	}
	if (strcmp(d.target, challenge) == 0 && !delegation_is_direct(&d)) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s cannot point at itself", challenge);
		return err_hint(err, "choose a target in the validation zone, or none to have one generated");
	}
	id_new(id);
	d.id = wish->id[0] != '\0' ? wish->id : arena_strdup(a, id);
	d.connection_id = connection.id;
	d.created_at = clock_now_ms();
	if (!keeper_mac(w->keeper, "delegations", delegation_canonical(a, &d), 1, mac, err))
		return false;
	d.mac = arena_dup(a, str_of(mac, sizeof(mac)));
	*ret = d;
	return true;
}

bool delegation_plan(struct db *db, const struct delegation *d, struct err *err)
{
	int64_t job;

	if (!target_claim(db, d->target, d->project_id, delegation_is_direct(d) ? "named" : d->kind, d->created_at, err)) {
		if (err->class == ERR_CONFLICT)
			err_hint(err, "a target serves one project only: choose another one");
		return false;
	}
	return delegation_insert(db, d, err) &&
	       job_insert(db, "delegation-check", d->id, "", d->project_id, steps[STEP_LOOK].name, d->created_at + 60 * 1000, &job, err);
}
