/* Unit tests of base/clock.h. */
#include "base/clock.h"
#include "test.h"

static const struct {
	const char *text;
	int64_t     ms;
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1969-12-31T23:59:59.999Z", -1 },
	{ "2000-02-29T12:00:00Z", 951825600000 },
	{ "2026-11-22T14:03:20.123Z", 1795356200123 },
	{ "2100-02-28T23:59:59Z", 4107542399000 },
	{ "2100-03-01T00:00:00Z", 4107542400000 },
	{ "9999-12-31T23:59:59.999Z", 253402300799999 },
	{ "0000-01-01T00:00:00Z", -62167219200000 },
};

TEST(there_and_back)
{
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		char    text[CLOCK_RFC3339_SIZE];
		int64_t ms = 42;

		CHECK_STR(clock_rfc3339(times[i].ms, text), times[i].text);
		CHECK(clock_parse_rfc3339(str_c(times[i].text), &ms));
		CHECK_INT(ms, times[i].ms);
	}
}

/* Every day of 800 years against the C library. */
TEST(agrees_with_gmtime)
{
	for (int64_t day = -146097; day < 146097; day++) {
		char      ours[CLOCK_RFC3339_SIZE], theirs[64];
		time_t    at = day * 86400 + 3661;
		struct tm tm;
		int64_t   ms;

		assert_non_null(gmtime_r(&at, &tm));
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm);
		CHECK_STR(clock_rfc3339((int64_t)at * 1000, ours), theirs);
		CHECK(clock_parse_rfc3339(str_c(ours), &ms));
		CHECK_INT(ms, (int64_t)at * 1000);
	}
}

TEST(other_spellings)
{
	int64_t ms;

	CHECK(clock_parse_rfc3339(STR("1970-01-01t01:00:00+01:00"), &ms) && ms == 0);
	CHECK(clock_parse_rfc3339(STR("1969-12-31T14:30:00-09:30"), &ms) && ms == 0);
	CHECK(clock_parse_rfc3339(STR("1970-01-01T00:00:00.5z"), &ms) && ms == 500);
	CHECK(clock_parse_rfc3339(STR("1970-01-01T00:00:00.123456789Z"), &ms) && ms == 123);
	CHECK(clock_parse_rfc3339(STR("2016-12-31T23:59:60Z"), &ms) && ms == 1483228800000);
}

TEST(refuses)
{
	static const char *const bad[] = {
		"", "2026", "2026-11-22", "2026-11-22T14:03:20", "2026-11-22 14:03:20Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00.Z", "2026-01-01T00:00:00ZZ", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0100",
		"2026-1-01T00:00:00Z", "+026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:60", " 2026-01-01T00:00:00Z",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t ms = 7;

		CHECK(!clock_parse_rfc3339(str_c(bad[i]), &ms));
		CHECK_INT(ms, 7);
	}
}

TEST(clamps)
{
	char text[CLOCK_RFC3339_SIZE];

	CHECK_STR(clock_rfc3339(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
	CHECK_STR(clock_rfc3339(INT64_MIN, text), "0000-01-01T00:00:00Z");
}

TEST(monotonic)
{
	int64_t before = clock_mono_ms();

	clock_sleep_ms(20);
	CHECK(clock_mono_ms() - before >= 20);
	clock_sleep_ms(-1);
	CHECK(clock_now_ms() > 1700000000000);
}

TESTS(T(there_and_back), T(agrees_with_gmtime), T(other_spellings), T(refuses), T(clamps), T(monotonic))
