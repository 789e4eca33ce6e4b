/*
 * workflow/connection.c: see connection.h; and the job that looks at each connection again and again, so that a credential
 * that expired is known long before a renewal needs it.
 */
#include "workflow/connection.h"

#include "base/id.h"
#include "base/rand.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"
#include "keeper/keeper.h"
#include "provider/credentials.h"
#include "provider/native.h"
#include "workflow/notification.h"
#include "workflow/session.h"
#include "workflow/steps.h"

#define CALL_TIMEOUT_MS 20000u /* well within a lease, with a look-up and a second request */
#define CHECK_GOOD_MS   (24 * 3600 * 1000)
#define CHECK_BAD_MS    (3600 * 1000)
#define TEST_LABEL      "_reeve-test"

/* ---- providers ---- */

bool connection_provider(struct worker *w, struct arena *a, const char *name, const char **ret, struct err *err)
{
	const struct recipe *recipe;
	struct book_page    *page;
	bool                 ok;

	if (name[0] == '\0' || strcmp(name, PROVIDER_BUILTIN) == 0) {
		*ret = name;
		return true;
	}
	if (strcmp(name, "reeve") == 0) {
		*ret = PROVIDER_BUILTIN;
		return true;
	}
	page = book_take(w->book);
	ok = recipes_find(book_recipes(page), name, &recipe, err);
	if (ok)
		*ret = arena_strdup(a, recipe->id);
	book_give_back(w->book, page);
	if (ok)
		return true;
	if (err != NULL && err->class == ERR_INPUT)
		err->class = ERR_CONFIG;
	return err_hint(err, "`reeve provider list` shows what there is; \"" PROVIDER_BUILTIN "\" is the zone that Reeve serves itself");
}

/* ---- opening ---- */

const struct provider *connection_kind(const struct connection *c)
{
	const struct provider *own = provider_find(c->provider);

	return own != NULL ? own : provider_find(PROVIDER_RECIPE);
}

static bool settings_read(struct connection_use *u, const struct connection *c, struct err *err)
{
	struct cidr *allowed = arena_alloc_array(u->arena, CIDRS_MAX, sizeof(*allowed));

	if (!authority_cidrs(c->allow_addresses, allowed, &u->account.allowed_count, err))
		return false;
	u->account.allowed = allowed;
	u->account.base_url = c->base_url[0] != '\0' ? arena_strdup(u->arena, c->base_url) : NULL;
	u->account.proxy = arena_strdup(u->arena, c->proxy);
	u->account.ca_pem = arena_dup(u->arena, str_c(c->ca_pem));
	u->account.timeout_ms = CALL_TIMEOUT_MS;
	return true;
}

/* Budgets and sessions belong to a credential, not to a row: two connections with the same one share them. */
static void name_account(struct connection_use *u, struct str plain)
{
	char digest[SHA256_HEX_SIZE];

	sha256_hex(plain, digest);
	u->account.id = arena_printf(u->arena, "%s %s %s", u->account.recipe->id, u->account.base_url != NULL ? u->account.base_url : "",
	                             digest);
}

static bool credentials_open(struct connection_use *u, const struct connection *c, struct err *err)
{
	struct record_id record;
	struct str       plain;
	bool             ok;

	connection_record(u->arena, c, &record);
	if (!keeper_open_credential(u->w->keeper, &record, c->credentials, u->arena, &plain, err)) {
		if (err != NULL && strcmp(err->problem, "tampered") == 0)
			err_hint(err, "the row was changed outside of Reeve: `reeve connection update %s` with its credentials seals it anew", c->name);
		return err_in(err, "connection %s", c->name);
	}
	ok = credentials_read(u->arena, plain, &u->credentials, &u->credentials_count, err);
	if (ok)
		name_account(u, plain);
	wipe((void *)(uintptr_t)plain.ptr, plain.len);
	u->account.credentials = u->credentials;
	u->account.credentials_count = u->credentials_count;
	return ok;
}

