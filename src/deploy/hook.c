/*
 * deploy/hook.c: the hook role. A fork server, made while the role has one thread, forks one process per delivery; a
 * handler thread gives it the order and the bundle over a socket pair and waits for the outcome. When the handler's end
 * closes, the process ends what it runs, so nothing outlives the role.
 */
#include "deploy/hook.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/name.h"
#include "deploy/delivery.h"
#include "deploy/files.h"
#include "deploy/program.h"

#define TICKETS_MAX   64
#define TICKET_MS     60000
#define CHILDREN_MAX  32
#define FILES_MS      60000 /* beyond a hook's own time: writing, syncing, and the hook of the way back */
#define STOP_MS       5000
#define HOOK_DELIVER  (IPC_TYPE_FIRST + 10) /* to the fork server, and on to the process */

struct ticket {
	char                    *name; /* NULL: free */
	struct arena            *arena;
	struct keeper_deployment deployment;
	int                      fd;
	int64_t                  until_ms;
};

struct hook {
	struct hook_config config;
	pid_t              server;
	int                fd; /* to the fork server */
	atomic_bool        up, stopping;
	pthread_mutex_t    lock;
	struct ticket      tickets[TICKETS_MAX];
	int                running[CHILDREN_MAX]; /* our ends of deliveries; -1: none */
};

/* ---- the process of one delivery ---- */

static NORETURN void child_program(const struct hook_config *config, struct arena *a, const struct ipc_frame *frame, int fd)
{
	struct program_order  order;
	struct program_result result;
	struct buf            answer;

	if (!program_order_read(a, str_of(frame->body, frame->len), &order, NULL))
		_exit(1);
	program_do(a, config, &order, fd, &result);
	buf_init(&answer, IPC_BODY_MAX);
	program_result_write(&answer, &result);
	(void)!ipc_send(fd, HOOK_DELIVER, 0, buf_str(&answer), -1, NULL);
	_exit(0);
}

static NORETURN void child_run(const struct hook_config *config, int fd)
{
	static struct ipc_frame frame;
	struct arena           *a = arena_new();
	struct delivery_order   order;
	struct hook_result      result;
	struct buf              answer;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ipc_receive(fd, &frame) != IPC_RECEIVED)
		_exit(1);
	if (frame.type == PROGRAM_RUN)
		child_program(config, a, &frame, fd);
	if (frame.fd < 0 || !delivery_order_read(a, str_of(frame.body, frame.len), &order, NULL))
		_exit(1);
	delivery_run(a, config, &order, frame.fd, fd, &result);
	buf_init(&answer, IPC_BODY_MAX);
	hook_result_write(&answer, &result);
	(void)!ipc_send(fd, HOOK_DELIVER, 0, buf_str(&answer), -1, NULL);
	_exit(0);
}

/* ---- the fork server ---- */

static void children_tend(pid_t *children, size_t *count)
{
	for (size_t i = *count; i-- > 0;)
		if (waitpid(children[i], NULL, WNOHANG) == children[i])
			children[i] = children[--*count];
}

static NORETURN void server_run(const struct hook_config *config, int fd)
{
	static struct ipc_frame frame;
	pid_t                   children[CHILDREN_MAX];
	size_t                  count = 0;
	int64_t                 until;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int           ready = poll(&p, 1, count > 0 ? 100 : -1);

		children_tend(children, &count);
		if (ready <= 0)
			continue;
		if (ipc_receive(fd, &frame) != IPC_RECEIVED)
			break;
		if (frame.fd < 0)
			continue;
		pid_t pid = count < CHILDREN_MAX ? fork() : -1;
		if (pid == 0) {
			close(fd);
			child_run(config, frame.fd);
		}
		if (pid > 0)
			children[count++] = pid;
		close(frame.fd); /* without a process the handler sees the end at once */
	}
	/* The role is gone, so each process has seen the end of its socket and is ending what it runs. */
	until = clock_mono_ms() + STOP_MS;
	while (count > 0 && clock_mono_ms() < until) {
		children_tend(children, &count);
		clock_sleep_ms(10);
	}
	for (size_t i = 0; i < count; i++)
		(void)kill(children[i], SIGKILL);
	_exit(0);
}

