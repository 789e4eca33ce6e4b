/* tests/unit/acme/renewal_info.c: windows as CAs suggest them, and as they must not. */
#include "test.h"

#include "acme/renewal_info.h"

/* RFC 9773 4.2, word for word. */
TEST(the_example_of_the_rfc)
{
	static const char body[] = "{\n  \"suggestedWindow\": {\n    \"start\": \"2025-01-02T04:00:00Z\",\n    \"end\": \"2025-01-03T04:00:00Z\"\n"
				   "  },\n  \"explanationURL\": \"https://acme.example.com/docs/ari\"\n}\n";
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_renewal_info info;
	struct err               err = { 0 };

	CHECK_OK(acme_renewal_info_parse(a, str_c(body), &info, &err), err);
	CHECK_INT(info.start_at, 1735790400000);
	CHECK_INT(info.end_at, 1735876800000);
	CHECK_STR(info.explanation_url, "https://acme.example.com/docs/ari");
	CHECK_STR(acme_renewal_info_url(a, "https://acme.example.com/renewal-info", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"),
	          "https://acme.example.com/renewal-info/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	CHECK_STR(acme_renewal_info_url(a, "https://ari.example/", "a.b"), "https://ari.example/a.b");
}

#define WINDOW(start, end) "{\"suggestedWindow\":{\"start\":\"" start "\",\"end\":\"" end "\"}}"

TEST(windows_that_are_read)
{
	static const struct {
		const char *body;
		int64_t     start_at, end_at;
		const char *url;
	} cases[] = {
		/* fractions and offsets */
		{ WINDOW("2026-11-22T14:00:00.123456789+02:00", "2026-11-22T12:00:01Z"), 1795348800123, 1795348801000, "" },
		/* in the past: renew at once */
		{ WINDOW("2001-01-01T00:00:00Z", "2001-01-01T00:00:01Z"), 978307200000, 978307201000, "" },
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-22T12:00:00Z\",\"end\":\"2026-11-22T13:00:00Z\",\"x\":1},\"y\":[],"
		  "\"explanationURL\":\"http://status.example/#incident-7\"}", 1795348800000, 1795352400000,
		  "http://status.example/#incident-7" },
		/* an explanation that is no URL does not cost the window */
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-22T12:00:00Z\",\"end\":\"2026-11-22T13:00:00Z\"},"
		  "\"explanationURL\":\"javascript:alert(1)\"}", 1795348800000, 1795352400000, "" },
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-22T12:00:00Z\",\"end\":\"2026-11-22T13:00:00Z\"},\"explanationURL\":7}",
		  1795348800000, 1795352400000, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_renewal_info info;
		struct err               err = { 0 };

		CHECK_OK(acme_renewal_info_parse(a, str_c(cases[i].body), &info, &err), err);
		CHECK_INT(info.start_at, cases[i].start_at);
		CHECK_INT(info.end_at, cases[i].end_at);
		CHECK_STR(info.explanation_url, cases[i].url);
	}
}

TEST(windows_that_are_none)
{
	static const char *const bodies[] = {
		"", "[]", "null", "<html>", "{}", "{\"suggestedWindow\":null}", "{\"suggestedWindow\":[]}",
		"{\"suggestedWindow\":{\"start\":\"2026-11-22T12:00:00Z\"}}",
		"{\"suggestedWindow\":{\"end\":\"2026-11-22T12:00:00Z\"}}",
		"{\"suggestedWindow\":{\"start\":1795348800,\"end\":1795352400}}",
		WINDOW("2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"), /* empty */
		WINDOW("2026-11-22T12:00:00Z", "2026-11-22T11:00:00Z"), /* inverted */
		WINDOW("2026-11-22T12:00:00Z", "2036-11-22T11:00:00Z"), /* ten years */
		WINDOW("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"), /* a zero value of Go */
		WINDOW("2026-11-22T12:00:00Z", "9999-12-31T23:59:59Z"),
		WINDOW("2026-11-22 12:00:00", "2026-11-22 13:00:00"),
		WINDOW("2026-11-31T12:00:00Z", "2026-12-22T13:00:00Z"),
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_renewal_info info = { .start_at = 7 };
		struct err               err = { 0 };

		CHECK(!acme_renewal_info_parse(a, str_c(bodies[i]), &info, &err));
		CHECK_INT(err.class, ERR_PERMANENT);
		CHECK_STR(err.problem, "ca-nonsense");
		CHECK(err.text[0] != '\0');
		CHECK_INT(info.start_at, 7);
	}
}

TEST(draws_are_inside)
{
	CHECK_INT(acme_renewal_info_draw(1000, 1001, UINT64_MAX), 1000);
	CHECK_INT(acme_renewal_info_draw(1000, 2000, 0), 1000);
	CHECK_INT(acme_renewal_info_draw(1000, 2000, 999), 1999);
	CHECK_INT(acme_renewal_info_draw(1000, 2000, 1000), 1000);
}

TESTS(T(the_example_of_the_rfc), T(windows_that_are_read), T(windows_that_are_none), T(draws_are_inside))
