/*
 * workflow/operation.c: see the header. What is the same for all kinds: the row, the job, the intent, the tries, the end.
 * What a kind does at the CA stands in its own file.
 */
#include "workflow/operation.h"

#include "base/id.h"
#include "base/rand.h"
#include "store/certificate.h"
#include "store/project.h"
#include "workflow/failover.h"
#include "workflow/steps.h"

#define KIND        "operation"
#define REQUEST_MAX (64 * KIB)
#define PAUSE_S     5
#define PAUSE_MAX_S 600

static const struct operation_kind {
	const char        *name; /* stored: never renamed */
	operation_plan_fn *plan; /* NULL: not by command */
	operation_run_fn  *prepare; /* NULL: nothing has to be on disk first */
	operation_run_fn  *run;
} kinds[] = {
	{ "authority-test", plan_authority_test, NULL, operate_authority_test },
	{ "account-find", plan_account, NULL, operate_account_find },
	{ "account-update", plan_account_update, NULL, operate_account_update },
	{ "account-rollover", plan_account_rollover, prepare_rollover, operate_account_rollover },
	{ "account-deactivate", plan_account_deactivate, NULL, operate_account_deactivate },
	{ "certificate-revoke", plan_revoke, NULL, operate_revoke },
	{ "authorizations-deactivate", NULL, NULL, operate_abandon },
};

static const struct operation_kind *kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* ---- from the command to the row ---- */

static bool queue(struct db *db, const struct operation *op, struct err *err)
{
	int64_t job;

	return operation_insert(db, op, err) &&
	       job_insert(db, KIND, op->id, "", op->project_id, steps[STEP_OPERATION_PREPARE].name, op->created_at, &job, err);
}

static bool write_start(struct db *db, void *arg, struct err *err)
{
	struct operation_plan *p = arg;
	const char            *object = p->op.certificate_id[0] != '\0' ? p->op.certificate_id : p->op.authority_id;

	return (p->compromised_spki == NULL ||
	        version_key_compromise(db, p->op.certificate_id, p->compromised_spki, p->op.created_at, err)) &&
	       (p->reissue == NULL || failover_order_start(db, p->reissue, p->order_id, err)) && queue(db, &p->op, err) &&
	       audit_insert(db, p->op.created_at, p->who->project_id, p->who->principal, p->op.kind, object, p->op.request, err);
}

bool operation_start(struct worker *w, struct arena *a, const struct command_who *who, const struct command_operation *c,
                     struct command_reply *ret, struct err *err)
{
	const struct operation_kind *kind = kind_find(c->kind);
	AUTO(json_freep) json_t     *given = NULL, *kept = json_object();
	struct operation_plan        p = { .w = w, .a = a, .who = who, .c = c, .kept = kept, .order_id = "" };
	struct operation             again;
	struct err                   missing = { 0 };

	p.db = store_reader(w->store, err);
	if (p.db == NULL || !json_read(str_c(c->request), REQUEST_MAX, &given, err))
		return false;
	if (kind == NULL || kind->plan == NULL)
		return err_problem(err, ERR_INPUT, "invalid-request", "there is no operation \"%s\"", c->kind);
	ret->id = c->id;
	if (operation_find(p.db, a, c->id, &again, &missing))
		return true; /* the same command again */
	p.given = given;
	p.op = (struct operation){ .id = c->id, .project_id = who->project_id, .kind = kind->name, .subject = c->id, .certificate_id = "",
		                   .version_id = "", .created_at = clock_now_ms() };
	if (c->authority[0] != '\0' && !authority_find_named(p.db, a, who->project_id, c->authority, &p.authority, err))
		return false;
	p.op.authority_id = p.authority.id;
	if (!kind->plan(&p, err))
		return false;
	p.op.request = json_write(a, p.kept);
	if (!store_write(w->store, write_start, &p, err))
		return false;
	ret->order_id = p.order_id;
	worker_kick(w, clock_now_ms());
	return true;
}

/* ---- the job ---- */

static bool load(struct operating *x, const struct operation_kind **ret_kind, json_t **ret_request, struct err *err)
{
	struct db *db;

	if (!job_reader(x->job, &db, err) || !operation_find(db, x->job->arena, x->job->row.subject, &x->op, err) ||
	    !json_read(str_c(x->op.request), REQUEST_MAX, ret_request, err))
		return false;
	x->request = *ret_request;
	x->resumed = strcmp(x->op.state, "sent") == 0;
	*ret_kind = kind_find(x->op.kind);
	if (*ret_kind == NULL)
		return err_problem(err, ERR_PERMANENT, "internal", "this binary does not know the operation %s", x->op.kind);
	return true;
}

static bool write_sent(struct db *db, void *arg, struct err *err)
{
	return operation_set_sent(db, arg, err);
}

