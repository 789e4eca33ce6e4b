/* Unit tests of base/ipc.h. Both sides live in this process; a "restart" is a new server with a new pair. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "base/rand.h"
#include "test.h"

enum { ASK_ECHO = IPC_TYPE_FIRST, ASK_ERROR, ASK_NEVER, ASK_READ_FD, ASK_IGNORE_FD, ASK_TOO_MUCH, ASK_SLOW, PUSHED };

#define KEPT_MAX 400 /* more than the peer's table has buckets */

static struct ipc_request *kept[KEPT_MAX];
static atomic_uint         kept_count;
static atomic_uint         begun; /* requests a handler has begun with */

static void answer(void *ctx UNUSED, struct ipc_request *r)
{
	struct str body = ipc_request_body(r);
	struct err err = { 0 };
	char       text[64];
	ssize_t    n;
	int        fd;

	atomic_fetch_add(&begun, 1);
	switch (ipc_request_type(r)) {
	case ASK_ERROR:
		err_problem(&err, ERR_CONFIG, "delegation-missing", "the record is missing");
		err_hint(&err, "add it");
		err.retry_after_s = 77;
		ipc_reply_err(r, &err);
		return;
	case ASK_NEVER:
		/* One at a time in every test; the count goes up when the request is there. */
		kept[atomic_load(&kept_count)] = r;
		atomic_fetch_add(&kept_count, 1);
		return;
	case ASK_READ_FD:
		fd = ipc_request_take_fd(r);
		n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
		if (fd >= 0)
			close(fd);
		ipc_reply_ok(r, str_of(text, n > 0 ? (size_t)n : 0));
		return;
	case ASK_TOO_MUCH:
		ipc_reply_ok(r, str_of(text, IPC_BODY_MAX + 1));
		return;
	case ASK_SLOW:
		clock_sleep_ms(50);
		FALLTHROUGH;
	default:
		ipc_reply_ok(r, body);
	}
}

static void answer_kept(void)
{
	/* The oldest first: in the peer's table they are behind the younger ones of their bucket. */
	for (unsigned i = 0; i < atomic_load(&kept_count); i++)
		ipc_reply_ok(kept[i], ipc_request_body(kept[i]));
	atomic_store(&kept_count, 0);
}

static void join(struct ipc_peer *peer, struct ipc_server *server, int channel)
{
	struct err err = { 0 };
	int        ends[2];

	CHECK_OK(ipc_pair(ends, &err), err);
	ipc_server_attach(server, channel, ends[0]);
	ipc_peer_attach(peer, ends[1]);
}

/* ---- frames ---- */

TEST(frames)
{
	static struct ipc_frame frame;
	static char             body[IPC_BODY_MAX + 1];
	struct err              err = { 0 };
	int                     ends[2];

	CHECK_OK(ipc_pair(ends, &err), err);
	CHECK(fcntl(ends[0], F_GETFD) & FD_CLOEXEC);
	rand_bytes(body, sizeof(body));
	CHECK_OK(ipc_send(ends[0], 17, 0x0123456789abcdef, str_of(body, IPC_BODY_MAX), -1, &err), err);
	CHECK(!ipc_send(ends[0], 17, 1, str_of(body, IPC_BODY_MAX + 1), -1, &err));
	CHECK_INT(err.class, ERR_INPUT);
	CHECK_OK(ipc_send(ends[0], 18, 2, (struct str){ 0 }, -1, &err), err);
	CHECK_INT(ipc_receive(ends[1], &frame), IPC_RECEIVED);
	CHECK(frame.type == 17 && frame.id == 0x0123456789abcdef && frame.fd == -1 && frame.len == IPC_BODY_MAX);
	assert_memory_equal(frame.body, body, IPC_BODY_MAX);
	CHECK_INT(ipc_receive(ends[1], &frame), IPC_RECEIVED);
	CHECK(frame.type == 18 && frame.len == 0);
	close(ends[0]);
	CHECK_INT(ipc_receive(ends[1], &frame), IPC_EOF);
	CHECK(!ipc_send(ends[1], 18, 2, STR("x"), -1, &err));
	CHECK_INT(err.class, ERR_TEMPORARY);
	CHECK_STR(err.problem, "unavailable");
	close(ends[1]);
}

