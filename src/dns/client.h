/*
 * dns/client.h: what the worker asks the dns role and the resolver role.
 *
 * Errors   ERR_INPUT for an owner or value that may not be served; ERR_TEMPORARY when the role is not there.
 *          A look-up that finds nothing out is not an error: it is the outcome DNS_UNKNOWN.
 * Memory   results live in the arena.
 * Threads  any.
 */
#ifndef REEVE_DNS_CLIENT_H
#define REEVE_DNS_CLIENT_H

#include "base/arena.h"
#include "base/ipc.h"
#include "dns/protocol.h"

/* ---- validation zone: returns after the change is served ---- */

MUST_CHECK bool dns_client_add(struct ipc_peer *dns, const char *owner, const char *value,
                               uint64_t *ret_sequence, struct err *err);
MUST_CHECK bool dns_client_remove(struct ipc_peer *dns, const char *owner, const char *value,
                                  uint64_t *ret_sequence, struct err *err);
MUST_CHECK bool dns_client_has(struct ipc_peer *dns, const char *owner, const char *value,
                               bool *ret, struct err *err);

struct dns_value {
	const char *owner, *value;
};
/* Replace the whole live set, in as many frames as it takes. Must not run twice at the same time. */
MUST_CHECK bool dns_client_reset(struct ipc_peer *dns, const struct dns_value *values, size_t count,
                                 uint64_t *ret_sequence, struct err *err);

/* For the push function of the peer: true when the frame is a SEEN. */
bool dns_client_seen(const struct ipc_frame *frame, struct dns_seen *ret);

/* ---- resolver ---- */

/*
 * Follow the CNAMEs of `name`, at most DNS_CHAIN_MAX; stop early at `expected` ("" or NULL: none).
 * Returns within deadline_ms (capped at DNS_DEADLINE_MAX_MS) plus half a second.
 */
MUST_CHECK bool dns_lookup_chain(struct ipc_peer *resolver, struct arena *a, const char *name,
                                 const char *expected, uint32_t deadline_ms, struct dns_chain *ret,
                                 struct err *err);
MUST_CHECK bool dns_lookup(struct ipc_peer *resolver, struct arena *a, const char *name,
                           uint16_t qtype, uint32_t deadline_ms, struct dns_result *ret,
                           struct err *err);
/* Ask every address of every authoritative server of the name's zone directly. */
MUST_CHECK bool dns_lookup_auth(struct ipc_peer *resolver, struct arena *a, const char *name,
                                uint16_t qtype, uint32_t deadline_ms, struct dns_auth *ret,
                                struct err *err);

#endif
