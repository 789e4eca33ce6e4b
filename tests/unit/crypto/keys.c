/* tests/unit/crypto/keys.c: all key types through all encodings. */
#include "test.h"

#include "base/clock.h"
#include "base/encode.h"
#include "crypto/csr.h"
#include "crypto/x509.h"
#include "make_cert.h"

TEST(thumbprint_vector)
{
	char thumbprint[THUMBPRINT_SIZE];

	/* RFC 7638 3.1 */
	jwk_thumbprint(STR("{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAA"
	                   "tVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4"
	                   "QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhA"
	                   "I4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}"),
	               thumbprint);
	CHECK_STR(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

static const struct {
	enum key_type type;
	const char   *name, *traditional, *jwk;
} types[] = {
	{ KEY_P256, "p256", "-----BEGIN EC PRIVATE KEY-----", "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" },
	{ KEY_P384, "p384", "-----BEGIN EC PRIVATE KEY-----", "{\"crv\":\"P-384\",\"kty\":\"EC\",\"x\":\"" },
	{ KEY_RSA2048, "rsa2048", "-----BEGIN RSA PRIVATE KEY-----", "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" },
	{ KEY_RSA3072, "rsa3072", "-----BEGIN RSA PRIVATE KEY-----", "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" },
};

TEST(keys_round_trip)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		AUTO(key_freep) struct key *key = NULL;
		AUTO(key_freep) struct key *again = NULL;
		enum key_type parsed;
		char          spki[SHA256_HEX_SIZE], spki_again[SHA256_HEX_SIZE];
		struct err    err = { 0 };

		CHECK_STR(key_type_name(types[i].type), types[i].name);
		CHECK(key_type_parse(str_c(types[i].name), &parsed) && parsed == types[i].type);
		CHECK(key_type_slow(types[i].type) == (types[i].type >= KEY_RSA2048));
		CHECK_OK(key_generate(types[i].type, &key, &err), err);

		AUTO(secret_freep) struct secret *der = key_pkcs8(key);
		AUTO(secret_freep) struct secret *pem = key_pem(key, KEY_PEM_PKCS8);
		AUTO(secret_freep) struct secret *traditional = key_pem(key, KEY_PEM_TRADITIONAL);
		AUTO(secret_freep) struct secret *longer = secret_new(secret_len(der) + 1);

		CHECK_OK(key_from_pkcs8(secret_str(der), &again, &err), err);
		CHECK(key_type_get(again) == types[i].type);
		key_spki_sha256(key, spki);
		key_spki_sha256(again, spki_again);
		CHECK_STR(spki, spki_again);
		CHECK_STR(key_jwk(key, a), key_jwk(again, a));
		CHECK(str_starts(str_c(key_jwk(key, a)), str_c(types[i].jwk)));
		CHECK(str_starts(secret_str(pem), STR("-----BEGIN PRIVATE KEY-----\n")));
		CHECK(str_starts(secret_str(traditional), str_c(types[i].traditional)));
		/* Trailing bytes and truncation are refused. */
		memcpy(secret_ptr(longer), secret_ptr(der), secret_len(der));

		struct key *none = NULL;

		CHECK(!key_from_pkcs8(secret_str(longer), &none, &err) && none == NULL);
		CHECK(!key_from_pkcs8(str_of(secret_ptr(der), secret_len(der) - 1), &none, &err) && none == NULL);
	}
	enum key_type type;
	CHECK(!key_type_parse(STR("p521"), &type) && !key_type_parse(STR(""), &type));
}

/* What is put together here is byte for byte what the library's encoders write. */
TEST(keys_as_the_library_writes_them)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		AUTO(key_freep) struct key *key = NULL;
		unsigned char *spki = NULL, *pkcs8 = NULL;
		struct err     err = { 0 };

		CHECK_OK(key_generate(types[i].type, &key, &err), err);

		AUTO(secret_freep) struct secret *der = key_pkcs8(key);
		const unsigned char *p = secret_ptr(der);
		EVP_PKEY            *pkey = d2i_AutoPrivateKey(NULL, &p, (long)secret_len(der));
		PKCS8_PRIV_KEY_INFO *info = pkey != NULL ? EVP_PKEY2PKCS8(pkey) : NULL;

		CHECK(pkey != NULL && info != NULL);

		int pkcs8_len = i2d_PKCS8_PRIV_KEY_INFO(info, &pkcs8), spki_len = i2d_PUBKEY(pkey, &spki);

		CHECK(pkcs8_len > 0 && str_eq(secret_str(der), str_of(pkcs8, (size_t)pkcs8_len)));
		CHECK(spki_len > 0 && str_eq(key_spki(key, a), str_of(spki, (size_t)spki_len)));
		OPENSSL_free(spki);
		OPENSSL_free(pkcs8);
		PKCS8_PRIV_KEY_INFO_free(info);
		EVP_PKEY_free(pkey);
	}
}

/* A public half that belongs to another private key. */
TEST(keys_pairwise)
{
	AUTO(key_freep) struct key *a = NULL;
	AUTO(key_freep) struct key *b = NULL;
	struct key *none = NULL;
	struct err  err = { 0 };

	CHECK_OK(key_generate(KEY_P256, &a, &err), err);
	CHECK_OK(key_generate(KEY_P256, &b, &err), err);

	AUTO(secret_freep) struct secret *der_a = key_pkcs8(a);
	AUTO(secret_freep) struct secret *der_b = key_pkcs8(b);

	CHECK(secret_len(der_a) == secret_len(der_b));
	memcpy(secret_ptr(der_a) + secret_len(der_a) - 64, secret_ptr(der_b) + secret_len(der_b) - 64, 64);
	CHECK(!key_from_pkcs8(secret_str(der_a), &none, &err));
	CHECK(err.class == ERR_INPUT && none == NULL);
}

