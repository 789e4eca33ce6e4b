/*
 * net/starttls.h: the few words before TLS begins on a port that speaks something else first.
 *
 * Use      starttls_begin, then byte by byte: what the server says goes into starttls_take(), what it wants said comes
 *          out of starttls_say(). No byte is read beyond the last one of the dialog: what follows is TLS or nothing.
 * Bounds   lines of STARTTLS_LINE_MAX bytes, STARTTLS_BYTES_MAX bytes in all.
 * Errors   ERR_TEMPORARY "unavailable" with the server's words, printable.
 */
#ifndef REEVE_NET_STARTTLS_H
#define REEVE_NET_STARTTLS_H

#include "base/err.h"
#include "base/str.h"

#define STARTTLS_LINE_MAX  1024
#define STARTTLS_BYTES_MAX 16384

enum starttls {
	STARTTLS_NONE, /* TLS from the first byte */
	STARTTLS_SMTP,       /* RFC 3207 */
	STARTTLS_IMAP,       /* RFC 3501 6.2.1 */
	STARTTLS_POSTGRESQL, /* SSLRequest of its protocol 3 */
	STARTTLS__COUNT
};
/* "smtp", "imap", "postgresql"; "" for none. */
const char     *starttls_name(enum starttls protocol);
MUST_CHECK bool starttls_parse(struct str name, enum starttls *ret);

enum starttls_state {
	STARTTLS_LISTEN, /* the next byte */
	STARTTLS_SAY,    /* send starttls_say(), then listen */
	STARTTLS_GO,     /* TLS begins */
	STARTTLS_FAILED,
};

struct starttls_dialog {
	enum starttls       protocol;
	enum starttls_state state;
	unsigned            step;    /* how often we have spoken */
	bool                offered; /* SMTP: the server named STARTTLS */
	size_t              len, total;
	char                line[STARTTLS_LINE_MAX + 1];
};

void                starttls_begin(struct starttls_dialog *d, enum starttls protocol);
enum starttls_state starttls_take(struct starttls_dialog *d, char byte, struct err *err);
/* In state STARTTLS_SAY; the state becomes STARTTLS_LISTEN. */
struct str          starttls_say(struct starttls_dialog *d);

#endif
