/* tests/unit/acme/problem.c: each row of the reaction table, and bodies that are no problem documents. */
#include "test.h"

#include "acme/problem.h"

#define URN "urn:ietf:params:acme:error:"

static const struct {
	int             status;
	const char     *type, *detail;
	enum acme_where where;
	uint32_t        header_s;
	enum err_class  class;
	uint32_t        retry_s;
	const char     *hint; /* a part of it; "" : none at all */
} rows[] = {
	{ 400, "badNonce", "JWS has an invalid nonce", ACME_AT_ORDER, 0, ERR_TEMPORARY, 5, "" },
	{ 400, "accountDoesNotExist", "No account", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "accounturi" },
	{ 403, "externalAccountRequired", "x", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "eab_kid" },
	{ 401, "unauthorized", "External account binding key unknown", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "EAB" },
	{ 401, "unauthorized", "EAB expired", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "EAB" },
	{ 401, "unauthorized", "Invalid MAC", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "EAB" },
	{ 400, "malformed", "externalAccountBinding wrong", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "EAB" },
	{ 400, "malformed", "eab kid", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "EAB" },
	{ 400, "malformed", "Invalid MAC", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "EAB" },
	{ 400, "malformed", "must agree to terms of service", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "terms" },
	{ 403, "userActionRequired", "new terms", ACME_AT_ORDER, 0, ERR_CONFIG, 0, "person" },
	{ 400, "invalidContact", "x", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "e-mail" },
	{ 400, "unsupportedContact", "x", ACME_AT_ACCOUNT, 0, ERR_CONFIG, 0, "e-mail" },
	{ 403, "unauthorized", "Account is not valid", ACME_AT_ACCOUNT, 0, ERR_PERMANENT, 0, "register a new" },
	{ 0, "unauthorized", "looking up TXT: DNSSEC: Bogus", ACME_AT_VALIDATION, 0, ERR_CONFIG, 0, "DNSSEC" },
	{ 0, "unauthorized", "No TXT record found", ACME_AT_VALIDATION, 0, ERR_PERMANENT, 0, "reeve doctor" },
	{ 403, "unauthorized", "CSR", ACME_AT_FINALIZE, 0, ERR_PERMANENT, 0, "new order" },
	{ 403, "unauthorized", "x", ACME_AT_REVOKE, 0, ERR_PERMANENT, 0, "revoke" },
	{ 403, "unauthorized", "x", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "deactivated" },
	{ 0, "dns", "DNSSEC: DNSKEY Missing", ACME_AT_VALIDATION, 0, ERR_CONFIG, 0, "DNSSEC" },
	{ 400, "dns", "SERVFAIL", ACME_AT_VALIDATION, 0, ERR_TEMPORARY, 60, "name server" },
	{ 403, "caa", "x", ACME_AT_VALIDATION, 0, ERR_CONFIG, 0, "CAA record" },
	{ 403, "caa", "rechecking", ACME_AT_FINALIZE, 0, ERR_CONFIG, 0, "CAA record" },
	{ 400, "connection", "x", ACME_AT_VALIDATION, 0, ERR_TEMPORARY, 60, "reach" },
	{ 400, "tls", "x", ACME_AT_VALIDATION, 0, ERR_TEMPORARY, 60, "" },
	{ 403, "incorrectResponse", "x", ACME_AT_VALIDATION, 0, ERR_TEMPORARY, 60, "reeve doctor" },
	{ 400, "rejectedIdentifier", "x", ACME_AT_ORDER, 0, ERR_CONFIG, 0, "policy" },
	{ 0, "rejectedIdentifier", "keyAuthorization does not match", ACME_AT_VALIDATION, 0, ERR_PERMANENT, 0, "did not find the value" },
	{ 400, "unsupportedIdentifier", "x", ACME_AT_ORDER, 0, ERR_CONFIG, 0, "policy" },
	{ 400, "malformed", "is redundant with a wildcard", ACME_AT_ORDER, 0, ERR_CONFIG, 0, "wildcard" },
	{ 404, "malformed", "No such order", ACME_AT_OTHER, 0, ERR_PERMANENT, 0, "new order" },
	{ 400, "malformed", "x", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "" },
	{ 403, "orderNotReady", "x", ACME_AT_FINALIZE, 0, ERR_TEMPORARY, 5, "" },
	{ 403, "orderNotReady", "x", ACME_AT_FINALIZE, 9, ERR_TEMPORARY, 9, "" },
	{ 400, "badCSR", "x", ACME_AT_FINALIZE, 0, ERR_PERMANENT, 0, "key" },
	{ 400, "badPublicKey", "x", ACME_AT_ACCOUNT, 0, ERR_PERMANENT, 0, "P-256" },
	{ 400, "badSignatureAlgorithm", "x", ACME_AT_ACCOUNT, 0, ERR_PERMANENT, 0, "account key" },
	{ 400, "invalidProfile", "x", ACME_AT_ORDER, 0, ERR_CONFIG, 0, "profile" },
	{ 429, "rateLimited", "temporarily prevented from requesting certificates", ACME_AT_ORDER, 0, ERR_CONFIG, 0, "paused" },
	{ 429, "rateLimited", "too many", ACME_AT_ORDER, 7200, ERR_TEMPORARY, 7200, "" },
	{ 429, "rateLimited", "too many", ACME_AT_ORDER, 0, ERR_TEMPORARY, 3600, "" },
	{ 429, "rateLimited", "too many", ACME_AT_ORDER, 9999999, ERR_TEMPORARY, 14 * 86400, "" },
	{ 500, "serverInternal", "x", ACME_AT_ORDER, 0, ERR_TEMPORARY, 60, "" },
	{ 500, "serverInternal", "x", ACME_AT_ORDER, 3, ERR_TEMPORARY, 60, "" },
	{ 500, "serverInternal", "x", ACME_AT_ORDER, 120, ERR_TEMPORARY, 120, "" },
	{ 409, "alreadyReplaced", "x", ACME_AT_ORDER, 0, ERR_CONFLICT, 0, "" },
	{ 400, "alreadyRevoked", "x", ACME_AT_REVOKE, 0, ERR_CONFLICT, 0, "" },
	{ 409, "conflict", "x", ACME_AT_ACCOUNT, 0, ERR_PERMANENT, 0, "another account" },
	{ 400, "badRevocationReason", "x", ACME_AT_REVOKE, 0, ERR_PERMANENT, 0, "reason" },
	{ 403, "onionCAARequired", "x", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "" },
	{ 400, "unknownDelegation", "x", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "" },
	{ 400, "badAttestationStatement", "x", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "" },
	{ 400, "autoRenewalCanceled", "x", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "" },
	{ 400, "ofTomorrow", "x", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "" },
	{ 500, "ofTomorrow", "x", ACME_AT_ORDER, 0, ERR_TEMPORARY, 60, "" },
	{ 503, "malformed", "x", ACME_AT_ORDER, 30, ERR_TEMPORARY, 30, "" },
	{ 408, "", "", ACME_AT_ORDER, 0, ERR_TEMPORARY, 60, "" },
	{ 425, "", "", ACME_AT_ORDER, 0, ERR_TEMPORARY, 60, "" },
	{ 429, "", "", ACME_AT_ORDER, 0, ERR_TEMPORARY, 3600, "" },
	{ 403, "", "", ACME_AT_ORDER, 0, ERR_PERMANENT, 0, "" },
	{ 502, "", "", ACME_AT_ORDER, 0, ERR_TEMPORARY, 60, "" },
	{ 503, "", "", ACME_AT_ORDER, 17, ERR_TEMPORARY, 17, "" },
	{ 0, "", "", ACME_AT_VALIDATION, 0, ERR_PERMANENT, 0, "" },
};

