/*
 * workflow/failover.c: see the header. Nothing is remembered but orders and their history, so that what is decided can be
 * read there. A running order is given up and its successor placed in one transaction, the outcome of the watching job.
 */
#include "workflow/failover.h"

#include "base/id.h"
#include "base/rand.h"
#include "store/authority.h"
#include "store/project.h"
#include "workflow/caa.h"
#include "workflow/issue.h"
#include "workflow/names.h"
#include "workflow/renewal_plan.h"
#include "workflow/steps.h"

#define KIND          "fail-over"
#define AFTER_MS      (12 * 3600 * (int64_t)1000)
#define LIFE_PARTS    6
#define ORDERS_MAX    100
#define LOOK_LEAST_MS 2000
#define LOOK_MOST_MS  (300 * (int64_t)1000)
#define REFUSED_MS    (300 * (int64_t)1000)

/* ---- the rule ---- */

bool failover_after_parse(struct str text, int64_t *ret_ms, struct err *err)
{
	struct renewal_policy duration;

	if (text.len == 0) {
		*ret_ms = AFTER_MS;
		return true;
	}
	if (str_eq(text, STR("0"))) {
		*ret_ms = 0;
		return true;
	}
	if (renewal_policy_parse(text, &duration, err) && duration.whole == 0) {
		*ret_ms = duration.before_ms;
		return true;
	}
	err_problem(err, ERR_INPUT, "invalid-request", "fallback_after: \"%.*s\" is not a duration", (int)(text.len < 64 ? text.len : 64),
	            text.ptr);
	return err_hint(err, "for example 2d, 12h or 90m; 0 is at the first failure, \"\" leaves it to Reeve (12h)");
}

bool failover_is_failure(const char *problem)
{
	static const char *const failures[] = { "ca-unreachable", "ca-nonsense", "serverInternal", "rateLimited", "badNonce", "timeout",
		                                "orderNotReady" };

	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (strcmp(problem, failures[i]) == 0)
			return true;
	return false;
}

const char *failover_reason(const struct failover_facts *f, int64_t after_ms, int64_t now)
{
	if (f->failing_at == 0 || f->failed_by_other)
		return NULL;
	if (now - f->failing_at >= after_ms)
		return "it has failed for as long as the certificate lets it";
	if (f->not_after_at != 0 && f->not_after_at - now < (f->not_after_at - f->not_before_at) / LIFE_PARTS)
		return "it fails, and the version served ends soon";
	return NULL;
}

/* ---- the facts ---- */

static bool read_facts(struct db *db, struct arena *a, const struct certificate *c, struct failover_facts *ret, struct err *err)
{
	struct failover_facts f = { 0 };
	struct version        served;
	struct order         *orders;
	size_t                count;
	bool                  newest = true;

	if (c->version > 0) {
		if (!version_find_number(db, a, c->id, 0, &served, err))
			return false;
		f.not_before_at = served.not_before_at;
		f.not_after_at = served.not_after_at;
	}
	if (!order_list(db, a, c->project_id, c->id, ORDERS_MAX, &orders, &count, err))
		return false;
	/* Newest first, back to the last version. */
	for (size_t i = 0; i < count && strcmp(orders[i].status, "issued") != 0; i++) {
		bool first = strcmp(orders[i].authority_id, c->authority_id) == 0;

		if (strcmp(orders[i].status, "running") == 0 && first) {
			if (failover_is_failure(orders[i].problem) && !history_failing_since(db, orders[i].id, &f.failing_at, err))
				return false;
		} else if (strcmp(orders[i].status, "failed") == 0) {
			if (newest && !first)
				f.failed_by_other = true;
			if (first && failover_is_failure(orders[i].problem))
				f.failing_at = orders[i].ended_at;
			newest = false;
		}
	}
	*ret = f;
	return true;
}

/* The second authority as long as it is there and orders are wanted; "" otherwise. */
static bool second_of(struct db *db, struct arena *a, const struct certificate *c, struct authority *ret, struct err *err)
{
	*ret = (struct authority){ .id = "" };
	if (c->fallback_id[0] == '\0' || c->paused_at != 0)
		return true;
	if (!authority_find(db, a, c->fallback_id, ret, err))
		return false;
	if (ret->removed_at != 0)
		ret->id = "";
	return true;
}

/* *ret_why is NULL when it is not the second one's turn. */
static bool decide(struct db *db, struct arena *a, const struct certificate *c, struct authority *ret_second, const char **ret_why,
                   struct err *err)
{
	struct failover_facts facts;
	int64_t               after_ms;

	*ret_why = NULL;
	if (!second_of(db, a, c, ret_second, err))
		return false;
	if (ret_second->id[0] == '\0')
		return true;
	if (!failover_after_parse(str_c(c->fallback_after), &after_ms, err) || !read_facts(db, a, c, &facts, err))
		return false;
	*ret_why = failover_reason(&facts, after_ms, clock_now_ms());
	return true;
}

/* ---- acting ---- */

static bool note(struct db *db, const char *order_id, const char *text, int64_t now, struct err *err)
{
	struct history h = { .at = now, .order_id = order_id, .kind = KIND, .step = steps[STEP_FAILOVER_WATCH].name,
		             .outcome = "note", .text = text };

	return history_insert(db, &h, err);
}

static bool start_at_second(struct db *db, struct arena *a, const struct certificate *c, const struct authority *second,
                            const char *order_id, const char *why, struct err *err)
{
	struct authority first;
	const char      *text;
	int64_t          now = clock_now_ms();

	if (!authority_find(db, a, c->authority_id, &first, err))
		return false;
	text = arena_printf(a, "fail-over: this order goes to %s instead of %s: %s; the next renewal is %s's again", second->name,
	                    first.name, why, first.name);
	log_warn("certificate=%s name=%s order=%s fail-over=%s authority=%s cause=\"%s\"", c->id, c->name, order_id, second->name,
	         first.name, why);
	return order_start_at(db, c, second->id, order_id, err) && note(db, order_id, text, now, err) &&
	       audit_insert(db, now, c->project_id, KIND, "certificate-fail-over", c->id, text, err);
}

