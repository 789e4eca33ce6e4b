/*
 * dns/message.h: DNS messages on the wire, read and written within bounds. RFC 1035, 2181, 3597, 6891.
 *
 * Shapes   a name is uncompressed wire format, 1..255 bytes, case kept; text escapes as RFC 1035 5.1 (\. \DDD).
 *          A message holds at most DNS_RECORDS_MAX records; OPT is taken out of them into `edns`.
 * Errors   reading returns false for anything malformed: truncated, trailing bytes, a compression pointer
 *          that does not go strictly backwards, more than one question or OPT. Nothing is repaired.
 * Memory   dns_message_parse puts records into the arena; rdata is uncompressed there for the types of
 *          RFC 1035 and DNAME. dns_query_parse (the server's hot path) allocates nothing.
 * Purity   no I/O, no clock, no globals; safe from any thread.
 */
#ifndef REEVE_DNS_MESSAGE_H
#define REEVE_DNS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define DNS_NAME_MAX    255
#define DNS_TEXT_SIZE   1024 /* 255 bytes, each escaped as \DDD, with dots and the NUL */
#define DNS_MESSAGE_MAX 65535u
#define DNS_RECORDS_MAX 512
#define DNS_HEADER_SIZE 12u
#define DNS_EDNS_UDP    1232u

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_HINFO = 13,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_DNAME = 39,
	DNS_OPT = 41,
	DNS_DS = 43,
	DNS_TSIG = 250,
	DNS_IXFR = 251,
	DNS_AXFR = 252,
	DNS_ANY = 255,
	DNS_CAA = 257,
};
enum { DNS_IN = 1, DNS_CH = 3, DNS_NONE = 254, DNS_CLASS_ANY = 255 };
enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_YXRRSET = 7, /* RFC 2136 */
	DNS_NXRRSET = 8,
	DNS_NOTAUTH = 9,
	DNS_NOTZONE = 10,
	DNS_BADVERS = 16,
	DNS_BADCOOKIE = 23,
};
enum {
	DNS_QR = 0x8000,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_AD = 0x0020,
	DNS_CD = 0x0010,
	DNS_UPDATE = 0x2800 /* the opcode of RFC 2136, in its place */
};
enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };
#define DNS_OPTION_COOKIE 10

struct dns_name {
	uint8_t len; /* with the root label; 0 is no name at all */
	uint8_t wire[DNS_NAME_MAX];
};

/* Text to wire; a final dot is accepted, "." is the root. */
MUST_CHECK bool dns_name_parse(struct str text, struct dns_name *ret);
/* Wire to text without the final dot ("." for the root). */
void dns_name_text(const struct dns_name *name, char ret[static DNS_TEXT_SIZE]);
bool dns_name_eq(const struct dns_name *a, const struct dns_name *b); /* ASCII case is ignored */
bool dns_name_in(const struct dns_name *name, const struct dns_name *zone); /* equal or below */
void dns_name_lower(struct dns_name *name);
unsigned dns_name_labels(const struct dns_name *name); /* without the root */
/* The name without its first label; the root stays the root. */
void dns_name_parent(const struct dns_name *name, struct dns_name *ret);

struct dns_question {
	struct dns_name name;
	uint16_t        type, class;
};

struct dns_edns {
	bool       present, dnssec_ok;
	uint8_t    version;
	uint16_t   udp_size;
	struct str options; /* raw, already checked to be whole options; points into the input */
};

struct dns_record {
	enum dns_section section;
	struct dns_name  name;
	uint16_t         type, class;
	uint32_t         ttl;
	struct str       rdata; /* names inside are uncompressed */
};

struct dns_message {
	uint16_t id, flags; /* flags without the rcode's four bits; opcode stays inside */
	uint16_t rcode;     /* with the EDNS extension */
	bool     has_question;
	struct dns_question question;
	struct dns_edns     edns;
	struct dns_record  *records;
	size_t              records_count;
};

MUST_CHECK bool dns_message_parse(struct arena *a, struct str bytes, struct dns_message *ret);
/* Where the last record begins: what a signature in it is over ends there. False when there is no record. */
MUST_CHECK bool dns_message_tail(struct str bytes, size_t *ret_at);

/* What the server needs of a query, whatever its state: later fields are set as far as reading came. */
enum dns_query_state {
	DNS_QUERY_DROP,   /* not even a header, or an answer: never reply */
	DNS_QUERY_NOTIMP, /* opcode is not QUERY */
	DNS_QUERY_FORMERR,
	DNS_QUERY_BADVERS,
	DNS_QUERY_OK,
};
struct dns_query {
	uint16_t            id, flags;
	bool                has_question;
	struct dns_question question;
	struct dns_edns     edns;
	struct str          cookie; /* the COOKIE option's data; len 0: none */
};
enum dns_query_state dns_query_parse(struct str bytes, struct dns_query *ret);

/*
 * Writing. Names are compressed against the question name (enough for all we send). The first record that
 * does not fit sets `full` and leaves the message as it was before that record.
 */
struct dns_writer {
	uint8_t        *ptr;
	size_t          len, max;
	bool            full;
	struct dns_name question;
};

void dns_write_begin(struct dns_writer *w, uint8_t *ptr, size_t max, uint16_t id, uint16_t flags);
void dns_write_question(struct dns_writer *w, const struct dns_question *q);
/* Records must come in section order. `rdata` is copied as it is. */
bool dns_write_record(struct dns_writer *w, enum dns_section section, const struct dns_name *name,
                      uint16_t type, uint16_t class, uint32_t ttl, struct str rdata);
bool dns_write_opt(struct dns_writer *w, uint16_t udp_size, uint16_t rcode, bool dnssec_ok,
                   struct str options);
/* Set flag bits and the low four bits of the rcode in the header. */
void dns_write_flags(struct dns_writer *w, uint16_t set, uint16_t rcode);
/* Write a parsed message again, whole; false when it does not fit. */
MUST_CHECK bool dns_message_write(const struct dns_message *m, uint8_t *ptr, size_t max,
                                  size_t *ret_len);

/* Rdata of a TXT record: the concatenated strings; and from one value (split at 255 bytes). */
MUST_CHECK bool dns_txt_parse(struct arena *a, struct str rdata, struct str *ret);
struct str      dns_txt_rdata(struct arena *a, struct str value);
/* Is this value among the answers for the name? */
bool dns_message_has_txt(struct arena *a, const struct dns_message *m, const struct dns_name *name, struct str value);
/* Rdata that is exactly one name (CNAME, NS, DNAME, PTR), uncompressed. */
MUST_CHECK bool dns_rdata_name(struct str rdata, struct dns_name *ret);

/* "TXT", "TYPE65534", "REFUSED", "RCODE12". */
const char     *dns_type_text(uint16_t type, char ret[static 16]);
const char     *dns_rcode_text(uint16_t rcode, char ret[static 16]);
MUST_CHECK bool dns_type_parse(struct str text, uint16_t *ret);

#endif
