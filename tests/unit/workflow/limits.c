/* The limits of CAs: their table, settings, buckets and keys. */
#include "workflow/limits.h"

#include "test.h"

#define HOUR ((int64_t)3600000)
#define DAY  (24 * HOUR)
#define NOW  (20000 * DAY)

TEST(known)
{
	struct limits x;

	limits_known("https://acme-v02.api.letsencrypt.org/directory", &x);
	CHECK_INT(x.limit[LIMIT_NEW_ORDERS].count, 300);
	CHECK_INT(x.limit[LIMIT_NEW_ORDERS].window_ms, 3 * HOUR);
	CHECK_INT(x.limit[LIMIT_SET].count, 5);
	CHECK_INT(limit_cost_ms(&x.limit[LIMIT_DOMAIN]) / 60000, 201); /* "1 per 202 minutes" */
	CHECK(x.window_exempt);
	CHECK_STR(x.staging_url, "https://acme-staging-v02.api.letsencrypt.org/directory");
	limits_known("https://acme.example/directory", &x);
	for (unsigned i = 0; i < LIMIT__COUNT; i++)
		CHECK_INT(x.limit[i].count, 0);
	CHECK(!x.window_exempt && x.staging_url == NULL);
	limits_known("no URL", &x);
}

TEST(settings)
{
	static const struct {
		const char *text;
		bool        ok;
	} cases[] = {
		{ "", true },
		{ "new-orders=300/3h", true },
		{ " new-orders=1/1s , exact-set=off,", true },
		{ "certificates-per-domain=50/7d,failed-validations=5/60m,consecutive-failures=1152/1152d", true },
		{ "new-orders", false },
		{ "new-orders=", false },
		{ "new-orders=0/3h", false },
		{ "new-orders=5/0h", false },
		{ "new-orders=5/3w", false },
		{ "new-orders=5", false },
		{ "new-orders=5/h", false },
		{ "new-orders=-5/3h", false },
		{ "new-orders=2000000/3h", false },
		{ "new-orders=5/99999d", false },
		{ "new-orders=5000/1s", false }, /* less than a millisecond each */
		{ "requests=5/3h", false },      /* never counted */
		{ "something=5/3h", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct limits x = { .limit = { [LIMIT_SET] = { 5, DAY } } };
		struct err    err = { 0 };

		if (limits_parse(str_c(cases[i].text), &x, &err) != cases[i].ok)
			fail_msg("\"%s\": %s", cases[i].text, err.text);
		if (!cases[i].ok) {
			CHECK_INT(x.limit[LIMIT_SET].count, 5);
			CHECK_STR(err.problem, "invalid-request");
			CHECK(err.hint[0] != '\0');
		}
	}
	struct limits x = { .limit = { [LIMIT_SET] = { 5, DAY } } };
	struct err    err = { 0 };
	CHECK_OK(limits_parse(STR("exact-set=off, new-orders=2/90m"), &x, &err), err);
	CHECK_INT(x.limit[LIMIT_SET].count, 0);
	CHECK_INT(x.limit[LIMIT_NEW_ORDERS].count, 2);
	CHECK_INT(x.limit[LIMIT_NEW_ORDERS].window_ms, 90 * 60000);
}

/* Exactly `count` at once, then one per window / count; never more than that in any window. */
TEST(the_bucket)
{
	static const struct limit limits[] = { { 5, 7 * DAY }, { 300, 3 * HOUR }, { 1, HOUR }, { 3, 10000 } };

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const struct limit *l = &limits[i];
		int64_t             full_at = 0, now = NOW;

		for (int64_t n = 0; n < l->count; n++) {
			CHECK_INT(limit_left(l, full_at, now), l->count - n);
			CHECK_INT(limit_next_at(l, full_at, now), now);
			full_at = limit_take(l, full_at, now);
		}
		CHECK_INT(limit_left(l, full_at, now), 0);
		for (int n = 0; n < 10; n++) {
			int64_t next = limit_next_at(l, full_at, now);

			CHECK(next > now && next <= now + limit_cost_ms(l));
			CHECK_INT(limit_next_at(l, full_at, next), next);
			full_at = limit_take(l, full_at, next);
			now = next;
		}
		/* Left alone it is full again. */
		CHECK_INT(limit_left(l, full_at, now + l->window_ms), l->count);
	}
}

static const char *keys_of(struct arena *a, enum limit_key key, const char *names)
{
	struct identifier ids[8];
	struct str        rest = str_c(names), one;
	size_t            count = 0, keys_count;
	const char      **keys, *text = "";

	while (str_next(&rest, ' ', &one)) {
		struct err err = { 0 };

		CHECK_OK(identifier_parse(one, &ids[count++], &err), err);
	}
	limit_keys(a, key, ids, count, &keys, &keys_count);
	for (size_t i = 0; i < keys_count; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? "|" : "", keys[i]);
	return text;
}

TEST(keys)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	CHECK_STR(keys_of(a, LIMIT_KEY_NONE, "a.example.com b.example.com"), "");
	CHECK_STR(keys_of(a, LIMIT_KEY_NAME, "*.example.com example.com b.example.com"), "b.example.com|example.com");
	CHECK_STR(keys_of(a, LIMIT_KEY_SET, "b.example.com *.a.com B.example.com"), "*.a.com b.example.com");
	CHECK_STR(keys_of(a, LIMIT_KEY_SET, "*.a.com b.example.com"), "*.a.com b.example.com");
	/* eTLD+1 by the public suffix list, its private part included; a suffix counts for itself. */
	CHECK_STR(keys_of(a, LIMIT_KEY_DOMAIN, "x.y.example.co.uk www.example.co.uk *.example.com"), "example.co.uk|example.com");
	CHECK_STR(keys_of(a, LIMIT_KEY_DOMAIN, "a.b.github.io"), "b.github.io");
	CHECK_STR(keys_of(a, LIMIT_KEY_DOMAIN, "co.uk"), "co.uk");
	CHECK_STR(keys_of(a, LIMIT_KEY_DOMAIN, "a.b.test"), "b.test");
}

TEST(words)
{
	CHECK_INT(limits_from_words("too many new orders (300) from this account in the last 3h0m0s"), LIMIT_NEW_ORDERS);
	CHECK_INT(limits_from_words("too many certificates (50) already issued for \"example.com\" in the last 168h0m0s"), LIMIT_DOMAIN);
	CHECK_INT(limits_from_words("too many certificates (5) already issued for this exact set of identifiers"), LIMIT_SET);
	CHECK_INT(limits_from_words("too many failed authorizations (5) for \"example.com\""), LIMIT_FAILED);
	CHECK_INT(limits_from_words("slow down"), LIMIT_REQUESTS);
}

TESTS(T(known), T(settings), T(the_bucket), T(keys), T(words))
