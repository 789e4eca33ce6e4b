/*
 * workflow/engine.c: claims due jobs, runs their steps and commits where they went.
 *
 * A dispatcher thread claims as many due jobs as there are idle step threads and hands them over, last idle thread
 * first, since that one has the warm connection. A step thread keeps its job until it must wait; in the transaction that
 * puts it back it claims the next due one, so that a busy engine needs no dispatcher. job_commit() is the only code that
 * changes jobs.step. What a step means is in steps.c and in the file of its noun.
 */
#include "workflow/engine.h"

#include <assert.h>
#include <errno.h>

#include "base/planted.h"
#include "base/problem_codes.h"
#include "base/rand.h"
#include "workflow/admit.h"
#include "workflow/notification.h"
#include "workflow/steps.h"

#define IDLE_LOOK_MS 20000 /* the dispatcher looks at least so often, and renews leases */
#define BACKOFF_MAX_S 300
#define COMMIT_PAUSE_MS  500
#define COMMIT_TRIES_MAX 100
#define UNKNOWN_STEP_MS (3600 * 1000)

/* ---- what steps call ---- */

bool job_reader(struct job *job, struct db **ret, struct err *err)
{
	*ret = store_reader(job->worker->store, err);
	return *ret != NULL;
}

enum outcome job_outcome(const struct err *err)
{
	switch (err->class) {
	case ERR_TEMPORARY:
	case ERR_CONFLICT:
		return OUT_RETRY;
	case ERR_NONE:
	case ERR_NOT_FOUND:
	case ERR_INPUT:
	case ERR_DENIED:
	case ERR_CONFIG:
	case ERR_PERMANENT:
	case ERR__COUNT:
		return OUT_FAIL;
	}
	return OUT_FAIL;
}

void job_note(struct job *job, const char *format, ...)
{
	char    text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	job->note = arena_strdup(job->arena, text);
}

enum outcome job_wait(struct job *job, int64_t wake_at, const char *format, ...)
{
	char    text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	job->note = arena_strdup(job->arena, text);
	job->wake_at = wake_at;
	return OUT_WAIT;
}

struct fenced_write {
	struct job    *job;
	store_write_fn fn;
	void          *arg;
};

static bool write_fenced(struct db *db, void *arg, struct err *err)
{
	struct fenced_write *f = arg;

	return job_check(db, f->job->row.id, f->job->row.fence, err) && f->fn(db, f->arg, err);
}

bool job_write(struct job *job, store_write_fn fn, void *arg, struct err *err)
{
	struct fenced_write f = { job, fn, arg };

	return store_write(job->worker->store, write_fenced, &f, err);
}

/* ---- committing an outcome ---- */

struct outcome_write {
	struct job       *job;
	enum outcome      outcome;
	const struct err *cause; /* OUT_RETRY and OUT_FAIL */
	int64_t           now;
	struct arena     *scratch;
	bool              go_on;     /* the engine is not stopping: claim the next job */
	struct job_row   *claimed;   /* NULL: none was due */
	int64_t           next_wake; /* of what is left */
};

static const char *outcome_name(enum outcome outcome)
{
	switch (outcome) {
	case OUT_DONE:
		return "done";
	case OUT_WAIT:
		return "wait";
	case OUT_RETRY:
		return "retry";
	case OUT_FAIL:
		return "fail";
	}
	__builtin_unreachable();
}

static bool write_history(struct db *db, const struct outcome_write *o, struct err *err)
{
	struct job    *job = o->job;
	const char    *text = job->note != NULL ? job->note : "";
	struct history h = { .job_id = job->row.id, .at = o->now, .order_id = job->row.order_id, .kind = job->row.kind,
		             .step = steps[job->step].name, .outcome = outcome_name(job->refused && o->outcome != OUT_FAIL ? OUT_RETRY : o->outcome),
		             .text = text };

	if (job->wake_at > o->now && job->wake_at != JOB_NEVER && o->outcome != OUT_FAIL)
		h.until_at = job->wake_at;

	if (job->row.order_id[0] == '\0')
		return true;
	for (size_t i = 0; i < job->buffered_count; i++)
		if (!history_note(db, &job->buffered[i], err))
			return false;
	if (o->cause != NULL && o->cause->class != ERR_NONE)
		h.text = o->cause->text;
	else if (o->outcome == OUT_WAIT && text[0] == '\0')
		return true;
	return history_note(db, &h, err);
}

