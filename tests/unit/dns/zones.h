/* tests/unit/dns/zones.h: the zone the tests serve. */
#ifndef REEVE_TESTS_DNS_ZONES_H
#define REEVE_TESTS_DNS_ZONES_H

#include "dns/zone.h"
#include "test.h"

#define ZONE   "v.example.test"
#define LABEL  "abcdefghijklmnopqrstuvwx27"
#define OWNER  LABEL "." ZONE
#define VALUE1 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"
#define VALUE2 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2"

static inline struct dns_zones_config zones_config(void)
{
	struct dns_zones_config c = {
		.zones = { ZONE, "other.test" },
		.zones_count = 2,
		.nameservers = { { .name = "ns1.deep." ZONE, .addresses_count = 2 },
		                 { .name = "ns.elsewhere.test" } },
		.nameservers_count = 2,
		.hostmaster = "dns.admin@example.test",
	};
	struct err err = { 0 };

	CHECK_OK(dns_address_parse(STR("192.0.2.1"), &c.nameservers[0].addresses[0], &err), err);
	CHECK_OK(dns_address_parse(STR("2001:db8::1"), &c.nameservers[0].addresses[1], &err), err);
	return c;
}

static inline struct dns_zones *zones_make(void)
{
	struct dns_zones_config c = zones_config();
	struct dns_zones       *zones;
	struct err              err = { 0 };

	CHECK_OK(dns_zones_new(&c, &zones, &err), err);
	return zones;
}

/* Change and forget the old one. */
static inline void zones_change(struct dns_zones **zones, enum dns_change change, const char *owner,
                                const char *value)
{
	struct dns_zones *old = *zones;
	struct err        err = { 0 };

	CHECK_OK(dns_zones_change(old, change, str_c(owner), str_c(value), zones, &err), err);
	if (old != *zones)
		dns_zones_free(old);
}

#endif
