/*
 * acme/known.h: what is known of public CAs and stands in none of their directories. Facts, not policy: a CA that is not
 * listed is taken to have no such rule, and says so itself when it has.
 *
 * Purity   no I/O, no clock; safe from any thread.
 */
#ifndef REEVE_ACME_KNOWN_H
#define REEVE_ACME_KNOWN_H

#include "base/attr.h"

#include <stdbool.h>

/* Does it refuse an order for a wildcard together with a name that the wildcard covers? */
bool acme_known_refuses_overlap(const char *directory_url);

#endif
