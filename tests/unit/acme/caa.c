/* tests/unit/acme/caa.c: the readings of RFC 8659 and RFC 8657, one row each. */
#include "test.h"

#include "acme/caa.h"

#define ACCOUNT "https://acme.test/acct/7"
#define OURS    "ca.test; validationmethods=dns-01; accounturi=" ACCOUNT

static const char *const identities[] = { "ca.test", "other-name.ca.test" };

static const struct row {
	bool            wildcard, allowed;
	const char     *says; /* of a refusal */
	struct acme_caa set[3];
} rows[] = {
	{ false, true, NULL, { { 0 } } },
	{ false, true, NULL, { { 0, "issue", "ca.test" } } },
	{ false, true, NULL, { { 0, "issue", " ca.test " } } },
	{ false, true, NULL, { { 0, "issue", "ca.test;" } } },
	{ false, true, NULL, { { 0, "issue", "ca.test; " } } },
	{ false, true, NULL, { { 0, "issue", "other-name.ca.test" } } },
	{ false, true, NULL, { { 0, "issue", OURS } } },
	{ false, true, NULL, { { 0, "issue", "ca.test; ValidationMethods = http-01,dns-01" } } },
	{ false, true, NULL, { { 0, "issue", "ca.test; unknown=x" } } },
	{ false, true, NULL, { { 0, "issue", ";" }, { 0, "issue", "ca.test" } } },
	{ false, true, NULL, { { 0, "iodef", "mailto:a@b.test" } } },
	{ false, true, NULL, { { 0, "issuewild", ";" } } },
	{ true, true, NULL, { { 0, "issue", "ca.test" } } },
	{ true, true, NULL, { { 0, "issue", ";" }, { 0, "issuewild", "ca.test" } } },
	{ false, true, NULL, { { 0, "tbs", "x" } } },
	{ false, true, NULL, { { 128, "issue", "ca.test" } } },
	{ false, false, "every CA", { { 0, "issue", ";" } } },
	{ false, false, "every CA", { { 0, "issue", "" } } },
	{ false, false, "another CA", { { 0, "issue", "CA.test" } } },
	{ false, false, "another CA", { { 0, "issue", "xca.test" } } },
	{ false, false, "cannot be read", { { 0, "issue", "ca.test; validationmethods=dns-01;" } } },
	{ false, false, "cannot be read", { { 0, "issue", "ca.test; foo" } } },
	{ false, false, "cannot be read", { { 0, "issue", "ca.test; accounturi=a; accounturi=b" } } },
	{ false, false, "another account", { { 0, "issue", "ca.test; accounturi=" ACCOUNT "/" } } },
	{ false, false, "dns-01", { { 0, "issue", "ca.test; validationmethods=http-01" } } },
	{ false, false, "dns-01", { { 0, "issue", "ca.test; validationmethods=dns_01,dns-01" } } },
	{ false, false, "dns-01", { { 0, "issue", "ca.test; validationmethods=dns-01,," } } },
	{ true, false, "every CA", { { 0, "issue", "ca.test" }, { 0, "issuewild", ";" } } },
	{ false, false, "critical", { { 0, "issue", "ca.test" }, { 128, "tbs", "x" } } },
};

TEST(caa_readings)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_caa_order order = { identities, 2, ACCOUNT, rows[i].wildcard };
		struct err            err = { 0 };
		size_t                count = 0;

		while (count < 3 && rows[i].set[count].tag != NULL)
			count++;
		CHECK_INT(acme_caa_allows(a, rows[i].set, count, &order, "www.example.test", "example.test", &err), rows[i].allowed);
		if (rows[i].allowed)
			continue;
		CHECK_STR(err.problem, "caa-forbids");
		CHECK(strstr(err.text, rows[i].says) != NULL && strstr(err.text, "example.test") != NULL);
		CHECK(err.hint[0] != '\0');
	}
}

TEST(caa_line_allows_what_it_is_for)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_caa_order order = { identities, 1, ACCOUNT, false };
	struct acme_caa       caa = { 0, "issue", OURS };
	struct err            err = { 0 };

	CHECK_STR(acme_caa_line(a, "ca.test", ACCOUNT, false), "0 issue \"" OURS "\"");
	CHECK_STR(acme_caa_line(a, "ca.test", NULL, true), "0 issuewild \"ca.test; validationmethods=dns-01\"");
	CHECK_OK(acme_caa_allows(a, &caa, 1, &order, "x.test", "x.test", &err), err);
	/* Before there is an account, a pinned record cannot be ours. */
	order.account_url = NULL;
	CHECK(!acme_caa_allows(a, &caa, 1, &order, "x.test", "x.test", &err));
}

TEST(caa_of_a_ca_without_identities)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_caa       somebody = { 0, "issue", "ca.test" }, nobody = { 0, "issue", ";" };
	struct acme_caa_order order = { NULL, 0, ACCOUNT, false };
	struct err            err = { 0 };

	CHECK_OK(acme_caa_allows(a, &somebody, 1, &order, "x.test", "x.test", &err), err);
	CHECK(!acme_caa_allows(a, &nobody, 1, &order, "x.test", "x.test", &err));
	CHECK(strstr(err.text, "forbids every CA") != NULL);
}

TEST(caa_rdata)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_caa caa;
	struct err      err = { 0 };

	CHECK_OK(acme_caa_parse(a, STR("\200\005IsSuEca.test; x=\001"), &caa, &err), err);
	CHECK_INT(caa.flags, 128);
	CHECK_STR(caa.tag, "issue");
	CHECK_STR(caa.value, "ca.test; x=?");
	CHECK_STR(acme_caa_text(a, &caa), "128 issue \"ca.test; x=?\"");
	CHECK(!acme_caa_parse(a, STR(""), &caa, &err));
	CHECK(!acme_caa_parse(a, str_of("\0\0ca", 4), &caa, &err));
	CHECK(!acme_caa_parse(a, str_of("\0\011issue", 7), &caa, &err));
	CHECK(!acme_caa_parse(a, str_of("\0\003i_sx", 6), &caa, &err));
	CHECK_OK(acme_caa_parse(a, str_of("\0\005issue", 7), &caa, &err), err);
	CHECK_STR(caa.value, "");
}

TESTS(T(caa_readings), T(caa_line_allows_what_it_is_for), T(caa_of_a_ca_without_identities), T(caa_rdata))
