/*
 * workflow/admit.c: see admit.h; and the step between the verified delegations and the first request to the CA.
 */
#include "workflow/admit.h"

#include "base/rand.h"
#include "keeper/keeper.h"
#include "store/failure.h"
#include "store/renewal.h"
#include "workflow/names.h"
#include "workflow/policy.h"
#include "workflow/rehearsal.h"
#include "workflow/steps.h"

#define HOLD_MS       (3600 * (int64_t)1000) /* a limit without a time */
#define SPREAD_MIN_MS 250
#define SPREAD_DOUBLE 6                      /* parked again and again: spread over up to 64 intervals */

/* ---- the buckets of an order ---- */

static const char *scope_of(const struct gate *g, enum limit_id id)
{
	return limit_kinds[id].all_accounts ? g->authority.directory_url : g->authority.id;
}

bool gate_settings(struct db *db, struct arena *a, const struct authority *x, struct gate *ret, struct err *err)
{
	struct gate             g = { .authority = *x, .policy = { .authority_id = x->id, .staging_id = "", .limits = "",
		                                                   .rehearse_after = REHEARSE_AFTER } };
	struct authority_policy policy;
	struct err              missing = { 0 };

	limits_known(x->directory_url, &g.limits);
	if (authority_policy_find(db, a, x->id, &policy, &missing)) {
		g.policy = policy;
		if (!limits_parse(str_c(policy.limits), &g.limits, err))
			return err_in(err, "limits of authority %s", x->name);
	} else if (missing.class != ERR_NOT_FOUND) {
		*err = missing;
		return false;
	}
	for (unsigned i = 0; i < LIMIT__COUNT; i++)
		g.limited = g.limited || g.limits.limit[i].count > 0;
	*ret = g;
	return true;
}

/*
 * RFC 9773 5 and the CA's own rule: inside its window, and said to replace the version served. That one is this CA's, and has
 * a name of the order: order.c does not say it otherwise.
 */
static bool in_window(struct db *db, struct arena *a, const struct authority *x, const struct certificate *c, int64_t now, bool *ret,
                      struct err *err)
{
	struct renewal r;
	struct version v;
	struct err     missing = { 0 };
	bool           share;

	*ret = false;
	if (c->version == 0 || !renewal_find(db, a, c->id, &r, &missing)) {
		if (missing.class != ERR_NONE && missing.class != ERR_NOT_FOUND)
			*err = missing;
		return missing.class == ERR_NONE || missing.class == ERR_NOT_FOUND;
	}
	if (!version_find_number(db, a, c->id, 0, &v, err) || !names_share(a, v.names, c->names, &share, err))
		return false;
	*ret = v.ari_id[0] != '\0' && share && strcmp(v.authority_id, x->id) == 0 && r.window_start_at != 0 && now >= r.window_start_at && now < r.window_end_at;
	return true;
}

bool gate_load(struct db *db, struct arena *a, const struct authority *x, const struct certificate *c, int64_t now,
               struct gate *ret, struct err *err)
{
	const struct identifier *names;
	size_t                   count;
	bool                     inside = false;

	if (!gate_settings(db, a, x, ret, err) || !names_split(a, c->names, &names, &count, err) ||
	    !in_window(db, a, x, c, now, &inside, err))
		return false;
	ret->in_window = inside && ret->limits.window_exempt;
	for (unsigned i = 0; i < LIMIT__COUNT; i++)
		limit_keys(a, limit_kinds[i].key, names, count, &ret->keys[i], &ret->keys_count[i]);
	return true;
}

/* ---- looking ---- */

static void block(struct gate_blocked *b, int64_t until, int64_t spread_ms, bool stated, const struct err *why)
{
	if (until <= b->until)
		return;
	b->until = until;
	b->spread_ms = spread_ms;
	b->stated = stated;
	b->why = *why;
}

static void look_held(struct arena *a, const struct gate *g, enum limit_id id, const struct bucket *b, int64_t now,
                      struct gate_blocked *ret)
{
	const char *of = b->key[0] != '\0' ? arena_printf(a, " for %s", b->key) : "";
	struct err  why = { 0 };

