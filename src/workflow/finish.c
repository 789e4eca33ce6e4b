/*
 * workflow/finish.c: from valid authorizations to a stored certificate, and what a failed job leaves behind.
 * RFC 8555 7.4, 7.4.2.
 *
 * The key has been on disk since the first step; `finalize` opens it from there to sign the request, which is the
 * proof that it can be read back. The request is stored before it is sent, so that a second run looks at the order
 * before it sends anything.
 */
#include "crypto/x509.h"
#include "base/planted.h"
#include "store/certificate.h"
#include "workflow/admit.h"
#include "workflow/await.h"
#include "workflow/chain.h"
#include "workflow/deployment.h"
#include "workflow/failover.h"
#include "workflow/names.h"
#include "workflow/notification.h"
#include "workflow/operation.h"
#include "workflow/rehearsal.h"
#include "workflow/renewal.h"
#include "workflow/steps.h"

#define FINALIZE_POLLS_MAX 60
#define CLOCK_LOOK_MS      60000

/* ---- finalize ---- */

struct csr_write {
	const char *order_id;
	struct str  csr;
};

static bool write_csr(struct db *db, void *arg, struct err *err)
{
	struct csr_write *x = arg;

	return order_set_csr(db, x->order_id, x->csr, err);
}

static bool make_csr(struct job *job, const struct order *order, struct str *ret, struct err *err)
{
	struct version           version;
	const struct identifier *names;
	const char             **texts;
	size_t                   count;
	struct db               *db;

	if (!job_reader(job, &db, err) || !version_find(db, job->arena, order->version_id, &version, err))
		return false;
	if (version.key_blob.len == 0)
		return certificate_csr(db, job->arena, order->certificate_id, ret, err);
	if (!names_split(job->arena, version.names, &names, &count, err))
		return false;
	texts = arena_alloc_array(job->arena, count, sizeof(*texts));
	for (size_t i = 0; i < count; i++)
		texts[i] = names[i].value;
	struct record_id record = { version.project_id, KEEPER_COLUMN_CERT_KEY, version.id, version.row_version };
	return keeper_csr(job->worker->keeper, &record, version.key_blob, texts, count, job->arena, ret, err);
}

struct finalized_write {
	const char *order_id, *certificate_url;
};

static bool write_finalized(struct db *db, void *arg, struct err *err)
{
	struct finalized_write *x = arg;

	return order_set_certificate_url(db, x->order_id, x->certificate_url, err);
}

/* The CA has the request: go on to download, now or when it is likely to be done. */
static enum outcome finalized(struct job *job, struct session *s, const struct acme_order *answer)
{
	struct finalized_write *x = arena_alloc(job->arena, sizeof(*x));

	if (answer->status == ACME_ORDER_VALID) {
		*x = (struct finalized_write){ job->row.order_id, answer->certificate };
		job->facts = write_finalized;
		job->facts_arg = x;
		job_note(job, "the CA has issued");
	} else {
		int64_t pause_ms = session_delay_ms(s, false);

		if (s->response.retry_after_s > 0)
			pause_ms = (int64_t)acme_retry_after(ACME_RETRY_POLL, s->response.retry_after_s, 1) * 1000;
		job->wake_at = clock_now_ms() + pause_ms;
		job_note(job, "the CA is issuing; the order is polled after %lld ms", (long long)pause_ms);
	}
	return OUT_DONE;
}

static enum outcome refused_order(const struct acme_order *answer, const char *what, struct err *err)
{
	if (answer->error != NULL)
		acme_problem_err(answer->error, ACME_AT_FINALIZE, 0, err);
	else
		err_problem(err, ERR_PERMANENT, "ca-refused", "the CA calls the order %s", acme_order_status_name(answer->status));
	err->class = ERR_PERMANENT;
	err_in(err, "%s", what);
	return OUT_FAIL;
}

