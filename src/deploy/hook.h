/*
 * deploy/hook.h: the hook role: it holds nothing, takes bundles from the keeper and orders from the worker, and does each
 * delivery in a process of its own.
 *
 * Frames   from the keeper KEEPER_BUNDLE (keeper/bundle.h), from the worker HOOK_RUN with the ticket of a bundle, and
 *          PROGRAM_RUN (provider/program.h), which gets no bundle and runs in a directory apart. What is
 *          done with a bundle is what the deployment that came with it says; the worker only says when.
 * Bounds   64 bundles wait, each for a minute.
 * Life     hook_new() forks the server that forks the deliveries, so it is called before there are threads.
 */
#ifndef REEVE_DEPLOY_HOOK_H
#define REEVE_DEPLOY_HOOK_H

#include "base/ipc.h"
#include "deploy/target.h"
#include "keeper/bundle.h"

/* The values ipc_server_attach() takes as `channel`. */
enum hook_channel { HOOK_CHANNEL_WORKER = 1, HOOK_CHANNEL_KEEPER = 2 };

#define HOOK_RUN (KEEPER_BUNDLE + 1)

struct hook_run {
	const char *ticket;
	const char *event; /* created, renewed, manual, rollback */
	bool        dry_run;
	const char *certificate_id, *certificate_name, *names; /* space separated */
	int64_t     number;
};

struct hook_result {
	bool        done;
	struct err  cause;     /* when it is not */
	int64_t     exit_code; /* of the hook; -1: none ran to its end */
	const char *output;
	int64_t     took_ms;
};

/* ---- the worker's side ---- */

/* True: *ret tells how it went. False: nobody knows (the role or the delivery died). */
MUST_CHECK bool hook_run(struct ipc_peer *hook, const struct hook_run *run, int64_t timeout_s, struct arena *a,
                         struct hook_result *ret, struct err *err);

/* ---- the role ---- */

struct hook_config {
	const char *directory; /* of the hooks */
	const char *scratch;   /* where bundles stand while a hook reads them by path; emptied at start */
};

struct hook;

MUST_CHECK bool hook_new(const struct hook_config *config, struct hook **ret, struct err *err);
void            hook_stop(struct hook *h); /* running deliveries end, their processes too */
void            hook_free(struct hook *h); /* after the ipc_server is gone */
/* False when the fork server is gone and the role must end. */
bool hook_up(const struct hook *h);
/* The handler of an ipc_server with 8 or more threads; ctx is the struct hook. */
void hook_handle(void *hook, struct ipc_request *request);

#endif
