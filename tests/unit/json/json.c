/* Unit tests of json/json.h. */
#include "base/buf.h"
#include "json/json.h"
#include "test.h"

#define SIZE_LIMIT (4 * MIB)

static bool reads(struct str text, struct err *err)
{
	json_t *json = NULL;
	bool    ok = json_read(text, SIZE_LIMIT, &json, err);

	CHECK(ok == (json != NULL));
	json_freep(&json);
	return ok;
}

TEST(read_and_write)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(json_freep) json_t        *json = NULL;
	struct err                      err = { 0 };

	CHECK_OK(json_read(STR(" {\"b\": [1, true, null, \"\\u00fc\\n\"], \"a\": {}} "), 100, &json, &err), err);
	CHECK_STR(json_write(a, json), "{\"b\":[1,true,null,\"ü\\n\"],\"a\":{}}");
	CHECK_STR(json_write_pretty(a, json),
	          "{\n  \"b\": [\n    1,\n    true,\n    null,\n    \"ü\\n\"\n  ],\n  \"a\": {}\n}\n");
}

TEST(refuses_with_the_place)
{
	static const struct {
		struct str  text;
		const char *place;
	} cases[] = {
		{ STR(""), "line 1, column 1:" },
		{ STR("{\"a\": 1,\n \"a\": 2}"), "line 2, column " },
		{ STR("{\n\n  \"a\": x}"), "line 3, column " },
		{ STR("[\"a\\u0000b\"]"), "line 1, column " },
		{ STR("[\"a\0b\"]"), "line 1, column " },
		{ STR("[1]x"), "line 1, column " },
		{ STR("\"text\""), "line 1, column " },
		{ STR("[\"\xff\"]"), "line 1, column " },
		{ STR("[\"\\ud800\"]"), "line 1, column " },
		{ STR("[\n\"ü\", 9007199254740993]"), "line 2, column 6:" },
		{ STR("[-9007199254740993]"), "line 1, column 2:" },
		{ STR("[99999999999999999999999]"), "line 1, column 2:" },
		{ STR("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"), "line 1, column 17:" },
		{ STR("[01]"), "line 1, column " },
		{ STR("[1,]"), "line 1, column " },
		{ STR("{'a':1}"), "line 1, column " },
		{ STR("{\"a"), "line 1, column " },
		{ STR("{\"a\\"), "line 1, column " },
		{ STR("{\"a\\u00"), "line 1, column " },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };

		CHECK(!reads(cases[i].text, &err));
		if (!str_starts(str_c(err.text), str_c(cases[i].place)))
			print_error("case %zu: %s\n", i, err.text);
		CHECK(str_starts(str_c(err.text), str_c(cases[i].place)));
		CHECK_STR(err.problem, "invalid-json");
		CHECK_INT(err.class, ERR_INPUT);
	}
}

/* `count` times `piece` between `before` and `after`. */
static struct buf repeat(const char *before, const char *piece, size_t count, const char *after)
{
	struct buf b;

	buf_init(&b, SIZE_LIMIT);
	buf_add_c(&b, before);
	for (size_t i = 0; i < count; i++)
		buf_add_c(&b, piece);
	buf_add_c(&b, after);
	CHECK(!b.failed);
	return b;
}

TEST(bounds)
{
	static const struct {
		const char *before, *piece, *after;
		size_t      fits;
	} cases[] = {
		{ "[0", ",1", "]", JSON_VALUES_MAX - 2 },
		{ "[{}", ",{\"a\":1}", "]", (JSON_VALUES_MAX - 2) / 2 },
		{ "[\"", "x", "\"]", JSON_STRING_MAX },
		{ "[\"", "\\n", "\"]", JSON_STRING_MAX },
		{ "[\"x", "\\u20ac", "\"]", JSON_STRING_MAX / 3 },
		{ "[\"", "\\ud83d\\ude00", "\"]", JSON_STRING_MAX / 4 },
		{ "{\"", "k", "\":1}", JSON_KEY_MAX },
	};
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = repeat(cases[i].before, cases[i].piece, cases[i].fits, cases[i].after);

		CHECK_OK(reads(buf_str(&b), &err), err);
		buf_clear(&b);
		b = repeat(cases[i].before, cases[i].piece, cases[i].fits + 1, cases[i].after);
		CHECK(!reads(buf_str(&b), &err));
		buf_clear(&b);
	}
	CHECK(reads(STR("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"), &err));
	CHECK(reads(STR("[9007199254740992, -9007199254740992, 1.5e300, 0, -0]"), &err));
	CHECK(!json_read(STR("[1]"), 2, &(json_t *){ NULL }, &err));
	CHECK_STR(err.problem, "too-large");
}

struct request {
	const char         *name;
	struct json_strings names;
	bool                staging, staging_given;
	int64_t             days;
	const json_t       *settings, *anything;
};

