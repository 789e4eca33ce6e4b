/*
 * dns/cookie.h: server cookies. RFC 7873, RFC 9018 (version 1, SipHash-2-4).
 *
 * Shapes   a server cookie is 16 bytes: version, 3 reserved, u32 time, 8 bytes of MAC over the client cookie,
 *          those 8 bytes and the client's address. Good for an hour, five minutes into the future.
 * Threads  one struct dns_cookie per thread; all made from the same secret.
 */
#ifndef REEVE_DNS_COOKIE_H
#define REEVE_DNS_COOKIE_H

#include "dns/zone.h"

#define DNS_COOKIE_CLIENT 8
#define DNS_COOKIE_SIZE   24 /* client + server part, as it goes into the option */

struct dns_cookie;
struct dns_cookie *dns_cookie_new(const uint8_t secret[static 16]);
void               dns_cookie_free(struct dns_cookie *c);
/* Is `option` (client cookie + server cookie) one of ours for this client? */
bool dns_cookie_valid(struct dns_cookie *c, struct str option, const struct dns_address *client,
                      uint32_t now_s);
/* Client cookie (first 8 bytes of `option`) and a new server cookie. */
void dns_cookie_make(struct dns_cookie *c, struct str option, const struct dns_address *client,
                     uint32_t now_s, uint8_t ret[static DNS_COOKIE_SIZE]);

#endif
