/* crypto/sha256.c: one-shot SHA-256. */
#include "crypto/sha256.h"

#include "crypto/ossl.h"

void sha256(struct str bytes, uint8_t ret[static SHA256_SIZE])
{
	unsigned len = 0;
	int      ok = EVP_Digest(bytes.len > 0 ? bytes.ptr : "", bytes.len, ret, &len,
	                         crypto_algorithms()->sha256, NULL);

	crypto_must(ok == 1 && len == SHA256_SIZE, "SHA-256");
}

void sha256_hex(struct str bytes, char ret[static SHA256_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t           digest[SHA256_SIZE];

	sha256(bytes, digest);
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		ret[2 * i] = digits[digest[i] >> 4];
		ret[2 * i + 1] = digits[digest[i] & 15];
	}
	ret[SHA256_HEX_SIZE - 1] = '\0';
}
