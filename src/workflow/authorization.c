/*
 * workflow/authorization.c: one authorization: fetch, route, publish, visible, respond. RFC 8555 7.5, 8.4.
 *
 * Every value passes the ledger: a row of state `intent` before it is written anywhere, `live` after. Where to write
 * comes from the stored delegation, never from DNS. fetch and route are pure: a crash repeats them.
 */
#include "acme/authorization.h"

#include "base/planted.h"
#include "base/rand.h"
#include "store/certificate.h"
#include "store/owner_lease.h"
#include "store/txt_record.h"
#include "workflow/await.h"
#include "workflow/connection.h"
#include "workflow/delegation.h"
#include "workflow/removal.h"
#include "workflow/session.h"
#include "workflow/steps.h"
#include "workflow/visible.h"

#define REPUBLISH_MAX      8 /* of one value */
#define REPUBLISH_FIRST_MS ((int64_t)1000)
#define TOLD_MAX 5 /* of one challenge, to a CA that looks only when it is told */

#define SLOT_WAIT_MS (10 * 60 * 1000) /* for another order's values at a name that holds few */
#define SLOT_LOOK_S  5

/* What the pure steps found, until publish writes it with the intent. */
struct found {
	struct authorization row;
	struct connection    connection;
	bool                 fetched, routed;
};

static bool load(struct job *job, struct found **ret, struct err *err)
{
	struct found *x = job->memo;
	struct db    *db;
	uint64_t      id;

	if (x == NULL) {
		x = arena_alloc(job->arena, sizeof(*x));
		if (!str_to_u64(str_c(job->row.subject), &id))
			return err_set(err, ERR_PERMANENT, "job %lld has no authorization", (long long)job->row.id);
		if (!job_reader(job, &db, err) || !authorization_find(db, job->arena, (int64_t)id, &x->row, err))
			return false;
		if (x->row.connection_id[0] != '\0' &&
		    !connection_find(db, job->arena, x->row.connection_id, &x->connection, err))
			return false;
		/* A row from before there were specs. */
		if (x->row.connection_id[0] != '\0' && x->row.zone[0] == '\0')
			x->row.zone = connection_zone(job->arena, &x->connection);
		job->memo = x;
	}
	*ret = x;
	return true;
}

/* ---- settled without us: the CA used an older validation ---- */

struct settle_write {
	struct job *job;
	int64_t     id, learned_ms;
	const char *status;
};

/* The last one wakes the order: at once when nothing has to be waited for, else when its first poll is due. */
static bool write_settled(struct db *db, void *arg, struct err *err)
{
	struct settle_write *x = arg;
	int64_t              now = clock_now_ms(), pending, at = now;
	struct arena        *a;
	bool                 ok;

	if (!authorization_set_status(db, x->id, x->status, now, err) ||
	    (strcmp(x->status, "valid") == 0 &&
	     !await_retire_one(db, x->job->row.order_id, x->job->row.project_id, x->id, err)) ||
	    !authorization_pending(db, x->job->row.order_id, &pending, err))
		return false;
	if (pending > 0)
		return job_wake_order(db, "order", x->job->row.order_id, now + AWAIT_LOOK_MS, err);
	if (PLANTED(5) && !x->job->fresh)
		return true;
	a = arena_new();
	ok = await_first_poll(db, a, x->job->row.order_id, x->learned_ms, &at, err) &&
	     job_wake_order(db, "order", x->job->row.order_id, at, err);
	arena_free(a);
	return ok;
}

static enum outcome settle(struct job *job, struct found *x, const char *status, int64_t learned_ms)
{
	struct settle_write *w = arena_alloc(job->arena, sizeof(*w));

	*w = (struct settle_write){ job, x->row.id, learned_ms, status };
	job->next = STEP_SETTLED;
	job->facts = write_settled;
	job->facts_arg = w;
	return OUT_DONE;
}

/* ---- fetch ---- */

static enum outcome read_challenge(struct job *job, struct session *s, struct found *x,
                                   const struct acme_authorization *authorization, struct err *err)
{
	const struct acme_challenge *challenge;
	char                         value[ACME_DNS01_SIZE];

	if (!acme_authorization_dns01(authorization, &challenge, err))
		return job_outcome(err);
	acme_dns01_value(challenge->token, s->account.thumbprint, value);
	x->row.name = arena_strdup(job->arena, authorization->name);
	x->row.wildcard = authorization->wildcard;
	x->row.challenge_url = challenge->url;
	x->row.value = arena_strdup(job->arena, value);
	x->fetched = true;
	job_note(job, "%s%s: challenge dns-01", x->row.wildcard ? "*." : "", x->row.name);
	return OUT_DONE;
}

