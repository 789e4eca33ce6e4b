/*
 * workflow/engine.h: one job in the hands of one thread, and what a step may do with it.
 *
 * A step is a function that runs from top to bottom like the paragraph of RFC 8555 it implements. It may run
 * twice: it writes its intent (job_write), acts, and leaves its outcome to the engine, which commits the facts
 * (job->facts), the move, the history row and the progress of the order as one transaction (engine.c). The second
 * run finds the first one's traces and looks before it acts.
 */
#ifndef REEVE_WORKFLOW_ENGINE_H
#define REEVE_WORKFLOW_ENGINE_H

#include <pthread.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "net/client.h"
#include "provider/provider.h"
#include "store/job.h"
#include "store/order.h"
#include "store/schedule.h"
#include "store/store.h"
#include "workflow/clock_guard.h"
#include "workflow/worker.h"

#define JOB_NEVER     INT64_MAX /* sleeps until somebody wakes it */
#define JOB_LEASE_MS  60000
#define JOB_RENEW_MS  20000
#define COMMAND_THREADS  8
#define COMMAND_SLOW_MAX 5
#define OWNER_LEASE_MS 180000   /* longer than a provider may keep one call waiting */
#define OWNER_BUSY_MS  200      /* another job writes at the same owner name: the first pause (removal.h) */
#define OUTSIDE_SLOTS  64
#define JOB_CLAIMS_MAX 3        /* claimed more often without an outcome it is alerted (store/job.h: and pauses) */

enum outcome {
	OUT_DONE,  /* on to job->next (the table's, unless the step chose another) */
	OUT_WAIT,  /* put back until job->wake_at; nothing is wrong */
	OUT_RETRY, /* the error is temporary: again, later */
	OUT_FAIL,  /* the error is final */
};

enum step_id {
	STEP_NONE,
	/* order */
	STEP_KEY, STEP_PREFLIGHT, STEP_ADMIT, STEP_ACCOUNT, STEP_NEW_ORDER, STEP_AUTHORIZATIONS, STEP_AWAIT, STEP_FINALIZE,
	STEP_DOWNLOAD, STEP_VERIFY, STEP_STORE, STEP_ISSUED,
	/* authorization: one job each, in parallel */
	STEP_FETCH, STEP_ROUTE, STEP_PUBLISH, STEP_VISIBLE, STEP_RESPOND, STEP_SETTLED,
	/* account */
	STEP_ACCOUNT_KEY, STEP_ACCOUNT_REGISTER, STEP_REGISTERED,
	/* cleanup */
	STEP_REMOVE, STEP_CLEAN,
	/* reaper: one job, for ever */
	STEP_REAP,
	/* delegation-check */
	STEP_LOOK, STEP_LOOKED,
	/* renewal-info: one job per certificate */
	STEP_RENEWAL_LOOK,
	/* deployment: one job per delivery */
	STEP_DELIVER, STEP_PROBE, STEP_ROLL_BACK, STEP_DELIVERED,
	/* fail-over: one job per order of a certificate with a second authority */
	STEP_FAILOVER_WATCH, STEP_FAILOVER_OVER,
	/* connection-check: one job per connection */
	STEP_CONNECTION_LOOK, STEP_CONNECTION_LOOKED,
	/* notification: one job per notifier */
	STEP_NOTIFY, STEP_NOTIFIED,
	/* operation: one job per thing that was asked of a CA */
	STEP_OPERATION_PREPARE, STEP_OPERATION_SEND, STEP_OPERATED,
	STEP__COUNT
};

struct job;
struct book;
struct ca;

struct step {
	const char     *kind;  /* of the jobs that have this step */
	const char     *name;  /* stored in jobs.step: add, never rename */
	enum outcome  (*run)(struct job *job, struct err *err);
	enum step_id    next;  /* after OUT_DONE */
	unsigned        attempts_max; /* OUT_RETRY beyond this becomes OUT_FAIL; 0: never gives up */
	bool            pure;  /* no effect outside: its move is written with the next commit */
	enum crash_point before, after; /* around the commit of OUT_DONE or of facts; CRASH__COUNT: none */
};
extern const struct step steps[STEP__COUNT];
enum step_id step_find(const char *kind, const char *name);

/* What the step threads keep for their life. */
struct step_thread {
	struct worker      *worker;
	pthread_t           thread;
	pthread_cond_t      wake;
	struct job_row      row;    /* assigned by the dispatcher */
	struct arena       *row_arena;
	bool                assigned, idle;
	struct http_client *http;
	struct step_thread *below;  /* stack of idle threads: the last one in has the warm connection */
};

