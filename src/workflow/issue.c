/*
 * workflow/issue.c: see issue.h.
 *
 * Every name gets a route before the order exists: the explicit target given with the request, else the stored
 * delegation of the name, else a new one with a generated target, whose record the answer asks for. DNS is looked at
 * before anything is ordered: with `refuse` a delegation that does not hold is the answer, otherwise the order is
 * stored, parked in preflight, and goes on by itself when the record appears.
 */
#include "workflow/issue.h"

#include "acme/order.h"
#include "base/id.h"
#include "crypto/keys.h"
#include "keeper/keeper.h"
#include "store/certificate.h"
#include "store/project.h"
#include "workflow/connection.h"
#include "workflow/failover.h"
#include "workflow/issue_plan.h"
#include "workflow/names.h"
#include "workflow/rehearsal.h"
#include "workflow/steps.h"
#include "workflow/wish.h"

#define LOOK_BUDGET_MS 20000 /* for all names of one request together */
#define VALID_MAX_S    (398 * 86400)

bool issue_target(const char *text, char ret[static NAME_SIZE], struct err *err)
{
	char owner[NAME_SIZE];

	if (!owner_parse(str_c(text), owner, err))
		return err_in(err, "target \"%s\"", text);
	if (str_starts(str_c(owner), STR("_acme-challenge."))) {
		memcpy(ret, owner, NAME_SIZE);
		return true;
	}
	if (!name_challenge(owner, ret))
		return err_problem(err, ERR_INPUT, "invalid-name", "_acme-challenge.%s is longer than a name may be", owner);
	return true;
}

/* ---- reading the request ---- */

bool plan_names(struct plan *p, struct err *err)
{
	if (p->c->names_count == 0)
		return err_problem(err, ERR_INPUT, "invalid-request", "a certificate needs at least one name");
	if (p->c->names_count > ACME_IDENTIFIERS_MAX)
		return err_problem(err, ERR_INPUT, "invalid-request", "%zu names are more than a certificate may have (%d)",
		                   p->c->names_count, ACME_IDENTIFIERS_MAX);
	p->names = arena_alloc_array(p->a, p->c->names_count, sizeof(*p->names));
	for (size_t i = 0; i < p->c->names_count; i++) {
		struct identifier *id = &p->names[p->names_count];
		size_t             k = 0;

		if (!identifier_parse(str_c(p->c->names[i]), id, err))
			return false;
		while (k < p->names_count && strcmp(p->names[k].value, id->value) != 0)
			k++;
		if (k == p->names_count)
			p->names_count++;
	}
	return true;
}

bool plan_authority_named(struct plan *p, struct db *db, const char *name, struct authority *ret, struct err *err)
{
	if (authority_find_named(db, p->a, p->who->project_id, name, ret, err))
		return true;
	if (err->class == ERR_NOT_FOUND) {
		err_problem(err, ERR_CONFIG, "no-authority", "there is no authority \"%s\" in this project", name);
		err_hint(err, "`reeve authority list` shows what there is; `reeve authority add` adds one");
	}
	return false;
}

static bool plan_authority(struct plan *p, struct db *db, struct err *err)
{
	if (p->c->authority[0] != '\0')
		return plan_authority_named(p, db, p->c->authority, &p->authority, err);
	if (authority_find_default(db, p->a, p->who->project_id, &p->authority, err))
		return true;
	if (err->class == ERR_NOT_FOUND) {
		err_problem(err, ERR_CONFIG, "no-authority", "this project has no certificate authority");
		err_hint(err, "add one: reeve authority add letsencrypt --email YOU, or any other with --directory URL");
	}
	return false;
}

bool plan_fallback(struct plan *p, struct db *db, const char *name, const char *after, const char **ret_id, struct err *err)
{
	struct authority second;
	int64_t          after_ms;

	*ret_id = "";
	if (!failover_after_parse(str_c(after), &after_ms, err))
		return false;
	if (name[0] == '\0')
		return true;
	if (!plan_authority_named(p, db, name, &second, err))
		return false;
	if (strcmp(second.id, p->authority.id) == 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "the authority %s cannot be its own fall-back", second.name);
		return err_hint(err, "name another one, or none");
	}
	*ret_id = second.id;
	return plan_accepts(p, &second, err);
}

