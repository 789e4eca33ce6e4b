/*
 * control.c: the frames between supervisor and role, and the two tables both read: names and channels.
 */
#include "daemon/control.h"

#include "base/wire.h"

static const char *const role_names[ROLE_ID__COUNT] = {
	[ROLE_KEEPER] = "keeper", [ROLE_WORKER] = "worker", [ROLE_RESOLVER] = "resolver",
	[ROLE_API] = "api",       [ROLE_DNS] = "dns",       [ROLE_HOOK] = "hook",
};

const struct channel_ends channel_ends[CHANNEL__COUNT] = {
	[CHANNEL_API_WORKER] = { ROLE_API, ROLE_WORKER },
	[CHANNEL_API_KEEPER] = { ROLE_API, ROLE_KEEPER },
	[CHANNEL_WORKER_KEEPER] = { ROLE_WORKER, ROLE_KEEPER },
	[CHANNEL_WORKER_DNS] = { ROLE_WORKER, ROLE_DNS },
	[CHANNEL_WORKER_RESOLVER] = { ROLE_WORKER, ROLE_RESOLVER },
	[CHANNEL_WORKER_HOOK] = { ROLE_WORKER, ROLE_HOOK },
	[CHANNEL_KEEPER_HOOK] = { ROLE_KEEPER, ROLE_HOOK },
};

const char *role_name(enum role_id id)
{
	return role_names[id];
}

bool role_find(const char *name, enum role_id *ret)
{
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		if (strcmp(role_names[i], name) == 0) {
			*ret = (enum role_id)i;
			return true;
		}
	return false;
}

static void put_list(struct buf *b, const struct config_list *list)
{
	wire_put_u32(b, (uint32_t)list->count);
	for (size_t i = 0; i < list->count; i++)
		wire_put_c(b, list->items[i]);
}

static void get_list(struct wire *w, struct arena *a, struct config_list *ret)
{
	uint32_t count = wire_get_u32(w);

	/* Each string takes four bytes at least: a count that cannot be true allocates nothing. */
	if (count > w->left / 4) {
		w->failed = true;
		count = 0;
	}
	ret->count = count;
	ret->items = arena_alloc_array(a, (size_t)count + 1, sizeof(*ret->items));
	for (uint32_t i = 0; i < count; i++)
		ret->items[i] = wire_get_c(w, a);
}

void control_put_config(struct buf *b, const struct config *c)
{
	const char *const texts[] = { c->etc,        c->var,       c->run,            c->file, c->socket_path,
		                      c->store_path, c->seal_path, c->zone_hostmaster,  c->hooks_directory,
		                      c->providers_directory };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		wire_put_c(b, texts[i]);
	put_list(b, &c->http_listen);
	put_list(b, &c->zone_names);
	put_list(b, &c->zone_name_servers);
	put_list(b, &c->dns_listen);
	put_list(b, &c->resolver_stub);
	wire_put_u32(b, c->silent_s);
	wire_put_u32(b, c->resolver_timeout_ms);
	wire_put_u32(b, c->worker_threads);
	wire_put_u8(b, (uint8_t)c->log_level);
}

bool control_get_config(struct arena *a, struct str body, struct config *ret, struct err *err)
{
	struct wire   w = wire_of(body);
	struct config c = { 0 };
	const char  **texts[] = { &c.etc,        &c.var,       &c.run,            &c.file, &c.socket_path,
		                  &c.store_path, &c.seal_path, &c.zone_hostmaster,  &c.hooks_directory,
		                  &c.providers_directory };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = wire_get_c(&w, a);
	get_list(&w, a, &c.http_listen);
	get_list(&w, a, &c.zone_names);
	get_list(&w, a, &c.zone_name_servers);
	get_list(&w, a, &c.dns_listen);
	get_list(&w, a, &c.resolver_stub);
	c.silent_s = wire_get_u32(&w);
	c.resolver_timeout_ms = wire_get_u32(&w);
	c.worker_threads = wire_get_u32(&w);
	c.log_level = (enum log_level)wire_get_u8(&w);
	if (!wire_done(&w, err))
		return err_in(err, "settings from the supervisor");
	if (c.log_level > LOG_LEVEL_DEBUG)
		return err_set(err, ERR_INPUT, "settings from the supervisor: no such log level");
	*ret = c;
	return true;
}
