/* tests/unit/crypto/x509.c: strict reading of chains, and the question whether one is what was ordered. */
#include "test.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/x509.h"
#include "make_cert.h"

#define NOW 1800000000000 /* 2027 */
#define DAY 86400000

struct chain_keys {
	struct key *leaf, *intermediate, *root;
};

static void keys_make(struct chain_keys *ret)
{
	struct err err = { 0 };

	CHECK_OK(key_generate(KEY_P256, &ret->leaf, &err), err);
	CHECK_OK(key_generate(KEY_P256, &ret->intermediate, &err), err);
	CHECK_OK(key_generate(KEY_P384, &ret->root, &err), err);
}

static void keys_clear(struct chain_keys *k)
{
	key_free(k->leaf);
	key_free(k->intermediate);
	key_free(k->root);
}

static struct cert_wish leaf_wish(const struct chain_keys *k)
{
	return (struct cert_wish){ .key = k->leaf, .issuer_key = k->intermediate, .subject = "leaf", .issuer = "intermediate",
		                   .san = "DNS:Example.test,DNS:*.example.test", .not_before_ms = NOW - DAY,
		                   .not_after_ms = NOW + 89 * (int64_t)DAY };
}

static struct cert_wish ca_wish(const struct chain_keys *k)
{
	return (struct cert_wish){ .key = k->intermediate, .issuer_key = k->root, .subject = "intermediate", .issuer = "root",
		                   .ca = true, .not_before_ms = NOW - DAY, .not_after_ms = NOW + 900 * (int64_t)DAY };
}

static struct str pem_of(struct arena *a, const struct str *ders, size_t count)
{
	struct cert_chain chain = { arena_alloc_array(a, count, sizeof(*chain.certs)), count };

	for (size_t i = 0; i < count; i++)
		chain.certs[i].der = ders[i];
	return chain_write(a, &chain);
}

TEST(chain_reads)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct chain_keys k;
	keys_make(&k);
	struct cert_wish  leaf = leaf_wish(&k), ca = ca_wish(&k);
	struct str        ders[] = { make_cert(a, &leaf), make_cert(a, &ca) };
	struct str        pem = pem_of(a, ders, 2);
	struct cert_chain chain;
	struct err        err = { 0 };
	char              spki[SHA256_HEX_SIZE];

	CHECK_OK(chain_parse(a, pem, &chain, &err), err);
	CHECK_INT(chain.count, 2);
	CHECK_STR(chain.certs[0].serial, "8001020304");
	CHECK_INT(chain.certs[0].not_before_ms, NOW - DAY);
	CHECK_INT(chain.certs[0].not_after_ms, NOW + 89 * (int64_t)DAY);
	CHECK_INT(chain.certs[0].names_count, 2);
	CHECK_STR(chain.certs[0].names[0], "example.test");
	CHECK_STR(chain.certs[0].names[1], "*.example.test");
	CHECK_STR(chain.certs[0].issuer, "CN=intermediate");
	CHECK_STR(chain.certs[1].subject, "CN=intermediate");
	CHECK_STR(chain.certs[0].ari_id, "");
	key_spki_sha256(k.leaf, spki);
	CHECK_STR(chain.certs[0].spki_sha256, spki);
	CHECK(str_eq(chain_write(a, &chain), pem));

	/* CR LF, blank lines and a missing final newline are still the same chain. */
	struct buf b;

	buf_init(&b, 65536);
	buf_add_c(&b, "\r\n");
	for (size_t i = 0; i < pem.len; i++) {
		if (pem.ptr[i] == '\n')
			buf_add_char(&b, '\r');
		buf_add_char(&b, pem.ptr[i]);
	}
	CHECK_OK(chain_parse(a, buf_str(&b), &chain, &err), err);
	CHECK(chain.count == 2 && str_eq(chain_write(a, &chain), pem));
	CHECK_OK(chain_parse(a, str_of(pem.ptr, pem.len - 1), &chain, &err), err);
	buf_clear(&b);
	keys_clear(&k);
}

