/* Which CAA record sets permit an issuer. RFC 8659 4, RFC 8657. */
#include "dns/caa.h"

#include "test.h"

struct record {
	uint8_t     flags;
	const char *tag, *value;
};

static const char *const ours[] = { "ca.example", "other-name.example" };

static struct str rdata(struct arena *a, const struct record *r)
{
	size_t tag = strlen(r->tag), value = strlen(r->value);
	char  *bytes = arena_alloc(a, 2 + tag + value + 1);

	bytes[0] = (char)r->flags;
	bytes[1] = (char)tag;
	memcpy(bytes + 2, r->tag, tag);
	memcpy(bytes + 2 + tag, r->value, value);
	return str_of(bytes, 2 + tag + value);
}

TEST(sets)
{
	static const struct {
		struct record set[4];
		bool          wildcard, permitted;
		const char   *words;
	} cases[] = {
		{ { { 0, "iodef", "mailto:x@y" } }, false, true, "no CAA record" },
		{ { { 0, "issue", "ca.example" } }, false, true, "permits ca.example" },
		{ { { 0, "ISSUE", " CA.Example " } }, false, true, "permits" },
		{ { { 0, "issue", "other-name.example" } }, false, true, "permits" },
		{ { { 0, "issue", "somebody.example" } }, false, false, "forbids" },
		{ { { 0, "issue", ";" } }, false, false, "forbids" },
		{ { { 0, "issue", "" } }, false, false, "forbids" },
		{ { { 0, "issue", ";" }, { 0, "issue", "ca.example" } }, false, true, "permits" },
		/* issuewild is for wildcards alone, and hides issue there */
		{ { { 0, "issuewild", ";" } }, false, true, "no CAA record" },
		{ { { 0, "issuewild", ";" }, { 0, "issue", "ca.example" } }, true, false, "issuewild forbids" },
		{ { { 0, "issuewild", "ca.example" }, { 0, "issue", ";" } }, true, true, "issuewild permits" },
		{ { { 0, "issue", "ca.example" } }, true, true, "issue permits" },
		/* critical and unknown */
		{ { { 128, "future", "x" }, { 0, "issue", "ca.example" } }, false, false, "critical" },
		{ { { 0, "future", "x" } }, false, true, "no CAA record" },
		{ { { 128, "issue", "ca.example" } }, false, true, "permits" },
		/* RFC 8657 */
		{ { { 0, "issue", "ca.example; validationmethods=dns-01" } }, false, true, "permits" },
		{ { { 0, "issue", "ca.example; validationmethods=http-01,dns-01" } }, false, true, "permits" },
		{ { { 0, "issue", "ca.example; validationmethods=http-01" } }, false, false, "dns-01" },
		{ { { 0, "issue", "ca.example; accounturi=https://ca.example/acct/1" } }, false, true, "permits" },
		{ { { 0, "issue", "ca.example; accounturi=https://ca.example/acct/2" } }, false, false, "another account" },
		{ { { 0, "issue", "ca.example;accounturi=https://ca.example/acct/2" }, { 0, "issue", "ca.example" } }, false, true, "permits" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct str                      set[4];
		size_t                          count = 0;
		struct caa_question q = { ours, ARRAY_LEN(ours), "https://ca.example/acct/1", cases[i].wildcard };
		struct caa_verdict              verdict;

		while (count < 4 && cases[i].set[count].tag != NULL) {
			set[count] = rdata(a, &cases[i].set[count]);
			count++;
		}
		caa_judge(a, set, count, &q, &verdict);
		if (verdict.permitted != cases[i].permitted || strstr(verdict.text, cases[i].words) == NULL)
			fail_msg("case %zu: %s", i, verdict.text);
	}
}

TEST(what_to_add)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str                      set = rdata(a, &(struct record){ 0, "issue", ";" });
	struct caa_question             q = { ours, ARRAY_LEN(ours), "", false };
	struct caa_verdict              verdict;

	caa_judge(a, &set, 1, &q, &verdict);
	CHECK_STR(verdict.record, "CAA 0 issue \"ca.example\"");
	/* A CA that does not say what it is called: only what forbids everybody is known. */
	q.identities_count = 0;
	caa_judge(a, &set, 1, &q, &verdict);
	CHECK(!verdict.permitted && verdict.record == NULL);
	set = rdata(a, &(struct record){ 0, "issue", "anybody.example" });
	caa_judge(a, &set, 1, &q, &verdict);
	CHECK(verdict.permitted);
	/* No set at all. */
	caa_judge(a, NULL, 0, &q, &verdict);
	CHECK(verdict.permitted);
}

/* What cannot be read may be a critical record. */
TEST(nonsense_forbids)
{
	static const struct str cases[] = { { "", 0 }, { "\0", 1 }, { "\0\0", 2 }, { "\0\5iss", 5 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct caa_question             q = { ours, ARRAY_LEN(ours), "", false };
		struct caa_verdict              verdict;

		caa_judge(a, &cases[i], 1, &q, &verdict);
		CHECK(!verdict.permitted);
	}
}

TESTS(T(sets), T(what_to_add), T(nonsense_forbids))
