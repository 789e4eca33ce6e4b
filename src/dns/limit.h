/*
 * dns/limit.h: response rate limiting: a token bucket per client network (/24, /56), one second's worth deep.
 *
 * Bounds   a fixed table; a network that meets another one's place takes it over with a full bucket: under a
 *          flood from everywhere the limit fails open, and the memory stays.
 * Slip     every second refused answer is a truncated one, so a real resolver behind a spoofed address comes
 *          back over TCP.
 * Threads  one per thread.
 */
#ifndef REEVE_DNS_LIMIT_H
#define REEVE_DNS_LIMIT_H

#include "dns/zone.h"

enum dns_limited { DNS_LIMIT_PASS, DNS_LIMIT_SLIP, DNS_LIMIT_DROP };

struct dns_limit;
struct dns_limit *dns_limit_new(unsigned rate_per_s);
void              dns_limit_free(struct dns_limit *l);
enum dns_limited  dns_limit_check(struct dns_limit *l, const struct dns_address *client,
                                  int64_t now_ms);

/* The client's network as people write it: /24 or /48. */
void dns_network_text(const struct dns_address *client, char ret[static DNS_NETWORK_SIZE]);
bool dns_address_loopback(const struct dns_address *address);

#endif
