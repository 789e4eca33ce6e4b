/*
 * base/attr.h: the few compiler attributes and macros the whole tree uses.
 *
 * AUTO(f) runs f(&variable) at the end of the scope; TAKE(p) hands the pointer over and leaves NULL
 * behind, so the cleanup finds nothing. Neither is ever mixed with goto in one function.
 */
#ifndef REEVE_BASE_ATTR_H
#define REEVE_BASE_ATTR_H

#include "base/banned.h"

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define UNUSED            __attribute__((unused))
#define FALLTHROUGH       __attribute__((fallthrough))

#define AUTO(f) __attribute__((cleanup(f)))
#define TAKE(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) take_ = (p);                                                         \
		(p) = NULL;                                                                        \
		take_;                                                                             \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define KIB          1024u
#define MIB          (1024u * 1024u)

#endif
