/*
 * answer.c: a state machine over the bytes of an HTTP/1.1 answer. It takes any cut of the stream, so that its answer
 * does not depend on how the network cut it (the fuzz target holds it to that). Framing is read strictly: what two
 * readers could understand differently is refused.
 */
#include "cli/answer.h"

#include <string.h>

static bool broken(struct err *err, const char *what)
{
	return err_problem(err, ERR_TEMPORARY, "unavailable", "the server's answer is not HTTP: %s", what);
}

void cli_answer_init(struct cli_answer *answer)
{
	*answer = (struct cli_answer){ .state = ANSWER_HEAD };
	buf_init(&answer->line, CLI_HEAD_MAX);
	buf_init(&answer->body, CLI_ANSWER_MAX);
}

void cli_answer_clear(struct cli_answer *answer)
{
	buf_wipe(&answer->line);
	buf_wipe(&answer->body); /* it may be a private key or a token */
}

/* ---- the head ---- */

static struct str line_next(struct str *rest)
{
	struct str line = { rest->ptr, 0 };

	if (!str_next(rest, '\n', &line))
		return (struct str){ rest->ptr, 0 };
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool read_status(struct cli_answer *answer, struct str line, struct err *err)
{
	if (line.len < 12 || (!str_starts(line, STR("HTTP/1.1 ")) && !str_starts(line, STR("HTTP/1.0 "))))
		return broken(err, "no status line");
	answer->status = 0;
	for (size_t i = 9; i < 12; i++) {
		if (line.ptr[i] < '0' || line.ptr[i] > '9')
			return broken(err, "no status code");
		answer->status = answer->status * 10 + (line.ptr[i] - '0');
	}
	if (answer->status < 100 || answer->status > 599 || (line.len > 12 && line.ptr[12] != ' '))
		return broken(err, "no status code");
	return true;
}

struct framing {
	bool     has_length, chunked;
	uint64_t length;
};

/* What does not fit, or cannot be sent back, counts as absent. */
static void keep(char *ret, size_t size, struct str value)
{
	ret[0] = '\0';
	if (value.len >= size)
		return;
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] <= ' ' || value.ptr[i] > '~')
			return;
	memcpy(ret, value.ptr, value.len);
	ret[value.len] = '\0';
}

static bool read_header(struct cli_answer *answer, struct str line, struct framing *f, struct err *err)
{
	size_t     colon = str_index(line, ':');
	struct str name = { line.ptr, colon }, value;
	uint64_t   length;

	if (colon == 0 || colon == line.len)
		return broken(err, "a header without a name");
	value = str_trim(str_of(line.ptr + colon + 1, line.len - colon - 1));
	if (str_eq_nocase(name, STR("content-length"))) {
		if (!str_to_u64(value, &length) || (f->has_length && f->length != length))
			return broken(err, "Content-Length");
		f->has_length = true;
		f->length = length;
	} else if (str_eq_nocase(name, STR("transfer-encoding"))) {
		if (f->chunked || !str_eq_nocase(value, STR("chunked")))
			return broken(err, "Transfer-Encoding");
		f->chunked = true;
	} else if (str_eq_nocase(name, STR("content-type"))) {
		value.len = str_index(value, ';');
		answer->problem = str_eq_nocase(str_trim(value), STR("application/problem+json"));
	} else if (str_eq_nocase(name, STR("etag"))) {
		keep(answer->etag, sizeof(answer->etag), value);
	} else if (str_eq_nocase(name, STR("reeve-certificate"))) {
		keep(answer->certificate, sizeof(answer->certificate), value);
	} else if (str_eq_nocase(name, STR("reeve-version")) && !str_to_u64(value, &answer->version)) {
		answer->version = 0;
	}
	return true;
}

static bool read_head(struct cli_answer *answer, struct err *err)
{
	struct str     rest = buf_str(&answer->line), line;
	struct framing f = { 0 };

	answer->problem = false;
	answer->etag[0] = answer->certificate[0] = '\0';
	answer->version = 0;
	if (!read_status(answer, line_next(&rest), err))
		return false;
	while ((line = line_next(&rest)).len > 0)
		if (!read_header(answer, line, &f, err))
			return false;
	buf_reset(&answer->line);
	if (f.has_length && f.chunked)
		return broken(err, "two lengths");
	if (answer->status < 200)
		return answer->status != 101 || broken(err, "another protocol"); /* the real answer follows */
	if (f.has_length && f.length > CLI_ANSWER_MAX)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "the answer is longer than 16 MiB");
	answer->left = f.length;
	if (answer->status == 204 || answer->status == 304 || (f.has_length && f.length == 0))
		answer->state = ANSWER_DONE;
	else
		answer->state = f.chunked ? ANSWER_CHUNK_SIZE : f.has_length ? ANSWER_BODY : ANSWER_STREAM;
	return true;
}

