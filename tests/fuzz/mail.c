/*
 * A mail about words from anybody. Property: the headers are ours and no others, all is ASCII in short lines, and the body
 * reads back as the text that was given.
 */
#include <assert.h>

#include "base/buf.h"
#include "base/encode.h"
#include "notify/mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const headers[] = { "From:", "To:", "Subject:", "Date:", "Message-ID:", "Auto-Submitted:", "X-Reeve-Event:", "MIME-Version:",
	                               "Content-Type:", "Content-Transfer-Encoding:" };

static bool ours(struct str line)
{
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (str_starts(line, str_c(headers[i])))
			return true;
	return line.ptr[0] == ' ';
}

/* The text as it is promised to arrive: LF lines, '?' for what is not UTF-8, no empty end. */
static void expected(struct buf *b, struct str text)
{
	while (text.len > 0) {
		size_t len = str_utf8(text);

		if (text.ptr[0] == '\r') {
			if (text.len == 1 || text.ptr[1] != '\n')
				buf_add_char(b, '\n');
		} else if (len > 0) {
			buf_add(b, text.ptr, len);
		} else {
			buf_add_char(b, '?');
		}
		len = len > 0 ? len : 1;
		text = str_of(text.ptr + len, text.len - len);
	}
	if (b->len > 0 && b->ptr[b->len - 1] != '\n')
		buf_add_char(b, '\n');
}

static void decode(struct buf *b, struct str body)
{
	for (size_t i = 0; i < body.len; i++) {
		if (body.ptr[i] == '\r')
			continue;
		if (body.ptr[i] != '=') {
			buf_add_char(b, body.ptr[i]);
		} else if (body.ptr[i + 1] == '\r') {
			i += 2;
		} else {
			buf_add_char(b, (char)(hex_digit(body.ptr[i + 1]) << 4 | hex_digit(body.ptr[i + 2])));
			i += 2;
		}
	}
}

/* Subject and text, separated by a NUL; the subject is the name and the ids too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	static const char *const        to[] = { "a@example.org" };
	struct str                      input = str_of(data, size), subject = str_of(data, str_index(input, '\0')), text = STR("");
	struct buf                      want, got;

	if (size > 4000)
		return 0;
	if (subject.len < input.len)
		text = str_of(input.ptr + subject.len + 1, input.len - subject.len - 1);
	text = str_of(text.ptr, str_index(text, '\0'));
	const char *words = arena_str(a, subject);
	struct mail m = { .from = "r@example.org", .sender_name = words, .to = to, .to_count = 1, .subject = words, .text = arena_str(a, text), .id = "01",
		          .events = "" };
	struct str  mail = mail_write(a, &m), line;
	bool        in_body = false;
	size_t      body_at = 0;

	for (size_t at = 0; at < mail.len; at += line.len + 2) {
		line = str_of(mail.ptr + at, str_index(str_of(mail.ptr + at, mail.len - at), '\r'));
		assert(at + line.len + 1 < mail.len && mail.ptr[at + line.len + 1] == '\n' && line.len <= 78);
		for (size_t i = 0; i < line.len; i++)
			assert((line.ptr[i] >= ' ' && line.ptr[i] <= '~') || line.ptr[i] == '\t');
		if (!in_body && line.len > 0)
			assert(ours(line));
		if (!in_body && line.len == 0)
			body_at = at + 2;
		in_body = in_body || line.len == 0;
	}
	assert(in_body);
	buf_init(&want, 64 * KIB);
	buf_init(&got, 64 * KIB);
	expected(&want, text);
	decode(&got, str_of(mail.ptr + body_at, mail.len - body_at));
	assert(want.len == got.len && (want.len == 0 || memcmp(want.ptr, got.ptr, want.len) == 0));
	buf_clear(&want);
	buf_clear(&got);
	return 0;
}
