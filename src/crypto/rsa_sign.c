/* crypto/rsa_sign.c: the key is read anew for each signature; there is one per session or request. */
#include "crypto/rsa_sign.h"

#include <assert.h>
#include <limits.h>
#include <openssl/rsa.h>

#include "crypto/ossl.h"

#define BITS_MIN 2048
#define BITS_MAX 8192

static const struct {
	const char *digest;
	bool        pss;
} schemes[RSA__COUNT] = {
	[RSA_SHA256] = { "SHA256", false },
	[RSA_SHA512] = { "SHA512", false },
	[RSA_PSS256] = { "SHA256", true },
};

/* Nobody is there to be asked for a passphrase. */
static int no_passphrase(char *text UNUSED, int size UNUSED, int writing UNUSED, void *arg UNUSED)
{
	return 0;
}

static EVP_PKEY *key_read(struct str pem)
{
	AUTO(bio_freep) BIO *bio = pem.len < INT_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;

	return bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
}

bool rsa_sign(enum rsa_scheme scheme, struct str pem, struct str bytes, struct arena *a, struct str *ret, struct err *err)
{
	AUTO(pkey_freep) EVP_PKEY     *key = NULL;
	AUTO(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX                  *pctx;
	uint8_t                        signature[BITS_MAX / 8];
	size_t                         len = sizeof(signature);
	bool                           ok;

	assert((unsigned)scheme < RSA__COUNT);
	crypto_init();
	key = pem.len > 0 ? key_read(pem) : NULL;
	ERR_clear_error(); /* its texts may quote the input */
	if (key == NULL || !EVP_PKEY_is_a(key, "RSA"))
		return err_set(err, ERR_INPUT, "the private key is no RSA key in PEM without a passphrase");
	if (EVP_PKEY_get_bits(key) < BITS_MIN || EVP_PKEY_get_bits(key) > BITS_MAX)
		return err_set(err, ERR_INPUT, "the private key has %d bits; %d to %d are accepted", EVP_PKEY_get_bits(key), BITS_MIN,
		               BITS_MAX);
	ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, &pctx, schemes[scheme].digest, NULL, NULL, key, NULL) == 1;
	if (ok && schemes[scheme].pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestSign(ctx, signature, &len, (const uint8_t *)(bytes.len > 0 ? bytes.ptr : ""), bytes.len) == 1;
	if (!ok) {
		ERR_clear_error();
		return err_set(err, ERR_TEMPORARY, "libcrypto made no RSA signature");
	}
	*ret = arena_dup(a, str_of(signature, len));
	return true;
}
