/* Tables and times as people see them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "cli/output.h"
#include "cli/wait.h"
#include "test.h"

#define S_MS   INT64_C(1000)
#define DAY_MS (86400 * S_MS)

TEST(offsets)
{
	static const struct {
		int64_t     ms;
		const char *text;
	} cases[] = {
		{ 0, "+0.000 s" },           { 12, "+0.012 s" },          { -5, "-0.005 s" },       { 119999, "+119.999 s" },
		{ 120000, "+2 min 00 s" },   { 243000, "+4 min 03 s" },   { 7200000, "+2 h 00 min" }, { 7500000, "+2 h 05 min" },
		{ 2 * DAY_MS, "+2 d 00 h" }, { 10 * DAY_MS + 3600000, "+10 d 01 h" },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_STR(shown_offset(a, cases[i].ms), cases[i].text);
	arena_free(a);
}

TEST(distances)
{
	static const struct {
		int64_t     ms;
		const char *text;
	} cases[] = {
		{ 0, "now" },
		{ 999, "now" },
		{ 1000, "in 1 second" },
		{ -1000, "1 second ago" },
		{ 119 * S_MS, "in 119 seconds" },
		{ 120 * S_MS, "in 2 minutes" },
		{ -3 * 3600 * S_MS, "3 hours ago" },
		{ 59 * DAY_MS + 5, "in 59 days" },
		{ 3 * DAY_MS - 40, "in 3 days" },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_STR(shown_distance(a, 1800000000000 + cases[i].ms, 1800000000000), cases[i].text);
	CHECK_STR(shown_distance_of(a, NULL, 0), "-");
	CHECK_STR(shown_distance_of(a, "yesterday", 0), "-");
	CHECK_STR(shown_time(a, "2026-11-22T14:03:20.123Z"), "2026-11-22 14:03 UTC");
	CHECK_STR(shown_time(a, "2026-11-22T14:03:20+01:00"), "2026-11-22 13:03 UTC");
	CHECK_STR(shown_time(a, NULL), "-");
	arena_free(a);
}

TEST(text_of_strangers_does_not_drive_the_terminal)
{
	struct arena *a = arena_new();

	CHECK_STR(shown_text(a, "a\033[2Jb\r\n\tc\x7f"), "a?[2Jb???c?");
	CHECK_STR(shown_text(a, "grün \xc2\x9b"), "grün ??");
	CHECK_STR(shown_text(a, NULL), "");
	arena_free(a);
}

TEST(tables_are_aligned_by_characters)
{
	static const char *const head[] = { "NAME", "STATUS", "X" };
	struct arena            *a = arena_new();
	struct table             t;
	char                    *text = NULL;
	size_t                   len = 0;
	FILE                    *out = open_memstream(&text, &len);

	table_init(&t, a, head, 3);
	table_cell(&t, "grün.example");
	table_cell(&t, NULL);
	table_cellf(&t, "%d", 7);
	table_cell(&t, "a");
	table_cell(&t, "verified");
	table_cell(&t, "");
	table_cell(&t, "b");
	table_cell(&t, " ");
	table_cell(&t, " ");
	table_print(&t, out, 2);
	fclose(out);
	CHECK_STR(text, "  NAME          STATUS    X\n"
	                "  grün.example  -         7\n"
	                "  a             verified  -\n"
	                "  b\n");
	free(text);
	arena_free(a);
}

TEST(the_line_while_waiting)
{
	struct arena *a = arena_new();
	json_t       *order = json_object();

	json_put_str(order, "step", "preflight");
	CHECK_STR(wait_line(a, order, 1250, 0), " +1.250 s  preflight");
	json_put_str(order, "problem", "delegation-missing");
	json_put_str(order, "detail", "_acme-challenge.example.test does not exist");
	json_put_str(order, "next_try_at", "1970-01-01T00:00:05Z");
	CHECK_STR(wait_line(a, order, 1250, 0), " +1.250 s  preflight: _acme-challenge.example.test does not exist (next try in 5 seconds)");
	json_decref(order);
	arena_free(a);
}

TESTS(T(offsets), T(distances), T(text_of_strangers_does_not_drive_the_terminal), T(tables_are_aligned_by_characters),
      T(the_line_while_waiting))
