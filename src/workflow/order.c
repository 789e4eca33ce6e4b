/*
 * workflow/order.c: an order from its key to its authorizations: key, preflight, new-order, authorizations.
 * RFC 8555 7.4. What follows is in await.c and finish.c.
 */
#include "acme/order.h"

#include "base/id.h"
#include "store/certificate.h"
#include "workflow/admit.h"
#include "workflow/await.h"
#include "workflow/caa.h"
#include "workflow/issue.h"
#include "workflow/names.h"
#include "workflow/session.h"
#include "workflow/steps.h"
#include "workflow/wish.h"

#define PREFLIGHT_FIRST_MS 5000
#define PREFLIGHT_MAX_MS   (300 * 1000)
#define ACCOUNT_LOST_MAX   3
#define LOOK_PAUSES_MAX    11 /* AWAIT_LOOK_MS more each time, up to a minute */

/* ---- key: on disk before anything else happens ---- */

struct key_write {
	struct job    *job;
	struct version version;
};

static bool write_key(struct db *db, void *arg, struct err *err)
{
	struct key_write *x = arg;

	return version_insert(db, &x->version, err) && order_set_version(db, x->job->row.order_id, x->version.id, err);
}

/* The key of the version served, when the policy wants it again and it may be used. *ret stays empty otherwise. */
static bool key_before(struct job *job, const struct certificate *c, struct version *ret, const char **ret_why, struct err *err)
{
	struct db *db;
	bool       compromised;

	*ret = (struct version){ .key_type = "" };
	*ret_why = "";
	if (strcmp(c->key_policy, "reuse") != 0 || c->version == 0)
		return true;
	if (!job_reader(job, &db, err) || !version_find_number(db, job->arena, c->id, 0, ret, err) ||
	    !version_key_compromised(db, ret->spki_sha256, &compromised, err))
		return false;
	if (compromised)
		*ret_why = "; the one before was reported compromised";
	else if (strcmp(ret->key_type, c->key_type) != 0)
		*ret_why = "; the one before is of another type";
	else if (ret->key_blob.len == 0)
		*ret_why = "; the one before was never here";
	if ((*ret_why)[0] != '\0')
		ret->key_blob = str_of(NULL, 0);
	return true;
}

/* Whose key the version gets: the user's, the one before, or a new one. */
static bool take_key(struct job *job, const struct certificate *c, enum key_type type, struct version *v, struct err *err)
{
	struct record_id       record = { v->project_id, KEEPER_COLUMN_CERT_KEY, v->id, v->row_version };
	struct keeper_cert_key key;
	struct version         before;
	const char            *why;
	struct db             *db;
	bool                   compromised;

	if (c->csr_spki[0] != '\0') {
		if (!job_reader(job, &db, err) || !version_key_compromised(db, c->csr_spki, &compromised, err))
			return false;
		if (compromised) {
			err_problem(err, ERR_CONFIG, "no-key", "the key of the CSR of %s was reported compromised", c->name);
			return err_hint(err, "make a new key and a new CSR: reeve certificate set %s --csr FILE", c->name);
		}
		v->spki_sha256 = c->csr_spki;
		job_note(job, "the key is the user's: the request that was given is sent");
		return true;
	}
	if (!key_before(job, c, &before, &why, err))
		return false;
	if (before.key_blob.len > 0) {
		struct record_id from = { before.project_id, KEEPER_COLUMN_CERT_KEY, before.id, before.row_version };

		if (!keeper_cert_key_again(job->worker->keeper, type, &from, before.key_blob, &record, job->arena, &key, err))
			return false;
		job_note(job, "the key of version %lld is used again, and sealed", (long long)before.number);
	} else {
		if (!keeper_cert_key_new(job->worker->keeper, &record, type, job->arena, &key, err))
			return false;
		job_note(job, "%s key made and sealed%s", key_type_name(type), why);
	}
	v->key_blob = key.blob;
	v->spki_sha256 = key.spki_sha256;
	return true;
}