TEST(reactions)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_problem problem;
		struct err          err = { 0 };
		const char         *code = rows[i].type;

		acme_problem_parse(a, rows[i].status, str_c(arena_printf(a, "{\"type\":\"" URN "%s\",\"detail\":\"%s\"}",
		                   rows[i].type, rows[i].detail)), &problem);
		CHECK_STR(problem.type, rows[i].type);
		CHECK(!acme_problem_err(&problem, rows[i].where, rows[i].header_s, &err));
		if (err.class != rows[i].class || err.retry_after_s != rows[i].retry_s || strstr(err.hint, rows[i].hint) == NULL)
			print_error("row %zu: %d %s: class %s, retry %u, hint %s\n", i, rows[i].status, rows[i].type,
			            err_class_name(err.class), err.retry_after_s, err.hint);
		CHECK_INT(err.class, rows[i].class);
		CHECK_INT(err.retry_after_s, rows[i].retry_s);
		CHECK(strstr(err.hint, rows[i].hint) != NULL);
		CHECK((rows[i].hint[0] == '\0') == (err.hint[0] == '\0'));
		if (code[0] == '\0')
			code = rows[i].class == ERR_TEMPORARY ? "ca-unreachable" : "ca-refused";
		CHECK_STR(err.problem, code);
		CHECK(strstr(err.text, rows[i].detail) != NULL);
		CHECK(!acme_problem_err(&problem, rows[i].where, 0, NULL));
	}
}

