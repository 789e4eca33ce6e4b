/* tests/unit/dns/message.c: the codec refuses what is malformed and writes again what it read. */
#include "dns/message.h"

#include "test.h"

static const struct {
	const char *text, *again; /* NULL: refused */
} names[] = {
	{ "example.com", "example.com" },
	{ "example.com.", "example.com" },
	{ ".", "." },
	{ "_acme-challenge.Example.COM", "_acme-challenge.Example.COM" },
	{ "a\\.b.c", "a\\.b.c" },
	{ "a\\046b.c", "a\\.b.c" },
	{ "\\000.c", "\\000.c" },
	{ "a\\\\b", "a\\\\b" },
	{ "", NULL },
	{ "..", NULL },
	{ "a..b", NULL },
	{ ".a", NULL },
	{ "a\\", NULL },
	{ "a\\25", NULL },
	{ "a\\256", NULL },
	{ "a\\2x5", NULL },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", NULL },
};

TEST(names_between_text_and_wire)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct dns_name name;
		char            text[DNS_TEXT_SIZE];

		CHECK_INT(dns_name_parse(str_c(names[i].text), &name), names[i].again != NULL);
		if (names[i].again == NULL)
			continue;
		dns_name_text(&name, text);
		CHECK_STR(text, names[i].again);
	}
}

TEST(name_length_ends_at_255)
{
	char            text[300];
	struct dns_name name;

	/* 127 labels of one byte and the root are 255 bytes. */
	for (size_t i = 0; i < 128; i++)
		memcpy(text + 2 * i, "a.", 2);
	CHECK(dns_name_parse(str_of(text, 2 * 127), &name));
	CHECK_INT(name.len, 255);
	CHECK_INT(dns_name_labels(&name), 127);
	CHECK(!dns_name_parse(str_of(text, 2 * 128), &name));
}

TEST(name_inside_zone)
{
	static const struct {
		const char *name, *zone;
		bool        in;
	} cases[] = {
		{ "a.example.test", "example.test", true },
		{ "EXAMPLE.test", "example.TEST", true },
		{ "anexample.test", "example.test", false },
		{ "test", "example.test", false },
		{ "example.test", ".", true },
		{ "a\\.example.test", "example.test", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dns_name name, zone;
		CHECK(dns_name_parse(str_c(cases[i].name), &name) &&
		      dns_name_parse(str_c(cases[i].zone), &zone));
		CHECK_INT(dns_name_in(&name, &zone), cases[i].in);
	}
}

#define HEADER(qd, an) "\x12\x34\x84\x00\x00" qd "\x00" an "\x00\x00\x00\x00"

static const struct {
	const char *what;
	struct str  bytes;
} bad[] = {
	{ "empty", STR("") },
	{ "eleven bytes", STR("\x12\x34\x84\x00\x00\x00\x00\x00\x00\x00\x00") },
	{ "question missing", STR(HEADER("\x01", "\x00")) },
	{ "pointer to itself", STR(HEADER("\x01", "\x00") "\xc0\x0c\x00\x10\x00\x01") },
	{ "pointer forward", STR(HEADER("\x01", "\x00") "\xc0\x0e\x00\x10\x00\x01") },
	{ "pointer into the header", STR(HEADER("\x01", "\x00") "\xc0\x04\x00\x10\x00\x01") },
	{ "two pointers in a circle",
	  STR(HEADER("\x01",
	             "\x01") "\x01"
	                     "a\xc0\x12\x00\x10\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x00\x00\x00") },
	{ "label type 0x40", STR(HEADER("\x01", "\x00") "\x41"
	                                                "a\x00\x00\x10\x00\x01") },
	{ "label over the end", STR(HEADER("\x01", "\x00") "\x3f"
	                                                   "a\x00\x00\x10\x00\x01") },
	{ "two questions", STR(HEADER("\x02", "\x00") "\x00\x00\x10\x00\x01\x00\x00\x10\x00\x01") },
	{ "bytes behind the end", STR(HEADER("\x01", "\x00") "\x00\x00\x10\x00\x01!") },
	{ "rdata over the end",
	  STR(HEADER("\x00", "\x01") "\x00\x00\x10\x00\x01\x00\x00\x00\x00\x00\x05"
	                             "abcd") },
	{ "CNAME with bytes behind the name",
	  STR(HEADER("\x00", "\x01") "\x00\x00\x05\x00\x01\x00\x00\x00\x00\x00\x02\x00\x00") },
	{ "SOA too short",
	  STR(HEADER("\x00", "\x01") "\x00\x00\x06\x00\x01\x00\x00\x00\x00\x00\x04\x00\x00zz") },
	{ "OPT among the answers",
	  STR(HEADER("\x00", "\x01") "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00") },
	{ "65535 answers", STR("\x12\x34\x84\x00\x00\x00\xff\xff\x00\x00\x00\x00") },
};

TEST(malformed_messages_are_refused)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct dns_message m = { .id = 77 };
		if (dns_message_parse(a, bad[i].bytes, &m))
			fail_msg("accepted: %s", bad[i].what);
		CHECK_INT(m.id, 77);
	}
}