bool plan_accepts(struct plan *p, const struct authority *x, struct err *err)
{
	const struct certificate *c = &p->certificate;
	const struct acme_preset *preset = authority_preset(x);

	if (preset != NULL && c->valid_s > 0 && preset->not_after == ACME_NO) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s decides itself how long its certificates are valid", preset->title);
		return err_hint(err, "leave valid_days out%s", preset->profiles == ACME_YES ? "; its profiles differ in their life" : "");
	}
	if (preset != NULL && c->profile[0] != '\0' && preset->profiles == ACME_NO) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s has no profiles, so none called %s", preset->title, c->profile);
		return err_hint(err, "leave profile out, or use another authority");
	}
	return acme_preset_check(preset, p->names, p->names_count, c->profile[0] != '\0' ? c->profile : x->profile, err);
}

/* The form of what is wished; what the authorities make of it is plan_accepts(). */
static bool plan_wishes(const struct plan *p, struct err *err)
{
	if (p->c->valid_s < 0 || p->c->valid_s > VALID_MAX_S)
		return err_problem(err, ERR_INPUT, "invalid-request", "a certificate may be asked for at most %d days", VALID_MAX_S / 86400);
	return chain_wish_check(p->c->chain, err);
}

bool plan_key(struct plan *p, struct db *db, struct err *err)
{
	const struct certificate *c = &p->certificate;
	enum key_type             type;
	bool                      compromised = false;

	if (!key_type_parse(str_c(c->key_type), &type)) {
		err_problem(err, ERR_INPUT, "invalid-request", "unknown key type \"%s\"", c->key_type);
		return err_hint(err, "use p256, p384, rsa2048, rsa3072 or rsa4096");
	}
	if (strcmp(c->key_policy, "new") != 0 && strcmp(c->key_policy, "reuse") != 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "unknown key policy \"%s\"", c->key_policy);
		return err_hint(err, "use new (a key for each version) or reuse");
	}
	if (c->csr_spki[0] != '\0' && strcmp(c->key_policy, "reuse") == 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "a certificate made from a CSR has no key that Reeve could reuse");
		return err_hint(err, "leave key_policy out: the same request is sent again at each renewal, until it is replaced");
	}
	if (c->csr_spki[0] != '\0' && !version_key_compromised(db, c->csr_spki, &compromised, err))
		return false;
	if (!compromised)
		return true;
	err_problem(err, ERR_INPUT, "invalid-request", "the key of this CSR was reported compromised");
	return err_hint(err, "make a new key and a new CSR");
}

/* The target given for a base name, or NULL. */
static const char *alias_for(const struct plan *p, const char *base, struct err *err)
{
	const char *for_all = NULL;

	for (size_t i = 0; i < p->c->aliases_count; i++) {
		const struct command_alias *alias = &p->c->aliases[i];
		struct identifier           id;

		if (alias->name[0] == '\0') {
			for_all = alias->target;
			continue;
		}
		if (!identifier_parse(str_c(alias->name), &id, err))
			return NULL;
		if (strcmp(identifier_base(&id), base) == 0)
			return alias->target;
	}
	return for_all;
}

/* A stored delegation serves a request that names a provider or a connection only when it is written there. */
static bool written_by(struct plan *p, struct db *db, const struct delegation *d, const char *provider, const char *connection,
                       bool *ret, struct err *err)
{
	struct connection c;

	if (!connection_find(db, p->a, d->connection_id, &c, err))
		return false;
	*ret = (provider[0] == '\0' || strcmp(c.provider, provider) == 0) &&
	       (connection[0] == '\0' || strcmp(c.name, connection) == 0 || strcmp(c.id, connection) == 0);
	return true;
}

