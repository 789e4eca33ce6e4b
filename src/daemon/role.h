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

/* ROLE_ID__COUNT, because keeper/keeper.h has a ROLE__COUNT of principals' roles. */
enum role_id { ROLE_KEEPER, ROLE_WORKER, ROLE_RESOLVER, ROLE_API, ROLE_DNS, ROLE_ID__COUNT };

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
/* Wire the ends up; before role_run. Ends that come later, after a restart of the other side, go the same way.
 * `as` is what ipc_request_channel() says of frames from there. */
void role_asks(struct role *role, enum channel channel, struct ipc_peer *peer);
void role_serves(struct role *role, enum channel channel, struct ipc_server *server, int as);
/* The supervisor is told that the role serves when fn says so, at the latest after 10 s (a keeper that stays sealed says
 * so itself); without it, at once. */
void role_ready_when(struct role *role, bool (*ready)(void *ctx), void *ctx);
/* Asked every second: false ends the role with exit code 1, so that it is started anew. Before role_run. */
void role_watch(struct role *role, bool (*healthy)(const void *ctx), const void *ctx);
/* Tell the supervisor that the role is serving, then obey it until it says stop or is gone. */
int role_run(struct role *role);
/* The role cannot start: say why and get the exit code. What only a person can change stops the supervisor. */
int role_refuse(struct role *role, const struct err *err);

/* One per role file; returns the exit code. */
int role_keeper(struct role *role);
int role_worker(struct role *role);
int role_resolver(struct role *role);
int role_api(struct role *role);
int role_dns(struct role *role);

/* `reeve serve`: the supervisor. Returns the exit code after an orderly stop. `ready_fd` (-1: none) gets the line
 * "ready" and is closed when every role serves. */
int supervisor_main(const struct config *config, int ready_fd);
/* `reeve serve --role NAME --control-fd N`: never called by people. */
int role_main(const char *name, int control_fd);

#endif
