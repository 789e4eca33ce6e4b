/* crypto/hkdf.c: HKDF through EVP_KDF. */
#include "crypto/hkdf.h"

#include <assert.h>

#include "crypto/ossl.h"

/* OSSL_PARAM is not const-correct; the library only reads these. */
static OSSL_PARAM octets(const char *name, struct str s)
{
	union {
		const char *in;
		void       *out;
	} ptr = { .in = s.len > 0 ? s.ptr : "" };

	return OSSL_PARAM_construct_octet_string(name, ptr.out, s.len);
}

void hkdf_sha256(struct str key, struct str salt, struct str info, uint8_t *ret, size_t len)
{
	static char digest[] = "SHA256";
	OSSL_PARAM  params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                octets(OSSL_KDF_PARAM_KEY, key),
                octets(OSSL_KDF_PARAM_INFO, info),
                salt.len > 0 ? octets(OSSL_KDF_PARAM_SALT, salt) : OSSL_PARAM_construct_end(),
                OSSL_PARAM_construct_end(),
	};
	AUTO(kdf_ctx_freep) EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(crypto_algorithms()->hkdf);

	assert(len > 0 && len <= (size_t)255 * 32);
	crypto_must(ctx != NULL && EVP_KDF_derive(ctx, ret, len, params) == 1, "HKDF");
}
