/*
 * dns/caa.h: does a CAA record set permit an issuer? RFC 8659 4.1 to 4.4, RFC 8657.
 *
 * Purity   no I/O; the caller has found the set (the closest one on the way to the root).
 */
#ifndef REEVE_DNS_CAA_H
#define REEVE_DNS_CAA_H

#include "base/arena.h"
#include "base/str.h"

struct caa_question {
	const char *const *identities; /* of the CA, lower case; none: only a set that forbids everybody is known to forbid it */
	size_t             identities_count;
	const char        *account;    /* URL; "" : not known yet */
	bool               wildcard;
};

struct caa_verdict {
	bool        permitted;
	const char *text;   /* why */
	const char *record; /* that would permit it, without the owner name; NULL: no identity is known */
};

/* Records are RDATA as on the wire. One that cannot be read counts as a critical one: it forbids. */
void caa_judge(struct arena *a, const struct str *rdata, size_t count, const struct caa_question *q, struct caa_verdict *ret);

#endif
