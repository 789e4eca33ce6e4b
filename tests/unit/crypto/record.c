/* tests/unit/crypto/record.c: a record opens where it was sealed and nowhere else. */
#include "test.h"

#include "crypto/record.h"

#define INSTANCE "01890a5d-ac96-774b-bcce-b302099a8057"

static const struct record_id here = { "project-1", "accounts.key_blob", "row-1", 7 };

TEST(record_round_trip)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(secret_freep) struct secret *key = secret_random(32);
	AUTO(secret_freep) struct secret *plain = NULL;
	AUTO(secret_freep) struct secret *none = NULL;
	struct str blob, again;
	uint64_t   key_id = 0;
	struct err err = { 0 };

	CHECK_OK(record_seal(key, 3, INSTANCE, &here, STR("a private key"), a, &blob, &err), err);
	CHECK_INT(blob.len, 13 + RECORD_OVERHEAD);
	CHECK(record_key_id(blob, &key_id, &err) && key_id == 3);
	CHECK_OK(record_open(key, 3, INSTANCE, &here, blob, &plain, &err), err);
	CHECK(str_eq(secret_str(plain), STR("a private key")));
	/* The nonce is new each time. */
	CHECK_OK(record_seal(key, 3, INSTANCE, &here, STR("a private key"), a, &again, &err), err);
	CHECK(!str_eq(blob, again));
	CHECK_OK(record_seal(key, 3, INSTANCE, &here, str_of(NULL, 0), a, &again, &err), err);
	CHECK_OK(record_open(key, 3, INSTANCE, &here, again, &none, &err), err);
	CHECK(secret_len(none) == 0);
}

TEST(record_elsewhere)
{
	/* Each differs from `here` in one way; the last ones move a byte between neighbours. */
	static const struct record_id elsewhere[] = {
		{ "project-2", "accounts.key_blob", "row-1", 7 }, { "project-1", "versions.key_blob", "row-1", 7 },
		{ "project-1", "accounts.key_blob", "row-2", 7 }, { "project-1", "accounts.key_blob", "row-1", 8 },
		{ "project-1", "accounts.key_blob", "row-1", 6 }, { "project-1a", "ccounts.key_blob", "row-1", 7 },
		{ "project-1", "accounts.key_blo", "brow-1", 7 }, { "", "project-1accounts.key_blob", "row-1", 7 },
	};
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(secret_freep) struct secret *key = secret_random(32);
	AUTO(secret_freep) struct secret *other = secret_random(32);
	struct secret *plain = NULL;
	struct str     blob;
	struct err     err = { 0 };

	CHECK_OK(record_seal(key, 3, INSTANCE, &here, STR("a private key"), a, &blob, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
		err = (struct err){ 0 };
		CHECK(!record_open(key, 3, INSTANCE, &elsewhere[i], blob, &plain, &err));
		CHECK_STR(err.problem, "tampered");
		CHECK(err.class == ERR_PERMANENT);
	}
	CHECK(!record_open(key, 4, INSTANCE, &here, blob, &plain, &err));
	CHECK(!record_open(other, 3, INSTANCE, &here, blob, &plain, &err));
	CHECK(!record_open(key, 3, "other", &here, blob, &plain, &err));
	CHECK(plain == NULL);
}

TEST(record_bits)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(secret_freep) struct secret *key = secret_random(32);
	struct secret *plain = NULL;
	struct str     blob;
	struct err     err = { 0 };

	CHECK_OK(record_seal(key, 3, INSTANCE, &here, STR("a private key"), a, &blob, &err), err);
	for (size_t bit = 0; bit < 8 * blob.len; bit++) {
		char *copy = arena_str(a, blob);

		copy[bit / 8] ^= (char)(1 << bit % 8);
		CHECK(!record_open(key, 3, INSTANCE, &here, str_of(copy, blob.len), &plain, &err));
	}
	for (size_t len = 0; len < blob.len; len++)
		CHECK(!record_open(key, 3, INSTANCE, &here, str_of(blob.ptr, len), &plain, &err));
	CHECK(plain == NULL);
}

TEST(record_bounds)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(secret_freep) struct secret *key = secret_random(32);
	AUTO(secret_freep) struct secret *plain = secret_new(RECORD_MAX + 1);
	struct record_id negative = here;
	struct str       blob;
	struct err       err = { 0 };
	char             name[257];

	CHECK_OK(record_seal(key, 3, INSTANCE, &here, str_of(secret_ptr(plain), RECORD_MAX), a, &blob, &err), err);
	CHECK(!record_seal(key, 3, INSTANCE, &here, secret_str(plain), a, &blob, &err));
	negative.row_version = -1;
	CHECK(!record_seal(key, 3, INSTANCE, &negative, STR("x"), a, &blob, &err));
	memset(name, 'x', 256);
	name[256] = '\0';
	CHECK(!record_seal(key, 3, name, &here, STR("x"), a, &blob, &err));
	name[255] = '\0';
	CHECK_OK(record_seal(key, 3, name, &here, STR("x"), a, &blob, &err), err);
}

