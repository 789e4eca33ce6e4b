/*
 * dns/protocol.h: the messages of the dns role and of the resolver role, and the values they carry.
 *
 * Wire     base/wire.h. Every change is answered with the new sequence number (u64) after the snapshot that
 *          serves it is live and no older one is being read: the sender may tell the CA at once.
 * Reset    RESET_BEGIN, RESET_ADD…, RESET_END replace the whole live set in one step; the old set is served until
 *          then. ADD and REMOVE that arrive meanwhile work at once and win over the set being loaded.
 * Gone     REMOVE of something that is not or cannot be served is done; RESET_ADD skips what is outside the
 *          configured zones or no challenge value (ask HAS), ADD refuses it.
 * Values   only ^[A-Za-z0-9_-]{43}$ (a base64url SHA-256), at most DNS_VALUES_MAX per owner, and only at or
 *          below a configured zone.
 */
#ifndef REEVE_DNS_PROTOCOL_H
#define REEVE_DNS_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ipc.h"
#include "base/name.h"
#include "base/wire.h"

#define DNS_VALUES_MAX   250 /* two certificates of a hundred names that share one alias */
#define DNS_VALUE_LEN    43
#define DNS_NETWORK_SIZE 64 /* "2001:db8:1::/48", "192.0.2.0/24" */

enum dns_role_type {
	DNS_ROLE_RESET_BEGIN = IPC_TYPE_FIRST, /* {} */
	DNS_ROLE_RESET_ADD, /* {u32 count, (str owner, str value)…} -> {u64 sequence} */
	DNS_ROLE_RESET_END, /* {} -> {u64 sequence} */
	DNS_ROLE_ADD,       /* {owner, value} -> {u64 sequence} */
	DNS_ROLE_REMOVE,    /* {owner, value} -> {u64 sequence}; already absent is fine */
	DNS_ROLE_HAS,       /* {owner, value} -> {bool} in the set being served */
	DNS_ROLE_SEEN,      /* push on channel 0: {owner, network, u32 values} */
};

/* Somebody was given the live values of an owner: at most once per (owner, network) and set of values. */
struct dns_seen {
	char     owner[NAME_SIZE];
	char     network[DNS_NETWORK_SIZE];
	uint32_t values;
};
void            dns_seen_write(struct buf *b, const struct dns_seen *seen);
MUST_CHECK bool dns_seen_read(struct str body, struct dns_seen *ret, struct err *err);

/* ---- the resolver role ---- */

enum dns_lookup_type {
	DNS_LOOKUP_CHAIN =
		IPC_TYPE_FIRST + 16, /* {name, expected, u32 deadline_ms} -> struct dns_chain */
	DNS_LOOKUP,                  /* {name, u32 qtype, u32 deadline_ms} -> struct dns_result */
	DNS_LOOKUP_AUTH,             /* {name, u32 qtype, u32 deadline_ms} -> struct dns_auth */
};

#define DNS_CHAIN_MAX       8
#define DNS_RDATA_MAX       128
#define DNS_AUTH_MAX        32
#define DNS_DEADLINE_MAX_MS 30000u

enum dns_outcome {
	DNS_PRESENT,
	DNS_ABSENT,  /* proven: NXDOMAIN or NODATA from a validating look-up */
	DNS_UNKNOWN, /* no answer, SERVFAIL, bogus, a loop, too long: never leads to a write */
};
const char *dns_outcome_name(enum dns_outcome outcome);

/* Where the CNAMEs from one name lead. */
struct dns_chain {
	enum dns_outcome outcome; /* ABSENT: no CNAME at the first name */
	const char     **hops; /* the names after the first, in order; lower case, no final dot */
	size_t           hops_count;
	const char      *final; /* the last name reached; the first name when there is no CNAME */
	bool             matches_expected;
	bool             txt_at_first; /* a stray TXT where the CNAME should be */
	bool             nxdomain;     /* ABSENT because the name itself does not exist */
	bool             loop, too_long;
	bool             secure; /* every hop was validated by DNSSEC */
	uint16_t         rcode;  /* of the last look-up */
	const char *detail; /* a sentence: what was found; for unknown which server answered what */
};

/* One look-up by the validating resolver. */
struct dns_result {
	enum dns_outcome outcome;
	uint16_t         rcode;
	bool             secure, bogus;
	/* The name at the end of CNAMEs; the question name when there are none. */
	const char *canonical;
	struct str *rdata; /* raw, as on the wire without compression */
	size_t      rdata_count;
	const char *detail;
};

/* What one address of one authoritative server answered to a direct, non-recursive question. */
struct dns_auth_server {
	const char  *name;    /* "ns1.example.net"; "" when only the address is configured */
	const char  *address; /* "192.0.2.53" or "127.53.0.1 port 5301" */
	bool         answered;
	bool         authoritative; /* AA was set */
	uint16_t     rcode;
	uint32_t     took_ms;
	const char **values; /* CNAME targets and TXT values (text), else rdata in hex */
	size_t       values_count;
	const char  *detail; /* "answered REFUSED", "did not answer within 2 s" */
};
struct dns_auth {
	const char             *zone; /* "" when no server was found */
	struct dns_auth_server *servers;
	size_t                  servers_count;
	const char             *detail;
};

void            dns_chain_write(struct buf *b, const struct dns_chain *c);
void            dns_result_write(struct buf *b, const struct dns_result *r);
void            dns_auth_write(struct buf *b, const struct dns_auth *r);
MUST_CHECK bool dns_chain_read(struct arena *a, struct str body, struct dns_chain *ret,
                               struct err *err);
MUST_CHECK bool dns_result_read(struct arena *a, struct str body, struct dns_result *ret,
                                struct err *err);
MUST_CHECK bool dns_auth_read(struct arena *a, struct str body, struct dns_auth *ret,
                              struct err *err);

#endif
