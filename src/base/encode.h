/*
 * base/encode.h: base64url (RFC 4648 section 5, no padding), base64, hex, base32 (lower case, no padding), CRC-32.
 *
 * Memory   encoders write into the arena and return NUL-terminated text; decoders likewise bytes.
 * Errors   decoders are strict: a wrong character, wrong length or non-zero spare bits is refused.
 */
#ifndef REEVE_BASE_ENCODE_H
#define REEVE_BASE_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

char *b64url_encode(struct arena *a, struct str bytes);
MUST_CHECK bool b64url_decode(struct arena *a, struct str text, struct str *ret);
/* Standard alphabet or URL alphabet, padded or not: for EAB keys as CAs hand them out. */
MUST_CHECK bool b64_any_decode(struct arena *a, struct str text, struct str *ret);
char *b64_encode(struct arena *a, struct str bytes);
int   hex_digit(char c); /* 0..15 of either case; -1 when it is none */
char *hex_encode(struct arena *a, struct str bytes);
MUST_CHECK bool hex_decode(struct arena *a, struct str text, struct str *ret);
char *base32_encode(struct arena *a, struct str bytes);
/* CRC-32 (IEEE), continue with the previous value, start with 0. */
uint32_t crc32_update(uint32_t crc, struct str bytes);

#endif
