/*
 * workflow/deployment.c: see deployment.h. A delivery's intent (state running) is durable before the target hears of it,
 * and its outcome after; the target's side (deploy/) can be told twice. One place gets one delivery at a time, and an
 * older version never follows a newer one by itself.
 */
#include "workflow/deployment.h"

#include "base/id.h"
#include "base/rand.h"
#include "crypto/x509.h"
#include "deploy/hook.h"
#include "deploy/webhook.h"
#include "net/probe.h"
#include "store/certificate.h"
#include "workflow/names.h"
#include "workflow/notification.h"
#include "workflow/steps.h"

#define TRIES_MAX        16 /* about five hours */
#define TRIES_BACK_MAX   4
#define BACKOFF_MAX_S    3600
#define TURN_MS          500 /* until a place or a thread is free */
#define TURN_MAX_MS      15000
#define PROBE_TIMEOUT_MS 5000
#define PROBE_PAUSE_MS   2000

/* ---- planning ---- */

bool deployment_queue(struct db *db, const struct delivery *d, bool *ret_made, struct err *err)
{
	int64_t job;

	return delivery_insert(db, d, ret_made, err) &&
	       (!*ret_made || job_insert(db, "deployment", d->id, d->order_id, d->project_id, steps[STEP_DELIVER].name, d->created_at,
	                                 &job, err));
}

static bool plan_all(struct db *db, struct arena *a, const char *certificate_id, const char *version_id, const char *order_id,
                     int64_t now, struct err *err)
{
	struct certificate certificate;
	struct version     version;
	struct deployment *list;
	size_t             count;
	char               id[ID_SIZE];
	bool               made;

	if (!certificate_find(db, a, certificate_id, &certificate, err) || !version_find(db, a, version_id, &version, err) ||
	    !deployment_list(db, a, certificate.project_id, certificate.id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		id_new(id);
		struct delivery d = { .id = id, .deployment_id = list[i].id, .project_id = certificate.project_id,
			              .certificate_id = certificate.id, .version_id = version.id, .number = version.number,
			              .order_id = order_id, .event = certificate.version == 0 ? "created" : "renewed",
			              .created_at = now };
		if (!deployment_queue(db, &d, &made, err))
			return false;
	}
	return true;
}

bool deployment_plan(struct db *db, const char *certificate_id, const char *version_id, const char *order_id, int64_t now,
                     struct err *err)
{
	struct arena *a = arena_new();
	bool          ok = plan_all(db, a, certificate_id, version_id, order_id, now, err);

	arena_free(a);
	return ok;
}

/* The order that stored the version, so that its timeline tells of this too. */
static bool order_of(struct db *db, struct arena *a, const struct version *v, const char **ret, struct err *err)
{
	struct order *list;
	size_t        count;

	*ret = "";
	if (!order_list(db, a, v->project_id, v->certificate_id, 100, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].version_id, v->id) == 0)
			*ret = list[i].id;
	return true;
}

bool deployment_manual(struct db *db, struct arena *a, const struct deployment *d, const char *certificate, int64_t number,
                       bool dry_run, struct delivery *ret, struct err *err)
{
	struct certificate c;
	struct version     v;
	struct delivery    x = { .deployment_id = d->id, .project_id = d->project_id, .event = "manual", .dry_run = dry_run,
		                 .created_at = clock_now_ms() };
	char               id[ID_SIZE];

	if (certificate[0] == '\0')
		certificate = d->certificate_id;
	if (certificate[0] == '\0') {
		err_set(err, ERR_INPUT, "%s delivers every certificate of the project: say which one", d->name);
		return err_hint(err, "\"certificate\": its id or first name");
	}
	if (!certificate_find_named(db, a, d->project_id, certificate, &c, err))
		return false;
	if (d->certificate_id[0] != '\0' && strcmp(d->certificate_id, c.id) != 0)
		return err_set(err, ERR_INPUT, "%s does not deliver %s", d->name, c.name);
	if (c.version == 0)
		return err_set(err, ERR_NOT_FOUND, "the certificate %s is not issued yet", c.name);
	if (!version_find_number(db, a, c.id, number, &v, err) || !order_of(db, a, &v, &x.order_id, err))
		return false;
	if (v.issued_at == 0)
		return err_set(err, ERR_NOT_FOUND, "version %lld of %s was never issued", (long long)v.number, c.name);
	id_new(id);
	x.id = arena_strdup(a, id);
	x.certificate_id = c.id;
	x.version_id = v.id;
	x.number = v.number;
	*ret = x;
	return true;
}

