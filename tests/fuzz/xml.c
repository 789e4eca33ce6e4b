/* Fuzz target: what was read, written as XML again, reads as the same value, within the bounds. */
#include <assert.h>

#include "base/buf.h"
#include "provider/template.h"
#include "provider/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_text(struct arena *a, struct buf *b, const json_t *text)
{
	struct str escaped = template_escape(a, TEMPLATE_XML, str_of(json_string_value(text), json_string_length(text)));

	for (size_t i = 0; i < escaped.len; i++) {
		if ((unsigned char)escaped.ptr[i] < 0x20)
			buf_printf(b, "<![CDATA[%c]]>", escaped.ptr[i]);
		else
			buf_add_char(b, escaped.ptr[i]);
	}
}

static void put(struct arena *a, struct buf *b, const char *name, const json_t *value, unsigned depth)
{
	const char *key;
	json_t     *child;

	assert(depth <= XML_DEPTH_MAX);
	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			put(a, b, name, json_array_get(value, i), depth);
		return;
	}
	buf_printf(b, "<%s", name);
	json_object_foreach((json_t *)(uintptr_t)value, key, child) {
		if (key[0] != '@')
			continue;
		buf_printf(b, " %s=\"", key + 1);
		buf_add_str(b, template_escape(a, TEMPLATE_XML, str_c(json_string_value(child))));
		buf_add_c(b, "\"");
	}
	buf_add_c(b, ">");
	if (json_is_string(value))
		put_text(a, b, value);
	json_object_foreach((json_t *)(uintptr_t)value, key, child) {
		if (strcmp(key, "#") == 0)
			put_text(a, b, child);
		else if (key[0] != '@')
			put(a, b, key, child, depth + 1);
	}
	buf_printf(b, "</%s>", name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(json_freep) json_t *json = NULL;
	AUTO(json_freep) json_t *again = NULL;
	struct arena            *a;
	struct err               err = { 0 };
	struct buf               b;
	const char              *key;
	json_t                  *value;

	if (size > 65536)
		return 0;
	if (!xml_read(str_of(data, size), &json, &err)) {
		assert(json == NULL && err.class == ERR_INPUT && err.text[0] != '\0');
		return 0;
	}
	assert(json_object_size(json) == 1);
	a = arena_new();
	buf_init(&b, SIZE_MAX / 4);
	json_object_foreach(json, key, value) {
		put(a, &b, key, value, 1);
	}
	assert(xml_read(buf_str(&b), &again, &err));
	assert(json_equal(json, again));
	buf_clear(&b);
	arena_free(a);
	return 0;
}
