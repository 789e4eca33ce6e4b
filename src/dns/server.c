/*
 * dns/server.c: the server's life, and how its threads share a snapshot. A reader announces the
 * snapshot it reads in a slot of its own and looks again whether it is still the current one; the
 * publisher swaps the pointer, then waits until no slot holds the old one. Readers never wait; the
 * publisher waits for one batch of answers at most.
 */
#include "server_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"

#define RATE_DEFAULT 200u
#define SEEN_MAX     256u /* networks told of for one set of values */

const struct dns_zones *worker_enter(struct worker *w)
{
	const struct dns_zones *zones;

	do {
		zones = atomic_load(&w->server->current);
		atomic_store(&w->reading, zones);
	} while (atomic_load(&w->server->current) != zones);
	return zones;
}

void worker_leave(struct worker *w)
{
	atomic_store(&w->reading, NULL);
}

static void wait_for(struct worker *w, const struct dns_zones *old)
{
	for (unsigned i = 0; atomic_load(&w->reading) == old; i++) {
		if (i < 100)
			sched_yield();
		else
			usleep(50);
	}
}

void dns_server_publish(struct dns_server *server, struct dns_zones *zones)
{
	struct dns_zones *old = atomic_exchange(&server->current, zones);

	if (old == zones)
		return;
	for (size_t i = 0; i < server->udp_count; i++)
		wait_for(&server->udp[i], old);
	wait_for(&server->tcp, old);
	dns_zones_free(old);
}

struct dns_zones *dns_server_zones(struct dns_server *server)
{
	return atomic_load(&server->current);
}

/* ---- who asked ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

/* Is this network new for these values? Two places per fingerprint: a collision costs one push more, not memory. */
static bool seen_is_new(struct dns_server *s, const struct dns_node *node,
                        const struct dns_address *client)
{
	size_t   bytes = client->family == AF_INET ? 3 : 6;
	uint64_t network = client->family == AF_INET ? 4 : 6;

	for (size_t i = 0; i < bytes; i++)
		network = network << 8 | client->bytes[i];
	uint64_t print = mix(mix(s->seen_seed, dns_node_version(node)), network) | 1;
	size_t   at = (size_t)(print >> 20) % ARRAY_LEN(s->seen);
	if (atomic_load_explicit(&s->seen[at], memory_order_relaxed) == print ||
	    atomic_load_explicit(&s->seen[at ^ 1], memory_order_relaxed) == print)
		return false;
	if (!dns_node_count(node, SEEN_MAX))
		return false;
	size_t place = (print & 2) != 0 ? at : at ^ 1;
	return atomic_exchange_explicit(&s->seen[place], print, memory_order_relaxed) != print;
}

size_t worker_answer(struct worker *w, const struct dns_zones *zones, struct str query,
                     const struct dns_asked *asked, uint8_t *ret, size_t max,
                     struct dns_seen *ret_seen, bool *ret_tell)
{
	struct dns_noted noted;
	char             text[DNS_TEXT_SIZE];
	size_t           len = dns_answer(&w->with, zones, query, asked, ret, max, &noted);

	atomic_fetch_add_explicit(&w->queries, 1, memory_order_relaxed);
	if (len == 0)
		atomic_fetch_add_explicit(&w->dropped, 1, memory_order_relaxed);
	if (noted.limited)
		atomic_fetch_add_explicit(&w->limited, 1, memory_order_relaxed);
	*ret_tell = false;
	if (noted.node == NULL || w->server->config.on_seen == NULL ||
	    !seen_is_new(w->server, noted.node, &asked->client))
		return len;
	dns_name_lower(&noted.name);
	dns_name_text(&noted.name, text);
	if (strlen(text) >= sizeof(ret_seen->owner))
		return len;
	snprintf(ret_seen->owner, sizeof(ret_seen->owner), "%.*s", NAME_SIZE - 1, text);
	dns_network_text(&asked->client, ret_seen->network);
	ret_seen->values = dns_node_values(noted.node);
	*ret_tell = true;
	return len;
}

