/*
 * acme/renewal_info.h: when the CA would like a certificate to be renewed. RFC 9773 4.
 *
 * Shapes   a window is [start_at, end_at), shorter than RENEWAL_WINDOW_MAX_MS, inside the years 2000..2199. A window
 *          in the past is a good one: it says "now".
 * Units    *_at are Unix milliseconds UTC.
 * Errors   ERR_PERMANENT "ca-nonsense" for a window that is none (inverted, empty, absurdly long, no time): a
 *          long-term error of RFC 9773 4.3.3, the caller goes on without it.
 * Memory   results live in the arena given.
 * Purity   no I/O, no clock, no globals, no randomness; safe from any thread.
 * Unknown  members are ignored; an explanationURL that is no http(s) URL is as good as an absent one.
 */
#ifndef REEVE_ACME_RENEWAL_INFO_H
#define REEVE_ACME_RENEWAL_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define RENEWAL_WINDOW_MAX_MS (1826 * (int64_t)86400 * 1000) /* five years: longer than any window of sense */

struct acme_renewal_info {
	int64_t     start_at, end_at;
	const char *explanation_url; /* "" when there is none; for people: http and a fragment are fine */
};

/* Read the answer to GET renewalInfo/<certificate id>. */
MUST_CHECK bool acme_renewal_info_parse(struct arena *a, struct str body, struct acme_renewal_info *ret, struct err *err);
/* The URL to ask: one slash between the directory's renewalInfo and the id of RFC 9773 4.1. */
const char *acme_renewal_info_url(struct arena *a, const char *renewal_info, const char *certificate_id);
/* A moment in the window; `random` is 64 uniform bits. */
int64_t acme_renewal_info_draw(int64_t start_at, int64_t end_at, uint64_t random);

#endif
