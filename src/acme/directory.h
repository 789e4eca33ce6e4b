/*
 * acme/directory.h: the directory of a CA. RFC 8555 7.1.1, RFC 9773 4.1, draft-ietf-acme-profiles.
 *
 * Shapes   every URL is https, at most URL_MAX bytes and kept byte for byte; names bounded as below.
 * Errors   ERR_PERMANENT "ca-nonsense" with one sentence that names the directory URL and what is wrong.
 * Memory   results live in the arena given.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 * Unknown  members are ignored (CAs put random ones there); one known member of a wrong shape is an error when
 *          required, and absent when optional.
 */
#ifndef REEVE_ACME_DIRECTORY_H
#define REEVE_ACME_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define ACME_CAA_IDENTITIES_MAX 32
#define ACME_PROFILES_MAX       64

struct acme_profile {
	const char *name;        /* 1..64 bytes */
	const char *description; /* may be "" */
};

struct acme_directory {
	const char *new_nonce;
	const char *new_account;
	const char *new_order;
	const char *revoke_cert;  /* NULL when not offered; likewise the next two */
	const char *key_change;
	const char *renewal_info; /* NULL: never send `replaces` */

	const char          *terms_of_service; /* NULL: none to agree to; a URL, http allowed: for people */
	const char          *website;          /* NULL, or a URL, http allowed */
	bool                 external_account_required;
	const char         **caa_identities; /* lower-case domain names */
	size_t               caa_identities_count;
	struct acme_profile *profiles;
	size_t               profiles_count;
};

/* Read the answer to GET `url`. `content_type` only helps to word the sentence. */
MUST_CHECK bool acme_directory_parse(struct arena *a, const char *url, const char *content_type,
                                     struct str body, struct acme_directory *ret, struct err *err);
/* "it offers a, b", or that it offers none: for hints. */
const char *acme_directory_profiles_text(struct arena *a, const struct acme_directory *directory);
/* The offered profile of this name, or NULL. */
const struct acme_profile *acme_directory_profile(const struct acme_directory *directory, const char *name);

#endif