enum outcome run_key(struct job *job, struct err *err)
{
	struct key_write      *x = arena_alloc(job->arena, sizeof(*x));
	struct order           order;
	struct certificate     certificate;
	enum key_type          type;
	char                   id[ID_SIZE];
	struct db             *db;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !certificate_find(db, job->arena, order.certificate_id, &certificate, err))
		return job_outcome(err);
	if (order.version_id[0] != '\0')
		return OUT_DONE;
	if (!key_type_parse(str_c(certificate.key_type), &type)) {
		err_problem(err, ERR_INPUT, "invalid-request", "unknown key type \"%s\"", certificate.key_type);
		return OUT_FAIL;
	}
	id_new(id);
	x->job = job;
	x->version = (struct version){ .id = arena_strdup(job->arena, id), .project_id = order.project_id,
		                       .certificate_id = certificate.id, .key_type = certificate.key_type,
		                       .authority_id = order.authority_id, .names = certificate.names, .chain_pem = "", .serial = "", .created_at = clock_now_ms(), .row_version = 1 };
	if (!take_key(job, &certificate, type, &x->version, err))
		return job_outcome(err);
	job->facts = write_key;
	job->facts_arg = x;
	return OUT_DONE;
}

/* ---- preflight: no CA hears of an order whose delegation does not hold ---- */

bool preflight_route(struct worker *w, struct arena *a, const char *project_id, const struct certificate_route *route,
                     struct delegation *ret_d, struct err *ret_finding, struct err *err)
{
	struct db                *db = store_reader(w->store, err);
	struct delegation_verdict verdict = { 0 };
	int64_t                   now = clock_now_ms();

	*ret_finding = (struct err){ 0 };
	if (db == NULL || !delegation_find(db, a, route->delegation_id, ret_d, err) ||
	    !delegation_trusted(w, a, ret_d, project_id, route->name, err))
		return false;
	if (ret_d->removed_at != 0) {
		err_problem(ret_finding, ERR_CONFIG, "no-route", "the delegation of %s was removed", ret_d->name);
		err_hint(ret_finding, "`reeve delegation add %s`, publish its record, and order again", ret_d->name);
		return true;
	}
	if (delegation_fresh(ret_d, now))
		return true;
	if (!delegation_look(w, a, ret_d, &verdict, err))
		return false;
	*ret_finding = verdict.finding;
	return true;
}

enum outcome run_preflight(struct job *job, struct err *err)
{
	struct certificate_route *routes;
	struct order              order;
	struct db                *db;
	size_t                    count;
	int64_t                   wait_ms = PREFLIGHT_FIRST_MS;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !certificate_route_list(db, job->arena, order.certificate_id, &routes, &count, err))
		return job_outcome(err);
	for (size_t i = 0; i < count; i++) {
		struct delegation d;

		if (!preflight_route(job->worker, job->arena, order.project_id, &routes[i], &d, &job->shown, err))
			return job_outcome(err);
		if (job->shown.class == ERR_NONE)
			continue;
		for (int64_t k = 0; k < job->row.attempts && wait_ms < PREFLIGHT_MAX_MS; k++)
			wait_ms *= 2;
		job->attempts = job->row.attempts + 1;
		return job_wait(job, clock_now_ms() + (wait_ms < PREFLIGHT_MAX_MS ? wait_ms : PREFLIGHT_MAX_MS),
		                "%s; the CA has not been asked", job->shown.text);
	}
	job_note(job, "%zu delegation%s verified", count, count == 1 ? "" : "s");
	return OUT_DONE;
}

/* ---- new-order ---- */

struct new_order_intent {
	struct job         *job;
	const struct gate  *gate;
	struct gate_blocked blocked;
};

