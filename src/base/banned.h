/*
 * base/banned.h: functions that have no safe use here fail the build where they are named.
 *
 * Bounded replacements: snprintf for sprintf, buf_* and arena_printf for strcpy/strcat, str_* for strtok,
 * str_to_u64 for atoi, gmtime_r for gmtime, clock_* for time arithmetic.
 */
#ifndef REEVE_BASE_BANNED_H
#define REEVE_BASE_BANNED_H

/* The system headers that declare (or build upon) these come first, or the poison would hit them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Some C libraries make these macros when fortified; poisoning a macro is a warning of its own. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll gmtime localtime ctime asctime mktemp tmpnam

#endif
