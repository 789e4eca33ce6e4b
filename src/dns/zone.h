/*
 * dns/zone.h: the validation zones and their live TXT values as an immutable snapshot. DESIGN section 7.
 *
 * Shapes   `struct dns_zones` never changes once made; dns_zones_change gives its successor, which shares all
 *          but the touched names. Snapshots form one line: each has at most one successor.
 * Memory   after the successor is made, dns_zones_free(old) frees what only the old one used; call it when nobody
 *          reads the old one any more. Freeing the newest frees the rest.
 * Threads  any number of readers; one thread makes successors.
 * Answers  dns_zones_find says what exists. Names without a live value exist too (NODATA) when an owner could be
 *          there: generated labels directly below the zone, `_acme-challenge` as first label, owners that had
 *          a value since start, empty non-terminals, name servers. A cached NXDOMAIN would outlast the
 *          value's arrival, a NODATA of the same TTL as well, but resolvers also cut whole trees at an NXDOMAIN
 *          (RFC 8020), and people read it as "the target was deleted".
 */
#ifndef REEVE_DNS_ZONE_H
#define REEVE_DNS_ZONE_H

#include <netinet/in.h>

#include "base/err.h"
#include "base/name.h"
#include "dns/message.h"
#include "dns/protocol.h"

#define DNS_ZONES_MAX       16
#define DNS_NAMESERVERS_MAX 13
#define DNS_ADDRESSES_MAX   4
#define DNS_LABEL_LEN       26 /* base32 of 16 random bytes */

/*
 * One second: 0 is honoured by most caches but replaced by a default of minutes in some, 1 is honoured by all,
 * and a second value at the same owner is never hidden for longer than the CA's own retry.
 */
#define DNS_TXT_TTL      1
#define DNS_NEGATIVE_TTL 1
#define DNS_SOA_TTL      5
#define DNS_NS_TTL       3600

/* One address: family is AF_INET or AF_INET6. */
struct dns_address {
	int      family;
	uint8_t  bytes[16];
	uint16_t port; /* 0: not stated (53) */
};
/* "192.0.2.1", "2001:db8::1", optionally with "@5301" behind. */
MUST_CHECK bool dns_address_parse(struct str text, struct dns_address *ret, struct err *err);
/* "192.0.2.1", with " port 5301" unless it is 53 or not stated. */
const char *dns_address_text(const struct dns_address *address, char ret[static 80]);

struct dns_nameserver {
	char name[NAME_SIZE];
	/* Needed when the name is inside one of our zones. */
	struct dns_address addresses[DNS_ADDRESSES_MAX];
	size_t             addresses_count;
};
/* As configured; the same name servers and hostmaster serve all zones. */
struct dns_zones_config {
	char   zones[DNS_ZONES_MAX][NAME_SIZE];
	size_t zones_count;
	/* None: "ns.<zone>" is named, without address. */
	struct dns_nameserver nameservers[DNS_NAMESERVERS_MAX];
	size_t                nameservers_count;
	/* "hostmaster.example.net" or "hostmaster@example.net"; "": hostmaster.<zone>. */
	char hostmaster[NAME_SIZE];
};

struct dns_zones;

MUST_CHECK bool dns_zones_new(const struct dns_zones_config *config, struct dns_zones **ret,
                              struct err *err);
void            dns_zones_free(struct dns_zones *zones);

enum dns_change { DNS_CHANGE_ADD, DNS_CHANGE_REMOVE };
/* The successor with one value more or less; *ret is `old` itself when nothing changes. ERR_INPUT when refused. */
MUST_CHECK bool dns_zones_change(struct dns_zones *old, enum dns_change change, struct str owner,
                                 struct str value, struct dns_zones **ret, struct err *err);
/* A first snapshot with the same zones and no values; independent of `like`. */
struct dns_zones *dns_zones_empty(const struct dns_zones *like);
/* The serial of the SOA; counts the changes. */
uint64_t dns_zones_sequence(const struct dns_zones *zones);
void     dns_zones_set_sequence(struct dns_zones *zones,
                                uint64_t          sequence); /* before it is published */
bool     dns_zones_has(const struct dns_zones *zones, struct str owner, struct str value);
size_t   dns_zones_values(const struct dns_zones *zones);

/* May this value be served at this owner? ERR_INPUT with the reason. */
MUST_CHECK bool dns_zones_check(const struct dns_zones *zones, struct str owner, struct str value,
                                struct err *err);
/* A generated label: DNS_LABEL_LEN characters of base32, any case. */
bool dns_label_shaped(struct str label);

/* ---- for answer.c ---- */

struct dns_zone {
	struct dns_name name;
	uint8_t         soa[600]; /* rdata without the five numbers */
	size_t          soa_len;
};
/* A name with live values. */
struct dns_node;
struct dns_found {
	const struct dns_zone       *zone; /* NULL: not ours */
	bool                         exists, apex;
	const struct dns_nameserver *nameserver; /* the name is one of our name servers */
	const struct dns_node       *node;       /* NULL: no live values */
};
void        dns_zones_find(const struct dns_zones *zones, const struct dns_name *name,
                           struct dns_found *ret);
unsigned    dns_node_values(const struct dns_node *node);
const char *dns_node_value(const struct dns_node *node,
                           unsigned               i);                    /* DNS_VALUE_LEN bytes, no NUL */
uint64_t    dns_node_version(const struct dns_node *node); /* another one after every change */
/* Count up to `max` things for this version of the node; false when they are used up. Any thread. */
bool   dns_node_count(const struct dns_node *node, unsigned max);
size_t dns_zones_nameservers(const struct dns_zones *zones, const struct dns_zone *zone,
                             struct dns_name *ret, size_t max);
/* SOA rdata with the serial of this snapshot. */
struct str dns_zones_soa(const struct dns_zones *zones, const struct dns_zone *zone,
                         uint8_t ret[static 640]);

#endif
