/*
 * crypto/csr.h: certificate signing requests. RFC 2986.
 *
 * Shapes   empty subject, one extension: subjectAltName with the dNSNames given, in their order.
 * Names    1..100, each already normalised (base/name.h identifier); checked again here.
 * Purity   no I/O, no clock.
 */
#ifndef REEVE_CRYPTO_CSR_H
#define REEVE_CRYPTO_CSR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/keys.h"

#define CSR_NAMES_MAX 100

/* *ret is DER. */
MUST_CHECK bool csr_write(const struct key *key, const char *const *names, size_t names_count,
                          struct arena *a, struct str *ret, struct err *err);

/* ---- requests that somebody else made ---- */

#define CSR_DER_MAX (32u * KIB)

struct csr_info {
	struct str    der;
	const char  **names; /* dNSNames of the SAN, normalised, each once */
	size_t        names_count;
	enum key_type type;
	char          spki_sha256[SHA256_HEX_SIZE];
};

/*
 * PEM ("CERTIFICATE REQUEST", or its old name with NEW) or base64 of the DER, in the standard or the URL alphabet. The
 * signature is checked; a key that struct key would not hold, a signature with less than SHA-256, names that are not
 * DNS names, a common name that is none of them, and extensions that would change what the certificate may do are refused
 * with the reason. ERR_INPUT "invalid-request" or "invalid-name". Whoever calls this parses what strangers send: not a
 * process that holds keys.
 */
MUST_CHECK bool csr_parse(struct arena *a, struct str text, struct csr_info *ret, struct err *err);

#endif
