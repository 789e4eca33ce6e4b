/*
 * crypto/der.h: writing DER (X.690), from the inside out. Only what keys and requests need: nothing here reads.
 *
 * The library's own encoders search for a provider at each call, which costs more than a signature.
 */
#ifndef REEVE_CRYPTO_DER_H
#define REEVE_CRYPTO_DER_H

#include "base/arena.h"
#include "base/str.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,             /* + number: primitive */
	DER_CONTEXT_CONSTRUCTED = 0xa0, /* + number */
};

/* One element whose content is the parts one after the other. */
struct str der_join(struct arena *a, unsigned tag, const struct str *parts, size_t count);
#define DER(a, tag, ...) \
	der_join(a, tag, (const struct str[]){ __VA_ARGS__ }, sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))

/* A BIT STRING of whole bytes. */
struct str der_bits(struct arena *a, struct str bytes);
/* An INTEGER that is not negative; big-endian. */
struct str der_unsigned(struct arena *a, struct str bytes);

#endif
