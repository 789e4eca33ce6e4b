/*
 * role_resolver.c: the role that asks the Internet's name servers, in a process per look-up.
 */
#include "daemon/config_check.h"
#include "daemon/role.h"
#include "dns/resolver.h"

#define HANDLERS 16 /* look-ups at the same time */

static bool up(const void *ctx)
{
	return resolver_up(ctx);
}

int role_resolver(struct role *role)
{
	struct resolver_config config;
	struct resolver       *resolver = NULL;
	struct err             err = { 0 };

	if (!config_stubs(role_config(role), &config, &err) || !resolver_new(&config, &resolver, &err))
		return role_refuse(role, &err);

	struct ipc_server *server = ipc_server_new("resolver", HANDLERS, resolver_handle, resolver);
	role_serves(role, CHANNEL_WORKER_RESOLVER, server, CHANNEL_WORKER_RESOLVER);
	role_watch(role, up, resolver);
	int code = role_run(role);
	ipc_server_free(server);
	resolver_free(resolver);
	return code;
}
