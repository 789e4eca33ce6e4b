/*
 * base/str.h: a borrowed view of bytes. Owns nothing, may contain NUL, is not terminated.
 *
 * Memory   the bytes belong to somebody else; a view must not outlive them.
 */
#ifndef REEVE_BASE_STR_H
#define REEVE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct str {
	const char *ptr;
	size_t      len;
};

#define STR(literal) ((struct str){ ("" literal), sizeof(literal) - 1 })
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) ((int)(s).len), ((s).ptr != NULL ? (s).ptr : "")

/* A view of a C string; NULL gives an empty view. */
static inline struct str str_c(const char *c)
{
	return (struct str){ c, c != NULL ? strlen(c) : 0 };
}

static inline struct str str_of(const void *ptr, size_t len)
{
	return (struct str){ ptr, len };
}

bool str_eq(struct str a, struct str b);
/* ASCII case is ignored; for DNS names and HTTP header names. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_has_nul(struct str s);

/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);

/*
 * Cut the next field off *rest at `separator`; false when *rest was used up. An empty view has no field, so a
 * separator at the very end ends the last field and begins none.
 */
bool str_next(struct str *rest, char separator, struct str *ret_field);

/* Position of the first `c`, or s.len. */
size_t str_index(struct str s, char c);

/* Decimal digits only, no sign, no white space, no overflow. */
MUST_CHECK bool str_to_u64(struct str s, uint64_t *ret);

/* Lower-case ASCII in place. */
void str_lower(char *s);

/* Length in bytes of the UTF-8 character s begins with (1..4); 0 when it begins with none, or s is empty. */
size_t str_utf8(struct str s);

/* In place, for texts that show bytes from strangers: control characters and what is not UTF-8 become '?'. */
void str_escape(char *s);

#endif
