/*
 * base/wire.h: a cursor with a sticky error for reading and writing our own frames (base/ipc.h).
 *
 * Shapes   u8, u32, u64 and i64 are big-endian; bytes and strings are u32 length + bytes; bool is a u8 0 or 1.
 * Errors   read or append freely and check wire_done()/buf.failed once. A read past the end gives 0 or "".
 * Memory   a read `struct str` points into the input; wire_get_c copies into the arena.
 */
#ifndef REEVE_BASE_WIRE_H
#define REEVE_BASE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct wire {
	const uint8_t *ptr;
	size_t         left;
	bool           failed;
};

struct wire wire_of(struct str body);
uint8_t     wire_get_u8(struct wire *w);
uint32_t    wire_get_u32(struct wire *w);
uint64_t    wire_get_u64(struct wire *w);
int64_t     wire_get_i64(struct wire *w);
bool        wire_get_bool(struct wire *w);
struct str  wire_get_str(struct wire *w);
char       *wire_get_c(struct wire *w, struct arena *a); /* refuses an embedded NUL; never NULL */
/* True when nothing failed and nothing is left; else ERR_INPUT. */
MUST_CHECK bool wire_done(const struct wire *w, struct err *err);

void wire_put_u8(struct buf *b, uint8_t v);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_u64(struct buf *b, uint64_t v);
void wire_put_i64(struct buf *b, int64_t v);
void wire_put_bool(struct buf *b, bool v);
void wire_put_str(struct buf *b, struct str s);
void wire_put_c(struct buf *b, const char *s); /* NULL is "" */

#endif
