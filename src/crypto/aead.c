/*
 * crypto/aead.c: XAES-256-GCM. C2SP XAES-256-GCM: a key and nonce for AES-256-GCM are derived from the 24 byte
 * nonce with CMAC in counter mode, which is two AES blocks once the sub-key K1 is known. OpenSSL 3.0's KBKDF
 * cannot set the counter's width, so the blocks are done here.
 */
#include "crypto/aead.h"

#include <assert.h>
#include <limits.h>

#include "crypto/ossl.h"
#include "crypto/secret.h"

#define BLOCK 16

/* Multiply by x in GF(2^128), RFC 4493 2.3. */
static void block_double(uint8_t b[static BLOCK])
{
	uint8_t carry = b[0] >> 7;

	for (size_t i = 0; i < BLOCK - 1; i++)
		b[i] = (uint8_t)(b[i] << 1 | b[i + 1] >> 7);
	b[BLOCK - 1] = (uint8_t)((b[BLOCK - 1] << 1) ^ (carry * 0x87));
}

static void derive(const uint8_t key[static AEAD_KEY_SIZE], const uint8_t nonce[static AEAD_NONCE_SIZE],
                   uint8_t ret[static AEAD_KEY_SIZE])
{
	AUTO(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t k1[BLOCK] = { 0 }, m[2 * BLOCK] = { 0, 1, 'X', 0 };
	int     len = 0;

	crypto_must(ctx != NULL &&
	                    EVP_EncryptInit_ex2(ctx, crypto_algorithms()->aes_256_ecb, key, NULL, NULL) == 1 &&
	                    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	                    EVP_EncryptUpdate(ctx, k1, &len, k1, BLOCK) == 1 && len == BLOCK,
	            "AES-256");
	block_double(k1);
	memcpy(m + 4, nonce, 12);
	memcpy(m + BLOCK, m, BLOCK);
	m[BLOCK + 1] = 2;
	for (size_t i = 0; i < BLOCK; i++) {
		m[i] ^= k1[i];
		m[BLOCK + i] ^= k1[i];
	}
	crypto_must(EVP_EncryptUpdate(ctx, ret, &len, m, sizeof(m)) == 1 && len == sizeof(m), "AES-256");
	wipe(k1, sizeof(k1));
	wipe(m, sizeof(m));
}

/* A context ready for data: key, nonce and associated data are in. */
static EVP_CIPHER_CTX *start(const uint8_t *key, const uint8_t *nonce, struct str aad, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t         kx[AEAD_KEY_SIZE];
	int             len = 0;

	derive(key, nonce, kx);
	crypto_must(ctx != NULL && EVP_CipherInit_ex2(ctx, crypto_algorithms()->aes_256_gcm, kx, nonce + 12,
	                                              encrypt, NULL) == 1,
	            "AES-256-GCM");
	wipe(kx, sizeof(kx));
	assert(aad.len <= INT_MAX);
	if (aad.len > 0)
		crypto_must(EVP_CipherUpdate(ctx, NULL, &len, (const uint8_t *)aad.ptr, (int)aad.len) == 1,
		            "AES-256-GCM");
	return ctx;
}

void aead_seal(const uint8_t key[static AEAD_KEY_SIZE], const uint8_t nonce[static AEAD_NONCE_SIZE],
               struct str aad, struct str plain, uint8_t *ret)
{
	AUTO(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = start(key, nonce, aad, 1);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, ret + plain.len, AEAD_TAG_SIZE),
		OSSL_PARAM_construct_end(),
	};
	int len = 0, more = 0;

	assert(plain.len <= INT_MAX - AEAD_TAG_SIZE);
	if (plain.len > 0)
		crypto_must(EVP_CipherUpdate(ctx, ret, &len, (const uint8_t *)plain.ptr, (int)plain.len) == 1,
		            "AES-256-GCM");
	crypto_must(EVP_CipherFinal_ex(ctx, ret + len, &more) == 1 && (size_t)(len + more) == plain.len &&
	                    EVP_CIPHER_CTX_get_params(ctx, params) == 1,
	            "AES-256-GCM");
}

bool aead_open(const uint8_t key[static AEAD_KEY_SIZE], const uint8_t nonce[static AEAD_NONCE_SIZE],
               struct str aad, struct str sealed, uint8_t *ret)
{
	if (sealed.len < AEAD_TAG_SIZE || sealed.len > INT_MAX)
		return false;

	AUTO(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = start(key, nonce, aad, 0);
	size_t     plain_len = sealed.len - AEAD_TAG_SIZE;
	uint8_t    tag[AEAD_TAG_SIZE], unused[BLOCK];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, AEAD_TAG_SIZE),
		OSSL_PARAM_construct_end(),
	};
	int len = 0, more = 0;

	memcpy(tag, sealed.ptr + plain_len, AEAD_TAG_SIZE);
	crypto_must(EVP_CIPHER_CTX_set_params(ctx, params) == 1, "AES-256-GCM");
	if (plain_len > 0)
		crypto_must(EVP_CipherUpdate(ctx, ret, &len, (const uint8_t *)sealed.ptr, (int)plain_len) == 1,
		            "AES-256-GCM");
	/* Only the tag decides whether the bytes may be looked at. */
	if (EVP_CipherFinal_ex(ctx, unused, &more) != 1) {
		ERR_clear_error();
		wipe(ret, plain_len);
		return false;
	}
	return true;
}
