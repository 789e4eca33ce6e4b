/* The step table is consistent with itself: what the engine relies on. */
#include "workflow/steps.h"

#include "test.h"

TEST(every_step_has_a_row)
{
	for (unsigned i = STEP_NONE + 1; i < STEP__COUNT; i++) {
		CHECK(steps[i].kind != NULL);
		CHECK(steps[i].name != NULL);
	}
}

TEST(names_are_unique_within_a_kind)
{
	for (unsigned i = STEP_NONE + 1; i < STEP__COUNT; i++)
		CHECK_INT(step_find(steps[i].kind, steps[i].name), i);
	CHECK_INT(step_find("order", "no-such-step"), STEP_NONE);
	CHECK_INT(step_find("no-such-kind", "key"), STEP_NONE);
}

/* A job never changes its kind, and every step leads to an end or to itself. */
TEST(next_stays_within_the_kind)
{
	for (unsigned i = STEP_NONE + 1; i < STEP__COUNT; i++) {
		unsigned at = i;

		if (steps[i].run == NULL)
			continue;
		CHECK(steps[i].next != STEP_NONE);
		CHECK_STR(steps[steps[i].next].kind, steps[i].kind);
		for (unsigned hops = 0; steps[at].run != NULL && steps[at].next != at; hops++) {
			CHECK(hops < STEP__COUNT);
			at = steps[at].next;
		}
	}
}

/* A pure step has no crash points: it has no commit. The others that act outside have both or none. */
TEST(pure_steps_have_no_commit)
{
	for (unsigned i = STEP_NONE + 1; i < STEP__COUNT; i++) {
		if (steps[i].run == NULL)
			continue;
		CHECK_INT(steps[i].before == CRASH__COUNT, steps[i].after == CRASH__COUNT);
		if (steps[i].pure)
			CHECK_INT(steps[i].before, CRASH__COUNT);
	}
}

/* What is owed never gives up. */
TEST(removal_never_gives_up)
{
	CHECK_INT(steps[STEP_REMOVE].attempts_max, 0);
	CHECK_INT(steps[STEP_PREFLIGHT].attempts_max, 0);
}

TESTS(T(every_step_has_a_row), T(names_are_unique_within_a_kind), T(next_stays_within_the_kind),
      T(pure_steps_have_no_commit), T(removal_never_gives_up))