/* An id of the zone is what the recipe calls it, in place of one among the credentials. */
static bool zone_read(struct connection_use *u, const struct connection *c, const char *spec, struct err *err)
{
	const struct recipe      *recipe = u->account.recipe;
	struct engine_credential *list;
	const char               *id;
	size_t                    count = 0;

	zone_spec_split(u->arena, spec[0] != '\0' ? spec : connection_zone(u->arena, c), &u->zone, &id);
	u->zone = arena_strdup(u->arena, u->zone);
	if (id[0] == '\0')
		return true;
	if (recipe->zone.given == NULL) {
		err_problem(err, ERR_CONFIG, "zone-not-found", "%s knows its zones by name: there is no zone id", recipe->title);
		return err_hint(err, "give the name of the zone instead of %s", id);
	}
	list = arena_alloc_array(u->arena, u->credentials_count + 1, sizeof(*list));
	for (size_t i = 0; i < u->credentials_count; i++)
		if (recipe_credential_find(recipe, u->credentials[i].name) != recipe_credential_find(recipe, recipe->zone.given))
			list[count++] = u->credentials[i];
	list[count++] = (struct engine_credential){ recipe->zone.given, arena_strdup(u->arena, id) };
	u->account.credentials = list;
	u->account.credentials_count = count;
	return true;
}

/* A provider that hangs must not keep the threads that CAs and other providers need. */
static bool turn_take(struct worker *w, struct err *err)
{
	unsigned most = w->settings.threads > 1 ? w->settings.threads - (w->settings.threads + 3) / 4 : 1;

	if (__atomic_add_fetch(&w->outside, 1, __ATOMIC_RELAXED) <= most)
		return true;
	__atomic_sub_fetch(&w->outside, 1, __ATOMIC_RELAXED);
	err_problem(err, ERR_TEMPORARY, "too-many-requests", "%u requests to DNS providers are under way", most);
	if (err != NULL)
		err->retry_after_s = 1;
	return false;
}

bool connection_use_open(struct worker *w, struct http_client *http, const struct connection *c, const char *spec,
                         struct connection_use *ret, struct err *err)
{
	struct connection_use u = { .w = w, .provider = connection_kind(c), .context = { .dns = w->dns }, .zone = c->zone };

	if (strcmp(c->provider, PROVIDER_BUILTIN) == 0) {
		pthread_rwlock_rdlock(&w->dns_lock);
		*ret = u;
		return true;
	}
	if (http != NULL && !turn_take(w, err))
		return false;
	u.outside = true;
	u.turn = http != NULL;
	u.arena = arena_new();
	u.page = book_take(w->book);
	if (!recipes_find(book_recipes(u.page), c->provider, &u.account.recipe, err)) {
		if (err != NULL)
			err->class = ERR_CONFIG;
		err_in(err, "connection %s", c->name);
		connection_use_close(&u);
		return false;
	}
	if (!settings_read(&u, c, err) || !credentials_open(&u, c, err) || !zone_read(&u, c, spec, err)) {
		connection_use_close(&u);
		return false;
	}
	*ret = u;
	ret->context = (struct provider_context){ w->dns, w->recipe_engine, http, &ret->account };
	return true;
}

void connection_use_close(struct connection_use *u)
{
	if (!u->outside)
		pthread_rwlock_unlock(&u->w->dns_lock);
	if (u->turn)
		__atomic_sub_fetch(&u->w->outside, 1, __ATOMIC_RELAXED);
	credentials_wipe(u->credentials, u->credentials_count);
	book_give_back(u->w->book, u->page);
	arena_free(u->arena);
	*u = (struct connection_use){ 0 };
}

bool connection_check(struct worker *w, const struct connection *c, struct err *err)
{
	struct connection_use u;
	bool                  ok;

	if (!connection_use_open(w, NULL, c, "", &u, err))
		return false;
	ok = engine_account_check(&u.account, err);
	connection_use_close(&u);
	return ok;
}

/* ---- accounts that can write one name ---- */

unsigned connection_holds(struct worker *w, const struct connection *c)
{
	struct book_page    *page;
	const struct recipe *recipe;
	unsigned             holds = 0;

	if (strcmp(c->provider, PROVIDER_BUILTIN) == 0)
		return 0;
	page = book_take(w->book);
	if (recipes_find(book_recipes(page), c->provider, &recipe, NULL) && recipe->native != NULL)
		holds = recipe->native->holds;
	book_give_back(w->book, page);
	return holds;
}

/* The names, in the order of the recipe. */
static const char *fields_text(struct arena *a, const struct engine_credential *list, size_t count)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? " " : "", list[i].name);
	return text;
}

static bool enroll_and_seal(struct connection_use *u, struct arena *a, struct connection *c, struct err *err)
{
	AUTO(buf_wipe) struct buf plain;
	struct engine_credential *list;
	struct record_id          record;
	const char               *zone;
	size_t                    count;
	bool                      ok;

	buf_init(&plain, CREDENTIALS_SIZE_MAX);
	if (!engine_enroll(u->context.engine, u->context.http, &u->account, u->arena, &list, &count, &zone, err))
		return false;
	if (count == 0)
		return true;
	if (c->zone[0] != '\0' && strcmp(c->zone, zone) != 0)
		return err_problem(err, ERR_INPUT, "invalid-request", "the account can write at %s only, so that is its zone, not %s", zone, c->zone);
	c->zone = arena_strdup(a, zone);
	c->fields = fields_text(a, list, count);
	ok = credentials_write(u->account.recipe, list, count, &plain, err);
	credentials_wipe(list, count);
	connection_record(a, c, &record);
	return ok && keeper_seal(u->w->keeper, &record, buf_str(&plain), a, &c->credentials, err);
}

