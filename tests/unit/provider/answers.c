/* Unit tests of provider/path.h and provider/xml.h. */
#include "provider/path.h"
#include "provider/xml.h"
#include "test.h"

TEST(paths)
{
	static const struct {
		const char *path, *first;
		size_t      count;
	} cases[] = {
		{ "", NULL, 1 },         { "/a/0/n", "x", 1 },    { "/a/*/n", "x", 3 },  { "/a/9", NULL, 0 },
		{ "/b/*/c", "true", 1 }, { "/b/c", "true", 1 },   { "/e~1f", "7", 1 },   { "/g~0", "1.5", 1 },
		{ "/a/n", NULL, 0 },     { "/h", NULL, 1 },       { "/nothing", NULL, 0 },
		{ "/a/**/n", "x", 3 },   { "/b/**", "true", 1 },  { "/**/c", "true", 1 },
	};
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(json_freep) json_t        *json = NULL;
	struct err                      err = { 0 };

	CHECK_OK(json_read(STR("{\"a\":[{\"n\":\"x\"},{\"n\":2},{\"n\":null}],\"b\":{\"c\":true},\"e/f\":7,\"g~\":1.5,\"h\":null}"), KIB, &json, &err),
	         err);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const json_t **found;
		const char    *first = path_first(a, json, cases[i].path);

		CHECK(path_valid(cases[i].path));
		CHECK_INT(path_select(a, json, cases[i].path, &found), cases[i].count);
		CHECK((first == NULL) == (cases[i].first == NULL));
		if (first != NULL)
			CHECK_STR(first, cases[i].first);
	}
	CHECK(!path_valid("a/b") && !path_valid("/a~2"));
}

TEST(xml)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "<a/>", "{\"a\":\"\"}" },
		{ "<?xml version=\"1.0\"?><!-- c --><a> x </a>\n", "{\"a\":\" x \"}" },
		{ "<n:a xmlns:n=\"u\"><n:b>1</n:b> <b>2</b><c/></n:a>", "{\"a\":{\"b\":[\"1\",\"2\"],\"c\":\"\"}}" },
		{ "<a k='v&amp;w'>t</a>", "{\"a\":{\"@k\":\"v&w\",\"#\":\"t\"}}" },
		{ "<a k=\"v\"/>", "{\"a\":{\"@k\":\"v\",\"#\":\"\"}}" },
		{ "<a>&lt;&#65;&#x42;&gt;<![CDATA[<&]]></a>", "{\"a\":\"<AB><&\"}" },
		{ "<a><b>1<!-- x --></b><?p q?></a>", "{\"a\":{\"b\":\"1\"}}" },
	};
	static const char *const bad[] = {
		"", "x", "<a>", "<a></b>", "<a b></a>", "<a b=c/>", "<a/><b/>", "<a/>x", "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "<a>&e;</a>",
		"<a>&#0;</a>", "<a>&#xD800;</a>", "<a x='1' x='2'/>", "<a b='<'/>", "<1/>", "<a>\xff</a>", "<a><!ENTITY x></a>", "<a b=\"1\"c=\"2\"/>",
		"<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p><q/></p></o></n></m></l></k></j></i></h></g></f></e></d></c></b></a>",
	};
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_freep) json_t *json = NULL;
		struct err               err = { 0 };

		CHECK_OK(xml_read(str_c(cases[i].text), &json, &err), err);
		CHECK_STR(json_write(a, json), cases[i].json);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_t    *json = NULL;
		struct err err = { 0 };

		CHECK(!xml_read(str_c(bad[i]), &json, &err));
		CHECK(json == NULL && err.class == ERR_INPUT && err.text[0] != '\0');
	}
}

TESTS(T(paths), T(xml))
