/*
 * workflow/cleanup.c: removes the TXT values that are due, those of one order in one job; and the reaper, which sees to it
 * that there is such a job for each of them.
 *
 * A value that cannot be removed is a debt: shown, and tried again until the provider has confirmed that it is gone, or
 * for 30 days. One that fails holds up no other. The job sleeps while values of its order are still needed; whoever makes
 * them due wakes it.
 */
#include "base/planted.h"
#include "base/rand.h"
#include "store/connection.h"
#include "store/owner_lease.h"
#include "store/txt_record.h"
#include "workflow/connection.h"
#include "workflow/notification.h"
#include "workflow/removal.h"
#include "workflow/steps.h"

#define REAP_MS (10 * 60 * 1000)

/* ---- the values of one order ---- */

struct attempt {
	const struct txt_record *record;
	enum removal             outcome;
	int64_t                  retry_at;
	struct err               why;
};

struct removal_write {
	int64_t         job_id;
	struct attempt *items;
	size_t          count;
};

static bool write_removed(struct db *db, void *arg, struct err *err)
{
	static const char *const state[] = { [REMOVAL_GONE] = "gone", [REMOVAL_SUPERSEDED] = "superseded" };
	struct removal_write    *g = arg;
	int64_t                  now = clock_now_ms();

	for (size_t i = 0; i < g->count; i++) {
		const struct attempt *x = &g->items[i];

		if (x->outcome == REMOVAL_FAILED ? !txt_record_owe(db, x->record->id, x->retry_at, &x->why, err)
		                                 : !txt_record_set_state(db, x->record->id, state[x->outcome], now, err))
			return false;
	}
	return owner_lease_give(db, g->job_id, err);
}

struct lease_write {
	const struct txt_record *record;
	int64_t                  job_id;
	bool                     taken;
};

static bool write_lease(struct db *db, void *arg, struct err *err)
{
	struct lease_write *x = arg;
	int64_t             now = clock_now_ms();

	return owner_lease_take(db, x->record->connection_id, x->record->zone, x->record->owner, x->job_id, now, now + OWNER_LEASE_MS,
	                        &x->taken, err);
}

/* False: the row of the lease could not be written; *ret_taken false: another job writes there. */
static bool lease(struct job *job, const struct connection *c, const struct txt_record *r, bool *ret_taken, struct err *err)
{
	struct lease_write x = { r, job->row.id, true };

	if (!connection_kind(c)->atomic && !job_write(job, write_lease, &x, err))
		return false;
	*ret_taken = x.taken;
	return true;
}

static enum removal remove_at(struct job *job, const struct connection *c, const struct txt_record *r, struct err *err)
{
	struct provider_value value = { .owner = r->owner, .value = r->value };
	struct connection_use use;
	enum removal          outcome;

	/* A reset of the dns role has either loaded the value before this removal, or does not contain it. */
	if (!connection_use_open(job->worker, job->thread->http, c, r->zone, &use, err))
		return REMOVAL_FAILED;
	value.zone = use.zone;
	outcome = PLANTED(10) && r->failures > 0 ? REMOVAL_GONE :
	          removal_try(use.provider, &use.context, &value, r->failures > 0 || job->row.claims > 1, err);
	connection_use_close(&use);
	return outcome;
}

/* *ret_busy_ms: nothing was done, another job writes there or the provider is not to be asked yet; else 0. */
static enum removal remove_value(struct job *job, struct db *db, const struct txt_record *r, int64_t *ret_busy_ms, struct err *err)
{
	struct connection c;
	bool              taken;
	enum removal      outcome;

	*ret_busy_ms = 0;
	if (!connection_find(db, job->arena, r->connection_id, &c, err))
		return REMOVAL_FAILED;
	if (connection_kind(&c)->keeps)
		return REMOVAL_SUPERSEDED;
	if (!lease(job, &c, r, &taken, err))
		return REMOVAL_FAILED;
	if (!taken) {
		*ret_busy_ms = OWNER_BUSY_MS;
		return REMOVAL_FAILED;
	}
	outcome = remove_at(job, &c, r, err);
	if (outcome == REMOVAL_FAILED && connection_told_to_wait(err))
		*ret_busy_ms = (int64_t)err->retry_after_s * 1000;
	else if (outcome == REMOVAL_FAILED)
		connection_refused(job->worker, &c, err);
	return outcome;
}

static void tell(const struct txt_record *r, const struct attempt *x, int64_t now)
{
	char at[CLOCK_RFC3339_SIZE];

	if (x->retry_at == 0)
		log_error("event=debt-given-up order=%s owner=%s value=%s failures=%lld cause=\"%s\" fix=\"remove the value by hand, or "
		          "repair the connection and run `reeve debt retry`\"",
		          r->order_id, r->owner, r->value, (long long)r->failures + 1, x->why.text);
	else
		log_warn("event=debt order=%s owner=%s value=%s failures=%lld age_s=%lld next=%s problem=%s cause=\"%s\"", r->order_id,
		         r->owner, r->value, (long long)r->failures + 1, (long long)(now - r->retired_at) / 1000,
		         clock_rfc3339(x->retry_at, at), x->why.problem, x->why.text);
}

static bool due(const struct txt_record *r, int64_t now)
{
	return r->gone_at == 0 && r->retired_at != 0 &&
	       (strcmp(r->state, "debt") != 0 || (r->retry_at != 0 && r->retry_at <= now));
}

