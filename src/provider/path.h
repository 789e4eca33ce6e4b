/*
 * provider/path.h: picking values out of an answer. RFC 6901 pointers with two additions: "*" stands for each item of an
 * array, and for the value itself when it is no array (XML does not tell one item from a list of one); "**" stands for
 * each item of an array and each member of an object (lists keyed by number).
 */
#ifndef REEVE_PROVIDER_PATH_H
#define REEVE_PROVIDER_PATH_H

#include "base/arena.h"
#include "json/json.h"

#define PATH_MATCHES_MAX 65536u

/* "" is the value itself; otherwise it begins with "/". */
bool path_valid(const char *path);
/* All matches in order, at most PATH_MATCHES_MAX; they borrow from `root`. */
size_t path_select(struct arena *a, const json_t *root, const char *path, const json_t ***ret);
/* A string, number or boolean as text; NULL for anything else. */
const char *path_text(struct arena *a, const json_t *value);
/* The text of the first match that has one; NULL when there is none. */
const char *path_first(struct arena *a, const json_t *root, const char *path);

#endif
