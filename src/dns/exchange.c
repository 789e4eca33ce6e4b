/* dns/exchange.c: see exchange.h. The addresses of a server are tried one after the other; the last reason is told. */
#include "dns/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/socket.h"

#define UDP_MAX      512u
#define PACKET_MAX   4096u
#define UDP_SENDS    3u
#define UDP_FIRST_MS 800
#define ADDRESSES    4u

struct talk {
	struct arena              *a;
	const struct dns_exchange *x;
	struct dns_address         to;
	char                       at[ADDRESS_SIZE];
	const char                *port;
	int64_t                    until_ms;
	struct dns_message         asked;
};

bool dns_server_parse(struct arena *a, const char *server, const char **ret_host, const char **ret_port, struct err *err)
{
	const char *colon = strrchr(server, ':'), *end = strchr(server, ']'), *host = server, *port = "53";
	uint64_t    number;
	uint8_t     bytes[16];

	if (server[0] == '[' && end != NULL && (end[1] == '\0' || end[1] == ':')) {
		host = arena_str(a, str_of(server + 1, (size_t)(end - server - 1)));
		port = end[1] == ':' ? end + 2 : port;
	} else if (colon != NULL && strchr(server, ':') == colon) {
		host = arena_str(a, str_of(server, (size_t)(colon - server)));
		port = colon + 1;
	}
	if (host[0] == '\0' || (strchr(host, ':') != NULL && inet_pton(AF_INET6, host, bytes) != 1) ||
	    strlen(host) > 253 || !str_to_u64(str_c(port), &number) || number < 1 || number > UINT16_MAX)
		return err_problem(err, ERR_INPUT, "invalid-request", "\"%.260s\" is not HOST or HOST:PORT of a name server", server);
	*ret_host = host;
	*ret_port = port;
	return true;
}

static bool unavailable(const struct talk *t, const char *why, struct err *err)
{
	return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "the name server %s (%s port %s) %s", t->x->server, t->at, t->port, why);
}

static bool unavailable_errno(const struct talk *t, int number, struct err *err)
{
	if (number == 0)
		return unavailable(t, "did not answer in time", err);
	if (number == ECONNREFUSED)
		return unavailable(t, "refused the connection (nothing listens there)", err);
	return unavailable(t, arena_printf(t->a, "cannot be asked: %s", strerror(number)), err);
}

/* Our answer? A server that could not read the question may leave it out. */
static bool answers(const struct talk *t, const struct dns_message *m)
{
	if (m->id != t->asked.id || (m->flags & DNS_QR) == 0 || (m->flags & 0x7800) != (t->asked.flags & 0x7800))
		return false;
	return !m->has_question || (m->question.type == t->asked.question.type && m->question.class == t->asked.question.class &&
	                            dns_name_eq(&m->question.name, &t->asked.question.name));
}

static bool accept_answer(const struct talk *t, const void *bytes, size_t len, struct dns_exchanged *ret)
{
	struct str         copy = arena_dup(t->a, str_of(bytes, len));
	struct dns_message m;

	if (!dns_message_parse(t->a, copy, &m) || !answers(t, &m))
		return false;
	ret->bytes = copy;
	ret->message = m;
	return true;
}

static bool by_tcp(const struct talk *t, struct dns_exchanged *ret, struct err *err)
{
	uint8_t  head[2] = { (uint8_t)(t->x->request.len >> 8), (uint8_t)t->x->request.len };
	uint8_t *request = arena_alloc(t->a, t->x->request.len + 2), *answer = NULL;
	int      fd = dns_socket(&t->to, SOCK_STREAM), number = errno;
	size_t   size = 0;
	bool     moved = false;

	memcpy(request, head, 2);
	memcpy(request + 2, t->x->request.ptr, t->x->request.len);
	if (fd >= 0) {
		errno = 0;
		if (dns_tcp_move(fd, request, t->x->request.len + 2, true, t->until_ms) && dns_tcp_move(fd, head, 2, false, t->until_ms)) {
			size = (size_t)head[0] << 8 | head[1];
			answer = arena_alloc(t->a, size + 1);
			moved = dns_tcp_move(fd, answer, size, false, t->until_ms);
		}
		number = errno;
		close(fd);
	}
	if (!moved)
		return unavailable_errno(t, number, err);
	ret->tcp = true;
	return accept_answer(t, answer, size, ret) || unavailable(t, "gave an answer that is none to what was asked", err);
}