/* What the timeline says. Not the time of the next try: a debt of days would fill it with lines that differ in nothing else. */
static void note_attempts(struct job *job, const struct removal_write *g, size_t failed)
{
	const struct attempt *x = NULL;
	size_t                superseded = 0, removed;

	for (size_t i = 0; i < g->count; i++) {
		superseded += g->items[i].outcome == REMOVAL_SUPERSEDED;
		if (g->items[i].outcome == REMOVAL_FAILED)
			x = &g->items[i];
	}
	removed = g->count - failed - superseded;
	if (x != NULL)
		job_note(job, "%zu TXT value%s removed, %zu owed: %s", removed, removed == 1 ? "" : "s", failed, x->why.text);
	else if (superseded > 0)
		job_note(job, "%zu TXT value%s left: the provider removes none, newer ones take their place", superseded,
		         superseded == 1 ? "" : "s");
	else if (g->count > 0)
		job_note(job, "%zu TXT value%s removed", removed, removed == 1 ? "" : "s");
}

enum outcome run_remove(struct job *job, struct err *err)
{
	struct removal_write *g = arena_alloc(job->arena, sizeof(*g));
	struct txt_record    *all;
	struct db            *db;
	size_t                count, left = 0, failed = 0;
	int64_t               now = clock_now_ms(), wake_at = JOB_NEVER;

	CRASH_POINT(CLEANUP_INTENT_AFTER);
	if (!job_reader(job, &db, err) || !txt_record_list_order(db, job->arena, job->row.order_id, &all, &count, err))
		return OUT_RETRY;
	g->job_id = job->row.id;
	g->items = arena_alloc_array(job->arena, count > 0 ? count : 1, sizeof(*g->items));
	for (size_t i = 0; i < count; i++) {
		struct attempt *x = &g->items[g->count];
		int64_t         retry_at = all[i].retry_at != 0 ? all[i].retry_at : JOB_NEVER;
		int64_t         busy_ms;

		if (all[i].gone_at != 0)
			continue;
		if (due(&all[i], now)) {
			*x = (struct attempt){ .record = &all[i] };
			x->outcome = remove_value(job, db, &all[i], &busy_ms, &x->why);
			if (busy_ms > 0) {
				retry_at = now + rand_jitter(busy_ms, 50);
			} else {
				g->count++;
				if (x->outcome != REMOVAL_FAILED)
					continue;
				failed++;
				err_in(&x->why, "removal of the TXT value at %s", all[i].owner);
				x->retry_at = removal_retry_at(&all[i], x->why.retry_after_s, clock_now_ms());
				retry_at = x->retry_at != 0 ? x->retry_at : JOB_NEVER;
				tell(&all[i], x, clock_now_ms());
			}
		}
		left++;
		wake_at = retry_at < wake_at ? retry_at : wake_at;
	}
	if (g->count > 0) {
		job->facts = write_removed;
		job->facts_arg = g;
	}
	note_attempts(job, g, failed);
	if (left == 0)
		return OUT_DONE;
	/* A value that becomes due meanwhile wakes the job, whatever is written here. */
	job->wake_at = wake_at;
	return OUT_WAIT;
}

/* ---- the reaper ---- */

struct reap_write {
	struct txt_record_stray *strays;
	size_t                   count;
};

static bool write_reap(struct db *db, void *arg, struct err *err)
{
	struct reap_write *x = arg;
	int64_t            now = clock_now_ms(), owed, job;

	for (size_t i = 0; i < x->count; i++)
		if ((!x->strays[i].retired && !txt_record_retire(db, x->strays[i].order_id, 0, now, &owed, err)) ||
		    !job_insert(db, "cleanup", x->strays[i].order_id, x->strays[i].order_id, x->strays[i].project_id,
		                steps[STEP_REMOVE].name, now, &job, err))
			return false;
	return notify_debt(db, now, err);
}

enum outcome run_reap(struct job *job, struct err *err)
{
	struct reap_write  *x = arena_alloc(job->arena, sizeof(*x));
	struct debt_summary debt;
	struct db          *db;
	int64_t             now = clock_now_ms();
	char                since[CLOCK_RFC3339_SIZE];

	if (!job_reader(job, &db, err) || !txt_record_strays(db, job->arena, &x->strays, &x->count, err) ||
	    !txt_record_debt(db, "", now, &debt, err))
		return OUT_RETRY;
	for (size_t i = 0; i < x->count; i++)
		log_error("event=reap order=%s cause=\"%s\"", x->strays[i].order_id,
		          x->strays[i].retired ? "TXT values are due for removal and nobody is at it"
		                               : "TXT values of an order that has ended were still kept");
	if (debt.alert)
		log_error("event=debt-alert count=%lld given_up=%lld since=%s fix=\"`reeve debt list` says which values and why\"",
		          (long long)debt.count, (long long)debt.given_up, clock_rfc3339(debt.oldest_at, since));
	job->facts = write_reap;
	job->facts_arg = x;
	job->wake_at = now + REAP_MS;
	return OUT_WAIT;
}

bool reaper_start(struct db *db, int64_t now, struct err *err)
{
	int64_t job;

	return job_insert(db, "reaper", "ledger", "", "", steps[STEP_REAP].name, now, &job, err);
}
