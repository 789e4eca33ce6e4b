/*
 * base/ipc_peer.c: the asking side. Each call sleeps on a condition of its own and is found by its request id when
 * the reader of the end it was sent on brings the answer; when that end closes, the reader fails what is left.
 *
 * A call that could not be sent because the end was dead already has done nothing, so it waits for the next end like
 * one that came later. A call that was sent may have had its effect: it fails, and its caller decides.
 */
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc_internal.h"
#include "base/wire.h"

#define BUCKETS 256u

struct call {
	struct call    *next; /* in its bucket */
	uint64_t        id;
	struct ipc_end *end; /* compared only */
	bool            done, lost;
	uint32_t        type; /* of the answer */
	char           *body;
	size_t          body_len;
	pthread_cond_t  answered;
};

struct ipc_peer {
	char            name[32];
	ipc_push_fn     on_push;
	ipc_up_fn       on_up;
	void           *ctx;
	pthread_mutex_t lock;
	pthread_cond_t  changed; /* end, closing or users */
	struct ipc_end *end;     /* NULL: no peer just now */
	uint64_t        next_id;
	unsigned        users; /* callers inside ipc_peer_call */
	bool            closing;
	struct call    *calls[BUCKETS];
	struct task    *tasks;
};

/* A thread of ours: the reader of one end (end is its reference), or one run of on_up (end is NULL). */
struct task {
	struct task     *next;
	struct ipc_peer *peer;
	struct ipc_end  *end;
	pthread_t        thread;
	bool             done;
};

/* Timed waits go by a clock that nobody sets. It stands still during suspend, which no peer notices either. */
static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

static struct timespec deadline_after(uint32_t timeout_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += timeout_ms / 1000;
	at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* ---- the table of calls; the lock is held ---- */

static struct call **bucket_of(struct ipc_peer *peer, uint64_t id)
{
	return &peer->calls[id % BUCKETS];
}

static void call_add(struct ipc_peer *peer, struct call *call)
{
	struct call **bucket = bucket_of(peer, call->id);

	call->next = *bucket;
	*bucket = call;
}

static void call_remove(struct ipc_peer *peer, struct call *call)
{
	for (struct call **at = bucket_of(peer, call->id); *at != NULL; at = &(*at)->next) {
		if (*at == call) {
			*at = call->next;
			return;
		}
	}
}

static void call_answer(struct ipc_peer *peer, const struct ipc_end *end,
                        const struct ipc_frame *frame)
{
	struct call *call = *bucket_of(peer, frame->id);

	while (call != NULL && call->id != frame->id)
		call = call->next;
	/* An answer that comes after its time-out finds nobody; a second one is ignored. */
	if (call == NULL || call->done || call->end != end)
		return;
	call->body = malloc(frame->len + 1);
	if (call->body == NULL)
		abort();
	memcpy(call->body, frame->body, frame->len);
	call->body_len = frame->len;
	call->type = frame->type;
	call->done = true;
	pthread_cond_signal(&call->answered);
}

static void calls_lose(struct ipc_peer *peer, const struct ipc_end *end)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct call *call = peer->calls[i]; call != NULL; call = call->next) {
			if (call->end != end || call->done)
				continue;
			call->done = call->lost = true;
			pthread_cond_signal(&call->answered);
		}
	}
}

/* Stop using `end`, unless another one took its place already. */
static void end_drop(struct ipc_peer *peer, struct ipc_end *end)
{
	if (end == NULL)
		return;
	ipc_end_shut(end);
	if (peer->end == end) {
		peer->end = NULL;
		ipc_end_unref(end);
	}
}

/* ---- threads ---- */

static void task_finish(struct task *task)
{
	struct ipc_peer *peer = task->peer;

	pthread_mutex_lock(&peer->lock);
	task->done = true;
	pthread_mutex_unlock(&peer->lock);
}

