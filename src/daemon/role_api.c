/*
 * role_api.c: the role that people and programs talk to.
 */
#include "api/api.h"
#include "daemon/role.h"

static bool add_listeners(struct role *role, struct api *api, const char *name, struct err *err)
{
	int fd;

	while ((fd = role_take_fd(role, name)) >= 0)
		if (!api_add_listener(api, fd, err))
			return err_in(err, "listener %s", name);
	return true;
}

int role_api(struct role *role)
{
	struct api_settings settings = { .store_path = role_config(role)->store_path,
		                         .providers_directory = role_config(role)->providers_directory };
	struct api         *api = NULL;
	struct err          err = { 0 };
	int                 code;

	if (!api_new(&settings, &api, &err))
		return role_refuse(role, &err);
	role_asks(role, CHANNEL_API_WORKER, api_worker(api));
	role_asks(role, CHANNEL_API_KEEPER, api_keeper(api));
	if (add_listeners(role, api, "http", &err) && add_listeners(role, api, "unix", &err) && api_start(api, &err)) {
		code = role_run(role);
		api_stop(api);
	} else {
		code = role_refuse(role, &err);
	}
	api_free(api);
	return code;
}
