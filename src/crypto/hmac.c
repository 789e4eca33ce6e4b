/* crypto/hmac.c: one-shot HMAC-SHA256. */
#include "crypto/hmac.h"

#include "crypto/ossl.h"

void hmac_sha256(struct str key, struct str bytes, uint8_t ret[static HMAC_SIZE])
{
	static char digest[] = "SHA256"; /* not const: the type of the parameter asks for it */
	OSSL_PARAM  params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                OSSL_PARAM_construct_end(),
	};
	AUTO(mac_ctx_freep) EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(crypto_algorithms()->hmac);
	size_t len = 0;

	crypto_must(ctx != NULL, "HMAC");
	/* A NULL key means "the one before" to the library; an empty key is not that. */
	crypto_must(EVP_MAC_init(ctx, (const uint8_t *)(key.len > 0 ? key.ptr : ""), key.len, params) == 1 &&
	                    EVP_MAC_update(ctx, (const uint8_t *)(bytes.len > 0 ? bytes.ptr : ""),
	                                   bytes.len) == 1 &&
	                    EVP_MAC_final(ctx, ret, &len, HMAC_SIZE) == 1 && len == HMAC_SIZE,
	            "HMAC");
}
