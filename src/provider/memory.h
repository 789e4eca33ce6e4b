/*
 * provider/memory.h: what the engine remembers between calls, per account: short texts with an end (sessions, zones),
 * and how many requests it may still send. Nothing here is needed for correctness: it can be lost at any time.
 *
 * Bounds   MEMORY_TEXTS_MAX texts and MEMORY_ACCOUNTS_MAX accounts; the oldest goes.
 * Secrets  texts may be tokens: they are wiped when they go.
 * Threads  any.
 */
#ifndef REEVE_PROVIDER_MEMORY_H
#define REEVE_PROVIDER_MEMORY_H

#include "base/arena.h"
#include "base/err.h"

#define MEMORY_TEXTS_MAX    1024u
#define MEMORY_ACCOUNTS_MAX 256u
#define MEMORY_QUEUE_MAX_MS (15 * 60 * 1000)
#define MEMORY_WAIT_MAX_MS  2000 /* a shorter wait for the budget is slept, a longer one is an error with a time */

struct memory;

struct memory *memory_new(void);
void           memory_free(struct memory *m); /* NULL is fine */

/* NULL when nothing is remembered under this key, or not any more. */
const char *memory_find(struct memory *m, struct arena *a, const char *key);
void        memory_put(struct memory *m, const char *key, const char *text, int64_t lifetime_s);
void        memory_drop(struct memory *m, const char *key);

/*
 * Take one request of the account's budget (0 requests: no limit). ERR_TEMPORARY "too-many-requests" when there is none
 * left, with a time: each that is sent away gets the next free moment after the one before it, at most MEMORY_QUEUE_MAX_MS
 * ahead.
 */
MUST_CHECK bool memory_request(struct memory *m, const char *account, int64_t requests, int64_t per_s, struct err *err);
/* The same refusal without taking one, and without sleeping: before something is written that a refusal would make vain. */
MUST_CHECK bool memory_ready(struct memory *m, const char *account, int64_t requests, int64_t per_s, struct err *err);
/* The account asked for silence (Retry-After): requests are refused here until then. */
void memory_silence(struct memory *m, const char *account, uint32_t seconds);

#endif