static void *read_end(void *arg)
{
	struct task      *task = arg;
	struct ipc_peer  *peer = task->peer;
	struct ipc_frame *frame = malloc(sizeof(*frame));

	if (frame == NULL)
		abort();
	while (ipc_receive(task->end->fd, frame) == IPC_RECEIVED) {
		/* Answers and pushes carry no descriptor. */
		if (frame->fd >= 0)
			close(frame->fd);
		frame->fd = -1;
		if (frame->id == 0) {
			if (peer->on_push != NULL)
				peer->on_push(peer->ctx, frame);
			continue;
		}
		pthread_mutex_lock(&peer->lock);
		call_answer(peer, task->end, frame);
		pthread_mutex_unlock(&peer->lock);
	}
	explicit_bzero(frame, sizeof(*frame));
	free(frame);
	pthread_mutex_lock(&peer->lock);
	end_drop(peer, task->end);
	calls_lose(peer, task->end);
	pthread_mutex_unlock(&peer->lock);
	ipc_end_unref(task->end);
	task_finish(task);
	return NULL;
}

static void *run_up(void *arg)
{
	struct task *task = arg;

	task->peer->on_up(task->peer->ctx);
	task_finish(task);
	return NULL;
}

/* The lock is held, so the thread finds itself in the list whenever it looks. */
static void task_start(struct ipc_peer *peer, struct ipc_end *end, void *(*run)(void *))
{
	struct task *task = calloc(1, sizeof(*task));

	if (task == NULL)
		abort();
	task->peer = peer;
	task->end = end;
	/* No thread is no memory, and no memory ends the process. */
	if (pthread_create(&task->thread, NULL, run, task) != 0)
		abort();
	task->next = peer->tasks;
	peer->tasks = task;
}

/* Take the finished tasks (all of them: `all`) out of the list; the lock is held. */
static struct task *tasks_take(struct ipc_peer *peer, bool all)
{
	struct task *taken = NULL;

	for (struct task **at = &peer->tasks; *at != NULL;) {
		struct task *task = *at;

		if (!all && !task->done) {
			at = &task->next;
			continue;
		}
		*at = task->next;
		task->next = taken;
		taken = task;
	}
	return taken;
}

static void tasks_join(struct task *tasks)
{
	while (tasks != NULL) {
		struct task *next = tasks->next;

		pthread_join(tasks->thread, NULL);
		free(tasks);
		tasks = next;
	}
}

/* ---- the interface ---- */

struct ipc_peer *ipc_peer_new(const char *name, ipc_push_fn on_push, ipc_up_fn on_up, void *ctx)
{
	struct ipc_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		abort();
	snprintf(peer->name, sizeof(peer->name), "%s", name);
	peer->on_push = on_push;
	peer->on_up = on_up;
	peer->ctx = ctx;
	peer->next_id = 1;
	pthread_mutex_init(&peer->lock, NULL);
	cond_init(&peer->changed);
	return peer;
}

void ipc_peer_attach(struct ipc_peer *peer, int fd)
{
	struct task *finished;

	pthread_mutex_lock(&peer->lock);
	end_drop(peer, peer->end);
	if (fd >= 0 && peer->closing) {
		close(fd);
	} else if (fd >= 0) {
		peer->end = ipc_end_new(fd, 0);
		task_start(peer, ipc_end_ref(peer->end), read_end);
		if (peer->on_up != NULL)
			task_start(peer, NULL, run_up);
		pthread_cond_broadcast(&peer->changed);
	}
	finished = tasks_take(peer, false);
	pthread_mutex_unlock(&peer->lock);
	tasks_join(finished);
}

void ipc_peer_free(struct ipc_peer *peer)
{
	struct task *tasks;

	if (peer == NULL)
		return;
	pthread_mutex_lock(&peer->lock);
	peer->closing = true;
	end_drop(peer, peer->end);
	pthread_cond_broadcast(&peer->changed);
	while (peer->users > 0)
		pthread_cond_wait(&peer->changed, &peer->lock);
	tasks = tasks_take(peer, true);
	pthread_mutex_unlock(&peer->lock);
	tasks_join(tasks);
	pthread_cond_destroy(&peer->changed);
	pthread_mutex_destroy(&peer->lock);
	free(peer);
}

/* An IPC_ERR body, see ipc_server.c:error_write. Always false. */
static bool error_read(struct ipc_peer *peer, struct arena *a, struct str body, struct err *err)
{
	struct wire w = wire_of(body);
	uint8_t     kind = wire_get_u8(&w);
	uint32_t    retry_after_s = wire_get_u32(&w);
	const char *problem = wire_get_c(&w, a);
	const char *text = wire_get_c(&w, a);
	const char *hint = wire_get_c(&w, a);

	if (!wire_done(&w, NULL) || kind == ERR_NONE || kind >= ERR__COUNT)
		return err_problem(err, ERR_PERMANENT, "internal",
		                   "the %s answered with an error that cannot be read", peer->name);
	err_problem(err, (enum err_class)kind, problem, "%s", text);
	if (hint[0] != '\0')
		err_hint(err, "%s", hint);
	if (err != NULL)
		err->retry_after_s = retry_after_s;
	return false;
}

