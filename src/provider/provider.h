/*
 * provider/provider.h: adding and removing exactly one TXT value at one owner name.
 *
 * Contract add and remove are idempotent and touch no value but the one given; removing what is absent is a
 *          success. They are called again after a crash. present says whether every authoritative server has it.
 * Errors   ERR_TEMPORARY: try again; ERR_CONFIG: the connection must change first; others are final.
 * Threads  any; they block.
 */
#ifndef REEVE_PROVIDER_PROVIDER_H
#define REEVE_PROVIDER_PROVIDER_H

#include "base/ipc.h"

/* What providers may reach. */
struct provider_context {
	struct ipc_peer *dns; /* the dns role, for the built-in zone */
};

struct provider_value {
	const char *zone, *owner, *value;
};

struct provider {
	const char *id; /* stored in connections.provider: never renamed */
	bool (*add)(const struct provider_context *c, const struct provider_value *v, struct err *err);
	bool (*remove)(const struct provider_context *c, const struct provider_value *v, struct err *err);
	bool (*present)(const struct provider_context *c, const struct provider_value *v, bool *ret, struct err *err);
};

#define PROVIDER_BUILTIN "builtin"

/* NULL when there is none of this id. */
const struct provider *provider_find(const char *id);

#endif
