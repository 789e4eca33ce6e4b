/*
 * base/str.c: comparing, cutting and reading views of bytes. Everything here is ASCII and locale-free on
 * purpose: names, headers and numbers mean the same everywhere.
 */
#include "base/str.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	}
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_of(s.ptr, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	if (suffix.len == 0)
		return true;
	return s.len >= suffix.len &&
	       str_eq(str_of(s.ptr + (s.len - suffix.len), suffix.len), suffix);
}

bool str_has_nul(struct str s)
{
	return s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL;
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && is_space(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

size_t str_index(struct str s, char c)
{
	const char *found = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;

	return found != NULL ? (size_t)(found - s.ptr) : s.len;
}

bool str_next(struct str *rest, char separator, struct str *ret_field)
{
	size_t at;

	if (rest->len == 0)
		return false;
	at = str_index(*rest, separator);
	*ret_field = str_of(rest->ptr, at);
	*rest = at == rest->len ? str_of(rest->ptr + at, 0)
	                        : str_of(rest->ptr + at + 1, rest->len - at - 1);
	return true;
}

bool str_to_u64(struct str s, uint64_t *ret)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
			return false;
	}
	*ret = value;
	return true;
}

void str_lower(char *s)
{
	for (; *s != '\0'; s++)
		*s = lower(*s);
}

/* RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t str_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	unsigned char        low = 0x80, high = 0xbf;
	size_t               len;

	if (s.len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (s.len < len)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return len;
}

void str_escape(char *s)
{
	size_t left = strlen(s);

	while (left > 0) {
		size_t        len = str_utf8(str_of(s, left));
		unsigned char c = (unsigned char)s[0];
		/* U+0080..U+009F are control characters too: some terminals obey them. */
		bool control = c < 0x20 || c == 0x7f ||
		               (len == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0);

		if (len == 0 || control) {
			len = len == 0 ? 1 : len;
			memset(s, '?', len);
		}
		s += len;
		left -= len;
	}
}
