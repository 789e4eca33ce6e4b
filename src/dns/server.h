/*
 * dns/server.h: the sockets of the validation zone: UDP threads and one TCP loop on an immutable snapshot.
 *
 * Threads  each UDP thread owns its socket and its tables and never blocks; the TCP thread owns all connections.
 *          dns_server_publish is called by one thread at a time and returns when no thread reads an
 *          older snapshot any more.
 * Bounds   256 TCP connections, 5 s idle, queries of at most 4 KiB; UDP answers of at most 1232 bytes.
 * Memory   the server owns the snapshot published last.
 */
#ifndef REEVE_DNS_SERVER_H
#define REEVE_DNS_SERVER_H

#include "base/err.h"
#include "dns/protocol.h"
#include "dns/zone.h"

/* Called on a server thread: must not block. */
typedef void (*dns_seen_fn)(void *ctx, const struct dns_seen *seen);

struct dns_server_config {
	/* Answers per client network, second and thread without a cookie; 0: 200. */
	unsigned    rate_per_s;
	bool        rate_loopback; /* limit loopback clients too (tests) */
	dns_seen_fn on_seen;       /* NULL: nobody cares */
	void       *ctx;
};

struct dns_server;

/* Takes `zones`. */
struct dns_server *dns_server_new(const struct dns_server_config *config, struct dns_zones *zones);
void               dns_server_free(struct dns_server *server); /* stops first */
/* Serve this bound socket, with a thread of its own; takes fd. Before start. Add a UDP socket several times (dup) for more threads. */
MUST_CHECK bool dns_server_add_udp(struct dns_server *server, int fd, struct err *err);
MUST_CHECK bool dns_server_add_tcp(struct dns_server *server, int listen_fd, struct err *err);
/* Bind UDP and TCP here (SO_REUSEPORT) and add `threads` UDP sockets; port 0 picks one, *ret_port says which. */
MUST_CHECK bool dns_server_bind(struct dns_server *server, const struct dns_address *address,
                                unsigned threads, uint16_t *ret_port, struct err *err);
MUST_CHECK bool dns_server_start(struct dns_server *server, struct err *err);
void            dns_server_stop(struct dns_server *server);

/* The snapshot served now; for the thread that publishes. */
struct dns_zones *dns_server_zones(struct dns_server *server);
void              dns_server_publish(struct dns_server *server, struct dns_zones *zones);

struct dns_server_stats {
	uint64_t udp_queries, tcp_queries, dropped, limited;
};
void dns_server_stats(struct dns_server *server, struct dns_server_stats *ret);

#endif
