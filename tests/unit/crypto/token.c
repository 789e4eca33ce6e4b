/* tests/unit/crypto/token.c: the shape of API tokens. */
#include "test.h"

#include "crypto/token.h"

TEST(token_round_trip)
{
	AUTO(secret_freep) struct secret *key = secret_random(32);

	for (int i = 0; i < 200; i++) {
		char             id[TOKEN_ID_SIZE], text[TOKEN_SIZE];
		struct api_token made, read;
		uint8_t          a[TOKEN_DIGEST_SIZE], b[TOKEN_DIGEST_SIZE];

		api_token_id_new(id);
		CHECK(api_token_id_valid(str_c(id)));
		api_token_make(id, &made, text);
		CHECK_INT(strlen(text), TOKEN_SIZE - 1);
		CHECK(strncmp(text, "rvt_", 4) == 0);
		CHECK(api_token_parse(str_c(text), &read));
		CHECK_STR(read.id, id);
		CHECK(memcmp(read.secret, made.secret, sizeof(made.secret)) == 0);
		api_token_digest(key, &made, a);
		api_token_digest(key, &read, b);
		CHECK(memcmp(a, b, sizeof(a)) == 0);
	}
}

TEST(token_refuses)
{
	char             id[TOKEN_ID_SIZE], text[TOKEN_SIZE], bad[TOKEN_SIZE + 1];
	struct api_token made, read = { .id = "untouched" };

	api_token_id_new(id);
	api_token_make(id, &made, text);
	for (size_t len = 0; len < TOKEN_SIZE - 1; len++)
		CHECK(!api_token_parse(str_of(text, len), &read));
	snprintf(bad, sizeof(bad), "%s ", text);
	CHECK(!api_token_parse(str_c(bad), &read));
	/* Every character is covered by the shape or the checksum. */
	for (size_t i = 0; i < TOKEN_SIZE - 1; i++) {
		snprintf(bad, sizeof(bad), "%s", text);
		bad[i] = bad[i] == 'a' ? 'b' : 'a';
		CHECK(!api_token_parse(str_c(bad), &read));
	}
	CHECK_STR(read.id, "untouched");
	CHECK(!api_token_id_valid(STR("")) && !api_token_id_valid(STR("ABCDEFGHIJKL")) &&
	      !api_token_id_valid(STR("abcdefghijk1")));
}

TESTS(T(token_round_trip), T(token_refuses))
