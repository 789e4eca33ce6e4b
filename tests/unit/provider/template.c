/* Unit tests of provider/template.h and provider/vars.h. */
#include "provider/template.h"
#include "test.h"

static void fill(struct vars *v, struct arena *a)
{
	*v = (struct vars){ .arena = a };
	vars_set(v, "name", STR("a b/c"));
	vars_set(v, "zone", STR("example.com"));
	vars_set(v, "sub", STR(""));
	vars_set(v, "now", STR("1440938160"));
	vars_set(v, "key", STR("key"));
	vars_set(v, "fox", STR("The quick brown fox jumps over the lazy dog"));
	vars_set(v, "xml", STR("<&\">"));
	vars_set(v, "five", STR("5"));
	vars_set(v, "doc", STR("{\"a\":[{\"b\":\"deep\"}]}"));
	vars_set_list(v, "none", 0);
	vars_set_list(v, "list", 2)->items[0] = STR("<a>");
	vars_find(v, STR("list"))->items[1] = STR("b");
}

TEST(renders)
{
	static const struct {
		const char           *text;
		enum template_context context;
		const char           *result;
	} cases[] = {
		{ "", TEMPLATE_TEXT, "" },
		{ "plain", TEMPLATE_URL, "plain" },
		{ "/z/{name}/x", TEMPLATE_URL, "/z/a%20b%2Fc/x" },
		{ "/z/{name|path}", TEMPLATE_URL, "/z/a%20b/c" },
		{ "{name}", TEMPLATE_TEXT, "a b/c" },
		{ "{{{zone}}}", TEMPLATE_TEXT, "{example.com}" },
		{ "{zone|dot} {zone|dot|dot}", TEMPLATE_TEXT, "example.com. example.com." },
		{ "{sub|or:@}|{none|or:x}|{none}|{zone|or:x}", TEMPLATE_TEXT, "@|x||example.com" },
		{ "{now|http-date}", TEMPLATE_TEXT, "Sun, 30 Aug 2015 12:36:00 GMT" },
		{ "<v>{xml}</v>", TEMPLATE_XML, "<v>&lt;&amp;&quot;&gt;</v>" },
		{ "{list|wrap:<v>,</v>}", TEMPLATE_XML, "<v>&lt;a&gt;</v><v>b</v>" },
		{ "{sub|wrap:a/,/}{zone|wrap:a/,/}", TEMPLATE_URL, "a/example.com/" },
		{ "{zone|quote}", TEMPLATE_TEXT, "\"example.com\"" },
		{ "{zone|upper} {zone|strip:exam}", TEMPLATE_TEXT, "EXAMPLE.COM ple.com" },
		/* RFC 2202 and FIPS 180 style vectors for the well-known sentence. */
		{ "{fox|hmac-md5:key|hex}", TEMPLATE_TEXT, "80070713463e7749b90c2dc24911e275" },
		{ "{fox|hmac-sha1:key|hex}", TEMPLATE_TEXT, "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9" },
		{ "{fox|hmac-sha256:key|hex}", TEMPLATE_TEXT, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8" },
		{ "{fox|md5|hex}", TEMPLATE_TEXT, "9e107d9d372bb6826bd81d3542a419d6" },
		{ "{fox|sha1|b64}", TEMPLATE_TEXT, "L9ThxnotKPzthJ7hu3bnORuT6xI=" },
		{ "{now|time:%Y%m%dT%H:%M:%SZ} {now|time:50%}", TEMPLATE_TEXT, "20150830T12:36:00Z 50%" },
		{ "{now|add:3600}", TEMPLATE_TEXT, "1440941760" },
		{ "[{name|only:five=5}][{name|only:five=6}][{name|only:sub=}]", TEMPLATE_TEXT, "[a b/c][][a b/c]" },
		{ "{zone|before:.} {zone|after:.} {zone|last:m} {zone|before:x.y}", TEMPLATE_TEXT, "example com  example.com" },
		{ "{zone|after:e|last:e}", TEMPLATE_TEXT, ".com" },
		{ "{doc|json:/a/0/b}", TEMPLATE_TEXT, "deep" },
		{ "{name|length} {sub|length}", TEMPLATE_TEXT, "5 0" },
		{ "{name|url}", TEMPLATE_TEXT, "a%20b%2Fc" },
	};
	AUTO(arena_freep) struct arena *a = arena_new();
	struct vars                     v;
	struct err                      err = { 0 };

	fill(&v, a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str out;

		CHECK_OK(template_check(cases[i].text, &v, &err), err);
		CHECK_OK(template_render(&v, cases[i].text, cases[i].context, &out, &err), err);
		CHECK_STR(out.ptr, cases[i].result);
	}
}

TEST(refuses)
{
	static const char *const bad[] = { "{", "}", "{}", "{name", "name}", "{nobody}", "{name|}", "{name|nothing}", "{name|hex:1}",
		                           "{name|or}", "{name|hmac-sha1:nobody}", "{name|hmac-sha1}", "{|hex}", "{a{b}}", "{name|only:nobody=1}",
		                           "{name|rsa-sha256:nobody}", "{name|time}" };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct vars                     v;

	fill(&v, a);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };

		CHECK(!template_check(bad[i], &v, &err));
		CHECK_STR(err.problem, "invalid-recipe");
	}
}

