/*
 * dns/server_udp.c: one thread, one UDP socket: up to 32 queries per system call, answered and
 * sent in one more.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#include "base/clock.h"
#include "server_internal.h"

#define BATCH     32
#define QUERY_MAX 2048

struct slot {
	struct sockaddr_storage from;
	struct iovec            in, out;
	_Alignas(16) uint8_t control[64];
	uint8_t query[QUERY_MAX], answer[DNS_EDNS_UDP];
};
struct batch {
	struct slot     slots[BATCH];
	struct mmsghdr  in[BATCH], out[BATCH];
	struct dns_seen seen[BATCH];
};

static void batch_prepare(struct batch *b)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct slot *s = &b->slots[i];
		s->in = (struct iovec){ s->query, QUERY_MAX };
		b->in[i].msg_hdr = (struct msghdr){ .msg_name = &s->from,
			                            .msg_namelen = sizeof(s->from),
			                            .msg_iov = &s->in,
			                            .msg_iovlen = 1,
			                            .msg_control = s->control,
			                            .msg_controllen = sizeof(s->control) };
	}
}

/* The received packet info becomes the one to send with: same local address, any interface. */
static void answer_from_asked_address(struct msghdr *m)
{
	bool found = false;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *info = (void *)CMSG_DATA(c);
			info->ipi_spec_dst = info->ipi_addr;
			info->ipi_ifindex = 0;
			found = true;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo *info = (void *)CMSG_DATA(c);
			if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
				info->ipi6_ifindex = 0;
			found = true;
		}
	}
	if (!found) {
		m->msg_control = NULL;
		m->msg_controllen = 0;
	}
}

/* Answers what was received; returns how many answers there are in b->out. */
static unsigned batch_answer(struct worker *w, struct batch *b, unsigned received,
                             unsigned *ret_seen)
{
	const struct dns_zones *zones = worker_enter(w);
	struct dns_asked        asked = { .now_ms = clock_now_ms() };
	unsigned                count = 0, seen = 0;

	for (unsigned i = 0; i < received; i++) {
		struct slot *s = &b->slots[i];
		bool         tell = false;

		if (b->in[i].msg_hdr.msg_namelen == 0)
			continue;
		sockaddr_read(&s->from, &asked.client);
		if (asked.client.port == 0)
			continue;
		size_t len = worker_answer(w, zones, str_of(s->query, b->in[i].msg_len), &asked,
		                           s->answer, sizeof(s->answer), &b->seen[seen], &tell);
		seen += tell;
		if (len == 0)
			continue;
		b->out[count].msg_hdr = b->in[i].msg_hdr;
		answer_from_asked_address(&b->out[count].msg_hdr);
		s->out = (struct iovec){ s->answer, len };
		b->out[count++].msg_hdr.msg_iov = &s->out;
	}
	worker_leave(w);
	*ret_seen = seen;
	return count;
}

void *server_udp_run(void *worker)
{
	struct worker *w = worker;
	struct batch  *b = calloc(1, sizeof(*b));
	struct pollfd  fds[2] = { { .fd = w->fd, .events = POLLIN },
		                  { .fd = w->server->wake, .events = POLLIN } };

	assert(b != NULL);
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			break;
		int received;
		do {
			unsigned seen, count, sent = 0;
			batch_prepare(b);
			received = recvmmsg(w->fd, b->in, BATCH, MSG_DONTWAIT, NULL);
			if (received <= 0)
				break;
			count = batch_answer(w, b, (unsigned)received, &seen);
			while (sent < count) {
				/* What cannot be sent (full buffer, unreachable) is lost, as UDP is. */
				int n = sendmmsg(w->fd, b->out + sent, count - sent, MSG_DONTWAIT);
				sent += n > 0 ? (unsigned)n : 1;
			}
			for (unsigned i = 0; i < seen; i++)
				w->server->config.on_seen(w->server->config.ctx, &b->seen[i]);
		} while (received == BATCH);
	}
	free(b);
	return NULL;
}
