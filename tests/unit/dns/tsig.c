/* tests/unit/dns/tsig.c: the MACs of each algorithm (made with another implementation), and which answers count. */
#include "dns/tsig.h"

#include "base/encode.h"
#include "test.h"

#define NOW 1700000000

static const struct {
	const char      *text, *mac;
	enum hmac_digest algorithm;
} macs[] = {
	{ "hmac-sha1", "be6a41f6c5c33c269987d6eb5fccfaffa41187db", HMAC_SHA1 },
	{ "HMAC-SHA224.", "b2f46e5a399028c5035623df0e277c0b0670d9db2c072af10c93a1da", HMAC_SHA224 },
	{ "sha256", "fdbaa7db3a9208f16ecb92e086be85a415e184da77ff6981390673138b8ce55c", HMAC_SHA256 },
	{ "hmac-sha384", "d497adc1a4ec031137692f888cda15ffef37bda7458eaebdcc9091ff969f7d6aec004d4e470523c038bf50de5dac28bc", HMAC_SHA384 },
	{ "hmac-sha512",
	  "845afb574eccded4084f78bd3911eac48453de6778b9c81fc54890f6647efd656748c5919563f1c00f11abedfdb16c2e072965be8020f3306b15bcfedf58743d",
	  HMAC_SHA512 },
};

static void key_make(struct tsig_key *ret, enum hmac_digest algorithm)
{
	*ret = (struct tsig_key){ .algorithm = algorithm, .secret = STR("a secret of nobody") };
	CHECK(dns_name_parse(STR("Key.example"), &ret->name));
}

static size_t update(uint8_t *bytes, size_t max, uint16_t flags)
{
	struct dns_writer   w;
	struct dns_question q = { .type = DNS_SOA, .class = DNS_IN };

	CHECK(dns_name_parse(STR("example.com"), &q.name));
	dns_write_begin(&w, bytes, max, 0x1234, flags);
	dns_write_question(&w, &q);
	return w.len;
}

TEST(each_algorithm)
{
	for (size_t i = 0; i < ARRAY_LEN(macs); i++) {
		uint8_t          bytes[512];
		size_t           len = update(bytes, sizeof(bytes), DNS_UPDATE), at;
		struct arena    *a = arena_new();
		struct tsig_key  key;
		struct tsig_mac  mac;
		enum hmac_digest found;

		CHECK(tsig_algorithm_find(str_c(macs[i].text), &found) && found == macs[i].algorithm);
		key_make(&key, macs[i].algorithm);
		CHECK(tsig_sign(bytes, &len, sizeof(bytes), &key, NOW, &mac));
		CHECK_STR(hex_encode(a, str_of(mac.bytes, mac.len)), macs[i].mac);
		CHECK(dns_message_tail(str_of(bytes, len), &at));
		CHECK_INT(at, 12 + 13 + 4);
		arena_free(a);
	}
	enum hmac_digest ignored;
	CHECK(!tsig_algorithm_find(STR("hmac-md5"), &ignored));
	CHECK(!tsig_algorithm_find(STR(""), &ignored));
}

/* An answer as a server would sign it: its digest begins with the request's MAC. */
static size_t answer_make(uint8_t *bytes, size_t max, const struct tsig_key *key, const struct tsig_mac *request, int64_t time_s)
{
	uint8_t         whole[1024], digest[HMAC_SIZE_MAX];
	size_t          len = update(bytes, max, DNS_UPDATE | DNS_QR), plain = len, n;
	struct tsig_mac own;

	/* tsig_sign gives the record; its MAC is replaced by the one over more. */
	CHECK(tsig_sign(bytes, &len, max, key, time_s, &own));
	n = (size_t)(request->len >> 8 << 8 | request->len);
	whole[0] = (uint8_t)(n >> 8);
	whole[1] = (uint8_t)n;
	memcpy(whole + 2, request->bytes, n);
	n += 2;
	memcpy(whole + n, bytes, plain);
	whole[n + 11] = 0; /* ARCOUNT as before the record */
	n += plain;
	static const uint8_t head[] = "\003key\007example\0\0\377\0\0\0\0\013hmac-sha256";
	memcpy(whole + n, head, sizeof(head));
	n += sizeof(head);
	for (int shift = 40; shift >= 0; shift -= 8)
		whole[n++] = (uint8_t)(time_s >> shift);
	memcpy(whole + n, "\001\054\0\0\0\0", 6);
	n += 6;
	CHECK_INT(hmac(key->algorithm, key->secret, str_of(whole, n), digest), own.len);
	memcpy(bytes + len - 6 - own.len, digest, own.len);
	return len;
}

TEST(which_answers_count)
{
	uint8_t           bytes[512];
	struct arena     *a = arena_new();
	struct tsig_key   key, other;
	struct tsig_mac   request = { .len = 32, .bytes = "the MAC of the request, 32 bytes" }, another = { .len = 32 };
	struct tsig_check c;
	size_t            len;

	key_make(&key, HMAC_SHA256);
	len = answer_make(bytes, sizeof(bytes), &key, &request, NOW);
	tsig_check(a, str_of(bytes, len), &key, &request, NOW, &c);
	CHECK_INT(c.state, TSIG_GOOD);
	tsig_check(a, str_of(bytes, len), &key, &request, NOW + TSIG_FUDGE_S, &c);
	CHECK_INT(c.state, TSIG_GOOD);
	tsig_check(a, str_of(bytes, len), &key, &request, NOW + TSIG_FUDGE_S + 1, &c);
	CHECK_INT(c.state, TSIG_BAD);
	tsig_check(a, str_of(bytes, len), &key, &another, NOW, &c);
	CHECK_INT(c.state, TSIG_BAD);
	other = key;
	other.secret = STR("a secret of another");
	tsig_check(a, str_of(bytes, len), &other, &request, NOW, &c);
	CHECK_INT(c.state, TSIG_BAD);
	other = key;
	CHECK(dns_name_parse(STR("other.example"), &other.name));
	tsig_check(a, str_of(bytes, len), &other, &request, NOW, &c);
	CHECK_INT(c.state, TSIG_BAD);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 1;
		tsig_check(a, str_of(bytes, len), &key, &request, NOW, &c);
		/* The id is the one that the record repeats. The case of the key's name does not matter. */
		CHECK(i < 2 || c.state != TSIG_GOOD);
		bytes[i] ^= 1;
	}
	len = update(bytes, sizeof(bytes), DNS_UPDATE | DNS_QR);
	tsig_check(a, str_of(bytes, len), &key, &request, NOW, &c);
	CHECK_INT(c.state, TSIG_NONE);
	arena_free(a);
}

TESTS(T(each_algorithm), T(which_answers_count))
