/* tests/unit/crypto/primitives.c: published vectors of SHA-256, HMAC, HKDF and XAES-256-GCM; secrets. */
#include "test.h"

#include <openssl/evp.h>

#include "base/encode.h"
#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "crypto/hmac.h"
#include "crypto/init.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"

static const char *hex(struct arena *a, const void *p, size_t len)
{
	return hex_encode(a, str_of(p, len));
}

TEST(sha256_vector)
{
	char digest[SHA256_HEX_SIZE];

	sha256_hex(STR("abc"), digest); /* FIPS 180-4 */
	CHECK_STR(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex(str_of(NULL, 0), digest);
	CHECK_STR(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(hmac_vector)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	uint8_t    mac[HMAC_SIZE];
	struct str key;

	hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), mac); /* RFC 4231 case 2 */
	CHECK_STR(hex(a, mac, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	/* RFC 7515 A.1 */
	CHECK(b64url_decode(a, STR("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"),
	                    &key));
	hmac_sha256(key,
	            STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA"
	                "6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"),
	            mac);
	CHECK_STR(b64url_encode(a, str_of(mac, 32)), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	hmac_sha256(str_of(NULL, 0), str_of(NULL, 0), mac);
	CHECK_STR(hex(a, mac, 32), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static const struct {
	const char *key, *salt, *info, *okm;
} hkdf_vectors[] = { /* RFC 5869 A.1, A.2, A.3 */
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
	{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536"
	  "3738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
	  "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f90919293949596"
	  "9798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	  "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6"
	  "e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09"
	  "b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
};

TEST(hkdf_vector)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(hkdf_vectors); i++) {
		struct str key = { 0 }, salt = { 0 }, info = { 0 };
		uint8_t    okm[128];
		size_t     len = strlen(hkdf_vectors[i].okm) / 2;

		CHECK(hex_decode(a, str_c(hkdf_vectors[i].key), &key));
		CHECK(hkdf_vectors[i].salt[0] == '\0' || hex_decode(a, str_c(hkdf_vectors[i].salt), &salt));
		CHECK(hkdf_vectors[i].info[0] == '\0' || hex_decode(a, str_c(hkdf_vectors[i].info), &info));
		hkdf_sha256(key, salt, info, okm, len);
		CHECK_STR(hex(a, okm, len), hkdf_vectors[i].okm);
	}
}

static const struct {
	uint8_t     key;
	const char *aad, *sealed;
} xaes_vectors[] = {
	{ 1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
	{ 3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
};

TEST(xaes_vector)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	const uint8_t *nonce = (const uint8_t *)"ABCDEFGHIJKLMNOPQRSTUVWX";
	struct str     plain = STR("XAES-256-GCM");

	for (size_t i = 0; i < ARRAY_LEN(xaes_vectors); i++) {
		uint8_t    key[32], sealed[64], opened[64];
		struct str aad = str_c(xaes_vectors[i].aad);
		size_t     len = plain.len + AEAD_TAG_SIZE;

		memset(key, xaes_vectors[i].key, sizeof(key));
		aead_seal(key, nonce, aad, plain, sealed);
		CHECK_STR(hex(a, sealed, len), xaes_vectors[i].sealed);
		CHECK(aead_open(key, nonce, aad, str_of(sealed, len), opened));
		CHECK(memcmp(opened, plain.ptr, plain.len) == 0);
		/* Any bit anywhere. */
		for (size_t bit = 0; bit < 8 * len; bit++) {
			sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CHECK(!aead_open(key, nonce, aad, str_of(sealed, len), opened));
			for (size_t j = 0; j < plain.len; j++)
				CHECK(opened[j] == 0);
			sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		CHECK(!aead_open(key, nonce, STR("other"), str_of(sealed, len), opened));
		CHECK(!aead_open(key, nonce, aad, str_of(sealed, len - 1), opened));
		CHECK(!aead_open(key, nonce, aad, str_of(sealed, AEAD_TAG_SIZE - 1), opened));
	}
}

/* The accumulated test of the specification: 10,000 random messages, one hash over all ciphertexts. */
TEST(xaes_accumulated)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	static uint8_t random[8 * MIB];
	const uint8_t *at = random;
	EVP_MD_CTX    *source = EVP_MD_CTX_new(), *sink = EVP_MD_CTX_new();
	uint8_t        digest[32];

	CHECK(EVP_DigestInit_ex(source, EVP_shake128(), NULL) == 1);
	CHECK(EVP_DigestFinalXOF(source, random, sizeof(random)) == 1);
	CHECK(EVP_DigestInit_ex(sink, EVP_shake128(), NULL) == 1);
	for (int i = 0; i < 10000; i++) {
		const uint8_t *key = at, *nonce = at + 32;
		struct str     plain = str_of(at + 57, at[56]);
		struct str     aad = str_of(at + 57 + plain.len + 1, at[57 + plain.len]);
		uint8_t        sealed[255 + AEAD_TAG_SIZE], opened[255];

		aead_seal(key, nonce, aad, plain, sealed);
		CHECK(EVP_DigestUpdate(sink, sealed, plain.len + AEAD_TAG_SIZE) == 1);
		CHECK(aead_open(key, nonce, aad, str_of(sealed, plain.len + AEAD_TAG_SIZE), opened));
		CHECK(memcmp(opened, plain.ptr, plain.len) == 0);
		at = (const uint8_t *)aad.ptr + aad.len;
	}
	CHECK(EVP_DigestFinalXOF(sink, digest, sizeof(digest)) == 1);
	CHECK_STR(hex(a, digest, 32), "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
	EVP_MD_CTX_free(source);
	EVP_MD_CTX_free(sink);
}

TEST(secrets)
{
	crypto_secure_heap();

	AUTO(secret_freep) struct secret *a = secret_random(32);
	AUTO(secret_freep) struct secret *b = secret_copy(secret_str(a));
	AUTO(secret_freep) struct secret *big = secret_random(8 * MIB); /* more than the secure heap has */

	CHECK(secret_len(a) == 32 && ct_equal(secret_ptr(a), secret_ptr(b), 32));
	secret_ptr(b)[31] ^= 1;
	CHECK(!ct_equal(secret_ptr(a), secret_ptr(b), 32));
	secret_cut(b, 5);
	CHECK(secret_len(b) == 5 && secret_ptr(b)[5] == 0);
	CHECK(secret_len(big) == 8 * MIB);
	secret_free(NULL);
}

TESTS(T(sha256_vector), T(hmac_vector), T(hkdf_vector), T(xaes_vector), T(xaes_accumulated), T(secrets))
