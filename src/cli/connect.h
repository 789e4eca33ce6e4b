/*
 * cli/connect.h: a small HTTP/1.1 client for our own server: a UNIX socket, or TCP in the clear on loopback only.
 *
 * Shapes   one request, one answer, one connection. No redirects, no cookies, no proxies.
 * Errors   "no-server" (exit 4) when nothing listens; ERR_TEMPORARY "timeout", "unavailable".
 */
#ifndef REEVE_CLI_CONNECT_H
#define REEVE_CLI_CONNECT_H

#include "base/arena.h"
#include "cli/answer.h"

#define CLI_NO_SERVER "no-server"

struct connect_target {
	const char *socket_path; /* or */
	const char *url;         /* "http://127.0.0.1:8080" */
	const char *token;       /* "" for none */
	const char *project;     /* "" for the default */
};

struct connect_request {
	const char *method, *path; /* path with query */
	struct str  body;
	bool        has_body;
	int         timeout_ms;
	const char *if_none_match; /* an ETag; NULL or "" for none */
};

MUST_CHECK bool connect_ask(const struct connect_target *target, const struct connect_request *request,
                            struct cli_answer *ret, struct err *err);

#endif