	if (b->held_until <= now)
		return;
	if (b->held_until == POLICY_NEVER) {
		err_problem(&why, ERR_CONFIG, "name-paused", "%s has paused %s after many failed validations: %s", g->authority.name,
		            b->key, b->held_text);
		err_hint(&why, "repair the DNS of %s, visit %s, then `reeve certificate resume` the certificate", b->key,
		         b->held_url[0] != '\0' ? b->held_url : "the page that the CA names");
	} else {
		err_problem(&why, ERR_TEMPORARY, b->held_problem, "limit %s of %s%s, by its own word (%s)", limit_kinds[id].name,
		            g->authority.name, of, b->held_text);
	}
	block(ret, b->held_until, (b->held_until - now) / 10, b->held_until != POLICY_NEVER, &why);
}

static void look_taken(struct arena *a, const struct gate *g, enum limit_id id, const struct bucket *b, int64_t now,
                       struct gate_blocked *ret)
{
	const struct limit *l = &g->limits.limit[id];
	const char         *of = b->key[0] != '\0' ? arena_printf(a, " for %s", b->key) : "";
	struct err          why = { 0 };
	int64_t             next_at;

	if (l->count == 0)
		return;
	next_at = limit_next_at(l, b->full_at, now);
	if (next_at <= now)
		return;
	err_problem(&why, ERR_TEMPORARY, "limit-reached", "limit %s of %s%s (%s)", limit_kinds[id].name, g->authority.name, of,
	            limit_text(a, l));
	err_hint(&why, "nothing has to be done; `reeve authority limits %s` shows what is left", g->authority.name);
	block(ret, next_at, limit_cost_ms(l), false, &why);
}

/* Were these very names issued before, so recently that it counts as a renewal? */
static bool same_set(struct db *db, struct arena *a, const struct gate *g, int64_t now, bool *ret, struct err *err)
{
	struct bucket b;

	if (!bucket_find(db, a, scope_of(g, LIMIT_SET), limit_kinds[LIMIT_SET].name, g->keys[LIMIT_SET][0], &b, err))
		return false;
	*ret = b.issued_at != 0 && now - b.issued_at < LIMIT_SAME_SET_MS;
	return true;
}

static bool exempt(const struct gate *g, enum limit_id id, bool same)
{
	return g->in_window || (same && limit_kinds[id].same_set_exempt);
}

bool gate_look(struct db *db, struct arena *a, const struct gate *g, int64_t now, struct gate_blocked *ret, struct err *err)
{
	struct gate_blocked blocked = { 0 };
	bool                same, any = true;

	if (!g->limited && !bucket_any(db, g->authority.id, g->authority.directory_url, &any, err))
		return false;
	if (!any) {
		*ret = blocked;
		return true;
	}
	if (!same_set(db, a, g, now, &same, err))
		return false;
	for (unsigned i = 0; i < LIMIT__COUNT; i++) {
		enum limit_id id = (enum limit_id)i;
		bool          free = exempt(g, id, same), pauses = id == LIMIT_REQUESTS || id == LIMIT_CONSECUTIVE;

		for (size_t k = 0; (!free || pauses) && k < g->keys_count[id]; k++) {
			struct bucket b;

			if (!bucket_find(db, a, scope_of(g, id), limit_kinds[id].name, g->keys[id][k], &b, err))
				return false;
			look_held(a, g, id, &b, now, &blocked);
			if (!free)
				look_taken(a, g, id, &b, now, &blocked);
		}
	}
	*ret = blocked;
	return true;
}

static bool take(struct db *db, struct bucket *b, const struct limit *l, int64_t now, struct err *err)
{
	b->full_at = limit_take(l, b->full_at, now);
	return bucket_set(db, b, now, err);
}

bool gate_take(struct db *db, struct arena *a, const struct gate *g, const char *order_id, int64_t now,
               struct gate_blocked *ret, struct err *err)
{
	struct gate_blocked blocked;
	bool                same = false;

	if (!gate_look(db, a, g, now, &blocked, err) || (g->limited && !same_set(db, a, g, now, &same, err)))
		return false;
	for (unsigned i = 0; blocked.until == 0 && i < LIMIT__COUNT; i++) {
		enum limit_id       id = (enum limit_id)i;
		const struct limit *l = &g->limits.limit[id];

		for (size_t k = 0; limit_kinds[id].at_order && l->count > 0 && !exempt(g, id, same) && k < g->keys_count[id]; k++) {
			struct bucket b;
			bool          fresh = true;

			if (!bucket_find(db, a, scope_of(g, id), limit_kinds[id].name, g->keys[id][k], &b, err) ||
			    (limit_kinds[id].given_back && !charge_insert(db, order_id, &b, limit_cost_ms(l), &fresh, err)) ||
			    (fresh && !take(db, &b, l, now, err)))
				return false;
		}
	}
	*ret = blocked;
	return true;
}