/* An explicit target, from here or stored. */
static bool plan_target(struct plan *p, struct db *db, const char *base, const char *target, const char *provider,
                        const char *connection, struct route *ret, struct err *err)
{
	struct delegation_wish wish = { .project_id = p->who->project_id, .id = "", .name = base, .target = target, .provider = provider,
		                        .connection = connection };
	struct err             missing = { 0 };
	bool                   fits;

	if (!delegation_find_target(db, p->a, p->who->project_id, base, target, &ret->delegation, &missing)) {
		ret->planned = true;
		if (missing.class == ERR_NOT_FOUND)
			return delegation_make(p->w, p->a, &wish, &ret->delegation, err);
		*err = missing;
		return false;
	}
	if (!written_by(p, db, &ret->delegation, provider, connection, &fits, err))
		return false;
	if (fits)
		return true;
	err_problem(err, ERR_CONFLICT, "conflict", "%s is delegated to %s already, written by another connection", base, target);
	return err_hint(err, "remove that delegation first: reeve delegation remove %s", ret->delegation.id);
}

static bool plan_route(struct plan *p, struct db *db, const char *base, struct route *ret, struct err *err)
{
	struct err        missing = { 0 };
	const char       *alias = alias_for(p, base, err);
	bool              other = alias != NULL && p->c->alias_provider[0] != '\0';
	char              target[NAME_SIZE] = "";
	const char       *provider, *connection = p->c->connection;
	struct place      place;
	bool              fits = false;

	ret->name = base;
	if (err->class != ERR_NONE || !connection_provider(p->w, p->a, other ? p->c->alias_provider : p->c->provider, &provider, err))
		return false;
	/* The account is one of dns_provider. */
	if (other && strcmp(p->c->alias_provider, p->c->provider) != 0)
		connection = "";
	if (alias != NULL && !connection_alias(p->w, p->a, p->who->project_id, provider, connection, alias, target, err))
		return false;
	if (alias != NULL && target[0] == '\0' && !issue_target(alias, target, err))
		return false;
	if (alias != NULL)
		return plan_target(p, db, base, arena_strdup(p->a, target), provider, connection, ret, err);
	/* What an edit does not speak of stays where it is. */
	for (size_t i = 0; i < p->kept_count; i++) {
		if (strcmp(p->kept[i].name, base) != 0)
			continue;
		if (!delegation_find(db, p->a, p->kept[i].delegation_id, &ret->delegation, err) ||
		    !written_by(p, db, &ret->delegation, provider, connection, &fits, err))
			return false;
		if (fits && ret->delegation.removed_at == 0)
			return true;
	}
	if (delegation_find_named(db, p->a, p->who->project_id, base, &ret->delegation, &missing)) {
		if (!written_by(p, db, &ret->delegation, provider, connection, &fits, err) || fits)
			return fits;
	} else if (missing.class != ERR_NOT_FOUND) {
		*err = missing;
		return false;
	}
	struct place_wish look = { p->who->project_id, base, &p->authority, provider, connection, p->look_until_ms };
	if (!place_find(p->w, p->a, &look, &place, err))
		return false;
	if (place.found && delegation_find_target(db, p->a, p->who->project_id, base, place.target, &ret->delegation, &missing))
		return true;
	struct delegation_wish wish = { .project_id = p->who->project_id, .id = "", .name = base, .target = "", .provider = provider,
		                        .connection = connection, .place = place.found ? &place : NULL };
	ret->planned = true;
	return delegation_make(p->w, p->a, &wish, &ret->delegation, err);
}

bool plan_routes(struct plan *p, struct db *db, struct err *err)
{
	p->routes = arena_alloc_array(p->a, p->names_count, sizeof(*p->routes));
	p->look_until_ms = clock_mono_ms() + LOOK_BUDGET_MS;
	for (size_t i = 0; i < p->names_count; i++) {
		const char *base = identifier_base(&p->names[i]);
		size_t      k = 0;

		while (k < p->routes_count && strcmp(p->routes[k].name, base) != 0)
			k++;
		if (k == p->routes_count && !plan_route(p, db, base, &p->routes[p->routes_count++], err))
			return false;
	}
	return true;
}