TEST(the_page_of_a_pause)
{
	static const struct {
		const char *text, *url;
	} cases[] = {
		{ "paused. Please visit: https://u.example/sfe/v1/unpause?jwt=a.b.c", "https://u.example/sfe/v1/unpause?jwt=a.b.c" },
		{ "visit https://u.example/x, then retry", "https://u.example/x" },
		{ "visit (https://u.example/x).", "https://u.example/x" },
		{ "visit http://u.example/x", NULL },
		{ "https://", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str url = { 0 };

		CHECK_INT(acme_problem_url(cases[i].text, &url), cases[i].url != NULL);
		if (cases[i].url != NULL)
			CHECK(str_eq(url, str_c(cases[i].url)));
	}
}

TEST(sentences)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_problem problem;
	struct err          err = { 0 };

	acme_problem_parse(a, 429, STR("{\"type\":\"" URN "rateLimited\",\"detail\":\"too many new orders\",\"status\":200,"
	                   "\"instance\":\"https://ca/doc?x=1\"}"), &problem);
	CHECK_INT(problem.status, 429);
	acme_problem_err(&problem, ACME_AT_ORDER, 60, &err);
	CHECK_STR(err.text, "429 rateLimited: too many new orders; the CA asks for 60 s");
	CHECK_STR(err.hint, "see https://ca/doc?x=1");
	acme_problem_parse(a, 503, STR("<html>Bad gateway"), &problem);
	acme_problem_err(&problem, ACME_AT_ORDER, 0, &err);
	CHECK_STR(err.text, "503 without a problem document");
	acme_problem_parse(a, 400, STR("{\"type\":\"" URN "badSignatureAlgorithm\",\"detail\":\"no\",\"algorithms\":[\"RS256\",7,"
	                   "\"ES256\"]}"), &problem);
	acme_problem_err(&problem, ACME_AT_ACCOUNT, 0, &err);
	CHECK(strstr(err.hint, "it takes RS256, ES256") != NULL);
}

TEST(compounds)
{
	static const struct {
		const char    *types[2];
		enum err_class class;
	} compound[] = {
		{ { "dns", "caa" }, ERR_CONFIG },          { { "caa", "dns" }, ERR_CONFIG },
		{ { "dns", "connection" }, ERR_TEMPORARY }, { { "dns", "malformed" }, ERR_PERMANENT },
		{ { "malformed", "caa" }, ERR_PERMANENT },  { { "rejectedIdentifier", "dns" }, ERR_CONFIG },
	};

	for (size_t i = 0; i < ARRAY_LEN(compound); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_problem problem;
		struct err          err = { 0 };

		acme_problem_parse(a, 400, str_c(arena_printf(a, "{\"type\":\"" URN "compound\",\"detail\":\"two\",\"subproblems\":"
		                   "[{\"type\":\"" URN "%s\",\"detail\":\"first\",\"identifier\":{\"type\":\"dns\",\"value\":"
		                   "\"a.org\"}},7,{\"type\":\"%s\"}]}", compound[i].types[0], compound[i].types[1])), &problem);
		CHECK_INT(problem.subproblems_count, 2);
		CHECK_STR(problem.subproblems[0].identifier, "a.org");
		CHECK_STR(problem.subproblems[1].identifier, "");
		acme_problem_err(&problem, ACME_AT_ORDER, 0, &err);
		CHECK_INT(err.class, compound[i].class);
		CHECK_STR(err.problem, "compound");
		CHECK(strstr(err.text, "a.org: ") != NULL && strstr(err.text, "first") != NULL);
	}
}

TEST(tolerated_bodies)
{
	static const char *const bodies[] = { "", "<html>", "[]", "7", "null", "{}", "{\"type\":7,\"detail\":{},\"status\":\"x\"}",
		                              "{\"type\":\"about:blank\"}", "{\"type\":\"\"}", "{\"subproblems\":7,\"algorithms\":{}}",
		                              "{\"type\":\"" URN "\"}", "{\"type\":\"a\",\"type\":\"b\"}" };

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_problem problem;

		acme_problem_parse(a, 502, str_c(bodies[i]), &problem);
		CHECK_STR(problem.type, "");
		CHECK_STR(problem.detail, "");
		CHECK_STR(problem.title, "");
		CHECK_STR(problem.instance, "");
		CHECK_INT(problem.status, 502);
		CHECK_INT(problem.subproblems_count, 0);
	}
}

