/* workflow/names.h: the names of a certificate as they are stored: space separated, in the order asked for. */
#ifndef REEVE_WORKFLOW_NAMES_H
#define REEVE_WORKFLOW_NAMES_H

#include "base/arena.h"
#include "base/name.h"

MUST_CHECK bool names_split(struct arena *a, const char *names, const struct identifier **ret, size_t *ret_count, struct err *err);
/* Is a name of one in the other? */
MUST_CHECK bool names_share(struct arena *a, const char *left, const char *right, bool *ret, struct err *err);
/* Are they the same, in whatever order? */
MUST_CHECK bool names_same(struct arena *a, const char *left, const char *right, bool *ret, struct err *err);
const char *names_join(struct arena *a, const struct identifier *names, size_t count);

#endif
