/* crypto/token.c: fixed positions, since base64url may contain '_' itself. */
#include "crypto/token.h"

#include "base/encode.h"
#include "base/rand.h"
#include "crypto/hmac.h"

#define PREFIX     "rvt_"
#define ID_LEN     12
#define SECRET_LEN 43
#define CHECK_LEN  6
#define ID_AT      4
#define SECRET_AT  (ID_AT + ID_LEN + 1)
#define CHECK_AT   (SECRET_AT + SECRET_LEN + 1)
_Static_assert(CHECK_AT + CHECK_LEN + 1 == TOKEN_SIZE, "the shape in the header");

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void api_token_id_new(char ret[static TOKEN_ID_SIZE])
{
	uint8_t bytes[ID_LEN];

	rand_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < ID_LEN; i++)
		ret[i] = alphabet[bytes[i] % 32];
	ret[ID_LEN] = '\0';
}

bool api_token_id_valid(struct str id)
{
	if (id.len != ID_LEN)
		return false;
	for (size_t i = 0; i < ID_LEN; i++)
		if (id.ptr[i] == '\0' || strchr(alphabet, id.ptr[i]) == NULL)
			return false;
	return true;
}

static void checksum(struct str head, char ret[static CHECK_LEN])
{
	uint32_t crc = crc32_update(0, head);

	for (size_t i = 0; i < CHECK_LEN; i++)
		ret[i] = alphabet[crc >> (25 - 5 * i) & 31];
}

void api_token_make(const char *id, struct api_token *ret, char text[static TOKEN_SIZE])
{
	AUTO(arena_freep) struct arena *a = arena_new();
	char *secret;

	snprintf(ret->id, sizeof(ret->id), "%s", id);
	rand_bytes(ret->secret, sizeof(ret->secret));
	secret = b64url_encode(a, str_of(ret->secret, sizeof(ret->secret)));
	snprintf(text, TOKEN_SIZE, PREFIX "%s_%s_", ret->id, secret);
	checksum(str_of(text, CHECK_AT - 1), text + CHECK_AT);
	text[TOKEN_SIZE - 1] = '\0';
	wipe(secret, SECRET_LEN);
}

bool api_token_parse(struct str text, struct api_token *ret)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	char       check[CHECK_LEN];
	struct str secret; /* in an arena that nobody else sees */

	if (text.len != TOKEN_SIZE - 1 || !str_starts(text, STR(PREFIX)) ||
	    !api_token_id_valid(str_of(text.ptr + ID_AT, ID_LEN)) || text.ptr[SECRET_AT - 1] != '_' ||
	    text.ptr[CHECK_AT - 1] != '_')
		return false;
	checksum(str_of(text.ptr, CHECK_AT - 1), check);
	if (memcmp(check, text.ptr + CHECK_AT, CHECK_LEN) != 0)
		return false;
	if (!b64url_decode(a, str_of(text.ptr + SECRET_AT, SECRET_LEN), &secret) || secret.len != TOKEN_SECRET_SIZE)
		return false;
	memcpy(ret->id, text.ptr + ID_AT, ID_LEN);
	ret->id[ID_LEN] = '\0';
	memcpy(ret->secret, secret.ptr, TOKEN_SECRET_SIZE);
	return true;
}

void api_token_digest(const struct secret *key, const struct api_token *token, uint8_t ret[static TOKEN_DIGEST_SIZE])
{
	hmac_sha256(secret_str(key), str_of(token->secret, sizeof(token->secret)), ret);
}
