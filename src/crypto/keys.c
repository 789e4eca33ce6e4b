/*
 * crypto/keys.c: private keys through EVP. The table of schemes is the one place that knows the supported types;
 * JWS and CSR read their algorithms from it.
 */
#include "crypto/keys.h"

#include <assert.h>

#include "base/encode.h"
#include "crypto/der.h"
#include "crypto/ossl.h"
#include "crypto/x509.h"

#define PKCS8_MAX    (16 * KIB)
#define RSA_EXPONENT 65537u

#define OID_EC_PUBLIC_KEY "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256          "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384          "\x06\x05\x2b\x81\x04\x00\x22"
#define OID_ECDSA_SHA256  "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_ECDSA_SHA384  "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"
/* With their NULL parameters (RFC 3279 section 2.3.1, RFC 4055 section 5). */
#define ALG_RSA           "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
#define ALG_RSA_SHA256    "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
#define BYTES(s)          { s, sizeof(s) - 1 }

#define RSA_ALGORITHMS    BYTES(ALG_RSA), BYTES(ALG_RSA_SHA256)

static const struct key_scheme schemes[KEY__COUNT] = {
	[KEY_P256] = { "p256", "ES256", "SHA256", "P-256", "prime256v1", 32, 0, BYTES(OID_EC_PUBLIC_KEY OID_P256), BYTES(OID_ECDSA_SHA256) },
	[KEY_P384] = { "p384", "ES384", "SHA384", "P-384", "secp384r1", 48, 0, BYTES(OID_EC_PUBLIC_KEY OID_P384), BYTES(OID_ECDSA_SHA384) },
	[KEY_RSA2048] = { "rsa2048", "RS256", "SHA256", NULL, NULL, 0, 2048, RSA_ALGORITHMS },
	[KEY_RSA3072] = { "rsa3072", "RS256", "SHA256", NULL, NULL, 0, 3072, RSA_ALGORITHMS },
	[KEY_RSA4096] = { "rsa4096", "RS256", "SHA256", NULL, NULL, 0, 4096, RSA_ALGORITHMS },
};

const struct key_scheme *key_scheme(enum key_type type)
{
	assert((unsigned)type < KEY__COUNT);
	return &schemes[type];
}

const char *key_type_name(enum key_type type)
{
	return key_scheme(type)->name;
}

bool key_type_parse(struct str name, enum key_type *ret)
{
	for (size_t i = 0; i < KEY__COUNT; i++) {
		if (!str_eq(name, str_c(schemes[i].name)))
			continue;
		*ret = (enum key_type)i;
		return true;
	}
	return false;
}

bool key_type_slow(enum key_type type)
{
	return key_scheme(type)->bits > 0;
}

static bool library_refuses(struct err *err, const char *what)
{
	ERR_clear_error(); /* its texts may quote the input */
	return err_set(err, ERR_INPUT, "%s", what);
}

static struct key *key_of(EVP_PKEY *pkey, enum key_type type)
{
	struct key *key = OPENSSL_zalloc(sizeof(*key));

	crypto_must(key != NULL, "out of memory");
	key->pkey = pkey;
	key->type = type;
	return key;
}

bool key_generate(enum key_type type, struct key **ret, struct err *err)
{
	const struct key_scheme *s = key_scheme(type);
	EVP_PKEY                *pkey;

	crypto_init();
	pkey = s->bits > 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)s->bits) :
	                     EVP_PKEY_Q_keygen(NULL, NULL, "EC", s->curve);
	if (pkey == NULL) {
		ERR_clear_error();
		return err_set(err, ERR_TEMPORARY, "libcrypto made no %s key", s->name);
	}
	*ret = key_of(pkey, type);
	return true;
}

bool key_classify(EVP_PKEY *pkey, enum key_type *ret)
{
	char group[64] = "";

	if (EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1)
		return false;
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		AUTO(bn_freep) BIGNUM *e = NULL;

		if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1 || !BN_is_word(e, RSA_EXPONENT))
			return false;
	}
	for (size_t i = 0; i < KEY__COUNT; i++) {
		const struct key_scheme *s = &schemes[i];

		if (s->bits > 0 ? !EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_get_bits(pkey) != s->bits :
		                  strcmp(group, s->group) != 0)
			continue;
		*ret = (enum key_type)i;
		return true;
	}
	return false;
}

