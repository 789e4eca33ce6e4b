/* tests/unit/net/header.c: dates, delays, links and header lines. */
#include "test.h"

#include "net/header.h"

#define NOW 1795348800 /* 2026-11-22T12:00:00Z */

TEST(dates)
{
	static const struct {
		const char *text;
		int64_t     at_s; /* -1: refused */
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 }, { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 }, { "Sun Nov 16 08:49:37 1994", 784975777 },
		{ "Sun, 22 Nov 2026 12:00:00 GMT", NOW }, { "Sunday, 22-Nov-26 12:00:00 GMT", NOW },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 }, { "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
		{ "Thu, 29 Feb 2023 00:00:00 GMT", -1 }, { "Thu, 31 Apr 2024 00:00:00 GMT", -1 },
		{ "Thu, 00 Apr 2024 00:00:00 GMT", -1 }, { "Thu, 01 Apr 2024 24:00:00 GMT", -1 },
		{ "Thu, 01 Apr 2024 00:60:00 GMT", -1 }, { "Thu, 01 Apr 2024 00:00:00 CET", -1 },
		{ "Thu, 1 Apr 2024 00:00:00 GMT", -1 }, { "Xxx, 01 Apr 2024 00:00:00 GMT", -1 }, { "", -1 }, { "0", -1 },
		{ "Wed, 31 Dec 1969 23:59:59 GMT", -1 }, { "Sun, 06 Nov 1994 08:49:37 GMT GMT", -1 }, { "tomorrow", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at_s = -1;

		if (http_date_parse(str_c(rows[i].text), NOW, &at_s) != (rows[i].at_s >= 0))
			print_error("%s\n", rows[i].text);
		CHECK_INT(at_s, rows[i].at_s);
	}
}

TEST(retry_after)
{
	static const struct {
		const char *text;
		uint32_t    s; /* 0: refused */
	} rows[] = {
		{ "0", 1 }, { "1", 1 }, { " 120 ", 120 }, { "1209600", 1209600 }, { "1209601", 1209600 },
		{ "99999999999999999999999999", 1209600 }, { "Sun, 22 Nov 2026 12:01:00 GMT", 60 },
		{ "Sun, 22 Nov 2026 11:00:00 GMT", 1 }, { "Sun, 22 Nov 2099 11:00:00 GMT", 1209600 }, { "", 0 }, { "-1", 0 },
		{ "1.5", 0 }, { "soon", 0 }, { "12 s", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t s = 0;

		CHECK(http_retry_after(str_c(rows[i].text), NOW, &s) == (rows[i].s != 0));
		CHECK_INT(s, rows[i].s);
	}
}

TEST(links)
{
	static const struct {
		const char *text;
		const char *expected; /* "rel url|rel url|…" */
	} rows[] = {
		{ "<https://a/1>;rel=\"alternate\"", "alternate https://a/1|" },
		{ "<https://a/1>; rel=alternate, <https://a/2>;title=\"x, <y>;rel=z\"; REL=\"Up  index\"",
		  "alternate https://a/1|up https://a/2|index https://a/2|" },
		{ "<a>;rel=\"a\\\"b\"", "a\\\"b a|" }, { "<a>", "" }, { "<a>;rel", "" }, { "<a>;rel=", "" }, { "", "" },
		{ ",, <a> ; rel = b ,", "b a|" }, { "a;rel=b", "" }, { "<a;rel=b", "" }, { "<a>;rel=b;rel=c", "b a|" },
		{ "<a>;rel=\"b", "b a|" }, { "<a>;rel=b junk, <c>;rel=d", "b a|" }, { "<>;rel=b", "b |" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct http_link list[HTTP_LINKS_MAX];
		size_t           count = 0;
		char             text[512] = "";

		http_links_parse(a, str_c(rows[i].text), list, &count);
		for (size_t k = 0; k < count; k++) {
			size_t used = strlen(text);

			snprintf(text + used, sizeof(text) - used, "%s %s|", list[k].rel, list[k].url);
		}
		CHECK_STR(text, rows[i].expected);
	}
}

TEST(links_are_bounded)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct http_link list[HTTP_LINKS_MAX];
	size_t           count = HTTP_LINKS_MAX - 1;

	http_links_parse(a, STR("<a>;rel=\"b c d\", <e>;rel=f"), list, &count);
	CHECK_INT(count, HTTP_LINKS_MAX);
	CHECK_STR(list[HTTP_LINKS_MAX - 1].rel, "b");
}

TEST(header_lines)
{
	static const char *const bad[] = { "", ":", ": x", "a", "a b: c", "a\t: c", "a : c", "a\xff: b", "a: b\x01", "a: \x7f",
		                           "a: b\nc: d", "a: b\rc" };
	struct str name, value;

	CHECK(http_header_split(STR("Link: \t <a>;b \t"), &name, &value));
	CHECK(str_eq(name, STR("Link")) && str_eq(value, STR("<a>;b")));
	CHECK(http_header_split(STR("a:"), &name, &value) && value.len == 0);
	CHECK(http_header_split(STR("a:b\tc:\xc3\xa9"), &name, &value) && value.len == 6);
	CHECK(!http_header_split(STR("a: b\0c"), &name, &value));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!http_header_split(str_c(bad[i]), &name, &value));
}

TEST(media_types)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	CHECK_STR(http_media_type(a, STR("Text/HTML; charset=utf-8")), "text/html");
	CHECK_STR(http_media_type(a, STR(" application/json ")), "application/json");
	CHECK_STR(http_media_type(a, STR("")), "");
	CHECK_STR(http_media_type(a, STR(";x")), "");
}

TESTS(T(dates), T(retry_after), T(links), T(links_are_bounded), T(header_lines), T(media_types))
