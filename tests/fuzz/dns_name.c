/*
 * tests/fuzz/dns_name.c: text to wire to text: accepted means normal, and the wire form is well-
 * formed.
 */
#include <assert.h>

#include "dns/message.h"
#include "dns/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_name name, again, wire, parent;
	struct dns_stub stub;
	char            text[DNS_TEXT_SIZE], text_again[DNS_TEXT_SIZE];

	(void)!dns_stub_parse(str_of(data, size), &stub, NULL);
	if (dns_rdata_name(str_of(data, size), &wire)) {
		dns_name_text(&wire, text);
		assert(dns_name_parse(str_c(text), &again));
		assert(again.len == wire.len && memcmp(again.wire, wire.wire, wire.len) == 0);
	}
	if (!dns_name_parse(str_of(data, size), &name))
		return 0;
	assert(dns_rdata_name(str_of(name.wire, name.len), &wire));
	dns_name_text(&name, text);
	assert(dns_name_parse(str_c(text), &again));
	assert(again.len == name.len && memcmp(again.wire, name.wire, name.len) == 0);
	dns_name_text(&again, text_again);
	assert(strcmp(text, text_again) == 0);
	dns_name_parent(&name, &parent);
	assert(dns_name_in(&name, &parent) && dns_name_labels(&parent) <= dns_name_labels(&name));
	return 0;
}
