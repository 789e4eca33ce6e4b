/*
 * dns/lookup.h: what one forked child of the resolver does: libunbound for the CA's view, direct questions for the blame.
 *
 * Threads  one look-up per process; lookup_run may start threads of libunbound and is followed by _exit.
 */
#ifndef REEVE_DNS_LOOKUP_H
#define REEVE_DNS_LOOKUP_H

#include "base/arena.h"
#include "base/buf.h"
#include "dns/protocol.h"
#include "dns/resolver.h"

struct lookup_request {
	uint32_t    type; /* enum dns_lookup_type */
	const char *name; /* normalised */
	const char *expected;
	uint16_t    qtype;
	uint32_t    deadline_ms;
};
/* ERR_INPUT when the message is not one of dns/protocol.h or the name is not a name. */
MUST_CHECK bool lookup_request_read(struct arena *a, uint32_t type, struct str body,
                                    struct lookup_request *ret, struct err *err);
/* Append the answer of this type; never fails: what cannot be found out is DNS_UNKNOWN. */
void lookup_run(struct arena *a, const struct resolver_config *config,
                const struct lookup_request *request, struct buf *ret);
/* The answer when the child gave none: DNS_UNKNOWN with this sentence. */
void lookup_unknown(const struct lookup_request *request, const char *detail, struct buf *ret);

#endif