TEST(keys_refused_types)
{
	static const char *const names[] = { "ED25519", "X25519" };
	struct key              *none = NULL;
	struct err               err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		EVP_PKEY            *pkey = EVP_PKEY_Q_keygen(NULL, NULL, names[i]);
		PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
		unsigned char       *der = NULL;
		int                  len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

		CHECK(!key_from_pkcs8(str_of(der, (size_t)len), &none, &err));
		CHECK_STR(err.text, "a private key of a type that is not supported");
		OPENSSL_free(der);
		PKCS8_PRIV_KEY_INFO_free(info);
		EVP_PKEY_free(pkey);
	}
	CHECK(!key_from_pkcs8(STR(""), &none, &err) && !key_from_pkcs8(STR("hello"), &none, &err) && none == NULL);
}

TEST(csr_of_names)
{
	static const char *const names[] = { "example.test", "*.example.test", "xn--bcher-kva.example" };
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		AUTO(key_freep) struct key *key = NULL;
		struct str           der;
		struct err           err = { 0 };
		const unsigned char *p;
		X509_REQ            *req;

		CHECK_OK(key_generate(types[i].type, &key, &err), err);
		CHECK_OK(csr_write(key, names, ARRAY_LEN(names), a, &der, &err), err);
		p = (const unsigned char *)der.ptr;
		req = d2i_X509_REQ(NULL, &p, (long)der.len);
		CHECK(req != NULL && p == (const unsigned char *)der.ptr + der.len);
		CHECK(X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) == 1);
		CHECK(X509_REQ_get_version(req) == X509_REQ_VERSION_1);
		CHECK(X509_NAME_entry_count(X509_REQ_get_subject_name(req)) == 0);

		unsigned char *spki = NULL;
		int            spki_len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &spki);

		CHECK(spki_len > 0 && str_eq(key_spki(key, a), str_of(spki, (size_t)spki_len)));
		OPENSSL_free(spki);

		STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req);

		CHECK_INT(sk_X509_EXTENSION_num(extensions), 1);
		CHECK(X509_EXTENSION_get_critical(sk_X509_EXTENSION_value(extensions, 0)) == 0);

		GENERAL_NAMES *san = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);

		CHECK_INT(sk_GENERAL_NAME_num(san), ARRAY_LEN(names));
		for (size_t j = 0; j < ARRAY_LEN(names); j++) {
			int                kind = 0;
			const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, (int)j), &kind);

			CHECK(kind == GEN_DNS && str_eq(str_c(names[j]), str_of(ASN1_STRING_get0_data(value),
			                                                        (size_t)ASN1_STRING_length(value))));
		}
		sk_GENERAL_NAME_pop_free(san, GENERAL_NAME_free);
		sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
		X509_REQ_free(req);
	}
}

TEST(csr_refuses)
{
	static const char *const bad[] = { "", "Example.test", "a..b", "example.test.", "\303\274.example", "*.*.a.b" };
	static const char *const twice[] = { "a.test", "a.test" };
	const char              *many[CSR_NAMES_MAX + 1];
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(key_freep) struct key *key = NULL;
	struct str der = { 0 };
	struct err err = { 0 };

	CHECK_OK(key_generate(KEY_P256, &key, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!csr_write(key, &bad[i], 1, a, &der, &err) && err.class == ERR_INPUT);
	CHECK(!csr_write(key, twice, 2, a, &der, &err));
	CHECK(!csr_write(key, NULL, 0, a, &der, &err));
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = arena_printf(a, "n%zu.test", i);
	CHECK(!csr_write(key, many, CSR_NAMES_MAX + 1, a, &der, &err));
	CHECK_OK(csr_write(key, many, CSR_NAMES_MAX, a, &der, &err), err);
}

TEST(pkcs12_of_key)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(key_freep) struct key *key = NULL;
	AUTO(key_freep) struct key *other = NULL;
	AUTO(secret_freep) struct secret *der = NULL;
	int64_t    now = clock_now_ms();
	struct err err = { 0 };

	CHECK_OK(key_generate(KEY_P256, &key, &err), err);
	CHECK_OK(key_generate(KEY_P256, &other, &err), err);

	struct cert_wish  wish = { .key = key, .issuer_key = key, .subject = "x", .issuer = "x", .san = "DNS:x.test",
		                   .not_before_ms = now, .not_after_ms = now + 86400000 };
	struct cert_info  info;
	struct cert_chain chain = { &info, 1 };
	struct str        pem;

	CHECK_OK(cert_parse(a, make_cert(a, &wish), &info, &err), err);
	pem = chain_write(a, &chain);
	CHECK_OK(key_pkcs12(key, pem, "", NULL, &der, &err), err);

	const unsigned char *p = secret_ptr(der);
	PKCS12              *p12 = d2i_PKCS12(NULL, &p, (long)secret_len(der));
	EVP_PKEY            *pkey = NULL;
	X509                *cert = NULL;

	CHECK(p12 != NULL && PKCS12_parse(p12, "", &pkey, &cert, NULL) == 1);
	CHECK(X509_check_private_key(cert, pkey) == 1);
	X509_free(cert);
	EVP_PKEY_free(pkey);
	PKCS12_free(p12);

	struct secret *none = NULL;

	CHECK(!key_pkcs12(other, pem, "", NULL, &none, &err) && none == NULL);
	CHECK(!key_pkcs12(key, STR("nonsense"), "", NULL, &none, &err) && none == NULL);
}

TESTS(T(thumbprint_vector), T(keys_round_trip), T(keys_as_the_library_writes_them), T(keys_pairwise), T(keys_refused_types), T(csr_of_names), T(csr_refuses),
      T(pkcs12_of_key))
