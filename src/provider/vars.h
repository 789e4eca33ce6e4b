/*
 * provider/vars.h: the named values a template may use: credentials, the name and value at hand, what answers gave.
 *
 * Shapes   a variable is a list of 0..n texts; most have one. An optional credential that was not given has none
 *          and renders as nothing. Texts may hold any byte (digests do).
 * Memory   everything lives in the arena of the set.
 */
#ifndef REEVE_PROVIDER_VARS_H
#define REEVE_PROVIDER_VARS_H

#include "base/arena.h"
#include "base/err.h"
#include "json/json.h"

#define VARS_MAX 256

struct var {
	const char   *name;
	struct str   *items;
	size_t        count;
	bool          secret; /* never shown: vars_redact */
	bool          used;   /* a template named it; for the reader of recipes */
	const json_t *json;   /* what "{name}" alone gives in a JSON body; NULL: the text */
};

struct vars {
	struct arena *arena;
	struct var    items[VARS_MAX];
	size_t        count;
};

/* NULL when there is none of this name. */
struct var *vars_find(const struct vars *vars, struct str name);
/* The only or first text; "" when there is none. NUL-terminated behind. */
struct str vars_text(const struct vars *vars, const char *name);
/* Make or replace a variable; the text is copied. More than VARS_MAX is a bug that the reader of recipes excludes. */
struct var *vars_set(struct vars *vars, const char *name, struct str text);
struct var *vars_set_list(struct vars *vars, const char *name, size_t count);
/* Every secret that stands in the error, as it is or as it would stand in a URL, becomes "***". */
void vars_redact(const struct vars *vars, struct err *err);

#endif
