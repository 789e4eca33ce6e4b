/* workflow/wish.h: what is known of an authority beforehand, and the form of what people wish of it. Pure. */
#ifndef REEVE_WORKFLOW_WISH_H
#define REEVE_WORKFLOW_WISH_H

#include "acme/preset.h"
#include "store/authority.h"

#define CHAIN_SHORTEST "shortest" /* as a preferred chain: the one with the fewest certificates */

/* The preset of an authority: as it was added, else by its URL; NULL: none is known. */
const struct acme_preset *authority_preset(const struct authority *x);
/* A preferred chain: "", CHAIN_SHORTEST or a root's common name, 0..128 printable bytes. ERR_INPUT "invalid-request". */
MUST_CHECK bool chain_wish_check(const char *wish, struct err *err);

#endif
