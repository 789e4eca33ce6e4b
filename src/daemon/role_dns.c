/*
 * role_dns.c: the authoritative server of the validation zones: it holds the live values and nothing else.
 */
#include "daemon/config_check.h"
#include "daemon/role.h"
#include "dns/role.h"

static bool add_sockets(struct role *role, struct dns_server *server, struct err *err)
{
	int fd;

	while ((fd = role_take_fd(role, "dns-udp")) >= 0)
		if (!dns_server_add_udp(server, fd, err))
			return false;
	while ((fd = role_take_fd(role, "dns-tcp")) >= 0)
		if (!dns_server_add_tcp(server, fd, err))
			return false;
	return true;
}

int role_dns(struct role *role)
{
	struct dns_zones_config  zones;
	struct dns_server_config config = { 0 };
	struct dns_role         *dns = NULL;
	struct err               err = { 0 };
	int                      code;

	if (!config_zones(role_config(role), &zones, &err) || !dns_role_new(&zones, &config, &dns, &err))
		return role_refuse(role, &err);

	struct ipc_server *server = ipc_server_new("dns", 0, dns_role_handle, dns);
	dns_role_attach(dns, server);
	dns_role_start_when_loaded(dns);
	if (add_sockets(role, dns_role_server(dns), &err)) {
		/* SEEN is pushed to channel 0 (dns/role.h). */
		role_serves(role, CHANNEL_WORKER_DNS, server, 0);
		code = role_run(role);
	} else {
		code = role_refuse(role, &err);
	}
	dns_role_stop(dns);
	ipc_server_free(server);
	dns_role_free(dns);
	return code;
}