TEST(fails_while_rendering)
{
	static const char *const bad[] = { "{name|time:%Y}", "{name|add:1}", "{now|add:x}", "{name|json:/a}", "{doc|json:/none}",
		                           "{name|rsa-sha256:key}", "{name|int}" };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct vars                     v;

	fill(&v, a);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };
		struct str out;

		CHECK_OK(template_check(bad[i], &v, &err), err);
		CHECK(!template_render(&v, bad[i], TEMPLATE_TEXT, &out, &err));
		CHECK_INT(err.class, ERR_INPUT);
	}
}

TEST(secrets_make_secrets)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct vars                     v;

	fill(&v, a);
	vars_find(&v, STR("key"))->secret = true;
	CHECK(template_is_secret(&v, "x{key}") && template_is_secret(&v, "{fox|hmac-sha256:key|hex}"));
	CHECK(!template_is_secret(&v, "{fox|sha256}") && !template_is_secret(&v, "key"));
}

TEST(json)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(json_freep) json_t        *in = NULL;
	AUTO(json_freep) json_t        *out = NULL;
	AUTO(json_freep) json_t        *raw = json_pack("[{s:i}]", "id", 7);
	struct vars                     v;
	struct err                      err = { 0 };

	fill(&v, a);
	vars_find(&v, STR("list"))->json = raw;
	CHECK_OK(json_read(STR("{\"n\":\"{five|int}\",\"s\":\"{five}\",\"t\":\" {five|int}\",\"l\":\"{list}\",\"x\":[1,\"{xml}\",true]}"),
	                   KIB, &in, &err),
	         err);
	CHECK_OK(template_json_check(in, &v, &err), err);
	CHECK_OK(template_json_render(&v, in, &out, &err), err);
	CHECK_STR(json_write(a, out), "{\"n\":5,\"s\":\"5\",\"t\":\" 5\",\"l\":[{\"id\":7}],\"x\":[1,\"<&\\\">\",true]}");
}

TEST(redacts)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct vars                     v = { .arena = a };
	struct err                      err = { 0 };

	vars_set(&v, "token", STR("s3cr+t/x"))->secret = true;
	vars_set(&v, "short", STR("ab"))->secret = true;
	vars_set(&v, "plain", STR("visible"));
	err_set(&err, ERR_PERMANENT, "key s3cr+t/x in ?k=s3cr%%2Bt%%2Fx, twice s3cr+t/x; visible, ab");
	err_hint(&err, "not s3cr+t/x");
	vars_redact(&v, &err);
	CHECK_STR(err.text, "key *** in ?k=***, twice ***; visible, ab");
	CHECK_STR(err.hint, "not ***");
}

TESTS(T(renders), T(refuses), T(fails_while_rendering), T(secrets_make_secrets), T(json), T(redacts))