static const struct json_field fields[] = {
	{ JSON_FIELD(struct request, name, STR), .required = true },
	{ JSON_FIELD(struct request, names, STR_ARRAY) },
	{ JSON_FIELD(struct request, staging, BOOL), .present = offsetof(struct request, staging_given) + 1 },
	{ JSON_FIELD(struct request, days, INT) },
	{ JSON_FIELD(struct request, settings, OBJECT) },
	{ JSON_FIELD(struct request, anything, ANY) },
};

static bool bind(struct arena *a, const char *text, bool refuse_unknown, struct request *ret, struct err *err)
{
	json_t *json = NULL;
	bool    ok;

	CHECK_OK(json_read(str_c(text), SIZE_LIMIT, &json, err), *err);
	ok = json_bind(a, json, fields, ARRAY_LEN(fields), refuse_unknown, ret, err);
	json_freep(&json);
	return ok;
}

TEST(binds)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct request                  r = { .days = 30 };
	struct err                      err = { 0 };

	CHECK_OK(bind(a, "{\"name\":\"x\",\"names\":[\"a\",\"b\"],\"staging\":false,\"anything\":null}", true, &r, &err), err);
	CHECK_STR(r.name, "x");
	CHECK_INT(r.names.count, 2);
	CHECK_STR(r.names.items[1], "b");
	CHECK(!r.staging && r.staging_given && r.anything != NULL);
	CHECK_INT(r.days, 30);
	r = (struct request){ .days = 30 };
	CHECK_OK(bind(a, "{\"name\":\"x\",\"days\":-5,\"staging\":null,\"names\":[],\"other\":1}", false, &r, &err), err);
	CHECK_INT(r.days, -5);
	CHECK(!r.staging_given && r.names.count == 0 && r.names.items != NULL);
}

TEST(bind_refuses)
{
	static const struct {
		const char *text, *problem, *says;
	} cases[] = {
		{ "{}", "invalid-request", "\"name\" is missing; it must be a string" },
		{ "{\"name\":null}", "invalid-request", "\"name\" is missing; it must be a string" },
		{ "{\"name\":1}", "invalid-request", "\"name\" must be a string" },
		{ "{\"name\":\"x\",\"names\":\"a\"}", "invalid-request", "\"names\" must be an array of strings" },
		{ "{\"name\":\"x\",\"names\":[\"a\",1]}", "invalid-request", "\"names\" must be an array of strings" },
		{ "{\"name\":\"x\",\"staging\":0}", "invalid-request", "\"staging\" must be true or false" },
		{ "{\"name\":\"x\",\"days\":1.5}", "invalid-request", "\"days\" must be an integer" },
		{ "{\"name\":\"x\",\"settings\":[]}", "invalid-request", "\"settings\" must be an object" },
		{ "{\"name\":\"x\",\"nmaes\":[]}", "unknown-member", "\"nmaes\" is not a known member" },
		{ "[]", "invalid-request", "an object is expected here" },
	};
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request r = { .name = "untouched" };
		struct err     err = { 0 };

		CHECK(!bind(a, cases[i].text, true, &r, &err));
		CHECK_STR(err.problem, cases[i].problem);
		CHECK_STR(err.text, cases[i].says);
		CHECK_INT(err.class, ERR_INPUT);
		CHECK_STR(r.name, "untouched");
		CHECK(r.names.items == NULL);
	}
}

TEST(bind_refuses_nul)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(json_freep) json_t        *json = json_object();
	struct request                  r = { 0 };
	struct err                      err = { 0 };

	json_put(json, "name", json_stringn("a\0b", 3));
	CHECK(!json_bind(a, json, fields, ARRAY_LEN(fields), true, &r, &err));
	CHECK(json_str(json, "name") == NULL);
}

TEST(getters_and_setters)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(json_freep) json_t        *json = json_object();

	json_put_str(json, "s", "text");
	json_put_str(json, "null", NULL);
	json_put_str(json, "bytes", "a\xff");
	json_put_int(json, "i", INT64_C(-5000000000));
	json_put_bool(json, "b", true);
	CHECK_STR(json_str(json, "s"), "text");
	CHECK_STR(json_str(json, "bytes"), "a?");
	CHECK(json_str(json, "null") == NULL && json_str(json, "i") == NULL && json_str(json, "x") == NULL);
	CHECK(json_str(NULL, "x") == NULL);
	CHECK_INT(json_int(json, "i", 1), INT64_C(-5000000000));
	CHECK_INT(json_int(json, "s", 1), 1);
	CHECK(json_bool(json, "b", false) && json_bool(json, "s", true));
	CHECK_STR(json_write(a, json), "{\"s\":\"text\",\"null\":null,\"bytes\":\"a?\",\"i\":-5000000000,\"b\":true}");
}

TESTS(T(read_and_write), T(refuses_with_the_place), T(bounds), T(binds), T(bind_refuses), T(bind_refuses_nul),
      T(getters_and_setters))