/* The tokens and the intent are one: orders that run in parallel never take the same one. */
static bool write_new_order_intent(struct db *db, void *arg, struct err *err)
{
	struct new_order_intent *x = arg;
	const char              *order_id = x->job->row.order_id;

	return gate_take(db, x->job->arena, x->gate, order_id, clock_now_ms(), &x->blocked, err) &&
	       (x->blocked.until != 0 || order_count_new_order(db, order_id, err));
}

struct new_order_write {
	struct job              *job;
	const struct acme_order *order;
	const char              *account_id;
};

static bool write_new_order(struct db *db, void *arg, struct err *err)
{
	struct new_order_write *x = arg;
	const char             *order_id = x->job->row.order_id;
	bool                    taken;

	/* Two orders for the same names may have been answered with the same one at the same moment: one comes too late. */
	if (!order_url_taken(db, x->order->url, order_id, &taken, err))
		return false;
	if (taken)
		return err_problem(err, ERR_CONFLICT, "conflict", "the CA gave the order of another certificate");
	if (!order_set_account(db, order_id, x->account_id, err) ||
	    !order_set_urls(db, order_id, x->order->url, x->order->finalize, err))
		return false;
	for (size_t i = 0; i < x->order->authorizations_count && x->job->next == STEP_AUTHORIZATIONS; i++) {
		char    subject[24];
		int64_t id, job;

		if (!authorization_insert(db, order_id, x->order->authorizations[i], &id, err))
			return false;
		snprintf(subject, sizeof(subject), "%lld", (long long)id);
		if (!job_insert(db, "authorization", subject, order_id, x->job->row.project_id, steps[STEP_FETCH].name,
		                clock_now_ms(), &job, err))
			return false;
	}
	return true;
}

/*
 * The certificate id of the version served, when the CA takes it, issued it, and it shares a name with the order: RFC 9773
 * 5. NULL: there is none to replace.
 */
static bool predecessor(struct job *job, const struct session *s, const struct certificate *certificate, const char *names,
                        const char **ret, struct err *err)
{
	struct version version;
	struct db     *db;
	bool           share;

	*ret = NULL;
	if (certificate->version == 0 || s->directory.renewal_info == NULL)
		return true;
	if (!job_reader(job, &db, err) || !version_find_number(db, job->arena, certificate->id, 0, &version, err))
		return false;
	if (!names_share(job->arena, version.names, names, &share, err))
		return false;
	if (version.ari_id[0] != '\0' && share && strcmp(version.authority_id, s->authority.id) == 0)
		*ret = version.ari_id;
	return true;
}

/* With `replaces`; once more without it when the CA says that it is replaced already, or is not ours. RFC 9773 5. */
static bool post_order(struct job *job, struct session *s, struct acme_order_request *request, struct err *err)
{
	struct acme_problem problem;

	if (session_post(s, ACME_AT_ORDER, s->directory.new_order, acme_order_write(job->arena, request), err))
		return true;
	if (request->replaces == NULL || s->status < 400)
		return false;
	acme_problem_parse(job->arena, s->status, s->response.body, &problem);
	if (!acme_should_drop_replaces(&problem))
		return false;
	log_info("order=%s replaces=%s outcome=dropped cause=\"%s\"", job->row.order_id, request->replaces, err->text);
	request->replaces = NULL;
	*err = (struct err){ 0 };
	return session_post(s, ACME_AT_ORDER, s->directory.new_order, acme_order_write(job->arena, request), err);
}

/* What became of `replaces`, for the timeline. */
static const char *replaces_text(const char *wanted, const struct acme_order_request *request, const struct acme_order *answer)
{
	if (wanted == NULL)
		return "";
	if (request->replaces == NULL)
		return "; the CA does not take it as a replacement";
	if (answer->replaces == NULL || strcmp(answer->replaces, request->replaces) != 0)
		return "; the CA did not confirm what it replaces";
	return "; it replaces the version served";
}

