/* tests/unit/workflow/names.c: sets of names as they are stored. */
#include "workflow/names.h"

#include "test.h"

TEST(sets)
{
	static const struct {
		const char *left, *right;
		bool        share, same;
	} cases[] = {
		{ "a.test", "a.test", true, true },
		{ "a.test b.test", "b.test a.test", true, true },
		{ "a.test b.test", "b.test", true, false },
		{ "b.test", "a.test b.test", true, false },
		{ "a.test", "*.a.test", false, false },
		{ "a.test", "b.test", false, false },
	};
	AUTO(arena_freep) struct arena *a = arena_new();
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool share, same;

		CHECK_OK(names_share(a, cases[i].left, cases[i].right, &share, &err), err);
		CHECK_OK(names_same(a, cases[i].left, cases[i].right, &same, &err), err);
		CHECK_INT(share, cases[i].share);
		CHECK_INT(same, cases[i].same);
	}
}

TESTS(T(sets))
