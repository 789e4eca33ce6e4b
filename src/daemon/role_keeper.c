/*
 * role_keeper.c: the role that holds keys: one descriptor (the seal), two channels, no network.
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

	struct ipc_server *server = ipc_server_new("keeper", 0, keeper_handle, keeper);
	role_serves(role, CHANNEL_WORKER_KEEPER, server, KEEPER_CHANNEL_WORKER);
	role_serves(role, CHANNEL_API_KEEPER, server, KEEPER_CHANNEL_API);
	int code = role_run(role);
	ipc_server_free(server);
	keeper_free(keeper);
	return code;
}
