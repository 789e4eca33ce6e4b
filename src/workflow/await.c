/*
 * workflow/await.c: waiting until the CA has validated. RFC 8555 7.5.1.
 *
 * The order is polled, not each authorization: it is ready when all are valid. The first poll is gated by our own
 * zone: nothing is asked before the CA's question for each value was answered, or for FALLBACK_MS. A ready order costs one
 * request. An order that stays pending is waiting for the slowest of its names: from the second poll on the authorizations
 * are looked at too (order.c does so while some are not even published), because the value of one that is final must not
 * wait for the others. The transaction that learns that
 * an authorization is final, in whichever way, makes its values due and wakes the cleanup job.
 */
#include "acme/authorization.h"
#include "acme/order.h"
#include "store/connection.h"
#include "store/txt_record.h"
#include "workflow/await.h"
#include "workflow/session.h"
#include "workflow/steps.h"

#define FALLBACK_MS 2000 /* a CA that asks through caches, or not at all: poll anyway */
#define SEEN_MS     10   /* after the last question was answered */
#define POLLS_MAX   60
#define DNS_GRACE_MS   2000 /* a question on its way while the role came up */
#define NEW_ORDERS_MAX 3   /* orders at the CA for one of ours */
#define LOST_POLLS     3   /* answered 404, until an order is believed to be forgotten */
#define AGAIN_MS       2000
#define LOOKS_MAX      8   /* authorizations looked at with one poll */

bool await_retire_one(struct db *db, const char *order_id, const char *project_id, int64_t authorization_id, struct err *err)
{
	int64_t now = clock_now_ms(), owed, job;

	if (!txt_record_retire(db, order_id, authorization_id, now, &owed, err))
		return false;
	return owed == 0 || job_insert(db, "cleanup", order_id, order_id, project_id, steps[STEP_REMOVE].name, now, &job, err);
}

bool await_retire(struct db *db, const char *order_id, const char *project_id, struct err *err)
{
	return await_retire_one(db, order_id, project_id, 0, err);
}

/* Is the value in a zone that our own server answers for? Of any other nobody tells us that it was asked for. */
static bool is_ours(struct db *db, struct arena *a, const struct txt_record *r, bool *ret, struct err *err)
{
	struct connection c;

	if (!connection_find(db, a, r->connection_id, &c, err))
		return false;
	*ret = strcmp(c.provider, CONNECTION_BUILTIN) == 0;
	return true;
}

bool await_first_poll(struct db *db, struct arena *a, const char *order_id, int64_t learned_ms, int64_t *ret_at, struct err *err)
{
	struct authorization *authorizations;
	struct txt_record    *records;
	size_t                authorizations_count, records_count;
	int64_t               responded = 0, seen = 0, now = clock_now_ms();
	bool                  unseen = false, ours;

	if (!authorization_list(db, a, order_id, &authorizations, &authorizations_count, err) ||
	    !txt_record_list_order(db, a, order_id, &records, &records_count, err))
		return false;
	for (size_t i = 0; i < authorizations_count; i++)
		if (authorizations[i].responded_at > responded)
			responded = authorizations[i].responded_at;
	for (size_t i = 0; i < records_count; i++) {
		if (strcmp(records[i].state, "live") != 0)
			continue;
		if (!is_ours(db, a, &records[i], &ours, err))
			return false;
		if (!ours)
			continue;
		unseen = unseen || records[i].seen_at == 0;
		if (records[i].seen_at > seen)
			seen = records[i].seen_at;
	}
	if (unseen)
		*ret_at = responded + FALLBACK_MS;
	else
		*ret_at = seen + SEEN_MS > responded + learned_ms ? seen + SEEN_MS : responded + learned_ms;
	/* What was written down by a clock that was ahead does not keep the order waiting. */
	if (*ret_at > now + learned_ms + FALLBACK_MS)
		*ret_at = now;
	return true;
}

/* "seen by 3 networks" for the timeline. */
static void note_ready(struct job *job, struct db *db)
{
	struct txt_record *records;
	size_t             count;
	int64_t            networks = 0;
	struct err         ignored = { 0 };

	if (!txt_record_list_order(db, job->arena, job->row.order_id, &records, &count, &ignored))
		return;
	for (size_t i = 0; i < count; i++)
		if (records[i].seen_networks > networks)
			networks = records[i].seen_networks;
	job_note(job, "all authorizations are valid; the values were asked for from %lld network%s", (long long)networks,
	         networks == 1 ? "" : "s");
}

