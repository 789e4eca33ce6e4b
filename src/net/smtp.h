/*
 * net/smtp.h: handing one mail to a mail server. RFC 5321; TLS from the start (RFC 8314) or by STARTTLS (RFC 3207).
 *
 * Rules    TLS 1.2 or newer with the name verified, and a password only inside it; the address policy of net/address.h;
 *          no proxies; every wait has an end.
 * Errors   ERR_TEMPORARY "unavailable" for DNS, connect, TLS, time-out and answers of 400..499; ERR_CONFIG
 *          "address-refused"; ERR_CONFIG "refused" when the server does not take the password; ERR_PERMANENT "refused" for
 *          other answers of 500..599. The text ends with the server's answer.
 * Doubt    a connection lost after the last byte of the mail leaves open whether it was taken: a Message-ID tells.
 * Threads  any; each call makes its own connection.
 */
#ifndef REEVE_NET_SMTP_H
#define REEVE_NET_SMTP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/address.h"

#define SMTP_ADDRESS_MAX    254
#define SMTP_RECIPIENTS_MAX 50

enum smtp_security { SMTP_STARTTLS, SMTP_TLS, SMTP_PLAIN, SMTP_SECURITY__COUNT };

struct smtp_request {
	const char         *host; /* as url.h reads a host; IPv6 without brackets */
	uint16_t            port;
	enum smtp_security  security;
	const char         *username; /* "" : none */
	struct str          password; /* the caller's, who wipes it */
	const char         *from;     /* addresses as smtp_address_valid() takes them */
	const char *const  *to;
	size_t              to_count;
	struct str          message;  /* RFC 5322, lines end with CR LF */
	struct str          ca_pem;   /* as in net/client.h */
	const struct cidr  *allowed;
	size_t              allowed_count;
	uint32_t            timeout_ms;
};

/* *ret_answer is the server's last line: "250 2.0.0 queued as 12345". */
MUST_CHECK bool smtp_send(const struct smtp_request *request, struct arena *a, const char **ret_answer, struct err *err);

/* local@domain without quotes, comments, and anything that could end a command or a header. ASCII. */
bool smtp_address_valid(const char *address);
/* A name or an address that can stand in a URL. */
bool smtp_host_valid(const char *host);

#endif