void sockaddr_read(const struct sockaddr_storage *from, struct dns_address *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*ret = (struct dns_address){ .family = from->ss_family };
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)from;
		memcpy(ret->bytes, &v4->sin_addr, 4);
		ret->port = ntohs(v4->sin_port);
		return;
	}
	const struct sockaddr_in6 *v6 = (const void *)from;
	ret->port = ntohs(v6->sin6_port);
	if (memcmp(&v6->sin6_addr, mapped, 12) == 0) {
		ret->family = AF_INET;
		memcpy(ret->bytes, (const uint8_t *)&v6->sin6_addr + 12, 4);
	} else {
		memcpy(ret->bytes, &v6->sin6_addr, 16);
	}
}

/* ---- life ---- */

static void worker_init(struct worker *w, struct dns_server *server, int fd)
{
	w->server = server;
	w->fd = fd;
	w->with.cookie = dns_cookie_new(server->secret);
	w->with.limit = dns_limit_new(server->config.rate_per_s);
	w->with.limit_loopback = server->config.rate_loopback;
}

struct dns_server *dns_server_new(const struct dns_server_config *config, struct dns_zones *zones)
{
	struct dns_server *server = aligned_alloc(64, (sizeof(*server) + 63) / 64 * 64);

	assert(server != NULL);
	memset(server, 0, sizeof(*server));
	server->config = *config;
	if (server->config.rate_per_s == 0)
		server->config.rate_per_s = RATE_DEFAULT;
	server->current = zones;
	rand_bytes(server->secret, sizeof(server->secret));
	server->seen_seed = rand_u64();
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert(server->wake >= 0);
	worker_init(&server->tcp, server, -1);
	return server;
}

static void worker_clear(struct worker *w)
{
	if (w->fd >= 0)
		close(w->fd);
	dns_cookie_free(w->with.cookie);
	dns_limit_free(w->with.limit);
}

void dns_server_free(struct dns_server *server)
{
	if (server == NULL)
		return;
	dns_server_stop(server);
	for (size_t i = 0; i < server->udp_count; i++)
		worker_clear(&server->udp[i]);
	worker_clear(&server->tcp);
	for (size_t i = 0; i < server->listen_count; i++)
		close(server->listen[i]);
	close(server->wake);
	dns_zones_free(atomic_load(&server->current));
	OPENSSL_cleanse(server->secret, sizeof(server->secret));
	free(server);
}

static bool nonblocking(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(err, errno, "socket of the DNS server");
	return true;
}

bool dns_server_add_udp(struct dns_server *server, int fd, struct err *err)
{
	const int               on = 1, omit = IP_PMTUDISC_OMIT, room = 1 << 20;
	struct sockaddr_storage address;
	socklen_t               len = sizeof(address);

	assert(!server->started);
	if (server->udp_count == SERVER_UDP_MAX) {
		close(fd);
		return err_set(err, ERR_CONFIG, "at most %d UDP sockets", SERVER_UDP_MAX);
	}
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 || !nonblocking(fd, err)) {
		err_errno(err, errno, "UDP socket of the DNS server");
		close(fd);
		return false;
	}
	/* The answer leaves from the address that was asked, also when we listen on all; never in fragments. */
	if (address.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof(omit));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	worker_init(&server->udp[server->udp_count++], server, fd);
	return true;
}

bool dns_server_add_tcp(struct dns_server *server, int listen_fd, struct err *err)
{
	assert(!server->started);
	if (server->listen_count == SERVER_LISTEN_MAX || !nonblocking(listen_fd, err)) {
		err_set(err, ERR_CONFIG, "at most %d TCP sockets", SERVER_LISTEN_MAX);
		close(listen_fd);
		return false;
	}
	server->listen[server->listen_count++] = listen_fd;
	return true;
}

static socklen_t sockaddr_of(const struct dns_address *a, uint16_t port,
                             struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)a->family;
	if (a->family == AF_INET) {
		struct sockaddr_in *v4 = (void *)ret;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a->bytes, 4);
		return sizeof(*v4);
	}
	struct sockaddr_in6 *v6 = (void *)ret;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, a->bytes, 16);
	return sizeof(*v6);
}

