/*
 * dns/resolver.c: the resolver role. A fork server, made while the role has one thread, forks one
 * child per look-up; the child answers through a pipe that came with the request. Handler threads
 * wait for their pipe and nothing else.
 */
#include "dns/resolver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/lookup.h"

#define CHILDREN_DEFAULT 32u
#define CHILDREN_MAX     256u
#define GRACE_MS         200 /* for the child to write down that it found nothing out */

struct resolver {
	struct resolver_config config;
	pid_t                  server;
	int                    fd; /* to the fork server */
	_Atomic bool           up;
};

bool dns_stub_parse(struct str text, struct dns_stub *ret, struct err *err)
{
	struct dns_stub stub = { 0 };
	size_t          at = str_index(text, '=');
	struct str      zone = str_trim(str_of(text.ptr, at));

	if (at == text.len)
		return err_set(err, ERR_INPUT, "stub \"%.*s\" is not zone=address@port",
		               STR_ARG(text));
	if (str_eq(zone, STR(".")))
		stub.zone[0] = '.';
	else if (!owner_parse(zone, stub.zone, err))
		return err_in(err, "stub \"%.*s\"", STR_ARG(text));
	if (!dns_address_parse(str_trim(str_of(text.ptr + at + 1, text.len - at - 1)),
	                       &stub.address, err))
		return err_in(err, "stub \"%.*s\"", STR_ARG(text));
	*ret = stub;
	return true;
}

/* ---- the child: one look-up ---- */

static void write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		bytes = str_of(bytes.ptr + n, bytes.len - (size_t)n);
	}
}

static NORETURN void child_run(const struct resolver_config *config, const struct ipc_frame *frame)
{
	const struct rlimit   cpu = { 20, 20 }, none = { 0, 0 };
	struct arena         *a = arena_new();
	struct lookup_request request;
	struct buf            answer, framed;

	(void)setrlimit(RLIMIT_CPU, &cpu);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!lookup_request_read(a, frame->type, str_of(frame->body, frame->len), &request, NULL))
		_exit(1); /* the role looked before it asked */
	/* The kernel ends us whatever libunbound is doing. */
	int64_t          kill_ms = request.deadline_ms + GRACE_MS;
	struct itimerval timer = { .it_value = { kill_ms / 1000, kill_ms % 1000 * 1000 } };
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	(void)setitimer(ITIMER_REAL, &timer, NULL);
	buf_init(&answer, IPC_BODY_MAX - 4);
	lookup_run(a, config, &request, &answer);
	if (answer.failed) {
		buf_reset(&answer);
		lookup_unknown(&request, "the answer is too large", &answer);
	}
	buf_init(&framed, IPC_BODY_MAX);
	wire_put_str(&framed, buf_str(&answer));
	write_all(frame->fd, buf_str(&framed));
	_exit(0);
}

/* ---- the fork server ---- */

struct child {
	pid_t   pid;
	int64_t kill_ms;
};

/* Forget children that ended, kill those that are late. */
static void children_tend(struct child *children, size_t *count)
{
	int64_t now_ms = clock_mono_ms();

	for (size_t i = *count; i-- > 0;) {
		if (waitpid(children[i].pid, NULL, WNOHANG) == children[i].pid)
			children[i] = children[--*count];
		else if (now_ms > children[i].kill_ms)
			(void)kill(children[i].pid, SIGKILL);
	}
}

static NORETURN void server_run(const struct resolver_config *config, int fd)
{
	struct child children[CHILDREN_MAX];
	size_t count = 0, max = config->children_max != 0 ? config->children_max : CHILDREN_DEFAULT;
	static struct ipc_frame frame;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int           ready = poll(&p, 1, count > 0 ? 50 : -1);
		children_tend(children, &count);
		if (ready <= 0)
			continue;
		if (ipc_receive(fd, &frame) != IPC_RECEIVED)
			break;
		if (frame.fd < 0)
			continue;
		pid_t pid = count < max && count < CHILDREN_MAX ? fork() : -1;
		if (pid == 0) {
			close(fd);
			child_run(config, &frame);
		}
		if (pid > 0)
			children[count++] =
				(struct child){ pid, clock_mono_ms() + (int64_t)frame.id +
				                             2 * GRACE_MS };
		close(frame.fd); /* without a child the one who waits sees the end at once */
	}
	for (size_t i = 0; i < count; i++)
		(void)kill(children[i].pid, SIGKILL);
	_exit(0);
}

