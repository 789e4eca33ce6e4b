/*
 * acme/nonce.h: nonces harvested from answers, newest first. RFC 8555 6.5.
 *
 * Shapes   at most ACME_NONCES_MAX per pool, none older than ACME_NONCE_AGE_MAX_MS: a CA forgets them.
 * Keys     a pool belongs to one directory; a nonce of another directory is neither taken nor given.
 * Threads  a plain structure: the owner locks.
 * Purity   no clock: the present is a parameter (monotonic milliseconds).
 */
#ifndef REEVE_ACME_NONCE_H
#define REEVE_ACME_NONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "net/url.h"

#define ACME_NONCES_MAX        16
#define ACME_NONCE_MAX         256 /* bytes of one nonce */
#define ACME_NONCE_SIZE        (ACME_NONCE_MAX + 1)
#define ACME_NONCE_AGE_MAX_MS  60000

struct acme_nonce_pool {
	char   directory[URL_SIZE];
	size_t count;
	struct {
		char    value[ACME_NONCE_SIZE];
		int64_t at_ms;
	} entries[ACME_NONCES_MAX]; /* oldest first */
};

/* base64url, 1..ACME_NONCE_MAX bytes; anything else is to be ignored. */
bool acme_nonce_valid(struct str nonce);

void acme_nonce_pool_init(struct acme_nonce_pool *pool, const char *directory);
/* Keep a nonce; the oldest makes room. False: malformed, known already, or of another directory. */
bool acme_nonce_put(struct acme_nonce_pool *pool, const char *directory, struct str nonce, int64_t now_ms);
/* The newest one that is young enough leaves the pool; false: ask newNonce. */
MUST_CHECK bool acme_nonce_take(struct acme_nonce_pool *pool, const char *directory, int64_t now_ms,
                                char ret[static ACME_NONCE_SIZE]);
/* After repeated badNonce: what is here is worth nothing (the CA restarted). */
void acme_nonce_flush(struct acme_nonce_pool *pool);

#endif
