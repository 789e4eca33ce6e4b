/*
 * tests/fuzz/dns_message.c: what is read can be written, and reading that again gives the same
 * message.
 */
#include <assert.h>

#include "dns/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct dns_message *m, const struct dns_message *n)
{
	assert(m->id == n->id && m->flags == n->flags && m->rcode == n->rcode &&
	       m->has_question == n->has_question);
	assert(m->records_count == n->records_count && m->edns.present == n->edns.present);
	if (m->has_question)
		assert(dns_name_eq(&m->question.name, &n->question.name) &&
		       m->question.type == n->question.type &&
		       m->question.class == n->question.class);
	if (m->edns.present)
		assert(m->edns.version == n->edns.version && m->edns.udp_size == n->edns.udp_size &&
		       m->edns.dnssec_ok == n->edns.dnssec_ok &&
		       str_eq(m->edns.options, n->edns.options));
	for (size_t i = 0; i < m->records_count; i++) {
		const struct dns_record *a = &m->records[i], *b = &n->records[i];
		assert(a->section == b->section && a->type == b->type && a->class == b->class &&
		       a->ttl == b->ttl);
		assert(dns_name_eq(&a->name, &b->name) && str_eq(a->rdata, b->rdata));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t     bytes[DNS_MESSAGE_MAX];
	struct dns_message m, again;
	struct dns_query   query;
	struct arena      *a = arena_new();
	size_t             len;

	(void)dns_query_parse(str_of(data, size), &query);
	if (dns_message_parse(a, str_of(data, size), &m)) {
		for (size_t i = 0; i < m.records_count; i++) {
			struct str text;
			(void)!dns_txt_parse(a, m.records[i].rdata, &text);
		}
		/* Uncompressed it may be longer than a message can be. */
		if (dns_message_write(&m, bytes, sizeof(bytes), &len)) {
			assert(dns_message_parse(a, str_of(bytes, len), &again));
			same(&m, &again);
		} else {
			assert(size > 512 || m.records_count > 1);
		}
	}
	arena_free(a);
	return 0;
}