bool operation_intent(struct operating *x, struct err *err)
{
	CRASH_POINT(OPERATION_INTENT_BEFORE);
	if (!x->resumed && !job_write(x->job, write_sent, (void *)(uintptr_t)x->op.id, err))
		return false;
	CRASH_POINT(OPERATION_INTENT_AFTER);
	return true;
}

enum outcome operation_done(struct operating *x, store_write_fn facts, void *arg)
{
	x->facts = facts;
	x->facts_arg = arg;
	return OUT_DONE;
}

struct end_write {
	const struct operating *x;
	const char             *report;
};

static bool write_end(struct db *db, void *arg, struct err *err)
{
	struct end_write       *e = arg;
	const struct operating *x = e->x;

	return (x->facts == NULL || x->facts(db, x->facts_arg, err)) &&
	       operation_end(db, x->op.id, "done", e->report, "", "", "", clock_now_ms(), err);
}

struct wait_write {
	const char *id;
	struct err  why;
	int64_t     next_try_at;
};

static bool write_wait(struct db *db, void *arg, struct err *err)
{
	struct wait_write *x = arg;

	return operation_set_wait(db, x->id, x->why.problem, x->why.text, x->why.hint, x->next_try_at, err);
}

/* Again later, with the reason in the row; after the last try the reason is the end. */
static enum outcome try_again(struct operating *x, struct err *err)
{
	struct job        *job = x->job;
	struct wait_write *wait = arena_alloc(job->arena, sizeof(*wait));
	int64_t            pause_s = PAUSE_S, tries = job->row.attempts;

	/* What reached the CA may have changed which key it knows: that has to be found out, however long it takes. */
	if (tries + 1 >= OPERATION_TRIES_MAX && !(x->resumed && x->op.key_blob.len > 0))
		return OUT_FAIL;
	for (int64_t i = 0; i < tries && pause_s < PAUSE_MAX_S; i++)
		pause_s *= 2;
	if (pause_s < (int64_t)err->retry_after_s)
		pause_s = err->retry_after_s;
	*wait = (struct wait_write){ x->op.id, *err, clock_now_ms() + pause_s * 1000 + rand_jitter(1000, 100) };
	job->facts = write_wait;
	job->facts_arg = wait;
	job->attempts = tries + 1;
	log_info("operation=%s kind=%s attempt=%lld problem=%s cause=\"%s\"", x->op.id, x->op.kind, (long long)tries + 1, err->problem,
	         err->text);
	return job_wait(job, wait->next_try_at, "%s", err->text);
}

enum outcome run_operation_prepare(struct job *job, struct err *err)
{
	AUTO(json_freep) json_t     *request = NULL;
	struct operating            *x = arena_alloc(job->arena, sizeof(*x));
	const struct operation_kind *kind;
	enum outcome                 outcome;

	x->job = job;
	if (!load(x, &kind, &request, err))
		return job_outcome(err);
	outcome = kind->prepare != NULL ? kind->prepare(x, err) : OUT_DONE;
	return outcome == OUT_RETRY ? try_again(x, err) : outcome;
}

enum outcome run_operation_send(struct job *job, struct err *err)
{
	AUTO(json_freep) json_t     *request = NULL, *report = json_object();
	struct operating            *x = arena_alloc(job->arena, sizeof(*x));
	struct end_write            *end = arena_alloc(job->arena, sizeof(*end));
	const struct operation_kind *kind;
	enum outcome                 outcome;

	x->job = job;
	if (!load(x, &kind, &request, err))
		return job_outcome(err);
	if (x->op.ended_at != 0)
		return OUT_DONE;
	x->report = report;
	outcome = kind->run(x, err);
	if (outcome == OUT_RETRY)
		return try_again(x, err);
	if (outcome != OUT_DONE)
		return outcome;
	*end = (struct end_write){ x, json_write(job->arena, report) };
	job->facts = write_end;
	job->facts_arg = end;
	log_info("operation=%s kind=%s outcome=done", x->op.id, x->op.kind);
	return OUT_DONE;
}

bool operation_failed(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err)
{
	return operation_end(db, job->row.subject, "failed", "", cause->problem, cause->text, cause->hint, now, err);
}

/* ---- what a cancelled order leaves at the CA ---- */

bool operation_abandon(struct db *db, const struct order *order, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(json_freep) json_t        *request = json_object();
	json_t                         *urls = json_array();
	struct authorization           *list;
	struct operation                op = { .project_id = order->project_id, .kind = "authorizations-deactivate", .subject = order->id,
		                               .authority_id = order->authority_id, .certificate_id = order->certificate_id,
		                               .version_id = "", .created_at = now };
	char                            id[ID_SIZE];
	size_t                          count;

	json_put(request, "authorizations", urls);
	if (!authorization_list(db, a, order->id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].status, "pending") == 0 || strcmp(list[i].status, "responded") == 0)
			json_array_append_new(urls, json_string(list[i].url));
	if (json_array_size(urls) == 0)
		return true;
	id_new(id);
	op.id = id;
	op.request = json_write(a, request);
	return queue(db, &op, err);
}
