/*
 * base/wire.c: the encoding of frame bodies. The cursor never moves past the end: after the first failure it has
 * nothing left, and every further read gives the zero value.
 */
#include "base/wire.h"

struct wire wire_of(struct str body)
{
	return (struct wire){ .ptr = (const uint8_t *)body.ptr, .left = body.len };
}

static const uint8_t *take(struct wire *w, size_t len)
{
	const uint8_t *at = w->ptr;

	if (w->failed || w->left < len) {
		w->failed = true;
		w->left = 0;
		return NULL;
	}
	if (len > 0)
		w->ptr += len;
	w->left -= len;
	return at;
}

static uint64_t get(struct wire *w, size_t len)
{
	const uint8_t *at = take(w, len);
	uint64_t       value = 0;

	for (size_t i = 0; at != NULL && i < len; i++)
		value = value << 8 | at[i];
	return value;
}

uint8_t wire_get_u8(struct wire *w)
{
	return (uint8_t)get(w, 1);
}

uint32_t wire_get_u32(struct wire *w)
{
	return (uint32_t)get(w, 4);
}

uint64_t wire_get_u64(struct wire *w)
{
	return get(w, 8);
}

int64_t wire_get_i64(struct wire *w)
{
	return (int64_t)get(w, 8);
}

bool wire_get_bool(struct wire *w)
{
	uint8_t value = wire_get_u8(w);

	if (value > 1) {
		w->failed = true;
		w->left = 0;
	}
	return value == 1;
}

struct str wire_get_str(struct wire *w)
{
	uint32_t       len = wire_get_u32(w);
	const uint8_t *at = take(w, len);

	return at != NULL ? str_of(at, len) : STR("");
}

char *wire_get_c(struct wire *w, struct arena *a)
{
	struct str s = wire_get_str(w);

	if (str_has_nul(s)) {
		w->failed = true;
		w->left = 0;
		s = STR("");
	}
	return arena_str(a, s);
}

bool wire_done(const struct wire *w, struct err *err)
{
	if (w->failed)
		return err_set(err, ERR_INPUT,
		               "the message is too short, or a field is out of range");
	if (w->left > 0)
		return err_set(err, ERR_INPUT, "the message has %zu bytes more than its type says",
		               w->left);
	return true;
}

static void put(struct buf *b, uint64_t v, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(v >> 8 * (len - 1 - i));
	buf_add(b, bytes, len);
}

void wire_put_u8(struct buf *b, uint8_t v)
{
	put(b, v, 1);
}

void wire_put_u32(struct buf *b, uint32_t v)
{
	put(b, v, 4);
}

void wire_put_u64(struct buf *b, uint64_t v)
{
	put(b, v, 8);
}

void wire_put_i64(struct buf *b, int64_t v)
{
	put(b, (uint64_t)v, 8);
}

void wire_put_bool(struct buf *b, bool v)
{
	put(b, v ? 1 : 0, 1);
}

void wire_put_str(struct buf *b, struct str s)
{
	if (s.len > UINT32_MAX) {
		b->failed = true;
		return;
	}
	put(b, s.len, 4);
	buf_add_str(b, s);
}

void wire_put_c(struct buf *b, const char *s)
{
	wire_put_str(b, str_c(s));
}