/* With `once` there is one certificate per first name; one that never came to be is taken up again. */
static bool plan_certificate(struct plan *p, struct db *db, struct err *err)
{
	struct certificate old;
	struct order       running;
	struct err         missing = { 0 };

	p->certificate = (struct certificate){ .id = p->c->certificate_id, .project_id = p->who->project_id,
		                               .name = p->names[0].value, .names = names_join(p->a, p->names, p->names_count),
		                               .authority_id = p->authority.id,
		                               .key_type = p->c->key_type[0] != '\0' ? p->c->key_type : "p256",
		                               .profile = p->c->profile, .chain = p->c->chain, .valid_s = p->c->valid_s,
		                               .facade = p->c->facade, .created_at = clock_now_ms(), .row_version = 1,
		                               .auto_renew = true, .renew_before = "",
		                               .key_policy = p->c->key_policy[0] != '\0' ? p->c->key_policy : "new",
		                               .csr_spki = p->c->csr_spki, .fallback_after = p->c->fallback_after };
	if (!plan_wishes(p, err) || !plan_accepts(p, &p->authority, err) ||
	    !plan_fallback(p, db, p->c->fallback, p->c->fallback_after, &p->certificate.fallback_id, err) || !plan_key(p, db, err))
		return false;
	if (!p->c->once || p->c->dry_run)
		return true;
	if (!certificate_find_named(db, p->a, p->who->project_id, p->certificate.name, &old, &missing)) {
		if (missing.class == ERR_NOT_FOUND)
			return true;
		*err = missing;
		return false;
	}
	if (order_find_running(db, p->a, old.id, &running, &missing)) {
		err_problem(err, ERR_CONFLICT, "order-running", "an order for %s is running", old.name);
		return err_hint(err, "wait for it: reeve order show %s", running.id);
	}
	if (old.version > 0) {
		err_problem(err, ERR_CONFLICT, "already-exists", "there is a certificate for %s", old.name);
		return err_hint(err, "renew it, or reissue it to change its names");
	}
	p->certificate.id = old.id;
	p->certificate.row_version = old.row_version;
	p->existing = true;
	return true;
}

/* ---- writing ---- */

bool plan_write_delegations(struct db *db, void *arg, struct err *err)
{
	struct plan *p = arg;

	for (size_t i = 0; i < p->routes_count; i++)
		if (p->routes[i].planned && !delegation_plan(db, &p->routes[i].delegation, err))
			return err_in(err, "delegation of %s", p->routes[i].name);
	return true;
}

/* What is to be rehearsed need not exist: its row is hidden from the start. */
static bool write_dry_run(struct db *db, void *arg, struct err *err)
{
	struct plan             *p = arg;
	struct certificate_route *routes = arena_alloc_array(p->a, p->routes_count, sizeof(*routes));
	struct rehearsal_plan     r = { .like = p->certificate, .staging_id = p->staging.id, .certificate_id = p->certificate.id,
		                        .order_id = p->order_id, .waiting_id = "", .csr = p->c->csr, .routes = routes, .routes_count = p->routes_count };

	for (size_t i = 0; i < p->routes_count; i++)
		routes[i] = (struct certificate_route){ p->routes[i].name, p->routes[i].delegation.id };
	r.note = arena_printf(p->a, "dry run for %s, at its staging directory %s", p->authority.name, p->staging.name);
	return rehearsal_place(db, &r, clock_now_ms(), err) &&
	       audit_insert(db, clock_now_ms(), p->who->project_id, p->who->principal, "certificate-dry-run", p->certificate.id,
	                    p->certificate.names, err);
}

bool order_start_at(struct db *db, const struct certificate *c, const char *authority_id, const char *order_id, struct err *err)
{
	int64_t      now = clock_now_ms(), job;
	struct order order = { .id = order_id, .project_id = c->project_id, .certificate_id = c->id, .version_id = "",
		               .authority_id = authority_id, .account_id = "", .status = "running",
		               .step = steps[STEP_KEY].name, .order_url = "", .finalize_url = "", .certificate_url = "",
		               .problem = "", .detail = "", .hint = "", .created_at = now, .row_version = 1 };

	return order_insert(db, &order, err) &&
	       job_insert(db, "order", order_id, order_id, c->project_id, steps[STEP_KEY].name, now, &job, err) &&
	       failover_watch(db, c, &order, now, err);
}

bool order_start(struct db *db, const struct certificate *c, const char *order_id, struct err *err)
{
	return order_start_at(db, c, c->authority_id, order_id, err);
}