/* What people see while an order runs. */
static bool write_progress(struct db *db, const struct outcome_write *o, struct err *err)
{
	struct job       *job = o->job;
	const struct err *shown = o->outcome == OUT_RETRY ? o->cause : &job->shown;
	enum step_id      at = o->outcome == OUT_DONE ? job->next : job->step;
	int64_t           next_try_at = 0;

	if (job->row.order_id[0] == '\0' || o->outcome == OUT_FAIL)
		return true;
	if (job->requests > 0 && !order_add_requests(db, job->row.order_id, job->requests, err))
		return false;
	if (strcmp(job->row.kind, "authorization") == 0)
		return (o->outcome != OUT_RETRY && (o->outcome != OUT_WAIT || shown->class == ERR_NONE)) || order_set_progress(db, job->row.order_id, steps[STEP_AUTHORIZATIONS].name,
		                                                     shown->problem, shown->text, shown->hint, job->wake_at, 0, err);
	/* Waiting for its authorizations, an order shows what they say. */
	if (strcmp(job->row.kind, "order") != 0 || (o->outcome == OUT_WAIT && job->step == STEP_AUTHORIZATIONS))
		return true;
	if ((o->outcome != OUT_DONE || job->refused) && job->wake_at != JOB_NEVER)
		next_try_at = job->wake_at;
	return order_set_progress(db, job->row.order_id, steps[at].name, shown->problem, shown->text, shown->hint, next_try_at, 0, err);
}

/* Where the job goes; *ret_kept: it stays with this thread. */
static bool write_move(struct db *db, const struct outcome_write *o, bool *ret_kept, struct err *err)
{
	struct job        *job = o->job;
	const struct step *next = &steps[job->next];

	*ret_kept = false;
	switch (o->outcome) {
	case OUT_DONE:
		if (next->run == NULL)
			return job_end(db, job->row.id, job->row.fence, "done", err);
		if (job->wake_at > o->now)
			return job_sleep(db, job->row.id, job->row.fence, next->name, 0, job->wake_at, err);
		*ret_kept = true;
		return job_move(db, job->row.id, job->row.fence, next->name, err);
	case OUT_WAIT:
		return job_sleep(db, job->row.id, job->row.fence, steps[job->step].name, job->attempts, job->wake_at, err);
	case OUT_RETRY:
		/* Orders that wait for an account show why it is late. */
		if (strcmp(job->row.kind, "account") == 0 &&
		    !schedule_wake_authority(db, job->row.subject, steps[STEP_ACCOUNT].name, o->now, err))
			return false;
		if (!admit_retried(db, job, o->cause, o->now, err) || !notify_retry(db, job, o->cause, o->now, err))
			return false;
		return job_sleep(db, job->row.id, job->row.fence, steps[job->step].name, job->row.attempts + 1, job->wake_at, err);
	case OUT_FAIL:
		return fail_facts(db, job, o->cause, o->now, err) && job_end(db, job->row.id, job->row.fence, "failed", err);
	}
	__builtin_unreachable();
}

/*
 * Claim what is due. A lease that is over frees the job of a holder that died; one of a thread that lives was overtaken by
 * the clock (it was set forward, the machine slept, the process stood still) and is renewed first.
 */
static bool claim_due(struct db *db, struct worker *w, struct arena *a, int64_t now, size_t max, struct job_row **ret,
                      size_t *ret_count, struct err *err)
{
	struct job_row *held;
	size_t          count = 0;
	bool            over;

	if (!job_lease_over(db, now, &over, err))
		return false;
	if (over) {
		held = arena_alloc_array(a, w->settings.threads, sizeof(*held));
		pthread_mutex_lock(&w->lock);
		for (unsigned i = 0; i < w->settings.threads; i++)
			if (w->threads[i].assigned)
				held[count++] = w->threads[i].row;
		pthread_mutex_unlock(&w->lock);
	}
	for (size_t i = 0; i < count; i++) {
		struct err lost = { 0 };

		if (!job_renew_lease(db, held[i].id, held[i].fence, now + JOB_LEASE_MS, &lost) && lost.class != ERR_CONFLICT) {
			*err = lost;
			return false;
		}
	}
	return job_claim(db, a, w->node, now, now + JOB_LEASE_MS, max, ret, ret_count, err);
}