/* What people see of it; returns when to look again. */
static int64_t show_wait(struct job *job, const struct gate_blocked *b)
{
	char    at[CLOCK_RFC3339_SIZE];
	int64_t doubled = job->row.attempts < SPREAD_DOUBLE ? job->row.attempts : SPREAD_DOUBLE, wake_at;
	int64_t spread_ms = b->stated ? b->spread_ms : b->spread_ms << doubled;

	job->shown = b->why;
	if (b->until == POLICY_NEVER)
		return JOB_NEVER;
	/* Many may wait for one bucket that fills one by one; when the CA has named a time, it is asked soon after. */
	wake_at = b->until + (int64_t)(rand_u64() % (uint64_t)(spread_ms + SPREAD_MIN_MS));
	err_problem(&job->shown, b->why.class, b->why.problem, "%s: continues at %s", b->why.text, clock_rfc3339(wake_at, at));
	err_hint(&job->shown, "%s", b->why.hint);
	return wake_at;
}

/* ---- the CA's own word ---- */

struct hold_write {
	const struct gate *g;
	enum limit_id      id;
	const char       **keys;
	size_t             keys_count;
	int64_t            until, now;
	const char        *problem, *text, *url;
};

static bool write_hold(struct db *db, void *arg, struct err *err)
{
	struct hold_write *x = arg;

	for (size_t i = 0; i < x->keys_count; i++) {
		struct bucket b = { .scope = scope_of(x->g, x->id), .name = limit_kinds[x->id].name, .key = x->keys[i],
			            .held_until = x->until, .held_problem = x->problem, .held_text = x->text, .held_url = x->url };

		if (!bucket_hold(db, &b, x->now, err))
			return false;
	}
	return true;
}

/* The keys that the CA's words name; all of them when they name none. */
static void named_keys(struct arena *a, const struct gate *g, enum limit_id id, const char *words, struct hold_write *x)
{
	x->keys = arena_alloc_array(a, g->keys_count[id], sizeof(*x->keys));
	x->keys_count = 0;
	for (size_t i = 0; i < g->keys_count[id]; i++)
		if (g->keys[id][i][0] != '\0' && strcasestr(words, g->keys[id][i]) != NULL)
			x->keys[x->keys_count++] = g->keys[id][i];
	for (size_t i = 0; x->keys_count == 0 && i < g->keys_count[id]; i++)
		x->keys[i] = g->keys[id][i];
	if (x->keys_count == 0)
		x->keys_count = g->keys_count[id];
}

bool admit_refused(struct job *job, const struct gate *g, int status, uint32_t retry_after_s, const struct err *cause)
{
	bool                limited = strcmp(cause->problem, "rateLimited") == 0 || status == 429, paused = policy_is_pause(cause);
	struct hold_write  *x = arena_alloc(job->arena, sizeof(*x));
	struct gate_blocked blocked = { 0 };
	struct bucket       held;
	struct str          url;
	int64_t             own_until;

	/* 503: the whole CA asks for patience. */
	if (!limited && (status != 503 || retry_after_s == 0))
		return false;
	*x = (struct hold_write){ .g = g, .now = clock_now_ms(), .text = arena_strdup(job->arena, cause->text), .url = "" };
	/* A code that failover.h knows: this is the CA's own failure. */
	x->problem = limited ? "rateLimited" : "serverInternal";
	x->id = limited ? limits_from_words(cause->text) : LIMIT_REQUESTS;
	if (paused)
		x->id = LIMIT_CONSECUTIVE;
	own_until = x->now + (cause->retry_after_s > 0 ? (int64_t)cause->retry_after_s * 1000 : HOLD_MS);
	/* What this order waits beyond the CA's word is its own patience: the others are held for no longer than was said. */
	x->until = retry_after_s == 0 ? own_until : x->now + (int64_t)acme_retry_after(ACME_RETRY_REFUSED, retry_after_s, 0) * 1000;
	if (paused) {
		x->until = own_until = POLICY_NEVER;
		if (acme_problem_url(cause->text, &url))
			x->url = arena_str(job->arena, url);
	}
	named_keys(job->arena, g, x->id, cause->text, x);
	/* Seen until the next try: a short time may be over before `admit` looks at the hold. */
	held = (struct bucket){ .key = x->keys_count > 0 ? x->keys[0] : "", .held_until = own_until > x->until ? own_until : x->until,
		                .held_problem = x->problem, .held_text = x->text, .held_url = x->url };
	look_held(job->arena, g, x->id, &held, x->now, &blocked);
	job->wake_at = show_wait(job, &blocked);
	job->next = STEP_ADMIT;
	job->facts = write_hold;
	job->facts_arg = x;
	job->refused = true;
	job_note(job, "%s", cause->text);
	return true;
}

