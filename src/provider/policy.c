/* provider/policy.c: the recipe's least-privilege policy with a zone put in. */
#include "base/buf.h"
#include "provider/recipe.h"

#define TEXT_MAX (4 * KIB)

static void put_named(struct buf *b, struct str text, const char *name, const char *value)
{
	size_t len = strlen(name);

	while (text.len > 0) {
		if (text.len >= len && memcmp(text.ptr, name, len) == 0) {
			buf_add_c(b, value);
			text = str_of(text.ptr + len, text.len - len);
		} else {
			buf_add_char(b, text.ptr[0]);
			text = str_of(text.ptr + 1, text.len - 1);
		}
	}
}

static json_t *text_with(const char *text, const char *zone, const char *zone_id)
{
	struct buf one, both;
	json_t    *json = NULL;

	buf_init(&one, TEXT_MAX);
	buf_init(&both, TEXT_MAX);
	put_named(&one, str_c(text), "{zone_id}", zone_id[0] != '\0' ? zone_id : "ZONE-ID");
	put_named(&both, buf_str(&one), "{zone}", zone[0] != '\0' ? zone : "ZONE");
	if (!one.failed && !both.failed)
		json = json_stringn(both.ptr, both.len);
	buf_clear(&one);
	buf_clear(&both);
	return json != NULL ? json : json_string(text);
}

static json_t *fill(const json_t *from, const char *zone, const char *zone_id)
{
	const json_t *value;
	const char   *key;
	json_t       *ret;
	size_t        i;

	if (json_is_string(from))
		return text_with(json_string_value(from), zone, zone_id);
	if (json_is_array(from)) {
		ret = json_array();
		json_array_foreach((json_t *)(uintptr_t)from, i, value)
			json_array_append_new(ret, fill(value, zone, zone_id));
		return ret;
	}
	if (!json_is_object(from))
		return json_deep_copy(from);
	ret = json_object();
	json_object_foreach((json_t *)(uintptr_t)from, key, value) {
		json_put(ret, key, fill(value, zone, zone_id));
	}
	return ret;
}

json_t *recipe_policy(const struct recipe *recipe, const char *zone, const char *zone_id)
{
	return recipe->policy != NULL ? fill(recipe->policy, zone, zone_id) : json_null();
}