/* What came within the wait: an answer, a truncated one, or nothing of use. */
enum heard { HEARD_NOTHING, HEARD_ANSWER, HEARD_TRUNCATED, HEARD_ERROR };

static enum heard listen_udp(const struct talk *t, int fd, int64_t until_ms, struct dns_exchanged *ret)
{
	uint8_t packet[PACKET_MAX];

	while (dns_socket_wait(fd, POLLIN, until_ms)) {
		ssize_t n = recv(fd, packet, sizeof(packet), 0);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return HEARD_ERROR;
		if (n < 12 || (packet[0] << 8 | packet[1]) != t->asked.id || (packet[2] & 0x80) == 0)
			continue;
		if ((packet[2] & 0x02) != 0)
			return HEARD_TRUNCATED;
		if (accept_answer(t, packet, (size_t)n, ret))
			return HEARD_ANSWER;
	}
	return HEARD_NOTHING;
}

static bool talk(const struct talk *t, struct dns_exchanged *ret, struct err *err)
{
	enum heard heard = HEARD_NOTHING;
	int        fd = t->x->request.len <= UDP_MAX ? dns_socket(&t->to, SOCK_DGRAM) : -1;

	for (unsigned i = 0; fd >= 0 && i < UDP_SENDS && heard == HEARD_NOTHING; i++) {
		int64_t wait_until = clock_mono_ms() + (UDP_FIRST_MS << i);

		if (send(fd, t->x->request.ptr, t->x->request.len, MSG_NOSIGNAL) < 0)
			break;
		/* The last third is kept for TCP. */
		if (wait_until > t->until_ms - t->x->timeout_ms / 3)
			wait_until = t->until_ms - t->x->timeout_ms / 3;
		heard = listen_udp(t, fd, wait_until, ret);
	}
	if (fd >= 0)
		close(fd);
	return heard == HEARD_ANSWER || by_tcp(t, ret, err);
}

static void address_of(const struct addrinfo *from, struct dns_address *ret)
{
	*ret = (struct dns_address){ .family = (uint8_t)from->ai_family };
	if (from->ai_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)from->ai_addr;

		ret->port = ntohs(v4->sin_port);
		memcpy(ret->bytes, &v4->sin_addr, 4);
	} else {
		const struct sockaddr_in6 *v6 = (const void *)from->ai_addr;

		ret->port = ntohs(v6->sin6_port);
		memcpy(ret->bytes, &v6->sin6_addr, 16);
	}
}

bool dns_exchange(struct arena *a, const struct dns_exchange *x, struct dns_exchanged *ret, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV };
	struct talk           t = { .a = a, .x = x };
	struct addrinfo      *found = NULL;
	const char           *host;
	unsigned              count = 0;
	bool                  ok = false;

	*ret = (struct dns_exchanged){ .tcp = false };
	if (!dns_server_parse(a, x->server, &host, &t.port, err))
		return false;
	if (!dns_message_parse(a, x->request, &t.asked))
		return err_set(err, ERR_INPUT, "the request is no DNS message");
	int code = getaddrinfo(host, t.port, &hints, &found);
	if (code != 0)
		return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "the name server %s: %s", host, gai_strerror(code));
	t.until_ms = clock_mono_ms() + x->timeout_ms;
	for (const struct addrinfo *at = found; at != NULL && !ok && count < ADDRESSES; at = at->ai_next) {
		if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
			continue;
		count++;
		address_write(at->ai_addr, t.at);
		if (!address_check(at->ai_addr, x->allowed, x->allowed_count, err)) {
			err_in(err, "the name server %s", x->server);
			continue;
		}
		address_of(at, &t.to);
		ok = talk(&t, ret, err);
		if (clock_mono_ms() >= t.until_ms)
			break;
	}
	freeaddrinfo(found);
	return ok;
}