bool admit_retried(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct order                    order;
	struct bucket                   b = { .name = limit_kinds[LIMIT_REQUESTS].name, .key = "", .held_problem = "rateLimited", .held_text = cause->text,
		                              .held_url = "" };

	if (strcmp(cause->problem, "rateLimited") != 0 || job->row.order_id[0] == '\0')
		return true;
	if (!order_find(db, a, job->row.order_id, &order, err))
		return false;
	b.scope = order.authority_id;
	b.held_until = now + (cause->retry_after_s > 0 ? (int64_t)cause->retry_after_s * 1000 : HOLD_MS);
	return bucket_hold(db, &b, now, err);
}

/* ---- failures ---- */

static enum acme_where where_of(enum step_id step)
{
	if (step == STEP_ACCOUNT)
		return ACME_AT_ACCOUNT;
	if (step == STEP_NEW_ORDER)
		return ACME_AT_ORDER;
	if (step == STEP_FINALIZE || step == STEP_DOWNLOAD)
		return ACME_AT_FINALIZE;
	if (step == STEP_AUTHORIZATIONS || step == STEP_AWAIT || step == STEP_FETCH || step == STEP_RESPOND)
		return ACME_AT_VALIDATION;
	return ACME_AT_OTHER;
}

/* 0: there is none. */
static bool life_left(struct db *db, struct arena *a, const char *certificate_id, int64_t now, int64_t *ret, struct err *err)
{
	struct certificate c;
	struct version     v;

	*ret = 0;
	if (!certificate_find(db, a, certificate_id, &c, err))
		return false;
	if (c.version == 0)
		return true;
	if (!version_find_number(db, a, certificate_id, 0, &v, err))
		return false;
	*ret = v.not_after_at > now ? v.not_after_at - now : 1;
	return true;
}

