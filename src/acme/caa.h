/*
 * acme/caa.h: what CAA records say about an order, as the strictest CA in use reads them. RFC 8659, RFC 8657.
 *
 * Rule     a pass here is a pass there: where CAs differ (case of the domain, a trailing ';'), the stricter reading holds.
 *          Finding the RRset (climbing to the nearest name that has one) is the caller's.
 * Shapes   at most ACME_CAA_MAX records; tags in lower case.
 * Errors   ERR_PERMANENT "ca-nonsense" for rdata that is none; ERR_CONFIG "caa-forbids" names the record and what to add.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 */
#ifndef REEVE_ACME_CAA_H
#define REEVE_ACME_CAA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define ACME_CAA_MAX    128
#define ACME_CAA_METHOD "dns-01"

struct acme_caa {
	uint8_t     flags;
	const char *tag;   /* [a-z0-9]+ */
	const char *value; /* bytes that are not printable ASCII became '?', which no CA's name has */
};

/* Who would issue, and how. */
struct acme_caa_order {
	const char *const *identities; /* caaIdentities of the directory; none: any CA that is named may be it */
	size_t             identities_count;
	const char        *account_url; /* NULL: not known yet */
	bool               wildcard;
};

/* The rdata of one record. RFC 8659 4.1. */
MUST_CHECK bool acme_caa_parse(struct arena *a, struct str rdata, struct acme_caa *ret, struct err *err);
/* `name` is what is ordered, `at` where the records are; false + err when they forbid it. No record allows. */
MUST_CHECK bool acme_caa_allows(struct arena *a, const struct acme_caa *set, size_t count, const struct acme_caa_order *order,
                                const char *name, const char *at, struct err *err);
/* `0 issue "ca.example; validationmethods=dns-01; accounturi=…"`: only this account, only by DNS. account_url may be NULL. */
const char *acme_caa_line(struct arena *a, const char *identity, const char *account_url, bool wildcard);
/* A record as a zone file has it. */
const char *acme_caa_text(struct arena *a, const struct acme_caa *record);

#endif
