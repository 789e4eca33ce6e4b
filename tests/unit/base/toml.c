/* Unit tests of base/toml.h. */
#include "base/toml.h"
#include "test.h"

TEST(reads_everything)
{
	static const char text[] =
		"# comment ü\r\n"
		"top = 'level'\n"
		"\n"
		"[server] # the HTTP listener\n"
		"  listen = \"127.0.0.1:8080\" # why\n"
		"threads=4\n"
		"negative = -7\n"
		"zero = 0\n"
		"tls = true\n"
		"\n"
		"[ resolver ]\n"
		"stub = [\n"
		"  \"example.test=127.53.0.1@5301\", # one\n"
		"  'literal\\n',\n"
		"]\n"
		"none = []\n"
		"off = false\n"
		"escapes = \"a\\tb\\\"\\\\\\u00fc\\U0001F600\\n\"";
	AUTO(arena_freep) struct arena *a = arena_new();
	struct toml                     toml;
	struct err                      err = { 0 };
	const struct toml_entry        *e;

	CHECK_OK(toml_parse(a, str_c(text), &toml, &err), err);
	CHECK_INT(toml.entries_count, 10);
	e = toml_find(&toml, "", "top");
	CHECK(e != NULL && e->type == TOML_STRING && e->line == 2 && e->column == 1);
	CHECK_STR(e->string, "level");
	e = toml_find(&toml, "server", "listen");
	CHECK(e != NULL && e->line == 5 && e->column == 3);
	CHECK_STR(e->string, "127.0.0.1:8080");
	e = toml_find(&toml, "server", "threads");
	CHECK(e != NULL && e->type == TOML_INTEGER && e->integer == 4);
	CHECK_INT(toml_find(&toml, "server", "negative")->integer, -7);
	CHECK_INT(toml_find(&toml, "server", "zero")->integer, 0);
	e = toml_find(&toml, "server", "tls");
	CHECK(e != NULL && e->type == TOML_BOOLEAN && e->boolean);
	e = toml_find(&toml, "resolver", "off");
	CHECK(e != NULL && e->type == TOML_BOOLEAN && !e->boolean);
	e = toml_find(&toml, "resolver", "stub");
	CHECK(e != NULL && e->type == TOML_ARRAY && e->items_count == 2);
	CHECK_STR(e->items[0], "example.test=127.53.0.1@5301");
	CHECK_STR(e->items[1], "literal\\n");
	CHECK_INT(toml_find(&toml, "resolver", "none")->items_count, 0);
	CHECK_STR(toml_find(&toml, "resolver", "escapes")->string, "a\tb\"\\ü😀\n");
	CHECK(toml_find(&toml, "server", "stub") == NULL);
	CHECK(!toml_refuse(e, &err, "\"%s\" is not known", e->key));
	CHECK_STR(err.text, "line 12, column 1: \"stub\" is not known");
}

TEST(refuses_with_the_place)
{
	static const struct {
		const char *text, *place;
	} cases[] = {
		{ "a", "line 1, column 2:" },
		{ "a =", "line 1, column 4:" },
		{ "a = b", "line 1, column 5:" },
		{ "a = 1 2", "line 1, column 7:" },
		{ "\n\na = \"x", "line 3, column 7:" },
		{ "a = 'x\n'", "line 1, column 7:" },
		{ "a = \"\"\"x\"\"\"", "line 1, column 6:" },
		{ "a = \"\\x\"", "line 1, column 7:" },
		{ "a = \"\\u0000\"", "line 1, column 12:" },
		{ "a = \"\\ud800\"", "line 1, column 12:" },
		{ "a = \"\\u12g4\"", "line 1, column 10:" },
		{ "a = \"\x01\"", "line 1, column 6:" },
		{ "a = '\xff'", "line 1, column 6:" },
		{ "# \x7f", "line 1, column 3:" },
		{ "a = 01", "line 1, column 7:" },
		{ "a = 1.5", "line 1, column 6:" },
		{ "a = 0x10", "line 1, column 6:" },
		{ "a = 1_000", "line 1, column 6:" },
		{ "a = 2026-11-22", "line 1, column 9:" },
		{ "a = 9223372036854775808", "line 1, column 24:" },
		{ "a = truex", "line 1, column 5:" },
		{ "a = [1]", "line 1, column 6:" },
		{ "a = ['x' 'y']", "line 1, column 10:" },
		{ "a = ['x',\n", "line 2, column 1:" },
		{ "a = [,]", "line 1, column 6:" },
		{ "a = {}", "line 1, column 5:" },
		{ "a.b = 1", "line 1, column 2:" },
		{ "\"a\" = 1", "line 1, column 1:" },
		{ "[a.b]", "line 1, column 3:" },
		{ "[[a]]", "line 1, column 2:" },
		{ "[a", "line 1, column 3:" },
		{ "[]", "line 1, column 2:" },
		{ "[a] b = 1", "line 1, column 5:" },
		{ "a = 1\na = 2", "line 2, column 1:" },
		{ "[a]\n[b]\n[a]\n", "line 3, column 3:" },
		{ "a = 1\rb = 2", "line 1, column 6:" },
	};
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct toml toml = { .entries_count = 99 };
		struct err  err = { 0 };

		if (toml_parse(a, str_c(cases[i].text), &toml, &err) ||
		    !str_starts(str_c(err.text), str_c(cases[i].place)))
			print_error("%s\n%s\n%s\n", cases[i].text, cases[i].place, err.text);
		CHECK(str_starts(str_c(err.text), str_c(cases[i].place)));
		CHECK_INT(err.class, ERR_INPUT);
		CHECK_INT(toml.entries_count, 99);
	}
}

TEST(same_key_in_other_sections)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct toml                     toml;
	struct err                      err = { 0 };

	CHECK_OK(toml_parse(a, STR("a=1\n[x]\na=2\n[y]\na=3"), &toml, &err), err);
	CHECK_INT(toml_find(&toml, "y", "a")->integer, 3);
	CHECK_OK(toml_parse(a, STR(""), &toml, &err), err);
	CHECK_INT(toml.entries_count, 0);
	CHECK(!toml_parse(a, STR("a\0=1"), &toml, &err));
}

TEST(bounded)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct toml                     toml;
	struct err                      err = { 0 };
	char                           *text = malloc(TOML_SIZE_MAX + 1);

	CHECK(text != NULL);
	memset(text, '\n', TOML_SIZE_MAX + 1);
	CHECK_OK(toml_parse(a, str_of(text, TOML_SIZE_MAX), &toml, &err), err);
	CHECK(!toml_parse(a, str_of(text, TOML_SIZE_MAX + 1), &toml, &err));
	free(text);
}

TESTS(T(reads_everything), T(refuses_with_the_place), T(same_key_in_other_sections), T(bounded))