struct keeper_deployment deployment_row(const struct deployment *d)
{
	return (struct keeper_deployment){ d->id, d->project_id, d->name, d->certificate_id, d->kind, d->settings, d->created_at };
}

bool deployment_trusted(struct worker *w, const struct deployment *d, struct err *err)
{
	struct keeper_deployment row = deployment_row(d);
	struct buf               columns;
	bool                     ok;

	buf_init(&columns, IPC_BODY_MAX);
	keeper_deployment_columns(&row, &columns);
	ok = keeper_mac_check(w->keeper, "deployments", buf_str(&columns), d->row_version, d->mac, err);
	buf_clear(&columns);
	return ok || err_in(err, "deployment %s", d->name);
}

/* ---- what a step needs to know ---- */

struct work {
	struct delivery        delivery;
	struct deployment      deployment;
	struct certificate     certificate;
	struct version         version; /* the one that is delivered now */
	struct deploy_settings settings;
	enum deploy_kind       kind;
	/* what came of it */
	bool                   tried; /* the target answered, well or not */
	int64_t                exit_code;
	const char            *output;
};

static bool load(struct job *job, struct work *w, struct err *err)
{
	struct db *db;

	*w = (struct work){ .exit_code = -1, .output = "" };
	if (!job_reader(job, &db, err) || !delivery_find(db, job->arena, job->row.subject, &w->delivery, err) ||
	    !deployment_find(db, job->arena, w->delivery.deployment_id, &w->deployment, err) ||
	    !certificate_find(db, job->arena, w->delivery.certificate_id, &w->certificate, err) ||
	    !version_find(db, job->arena, w->delivery.version_id, &w->version, err))
		return false;
	return deploy_kind_find(w->deployment.kind, &w->kind, err) &&
	       deploy_settings_parse(job->arena, w->kind, w->deployment.settings, &w->settings, err);
}

struct end_write {
	const char *id, *state, *problem, *detail, *hint;
	bool        taken_back;
};

static bool write_end(struct db *db, void *arg, struct err *err)
{
	struct end_write *x = arg;
	struct err        why = { 0 };
	int64_t           now = clock_now_ms();

	if (!delivery_end(db, x->id, x->state, x->problem, x->detail, x->hint, x->taken_back, now, err))
		return false;
	if (strcmp(x->state, "failed") != 0)
		return true;
	err_problem(&why, ERR_PERMANENT, x->problem, "%s", x->detail);
	err_hint(&why, "%s", x->hint);
	return notify_delivery(db, x->id, &why, now, err);
}

static enum outcome end_as(struct job *job, const struct work *w, const char *state, const char *why)
{
	struct end_write *x = arena_alloc(job->arena, sizeof(*x));

	*x = (struct end_write){ w->delivery.id, state, "", why, "", false };
	job->facts = write_end;
	job->facts_arg = x;
	job->next = STEP_DELIVERED;
	job_note(job, "%s: %s", w->deployment.name, why);
	return OUT_DONE;
}

/* ---- doing it ---- */

static bool deliver_here(struct job *job, struct work *w, const char *event, bool dry_run, struct err *err)
{
	char                   ticket[ID_SIZE];
	struct keeper_delivery handed = {
		.deployment = deployment_row(&w->deployment), .mac = w->deployment.mac,
		.cert_key = { w->version.project_id, KEEPER_COLUMN_CERT_KEY, w->version.id, w->version.row_version },
		.key_blob = w->version.key_blob, .chain_pem = str_c(w->version.chain_pem), .pkcs12 = w->settings.pkcs12,
	};
	struct hook_run        run = { .event = event, .dry_run = dry_run, .certificate_id = w->certificate.id,
		                       .certificate_name = w->certificate.name, .names = w->version.names,
		                       .number = w->version.number };
	struct hook_result     result;

	/* A directory without a key is of use to whoever has it; a hook or a PKCS#12 without one is not. */
	if (w->version.key_blob.len == 0 && (w->kind != DEPLOY_FILES || w->settings.hook[0] != '\0' || w->settings.pkcs12)) {
		err_problem(err, ERR_INPUT, "no-key", "version %lld of %s was made from a CSR: Reeve does not have its key",
		            (long long)w->version.number, w->certificate.name);
		return err_hint(err, "deliver it to a directory, without hook and PKCS#12: it gets the chain, and you have the key");
	}
	id_new(ticket);
	handed.ticket = run.ticket = ticket;
	if (!keeper_deliver(job->worker->keeper, &handed, err) ||
	    !hook_run(job->worker->hook, &run, w->settings.timeout_s, job->arena, &result, err))
		return false;
	w->tried = true;
	w->exit_code = result.exit_code;
	w->output = result.output;
	if (!result.done)
		*err = result.cause;
	return result.done;
}

