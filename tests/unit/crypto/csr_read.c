/* tests/unit/crypto/csr_read.c: requests of others: framing, and that what is read is what was asked for. */
#include "test.h"

#include "base/encode.h"
#include "crypto/csr.h"

static const char *const names[] = { "a.test", "*.a.test" };

static struct str request(struct arena *a, enum key_type type, char ret_spki[static SHA256_HEX_SIZE])
{
	struct key *key;
	struct str  der;
	struct err  err = { 0 };

	CHECK_OK(key_generate(type, &key, &err), err);
	CHECK_OK(csr_write(key, names, ARRAY_LEN(names), a, &der, &err), err);
	key_spki_sha256(key, ret_spki);
	key_free(key);
	return der;
}

TEST(reads_what_we_write)
{
	AUTO(arena_freep) struct arena *a = arena_new();

	for (int type = 0; type <= KEY_RSA2048; type++) {
		struct csr_info csr;
		struct err      err = { 0 };
		char            spki[SHA256_HEX_SIZE];
		struct str      der = request(a, (enum key_type)type, spki);

		CHECK_OK(csr_parse(a, str_c(b64url_encode(a, der)), &csr, &err), err);
		CHECK_INT(csr.type, type);
		CHECK_STR(csr.spki_sha256, spki);
		CHECK_INT(csr.names_count, 2);
		CHECK_STR(csr.names[0], names[0]);
		CHECK_STR(csr.names[1], names[1]);
		CHECK(str_eq(csr.der, der));
	}
}

TEST(framing)
{
	static const struct {
		const char *before, *after;
		const char *refused; /* a word of the reason; NULL: read */
	} cases[] = {
		{ "", "", NULL },
		{ "\n ", "\n\n", NULL },
		{ "-----BEGIN CERTIFICATE REQUEST-----\n", "\n-----END CERTIFICATE REQUEST-----\n", NULL },
		{ "-----BEGIN NEW CERTIFICATE REQUEST-----\r\n", "\r\n-----END NEW CERTIFICATE REQUEST-----", NULL },
		{ "-----BEGIN CERTIFICATE REQUEST-----\n", "\n-----END NEW CERTIFICATE REQUEST-----\n", "behind" },
		{ "-----BEGIN CERTIFICATE REQUEST-----\n", "", "behind" },
		{ "-----BEGIN CERTIFICATE REQUEST-----\n", "\n-----END CERTIFICATE REQUEST-----\nmore\n", "behind" },
		{ "-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----\n", "not a CERTIFICATE REQUEST" },
		{ "subject: x\n", "", "neither" },
		{ "", "AAAA", "PKCS#10" },
	};
	AUTO(arena_freep) struct arena *a = arena_new();
	char        spki[SHA256_HEX_SIZE];
	const char *body = b64url_encode(a, request(a, KEY_P256, spki));

	/* Whole groups of four, so that what stands behind is read as part of it. */
	CHECK(strlen(body) % 4 != 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct csr_info csr = { .names_count = 77 };
		struct err      err = { 0 };
		const char     *text = arena_printf(a, "%s%s%s", cases[i].before, body, cases[i].after);

		CHECK_INT(csr_parse(a, str_c(text), &csr, &err), cases[i].refused == NULL);
		if (cases[i].refused == NULL)
			continue;
		CHECK(err.class == ERR_INPUT && strstr(err.text, cases[i].refused) != NULL);
		CHECK_INT(csr.names_count, 77);
	}
}

/* Each bit is under the signature, or is the signature; and the length is bounded before anything is read. */
TEST(changed_bytes_are_refused)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	char            spki[SHA256_HEX_SIZE];
	struct str      der = request(a, KEY_P256, spki);
	struct csr_info csr;
	struct err      err = { 0 };
	char           *big = arena_alloc(a, 2 * CSR_DER_MAX);

	for (size_t i = 0; i < der.len; i += 3) {
		char *changed = arena_alloc(a, der.len);

		memcpy(changed, der.ptr, der.len);
		changed[i] = (char)(changed[i] ^ 4);
		CHECK(!csr_parse(a, str_c(b64url_encode(a, str_of(changed, der.len))), &csr, &err));
	}
	memset(big, 'A', 2 * CSR_DER_MAX);
	CHECK(!csr_parse(a, str_of(big, 2 * CSR_DER_MAX), &csr, &err));
	CHECK(strstr(err.text, "32 KiB") != NULL);
}

TESTS(T(reads_what_we_write), T(framing), T(changed_bytes_are_refused))
