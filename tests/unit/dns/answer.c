/*
 * tests/unit/dns/answer.c: the answers, as RFC 8906 and DESIGN want them: one table of probes,
 * then sizes, cookies, limits.
 */
#include "dns/answer.h"

#include "base/encode.h"
#include "zones.h"

static const uint8_t secret[16] = { 0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f,
	                            0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf };
/* RFC 9018 A.1 */
#define CLIENT_COOKIE "\x24\x64\xc4\xab\xcf\x10\xc9\x57"
#define SERVER_COOKIE "\x01\x00\x00\x00\x5c\xf7\x9f\x11\x1f\x81\x30\xc3\xee\xe2\x94\x80"

struct asker {
	struct arena       *a;
	struct dns_zones   *zones;
	struct dns_answerer with;
	struct dns_asked    asked;
	struct dns_noted    noted;
	size_t              len;
	uint8_t             out[DNS_ANSWER_MAX];
};

static void asker_init(struct asker *k)
{
	memset(k, 0, sizeof(*k));
	k->a = arena_new();
	k->zones = zones_make();
	k->with.cookie = dns_cookie_new(secret);
	k->asked.client = (struct dns_address){ .family = AF_INET, .bytes = { 198, 51, 100, 100 } };
	k->asked.now_ms = 0x5cf79f11 * 1000ll;
}

static void asker_clear(struct asker *k)
{
	dns_cookie_free(k->with.cookie);
	dns_limit_free(k->with.limit);
	dns_zones_free(k->zones);
	arena_free(k->a);
}

/* Ask; true when there was an answer that parses. */
static bool ask_bytes(struct asker *k, struct str query, struct dns_message *ret)
{
	k->len =
		dns_answer(&k->with, k->zones, query, &k->asked, k->out, sizeof(k->out), &k->noted);
	if (k->len == 0)
		return false;
	CHECK(dns_message_parse(k->a, str_of(k->out, k->len), ret));
	return true;
}

struct probe {
	const char *name;
	uint16_t    type;
	uint16_t    rcode;
	unsigned    answers; /* records in the answer section */
	bool        soa;     /* in the authority section */
	bool        aa;
	uint16_t class; /* 0: IN */
	uint16_t   flags;
	int        edns; /* 0: none, 1: version 0, 2: version 1 */
	uint16_t   udp_size;
	struct str options;
};

static bool ask(struct asker *k, const struct probe *p, struct dns_message *ret)
{
	struct dns_question q = { .type = p->type, .class = p->class != 0 ? p->class : DNS_IN };
	struct dns_message  m = { .id = 0xabcd, .flags = p->flags, .has_question = true };
	uint8_t             bytes[1024];
	size_t              len;

	CHECK(dns_name_parse(str_c(p->name), &q.name));
	m.question = q;
	m.edns = (struct dns_edns){ .present = p->edns > 0,
		                    .version = p->edns == 2,
		                    .options = p->options,
		                    .udp_size = p->udp_size != 0 ? p->udp_size : 1232 };
	CHECK(dns_message_write(&m, bytes, sizeof(bytes), &len));
	return ask_bytes(k, str_of(bytes, len), ret);
}

static unsigned count_of(const struct dns_message *m, enum dns_section section, uint16_t type)
{
	unsigned count = 0;

	for (size_t i = 0; i < m->records_count; i++)
		count += m->records[i].section == section &&
		         (type == 0 || m->records[i].type == type);
	return count;
}

