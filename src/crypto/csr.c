/*
 * crypto/csr.c: builds a request from names, then reads its own output back as a stranger would: signature, key
 * and name set must be what was asked for before the bytes leave.
 */
#include "crypto/csr.h"

#include "base/name.h"
#include "crypto/ossl.h"

static bool names_check(const char *const *names, size_t count, struct err *err)
{
	if (count == 0 || count > CSR_NAMES_MAX)
		return err_set(err, ERR_INPUT, "a request for %zu names; it may have 1 to %d", count, CSR_NAMES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct identifier id;

		if (!identifier_parse(str_c(names[i]), &id, err))
			return false;
		if (strcmp(id.value, names[i]) != 0)
			return err_problem(err, ERR_INPUT, "invalid-name", "%s is not normalised; %s is", names[i],
			                   id.value);
		for (size_t j = 0; j < i; j++)
			if (strcmp(names[i], names[j]) == 0)
				return err_problem(err, ERR_INPUT, "invalid-name", "%s is there twice", names[i]);
	}
	return true;
}

static void san_add(X509_REQ *req, const char *const *names, size_t count)
{
	AUTO(general_names_freep) GENERAL_NAMES *san = sk_GENERAL_NAME_new_null();
	AUTO(extensions_freep) STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *extension;

	crypto_must(san != NULL && extensions != NULL, "out of memory");
	for (size_t i = 0; i < count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_STRING  *value = ASN1_STRING_type_new(V_ASN1_IA5STRING);

		crypto_must(name != NULL && value != NULL &&
		                    ASN1_STRING_set(value, names[i], (int)strlen(names[i])) == 1,
		            "out of memory");
		GENERAL_NAME_set0_value(name, GEN_DNS, value);
		crypto_must(sk_GENERAL_NAME_push(san, name) > 0, "out of memory");
	}
	extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, san);
	crypto_must(extension != NULL && sk_X509_EXTENSION_push(extensions, extension) > 0 &&
	                    X509_REQ_add_extensions(req, extensions) == 1,
	            "subjectAltName");
}

/* Is this DER a request of this key for exactly these names, and nothing else? */
static bool read_back(struct str der, const struct key *key, const char *const *names, size_t count)
{
	const uint8_t *p = (const uint8_t *)der.ptr;
	AUTO(x509_req_freep) X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.len);

	if (req == NULL || p != (const uint8_t *)der.ptr + der.len || X509_REQ_verify(req, key->pkey) != 1 ||
	    EVP_PKEY_eq(X509_REQ_get0_pubkey(req), key->pkey) != 1 ||
	    X509_NAME_entry_count(X509_REQ_get_subject_name(req)) != 0)
		return false;

	AUTO(extensions_freep) STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req);

	if (sk_X509_EXTENSION_num(extensions) != 1)
		return false;

	AUTO(general_names_freep) GENERAL_NAMES *san = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);

	if (san == NULL || sk_GENERAL_NAME_num(san) != (int)count)
		return false;
	for (size_t i = 0; i < count; i++) {
		int                type;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, (int)i), &type);

		if (type != GEN_DNS || !str_eq(str_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
		                               str_c(names[i])))
			return false;
	}
	return true;
}

bool csr_write(const struct key *key, const char *const *names, size_t names_count, struct arena *a,
               struct str *ret, struct err *err)
{
	AUTO(x509_req_freep) X509_REQ *req = NULL;
	AUTO(ossl_bytes_freep) unsigned char *der = NULL;
	AUTO(md_ctx_freep) EVP_MD_CTX *ctx = NULL;
	int len = 0;

	if (!names_check(names, names_count, err))
		return false;
	req = X509_REQ_new();
	crypto_must(req != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
	                    X509_REQ_set_pubkey(req, key->pkey) == 1,
	            "certificate request");
	san_add(req, names, names_count);
	ctx = EVP_MD_CTX_new();
	if (ctx != NULL &&
	    EVP_DigestSignInit_ex(ctx, NULL, key_scheme(key->type)->digest, NULL, NULL, key->pkey, NULL) == 1 &&
	    X509_REQ_sign_ctx(req, ctx) > 0)
		len = i2d_X509_REQ(req, &der);
	if (len <= 0 || !read_back(str_of(der, (size_t)len), key, names, names_count)) {
		ERR_clear_error();
		return err_problem(err, ERR_PERMANENT, "internal",
		                   "the certificate request does not read back as it was written");
	}
	*ret = arena_dup(a, str_of(der, (size_t)len));
	return true;
}
