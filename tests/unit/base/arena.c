/* Unit tests of base/arena.h. */
#include "base/arena.h"
#include "test.h"

TEST(zeroed_and_aligned)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	unsigned char                  *kept[300];

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		size_t size = i * i % 7001;

		kept[i] = arena_alloc(a, size);
		CHECK((uintptr_t)kept[i] % _Alignof(max_align_t) == 0);
		for (size_t j = 0; j < size; j++)
			CHECK_INT(kept[i][j], 0);
		memset(kept[i], (int)(i & 0xff), size);
	}
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		for (size_t j = 0; j < i * i % 7001; j++)
			CHECK_INT(kept[i][j], i & 0xff);
	}
	arena_reset(a);
	CHECK_STR(arena_strdup(a, "again"), "again");
}

TEST(strings)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str                      copy = arena_dup(a, STR("a\0b"));

	CHECK(copy.len == 3 && memcmp(copy.ptr, "a\0b", 4) == 0);
	CHECK_STR(arena_str(a, (struct str){ 0 }), "");
	CHECK(arena_strdup(a, NULL) == NULL);
	CHECK_STR(arena_printf(a, "%s-%d", "x", 7), "x-7");
	CHECK(arena_alloc(a, 0) != NULL);
	arena_free(NULL);
}

TESTS(T(zeroed_and_aligned), T(strings))