static bool deliver_webhook(struct job *job, struct work *w, struct err *err)
{
	struct cert_chain      chain;
	struct webhook_message m = { &w->delivery, &w->deployment, w->certificate.name, w->version.names, NULL };

	if (!deployment_trusted(job->worker, &w->deployment, err) ||
	    !chain_parse(job->arena, str_c(w->version.chain_pem), &chain, err))
		return false;
	m.leaf = &chain.certs[0];
	w->tried = true;
	return webhook_send(job->thread->http, job->worker->keeper, job->arena, &w->settings, &m, err);
}

static bool deliver(struct job *job, struct work *w, const char *event, bool dry_run, struct err *err)
{
	switch (w->kind) {
	case DEPLOY_FILES:
	case DEPLOY_HOOK:
		return deliver_here(job, w, event, dry_run, err);
	case DEPLOY_WEBHOOK:
		return deliver_webhook(job, w, err);
	case DEPLOY__COUNT:
		break;
	}
	return err_set(err, ERR_PERMANENT, "a deployment of no kind");
}

static bool write_begin(struct db *db, void *arg, struct err *err)
{
	return delivery_start(db, arg, clock_now_ms(), err);
}

struct deployed_write {
	const char *id, *state, *output;
	int64_t     exit_code;
};

static bool write_deployed(struct db *db, void *arg, struct err *err)
{
	struct deployed_write *x = arg;

	return delivery_set_deployed(db, x->id, x->state, x->exit_code, x->output, clock_now_ms(), err) &&
	       (strcmp(x->state, "done") != 0 || notify_delivery(db, x->id, NULL, clock_now_ms(), err));
}

static bool write_problem(struct db *db, void *arg, struct err *err)
{
	return delivery_set_problem(db, arg, err);
}

static int64_t backoff_ms(int64_t attempts)
{
	int64_t s = (int64_t)1 << (attempts < 12 ? attempts : 12);

	return rand_jitter((s < BACKOFF_MAX_S ? s : BACKOFF_MAX_S) * 1000, 20);
}

/*
 * Another try, or the end. What only a person can change is tried again too: nobody tells us when it was changed. By hand
 * the answer is wanted now, so only what never reached the target is repeated.
 */
static enum outcome not_deployed(struct job *job, struct work *w, struct err *err)
{
	struct delivery *d = arena_alloc(job->arena, sizeof(*d));
	bool             final = err->class == ERR_PERMANENT || err->class == ERR_DENIED || err->class == ERR_INPUT ||
	                         (w->tried && strcmp(w->delivery.event, "manual") == 0) || job->row.attempts + 1 >= TRIES_MAX;
	struct err       lost = { 0 };

	*d = w->delivery;
	d->state = final ? "failed" : "waiting";
	d->exit_code = w->exit_code;
	d->output = w->output;
	d->problem = arena_strdup(job->arena, err->problem);
	d->detail = arena_strdup(job->arena, err->text);
	d->hint = arena_strdup(job->arena, err->hint);
	d->next_try_at = final ? 0 : clock_now_ms() + backoff_ms(job->row.attempts);
	if (final) {
		err_in(err, "%s", w->deployment.name);
		return job_write(job, write_problem, d, &lost) ? OUT_FAIL : OUT_RETRY;
	}
	log_warn("delivery=%s deployment=%s attempt=%lld problem=%s cause=\"%s\"", d->id, w->deployment.name,
	         (long long)job->row.attempts + 1, err->problem, err->text);
	job->facts = write_problem;
	job->facts_arg = d;
	job->attempts = job->row.attempts + 1;
	return job_wait(job, d->next_try_at, "%s: version %lld is not delivered: %s", w->deployment.name,
	                (long long)w->delivery.number, err->text);
}

static enum outcome attempt(struct job *job, struct work *w, struct err *err)
{
	struct deployed_write *x = arena_alloc(job->arena, sizeof(*x));
	bool                   probe = w->settings.probe[0] != '\0' && !w->delivery.dry_run;

