/*
 * net/header.h: values of HTTP headers that strangers send, read by pure functions.
 *
 * Purity   no clock: what needs the present time takes it.
 * Unknown  a malformed value is as good as an absent one; nothing here makes a request fail.
 */
#ifndef REEVE_NET_HEADER_H
#define REEVE_NET_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define HTTP_RETRY_AFTER_MAX_S (14u * 86400u)
#define HTTP_LINKS_MAX         32

struct http_header {
	const char *name;
	const char *value;
};

/* A link of RFC 8288: one relation each; `rel` in lower case, `url` as it was sent (maybe relative). */
struct http_link {
	const char *rel;
	const char *url;
};

/* "Name: value" as it came from the wire, without its line end: a token, a colon, printable bytes or tab. */
MUST_CHECK bool http_header_split(struct str line, struct str *ret_name, struct str *ret_value);

/* The three date forms of RFC 9110 5.6.7, always GMT; Unix seconds. `now` resolves two-digit years. */
MUST_CHECK bool http_date_parse(struct str text, int64_t now_at_s, int64_t *ret_at_s);

/* Delta seconds or a date; at least 1, at most HTTP_RETRY_AFTER_MAX_S. False: absent or malformed. */
MUST_CHECK bool http_retry_after(struct str value, int64_t now_at_s, uint32_t *ret_s);

/* Read one Link header value and append to links[*count]; stops quietly at HTTP_LINKS_MAX. */
void http_links_parse(struct arena *a, struct str value, struct http_link links[static HTTP_LINKS_MAX],
                      size_t *count);

/* The media type in lower case without parameters: "application/problem+json". Never NULL. */
const char *http_media_type(struct arena *a, struct str content_type);

#endif
