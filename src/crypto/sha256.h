/* crypto/sha256.h: SHA-256 (FIPS 180-4) of bytes in memory. */
#ifndef REEVE_CRYPTO_SHA256_H
#define REEVE_CRYPTO_SHA256_H

#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65 /* with the NUL */

void sha256(struct str bytes, uint8_t ret[static SHA256_SIZE]);
/* The digest as lower-case hex. */
void sha256_hex(struct str bytes, char ret[static SHA256_HEX_SIZE]);

#endif