/* Sign something with the private half and verify it with the public one. */
static bool key_pairwise(EVP_PKEY *pkey, const char *digest)
{
	static const uint8_t           probe[] = "pairwise consistency";
	uint8_t                        sig[1024];
	size_t                         len = sizeof(sig);
	AUTO(pkey_ctx_freep) EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	AUTO(md_ctx_freep) EVP_MD_CTX *sign = EVP_MD_CTX_new();
	AUTO(md_ctx_freep) EVP_MD_CTX *verify = EVP_MD_CTX_new();

	crypto_must(check != NULL && sign != NULL && verify != NULL, "out of memory");
	/* Quick: the curves here have cofactor 1, so a point on the curve is in the group. */
	return EVP_PKEY_public_check_quick(check) == 1 &&
	       EVP_DigestSignInit_ex(sign, NULL, digest, NULL, NULL, pkey, NULL) == 1 &&
	       EVP_DigestSign(sign, sig, &len, probe, sizeof(probe)) == 1 &&
	       EVP_DigestVerifyInit_ex(verify, NULL, digest, NULL, NULL, pkey, NULL) == 1 &&
	       EVP_DigestVerify(verify, sig, len, probe, sizeof(probe)) == 1;
}

/*
 * A P-256 key as it is always written (RFC 5958, RFC 5915) is constant but for the private number and the point. Put
 * together and taken apart here, it takes a tenth of the time of the library's search for an encoder and a decoder,
 * which every certificate would pay for several times.
 */
static const uint8_t p256_head[] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
	                             0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	                             0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const uint8_t p256_middle[] = { 0xa1, 0x44, 0x03, 0x42, 0x00 };
#define P256_SIZE (sizeof(p256_head) + 32 + sizeof(p256_middle) + 65)

/* NULL for any other bytes: the library reads those. */
static EVP_PKEY *p256_read(struct str der)
{
	const uint8_t *number = (const uint8_t *)der.ptr + sizeof(p256_head);
	const uint8_t *point = number + 32 + sizeof(p256_middle);
	EVP_PKEY      *pkey = NULL;

	if (der.len != P256_SIZE || memcmp(der.ptr, p256_head, sizeof(p256_head)) != 0 ||
	    memcmp(number + 32, p256_middle, sizeof(p256_middle)) != 0)
		return NULL;

	AUTO(bn_freep) BIGNUM *n = BN_secure_new();
	AUTO(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	AUTO(param_bld_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();

	crypto_must(n != NULL && ctx != NULL && build != NULL && BN_bin2bn(number, 32, n) != NULL &&
	                    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
	                                                    schemes[KEY_P256].group, 0) == 1 &&
	                    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, n) == 1 &&
	                    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 65) == 1,
	            "out of memory");

	AUTO(params_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);

	crypto_must(params != NULL && EVP_PKEY_fromdata_init(ctx) == 1, "EC");
	if (EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		ERR_clear_error();
	return pkey;
}

static EVP_PKEY *pkcs8_read(struct str der)
{
	const uint8_t *p = (const uint8_t *)der.ptr;
	EVP_PKEY      *pkey = p256_read(der);

	if (pkey != NULL)
		return pkey;

	AUTO(pkcs8_freep) PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);

	if (info == NULL || p != (const uint8_t *)der.ptr + der.len)
		return NULL;
	pkey = EVP_PKCS82PKEY_ex(info, NULL, NULL);
	/* Whatever form the point came in: it is written uncompressed. */
	if (pkey != NULL && EVP_PKEY_is_a(pkey, "EC"))
		crypto_must(EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
		                                           OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 1, "EC");
	return pkey;
}

bool key_reopen(struct str der, struct key **ret, struct err *err)
{
	enum key_type type;

	if (der.len == 0 || der.len > PKCS8_MAX)
		return err_set(err, ERR_INPUT, "not a PKCS#8 private key");
	crypto_init();

	AUTO(pkey_freep) EVP_PKEY *pkey = pkcs8_read(der);

	if (pkey == NULL)
		return library_refuses(err, "not a PKCS#8 private key");
	if (!key_classify(pkey, &type))
		return library_refuses(err, "a private key of a type that is not supported");
	*ret = key_of(TAKE(pkey), type);
	return true;
}

