/* tests/fuzz/acme_renewal_info.c: a window that is accepted can be drawn from, and its explanation can be shown. */
#include <assert.h>
#include <strings.h>

#include "acme/renewal_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t draws[] = { 0, 1, 0x8000000000000000, UINT64_MAX };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_renewal_info info;
	struct err               err = { 0 };

	if (!acme_renewal_info_parse(a, str_of(data, size), &info, &err)) {
		assert(err.class == ERR_PERMANENT && strcmp(err.problem, "ca-nonsense") == 0 && err.text[0] != '\0');
		return 0;
	}
	assert(info.start_at > 0 && info.end_at > info.start_at && info.end_at - info.start_at <= RENEWAL_WINDOW_MAX_MS);
	for (size_t i = 0; i < ARRAY_LEN(draws); i++) {
		int64_t at = acme_renewal_info_draw(info.start_at, info.end_at, draws[i]);

		assert(at >= info.start_at && at < info.end_at);
	}
	assert(info.explanation_url[0] == '\0' || strncasecmp(info.explanation_url, "http", 4) == 0);
	for (const char *p = info.explanation_url; *p != '\0'; p++)
		assert(*p > ' ' && *p <= '~');
	return 0;
}
