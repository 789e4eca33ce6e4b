/*
 * api/api.h: the api role as one object: HTTP, REST, façades. docs/api.md is the contract of what it answers.
 *
 * Life     api_new -> wire api_worker() and api_keeper() -> api_add_listener… -> api_start -> api_stop -> api_free.
 * Store    opened read-only at the first request that needs it, so that the role may start before the worker
 *          has migrated the database; until then such a request is 503 "unavailable".
 * Writes   are commands to the worker; keys and grants are the keeper's. This process keeps neither.
 */
#ifndef REEVE_API_API_H
#define REEVE_API_API_H

#include "base/err.h"
#include "base/ipc.h"

struct api;

struct api_settings {
	const char *store_path;
	const char *providers_directory; /* recipes of the user; NULL: none */
	unsigned    threads;         /* 0: 4 */
	unsigned    connections_max; /* 0: 512 */
};

MUST_CHECK bool api_new(const struct api_settings *settings, struct api **ret, struct err *err);
/* The ends this role asks through; COMMAND_CHANGED pushes of the worker wake parked requests. */
struct ipc_peer *api_worker(struct api *api);
struct ipc_peer *api_keeper(struct api *api);
/* Takes a listening TCP or UNIX descriptor; before api_start. */
MUST_CHECK bool api_add_listener(struct api *api, int fd, struct err *err);
MUST_CHECK bool api_start(struct api *api, struct err *err);
void            api_stop(struct api *api);
void            api_free(struct api *api); /* NULL is fine */

#endif
