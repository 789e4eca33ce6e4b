/* Unit tests of workflow/visible.h: the waits between two looks. */
#include "test.h"
#include "workflow/visible.h"

TEST(waits_grow_and_end)
{
	int64_t total = 0;

	for (int64_t i = 0; i < VISIBLE_LOOKS_MAX; i++) {
		int64_t ms = visible_wait_ms(i);

		CHECK(ms >= 400 && ms <= 50000);
		total += ms;
	}
	/* Providers promise minutes; a value that half an hour does not show will not come. */
	CHECK(visible_wait_ms(0) < 600 && total > 25 * 60 * 1000 && total < 60 * 60 * 1000);
}

TEST(the_provider_is_asked_now_and_then)
{
	CHECK(!visible_ask_provider(0));
	CHECK(visible_ask_provider(6) && !visible_ask_provider(7) && visible_ask_provider(12));
}

TESTS(T(waits_grow_and_end), T(the_provider_is_asked_now_and_then))