TEST(answer_with_compression_is_read)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	/* www.a.test CNAME x.a.test, both names through pointers */
	struct str bytes =
		STR(HEADER("\x01",
	                   "\x01") "\x03www\x01"
	                           "a\x04test\x00\x00\x05\x00\x01"
	                           "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01x\xc0\x10");
	struct dns_message m;
	struct dns_name    target;
	char               text[DNS_TEXT_SIZE];

	CHECK(dns_message_parse(a, bytes, &m));
	CHECK_INT(m.id, 0x1234);
	CHECK((m.flags & DNS_AA) != 0);
	CHECK_INT(m.records_count, 1);
	CHECK_INT(m.records[0].ttl, 60);
	CHECK(dns_rdata_name(m.records[0].rdata, &target));
	dns_name_text(&target, text);
	CHECK_STR(text, "x.a.test");
	dns_name_text(&m.records[0].name, text);
	CHECK_STR(text, "www.a.test");
}

TEST(writing_compresses_against_the_question)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct dns_question             q = { .type = DNS_TXT, .class = DNS_IN };
	struct dns_writer               w;
	struct dns_name                 zone;
	struct dns_message              m;
	uint8_t                         bytes[512];

	CHECK(dns_name_parse(STR("Lab.zone.TEST"), &q.name) &&
	      dns_name_parse(STR("zone.test"), &zone));
	dns_write_begin(&w, bytes, sizeof(bytes), 7, DNS_QR);
	dns_write_question(&w, &q);
	size_t before = w.len;
	CHECK(dns_write_record(&w, DNS_ANSWER, &q.name, DNS_TXT, DNS_IN, 1,
	                       dns_txt_rdata(a, STR("v"))));
	CHECK_INT(w.len - before, 2 + 10 + 2);
	before = w.len;
	CHECK(dns_write_record(&w, DNS_AUTHORITY, &zone, DNS_NS, DNS_IN, 1,
	                       str_of(zone.wire, zone.len)));
	CHECK_INT(w.len - before, 2 + 10 + zone.len);
	CHECK(dns_message_parse(a, str_of(bytes, w.len), &m));
	CHECK_INT(m.records_count, 2);
	CHECK(memcmp(m.records[0].name.wire, q.name.wire, q.name.len) == 0); /* case kept */
	CHECK(dns_name_eq(&m.records[1].name, &zone));
}

TEST(a_record_that_does_not_fit_leaves_no_trace)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct dns_question             q = { .type = DNS_TXT, .class = DNS_IN };
	struct dns_writer               w;
	struct dns_message              m;
	uint8_t                         bytes[64];

	CHECK(dns_name_parse(STR("a.test"), &q.name));
	dns_write_begin(&w, bytes, sizeof(bytes), 7, DNS_QR);
	dns_write_question(&w, &q);
	while (dns_write_record(&w, DNS_ANSWER, &q.name, DNS_TXT, DNS_IN, 1, STR("\005hello")))
		;
	CHECK(w.full);
	CHECK(dns_message_parse(a, str_of(bytes, w.len), &m));
	CHECK_INT(m.records_count, 2);
}

TEST(txt_values_of_any_length)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	static const size_t             lengths[] = { 0, 1, 254, 255, 256, 510, 511, 2000 };
	char                            value[2000];
	struct str                      again;

	memset(value, 'x', sizeof(value));
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		CHECK(dns_txt_parse(a, dns_txt_rdata(a, str_of(value, lengths[i])), &again));
		CHECK(str_eq(again, str_of(value, lengths[i])));
	}
	CHECK(!dns_txt_parse(a, STR(""), &again));
	CHECK(!dns_txt_parse(a, STR("\005hell"), &again));
}

TEST(extended_rcode_is_put_together)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct dns_message              m;
	struct str                      bytes = STR(
				     "\x12\x34\x80\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x29\x04\xd0\x01\x00\x80\x00\x00\x00");

	CHECK(dns_message_parse(a, bytes, &m));
	CHECK_INT(m.rcode, DNS_BADVERS);
	CHECK(m.edns.present && m.edns.dnssec_ok);
	CHECK_INT(m.edns.udp_size, 1232);
}

TEST(words)
{
	char     text[16];
	uint16_t type;

	CHECK_STR(dns_type_text(DNS_TXT, text), "TXT");
	CHECK_STR(dns_type_text(65534, text), "TYPE65534");
	CHECK_STR(dns_rcode_text(DNS_REFUSED, text), "REFUSED");
	CHECK_STR(dns_rcode_text(4095, text), "RCODE4095");
	CHECK(dns_type_parse(STR("caa"), &type) && type == DNS_CAA);
	CHECK(dns_type_parse(STR("type65534"), &type) && type == 65534);
	CHECK(!dns_type_parse(STR("TYPE65536"), &type));
	CHECK(!dns_type_parse(STR("TXTX"), &type));
}

TESTS(T(names_between_text_and_wire), T(name_length_ends_at_255), T(name_inside_zone),
      T(malformed_messages_are_refused), T(answer_with_compression_is_read),
      T(writing_compresses_against_the_question), T(a_record_that_does_not_fit_leaves_no_trace),
      T(txt_values_of_any_length), T(extended_rcode_is_put_together), T(words))