static enum outcome fetch(struct job *job, struct session *s, struct found *x, struct acme_authorization *ret, struct err *err)
{
	struct order order;
	struct db   *db;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !session_open(job, order.authority_id, s, err))
		return job_outcome(err);
	if (!session_post(s, ACME_AT_AUTHORIZATION, x->row.url, STR(""), err)) {
		err_in(err, "authorization");
		return job_outcome(err);
	}
	return acme_authorization_parse(job->arena, x->row.url, s->response.body, ret, err) ? OUT_DONE : job_outcome(err);
}

static enum outcome refused(struct job *job, const struct acme_authorization *authorization, struct err *err)
{
	const struct acme_problem *problem = acme_authorization_error(authorization);

	if (problem != NULL)
		acme_problem_err(problem, ACME_AT_VALIDATION, 0, err);
	else
		err_problem(err, ERR_PERMANENT, "ca-refused", "the authorization is %s",
		            acme_authorization_status_name(authorization->status));
	err->class = ERR_PERMANENT;
	job->blamed = arena_strdup(job->arena, authorization->name);
	err_in(err, "validation of %s", authorization->name);
	return OUT_FAIL;
}

enum outcome run_fetch(struct job *job, struct err *err)
{
	struct acme_authorization authorization;
	struct session            s;
	struct found             *x;
	enum outcome              outcome;

	if (!load(job, &x, err))
		return job_outcome(err);
	outcome = fetch(job, &s, x, &authorization, err);
	if (outcome != OUT_DONE)
		return outcome;
	if (authorization.status == ACME_AUTHORIZATION_VALID) {
		job_note(job, "%s is valid already: the CA used an older validation", authorization.name);
		return settle(job, x, "valid", 0);
	}
	if (authorization.status != ACME_AUTHORIZATION_PENDING)
		return refused(job, &authorization, err);
	return read_challenge(job, &s, x, &authorization, err);
}

/* ---- route ---- */

enum outcome run_route(struct job *job, struct err *err)
{
	struct certificate_route *routes;
	struct order              order;
	struct delegation         delegation;
	struct found             *x;
	struct db                *db;
	size_t                    count;

	if (!load(job, &x, err) || !job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !certificate_route_list(db, job->arena, order.certificate_id, &routes, &count, err))
		return job_outcome(err);
	if (x->row.name[0] == '\0') {
		job->next = STEP_FETCH;
		return OUT_DONE;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(routes[i].name, x->row.name) != 0)
			continue;
		if (!delegation_find(db, job->arena, routes[i].delegation_id, &delegation, err) ||
		    !delegation_trusted(job->worker, job->arena, &delegation, order.project_id, x->row.name, err) ||
		    !connection_find(db, job->arena, delegation.connection_id, &x->connection, err) ||
		    !connection_of(&x->connection, order.project_id, err))
			return job_outcome(err);
		x->row.owner = delegation.target;
		x->row.connection_id = x->connection.id;
		x->row.zone = delegation.zone[0] != '\0' ? delegation.zone : connection_zone(job->arena, &x->connection);
		x->routed = true;
		job_note(job, "%s is written at %s (%s)", x->row.name, x->row.owner, x->connection.name);
		return OUT_DONE;
	}
	err_problem(err, ERR_PERMANENT, "no-route", "the certificate has no place for the challenge of %s", x->row.name);
	return OUT_FAIL;
}

/* ---- publish ---- */

struct publish_write {
	struct found     *x;
	struct txt_record record;
	unsigned          holds; /* connection_holds() */
	int64_t           id, job_id;
	bool              lease, busy; /* the owner name needs a lease, and another job has it */
	bool              again;       /* somebody may have written the value before */
};

/* What the pure steps found is kept, so that a wait costs the CA nothing. */
static bool write_found(struct db *db, void *arg, struct err *err)
{
	struct found         *x = arg;
	struct authorization *row = &x->row;

	return (!x->fetched || authorization_set_challenge(db, row->id, row->name, row->wildcard, row->challenge_url, row->value, err)) &&
	       (!x->routed || authorization_set_route(db, row->id, row->owner, row->connection_id, row->zone, err));
}

