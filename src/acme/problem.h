/*
 * acme/problem.h: problem documents of a CA and what to do about them. RFC 8555 6.7, RFC 7807.
 *
 * Shapes   at most ACME_SUBPROBLEMS_MAX subproblems are kept; detail at most ACME_DETAIL_MAX bytes; control
 *          bytes are replaced. `type` has no "urn:ietf:params:acme:error:" in front.
 * Errors   reading never fails: a body that is no problem document gives a problem without a type.
 * Memory   results live in the arena given. No member is ever NULL but where it says so.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 */
#ifndef REEVE_ACME_PROBLEM_H
#define REEVE_ACME_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define ACME_SUBPROBLEMS_MAX 100
#define ACME_ALGORITHMS_MAX  16
#define ACME_DETAIL_MAX      1024

struct json_t;

struct acme_subproblem {
	const char *type;
	const char *detail;
	const char *identifier; /* "" when not stated */
};

struct acme_problem {
	int         status; /* HTTP status of the answer; inside an order or challenge the stated one, or 0 */
	const char *type;   /* "rateLimited"; "" when the CA sent no problem document */
	const char *title;
	const char *detail;
	const char *instance; /* a URL a person should visit, or "" */

	struct acme_subproblem *subproblems;
	size_t                  subproblems_count;
	const char            **algorithms; /* badSignatureAlgorithm: what the CA would accept */
	size_t                  algorithms_count;
};

/* Where the problem was found: the same type asks for different reactions. */
enum acme_where {
	ACME_AT_ACCOUNT,       /* answer to newAccount, account update, key change */
	ACME_AT_ORDER,         /* answer to newOrder */
	ACME_AT_AUTHORIZATION, /* answer to an authorization or challenge request */
	ACME_AT_VALIDATION,    /* the `error` inside a challenge, authorization or pending order */
	ACME_AT_FINALIZE,      /* answer to finalize, or the `error` inside an order after it */
	ACME_AT_DOWNLOAD,      /* answer to the certificate request */
	ACME_AT_REVOKE,
	ACME_AT_OTHER, /* directory, nonce, order poll */
	ACME_AT__COUNT
};

/* Read the body of an answer with status >= 400. Anything but a JSON object is tolerated. */
void acme_problem_parse(struct arena *a, int http_status, struct str body, struct acme_problem *ret);
/* Read the `error` member of an order, authorization or challenge. NULL or not an object: an empty problem. */
void acme_problem_read(struct arena *a, const struct json_t *object, struct acme_problem *ret);

/*
 * Turn a problem into a decision: class, code (the ACME type, or "ca-refused"/"ca-unreachable" without one),
 * a sentence and what to change. retry_after_s is the header's (0: absent). Always returns false.
 */
bool acme_problem_err(const struct acme_problem *problem, enum acme_where where, uint32_t retry_after_s,
                      struct err *err);

/*
 * When the same certificate may be asked for again, as opposed to the same request (that is the class of the err). The
 * order is that of severity.
 */
enum acme_again {
	ACME_AGAIN_NOW,    /* I: at once, a bounded number of times */
	ACME_AGAIN_LATER,  /* T: it may pass by itself */
	ACME_AGAIN_STATED, /* W: not before the time the CA stated */
	ACME_AGAIN_CHANGE, /* C: configuration or DNS must change */
	ACME_AGAIN_PERSON, /* H: a person must do something at the CA */
	ACME_AGAIN_NEVER,  /* F: this request will never be accepted */
	ACME_AGAIN__COUNT
};

/* The class of a decision of acme_problem_err(), from the code, text and class it gave. A type unknown here goes by
 * class: what is temporary later, the rest after a change. */
enum acme_again acme_problem_again(const char *type, const char *text, enum err_class class, enum acme_where where);
/* The first https URL in a CA's words, as the page that ends a pause. False: there is none. */
MUST_CHECK bool acme_problem_url(const char *text, struct str *ret);

/* The same type again, without the prefix. */
bool acme_problem_is(const struct acme_problem *problem, const char *type);
/* Sign the same payload again at once with the nonce of this very answer. RFC 8555 6.5. */
bool acme_should_retry_nonce(const struct acme_problem *problem);
/* The CA knows the account no more: look it up or register again. */
bool acme_account_lost(const struct acme_problem *problem);
/* For an answer to a newOrder that had `replaces`: send it again without, the predecessor is replaced already or
 * not ours. RFC 9773 5. */
bool acme_should_drop_replaces(const struct acme_problem *problem);

/* "… retry after 2026-11-22 14:00:00 UTC …" in the detail of a rateLimited, for a CA that sends no header. */
MUST_CHECK bool acme_problem_retry_at(const struct acme_problem *problem, int64_t *ret_at_ms);

enum acme_retry {
	ACME_RETRY_POLL,         /* 1 .. 60 s */
	ACME_RETRY_REFUSED,      /* rate limits and overload: 1 s .. 14 days */
	ACME_RETRY_RENEWAL_INFO, /* 60 s .. 24 h */
	ACME_RETRY__COUNT
};

/* Bound a Retry-After (0: absent, then `otherwise_s`) for its purpose. Never 0. */
uint32_t acme_retry_after(enum acme_retry purpose, uint32_t retry_after_s, uint32_t otherwise_s);

#endif
