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

#endif
