/*
 * base/ipc_server.c: the answering side. One thread polls all ends and either handles frames itself or feeds a
 * bounded queue for the handler threads. A request carries its own reference to the end it came from, so it can be
 * answered late, by anybody, even when the end or the server is gone: then the answer goes nowhere.
 */
#include <assert.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc_internal.h"
#include "base/wire.h"

#define QUEUE_MAX     4096u
#define SEND_LIMIT_MS 5000 /* a peer that does not read for so long loses its end */

struct ipc_request {
	struct ipc_request *next; /* in the queue */
	struct ipc_end     *end;
	uint32_t            type;
	uint64_t            id;
	int                 fd;
	size_t              len;
	char                body[];
};

struct ipc_server {
	char                name[32];
	ipc_handle_fn       handle;
	void               *ctx;
	int                 wake; /* eventfd: the set of ends changed, or closing */
	pthread_t           reader;
	pthread_t          *threads;
	unsigned            threads_count;
	pthread_mutex_t     lock;
	pthread_cond_t      work;
	struct ipc_end     *ends;
	struct ipc_request *first, **last;
	unsigned            queued;
	bool                closing;
};

/* ---- requests ---- */

static struct ipc_request *request_new(struct ipc_end *end, const struct ipc_frame *frame)
{
	struct ipc_request *r = malloc(sizeof(*r) + frame->len + 1);

	if (r == NULL)
		abort();
	*r = (struct ipc_request){ .end = ipc_end_ref(end),
		                   .type = frame->type,
		                   .id = frame->id,
		                   .fd = frame->fd,
		                   .len = frame->len };
	memcpy(r->body, frame->body, frame->len);
	r->body[frame->len] = '\0';
	return r;
}

static void request_free(struct ipc_request *r)
{
	if (r->fd >= 0)
		close(r->fd);
	ipc_end_unref(r->end);
	explicit_bzero(r->body, r->len);
	free(r);
}

uint32_t ipc_request_type(const struct ipc_request *r)
{
	return r->type;
}

int ipc_request_channel(const struct ipc_request *r)
{
	return r->end->channel;
}

struct str ipc_request_body(const struct ipc_request *r)
{
	return str_of(r->body, r->len);
}

int ipc_request_take_fd(struct ipc_request *r)
{
	int fd = r->fd;

	r->fd = -1;
	return fd;
}

static void reply(struct ipc_request *r, uint32_t type, struct str body, int64_t limit_ms)
{
	enum ipc_sent sent;

	/* Nobody waits for the answer to a push. */
	if (r->id == 0)
		return;
	sent = ipc_send_until(r->end->fd, type, r->id, body, -1, clock_mono_ms() + limit_ms, NULL);
	/*
	 * The reader finds the shut end and forgets it; whoever else waits to send there is woken. One attempt
	 * without waiting proves nothing about the other side: that answer is lost and its caller times out.
	 */
	if (sent == IPC_SEND_FULL && limit_ms > 0)
		ipc_end_shut(r->end);
}

/* Read by ipc_peer.c:error_read. */
static void error_write(struct buf *b, const struct err *err)
{
	bool sane = err->class > ERR_NONE && err->class < ERR__COUNT;

	/* A handler that says "error" without one has a bug; its caller must not wait for it to be fixed. */
	wire_put_u8(b, (uint8_t)(sane ? err->class : ERR_PERMANENT));
	wire_put_u32(b, err->retry_after_s);
	wire_put_c(b, sane ? err->problem : "internal");
	wire_put_c(b, err->text);
	wire_put_c(b, err->hint);
}

static void reply_err(struct ipc_request *r, const struct err *err, int64_t limit_ms)
{
	struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	error_write(&b, err);
	reply(r, IPC_ERR, buf_str(&b), limit_ms);
	buf_clear(&b);
	request_free(r);
}

void ipc_reply_err(struct ipc_request *r, const struct err *err)
{
	reply_err(r, err, SEND_LIMIT_MS);
}

