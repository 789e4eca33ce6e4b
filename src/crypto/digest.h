/*
 * crypto/digest.h: digests and HMACs by name, for what other people's interfaces ask for. MD5 and SHA-1 are here because
 * some of them do; nothing of ours is built upon those two.
 */
#ifndef REEVE_CRYPTO_DIGEST_H
#define REEVE_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512, DIGEST__COUNT };

#define DIGEST_SIZE_MAX 64

/* Both return the length written. */
size_t digest(enum digest_kind kind, struct str bytes, uint8_t ret[static DIGEST_SIZE_MAX]);
size_t digest_hmac(enum digest_kind kind, struct str key, struct str bytes, uint8_t ret[static DIGEST_SIZE_MAX]);

#endif
