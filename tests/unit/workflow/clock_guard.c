/* The wall clock jumps, and who is believed then. */
#include "workflow/clock_guard.h"

#include "test.h"

#define HOUR ((int64_t)3600 * 1000)
#define DAY  (24 * HOUR)
#define WALL (20000 * DAY)

TEST(a_steady_clock_is_believed)
{
	struct clock_guard g = { 0 };

	for (int64_t t = 0; t < 400 * DAY; t += 13 * HOUR)
		CHECK(clock_guard_look(&g, WALL + t, 5 + t));
	/* Slewed by a second an hour, for a year: nobody jumps. */
	for (int64_t t = 0; t < 400 * DAY; t += HOUR)
		CHECK(clock_guard_look(&g, WALL + t + t / 3600, 5 + t));
}

TEST(a_jump_is_doubted_until_a_ca_agrees)
{
	static const int64_t jumps[] = { HOUR + 1000, -HOUR - 1000, 40 * DAY, -40 * DAY, 400 * DAY, -400 * DAY };

	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		struct clock_guard g = { 0 };

		CHECK(clock_guard_look(&g, WALL, 0));
		CHECK(!clock_guard_look(&g, WALL + jumps[i], 10));
		CHECK(!clock_guard_look(&g, WALL + jumps[i] + DAY, 10 + DAY));
		/* The CA has the old time: still doubted. */
		clock_guard_witness(&g, WALL + jumps[i], 20, WALL);
		CHECK(!clock_guard_look(&g, WALL + jumps[i], 20));
		/* The CA has the new one: it was a correction. */
		clock_guard_witness(&g, WALL + jumps[i], 30, WALL + jumps[i] + HOUR / 2);
		CHECK(clock_guard_look(&g, WALL + jumps[i], 30));
	}
}

TEST(a_jump_that_is_undone)
{
	struct clock_guard g = { 0 };

	CHECK(clock_guard_look(&g, WALL, 0));
	CHECK(!clock_guard_look(&g, WALL + DAY, 10));
	CHECK(clock_guard_look(&g, WALL + 20, 20));
	CHECK(clock_guard_look(&g, WALL + HOUR, 30)); /* an hour is not more than an hour */
}

TEST(a_ca_with_a_wrong_clock)
{
	struct clock_guard g = { 0 };

	/* The first word is a wrong one: nothing is known, so nothing is renewed. */
	clock_guard_witness(&g, WALL, 0, WALL + 3 * DAY);
	CHECK(!clock_guard_look(&g, WALL, 1));
	/* Another CA agrees; from now on the wrong one is only wrong. */
	clock_guard_witness(&g, WALL, 2, WALL + 500);
	CHECK(clock_guard_look(&g, WALL, 3));
	clock_guard_witness(&g, WALL, 4, WALL + 3 * DAY);
	clock_guard_witness(&g, WALL, 4, INT64_MIN);
	CHECK(clock_guard_look(&g, WALL, 5));
}

TEST(suspended_is_no_jump)
{
	struct clock_guard g = { 0 };

	/* The boot clock goes on during suspend. */
	CHECK(clock_guard_look(&g, WALL, 0));
	CHECK(clock_guard_look(&g, WALL + 30 * DAY, 30 * DAY));
}

TESTS(T(a_steady_clock_is_believed), T(a_jump_is_doubted_until_a_ca_agrees), T(a_jump_that_is_undone),
      T(a_ca_with_a_wrong_clock), T(suspended_is_no_jump))
