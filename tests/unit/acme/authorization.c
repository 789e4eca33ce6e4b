/* tests/unit/acme/authorization.c: authorizations, challenges, the dns-01 value, nonces. */
#include "test.h"

#include "acme/authorization.h"
#include "acme/nonce.h"

#define URL "https://ca/z/1"
#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define ID "\"identifier\":{\"type\":\"dns\",\"value\":\"Example.org\"}"
#define DNS01 "{\"type\":\"dns-01\",\"url\":\"https://ca/ch/2\",\"token\":\"" TOKEN "\",\"status\":\"pending\"}"
#define HTTP01 "{\"type\":\"http-01\",\"url\":\"https://ca/ch/1\",\"token\":\"abc\",\"status\":\"pending\"}"

TEST(authorization_reads)
{
	static const char body[] = "{" ID ",\"status\":\"pending\",\"wildcard\":true,\"expires\":\"2026-11-29T12:00:00.5Z\","
				   "\"challenges\":[" HTTP01 ",{\"type\":\"new-99\",\"status\":\"odd\"}," DNS01 "]}";
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_authorization    z;
	const struct acme_challenge *challenge;
	struct err                   err = { 0 };

	CHECK_OK(acme_authorization_parse(a, URL, str_c(body), &z, &err), err);
	CHECK_STR(z.url, URL);
	CHECK_STR(z.name, "example.org");
	CHECK(z.wildcard);
	CHECK_INT(z.status, ACME_AUTHORIZATION_PENDING);
	CHECK_INT(z.expires_at, 1795953600500);
	CHECK_INT(z.challenges_count, 2); /* the one of an unknown shape is left out */
	CHECK_OK(acme_authorization_dns01(&z, &challenge, &err), err);
	CHECK_STR(challenge->url, "https://ca/ch/2");
	CHECK_STR(challenge->token, TOKEN);
	CHECK_INT(challenge->status, ACME_CHALLENGE_PENDING);
	CHECK(acme_authorization_error(&z) == NULL);
}

TEST(authorization_without_dns01)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_authorization    z;
	const struct acme_challenge *challenge;
	struct err                   err = { 0 };

	CHECK(acme_authorization_parse(a, URL, STR("{" ID ",\"status\":\"pending\",\"challenges\":[" HTTP01 "]}"), &z, &err));
	CHECK(!acme_authorization_dns01(&z, &challenge, &err));
	CHECK_INT(err.class, ERR_PERMANENT);
	CHECK_STR(err.problem, "challenge-type-unsupported");
	CHECK(strstr(err.text, "http-01") != NULL && strstr(err.text, "example.org") != NULL);
	CHECK(acme_authorization_parse(a, URL, STR("{" ID ",\"status\":\"deactivated\"}"), &z, &err));
	CHECK(!acme_authorization_dns01(&z, &challenge, &err));
}

TEST(authorization_error_is_found)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_authorization z;
	struct err                err = { 0 };

	CHECK_OK(acme_authorization_parse(a, URL, STR("{" ID ",\"status\":\"invalid\",\"challenges\":[" HTTP01 ",{\"type\":"
	         "\"dns-01\",\"url\":\"https://ca/ch/2\",\"token\":\"abc\",\"status\":\"invalid\",\"error\":{\"type\":"
	         "\"urn:ietf:params:acme:error:unauthorized\",\"detail\":\"No TXT record found\"}}]}"), &z, &err), err);
	CHECK_STR(acme_authorization_error(&z)->type, "unauthorized");
	CHECK_STR(acme_authorization_error(&z)->detail, "No TXT record found");
}

TEST(authorization_statuses)
{
	for (enum acme_authorization_status s = 0; s < ACME_AUTHORIZATION__COUNT; s++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_authorization z;

		CHECK(acme_authorization_parse(a, URL, str_c(arena_printf(a, "{" ID ",\"status\":\"%s\",\"challenges\":[" DNS01
		                               "]}", acme_authorization_status_name(s))), &z, NULL));
		CHECK_INT(z.status, s);
		CHECK(!z.wildcard);
	}
}

TEST(authorization_refuses)
{
	static const char *const bad[] = {
		"", "[]", "{}", "{" ID "}", "{" ID ",\"status\":\"pending\"}", "{" ID ",\"status\":\"pending\",\"challenges\":[]}",
		"{" ID ",\"status\":\"odd\",\"challenges\":[" DNS01 "]}", "{\"status\":\"pending\",\"challenges\":[" DNS01 "]}",
		"{\"identifier\":{\"type\":\"ip\",\"value\":\"1.2.3.4\"},\"status\":\"pending\",\"challenges\":[" DNS01 "]}",
		"{\"identifier\":{\"type\":\"dns\",\"value\":\"a..b\"},\"status\":\"pending\",\"challenges\":[" DNS01 "]}",
		"{" ID ",\"status\":\"pending\",\"challenges\":[{\"type\":\"dns-01\",\"url\":\"https://ca/\",\"status\":\"odd\","
		"\"token\":\"abc\"}]}",
		"{" ID ",\"status\":\"pending\",\"challenges\":[{\"type\":\"dns-01\",\"url\":\"http://ca/\",\"status\":\"pending\","
		"\"token\":\"abc\"}]}",
		"{" ID ",\"status\":\"pending\",\"challenges\":[{\"type\":\"dns-01\",\"url\":\"https://ca/\",\"status\":\"pending\"}]}",
		"{" ID ",\"status\":\"pending\",\"challenges\":[{\"type\":\"dns-01\",\"url\":\"https://ca/\",\"status\":\"pending\","
		"\"token\":\"a.b\"}]}",
		"{" ID ",\"status\":\"pending\",\"challenges\":[{\"type\":\"dns-01\",\"url\":\"https://ca/\",\"status\":\"pending\","
		"\"token\":\"\"}]}",
		"{" ID ",\"status\":\"pending\",\"challenges\":[1,2,3,4,5,6,7,8,9,10," DNS01 "]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_authorization z = { .url = "untouched" };
		struct err                err = { 0 };

		if (acme_authorization_parse(a, URL, str_c(bad[i]), &z, &err))
			print_error("accepted: %s\n", bad[i]);
		CHECK_INT(err.class, ERR_PERMANENT);
		CHECK_STR(err.problem, "ca-nonsense");
		CHECK_STR(z.url, "untouched");
	}
}

