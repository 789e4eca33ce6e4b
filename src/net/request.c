/*
 * net/request.c: the bytes of a request, judged once and strictly. The byte rules (no bare LF, no NUL) are
 * applied as bytes arrive, so that a bad client is told at once; the rest when the head is complete.
 * Sockets, time and answers belong to net/server.c.
 */
#include "net/request.h"

#include <assert.h>

#include "base/encode.h"

/* ---- targets ---- */

/* NULL when an escape is broken or hides a control byte. In a query '+' is a space. */
static const char *percent_decode(struct arena *a, struct str s, bool query)
{
	char  *ret = arena_alloc(a, s.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '%') {
			int high = s.len - i < 3 ? -1 : hex_digit(s.ptr[i + 1]);
			int low = s.len - i < 3 ? -1 : hex_digit(s.ptr[i + 2]);

			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			if ((unsigned char)c < ' ' || c == 0x7f)
				return NULL;
			i += 2;
		} else if (c == '+' && query) {
			c = ' ';
		}
		ret[n++] = c;
	}
	return ret;
}

static bool is_target_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("-._~%!$&'()*+,;=:@/?", c) != NULL);
}

static const char *query_parse(struct arena *a, struct str query, struct http_target *ret)
{
	struct http_param *params = arena_alloc_array(a, HTTP_PARAMS_MAX, sizeof(*params));
	struct str         field;

	while (str_next(&query, '&', &field)) {
		size_t equals = str_index(field, '=');

		if (field.len == 0)
			continue;
		if (ret->query_count == HTTP_PARAMS_MAX)
			return "too many query parameters";
		params[ret->query_count].name = percent_decode(a, str_of(field.ptr, equals), true);
		params[ret->query_count].value =
			equals < field.len ? percent_decode(a, str_of(field.ptr + equals + 1, field.len - equals - 1), true)
					   : "";
		if (params[ret->query_count].name == NULL || params[ret->query_count].value == NULL)
			return "a broken percent escape in the query";
		ret->query_count++;
	}
	ret->query = params;
	return NULL;
}

const char *http_target_parse(struct arena *a, struct str target, struct http_target *ret)
{
	struct http_target x = { 0 };
	const char       **segments = arena_alloc_array(a, HTTP_SEGMENTS_MAX, sizeof(*segments));
	const char        *reason;
	size_t             mark;

	if (target.len == 0 || target.ptr[0] != '/')
		return "the target must be a path";
	for (size_t i = 0; i < target.len; i++)
		if (!is_target_char(target.ptr[i]))
			return "a byte in the target that must be percent-encoded";
	mark = str_index(target, '?');
	x.path = arena_str(a, str_of(target.ptr, mark));
	for (size_t start = 1, i = 1; i <= mark; i++) {
		if (i < mark && target.ptr[i] != '/')
			continue;
		if (x.segments_count == HTTP_SEGMENTS_MAX)
			return "too many path segments";
		segments[x.segments_count] = percent_decode(a, str_of(target.ptr + start, i - start), false);
		if (segments[x.segments_count++] == NULL)
			return "a broken percent escape in the path";
		start = i + 1;
	}
	x.segments = segments;
	if (mark < target.len) {
		reason = query_parse(a, str_of(target.ptr + mark + 1, target.len - mark - 1), &x);
		if (reason != NULL)
			return reason;
	}
	*ret = x;
	return NULL;
}

const char *http_target_param(const struct http_target *target, const char *name)
{
	for (size_t i = 0; i < target->query_count; i++)
		if (strcmp(target->query[i].name, name) == 0)
			return target->query[i].value;
	return NULL;
}

/* ---- the head ---- */

struct head_error {
	int         status;
	const char *reason; /* NULL: fine */
};

static struct head_error bad(int status, const char *reason)
{
	return (struct head_error){ status, reason };
}

static const struct head_error fine = { 0, NULL };

/* Cut the next line that ends in CRLF. */
static bool next_line(struct str *rest, struct str *ret)
{
	for (size_t i = 0; i + 1 < rest->len; i++) {
		if (rest->ptr[i] != '\r' || rest->ptr[i + 1] != '\n')
			continue;
		*ret = str_of(rest->ptr, i);
		*rest = str_of(rest->ptr + i + 2, rest->len - i - 2);
		return true;
	}
	return false;
}