TEST(broken_frames)
{
	static struct ipc_frame frame;
	static char             big[IPC_FRAME_MAX + 1];
	static const char       liar[17] = "\0\0\0\21" "\0\0\0\0\0\0\0\1" "\0\0\0\2" "x";
	int                     ends[2];

	CHECK(ipc_pair(ends, NULL));
	CHECK(send(ends[0], "short", 5, 0) == 5);
	CHECK_INT(ipc_receive(ends[1], &frame), IPC_BROKEN);
	CHECK(send(ends[0], big, sizeof(big), 0) == (ssize_t)sizeof(big));
	CHECK_INT(ipc_receive(ends[1], &frame), IPC_BROKEN);
	CHECK(send(ends[0], liar, sizeof(liar), 0) == (ssize_t)sizeof(liar));
	CHECK_INT(ipc_receive(ends[1], &frame), IPC_BROKEN);
	close(ends[0]);
	close(ends[1]);
}

static unsigned open_count(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

TEST(two_descriptors_are_refused)
{
	static struct ipc_frame frame;
	static const char       header[16] = "\0\0\0\21" "\0\0\0\0\0\0\0\1" "\0\0\0\0";
	union {
		struct cmsghdr align;
		char           bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct iovec   part = { .iov_base = (void *)(uintptr_t)header, .iov_len = sizeof(header) };
	struct msghdr  message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
		                   .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int             ends[2], pair[2] = { 1, 2 };
	unsigned        before;

	CHECK(ipc_pair(ends, NULL));
	before = open_count();
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(pair));
	memcpy(CMSG_DATA(c), pair, sizeof(pair));
	CHECK(sendmsg(ends[0], &message, 0) == sizeof(header));
	CHECK_INT(ipc_receive(ends[1], &frame), IPC_BROKEN);
	CHECK_INT(frame.fd, -1);
	CHECK_INT(open_count(), before);
	close(ends[0]);
	close(ends[1]);
}

/* ---- calls ---- */

struct fixture {
	struct ipc_peer   *peer;
	struct ipc_server *server;
	struct arena      *a;
	struct str         ret;
	struct err         err;
};

static void setup(struct fixture *f, unsigned threads)
{
	*f = (struct fixture){ 0 };
	f->a = arena_new();
	f->peer = ipc_peer_new("keeper", NULL, NULL, NULL);
	f->server = ipc_server_new("keeper", threads, answer, NULL);
	join(f->peer, f->server, 1);
}

static void teardown(struct fixture *f)
{
	ipc_peer_free(f->peer);
	ipc_server_free(f->server);
	answer_kept();
	arena_free(f->a);
}

static bool ask(struct fixture *f, uint32_t type, struct str body, int fd, uint32_t timeout_ms)
{
	f->err = (struct err){ 0 };
	return ipc_peer_call(f->peer, type, body, fd, timeout_ms, f->a, &f->ret, &f->err);
}

static void check_calls(unsigned threads)
{
	static char    body[IPC_BODY_MAX];
	struct fixture f;

	setup(&f, threads);
	CHECK_OK(ask(&f, ASK_ECHO, STR("hello"), -1, 5000), f.err);
	CHECK(str_eq(f.ret, STR("hello")));
	rand_bytes(body, sizeof(body));
	CHECK_OK(ask(&f, ASK_ECHO, str_of(body, sizeof(body)), -1, 5000), f.err);
	CHECK(str_eq(f.ret, str_of(body, sizeof(body))));
	CHECK(!ask(&f, ASK_ECHO, str_of(body, IPC_BODY_MAX + 1), -1, 5000));
	CHECK_STR(f.err.problem, "too-large");
	CHECK(!ask(&f, ASK_ERROR, STR(""), -1, 5000));
	CHECK_INT(f.err.class, ERR_CONFIG);
	CHECK_INT(f.err.retry_after_s, 77);
	CHECK_STR(f.err.problem, "delegation-missing");
	CHECK_STR(f.err.text, "the record is missing");
	CHECK_STR(f.err.hint, "add it");
	CHECK(!ask(&f, ASK_TOO_MUCH, STR(""), -1, 5000));
	CHECK_STR(f.err.problem, "internal");
	CHECK_OK(ask(&f, ASK_ECHO, STR(""), -1, 5000), f.err);
	CHECK_INT(f.ret.len, 0);
	teardown(&f);
}

TEST(calls_on_the_reader)
{
	check_calls(0);
}

TEST(calls_on_threads)
{
	check_calls(3);
}

TEST(descriptors)
{
	struct fixture f;
	unsigned       before;
	int            ends[2];

	setup(&f, 1);
	CHECK(pipe(ends) == 0);
	CHECK(write(ends[1], "through", 7) == 7);
	close(ends[1]);
	before = open_count();
	CHECK_OK(ask(&f, ASK_READ_FD, STR(""), ends[0], 5000), f.err);
	CHECK(str_eq(f.ret, STR("through")));
	/* One that the handler does not take is closed before the request is answered, or right after. */
	CHECK_OK(ask(&f, ASK_IGNORE_FD, STR(""), ends[0], 5000), f.err);
	CHECK_OK(ask(&f, ASK_ECHO, STR(""), -1, 5000), f.err);
	CHECK_INT(open_count(), before);
	CHECK(fcntl(ends[0], F_GETFD) >= 0);
	close(ends[0]);
	teardown(&f);
}

TEST(times_out)
{
	struct fixture f;
	int64_t        before = clock_mono_ms();

	setup(&f, 1);
	CHECK(!ask(&f, ASK_NEVER, STR(""), -1, 100));
	CHECK(clock_mono_ms() - before >= 95);
	CHECK_STR(f.err.problem, "timeout");
	CHECK_INT(f.err.class, ERR_TEMPORARY);
	/* The answer that comes too late goes to nobody, least of all to the next call. */
	answer_kept();
	CHECK_OK(ask(&f, ASK_ECHO, STR("mine"), -1, 5000), f.err);
	CHECK(str_eq(f.ret, STR("mine")));
	teardown(&f);
}

TEST(without_a_peer)
{
	struct fixture f = { .a = arena_new(), .peer = ipc_peer_new("keeper", NULL, NULL, NULL) };

	CHECK(!ask(&f, ASK_ECHO, STR(""), -1, 50));
	CHECK_STR(f.err.problem, "unavailable");
	CHECK_STR(f.err.text, "the keeper is not running just now");
	ipc_peer_attach(f.peer, -1);
	teardown(&f);
}

struct caller {
	struct fixture *f;
	uint32_t        type;
	uint32_t        timeout_ms;
	bool            ok;
	bool            same;
	struct err      err;
	pthread_t       thread;
	unsigned        number;
};

static void *call_it(void *arg)
{
	struct caller                  *c = arg;
	AUTO(arena_freep) struct arena *a = arena_new();
	char                            text[200];
	struct str                      body, ret = { 0 };

	snprintf(text, sizeof(text), "caller %u %0*u", c->number, (int)(c->number % 150), c->number);
	body = str_c(text);
	c->ok = ipc_peer_call(c->f->peer, c->type, body, -1, c->timeout_ms, a, &ret, &c->err);
	c->same = str_eq(ret, body);
	return NULL;
}

static void start(struct caller *c, struct fixture *f, uint32_t type, uint32_t timeout_ms)
{
	c->f = f;
	c->type = type;
	c->timeout_ms = timeout_ms;
	CHECK_INT(pthread_create(&c->thread, NULL, call_it, c), 0);
}

static void await_kept(unsigned count)
{
	int64_t deadline = clock_mono_ms() + 10000;

	while (atomic_load(&kept_count) < count && clock_mono_ms() < deadline)
		clock_sleep_ms(1);
	CHECK_INT(atomic_load(&kept_count), count);
}

/* What was sent fails, what comes later waits for the new end and is answered. */
TEST(restart)
{
	struct fixture f;
	struct caller  lost = { 0 }, waiting = { 0 };

	setup(&f, 2);
	start(&lost, &f, ASK_NEVER, 20000);
	await_kept(1);
	ipc_server_free(f.server);
	pthread_join(lost.thread, NULL);
	CHECK(!lost.ok);
	CHECK_INT(lost.err.class, ERR_TEMPORARY);
	CHECK_STR(lost.err.problem, "unavailable");
	CHECK_STR(lost.err.text, "the keeper was restarted");
	CHECK_STR(lost.err.hint, "");

	start(&waiting, &f, ASK_ECHO, 20000);
	clock_sleep_ms(30);
	f.server = ipc_server_new("keeper", 2, answer, NULL);
	join(f.peer, f.server, 1);
	pthread_join(waiting.thread, NULL);
	CHECK_OK(waiting.ok && waiting.same, waiting.err);
	/* The request of the dead server is answered now; nobody hears it. */
	answer_kept();
	teardown(&f);
}

/* A new end while the old one lives: calls on the old one are lost, the new one serves at once. */
TEST(replaced_end)
{
	struct fixture     f;
	struct caller      lost = { 0 };
	struct ipc_server *next = ipc_server_new("keeper", 0, answer, NULL);

	setup(&f, 1);
	start(&lost, &f, ASK_NEVER, 20000);
	await_kept(1);
	join(f.peer, next, 1);
	pthread_join(lost.thread, NULL);
	CHECK(!lost.ok);
	CHECK_OK(ask(&f, ASK_ECHO, STR("x"), -1, 5000), f.err);
	teardown(&f);
	ipc_server_free(next);
}

TEST(freeing_ends_calls)
{
	struct fixture f;
	struct caller  inside = { 0 };

	setup(&f, 1);
	start(&inside, &f, ASK_NEVER, 60000);
	await_kept(1);
	ipc_peer_free(TAKE(f.peer));
	pthread_join(inside.thread, NULL);
	CHECK(!inside.ok);
	CHECK_INT(inside.err.class, ERR_TEMPORARY);
	teardown(&f);
}

TEST(a_thousand_at_once)
{
	static struct caller callers[1000];
	struct fixture       f;

	setup(&f, 4);
	for (unsigned i = 0; i < ARRAY_LEN(callers); i++) {
		callers[i] = (struct caller){ .number = i };
		start(&callers[i], &f, ASK_ECHO, 60000);
	}
	for (unsigned i = 0; i < ARRAY_LEN(callers); i++) {
		pthread_join(callers[i].thread, NULL);
		CHECK_OK(callers[i].ok, callers[i].err);
		CHECK(callers[i].same);
	}
	teardown(&f);
}

TEST(many_wait_at_once)
{
	static struct caller callers[KEPT_MAX];
	struct fixture       f;

	setup(&f, 1);
	for (unsigned i = 0; i < KEPT_MAX; i++) {
		callers[i] = (struct caller){ .number = i };
		start(&callers[i], &f, ASK_NEVER, 60000);
	}
	await_kept(KEPT_MAX);
	answer_kept();
	for (unsigned i = 0; i < KEPT_MAX; i++) {
		pthread_join(callers[i].thread, NULL);
		CHECK_OK(callers[i].ok, callers[i].err);
		CHECK(callers[i].same);
	}
	teardown(&f);
}

/* Calls from many threads while the server comes and goes: each ends, and either with its own answer or as lost. */
TEST(restarts_under_load)
{
	static struct caller callers[200];
	struct fixture       f;
	unsigned             answered = 0;

	setup(&f, 2);
	for (unsigned i = 0; i < ARRAY_LEN(callers); i++) {
		callers[i] = (struct caller){ .number = i };
		start(&callers[i], &f, i % 4 == 0 ? ASK_SLOW : ASK_ECHO, 60000);
		if (i % 40 == 39) {
			ipc_server_free(f.server);
			f.server = ipc_server_new("keeper", 2, answer, NULL);
			join(f.peer, f.server, 1);
		}
	}
	for (unsigned i = 0; i < ARRAY_LEN(callers); i++) {
		pthread_join(callers[i].thread, NULL);
		if (callers[i].ok) {
			CHECK(callers[i].same);
			answered++;
		} else {
			CHECK_STR(callers[i].err.problem, "unavailable");
		}
	}
	CHECK(answered > 0);
	teardown(&f);
}

/* ---- pushes, channels, the one who does not read ---- */

static atomic_uint pushes, ups;

static void on_push(void *ctx UNUSED, const struct ipc_frame *frame)
{
	CHECK(frame->type == PUSHED && frame->id == 0);
	CHECK(str_eq(str_of(frame->body, frame->len), STR("news")));
	atomic_fetch_add(&pushes, 1);
}

/* May call the peer, as the header promises. */
static void on_up(void *ctx)
{
	struct ipc_peer               **peer = ctx;
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str                      ret;

	if (ipc_peer_call(*peer, ASK_ECHO, STR("up"), -1, 10000, a, &ret, NULL) && str_eq(ret, STR("up")))
		atomic_fetch_add(&ups, 1);
}

static void await(atomic_uint *value, unsigned wanted)
{
	int64_t deadline = clock_mono_ms() + 10000;

	while (atomic_load(value) < wanted && clock_mono_ms() < deadline)
		clock_sleep_ms(1);
	CHECK_INT(atomic_load(value), wanted);
}

TEST(pushes_and_ups)
{
	static struct ipc_peer *peer;
	struct ipc_server      *server = ipc_server_new("worker", 1, answer, NULL);

	atomic_store(&pushes, 0);
	atomic_store(&ups, 0);
	peer = ipc_peer_new("worker", on_push, on_up, &peer);
	join(peer, server, 7);
	await(&ups, 1);
	ipc_server_push(server, 6, PUSHED, STR("other channel"));
	ipc_server_push(server, 7, PUSHED, STR("news"));
	ipc_server_push(server, 7, PUSHED, STR("news"));
	await(&pushes, 2);
	join(peer, server, 7);
	await(&ups, 2);
	ipc_peer_free(peer);
	ipc_server_free(server);
}

TEST(a_full_end_loses_pushes_only)
{
	static char             body[IPC_BODY_MAX];
	static struct ipc_frame frame;
	struct ipc_server *server = ipc_server_new("worker", 1, answer, NULL);
	struct fixture     f = { .a = arena_new(), .server = server, .peer = ipc_peer_new("worker", NULL, NULL, NULL) };
	int                ends[2];
	int64_t            before = clock_mono_ms();
	unsigned           got = 0;

	CHECK(ipc_pair(ends, NULL));
	ipc_server_attach(server, 1, ends[0]);
	for (int i = 0; i < 200; i++)
		ipc_server_push(server, 1, PUSHED, str_of(body, sizeof(body)));
	CHECK(clock_mono_ms() - before < 4000);
	/* An answer there has to wait, and the end is given up after five seconds; then the next one is served. */
	join(f.peer, server, 2);
	atomic_store(&begun, 0);
	CHECK(ipc_send(ends[1], ASK_ECHO, 1, STR("x"), -1, NULL));
	await(&begun, 1);
	CHECK_OK(ask(&f, ASK_ECHO, STR("y"), -1, 20000), f.err);
	/* What fitted is still there, then comes the end; the answer is not among it. */
	do
		CHECK(got < 200);
	while (ipc_receive(ends[1], &frame) == IPC_RECEIVED && frame.type == PUSHED && ++got);
	CHECK(got > 0 && frame.type == PUSHED);
	close(ends[1]);
	CHECK_OK(ask(&f, ASK_ECHO, STR("z"), -1, 20000), f.err);
	teardown(&f);
}

/* One handler is held up, the queue fills, and what is over it is turned away at once; nothing is lost. */
static void *send_many(void *arg)
{
	const int *fd = arg;

	for (uint64_t id = 1; id <= 5000; id++)
		CHECK(ipc_send(*fd, ASK_ECHO, id, STR("x"), -1, NULL));
	return NULL;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void answer_behind_gate(void *ctx, struct ipc_request *r)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	answer(ctx, r);
}

TEST(a_full_queue_turns_away)
{
	static struct ipc_frame frame;
	struct ipc_server      *server = ipc_server_new("worker", 1, answer_behind_gate, NULL);
	unsigned                ok = 0, busy = 0;
	pthread_t               sender;
	int                     ends[2];

	CHECK(ipc_pair(ends, NULL));
	pthread_mutex_lock(&gate);
	ipc_server_attach(server, 1, ends[0]);
	CHECK_INT(pthread_create(&sender, NULL, send_many, &ends[1]), 0);
	/* Those over the limit are answered while the handler stands still. */
	CHECK_INT(ipc_receive(ends[1], &frame), IPC_RECEIVED);
	CHECK_INT(frame.type, IPC_ERR);
	CHECK_INT(frame.body[0], ERR_TEMPORARY);
	busy++;
	pthread_mutex_unlock(&gate);
	while (ok + busy < 5000 && ipc_receive(ends[1], &frame) == IPC_RECEIVED)
		*(frame.type == IPC_OK ? &ok : &busy) += 1;
	pthread_join(sender, NULL);
	CHECK_INT(ok + busy, 5000);
	CHECK(ok >= 4096);
	close(ends[1]);
	ipc_server_free(server);
}

TEST(channels)
{
	struct fixture f;
	struct caller  c = { 0 };

	setup(&f, 0);
	start(&c, &f, ASK_NEVER, 20000);
	await_kept(1);
	CHECK_INT(ipc_request_channel(kept[0]), 1);
	CHECK_INT(ipc_request_take_fd(kept[0]), -1);
	answer_kept();
	pthread_join(c.thread, NULL);
	CHECK(c.ok);
	teardown(&f);
}

TESTS(T(frames), T(broken_frames), T(two_descriptors_are_refused), T(calls_on_the_reader), T(calls_on_threads),
      T(descriptors), T(times_out), T(without_a_peer), T(restart), T(replaced_end), T(freeing_ends_calls),
      T(a_thousand_at_once), T(many_wait_at_once), T(restarts_under_load), T(pushes_and_ups), T(a_full_end_loses_pushes_only),
      T(a_full_queue_turns_away), T(channels))