/*
 * Where only the newest values stay, an order has the name to itself. One that does not end stops holding others up: at
 * worst a value is lost and its order repeated.
 */
static bool has_room(struct db *db, const struct publish_write *p, struct err *err)
{
	int64_t own, others;

	if (p->holds == 0)
		return true;
	if (!txt_record_beside(db, &p->record, p->record.intent_at - SLOT_WAIT_MS, &own, &others, err))
		return false;
	if (own >= p->holds) {
		err_problem(err, ERR_PERMANENT, "provider-refused", "%s keeps %u values, and this certificate needs more of them there at once",
		            p->record.owner, p->holds);
		return err_hint(err, "let the names lead to different accounts: add a connection for each");
	}
	if (others == 0)
		return true;
	err_problem(err, ERR_TEMPORARY, "too-many-requests", "another order has its values at %s", p->record.owner);
	if (err != NULL)
		err->retry_after_s = SLOT_LOOK_S;
	return false;
}

static bool write_intent(struct db *db, void *arg, struct err *err)
{
	struct publish_write *p = arg;
	int64_t               now = clock_now_ms();
	bool                  taken = true;

	if (p->lease && !owner_lease_take(db, p->record.connection_id, p->record.zone, p->record.owner, p->job_id, now,
	                                  now + OWNER_LEASE_MS, &taken, err))
		return false;
	p->busy = !taken;
	if (p->busy)
		return true;
	return write_found(db, p->x, err) && has_room(db, p, err) && txt_record_intend(db, &p->record, &p->id, &p->again, err);
}

static bool write_live(struct db *db, void *arg, struct err *err)
{
	struct publish_write *p = arg;

	return txt_record_set_state(db, p->id, "live", clock_now_ms(), err) && (!p->lease || owner_lease_give(db, p->job_id, err));
}

static bool write_lease_back(struct db *db, void *arg, struct err *err)
{
	struct job *job = arg;
	struct err  lost = { 0 };

	if (job_check(db, job->row.id, job->row.fence, &lost))
		return owner_lease_give(db, job->row.id, err);
	/* A cancelled order has ended the job: nobody else would. Whoever took the job over has the lease with it. */
	return owner_lease_give_ended(db, job->row.id, err);
}

/* What a run before this one left is looked at before it is written again. */
static bool publish_value(const struct connection_use *use, const struct provider_value *value, bool again, struct err *err)
{
	bool present = false;

	if (again && !value_look(use->provider, &use->context, value, &present, err))
		return false;
	return present || use->provider->add(&use->context, value, err);
}

/* The claim was lost. If the order has ended, its cleanup may have been here already: nobody else owes the value. */
static void take_back(struct job *job, const struct connection_use *use, const struct provider_value *value, int64_t record_id)
{
	struct txt_record *all;
	struct err         ignored = { 0 };
	struct db         *db;
	size_t             count;

	if (!job_reader(job, &db, &ignored) || !txt_record_list_order(db, job->arena, job->row.order_id, &all, &count, &ignored))
		return;
	for (size_t i = 0; i < count; i++)
		if (all[i].id == record_id && (strcmp(all[i].state, "removing") == 0 || strcmp(all[i].state, "gone") == 0))
			(void)use->provider->remove(&use->context, value, &ignored);
}

static enum outcome refused_at(struct job *job, const struct found *x, struct err *err)
{
	err_in(err, "TXT value at %s", x->row.owner);
	return connection_outcome(job, &x->connection, err);
}

/* The next run, or another job, may have the owner name. */
static enum outcome not_published(struct job *job, struct publish_write *p, struct err *err)
{
	struct err ignored = { 0 };

	if (p->lease && !store_write(job->worker->store, write_lease_back, job, &ignored))
		log_debug("job=%lld lease=kept cause=\"%s\"", (long long)job->row.id, ignored.text);
	return refused_at(job, p->x, err);
}

enum outcome run_publish(struct job *job, struct err *err)
{
	struct publish_write *p = arena_alloc(job->arena, sizeof(*p));
	struct connection_use use;
	struct provider_value value;
	struct found         *x;
	bool                  added;

