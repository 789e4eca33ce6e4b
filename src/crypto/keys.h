/*
 * crypto/keys.h: private keys: making, loading, public views.
 *
 * Shapes   EC P-256 and P-384, RSA 2048, 3072 and 4096 with e = 65537; nothing else is loaded.
 * Loading  PKCS#8 DER without trailing bytes; the public half must belong to the private one.
 * Memory   struct key is opaque; private encodings come as struct secret.
 * Purity   safe from any thread (one key, one thread at a time).
 */
#ifndef REEVE_CRYPTO_KEYS_H
#define REEVE_CRYPTO_KEYS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"

enum key_type { KEY_P256, KEY_P384, KEY_RSA2048, KEY_RSA3072, KEY_RSA4096, KEY__COUNT };

/* "p256", "p384", "rsa2048", "rsa3072", "rsa4096": stored, never renamed. */
const char     *key_type_name(enum key_type type);
MUST_CHECK bool key_type_parse(struct str name, enum key_type *ret);
/* RSA generation takes up to seconds; EC does not. */
bool key_type_slow(enum key_type type);

struct key;

MUST_CHECK bool key_generate(enum key_type type, struct key **ret, struct err *err);
MUST_CHECK bool key_from_pkcs8(struct str der, struct key **ret, struct err *err);
/* The same for bytes that key_pkcs8() wrote and a seal has kept: the halves are not compared again. */
MUST_CHECK bool key_reopen(struct str der, struct key **ret, struct err *err);
/* Does the public half belong to the private one? Signs and verifies. */
MUST_CHECK bool key_check(const struct key *key, struct err *err);
void            key_free(struct key *key); /* NULL is fine */
void            key_freep(struct key **key);

enum key_type  key_type_get(const struct key *key);
struct secret *key_pkcs8(const struct key *key);

enum key_pem_format {
	KEY_PEM_PKCS8,       /* "PRIVATE KEY" */
	KEY_PEM_TRADITIONAL, /* "EC PRIVATE KEY" (SEC1) or "RSA PRIVATE KEY" (PKCS#1) */
};
struct secret *key_pem(const struct key *key, enum key_pem_format format);
/* PKCS#12 with the chain (PEM, leaf first; it must be the key's). */
MUST_CHECK bool key_pkcs12(const struct key *key, struct str chain_pem, const char *password,
                           const char *friendly_name, struct secret **ret, struct err *err);

/* The public key as JSON, members sorted, no spaces (RFC 7638 section 3). */
char *key_jwk(const struct key *key, struct arena *a);
/* base64url(SHA-256(JWK)): 43 characters. */
#define THUMBPRINT_SIZE 44
void jwk_thumbprint(struct str jwk, char ret[static THUMBPRINT_SIZE]);
/* SubjectPublicKeyInfo (RFC 5280 section 4.1), DER. */
struct str key_spki(const struct key *key, struct arena *a);
/* Lower-case hex of its SHA-256. */
void key_spki_sha256(const struct key *key, char ret[static SHA256_HEX_SIZE]);

#endif