enum outcome run_finalize(struct job *job, struct err *err)
{
	struct acme_order answer;
	struct order      order;
	struct session    s;
	struct csr_write *x = arena_alloc(job->arena, sizeof(*x));
	struct db        *db;
	enum outcome      polled;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err))
		return job_outcome(err);
	if (order.csr.len > 0) {
		/* A run before this one may have sent it: look first. */
		polled = await_poll(job, &s, &order, &answer, err);
		if (polled == OUT_WAIT)
			return OUT_DONE;
		if (polled != OUT_DONE)
			return polled;
		if (answer.status == ACME_ORDER_PROCESSING || answer.status == ACME_ORDER_VALID)
			return finalized(job, &s, &answer);
		if (answer.status == ACME_ORDER_INVALID)
			return refused_order(&answer, "finalize", err);
	} else {
		*x = (struct csr_write){ .order_id = order.id };
		if (!session_open(job, order.authority_id, &s, err) || !make_csr(job, &order, &x->csr, err))
			return job_outcome(err);
		CRASH_POINT(FINALIZE_INTENT_BEFORE);
		if (!PLANTED(8) && !job_write(job, write_csr, x, err))
			return job_outcome(err);
		CRASH_POINT(FINALIZE_INTENT_AFTER);
		order.csr = x->csr;
	}
	if (!session_post(&s, ACME_AT_FINALIZE, order.finalize_url, acme_finalize_write(job->arena, order.csr), err)) {
		/* 403 orderNotReady after a lost reply is no failure: the next run polls. */
		if (strcmp(err->problem, "orderNotReady") == 0)
			err->class = ERR_TEMPORARY;
		err_in(err, "finalize");
		return job_outcome(err);
	}
	if (!acme_order_parse(job->arena, order.order_url, s.response.body, &answer, err))
		return job_outcome(err);
	if (answer.status == ACME_ORDER_INVALID)
		return refused_order(&answer, "finalize", err);
	return finalized(job, &s, &answer);
}

/* ---- download ---- */

/* Reading a chain costs more than everything else here, so one run reads it once. */
struct issued {
	struct order      order;
	struct version    version;
	struct cert_chain chain;
	bool              parsed, checked;
};

struct chain_write {
	const char *order_id, *version_id, *certificate_url, *pem;
};

static bool write_chain(struct db *db, void *arg, struct err *err)
{
	struct chain_write *x = arg;

	return order_set_certificate_url(db, x->order_id, x->certificate_url, err) &&
	       version_set_chain(db, x->version_id, x->pem, err);
}

enum outcome run_download(struct job *job, struct err *err)
{
	struct acme_order   answer;
	struct order        order;
	struct session      s;
	struct chain_write *x = arena_alloc(job->arena, sizeof(*x));
	struct issued      *issued = arena_alloc(job->arena, sizeof(*issued));
	struct certificate  certificate;
	struct db          *db;
	const char         *url, *chosen;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !certificate_find(db, job->arena, order.certificate_id, &certificate, err))
		return job_outcome(err);
	url = order.certificate_url;
	if (url[0] == '\0') {
		enum outcome polled = await_poll(job, &s, &order, &answer, err);

		if (polled == OUT_WAIT)
			return OUT_DONE;
		if (polled != OUT_DONE)
			return polled;
		if (job->row.attempts == 0)
			session_learned(&s, false, answer.status == ACME_ORDER_VALID);
		if (answer.status == ACME_ORDER_INVALID)
			return refused_order(&answer, "issuing", err);
		if (answer.status != ACME_ORDER_VALID) {
			int64_t pause_ms = 500 + job->row.attempts * 500;

			if (job->row.attempts >= FINALIZE_POLLS_MAX) {
				err_problem(err, ERR_PERMANENT, "timeout", "the CA did not issue within %d polls", FINALIZE_POLLS_MAX);
				return OUT_FAIL;
			}
			if (s.response.retry_after_s > 0)
				pause_ms = (int64_t)acme_retry_after(ACME_RETRY_POLL, s.response.retry_after_s, 1) * 1000;
			job->attempts = job->row.attempts + 1;
			return job_wait(job, clock_now_ms() + pause_ms, "the CA is issuing");
		}
		url = answer.certificate;
	} else if (!session_open(job, order.authority_id, &s, err)) {
		return job_outcome(err);
	}
	if (!session_post(&s, ACME_AT_DOWNLOAD, url, STR(""), err)) {
		err_in(err, "download");
		return job_outcome(err);
	}
	/* Only what reads as a chain is kept; whether it is the right one is the next step's question. */
	if (!chain_parse(job->arena, s.response.body, &issued->chain, err)) {
		err_in(err, "certificate from %s", s.authority.name);
		return job_outcome(err);
	}
	chosen = chain_choose(&s, url, certificate.chain[0] != '\0' ? certificate.chain : s.authority.chain, &issued->chain);
	issued->parsed = true;
	job->memo = issued;
	*x = (struct chain_write){ order.id, order.version_id, url, arena_str(job->arena, chain_write(job->arena, &issued->chain)) };
	job->facts = write_chain;
	job->facts_arg = x;
	job_note(job, "%zu certificates%s", issued->chain.count, chosen);
	return OUT_DONE;
}