/* A bound socket, or -1 with errno. */
static int bound(const struct dns_address *a, int type, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t               len = sockaddr_of(a, port, &to);
	const int               on = 1;
	int                     fd = socket(a->family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (a->family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	/* TCP: a restart must not wait for TIME_WAIT. UDP: one socket per thread; a port that is to be free is
	 * chosen before, or the kernel might pick one that another server of this user shares. */
	int option = type == SOCK_STREAM ? SO_REUSEADDR : SO_REUSEPORT;
	if (port != 0)
		(void)setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&to, len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 128) < 0)) {
		int number = errno;
		close(fd);
		errno = number;
		return -1;
	}
	if (port == 0)
		(void)setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on));
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage s;
	struct dns_address      a;
	socklen_t               len = sizeof(s);

	if (getsockname(fd, (struct sockaddr *)&s, &len) < 0)
		return 0;
	sockaddr_read(&s, &a);
	return a.port;
}

/* Bind `count` UDP sockets and one for TCP to the same port; all or none. */
static bool bind_all(const struct dns_address *address, int *udp, size_t count, int *tcp)
{
	uint16_t port = address->port;
	size_t   made = 0;

	*tcp = -1;
	for (; made < count; made++) {
		udp[made] = bound(address, SOCK_DGRAM, port);
		if (udp[made] < 0)
			break;
		port = port_of(udp[made]);
	}
	if (made == count)
		*tcp = bound(address, SOCK_STREAM, port);
	if (*tcp >= 0)
		return true;
	int number = errno;
	while (made > 0)
		close(udp[--made]);
	errno = number;
	return false;
}

bool dns_server_bind(struct dns_server *server, const struct dns_address *address, unsigned threads,
                     uint16_t *ret_port, struct err *err)
{
	int    udp[SERVER_UDP_MAX], tcp;
	size_t count = threads == 0 ? 1 : threads < SERVER_UDP_MAX ? threads : SERVER_UDP_MAX;
	char   text[80];
	bool   done = false;

	/* A port that is free for one of them may be taken for another: try again with a new one. */
	for (unsigned i = 0; i < (address->port == 0 ? 200u : 1u) && !done; i++)
		done = bind_all(address, udp, count, &tcp);
	if (!done)
		return err_errno(err, errno, "DNS listener %s", dns_address_text(address, text));
	uint16_t port = port_of(tcp);
	done = dns_server_add_tcp(server, tcp, err);
	for (size_t i = 0; i < count; i++) {
		if (done)
			done = dns_server_add_udp(server, udp[i], err);
		else
			close(udp[i]);
	}
	if (done)
		*ret_port = port;
	return done;
}

static bool worker_start(struct worker *w, void *(*run)(void *), struct err *err)
{
	int number = pthread_create(&w->thread, NULL, run, w);

	if (number != 0)
		return err_errno(err, number, "thread of the DNS server");
	w->running = true;
	return true;
}

bool dns_server_start(struct dns_server *server, struct err *err)
{
	assert(!server->started);
	server->started = true;
	for (size_t i = 0; i < server->udp_count; i++)
		if (!worker_start(&server->udp[i], server_udp_run, err))
			return false;
	return server->listen_count == 0 || worker_start(&server->tcp, server_tcp_run, err);
}

void dns_server_stop(struct dns_server *server)
{
	const uint64_t one = 1;

	if (!server->started)
		return;
	ssize_t n = write(server->wake, &one, sizeof(one));
	assert(n == sizeof(one) || errno == EAGAIN);
	for (size_t i = 0; i < server->udp_count; i++) {
		if (server->udp[i].running)
			pthread_join(server->udp[i].thread, NULL);
		server->udp[i].running = false;
	}
	if (server->tcp.running)
		pthread_join(server->tcp.thread, NULL);
	server->tcp.running = false;
}

void dns_server_stats(struct dns_server *server, struct dns_server_stats *ret)
{
	*ret = (struct dns_server_stats){ .tcp_queries = atomic_load(&server->tcp.queries),
		                          .dropped = atomic_load(&server->tcp.dropped) };
	for (size_t i = 0; i < server->udp_count; i++) {
		ret->udp_queries += atomic_load(&server->udp[i].queries);
		ret->dropped += atomic_load(&server->udp[i].dropped);
		ret->limited += atomic_load(&server->udp[i].limited);
	}
}