static const struct probe probes[] = {
	/* name, type, rcode, answers, SOA, AA, class, flags, EDNS */
	{ ZONE, DNS_SOA, DNS_NOERROR, 1, false, true },
	{ ZONE, DNS_NS, DNS_NOERROR, 2, false, true },
	{ ZONE, DNS_A, DNS_NOERROR, 0, true, true },
	{ ZONE, DNS_TXT, DNS_NOERROR, 0, true, true },
	{ ZONE, 48 /* DNSKEY */, DNS_NOERROR, 0, true, true },
	{ ZONE, DNS_DS, DNS_NOERROR, 0, true, true },
	{ ZONE, DNS_CAA, DNS_NOERROR, 0, true, true },
	{ ZONE, 65534, DNS_NOERROR, 0, true, true },
	{ OWNER, DNS_TXT, DNS_NOERROR, 2, false, true },
	{ "aBcDeFgHiJkLmNoPqRsTuVwX27.V.eXample.test", DNS_TXT, DNS_NOERROR, 2, false, true },
	{ OWNER, DNS_A, DNS_NOERROR, 0, true, true },
	{ OWNER, DNS_CNAME, DNS_NOERROR, 0, true, true },
	{ OWNER, DNS_CAA, DNS_NOERROR, 0, true, true },
	{ OWNER, 65 /* HTTPS */, DNS_NOERROR, 0, true, true },
	{ OWNER, DNS_ANY, DNS_NOERROR, 1, false, true },
	{ "zzzzzzzzzzzzzzzzzzzzzzzzzz." ZONE, DNS_TXT, DNS_NOERROR, 0, true, true },
	{ "_acme-challenge.nobody." ZONE, DNS_TXT, DNS_NOERROR, 0, true, true },
	{ "www." ZONE, DNS_TXT, DNS_NXDOMAIN, 0, true, true },
	{ "www." ZONE, DNS_ANY, DNS_NXDOMAIN, 0, true, true },
	{ "ns1.deep." ZONE, DNS_A, DNS_NOERROR, 1, false, true },
	{ "ns1.deep." ZONE, DNS_AAAA, DNS_NOERROR, 1, false, true },
	{ "ns1.deep." ZONE, DNS_TXT, DNS_NOERROR, 0, true, true },
	{ "deep." ZONE, DNS_A, DNS_NOERROR, 0, true, true },
	{ "example.test", DNS_SOA, DNS_REFUSED, 0, false, false },
	{ ".", DNS_NS, DNS_REFUSED, 0, false, false },
	{ ZONE, DNS_AXFR, DNS_REFUSED, 0, false, false },
	{ ZONE, DNS_IXFR, DNS_REFUSED, 0, false, false },
	{ "version.bind", DNS_TXT, DNS_REFUSED, 0, false, false, DNS_CH },
	{ ZONE, DNS_SOA, DNS_REFUSED, 0, false, false, DNS_CH },
	{ ZONE, DNS_SOA, DNS_NOERROR, 1, false, true, 0, DNS_RD },
	{ ZONE, DNS_SOA, DNS_NOERROR, 1, false, true, 0, DNS_AD | DNS_CD | 0x40 },
	{ ZONE, DNS_SOA, DNS_NOTIMP, 0, false, false, 0, 15 << 11 },
	{ ZONE, DNS_SOA, DNS_NOTIMP, 0, false, false, 0, 5 << 11 },
	{ ZONE, DNS_SOA, DNS_NOERROR, 1, false, true, 0, 0, 1 },
	{ ZONE, DNS_SOA, DNS_BADVERS, 0, false, false, 0, 0, 2 },
	{ ZONE, DNS_SOA, DNS_NOERROR, 1, false, true, 0, 0, 1, 0, STR("\x00\x64\x00\x00") },
	{ ZONE, DNS_SOA, DNS_BADVERS, 0, false, false, 0, 0, 2, 0, STR("\x00\x64\x00\x00") },
	{ ZONE, DNS_SOA, DNS_FORMERR, 0, false, false, 0, 0, 1, 0,
	  STR("\x00\x0a\x00\x03"
	      "abc") },
	{ ZONE, DNS_SOA, DNS_FORMERR, 0, false, false, 0, 0, 1, 0,
	  STR("\x00\x0a\x00\x09"
	      "abcdefghi") },
};

TEST(probes_get_the_right_answer)
{
	struct asker k;

	asker_init(&k);
	zones_change(&k.zones, DNS_CHANGE_ADD, OWNER, VALUE1);
	zones_change(&k.zones, DNS_CHANGE_ADD, OWNER, VALUE2);
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		const struct probe *p = &probes[i];
		struct dns_message  m;
		struct dns_name     asked;

		if (!ask(&k, p, &m))
			fail_msg("probe %zu (%s %u): silence", i, p->name, p->type);
		if (m.rcode != p->rcode || count_of(&m, DNS_ANSWER, 0) != p->answers ||
		    (count_of(&m, DNS_AUTHORITY, DNS_SOA) == 1) != p->soa ||
		    ((m.flags & DNS_AA) != 0) != p->aa)
			fail_msg("probe %zu (%s %u): rcode %u answers %u soa %u flags %x", i,
			         p->name, p->type, m.rcode, count_of(&m, DNS_ANSWER, 0),
			         count_of(&m, DNS_AUTHORITY, DNS_SOA), m.flags);
		CHECK_INT(m.id, 0xabcd);
		CHECK((m.flags & DNS_QR) != 0);
		CHECK((m.flags & (DNS_RA | DNS_AD | DNS_CD | DNS_TC | 0x40)) == 0);
		CHECK_INT(m.flags & DNS_RD, p->flags & DNS_RD);
		CHECK_INT(m.flags & 0x7800, p->flags & 0x7800);
		if (p->rcode != DNS_NOTIMP) {
			CHECK_INT(m.edns.present, p->edns > 0);
			CHECK(dns_name_parse(str_c(p->name), &asked) && m.has_question);
			CHECK(memcmp(asked.wire, m.question.name.wire, asked.len) == 0); /* 0x20 */
		}
		if (m.edns.present) {
			CHECK_INT(m.edns.udp_size, 1232);
			CHECK_INT(m.edns.version, 0);
		}
		for (size_t r = 0; r < m.records_count; r++)
			if (m.records[r].section == DNS_AUTHORITY)
				CHECK(m.records[r].ttl <= 5);
	}
	asker_clear(&k);
}