	if (!load(job, &x, err))
		return job_outcome(err);
	if (x->row.owner[0] == '\0') {
		job->next = STEP_FETCH;
		return OUT_DONE;
	}
	p->x = x;
	p->job_id = job->row.id;
	p->lease = !connection_kind(&x->connection)->atomic;
	p->record = (struct txt_record){ .connection_id = x->connection.id, .zone = x->row.zone, .owner = x->row.owner,
		                         .value = x->row.value, .order_id = job->row.order_id,
		                         .authorization_id = x->row.id, .state = "intent", .intent_at = clock_now_ms() };
	/*
	 * First, because it may have to wait: nothing is written for that but the wait. A reset of the dns role between its answer
	 * and our row would lose the value: none happens while this is open.
	 */
	if (!connection_use_open(job->worker, job->thread->http, &x->connection, x->row.zone, &use, err)) {
		if (x->fetched || x->routed) {
			job->facts = write_found;
			job->facts_arg = x;
		}
		return refused_at(job, x, err);
	}
	p->holds = connection_holds(job->worker, &x->connection);
	CRASH_POINT(PUBLISH_INTENT_BEFORE);
	if (!PLANTED(3) && !job_write(job, write_intent, p, err)) {
		connection_use_close(&use);
		return p->holds > 0 ? refused_at(job, x, err) : job_outcome(err);
	}
	if (p->busy) {
		int64_t looks = job->row.attempts, busy_ms = owner_busy_ms(&looks);

		connection_use_close(&use);
		job->attempts = looks;
		return job_wait(job, clock_now_ms() + rand_jitter(busy_ms, 50), "another value is being written at %s; it goes first",
		                x->row.owner);
	}
	CRASH_POINT(PUBLISH_INTENT_AFTER);
	value = (struct provider_value){ use.zone, x->row.owner, x->row.value };
	added = publish_value(&use, &value, p->again, err);
	if (added && ((PLANTED(3) && !job_write(job, write_intent, p, err)) || !job_write(job, write_live, p, err))) {
		added = false;
		take_back(job, &use, &value, p->id);
	}
	connection_use_close(&use);
	if (!added)
		return not_published(job, p, err);
	job_note(job, "TXT \"%s\" at %s", x->row.value, x->row.owner);
	return OUT_DONE;
}

/* ---- visible: on every authoritative server, or the CA is not told ---- */

/* Does the provider (for our own zone: the server itself) have it? *ret stays what it is where nobody can ask. */
static bool provider_has(struct job *job, const struct found *x, bool *ret, struct err *err)
{
	struct connection_use use;
	struct provider_value value;
	bool                  ok;

	if (!connection_use_open(job->worker, job->thread->http, &x->connection, x->row.zone, &use, err))
		return false;
	value = (struct provider_value){ use.zone, x->row.owner, x->row.value };
	ok = value_look(use.provider, &use.context, &value, ret, err);
	connection_use_close(&use);
	return ok;
}

static bool write_republished(struct db *db, void *arg, struct err *err)
{
	return authorization_add_republished(db, ((struct found *)arg)->row.id, err);
}

/* At once the first time; somebody who takes it away each time is not fought for ever. */
static enum outcome publish_again(struct job *job, struct found *x, const char *why, struct err *err)
{
	int64_t done = x->row.republished;

	if (done >= REPUBLISH_MAX) {
		err_problem(err, ERR_PERMANENT, "provider-refused", "the value at %s was written %lld times and was gone each time: %s",
		            x->row.owner, (long long)done + 1, why);
		err_hint(err, "find out what else changes this name: another ACME client, a zone file that is loaded anew");
		return OUT_FAIL;
	}
	job->next = STEP_PUBLISH;
	job->facts = write_republished;
	job->facts_arg = x;
	if (done > 0)
		job->wake_at = clock_now_ms() + rand_jitter(REPUBLISH_FIRST_MS << done, 20);
	job_note(job, "%s; it is published again", why);
	return OUT_DONE;
}

/* Somebody may have removed it meanwhile: then no waiting helps. */
static enum outcome not_visible(struct job *job, struct found *x, const struct visible *seen, struct err *err)
{
	bool present = true;

