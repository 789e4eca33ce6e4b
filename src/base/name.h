/*
 * base/name.h: domain names as they come from people, turned into the one form the rest trusts.
 *
 * Shapes   lower-case LDH A-labels, no final dot, 1..253 bytes, labels 1..63, no leading or final hyphen.
 *          U-labels are converted by libidn2 (IDNA2008, non-transitional). Underscore labels are accepted by
 *          owner_parse only. A wildcard is exactly "*." in front of a name of at least two labels.
 * Errors   ERR_INPUT "invalid-name" with the reason; *ret is untouched then.
 */
#ifndef REEVE_BASE_NAME_H
#define REEVE_BASE_NAME_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define NAME_SIZE 256

/* RFC 8555 9.7.7 identifier of type dns. */
struct identifier {
	char value[NAME_SIZE]; /* as ordered: "*.example.com" or "example.com" */
	bool wildcard;
};

MUST_CHECK bool identifier_parse(struct str text, struct identifier *ret, struct err *err);
/* The name without "*.": what is validated. Points into id->value. */
const char *identifier_base(const struct identifier *id);

/* Is `wild` a wildcard that matches `name`: one label in its place, not the wildcard itself? */
bool identifier_covers(const struct identifier *wild, const struct identifier *name);

/* A DNS owner name: like an identifier, but labels may contain '_', a final dot is dropped, no wildcard. */
MUST_CHECK bool owner_parse(struct str text, char ret[static NAME_SIZE], struct err *err);

/* name == zone or name ends in ".zone"; both normalised. */
bool name_in_zone(const char *name, const char *zone);
/* "_acme-challenge." + name; false when it would not fit 253 bytes. RFC 8555 8.4. */
MUST_CHECK bool name_challenge(const char *name, char ret[static NAME_SIZE]);

#endif
