/*
 * role_worker.c: the role that runs the workflow and is the only writer of the store.
 */
#include "daemon/role.h"
#include "workflow/worker.h"

static bool open(void *ctx)
{
	return worker_open(ctx);
}

static bool healthy(const void *ctx)
{
	return worker_healthy(ctx);
}

int role_worker(struct role *role)
{
	const struct config   *c = role_config(role);
	struct worker_settings settings = {
		.store_path = c->store_path,
		.zones = c->zone_names.items,
		.zones_count = c->zone_names.count,
		.threads = c->worker_threads,
		.resolver_timeout_ms = c->resolver_timeout_ms,
		.providers_directory = c->providers_directory,
	};
	struct worker *worker = NULL;
	struct err     err = { 0 };
	int            code;

	if (!worker_new(&settings, &worker, &err))
		return role_refuse(role, &err);
	role_asks(role, CHANNEL_WORKER_KEEPER, worker_keeper(worker));
	role_asks(role, CHANNEL_WORKER_DNS, worker_dns(worker));
	role_asks(role, CHANNEL_WORKER_RESOLVER, worker_resolver(worker));
	role_asks(role, CHANNEL_WORKER_HOOK, worker_hook(worker));
	role_serves(role, CHANNEL_API_WORKER, worker_server(worker), CHANNEL_API_WORKER);
	role_watch(role, healthy, worker);
	if (worker_start(worker, &err)) {
		role_ready_when(role, open, worker);
		code = role_run(role);
		worker_stop(worker);
	} else {
		code = role_refuse(role, &err);
	}
	worker_free(worker);
	return code;
}
