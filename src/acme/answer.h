/*
 * acme/answer.h: members of what a CA answers, read one way by all parsers of this folder.
 *
 * Errors   ERR_PERMANENT "ca-nonsense"; `what` is the noun the sentence begins with ("order", "directory …").
 * Memory   strings are copied into the arena: the JSON value may be freed afterwards.
 */
#ifndef REEVE_ACME_ANSWER_H
#define REEVE_ACME_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

#define ACME_ANSWER_MAX (256u * KIB)

/* Always returns false. */
bool acme_nonsense(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The body as a JSON object. */
MUST_CHECK bool acme_answer_read(const char *what, struct str body, json_t **ret, struct err *err);
/* An https URL, kept byte for byte; absent or malformed is an error. */
MUST_CHECK bool acme_answer_url(struct arena *a, const char *what, const json_t *object, const char *member,
                                const char **ret, struct err *err);
/* The same for a URL that stands alone (a Location header, an array element). */
MUST_CHECK bool acme_url_check(struct arena *a, const char *what, const char *member, const char *url,
                               const char **ret, struct err *err);
/* NULL unless it is there and an https URL. */
const char *acme_answer_url_maybe(struct arena *a, const json_t *object, const char *member);
/* A URL for people, or NULL: http and a fragment are fine, a script is not. */
const char *acme_people_url(struct arena *a, const json_t *object, const char *member);
/* RFC 3339; 0 when absent or malformed. Unix milliseconds. */
int64_t acme_answer_time(const json_t *object, const char *member);
/* The index of the text in names; false: an unknown or no status. */
MUST_CHECK bool acme_answer_status(const char *what, const json_t *object, const char *const *names,
                                   size_t names_count, unsigned *ret, struct err *err);
/* A copy for people: at most `max` bytes, cut between characters, control bytes replaced. NULL gives "". */
const char *acme_text(struct arena *a, const char *text, size_t max);

#endif
