/*
 * role_hook.c: the role that delivers: it gets bundles from the keeper, orders from the worker, and forks a process for
 * each.
 */
#include "daemon/role.h"
#include "deploy/hook.h"

#define HANDLERS 34 /* more than deliveries run, so that a bundle never waits for one */

static bool up(const void *ctx)
{
	return hook_up(ctx);
}

int role_hook(struct role *role)
{
	const struct config *c = role_config(role);
	struct arena        *a = arena_new();
	struct hook_config   config = { c->hooks_directory, arena_printf(a, "%s/deliver", c->run) };
	struct hook         *hook = NULL;
	struct err           err = { 0 };
	int                  code;

	if (!hook_new(&config, &hook, &err)) {
		code = role_refuse(role, &err);
	} else {
		struct ipc_server *server = ipc_server_new("hook role", HANDLERS, hook_handle, hook);

		role_serves(role, CHANNEL_WORKER_HOOK, server, HOOK_CHANNEL_WORKER);
		role_serves(role, CHANNEL_KEEPER_HOOK, server, HOOK_CHANNEL_KEEPER);
		role_watch(role, up, hook);
		code = role_run(role);
		hook_stop(hook);
		ipc_server_free(server);
		hook_free(hook);
	}
	arena_free(a);
	return code;
}
