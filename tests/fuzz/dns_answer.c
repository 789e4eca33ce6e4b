/*
 * tests/fuzz/dns_answer.c: whatever arrives, an answer is a well-formed message with the same id,
 * fits its size, is no larger than what UDP permits, and never claims recursion.
 */
#include <assert.h>

#include "dns/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dns_zones *zones_make(void)
{
	struct dns_zones_config c = {
		.zones = { "v.test" },
		.zones_count = 1,
		.nameservers = { { .name = "ns.v.test",
		                   .addresses_count = 1,
		                   .addresses = { { AF_INET, { 192, 0, 2, 1 }, 0 } } } },
		.nameservers_count = 1
	};
	struct dns_zones *zones, *next;

	assert(dns_zones_new(&c, &zones, NULL));
	for (char i = 0; i < 30; i++) {
		char value[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
		value[0] = (char)('A' + i);
		value[0] = value[0] > 'Z' ? (char)('0' + i - 26) : value[0];
		assert(dns_zones_change(zones, DNS_CHANGE_ADD, STR("_acme-challenge.v.test"),
		                        str_c(value), &next, NULL));
		dns_zones_free(zones);
		zones = next;
	}
	return zones;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_zones   *zones;
	static struct dns_answerer with;
	uint8_t                    out[DNS_ANSWER_MAX];
	struct dns_asked asked = { .client = { AF_INET, { 192, 0, 2, 9 }, 53 }, .now_ms = 1000 };
	struct dns_noted noted;
	struct arena    *a = arena_new();

	if (zones == NULL) {
		zones = zones_make();
		with.cookie = dns_cookie_new((const uint8_t[16]){ 1 });
	}
	for (int tcp = 0; tcp < 2; tcp++) {
		struct dns_message m;
		asked.tcp = tcp != 0;
		size_t len = dns_answer(&with, zones, str_of(data, size), &asked, out, sizeof(out),
		                        &noted);
		if (len == 0)
			continue;
		assert(size >= DNS_HEADER_SIZE && (asked.tcp || len <= DNS_EDNS_UDP));
		assert(dns_message_parse(a, str_of(out, len), &m));
		assert((m.flags & DNS_QR) != 0 && (m.flags & DNS_RA) == 0 && (data[2] & 0x80) == 0);
		assert(out[0] == data[0] && out[1] == data[1]);
		assert(!asked.tcp || (m.flags & DNS_TC) == 0);
		if (m.rcode == DNS_NXDOMAIN || (m.rcode == DNS_NOERROR && m.records_count == 0))
			assert((m.flags & (DNS_AA | DNS_TC)) != 0 &&
			       (m.records_count > 0 || (m.flags & DNS_TC) != 0));
	}
	arena_free(a);
	return 0;
}
