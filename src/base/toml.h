/*
 * base/toml.h: the small subset of TOML our configuration file uses. DESIGN sections 11 and 15.
 *
 * Shapes   `key = value`, `[section]` and comments; a value is a basic or literal string of one line, a
 *          decimal integer, a boolean or an array of strings (which may span lines). Keys and sections are
 *          bare: A-Z a-z 0-9 _ -. Everything else of TOML is refused, never skipped.
 * Bounds   1 MiB of text, 4096 entries, 4096 strings in an array.
 * Errors   ERR_INPUT "invalid-request" with line and column; a key or section given twice is one. Whether a
 *          key is known is the caller's question: toml_refuse() words the answer with line and column.
 * Memory   entries and their strings live in the arena, in the order of the file; no string has a NUL inside.
 */
#ifndef REEVE_BASE_TOML_H
#define REEVE_BASE_TOML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define TOML_SIZE_MAX 1048576u

enum toml_type { TOML_STRING, TOML_INTEGER, TOML_BOOLEAN, TOML_ARRAY };

struct toml_entry {
	const char        *section; /* "" above the first [section] */
	const char        *key;
	enum toml_type     type;
	const char        *string;      /* TOML_STRING */
	int64_t            integer;     /* TOML_INTEGER */
	bool               boolean;     /* TOML_BOOLEAN */
	const char *const *items;       /* TOML_ARRAY */
	size_t             items_count; /* TOML_ARRAY */
	uint32_t           line, column; /* of the key, both from 1; the column counts bytes */
};

struct toml {
	const struct toml_entry *entries;
	size_t                   entries_count;
};

MUST_CHECK bool toml_parse(struct arena *a, struct str text, struct toml *ret, struct err *err);
/* The entry, or NULL. Section "" is the part above the first [section]. */
const struct toml_entry *toml_find(const struct toml *toml, const char *section, const char *key);
/* "line 3, column 1: …" about this entry; always false. */
bool        toml_refuse(const struct toml_entry *entry, struct err *err, const char *format, ...)
	PRINTF_LIKE(3, 4);
const char *toml_type_name(enum toml_type type); /* "a string", "an integer", … */

#endif
