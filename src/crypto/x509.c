/*
 * crypto/x509.c: reads what a CA sends as if it were hostile: our own strict PEM framing, then libcrypto's DER, then
 * copies of the few facts the rest needs. Lengths come from the ASN.1 string, a NUL in a name refuses the file.
 * Trust is not decided here: chain_check() asks whether this is what was ordered.
 */
#include "crypto/x509.h"

#include <assert.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/ossl.h"

#define PEM_BEGIN        "-----BEGIN CERTIFICATE-----"
#define PEM_END          "-----END CERTIFICATE-----"
#define NAME_TEXT_MAX    1024u
#define SERIAL_MAX       64
#define NOT_BEFORE_SLACK (3600 * (int64_t)1000)

static bool nonsense(struct err *err, const char *what)
{
	ERR_clear_error();
	return err_problem(err, ERR_PERMANENT, "ca-nonsense", "the certificate chain: %s", what);
}

/* ---- one certificate ---- */

static bool time_read(const ASN1_TIME *t, int64_t *ret_ms)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

static const char *name_text(struct arena *a, const X509_NAME *name)
{
	AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *ptr = NULL;
	long  len;

	crypto_must(bio != NULL, "out of memory");
	if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0)
		return "";
	len = BIO_get_mem_data(bio, &ptr);
	if (len <= 0)
		return "";
	return arena_str(a, str_of(ptr, (size_t)len < NAME_TEXT_MAX ? (size_t)len : NAME_TEXT_MAX));
}

static bool serial_read(struct arena *a, X509 *cert, struct cert_info *ret)
{
	AUTO(bn_freep) BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	uint8_t  bytes[1 + SERIAL_MAX] = { 0 }; /* one more in front: DER's sign byte */
	size_t   len, skip;
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(cert);

	if (n == NULL || BN_is_negative(n) || BN_num_bytes(n) > SERIAL_MAX)
		return false;
	len = BN_is_zero(n) ? 1 : (size_t)BN_num_bytes(n);
	crypto_must(BN_bn2binpad(n, bytes + 1, (int)len) == (int)len, "serial number");
	ret->serial = hex_encode(a, str_of(bytes + 1, len));
	skip = bytes[1] & 0x80 ? 0 : 1;
	ret->ari_id = "";
	if (aki != NULL && ASN1_STRING_length(aki) > 0 && ASN1_STRING_length(aki) <= SERIAL_MAX)
		ret->ari_id = arena_printf(a, "%s.%s",
		                           b64url_encode(a, str_of(ASN1_STRING_get0_data(aki),
		                                                   (size_t)ASN1_STRING_length(aki))),
		                           b64url_encode(a, str_of(bytes + skip, len + 1 - skip)));
	return true;
}

static bool names_read(struct arena *a, const X509 *cert, struct cert_info *ret, struct err *err)
{
	int critical = 0;
	AUTO(general_names_freep) GENERAL_NAMES *san = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	int count = san != NULL ? sk_GENERAL_NAME_num(san) : 0;

	if (san == NULL && critical != -1) /* -1: there is none; else it is broken or there twice */
		return nonsense(err, "a subjectAltName that cannot be read");
	if (count > CERT_NAMES_MAX)
		return nonsense(err, "more than 1000 names in one certificate");
	ret->names = arena_alloc_array(a, (size_t)count + 1, sizeof(*ret->names));
	for (int i = 0; i < count; i++) {
		int                type;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, i), &type);
		char              *name;

		if (type != GEN_DNS) {
			ret->other_names_count++;
			continue;
		}
		if (ASN1_STRING_length(value) < 1 || ASN1_STRING_length(value) > 255)
			return nonsense(err, "a name of a length no DNS name has");
		name = arena_str(a, str_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
		for (int j = 0; j < ASN1_STRING_length(value); j++)
			if (name[j] <= ' ' || name[j] > '~')
				return nonsense(err, "a name with a byte no DNS name has");
		str_lower(name);
		ret->names[ret->names_count++] = name;
	}
	return true;
}

/*
 * What was read last, by the hash of its bytes. The library searches a decoder for the key of each certificate it
 * reads, and that is dearer than all else here: a chain is read once by cert_parse() and not again by chain_check(),
 * and the intermediates, which are the same for all chains of a CA, not even once.
 */
#define CACHE_COUNT 32u

