/* Each row of the table of a CA's refusals: class, next try and sentence, as they follow from the problem document. */
#include "workflow/policy.h"

#include "base/clock.h"
#include "test.h"

#define URN    "urn:ietf:params:acme:error:"
#define MINUTE ((int64_t)60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOW    (20000 * DAY)

static const char at_once[] = "it is tried again", later[] = "it may pass by itself", stated[] = "the CA asks to wait",
		  change[] = "configuration or DNS must change first", person[] = "a person must act at the CA first",
		  never[] = "the CA will not accept this request as it is";

static const struct row {
	int             status;
	const char     *type, *detail;
	enum acme_where where;
	uint32_t        header_s;
	bool            final; /* the validation has failed: whatever the type, the order is over */
	enum acme_again class;
	int64_t         wait_ms; /* after a first failure; POLICY_NEVER */
	const char     *sentence;
} rows[] = {
	{ 400, "badNonce", "JWS has an invalid nonce", ACME_AT_ORDER, 0, false, ACME_AGAIN_NOW, MINUTE, at_once },
	{ 400, "accountDoesNotExist", "No account", ACME_AT_ORDER, 0, false, ACME_AGAIN_NOW, MINUTE, at_once },
	{ 403, "unauthorized", "Account is not valid", ACME_AT_ACCOUNT, 0, false, ACME_AGAIN_PERSON, DAY, person },
	{ 403, "unauthorized", "Account is deactivated", ACME_AT_ORDER, 0, false, ACME_AGAIN_PERSON, DAY, person },
	{ 0, "unauthorized", "No TXT record found at _acme-challenge.x", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_LATER, MINUTE, later },
	{ 0, "unauthorized", "looking up TXT: DNSSEC: Bogus", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_CHANGE, DAY, change },
	{ 403, "unauthorized", "CSR does not fit", ACME_AT_FINALIZE, 0, false, ACME_AGAIN_NOW, MINUTE, at_once },
	{ 0, "dns", "SERVFAIL looking up TXT", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_LATER, MINUTE, later },
	{ 0, "dns", "During secondary validation: query timed out", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_LATER, MINUTE, later },
	{ 0, "dns", "DNSSEC: DNSKEY Missing", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_CHANGE, DAY, change },
	{ 403, "caa", "CAA record prevents issuance", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_CHANGE, DAY, change },
	{ 403, "caa", "rechecking", ACME_AT_FINALIZE, 0, false, ACME_AGAIN_CHANGE, DAY, change },
	{ 400, "connection", "refused", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_LATER, MINUTE, later },
	{ 400, "tls", "handshake", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_LATER, MINUTE, later },
	{ 403, "incorrectResponse", "other value", ACME_AT_VALIDATION, 0, true, ACME_AGAIN_LATER, MINUTE, later },
	{ 400, "rejectedIdentifier", "policy forbids", ACME_AT_ORDER, 0, false, ACME_AGAIN_CHANGE, DAY, change },
	{ 400, "unsupportedIdentifier", "ip", ACME_AT_ORDER, 0, false, ACME_AGAIN_CHANGE, DAY, change },
	{ 400, "malformed", "is redundant with a wildcard", ACME_AT_ORDER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 400, "malformed", "too many names", ACME_AT_ORDER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 404, "malformed", "No such order", ACME_AT_OTHER, 0, false, ACME_AGAIN_NOW, MINUTE, at_once },
	{ 405, "malformed", "POST-as-GET", ACME_AT_OTHER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 403, "orderNotReady", "pending", ACME_AT_FINALIZE, 0, false, ACME_AGAIN_NOW, MINUTE, at_once },
	{ 400, "badCSR", "weak key", ACME_AT_FINALIZE, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 400, "badPublicKey", "size", ACME_AT_ORDER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 400, "badSignatureAlgorithm", "ES512", ACME_AT_ORDER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 403, "externalAccountRequired", "eab", ACME_AT_ACCOUNT, 0, false, ACME_AGAIN_PERSON, DAY, person },
	{ 400, "malformed", "EAB kid unknown", ACME_AT_ACCOUNT, 0, false, ACME_AGAIN_PERSON, DAY, person },
	{ 401, "unauthorized", "External account binding: invalid MAC", ACME_AT_ACCOUNT, 0, false, ACME_AGAIN_PERSON, DAY, person },
	{ 403, "userActionRequired", "new terms", ACME_AT_ORDER, 0, false, ACME_AGAIN_PERSON, DAY, person },
	{ 400, "invalidContact", "mail", ACME_AT_ACCOUNT, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 400, "unsupportedContact", "tel", ACME_AT_ACCOUNT, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 429, "rateLimited", "too many certificates", ACME_AT_ORDER, 7200, false, ACME_AGAIN_STATED, 2 * HOUR + 2 * HOUR / 20, stated },
	{ 429, "rateLimited", "too many certificates", ACME_AT_ORDER, 0, false, ACME_AGAIN_STATED, HOUR + HOUR / 20, stated },
	{ 429, "rateLimited", "temporarily prevented from requesting certificates for x, visit: https://u.example/?jwt=1", ACME_AT_ORDER,
	  0, false, ACME_AGAIN_PERSON, POLICY_NEVER, "nothing is asked for until `reeve certificate resume`" },
	{ 503, "", "", ACME_AT_ORDER, 120, false, ACME_AGAIN_LATER, 2 * MINUTE, later },
	{ 500, "serverInternal", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_LATER, MINUTE, later },
	{ 500, "serverInternal", "x", ACME_AT_ORDER, 3600, false, ACME_AGAIN_LATER, HOUR, later },
	{ 409, "alreadyReplaced", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_NOW, MINUTE, at_once },
	{ 409, "conflict", "x", ACME_AT_ACCOUNT, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 400, "alreadyRevoked", "x", ACME_AT_REVOKE, 0, false, ACME_AGAIN_NOW, MINUTE, at_once },
	{ 400, "badRevocationReason", "x", ACME_AT_REVOKE, 0, false, ACME_AGAIN_NOW, MINUTE, at_once },
	{ 400, "invalidProfile", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_CHANGE, DAY, change },
	{ 403, "autoRenewalCanceled", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 403, "unknownDelegation", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 403, "onionCAARequired", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 400, "badAttestationStatement", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_NEVER, DAY, never },
	{ 400, "ofTomorrow", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_CHANGE, DAY, change },
	{ 502, "ofTomorrow", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_LATER, MINUTE, later },
	{ 500, "malformed", "x", ACME_AT_ORDER, 0, false, ACME_AGAIN_LATER, MINUTE, later },
	{ 400, "", "", ACME_AT_ORDER, 0, false, ACME_AGAIN_CHANGE, DAY, change },
};