bool resolver_new(const struct resolver_config *config, struct resolver **ret, struct err *err)
{
	int ends[2];

	if (config->stubs_count > DNS_STUBS_MAX)
		return err_set(err, ERR_CONFIG, "at most %d stubs", DNS_STUBS_MAX);
	if (!ipc_pair(ends, err))
		return false;
	pid_t pid = fork();
	if (pid < 0) {
		err_errno(err, errno, "fork server of the resolver");
		close(ends[0]);
		close(ends[1]);
		return false;
	}
	if (pid == 0)
		server_run(config, ipc_keep_only(ends[1]));
	close(ends[1]);
	struct resolver *r = calloc(1, sizeof(*r));
	assert(r != NULL);
	r->config = *config;
	r->server = pid;
	r->fd = ends[0];
	r->up = true;
	*ret = r;
	return true;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	close(r->fd);
	while (waitpid(r->server, NULL, 0) < 0 && errno == EINTR)
		;
	free(r);
}

bool resolver_up(const struct resolver *r)
{
	return r->up;
}

/* ---- handler threads ---- */

/* What the child wrote until it closed the pipe or the time was over; false: not a whole frame. */
static bool answer_read(int fd, int64_t until_ms, struct buf *bytes, struct str *ret)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t       left = until_ms - clock_mono_ms();
		char          piece[4096];
		if (left <= 0)
			return false;
		int ready = poll(&p, 1, (int)left);
		if (ready <= 0)
			continue;
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			buf_add(bytes, piece, (size_t)n);
		if (bytes->failed)
			return false;
		struct wire w = wire_of(buf_str(bytes));
		*ret = wire_get_str(&w);
		if (wire_done(&w, NULL))
			return true;
		if (n <= 0)
			return false;
	}
}

/* Bytes of a stranger: pass them on only when they are what they should be. */
static bool answer_good(struct arena *a, uint32_t type, struct str answer)
{
	struct dns_chain  chain;
	struct dns_result result;
	struct dns_auth   auth;

	if (type == DNS_LOOKUP_CHAIN)
		return dns_chain_read(a, answer, &chain, NULL);
	if (type == DNS_LOOKUP)
		return dns_result_read(a, answer, &result, NULL);
	return dns_auth_read(a, answer, &auth, NULL);
}

static bool look(struct resolver *r, struct arena *a, const struct lookup_request *request,
                 struct str body, struct buf *ret, struct err *err)
{
	int64_t    started_ms = clock_mono_ms();
	int        ends[2];
	struct str answer;
	struct buf bytes;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe for a look-up");
	/* The fork server needs no more of the request than its deadline: it comes as the id. */
	bool sent = ipc_send(r->fd, request->type, request->deadline_ms, body, ends[1], err);
	close(ends[1]);
	if (!sent) {
		close(ends[0]);
		r->up = false;
		return err_in(err, "the fork server of the resolver has ended");
	}
	buf_init(&bytes, IPC_BODY_MAX);
	bool read =
		answer_read(ends[0], started_ms + request->deadline_ms + GRACE_MS, &bytes, &answer);
	close(ends[0]);
	if (read && answer_good(a, request->type, answer))
		buf_add_str(ret, answer);
	else if (clock_mono_ms() - started_ms >= request->deadline_ms)
		lookup_unknown(request,
		               arena_printf(a, "the look-up of %s was stopped after %.1f s",
		                            request->name, request->deadline_ms / 1000.0),
		               ret);
	else
		lookup_unknown(request,
		               arena_printf(a, "the look-up of %s ended without an answer",
		                            request->name),
		               ret);
	buf_clear(&bytes);
	return true;
}

void resolver_handle(void *resolver, struct ipc_request *request)
{
	struct resolver      *r = resolver;
	struct err            err = { 0 };
	struct lookup_request asked;
	struct str            body = ipc_request_body(request);
	struct arena         *a = arena_new();
	struct buf            answer;

	buf_init(&answer, IPC_BODY_MAX);
	if (lookup_request_read(a, ipc_request_type(request), body, &asked, &err) &&
	    look(r, a, &asked, body, &answer, &err))
		ipc_reply_ok(request, buf_str(&answer));
	else
		ipc_reply_err(request, &err);
	buf_clear(&answer);
	arena_free(a);
}
