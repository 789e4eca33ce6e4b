/*
 * dns/server_tcp.c: one thread, all TCP connections, one poll(2). A connection that neither asked
 * nor took bytes for five seconds is closed; with all places taken the one that was idle longest
 * makes room.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "server_internal.h"

#define CONNECTIONS 256
#define IDLE_MS     5000
#define QUERY_MAX   4096u

struct connection {
	int                fd;
	bool               eof;
	struct dns_address client;
	int64_t            active_ms; /* last whole query or byte taken */
	size_t             in_len, out_at, out_len;
	uint8_t            in[2 + QUERY_MAX], out[2 * (2 + DNS_ANSWER_MAX)];
};
struct loop {
	struct worker     *w;
	struct connection *connections[CONNECTIONS];
	size_t             count;
	int64_t            now_ms;
	int64_t            pause_accept_until_ms; /* out of descriptors */
};

static void connection_close(struct loop *l, size_t i)
{
	close(l->connections[i]->fd);
	free(l->connections[i]);
	l->connections[i] = l->connections[--l->count];
}

static void loop_accept(struct loop *l, int listen_fd)
{
	for (unsigned n = 0; n < 64; n++) {
		struct sockaddr_storage from;
		socklen_t               len = sizeof(from);
		const int               on = 1;
		int                     fd = accept4(listen_fd, (struct sockaddr *)&from, &len,
		                                     SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM)
				l->pause_accept_until_ms = l->now_ms + 200;
			return;
		}
		if (l->count == CONNECTIONS) {
			size_t oldest = 0;
			for (size_t i = 1; i < l->count; i++)
				if (l->connections[i]->active_ms <
				    l->connections[oldest]->active_ms)
					oldest = i;
			connection_close(l, oldest);
		}
		struct connection *c = malloc(sizeof(*c));
		assert(c != NULL);
		c->fd = fd;
		c->eof = false;
		c->active_ms = l->now_ms;
		c->in_len = c->out_at = c->out_len = 0;
		sockaddr_read(&from, &c->client);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		l->connections[l->count++] = c;
	}
}

/* Answer the whole queries that have arrived, as far as there is room; false: close. */
static bool connection_answer(struct loop *l, struct connection *c)
{
	struct dns_asked asked = { .client = c->client, .tcp = true, .now_ms = clock_now_ms() };
	size_t           at = 0;

	while (c->in_len - at >= 2) {
		size_t          len = (size_t)c->in[at] << 8 | c->in[at + 1];
		struct dns_seen seen;
		bool            tell;

		if (len < DNS_HEADER_SIZE || len > QUERY_MAX)
			return false;
		if (c->in_len - at < 2 + len || sizeof(c->out) - c->out_len < 2 + DNS_ANSWER_MAX)
			break;
		uint8_t                *out = c->out + c->out_len;
		const struct dns_zones *zones = worker_enter(l->w);
		size_t answer = worker_answer(l->w, zones, str_of(c->in + at + 2, len), &asked,
		                              out + 2, DNS_ANSWER_MAX, &seen, &tell);
		worker_leave(l->w);
		if (answer == 0)
			return false; /* not a query */
		out[0] = (uint8_t)(answer >> 8);
		out[1] = (uint8_t)answer;
		c->out_len += 2 + answer;
		at += 2 + len;
		c->active_ms = l->now_ms;
		if (tell)
			l->w->server->config.on_seen(l->w->server->config.ctx, &seen);
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
	return true;
}

static bool connection_write(struct loop *l, struct connection *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->out_at += (size_t)n;
		c->active_ms = l->now_ms;
	}
	c->out_at = c->out_len = 0;
	return true;
}

static bool connection_read(struct connection *c)
{
	if (c->in_len == sizeof(c->in) || c->eof)
		return true;
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->eof = n == 0;
	c->in_len += (size_t)n;
	return true;
}

/* False: close. Reads, answers and writes until one of them has to wait. */
static bool connection_run(struct loop *l, struct connection *c, short revents)
{
	if ((revents & (POLLERR | POLLNVAL)) != 0)
		return false;
	if ((revents & (POLLIN | POLLHUP)) != 0 && !connection_read(c))
		return false;
	size_t before;
	do {
		before = c->in_len;
		if (!connection_answer(l, c) || !connection_write(l, c))
			return false;
	} while (c->in_len != before && c->out_len == 0);
	return !(c->eof && c->out_len == 0);
}

void *server_tcp_run(void *worker)
{
	struct worker     *w = worker;
	struct dns_server *s = w->server;
	struct loop       *l = calloc(1, sizeof(*l));
	struct pollfd      fds[1 + SERVER_LISTEN_MAX + CONNECTIONS];

	assert(l != NULL);
	l->w = w;
	for (;;) {
		size_t first = 1 + s->listen_count, polled = l->count;
		bool   accepting = l->now_ms >= l->pause_accept_until_ms;
		fds[0] = (struct pollfd){ .fd = s->wake, .events = POLLIN };
		for (size_t i = 0; i < s->listen_count; i++)
			fds[1 + i] = (struct pollfd){ .fd = s->listen[i],
				                      .events = accepting ? POLLIN : 0 };
		for (size_t i = 0; i < polled; i++) {
			const struct connection *c = l->connections[i];
			bool wants = !c->eof && c->in_len < sizeof(c->in) && c->out_len == 0;
			fds[first + i] =
				(struct pollfd){ .fd = c->fd,
				                 .events =
				                         (short)((wants ? POLLIN : 0) |
				                                 (c->out_len > 0 ? POLLOUT : 0)) };
		}
		if (poll(fds, (nfds_t)(first + polled),
		         polled > 0  ? 1000
		         : accepting ? -1
		                     : 200) < 0 &&
		    errno != EINTR)
			break;
		if (fds[0].revents != 0)
			break;
		l->now_ms = clock_mono_ms();
		/* From the end: closing moves the last one, already done, into the gap. */
		for (size_t i = polled; i-- > 0;)
			if ((fds[first + i].revents != 0 &&
			     !connection_run(l, l->connections[i], fds[first + i].revents)) ||
			    l->now_ms - l->connections[i]->active_ms > IDLE_MS)
				connection_close(l, i);
		for (size_t i = 0; i < s->listen_count; i++)
			if (fds[1 + i].revents != 0)
				loop_accept(l, s->listen[i]);
	}
	while (l->count > 0)
		connection_close(l, l->count - 1);
	free(l);
	return NULL;
}
