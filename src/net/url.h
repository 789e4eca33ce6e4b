/*
 * net/url.h: absolute http and https URLs, strictly. RFC 3986, less everything an ACME client never needs.
 *
 * Shapes   1..URL_MAX bytes of printable ASCII; scheme http or https; no user information, no fragment, no
 *          backslash, no white space. The host is an LDH name, an IPv4 address in its one dotted form, or an
 *          IPv6 address in brackets; port 1..65535.
 * Memory   `target` points into the text given; the rest is a copy.
 * Errors   ERR_INPUT "invalid-request" with the reason; *ret is untouched then.
 * Purity   the text of a URL is never changed: a JWS is bound to it byte for byte (RFC 8555 6.4).
 */
#ifndef REEVE_NET_URL_H
#define REEVE_NET_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define URL_MAX         2048
#define URL_SIZE        (URL_MAX + 1)
#define URL_HOST_SIZE   256                  /* a name of 253 bytes, or an address without brackets */
#define URL_ORIGIN_SIZE (URL_HOST_SIZE + 10) /* "[" host "]:65535" */

struct url {
	bool     https;
	bool     ip6;                 /* the host is an IPv6 address */
	bool     ip4;                 /* the host is an IPv4 address */
	uint16_t port;                /* as stated, else 443 or 80 */
	char     host[URL_HOST_SIZE]; /* lower case, no brackets, no final dot */
	struct str target;            /* path and query as given; "" or "?…" when there is no path */
};

MUST_CHECK bool url_parse(struct str text, struct url *ret, struct err *err);
/* url_parse that also refuses http. */
MUST_CHECK bool url_parse_https(struct str text, struct url *ret, struct err *err);
/* Only the host of a URL: for keys' host lists and log lines. False when it is not a URL. */
MUST_CHECK bool url_host(struct str text, char ret[static URL_HOST_SIZE]);
/* "host", "host:port" when the port is not the scheme's own; IPv6 in brackets. Returns ret. */
const char *url_origin(const struct url *url, char ret[static URL_ORIGIN_SIZE]);

#endif
