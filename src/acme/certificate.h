/*
 * acme/certificate.h: what surrounds a downloaded chain. RFC 8555 7.4.2. Reading the chain itself is crypto's.
 *
 * Purity   no I/O, no clock, no globals; safe from any thread.
 */
#ifndef REEVE_ACME_CERTIFICATE_H
#define REEVE_ACME_CERTIFICATE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "net/header.h"

#define ACME_ALTERNATES_MAX 8
#define ACME_CHAIN_ACCEPT   "application/pem-certificate-chain"

/* The https URLs of rel="alternate", unique, without `url` itself; others and relative ones are ignored. */
size_t acme_alternates(struct arena *a, const char *url, const struct http_link *links, size_t links_count,
                       const char *ret[static ACME_ALTERNATES_MAX]);

#endif