	if (visible_ask_provider(job->row.attempts) && !provider_has(job, x, &present, err))
		return refused_at(job, x, err);
	if (!present)
		return publish_again(job, x, "the provider does not list the value any more", err);
	if (job->row.attempts >= VISIBLE_LOOKS_MAX) {
		err_problem(err, ERR_PERMANENT, "timeout", "%s", seen->detail);
		err_hint(err, "every name server of the zone has to answer with the value before the CA is told; look at the one named");
		return OUT_FAIL;
	}
	job->attempts = job->row.attempts + 1;
	err_problem(&job->shown, ERR_TEMPORARY, "provider-unavailable", "%s", seen->detail);
	return job_wait(job, clock_now_ms() + visible_wait_ms(job->row.attempts), "%s", seen->detail);
}

enum outcome run_visible(struct job *job, struct err *err)
{
	struct visible seen;
	struct found  *x;
	bool           present = false;

	if (!load(job, &x, err))
		return job_outcome(err);
	if (strcmp(x->connection.provider, PROVIDER_BUILTIN) == 0) {
		if (!provider_has(job, x, &present, err))
			return job_outcome(err);
		/* The dns role was restarted before it heard of the value. */
		if (!present)
			return publish_again(job, x, "the value is not served", err);
		job_note(job, "every server of %s answers with it", x->connection.zone);
		return OUT_DONE;
	}
	if (!visible_look(job->worker, job->arena, x->row.owner, x->row.value, &seen, err))
		return job_outcome(err);
	if (!seen.everywhere)
		return not_visible(job, x, &seen, err);
	job_note(job, "%s", seen.detail);
	return OUT_DONE;
}

/* ---- respond ---- */

/*
 * A CA that validates while it answers (step-ca) leaves a challenge that failed `pending`, with the reason, and looks
 * again only when it is told again. One that goes on by itself says `processing`: RFC 8555 8.2.
 */
static bool wants_telling_again(struct job *job, const struct session *s, struct acme_challenge *ret)
{
	struct err ignored = { 0 };

	return acme_challenge_parse(job->arena, s->response.body, ret, &ignored) && ret->status == ACME_CHALLENGE_PENDING && ret->error != NULL;
}

static enum outcome tell_again(struct job *job, const struct found *x, const struct acme_challenge *challenge, struct err *err)
{
	bool last = job->row.attempts + 1 >= TOLD_MAX;

	acme_problem_err(challenge->error, ACME_AT_VALIDATION, 0, err);
	err->class = last ? ERR_PERMANENT : ERR_TEMPORARY;
	err->retry_after_s = 0;
	job->blamed = x->row.name;
	err_in(err, "validation of %s", x->row.name);
	return last ? OUT_FAIL : OUT_RETRY;
}

enum outcome run_respond(struct job *job, struct err *err)
{
	struct acme_challenge     challenge;
	struct acme_authorization authorization;
	struct session            s;
	struct order              order;
	struct found             *x;
	struct db                *db;
	bool                      send = true, valid = false;

	if (!load(job, &x, err))
		return job_outcome(err);
	if (job->fresh || PLANTED(4)) {
		if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
		    !session_open(job, order.authority_id, &s, err))
			return job_outcome(err);
	} else {
		/* A run before this one may have told the CA. */
		enum outcome outcome = fetch(job, &s, x, &authorization, err);

		if (outcome != OUT_DONE)
			return outcome;
		if (authorization.status == ACME_AUTHORIZATION_VALID)
			send = false;
		else if (authorization.status != ACME_AUTHORIZATION_PENDING)
			return refused(job, &authorization, err);
		valid = !send;
		for (size_t i = 0; i < authorization.challenges_count; i++)
			if (strcmp(authorization.challenges[i].url, x->row.challenge_url) == 0 &&
			    authorization.challenges[i].status != ACME_CHALLENGE_PENDING)
				send = false;
	}
	if (send && !session_post(&s, ACME_AT_AUTHORIZATION, x->row.challenge_url, ACME_CHALLENGE_PAYLOAD, err)) {
		err_in(err, "challenge of %s", x->row.name);
		return job_outcome(err);
	}
	if (send && wants_telling_again(job, &s, &challenge))
		return tell_again(job, x, &challenge, err);
	job_note(job, "%s%s: the CA was %stold", x->row.wildcard ? "*." : "", x->row.name, send ? "" : "already ");
	return settle(job, x, valid ? "valid" : "responded", session_delay_ms(&s, true));
}