/* The CA counts it too. */
static bool count_validation(struct db *db, struct arena *a, const struct order *o, const char *identifier, int64_t now, struct err *err)
{
	static const enum limit_id ids[] = { LIMIT_FAILED, LIMIT_CONSECUTIVE };
	struct authority           x;
	struct gate                g;

	if (!authority_find(db, a, o->authority_id, &x, err) || !gate_settings(db, a, &x, &g, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct limit *l = &g.limits.limit[ids[i]];
		struct bucket       b;

		if (l->count > 0 && (!bucket_find(db, a, scope_of(&g, ids[i]), limit_kinds[ids[i]].name, identifier, &b, err) ||
		                     !take(db, &b, l, now, err)))
			return false;
	}
	return true;
}

bool admit_failed(struct db *db, struct arena *a, const struct order *o, const char *identifier, bool validation,
                  const struct err *cause, enum step_id step, int64_t now, struct err *err)
{
	struct failure         f;
	struct policy_context  c = { .where = where_of(step), .now_ms = now, .draw = (int64_t)(rand_u64() % 1000000) };
	struct policy_reaction r;

	if (!failure_find(db, a, o->certificate_id, o->authority_id, identifier, &f, err) ||
	    !life_left(db, a, o->certificate_id, now, &c.left_ms, err))
		return false;
	f.failures++;
	f.validations += validation;
	c.failures = f.failures;
	policy_react(cause, &c, &r);
	f.class = policy_class_name(r.class);
	f.problem = cause->problem;
	f.detail = arena_printf(a, "%s; %s", cause->text, r.sentence);
	f.next_at = r.next_at;
	f.failed_at = now;
	return failure_put(db, &f, err) && (!validation || count_validation(db, a, o, identifier, now, err));
}

bool admit_ended(struct db *db, struct arena *a, const struct order *o, int64_t *ret_next_at, struct err *err)
{
	struct failure    *all;
	struct certificate c;
	size_t             count;

	*ret_next_at = 0;
	/* After the second authority it is the first one's turn: what that said before counts. */
	if (!certificate_find(db, a, o->certificate_id, &c, err) ||
	    !failure_list(db, a, c.id, c.authority_id, &all, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (all[i].failed_at >= (strcmp(o->authority_id, c.authority_id) == 0 ? o->created_at : 0) && all[i].next_at > *ret_next_at)
			*ret_next_at = all[i].next_at;
	/* Once the CA may have issued, it has counted. */
	return charge_end(db, o->id, o->csr.len == 0, err);
}

bool admit_issued(struct db *db, struct arena *a, const struct order *o, int64_t now, struct err *err)
{
	struct authority   x;
	struct certificate c;
	struct gate        g;

	if (!authority_find(db, a, o->authority_id, &x, err) || !certificate_find(db, a, o->certificate_id, &c, err) ||
	    !gate_settings(db, a, &x, &g, err) || !failure_clear(db, o->certificate_id, err) ||
	    !charge_end(db, o->id, false, err))
		return false;
	if (!g.limited)
		return true;
	if (!gate_load(db, a, &x, &c, now, &g, err))
		return false;
	for (size_t i = 0; g.limits.limit[LIMIT_CONSECUTIVE].count > 0 && i < g.keys_count[LIMIT_CONSECUTIVE]; i++)
		if (!bucket_reset(db, scope_of(&g, LIMIT_CONSECUTIVE), limit_kinds[LIMIT_CONSECUTIVE].name,
		                  g.keys[LIMIT_CONSECUTIVE][i], err))
			return false;
	/* What the next one for the same names is exempt from. */
	return (g.limits.limit[LIMIT_NEW_ORDERS].count == 0 && g.limits.limit[LIMIT_DOMAIN].count == 0) ||
	       bucket_issued(db, scope_of(&g, LIMIT_SET), limit_kinds[LIMIT_SET].name, g.keys[LIMIT_SET][0], now,
	                     now + LIMIT_SAME_SET_MS, err);
}

static bool release(struct db *db, struct arena *a, const struct certificate *c, const char *authority_id, int64_t now, struct err *err)
{
	struct authority x;
	struct gate      g;

	if (!authority_find(db, a, authority_id, &x, err) || !gate_load(db, a, &x, c, now, &g, err))
		return false;
	for (size_t i = 0; i < g.keys_count[LIMIT_CONSECUTIVE]; i++)
		if (!bucket_release(db, scope_of(&g, LIMIT_CONSECUTIVE), limit_kinds[LIMIT_CONSECUTIVE].name,
		                    g.keys[LIMIT_CONSECUTIVE][i], err))
			return false;
	/* Others that wait for the same pause look for themselves. */
	return schedule_wake_authority(db, x.id, steps[STEP_ADMIT].name, now, err);
}

bool admit_resume(struct db *db, struct arena *a, const struct certificate *c, int64_t now, struct err *err)
{
	struct order running;
	struct err   missing = { 0 };

	if (!release(db, a, c, c->authority_id, now, err) || (c->fallback_id[0] != '\0' && !release(db, a, c, c->fallback_id, now, err)))
		return false;
	if (order_find_running(db, a, c->id, &running, &missing))
		return job_wake_order(db, "order", running.id, now, err);
	if (missing.class != ERR_NOT_FOUND)
		*err = missing;
	return missing.class == ERR_NOT_FOUND;
}

/* ---- the step ---- */

static enum outcome park(struct job *job, const struct gate_blocked *b)
{
	job->refused = b->stated;
	job->attempts = job->row.attempts + 1;
	/* The time stands in the row's own column, so that the same wait stays one row. */
	return job_wait(job, show_wait(job, b), "%s", b->why.text);
}

/* Who could change the row could spend a CA's limits, or send rehearsals to production. */
static bool policy_trusted(struct job *job, const struct gate *g, struct err *err)
{
	const struct authority_policy *x = &g->policy;

	return x->row_version == 0 ||
	       keeper_mac_check(job->worker->keeper, "authority_policies", authority_policy_canonical(job->arena, x), x->row_version, x->mac, err) ||
	       err_in(err, "limits of authority %s", g->authority.name);
}

enum outcome run_admit(struct job *job, struct err *err)
{
	struct gate_blocked blocked;
	struct order        order;
	struct certificate  certificate;
	struct authority    authority;
	struct gate        *g = arena_alloc(job->arena, sizeof(*g));
	struct db          *db;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !certificate_find(db, job->arena, order.certificate_id, &certificate, err) ||
	    !authority_find(db, job->arena, order.authority_id, &authority, err) ||
	    !gate_load(db, job->arena, &authority, &certificate, clock_now_ms(), g, err) || !policy_trusted(job, g, err) ||
	    !gate_look(db, job->arena, g, clock_now_ms(), &blocked, err))
		return job_outcome(err);
	if (blocked.until != 0)
		return park(job, &blocked);
	return rehearsal_look(job, db, &order, &certificate, g, err);
}
