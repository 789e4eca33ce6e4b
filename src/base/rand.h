/* base/rand.h: random bytes from the kernel. Failure aborts: nothing may go on with predictable bytes. */
#ifndef REEVE_BASE_RAND_H
#define REEVE_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void     rand_bytes(void *ret, size_t len);
uint64_t rand_u64(void);
/* ±`percent` around `value`. */
int64_t rand_jitter(int64_t value, unsigned percent);

#endif