void ipc_reply_ok(struct ipc_request *r, struct str body)
{
	struct err err = { 0 };

	if (body.len > IPC_BODY_MAX) {
		err_problem(&err, ERR_PERMANENT, "internal",
		            "the answer has %zu bytes; a frame holds %u", body.len, IPC_BODY_MAX);
		ipc_reply_err(r, &err);
		return;
	}
	reply(r, IPC_OK, body, SEND_LIMIT_MS);
	request_free(r);
}

/* At once or not at all: used where the reader must not wait. */
static void turn_away(struct ipc_request *r, const char *name, const char *state)
{
	struct err err = { 0 };

	err_problem(&err, ERR_TEMPORARY, "unavailable", "the %s is %s", name, state);
	reply_err(r, &err, 0);
}

/* ---- handler threads ---- */

static void enqueue(struct ipc_server *server, struct ipc_request *r)
{
	bool full;

	pthread_mutex_lock(&server->lock);
	full = server->queued >= QUEUE_MAX;
	if (!full) {
		r->next = NULL;
		*server->last = r;
		server->last = &r->next;
		server->queued++;
		pthread_cond_signal(&server->work);
	}
	pthread_mutex_unlock(&server->lock);
	if (full)
		turn_away(r, server->name, "too busy");
}

/* The lock is held; NULL when the queue is empty. */
static struct ipc_request *dequeue(struct ipc_server *server)
{
	struct ipc_request *r = server->first;

	if (r == NULL)
		return NULL;
	server->first = r->next;
	if (server->first == NULL)
		server->last = &server->first;
	server->queued--;
	return r;
}