static bool write_issue(struct db *db, void *arg, struct err *err)
{
	struct plan       *p = arg;
	struct certificate old;
	struct err         missing = { 0 };

	/* The looks took their time: another request for the same name may have been faster. */
	if (p->c->once && !p->existing) {
		if (certificate_find_named(db, p->a, p->who->project_id, p->certificate.name, &old, &missing)) {
			err_problem(err, ERR_CONFLICT, "order-running", "an order for %s was made just now", old.name);
			return err_hint(err, "look at it: reeve certificate show %s", old.name);
		}
		if (missing.class != ERR_NOT_FOUND) {
			*err = missing;
			return false;
		}
	}
	if (p->existing ? !certificate_update(db, &p->certificate, err) : !certificate_insert(db, &p->certificate, err))
		return false;
	if ((p->existing || p->c->csr.len > 0) && !certificate_set_csr(db, p->certificate.id, p->c->csr, err))
		return false;
	for (size_t i = 0; i < p->routes_count; i++)
		if (!certificate_route_set(db, p->certificate.id, p->routes[i].name, p->routes[i].delegation.id, err))
			return false;
	return order_start(db, &p->certificate, p->order_id, err) &&
	       audit_insert(db, clock_now_ms(), p->who->project_id, p->who->principal, "certificate-issue", p->certificate.id,
	                    p->certificate.names, err);
}

/* The first route that does not hold; class ERR_NONE when all do. */
bool plan_look(struct plan *p, struct err *ret_finding, struct err *err)
{
	int64_t until = clock_mono_ms() + LOOK_BUDGET_MS;

	*ret_finding = (struct err){ 0 };
	for (size_t i = 0; i < p->routes_count && ret_finding->class == ERR_NONE; i++) {
		struct certificate_route route = { p->routes[i].name, p->routes[i].delegation.id };
		struct delegation        d;

		if (clock_mono_ms() > until) {
			err_problem(ret_finding, ERR_CONFIG, "delegation-unknown", "the look-ups of %zu names took too long", p->routes_count);
			err_hint(ret_finding, "the name servers are slow; try again, the names found good are not asked again");
			return true;
		}
		if (!preflight_route(p->w, p->a, p->who->project_id, &route, &d, ret_finding, err))
			return false;
	}
	return true;
}

void plan_reply(struct arena *a, struct command_reply *ret, const struct err *finding)
{
	ret->problem = arena_strdup(a, finding->problem);
	ret->detail = arena_strdup(a, finding->text);
	ret->hint = arena_strdup(a, finding->hint);
}

bool issue_certificate(struct worker *w, struct arena *a, const struct command_who *who, const struct command_issue *c,
                       struct command_reply *ret, struct err *err)
{
	struct plan  p = { .w = w, .a = a, .who = who, .c = c, .order_id = c->order_id };
	struct db   *db = store_reader(w->store, err);
	struct order again;
	struct err   finding, missing = { 0 };

	if (db == NULL)
		return false;
	if (order_find(db, a, c->order_id, &again, &missing)) {
		ret->id = again.certificate_id;
		ret->order_id = again.id;
		return true;
	}
	if (!plan_names(&p, err) || !plan_authority(&p, db, err) ||
	    (c->dry_run && !rehearsal_staging(db, a, &p.authority, &p.staging, err)) || !plan_certificate(&p, db, err) || !plan_routes(&p, db, err) ||
	    !store_write(w->store, plan_write_delegations, &p, err) || !plan_look(&p, &finding, err))
		return false;
	if (finding.class != ERR_NONE && c->refuse) {
		*err = finding;
		return false;
	}
	if (!store_write(w->store, c->dry_run ? write_dry_run : write_issue, &p, err))
		return false;
	worker_kick(w, clock_now_ms());
	ret->id = p.certificate.id;
	ret->order_id = p.order_id;
	ret->row_version = 1;
	plan_reply(a, ret, &finding);
	return true;
}

/* ---- renewal: the same names, authority and routes ---- */

struct renewal {
	const struct command_who *who;
	struct certificate        certificate;
	const char               *order_id;
};

