/* crypto/hmac.h: HMAC (RFC 2104): with SHA-256 for our own use, with the others for protocols that ask for them. */
#ifndef REEVE_CRYPTO_HMAC_H
#define REEVE_CRYPTO_HMAC_H

#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define HMAC_SIZE 32

void hmac_sha256(struct str key, struct str bytes, uint8_t ret[static HMAC_SIZE]);

enum hmac_digest { HMAC_SHA1, HMAC_SHA224, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, HMAC__COUNT };
#define HMAC_SIZE_MAX 64

/* Returns the size: 20, 28, 32, 48 or 64. */
size_t hmac(enum hmac_digest digest, struct str key, struct str bytes, uint8_t ret[static HMAC_SIZE_MAX]);

#endif