TEST(chain_refuses_files)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct chain_keys k;
	keys_make(&k);
	struct cert_wish  leaf = leaf_wish(&k);
	struct str        der = make_cert(a, &leaf);
	struct str        longer = arena_dup(a, str_of(arena_printf(a, "%.*s", 0, ""), 0));
	struct str        pem = pem_of(a, &der, 1), eleven[11];
	struct cert_chain chain = { .count = 77 };

	for (size_t i = 0; i < ARRAY_LEN(eleven); i++)
		eleven[i] = der;
	longer.ptr = memcpy(arena_alloc(a, der.len + 1), der.ptr, der.len);
	longer.len = der.len + 1;

	AUTO(secret_freep) struct secret *key_text = key_pem(k.leaf, KEY_PEM_PKCS8);
	const char *text = arena_str(a, pem);
	const char *bad[] = {
		"",
		"\n\n",
		"hello\n",
		arena_printf(a, "%shello\n", text),
		arena_printf(a, "subject=x\n%s", text),
		arena_printf(a, "%s%.*s", text, STR_ARG(secret_str(key_text))),
		arena_printf(a, "%.*s", (int)pem.len - 10, text),
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAA-_\n-----END CERTIFICATE-----\n",
		"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
		arena_str(a, pem_of(a, &longer, 1)),
		arena_str(a, pem_of(a, eleven, 11)),
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };

		CHECK(!chain_parse(a, str_c(bad[i]), &chain, &err));
		CHECK_STR(err.problem, "ca-nonsense");
		CHECK(err.class == ERR_PERMANENT && err.text[0] != '\0');
	}
	CHECK_INT(chain.count, 77);
	struct err err = { 0 };
	CHECK_OK(chain_parse(a, pem_of(a, eleven, 10), &chain, &err), err);
	keys_clear(&k);
}

TEST(chain_nul_in_name)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct chain_keys k;
	keys_make(&k);
	struct cert_wish leaf = leaf_wish(&k);
	struct cert_info info;
	struct err       err = { 0 };

	leaf.san = "DNS:good.testXevil.test";

	struct str der = make_cert(a, &leaf);
	char      *at = memmem(der.ptr, der.len, "testXevil", 9);

	assert_non_null(at);
	CHECK_OK(cert_parse(a, der, &info, &err), err);
	at[4] = '\0';
	CHECK(!cert_parse(a, der, &info, &err));
	keys_clear(&k);
}

TEST(chain_is_what_was_ordered)
{
	static const char *const names[] = { "*.example.test", "example.test" };
	static const char *const more[] = { "*.example.test", "example.test", "www.example.test" };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct chain_keys k;
	keys_make(&k);
	struct cert_wish  leaf = leaf_wish(&k), ca = ca_wish(&k), odd;
	struct str        ders[] = { make_cert(a, &leaf), make_cert(a, &ca) };
	struct cert_chain chain;
	struct err        err = { 0 };
	char              spki[SHA256_HEX_SIZE], other[SHA256_HEX_SIZE];

	key_spki_sha256(k.leaf, spki);
	key_spki_sha256(k.root, other);
	CHECK_OK(chain_parse(a, pem_of(a, ders, 2), &chain, &err), err);
	CHECK_OK(chain_check(&chain, spki, names, 2, NOW, &err), err);
	CHECK(!chain_check(&chain, other, names, 2, NOW, &err));
	CHECK(!chain_check(&chain, spki, names, 1, NOW, &err));
	assert_non_null(strstr(err.text, "example.test, which was not ordered"));
	CHECK(!chain_check(&chain, spki, more, 3, NOW, &err));
	assert_non_null(strstr(err.text, "lacks the name www.example.test"));
	/* notBefore at most an hour ahead; notAfter not past. */
	CHECK_OK(chain_check(&chain, spki, names, 2, NOW - DAY - 3600000, &err), err);
	CHECK(!chain_check(&chain, spki, names, 2, NOW - DAY - 3600001, &err));
	CHECK_OK(chain_check(&chain, spki, names, 2, NOW + 89 * (int64_t)DAY - 1, &err), err);
	CHECK(!chain_check(&chain, spki, names, 2, NOW + 89 * (int64_t)DAY, &err));

	/* The order of the chain and its signatures. */
	struct str reversed[] = { ders[0], ders[0] };

	CHECK_OK(chain_parse(a, pem_of(a, reversed, 2), &chain, &err), err);
	CHECK(!chain_check(&chain, spki, names, 2, NOW, &err));
	odd = leaf;
	odd.issuer_key = k.root; /* right name, wrong signature */
	struct str forged[] = { make_cert(a, &odd), ders[1] };
	CHECK_OK(chain_parse(a, pem_of(a, forged, 2), &chain, &err), err);
	CHECK(!chain_check(&chain, spki, names, 2, NOW, &err));
	assert_non_null(strstr(err.text, "certificate 1 of the chain is not signed"));
	odd = ca;
	odd.ca = false;
	struct str no_ca[] = { ders[0], make_cert(a, &odd) };
	CHECK_OK(chain_parse(a, pem_of(a, no_ca, 2), &chain, &err), err);
	CHECK(!chain_check(&chain, spki, names, 2, NOW, &err));

	/* Names of other types were never ordered. */
	odd = leaf;
	odd.san = "DNS:example.test,DNS:*.example.test,IP:192.0.2.1";
	struct str with_ip[] = { make_cert(a, &odd), ders[1] };
	CHECK_OK(chain_parse(a, pem_of(a, with_ip, 2), &chain, &err), err);
	CHECK(!chain_check(&chain, spki, names, 2, NOW, &err));
	odd.san = NULL;
	struct str without[] = { make_cert(a, &odd), ders[1] };
	CHECK_OK(chain_parse(a, pem_of(a, without, 2), &chain, &err), err);
	CHECK(!chain_check(&chain, spki, names, 2, NOW, &err));
	keys_clear(&k);
}

