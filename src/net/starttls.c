/*
 * net/starttls.c: see the header. A machine without a socket: net/probe.c moves the bytes.
 */
#include "net/starttls.h"

#include <assert.h>

#define SHOWN_MAX 120

static const char *const names[STARTTLS__COUNT] = {
	[STARTTLS_NONE] = "", [STARTTLS_SMTP] = "smtp", [STARTTLS_IMAP] = "imap", [STARTTLS_POSTGRESQL] = "postgresql",
};

const char *starttls_name(enum starttls protocol)
{
	return names[protocol];
}

bool starttls_parse(struct str name, enum starttls *ret)
{
	for (unsigned i = STARTTLS_NONE + 1; i < STARTTLS__COUNT; i++) {
		if (str_eq_nocase(name, str_c(names[i]))) {
			*ret = (enum starttls)i;
			return true;
		}
	}
	return false;
}

static enum starttls_state refuse(struct starttls_dialog *d, const char *what, struct err *err)
{
	char   shown[SHOWN_MAX + 1];
	size_t n = d->len < SHOWN_MAX ? d->len : SHOWN_MAX;

	for (size_t i = 0; i < n; i++)
		shown[i] = (char)(d->line[i] >= 0x20 && d->line[i] < 0x7f && d->line[i] != '"' ? d->line[i] : '?');
	shown[n] = '\0';
	err_problem(err, ERR_TEMPORARY, "unavailable", "%s: %s%s%s", names[d->protocol], what, n > 0 ? ": " : "", shown);
	d->state = STARTTLS_FAILED;
	return d->state;
}

static enum starttls_state speak(struct starttls_dialog *d)
{
	d->state = STARTTLS_SAY;
	return d->state;
}

static bool has(const struct starttls_dialog *d, const char *start)
{
	return str_starts(str_of(d->line, d->len), str_c(start));
}

static bool has_nocase(const struct starttls_dialog *d, const char *start)
{
	size_t len = strlen(start);

	return d->len >= len && str_eq_nocase(str_of(d->line, len), str_of(start, len));
}

/* 220 greeting, EHLO, 250 with STARTTLS, STARTTLS, 220. "220-" goes on, "220 " is the last line. */
static enum starttls_state smtp_line(struct starttls_dialog *d, struct err *err)
{
	static const char *const codes[] = { "220", "250", "220" };
	bool                     last = d->len < 4 || d->line[3] == ' ';

	if (!has(d, codes[d->step]) || (d->len > 3 && d->line[3] != ' ' && d->line[3] != '-'))
		return refuse(d, d->step == 2 ? "the server refuses STARTTLS" : "not the answer of a mail server", err);
	if (d->step == 1 && d->len > 4 && str_eq_nocase(str_trim(str_of(d->line + 4, d->len - 4)), STR("STARTTLS")))
		d->offered = true;
	if (!last)
		return STARTTLS_LISTEN;
	if (d->step == 2) {
		d->state = STARTTLS_GO;
		return d->state;
	}
	if (d->step == 1 && !d->offered)
		return refuse(d, "the server does not offer STARTTLS", err);
	return speak(d);
}

/* "* OK" greeting, "a STARTTLS", "a OK". */
static enum starttls_state imap_line(struct starttls_dialog *d, struct err *err)
{
	if (d->step == 0)
		return has_nocase(d, "* OK") ? speak(d) : refuse(d, "not the greeting of a mail server", err);
	if (has(d, "* "))
		return STARTTLS_LISTEN;
	if (!has_nocase(d, "a OK"))
		return refuse(d, "the server refuses STARTTLS", err);
	d->state = STARTTLS_GO;
	return d->state;
}

static enum starttls_state line_ended(struct starttls_dialog *d, struct err *err)
{
	enum starttls_state state;

	if (d->len > 0 && d->line[d->len - 1] == '\r')
		d->len--;
	d->line[d->len] = '\0';
	state = d->protocol == STARTTLS_SMTP ? smtp_line(d, err) : imap_line(d, err);
	d->len = 0;
	return state;
}

void starttls_begin(struct starttls_dialog *d, enum starttls protocol)
{
	*d = (struct starttls_dialog){ .protocol = protocol, .state = STARTTLS_LISTEN };
	if (protocol == STARTTLS_NONE)
		d->state = STARTTLS_GO;
	else if (protocol == STARTTLS_POSTGRESQL)
		d->state = STARTTLS_SAY; /* the client begins */
}

enum starttls_state starttls_take(struct starttls_dialog *d, char byte, struct err *err)
{
	assert(d->state == STARTTLS_LISTEN);
	if (++d->total > STARTTLS_BYTES_MAX)
		return refuse(d, "the server talks and talks", err);
	if (d->protocol == STARTTLS_POSTGRESQL) {
		d->line[d->len++] = byte;
		if (byte != 'S')
			return refuse(d, byte == 'N' ? "the server serves no TLS" : "not the answer of a PostgreSQL server", err);
		d->state = STARTTLS_GO;
		return d->state;
	}
	if (byte == '\n')
		return line_ended(d, err);
	if (d->len == STARTTLS_LINE_MAX)
		return refuse(d, "a line without end", err);
	d->line[d->len++] = byte;
	return STARTTLS_LISTEN;
}

struct str starttls_say(struct starttls_dialog *d)
{
	static const char postgresql[] = { 0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f }; /* its length, 80877103 */

	assert(d->state == STARTTLS_SAY);
	d->state = STARTTLS_LISTEN;
	d->step++;
	if (d->protocol == STARTTLS_POSTGRESQL)
		return str_of(postgresql, sizeof(postgresql));
	if (d->protocol == STARTTLS_IMAP)
		return STR("a STARTTLS\r\n");
	/* The name is nobody's: RFC 2606. */
	return d->step == 1 ? STR("EHLO probe.invalid\r\n") : STR("STARTTLS\r\n");
}
