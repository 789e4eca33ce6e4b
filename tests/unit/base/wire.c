/* Unit tests of base/wire.h. */
#include "base/wire.h"
#include "test.h"

static void put_all(struct buf *b)
{
	buf_init(b, 1024);
	wire_put_u8(b, 0xfe);
	wire_put_u32(b, 0xfedcba98);
	wire_put_u64(b, UINT64_MAX);
	wire_put_i64(b, INT64_MIN);
	wire_put_bool(b, true);
	wire_put_str(b, STR("a\0b"));
	wire_put_c(b, "text");
	wire_put_c(b, NULL);
}

TEST(there_and_back)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct buf                      b;
	struct wire                     w;
	struct err                      err = { 0 };

	put_all(&b);
	w = wire_of(buf_str(&b));
	CHECK_INT(wire_get_u8(&w), 0xfe);
	CHECK_INT(wire_get_u32(&w), 0xfedcba98);
	CHECK(wire_get_u64(&w) == UINT64_MAX);
	CHECK(wire_get_i64(&w) == INT64_MIN);
	CHECK(wire_get_bool(&w));
	CHECK(str_eq(wire_get_str(&w), STR("a\0b")));
	CHECK_STR(wire_get_c(&w, a), "text");
	CHECK(!wire_done(&w, &err));
	CHECK_INT(err.class, ERR_INPUT);
	CHECK_STR(wire_get_c(&w, a), "");
	CHECK_OK(wire_done(&w, &err), err);
	buf_clear(&b);
}

TEST(big_endian)
{
	struct buf b;

	buf_init(&b, 64);
	wire_put_u32(&b, 1);
	wire_put_c(&b, "x");
	CHECK(str_eq(buf_str(&b), STR("\0\0\0\1\0\0\0\1x")));
	buf_clear(&b);
}

/* Cut anywhere, reading ends with zero values and a failure. */
TEST(truncation_sticks)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct buf                      b;

	put_all(&b);
	for (size_t len = 0; len < b.len; len++) {
		struct wire w = wire_of(str_of(b.ptr, len));

		wire_get_u8(&w);
		wire_get_u32(&w);
		wire_get_u64(&w);
		wire_get_i64(&w);
		wire_get_bool(&w);
		wire_get_str(&w);
		wire_get_c(&w, a);
		wire_get_c(&w, a);
		CHECK(!wire_done(&w, NULL));
		CHECK_INT(wire_get_u64(&w), 0);
		CHECK_INT(wire_get_str(&w).len, 0);
		CHECK_STR(wire_get_c(&w, a), "");
		CHECK(!wire_get_bool(&w));
	}
	buf_clear(&b);
}

TEST(refuses)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct wire                     w = wire_of(STR("\2"));

	wire_get_bool(&w);
	CHECK(!wire_done(&w, NULL));
	w = wire_of(STR("\0\0\0\3a\0b"));
	CHECK_STR(wire_get_c(&w, a), "");
	CHECK(!wire_done(&w, NULL));
	w = wire_of(STR("\xff\xff\xff\xff"));
	CHECK_INT(wire_get_str(&w).len, 0);
	CHECK(!wire_done(&w, NULL));
	w = wire_of((struct str){ 0 });
	CHECK(wire_done(&w, NULL));
}

TESTS(T(there_and_back), T(big_endian), T(truncation_sticks), T(refuses))
