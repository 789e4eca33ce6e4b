/* Fuzz target: what was read is written and read back as the same value, and keeps the bounds. */
#include <assert.h>

#include "json/json.h"

#define SIZE_LIMIT (256 * KIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const json_t *json, unsigned depth)
{
	size_t      total = 1;
	const char *key;
	json_t     *value;

	assert(depth <= JSON_DEPTH_MAX + 1);
	if (json_is_string(json))
		assert(strlen(json_string_value(json)) == json_string_length(json) &&
		       json_string_length(json) <= JSON_STRING_MAX);
	if (json_is_integer(json))
		assert(json_integer_value(json) <= JSON_INT_MAX && json_integer_value(json) >= -JSON_INT_MAX);
	for (size_t i = 0; i < json_array_size(json); i++)
		total += count(json_array_get(json, i), depth + 1);
	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		assert(strlen(key) <= JSON_KEY_MAX);
		total += count(value, depth + 1);
	}
	return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(json_freep) json_t *json = NULL;
	AUTO(json_freep) json_t *again = NULL;
	struct arena            *a;
	struct err               err = { 0 };
	char                    *text;

	if (!json_read(str_of(data, size), SIZE_LIMIT, &json, &err)) {
		assert(json == NULL && err.class == ERR_INPUT && err.text[0] != '\0');
		return 0;
	}
	assert(count(json, 1) <= JSON_VALUES_MAX);
	a = arena_new();
	text = json_write_pretty(a, json);
	/* Escapes and indentation can make it longer than what came in. */
	assert(json_read(str_c(text), SIZE_MAX, &again, &err));
	assert(json_equal(json, again));
	arena_free(a);
	return 0;
}
