/*
 * acme/challenge.h: challenges, key authorizations and the dns-01 value. RFC 8555 7.1.5, 7.5.1, 8.1, 8.4.
 *
 * Shapes   token: base64url, 1..ACME_TOKEN_MAX bytes; thumbprint: base64url of a SHA-256 (RFC 7638), 43 bytes.
 * Errors   ERR_PERMANENT "ca-nonsense". An unknown status is an error; an unknown type is kept: it is not ours.
 * Memory   results live in the arena given.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 */
#ifndef REEVE_ACME_CHALLENGE_H
#define REEVE_ACME_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define ACME_TOKEN_MAX       256
#define ACME_DNS01_SIZE      44 /* base64url of 32 bytes and the NUL */
#define ACME_THUMBPRINT_SIZE 44

enum acme_challenge_status {
	ACME_CHALLENGE_PENDING,
	ACME_CHALLENGE_PROCESSING,
	ACME_CHALLENGE_VALID,
	ACME_CHALLENGE_INVALID,
	ACME_CHALLENGE__COUNT
};

struct acme_challenge {
	const char                *type;
	const char                *url;
	const char                *token; /* NULL for types that have none; never NULL for dns-01 */
	enum acme_challenge_status status;
	struct acme_problem       *error; /* NULL when there is none; may be there while pending (step-ca) */
};

/* Read the answer to a challenge request. */
MUST_CHECK bool acme_challenge_parse(struct arena *a, struct str body, struct acme_challenge *ret, struct err *err);
struct json_t;
/* Read one element of an authorization's `challenges`. */
MUST_CHECK bool acme_challenge_read(struct arena *a, const struct json_t *object, struct acme_challenge *ret,
                                    struct err *err);

/* Payload that says: validate now. RFC 8555 7.5.1: an empty object. */
#define ACME_CHALLENGE_PAYLOAD STR("{}")

/* base64url alphabet, 1..max bytes: tokens, nonces, thumbprints. */
bool acme_base64url(struct str text, size_t max);

/* token "." thumbprint. RFC 8555 8.1. Both must have passed their checks (asserted). */
const char *acme_key_authorization(struct arena *a, const char *token, const char *thumbprint);
/* The value of the TXT record. RFC 8555 8.4. */
void acme_dns01_value(const char *token, const char *thumbprint, char ret[static ACME_DNS01_SIZE]);

const char *acme_challenge_status_name(enum acme_challenge_status status);

#endif
