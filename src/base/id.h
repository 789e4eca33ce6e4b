/* base/id.h: object ids are UUIDv7 (RFC 9562 section 5.7), lower-case text. */
#ifndef REEVE_BASE_ID_H
#define REEVE_BASE_ID_H

#include <stdbool.h>

#include "base/str.h"

#define ID_SIZE 37 /* with the NUL */

void id_new(char ret[static ID_SIZE]);
bool id_valid(struct str s);

#endif
