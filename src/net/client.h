/*
 * net/client.h: the one door for outbound HTTP.
 *
 * Rules    https only (plain http only where the request allows it); no redirects, no proxy but the request's own, no decompression;
 *          TLS 1.2 or newer with the name verified; the address policy of net/address.h is applied to the very
 *          address that is connected to; header and body are bounded; every wait has an end.
 * Errors   ERR_TEMPORARY "ca-unreachable" for DNS, connect, TLS and time-out, with host, address and reason;
 *          ERR_CONFIG "address-refused" with the range to allow as the hint; ERR_INPUT for a URL or header this
 *          client does not send; ERR_PERMANENT "ca-nonsense" for an answer out of bounds or a redirect. An
 *          answer with any other status is a success here: its meaning belongs to the caller.
 * Doubt    `response.sent` tells after a failure whether the request may have reached the peer.
 * Memory   the response lives in the arena given.
 * Threads  a client belongs to one thread at a time; it blocks. It keeps its connections between calls.
 */
#ifndef REEVE_NET_CLIENT_H
#define REEVE_NET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/address.h"
#include "net/header.h"

#define HTTP_BODY_MAX_DEFAULT   (256u * KIB)
#define HTTP_BODY_MAX_CHAIN     (1u * MIB)
#define HTTP_HEADER_BYTES_MAX   (32u * KIB) /* status line, names, values and line ends */
#define HTTP_HEADER_LINES_MAX   100u        /* without the status line */
#define HTTP_CONNECT_TIMEOUT_MS 5000u
#define HTTP_TOTAL_TIMEOUT_MS   60000u
#define HTTP_USER_AGENT         "reeve/" REEVE_VERSION

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_METHOD__COUNT };

/* Members that are 0 or NULL mean the default. */
struct http_request {
	enum http_method          method;
	const char               *url;
	struct str                body;         /* POST, PUT, PATCH, DELETE; may be empty */
	const char               *content_type; /* NULL: none is sent */
	const char               *accept;       /* NULL: any */
	const char               *user_agent;   /* NULL: HTTP_USER_AGENT */
	const struct http_header *headers;      /* more of them; a value is never logged */
	size_t                    headers_count;
	struct str                ca_pem;       /* when given only this bundle is trusted, else the system's */
	const struct cidr        *allowed;      /* ranges that lift the address policy */
	size_t                    allowed_count;
	uint32_t                  connect_timeout_ms; /* name look-up, TCP and TLS together */
	uint32_t                  total_timeout_ms;
	size_t                    body_max;
	/*
	 * "http://host:port", or NULL. Requests go through its CONNECT: TLS is with the peer all the same, but the
	 * address policy holds for the proxy, which looks the peer up.
	 */
	const char               *proxy;
	bool                      plain_http_allowed; /* for recipes that say so; never for a CA */
	/*
	 * A kept connection may die under a request. GET, HEAD, PUT and DELETE are then sent once more on a new
	 * one; POST and PATCH only with this: set it where a second arrival does no harm (POST-as-GET).
	 */
	bool                      repeat_allowed;
};

struct http_response {
	bool                sent; /* also after a failure: at least one byte of the request may have left */
	bool                connection_reused;
	int                 status; /* 200..299, 400..599; 304 when the request has If-None-Match */
	const char         *location;      /* "" when absent or not printable; likewise below */
	const char         *replay_nonce;
	const char         *content_type;  /* media type in lower case, without parameters */
	uint32_t            retry_after_s; /* 0: absent or malformed */
	int64_t             date_at_s;     /* the peer's clock; 0: absent or malformed */
	struct http_link   *links;
	size_t              links_count;
	struct http_header *headers; /* all of them, in order */
	size_t              headers_count;
	struct str          body; /* NUL-terminated behind */
	char                address[ADDRESS_SIZE]; /* the peer's */
};

struct http_client;

struct http_client *http_client_new(void);
void                http_client_free(struct http_client *client); /* NULL is fine */
void                http_client_freep(struct http_client **client);

/* *ret is written in every case: zeroed but for `sent` and `address` after a failure. */
MUST_CHECK bool http_perform(struct http_client *client, const struct http_request *request, struct arena *a,
                             struct http_response *ret, struct err *err);

/* The value of the first header of this name (case ignored), or NULL. */
const char *http_response_header(const struct http_response *response, const char *name);
/* For log lines and texts: "GET", … */
const char *http_method_name(enum http_method method);

#endif
