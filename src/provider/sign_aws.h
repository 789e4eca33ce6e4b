/*
 * provider/sign_aws.h: AWS Signature Version 4, "AWS4-HMAC-SHA256", in headers.
 *
 * Use      sign, then send exactly: same method, path, query and body; the Host header as given; the headers of the
 *          answer and those that were given. Signed again for each attempt: a signature is good for some minutes.
 * Memory   the headers live in the arena.
 */
#ifndef REEVE_PROVIDER_SIGN_AWS_H
#define REEVE_PROVIDER_SIGN_AWS_H

#include "base/arena.h"
#include "net/header.h"

#define SIGN_AWS_HEADERS_MAX 3

struct sign_aws {
	const char               *access_key, *secret_key;
	const char               *session_token; /* NULL or "": none */
	const char               *region, *service;
	const char               *method, *host;
	struct str                path;    /* as it is sent: encoded once */
	struct str                query;   /* as it is sent, without '?' */
	const struct http_header *headers; /* more headers to sign */
	size_t                    headers_count;
	struct str                body;
	int64_t                   now_at_s;
};

/* The parameters of an encoded query in the order of their names. */
struct str sign_query_sorted(struct arena *a, struct str query);

/* X-Amz-Date, Authorization, and X-Amz-Security-Token with a session token. Returns how many. */
size_t sign_aws(struct arena *a, const struct sign_aws *request, struct http_header ret[static SIGN_AWS_HEADERS_MAX]);

#endif
