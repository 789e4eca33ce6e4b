/*
 * net/server.h: inbound HTTP/1.1 on descriptors that are already listening, TCP and UNIX.
 *
 * Threads  one I/O thread owns all connections and never blocks; a few handler threads get complete requests
 *          and give an answer back by message. A client that leaves costs nothing but its answer.
 * Parking  a handler that must wait returns HTTP_PARK with (kind, id, deadline): no thread is held.
 *          http_server_unpark(kind, id) runs it again, and so does the deadline, with `timed_out` set. A change
 *          told while the handler ran is not lost: the request is run once more.
 * Strict   net/request.h reads the bytes and refuses whatever two readers could understand differently with
 *          400 and a closed connection. libevent does the I/O (bufferevents); its evhttp is not used: it
 *          takes bare LF, NUL, folded lines and chunk sizes like "0x5" before a gate could see them (see
 *          docs/decisions).
 * Bounds   head 16 KiB, body by route (settings.body_max), head 10 s, body 30 s, idle 60 s, answer 60 s,
 *          connections per kind of listener: at the limit the one that has been silent longest goes.
 * Always   Cache-Control: no-store, X-Content-Type-Options: nosniff, Date. HEAD gets the headers of GET.
 */
#ifndef REEVE_NET_SERVER_H
#define REEVE_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/address.h"
#include "net/header.h"
#include "net/request.h"

struct http_server;

/* A complete request. It and its arena belong to the handler thread while the handler runs. */
struct http_server_request {
	struct arena              *arena;    /* lives until the request is answered, across parking too */
	const char                *method;
	bool                       head;     /* HEAD: method is "GET" and the body of the answer is not sent */
	const struct http_target  *target;   /* path, decoded segments and query */
	const struct http_header  *headers;
	size_t                     headers_count;
	struct str                 body;
	bool                       is_unix;
	int                        socket_fd; /* for SO_PEERCRED; stays the server's; open while the handler runs */
	char                       remote[ADDRESS_SIZE]; /* without the port; "unix" */
	unsigned                   runs;      /* 0 the first time */
	bool                       timed_out; /* the deadline of the park is over */
	void                      *state;     /* the handler's own, kept across parking */
};

/* The value of the first header of this name (case ignored), or NULL. */
const char *http_server_header(const struct http_server_request *request, const char *name);

#define HTTP_ANSWER_HEADERS_MAX 6

struct http_server_answer {
	int                status;
	const char        *content_type; /* NULL: no body */
	struct http_header headers[HTTP_ANSWER_HEADERS_MAX]; /* unused ones have no name */
	struct str         body;   /* copied before the arena ends */
	bool               secret; /* the copy is overwritten once it is sent; so is the one in the arena */
	/* HTTP_PARK: */
	const char        *kind, *id;
	int64_t            deadline_ms; /* clock_mono_ms() */
};

enum http_verdict { HTTP_ANSWER, HTTP_PARK };

typedef enum http_verdict (*http_handle_fn)(void *ctx, struct http_server_request *request,
                                            struct http_server_answer *ret);
/* How many bytes of body this method and path may have; called on the I/O thread: look up, never wait. */
typedef size_t (*http_body_max_fn)(void *ctx, const char *method, const struct http_target *target);

struct http_server_settings {
	http_handle_fn   handle;
	http_body_max_fn body_max;        /* NULL: HTTP_SERVER_BODY_DEFAULT for all */
	void            *ctx;
	unsigned         threads;         /* 0: 4 */
	unsigned         connections_max; /* per kind of listener; 0: 512 */
	uint32_t         head_timeout_ms, body_timeout_ms, idle_timeout_ms; /* 0: as above */
};

#define HTTP_SERVER_BODY_DEFAULT (64u * KIB)
#define HTTP_SERVER_BODY_MAX     MIB

MUST_CHECK bool http_server_new(const struct http_server_settings *settings, struct http_server **ret,
                                struct err *err);
/* Takes a listening descriptor (TCP or UNIX); before http_server_start. */
MUST_CHECK bool http_server_listen(struct http_server *server, int fd, struct err *err);
MUST_CHECK bool http_server_start(struct http_server *server, struct err *err);
/* Something about (kind, id) changed; kind "*": anything may have. From any thread; never waits. */
void http_server_unpark(struct http_server *server, const char *kind, const char *id);
/* Ends the threads; handlers that run are waited for, everything else is dropped. Again is fine. */
void http_server_stop(struct http_server *server);
void http_server_free(struct http_server *server); /* stops; NULL is fine */

#endif
