/*
 * tests/test.h: what each unit test includes: cmocka and three short names.
 *
 * TEST(name) { … CHECK(condition); CHECK_STR(a, b); … }
 * TESTS(T(name), T(other))   the main() of the program, TAP on standard output.
 */
#ifndef REEVE_TESTS_TEST_H
#define REEVE_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

#define TEST(name)      static void name(void **state UNUSED)
#define CHECK(c)        assert_true(c)
#define CHECK_STR(a, b) assert_string_equal(a, b)
#define CHECK_INT(a, b) assert_int_equal((intmax_t)(a), (intmax_t)(b))
/* The call must succeed; on failure the sentence of the error is shown. */
#define CHECK_OK(call, err)                                                                        \
	do {                                                                                       \
		if (!(call))                                                                       \
			fail_msg("%s: %s", #call, (err).text);                                     \
	} while (0)
#define T(name) cmocka_unit_test(name)
#define TESTS(...)                                                                                 \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };                                 \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}

#endif