/* Keys that a killed delivery left behind go before anything new is written. */
static bool scratch_make(const char *path, struct err *err)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_problem(err, ERR_CONFIG, "configuration", "%s: %s", path, strerror(errno));
	int  fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd >= 0 && fchmod(fd, 0700) == 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		err_problem(err, ERR_CONFIG, "configuration", "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.')
			files_remove_directory(fd, entry->d_name);
	closedir(dir);
	return true;
}

bool hook_new(const struct hook_config *config, struct hook **ret, struct err *err)
{
	int ends[2];

	if (!scratch_make(config->scratch, err) || !ipc_pair(ends, err))
		return false;
	pid_t pid = fork();
	if (pid < 0) {
		err_errno(err, errno, "fork server of the hooks");
		close(ends[0]);
		close(ends[1]);
		return false;
	}
	if (pid == 0) {
		int fd = ipc_keep_only(ends[1]);

		crash_init(); /* the descriptor of its trace went with the others */
		server_run(config, fd);
	}
	close(ends[1]);
	struct hook *h = calloc(1, sizeof(*h));
	assert(h != NULL);
	h->config = *config;
	h->server = pid;
	h->fd = ends[0];
	h->up = true;
	pthread_mutex_init(&h->lock, NULL);
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		h->running[i] = -1;
	*ret = h;
	return true;
}

void hook_stop(struct hook *h)
{
	h->stopping = true;
	pthread_mutex_lock(&h->lock);
	/* Half a close: the process sees the end, and the handler still hears how it went. */
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (h->running[i] >= 0)
			shutdown(h->running[i], SHUT_WR);
	pthread_mutex_unlock(&h->lock);
}

static void ticket_clear(struct ticket *t)
{
	if (t->name == NULL)
		return;
	close(t->fd);
	arena_free(t->arena);
	*t = (struct ticket){ 0 };
}

void hook_free(struct hook *h)
{
	if (h == NULL)
		return;
	close(h->fd);
	while (waitpid(h->server, NULL, 0) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < TICKETS_MAX; i++)
		ticket_clear(&h->tickets[i]);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

bool hook_up(const struct hook *h)
{
	return h->up;
}

/* ---- tickets ---- */

static bool ticket_put(struct hook *h, struct ipc_request *request, struct err *err)
{
	struct ticket  t = { .arena = arena_new(), .fd = ipc_request_take_fd(request), .until_ms = clock_mono_ms() + TICKET_MS };
	struct ticket *place = NULL;
	const char    *name;

	if (t.fd < 0 || !keeper_bundle_frame_read(t.arena, ipc_request_body(request), &name, &t.deployment, err)) {
		if (t.fd < 0)
			err_set(err, ERR_INPUT, "a bundle without its descriptor");
		else
			close(t.fd);
		arena_free(t.arena);
		return false;
	}
	t.name = arena_strdup(t.arena, name);
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < TICKETS_MAX; i++) {
		struct ticket *at = &h->tickets[i];

		if (at->name != NULL && (at->until_ms <= clock_mono_ms() || strcmp(at->name, name) == 0))
			ticket_clear(at);
		if (at->name == NULL && place == NULL)
			place = at;
	}
	if (place != NULL)
		*place = t;
	pthread_mutex_unlock(&h->lock);
	if (place != NULL)
		return true;
	ticket_clear(&t);
	return err_problem(err, ERR_TEMPORARY, "unavailable", "too many bundles wait for their delivery");
}

