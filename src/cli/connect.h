/*
 * cli/connect.h: requests to our own server: over its UNIX socket, over TCP in the clear on loopback only, or over https
 * through whatever ends TLS in front of it (net/client.h, for any address: whoever typed the URL chose it).
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
	const char *url;         /* "http://127.0.0.1:8080", "https://reeve.example.org" */
	struct str  ca_pem;      /* https: trust this bundle alone; empty: the system's */
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