bool key_check(const struct key *key, struct err *err)
{
	return key_pairwise(key->pkey, schemes[key->type].digest) ||
	       library_refuses(err, "the public half of the key does not belong to the private one");
}

bool key_from_pkcs8(struct str der, struct key **ret, struct err *err)
{
	AUTO(key_freep) struct key *key = NULL;

	if (!key_reopen(der, &key, err) || !key_check(key, err))
		return false;
	*ret = TAKE(key);
	return true;
}

void key_free(struct key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	OPENSSL_free(key);
}

void key_freep(struct key **key)
{
	key_free(*key);
	*key = NULL;
}

enum key_type key_type_get(const struct key *key)
{
	return key->type;
}

static void point_read(const struct key *key, uint8_t *ret, size_t size)
{
	size_t len = 0;

	crypto_must(EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, ret, size, &len) == 1 &&
	                    len == size && ret[0] == 4,
	            "EC");
}

static struct secret *p256_write(const struct key *key)
{
	struct secret          *der = secret_new(P256_SIZE);
	uint8_t                *at = secret_ptr(der);
	AUTO(bn_freep) BIGNUM *n = BN_secure_new();

	crypto_must(n != NULL && EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &n) == 1, "EC");
	memcpy(at, p256_head, sizeof(p256_head));
	at += sizeof(p256_head);
	crypto_must(BN_bn2binpad(n, at, 32) == 32, "EC");
	at += 32;
	memcpy(at, p256_middle, sizeof(p256_middle));
	point_read(key, at + sizeof(p256_middle), 65);
	return der;
}

struct secret *key_pkcs8(const struct key *key)
{
	if (key->type == KEY_P256)
		return p256_write(key);

	AUTO(pkcs8_freep) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
	int            len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : 0;
	struct secret *der;
	uint8_t       *p;

	crypto_must(len > 0, "PKCS#8");
	der = secret_new((size_t)len);
	p = secret_ptr(der);
	crypto_must(i2d_PKCS8_PRIV_KEY_INFO(info, &p) == len, "PKCS#8");
	return der;
}

static struct secret *bio_secret(BIO *bio)
{
	char *ptr = NULL;
	long  len = BIO_get_mem_data(bio, &ptr);

	return secret_copy(str_of(ptr, (size_t)len));
}

struct secret *key_pem(const struct key *key, enum key_pem_format format)
{
	/* A memory BIO of this kind lives in the secure heap when there is one, and is wiped. */
	AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_secmem());
	int ok = 0;

	crypto_must(bio != NULL, "out of memory");
	switch (format) {
	case KEY_PEM_PKCS8:
		ok = PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL);
		break;
	case KEY_PEM_TRADITIONAL:
		ok = PEM_write_bio_PrivateKey_traditional(bio, key->pkey, NULL, NULL, 0, NULL, NULL);
		break;
	}
	crypto_must(ok == 1, "PEM");
	return bio_secret(bio);
}

bool key_pkcs12(const struct key *key, struct str chain_pem, const char *password, const char *friendly_name,
                struct secret **ret, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(x509_stack_freep) STACK_OF(X509) *issuers = sk_X509_new_null();
	AUTO(x509_freep) X509 *leaf = NULL;
	struct cert_chain      chain;
	char                   spki[SHA256_HEX_SIZE];

	if (!chain_parse(a, chain_pem, &chain, err))
		return false;
	key_spki_sha256(key, spki);
	if (strcmp(spki, chain.certs[0].spki_sha256) != 0)
		return err_set(err, ERR_INPUT, "the first certificate of the chain is not this key's");
	crypto_must(issuers != NULL, "out of memory");
	for (size_t i = 0; i < chain.count; i++) {
		const uint8_t *p = (const uint8_t *)chain.certs[i].der.ptr;
		X509          *cert = d2i_X509(NULL, &p, (long)chain.certs[i].der.len);

		crypto_must(cert != NULL, "X.509"); /* chain_parse read it */
		if (i == 0)
			leaf = cert;
		else
			crypto_must(sk_X509_push(issuers, cert) > 0, "out of memory");
	}

	/* The library's defaults: AES-256-CBC with PBKDF2, MAC with SHA-256. */
	AUTO(pkcs12_freep) PKCS12 *p12 = PKCS12_create_ex(password, friendly_name, key->pkey, leaf, issuers, 0, 0,
	                                                  0, 0, 0, NULL, NULL);
	int            len = p12 != NULL ? i2d_PKCS12(p12, NULL) : 0;
	struct secret *der;
	uint8_t       *p;

	if (len <= 0)
		return library_refuses(err, "PKCS#12 cannot be written from this key and chain");
	der = secret_new((size_t)len);
	p = secret_ptr(der);
	crypto_must(i2d_PKCS12(p12, &p) == len, "PKCS#12");
	*ret = der;
	return true;
}

