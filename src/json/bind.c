/*
 * json/bind.c: from an object to a struct by a table of fields. Everything is checked before anything is written,
 * so a refused request leaves no half-filled struct behind.
 */
#include "base/buf.h"
#include "json/json.h"

static const char *kind_name(enum json_kind kind)
{
	switch (kind) {
	case JSON_FIELD_STR: return "a string";
	case JSON_FIELD_BOOL: return "true or false";
	case JSON_FIELD_INT: return "an integer";
	case JSON_FIELD_STR_ARRAY: return "an array of strings";
	case JSON_FIELD_OBJECT: return "an object";
	case JSON_FIELD_ARRAY: return "an array";
	case JSON_FIELD_ANY: return "a value";
	}
	return "a value";
}

static bool plain_string(const json_t *value)
{
	return json_is_string(value) &&
	       strlen(json_string_value(value)) == json_string_length(value);
}

static bool fits(const json_t *value, enum json_kind kind)
{
	switch (kind) {
	case JSON_FIELD_STR: return plain_string(value);
	case JSON_FIELD_BOOL: return json_is_boolean(value);
	case JSON_FIELD_INT: return json_is_integer(value);
	case JSON_FIELD_STR_ARRAY:
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (!plain_string(json_array_get(value, i)))
				return false;
		}
		return json_is_array(value);
	case JSON_FIELD_OBJECT: return json_is_object(value);
	case JSON_FIELD_ARRAY: return json_is_array(value);
	case JSON_FIELD_ANY: return true;
	}
	return false;
}

static const json_t *member(const json_t *object, const struct json_field *field)
{
	const json_t *value = json_object_get(object, field->name);

	return json_is_null(value) && field->kind != JSON_FIELD_ANY ? NULL : value;
}

static bool check_known(const json_t *object, const struct json_field *fields, size_t fields_count,
                        struct err *err)
{
	const char *key;
	json_t     *value;

	/* Iterating takes a json_t * by signature only. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		size_t     i = 0;
		struct buf known;

		while (i < fields_count && strcmp(fields[i].name, key) != 0)
			i++;
		if (i < fields_count)
			continue;
		err_problem(err, ERR_INPUT, "unknown-member", "\"%s\" is not a known member", key);
		buf_init(&known, 4096);
		for (i = 0; i < fields_count; i++)
			buf_printf(&known, "%s%s", i > 0 ? ", " : "", fields[i].name);
		if (known.len > 0)
			err_hint(err, "known members are: %s", known.ptr);
		buf_clear(&known);
		return false;
	}
	return true;
}

static bool check_field(const json_t *object, const struct json_field *field, struct err *err)
{
	const json_t *value = member(object, field);

	if (value == NULL) {
		if (field->required)
			return err_problem(err, ERR_INPUT, "invalid-request",
			                   "\"%s\" is missing; it must be %s", field->name,
			                   kind_name(field->kind));
		return true;
	}
	if (!fits(value, field->kind))
		return err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" must be %s%s",
		                   field->name, kind_name(field->kind),
		                   json_is_string(value) && field->kind == JSON_FIELD_STR
		                           ? " without a NUL inside"
		                           : "");
	return true;
}

static void store(struct arena *a, const json_t *value, const struct json_field *field,
                  unsigned char *at)
{
	switch (field->kind) {
	case JSON_FIELD_STR:
		*(const char **)(void *)at = arena_strdup(a, json_string_value(value));
		return;
	case JSON_FIELD_BOOL: *(bool *)(void *)at = json_is_true(value); return;
	case JSON_FIELD_INT: *(int64_t *)(void *)at = json_integer_value(value); return;
	case JSON_FIELD_STR_ARRAY: {
		size_t       count = json_array_size(value);
		const char **items = arena_alloc_array(a, count + 1, sizeof(*items));

		for (size_t i = 0; i < count; i++)
			items[i] = arena_strdup(a, json_string_value(json_array_get(value, i)));
		*(struct json_strings *)(void *)at = (struct json_strings){ items, count };
		return;
	}
	case JSON_FIELD_OBJECT:
	case JSON_FIELD_ARRAY:
	case JSON_FIELD_ANY: *(const json_t **)(void *)at = value; return;
	}
}

bool json_bind(struct arena *a, const json_t *object, const struct json_field *fields,
               size_t fields_count, bool refuse_unknown, void *ret_struct, struct err *err)
{
	unsigned char *base = ret_struct;

	if (!json_is_object(object))
		return err_problem(err, ERR_INPUT, "invalid-request", "an object is expected here");
	if (refuse_unknown && !check_known(object, fields, fields_count, err))
		return false;
	for (size_t i = 0; i < fields_count; i++) {
		if (!check_field(object, &fields[i], err))
			return false;
	}
	for (size_t i = 0; i < fields_count; i++) {
		const json_t *value = member(object, &fields[i]);

		if (value == NULL)
			continue;
		store(a, value, &fields[i], base + fields[i].offset);
		if (fields[i].present != 0)
			*(bool *)(void *)(base + fields[i].present - 1) = true;
	}
	return true;
}