/* Facts may have made or woken jobs, and a wake-up that came while the job was claimed shows only now. */
static bool write_next(struct db *db, struct outcome_write *o, bool kept, struct err *err)
{
	size_t count = 0;

	if (!kept && o->go_on && !claim_due(db, o->job->worker, o->scratch, o->now, 1, &o->claimed, &count, err))
		return false;
	if (count == 0)
		o->claimed = NULL;
	return job_next_wake(db, &o->next_wake, err);
}

static bool write_outcome(struct db *db, void *arg, struct err *err)
{
	struct outcome_write *o = arg;
	struct job           *job = o->job;
	bool                  kept;

	/* Now, not when the outcome was known: the disk may have been full for a while. */
	o->now = clock_now_ms();
	if (!job_check(db, job->row.id, job->row.fence, err))
		return false;
	if (job->facts != NULL && (o->outcome == OUT_DONE || o->outcome == OUT_WAIT) && !job->facts(db, job->facts_arg, err))
		return false;
	return write_history(db, o, err) && write_progress(db, o, err) && write_move(db, o, &kept, err) &&
	       write_next(db, o, kept, err);
}

static int64_t backoff_ms(const struct job *job, const struct err *cause)
{
	bool    polls = job->step == STEP_AWAIT || job->step == STEP_DOWNLOAD;
	int64_t attempts = job->row.attempts < (polls ? 4 : 16) ? job->row.attempts : (polls ? 4 : 16);
	int64_t s = PLANTED(9) ? 0 : (int64_t)1 << attempts;
	int64_t ms = rand_jitter((s < BACKOFF_MAX_S ? s : BACKOFF_MAX_S) * 1000, 20);
	int64_t floor_ms = (int64_t)cause->retry_after_s * 1000;

	/* Many jobs may have been told the same time: they come back spread over a twentieth of the wait. */
	return ms > floor_ms ? ms : floor_ms + rand_jitter(floor_ms / 40 + 500, 100);
}

static void log_outcome(const struct job *job, enum outcome outcome, const struct err *cause)
{
	if (outcome == OUT_DONE || outcome == OUT_WAIT)
		log_debug("job=%lld order=%s kind=%s step=%s outcome=%s note=\"%s\"", (long long)job->row.id, job->row.order_id,
		          job->row.kind, steps[job->step].name, outcome_name(outcome), job->note != NULL ? job->note : "");
	else
		log_warn("job=%lld order=%s kind=%s step=%s outcome=%s attempt=%lld class=%s problem=%s cause=\"%s\"",
		         (long long)job->row.id, job->row.order_id, job->row.kind, steps[job->step].name,
		         outcome_name(outcome), (long long)job->row.attempts + 1, err_class_name(cause->class), cause->problem,
		         cause->text);
}

/*
 * Commit where the job went. True when it is still ours. It was put back when the wake-up time lay ahead at the moment of
 * the write: by now another thread may have it, however late it has become meanwhile.
 */
static bool job_commit(struct job *job, enum outcome outcome, const struct err *cause)
{
	const struct step   *step = &steps[job->step];
	struct outcome_write o = { .job = job, .outcome = outcome, .cause = cause, .now = clock_now_ms(), .scratch = job->arena };
	struct err           err = { 0 };
	bool                 ok, moved = outcome == OUT_DONE || (outcome == OUT_WAIT && job->facts != NULL);

	if (outcome == OUT_RETRY)
		job->wake_at = o.now + backoff_ms(job, cause);
	if (moved && step->before != CRASH__COUNT)
		crash_reached(step->before);
	/* What was done outside must not be forgotten because a disk is full for a while. */
	for (unsigned tries = 0;; tries++) {
		err = (struct err){ 0 };
		o.claimed = NULL;
		o.go_on = !__atomic_load_n(&job->worker->stopping, __ATOMIC_RELAXED);
		ok = store_write(job->worker->store, write_outcome, &o, &err);
		if (ok || err.class != ERR_TEMPORARY || tries == COMMIT_TRIES_MAX || store_broken(job->worker->store) ||
		    __atomic_load_n(&job->worker->stopping, __ATOMIC_RELAXED))
			break;
		clock_sleep_ms(COMMIT_PAUSE_MS);
	}
	log_outcome(job, outcome, cause);
	if (!ok) {
		log_warn("job=%lld step=%s outcome=abandoned cause=\"%s\"", (long long)job->row.id, step->name, err.text);
		return false;
	}
	if (moved && step->after != CRASH__COUNT)
		crash_reached(step->after);
	if (job->row.order_id[0] != '\0')
		worker_changed(job->worker, "order", job->row.order_id);
	if (strcmp(job->row.kind, "deployment") == 0)
		worker_changed(job->worker, "delivery", job->row.subject);
	if (strcmp(job->row.kind, "operation") == 0)
		worker_changed(job->worker, "operation", job->row.subject);
	job->claimed = o.claimed;
	worker_kick(job->worker, o.next_wake);
	job->buffered_count = 0;
	job->requests = 0;
	return outcome == OUT_DONE && job->wake_at <= o.now;
}

