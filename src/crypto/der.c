/*
 * crypto/der.c: definite lengths in their shortest form, as DER wants them.
 */
#include "crypto/der.h"

#include <assert.h>
#include <string.h>

#define DER_MAX (1u << 24)

/* 1 to 4 bytes; returns how many. */
static size_t length_put(uint8_t *at, size_t len)
{
	size_t bytes = len < 0x80 ? 0 : len < 0x100 ? 1 : len < 0x10000 ? 2 : 3;

	if (bytes == 0)
		at[0] = (uint8_t)len;
	else
		at[0] = (uint8_t)(0x80 | bytes);
	for (size_t i = 0; i < bytes; i++)
		at[1 + i] = (uint8_t)(len >> (8 * (bytes - 1 - i)));
	return 1 + bytes;
}

struct str der_join(struct arena *a, unsigned tag, const struct str *parts, size_t count)
{
	size_t   len = 0, at;
	uint8_t *out;

	for (size_t i = 0; i < count; i++)
		len += parts[i].len;
	assert(len < DER_MAX);
	out = arena_alloc(a, len + 5);
	out[0] = (uint8_t)tag;
	at = 1 + length_put(out + 1, len);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			memcpy(out + at, parts[i].ptr, parts[i].len);
		at += parts[i].len;
	}
	return str_of(out, at);
}

struct str der_bits(struct arena *a, struct str bytes)
{
	static const uint8_t unused[] = { 0 };

	return DER(a, DER_BIT_STRING, str_of(unused, 1), bytes);
}

struct str der_unsigned(struct arena *a, struct str bytes)
{
	static const uint8_t zero[] = { 0 };

	while (bytes.len > 1 && bytes.ptr[0] == 0)
		bytes = str_of(bytes.ptr + 1, bytes.len - 1);
	/* A first bit that is set would be a sign. */
	if (bytes.len == 0 || ((uint8_t)bytes.ptr[0] & 0x80) != 0)
		return DER(a, DER_INTEGER, str_of(zero, 1), bytes);
	return DER(a, DER_INTEGER, bytes);
}
