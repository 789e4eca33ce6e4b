/*
 * tests/fuzz/http_header.c: header lines stay free of control bytes, delays stay in their bounds, links are lower
 * case and bounded, whatever a peer sends.
 */
#include <assert.h>

#include "net/header.h"

static bool clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = NULL;
	struct str       line = str_of(data, size), name, value;
	struct http_link links[HTTP_LINKS_MAX];
	size_t           count = 0;
	uint32_t         s;
	int64_t          at_s;

	if (size > 32 * KIB || !http_header_split(line, &name, &value))
		return 0;
	assert(name.len >= 1 && clean(name) && clean(value));
	assert(str_eq(str_trim(value), value));
	if (http_retry_after(value, 1795348800, &s))
		assert(s >= 1 && s <= HTTP_RETRY_AFTER_MAX_S);
	if (http_date_parse(value, 1795348800, &at_s))
		assert(at_s >= 0 && at_s < 253402300801);
	a = arena_new();
	http_links_parse(a, value, links, &count);
	assert(count <= HTTP_LINKS_MAX);
	for (size_t i = 0; i < count; i++) {
		assert(links[i].rel[0] != '\0' && strchr(links[i].rel, ' ') == NULL);
		assert(strpbrk(links[i].rel, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
		assert(strlen(links[i].url) < size);
	}
	assert(strchr(http_media_type(a, value), ';') == NULL);
	return 0;
}
