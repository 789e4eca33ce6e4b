/*
 * Settings of a notifier from anybody. Property: what is accepted can be put into a command of SMTP and a header as it is,
 * is within its bounds, and reads back as the same.
 */
#include <assert.h>
#include <strings.h>

#include "notify/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First byte: the kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct notify_settings s, again;
	struct err             err = { 0 };
	enum notify_target     kind;

	if (size == 0)
		return 0;
	kind = (enum notify_target)(data[0] % NOTIFY_TARGET__COUNT);
	const char *json = arena_str(a, str_of(data + 1, size - 1));
	if (!notify_settings_parse(a, kind, json, &s, &err)) {
		assert(err.class != ERR_NONE && err.text[0] != '\0');
		return 0;
	}
	assert(s.timeout_s >= 1 && s.timeout_s <= 120 && s.cidrs_count <= NOTIFY_CIDRS_MAX);
	assert(kind != NOTIFY_WEBHOOK || strncasecmp(s.url, "https://", 8) == 0);
	if (kind == NOTIFY_SMTP) {
		assert(s.port >= 1 && s.port <= 65535 && strpbrk(s.host, " \r\n/@<>") == NULL && strpbrk(s.from, " \r\n<>,") == NULL);
		assert(s.username[0] == '\0' || s.security_is != SMTP_PLAIN);
		for (size_t i = 0; i < s.to.count; i++)
			assert(strpbrk(s.to.items[i], " \r\n<>,") == NULL);
	}
	assert(notify_settings_parse(a, kind, json, &again, &err));
	assert(strcmp(s.host, again.host) == 0 && strcmp(s.url, again.url) == 0 && strcmp(s.from, again.from) == 0 && s.port == again.port);
	return 0;
}