static bool write_ready(struct db *db, void *arg, struct err *err)
{
	struct job *job = arg;

	return authorization_settle(db, job->row.order_id, "valid", err) &&
	       await_retire(db, job->row.order_id, job->row.project_id, err);
}

static bool write_restart(struct db *db, void *arg, struct err *err)
{
	struct job *job = arg;

	return schedule_end_jobs(db, "authorization", job->row.order_id, err) &&
	       await_retire(db, job->row.order_id, job->row.project_id, err) &&
	       order_forget_urls(db, job->row.order_id, err);
}

static void begin_again(struct job *job)
{
	/* The delegation may be hours old by now. */
	job->next = STEP_PREFLIGHT;
	job->wake_at = clock_now_ms() + AGAIN_MS;
	job->facts = write_restart;
	job->facts_arg = job;
}

/*
 * Was the dns role away while the CA validated? Then the failure is ours and a new order is worth a try; a failure
 * with the values in sight is not.
 */
static bool dns_was_away(struct job *job, const struct order *order)
{
	int64_t               up_at = __atomic_load_n(&job->worker->dns_up_at, __ATOMIC_RELAXED);
	struct authorization *all;
	struct err            ignored = { 0 };
	struct db            *db;
	size_t                count;

	if (order->new_orders >= NEW_ORDERS_MAX || !job_reader(job, &db, &ignored) ||
	    !authorization_list(db, job->arena, order->id, &all, &count, &ignored))
		return false;
	for (size_t i = 0; i < count; i++)
		if (all[i].responded_at != 0 && up_at + DNS_GRACE_MS > all[i].responded_at)
			return true;
	return false;
}

/* The order is invalid: the authorization that failed knows why. */
static enum outcome explain_invalid(struct job *job, struct session *s, const struct acme_order *order, struct err *err)
{
	for (size_t i = 0; i < order->authorizations_count; i++) {
		struct acme_authorization  authorization;
		const struct acme_problem *problem;

		if (!session_post(s, ACME_AT_AUTHORIZATION, order->authorizations[i], STR(""), err) ||
		    !acme_authorization_parse(job->arena, order->authorizations[i], s->response.body, &authorization, err))
			return job_outcome(err);
		problem = acme_authorization_error(&authorization);
		if (authorization.status == ACME_AUTHORIZATION_INVALID && problem != NULL) {
			acme_problem_err(problem, ACME_AT_VALIDATION, 0, err);
			err->class = ERR_PERMANENT;
			job->blamed = arena_strdup(job->arena, authorization.name);
			err_in(err, "validation of %s", authorization.name);
			return OUT_FAIL;
		}
	}
	if (order->error != NULL)
		acme_problem_err(order->error, ACME_AT_VALIDATION, 0, err);
	else
		err_problem(err, ERR_PERMANENT, "ca-refused", "the CA calls the order invalid and does not say why");
	err->class = ERR_PERMANENT;
	return OUT_FAIL;
}

enum outcome await_poll(struct job *job, struct session *s, struct order *ret_order, struct acme_order *ret, struct err *err)
{
	struct db *db;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, ret_order, err) ||
	    !session_open(job, ret_order->authority_id, s, err))
		return job_outcome(err);
	if (session_post(s, ACME_AT_OTHER, ret_order->order_url, STR(""), err)) {
		if (!acme_order_parse(job->arena, ret_order->order_url, s->response.body, ret, err))
			return job_outcome(err);
		return OUT_DONE;
	}
	/* A 404 may be a replica that lags: it is believed when it stays. */
	if (s->status != 404 || job->row.attempts < LOST_POLLS) {
		if (s->status == 404)
			err->class = ERR_TEMPORARY;
		err_in(err, "order poll");
		return job_outcome(err);
	}
	if (ret_order->new_orders >= NEW_ORDERS_MAX) {
		err_problem(err, ERR_PERMANENT, "ca-nonsense", "the CA forgot %lld orders of this certificate",
		            (long long)ret_order->new_orders);
		return OUT_FAIL;
	}
	/* The CA has forgotten the order: begin again with the same key. */
	begin_again(job);
	job_note(job, "the CA does not know the order any more; a new one is placed");
	return OUT_WAIT;
}

/* ---- values of authorizations that are final before the others ---- */

struct final_write {
	struct job    *job;
	size_t         count;
	struct settled {
		int64_t     id;
		const char *status;
	} items[LOOKS_MAX];
};

static bool write_final(struct db *db, void *arg, struct err *err)
{
	struct final_write *x = arg;
	int64_t             now = clock_now_ms();

	for (size_t i = 0; i < x->count; i++)
		if (!authorization_set_status(db, x->items[i].id, x->items[i].status, now, err) ||
		    !await_retire_one(db, x->job->row.order_id, x->job->row.project_id, x->items[i].id, err))
			return false;
	return true;
}