static bool ticket_take(struct hook *h, const char *name, struct ticket *ret)
{
	bool found = false;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < TICKETS_MAX && !found; i++) {
		struct ticket *at = &h->tickets[i];

		if (at->name == NULL || strcmp(at->name, name) != 0)
			continue;
		*ret = *at;
		*at = (struct ticket){ 0 };
		found = true;
	}
	pthread_mutex_unlock(&h->lock);
	return found;
}

/* ---- handler threads ---- */

static bool running_add(struct hook *h, int fd)
{
	bool added = false;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < CHILDREN_MAX && !added && !h->stopping; i++)
		if (h->running[i] < 0) {
			h->running[i] = fd;
			added = true;
		}
	pthread_mutex_unlock(&h->lock);
	return added;
}

static void running_remove(struct hook *h, int fd)
{
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (h->running[i] == fd)
			h->running[i] = -1;
	pthread_mutex_unlock(&h->lock);
}

/* The outcome as bytes; false when the process ended without one. */
static bool outcome_wait(int fd, int64_t limit_ms, struct ipc_frame *frame)
{
	int64_t until = clock_mono_ms() + limit_ms;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t       left = until - clock_mono_ms();

		if (left <= 0)
			return false;
		if (poll(&p, 1, left > 10000 ? 10000 : (int)left) > 0)
			return ipc_receive(fd, frame) == IPC_RECEIVED;
	}
}

static bool process_start(struct hook *h, int *ret, struct err *err)
{
	int ends[2];

	if (!ipc_pair(ends, err))
		return false;
	bool sent = ipc_send(h->fd, HOOK_DELIVER, 0, STR(""), ends[1], err);
	close(ends[1]);
	if (!sent) {
		close(ends[0]);
		h->up = false;
		return err_in(err, "the fork server of the hooks has ended");
	}
	*ret = ends[0];
	return true;
}

/* Ask a process to do it; *ret_body is what it said. */
static bool in_process(struct hook *h, struct arena *a, uint32_t type, struct str order, int bundle_fd, int64_t limit_ms,
                       struct str *ret_body, struct err *err)
{
	struct ipc_frame *frame = arena_alloc(a, sizeof(*frame));
	int               fd;
	bool              ok;

	if (!process_start(h, &fd, err))
		return false;
	if (!running_add(h, fd)) {
		close(fd);
		return err_problem(err, ERR_TEMPORARY, "unavailable", h->stopping ? "the hook role is stopping" : "too many deliveries run");
	}
	ok = ipc_send(fd, type, 0, order, bundle_fd, err);
	if (ok && !outcome_wait(fd, limit_ms, frame))
		ok = err_problem(err, ERR_TEMPORARY, "unavailable", "the delivery ended without an outcome");
	running_remove(h, fd);
	close(fd);
	if (ok)
		*ret_body = str_of(frame->body, frame->len);
	return ok;
}

static bool deliver(struct hook *h, struct arena *a, const struct delivery_order *order, int bundle_fd, int64_t limit_ms,
                    struct str *ret_body, struct err *err)
{
	struct buf b;
	bool       ok;

	buf_init(&b, IPC_BODY_MAX);
	delivery_order_write(&b, order);
	ok = in_process(h, a, HOOK_DELIVER, buf_str(&b), bundle_fd, limit_ms, ret_body, err);
	buf_clear(&b);
	return ok;
}

/* The process gets what the worker said, read here first. */
static bool run_program_of_dns(struct hook *h, struct arena *a, struct str body, struct str *ret, struct err *err)
{
	struct program_order  order;
	struct program_result result;

	return program_order_read(a, body, &order, err) &&
	       in_process(h, a, PROGRAM_RUN, body, -1, (int64_t)order.timeout_s * 1000 + STOP_MS, ret, err) &&
	       program_result_read(a, *ret, &result, err);
}

