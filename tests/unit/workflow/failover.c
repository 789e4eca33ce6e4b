/* tests/unit/workflow/failover.c: whose turn it is, case by case. */
#include "workflow/failover.h"

#include "test.h"

#define MINUTE ((int64_t)60 * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOW    (20000 * DAY)

TEST(durations)
{
	static const struct {
		const char *text;
		int64_t     ms; /* -1: refused */
	} cases[] = {
		{ "", 12 * HOUR }, { "0", 0 },   { "90m", 90 * MINUTE }, { "12h", 12 * HOUR }, { "2d", 2 * DAY },
		{ "1/3", -1 },     { "33%", -1 }, { "0m", -1 },           { "-1h", -1 },        { "soon", -1 },
		{ "00", -1 },      { " 1h", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		int64_t    ms = -1;

		CHECK_INT(failover_after_parse(str_c(cases[i].text), &ms, &err), cases[i].ms >= 0);
		CHECK_INT(ms, cases[i].ms);
		CHECK_STR(err.problem, cases[i].ms >= 0 ? "" : "invalid-request");
	}
}

TEST(reasons)
{
	static const struct {
		struct failover_facts facts;
		int64_t               after;
		bool                  second;
	} cases[] = {
		/* it does not fail, whatever else is true */
		{ { 0 }, 0, false },
		{ { .not_before_at = NOW - 90 * DAY, .not_after_at = NOW + HOUR }, 0, false },
		/* long enough */
		{ { .failing_at = NOW - HOUR }, 12 * HOUR, false },
		{ { .failing_at = NOW - 12 * HOUR }, 12 * HOUR, true },
		{ { .failing_at = NOW }, 0, true },
		/* the end is near: less than a sixth of the life */
		{ { .failing_at = NOW - MINUTE, .not_before_at = NOW - 74 * DAY, .not_after_at = NOW + 16 * DAY }, 12 * HOUR, false },
		{ { .failing_at = NOW - MINUTE, .not_before_at = NOW - 76 * DAY, .not_after_at = NOW + 14 * DAY }, 12 * HOUR, true },
		{ { .failing_at = NOW - MINUTE, .not_before_at = NOW - 91 * DAY, .not_after_at = NOW - DAY }, 12 * HOUR, true },
		/* the second one has just failed too: they take turns */
		{ { .failing_at = NOW - DAY, .failed_by_other = true }, 12 * HOUR, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(failover_reason(&cases[i].facts, cases[i].after, NOW) != NULL, cases[i].second);
}

TEST(failures)
{
	CHECK(failover_is_failure("ca-unreachable") && failover_is_failure("serverInternal") && failover_is_failure("rateLimited"));
	CHECK(!failover_is_failure("") && !failover_is_failure("rejectedIdentifier") && !failover_is_failure("caa") &&
	      !failover_is_failure("dns") && !failover_is_failure("delegation-missing") && !failover_is_failure("unauthorized"));
}

TESTS(T(durations), T(reasons), T(failures))