static bool write_account_lost(struct db *db, void *arg, struct err *err)
{
	return account_set_status(db, arg, "sent", "", "", err);
}

/* The profile wanted, looked for where it is offered: a cached directory may not know it yet. NULL: the CA's choice. */
static bool wishes(struct job *job, struct session *s, const struct certificate *certificate, struct acme_order_request *request,
                   struct err *err)
{
	const char *profile = certificate->profile[0] != '\0' ? certificate->profile : s->authority.profile;

	if (!acme_preset_check(authority_preset(&s->authority), request->identifiers, request->identifiers_count, profile, err))
		return false;
	if (certificate->valid_s > 0)
		request->not_after_at = clock_now_ms() + certificate->valid_s * 1000;
	if (profile[0] == '\0')
		return true;
	request->profile = profile;
	if (acme_directory_profile(&s->directory, profile) != NULL)
		return true;
	if (!session_directory_fresh(s, err))
		return false;
	if (acme_directory_profile(&s->directory, profile) != NULL)
		return true;
	err_problem(err, ERR_CONFIG, "configuration", "%s offers no profile \"%s\"; the CA has not been asked", s->authority.name, profile);
	return err_hint(err, "%s", acme_directory_profiles_text(job->arena, &s->directory));
}

/* Believed is what the CA says, not what was asked: draft-ietf-acme-profiles 4. */
static bool profile_taken(const struct acme_order_request *request, const struct acme_order *answer, struct err *err)
{
	if (request->profile == NULL || (answer->profile != NULL && strcmp(answer->profile, request->profile) == 0))
		return true;
	if (answer->profile != NULL)
		err_problem(err, ERR_PERMANENT, "ca-nonsense", "the profile %s was ordered, the CA made an order of the profile %s", request->profile,
		            answer->profile);
	else
		err_problem(err, ERR_PERMANENT, "ca-nonsense", "the profile %s was ordered, the CA does not say that it took it", request->profile);
	return err_hint(err, "order without a profile, or ask the CA");
}

/* The CA has forgotten the account: its job looks for it, then registers the same key again. */
static enum outcome account_lost(struct job *job, const char *account_id)
{
	job->next = STEP_ACCOUNT;
	job->facts = write_account_lost;
	job->facts_arg = arena_strdup(job->arena, account_id);
	job_note(job, "the CA does not know the account any more; it is registered again");
	return OUT_DONE;
}

/*
 * The order URL is stored before anything is done with it. When the reply to newOrder was lost, the same names are
 * asked for again: a CA gives the same pending order (Boulder) or a new one, and the orphan expires by itself.
 */
