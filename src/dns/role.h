/*
 * dns/role.h: the dns role: changes the served set as the messages of dns/protocol.h say.
 *
 * Use      role = dns_role_new(server); ipc_server_new("dns", 0, dns_role_handle, role); dns_role_attach(role, ipc)
 *          so that SEEN can be pushed; the server's on_seen is dns_role_seen with ctx = the role.
 * Threads  dns_role_handle may be called from several threads; changes are made one after another.
 */
#ifndef REEVE_DNS_ROLE_H
#define REEVE_DNS_ROLE_H

#include "base/ipc.h"
#include "dns/server.h"

struct dns_role;

/* Makes the server too; add sockets to dns_role_server() and start it. on_seen and ctx of `config` are replaced. */
MUST_CHECK bool dns_role_new(const struct dns_zones_config  *zones,
                             const struct dns_server_config *config, struct dns_role **ret,
                             struct err *err);
void            dns_role_free(
		   struct dns_role *role); /* stops and frees the server; free the ipc server first */
struct dns_server *dns_role_server(struct dns_role *role);
/* Where SEEN goes (channel 0); before the server starts. */
void dns_role_attach(struct dns_role *role, struct ipc_server *ipc);
/* The server starts with the first whole set: until then questions wait in the sockets, rather than being told that
 * values which are live do not exist. Its sockets must have been added. */
void dns_role_start_when_loaded(struct dns_role *role);
void dns_role_stop(struct dns_role *role); /* the server answers no more, and is not started by a late set */
void dns_role_handle(void *role, struct ipc_request *request); /* an ipc_handle_fn */

#endif
