/*
 * base/buf.c: growing bytes. The maximum is the caller's promise to its readers; reaching it is remembered and
 * reported once at the end, running out of memory ends the process.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>

#define BUF_FIRST 256u

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_clear(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){ .max = b->max };
}

void buf_wipe(struct buf *b)
{
	if (b->ptr != NULL)
		explicit_bzero(b->ptr, b->cap);
	buf_clear(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->ptr != NULL)
		b->ptr[0] = '\0';
}

/* Room for `more` bytes and the NUL; false when that goes over the maximum. */
static bool buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap != 0 ? b->cap : BUF_FIRST;
	char  *grown;

	if (b->failed || more > b->max - b->len) {
		b->failed = true;
		return false;
	}
	if (b->ptr != NULL && b->len + more < b->cap)
		return true;
	while (cap <= b->len + more) {
		if (cap > SIZE_MAX / 2)
			abort();
		cap *= 2;
	}
	/* Not realloc: it would leave a copy of a secret behind where buf_wipe cannot find it. */
	grown = malloc(cap);
	if (grown == NULL)
		abort();
	if (b->ptr != NULL) {
		memcpy(grown, b->ptr, b->len);
		explicit_bzero(b->ptr, b->cap);
		free(b->ptr);
	}
	grown[b->len] = '\0';
	b->ptr = grown;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *ptr, size_t len)
{
	if (!buf_reserve(b, len))
		return;
	if (len > 0)
		memcpy(b->ptr + b->len, ptr, len);
	b->len += len;
	b->ptr[b->len] = '\0';
}

void buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.ptr, s.len);
}

void buf_add_c(struct buf *b, const char *s)
{
	buf_add(b, s, s != NULL ? strlen(s) : 0);
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int     len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(len >= 0);
	if (buf_reserve(b, (size_t)len)) {
		vsnprintf(b->ptr + b->len, (size_t)len + 1, format, again);
		b->len += (size_t)len;
	}
	va_end(again);
}

void buf_add_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(b, (char)c);
	} else if (c < 0x800) {
		buf_add_char(b, (char)(0xc0 | c >> 6));
		buf_add_char(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_char(b, (char)(0xe0 | c >> 12));
		buf_add_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(b, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(b, (char)(0xf0 | c >> 18));
		buf_add_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(b, (char)(0x80 | (c & 0x3f)));
	}
}
