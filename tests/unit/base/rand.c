/* Unit tests of base/rand.h. */
#include "base/rand.h"
#include "test.h"

TEST(fills)
{
	unsigned char bytes[4096] = { 0 };
	size_t        zeros = 0;

	rand_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		zeros += bytes[i] == 0;
	/* 16 expected; 100 happens once in the age of the universe. */
	CHECK(zeros < 100);
	rand_bytes(bytes, 0);
	CHECK(rand_u64() != rand_u64());
}

TEST(jitter)
{
	bool below = false, above = false;

	for (int i = 0; i < 2000; i++) {
		int64_t v = rand_jitter(1000, 10);

		CHECK(v >= 900 && v <= 1100);
		below = below || v < 1000;
		above = above || v > 1000;
		v = rand_jitter(-1000, 10);
		CHECK(v >= -1100 && v <= -900);
		rand_jitter(INT64_MAX, 100);
		rand_jitter(INT64_MIN, 100);
	}
	CHECK(below && above);
	CHECK_INT(rand_jitter(1000, 0), 1000);
	CHECK_INT(rand_jitter(0, 50), 0);
}

TESTS(T(fills), T(jitter))
