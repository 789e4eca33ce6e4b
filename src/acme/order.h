/*
 * acme/order.h: orders as the CA describes them, and the payloads that make and finish them.
 *          RFC 8555 7.1.3, 7.1.6, 7.4; RFC 9773 5; draft-ietf-acme-profiles.
 *
 * Shapes   1..ACME_IDENTIFIERS_MAX identifiers of type dns, normalised and unique; as many authorizations at most.
 * Units    *_at are Unix milliseconds UTC, 0 when not stated.
 * Errors   ERR_PERMANENT "ca-nonsense" for an answer that is none.
 * Memory   results live in the arena given; the caller frees nothing.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 * Unknown  members from a CA are ignored; an unknown status is an error, never a default.
 */
#ifndef REEVE_ACME_ORDER_H
#define REEVE_ACME_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acme/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/name.h"
#include "base/str.h"

#define ACME_IDENTIFIERS_MAX 100

enum acme_order_status {
	ACME_ORDER_PENDING,
	ACME_ORDER_READY,
	ACME_ORDER_PROCESSING,
	ACME_ORDER_VALID,
	ACME_ORDER_INVALID,
	ACME_ORDER__COUNT
};

struct acme_order {
	const char            *url;
	enum acme_order_status status;
	int64_t                expires_at;
	struct identifier     *identifiers;
	size_t                 identifiers_count;
	const char           **authorizations; /* URLs in the CA's order, unique */
	size_t                 authorizations_count;
	const char            *finalize;
	const char            *certificate; /* not NULL when status is VALID; NULL otherwise */
	struct acme_problem   *error;       /* NULL when there is none */
	const char            *profile;     /* what the CA echoed, or NULL: believe this, not the request */
	const char            *replaces;
};

struct acme_order_request {
	const struct identifier *identifiers;
	size_t                   identifiers_count;
	const char              *profile;  /* NULL: not sent; likewise the others */
	const char              *replaces; /* certificate id of RFC 9773 */
	int64_t                  not_after_at; /* 0: not sent */
};

/* Read a newOrder, finalize or order-poll answer. `location` is the order's URL (header or the one polled). */
MUST_CHECK bool acme_order_parse(struct arena *a, const char *location, struct str body,
                                 struct acme_order *ret, struct err *err);
/* The same set of names, in any order: the CA may sort them. */
bool acme_order_matches(const struct acme_order *order, const struct identifier *identifiers, size_t count);

/* Payload of newOrder. */
struct str acme_order_write(struct arena *a, const struct acme_order_request *request);
/* Payload of finalize. RFC 8555 7.4. */
struct str acme_finalize_write(struct arena *a, struct str csr_der);

const char *acme_order_status_name(enum acme_order_status status);

#endif
