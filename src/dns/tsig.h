/*
 * dns/tsig.h: signing a DNS message with a shared key, and checking the answer to it. RFC 8945.
 *
 * Shapes   hmac-sha1, -sha224, -sha256, -sha384, -sha512; a secret of 1..TSIG_SECRET_MAX bytes. MACs are sent whole, and
 *          an answer's MAC must be whole too.
 * Answers  TSIG_GOOD: signed by whoever holds the key, as the answer to this very request, at this time. TSIG_ERROR: the
 *          server refused our signature; `error` says why. It may be unsigned, so it is a reason for an error text and
 *          for nothing else. TSIG_NONE: not signed. TSIG_BAD: signed, but not by the key, for this request, or now.
 * Purity   no I/O, no clock, no globals.
 */
#ifndef REEVE_DNS_TSIG_H
#define REEVE_DNS_TSIG_H

#include "crypto/hmac.h"
#include "dns/message.h"

#define TSIG_FUDGE_S    300
#define TSIG_SECRET_MAX 512u

enum { TSIG_BADSIG = 16, TSIG_BADKEY = 17, TSIG_BADTIME = 18, TSIG_BADTRUNC = 22 };

struct tsig_key {
	struct dns_name  name;
	enum hmac_digest algorithm;
	struct str       secret;
};

/* What the answer is bound to. */
struct tsig_mac {
	size_t  len;
	uint8_t bytes[HMAC_SIZE_MAX];
};

enum tsig_state { TSIG_NONE, TSIG_GOOD, TSIG_ERROR, TSIG_BAD };

struct tsig_check {
	enum tsig_state state;
	uint16_t        error;
	int64_t         their_time_s; /* with TSIG_BADTIME; 0: unknown */
};

/* "hmac-sha256", "HMAC-SHA256", "hmac-sha256.", "sha256". */
MUST_CHECK bool tsig_algorithm_find(struct str text, enum hmac_digest *ret);
/* Appends the record; false when it does not fit. */
MUST_CHECK bool tsig_sign(uint8_t *message, size_t *len, size_t max, const struct tsig_key *key, int64_t now_s,
                          struct tsig_mac *ret);
/* `bytes` is a message that dns_message_parse accepts. */
void tsig_check(struct arena *a, struct str bytes, const struct tsig_key *key, const struct tsig_mac *request, int64_t now_s,
                struct tsig_check *ret);

#endif
