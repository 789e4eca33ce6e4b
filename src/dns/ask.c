/*
 * dns/ask.c: asks many servers at once: one connected UDP socket each, sent twice, then TCP for
 * what was truncated. A connected socket takes answers from the asked address only and reports a
 * closed port at once.
 */
#include "dns/ask.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "dns/socket.h"

#define ASK_MAX    64
#define AGAIN_MS   700
#define PACKET_MAX 4096u

struct asking {
	int      fd; /* -1: done */
	uint16_t id;
	int64_t  started_ms;
	bool     again, truncated;
};

static size_t query_write(uint16_t id, const struct dns_name *name, uint16_t qtype, uint8_t *ret,
                          size_t max)
{
	struct dns_writer   w;
	struct dns_question q = { *name, qtype, DNS_IN };

	dns_write_begin(&w, ret, max, id, 0);
	dns_write_question(&w, &q);
	dns_write_opt(&w, DNS_EDNS_UDP, 0, false, (struct str){ 0 });
	assert(!w.full);
	return w.len;
}

static const char *problem_errno(struct arena *a, int number)
{
	if (number == ECONNREFUSED)
		return "refused the connection (nothing listens there)";
	if (number == ENETUNREACH || number == EHOSTUNREACH)
		return "is not reachable from this machine";
	return arena_printf(a, "could not be asked: %s", strerror(number));
}

static const char *problem_late(struct arena *a, int64_t waited_ms)
{
	if (waited_ms >= 1000 && waited_ms % 1000 < 50)
		return arena_printf(a, "did not answer within %d s", (int)(waited_ms / 1000));
	return arena_printf(a, "did not answer within %.1f s", (double)waited_ms / 1000);
}

/* Is this the answer to what we asked? */
static bool answers(const struct dns_message *m, uint16_t id, const struct dns_name *name,
                    uint16_t qtype)
{
	if (m->id != id || (m->flags & DNS_QR) == 0)
		return false;
	if (!m->has_question) /* allowed only when the server could not read it */
		return m->rcode == DNS_FORMERR || m->rcode == DNS_NOTIMP ||
		       m->rcode == DNS_REFUSED || m->rcode == DNS_SERVFAIL;
	return m->question.type == qtype && m->question.class == DNS_IN &&
	       dns_name_eq(&m->question.name, name);
}

static void asking_end(struct asking *k)
{
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
}

static void udp_receive(struct arena *a, struct asking *k, const struct dns_name *name,
                        uint16_t qtype, struct dns_reply *ret)
{
	uint8_t packet[PACKET_MAX];
	ssize_t n = recv(k->fd, packet, sizeof(packet), 0);

	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		ret->problem = problem_errno(a, errno);
		asking_end(k);
		return;
	}
	struct dns_message m;
	if (!dns_message_parse(a, str_of(packet, (size_t)n), &m)) {
		/* Truncated in the middle of a record is still a hint to use TCP. */
		if (n < 12 || (uint16_t)(packet[0] << 8 | packet[1]) != k->id ||
		    (packet[2] & 0x82) != 0x82)
			return;
		k->truncated = true;
		asking_end(k);
		return;
	}
	if (!answers(&m, k->id, name, qtype))
		return;
	ret->took_ms = (uint32_t)(clock_mono_ms() - k->started_ms);
	ret->answered = true;
	ret->message = m;
	k->truncated = (m.flags & DNS_TC) != 0;
	asking_end(k);
}

