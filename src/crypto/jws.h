/*
 * crypto/jws.h: flattened JSON JWS as ACME wants it. RFC 7515, RFC 8555 6.2 and 7.3.4.
 *
 * Shapes   ES256, ES384, RS256 by the key's type; HS256 for external account binding. Protected members
 *          come from the struct, never from JSON of a caller. nonce, url and kid are printable ASCII
 *          without '"' and '\', so nothing has to be escaped.
 * Memory   results live in the arena.
 * Errors   ERR_INPUT for texts that break the rule above.
 */
#ifndef REEVE_CRYPTO_JWS_H
#define REEVE_CRYPTO_JWS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/keys.h"

struct jws_header {
	const char *kid;   /* NULL: the public key travels as "jwk" */
	const char *nonce; /* NULL: none (inner JWS) */
	const char *url;
};

/* An empty payload is POST-as-GET. */
MUST_CHECK bool jws_write(const struct key *key, const struct jws_header *header, struct str payload,
                          struct arena *a, struct str *ret, struct err *err);
/* The inner JWS of an external account binding: payload is the account's public JWK. */
MUST_CHECK bool jws_eab(struct str hmac_key, const char *kid, const char *url, const char *jwk,
                        struct arena *a, struct str *ret, struct err *err);

/* The signature alone over `input`: raw r||s for EC, PKCS#1 v1.5 for RSA. */
MUST_CHECK bool jws_signature(const struct key *key, struct str input, struct arena *a, struct str *ret,
                              struct err *err);
/* DER ECDSA-Sig-Value to r||s, each left-padded to `half` bytes. RFC 7518 3.4. */
MUST_CHECK bool ecdsa_raw(struct str der, size_t half, uint8_t *ret, struct err *err);

#endif
