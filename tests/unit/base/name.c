/* Unit tests of base/name.h. */
#include "base/name.h"
#include "test.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define N253 L63 "." L63 "." L63 "." "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const bad[] = {
	"", ".", "..", "*", "*.", "*.*", "a..b", ".a", "a.", "-a.org", "a-.org", "a.-b", "*.*.org", "exa mple.org", "*.org",
	"a.*.org", "a*.org", "_acme-challenge.org", "a_b.org", "a/b", "a:80", "http://a.org", "a@b.org", "192.0.2.1", "1",
	"a.1", "[::1]", "::1", " a.org", "a.org ", "a\n.org", L63 "a.org", N253 "a", "*." N253, "ab--cd.org", "xn--.org",
	"xn--a.org", "xn--zzzzzzzzzzzzzzz9.org", "\xff.org", "\xc3.org", "a。", "ü_.org", "a\xe2\x80\x8b.b-\xe2\x80\x8b.org",
	/* U+002F full width, a lone combining mark, a right-to-left mess. */
	"a\xef\xbc\x8f.org", "\xcc\x81""a.org", "\xd7\x90""1a.org",
};

TEST(identifier_refuses)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct identifier id = { .value = "untouched" };
		struct err        err = { 0 };

		if (identifier_parse(str_c(bad[i]), &id, &err))
			print_error("accepted: %s\n", bad[i]);
		CHECK(err.class == ERR_INPUT && err.text[0] != '\0');
		CHECK_STR(err.problem, "invalid-name");
		CHECK_STR(id.value, "untouched");
	}
	CHECK(!identifier_parse(STR("a\0.org"), &(struct identifier){ 0 }, NULL));
}

TEST(identifier_normalises)
{
	static const struct {
		const char *in, *out, *base;
		bool        wildcard;
	} cases[] = {
		{ "example.com", "example.com", "example.com", false },
		{ "EXAMPLE.Com", "example.com", "example.com", false },
		{ "*.Example.com", "*.example.com", "example.com", true },
		{ "localhost", "localhost", "localhost", false },
		{ "bücher.example", "xn--bcher-kva.example", "xn--bcher-kva.example", false },
		{ "BÜCHER.example", "xn--bcher-kva.example", "xn--bcher-kva.example", false },
		{ "bu\xcc\x88""cher.example", "xn--bcher-kva.example", "xn--bcher-kva.example", false },
		{ "*.bücher.example", "*.xn--bcher-kva.example", "xn--bcher-kva.example", true },
		/* Non-transitional: ß stays a letter of its own. */
		{ "faß.de", "xn--fa-hia.de", "xn--fa-hia.de", false },
		{ "xn--fa-hia.de", "xn--fa-hia.de", "xn--fa-hia.de", false },
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example", "xn--bcher-kva.example", false },
		{ "例え.テスト", "xn--r8jz45g.xn--zckzah", "xn--r8jz45g.xn--zckzah", false },
		{ "例え。テスト", "xn--r8jz45g.xn--zckzah", "xn--r8jz45g.xn--zckzah", false },
		{ "1.2.3.4.example", "1.2.3.4.example", "1.2.3.4.example", false },
		{ "a--b.example", "a--b.example", "a--b.example", false },
		{ N253, N253, N253, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identifier id;
		struct err        err = { 0 };

		CHECK_OK(identifier_parse(str_c(cases[i].in), &id, &err), err);
		CHECK_STR(id.value, cases[i].out);
		CHECK_STR(identifier_base(&id), cases[i].base);
		CHECK_INT(id.wildcard, cases[i].wildcard);
	}
}

TEST(owner)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{ "_acme-challenge.Example.com.", "_acme-challenge.example.com" },
		{ "_acme-challenge.bücher.example", "_acme-challenge.xn--bcher-kva.example" },
		{ "d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example", "d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example" },
		{ "a_b.example", "a_b.example" },
		{ "ab--cd.example", "ab--cd.example" },
		{ "example", "example" },
	};
	static const char *const bad_owner[] = { "", ".", "..", "a..", "*.example.com", "a b", "-a.example", "a.1" };
	char                     name[NAME_SIZE] = "untouched";
	struct err               err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad_owner); i++) {
		CHECK(!owner_parse(str_c(bad_owner[i]), name, &err));
		CHECK_STR(name, "untouched");
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CHECK_OK(owner_parse(str_c(good[i].in), name, &err), err);
		CHECK_STR(name, good[i].out);
	}
}

TEST(zones)
{
	CHECK(name_in_zone("example.com", "example.com"));
	CHECK(name_in_zone("a.b.example.com", "example.com"));
	CHECK(!name_in_zone("notexample.com", "example.com"));
	CHECK(!name_in_zone("com", "example.com"));
	CHECK(!name_in_zone("example.com", ""));
}

TEST(challenge)
{
	char name[NAME_SIZE] = "untouched";

	CHECK(!name_challenge(N253, name));
	CHECK_STR(name, "untouched");
	CHECK(name_challenge("example.com", name));
	CHECK_STR(name, "_acme-challenge.example.com");
	CHECK(name_challenge(&N253[16], name));
	CHECK_INT(strlen(name), 253);
	CHECK(!name_challenge(&N253[15], name));
}

TEST(covered_by_a_wildcard)
{
	static const struct {
		const char *wild, *name;
		bool        covers;
	} cases[] = {
		{ "*.a.test", "www.a.test", true },   { "*.a.test", "a.test", false },       { "*.a.test", "x.www.a.test", false },
		{ "*.a.test", "*.a.test", false },    { "a.test", "a.test", false },         { "*.a.test", "www.b.test", false },
		{ "*.a.test", "xa.test", false },     { "*.www.a.test", "b.www.a.test", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identifier wild, name;

		CHECK(identifier_parse(str_c(cases[i].wild), &wild, NULL) && identifier_parse(str_c(cases[i].name), &name, NULL));
		CHECK_INT(identifier_covers(&wild, &name), cases[i].covers);
	}
}

TESTS(T(covered_by_a_wildcard), T(identifier_refuses), T(identifier_normalises), T(owner), T(zones), T(challenge))
