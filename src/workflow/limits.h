/*
 * workflow/limits.h: the limits that CAs publish, as data, and the arithmetic of their token buckets (GCRA).
 *
 * Limit    `count` at once, refilled evenly over window_ms. count 0: the CA has no such limit.
 * Scope    of a bucket: our account at one authority, or the CA for all accounts (its directory URL).
 * Key      what a bucket is for: nothing more, a registered domain, a set of names, a name.
 * Purity   no I/O, no clock, no database; the public suffix list is read once.
 */
#ifndef REEVE_WORKFLOW_LIMITS_H
#define REEVE_WORKFLOW_LIMITS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/name.h"

enum limit_id {
	LIMIT_NEW_ORDERS,    /* orders of an account */
	LIMIT_DOMAIN,        /* certificates of a registered domain */
	LIMIT_SET,           /* certificates of one set of names */
	LIMIT_FAILED,        /* failed validations of a name by an account */
	LIMIT_CONSECUTIVE,   /* the same in a row; beyond it the CA pauses the name */
	LIMIT_REQUESTS,      /* whatever else the CA says: it is not counted here, only obeyed */
	LIMIT__COUNT
};

enum limit_key { LIMIT_KEY_NONE, LIMIT_KEY_DOMAIN, LIMIT_KEY_SET, LIMIT_KEY_NAME };

struct limit_kind {
	const char    *name;        /* as people write it and as it is stored */
	const char    *text;        /* what is counted */
	bool           all_accounts;
	enum limit_key key;
	bool           at_order;    /* taken by an order; else by a failed validation */
	bool           given_back;  /* when the order ends without a certificate */
	bool           same_set_exempt; /* a certificate for the same names within LIMIT_SAME_SET_MS takes nothing */
	const char    *words;       /* in the CA's refusal; NULL: none */
};
extern const struct limit_kind limit_kinds[LIMIT__COUNT];
#define LIMIT_SAME_SET_MS (120 * 86400 * (int64_t)1000)

struct limit {
	int64_t count, window_ms;
};

/* What is known of a CA. */
struct limits {
	struct limit limit[LIMIT__COUNT];
	bool         window_exempt; /* what is renewed inside the CA's window (RFC 9773) takes nothing */
	const char  *staging_url;   /* its directory for rehearsals; NULL: none known */
};

/* By directory URL; a CA nobody knows has none. */
void limits_known(const char *directory_url, struct limits *ret);
/* "new-orders=300/3h, exact-set=off": what differs. ERR_INPUT "invalid-request"; `x` stays as it was then. */
MUST_CHECK bool limits_parse(struct str text, struct limits *x, struct err *err);
/* The limit a CA's words are about: LIMIT_REQUESTS when they name none. */
enum limit_id limits_from_words(const char *detail);
/* "300 in 3 h" */
const char *limit_text(struct arena *a, const struct limit *l);

/* GCRA. full_at: when the bucket is full again, as stored. */
int64_t limit_cost_ms(const struct limit *l);
/* The earliest time at which one more may be taken: `now` when it may at once. */
int64_t limit_next_at(const struct limit *l, int64_t full_at, int64_t now);
/* full_at after one more. */
int64_t limit_take(const struct limit *l, int64_t full_at, int64_t now);
/* How many may be taken now. */
int64_t limit_left(const struct limit *l, int64_t full_at, int64_t now);

/* The distinct keys of a limit for these names. */
void limit_keys(struct arena *a, enum limit_key key, const struct identifier *names, size_t names_count, const char ***ret,
                size_t *ret_count);

#endif