/* Method, target and version, one space between. RFC 9112 3. */
static struct head_error request_line(struct arena *a, struct str line, struct http_head *ret)
{
	struct str method, target, version, name, value;
	size_t     space = str_index(line, ' ');
	char      *as_header;

	method = str_of(line.ptr, space);
	line = space < line.len ? str_of(line.ptr + space + 1, line.len - space - 1) : str_of(line.ptr, 0);
	space = str_index(line, ' ');
	target = str_of(line.ptr, space);
	version = space < line.len ? str_of(line.ptr + space + 1, line.len - space - 1) : str_of(line.ptr, 0);

	/* A method is a token, as a header name is. */
	as_header = arena_printf(a, "%.*s:", STR_ARG(method));
	if (method.len == 0 || method.len >= HTTP_METHOD_SIZE || str_index(method, ':') != method.len ||
	    !http_header_split(str_c(as_header), &name, &value))
		return bad(400, "the method is not a token");
	for (size_t i = 0; i < target.len; i++)
		if (target.ptr[i] < '!' || target.ptr[i] > '~')
			return bad(400, "the target has a byte that must be percent-encoded");
	if (target.len == 0 || target.ptr[0] != '/')
		return bad(400, "the target must be a path");
	if (!str_starts(version, STR("HTTP/")))
		return bad(400, "the request line has no version");
	if (str_eq(version, STR("HTTP/1.1")))
		ret->keep_alive = true;
	else if (!str_eq(version, STR("HTTP/1.0")))
		return version.len == 8 && version.ptr[5] >= '2' && version.ptr[5] <= '9' && version.ptr[6] == '.'
			       ? bad(505, "only HTTP/1.1 is spoken here")
			       : bad(400, "the version is neither HTTP/1.1 nor HTTP/1.0");
	memcpy(ret->method, method.ptr, method.len);
	ret->method[method.len] = '\0';
	ret->target = arena_dup(a, target);
	return fine;
}

/* host or host:port; RFC 3986 3.2.2 without the odd ones. */
static bool host_valid(struct str host)
{
	if (host.len == 0)
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c != '\0' && strchr("-._~:[]", c) != NULL)))
			return false;
	}
	return true;
}

/* What the framing headers say; each may come once. */
struct framing {
	unsigned   hosts;
	bool       length_seen, encoding_seen, expect_seen, closes;
};

static struct head_error header_line(struct str name, struct str value, struct framing *f, struct http_head *ret)
{
	struct str option;

	if (str_eq_nocase(name, STR("host"))) {
		if (f->hosts++ > 0)
			return bad(400, "more than one Host header");
		if (!host_valid(value))
			return bad(400, "the Host header is not a host");
	} else if (str_eq_nocase(name, STR("content-length"))) {
		if (f->length_seen)
			return bad(400, "more than one Content-Length header");
		f->length_seen = true;
		if (value.len == 0 || value.len > 15 || !str_to_u64(value, &ret->content_length))
			return bad(400, "Content-Length is not a number");
		ret->has_body = true;
	} else if (str_eq_nocase(name, STR("transfer-encoding"))) {
		if (f->encoding_seen)
			return bad(400, "more than one Transfer-Encoding header");
		f->encoding_seen = true;
		if (!str_eq_nocase(value, STR("chunked")))
			return bad(400, "a Transfer-Encoding other than chunked");
		ret->has_body = ret->chunked = true;
	} else if (str_eq_nocase(name, STR("expect"))) {
		if (f->expect_seen || !str_eq_nocase(value, STR("100-continue")))
			return bad(417, "an expectation that cannot be met");
		f->expect_seen = true;
		ret->expect_continue = true;
	} else if (str_eq_nocase(name, STR("connection"))) {
		while (str_next(&value, ',', &option))
			f->closes |= str_eq_nocase(str_trim(option), STR("close"));
	} else if (str_eq_nocase(name, STR("authorization"))) {
		for (size_t i = 0; i < ret->headers_count; i++)
			if (str_eq_nocase(str_c(ret->headers[i].name), name))
				return bad(400, "more than one Authorization header");
	}
	return fine;
}