static struct {
	pthread_mutex_t lock;
	struct {
		X509    *cert; /* NULL: free */
		uint8_t  digest[SHA256_SIZE];
		uint64_t used;
	} places[CACHE_COUNT];
	uint64_t clock;
} cache = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* A reference of the caller's own, or NULL. */
static X509 *cache_get(const uint8_t digest[static SHA256_SIZE])
{
	X509 *cert = NULL;

	pthread_mutex_lock(&cache.lock);
	for (size_t i = 0; i < CACHE_COUNT && cert == NULL; i++) {
		if (cache.places[i].cert == NULL || memcmp(cache.places[i].digest, digest, SHA256_SIZE) != 0)
			continue;
		cert = cache.places[i].cert;
		crypto_must(X509_up_ref(cert) == 1, "X.509");
		cache.places[i].used = ++cache.clock;
	}
	pthread_mutex_unlock(&cache.lock);
	return cert;
}

/* In the place that was not used for the longest time. Two threads that read the same take two places: no harm. */
static void cache_put(const uint8_t digest[static SHA256_SIZE], X509 *cert)
{
	size_t oldest = 0;
	X509  *before;

	crypto_must(X509_up_ref(cert) == 1, "X.509");
	pthread_mutex_lock(&cache.lock);
	for (size_t i = 1; i < CACHE_COUNT; i++)
		if (cache.places[i].used < cache.places[oldest].used)
			oldest = i;
	before = cache.places[oldest].cert;
	cache.places[oldest].cert = cert;
	cache.places[oldest].used = ++cache.clock;
	memcpy(cache.places[oldest].digest, digest, SHA256_SIZE);
	pthread_mutex_unlock(&cache.lock);
	X509_free(before);
}

/* Shared with other threads: only read. */
static X509 *der_read(struct str der)
{
	const uint8_t *p = (const uint8_t *)der.ptr;
	uint8_t        digest[SHA256_SIZE];
	X509          *cert;

	sha256(der, digest);
	cert = cache_get(digest);
	if (cert != NULL)
		return cert;
	cert = d2i_X509(NULL, &p, (long)der.len);
	if (cert != NULL && p != (const uint8_t *)der.ptr + der.len) {
		X509_free(cert);
		cert = NULL;
	}
	if (cert != NULL)
		cache_put(digest, cert);
	return cert;
}

bool cert_parse(struct arena *a, struct str der, struct cert_info *ret, struct err *err)
{
	struct cert_info info = { 0 };
	AUTO(ossl_bytes_freep) unsigned char *spki = NULL;
	int spki_len;

	crypto_init();
	if (der.len == 0 || der.len > CERT_DER_MAX)
		return nonsense(err, "a certificate that is empty or over 64 KiB");

	AUTO(x509_freep) X509 *cert = der_read(der);

	if (cert == NULL)
		return nonsense(err, "a block that is not a certificate");
	if (!time_read(X509_get0_notBefore(cert), &info.not_before_ms) ||
	    !time_read(X509_get0_notAfter(cert), &info.not_after_ms))
		return nonsense(err, "a validity that cannot be read");
	if (!serial_read(a, cert, &info))
		return nonsense(err, "a serial number that is negative or too long");
	if (!names_read(a, cert, &info, err))
		return false;
	spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	if (spki_len <= 0)
		return nonsense(err, "a public key that cannot be read");
	sha256_hex(str_of(spki, (size_t)spki_len), info.spki_sha256);
	sha256_hex(der, info.sha256);
	info.der = arena_dup(a, der);
	info.issuer = name_text(a, X509_get_issuer_name(cert));
	info.subject = name_text(a, X509_get_subject_name(cert));
	ERR_clear_error();
	*ret = info;
	return true;
}

/* ---- the file ---- */

