/*
 * crypto/aead.h: XAES-256-GCM (C2SP): AES-256-GCM with 192-bit nonces that may be drawn at random.
 *
 * Errors   sealing cannot fail; opening has one failure, "not authentic", and writes nothing then.
 * Purity   no globals but the fetched algorithms; safe from any thread.
 */
#ifndef REEVE_CRYPTO_AEAD_H
#define REEVE_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define AEAD_KEY_SIZE   32
#define AEAD_NONCE_SIZE 24
#define AEAD_TAG_SIZE   16

/* Write plain.len + AEAD_TAG_SIZE bytes to ret. */
void aead_seal(const uint8_t key[static AEAD_KEY_SIZE], const uint8_t nonce[static AEAD_NONCE_SIZE],
               struct str aad, struct str plain, uint8_t *ret);
/* Write sealed.len - AEAD_TAG_SIZE bytes to ret; on false ret holds zeros. */
MUST_CHECK bool aead_open(const uint8_t key[static AEAD_KEY_SIZE],
                          const uint8_t nonce[static AEAD_NONCE_SIZE], struct str aad,
                          struct str sealed, uint8_t *ret);

#endif
