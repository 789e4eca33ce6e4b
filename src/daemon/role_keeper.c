/*
 * role_keeper.c: the role that holds keys: one descriptor (the seal), three channels, no network. Keys leave it sealed, on
 * a permitted download, or in a bundle to the hook role.
 */
#include <unistd.h>

#include "daemon/role.h"
#include "keeper/keeper.h"

int role_keeper(struct role *role)
{
	struct keeper *keeper = NULL;
	struct err     err = { 0 };
	int            seal = role_take_fd(role, "seal");
	bool           ok = keeper_new(seal, &keeper, &err);

	if (seal >= 0)
		close(seal);
	if (!ok)
		return role_refuse(role, &err);

	struct ipc_peer   *hook = ipc_peer_new("hook role", NULL, NULL, NULL);
	struct ipc_server *server = ipc_server_new("keeper", 0, keeper_handle, keeper);
	keeper_set_hook(keeper, hook);
	role_asks(role, CHANNEL_KEEPER_HOOK, hook);
	role_serves(role, CHANNEL_WORKER_KEEPER, server, KEEPER_CHANNEL_WORKER);
	role_serves(role, CHANNEL_API_KEEPER, server, KEEPER_CHANNEL_API);
	int code = role_run(role);
	ipc_server_free(server);
	keeper_free(keeper);
	ipc_peer_free(hook);
	return code;
}
