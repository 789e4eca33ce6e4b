/* tests/unit/net/address.c: the address policy, each range at its first and last address and just outside. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "test.h"

#include "net/address.h"

static const struct sockaddr *address(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in  in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
		memcpy(ret, &in4, sizeof(in4));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(ret, &in6, sizeof(in6));
	else
		fail_msg("%s", text);
	return (struct sockaddr *)ret;
}

static const struct {
	const char *text;
	bool        public;
} rows[] = {
	{ "0.0.0.0", false }, { "0.255.255.255", false }, { "1.0.0.0", true }, { "8.8.8.8", true },
	{ "9.255.255.255", true }, { "10.0.0.0", false }, { "10.255.255.255", false }, { "11.0.0.0", true },
	{ "100.63.255.255", true }, { "100.64.0.0", false }, { "100.127.255.255", false }, { "100.128.0.0", true },
	{ "126.255.255.255", true }, { "127.0.0.0", false }, { "127.0.0.1", false }, { "127.255.255.255", false },
	{ "128.0.0.0", true }, { "169.253.255.255", true }, { "169.254.0.0", false }, { "169.254.169.254", false },
	{ "169.254.255.255", false }, { "169.255.0.0", true }, { "172.15.255.255", true }, { "172.16.0.0", false },
	{ "172.31.255.255", false }, { "172.32.0.0", true }, { "191.255.255.255", true }, { "192.0.0.192", false },
	{ "192.0.1.0", true }, { "192.88.99.1", false }, { "192.167.255.255", true }, { "192.168.0.0", false },
	{ "192.168.255.255", false }, { "192.169.0.0", true }, { "198.17.255.255", true }, { "198.18.0.0", false },
	{ "198.19.255.255", false }, { "198.20.0.0", true }, { "223.255.255.255", true }, { "224.0.0.0", false },
	{ "239.255.255.255", false }, { "240.0.0.0", false }, { "255.255.255.255", false },

	{ "::", false }, { "::1", false }, { "::2", false }, { "::8.8.8.8", false }, { "::ffff:8.8.8.8", false },
	{ "::ffff:127.0.0.1", false }, { "::ffff:0:8.8.8.8", false }, { "64:ff9b::8.8.8.8", false },
	{ "64:ff9b:1::1", false }, { "100::1", false }, { "1fff:ffff::", false }, { "2001::1", false },
	{ "2001:1ff:ffff::", false }, { "2001:200::", true }, { "2001:4860:4860::8888", true }, { "2002:808:808::1", false },
	{ "2003::1", true }, { "2606:4700::1", true }, { "2a00::1", true }, { "3fff:ffff::1", true }, { "4000::1", false },
	{ "fbff::1", false }, { "fc00::1", false }, { "fd00::1", false }, { "fe80::1", false }, { "febf::1", false },
	{ "fec0::1", false }, { "ff02::1", false },
};

TEST(address_policy)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sockaddr_storage storage;
		const struct sockaddr  *a = address(rows[i].text, &storage);
		struct err              err = { 0 };
		char                    shown[ADDRESS_SIZE];
		struct cidr             self;

		if ((address_kind(a) == NULL) != rows[i].public)
			print_error("%s\n", rows[i].text);
		CHECK((address_kind(a) == NULL) == rows[i].public);
		CHECK(address_check(a, NULL, 0, &err) == rows[i].public);
		address_write(a, shown);
		if (!rows[i].public) {
			CHECK_INT(err.class, ERR_CONFIG);
			CHECK_STR(err.problem, "address-refused");
			CHECK(strstr(err.text, shown) != NULL && strstr(err.hint, shown) != NULL);
		}
		/* Exactly this address lifts the refusal. */
		CHECK_OK(cidr_parse(str_c(rows[i].text), &self, &err), err);
		CHECK(address_check(a, &self, 1, &err));
	}
	CHECK(address_kind(&(struct sockaddr){ .sa_family = AF_UNIX }) != NULL);
}

TEST(cidr_reads)
{
	static const char *const good[][2] = {
		{ "127.0.0.1", "127.0.0.1/32" }, { "127.0.0.0/8", "127.0.0.0/8" }, { "0.0.0.0/0", "0.0.0.0/0" },
		{ "10.128.0.0/9", "10.128.0.0/9" }, { "::/0", "::/0" }, { "FD00::/8", "fd00::/8" }, { "::1", "::1/128" },
		{ "2001:db8:8000::/33", "2001:db8:8000::/33" },
	};
	static const char *const wrong[] = {
		"", "/", "/8", "127.0.0.1/", "127.0.0.1/33", "127.0.0.1/8", "127.0.0.1/-1", "127.0.0.1/08", "127.0.0.1/ 8",
		"127.1/8", "localhost", "::1/129", "::1/64", "fd00::1/8", "[::1]/128", "127.0.0.1/32/32", "127.0.0.1x",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd/128",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct cidr cidr;
		struct err  err = { 0 };
		char        text[CIDR_SIZE];

		CHECK_OK(cidr_parse(str_c(good[i][0]), &cidr, &err), err);
		CHECK_STR(cidr_write(&cidr, text), good[i][1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct cidr cidr = { .prefix = 77 };
		struct err  err = { 0 };

		if (cidr_parse(str_c(wrong[i]), &cidr, &err))
			print_error("accepted: %s\n", wrong[i]);
		CHECK_INT(err.class, ERR_INPUT);
		CHECK_INT(cidr.prefix, 77);
	}
}

TEST(cidr_bounds)
{
	struct sockaddr_storage s;
	struct cidr             c;

	CHECK(cidr_parse(STR("10.4.0.0/14"), &c, NULL));
	CHECK(!cidr_contains(&c, address("10.3.255.255", &s)));
	CHECK(cidr_contains(&c, address("10.4.0.0", &s)));
	CHECK(cidr_contains(&c, address("10.7.255.255", &s)));
	CHECK(!cidr_contains(&c, address("10.8.0.0", &s)));
	CHECK(!cidr_contains(&c, address("::ffff:10.4.0.0", &s)));
	CHECK(cidr_parse(STR("0.0.0.0/0"), &c, NULL));
	CHECK(!cidr_contains(&c, address("::1", &s)));
}

TESTS(T(address_policy), T(cidr_reads), T(cidr_bounds))
