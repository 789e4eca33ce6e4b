/*
 * crypto/x509.h: certificates as a CA sends them.
 *
 * Shapes   PEM with CERTIFICATE blocks only and white space between them; 1..10 certificates of at most 64 KiB
 *          DER each, leaf first, nothing behind. Anything else refuses the whole file (RFC 8555 9.1).
 * Errors   ERR_PERMANENT "ca-nonsense" with what is wrong.
 * Memory   results live in the arena.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 */
#ifndef REEVE_CRYPTO_X509_H
#define REEVE_CRYPTO_X509_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/sha256.h"

#define CHAIN_MAX          10
#define CERT_DER_MAX       (64u * KIB)
#define CHAIN_PEM_MAX      (1024u * KIB)
#define CERT_NAMES_MAX     1000

struct cert_info {
	struct str   der;
	const char  *serial;        /* hex, lower case, no leading zeros but full bytes */
	int64_t      not_before_ms; /* Unix milliseconds */
	int64_t      not_after_ms;
	const char **names;         /* dNSNames of the SAN, lower case, as they come */
	size_t       names_count;
	size_t       other_names_count; /* SAN entries of other types: never ordered */
	char         spki_sha256[SHA256_HEX_SIZE];
	char         sha256[SHA256_HEX_SIZE]; /* of the certificate: its fingerprint */
	const char  *issuer;        /* RFC 2253 text, for people only */
	const char  *subject;
	const char  *ari_id;        /* RFC 9773 4.1; "" without an authority key identifier */
};

struct cert_chain {
	struct cert_info *certs; /* [0] is the leaf */
	size_t            count;
};

MUST_CHECK bool chain_parse(struct arena *a, struct str pem, struct cert_chain *ret, struct err *err);
MUST_CHECK bool cert_parse(struct arena *a, struct str der, struct cert_info *ret, struct err *err);
/* PEM again, in the form everybody expects; what is stored and delivered. */
struct str chain_write(struct arena *a, const struct cert_chain *chain);

/*
 * Is this what was ordered? The leaf's key is `spki_sha256`; its dNSNames are exactly `names` (any order);
 * notBefore is not more than an hour ahead, notAfter is not past; each certificate is signed by the next.
 */
MUST_CHECK bool chain_check(const struct cert_chain *chain, const char *spki_sha256,
                            const char *const *names, size_t names_count, int64_t now_ms,
                            struct err *err);

#endif
