/*
 * acme/account.h: an account as the CA describes it. RFC 8555 7.1.2, 7.3.
 *
 * Errors   ERR_PERMANENT "ca-nonsense". An unknown status is an error, never a default.
 * Memory   results live in the arena given.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 * Unknown  members are ignored. The payload of newAccount is written by the keeper, which holds the keys.
 */
#ifndef REEVE_ACME_ACCOUNT_H
#define REEVE_ACME_ACCOUNT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum acme_account_status {
	ACME_ACCOUNT_VALID,
	ACME_ACCOUNT_DEACTIVATED,
	ACME_ACCOUNT_REVOKED,
	ACME_ACCOUNT__COUNT
};

struct acme_account {
	const char              *url; /* from Location, byte for byte: CAA accounturi and dns-account-01 need it so */
	enum acme_account_status status;
	const char              *orders; /* NULL when the CA has no list (most) */
};

/* Read the answer to newAccount or to an account request; `location` is the account URL. */
MUST_CHECK bool acme_account_parse(struct arena *a, const char *location, struct str body,
                                   struct acme_account *ret, struct err *err);
const char *acme_account_status_name(enum acme_account_status status);

#endif
