/*
 * provider/provider.h: adding and removing exactly one TXT value at one owner name.
 *
 * Contract add and remove are idempotent and touch no value but the one given; removing what is absent is a
 *          success. They are called again after a crash. present says whether the value is there as far as the
 *          provider knows: for the built-in zone that is every server, for a recipe the provider's own API.
 * Errors   ERR_TEMPORARY: try again; ERR_CONFIG: the connection must change first; others are final.
 * Threads  any; they block.
 */
#ifndef REEVE_PROVIDER_PROVIDER_H
#define REEVE_PROVIDER_PROVIDER_H

#include "base/ipc.h"
#include "base/name.h"

struct engine;
struct engine_account;
struct http_client;

/* What providers may reach. */
struct provider_context {
	struct ipc_peer *dns; /* the dns role, for the built-in zone */
	/* For recipes: the engine of the process, the calling thread's client, the connection with its credentials. */
	struct engine               *engine;
	struct http_client          *http;
	const struct engine_account *account;
};

struct provider_value {
	const char *zone, *owner, *value;
};

struct provider {
	const char *id; /* stored in connections.provider: never renamed */
	bool atomic; /* changes one value in one step; others need the lease of the owner name (store/owner_lease.h) */
	bool keeps;  /* has no removal by design: newer values take the place of older ones; remove is never called */
	bool (*add)(const struct provider_context *c, const struct provider_value *v, struct err *err);
	bool (*remove)(const struct provider_context *c, const struct provider_value *v, struct err *err);
	bool (*present)(const struct provider_context *c, const struct provider_value *v, bool *ret, struct err *err);
};

#define PROVIDER_BUILTIN "builtin"
#define PROVIDER_RECIPE  "recipe" /* runs context.account's recipe; no id of a recipe */

/* NULL when there is none of this id. */
const struct provider *provider_find(const char *id);

#endif
