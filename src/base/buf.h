/*
 * base/buf.h: bytes that grow up to a stated maximum and remember failure: append freely, check once.
 *
 * Memory   buf_clear() frees. `ptr` is always NUL-terminated when not NULL.
 * Errors   going over `max` sets `failed` and drops the addition; out of memory aborts.
 */
#ifndef REEVE_BASE_BUF_H
#define REEVE_BASE_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct buf {
	char  *ptr;
	size_t len, cap, max;
	bool   failed;
};

void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b);  /* frees; usable again after buf_init */
void buf_wipe(struct buf *b);   /* buf_clear, but the bytes are overwritten first: for secrets */
void buf_reset(struct buf *b);  /* empty, memory kept, `failed` forgotten */
void buf_add(struct buf *b, const void *ptr, size_t len);
void buf_add_str(struct buf *b, struct str s);
void buf_add_c(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_add_utf8(struct buf *b, uint32_t code_point); /* at most 0x10ffff */
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

static inline struct str buf_str(const struct buf *b)
{
	return str_of(b->ptr, b->len);
}

#endif
