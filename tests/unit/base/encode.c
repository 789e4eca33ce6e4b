/* Unit tests of base/encode.h: the vectors of RFC 4648 section 10 and the strictness of the decoders. */
#include "base/encode.h"
#include "base/rand.h"
#include "test.h"

static const struct {
	const char *bytes, *b64, *base32, *hex;
} vectors[] = {
	{ "", "", "", "" },
	{ "f", "Zg==", "my", "66" },
	{ "fo", "Zm8=", "mzxq", "666f" },
	{ "foo", "Zm9v", "mzxw6", "666f6f" },
	{ "foob", "Zm9vYg==", "mzxw6yq", "666f6f62" },
	{ "fooba", "Zm9vYmE=", "mzxw6ytb", "666f6f6261" },
	{ "foobar", "Zm9vYmFy", "mzxw6ytboi", "666f6f626172" },
};

TEST(rfc4648)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct str bytes = str_c(vectors[i].bytes), back;
		char      *bare = arena_strdup(a, vectors[i].b64);

		CHECK_STR(b64_encode(a, bytes), vectors[i].b64);
		CHECK_STR(base32_encode(a, bytes), vectors[i].base32);
		CHECK_STR(hex_encode(a, bytes), vectors[i].hex);
		CHECK(b64_any_decode(a, str_c(vectors[i].b64), &back) && str_eq(back, bytes));
		CHECK(hex_decode(a, str_c(vectors[i].hex), &back) && str_eq(back, bytes));
		bare[strcspn(bare, "=")] = '\0';
		CHECK_STR(b64url_encode(a, bytes), bare);
		CHECK(b64url_decode(a, str_c(bare), &back) && str_eq(back, bytes));
		CHECK(b64_any_decode(a, str_c(bare), &back) && str_eq(back, bytes));
	}
}

TEST(alphabets)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str                      bytes = STR("\xfb\xff\xbf"), back;

	CHECK_STR(b64_encode(a, bytes), "+/+/");
	CHECK_STR(b64url_encode(a, bytes), "-_-_");
	CHECK(b64_any_decode(a, STR("+/+/"), &back) && str_eq(back, bytes));
	CHECK(b64_any_decode(a, STR("-_-_"), &back) && str_eq(back, bytes));
	CHECK(!b64_any_decode(a, STR("+/-_"), &back));
	CHECK(hex_decode(a, STR("0aFF"), &back) && str_eq(back, STR("\x0a\xff")));
}

TEST(strict)
{
	static const char *const bad_url[] = { "A", "AAAAA", "Zh", "Zm9=", "Zg==", "Zm9v\n", " Zg", "Zm+v", "Zm/v", "Zm.v",
		                               "AAB" };
	static const char *const bad_any[] = { "A", "Zg=", "Zg===", "=", "==", "====", "Zm9v=", "Zm9v==", "Zh==", "Z===",
		                               "Zm 9", "Zg==Zg==" };
	static const char *const bad_hex[] = { "0", "0g", "0x00", " 00", "00 " };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str                      ret = STR("untouched");

	for (size_t i = 0; i < ARRAY_LEN(bad_url); i++)
		CHECK(!b64url_decode(a, str_c(bad_url[i]), &ret));
	for (size_t i = 0; i < ARRAY_LEN(bad_any); i++)
		CHECK(!b64_any_decode(a, str_c(bad_any[i]), &ret));
	for (size_t i = 0; i < ARRAY_LEN(bad_hex); i++)
		CHECK(!hex_decode(a, str_c(bad_hex[i]), &ret));
	CHECK(str_eq(ret, STR("untouched")));
	CHECK(!b64url_decode(a, STR("Zg\0="), &ret));
}

TEST(there_and_back)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	char                            bytes[257];

	rand_bytes(bytes, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct str in = str_of(bytes, len), back;

		CHECK(b64url_decode(a, str_c(b64url_encode(a, in)), &back) && str_eq(back, in));
		CHECK(b64_any_decode(a, str_c(b64_encode(a, in)), &back) && str_eq(back, in));
		CHECK(hex_decode(a, str_c(hex_encode(a, in)), &back) && str_eq(back, in));
		CHECK_INT(strlen(base32_encode(a, in)), (len * 8 + 4) / 5);
	}
}

TEST(crc32)
{
	CHECK_INT(crc32_update(0, STR("123456789")), 0xcbf43926);
	CHECK_INT(crc32_update(crc32_update(0, STR("1234")), STR("56789")), 0xcbf43926);
	CHECK_INT(crc32_update(0, STR("")), 0);
}

TESTS(T(rfc4648), T(alphabets), T(strict), T(there_and_back), T(crc32))