static void *handle_queue(void *arg)
{
	struct ipc_server *server = arg;

	pthread_mutex_lock(&server->lock);
	for (;;) {
		struct ipc_request *r;

		while (!server->closing && server->first == NULL)
			pthread_cond_wait(&server->work, &server->lock);
		if (server->closing)
			break;
		r = dequeue(server);
		pthread_mutex_unlock(&server->lock);
		server->handle(server->ctx, r);
		pthread_mutex_lock(&server->lock);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

/* ---- the reader ---- */

static void end_forget(struct ipc_server *server, struct ipc_end *end)
{
	pthread_mutex_lock(&server->lock);
	for (struct ipc_end **at = &server->ends; *at != NULL; at = &(*at)->next) {
		if (*at == end) {
			*at = end->next;
			break;
		}
	}
	pthread_mutex_unlock(&server->lock);
	ipc_end_shut(end);
	ipc_end_unref(end);
}

static void end_read(struct ipc_server *server, struct ipc_end *end, struct ipc_frame *frame)
{
	struct ipc_request *r;
	enum ipc_result     got = ipc_receive_flags(end->fd, frame, MSG_DONTWAIT);

	if (got == IPC_NOTHING)
		return;
	if (got != IPC_RECEIVED) {
		end_forget(server, end);
		return;
	}
	r = request_new(end, frame);
	explicit_bzero(frame->body, frame->len);
	if (server->threads_count > 0)
		enqueue(server, r);
	else
		server->handle(server->ctx, r);
}

struct poll_set {
	struct pollfd   *fds; /* [0] is the wake-up */
	struct ipc_end **ends;
	size_t           count, cap;
};

/* Only the reader takes ends out of the list, so those it copied here stay valid until it does. */
static bool poll_set_fill(struct ipc_server *server, struct poll_set *set)
{
	bool closing;

	pthread_mutex_lock(&server->lock);
	set->count = 1;
	for (struct ipc_end *end = server->ends; end != NULL; end = end->next) {
		if (set->count >= set->cap) {
			set->cap = set->cap > 0 ? set->cap * 2 : 16;
			set->fds = reallocarray(set->fds, set->cap, sizeof(*set->fds));
			set->ends = reallocarray(set->ends, set->cap, sizeof(*set->ends));
			if (set->fds == NULL || set->ends == NULL)
				abort();
		}
		set->fds[set->count] = (struct pollfd){ .fd = end->fd, .events = POLLIN };
		set->ends[set->count++] = end;
	}
	closing = server->closing;
	pthread_mutex_unlock(&server->lock);
	set->fds[0] = (struct pollfd){ .fd = server->wake, .events = POLLIN };
	return !closing;
}

static void *read_ends(void *arg)
{
	struct ipc_server *server = arg;
	struct ipc_frame  *frame = malloc(sizeof(*frame));
	struct poll_set    set = { .cap = 16 };

	set.fds = calloc(set.cap, sizeof(*set.fds));
	set.ends = calloc(set.cap, sizeof(struct ipc_end *));
	if (frame == NULL || set.fds == NULL || set.ends == NULL)
		abort();
	while (poll_set_fill(server, &set)) {
		eventfd_t value;

		if (poll(set.fds, set.count, -1) <= 0)
			continue;
		if (set.fds[0].revents != 0)
			eventfd_read(server->wake, &value);
		/* One frame per end and round: a busy end does not starve the others. */
		for (size_t i = 1; i < set.count; i++) {
			if (set.fds[i].revents != 0)
				end_read(server, set.ends[i], frame);
		}
	}
	free(set.fds);
	free(set.ends);
	free(frame);
	return NULL;
}

/* ---- the interface ---- */

struct ipc_server *ipc_server_new(const char *name, unsigned threads, ipc_handle_fn handle,
                                  void *ctx)
{
	struct ipc_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		abort();
	snprintf(server->name, sizeof(server->name), "%s", name);
	server->handle = handle;
	server->ctx = ctx;
	server->last = &server->first;
	server->threads_count = threads;
	server->threads = calloc(threads + 1, sizeof(*server->threads));
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->work, NULL);
	if (server->threads == NULL || server->wake < 0 ||
	    pthread_create(&server->reader, NULL, read_ends, server) != 0)
		abort();
	for (unsigned i = 0; i < threads; i++) {
		if (pthread_create(&server->threads[i], NULL, handle_queue, server) != 0)
			abort();
	}
	return server;
}

void ipc_server_attach(struct ipc_server *server, int channel, int fd)
{
	struct ipc_end *end = ipc_end_new(fd, channel);

	pthread_mutex_lock(&server->lock);
	end->next = server->ends;
	server->ends = end;
	pthread_mutex_unlock(&server->lock);
	eventfd_write(server->wake, 1);
}

void ipc_server_push(struct ipc_server *server, int channel, uint32_t type, struct str body)
{
	pthread_mutex_lock(&server->lock);
	for (struct ipc_end *end = server->ends; end != NULL; end = end->next) {
		/* A deadline that has passed: at once or not at all. */
		if (end->channel == channel)
			(void)ipc_send_until(end->fd, type, 0, body, -1, INT64_MIN / 2, NULL);
	}
	pthread_mutex_unlock(&server->lock);
}

void ipc_server_free(struct ipc_server *server)
{
	if (server == NULL)
		return;
	pthread_mutex_lock(&server->lock);
	server->closing = true;
	pthread_cond_broadcast(&server->work);
	pthread_mutex_unlock(&server->lock);
	eventfd_write(server->wake, 1);
	pthread_join(server->reader, NULL);
	for (unsigned i = 0; i < server->threads_count; i++)
		pthread_join(server->threads[i], NULL);
	for (struct ipc_request *r = dequeue(server); r != NULL; r = dequeue(server))
		turn_away(r, server->name, "stopping");
	while (server->ends != NULL) {
		struct ipc_end *end = server->ends;

		server->ends = end->next;
		ipc_end_shut(end);
		ipc_end_unref(end);
	}
	close(server->wake);
	pthread_cond_destroy(&server->work);
	pthread_mutex_destroy(&server->lock);
	free(server->threads);
	free(server);
}