static void problem_of(struct arena *a, const struct row *row, struct err *ret)
{
	struct acme_problem problem;
	const char         *body = arena_printf(a, "{\"type\":\"%s%s\",\"detail\":\"%s\"}", row->type[0] != '\0' ? URN : "", row->type, row->detail);

	acme_problem_parse(a, row->status, str_c(row->type[0] != '\0' ? body : "<html>"), &problem);
	acme_problem_err(&problem, row->where, row->header_s, ret);
	if (row->final)
		ret->class = ERR_PERMANENT;
	err_in(ret, "newOrder");
}

TEST(each_row)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct policy_context           c = { .where = rows[i].where, .failures = 1, .now_ms = NOW, .draw = 500000 };
		struct policy_reaction          r;
		struct err                      err = { 0 };

		problem_of(a, &rows[i], &err);
		policy_react(&err, &c, &r);
		if (r.class != rows[i].class || (r.next_at != POLICY_NEVER ? r.next_at - NOW : POLICY_NEVER) != rows[i].wait_ms ||
		    strstr(r.sentence, rows[i].sentence) == NULL)
			fail_msg("%d %s \"%s\": class %s, in %lld ms, \"%s\"", rows[i].status, rows[i].type, rows[i].detail,
			         policy_class_name(r.class), (long long)(r.next_at - NOW), r.sentence);
		if (r.next_at != POLICY_NEVER) {
			char at[CLOCK_RFC3339_SIZE];

			CHECK(strstr(r.sentence, clock_rfc3339(r.next_at, at)) != NULL);
		}
	}
}

