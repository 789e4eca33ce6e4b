/* tests/unit/crypto/rsa_sign.c: against the signer of JWS (RFC 7515 vectors) and libcrypto's own check of PSS. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/jws.h"
#include "crypto/rsa_sign.h"
#include "test.h"

static struct str pem_of(struct arena *a, const struct key *key, enum key_pem_format format)
{
	struct secret *pem = key_pem(key, format);
	struct str     ret = arena_dup(a, secret_str(pem));

	secret_free(pem);
	return ret;
}

static bool verified(struct str pem, const char *digest, bool pss, struct str text, struct str signature)
{
	BIO          *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY     *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	bool          ok = EVP_DigestVerifyInit_ex(ctx, &pctx, digest, NULL, NULL, key, NULL) == 1;

	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 32) == 1;
	ok = ok && EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len, (const unsigned char *)text.ptr, text.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return ok;
}

TEST(signs)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(key_freep) struct key     *key = NULL;
	struct str                      text = STR("header.claims"), pem, same, signature;
	struct err                      err = { 0 };

	CHECK_OK(key_generate(KEY_RSA2048, &key, &err), err);
	for (int format = KEY_PEM_PKCS8; format <= KEY_PEM_TRADITIONAL; format++) {
		pem = pem_of(a, key, (enum key_pem_format)format);
		CHECK_OK(jws_signature(key, text, a, &same, &err), err);
		CHECK_OK(rsa_sign(RSA_SHA256, pem, text, a, &signature, &err), err);
		CHECK(str_eq(signature, same));
		CHECK_OK(rsa_sign(RSA_SHA512, pem, text, a, &signature, &err), err);
		CHECK(verified(pem, "SHA512", false, text, signature));
		CHECK_OK(rsa_sign(RSA_PSS256, pem, text, a, &signature, &err), err);
		CHECK(verified(pem, "SHA256", true, text, signature) && !verified(pem, "SHA256", true, STR("other"), signature));
		/* Some hand out a key with a line of words above it. */
		pem = str_c(arena_printf(a, "PLEASE DO NOT REMOVE THIS LINE!\n%.*s", STR_ARG(pem)));
		CHECK_OK(rsa_sign(RSA_SHA256, pem, STR(""), a, &signature, &err), err);
	}
}

/* Nobody is asked for the passphrase. */
#define ENCRYPTED                                                                                                              \
	"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n" \
	"-----END RSA PRIVATE KEY-----\n"

TEST(refuses)
{
	static const char *const bad[] = { "", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", (ENCRYPTED) };
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(key_freep) struct key     *key = NULL;
	struct str                      signature;
	struct err                      err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(!rsa_sign(RSA_SHA256, str_c(bad[i]), STR("x"), a, &signature, &err));
		CHECK_INT(err.class, ERR_INPUT);
	}
	CHECK_OK(key_generate(KEY_P256, &key, &err), err);
	CHECK(!rsa_sign(RSA_SHA256, pem_of(a, key, KEY_PEM_PKCS8), STR("x"), a, &signature, &err));
	CHECK_INT(err.class, ERR_INPUT);
}

TESTS(T(signs), T(refuses))