/* The history row of a pure step waits for the next commit. */
static void job_buffer(struct job *job)
{
	if (job->note == NULL || job->buffered_count == ARRAY_LEN(job->buffered))
		return;
	job->buffered[job->buffered_count++] = (struct history){
		.job_id = job->row.id, .at = clock_now_ms(), .order_id = job->row.order_id, .kind = job->row.kind,
		.step = steps[job->step].name, .outcome = "done", .text = job->note,
	};
}

/* Run one step of one job and commit where it went. True when the thread goes on with the job. */
static bool job_advance(struct job *job)
{
	const struct step *step = &steps[job->step];
	struct err         cause = { 0 };
	enum outcome       outcome;

	assert(step->run != NULL); /* the store never hands out a finished job */
	job->next = step->next;
	job->wake_at = 0;
	job->attempts = 0;
	job->note = NULL;
	job->blamed = NULL;
	job->refused = false;
	job->facts = NULL;
	job->shown = (struct err){ 0 };
	outcome = step->run(job, &cause);
	/* Whatever ends or delays an order has a code that callers can act on. */
	if ((outcome == OUT_RETRY || outcome == OUT_FAIL) && cause.problem[0] == '\0')
		snprintf(cause.problem, sizeof(cause.problem), "%s", problem_code_find("", cause.class)->code);
	if (outcome == OUT_RETRY && step->attempts_max > 0 && job->row.attempts + 1 >= step->attempts_max)
		outcome = OUT_FAIL;
	if (outcome == OUT_DONE && step->pure && job->facts == NULL && job->wake_at == 0) {
		job_buffer(job);
	} else if (!job_commit(job, outcome, outcome == OUT_RETRY || outcome == OUT_FAIL ? &cause : NULL)) {
		return false;
	}
	job->step = job->next;
	job->row.attempts = 0;
	job->fresh = true;
	return steps[job->step].run != NULL;
}

/* A newer binary wrote this step: keep the job for it. */
static bool write_unknown(struct db *db, void *arg, struct err *err)
{
	const struct job_row *row = arg;

	return job_sleep(db, row->id, row->fence, row->step, row->attempts, clock_now_ms() + UNKNOWN_STEP_MS, err);
}

/* The thread's next job. Under the lock of the worker, which reads it to renew leases. */
static void thread_take(struct step_thread *t, const struct job_row *row)
{
	arena_reset(t->row_arena);
	t->row = *row;
	t->row.kind = arena_strdup(t->row_arena, row->kind);
	t->row.subject = arena_strdup(t->row_arena, row->subject);
	t->row.order_id = arena_strdup(t->row_arena, row->order_id);
	t->row.project_id = arena_strdup(t->row_arena, row->project_id);
	t->row.step = arena_strdup(t->row_arena, row->step);
	t->row.state = arena_strdup(t->row_arena, row->state);
}

/* True when the thread has another job. */
static bool job_run(struct step_thread *t)
{
	struct job job = { .worker = t->worker, .thread = t, .arena = arena_new(), .row = t->row };

	job.step = step_find(t->row.kind, t->row.step);
	if (t->row.claims > JOB_CLAIMS_MAX)
		log_error("job=%lld kind=%s step=%s order=%s claims=%lld cause=\"claimed again and again without an outcome: it may be "
		          "what ends the worker\"",
		          (long long)t->row.id, t->row.kind, t->row.step, t->row.order_id, (long long)t->row.claims);
	if (job.step == STEP_NONE || steps[job.step].run == NULL) {
		struct err err = { 0 };

		log_error("job=%lld kind=%s step=%s outcome=parked cause=\"this binary does not know the step: it is older than the "
		          "database\"",
		          (long long)t->row.id, t->row.kind, t->row.step);
		if (!store_write(t->worker->store, write_unknown, &t->row, &err))
			log_warn("job=%lld outcome=abandoned cause=\"%s\"", (long long)t->row.id, err.text);
	} else {
		/* A stop between two steps leaves the claim to the next start, which voids it. */
		while (job_advance(&job) && !__atomic_load_n(&t->worker->stopping, __ATOMIC_RELAXED))
			;
	}
	if (job.claimed != NULL) {
		pthread_mutex_lock(&t->worker->lock);
		thread_take(t, job.claimed);
		pthread_mutex_unlock(&t->worker->lock);
	}
	arena_free(job.arena);
	return job.claimed != NULL;
}

