/*
 * json/json.h: JSON as strangers send it, read strictly, and bound once to a struct. The only file that
 * includes <jansson.h>; jansson's own json_* functions build and walk values.
 *
 * Shapes   an object or an array at the top, as everybody sends.
 * Bounds   the caller's size_max; 16 levels, 4096 values, member names 256 bytes, strings 64 KiB,
 *          integers within ±2^53 (what every JSON reader agrees on). No NUL in any string, no member twice.
 * Errors   ERR_INPUT; "invalid-json" with line and column (json_read), "unknown-member" or
 *          "invalid-request" with the member's name (json_bind).
 * Memory   a json_t belongs to its reference holders: AUTO(json_freep). What json_write and json_bind hand
 *          out lives in the arena, but for the object, array and any fields: those borrow from `object`.
 * Names    JSON_FIELD_*, json_read*, json_write*, json_bind*, json_str, json_int, json_bool: jansson has none
 *          of these.
 */
#ifndef REEVE_JSON_JSON_H
#define REEVE_JSON_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define JSON_DEPTH_MAX  16u
#define JSON_VALUES_MAX 4096u
#define JSON_KEY_MAX    256u
#define JSON_STRING_MAX 65536u
#define JSON_INT_MAX    9007199254740992 /* 2^53 */

static inline void json_freep(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

/* An object or an array, in UTF-8; `size_max` is what the caller permits. */
MUST_CHECK bool json_read(struct str text, size_t size_max, json_t **ret, struct err *err);
/* json_read with room for lists: up to `values_max` values. */
MUST_CHECK bool json_read_many(struct str text, size_t size_max, size_t values_max, json_t **ret, struct err *err);

/* Compact; members stay in the order they were set. */
char *json_write(struct arena *a, const json_t *json);
/* Two spaces per level and a final newline: for people. */
char *json_write_pretty(struct arena *a, const json_t *json);

/* ---- an object into a struct, by table ---- */

enum json_kind {
	JSON_FIELD_STR,       /* const char *; absent: untouched */
	JSON_FIELD_BOOL,      /* bool */
	JSON_FIELD_INT,       /* int64_t */
	JSON_FIELD_STR_ARRAY, /* struct json_strings */
	JSON_FIELD_OBJECT,    /* const json_t *, borrowed from the object */
	JSON_FIELD_ARRAY,     /* const json_t *, borrowed */
	JSON_FIELD_ANY,       /* const json_t *, borrowed; null too */
};

struct json_strings {
	const char *const *items;
	size_t             count;
};

struct json_field {
	const char    *name;
	enum json_kind kind;
	size_t         offset; /* of the member in the struct */
	bool           required;
	/* offset + 1 of a bool that is set when the member was there (and not null); 0: nobody asks. */
	size_t present;
};

/* { JSON_FIELD(struct order_request, names, STR_ARRAY), .required = true } */
#define JSON_FIELD(type, member, kind_) .name = #member, .kind = JSON_FIELD_##kind_, .offset = offsetof(type, member)

/*
 * Members that are absent leave the struct as it was, so that defaults are what the caller put there. A null
 * counts as absent, except for JSON_FIELD_ANY. On failure the struct is untouched.
 */
MUST_CHECK bool json_bind(struct arena *a, const json_t *object, const struct json_field *fields, size_t fields_count,
                          bool refuse_unknown, void *ret_struct, struct err *err);

/* ---- getters for values whose shape is somebody else's ---- */

/* NULL when absent, not a string, or `object` is not an object; with a NUL inside: NULL too. */
const char *json_str(const json_t *object, const char *key);
/* `otherwise` when absent or of another type. */
int64_t json_int(const json_t *object, const char *key, int64_t otherwise);
bool    json_bool(const json_t *object, const char *key, bool otherwise);

/* ---- setters that take what our structs hold ---- */

/* NULL becomes a JSON null. A string that is not UTF-8 is escaped byte by byte ('?'), never lost. */
void json_put_str(json_t *object, const char *key, const char *value);
void json_put_int(json_t *object, const char *key, int64_t value);
void json_put_bool(json_t *object, const char *key, bool value);
/* Takes `value`. */
void json_put(json_t *object, const char *key, json_t *value);

#endif
