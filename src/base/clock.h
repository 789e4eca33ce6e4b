/*
 * base/clock.h: the two clocks. Wall time for validity and rows, monotonic time for time-outs.
 */
#ifndef REEVE_BASE_CLOCK_H
#define REEVE_BASE_CLOCK_H

#include <stdint.h>

#include "base/attr.h"

int64_t clock_now_ms(void);  /* Unix milliseconds UTC */
int64_t clock_mono_ms(void); /* CLOCK_BOOTTIME: goes on during suspend, never back */
void    clock_sleep_ms(int64_t ms);

#define CLOCK_RFC3339_SIZE 32
/* "2026-11-22T14:03:20.123Z" (milliseconds only when they are not 0). */
const char *clock_rfc3339(int64_t at_ms, char ret[static CLOCK_RFC3339_SIZE]);

struct str;
/* RFC 3339 with Z or an offset. */
MUST_CHECK _Bool clock_parse_rfc3339(struct str s, int64_t *ret_ms);

#endif
