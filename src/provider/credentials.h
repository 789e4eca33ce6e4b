/*
 * provider/credentials.h: the credentials of a connection as the bytes that are sealed: u32 count, then (name, value) each.
 *
 * Bounds   CREDENTIALS_MAX of them, CREDENTIALS_SIZE_MAX bytes together.
 * Secrets  what is read points into copies in the arena; credentials_wipe() ends them.
 */
#ifndef REEVE_PROVIDER_CREDENTIALS_H
#define REEVE_PROVIDER_CREDENTIALS_H

#include "base/buf.h"
#include "provider/engine.h"

#define CREDENTIALS_MAX      RECIPE_ITEMS_MAX
#define CREDENTIALS_SIZE_MAX (32u * KIB)

/* Names are written as the recipe has them, whichever alias was given. ERR_INPUT when they are too large. */
MUST_CHECK bool credentials_write(const struct recipe *recipe, const struct engine_credential *list, size_t count, struct buf *ret,
                                  struct err *err);
MUST_CHECK bool credentials_read(struct arena *a, struct str bytes, struct engine_credential **ret, size_t *ret_count,
                                 struct err *err);
void            credentials_wipe(struct engine_credential *list, size_t count);

#endif