	CRASH_POINT(DELIVER_INTENT_BEFORE);
	if (!job_write(job, write_begin, (void *)(uintptr_t)w->delivery.id, err))
		return job_outcome(err);
	CRASH_POINT(DELIVER_INTENT_AFTER);
	if (!deliver(job, w, w->delivery.event, w->delivery.dry_run, err))
		return not_deployed(job, w, err);
	*x = (struct deployed_write){ w->delivery.id, probe ? "probing" : "done", w->output, w->exit_code };
	job->facts = write_deployed;
	job->facts_arg = x;
	job->next = probe ? STEP_PROBE : STEP_DELIVERED;
	job_note(job, "%s: version %lld %s", w->deployment.name, (long long)w->delivery.number,
	         w->delivery.dry_run ? "could be delivered (dry run)" : "is delivered");
	log_info("delivery=%s deployment=%s certificate=%s version=%lld outcome=deployed", w->delivery.id, w->deployment.name,
	         w->certificate.id, (long long)w->delivery.number);
	return OUT_DONE;
}

/* Targets may be slow; orders always find threads. */
static bool turn_take(struct worker *worker)
{
	unsigned most = worker->settings.threads > 1 ? worker->settings.threads / 2 : 1;

	if (__atomic_add_fetch(&worker->delivering, 1, __ATOMIC_RELAXED) <= most)
		return true;
	__atomic_sub_fetch(&worker->delivering, 1, __ATOMIC_RELAXED);
	return false;
}

static void turn_give(struct worker *worker)
{
	__atomic_sub_fetch(&worker->delivering, 1, __ATOMIC_RELAXED);
}

/* The longer a delivery waits, the less often it asks: many may wait for one slow target. */
static enum outcome turn_wait(struct job *job, const struct work *w, const char *what)
{
	int64_t pause = (clock_now_ms() - w->delivery.created_at) / 8;

	if (pause < TURN_MS)
		pause = TURN_MS;
	job->attempts = job->row.attempts;
	return job_wait(job, clock_now_ms() + (pause < TURN_MAX_MS ? pause : TURN_MAX_MS), "%s: waits for %s", w->deployment.name, what);
}

enum outcome run_deliver(struct job *job, struct err *err)
{
	struct work  w;
	struct db   *db;
	bool         busy;
	enum outcome outcome;

	if (!load(job, &w, err) || !job_reader(job, &db, err) || !delivery_busy(db, &w.delivery, &busy, err))
		return job_outcome(err);
	if (w.deployment.removed_at != 0)
		return end_as(job, &w, "cancelled", "the deployment was removed");
	if (strcmp(w.delivery.event, "manual") != 0 && w.certificate.version > w.delivery.number)
		return end_as(job, &w, "superseded", "a newer version is there");
	if (busy)
		return turn_wait(job, &w, "the delivery before it");
	if (!turn_take(job->worker))
		return turn_wait(job, &w, "other deliveries");
	job->attempts = job->row.attempts;
	outcome = attempt(job, &w, err);
	turn_give(job->worker);
	return outcome;
}

/* ---- was it seen? ---- */

static bool write_seen(struct db *db, void *arg, struct err *err)
{
	return delivery_set_seen(db, arg, clock_now_ms(), err) && notify_delivery(db, arg, NULL, clock_now_ms(), err);
}

/* SNI cannot ask for a wildcard: any name below it will do. */
static const char *probe_name(struct arena *a, const struct work *w)
{
	if (w->settings.probe_name[0] != '\0')
		return w->settings.probe_name;
	return w->certificate.name[0] == '*' ? arena_printf(a, "www%s", w->certificate.name + 1) : w->certificate.name;
}

static bool look(struct job *job, const struct work *w, struct err *err)
{
	struct probe_request request = { .name = probe_name(job->arena, w), .allowed = w->settings.cidrs,
		                         .allowed_count = w->settings.cidrs_count, .timeout_ms = PROBE_TIMEOUT_MS };
	struct cert_chain    chain;
	struct cert_info     served;
	struct str           der;

	if (!deploy_probe_split(job->arena, w->settings.probe, &request.starttls, &request.host, &request.port, err) ||
	    !chain_parse(job->arena, str_c(w->version.chain_pem), &chain, err) || !probe_tls(job->arena, &request, &der, err))
		return false;
	if (str_eq(der, chain.certs[0].der))
		return true;
	if (!cert_parse(job->arena, der, &served, err))
		return err_in(err, "%s serves", w->settings.probe);
	err_problem(err, ERR_TEMPORARY, "not-seen", "%s serves the certificate with serial %s, not %s", w->settings.probe, served.serial,
	            chain.certs[0].serial);
	return err_hint(err, "does the service read its files again? a hook can tell it to");
}

