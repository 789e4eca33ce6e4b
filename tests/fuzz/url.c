/*
 * tests/fuzz/url.c: a URL that is accepted is within its bounds, says the same when it is put together again, and
 * an address in it is what the resolver would make of it. A CIDR that is accepted survives writing.
 */
#include <arpa/inet.h>
#include <assert.h>

#include "net/address.h"
#include "net/url.h"

static void check_url(struct str text)
{
	struct url url, again;
	char       origin[URL_ORIGIN_SIZE], whole[URL_SIZE + URL_ORIGIN_SIZE];

	if (!url_parse(text, &url, NULL))
		return;
	assert(text.len <= URL_MAX && url.port != 0);
	assert(strlen(url.host) >= 1 && strlen(url.host) <= 253);
	assert(strpbrk(url.host, "@/\\#?% ") == NULL);
	assert(url.target.len == 0 || url.target.ptr[0] == '/' || url.target.ptr[0] == '?');
	assert(memchr(url.target.ptr != NULL ? url.target.ptr : "", '#', url.target.len) == NULL);
	if (!url.ip6) { /* no text that only the C library reads as an address */
		struct in_addr in;

		assert((inet_aton(url.host, &in) != 0) == url.ip4);
	}
	snprintf(whole, sizeof(whole), "%s://%s%.*s", url.https ? "https" : "http", url_origin(&url, origin),
	         STR_ARG(url.target));
	if (strlen(whole) > URL_MAX) /* a compressed IPv6 address may become longer */
		return;
	assert(url_parse(str_c(whole), &again, NULL));
	assert(strcmp(again.host, url.host) == 0 && again.port == url.port && again.https == url.https);
	assert(str_eq(again.target, url.target));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str  text = str_of(data, size);
	struct cidr cidr, again;
	char        shown[CIDR_SIZE];

	check_url(text);
	if (cidr_parse(text, &cidr, NULL)) {
		assert(cidr.prefix <= (cidr.ip6 ? 128 : 32));
		assert(cidr_parse(str_c(cidr_write(&cidr, shown)), &again, NULL));
		assert(memcmp(&cidr, &again, sizeof(cidr)) == 0);
	}
	return 0;
}
