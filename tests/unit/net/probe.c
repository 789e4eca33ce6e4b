/* What a TLS server serves, and servers that serve nothing. */
#include "net/probe.h"

#include <openssl/x509.h>

#include "test.h"
#include "tls_server.h"

static struct test_ca   *ca;
static const struct cidr loopback4 = { .prefix = 8, .bytes = { 127 } };

static bool answer_nothing(struct tls_peer *peer UNUSED, struct str request UNUSED, void *ctx UNUSED)
{
	return false;
}

static bool ask(struct arena *a, uint16_t port, bool permitted, const char *name, struct str *ret, struct err *err)
{
	struct probe_request r = { .host = "127.0.0.1", .port = arena_printf(a, "%u", port), .name = name, .allowed = &loopback4,
		                   .allowed_count = permitted ? 1 : 0, .timeout_ms = 2000 };

	*err = (struct err){ 0 };
	return probe_tls(a, &r, ret, err);
}

TEST(the_leaf_comes_back)
{
	const struct tls_setup setup = { .ca = ca, .names = "IP:127.0.0.1,DNS:localhost", .expired = true, .answer = answer_nothing };
	struct tls_server     *server = tls_server_start(&setup);
	struct arena          *a = arena_new();
	struct str             first, second;
	struct err             err;

	/* Expired, and of a CA nobody knows: the question is only what is there. */
	CHECK_OK(ask(a, server->port, true, "localhost", &first, &err), err);
	CHECK_OK(ask(a, server->port, true, "", &second, &err), err);
	CHECK(first.len > 100 && str_eq(first, second));
	const unsigned char *der = (const unsigned char *)first.ptr;
	X509                *cert = d2i_X509(NULL, &der, (long)first.len);
	assert_non_null(cert);
	CHECK_INT(X509_verify(cert, ca->key), 1);
	X509_free(cert);
	CHECK(!ask(a, server->port, false, "", &first, &err));
	CHECK_STR(err.problem, "address-refused");
	tls_server_stop(server);
	arena_free(a);
}

TEST(nothing_to_see)
{
	const struct tls_setup plain = { .answer = answer_nothing }, mute = { .ca = ca, .names = "IP:127.0.0.1", .mute = true };
	struct tls_server     *server = tls_server_start(&plain);
	uint16_t               port = server->port;
	struct arena          *a = arena_new();
	struct str             leaf;
	struct err             err;

	CHECK(!ask(a, port, true, "", &leaf, &err));
	CHECK_INT(err.class, ERR_TEMPORARY);
	tls_server_stop(server);
	CHECK(!ask(a, port, true, "", &leaf, &err)); /* nobody listens */
	CHECK_STR(err.problem, "unavailable");
	server = tls_server_start(&mute);
	CHECK(!ask(a, server->port, true, "", &leaf, &err));
	CHECK_STR(err.problem, "timeout");
	tls_server_stop(server);
	arena_free(a);
}

static bool ask_after(struct arena *a, const char *script, enum starttls protocol, struct str *ret, struct err *err)
{
	const struct tls_setup setup = { .ca = ca, .names = "IP:127.0.0.1", .answer = answer_nothing, .script = script };
	struct tls_server     *server = tls_server_start(&setup);
	struct probe_request   r = { .host = "127.0.0.1", .port = arena_printf(a, "%u", server->port), .name = "", .starttls = protocol,
		                     .allowed = &loopback4, .allowed_count = 1, .timeout_ms = 3000 };
	bool                   ok;

	*err = (struct err){ 0 };
	ok = probe_tls(a, &r, ret, err);
	tls_server_stop(server);
	return ok;
}

TEST(words_before_tls)
{
	static const struct {
		enum starttls protocol;
		const char   *script, *says; /* NULL: the leaf comes */
	} cases[] = {
		{ STARTTLS_SMTP, ">220-mail.example.org\r\n220 ESMTP\r\n<EHLO probe.invalid\r\n>250-mail\r\n250-SIZE 1\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
		                 "<STARTTLS\r\n>220 go on\r\n", NULL },
		{ STARTTLS_SMTP, ">220 mail\r\n<EHLO probe.invalid\r\n>250 mail\r\n", "does not offer" },
		{ STARTTLS_SMTP, ">554 go away\r\n", "554 go away" },
		{ STARTTLS_IMAP, ">* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n<a STARTTLS\r\n>* 1 EXISTS\r\na OK begin\r\n", NULL },
		{ STARTTLS_IMAP, ">* PREAUTH hello\r\n", "PREAUTH" },
		{ STARTTLS_IMAP, ">* OK\r\n<a STARTTLS\r\n>a BAD no\r\n", "refuses" },
		{ STARTTLS_POSTGRESQL, "@>N", "no TLS" },
		{ STARTTLS_POSTGRESQL, "@>S", NULL },
		/* What came before TLS must not be taken for what came after. */
		{ STARTTLS_IMAP, ">* OK\r\n<a STARTTLS\r\n>a OK\r\n* 2 EXISTS\r\n", "no TLS" },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str leaf;
		struct err err;
		bool       ok = ask_after(a, cases[i].script, cases[i].protocol, &leaf, &err);

		if (ok != (cases[i].says == NULL) || (!ok && strstr(err.text, cases[i].says) == NULL))
			fail_msg("%zu: %d \"%s\"", i, ok, err.text);
		CHECK(ok || err.class == ERR_TEMPORARY);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(the_leaf_comes_back), T(nothing_to_see), T(words_before_tls) };
	int                     failed;

	ca = test_ca_new("probe CA");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_ca_free(ca);
	return failed;
}
