/*
 * net/request.h: HTTP/1.1 requests read from bytes, strictly. RFC 9112, less everything that lets two readers
 * disagree about where a request ends.
 *
 * Refused  bare LF or CR, NUL and control bytes, folded lines, white space before a colon, names that are not
 *          tokens, other versions than 1.0 and 1.1, no or two Hosts (a UNIX socket needs none), Content-Length
 *          that is not digits or comes twice, any Transfer-Encoding but one "chunked", both of them, chunk
 *          extensions and trailers, targets that are not origin-form or have bytes outside RFC 3986.
 * Bounds   HTTP_HEAD_MAX, HTTP_HEADERS_MAX; the body by the caller; segments and parameters 64 each.
 * Purity   no I/O, no clock. The reader is fed as bytes arrive and stops at the end of one request.
 * Memory   the reader's own until http_reader_clear(); results of http_target_parse live in the arena.
 */
#ifndef REEVE_NET_REQUEST_H
#define REEVE_NET_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "net/header.h"

#define HTTP_HEAD_MAX     (16u * KIB)
#define HTTP_HEADERS_MAX  100u
#define HTTP_METHOD_SIZE  17
#define HTTP_SEGMENTS_MAX 64u
#define HTTP_PARAMS_MAX   64u

struct http_param {
	const char *name, *value; /* decoded, no NUL inside */
};

struct http_target {
	const char              *path; /* as sent, without the query */
	const char *const       *segments; /* decoded; "/" has one empty segment */
	size_t                   segments_count;
	const struct http_param *query;
	size_t                   query_count;
};

/* NULL, or why the target is refused (a literal). */
MUST_CHECK const char *http_target_parse(struct arena *a, struct str target, struct http_target *ret);
/* The first parameter of this name, or NULL. */
const char *http_target_param(const struct http_target *target, const char *name);

struct http_head {
	char                method[HTTP_METHOD_SIZE];
	struct str          target;
	bool                keep_alive;
	bool                has_body; /* a length or chunked was stated */
	bool                chunked;
	bool                expect_continue;
	uint64_t            content_length;
	struct http_header *headers;
	size_t              headers_count;
};

/*
 * The head up to and with its empty line. False with the status to answer (400, 417, 431, 505) and a reason
 * that is a literal.
 */
MUST_CHECK bool http_head_parse(struct arena *a, struct str head, bool host_needed, struct http_head *ret,
                                int *ret_status, const char **ret_reason);

enum http_reader_state { HTTP_READ_HEAD, HTTP_READ_BODY, HTTP_READ_DONE, HTTP_READ_BAD };

struct http_reader {
	enum http_reader_state state;
	bool                   host_needed;
	struct http_head       head;  /* from HTTP_READ_BODY on */
	struct buf             body;
	size_t                 body_max;
	int                    status; /* HTTP_READ_BAD */
	const char            *reason;
	/* private */
	struct arena *arena;
	struct buf    text;  /* the head, or the line of a chunk size */
	uint64_t      left;  /* of the body or chunk */
	int           chunk; /* where in the chunked body */
};

void http_reader_init(struct http_reader *r, struct arena *a, bool host_needed);
void http_reader_clear(struct http_reader *r);
/*
 * Take bytes; returns how many were used. It stops after the head (state HTTP_READ_BODY with nothing of the
 * body read: set body_max, then go on with http_reader_body()), and at the end of the request.
 */
size_t http_reader_feed(struct http_reader *r, struct str bytes);
/* Once after the head: how large the body may be. Refuses a stated length beyond it, ends a request without body. */
void http_reader_body(struct http_reader *r, size_t body_max);

#endif