bool failover_order_start(struct db *db, const struct certificate *c, const char *order_id, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct authority                second;
	const char                     *why;

	if (!decide(db, a, c, &second, &why, err))
		return false;
	return why != NULL ? start_at_second(db, a, c, &second, order_id, why, err) : order_start(db, c, order_id, err);
}

bool failover_failed(struct db *db, struct arena *a, const struct order *order, const struct err *cause, int64_t now,
                     struct err *err)
{
	struct certificate c;
	struct authority   second;
	char               id[ID_SIZE];

	if (!certificate_find(db, a, order->certificate_id, &c, err) || !second_of(db, a, &c, &second, err))
		return false;
	/* With a version there is a job that tries again, and asks whose turn it is. */
	if (second.id[0] == '\0' || c.version > 0 || strcmp(order->authority_id, c.authority_id) != 0 ||
	    !failover_is_failure(cause->problem))
		return true;
	id_new(id);
	return note(db, order->id, arena_printf(a, "fail-over: order %s goes to %s", id, second.name), now, err) &&
	       start_at_second(db, a, &c, &second, id, "it ended the first order without a certificate", err);
}

/* ---- watching ---- */

bool failover_watch(struct db *db, const struct certificate *c, const struct order *order, int64_t now, struct err *err)
{
	int64_t after_ms, job;

	if (c->fallback_id == NULL || c->fallback_id[0] == '\0' || strcmp(order->authority_id, c->authority_id) != 0)
		return true;
	if (!failover_after_parse(str_c(c->fallback_after), &after_ms, err))
		return false;
	if (after_ms < LOOK_LEAST_MS)
		after_ms = LOOK_LEAST_MS;
	return job_insert(db, KIND, order->id, order->id, order->project_id, steps[STEP_FAILOVER_WATCH].name,
	                  now + (after_ms < LOOK_MOST_MS ? after_ms : LOOK_MOST_MS), &job, err);
}

struct switch_write {
	struct job *job;
	const char *order_id; /* of the successor */
};

static bool write_switch(struct db *db, void *arg, struct err *err)
{
	struct switch_write *x = arg;
	struct arena        *a = x->job->arena;
	struct order         order;
	struct certificate   c;
	struct authority     second;
	struct err           given_up = { 0 };
	const char          *why;
	int64_t              now = clock_now_ms();

	/* It may have ended, or gone on, since it was looked at. */
	if (!order_find(db, a, x->job->row.subject, &order, err) || !certificate_find(db, a, order.certificate_id, &c, err) ||
	    !decide(db, a, &c, &second, &why, err))
		return false;
	if (strcmp(order.status, "running") != 0 || why == NULL)
		return true;
	err_problem(&given_up, ERR_PERMANENT, order.problem, "given up for %s: %s", second.name, order.detail);
	err_hint(&given_up, "order %s goes to %s", x->order_id, second.name);
	return schedule_end_jobs(db, "order", order.id, err) && order_give_up(db, &order, "failed", &given_up, now, err) &&
	       note(db, order.id, given_up.text, now, err) && start_at_second(db, a, &c, &second, x->order_id, why, err);
}

/* May the second authority issue, as far as DNS and its directory say? The order that runs is not given up for less. */
static bool second_may(struct job *job, const struct certificate *c, const struct authority *second, struct err *err)
{
	const struct identifier *names;
	struct session           s;
	size_t                   count;

	return names_split(job->arena, c->names, &names, &count, err) && session_open(job, second->id, &s, err) &&
	       caa_check(&s, names, count, err);
}

enum outcome run_failover_watch(struct job *job, struct err *err)
{
	struct switch_write *x = arena_alloc(job->arena, sizeof(*x));
	struct order         order;
	struct certificate   c;
	struct authority     second;
	const char          *why;
	int64_t              after_ms, now = clock_now_ms();
	char                 id[ID_SIZE];
	struct db           *db;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.subject, &order, err) ||
	    !certificate_find(db, job->arena, order.certificate_id, &c, err) || !decide(db, job->arena, &c, &second, &why, err) ||
	    !failover_after_parse(str_c(c.fallback_after), &after_ms, err))
		return job_outcome(err);
	if (strcmp(order.status, "running") != 0 || strcmp(order.authority_id, c.authority_id) != 0 ||
	    (second.id[0] == '\0' && c.paused_at == 0)) {
		job_note(job, "nothing to do: the order %s", strcmp(order.status, "running") != 0 ? "has ended" : "has no second authority");
		return OUT_DONE;
	}
	if (why == NULL) {
		after_ms = after_ms / 8 > LOOK_LEAST_MS ? after_ms / 8 : LOOK_LEAST_MS;
		return job_wait(job, now + rand_jitter(after_ms < LOOK_MOST_MS ? after_ms : LOOK_MOST_MS, 10), "%s", "");
	}
	if (!second_may(job, &c, &second, err)) {
		struct err refused = *err;

		*err = (struct err){ 0 };
		return job_wait(job, now + rand_jitter(REFUSED_MS, 10), "%s would have its turn (%s), but: %s", second.name, why, refused.text);
	}
	id_new(id);
	*x = (struct switch_write){ job, arena_strdup(job->arena, id) };
	job->facts = write_switch;
	job->facts_arg = x;
	job_note(job, "the first authority: %s", why);
	return OUT_DONE;
}