static struct head_error head_lines(struct arena *a, struct str head, bool host_needed, struct http_head *ret)
{
	struct framing    f = { 0 };
	struct str        line, name, value;
	struct head_error e;

	if (!next_line(&head, &line))
		return bad(400, "the head is not complete");
	e = request_line(a, line, ret);
	if (e.reason != NULL)
		return e;
	ret->headers = arena_alloc_array(a, HTTP_HEADERS_MAX, sizeof(*ret->headers));
	for (;;) {
		if (!next_line(&head, &line))
			return bad(400, "the head is not complete");
		if (line.len == 0)
			break;
		if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
			return bad(400, "a folded header line");
		if (!http_header_split(line, &name, &value))
			return bad(400, "a header line that is not name: value");
		if (ret->headers_count == HTTP_HEADERS_MAX)
			return bad(431, "too many header lines");
		e = header_line(name, value, &f, ret);
		if (e.reason != NULL)
			return e;
		ret->headers[ret->headers_count++] = (struct http_header){ arena_str(a, name), arena_str(a, value) };
	}
	if (head.len != 0)
		return bad(400, "bytes behind the head");
	if (f.length_seen && f.encoding_seen)
		return bad(400, "both Content-Length and Transfer-Encoding");
	if (f.encoding_seen && !ret->keep_alive)
		return bad(400, "Transfer-Encoding with HTTP/1.0");
	if (host_needed && f.hosts != 1)
		return bad(400, "no Host header");
	ret->keep_alive = ret->keep_alive && !f.closes;
	return fine;
}

bool http_head_parse(struct arena *a, struct str head, bool host_needed, struct http_head *ret, int *ret_status,
                     const char **ret_reason)
{
	struct http_head  x = { 0 };
	struct head_error e = fine;

	for (size_t i = 0; i < head.len && e.reason == NULL; i++) {
		unsigned char c = (unsigned char)head.ptr[i];

		if (c == '\n' ? i == 0 || head.ptr[i - 1] != '\r'
			      : c == '\r' ? i + 1 == head.len || head.ptr[i + 1] != '\n'
					  : (c < ' ' && c != '\t') || c == 0x7f)
			e = bad(400, "a control byte in the head");
	}
	if (e.reason == NULL)
		e = head_lines(a, head, host_needed, &x);
	if (e.reason != NULL) {
		*ret_status = e.status;
		*ret_reason = e.reason;
		return false;
	}
	*ret = x;
	return true;
}

/* ---- the reader ---- */

enum chunk_state { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_LAST };

#define CHUNK_LINE_MAX 10u /* 8 digits and CRLF */

void http_reader_init(struct http_reader *r, struct arena *a, bool host_needed)
{
	*r = (struct http_reader){ .state = HTTP_READ_HEAD, .host_needed = host_needed, .arena = a };
	buf_init(&r->text, HTTP_HEAD_MAX);
	buf_init(&r->body, 0);
}

/* Both may hold a credential. */
void http_reader_clear(struct http_reader *r)
{
	buf_wipe(&r->text);
	buf_wipe(&r->body);
}

static void refuse(struct http_reader *r, int status, const char *reason)
{
	r->state = HTTP_READ_BAD;
	r->status = status;
	r->reason = reason;
}

static size_t feed_head(struct http_reader *r, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];
		char before = r->text.len > 0 ? r->text.ptr[r->text.len - 1] : '\0';

		if ((c == '\n') != (before == '\r') || c == '\0') {
			refuse(r, 400, "a bare line end or NUL in the head");
			return i;
		}
		buf_add_char(&r->text, c);
		if (r->text.failed) {
			refuse(r, 431, "the head is longer than 16 KiB");
			return i;
		}
		if (c == '\n' && str_ends(buf_str(&r->text), STR("\r\n\r\n"))) {
			if (http_head_parse(r->arena, buf_str(&r->text), r->host_needed, &r->head, &r->status, &r->reason))
				r->state = HTTP_READ_BODY;
			else
				r->state = HTTP_READ_BAD;
			buf_reset(&r->text);
			return i + 1;
		}
	}
	return bytes.len;
}