/* ---- verify and store ---- */

static bool check_chain(struct job *job, struct issued **ret, struct err *err)
{
	struct issued           *x = job->memo;
	const struct identifier *names;
	const char             **texts;
	size_t                   count;
	struct db               *db;

	if (x == NULL)
		x = job->memo = arena_alloc(job->arena, sizeof(*x));
	*ret = x;
	if (x->checked)
		return true;
	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &x->order, err) ||
	    !version_find(db, job->arena, x->order.version_id, &x->version, err) ||
	    !names_split(job->arena, x->version.names, &names, &count, err) ||
	    (!x->parsed && !chain_parse(job->arena, str_c(x->version.chain_pem), &x->chain, err)))
		return false;
	texts = arena_alloc_array(job->arena, count, sizeof(*texts));
	for (size_t i = 0; i < count; i++)
		texts[i] = names[i].value;
	x->parsed = true;
	x->checked = PLANTED(7) || chain_check(&x->chain, x->version.spki_sha256, texts, count, clock_now_ms(), err);
	return x->checked;
}

/* Not valid now is the certificate's fault only by a clock that is believed: until it is, the order waits. */
static enum outcome unchecked(struct job *job, const struct issued *x, struct err *err)
{
	int64_t now = clock_now_ms();
	bool    in_time = !x->parsed || (x->chain.certs[0].not_before_ms <= now && now < x->chain.certs[0].not_after_ms);

	err_in(err, "the certificate is not what was ordered");
	if (in_time || session_clock_believed(job->worker))
		return job_outcome(err);
	job->shown = *err;
	err_hint(&job->shown, "set this machine's clock; the order goes on by itself");
	*err = (struct err){ 0 };
	return job_wait(job, now + CLOCK_LOOK_MS, "this machine's clock is doubted: %s", job->shown.text);
}

enum outcome run_verify(struct job *job, struct err *err)
{
	struct issued *x;

	if (!check_chain(job, &x, err))
		return unchecked(job, x, err);
	job_note(job, "key, names, chain and validity are as ordered; issued by %s", x->chain.certs[0].issuer);
	return OUT_DONE;
}

struct store_facts {
	const char      *order_id, *version_id, *certificate_id, *project_id;
	struct cert_info leaf;
	struct order     order;
	int64_t          number;
};

static bool write_store(struct db *db, void *arg, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct store_facts             *x = arg;
	struct order                    order;
	int64_t                         now = clock_now_ms();
	bool                            rehearsal;

	if (!order_find(db, a, x->order_id, &order, err) || !admit_issued(db, a, &order, now, err) ||
	    !rehearsal_ended(db, a, &order, true, now, &rehearsal, err))
		return false;
	if (rehearsal)
		return order_end(db, x->order_id, "rehearsed", "", "", "", now, err);
	return deployment_plan(db, x->certificate_id, x->version_id, x->order_id, now, err) &&
	       notify_stored(db, &x->order, x->number, x->leaf.not_after_ms, now, err) &&
	       version_store(db, x->version_id, x->leaf.serial, x->leaf.ari_id, x->leaf.not_before_ms, x->leaf.not_after_ms, now, err) &&
	       order_end(db, x->order_id, "issued", "", "", "", now, err) &&
	       renewal_stored(db, x->certificate_id, x->project_id, now, err);
}

enum outcome run_store(struct job *job, struct err *err)
{
	struct store_facts *x = arena_alloc(job->arena, sizeof(*x));
	struct issued      *issued;
	char                until[CLOCK_RFC3339_SIZE];
	struct rehearsal    rehearsal;
	struct err          missing = { 0 };
	struct db          *db;