static bool lost(const struct ipc_peer *peer, struct err *err)
{
	return err_problem(err, ERR_TEMPORARY, "unavailable", "the %s was restarted", peer->name);
}

/*
 * Send `call` over the end of the moment, or over the next one when there is none. True: it is in the table and
 * waits for its answer. The lock is held on entry and exit, not in between.
 */
static bool call_send(struct ipc_peer *peer, struct call *call, uint32_t type, struct str body,
                      int pass_fd, int64_t deadline_ms, const struct timespec *deadline,
                      struct err *err)
{
	for (;;) {
		struct ipc_end *end;
		enum ipc_sent   sent;

		while (peer->end == NULL && !peer->closing) {
			if (pthread_cond_timedwait(&peer->changed, &peer->lock, deadline) ==
			    ETIMEDOUT)
				return err_problem(err, ERR_TEMPORARY, "unavailable",
				                   "the %s is not running just now", peer->name);
		}
		if (peer->closing)
			return err_problem(err, ERR_TEMPORARY, "unavailable",
			                   "this process is stopping");
		end = ipc_end_ref(peer->end);
		call->id = peer->next_id++;
		call->end = end;
		call->done = call->lost = false;
		/* Before it is sent: the answer may be quicker than we are. */
		call_add(peer, call);
		pthread_mutex_unlock(&peer->lock);
		sent = ipc_send_until(end->fd, type, call->id, body, pass_fd, deadline_ms, err);
		pthread_mutex_lock(&peer->lock);
		if (sent != IPC_SENT)
			call_remove(peer, call);
		if (sent == IPC_SEND_CLOSED)
			end_drop(peer, end);
		ipc_end_unref(end);
		if (sent == IPC_SENT)
			return true;
		if (sent != IPC_SEND_CLOSED)
			return err_in(err, "the %s", peer->name);
	}
}

static bool call_wait(struct ipc_peer *peer, struct call *call, const struct timespec *deadline,
                      uint32_t timeout_ms, struct err *err)
{
	int waited = 0;

	while (!call->done && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&call->answered, &peer->lock, deadline);
	call_remove(peer, call);
	if (!call->done)
		return err_problem(err, ERR_TEMPORARY, "timeout",
		                   "the %s did not answer within %u ms", peer->name, timeout_ms);
	return !call->lost || lost(peer, err);
}

bool ipc_peer_call(struct ipc_peer *peer, uint32_t type, struct str body, int pass_fd,
                   uint32_t timeout_ms, struct arena *a, struct str *ret, struct err *err)
{
	struct timespec deadline = deadline_after(timeout_ms);
	int64_t         deadline_ms = clock_mono_ms() + timeout_ms;
	struct call     call = { 0 };
	bool            ok;

	assert(type >= IPC_TYPE_FIRST);
	cond_init(&call.answered);
	pthread_mutex_lock(&peer->lock);
	peer->users++;
	ok = call_send(peer, &call, type, body, pass_fd, deadline_ms, &deadline, err) &&
	     call_wait(peer, &call, &deadline, timeout_ms, err);
	if (ok) {
		struct str answer = str_of(call.body, call.body_len);

		if (call.type == IPC_OK)
			*ret = arena_dup(a, answer);
		else if (call.type == IPC_ERR)
			ok = error_read(peer, a, answer, err);
		else
			ok = err_problem(err, ERR_PERMANENT, "internal",
			                 "the %s answered with a frame of type %u", peer->name,
			                 call.type);
	}
	if (--peer->users == 0)
		pthread_cond_broadcast(&peer->changed);
	pthread_mutex_unlock(&peer->lock);
	pthread_cond_destroy(&call.answered);
	if (call.body != NULL) {
		/* Opened credentials come this way. */
		explicit_bzero(call.body, call.body_len);
		free(call.body);
	}
	return ok;
}
