/*
 * dns/exchange.h: one request to one name server that somebody named in a configuration: signed queries and updates.
 *
 * Policy   the address policy of net/address.h holds for every address of the server.
 * Transport UDP, sent up to three times, then TCP: at once for a truncated answer or a request above 512 bytes. What is
 *          sent may therefore arrive more than once: only for requests where that does no harm.
 * Trust    an answer counts when it comes from the asked address with our id and, where it has one, our question.
 * Errors   ERR_TEMPORARY "provider-unavailable" with server, address and reason; ERR_CONFIG "address-refused".
 * Threads  any; blocks until the deadline, and for as long as the system's resolver needs for the name.
 */
#ifndef REEVE_DNS_EXCHANGE_H
#define REEVE_DNS_EXCHANGE_H

#include "base/arena.h"
#include "dns/message.h"
#include "net/address.h"

struct dns_exchange {
	const char        *server; /* "ns.example.com", "ns.example.com:5353", "192.0.2.1", "[2001:db8::1]:53" */
	struct str         request; /* with its id */
	const struct cidr *allowed;
	size_t             allowed_count;
	uint32_t           timeout_ms;
};

struct dns_exchanged {
	bool               tcp;
	struct str         bytes; /* as received, for signatures */
	struct dns_message message;
};

/* The parts of `server`; port "53" when it has none. ERR_INPUT. */
MUST_CHECK bool dns_server_parse(struct arena *a, const char *server, const char **ret_host, const char **ret_port, struct err *err);
MUST_CHECK bool dns_exchange(struct arena *a, const struct dns_exchange *x, struct dns_exchanged *ret, struct err *err);

#endif
