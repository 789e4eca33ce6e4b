/*
 * crypto/secret.h: bytes nobody prints by accident.
 *
 * Memory   in the secure heap when the process has one, else on the heap; wiped before it is freed. A
 *          secret_str() view must not outlive the secret.
 * Errors   allocation does not fail (out of memory aborts).
 */
#ifndef REEVE_CRYPTO_SECRET_H
#define REEVE_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct secret;

struct secret *secret_new(size_t len); /* zeroed, to be filled by the caller */
struct secret *secret_copy(struct str bytes);
struct secret *secret_random(size_t len); /* from the private generator */
void           secret_free(struct secret *s); /* NULL is fine */
void           secret_freep(struct secret **s);

uint8_t   *secret_ptr(struct secret *s);
size_t     secret_len(const struct secret *s);
struct str secret_str(const struct secret *s);
/* Make it shorter; the rest is wiped. */
void secret_cut(struct secret *s, size_t len);

/* Compare without telling by the time it takes where they differ. */
bool ct_equal(const void *a, const void *b, size_t len);
/* Overwrite; never optimised away. */
void wipe(void *ptr, size_t len);

#endif
