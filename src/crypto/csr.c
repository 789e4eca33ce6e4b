/*
 * crypto/csr.c: puts a request together from names that were checked here. The CA reads it as a stranger would, and
 * so do the tests.
 */
#include "crypto/csr.h"

#include "base/name.h"
#include "crypto/der.h"
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

/* RFC 2986 section 4.1, RFC 2985 section 5.4.2, RFC 5280 section 4.2.1.6. */
#define OID_EXTENSION_REQUEST "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define OID_SUBJECT_ALT_NAME  "\x06\x03\x55\x1d\x11"
#define DNS_NAME              (DER_CONTEXT + 2)

static struct str attributes(struct arena *a, const char *const *names, size_t count)
{
	struct str *elements = arena_alloc_array(a, count, sizeof(*elements));
	struct str  extension;

	for (size_t i = 0; i < count; i++)
		elements[i] = DER(a, DNS_NAME, str_c(names[i]));
	extension = DER(a, DER_SEQUENCE, STR(OID_SUBJECT_ALT_NAME),
	                DER(a, DER_OCTET_STRING, der_join(a, DER_SEQUENCE, elements, count)));
	return DER(a, DER_CONTEXT_CONSTRUCTED + 0,
	           DER(a, DER_SEQUENCE, STR(OID_EXTENSION_REQUEST), DER(a, DER_SET, DER(a, DER_SEQUENCE, extension))));
}

bool csr_write(const struct key *key, const char *const *names, size_t names_count, struct arena *a,
               struct str *ret, struct err *err)
{
	struct str info, signature;

	if (!names_check(names, names_count, err))
		return false;
	info = DER(a, DER_SEQUENCE, DER(a, DER_INTEGER, str_of("", 1)), /* version 1 */
	           DER(a, DER_SEQUENCE, STR("")),                       /* no subject */
	           key_spki(key, a), attributes(a, names, names_count));
	if (!key_sign(key, info, a, &signature, err))
		return false;
	*ret = DER(a, DER_SEQUENCE, info, DER(a, DER_SEQUENCE, key_scheme(key->type)->sig_alg), der_bits(a, signature));
	return true;
}
