/* Unit tests of base/buf.h. */
#include "base/buf.h"
#include "test.h"

TEST(grows)
{
	struct buf b;

	buf_init(&b, 100000);
	CHECK(b.ptr == NULL && b.len == 0);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%04d,", i);
	CHECK(!b.failed);
	CHECK_INT(b.len, 50000);
	CHECK_INT(strlen(b.ptr), 50000);
	CHECK(str_ends(buf_str(&b), STR("9998,9999,")));
	buf_reset(&b);
	CHECK_STR(b.ptr, "");
	buf_add_c(&b, "a");
	buf_add_char(&b, '\0');
	buf_add_str(&b, STR("b"));
	CHECK(str_eq(buf_str(&b), STR("a\0b")));
	buf_clear(&b);
	CHECK(b.ptr == NULL);
}

TEST(stops_at_maximum)
{
	struct buf b;

	buf_init(&b, 4);
	buf_add_c(&b, "abcd");
	CHECK(!b.failed);
	buf_add_c(&b, "e");
	CHECK(b.failed);
	CHECK_STR(b.ptr, "abcd");
	/* Also what would fit is dropped after a failure: the text would have a hole. */
	buf_reset(&b);
	buf_add_c(&b, "abcde");
	buf_add_c(&b, "a");
	CHECK(b.failed && b.len == 0);
	buf_reset(&b);
	buf_printf(&b, "%d", 12345);
	CHECK(b.failed && b.len == 0);
	buf_wipe(&b);
}

TESTS(T(grows), T(stops_at_maximum))