TEST(txt_answers_carry_the_values)
{
	struct asker       k;
	struct dns_message m;
	struct str         value;

	asker_init(&k);
	zones_change(&k.zones, DNS_CHANGE_ADD, OWNER, VALUE1);
	CHECK(ask(&k, &(struct probe){ OWNER, DNS_TXT }, &m));
	CHECK(dns_txt_parse(k.a, m.records[0].rdata, &value));
	CHECK(str_eq(value, STR(VALUE1)));
	CHECK(m.records[0].ttl <= 60);
	CHECK(k.noted.node != NULL && dns_node_values(k.noted.node) == 1);
	CHECK(ask(&k, &(struct probe){ OWNER, DNS_A }, &m));
	CHECK(k.noted.node == NULL);
	asker_clear(&k);
}

TEST(soa_says_a_short_minimum_and_the_sequence)
{
	struct asker       k;
	struct dns_message m;

	asker_init(&k);
	zones_change(&k.zones, DNS_CHANGE_ADD, OWNER, VALUE1);
	CHECK(ask(&k, &(struct probe){ "www." ZONE, DNS_TXT }, &m));
	struct str     soa = m.records[0].rdata;
	const uint8_t *n = (const uint8_t *)soa.ptr + soa.len - 20;
	CHECK_INT((uint32_t)n[0] << 24 | (uint32_t)n[1] << 16 | (uint32_t)n[2] << 8 | n[3],
	          dns_zones_sequence(k.zones));
	CHECK(n[16] == 0 && n[17] == 0 && n[18] == 0 && n[19] <= 5);
	/* the dot before '@' is inside the first label of the mailbox */
	CHECK(memmem(soa.ptr, soa.len,
	             "\x09"
	             "dns.admin\x07"
	             "example",
	             18) != NULL);
	asker_clear(&k);
}

TEST(malformed_queries)
{
	static const struct {
		struct str query;
		int        rcode; /* -1: silence */
	} cases[] = {
		{ STR(""), -1 },
		{ STR("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00"), -1 },
		{ STR("\x00\x01\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x01"),
		  -1 }, /* an answer */
		{ STR("\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		  DNS_FORMERR }, /* no question */
		{ STR("\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x01\x00\x00\x10\x00\x01"),
		  DNS_FORMERR },
		{ STR("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00"),
		  DNS_FORMERR },
		{ STR("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x01junk"),
		  DNS_FORMERR },
		{ STR("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x10\x00\x01"),
		  DNS_FORMERR },
		/* two OPT records */
		{ STR("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x02\x00\x00\x10\x00\x01"
		      "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"),
		  DNS_FORMERR },
		/* an option longer than OPT */
		{ STR("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\x10\x00\x01"
		      "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x08"),
		  DNS_FORMERR },
	};
	struct asker       k;
	struct dns_message m;

	asker_init(&k);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool answered = ask_bytes(&k, cases[i].query, &m);
		if (answered != (cases[i].rcode >= 0) || (answered && m.rcode != cases[i].rcode))
			fail_msg("query %zu: answered %d rcode %u", i, answered, m.rcode);
	}
	asker_clear(&k);
}

TEST(large_answers_are_truncated_over_udp_and_whole_over_tcp)
{
	static const struct {
		int      edns;
		uint16_t size;
		size_t   max;
	} sizes[] = { { 0, 0, 512 },
		      { 1, 100, 512 },
		      { 1, 800, 800 },
		      { 1, 1232, 1232 },
		      { 1, 65535, 1232 } };
	struct asker       k;
	struct dns_message m;
	char               value[DNS_VALUE_LEN + 1] = VALUE1;

	asker_init(&k);
	for (unsigned n = 1; n <= DNS_VALUES_MAX; n++) {
		value[0] = (char)('a' + n % 26);
		value[1] = (char)('a' + n / 26);
		zones_change(&k.zones, DNS_CHANGE_ADD, OWNER, value);
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			k.asked.tcp = false;
			CHECK(ask(&k,
			          &(struct probe){ .name = OWNER,
			                           .type = DNS_TXT,
			                           .edns = sizes[i].edns,
			                           .udp_size = sizes[i].size },
			          &m));
			CHECK(k.len <= sizes[i].max);
			if ((m.flags & DNS_TC) != 0) {
				CHECK_INT(m.records_count, 0);
				CHECK(k.noted.node == NULL);
				CHECK(k.len + n * 56 > sizes[i].max);
			} else {
				CHECK_INT(m.records_count, n);
			}
			CHECK_INT(m.edns.present, sizes[i].edns);
		}
		k.asked.tcp = true;
		CHECK(ask(&k, &(struct probe){ .name = OWNER, .type = DNS_TXT, .edns = 1 }, &m));
		CHECK_INT(m.records_count, n);
	}
	asker_clear(&k);
}

