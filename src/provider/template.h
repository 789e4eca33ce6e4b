/*
 * provider/template.h: texts with variables in braces: "/zones/{zone_id}/records", "\"{value}\"", "{sub|or:@}".
 *
 * Language {name} or {name|filter|filter:argument}; "{{" and "}}" are braces. What a variable gives is escaped for the
 *          place it stands in (URL, form, XML); a literal never is. A list is written item after item.
 * Filters  upper, lower, dot (final dot), quote (a TXT string in quotes), b64, b64url, hex, url (escaped as in a URL), int (a JSON number),
 *          md5, sha1, sha256, sha512, hmac-md5:KEY … hmac-sha512:KEY (KEY is a variable), http-date (of a time in
 *          seconds), or:TEXT (when empty), strip:PREFIX, path (keeps "/" in a URL), wrap:BEFORE,AFTER (around
 *          each item that is not empty; the item is escaped, the argument is not), time:FORMAT (UTC; %Y%m%d%H%M%S),
 *          add:NUMBER, only:VARIABLE=TEXT (else nothing), before:TEXT, after:TEXT, last:TEXT (behind its last
 *          occurrence), json:PATH, length, rsa-sha256:KEY, rsa-sha512:KEY, rsa-pss256:KEY (KEY is PEM).
 * Errors   ERR_INPUT "invalid-recipe" from check; render fails only for a value that cannot be what a filter needs.
 */
#ifndef REEVE_PROVIDER_TEMPLATE_H
#define REEVE_PROVIDER_TEMPLATE_H

#include "provider/vars.h"

enum template_context { TEMPLATE_TEXT, TEMPLATE_URL, TEMPLATE_XML };

/* Is it well-formed, and are all its variables among `known`? Marks them as used. */
MUST_CHECK bool template_check(const char *text, struct vars *known, struct err *err);
MUST_CHECK bool template_render(const struct vars *vars, const char *text, enum template_context context,
                struct str *ret,
                                struct err *err);

/* Does anything in it come from a secret? What it gives is one too then. */
bool template_is_secret(const struct vars *vars, const char *text);

/* The same for each string inside a JSON value: "{name|int}" alone gives a number, a variable with JSON that JSON. */
MUST_CHECK bool template_json_check(const json_t *json, struct vars *known, struct err *err);
MUST_CHECK bool template_json_render(const struct vars *vars, const json_t *json, json_t **ret, struct err *err);

struct str template_escape(struct arena *a, enum template_context context, struct str text);

#endif