	if (!check_chain(job, &issued, err))
		return unchecked(job, issued, err);
	*x = (struct store_facts){ issued->order.id, issued->version.id, issued->order.certificate_id, issued->order.project_id,
		                   issued->chain.certs[0], issued->order, issued->version.number };
	job->facts = write_store;
	job->facts_arg = x;
	if (!job_reader(job, &db, err))
		return job_outcome(err);
	if (rehearsal_find(db, job->arena, x->certificate_id, &rehearsal, &missing)) {
		job_note(job, "the rehearsal passed; its certificate is discarded");
		return OUT_DONE;
	}
	job_note(job, "version %lld stored, valid until %s", (long long)issued->version.number,
	         clock_rfc3339(x->leaf.not_after_ms, until));
	log_info("order=%s certificate=%s version=%lld serial=%s not_after=%s outcome=issued", x->order_id,
	         issued->order.certificate_id, (long long)issued->version.number, x->leaf.serial, until);
	return OUT_DONE;
}

/* ---- what a failed job leaves behind ---- */

static bool fail_authorization(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct authorization            x;
	struct order                    order;
	uint64_t                        id;

	if (!str_to_u64(str_c(job->row.subject), &id))
		return err_set(err, ERR_PERMANENT, "job %lld has no authorization", (long long)job->row.id);
	if (!authorization_find(db, a, (int64_t)id, &x, err) || !order_find(db, a, job->row.order_id, &order, err) ||
	    !admit_failed(db, a, &order, job->blamed != NULL ? job->blamed : x.name, job->blamed != NULL, cause, job->step, now, err))
		return false;
	return authorization_set_status(db, (int64_t)id, "invalid", now, err) &&
	       await_retire_one(db, job->row.order_id, job->row.project_id, (int64_t)id, err) &&
	       order_set_progress(db, job->row.order_id, steps[STEP_AUTHORIZATIONS].name, cause->problem, cause->text, cause->hint, 0, 0, err) &&
	       job_wake_order(db, "order", job->row.order_id, now, err);
}

bool order_give_up(struct db *db, const struct order *order, const char *status, const struct err *why, int64_t now,
                   struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	bool                            cancelled = strcmp(status, "cancelled") == 0, rehearsal;
	int64_t                         next_at;

	/* Before they are settled: afterwards nobody knows which were pending. */
	return admit_ended(db, a, order, &next_at, err) && rehearsal_ended(db, a, order, false, now, &rehearsal, err) &&
	       (!cancelled || operation_abandon(db, order, now, err)) &&
	       schedule_end_jobs(db, "authorization", order->id, err) &&
	       (!cancelled || schedule_end_jobs(db, "order", order->id, err)) &&
	       authorization_settle(db, order->id, "invalid", err) && (PLANTED(6) || await_retire(db, order->id, order->project_id, err)) &&
	       order_end(db, order->id, status, why->problem, why->text, why->hint, now, err) &&
	       renewal_failed(db, order->certificate_id, cancelled, next_at, now, err) &&
	       (cancelled || rehearsal || notify_order_failed(db, order, why, now, err));
}

static bool fail_order(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct order                    order;

	if (!order_find(db, a, job->row.order_id, &order, err))
		return false;
	/* The name of a failed authorization was noted when its own job ended. */
	if (job->step != STEP_AUTHORIZATIONS &&
	    !admit_failed(db, a, &order, job->blamed != NULL ? job->blamed : "", job->blamed != NULL, cause, job->step, now, err))
		return false;
	return order_give_up(db, &order, "failed", cause, now, err) && failover_failed(db, a, &order, cause, now, err);
}

static bool fail_account(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err)
{
	struct arena  *a = arena_new();
	struct account account;
	struct err     missing = { 0 };
	bool           ok = true;

	if (account_find(db, a, job->row.project_id, job->row.subject, &account, &missing))
		ok = account_set_status(db, account.id, strcmp(account.status, "deactivated") == 0 ? account.status : "refused", "", cause->text, err);
	else if (missing.class != ERR_NOT_FOUND)
		ok = err_in(err, "%s", missing.text);
	arena_free(a);
	return ok && schedule_wake_authority(db, job->row.subject, steps[STEP_ACCOUNT].name, now, err);
}

bool fail_facts(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err)
{
	if (strcmp(job->row.kind, "order") == 0)
		return fail_order(db, job, cause, now, err);
	if (strcmp(job->row.kind, "authorization") == 0)
		return fail_authorization(db, job, cause, now, err);
	if (strcmp(job->row.kind, "account") == 0)
		return fail_account(db, job, cause, now, err);
	if (strcmp(job->row.kind, "deployment") == 0)
		return deployment_failed(db, job, cause, now, err);
	if (strcmp(job->row.kind, "operation") == 0)
		return operation_failed(db, job, cause, now, err);
	return true;
}
