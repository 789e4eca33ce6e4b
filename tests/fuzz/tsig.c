/*
 * tests/fuzz/tsig.c: nobody without the key makes an answer that counts, whatever it looks like; and what the key holder
 * signs counts for this request only.
 */
#include <assert.h>

#include "dns/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t     signed_again[DNS_MESSAGE_MAX];
	struct tsig_key    key = { .algorithm = HMAC_SHA256, .secret = STR("the fuzzer has it not") };
	struct tsig_mac    request = { .len = 32 }, mac;
	struct tsig_check  check;
	struct dns_message m;
	struct arena      *a = arena_new();
	size_t             len = size, at;

	(void)!dns_name_parse(STR("key.example"), &key.name);
	tsig_check(a, str_of(data, size), &key, &request, 1700000000, &check);
	assert(check.state != TSIG_GOOD);
	if (dns_message_parse(a, str_of(data, size), &m)) {
		if (m.records_count > 0 || m.edns.present)
			assert(dns_message_tail(str_of(data, size), &at) && at >= DNS_HEADER_SIZE && at < size);
		/* A signed request is a message still, and is no answer to another. */
		memcpy(signed_again, data, size);
		if (tsig_sign(signed_again, &len, sizeof(signed_again), &key, 1700000000, &mac) &&
		    dns_message_parse(a, str_of(signed_again, len), &m)) {
			assert(m.records[m.records_count - 1].type == DNS_TSIG);
			tsig_check(a, str_of(signed_again, len), &key, &request, 1700000000, &check);
			assert(check.state != TSIG_GOOD && check.state != TSIG_NONE);
		}
	}
	arena_free(a);
	return 0;
}
