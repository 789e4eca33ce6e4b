/* Fuzz target: the text of an accepted file, written again entry by entry, gives the same entries. */
#include <assert.h>

#include "base/buf.h"
#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_string(struct buf *b, const char *s)
{
	buf_add_char(b, '"');
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == '"' || *s == '\\' || *s == 0x7f)
			buf_printf(b, "\\u%04x", (unsigned)*s);
		else
			buf_add_char(b, *s);
	}
	buf_add_char(b, '"');
}

static void write_entry(struct buf *b, const struct toml_entry *e)
{
	buf_printf(b, "%s = ", e->key);
	switch (e->type) {
	case TOML_STRING: write_string(b, e->string); break;
	case TOML_INTEGER: buf_printf(b, "%lld", (long long)e->integer); break;
	case TOML_BOOLEAN: buf_add_c(b, e->boolean ? "true" : "false"); break;
	case TOML_ARRAY:
		buf_add_char(b, '[');
		for (size_t i = 0; i < e->items_count; i++) {
			write_string(b, e->items[i]);
			buf_add_char(b, ',');
		}
		buf_add_char(b, ']');
		break;
	}
	buf_add_char(b, '\n');
}

static void check_same(const struct toml_entry *x, const struct toml_entry *y)
{
	assert(strcmp(x->section, y->section) == 0 && strcmp(x->key, y->key) == 0 && x->type == y->type);
	assert(x->type != TOML_STRING || strcmp(x->string, y->string) == 0);
	assert(x->integer == y->integer && x->boolean == y->boolean && x->items_count == y->items_count);
	for (size_t i = 0; i < x->items_count; i++)
		assert(strcmp(x->items[i], y->items[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_clear) struct buf      b;
	struct toml                     toml, again;
	struct err                      err = { 0 };
	const char                     *section = "";

	buf_init(&b, TOML_SIZE_MAX);
	if (!toml_parse(a, str_of(data, size), &toml, &err)) {
		assert(err.class == ERR_INPUT && err.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < toml.entries_count; i++) {
		if (strcmp(toml.entries[i].section, section) != 0) {
			section = toml.entries[i].section;
			buf_printf(&b, "[%s]\n", section);
		}
		write_entry(&b, &toml.entries[i]);
	}
	/* Escaping makes it longer: what does not fit is no counterexample. */
	if (b.failed)
		return 0;
	assert(toml_parse(a, buf_str(&b), &again, &err));
	assert(toml.entries_count == again.entries_count);
	for (size_t i = 0; i < toml.entries_count; i++)
		check_same(&toml.entries[i], &again.entries[i]);
	return 0;
}