TEST(padding)
{
	static const size_t lens[] = { 0, 1, 59, 60, 61, 124, 125, 1000 };
	static const char   bytes[1000] = "secret";

	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		AUTO(secret_freep) struct secret *padded = record_pad(str_of(bytes, lens[i]));
		AUTO(secret_freep) struct secret *plain = NULL;
		struct secret *bad = NULL;
		struct err     err = { 0 };

		CHECK(secret_len(padded) % 64 == 0 && secret_len(padded) < lens[i] + 4 + 64);
		CHECK_OK(record_unpad(padded, &plain, &err), err);
		CHECK(str_eq(secret_str(plain), str_of(bytes, lens[i])));
		if (secret_len(padded) > lens[i] + 4) {
			secret_ptr(padded)[secret_len(padded) - 1] = 1;
			CHECK(!record_unpad(padded, &bad, &err));
		}
		secret_ptr(padded)[0] = 0xff;
		CHECK(!record_unpad(padded, &bad, &err));
	}
}

TEST(wraps)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(secret_freep) struct secret *seal = secret_random(32);
	AUTO(secret_freep) struct secret *other = secret_random(32);
	AUTO(secret_freep) struct secret *key = secret_random(32);
	AUTO(secret_freep) struct secret *opened = NULL;
	struct secret *none = NULL;
	struct str     wrap;
	struct err     err = { 0 };

	CHECK_OK(key_wrap(seal, 1, INSTANCE, "p", "project", key, a, &wrap, &err), err);
	CHECK_INT(wrap.len, WRAP_SIZE);
	CHECK_OK(key_unwrap(seal, 1, INSTANCE, "p", "project", wrap, &opened, &err), err);
	CHECK(ct_equal(secret_ptr(key), secret_ptr(opened), 32));

	CHECK(!key_unwrap(other, 1, INSTANCE, "p", "project", wrap, &none, &err));
	CHECK_STR(err.problem, "sealed");
	CHECK(err.class == ERR_CONFIG);
	CHECK(!key_unwrap(seal, 2, INSTANCE, "p", "project", wrap, &none, &err));
	CHECK(!key_unwrap(seal, 1, "other", "p", "project", wrap, &none, &err));
	CHECK_STR(err.problem, "tampered");
	CHECK(!key_unwrap(seal, 1, INSTANCE, "q", "project", wrap, &none, &err));
	CHECK(!key_unwrap(seal, 1, INSTANCE, "p", "root", wrap, &none, &err));
	for (size_t bit = 0; bit < 8 * wrap.len; bit++) {
		char *copy = arena_str(a, wrap);

		copy[bit / 8] ^= (char)(1 << bit % 8);
		CHECK(!key_unwrap(seal, 1, INSTANCE, "p", "project", str_of(copy, wrap.len), &none, &err));
	}
	CHECK(none == NULL);
}

static void mac_of(const struct secret *key, const char *table, const char *name, const char *value, int64_t version,
                   uint8_t ret[static ROW_MAC_SIZE])
{
	struct buf b;

	buf_init(&b, 1024);
	row_text(&b, name, str_c(value));
	row_mac(key, table, buf_str(&b), version, ret);
	buf_clear(&b);
}

TEST(row_macs)
{
	AUTO(secret_freep) struct secret *key = secret_random(32);
	AUTO(secret_freep) struct secret *other = secret_random(32);
	uint8_t    mac[ROW_MAC_SIZE], again[ROW_MAC_SIZE];
	struct buf b, c;

	mac_of(key, "tokens", "role", "viewer", 1, mac);
	mac_of(key, "tokens", "role", "viewer", 1, again);
	CHECK(memcmp(mac, again, sizeof(mac)) == 0);
	mac_of(key, "tokens", "role", "viewer", 2, again);
	CHECK(memcmp(mac, again, sizeof(mac)) != 0);
	mac_of(key, "token", "srole", "viewer", 1, again);
	CHECK(memcmp(mac, again, sizeof(mac)) != 0);
	mac_of(key, "tokens", "rol", "eviewer", 1, again);
	CHECK(memcmp(mac, again, sizeof(mac)) != 0);
	mac_of(other, "tokens", "role", "viewer", 1, again);
	CHECK(memcmp(mac, again, sizeof(mac)) != 0);

	/* Text, bytes, null and a number of the same bytes differ. */
	buf_init(&b, 1024);
	buf_init(&c, 1024);
	row_text(&b, "x", STR(""));
	row_null(&c, "x");
	CHECK(!str_eq(buf_str(&b), buf_str(&c)));
	buf_reset(&b);
	buf_reset(&c);
	row_int(&b, "x", 1);
	row_bytes(&c, "x", str_of("\0\0\0\0\0\0\0\1", 8));
	CHECK(b.len == c.len && !str_eq(buf_str(&b), buf_str(&c)));
	buf_clear(&b);
	buf_clear(&c);
}

TESTS(T(record_round_trip), T(record_elsewhere), T(record_bits), T(record_bounds), T(padding), T(wraps), T(row_macs))