/* ---- threads ---- */

static void *step_thread_main(void *arg)
{
	struct step_thread *t = arg;
	struct worker      *w = t->worker;

	t->http = http_client_new();
	pthread_mutex_lock(&w->lock);
	for (;;) {
		t->idle = true;
		t->below = w->idle;
		w->idle = t;
		w->idle_count++;
		pthread_cond_signal(&w->dispatch);
		while (!t->assigned && !w->stopping)
			pthread_cond_wait(&t->wake, &w->lock);
		if (!t->assigned)
			break;
		pthread_mutex_unlock(&w->lock);
		while (job_run(t) && !__atomic_load_n(&w->stopping, __ATOMIC_RELAXED))
			;
		pthread_mutex_lock(&w->lock);
		t->assigned = false;
		w->busy_count--;
	}
	pthread_mutex_unlock(&w->lock);
	http_client_free(t->http);
	return NULL;
}

void worker_kick(struct worker *w, int64_t at_ms)
{
	if (at_ms == JOB_NEVER)
		return;
	pthread_mutex_lock(&w->lock);
	if (at_ms < w->planned_at) {
		w->planned_at = at_ms;
		pthread_cond_signal(&w->dispatch);
	}
	pthread_mutex_unlock(&w->lock);
}

struct claim {
	struct worker  *w;
	struct arena   *a;
	size_t          max, count;
	struct job_row *rows;
	int64_t         now;
};

static bool write_claim(struct db *db, void *arg, struct err *err)
{
	struct claim *c = arg;

	c->now = clock_now_ms();
	return claim_due(db, c->w, c->a, c->now, c->max, &c->rows, &c->count, err);
}

/* Called with the lock held: give one claimed job to the last idle thread. */
static void assign(struct worker *w, const struct job_row *row)
{
	struct step_thread *t = w->idle;

	assert(t != NULL);
	w->idle = t->below;
	w->idle_count--;
	w->busy_count++;
	t->idle = false;
	thread_take(t, row);
	t->assigned = true;
	pthread_cond_signal(&t->wake);
}

struct renewal {
	int64_t id, fence, until;
};

static bool write_renewal(struct db *db, void *arg, struct err *err)
{
	struct renewal *r = arg;

	return job_renew_lease(db, r->id, r->fence, r->until, err);
}

/* Called with the lock held; drops it while writing. */
static void renew_leases(struct worker *w)
{
	for (unsigned i = 0; i < w->settings.threads; i++) {
		struct renewal r = { w->threads[i].row.id, w->threads[i].row.fence, clock_now_ms() + JOB_LEASE_MS };
		struct err     err = { 0 };

		if (!w->threads[i].assigned)
			continue;
		pthread_mutex_unlock(&w->lock);
		if (!store_write(w->store, write_renewal, &r, &err))
			log_debug("job=%lld lease=lost cause=\"%s\"", (long long)r.id, err.text);
		pthread_mutex_lock(&w->lock);
	}
}

/* Claim what is due for the idle threads; returns when to look again. Called without the lock. */
static int64_t dispatch_due(struct worker *w, unsigned idle)
{
	struct arena *a = arena_new();
	struct claim  c = { .w = w, .a = a, .max = idle, .now = clock_now_ms() };
	struct err    err = { 0 };
	struct db    *db = store_reader(w->store, &err);
	int64_t       next = JOB_NEVER;

	if (db == NULL || !job_next_wake(db, &next, &err)) {
		next = c.now + 1000;
	} else if (next <= c.now && idle > 0) {
		if (!store_write(w->store, write_claim, &c, &err)) {
			next = c.now + 1000;
		} else {
			pthread_mutex_lock(&w->lock);
			for (size_t i = 0; i < c.count; i++)
				assign(w, &c.rows[i]);
			pthread_mutex_unlock(&w->lock);
			/* More may be due, or another node was faster: look again at once only when something came. */
			next = c.count > 0 ? 0 : c.now + 200;
		}
	}
	if (err.class != ERR_NONE)
		log_error("dispatch=failed cause=\"%s\"", err.text);
	arena_free(a);
	return next;
}

