/* provider/path.c: a recursive walk; the depth of an answer bounds it. */
#include "provider/path.h"

#include "base/buf.h"

struct walk {
	struct arena  *arena;
	const json_t **found;
	size_t         count, cap;
};

bool path_valid(const char *path)
{
	if (path[0] != '\0' && path[0] != '/')
		return false;
	for (const char *p = path; *p != '\0'; p++)
		if (*p == '~' && p[1] != '0' && p[1] != '1')
			return false;
	return true;
}

static void add(struct walk *w, const json_t *value)
{
	if (w->count == PATH_MATCHES_MAX)
		return;
	if (w->count == w->cap) {
		size_t         cap = w->cap == 0 ? 16 : w->cap * 2;
		const json_t **more = arena_alloc_array(w->arena, cap, sizeof(const json_t *));

		if (w->count > 0)
			memcpy(more, w->found, w->count * sizeof(const json_t *));
		w->found = more;
		w->cap = cap;
	}
	w->found[w->count++] = value;
}

static const char *unescaped(struct arena *a, struct str token)
{
	char  *text = arena_str(a, token), *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		*to = *from;
		if (*from == '~' && (from[1] == '0' || from[1] == '1'))
			*to = *++from == '0' ? '~' : '/';
		to++;
	}
	*to = '\0';
	return text;
}

static void walk(struct walk *w, const json_t *value, const char *path)
{
	struct str token;
	uint64_t   index;

	if (value == NULL)
		return;
	if (path[0] == '\0') {
		add(w, value);
		return;
	}
	token = str_of(path + 1, strcspn(path + 1, "/"));
	path = token.ptr + token.len;
	if (str_eq(token, STR("*"))) {
		if (!json_is_array(value))
			walk(w, value, path);
		for (size_t i = 0; i < json_array_size(value); i++)
			walk(w, json_array_get(value, i), path);
	} else if (str_eq(token, STR("**"))) {
		const char *key;
		json_t     *member;

		for (size_t i = 0; i < json_array_size(value); i++)
			walk(w, json_array_get(value, i), path);
		json_object_foreach((json_t *)(uintptr_t)value, key, member) {
			walk(w, member, path);
		}
	} else if (json_is_array(value)) {
		if (str_to_u64(token, &index))
			walk(w, json_array_get(value, (size_t)index), path);
	} else {
		walk(w, json_object_get(value, unescaped(w->arena, token)), path);
	}
}

size_t path_select(struct arena *a, const json_t *root, const char *path, const json_t ***ret)
{
	struct walk w = { .arena = a };

	walk(&w, root, path);
	*ret = w.found;
	return w.count;
}

const char *path_text(struct arena *a, const json_t *value)
{
	if (json_is_string(value))
		return strlen(json_string_value(value)) == json_string_length(value) ? json_string_value(value) : NULL;
	if (json_is_integer(value))
		return arena_printf(a, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (json_is_real(value))
		return arena_printf(a, "%.15g", json_real_value(value));
	return NULL;
}

const char *path_first(struct arena *a, const json_t *root, const char *path)
{
	const json_t **found;
	size_t         count = path_select(a, root, path, &found);

	for (size_t i = 0; i < count; i++) {
		const char *text = path_text(a, found[i]);

		if (text != NULL)
			return text;
	}
	return NULL;
}