enum outcome run_new_order(struct job *job, struct err *err)
{
	struct new_order_write   *x = arena_alloc(job->arena, sizeof(*x));
	struct acme_order        *answer = arena_alloc(job->arena, sizeof(*answer));
	struct order              order;
	struct certificate        certificate;
	struct version            version;
	struct acme_order_request request = { 0 };
	struct session            s;
	struct gate              *gate = arena_alloc(job->arena, sizeof(*gate)); /* a hold is written after this function */
	struct new_order_intent   intent = { job, gate, { 0 } };
	const char               *wanted, *replaces;
	struct db                *db;
	bool                      taken;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !certificate_find(db, job->arena, order.certificate_id, &certificate, err) ||
	    !version_find(db, job->arena, order.version_id, &version, err) ||
	    !session_open(job, order.authority_id, &s, err) ||
	    !gate_load(db, job->arena, &s.authority, &certificate, clock_now_ms(), gate, err) ||
	    !predecessor(job, &s, &certificate, version.names, &wanted, err) ||
	    !names_split(job->arena, version.names, &request.identifiers, &request.identifiers_count, err) ||
	    !wishes(job, &s, &certificate, &request, err) || !caa_check(&s, request.identifiers, request.identifiers_count, err))
		return job_outcome(err);
	CRASH_POINT(NEW_ORDER_INTENT_BEFORE);
	if (!job_write(job, write_new_order_intent, &intent, err))
		return job_outcome(err);
	if (intent.blocked.until != 0) {
		job->next = STEP_ADMIT; /* another order took the last one meanwhile */
		return OUT_DONE;
	}
	CRASH_POINT(NEW_ORDER_INTENT_AFTER);
	request.replaces = wanted;
	if (!post_order(job, &s, &request, err)) {
		if (strcmp(err->problem, "accountDoesNotExist") == 0 && order.new_orders < ACCOUNT_LOST_MAX)
			return account_lost(job, s.account.id);
		if (admit_refused(job, gate, s.status, s.response.retry_after_s, err))
			return OUT_DONE;
		err_in(err, "newOrder");
		return job_outcome(err);
	}
	if (!acme_order_parse(job->arena, s.response.location, s.response.body, answer, err))
		return job_outcome(err);
	if (!acme_order_matches(answer, request.identifiers, request.identifiers_count)) {
		err_problem(err, ERR_PERMANENT, "ca-nonsense", "newOrder answered with other names than were asked for");
		return OUT_FAIL;
	}
	if (!profile_taken(&request, answer, err))
		return OUT_FAIL;
	if (!order_url_taken(db, answer->url, order.id, &taken, err))
		return job_outcome(err);
	if (taken)
		return job_wait(job, clock_now_ms() + 30000, "the CA gave the order of another certificate with the same names; it goes first");
	replaces = replaces_text(wanted, &request, answer);
	*x = (struct new_order_write){ job, answer, s.account.id };
	if (answer->status != ACME_ORDER_PENDING && answer->status != ACME_ORDER_READY) {
		job->next = STEP_AWAIT; /* a poll tells what it became */
		job_note(job, "order %s is %s", answer->url, acme_order_status_name(answer->status));
	} else if (answer->status == ACME_ORDER_READY) {
		job->next = STEP_FINALIZE;
		job_note(job, "order %s is ready: the CA used the authorizations again%s", answer->url, replaces);
	} else {
		job->wake_at = JOB_NEVER; /* the last authorization wakes it */
		job_note(job, "order %s with %zu authorization%s%s", answer->url, answer->authorizations_count,
		         answer->authorizations_count == 1 ? "" : "s", replaces);
	}
	job->facts = write_new_order;
	job->facts_arg = x;
	return OUT_DONE;
}

/* ---- authorizations: each has a job of its own ---- */

enum outcome run_authorizations(struct job *job, struct err *err)
{
	struct authorization *all;
	struct order          order;
	struct session        s;
	size_t                count, pending = 0;
	struct db            *db;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !authorization_list(db, job->arena, job->row.order_id, &all, &count, err))
		return job_outcome(err);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i].status, "invalid") == 0) {
			/* The authorization's own failure left its words in the order. */
			err_problem(err, ERR_PERMANENT, order.problem, "%s",
			            order.detail[0] != '\0' ? order.detail : "an authorization ended without success");
			err_hint(err, "%s", order.hint);
			return OUT_FAIL;
		}
		pending += strcmp(all[i].status, "pending") == 0;
	}
	if (pending == count)
		return job_wait(job, JOB_NEVER, "%zu of %zu authorizations under way", pending, count);
	if (pending > 0) {
		/* Some names are late: the values of the others must not wait for them. */
		if (!session_open(job, order.authority_id, &s, err) || !await_look(job, &s, 0, err))
			return job_outcome(err);
		job->attempts = job->row.attempts + 1;
		return job_wait(job, clock_now_ms() + AWAIT_LOOK_MS * (1 + (job->row.attempts < LOOK_PAUSES_MAX ? job->row.attempts : LOOK_PAUSES_MAX)),
		                "%zu of %zu authorizations under way", pending, count);
	}
	return OUT_DONE;
}