bool issue_authority_there(struct db *db, struct arena *a, const struct certificate *c, struct err *err)
{
	struct authority x;

	if (!authority_find(db, a, c->authority_id, &x, err))
		return false;
	if (x.removed_at == 0)
		return true;
	err_problem(err, ERR_CONFIG, "no-authority", "the authority %s of %s was removed", x.name, c->name);
	return err_hint(err, "give it another one: reeve certificate set %s --authority NAME", c->name);
}

static bool write_renewal(struct db *db, void *arg, struct err *err)
{
	struct renewal *r = arg;

	return failover_order_start(db, &r->certificate, r->order_id, err) &&
	       audit_insert(db, clock_now_ms(), r->who->project_id, r->who->principal, "certificate-renew", r->certificate.id,
	                    r->certificate.names, err);
}

bool issue_renewal(struct worker *w, struct arena *a, const struct command_who *who, const char *certificate,
                   const char *order_id, struct command_reply *ret, struct err *err)
{
	struct renewal r = { .who = who, .order_id = order_id };
	struct db     *db = store_reader(w->store, err);
	struct order   again;
	struct err     missing = { 0 };

	if (db == NULL)
		return false;
	if (order_find(db, a, order_id, &again, &missing)) {
		ret->id = again.certificate_id;
		ret->order_id = again.id;
		return true;
	}
	if (!certificate_find_named(db, a, who->project_id, certificate, &r.certificate, err))
		return false;
	if (r.certificate.paused_at != 0) {
		err_problem(err, ERR_CONFLICT, "paused", "the certificate %s is paused", r.certificate.name);
		return err_hint(err, "`reeve certificate resume %s`, then renew it", r.certificate.name);
	}
	if (!issue_authority_there(db, a, &r.certificate, err) || !store_write(w->store, write_renewal, &r, err))
		return false;
	worker_kick(w, clock_now_ms());
	ret->id = r.certificate.id;
	ret->order_id = order_id;
	ret->row_version = 1;
	return true;
}

/* ---- a rehearsal of what is there ---- */

struct rehearse_write {
	const struct command_who *who;
	struct rehearsal_plan     plan;
};

static bool write_rehearse(struct db *db, void *arg, struct err *err)
{
	struct rehearse_write *x = arg;

	return rehearsal_place(db, &x->plan, clock_now_ms(), err) &&
	       audit_insert(db, clock_now_ms(), x->who->project_id, x->who->principal, "certificate-dry-run", x->plan.like.id,
	                    x->plan.like.names, err);
}

bool issue_rehearsal(struct worker *w, struct arena *a, const struct command_who *who, const char *certificate,
                     const char *order_id, struct command_reply *ret, struct err *err)
{
	struct rehearse_write     x = { .who = who };
	struct db                *db = store_reader(w->store, err);
	struct authority          authority, staging;
	struct certificate_route *routes;
	struct order              again;
	struct err                missing = { 0 };
	char                      id[ID_SIZE];

	if (db == NULL)
		return false;
	ret->order_id = order_id;
	if (order_find(db, a, order_id, &again, &missing)) {
		ret->id = again.certificate_id;
		return true;
	}
	if (!certificate_find_named(db, a, who->project_id, certificate, &x.plan.like, err) ||
	    !issue_authority_there(db, a, &x.plan.like, err) || !authority_find(db, a, x.plan.like.authority_id, &authority, err) ||
	    !rehearsal_csr(db, a, &x.plan.like, &x.plan.csr, err) || !rehearsal_staging(db, a, &authority, &staging, err) ||
	    !certificate_route_list(db, a, x.plan.like.id, &routes, &x.plan.routes_count, err))
		return false;
	id_new(id);
	x.plan.routes = routes;
	x.plan.staging_id = staging.id;
	x.plan.certificate_id = arena_strdup(a, id);
	x.plan.order_id = order_id;
	x.plan.waiting_id = "";
	x.plan.note = arena_printf(a, "dry run of %s, at the staging directory %s of %s", x.plan.like.name, staging.name, authority.name);
	if (!store_write(w->store, write_rehearse, &x, err))
		return false;
	worker_kick(w, clock_now_ms());
	ret->id = x.plan.certificate_id;
	ret->row_version = 1;
	return true;
}
