/*
 * crypto/csr_read.c: reads a request as if it were hostile: our own framing, then libcrypto's DER with nothing behind it,
 * then copies of the few facts that the rest needs. What the CA gets later are the same bytes.
 */
#include "crypto/csr.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/name.h"
#include "crypto/ossl.h"

#define SAN_HINT "openssl req -new … -addext subjectAltName=DNS:example.com,DNS:www.example.com"

static bool refuse(struct err *err, const char *what)
{
	ERR_clear_error();
	return err_problem(err, ERR_INPUT, "invalid-request", "the CSR: %s", what);
}

/* ---- framing ---- */

/* The base64 between the lines; the text itself when there are none. */
static bool body_of(struct str text, struct str *ret, struct err *err)
{
	static const char *const labels[] = { "CERTIFICATE REQUEST-----", "NEW CERTIFICATE REQUEST-----" };
	struct str begin = STR("-----BEGIN "), end = STR("-----END ");

	text = str_trim(text);
	if (text.len == 0 || text.ptr[0] != '-') {
		*ret = text;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		struct str label = str_c(labels[i]);
		size_t     head = begin.len + label.len, tail = end.len + label.len;

		if (text.len < head + tail || !str_starts(text, begin) ||
		    !str_starts(str_of(text.ptr + begin.len, text.len - begin.len), label))
			continue;
		struct str last = str_of(text.ptr + text.len - tail, tail);

		if (!str_starts(last, end) || !str_eq(str_of(last.ptr + end.len, label.len), label))
			return refuse(err, "something stands behind it");
		*ret = str_of(text.ptr + head, text.len - head - tail);
		return true;
	}
	refuse(err, "the PEM block is not a CERTIFICATE REQUEST");
	return err_hint(err, "give the request alone: the private key stays with you");
}

static bool der_of(struct arena *a, struct str text, struct str *ret, struct err *err)
{
	struct str body = { 0 };
	char      *packed;
	size_t     len = 0;

	if (text.len > CSR_DER_MAX / 3 * 4 + 4 * KIB)
		return refuse(err, "it is larger than 32 KiB");
	if (!body_of(text, &body, err))
		return false;
	packed = arena_alloc(a, body.len + 1);
	for (size_t i = 0; i < body.len; i++)
		if (body.ptr[i] != '\n' && body.ptr[i] != '\r')
			packed[len++] = body.ptr[i];
	if (len == 0 || !b64_any_decode(a, str_of(packed, len), ret) || ret->len == 0)
		return refuse(err, "it is neither PEM nor base64");
	return ret->len <= CSR_DER_MAX || refuse(err, "it is larger than 32 KiB");
}

/* ---- key and signature ---- */

static bool key_read(X509_REQ *req, struct csr_info *ret, struct err *err)
{
	EVP_PKEY                              *pkey = X509_REQ_get0_pubkey(req);
	AUTO(ossl_bytes_freep) unsigned char *spki = NULL;
	AUTO(ossl_bytes_freep) unsigned char *usual = NULL;
	int                                   len;
	char                                  text[128];

	if (pkey == NULL)
		return refuse(err, "its public key cannot be read");
	if (!key_classify(pkey, &ret->type)) {
		snprintf(text, sizeof(text), "a key of %d bits (%s) is not accepted", EVP_PKEY_get_bits(pkey),
		         EVP_PKEY_get0_type_name(pkey) ?: "of no known kind");
		refuse(err, text);
		return err_hint(err, "make one of EC P-256 or P-384, or RSA with 2048, 3072 or 4096 bits and exponent 65537");
	}
	len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &spki);
	/* What a CA writes into the certificate is compared with this. */
	if (len <= 0 || i2d_PUBKEY(pkey, &usual) != len || memcmp(spki, usual, (size_t)len) != 0)
		return refuse(err, "its public key is not in the usual encoding");
	sha256_hex(str_of(spki, (size_t)len), ret->spki_sha256);
	return true;
}

static bool signature_check(X509_REQ *req, struct err *err)
{
	int digest = NID_undef, scheme = NID_undef;

	if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(req), &digest, &scheme) != 1 ||
	    (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)) {
		refuse(err, "it is not signed with SHA-256, SHA-384 or SHA-512");
		return err_hint(err, "openssl req -new -sha256 …");
	}
	return X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) == 1 || refuse(err, "its signature is not that of its key");
}

/* ---- names and extensions ---- */

