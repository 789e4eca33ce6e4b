/* crypto/hmac.c: one-shot HMAC. */
#include "crypto/hmac.h"

#include "crypto/ossl.h"

size_t hmac(enum hmac_digest digest, struct str key, struct str bytes, uint8_t ret[static HMAC_SIZE_MAX])
{
	/* Not const: the type of the parameter asks for it. */
	static char names[HMAC__COUNT][8] = { "SHA1", "SHA224", "SHA256", "SHA384", "SHA512" };
	OSSL_PARAM  params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, names[digest], 0),
                OSSL_PARAM_construct_end(),
	};
	AUTO(mac_ctx_freep) EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(crypto_algorithms()->hmac);
	size_t len = 0;

	crypto_must(ctx != NULL, "HMAC");
	/* A NULL key means "the one before" to the library; an empty key is not that. */
	crypto_must(EVP_MAC_init(ctx, (const uint8_t *)(key.len > 0 ? key.ptr : ""), key.len, params) == 1 &&
	                    EVP_MAC_update(ctx, (const uint8_t *)(bytes.len > 0 ? bytes.ptr : ""), bytes.len) == 1 &&
	                    EVP_MAC_final(ctx, ret, &len, HMAC_SIZE_MAX) == 1,
	            "HMAC");
	return len;
}

void hmac_sha256(struct str key, struct str bytes, uint8_t ret[static HMAC_SIZE])
{
	uint8_t full[HMAC_SIZE_MAX];

	(void)hmac(HMAC_SHA256, key, bytes, full);
	memcpy(ret, full, HMAC_SIZE);
}