/* A different few each time when there are many. */
bool await_look(struct job *job, struct session *s, size_t but, struct err *err)
{
	struct final_write   *x = arena_alloc(job->arena, sizeof(*x));
	struct authorization *all;
	struct db            *db;
	size_t                count, open = 0, first;

	if (!job_reader(job, &db, err) || !authorization_list(db, job->arena, job->row.order_id, &all, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].status, "responded") == 0)
			all[open++] = all[i];
	*x = (struct final_write){ .job = job };
	first = open > 0 ? (size_t)job->row.attempts * LOOKS_MAX % open : 0;
	for (size_t i = 0; open > but && i < open && i < LOOKS_MAX; i++) {
		const struct authorization *a = &all[(first + i) % open];
		struct acme_authorization   answer;

		if (!session_post(s, ACME_AT_AUTHORIZATION, a->url, STR(""), err) ||
		    !acme_authorization_parse(job->arena, a->url, s->response.body, &answer, err)) {
			if (err->class == ERR_TEMPORARY)
				return false;
			/* The order itself tells what becomes of it. */
			log_warn("job=%lld order=%s authorization=%s outcome=unknown cause=\"%s\"", (long long)job->row.id,
			         job->row.order_id, a->url, err->text);
			*err = (struct err){ 0 };
			continue;
		}
		if (answer.status != ACME_AUTHORIZATION_PENDING)
			x->items[x->count++] = (struct settled){ a->id, answer.status == ACME_AUTHORIZATION_VALID ? "valid" : "invalid" };
	}
	if (x->count > 0) {
		job->facts = write_final;
		job->facts_arg = x;
	}
	return true;
}

enum outcome run_await(struct job *job, struct err *err)
{
	static const int64_t pause_ms[] = { 250, 700, 1000, 2000, 3000, 5000 };
	struct acme_order    answer;
	struct order         order;
	struct session       s;
	struct db           *db;
	int64_t              first_at, pause;
	uint32_t             retry_after_s;
	enum outcome         polled;

	if (job->row.attempts == 0) {
		if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
		    !session_open(job, order.authority_id, &s, err) ||
		    !await_first_poll(db, job->arena, job->row.order_id, session_delay_ms(&s, true), &first_at, err))
			return job_outcome(err);
		if (first_at > clock_now_ms())
			return job_wait(job, first_at, "waiting for the CA to ask for the values");
	}
	polled = await_poll(job, &s, &order, &answer, err);
	if (polled == OUT_WAIT)
		return OUT_DONE; /* begins again */
	if (polled != OUT_DONE)
		return polled;
	if (job->row.attempts == 0)
		session_learned(&s, true, answer.status != ACME_ORDER_PENDING);
	switch (answer.status) {
	case ACME_ORDER_PENDING:
		if (job->row.attempts >= POLLS_MAX) {
			err_problem(err, ERR_PERMANENT, "timeout", "the CA left the order pending through %d polls", POLLS_MAX);
			return OUT_FAIL;
		}
		pause = pause_ms[job->row.attempts < (int64_t)ARRAY_LEN(pause_ms) ? job->row.attempts : (int64_t)ARRAY_LEN(pause_ms) - 1];
		retry_after_s = s.response.retry_after_s;
		if (job->row.attempts > 0 && !await_look(job, &s, 1, err)) /* the last one is final when the order is */
			return job_outcome(err);
		if (retry_after_s > 0) {
			pause = (int64_t)acme_retry_after(ACME_RETRY_POLL, retry_after_s, 1) * 1000;
			job->attempts = job->row.attempts + 1;
			return job_wait(job, clock_now_ms() + pause, "the CA validates; it asked to be polled after %lld s",
			                (long long)pause / 1000);
		}
		job->attempts = job->row.attempts + 1;
		return job_wait(job, clock_now_ms() + pause, "the CA validates");
	case ACME_ORDER_INVALID:
		if (dns_was_away(job, &order)) {
			begin_again(job);
			job_note(job, "the validation zone was restarted while the CA validated; a new order is placed");
			return OUT_DONE;
		}
		return explain_invalid(job, &s, &answer, err);
	case ACME_ORDER_READY:
	case ACME_ORDER_PROCESSING:
	case ACME_ORDER_VALID:
	case ACME_ORDER__COUNT:
		break;
	}
	if (!job_reader(job, &db, err))
		return job_outcome(err);
	note_ready(job, db);
	job->facts = write_ready;
	job->facts_arg = job;
	return OUT_DONE;
}
