/*
 * crypto/rsa_sign.h: RSA signatures with somebody's own key, for interfaces that authenticate that way (Google, Oracle,
 * TransIP, Yandex).
 *
 * Shapes   the key is PEM, PKCS#8 or PKCS#1, without a passphrase; 2048 to 8192 bits.
 * Memory   the signature lives in the arena.
 * Errors   ERR_INPUT for a key that is none. No part of the key is in a text.
 */
#ifndef REEVE_CRYPTO_RSA_SIGN_H
#define REEVE_CRYPTO_RSA_SIGN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum rsa_scheme {
	RSA_SHA256, /* PKCS#1 v1.5, as RS256 */
	RSA_SHA512, /* PKCS#1 v1.5 */
	RSA_PSS256, /* PSS with a salt as long as the digest, as PS256 */
	RSA__COUNT
};

MUST_CHECK bool rsa_sign(enum rsa_scheme scheme, struct str pem, struct str bytes, struct arena *a, struct str *ret,
                         struct err *err);

#endif