/* Compound: as bad as its worst part. */
TEST(compound)
{
	static const struct {
		const char     *parts;
		enum acme_again class;
	} cases[] = {
		{ "{\"type\":\"" URN "caa\",\"detail\":\"x\"},{\"type\":\"" URN "dns\",\"detail\":\"x\"}", ACME_AGAIN_CHANGE },
		{ "{\"type\":\"" URN "dns\",\"detail\":\"x\"}", ACME_AGAIN_LATER },
		{ "{\"type\":\"" URN "malformed\",\"detail\":\"x\"},{\"type\":\"" URN "caa\",\"detail\":\"x\"}", ACME_AGAIN_NEVER },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct policy_context           c = { .where = ACME_AT_ORDER, .failures = 1, .now_ms = NOW, .draw = 500000 };
		struct policy_reaction          r;
		struct acme_problem             problem;
		struct err                      err = { 0 };

		acme_problem_parse(a, 400, str_c(arena_printf(a, "{\"type\":\"" URN "compound\",\"subproblems\":[%s]}", cases[i].parts)), &problem);
		acme_problem_err(&problem, ACME_AT_ORDER, 0, &err);
		policy_react(&err, &c, &r);
		CHECK_INT(r.class, cases[i].class);
	}
}

TEST(waiting_saturates)
{
	static const struct {
		int64_t failures, left_ms, wait_ms;
	} cases[] = {
		{ 1, 0, MINUTE }, { 2, 0, 10 * MINUTE }, { 3, 0, 100 * MINUTE }, { 4, 0, DAY }, { 5, 0, DAY }, { 100000, 0, DAY },
		/* a quarter of the life that is left */
		{ 4, 2 * DAY, DAY / 2 }, { 100000, HOUR, 15 * MINUTE }, { 1, MINUTE, MINUTE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct policy_context  c = { .where = ACME_AT_VALIDATION, .failures = cases[i].failures, .left_ms = cases[i].left_ms,
			                     .now_ms = NOW, .draw = 500000 };
		struct policy_reaction r;
		struct err             err = { 0 };

		err_problem(&err, ERR_PERMANENT, "unauthorized", "validation of x: unauthorized: No TXT record");
		policy_react(&err, &c, &r);
		CHECK_INT(r.next_at - NOW, cases[i].wait_ms);
	}
}

/* Our own failures have no CA's type: the class of the err says whose turn it is. */
TEST(our_own_failures)
{
	static const struct {
		enum err_class  of;
		const char     *code;
		enum acme_again class;
	} cases[] = {
		{ ERR_CONFIG, "no-connection", ACME_AGAIN_CHANGE },
		{ ERR_TEMPORARY, "provider-unavailable", ACME_AGAIN_LATER },
		{ ERR_PERMANENT, "rehearsal-failed", ACME_AGAIN_CHANGE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct policy_context  c = { .where = ACME_AT_OTHER, .failures = 1, .now_ms = NOW };
		struct policy_reaction r;
		struct err             err = { 0 };

		err_problem(&err, cases[i].of, cases[i].code, "x");
		policy_react(&err, &c, &r);
		CHECK_INT(r.class, cases[i].class);
	}
}

/* Never before the time the CA stated; the others a fifth to both sides. */
TEST(the_spread)
{
	for (int64_t draw = 0; draw < 1000000; draw += 99999) {
		struct policy_context  c = { .where = ACME_AT_ORDER, .failures = 1, .now_ms = NOW, .draw = draw };
		struct policy_reaction r;
		struct err             err = { 0 };

		err_problem(&err, ERR_TEMPORARY, "rateLimited", "429 rateLimited: x");
		err.retry_after_s = 3600;
		policy_react(&err, &c, &r);
		CHECK(r.next_at >= NOW + HOUR && r.next_at <= NOW + HOUR + HOUR / 10);
		err_problem(&err, ERR_PERMANENT, "caa", "403 caa: x");
		err.retry_after_s = 0;
		policy_react(&err, &c, &r);
		CHECK(r.next_at >= NOW + DAY - DAY / 5 && r.next_at <= NOW + DAY + DAY / 5);
	}
}

TESTS(T(each_row), T(compound), T(waiting_saturates), T(our_own_failures), T(the_spread))
