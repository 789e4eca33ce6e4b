/*
 * workflow/worker.h: the worker as one object: store, step threads, commands, and its view of the other roles.
 *
 * Life     worker_new -> attach peers and server (daemon/role_worker.c) -> worker_start -> … -> worker_stop ->
 *          worker_free. worker_stop lets running steps finish, at most 30 s.
 */
#ifndef REEVE_WORKFLOW_WORKER_H
#define REEVE_WORKFLOW_WORKER_H

#include "base/ipc.h"

struct worker;

struct worker_settings {
	const char        *store_path;
	const char *const *zones; /* built-in zones; the first takes generated targets */
	size_t             zones_count;
	uint32_t           threads;
	uint32_t           resolver_timeout_ms;
	const char        *providers_directory; /* recipes of the user; NULL: none */
};

MUST_CHECK bool worker_new(const struct worker_settings *settings, struct worker **ret, struct err *err);
/* The ends the worker asks through; attached by the role. */
struct ipc_peer *worker_keeper(struct worker *w);
struct ipc_peer *worker_dns(struct worker *w);
struct ipc_peer *worker_resolver(struct worker *w);
struct ipc_peer *worker_hook(struct worker *w);
/* The end that answers the api role. */
struct ipc_server *worker_server(struct worker *w);
MUST_CHECK bool worker_start(struct worker *w, struct err *err);
/* The keeper is open and the dns role has its set: only then is a request worth taking. */
bool worker_open(struct worker *w);
/* False when the store is broken and the process must end. */
bool worker_healthy(const struct worker *w);
void worker_stop(struct worker *w);
void worker_free(struct worker *w);

#endif
