/*
 * crypto/ossl.h: what the files of this folder share and nobody else includes: the fetched algorithms, what is
 * inside a struct key, and the one-line cleanups for OpenSSL's objects.
 */
#ifndef REEVE_CRYPTO_OSSL_H
#define REEVE_CRYPTO_OSSL_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/attr.h"
#include "base/err.h"
#include "crypto/init.h"
#include "crypto/keys.h"

struct crypto_algorithms {
	EVP_CIPHER *aes_256_gcm, *aes_256_ecb;
	EVP_MD     *sha256;
	EVP_MAC    *hmac;
	EVP_KDF    *hkdf;
};

const struct crypto_algorithms *crypto_algorithms(void);

/* For calls that fail only when the library is broken or memory is out. */
void crypto_must(bool ok, const char *what);

struct key {
	EVP_PKEY     *pkey;
	enum key_type type;
};

/* How a key signs, by its type. */
struct key_scheme {
	const char *name;   /* stored */
	const char *alg;    /* JWS */
	const char *digest;
	const char *curve;  /* EC: as JWK spells it; else NULL */
	const char *group;  /* EC: as OpenSSL spells it */
	size_t      half;   /* EC: bytes of r, s, x and y */
	int         bits;   /* RSA: of the modulus */
	struct str  spki_alg, sig_alg; /* the content of the AlgorithmIdentifier of the key and of its signatures */
};
const struct key_scheme *key_scheme(enum key_type type);
/* Which row of the table is this? Refuses all others: other curves, other sizes, other exponents. */
MUST_CHECK bool key_classify(EVP_PKEY *pkey, enum key_type *ret);

/* The scheme's signature over the input, as X.509 has it: for EC a DER SEQUENCE of r and s. */
MUST_CHECK bool key_sign(const struct key *key, struct str input, struct arena *a, struct str *ret, struct err *err);

#define OSSL_FREEP(name, type, call)                                                               \
	static inline void name##_freep(type **p)                                                  \
	{                                                                                          \
		call(*p);                                                                          \
		*p = NULL;                                                                         \
	}
OSSL_FREEP(bio, BIO, BIO_free_all)
OSSL_FREEP(bn, BIGNUM, BN_clear_free)
OSSL_FREEP(cipher_ctx, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
OSSL_FREEP(ecdsa_sig, ECDSA_SIG, ECDSA_SIG_free)
OSSL_FREEP(general_names, GENERAL_NAMES, GENERAL_NAMES_free)
OSSL_FREEP(kdf_ctx, EVP_KDF_CTX, EVP_KDF_CTX_free)
OSSL_FREEP(mac_ctx, EVP_MAC_CTX, EVP_MAC_CTX_free)
OSSL_FREEP(md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)
OSSL_FREEP(param_bld, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
OSSL_FREEP(params, OSSL_PARAM, OSSL_PARAM_free)
OSSL_FREEP(pkcs12, PKCS12, PKCS12_free)
OSSL_FREEP(pkcs8, PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
OSSL_FREEP(pkey, EVP_PKEY, EVP_PKEY_free)
OSSL_FREEP(pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
OSSL_FREEP(x509, X509, X509_free)
OSSL_FREEP(x509_req, X509_REQ, X509_REQ_free)

static inline void x509_stack_freep(STACK_OF(X509) **p)
{
	sk_X509_pop_free(*p, X509_free);
	*p = NULL;
}

static inline void extensions_freep(STACK_OF(X509_EXTENSION) **p)
{
	sk_X509_EXTENSION_pop_free(*p, X509_EXTENSION_free);
	*p = NULL;
}

/* For bytes that an i2d function allocated. */
static inline void ossl_bytes_freep(unsigned char **p)
{
	OPENSSL_free(*p);
	*p = NULL;
}

#endif