TEST(cookies_are_those_of_rfc_9018)
{
	struct asker       k;
	struct dns_message m;
	struct probe       p = { .name = ZONE,
		                 .type = DNS_SOA,
		                 .edns = 1,
		                 .options = STR("\x00\x0a\x00\x08" CLIENT_COOKIE) };

	asker_init(&k);
	CHECK(ask(&k, &p, &m));
	CHECK(str_eq(m.edns.options, STR("\x00\x0a\x00\x18" CLIENT_COOKIE SERVER_COOKIE)));
	struct str whole = STR(CLIENT_COOKIE SERVER_COOKIE);
	uint32_t   made_s = 0x5cf79f11;
	CHECK(dns_cookie_valid(k.with.cookie, whole, &k.asked.client, made_s));
	CHECK(dns_cookie_valid(k.with.cookie, whole, &k.asked.client, made_s + 3600));
	CHECK(!dns_cookie_valid(k.with.cookie, whole, &k.asked.client, made_s + 3601));
	CHECK(dns_cookie_valid(k.with.cookie, whole, &k.asked.client, made_s - 300));
	CHECK(!dns_cookie_valid(k.with.cookie, whole, &k.asked.client, made_s - 301));
	for (size_t i = 0; i < whole.len; i++) {
		char changed[DNS_COOKIE_SIZE];
		memcpy(changed, whole.ptr, sizeof(changed));
		changed[i] ^= 1;
		CHECK(!dns_cookie_valid(k.with.cookie, str_of(changed, sizeof(changed)),
		                        &k.asked.client, made_s));
	}
	k.asked.client.bytes[3]++;
	CHECK(!dns_cookie_valid(k.with.cookie, whole, &k.asked.client, made_s));
	asker_clear(&k);
}

TEST(a_flood_is_limited_but_not_for_those_with_a_cookie)
{
	struct asker       k;
	struct dns_message m;
	struct probe       p = { .name = ZONE, .type = DNS_SOA, .edns = 1 };
	unsigned           whole = 0, truncated = 0, silent = 0;

	asker_init(&k);
	k.with.limit = dns_limit_new(50);
	for (unsigned i = 0; i < 250; i++) {
		if (!ask(&k, &p, &m))
			silent++;
		else if ((m.flags & DNS_TC) != 0)
			truncated++;
		else
			whole++;
	}
	CHECK_INT(whole, 50);
	CHECK_INT(truncated, 100);
	CHECK_INT(silent, 100);
	/* a neighbour in the same /24 shares the bucket, another network does not */
	k.asked.client.bytes[2]++;
	CHECK(ask(&k, &p, &m) && (m.flags & DNS_TC) == 0);
	k.asked.client.bytes[2]--;
	p.options = STR("\x00\x0a\x00\x18" CLIENT_COOKIE SERVER_COOKIE);
	for (unsigned i = 0; i < 100; i++)
		CHECK(ask(&k, &p, &m) && (m.flags & DNS_TC) == 0);
	p.options = (struct str){ 0 };
	k.asked.tcp = true;
	CHECK(ask(&k, &p, &m) && (m.flags & DNS_TC) == 0);
	k.asked.tcp = false;
	k.asked.now_ms += 100; /* five more */
	for (unsigned i = 0; i < 5; i++)
		CHECK(ask(&k, &p, &m) && (m.flags & DNS_TC) == 0);
	k.asked.client = (struct dns_address){ .family = AF_INET, .bytes = { 127, 0, 0, 9 } };
	for (unsigned i = 0; i < 100; i++)
		CHECK(ask(&k, &p, &m) && (m.flags & DNS_TC) == 0);
	asker_clear(&k);
}

TEST(networks)
{
	static const struct {
		const char *address, *network;
	} cases[] = { { "192.0.2.77", "192.0.2.0/24" }, { "2001:db8:1:2::3", "2001:db8:1::/48" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dns_address a;
		struct err         err = { 0 };
		char               text[DNS_NETWORK_SIZE];
		CHECK_OK(dns_address_parse(str_c(cases[i].address), &a, &err), err);
		dns_network_text(&a, text);
		CHECK_STR(text, cases[i].network);
	}
}

TESTS(T(probes_get_the_right_answer), T(txt_answers_carry_the_values),
      T(soa_says_a_short_minimum_and_the_sequence), T(malformed_queries),
      T(large_answers_are_truncated_over_udp_and_whole_over_tcp), T(cookies_are_those_of_rfc_9018),
      T(a_flood_is_limited_but_not_for_those_with_a_cookie), T(networks))