struct job {
	struct worker      *worker;
	struct step_thread *thread;
	struct arena       *arena;  /* ends with this run */
	struct job_row      row;
	enum step_id        step, next;
	bool                fresh;  /* this run entered the step: nobody can have acted in it before */
	int64_t             wake_at;
	int64_t             attempts; /* for OUT_WAIT: what jobs.attempts becomes */
	int64_t             requests; /* ACME requests not yet added to the order */
	const char         *blamed; /* with OUT_FAIL: the name whose validation the CA refused, in the arena; NULL: no single one */
	const char         *note;   /* what the timeline says; NULL: nothing */
	bool                refused; /* with OUT_DONE or OUT_WAIT: the CA itself says "not now"; the timeline has it as a retry */
	/* Facts written in the same transaction as the move, after the fence was checked. */
	store_write_fn      facts;
	void               *facts_arg;
	/* What a waiting order shows: set by the step with its note. */
	struct err          shown;
	/* History of pure steps, written with the next commit. */
	struct history      buffered[8];
	size_t              buffered_count;
	void               *memo;   /* what a pure step found, for the next ones of the same run */
	struct job_row     *claimed; /* the thread's next job: claimed by the commit that let this one go */
};

/* The thread's reader; asserts nothing: false + err when the database is gone. */
MUST_CHECK bool job_reader(struct job *job, struct db **ret, struct err *err);
/* Commit fn now, fenced: an intent. */
MUST_CHECK bool job_write(struct job *job, store_write_fn fn, void *arg, struct err *err);
/* The outcome that fits an error's class. */
enum outcome job_outcome(const struct err *err);
/* Set the note and the wake-up and return OUT_WAIT. */
enum outcome job_wait(struct job *job, int64_t wake_at, const char *format, ...) PRINTF_LIKE(3, 4);
void         job_note(struct job *job, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- the worker, as its files share it ---- */

struct worker {
	struct worker_settings  settings;
	struct arena           *arena;
	struct store           *store;
	struct ipc_peer        *keeper, *dns, *resolver, *hook;
	struct ipc_server      *server;
	struct book            *book;          /* the recipes */
	struct engine          *recipe_engine; /* provider/engine.h: budgets, sessions, zone ids of all connections */
	const char             *node;        /* lease owner */
	const char             *instance_id;

	pthread_mutex_t     lock;
	pthread_cond_t      dispatch;
	pthread_t           dispatcher;
	struct step_thread *threads;
	struct step_thread *idle;
	unsigned            idle_count, busy_count;
	unsigned            delivering;      /* atomic: step threads that wait for a target */
	unsigned            outside;         /* atomic: threads that ask a DNS provider */
	unsigned            outside_of[OUTSIDE_SLOTS]; /* atomic: the same for the projects that fall into one slot */
	unsigned            turned_away;     /* atomic: about how many wait for such a turn */
	unsigned            notifying;       /* atomic: those that wait for whom they tell something */
	int64_t             planned_at;      /* when the dispatcher looks next */
	int64_t             clock_offset;    /* the dispatcher's: wall - boot when it last looked; 0: not yet */
	bool                started, stopping, keeper_open;
	int64_t             dns_up_at;       /* when the dns role last got its whole set; 0: not yet */

	pthread_mutex_t     cas_lock;
	struct ca          *cas;
	struct clock_guard  clock;           /* under cas_lock: CAs are its witnesses */

	unsigned            slow_commands;   /* under way; at most COMMAND_SLOW_MAX */
	struct seen        *seen;            /* seen.c */
	pthread_rwlock_t    dns_lock;        /* a reset writes: none happens between a write to dns and its row */
};

/* There may be work at this time: the dispatcher looks no later. */
void worker_kick(struct worker *w, int64_t at_ms);
/* Tell the api role that a row changed. */
void worker_changed(struct worker *w, const char *kind, const char *id);
/* engine.c: the threads. */
MUST_CHECK bool engine_start(struct worker *w, struct err *err);
void            engine_stop(struct worker *w);
/* command_server.c: the handler of worker->server. */
void command_handle(void *worker, struct ipc_request *request);
/* seen.c: the dns role tells that a value was asked for. */
MUST_CHECK bool seen_start(struct worker *w, struct err *err);
void            seen_push(struct worker *w, const struct ipc_frame *frame);
void            seen_stop(struct worker *w);

#endif
