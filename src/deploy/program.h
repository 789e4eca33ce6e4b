/* deploy/program.h: one program of a DNS provider, in the process made for it. Private to this folder. */
#ifndef REEVE_DEPLOY_PROGRAM_H
#define REEVE_DEPLOY_PROGRAM_H

#include "deploy/hook.h"
#include "provider/program.h"

#define PROGRAM_DIRECTORY "dns" /* inside of the hooks directory: others are not for this */

_Static_assert(PROGRAM_RUN != HOOK_RUN && PROGRAM_RUN != KEEPER_BUNDLE, "frames of one channel have a type each");

/* `cancel_fd`: end-of-file ends the program. */
void program_do(struct arena *a, const struct hook_config *config, const struct program_order *order, int cancel_fd,
                struct program_result *ret);

#endif
