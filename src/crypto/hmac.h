/* crypto/hmac.h: HMAC-SHA256 (RFC 2104). */
#ifndef REEVE_CRYPTO_HMAC_H
#define REEVE_CRYPTO_HMAC_H

#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define HMAC_SIZE 32

void hmac_sha256(struct str key, struct str bytes, uint8_t ret[static HMAC_SIZE]);

#endif
