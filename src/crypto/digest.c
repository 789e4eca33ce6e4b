/* crypto/digest.c: one-shot digests and HMACs, fetched by name at each call: they are rare. */
#include "crypto/digest.h"

#include <assert.h>

#include "crypto/ossl.h"

static const char *const names[DIGEST__COUNT] = { "MD5", "SHA1", "SHA256", "SHA512" };

size_t digest(enum digest_kind kind, struct str bytes, uint8_t ret[static DIGEST_SIZE_MAX])
{
	size_t len = 0;

	assert((unsigned)kind < DIGEST__COUNT);
	crypto_init();
	crypto_must(EVP_Q_digest(NULL, names[kind], NULL, bytes.len > 0 ? bytes.ptr : "", bytes.len, ret, &len) == 1,
	            names[kind]);
	return len;
}

size_t digest_hmac(enum digest_kind kind, struct str key, struct str bytes, uint8_t ret[static DIGEST_SIZE_MAX])
{
	size_t len = 0;

	assert((unsigned)kind < DIGEST__COUNT);
	crypto_init();
	crypto_must(EVP_Q_mac(NULL, "HMAC", NULL, names[kind], NULL, key.len > 0 ? key.ptr : "", key.len,
	                      (const uint8_t *)(bytes.len > 0 ? bytes.ptr : ""), bytes.len, ret, DIGEST_SIZE_MAX,
	                      &len) != NULL,
	            names[kind]);
	return len;
}
