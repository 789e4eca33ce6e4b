/* tests/unit/crypto/make_cert.h: certificates made on the spot, for tests of crypto and keeper. */
#ifndef REEVE_TESTS_MAKE_CERT_H
#define REEVE_TESTS_MAKE_CERT_H

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/keys.h"

struct cert_wish {
	const struct key *key, *issuer_key;
	const char       *subject, *issuer;
	bool              ca;
	const char       *san; /* as OpenSSL's configuration spells it; NULL: none */
	int64_t           not_before_ms, not_after_ms;
};

static inline EVP_PKEY *make_cert_pkey(const struct key *key)
{
	AUTO(secret_freep) struct secret *der = key_pkcs8(key);
	const unsigned char *p = secret_ptr(der);
	EVP_PKEY            *pkey = d2i_AutoPrivateKey(NULL, &p, (long)secret_len(der));

	assert(pkey != NULL);
	return pkey;
}

static inline void make_cert_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);

	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);

	assert(e != NULL && X509_add_ext(cert, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static inline struct str make_cert(struct arena *a, const struct cert_wish *w)
{
	EVP_PKEY      *key = make_cert_pkey(w->key), *issuer_key = make_cert_pkey(w->issuer_key);
	X509          *cert = X509_new();
	X509_NAME     *name = X509_NAME_new(), *issuer = X509_NAME_new();
	unsigned char *der = NULL;
	int            len;
	struct str     ret;

	assert(X509_set_version(cert, X509_VERSION_3) == 1);
	assert(ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), 0x8001020304u) == 1);
	assert(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)w->subject, -1, -1, 0) == 1);
	assert(X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_UTF8, (const unsigned char *)w->issuer, -1, -1, 0) == 1);
	assert(X509_set_subject_name(cert, name) == 1 && X509_set_issuer_name(cert, issuer) == 1);
	assert(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(w->not_before_ms / 1000)) != NULL);
	assert(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(w->not_after_ms / 1000)) != NULL);
	assert(X509_set_pubkey(cert, key) == 1);
	if (w->ca)
		make_cert_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	if (w->san != NULL)
		make_cert_extension(cert, NID_subject_alt_name, w->san);
	assert(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
	len = i2d_X509(cert, &der);
	assert(len > 0);
	ret = arena_dup(a, str_of(der, (size_t)len));
	OPENSSL_free(der);
	X509_NAME_free(name);
	X509_NAME_free(issuer);
	X509_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(issuer_key);
	return ret;
}

#endif
