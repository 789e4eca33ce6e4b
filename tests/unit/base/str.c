/* Unit tests of base/str.h. */
#include "test.h"

TEST(equal)
{
	CHECK(str_eq(STR(""), (struct str){ 0 }));
	CHECK(str_eq(STR("a\0b"), STR("a\0b")));
	CHECK(!str_eq(STR("a\0b"), STR("a\0c")));
	CHECK(!str_eq(STR("a"), STR("A")));
	CHECK(str_eq_nocase(STR("eXample"), STR("ExAMPLE")));
	CHECK(!str_eq_nocase(STR("[a"), STR("{a")));
	CHECK(str_starts(STR("_acme-challenge.x"), STR("_acme-challenge.")));
	CHECK(!str_starts(STR("_acme"), STR("_acme-")));
	CHECK(str_ends(STR("a.example"), STR(".example")));
	CHECK(!str_ends(STR("example"), STR(".example")));
	CHECK(str_ends((struct str){ 0 }, STR("")));
	CHECK(str_has_nul(STR("a\0")));
	CHECK(!str_has_nul(STR("a")));
}

TEST(trim)
{
	CHECK(str_eq(str_trim(STR(" \t a b\r\n")), STR("a b")));
	CHECK_INT(str_trim(STR(" \n ")).len, 0);
	CHECK_INT(str_trim((struct str){ 0 }).len, 0);
}

TEST(fields)
{
	static const struct {
		const char *text;
		const char *fields[4];
	} cases[] = {
		{ "", { NULL } },
		{ "a", { "a", NULL } },
		{ "a,b", { "a", "b", NULL } },
		{ ",a", { "", "a", NULL } },
		{ "a,,b", { "a", "", "b", NULL } },
		{ "a,", { "a", NULL } },
		{ ",", { "", NULL } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str rest = str_c(cases[i].text), field;
		size_t     n = 0;

		while (str_next(&rest, ',', &field)) {
			CHECK(cases[i].fields[n] != NULL);
			CHECK(str_eq(field, str_c(cases[i].fields[n])));
			n++;
		}
		CHECK(cases[i].fields[n] == NULL);
		CHECK(!str_next(&rest, ',', &field));
	}
	CHECK_INT(str_index(STR("abc"), 'c'), 2);
	CHECK_INT(str_index(STR("abc"), 'x'), 3);
}

TEST(numbers)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "1a", "0x1", "18446744073709551616",
		                           "99999999999999999999" };
	uint64_t                 value = 7;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(!str_to_u64(str_c(bad[i]), &value));
		CHECK_INT(value, 7);
	}
	CHECK(str_to_u64(STR("18446744073709551615"), &value) && value == UINT64_MAX);
	CHECK(str_to_u64(STR("007"), &value) && value == 7);
}

TEST(utf8)
{
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
		                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xff", "" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_INT(str_utf8(str_c(bad[i])), 0);
	CHECK_INT(str_utf8(STR("a")), 1);
	CHECK_INT(str_utf8(STR("ü")), 2);
	CHECK_INT(str_utf8(STR("€")), 3);
	CHECK_INT(str_utf8(STR("😀")), 4);
}

TEST(escape)
{
	char text[] = "a\x1b[31m\n\x7f ü \xc2\x9b \xff€\xe2\x82";
	char upper[] = "ABC-z";

	str_escape(text);
	CHECK_STR(text, "a?[31m?? ü ?? ?€??");
	str_lower(upper);
	CHECK_STR(upper, "abc-z");
}

TESTS(T(equal), T(trim), T(fields), T(numbers), T(utf8), T(escape))
