/*
 * base/arena.h: memory with one lifetime: a request, a query, a step of a job.
 *
 * Memory   arena_free() ends all of it. Allocation never fails: out of memory aborts the process, which
 *          the job table makes safe. Sizes are bounded where bytes come in, not here.
 * Sanitizer builds (REEVE_ARENA_MALLOC) give each allocation a malloc of its own.
 * Threads  an arena belongs to one thread at a time.
 */
#ifndef REEVE_BASE_ARENA_H
#define REEVE_BASE_ARENA_H

#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void          arena_free(struct arena *a); /* NULL is fine */
void          arena_freep(struct arena **a);
void          arena_reset(struct arena *a); /* everything is freed, the arena stays usable */

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
void *arena_alloc_array(struct arena *a, size_t count, size_t size); /* overflow aborts */
char *arena_str(struct arena *a, struct str s);  /* a NUL-terminated copy */
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
struct str arena_dup(struct arena *a, struct str s); /* a copy as a view, NUL-terminated behind */

#endif