static void tcp_ask(struct arena *a, const struct dns_target *target, const struct dns_name *name,
                    uint16_t qtype, int64_t until_ms, struct dns_reply *ret)
{
	uint8_t            head[2], query[2 + 512];
	int64_t            started_ms = clock_mono_ms();
	uint16_t           id = (uint16_t)rand_u64();
	size_t             len = query_write(id, name, qtype, query + 2, sizeof(query) - 2);
	int                fd = dns_socket(&target->address, SOCK_STREAM), number = errno;
	struct dns_message m;

	*ret = (struct dns_reply){ .tcp = true };
	query[0] = (uint8_t)(len >> 8);
	query[1] = (uint8_t)len;
	if (fd >= 0) {
		errno = 0;
		if (dns_tcp_move(fd, query, 2 + len, true, until_ms) &&
		    dns_tcp_move(fd, head, 2, false, until_ms)) {
			size_t   size = (size_t)head[0] << 8 | head[1];
			uint8_t *answer = arena_alloc(a, size + 1);
			ret->answered = dns_tcp_move(fd, answer, size, false, until_ms) &&
			                dns_message_parse(a, str_of(answer, size), &m) &&
			                answers(&m, id, name, qtype);
		}
		number = errno;
		close(fd);
	}
	if (ret->answered) {
		ret->message = m;
		ret->took_ms = (uint32_t)(clock_mono_ms() - started_ms);
		return;
	}
	ret->problem = arena_printf(a, "answered truncated over UDP and over TCP it %s",
	                            number != 0 ? problem_errno(a, number)
	                                        : problem_late(a, clock_mono_ms() - started_ms));
}

static void udp_start(struct arena *a, struct asking *k, const struct dns_target *target,
                      const uint8_t *query, size_t len, struct dns_reply *ret)
{
	k->started_ms = clock_mono_ms();
	k->fd = dns_socket(&target->address, SOCK_DGRAM);
	if (k->fd < 0 || send(k->fd, query, len, 0) < 0) {
		ret->problem = problem_errno(a, errno);
		asking_end(k);
	}
}

void dns_ask(struct arena *a, const struct dns_target *targets, size_t count,
             const struct dns_name *name, uint16_t qtype, int64_t until_ms, struct dns_reply *ret)
{
	struct asking ask[ASK_MAX];
	struct pollfd fds[ASK_MAX];
	uint8_t       query[512];
	size_t        len = 0;

	assert(count <= ASK_MAX);
	for (size_t i = 0; i < count; i++) {
		ask[i] = (struct asking){ .fd = -1, .id = (uint16_t)rand_u64() };
		ret[i] = (struct dns_reply){ 0 };
		len = query_write(ask[i].id, name, qtype, query, sizeof(query));
		udp_start(a, &ask[i], &targets[i], query, len, &ret[i]);
	}
	for (;;) {
		int64_t now_ms = clock_mono_ms(), wake_ms = until_ms;
		size_t  open = 0;
		for (size_t i = 0; i < count; i++) {
			fds[i] = (struct pollfd){ .fd = ask[i].fd, .events = POLLIN };
			if (ask[i].fd < 0)
				continue;
			open++;
			if (ask[i].again)
				continue;
			if (now_ms - ask[i].started_ms >= AGAIN_MS) {
				len = query_write(ask[i].id, name, qtype, query, sizeof(query));
				(void)!send(ask[i].fd, query, len, 0);
				ask[i].again = true;
			} else if (ask[i].started_ms + AGAIN_MS < wake_ms) {
				wake_ms = ask[i].started_ms + AGAIN_MS;
			}
		}
		if (open == 0 || now_ms >= until_ms)
			break;
		if (poll(fds, (nfds_t)count, (int)(wake_ms - now_ms)) < 0 && errno != EINTR)
			break;
		for (size_t i = 0; i < count; i++)
			if (ask[i].fd >= 0 && fds[i].revents != 0)
				udp_receive(a, &ask[i], name, qtype, &ret[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (ask[i].fd >= 0)
			ret[i].problem = problem_late(a, clock_mono_ms() - ask[i].started_ms);
		asking_end(&ask[i]);
		if (ask[i].truncated)
			tcp_ask(a, &targets[i], name, qtype, until_ms, &ret[i]);
	}
}

bool dns_address_public(const struct dns_address *address)
{
	const uint8_t       *b = address->bytes;
	static const uint8_t zero[16], mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (address->family == AF_INET)
		return !(b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 ||
		         (b[0] == 169 && b[1] == 254) || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
		         (b[0] == 192 && b[1] == 168) || (b[0] == 100 && (b[1] & 0xc0) == 64));
	return !(memcmp(b, zero, 15) == 0 || memcmp(b, mapped, 12) == 0 || (b[0] & 0xfe) == 0xfc ||
	         b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0x80) == 0x80));
}
