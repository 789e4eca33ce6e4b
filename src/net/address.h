/*
 * net/address.h: which addresses outbound connections may reach.
 *
 * Policy   refused by default: unspecified, loopback, RFC 1918, shared (CGNAT), link-local (the cloud metadata
 *          address among them), ULA and site-local, multicast, broadcast and reserved, and every IPv6 form
 *          that carries an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo): such a form is
 *          refused for what it is, whatever is inside. A range in `allowed` lifts the refusal for exactly
 *          that range.
 * Families an IPv4 range never matches an IPv6 address, mapped or not.
 */
#ifndef REEVE_NET_ADDRESS_H
#define REEVE_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

#define ADDRESS_SIZE 64 /* "[…]:65535" with the longest IPv6 text */
#define CIDR_SIZE    52

struct cidr {
	bool    ip6;
	uint8_t prefix;    /* 0..32 or 0..128 */
	uint8_t bytes[16]; /* network order; IPv4 uses the first 4; host bits are 0 */
};

/*
 * "127.0.0.1/32", "fd00::/8", or a plain address (its own /32 or /128). Host bits that are set are refused
 * with the corrected range as the hint. ERR_INPUT "invalid-request".
 */
MUST_CHECK bool cidr_parse(struct str text, struct cidr *ret, struct err *err);
const char *cidr_write(const struct cidr *cidr, char ret[static CIDR_SIZE]); /* returns ret */
bool cidr_contains(const struct cidr *cidr, const struct sockaddr *address);

/* The text of an address without its port; families but IPv4 and IPv6 give "?". Returns ret. */
const char *address_write(const struct sockaddr *address, char ret[static ADDRESS_SIZE]);
/* What kind of refused address it is ("loopback", "a private network (RFC 1918)", …), or NULL: a public one. */
const char *address_kind(const struct sockaddr *address);
/* ERR_CONFIG "address-refused" with the exact range to allow as the hint. */
MUST_CHECK bool address_check(const struct sockaddr *address, const struct cidr *allowed,
                              size_t allowed_count, struct err *err);

#endif