/* A number of the public key, left-padded to `size` bytes (0: as short as it is). */
static struct str number_read(const struct key *key, const char *param, size_t size, struct arena *a)
{
	AUTO(bn_freep) BIGNUM *n = NULL;
	uint8_t *bytes;

	crypto_must(EVP_PKEY_get_bn_param(key->pkey, param, &n) == 1, param);
	if (size == 0)
		size = (size_t)BN_num_bytes(n);
	bytes = arena_alloc(a, size);
	crypto_must(BN_bn2binpad(n, bytes, (int)size) == (int)size, param);
	return str_of(bytes, size);
}

static const char *number(const struct key *key, const char *param, size_t size, struct arena *a)
{
	return b64url_encode(a, number_read(key, param, size, a));
}

char *key_jwk(const struct key *key, struct arena *a)
{
	const struct key_scheme *s = key_scheme(key->type);

	if (s->bits > 0)
		return arena_printf(a, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}",
		                    number(key, OSSL_PKEY_PARAM_RSA_E, 0, a),
		                    number(key, OSSL_PKEY_PARAM_RSA_N, 0, a));
	return arena_printf(a, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", s->curve,
	                    number(key, OSSL_PKEY_PARAM_EC_PUB_X, s->half, a),
	                    number(key, OSSL_PKEY_PARAM_EC_PUB_Y, s->half, a));
}

void jwk_thumbprint(struct str jwk, char ret[static THUMBPRINT_SIZE])
{
	AUTO(arena_freep) struct arena *a = arena_new();
	uint8_t digest[SHA256_SIZE];

	sha256(jwk, digest);
	memcpy(ret, b64url_encode(a, str_of(digest, sizeof(digest))), THUMBPRINT_SIZE);
}

struct str key_spki(const struct key *key, struct arena *a)
{
	const struct key_scheme *s = key_scheme(key->type);
	uint8_t                  point[1 + 2 * 48];
	struct str               public;

	if (s->bits > 0) {
		public = DER(a, DER_SEQUENCE, der_unsigned(a, number_read(key, OSSL_PKEY_PARAM_RSA_N, 0, a)),
		             der_unsigned(a, number_read(key, OSSL_PKEY_PARAM_RSA_E, 0, a)));
	} else {
		point_read(key, point, 1 + 2 * s->half);
		public = str_of(point, 1 + 2 * s->half);
	}
	return DER(a, DER_SEQUENCE, DER(a, DER_SEQUENCE, s->spki_alg), der_bits(a, public));
}

void key_spki_sha256(const struct key *key, char ret[static SHA256_HEX_SIZE])
{
	AUTO(arena_freep) struct arena *a = arena_new();

	sha256_hex(key_spki(key, a), ret);
}

bool key_sign(const struct key *key, struct str input, struct arena *a, struct str *ret, struct err *err)
{
	const struct key_scheme       *s = key_scheme(key->type);
	AUTO(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t                        sig[1024];
	size_t                         len = sizeof(sig);

	if (ctx == NULL || EVP_DigestSignInit_ex(ctx, NULL, s->digest, NULL, NULL, key->pkey, NULL) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, (const uint8_t *)input.ptr, input.len) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_TEMPORARY, "libcrypto made no %s signature", s->alg);
	}
	*ret = arena_dup(a, str_of(sig, len));
	return true;
}