TEST(texts_are_bounded_and_clean)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_problem problem;
	struct err          err = { 0 };
	char                detail[3000];

	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	memcpy(detail + ACME_DETAIL_MAX - 1, "\xc3\xa9", 2); /* cut in front of a character, not inside */
	acme_problem_parse(a, 400, str_c(arena_printf(a, "{\"type\":\"dns\",\"detail\":\"a\\u001b[31m\\r\\n%s\",\"instance\":"
	                   "\"javascript:alert(1)\"}", detail + 6)), &problem);
	CHECK(strncmp(problem.detail, "a?[31m??", 8) == 0);
	CHECK(strlen(problem.detail) <= ACME_DETAIL_MAX);
	CHECK_STR(problem.type, "dns"); /* a bare type is fine */
	CHECK_STR(problem.instance, "");
	acme_problem_err(&problem, ACME_AT_VALIDATION, 0, &err);
	CHECK(strchr(err.text, '\x1b') == NULL);
	acme_problem_parse(a, 400, str_c(arena_printf(a, "{\"type\":\"dns\",\"detail\":\"%s\"}", detail)), &problem);
	CHECK_INT(strlen(problem.detail), ACME_DETAIL_MAX - 1);
}

static struct acme_problem made(int status, const char *type, const char *detail)
{
	return (struct acme_problem){ .status = status, .type = type, .title = "", .detail = detail, .instance = "" };
}

TEST(questions)
{
	struct acme_problem p = made(400, "badNonce", "");
	int64_t             at_ms;

	CHECK(acme_should_retry_nonce(&p) && !acme_account_lost(&p) && !acme_should_drop_replaces(&p));
	p = made(400, "accountDoesNotExist", "");
	CHECK(!acme_should_retry_nonce(&p) && acme_account_lost(&p));
	p = made(409, "alreadyReplaced", "");
	CHECK(acme_should_drop_replaces(&p));
	p = made(401, "unauthorized", "");
	CHECK(acme_should_drop_replaces(&p));
	p = made(409, "conflict", "");
	CHECK(!acme_should_drop_replaces(&p));
	p = made(400, "malformed", "invalid Replaces");
	CHECK(acme_should_drop_replaces(&p));
	p = made(400, "malformed", "no");
	CHECK(!acme_should_drop_replaces(&p));

	p = made(429, "rateLimited", "too many certificates (5), retry after 2026-11-22 12:00:00 UTC: see https://x");
	CHECK(acme_problem_retry_at(&p, &at_ms));
	CHECK_INT(at_ms, 1795348800000);
	p = made(429, "rateLimited", "retry after 2026-11-22 12:00");
	CHECK(!acme_problem_retry_at(&p, &at_ms));
	p = made(429, "rateLimited", "retry after the next full moon of this year");
	CHECK(!acme_problem_retry_at(&p, &at_ms));
	p = made(429, "rateLimited", "");
	CHECK(!acme_problem_retry_at(&p, &at_ms));
}

TEST(retry_bounds)
{
	CHECK_INT(acme_retry_after(ACME_RETRY_POLL, 0, 3), 3);
	CHECK_INT(acme_retry_after(ACME_RETRY_POLL, 5, 3), 5);
	CHECK_INT(acme_retry_after(ACME_RETRY_POLL, 0, 0), 1);
	CHECK_INT(acme_retry_after(ACME_RETRY_POLL, 60, 3), 60);
	CHECK_INT(acme_retry_after(ACME_RETRY_POLL, 61, 3), 60);
	CHECK_INT(acme_retry_after(ACME_RETRY_REFUSED, 14 * 86400 + 1, 3), 14 * 86400);
	CHECK_INT(acme_retry_after(ACME_RETRY_RENEWAL_INFO, 1, 3), 60);
	CHECK_INT(acme_retry_after(ACME_RETRY_RENEWAL_INFO, 86401, 3), 86400);
}

TESTS(T(reactions), T(the_page_of_a_pause), T(sentences), T(compounds), T(tolerated_bodies), T(texts_are_bounded_and_clean), T(questions),
      T(retry_bounds))