enum outcome run_probe(struct job *job, struct err *err)
{
	struct work      w;
	struct delivery *d = arena_alloc(job->arena, sizeof(*d));
	struct err       found = { 0 };
	int64_t          now = clock_now_ms();
	bool             seen;

	if (!load(job, &w, err))
		return job_outcome(err);
	if (w.deployment.removed_at != 0)
		return end_as(job, &w, "cancelled", "the deployment was removed");
	if (!turn_take(job->worker))
		return turn_wait(job, &w, "other deliveries");
	seen = look(job, &w, &found);
	turn_give(job->worker);
	if (seen) {
		job->facts = write_seen;
		job->facts_arg = (void *)(uintptr_t)w.delivery.id;
		job_note(job, "%s: version %lld is seen at %s", w.deployment.name, (long long)w.delivery.number, w.settings.probe);
		return OUT_DONE;
	}
	*d = w.delivery;
	d->state = "probing";
	d->problem = arena_strdup(job->arena, found.problem);
	d->detail = arena_strdup(job->arena, found.text);
	d->hint = arena_strdup(job->arena, found.hint);
	job->facts = write_problem;
	job->facts_arg = d;
	if (now < w.delivery.deployed_at + w.settings.probe_wait_s * 1000 && found.class == ERR_TEMPORARY) {
		int64_t pause = 200 * (job->row.attempts + 1);

		job->attempts = job->row.attempts + 1;
		return job_wait(job, now + (pause < PROBE_PAUSE_MS ? pause : PROBE_PAUSE_MS), "%s: not seen yet: %s", w.deployment.name,
		                found.text);
	}
	log_warn("delivery=%s deployment=%s outcome=not-seen cause=\"%s\"", d->id, w.deployment.name, found.text);
	job->next = STEP_ROLL_BACK;
	job_note(job, "%s: version %lld is not seen: %s", w.deployment.name, (long long)w.delivery.number, found.text);
	return OUT_DONE;
}

/* ---- the way back ---- */

enum outcome run_roll_back(struct job *job, struct err *err)
{
	struct end_write *x = arena_alloc(job->arena, sizeof(*x));
	struct err        missing = { 0 };
	struct delivery   before;
	struct work       w;
	struct db        *db;
	bool              back;

	if (!load(job, &w, err) || !job_reader(job, &db, err))
		return job_outcome(err);
	if (w.deployment.removed_at != 0)
		return end_as(job, &w, "cancelled", "the deployment was removed");
	if (w.certificate.version > w.delivery.number)
		return end_as(job, &w, "failed", "it was not seen, and a newer version is there to be delivered");
	if (w.kind == DEPLOY_WEBHOOK ||
	    !delivery_find_deployed(db, job->arena, w.deployment.id, w.certificate.id, w.delivery.id, &before, &missing) ||
	    before.number == w.delivery.number) {
		err_problem(err, ERR_PERMANENT, w.delivery.problem, "%s; no other version was there to go back to", w.delivery.detail);
		err_hint(err, "%s", w.delivery.hint);
		return OUT_FAIL;
	}
	if (!turn_take(job->worker))
		return turn_wait(job, &w, "other deliveries");
	back = version_find(db, job->arena, before.version_id, &w.version, err) && deliver(job, &w, "rollback", false, err);
	turn_give(job->worker);
	if (!back) {
		if (job->row.attempts + 1 >= TRIES_BACK_MAX || err->class == ERR_PERMANENT) {
			err_in(err, "%s; the way back to version %lld", w.delivery.detail, (long long)before.number);
			return OUT_FAIL;
		}
		job->attempts = job->row.attempts + 1;
		return job_wait(job, clock_now_ms() + backoff_ms(job->row.attempts), "%s: the way back to version %lld: %s",
		                w.deployment.name, (long long)before.number, err->text);
	}
	*x = (struct end_write){ w.delivery.id, "failed", w.delivery.problem,
		                 arena_printf(job->arena, "%s; version %lld is back in place", w.delivery.detail, (long long)before.number),
		                 w.delivery.hint, true };
	job->facts = write_end;
	job->facts_arg = x;
	job_note(job, "%s: version %lld is back in place", w.deployment.name, (long long)before.number);
	return OUT_DONE;
}

bool deployment_failed(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err)
{
	return delivery_end(db, job->row.subject, "failed", cause->problem, cause->text, cause->hint, false, now, err) &&
	       notify_delivery(db, job->row.subject, cause, now, err);
}