void http_reader_body(struct http_reader *r, size_t body_max)
{
	assert(r->state == HTTP_READ_BODY);
	r->body_max = body_max;
	r->body.max = body_max;
	r->left = r->head.content_length;
	r->chunk = CHUNK_SIZE;
	if (r->left > body_max)
		refuse(r, 413, "the body is larger than this path takes");
	else if (!r->head.chunked && r->left == 0)
		r->state = HTTP_READ_DONE;
}

static void add_body(struct http_reader *r, struct str bytes)
{
	buf_add_str(&r->body, bytes);
	if (r->body.failed)
		refuse(r, 413, "the body is larger than this path takes");
}

/* 1 to 8 hexadecimal digits and CRLF: no sign, no "0x", no extension. RFC 9112 7.1. */
static bool chunk_size_parse(struct str line, uint64_t *ret)
{
	uint64_t size = 0;

	if (line.len < 3 || line.ptr[line.len - 2] != '\r')
		return false;
	for (size_t i = 0; i < line.len - 2; i++) {
		int digit = hex_digit(line.ptr[i]);

		if (digit < 0)
			return false;
		size = size << 4 | (uint64_t)digit;
	}
	*ret = size;
	return true;
}

/* One complete line of the chunked framing is in r->text. */
static void chunk_line(struct http_reader *r)
{
	struct str line = buf_str(&r->text);

	switch ((enum chunk_state)r->chunk) {
	case CHUNK_SIZE:
		if (!chunk_size_parse(line, &r->left)) {
			refuse(r, 400, "a chunk size that is not hexadecimal digits");
			return;
		}
		r->chunk = r->left == 0 ? CHUNK_LAST : CHUNK_DATA;
		if (r->left > r->body_max - r->body.len)
			refuse(r, 413, "the body is larger than this path takes");
		break;
	case CHUNK_END:
	case CHUNK_LAST:
		if (!str_eq(line, STR("\r\n"))) {
			refuse(r, 400, r->chunk == CHUNK_END ? "a chunk longer than its size" : "trailers are not taken");
			return;
		}
		if (r->chunk == CHUNK_LAST)
			r->state = HTTP_READ_DONE;
		r->chunk = CHUNK_SIZE;
		break;
	case CHUNK_DATA:
		break;
	}
	buf_reset(&r->text);
}

static size_t feed_chunked(struct http_reader *r, struct str bytes)
{
	size_t i = 0;

	while (i < bytes.len && r->state == HTTP_READ_BODY) {
		if (r->chunk == CHUNK_DATA) {
			size_t n = bytes.len - i < r->left ? bytes.len - i : (size_t)r->left;

			add_body(r, str_of(bytes.ptr + i, n));
			r->left -= n;
			i += n;
			if (r->left == 0)
				r->chunk = CHUNK_END;
			continue;
		}
		buf_add_char(&r->text, bytes.ptr[i++]);
		if (r->text.ptr[r->text.len - 1] == '\n')
			chunk_line(r);
		else if (r->text.len >= CHUNK_LINE_MAX || (r->chunk != CHUNK_SIZE && r->text.ptr[0] != '\r'))
			refuse(r, 400, "broken chunked framing");
	}
	return i;
}

size_t http_reader_feed(struct http_reader *r, struct str bytes)
{
	size_t n;

	switch (r->state) {
	case HTTP_READ_HEAD:
		return feed_head(r, bytes);
	case HTTP_READ_BODY:
		if (r->head.chunked)
			return feed_chunked(r, bytes);
		n = bytes.len < r->left ? bytes.len : (size_t)r->left;
		add_body(r, str_of(bytes.ptr, n));
		r->left -= n;
		if (r->left == 0 && r->state == HTTP_READ_BODY)
			r->state = HTTP_READ_DONE;
		return n;
	case HTTP_READ_DONE:
	case HTTP_READ_BAD:
		break;
	}
	return 0;
}
