/*
 * dns/resolver.h: the resolver role: looks names up as a CA would, each look-up in a process of its own.
 *
 * Use      resolver_new() in the role's main before any thread exists: it forks the process that later forks
 *          the look-ups (libunbound in a fork of a threaded process could meet a locked mutex).
 *          Then ipc_server_new("resolver", 8 or more, resolver_handle, resolver).
 * Deadline kept three times: by the look-up itself, by the kernel (a timer that kills it), by the one who waits.
 * Trust    what a look-up answers is read as bytes from a stranger.
 * Errors   when the fork server is gone every look-up is ERR_TEMPORARY and resolver_up() is false: the role
 *          should exit and be restarted.
 */
#ifndef REEVE_DNS_RESOLVER_H
#define REEVE_DNS_RESOLVER_H

#include "base/err.h"
#include "base/ipc.h"
#include "dns/zone.h"

#define DNS_STUBS_MAX 64

struct dns_stub {
	char               zone[NAME_SIZE]; /* "." is the root */
	struct dns_address address;
};
/* "example.test=127.53.0.1@5301", ".=127.53.0.2". */
MUST_CHECK bool dns_stub_parse(struct str text, struct dns_stub *ret, struct err *err);

struct resolver_config {
	struct dns_stub stubs[DNS_STUBS_MAX];
	size_t          stubs_count;
	/* NULL: /usr/share/dns/root.key when it is there; never with a root stub. */
	const char *root_key;
	const char *root_hints;   /* NULL: /usr/share/dns/root.hints when it is there */
	unsigned    children_max; /* at the same time; 0: 32 */
};

struct resolver;

MUST_CHECK bool resolver_new(const struct resolver_config *config, struct resolver **ret,
                             struct err *err);
void            resolver_free(struct resolver *r);
bool            resolver_up(const struct resolver *r);
void            resolver_handle(
		   void               *resolver,
		   struct ipc_request *request); /* an ipc_handle_fn; blocks until the look-up ends */

#endif