/* ---- the body ---- */

static bool read_chunk_size(struct cli_answer *answer, struct err *err)
{
	struct str line = str_trim(buf_str(&answer->line));
	uint64_t   size = 0;
	size_t     i;

	line.len = str_index(line, ';'); /* extensions say nothing to us */
	line = str_trim(line);
	for (i = 0; i < line.len && i < 8; i++) {
		char c = line.ptr[i];
		int  digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (digit < 0)
			return broken(err, "the size of a chunk");
		size = size * 16 + (unsigned)digit;
	}
	if (line.len == 0 || i < line.len)
		return broken(err, "the size of a chunk");
	buf_reset(&answer->line);
	answer->left = size;
	answer->state = size == 0 ? ANSWER_TRAILER : ANSWER_CHUNK;
	return true;
}

/* One whole line is in answer->line. */
static bool line_done(struct cli_answer *answer, struct err *err)
{
	struct str line = str_trim(buf_str(&answer->line));

	switch (answer->state) {
	case ANSWER_HEAD:
		/* The head ends at an empty line; empty lines before it are skipped (RFC 9112 2.2). */
		if (answer->line.len <= 2 && line.len == 0)
			buf_reset(&answer->line);
		else if (str_ends(buf_str(&answer->line), STR("\n\r\n")) || str_ends(buf_str(&answer->line), STR("\n\n")))
			return read_head(answer, err);
		return true;
	case ANSWER_CHUNK_SIZE:
		return read_chunk_size(answer, err);
	case ANSWER_CHUNK_END:
		if (line.len > 0)
			return broken(err, "a chunk longer than its size");
		buf_reset(&answer->line);
		answer->state = ANSWER_CHUNK_SIZE;
		return true;
	case ANSWER_TRAILER:
		buf_reset(&answer->line);
		if (line.len == 0)
			answer->state = ANSWER_DONE;
		return true;
	case ANSWER_BODY:
	case ANSWER_STREAM:
	case ANSWER_CHUNK:
	case ANSWER_DONE:
		break;
	}
	return broken(err, "a line in a body");
}

static bool feed_line(struct cli_answer *answer, struct str *bytes, struct err *err)
{
	size_t end = str_index(*bytes, '\n');
	bool   whole = end < bytes->len;
	size_t n = whole ? end + 1 : bytes->len;

	buf_add(&answer->line, bytes->ptr, n);
	bytes->ptr += n;
	bytes->len -= n;
	if (answer->line.failed)
		return broken(err, "a line or head that does not end");
	return !whole || line_done(answer, err);
}

static bool feed_body(struct cli_answer *answer, struct str *bytes, struct err *err)
{
	size_t n = answer->state == ANSWER_STREAM || answer->left > bytes->len ? bytes->len : (size_t)answer->left;

	buf_add(&answer->body, bytes->ptr, n);
	bytes->ptr += n;
	bytes->len -= n;
	if (answer->body.failed)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "the answer is longer than 16 MiB");
	if (answer->state == ANSWER_STREAM)
		return true;
	answer->left -= n;
	if (answer->left == 0)
		answer->state = answer->state == ANSWER_BODY ? ANSWER_DONE : ANSWER_CHUNK_END;
	return true;
}

bool cli_answer_feed(struct cli_answer *answer, struct str bytes, struct err *err)
{
	while (bytes.len > 0 && answer->state != ANSWER_DONE) {
		bool in_body = answer->state == ANSWER_BODY || answer->state == ANSWER_STREAM || answer->state == ANSWER_CHUNK;

		if (!(in_body ? feed_body(answer, &bytes, err) : feed_line(answer, &bytes, err)))
			return false;
	}
	return true;
}

bool cli_answer_end(struct cli_answer *answer, struct err *err)
{
	if (answer->state == ANSWER_STREAM)
		answer->state = ANSWER_DONE;
	return answer->state == ANSWER_DONE ||
	       err_problem(err, ERR_TEMPORARY, "unavailable", "the server closed the connection in the middle of its answer");
}
