/* dns/server_internal.h: what server.c, server_udp.c and server_tcp.c share. */
#ifndef REEVE_DNS_SERVER_INTERNAL_H
#define REEVE_DNS_SERVER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "dns/answer.h"
#include "dns/server.h"

#define SERVER_UDP_MAX    32
#define SERVER_LISTEN_MAX 16

struct worker {
	struct dns_server  *server;
	pthread_t           thread;
	bool                running;
	int                 fd; /* the UDP socket; -1 for the TCP thread */
	struct dns_answerer with;
	/* The snapshot this thread is reading; NULL between answers. On a cache line of its own. */
	_Alignas(64) _Atomic(const struct dns_zones *) reading;
	_Alignas(64) _Atomic uint64_t queries;
	_Atomic uint64_t dropped, limited;
};

struct dns_server {
	struct dns_server_config    config;
	_Atomic(struct dns_zones *) current;
	uint8_t                     secret[16];
	int                         wake; /* an eventfd, readable for ever once the server stops */
	bool                        started;
	struct worker               udp[SERVER_UDP_MAX], tcp;
	size_t                      udp_count;
	int                         listen[SERVER_LISTEN_MAX];
	size_t                      listen_count;
	uint64_t                    seen_seed;
	_Atomic uint64_t seen[16384]; /* fingerprints of (version of the values, network) */
};

const struct dns_zones *worker_enter(struct worker *w);
void                    worker_leave(struct worker *w);
/*
 * Answer one query inside enter/leave. When somebody has to be told, *ret_seen is filled and *ret_tell is true; the
 * caller tells after worker_leave.
 */
size_t worker_answer(struct worker *w, const struct dns_zones *zones, struct str query,
                     const struct dns_asked *asked, uint8_t *ret, size_t max,
                     struct dns_seen *ret_seen, bool *ret_tell);
void   sockaddr_read(const struct sockaddr_storage *from, struct dns_address *ret);
void  *server_udp_run(void *worker);
void  *server_tcp_run(void *worker);

#endif
