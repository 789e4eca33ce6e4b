/*
 * daemon/role.h: what a role's main gets from the supervisor: settings, listening descriptors, ends of channels.
 *
 * The supervisor forks and re-executes the binary for each role with one control socket; everything else comes
 * through it as frames. A role ends at end-of-file of the control socket or at STOP. DESIGN section 3.
 */
#ifndef REEVE_DAEMON_ROLE_H
#define REEVE_DAEMON_ROLE_H

#include "base/ipc.h"
#include "daemon/config.h"

enum role_id { ROLE_KEEPER, ROLE_WORKER, ROLE_RESOLVER, ROLE_API, ROLE_DNS, ROLE__COUNT };

/* asking role -> answering role; one socketpair each, made anew when either end restarts. */
enum channel {
	CHANNEL_API_WORKER,
	CHANNEL_API_KEEPER,
	CHANNEL_WORKER_KEEPER,
	CHANNEL_WORKER_DNS,
	CHANNEL_WORKER_RESOLVER,
	CHANNEL__COUNT
};

struct role;

const struct config *role_config(const struct role *role);
/* The n-th descriptor passed under this name ("http", "unix", "dns-udp", "dns-tcp", "seal"); -1 when there is none.
 * The caller owns it. */
int role_take_fd(struct role *role, const char *name);
/* Wire the ends up; before role_run. */
void role_asks(struct role *role, enum channel channel, struct ipc_peer *peer);
void role_serves(struct role *role, enum channel channel, struct ipc_server *server);
/* Tell the supervisor that the role is serving, then obey it until it says stop or is gone. */
int role_run(struct role *role);

/* One per role file; returns the exit code. */
int role_keeper(struct role *role);
int role_worker(struct role *role);
int role_resolver(struct role *role);
int role_api(struct role *role);
int role_dns(struct role *role);

/* `reeve serve`: the supervisor. Returns the exit code after an orderly stop. */
int supervisor_main(const struct config *config);
/* `reeve serve --role NAME --control-fd N`: never called by people. */
int role_main(const char *name, int control_fd);

#endif