bool connection_enroll(struct worker *w, struct arena *a, struct connection *c, struct err *err)
{
	AUTO(http_client_freep) struct http_client *http = NULL;
	struct connection_use                       u;
	bool                                        ok;

	if (connection_holds(w, c) == 0)
		return true;
	http = http_client_new();
	if (!connection_use_open(w, http, c, "", &u, err))
		return false;
	ok = enroll_and_seal(&u, a, c, err);
	connection_use_close(&u);
	return ok;
}

static bool alias_is(const char *alias, const char *name, size_t len)
{
	size_t alias_len = strlen(alias);

	if (alias_len > 0 && alias[alias_len - 1] == '.')
		alias_len--;
	return str_eq_nocase(str_of(alias, alias_len), str_of(name, len));
}

bool connection_alias(struct worker *w, struct arena *a, const char *project_id, const char *provider, const char *connection,
                      const char *alias, char ret[static NAME_SIZE], struct err *err)
{
	struct db         *db = store_reader(w->store, err);
	struct connection *all;
	const char        *accounts = "";
	size_t             count, others = 0;

	if (db == NULL || !connection_list(db, a, project_id, provider, &all, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct connection *c = &all[i];
		size_t                   label = strcspn(c->zone, ".");

		if (connection[0] != '\0' && strcmp(c->name, connection) != 0 && strcmp(c->id, connection) != 0)
			continue;
		if (c->zone[0] == '\0' || connection_holds(w, c) == 0) {
			others++;
			continue;
		}
		if (alias_is(alias, c->zone, strlen(c->zone)) || alias_is(alias, c->zone, label)) {
			snprintf(ret, NAME_SIZE, "%s", c->zone);
			return true;
		}
		accounts = arena_printf(a, "%s%ssubdomain %.*s, full domain %s", accounts, accounts[0] != '\0' ? "; or " : "", (int)label,
		                        c->zone, c->zone);
	}
	/* With other connections to choose from it is for them. */
	if (accounts[0] == '\0' || others > 0)
		return true;
	err_problem(err, ERR_INPUT, "invalid-request", "domain_alias %.253s is not the name of the account (%s)", alias, accounts);
	return err_hint(err, "give the subdomain or the full domain exactly, without a prefix, or leave domain_alias out");
}

/* ---- looking ---- */

struct health_write {
	const struct connection *c;
	const struct err        *finding;
};

static bool write_health(struct db *db, void *arg, struct err *err)
{
	struct health_write *x = arg;
	bool                 bad = x->finding->class != ERR_NONE;
	int64_t              now = clock_now_ms();

	return connection_set_health(db, x->c->id, bad ? "bad" : "good", x->finding->problem, x->finding->text, x->finding->hint, now,
	                             err) &&
	       notify_connection(db, x->c, x->finding, now, err);
}

static bool store_health(struct worker *w, const struct connection *c, const struct err *finding, struct err *err)
{
	struct health_write x = { c, finding };

	if (!store_write(w->store, write_health, &x, err))
		return false;
	worker_changed(w, "connection", c->id);
	return true;
}

bool connection_told_to_wait(const struct err *why)
{
	return why->class == ERR_TEMPORARY && strcmp(why->problem, "too-many-requests") == 0 && why->retry_after_s > 0;
}

void connection_refused(struct worker *w, const struct connection *c, const struct err *why)
{
	struct err ignored = { 0 };

	if (why->class != ERR_CONFIG || strcmp(c->provider, PROVIDER_BUILTIN) == 0)
		return;
	log_warn("connection=%s provider=%s health=bad problem=%s cause=\"%s\"", c->name, c->provider, why->problem, why->text);
	if (!store_health(w, c, why, &ignored))
		log_warn("connection=%s cause=\"%s\"", c->name, ignored.text);
}

enum outcome connection_outcome(struct job *job, const struct connection *c, const struct err *why)
{
	/* A person may take days: that is no failure either. */
	if (connection_told_to_wait(why) || strcmp(why->problem, "manual-step") == 0) {
		job->attempts = job->row.attempts;
		job->shown = *why;
		return job_wait(job, clock_now_ms() + rand_jitter((int64_t)why->retry_after_s * 1000, 20), "%s", why->text);
	}
	connection_refused(job->worker, c, why);
	return why->class == ERR_CONFIG && strcmp(c->provider, PROVIDER_BUILTIN) != 0 ? OUT_RETRY : job_outcome(why);
}

/* There is no zone to look into: that none holds a name nobody has shows that the credential is good. */
static bool look_at_account(const struct connection_use *u, struct err *err)
{
	struct provider_value value = { "", TEST_LABEL ".reeve.invalid", "" };
	char                  zone[NAME_SIZE];

	if (engine_zone(u->context.engine, u->context.http, &u->account, &value, zone, err))
		return true;
	if (strcmp(err->problem, "zone-not-found") != 0)
		return false;
	*err = (struct err){ 0 };
	return true;
}

/* The value is always the same: one that a crash left behind goes with the next probe. */
static bool look_by_writing(const struct connection_use *u, const struct provider_value *value, struct err *err)
{
	struct err why = { 0 };
	bool       there = false;

	if (!u->provider->add(&u->context, value, err))
		return err_in(err, "writing at %s", value->owner);
	if (!u->provider->present(&u->context, value, &there, &why) || !there) {
		if (why.class == ERR_NONE)
			err_problem(&why, ERR_CONFIG, "provider-refused", "a value that was written at %s is not listed", value->owner);
	}
	if (!u->provider->remove(&u->context, value, err))
		return err_in(err, "removing at %s", value->owner);
	if (why.class != ERR_NONE) {
		*err = why;
		return false;
	}
	return true;
}

static bool look_at_zone(const struct connection_use *u, const struct connection *c, bool probe, struct err *err)
{
	struct provider_value value = { u->zone, arena_printf(u->arena, TEST_LABEL ".%s", u->zone),
		                        arena_printf(u->arena, "reeve-test-%s", c->id) };
	bool                  there;

	if (!u->provider->present(&u->context, &value, &there, err))
		return false;
	return !probe || look_by_writing(u, &value, err);
}

bool connection_look(struct worker *w, struct http_client *http, const struct connection *c, bool probe, struct err *ret_finding,
                     struct err *err)
{
	struct connection_use u;
	struct err            finding = { 0 };

	if (probe && c->zone[0] == '\0') {
		err_problem(err, ERR_INPUT, "invalid-request", "the connection %s names no zone: there is no place to write to", c->name);
		return err_hint(err, "test without writing, or `reeve connection update %s --zone ZONE`", c->name);
	}
	if (probe && connection_holds(w, c) > 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s keeps only its newest values: a test would push one out", c->provider);
		return err_hint(err, "test without writing");
	}
	if (connection_use_open(w, http, c, "", &u, &finding)) {
		if (u.outside && !(c->zone[0] != '\0' ? look_at_zone(&u, c, probe, &finding) : look_at_account(&u, &finding)) &&
		    finding.class == ERR_NONE)
			err_problem(&finding, ERR_CONFIG, "configuration", "the provider gave no answer");
		connection_use_close(&u);
	}
	/* A peer that is away says nothing about the connection. */
	if (finding.class == ERR_TEMPORARY) {
		*err = finding;
		return false;
	}
	*ret_finding = finding;
	return store_health(w, c, &finding, err);
}

enum outcome run_connection_look(struct job *job, struct err *err)
{
	struct connection c;
	struct err        finding;
	struct db        *db;

	if (!job_reader(job, &db, err) || !connection_find(db, job->arena, job->row.subject, &c, err))
		return job_outcome(err);
	if (c.removed_at != 0) {
		job->next = STEP_CONNECTION_LOOKED;
		return OUT_DONE;
	}
	if (!connection_look(job->worker, job->thread->http, &c, false, &finding, err))
		return OUT_RETRY;
	if (finding.class != ERR_NONE)
		log_warn("connection=%s provider=%s health=bad problem=%s cause=\"%s\"", c.name, c.provider, finding.problem, finding.text);
	return job_wait(job, clock_now_ms() + rand_jitter(finding.class != ERR_NONE ? CHECK_BAD_MS : CHECK_GOOD_MS, 20), "%s",
	                finding.class != ERR_NONE ? "bad" : "good");
}

bool connection_plan(struct db *db, const struct connection *c, struct err *err)
{
	int64_t job;

	return connection_insert(db, c, err) &&
	       job_insert(db, "connection-check", c->id, "", c->project_id, steps[STEP_CONNECTION_LOOK].name, clock_now_ms(), &job, err);
}
