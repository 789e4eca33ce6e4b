/*
 * base/err.h: an error is a decision (class), a stable code, a sentence and what to change.
 *
 * Use      return err_set(err, ERR_INPUT, "…") or err_in(err, "newOrder for %s", name): both always
 *          return false. Each layer adds only what it alone knows; "failed to" is never written.
 * Memory   no allocation, no secret inside. `err` may be NULL everywhere.
 * Text     bytes from strangers are escaped on the way in (control bytes become '?').
 */
#ifndef REEVE_BASE_ERR_H
#define REEVE_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

enum err_class {
	ERR_NONE,
	ERR_NOT_FOUND,
	ERR_INPUT,     /* the request was wrong: 4xx to our caller, never retried */
	ERR_DENIED,    /* no or not enough authority */
	ERR_CONFLICT,  /* somebody moved the row first, or the name is taken: reload */
	ERR_CONFIG,    /* waits until configuration or DNS changes; the hint says which change */
	ERR_TEMPORARY, /* peer, network, disk: again, not before retry_after_s */
	ERR_PERMANENT, /* the peer said no and will say no again */
	ERR__COUNT
};

struct err {
	enum err_class class;
	uint32_t       retry_after_s; /* 0: not stated */
	char           problem[64];   /* code of base/problem_codes.h, or an ACME type; "" when none */
	char           text[1024];    /* what happened and why */
	char           hint[1024];    /* what to change; "" when there is nothing to change */
};

bool err_set(struct err *err, enum err_class class, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with a stable code. */
bool err_problem(struct err *err, enum err_class class, const char *problem, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* Add what to change; keeps the rest. */
bool err_hint(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* Prepend "…: " to the sentence. */
bool err_in(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* ERR_TEMPORARY with strerror(number) at the end. */
bool err_errno(struct err *err, int number, const char *format, ...) PRINTF_LIKE(3, 4);

const char *err_class_name(enum err_class class);

#endif