TEST(challenge_reads)
{
	for (enum acme_challenge_status s = 0; s < ACME_CHALLENGE__COUNT; s++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_challenge c;

		CHECK(acme_challenge_parse(a, str_c(arena_printf(a, "{\"type\":\"dns-01\",\"url\":\"https://ca/\",\"token\":\"abc\","
		                           "\"status\":\"%s\"}", acme_challenge_status_name(s))), &c, NULL));
		CHECK_INT(c.status, s);
	}
}

TEST(token_length)
{
	char text[ACME_TOKEN_MAX + 2];

	memset(text, 'A', sizeof(text));
	for (size_t len = ACME_TOKEN_MAX; len <= ACME_TOKEN_MAX + 1; len++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_challenge c;

		CHECK(acme_challenge_parse(a, str_c(arena_printf(a, "{\"type\":\"dns-01\",\"url\":\"https://ca/\",\"status\":"
		                           "\"pending\",\"token\":\"%.*s\"}", (int)len, text)), &c, NULL) == (len == ACME_TOKEN_MAX));
	}
}

TEST(dns01_value)
{
	/* The thumbprint is RFC 7638's example; the value was computed with the openssl command. */
	static const char thumbprint[] = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
	AUTO(arena_freep) struct arena *a = arena_new();
	char value[ACME_DNS01_SIZE];

	CHECK_STR(acme_key_authorization(a, TOKEN, thumbprint), TOKEN ".NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	acme_dns01_value(TOKEN, thumbprint, value);
	CHECK_STR(value, "ZTRx1Ckl1-tM05o5zaizTTA0yUy5AGereMgSNWC6Ll8");
}

#define DIRECTORY "https://ca/directory"

TEST(nonces)
{
	static struct acme_nonce_pool pool;
	char nonce[ACME_NONCE_SIZE], text[ACME_NONCE_SIZE + 1];

	acme_nonce_pool_init(&pool, DIRECTORY);
	CHECK(!acme_nonce_take(&pool, DIRECTORY, 0, nonce));
	for (int i = 0; i < ACME_NONCES_MAX + 4; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		CHECK(acme_nonce_put(&pool, DIRECTORY, str_c(text), i * 1000));
	}
	CHECK(!acme_nonce_put(&pool, DIRECTORY, STR("n19"), 19000)); /* there already */
	CHECK(!acme_nonce_put(&pool, "https://other/directory", STR("x"), 19000));
	CHECK(!acme_nonce_take(&pool, "https://other/directory", 19000, nonce));
	CHECK(acme_nonce_take(&pool, DIRECTORY, 19000, nonce));
	CHECK_STR(nonce, "n19"); /* newest first */
	CHECK(acme_nonce_take(&pool, DIRECTORY, 18000 + ACME_NONCE_AGE_MAX_MS, nonce));
	CHECK_STR(nonce, "n18");
	CHECK_INT(pool.count, ACME_NONCES_MAX - 2); /* n0..n3 made room */
	CHECK(!acme_nonce_take(&pool, DIRECTORY, 17000 + ACME_NONCE_AGE_MAX_MS + 1, nonce));
	CHECK_INT(pool.count, 0);
	CHECK(acme_nonce_put(&pool, DIRECTORY, STR("z"), 1));
	acme_nonce_flush(&pool);
	CHECK(!acme_nonce_take(&pool, DIRECTORY, 1, nonce));
}

TEST(nonce_syntax)
{
	char text[ACME_NONCE_MAX + 1];

	memset(text, 'x', sizeof(text));
	CHECK(acme_nonce_valid(str_of(text, ACME_NONCE_MAX)));
	CHECK(!acme_nonce_valid(str_of(text, ACME_NONCE_MAX + 1)));
	CHECK(acme_nonce_valid(STR("azAZ09-_")));
	CHECK(!acme_nonce_valid(STR("")));
	CHECK(!acme_nonce_valid(STR("a=")));
	CHECK(!acme_nonce_valid(STR("a+b")));
	CHECK(!acme_nonce_valid(STR("a b")));
	CHECK(!acme_nonce_valid(STR("a\"b")));
	CHECK(!acme_nonce_valid(STR("a\0b")));
}

TESTS(T(authorization_reads), T(authorization_without_dns01), T(authorization_error_is_found), T(authorization_statuses),
      T(authorization_refuses), T(challenge_reads), T(token_length), T(dns01_value), T(nonces), T(nonce_syntax))