/* The certificate of RFC 9773's example has this key identifier and serial number. */
TEST(ari_identifier)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
	                          "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
	                          "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
	                          "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
	                          "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
	                          "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
	                          "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
	                          "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
	                          "-----END CERTIFICATE-----\n";
	AUTO(arena_freep) struct arena *a = arena_new();
	struct cert_chain chain;
	struct err        err = { 0 };

	CHECK_OK(chain_parse(a, str_c(pem), &chain, &err), err);
	CHECK_STR(chain.certs[0].ari_id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	CHECK_STR(chain.certs[0].serial, "87654321");
}

#define READERS 4
#define ROUNDS  12

struct reading {
	struct str  pem[ROUNDS];
	const char *spki;
	pthread_t   thread;
	bool        ok;
};

/* Twice each: by the second time the certificate may be known already. */
static void *chains_read(void *arg)
{
	struct reading          *r = arg;
	static const char *const names[] = { "example.test", "*.example.test" };

	r->ok = true;
	for (size_t i = 0; i < 2 * (size_t)ROUNDS; i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct cert_chain chain;
		struct err        err = { 0 };

		r->ok = r->ok && chain_parse(a, r->pem[i / 2], &chain, &err) && chain.count == 2 &&
		        strcmp(chain.certs[1].subject, "CN=intermediate") == 0 &&
		        chain.certs[0].not_after_ms == NOW + (int64_t)(i / 2 + 1) * DAY &&
		        chain_check(&chain, r->spki, names, 2, NOW, &err);
	}
	return NULL;
}

/* More leaves than are kept, read by several threads at once, all below one intermediate. */
TEST(chains_are_read_by_many_threads)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct chain_keys k;
	struct reading    readers[READERS] = { 0 };
	char              spki[SHA256_HEX_SIZE];

	keys_make(&k);
	key_spki_sha256(k.leaf, spki);

	struct cert_wish ca = ca_wish(&k);
	struct str       ders[2] = { [1] = make_cert(a, &ca) };

	for (size_t i = 0; i < READERS; i++) {
		readers[i].spki = spki;
		for (size_t j = 0; j < ROUNDS; j++) {
			struct cert_wish leaf = leaf_wish(&k);

			leaf.not_after_ms = NOW + (int64_t)(j + 1) * DAY;
			ders[0] = make_cert(a, &leaf);
			readers[i].pem[j] = pem_of(a, ders, 2);
		}
	}
	for (size_t i = 0; i < READERS; i++)
		CHECK_INT(pthread_create(&readers[i].thread, NULL, chains_read, &readers[i]), 0);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	for (size_t i = 0; i < READERS; i++)
		CHECK(readers[i].ok);
	keys_clear(&k);
}

TESTS(T(chain_reads), T(chain_refuses_files), T(chain_nul_in_name), T(chain_is_what_was_ordered), T(ari_identifier),
      T(chains_are_read_by_many_threads))
