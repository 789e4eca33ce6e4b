/*
 * net/probe.h: which certificate does a TLS server serve?
 *
 * Rules    nothing is sent beyond the handshake and the words before it (net/starttls.h), nothing is trusted: the answer is the leaf as it came. The address
 *          policy of net/address.h is applied to the very address that is connected to.
 * Errors   ERR_TEMPORARY "unavailable" (look-up, connect, TLS), "timeout"; ERR_CONFIG "address-refused".
 * Threads  any; it blocks, at most timeout_ms (and what the look-up of the host takes).
 */
#ifndef REEVE_NET_PROBE_H
#define REEVE_NET_PROBE_H

#include "base/arena.h"
#include "net/address.h"
#include "net/starttls.h"

struct probe_request {
	const char        *host, *port;
	const char        *name; /* SNI; "" for none */
	enum starttls      starttls;
	const struct cidr *allowed;
	size_t             allowed_count;
	uint32_t           timeout_ms;
};

/* *ret_leaf is the DER of the first certificate. */
MUST_CHECK bool probe_tls(struct arena *a, const struct probe_request *request, struct str *ret_leaf, struct err *err);

#endif
