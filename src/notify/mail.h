/*
 * notify/mail.h: a plain text mail as it goes over the wire. RFC 5322, RFC 2045, RFC 2047.
 *
 * Safety   whatever is in subject, text and names: there are exactly the headers of mail.c, all is ASCII, lines have at most
 *          78 bytes (but for an address that is longer), and the body decodes to the text given (line ends normalised, invalid UTF-8 as '?').
 * Shape    lines end with CR LF; a dot at the begin of a line is the sender's to double.
 */
#ifndef REEVE_NOTIFY_MAIL_H
#define REEVE_NOTIFY_MAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct mail {
	const char        *from, *sender_name; /* an address as smtp_address_valid() takes it; the name is any text */
	const char *const *to;
	size_t             to_count;
	const char        *subject, *text;
	const char        *id;     /* the same for each try: "<id>@<domain of from>" becomes Message-ID */
	const char        *events; /* ids, space separated, for X-Reeve-Event */
	int64_t            at_ms;
};

struct str mail_write(struct arena *a, const struct mail *m);

#endif
