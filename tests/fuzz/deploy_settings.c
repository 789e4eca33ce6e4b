/*
 * Settings of a deployment from anybody. Property: what is accepted is within the bounds everybody behind relies on, and
 * reads back as the same.
 */
#include <assert.h>
#include <strings.h>

#include "deploy/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First byte: the kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct deploy_settings s, again;
	struct err             err = { 0 };
	enum deploy_kind       kind;

	if (size == 0)
		return 0;
	kind = (enum deploy_kind)(data[0] % DEPLOY__COUNT);
	const char *json = arena_str(a, str_of(data + 1, size - 1));
	if (!deploy_settings_parse(a, kind, json, &s, &err)) {
		assert(err.class != ERR_NONE && err.text[0] != '\0');
		return 0;
	}
	assert(s.timeout_s >= 1 && s.timeout_s <= 600 && s.keep >= 1 && s.keep <= 100 && s.probe_wait_s >= 1);
	assert((s.key_mode_bits & ~0640u) == 0 && (s.key_mode_bits & 0400u) != 0);
	assert(s.hook[0] == '\0' || (strchr(s.hook, '/') == NULL && s.hook[0] != '.'));
	assert(kind != DEPLOY_FILES || (s.directory[0] == '/' && strstr(s.directory, "/../") == NULL));
	assert(kind != DEPLOY_WEBHOOK || strncasecmp(s.url, "https://", 8) == 0);
	assert(s.cidrs_count <= DEPLOY_CIDRS_MAX);
	assert(deploy_settings_parse(a, kind, json, &again, &err));
	assert(strcmp(s.directory, again.directory) == 0 && strcmp(s.hook, again.hook) == 0 && strcmp(s.url, again.url) == 0);
	return 0;
}