/* The next line without its end (LF or CR LF). */
static bool line_next(struct str *rest, struct str *ret)
{
	if (!str_next(rest, '\n', ret))
		return false;
	if (ret->len > 0 && ret->ptr[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static bool base64_standard(struct str line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] == '-' || line.ptr[i] == '_')
			return false;
	return true;
}

/* The body of one block, up to and with its END line. */
static bool block_read(struct arena *a, struct str *rest, struct str *ret_der, struct err *err)
{
	AUTO(buf_clear) struct buf text;
	struct str line;

	buf_init(&text, CERT_DER_MAX / 3 * 4 + 8);
	while (line_next(rest, &line)) {
		if (str_eq(line, STR(PEM_END))) {
			if (text.failed)
				return nonsense(err, "a certificate over 64 KiB");
			if (text.len == 0 || text.len % 4 != 0 || !b64_any_decode(a, buf_str(&text), ret_der))
				return nonsense(err, "a block that is not base64");
			return true;
		}
		if (line.len == 0 || !base64_standard(line))
			return nonsense(err, "a block that is not base64");
		buf_add_str(&text, line);
	}
	return nonsense(err, "a block without an end");
}

bool chain_parse(struct arena *a, struct str pem, struct cert_chain *ret, struct err *err)
{
	struct cert_chain chain = { .certs = arena_alloc_array(a, CHAIN_MAX, sizeof(*chain.certs)) };
	struct str        rest = pem, line;

	if (pem.len > CHAIN_PEM_MAX)
		return nonsense(err, "over 1 MiB");
	while (line_next(&rest, &line)) {
		struct str der;

		if (str_trim(line).len == 0)
			continue;
		if (!str_eq(line, STR(PEM_BEGIN)))
			return nonsense(err, "something that is not a CERTIFICATE block");
		if (chain.count == CHAIN_MAX)
			return nonsense(err, "more than 10 certificates");
		if (!block_read(a, &rest, &der, err) || !cert_parse(a, der, &chain.certs[chain.count], err))
			return false;
		chain.count++;
	}
	if (chain.count == 0)
		return nonsense(err, "no certificate");
	*ret = chain;
	return true;
}

struct str chain_write(struct arena *a, const struct cert_chain *chain)
{
	AUTO(buf_clear) struct buf b;

	buf_init(&b, 2 * CHAIN_PEM_MAX);
	for (size_t i = 0; i < chain->count; i++) {
		struct str text = str_c(b64_encode(a, chain->certs[i].der));

		buf_add_c(&b, PEM_BEGIN "\n");
		for (size_t at = 0; at < text.len; at += 64) {
			buf_add(&b, text.ptr + at, text.len - at < 64 ? text.len - at : 64);
			buf_add_char(&b, '\n');
		}
		buf_add_c(&b, PEM_END "\n");
	}
	assert(!b.failed);
	return arena_dup(a, buf_str(&b));
}

/* ---- is it what was ordered ---- */

static bool name_in(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool names_equal(const struct cert_info *leaf, const char *const *names, size_t count, struct err *err)
{
	if (leaf->other_names_count > 0)
		return nonsense(err, "names that are not DNS names");
	for (size_t i = 0; i < leaf->names_count; i++)
		if (!name_in(leaf->names[i], names, count))
			return err_problem(err, ERR_PERMANENT, "ca-nonsense",
			                   "the certificate has the name %s, which was not ordered", leaf->names[i]);
	for (size_t i = 0; i < count; i++)
		if (!name_in(names[i], (const char *const *)leaf->names, leaf->names_count))
			return err_problem(err, ERR_PERMANENT, "ca-nonsense",
			                   "the certificate lacks the name %s, which was ordered", names[i]);
	return true;
}

static bool signed_by(struct str der, struct str issuer_der)
{
	AUTO(x509_freep) X509 *cert = der_read(der);
	AUTO(x509_freep) X509 *issuer = der_read(issuer_der);

	return cert != NULL && issuer != NULL &&
	       X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(issuer)) == 0 &&
	       X509_check_ca(issuer) > 0 && X509_get0_pubkey(issuer) != NULL &&
	       X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

bool chain_check(const struct cert_chain *chain, const char *spki_sha256, const char *const *names,
                 size_t names_count, int64_t now_ms, struct err *err)
{
	const struct cert_info *leaf = &chain->certs[0];

	assert(chain->count > 0);
	if (strcmp(leaf->spki_sha256, spki_sha256) != 0)
		return nonsense(err, "the first certificate is for another key than was ordered");
	if (!names_equal(leaf, names, names_count, err))
		return false;
	if (leaf->not_before_ms > now_ms + NOT_BEFORE_SLACK)
		return nonsense(err, "the certificate is not valid yet; is this machine's clock right?");
	if (leaf->not_after_ms <= now_ms)
		return nonsense(err, "the certificate has expired; is this machine's clock right?");
	for (size_t i = 0; i + 1 < chain->count; i++)
		if (!signed_by(chain->certs[i].der, chain->certs[i + 1].der)) {
			ERR_clear_error();
			return err_problem(err, ERR_PERMANENT, "ca-nonsense",
			                   "certificate %zu of the chain is not signed by the one behind it", i + 1);
		}
	return true;
}
