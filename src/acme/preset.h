/*
 * acme/preset.h: what is known of the CAs in use before they are asked: directory URLs, needs, quirks. One table, read by
 *          `authority add`, the API, the checks of a request, revocation and `authority test`.
 *
 * Rule     a preset saves people a failed order; it never stands in the way of what the CA itself says. Unknown stays
 *          unknown (ACME_MAYBE): then the CA is asked.
 * Staging  acme_preset_staging() gives the directory where orders may be rehearsed, for the URL of an authority.
 * Names    a preset's name with "-staging" behind it means its staging directory.
 * Purity   no I/O, no clock, no globals but the constant table; safe from any thread.
 */
#ifndef REEVE_ACME_PRESET_H
#define REEVE_ACME_PRESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/name.h"

#define ACME_PRESET_URLS_MAX 4
#define ACME_PRESET_CAPS_MAX 3

enum acme_maybe { ACME_MAYBE, ACME_YES, ACME_NO };

/* CRLReason of RFC 5280 5.3.1 as a set; 0 in a preset: not known. */
#define ACME_REASON(n)    (1u << (n))
#define ACME_REASONS_ALL  (0x7ffu & ~ACME_REASON(7))

struct acme_profile_cap {
	const char *profile;
	unsigned    names_max;
};

struct acme_preset {
	const char *name;  /* stored: never renamed */
	const char *title; /* for people */
	const char *urls[ACME_PRESET_URLS_MAX]; /* the first is what `add` uses; all are recognised, byte for byte */
	const char *staging;  /* NULL: none */
	const char *url_form; /* NULL, or how the URL of an installation looks: there is no URL for everybody */
	const char *eab;      /* NULL: not needed; else where to get it */
	const char *ended;    /* NULL, or since when and what to use instead */
	const char *note;     /* NULL, or what people should know */
	const char *limits;   /* NULL, or the CA's published rate limits in one sentence */
	enum acme_maybe renewal_info, profiles, key_change, wildcard, alternates, not_after, key_revoke;
	uint16_t    reasons;
	bool        email_needed, eab_once, redundant_refused;
	unsigned    names_max; /* 0: not known */
	struct acme_profile_cap caps[ACME_PRESET_CAPS_MAX];
};

extern const struct acme_preset acme_presets[];
extern const size_t             acme_presets_count;

/* By name ("letsencrypt", "letsencrypt-staging"), or NULL. *ret_staging when given. */
const struct acme_preset *acme_preset_find(const char *name, bool *ret_staging);
/* The preset one of whose URLs (staging too) this is, byte for byte, or NULL. */
const struct acme_preset *acme_preset_of_url(const char *directory_url, bool *ret_staging);
/* The staging directory that belongs to this production directory, or NULL: this CA has none, or it is staging itself. */
const char *acme_preset_staging(const char *directory_url);
/* How many names one certificate may have there; 0: not known. profile "" is the CA's own choice. */
unsigned acme_preset_names_max(const struct acme_preset *preset, const char *profile);
/* ERR_INPUT for what this CA is known to refuse: "invalid-name", or "invalid-request" for their number. preset NULL refuses
 * nothing. */
MUST_CHECK bool acme_preset_check(const struct acme_preset *preset, const struct identifier *names, size_t count,
                                  const char *profile, struct err *err);
const char *acme_maybe_name(enum acme_maybe maybe); /* "unknown", "yes", "no" */

/* ---- reasons ---- */

/* "keyCompromise", "1"; case and hyphens do not matter. ERR_INPUT that lists the names. */
MUST_CHECK bool acme_reason_parse(const char *text, unsigned *ret, struct err *err);
const char     *acme_reason_name(unsigned reason);
/* ERR_INPUT "invalid-request" when this CA is known to refuse it. */
MUST_CHECK bool acme_reason_check(const struct acme_preset *preset, unsigned reason, struct err *err);

#endif
