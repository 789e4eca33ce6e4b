/*
 * provider/provider.c: the table of providers. Providers of the outside world are one row that runs a recipe;
 * the built-in zone is served by our own dns role, so its answer is the acknowledgement of that role.
 */
#include "provider/provider.h"

#include "dns/client.h"
#include "provider/engine.h"

static bool builtin_add(const struct provider_context *c, const struct provider_value *v, struct err *err)
{
	uint64_t sequence;

	return dns_client_add(c->dns, v->owner, v->value, &sequence, err);
}

static bool builtin_remove(const struct provider_context *c, const struct provider_value *v, struct err *err)
{
	uint64_t sequence;

	return dns_client_remove(c->dns, v->owner, v->value, &sequence, err);
}

static bool builtin_present(const struct provider_context *c, const struct provider_value *v, bool *ret,
                struct err *err)
{
	return dns_client_has(c->dns, v->owner, v->value, ret, err);
}

static bool recipe_add(const struct provider_context *c, const struct provider_value *v, struct err *err)
{
	return engine_add(c->engine, c->http, c->account, v, err);
}

static bool recipe_remove(const struct provider_context *c, const struct provider_value *v, struct err *err)
{
	return engine_remove(c->engine, c->http, c->account, v, err);
}

static bool recipe_present(const struct provider_context *c, const struct provider_value *v, bool *ret, struct err *err)
{
	return engine_present(c->engine, c->http, c->account, v, ret, err);
}

static const struct provider providers[] = {
	{ PROVIDER_BUILTIN, .atomic = true, .add = builtin_add, .remove = builtin_remove, .present = builtin_present },
	{ "acme-dns", .keeps = true, .add = recipe_add, .remove = recipe_remove, .present = recipe_present },
	{ "rfc2136", .atomic = true, .add = recipe_add, .remove = recipe_remove, .present = recipe_present },
	{ PROVIDER_RECIPE, .add = recipe_add, .remove = recipe_remove, .present = recipe_present },
};

const struct provider *provider_find(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(providers); i++)
		if (strcmp(providers[i].id, id) == 0)
			return &providers[i];
	return NULL;
}