static const char *kind_of(int type)
{
	switch (type) {
	case GEN_IPADD:
		return "an IP address; Reeve validates by DNS (DNS-01), which proves names only";
	case GEN_EMAIL:
		return "an e-mail address; certificates for TLS servers carry none";
	case GEN_URI:
		return "a URI; only DNS names can be validated";
	default:
		return "something that is not a DNS name";
	}
}

static bool names_read(struct arena *a, const STACK_OF(X509_EXTENSION) *extensions, struct csr_info *ret, struct err *err)
{
	AUTO(general_names_freep) GENERAL_NAMES *san = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
	int                                      count = san != NULL ? sk_GENERAL_NAME_num(san) : 0;
	char                                     text[160];

	if (count == 0) {
		refuse(err, "it has no subjectAltName that can be read");
		return err_hint(err, SAN_HINT);
	}
	if (count > CSR_NAMES_MAX) {
		snprintf(text, sizeof(text), "%d names are more than a certificate may have (%d)", count, CSR_NAMES_MAX);
		return refuse(err, text);
	}
	ret->names = arena_alloc_array(a, (size_t)count, sizeof(*ret->names));
	for (int i = 0; i < count; i++) {
		int                type;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, i), &type);
		struct identifier  id;
		struct str         name;

		if (type != GEN_DNS) {
			snprintf(text, sizeof(text), "the subjectAltName has %s", kind_of(type));
			refuse(err, text);
			return err_hint(err, "make a request for DNS names alone");
		}
		name = str_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
		if (!identifier_parse(name, &id, err))
			return err_in(err, "the CSR");
		/* A request carries names as DNS has them; anything else the CA would read differently. */
		if (!str_eq_nocase(name, str_c(id.value)))
			return refuse(err, "a name is not in its ASCII form");
		for (size_t k = 0; k < ret->names_count; k++)
			if (strcmp(ret->names[k], id.value) == 0)
				return refuse(err, "a name is there twice");
		ret->names[ret->names_count++] = arena_strdup(a, id.value);
	}
	return true;
}

/* A CA takes the common name for one more name. */
static bool subject_check(X509_REQ *req, const struct csr_info *info, struct err *err)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(req);

	for (int i = -1; (i = X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)subject, NID_commonName, i)) >= 0;) {
		const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
		struct str         name = str_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
		size_t             k = 0;

		while (k < info->names_count && !str_eq_nocase(name, str_c(info->names[k])))
			k++;
		if (k == info->names_count) {
			refuse(err, "its common name is none of its names");
			return err_hint(err, "leave the subject empty, or add the name to the subjectAltName");
		}
	}
	return true;
}

/* What a CA ignores or sets itself is fine; what would make it another kind of certificate is not. */
static bool extensions_check(const STACK_OF(X509_EXTENSION) *extensions, struct err *err)
{
	static const int known[] = { NID_subject_alt_name, NID_key_usage, NID_ext_key_usage, NID_basic_constraints,
		                     NID_subject_key_identifier };

	for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
		ASN1_OBJECT *object = X509_EXTENSION_get_object(sk_X509_EXTENSION_value(extensions, i));
		char         name[64] = "", text[160];
		size_t       k = 0;

		while (k < ARRAY_LEN(known) && OBJ_obj2nid(object) != known[k])
			k++;
		if (k < ARRAY_LEN(known))
			continue;
		OBJ_obj2txt(name, sizeof(name), object, 0);
		snprintf(text, sizeof(text), "the extension \"%s\" is not accepted", name);
		refuse(err, text);
		return err_hint(err, "make a request with a subjectAltName alone");
	}
	BASIC_CONSTRAINTS *constraints = X509V3_get_d2i(extensions, NID_basic_constraints, NULL, NULL);
	bool               ca = constraints != NULL && constraints->ca != 0;

	BASIC_CONSTRAINTS_free(constraints);
	return !ca || refuse(err, "it asks for a certificate authority");
}

bool csr_parse(struct arena *a, struct str text, struct csr_info *ret, struct err *err)
{
	struct csr_info info = { 0 };

	crypto_init();
	if (!der_of(a, text, &info.der, err))
		return false;

	const uint8_t *p = (const uint8_t *)info.der.ptr;
	AUTO(x509_req_freep) X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)info.der.len);

	if (req == NULL || p != (const uint8_t *)info.der.ptr + info.der.len)
		return refuse(err, "it is not a certificate request (PKCS#10)");
	if (!key_read(req, &info, err) || !signature_check(req, err))
		return false;

	AUTO(extensions_freep) STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req);

	if (!extensions_check(extensions, err) || !names_read(a, extensions, &info, err) || !subject_check(req, &info, err))
		return false;
	ERR_clear_error();
	*ret = info;
	return true;
}
