/*
 * dns/limit.c: the token buckets, and the words for a client's network.
 */
#include "dns/limit.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "base/rand.h"

#define PLACES 16384u

struct place {
	uint64_t network;
	int64_t  at_ms;
	int64_t  tokens; /* thousandths of an answer */
	uint32_t refused;
};

struct dns_limit {
	uint64_t     seed;
	int64_t      rate;
	struct place places[PLACES];
};

struct dns_limit *dns_limit_new(unsigned rate_per_s)
{
	struct dns_limit *l = calloc(1, sizeof(*l));

	assert(l != NULL);
	l->rate = rate_per_s;
	l->seed = rand_u64();
	return l;
}

void dns_limit_free(struct dns_limit *l)
{
	free(l);
}

/* /24 or /56 in one number that is never 0. */
static uint64_t network_of(const struct dns_address *client)
{
	uint64_t n = client->family == AF_INET ? 4 : 6;
	size_t   bytes = client->family == AF_INET ? 3 : 7;

	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | client->bytes[i];
	return n;
}

enum dns_limited dns_limit_check(struct dns_limit *l, const struct dns_address *client,
                                 int64_t now_ms)
{
	uint64_t      network = network_of(client), h = (network ^ l->seed) * 0x9e3779b97f4a7c15u;
	struct place *p = &l->places[(h ^ h >> 29) % PLACES];
	int64_t       full = l->rate * 1000;

	if (p->network != network)
		*p = (struct place){ .network = network, .at_ms = now_ms, .tokens = full };
	if (now_ms > p->at_ms) {
		int64_t passed_ms = now_ms - p->at_ms < 1000 ? now_ms - p->at_ms : 1000;
		p->tokens += passed_ms * l->rate;
		if (p->tokens > full)
			p->tokens = full;
		p->at_ms = now_ms;
	}
	if (p->tokens >= 1000) {
		p->tokens -= 1000;
		return DNS_LIMIT_PASS;
	}
	return p->refused++ % 2 == 0 ? DNS_LIMIT_SLIP : DNS_LIMIT_DROP;
}

void dns_network_text(const struct dns_address *client, char ret[static DNS_NETWORK_SIZE])
{
	struct dns_address network = *client;
	char               host[INET6_ADDRSTRLEN] = "?";
	bool               v4 = client->family == AF_INET;

	memset(network.bytes + (v4 ? 3 : 6), 0, v4 ? 1 : 10);
	inet_ntop(network.family, network.bytes, host, sizeof(host));
	snprintf(ret, DNS_NETWORK_SIZE, "%s/%d", host, v4 ? 24 : 48);
}

bool dns_address_loopback(const struct dns_address *address)
{
	static const uint8_t one[16] = { [15] = 1 };

	return address->family == AF_INET ? address->bytes[0] == 127
	                                  : memcmp(address->bytes, one, 16) == 0;
}
