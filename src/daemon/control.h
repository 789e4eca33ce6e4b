/*
 * daemon/control.h: what supervisor and role say to each other over the control socket.
 *
 * Order    to the role: SETTINGS, any number of DESCRIPTOR and CHANNEL, GO; after GO only CHANNEL, ASK and STOP.
 *          From the role: READY once it serves, or REFUSED before it exits with ROLE_EXIT_CONFIG; ALIVE for each ASK.
 * Frames   are pushes (id 0) of base/ipc.h: nobody waits for an answer.
 */
#ifndef REEVE_DAEMON_CONTROL_H
#define REEVE_DAEMON_CONTROL_H

#include "base/ipc.h"
#include "daemon/role.h"

enum control_type {
	CONTROL_SETTINGS = IPC_TYPE_FIRST, /* struct config */
	CONTROL_DESCRIPTOR,                /* its name, and the descriptor */
	CONTROL_CHANNEL,                   /* u32 enum channel, and this side's end */
	CONTROL_GO,
	CONTROL_STOP,
	CONTROL_READY,
	CONTROL_REFUSED, /* sentence, hint */
	CONTROL_ASK,     /* are you there? Only to a role that is READY */
	CONTROL_ALIVE,
};

/* sysexits.h EX_CONFIG: starting again would end the same way until a person changes something. */
#define ROLE_EXIT_CONFIG 78

struct channel_ends {
	enum role_id asks, answers;
};
extern const struct channel_ends channel_ends[CHANNEL__COUNT];

const char *role_name(enum role_id id);
bool        role_find(const char *name, enum role_id *ret);

struct buf;
void            control_put_config(struct buf *b, const struct config *c);
MUST_CHECK bool control_get_config(struct arena *a, struct str body, struct config *ret, struct err *err);

#endif