static bool run(struct hook *h, struct arena *a, struct str body, struct str *ret, struct err *err)
{
	struct wire            w = wire_of(body);
	struct delivery_order  order = { 0 };
	struct deploy_settings settings;
	struct hook_result     result;
	enum deploy_kind       kind;
	struct ticket          t;

	order.run.ticket = wire_get_c(&w, a);
	order.run.event = wire_get_c(&w, a);
	order.run.dry_run = wire_get_bool(&w);
	order.run.certificate_id = wire_get_c(&w, a);
	order.run.certificate_name = wire_get_c(&w, a);
	order.run.names = wire_get_c(&w, a);
	order.run.number = wire_get_i64(&w);
	if (!wire_done(&w, err))
		return false;
	/* Both are parts of a path, and the worker that sends them may not say where keys go. */
	if (order.run.certificate_name[0] == '\0' || order.run.certificate_name[0] == '.' ||
	    strchr(order.run.certificate_name, '/') != NULL || strlen(order.run.certificate_name) >= NAME_SIZE)
		return err_set(err, ERR_INPUT, "not a delivery");
	if (strspn(order.run.ticket, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(order.run.ticket) || order.run.number < 1)
		return err_set(err, ERR_INPUT, "not a delivery");
	if (!ticket_take(h, order.run.ticket, &t))
		return err_problem(err, ERR_TEMPORARY, "unavailable", "there is no bundle for this delivery");
	if (t.deployment.certificate_id[0] != '\0' && strcmp(t.deployment.certificate_id, order.run.certificate_id) != 0) {
		ticket_clear(&t);
		return err_set(err, ERR_DENIED, "the deployment is not of this certificate");
	}
	order.deployment = t.deployment;
	bool ok = deploy_kind_find(t.deployment.kind, &kind, err) &&
	          deploy_settings_parse(a, kind, t.deployment.settings, &settings, err) &&
	          deliver(h, a, &order, t.fd, settings.timeout_s * 2 * 1000 + FILES_MS, ret, err) &&
	          /* Bytes of a process that ran somebody's hook: pass them on only when they are what they should be. */
	          hook_result_read(a, *ret, &result, err);
	ticket_clear(&t);
	return ok;
}

void hook_handle(void *hook, struct ipc_request *request)
{
	struct hook  *h = hook;
	struct arena *a = arena_new();
	struct err    err = { 0 };
	struct str    answer = STR("");
	bool          ok;

	if (ipc_request_channel(request) == HOOK_CHANNEL_KEEPER && ipc_request_type(request) == KEEPER_BUNDLE)
		ok = ticket_put(h, request, &err);
	else if (ipc_request_channel(request) == HOOK_CHANNEL_WORKER && ipc_request_type(request) == HOOK_RUN)
		ok = run(h, a, ipc_request_body(request), &answer, &err);
	else if (ipc_request_channel(request) == HOOK_CHANNEL_WORKER && ipc_request_type(request) == PROGRAM_RUN)
		ok = run_program_of_dns(h, a, ipc_request_body(request), &answer, &err);
	else
		ok = err_problem(&err, ERR_DENIED, "forbidden", "not a frame for this channel");
	if (ok)
		ipc_reply_ok(request, answer);
	else
		ipc_reply_err(request, &err);
	arena_free(a);
}

/* ---- the worker's side ---- */

bool hook_run(struct ipc_peer *hook, const struct hook_run *run, int64_t timeout_s, struct arena *a, struct hook_result *ret,
              struct err *err)
{
	struct str answer;
	struct buf b;
	bool       ok;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, run->ticket);
	wire_put_c(&b, run->event);
	wire_put_bool(&b, run->dry_run);
	wire_put_c(&b, run->certificate_id);
	wire_put_c(&b, run->certificate_name);
	wire_put_c(&b, run->names);
	wire_put_i64(&b, run->number);
	ok = ipc_peer_call(hook, HOOK_RUN, buf_str(&b), -1, (uint32_t)(timeout_s * 2 * 1000 + FILES_MS + STOP_MS), a, &answer, err);
	buf_clear(&b);
	return ok && hook_result_read(a, answer, ret, err);
}
