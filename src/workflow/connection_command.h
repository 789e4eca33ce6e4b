/* workflow/connection_command.h: the worker's side of the commands about connections; each writes once, durably. */
#ifndef REEVE_WORKFLOW_CONNECTION_COMMAND_H
#define REEVE_WORKFLOW_CONNECTION_COMMAND_H

#include "workflow/command.h"
#include "workflow/engine.h"

MUST_CHECK bool connection_command_add(struct worker *w, struct arena *a, const struct command_who *who,
                                       const struct command_connection *in, struct command_reply *ret, struct err *err);
MUST_CHECK bool connection_command_update(struct worker *w, struct arena *a, const struct command_who *who,
                                          const struct command_connection *in, struct command_reply *ret, struct err *err);
/* name: id or name. */
MUST_CHECK bool connection_command_remove(struct worker *w, struct arena *a, const struct command_who *who, const char *name,
                                          struct command_reply *ret, struct err *err);
/* What was found is in the reply: problem "" when all is well. */
MUST_CHECK bool connection_command_test(struct worker *w, struct arena *a, const struct command_who *who, const char *name,
                                        bool probe, struct command_reply *ret, struct err *err);

#endif
