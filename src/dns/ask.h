/*
 * dns/ask.h: direct, non-recursive questions to name servers with our own codec: UDP, TCP when truncated.
 *
 * Trust    an answer counts when it comes from the asked address with our id and our question.
 * Threads  any; blocks until the deadline at most.
 */
#ifndef REEVE_DNS_ASK_H
#define REEVE_DNS_ASK_H

#include "base/arena.h"
#include "dns/message.h"
#include "dns/zone.h"

struct dns_target {
	const char        *name;    /* of the server; "" */
	struct dns_address address; /* port 0 is 53 */
};
struct dns_reply {
	bool               answered;
	bool               tcp;
	bool               unrouted; /* this machine has no way to the address: nothing was sent */
	struct dns_message message;
	uint32_t           took_ms;
	/* When not answered: "did not answer within 2 s", "refused the connection". */
	const char *problem;
};

/* Ask all targets at the same time; until_ms is on the monotonic clock. ret has `count` places. */
void dns_ask(struct arena *a, const struct dns_target *targets, size_t count,
             const struct dns_name *name, uint16_t qtype, int64_t until_ms, struct dns_reply *ret);

/*
 * A machine without IPv6 (or IPv4) learns nothing about a server by not reaching it there: addresses of a family in which
 * every target was unrouted go, from both arrays, as long as others stay. Returns how many are left.
 */
size_t dns_ask_routed(struct dns_target *targets, struct dns_reply *replies, size_t count);

/* May a name server that strangers named have this address? No: loopback, private, link-local, multicast. */
bool dns_address_public(const struct dns_address *address);

#endif
