/*
 * base/encode.c: RFC 4648 and CRC-32. The decoders accept one spelling per value: spare bits that are not zero,
 * a length that cannot be, a stray character or white space are refused, or two texts would mean the same bytes.
 */
#include "base/encode.h"

static const char b64_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32_alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char hex_alphabet[] = "0123456789abcdef";

/* `width` bits per character, most significant first; the last character is filled up with zero bits. */
static char *encode(struct arena *a, struct str bytes, const char *alphabet, unsigned width,
                    size_t multiple)
{
	size_t   chars, padded, at = 0;
	char    *ret;
	uint32_t bits = 0;
	unsigned held = 0;

	if (bytes.len > SIZE_MAX / 16)
		abort();
	chars = (bytes.len * 8 + width - 1) / width;
	padded = (chars + multiple - 1) / multiple * multiple;
	ret = arena_alloc(a, padded + 1);
	for (size_t i = 0; i < bytes.len; i++) {
		bits = bits << 8 | (unsigned char)bytes.ptr[i];
		held += 8;
		while (held >= width) {
			held -= width;
			ret[at++] = alphabet[bits >> held & ((1u << width) - 1)];
		}
	}
	if (held > 0)
		ret[at++] = alphabet[bits << (width - held) & ((1u << width) - 1)];
	while (at < padded)
		ret[at++] = '=';
	return ret;
}

char *b64url_encode(struct arena *a, struct str bytes)
{
	return encode(a, bytes, b64url_alphabet, 6, 1);
}

char *b64_encode(struct arena *a, struct str bytes)
{
	return encode(a, bytes, b64_alphabet, 6, 4);
}

char *base32_encode(struct arena *a, struct str bytes)
{
	return encode(a, bytes, base32_alphabet, 5, 1);
}

char *hex_encode(struct arena *a, struct str bytes)
{
	return encode(a, bytes, hex_alphabet, 4, 1);
}

/* No table: one comparison chain takes the same path for letters and digits of a key's text. */
static int b64_value(char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	if (c == (url ? '_' : '/'))
		return 63;
	return -1;
}

static bool b64_decode(struct arena *a, struct str text, bool url, struct str *ret)
{
	unsigned char *bytes;
	size_t         at = 0;
	uint32_t       bits = 0;
	unsigned       held = 0;

	if (text.len % 4 == 1)
		return false;
	bytes = arena_alloc(a, text.len / 4 * 3 + 3);
	for (size_t i = 0; i < text.len; i++) {
		int value = b64_value(text.ptr[i], url);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			bytes[at++] = (unsigned char)(bits >> held & 0xffu);
		}
	}
	if ((bits & ((1u << held) - 1)) != 0)
		return false;
	*ret = str_of(bytes, at);
	return true;
}

bool b64url_decode(struct arena *a, struct str text, struct str *ret)
{
	return b64_decode(a, text, true, ret);
}

bool b64_any_decode(struct arena *a, struct str text, struct str *ret)
{
	bool   url = str_index(text, '-') < text.len || str_index(text, '_') < text.len;
	size_t padding = 0;

	while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
		padding++;
	/* Padding is all there or not there at all. */
	if (padding > 0 && text.len % 4 != 0)
		return false;
	return b64_decode(a, str_of(text.ptr, text.len - padding), url, ret);
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct arena *a, struct str text, struct str *ret)
{
	unsigned char *bytes;

	if (text.len % 2 != 0)
		return false;
	bytes = arena_alloc(a, text.len / 2 + 1);
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i / 2] = (unsigned char)(high << 4 | low);
	}
	*ret = str_of(bytes, text.len / 2);
	return true;
}

uint32_t crc32_update(uint32_t crc, struct str bytes)
{
	/* The reflected polynomial 0xedb88320, four bits at a time. */
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc = ~crc;
	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= (unsigned char)bytes.ptr[i];
		crc = crc >> 4 ^ table[crc & 15u];
		crc = crc >> 4 ^ table[crc & 15u];
	}
	return ~crc;
}
