/*
 * tests/fuzz/http_request_gate.c: what the reader takes does not depend on how the bytes arrive, and what it
 * takes has one meaning: written down again plainly, it reads the same.
 */
#include <assert.h>
#include <stdint.h>

#include "net/request.h"

#define BODY_MAX 4096u

/* Reads one request in steps of `step` bytes; returns how many bytes it took. */
static size_t read_in_steps(struct http_reader *r, struct arena *a, struct str bytes, size_t step)
{
	size_t used = 0;

	http_reader_init(r, a, true);
	while (used < bytes.len && r->state < HTTP_READ_DONE) {
		size_t                 n = bytes.len - used < step ? bytes.len - used : step;
		enum http_reader_state before = r->state;

		used += http_reader_feed(r, str_of(bytes.ptr + used, n));
		if (before == HTTP_READ_HEAD && r->state == HTTP_READ_BODY)
			http_reader_body(r, BODY_MAX);
	}
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena      *a = arena_new();
	struct http_reader whole, pieces, again;
	struct http_target target;
	struct str         bytes = str_of(data, size);
	size_t             used = read_in_steps(&whole, a, bytes, size + 1);
	size_t             used_pieces = read_in_steps(&pieces, a, bytes, 1);

	assert(whole.state == pieces.state);
	if (whole.state == HTTP_READ_BAD)
		assert(whole.status >= 400 && whole.status == pieces.status && whole.reason != NULL);
	if (whole.state == HTTP_READ_DONE) {
		struct buf b;

		assert(used == used_pieces);
		assert(str_eq(buf_str(&whole.body), buf_str(&pieces.body)));
		if (http_target_parse(a, whole.head.target, &target) == NULL)
			assert(target.segments_count > 0 && target.path[0] == '/');

		buf_init(&b, 64 * KIB + 2 * BODY_MAX);
		buf_printf(&b, "%s %.*s HTTP/1.1\r\n", whole.head.method, STR_ARG(whole.head.target));
		for (size_t i = 0; i < whole.head.headers_count; i++) {
			const struct http_header *h = &whole.head.headers[i];

			if (!str_eq_nocase(str_c(h->name), STR("transfer-encoding")) &&
			    !str_eq_nocase(str_c(h->name), STR("content-length")))
				buf_printf(&b, "%s: %s\r\n", h->name, h->value);
		}
		buf_printf(&b, "Content-Length: %zu\r\n\r\n", whole.body.len);
		if (b.len <= HTTP_HEAD_MAX && whole.head.headers_count < HTTP_HEADERS_MAX) {
			buf_add_str(&b, buf_str(&whole.body));
			assert(read_in_steps(&again, a, buf_str(&b), b.len) == b.len);
			assert(again.state == HTTP_READ_DONE);
			assert(str_eq(buf_str(&again.body), buf_str(&whole.body)));
			http_reader_clear(&again);
		}
		buf_clear(&b);
	}
	http_reader_clear(&whole);
	http_reader_clear(&pieces);
	arena_free(a);
	return 0;
}
