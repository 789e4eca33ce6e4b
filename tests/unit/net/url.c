/* tests/unit/net/url.c: what is read out of a URL, and what is no URL. */
#include "test.h"

#include "net/url.h"

TEST(url_reads)
{
	static const struct {
		const char *text, *host, *target, *origin;
		unsigned    port;
		bool        https, ip4, ip6;
	} rows[] = {
		{ "https://acme.example/directory", "acme.example", "/directory", "acme.example", 443, true, 0, 0 },
		{ "HTTPS://ACME.Example:14000/Dir?a=B/c", "acme.example", "/Dir?a=B/c", "acme.example:14000", 14000, true, 0, 0 },
		{ "http://localhost", "localhost", "", "localhost", 80, false, 0, 0 },
		{ "http://localhost:443", "localhost", "", "localhost:443", 443, false, 0, 0 },
		{ "https://a?b@c", "a", "?b@c", "a", 443, true, 0, 0 },
		{ "https://127.0.0.1:1/", "127.0.0.1", "/", "127.0.0.1:1", 1, true, true, 0 },
		{ "https://[::FFFF:1.2.3.4]:65535/x", "::ffff:1.2.3.4", "/x", "[::ffff:1.2.3.4]:65535", 65535, true, 0, true },
		{ "https://xn--bcher-kva.example/%41../..", "xn--bcher-kva.example", "/%41../..", "xn--bcher-kva.example", 443,
		  true, 0, 0 },
		{ "https://1.example/", "1.example", "/", "1.example", 443, true, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct url url;
		struct err err = { 0 };
		char       origin[URL_ORIGIN_SIZE], host[URL_HOST_SIZE];

		CHECK_OK(url_parse(str_c(rows[i].text), &url, &err), err);
		CHECK_STR(url.host, rows[i].host);
		CHECK(str_eq(url.target, str_c(rows[i].target)));
		CHECK_INT(url.port, rows[i].port);
		CHECK(url.https == rows[i].https && url.ip4 == rows[i].ip4 && url.ip6 == rows[i].ip6);
		CHECK_STR(url_origin(&url, origin), rows[i].origin);
		CHECK(url_host(str_c(rows[i].text), host));
		CHECK_STR(host, rows[i].host);
		CHECK(url_parse_https(str_c(rows[i].text), &url, &err) == rows[i].https);
	}
}

static const char *const bad[] = {
	"", "https", "https://", "https:///x", "https:/a", "//a/b", "/a", "ftp://a/", "file:///etc/passwd", "gopher://a/",
	"javascript:alert(1)", "https://u@a/", "https://u:p@a/", "https://a@b@c/", "https://a/#f", "https://a#f",
	"https://a?#", "https://a b/", "https://a/b c", " https://a/", "https://a/ ", "https://a/\t", "https://a/\r\nX: y",
	"https://a/\x01", "https://a/\x7f", "https://a/\xc3\xa9", "https://b\xc3\xbc\x63her.example/", "https://a\\@b/",
	"https://a/\\", "https://a/<", "https://a/%", "https://a/%2", "https://a/%g0", "https://a:/", "https://a:0/",
	"https://a:65536/", "https://a:080/", "https://a:1:2/", "https://a:x/", "https://a:+1/", "https://a./", "https://.a/",
	"https://a..b/", "https://-a/", "https://a-/", "https://a_b/", "https://*/", "https://127.1/", "https://0177.0.0.1/",
	"https://0x7f.0.0.1/", "https://2130706433/", "https://0x7f000001/", "https://127.0.0.0x1/", "https://1.2.3.4.5/",
	"https://256.1.1.1/", "https://127.0.0.01/", "https://[::1/", "https://[]/", "https://[::1]x/", "https://[::1]:/",
	"https://[fe80::1%25eth0]/", "https://[1.2.3.4]/", "https://::1/", "https://[::g]/", "http:\\\\a/",
};

TEST(url_refuses)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct url url = { .host = "untouched" };
		struct err err = { 0 };

		if (url_parse(str_c(bad[i]), &url, &err))
			print_error("accepted: %s\n", bad[i]);
		CHECK(err.class == ERR_INPUT && err.text[0] != '\0');
		CHECK_STR(err.problem, "invalid-request");
		CHECK_STR(url.host, "untouched");
	}
	CHECK(!url_parse(STR("https://a\0b/"), &(struct url){ 0 }, NULL));
	CHECK(!url_parse(STR("https://a/\0"), &(struct url){ 0 }, NULL));
	CHECK(!url_parse(STR("https://[::1\0]/"), &(struct url){ 0 }, NULL));
}

TEST(url_length)
{
	char       text[URL_MAX + 2] = "https://a/";
	struct url url;
	struct err err = { 0 };

	memset(text + 10, 'x', URL_MAX + 1 - 10);
	CHECK_OK(url_parse(str_of(text, URL_MAX), &url, &err), err);
	CHECK(!url_parse(str_of(text, URL_MAX + 1), &url, &err));

	/* A host of 253 bytes, and one more. */
	memset(text, 'h', sizeof(text));
	memcpy(text, "https://", 8);
	for (size_t i = 63; i < 253; i += 64)
		text[8 + i] = '.';
	CHECK_OK(url_parse(str_of(text, 8 + 253), &url, &err), err);
	CHECK_INT(strlen(url.host), 253);
	CHECK(!url_parse(str_of(text, 8 + 254), &url, &err));
}

TESTS(T(url_reads), T(url_refuses), T(url_length))
