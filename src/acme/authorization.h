/*
 * acme/authorization.h: authorizations as the CA describes them. RFC 8555 7.1.4, 7.5.
 *
 * Shapes   one identifier of type dns, without "*." (the wildcard is a flag); at most ACME_CHALLENGES_MAX
 *          challenges, at least one while pending. Challenges we could not use and not read are left out.
 * Units    *_at are Unix milliseconds UTC, 0 when not stated.
 * Errors   ERR_PERMANENT "ca-nonsense". An unknown status is an error, never a default.
 * Memory   results live in the arena given.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 */
#ifndef REEVE_ACME_AUTHORIZATION_H
#define REEVE_ACME_AUTHORIZATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/challenge.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/name.h"
#include "base/str.h"

#define ACME_CHALLENGES_MAX 10

enum acme_authorization_status {
	ACME_AUTHORIZATION_PENDING,
	ACME_AUTHORIZATION_VALID,
	ACME_AUTHORIZATION_INVALID,
	ACME_AUTHORIZATION_DEACTIVATED,
	ACME_AUTHORIZATION_EXPIRED,
	ACME_AUTHORIZATION_REVOKED,
	ACME_AUTHORIZATION__COUNT
};

struct acme_authorization {
	const char                    *url;
	char                           name[NAME_SIZE]; /* without "*." */
	bool                           wildcard;
	enum acme_authorization_status status;
	int64_t                        expires_at;
	struct acme_challenge         *challenges;
	size_t                         challenges_count;
};

/* Read the answer to an authorization request sent to `url`. */
MUST_CHECK bool acme_authorization_parse(struct arena *a, const char *url, struct str body,
                                         struct acme_authorization *ret, struct err *err);
/* The dns-01 challenge, or ERR_PERMANENT "challenge-type-unsupported" that lists what is offered. */
MUST_CHECK bool acme_authorization_dns01(const struct acme_authorization *authorization,
                                         const struct acme_challenge **ret, struct err *err);
/* The problem that explains why it is invalid: the first challenge that has one; NULL when none has. */
const struct acme_problem *acme_authorization_error(const struct acme_authorization *authorization);

/* Payload that gives an authorization up. RFC 8555 7.5.2. */
#define ACME_DEACTIVATE_PAYLOAD STR("{\"status\":\"deactivated\"}")

const char *acme_authorization_status_name(enum acme_authorization_status status);

#endif
