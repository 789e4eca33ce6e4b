/* crypto/hkdf.h: HKDF-SHA256 (RFC 5869), extract and expand. */
#ifndef REEVE_CRYPTO_HKDF_H
#define REEVE_CRYPTO_HKDF_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

/* len is at most 255 * 32. An empty salt means 32 zero bytes. */
void hkdf_sha256(struct str key, struct str salt, struct str info, uint8_t *ret, size_t len);

#endif
