/*
 * config_check.c: what the settings mean together, and the forms the dns and resolver roles take them in.
 */
#include "daemon/config_check.h"

#include <stdio.h>

#include "daemon/listen.h"

static bool refuse(const char *key, struct err *err)
{
	err_in(err, "%s", key);
	if (err != NULL) {
		err->class = ERR_CONFIG;
		snprintf(err->problem, sizeof(err->problem), "configuration");
	}
	return false;
}

static bool nameserver_add(struct dns_zones_config *zones, const char *text, struct err *err)
{
	struct str         rest = str_c(text), name;
	char               owner[NAME_SIZE];
	struct dns_address address;
	size_t             i = 0;

	if (!str_next(&rest, '=', &name) || rest.len == 0)
		return err_set(err, ERR_CONFIG, "\"%s\" is not name=address", text) ||
		       err_hint(err, "write it as ns1.acme.example.org=192.0.2.1");
	if (!owner_parse(str_trim(name), owner, err) || !dns_address_parse(str_trim(rest), &address, err))
		return false;
	while (i < zones->nameservers_count && strcmp(zones->nameservers[i].name, owner) != 0)
		i++;
	if (i == DNS_NAMESERVERS_MAX)
		return err_set(err, ERR_CONFIG, "more than %d name servers", DNS_NAMESERVERS_MAX);
	struct dns_nameserver *ns = &zones->nameservers[i];
	if (ns->addresses_count == DNS_ADDRESSES_MAX)
		return err_set(err, ERR_CONFIG, "more than %d addresses for %s", DNS_ADDRESSES_MAX, owner);
	memcpy(ns->name, owner, sizeof(owner));
	ns->addresses[ns->addresses_count++] = address;
	if (i == zones->nameservers_count)
		zones->nameservers_count++;
	return true;
}

bool config_zones(const struct config *c, struct dns_zones_config *ret, struct err *err)
{
	struct dns_zones_config *zones = ret;

	*zones = (struct dns_zones_config){ 0 };
	if (c->zone_names.count > DNS_ZONES_MAX)
		return err_set(err, ERR_CONFIG, "more than %d zones", DNS_ZONES_MAX) || refuse("[zone] names", err);
	for (size_t i = 0; i < c->zone_names.count; i++)
		if (!owner_parse(str_c(c->zone_names.items[i]), zones->zones[zones->zones_count++], err))
			return refuse("[zone] names", err);
	for (size_t i = 0; i < c->zone_name_servers.count; i++)
		if (!nameserver_add(zones, c->zone_name_servers.items[i], err))
			return refuse("[zone] name_servers", err);
	if (strlen(c->zone_hostmaster) >= sizeof(zones->hostmaster))
		return err_set(err, ERR_CONFIG, "longer than a name may be") || refuse("[zone] hostmaster", err);
	snprintf(zones->hostmaster, sizeof(zones->hostmaster), "%s", c->zone_hostmaster);
	return true;
}

bool config_stubs(const struct config *c, struct resolver_config *ret, struct err *err)
{
	*ret = (struct resolver_config){ 0 };
	if (c->resolver_stub.count > DNS_STUBS_MAX)
		return err_set(err, ERR_CONFIG, "more than %d stubs", DNS_STUBS_MAX) || refuse("[resolver] stub", err);
	for (size_t i = 0; i < c->resolver_stub.count; i++)
		if (!dns_stub_parse(str_c(c->resolver_stub.items[i]), &ret->stubs[ret->stubs_count++], err))
			return refuse("[resolver] stub", err);
	return true;
}

static bool check_listen(const struct config_list *list, const char *key, struct err *err)
{
	struct listen_address at;

	for (size_t i = 0; i < list->count; i++)
		if (!listen_address_parse(list->items[i], &at, err))
			return refuse(key, err);
	return true;
}

bool config_check(const struct config *c, struct err *err)
{
	struct dns_zones_config zones;
	struct resolver_config  stubs;
	struct dns_zones       *made = NULL;

	if (!check_listen(&c->http_listen, "[server] listen", err) || !check_listen(&c->dns_listen, "[zone] listen", err) ||
	    !config_zones(c, &zones, err) || !config_stubs(c, &stubs, err))
		return false;
	if (zones.zones_count == 0)
		return true;
	if (c->dns_listen.count == 0)
		return err_problem(err, ERR_CONFIG, "configuration", "[zone] listen is empty, but there are zones to serve");
	if (!dns_zones_new(&zones, &made, err))
		return refuse("[zone]", err);
	dns_zones_free(made);
	return true;
}
