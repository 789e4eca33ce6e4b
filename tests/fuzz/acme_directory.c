/* tests/fuzz/acme_directory.c: a directory that is accepted has https URLs and bounded, clean lists. */
#include <assert.h>

#include "acme/directory.h"
#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_directory d;
	struct err            err = { 0 };

	if (!acme_directory_parse(a, "https://ca/directory", NULL, str_of(data, size), &d, &err)) {
		assert(err.class == ERR_PERMANENT && strcmp(err.problem, "ca-nonsense") == 0 && err.text[0] != '\0');
		return 0;
	}
	const char *const urls[] = { d.new_nonce, d.new_account, d.new_order, d.revoke_cert, d.key_change, d.renewal_info };
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct url url;

		assert(urls[i] != NULL || i >= 3);
		assert(urls[i] == NULL || url_parse_https(str_c(urls[i]), &url, NULL));
	}
	assert(d.terms_of_service == NULL || strncasecmp(d.terms_of_service, "http", 4) == 0);
	assert(d.website == NULL || strncasecmp(d.website, "http", 4) == 0);
	assert(d.caa_identities_count <= ACME_CAA_IDENTITIES_MAX && d.profiles_count <= ACME_PROFILES_MAX);
	for (size_t i = 0; i < d.profiles_count; i++) {
		assert(strlen(d.profiles[i].name) >= 1 && strlen(d.profiles[i].name) <= 64);
		assert(strpbrk(d.profiles[i].name, " \t\r\n\x7f") == NULL && strpbrk(d.profiles[i].description, "\r\n\x1b") == NULL);
		assert(strcmp(acme_directory_profile(&d, d.profiles[i].name)->name, d.profiles[i].name) == 0);
	}
	return 0;
}
