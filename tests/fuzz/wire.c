/*
 * Fuzz target: the first byte counts fields, their kinds follow, the rest is the body. What was read without a
 * failure gives the body again when it is written.
 */
#include <assert.h>

#include "base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_field(uint8_t kind, struct wire *w, struct buf *b, struct arena *a)
{
	switch (kind % 7) {
	case 0: wire_put_u8(b, wire_get_u8(w)); break;
	case 1: wire_put_u32(b, wire_get_u32(w)); break;
	case 2: wire_put_u64(b, wire_get_u64(w)); break;
	case 3: wire_put_i64(b, wire_get_i64(w)); break;
	case 4: wire_put_bool(b, wire_get_bool(w)); break;
	case 5: wire_put_str(b, wire_get_str(w)); break;
	case 6: wire_put_c(b, wire_get_c(w, a)); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_clear) struct buf      b;
	struct str                      body;
	struct wire                     w;
	size_t                          kinds;

	buf_init(&b, 1u << 24);
	if (size == 0 || size - 1 < (size_t)(data[0] % 32))
		return 0;
	kinds = data[0] % 32;
	body = str_of(data + 1 + kinds, size - 1 - kinds);
	w = wire_of(body);
	for (size_t i = 0; i < kinds; i++) {
		copy_field(data[1 + i], &w, &b, a);
		assert(w.left <= body.len);
		assert(!w.failed || w.left == 0);
	}
	if (wire_done(&w, NULL))
		assert(!b.failed && str_eq(buf_str(&b), body));
	return 0;
}