struct clock_back {
	int64_t now, by_ms, count;
};

static bool write_clock_back(struct db *db, void *arg, struct err *err)
{
	struct clock_back *x = arg;

	return schedule_clock_back(db, x->now, x->by_ms, &x->count, err);
}

/* Called with the lock held; drops it while writing. A clock that was ahead has left wake-ups that are far off. */
static void notice_clock(struct worker *w)
{
	int64_t           offset = clock_now_ms() - clock_mono_ms();
	struct clock_back x = { clock_now_ms(), w->clock_offset - offset, 0 };
	struct err        err = { 0 };
	bool              ok;

	if (w->clock_offset == 0 || x.by_ms <= CLOCK_JUMP_MS) {
		w->clock_offset = offset;
		return;
	}
	pthread_mutex_unlock(&w->lock);
	ok = store_write(w->store, write_clock_back, &x, &err);
	pthread_mutex_lock(&w->lock);
	/* Else again at the next look. */
	if (ok) {
		w->clock_offset = offset;
		w->planned_at = 0;
	}
	log_warn("clock=back by_s=%lld jobs=%lld cause=\"%s\"", (long long)x.by_ms / 1000, (long long)x.count,
	         ok ? "the wall clock was set back: wake-ups go back with it" : err.text);
}

static void wait_until(struct worker *w, int64_t at_ms)
{
	struct timespec until;
	int64_t         wait_ms = at_ms - clock_now_ms();

	if (wait_ms <= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&w->dispatch, &w->lock, &until);
}

static void *dispatcher_main(void *arg)
{
	struct worker *w = arg;
	int64_t        renew_at = clock_mono_ms() + JOB_RENEW_MS;

	pthread_mutex_lock(&w->lock);
	notice_clock(w);
	while (!w->stopping) {
		unsigned idle = w->keeper_open ? w->idle_count : 0;
		int64_t  now = clock_now_ms(), next;

		if (clock_mono_ms() >= renew_at) {
			notice_clock(w);
			renew_leases(w);
			renew_at = clock_mono_ms() + JOB_RENEW_MS;
			continue;
		}
		if (w->planned_at > now || idle == 0) {
			/* A thread that becomes idle signals; a kick moves planned_at. */
			wait_until(w, idle == 0 || w->planned_at > now + IDLE_LOOK_MS ? now + IDLE_LOOK_MS : w->planned_at);
			if (w->planned_at == JOB_NEVER || w->planned_at > clock_now_ms() + IDLE_LOOK_MS)
				w->planned_at = clock_now_ms() + IDLE_LOOK_MS;
			continue;
		}
		w->planned_at = JOB_NEVER;
		pthread_mutex_unlock(&w->lock);
		next = dispatch_due(w, idle);
		pthread_mutex_lock(&w->lock);
		if (next < w->planned_at)
			w->planned_at = next;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

bool engine_start(struct worker *w, struct err *err)
{
	w->threads = arena_alloc_array(w->arena, w->settings.threads, sizeof(*w->threads));
	for (unsigned i = 0; i < w->settings.threads; i++) {
		struct step_thread *t = &w->threads[i];

		t->worker = w;
		t->row_arena = arena_new();
		pthread_cond_init(&t->wake, NULL);
		if (pthread_create(&t->thread, NULL, step_thread_main, t) != 0)
			return err_set(err, ERR_TEMPORARY, "no more threads for steps");
	}
	if (pthread_create(&w->dispatcher, NULL, dispatcher_main, w) != 0)
		return err_set(err, ERR_TEMPORARY, "no thread for the dispatcher");
	w->started = true;
	return true;
}

void engine_stop(struct worker *w)
{
	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	__atomic_store_n(&w->stopping, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&w->dispatch);
	for (unsigned i = 0; i < w->settings.threads; i++)
		pthread_cond_signal(&w->threads[i].wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->dispatcher, NULL);
	for (unsigned i = 0; i < w->settings.threads; i++) {
		pthread_join(w->threads[i].thread, NULL);
		pthread_cond_destroy(&w->threads[i].wake);
		arena_free(w->threads[i].row_arena);
	}
	w->started = false;
}
