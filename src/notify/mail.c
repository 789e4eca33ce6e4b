/*
 * notify/mail.c: composing. Every header value is written through one of three functions here that cannot write a line end
 * but their own.
 */
#include "notify/mail.h"

#include <ctype.h>
#include <time.h>

#include "base/buf.h"
#include "base/encode.h"

#define LINE_MAX_BYTES 76
#define WORD_BYTES     39 /* of UTF-8 in one encoded word: "=?UTF-8?B?" + 52 + "?=" */
#define MAIL_MAX       (512 * KIB)

/* The next character, or '?' for a byte that is none. */
static struct str next_char(struct str *rest)
{
	size_t     len = str_utf8(*rest);
	struct str c = len > 0 ? str_of(rest->ptr, len) : STR("?");

	len = len > 0 ? len : 1;
	*rest = str_of(rest->ptr + len, rest->len - len);
	return c;
}

static bool is_control(struct str c)
{
	return c.len == 1 && ((unsigned char)c.ptr[0] < ' ' || c.ptr[0] == 127);
}

/* Printable ASCII with nothing that reads as an encoded word, and short: as it is. */
static bool is_plain(const char *text, size_t max)
{
	if (strlen(text) > max || strstr(text, "=?") != NULL)
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return true;
}

/* RFC 2047: encoded words of whole characters, folded. */
static void add_words(struct buf *b, struct arena *a, const char *text)
{
	struct str rest = str_c(text);
	bool       first = true;

	while (rest.len > 0) {
		char   word[WORD_BYTES];
		size_t len = 0;

		while (rest.len > 0) {
			struct str at = rest, c = next_char(&at);

			if (is_control(c))
				c = STR(" ");
			if (len + c.len > sizeof(word))
				break;
			memcpy(word + len, c.ptr, c.len);
			len += c.len;
			rest = at;
		}
		buf_printf(b, "%s=?UTF-8?B?%s?=", first ? "" : "\r\n ", b64_encode(a, str_of(word, len)));
		first = false;
	}
}

static void add_text(struct buf *b, struct arena *a, const char *name, const char *text)
{
	buf_printf(b, "%s: ", name);
	if (is_plain(text, LINE_MAX_BYTES - strlen(name) - 2))
		buf_add_c(b, text);
	else
		add_words(b, a, text);
	buf_add_c(b, "\r\n");
}

/* Tokens and addresses: what is not visible ASCII is left out; one per line where there are many. */
static void add_token(struct buf *b, const char *token)
{
	for (const char *p = token; *p != '\0'; p++)
		if (*p > ' ' && *p <= '~')
			buf_add_char(b, *p);
}

static void add_address(struct buf *b, struct arena *a, const char *name, const char *address)
{
	/* A name of letters is a phrase; any other is encoded, so that no quoting can go wrong. */
	if (name[0] != '\0') {
		bool plain = is_plain(name, 30);

		for (const char *p = name; plain && *p != '\0'; p++)
			plain = isalnum((unsigned char)*p) || *p == ' ';
		if (plain)
			buf_add_c(b, name);
		else
			add_words(b, a, name);
		buf_add_c(b, "\r\n ");
	}
	buf_add_char(b, '<');
	add_token(b, address);
	buf_add_char(b, '>');
}

static void add_date(struct buf *b, int64_t at_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t            at_s = (time_t)(at_ms / 1000);
	struct tm         t;

	gmtime_r(&at_s, &t);
	buf_printf(b, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\r\n", days + t.tm_wday * 3, t.tm_mday, months + t.tm_mon * 3,
	           t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

/* RFC 2045 6.7. A line of the text is at most as many lines here as it needs. */
static void add_quoted_printable(struct buf *b, const char *text)
{
	struct str rest = str_c(text);
	size_t     column = 0;

	while (rest.len > 0) {
		struct str c = next_char(&rest);
		bool       last = rest.len == 0 || rest.ptr[0] == '\n' || rest.ptr[0] == '\r';

		if (c.ptr[0] == '\r' && rest.len > 0 && rest.ptr[0] == '\n')
			continue;
		if (c.ptr[0] == '\n' || c.ptr[0] == '\r') {
			buf_add_c(b, "\r\n");
			column = 0;
			continue;
		}
		for (size_t i = 0; i < c.len; i++) {
			unsigned char byte = (unsigned char)c.ptr[i];
			bool          plain = byte > ' ' && byte <= '~' && byte != '=';
			size_t        width;

			plain = plain || (byte == ' ' && !last);
			width = plain ? 1 : 3;
			if (column + width > LINE_MAX_BYTES - 1) {
				buf_add_c(b, "=\r\n");
				column = 0;
			}
			if (plain)
				buf_add_char(b, (char)byte);
			else
				buf_printf(b, "=%02X", byte);
			column += width;
		}
	}
	if (column > 0)
		buf_add_c(b, "\r\n");
}

struct str mail_write(struct arena *a, const struct mail *m)
{
	const char *at = strrchr(m->from, '@'), *domain = at != NULL ? at + 1 : "localhost";
	struct str  ids = str_c(m->events), id, done;
	struct buf  b;

	buf_init(&b, MAIL_MAX);
	buf_add_c(&b, "From: ");
	add_address(&b, a, m->sender_name, m->from);
	buf_add_c(&b, "\r\nTo: ");
	for (size_t i = 0; i < m->to_count; i++) {
		buf_add_c(&b, i > 0 ? ",\r\n " : "");
		add_address(&b, a, "", m->to[i]);
	}
	buf_add_c(&b, "\r\n");
	add_text(&b, a, "Subject", m->subject);
	add_date(&b, m->at_ms);
	buf_add_c(&b, "Message-ID:\r\n <");
	add_token(&b, m->id);
	buf_add_char(&b, '@');
	add_token(&b, domain);
	buf_add_c(&b, ">\r\nAuto-Submitted: auto-generated\r\n");
	while (str_next(&ids, ' ', &id)) {
		buf_add_c(&b, "X-Reeve-Event: ");
		add_token(&b, arena_str(a, id));
		buf_add_c(&b, "\r\n");
	}
	buf_add_c(&b, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
	add_quoted_printable(&b, m->text);
	done = arena_dup(a, buf_str(&b));
	buf_clear(&b);
	return done;
}
