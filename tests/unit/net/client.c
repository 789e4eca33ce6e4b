/*
 * tests/unit/net/client.c: the HTTP client against real sockets and real TLS on loopback.
 */
#include <unistd.h>

#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "net/client.h"
#include "tls_server.h"

#define NAMES "IP:127.0.0.1,DNS:localhost"

static struct test_ca    *ca;
static const struct cidr  loopback4 = { .prefix = 8, .bytes = { 127 } };

struct run {
	struct http_client  *client;
	struct arena        *arena;
	struct http_request  request;
	struct http_response response;
	struct err           err;
	char                 url[4096];
};

static void run_init(struct run *r)
{
	memset(r, 0, sizeof(*r));
	r->client = http_client_new();
	r->arena = arena_new();
	r->request = (struct http_request){ .ca_pem = str_c(ca->pem), .allowed = &loopback4, .allowed_count = 1 };
}

static void run_clear(struct run *r)
{
	http_client_free(r->client);
	arena_free(r->arena);
}

static bool run_get(struct run *r, const char *base, const char *path)
{
	snprintf(r->url, sizeof(r->url), "%s%s", base, path);
	r->request.url = r->url;
	memset(&r->err, 0, sizeof(r->err));
	return http_perform(r->client, &r->request, r->arena, &r->response, &r->err);
}

static void check_text(const struct run *r, const char *part)
{
	if (strstr(r->err.text, part) == NULL)
		print_error("'%s' is not in '%s'\n", part, r->err.text);
	CHECK(strstr(r->err.text, part) != NULL);
}

/* Answers every request with the bytes of ctx. */
static bool answer_fixed(struct tls_peer *peer, struct str request UNUSED, void *ctx)
{
	tls_write_c(peer, ctx);
	return true;
}

static bool answer_fixed_close(struct tls_peer *peer, struct str request UNUSED, void *ctx)
{
	tls_write_c(peer, ctx);
	return false;
}

/* Answers with the request itself. */
static bool answer_echo(struct tls_peer *peer, struct str request, void *ctx UNUSED)
{
	char head[128];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", request.len);
	tls_write_c(peer, head);
	if (!str_starts(request, STR("HEAD ")))
		tls_write(peer, request);
	return true;
}

static struct tls_server *start(tls_answer_fn answer)
{
	return tls_server_start(&(struct tls_setup){
		.ca = ca, .names = NAMES, .answer = answer });
}

static char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static struct tls_server *start_fixed(char *text)
{
	return tls_server_start(&(struct tls_setup){ .ca = ca, .names = NAMES, .answer = answer_fixed, .ctx = text });
}

TEST(answer_is_read)
{
	char text[] = "HTTP/1.1 429 Too Many\r\nContent-Type: Application/Problem+JSON; charset=utf-8\r\n"
		      "Date: Sun, 22 Nov 2026 12:00:00 GMT\r\nRetry-After: Sun, 22 Nov 2026 12:00:30 GMT\r\n"
		      "Replay-Nonce: abc-_9\r\nLocation: https://ca.example/order/1\r\n"
		      "Link: <https://ca.example/dir>;rel=\"index\", <https://ca.example/1>; rel=alternate\r\n"
		      "link: <https://ca.example/2>;REL=\"Alternate up\"\r\nX-Empty:\r\nContent-Length: 5\r\n\r\nhello";
	struct tls_server *server = start_fixed(text);
	struct run         r;

	run_init(&r);
	CHECK_OK(run_get(&r, server->url, "/x"), r.err);
	CHECK_INT(r.response.status, 429);
	CHECK_STR(r.response.content_type, "application/problem+json");
	CHECK_INT(r.response.date_at_s, 1795348800);
	CHECK_INT(r.response.retry_after_s, 30); /* by the peer's clock, not ours */
	CHECK_STR(r.response.replay_nonce, "abc-_9");
	CHECK_STR(r.response.location, "https://ca.example/order/1");
	CHECK_INT(r.response.links_count, 4);
	CHECK_STR(r.response.links[0].rel, "index");
	CHECK_STR(r.response.links[2].rel, "alternate");
	CHECK_STR(r.response.links[2].url, "https://ca.example/2");
	CHECK_STR(r.response.links[3].rel, "up");
	CHECK_STR(http_response_header(&r.response, "x-empty"), "");
	CHECK(http_response_header(&r.response, "x-none") == NULL);
	CHECK_STR(r.response.body.ptr, "hello");
	CHECK_STR(r.response.address, "127.0.0.1");
	CHECK(r.response.sent && !r.response.connection_reused);
	run_clear(&r);
	tls_server_stop(server);
}

TEST(request_as_sent)
{
	static const struct http_header extra[] = { { "X-Auth", "k:1" }, { "X-Nothing", "" } };
	struct tls_server *server = start(answer_echo);
	struct run         r;

	setenv("https_proxy", "http://127.0.0.1:1", 1); /* must not be looked at */
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	run_init(&r);
	r.request.method = HTTP_POST;
	r.request.body = STR("{\"a\":1}");
	r.request.content_type = "application/jose+json";
	r.request.accept = "application/pem-certificate-chain";
	r.request.headers = extra;
	r.request.headers_count = 2;
	CHECK_OK(run_get(&r, server->url, "/a/../b%2f?c=d"), r.err);
	CHECK(str_starts(r.response.body, STR("POST /a/../b%2f?c=d HTTP/1.1\r\n")));
	CHECK(strstr(r.response.body.ptr, "\r\nContent-Type: application/jose+json\r\n") != NULL);
	CHECK(strstr(r.response.body.ptr, "\r\nAccept: application/pem-certificate-chain\r\n") != NULL);
	CHECK(strstr(r.response.body.ptr, "\r\nUser-Agent: reeve/") != NULL);
	CHECK(strstr(r.response.body.ptr, "\r\nX-Auth: k:1\r\n") != NULL);
	CHECK(strstr(r.response.body.ptr, "\r\nX-Nothing:\r\n") != NULL);
	CHECK(strcasestr(r.response.body.ptr, "accept-encoding") == NULL);
	CHECK(strcasestr(r.response.body.ptr, "expect") == NULL);
	CHECK(str_ends(r.response.body, STR("\r\n\r\n{\"a\":1}")));

	r.request.content_type = NULL;
	for (enum http_method m = 0; m < HTTP_METHOD__COUNT; m++) {
		char line[64];

		snprintf(line, sizeof(line), "%s /m HTTP/1.1\r\n", http_method_name(m));
		r.request.method = m;
		for (int with_body = 0; with_body < 2; with_body++) {
			r.request.body = with_body ? STR("body") : STR("");
			CHECK_OK(run_get(&r, server->url, "/m"), r.err);
			if (m == HTTP_HEAD) {
				CHECK_INT(r.response.body.len, 0);
				continue;
			}
			CHECK(str_starts(r.response.body, str_c(line)));
			CHECK(strstr(r.response.body.ptr, "Content-Type") == NULL);
			CHECK(str_ends(r.response.body, STR("\r\n\r\nbody")) == (with_body && m != HTTP_GET));
		}
	}
	run_clear(&r);
	unsetenv("https_proxy");
	unsetenv("ALL_PROXY");
	CHECK_INT(server->connections, 1);
	tls_server_stop(server);
}

TEST(connection_is_kept)
{
	struct test_ca    *other = test_ca_new("another authority");
	struct tls_server *server = start_fixed(ok);
	struct run         r;

	run_init(&r);
	for (int i = 0; i < 5; i++) {
		/* A fresh copy each time: the bundle is compared by its bytes. */
		char *pem = strdup(ca->pem);

		r.request.ca_pem = str_c(pem);
		r.request.method = i % 2 == 0 ? HTTP_GET : HTTP_POST;
		CHECK_OK(run_get(&r, server->url, "/"), r.err);
		CHECK(r.response.connection_reused == (i > 0));
		free(pem);
	}
	CHECK_INT(server->connections, 1);
	CHECK_INT(server->requests, 5);

	/* Another bundle must not ride on the connection that this one trusted. */
	r.request.ca_pem = str_c(other->pem);
	CHECK(!run_get(&r, server->url, "/"));
	check_text(&r, "is not signed by the trust bundle of this authority");
	CHECK_INT(server->requests, 5);

	r.request.ca_pem = str_c(ca->pem);
	CHECK_OK(run_get(&r, server->url, "/"), r.err);
	CHECK(r.response.connection_reused);
	CHECK_INT(server->connections, 2);
	run_clear(&r);
	tls_server_stop(server);
	test_ca_free(other);
}

TEST(addresses_are_refused)
{
	struct tls_server *server = start_fixed(ok);
	struct cidr        wrong = { .prefix = 32, .bytes = { 127, 0, 0, 2 } };
	struct run         r;

	run_init(&r);
	r.request.allowed_count = 0;
	CHECK(!run_get(&r, server->url, "/"));
	CHECK_INT(r.err.class, ERR_CONFIG);
	CHECK_STR(r.err.problem, "address-refused");
	check_text(&r, "address 127.0.0.1 is refused: it is loopback");
	CHECK(strstr(r.err.hint, "127.0.0.1/32") != NULL);
	CHECK(!r.response.sent);

	r.request.allowed = &wrong;
	r.request.allowed_count = 1;
	CHECK(!run_get(&r, server->url, "/"));
	CHECK_STR(r.err.problem, "address-refused");
	CHECK(!run_get(&r, server->url_localhost, "/"));
	CHECK_STR(r.err.problem, "address-refused");
	CHECK_INT(server->connections, 0);

	/* One of several addresses of a name is enough: localhost is ::1 and 127.0.0.1. */
	r.request.allowed = &loopback4;
	CHECK_OK(run_get(&r, server->url_localhost, "/"), r.err);

	/* A kept connection obeys the policy of the request, not that of the one who opened it. */
	r.request.allowed_count = 0;
	CHECK(!run_get(&r, server->url_localhost, "/"));
	CHECK_INT(r.err.class, ERR_CONFIG);
	CHECK_STR(r.err.problem, "address-refused");
	CHECK(!r.response.sent);
	CHECK_INT(server->requests, 1);
	run_clear(&r);
	tls_server_stop(server);
}

TEST(literal_addresses_are_refused)
{
	static const char *const urls[] = { "https://169.254.169.254/", "https://10.0.0.1/", "https://[::1]/",
		                            "https://[::ffff:169.254.169.254]/", "https://[64:ff9b::a9fe:a9fe]/",
		                            "https://[2002:7f00:1::]/", "https://[fd00::1]/", "https://0.0.0.0/",
		                            "https://[fe80::1]/", "https://100.64.0.1/", "https://224.0.0.1/" };
	struct run r;

	run_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		CHECK(!run_get(&r, urls[i], ""));
		CHECK_STR(r.err.problem, "address-refused");
		CHECK_INT(r.err.class, ERR_CONFIG);
	}
	run_clear(&r);
}

TEST(plain_http)
{
	struct tls_server *server = tls_server_start(&(struct tls_setup){ .answer = answer_fixed, .ctx = ok });
	struct run         r;

	run_init(&r);
	CHECK(!run_get(&r, server->url, "/"));
	CHECK_INT(r.err.class, ERR_INPUT);
	check_text(&r, "plain http is refused");
	CHECK_INT(server->connections, 0);
	r.request.plain_http_allowed = true;
	CHECK_OK(run_get(&r, server->url, "/"), r.err);
	CHECK(!run_get(&r, "ftp://127.0.0.1/", ""));
	CHECK(!run_get(&r, "file:///etc/passwd", ""));
	CHECK(!run_get(&r, "https://user@127.0.0.1/", ""));
	run_clear(&r);
	tls_server_stop(server);
}

TEST(redirects_are_refused)
{
	static const int codes[] = { 300, 301, 302, 303, 304, 307, 308 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		char               text[256];
		struct tls_server *server;
		struct run         r;

		snprintf(text, sizeof(text), "HTTP/1.1 %d Moved\r\nLocation: https://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n",
		         codes[i]);
		server = start_fixed(text);
		run_init(&r);
		CHECK(!run_get(&r, server->url, "/"));
		CHECK_STR(r.err.problem, "ca-nonsense");
		CHECK_INT(r.err.class, ERR_PERMANENT);
		check_text(&r, "redirects are not followed");
		check_text(&r, "https://127.0.0.1/x");
		CHECK(r.response.sent);
		CHECK_INT(server->requests, 1);
		run_clear(&r);
		tls_server_stop(server);
	}
}

static char *body_answer(size_t len, bool chunked)
{
	struct buf b;

	buf_init(&b, 2 * MIB);
	if (chunked)
		buf_printf(&b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
	else
		buf_printf(&b, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
	for (size_t i = 0; i < len; i++)
		buf_add_char(&b, 'x');
	if (chunked)
		buf_add_c(&b, "\r\n0\r\n\r\n");
	return b.ptr;
}

TEST(body_limit)
{
	static const size_t limits[] = { 0, 1, 100, HTTP_BODY_MAX_CHAIN };

	for (size_t i = 0; i < ARRAY_LEN(limits) * 2; i++) {
		size_t     max = limits[i / 2] != 0 ? limits[i / 2] : HTTP_BODY_MAX_DEFAULT;
		struct run r;

		run_init(&r);
		r.request.body_max = limits[i / 2];
		for (size_t more = 0; more < 2; more++) {
			char              *text = body_answer(max + more, i % 2 == 1);
			struct tls_server *server = start_fixed(text);

			if (more == 0) {
				CHECK_OK(run_get(&r, server->url, "/"), r.err);
				CHECK_INT(r.response.body.len, max);
			} else {
				CHECK(!run_get(&r, server->url, "/"));
				CHECK_STR(r.err.problem, "ca-nonsense");
				check_text(&r, "a body of more than");
				CHECK(r.response.body.ptr == NULL);
			}
			tls_server_stop(server);
			free(text);
		}
		run_clear(&r);
	}
}

/* `bytes` of header, status line to empty line, in `lines` lines. */
static char *header_answer(size_t bytes, size_t lines)
{
	static const char first[] = "HTTP/1.1 200 OK\r\n", length[] = "Content-Length: 0\r\n";
	struct buf        b;
	size_t            left;

	buf_init(&b, MIB);
	buf_add_c(&b, first);
	buf_add_c(&b, length);
	for (size_t i = 2; i < lines; i++)
		buf_add_c(&b, "A: b\r\n");
	left = bytes > b.len + 9 ? bytes - b.len - 7 : 1;
	buf_add_c(&b, "X: ");
	for (size_t i = 0; i < left; i++)
		buf_add_char(&b, 'x');
	buf_add_c(&b, "\r\n\r\n");
	return b.ptr;
}

TEST(header_limits)
{
	static const struct {
		size_t      bytes, lines;
		const char *refusal;
	} rows[] = {
		{ HTTP_HEADER_BYTES_MAX, 3, NULL },
		{ HTTP_HEADER_BYTES_MAX + 1, 3, "bytes of headers" },
		{ 0, HTTP_HEADER_LINES_MAX, NULL },
		{ 0, HTTP_HEADER_LINES_MAX + 1, "header lines" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char              *text = header_answer(rows[i].bytes, rows[i].lines);
		struct tls_server *server = start_fixed(text);
		struct run         r;

		if (rows[i].bytes != 0)
			CHECK_INT(strlen(text), rows[i].bytes);
		run_init(&r);
		if (rows[i].refusal == NULL) {
			CHECK_OK(run_get(&r, server->url, "/"), r.err);
			CHECK_INT(r.response.headers_count, rows[i].lines);
		} else {
			CHECK(!run_get(&r, server->url, "/"));
			CHECK_STR(r.err.problem, "ca-nonsense");
			check_text(&r, rows[i].refusal);
		}
		run_clear(&r);
		tls_server_stop(server);
		free(text);
	}
}

/* Interim answers without end must hit the same bounds. */
static bool answer_early_hints(struct tls_peer *peer, struct str request UNUSED, void *ctx UNUSED)
{
	for (int i = 0; i < 200; i++)
		tls_write_c(peer, "HTTP/1.1 103 Early Hints\r\nReplay-Nonce: early\r\n\r\n");
	tls_write_c(peer, ok);
	return true;
}

TEST(interim_answers)
{
	char text[] = "HTTP/1.1 103 Early Hints\r\nReplay-Nonce: early\r\n\r\n"
		      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nReplay-Nonce: late\r\n\r\n";
	struct tls_server *server = start_fixed(text);
	struct run         r;

	run_init(&r);
	CHECK_OK(run_get(&r, server->url, "/"), r.err);
	CHECK_INT(r.response.status, 200);
	CHECK_STR(r.response.replay_nonce, ""); /* neither from the interim answer nor from the trailer */
	tls_server_stop(server);

	server = start(answer_early_hints);
	CHECK(!run_get(&r, server->url, "/"));
	CHECK_STR(r.err.problem, "ca-nonsense");
	run_clear(&r);
	tls_server_stop(server);
}

TEST(nonsense_is_refused)
{
	static const struct {
		const char    *answer;
		const char    *problem;
		const char    *part;
		enum err_class class;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		  "ca-nonsense", "both Content-Length and Transfer-Encoding", ERR_PERMANENT },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk", "ca-nonsense",
		  "Content-Length", ERR_PERMANENT },
		{ "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", "ca-nonsense", "", ERR_PERMANENT },
		{ "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", "ca-nonsense",
		  "content encoding that was not asked for: gzip", ERR_PERMANENT },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "ca-nonsense",
		  "transfer encoding that was not asked for", ERR_PERMANENT },
		{ "HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 0\r\n\r\n", "ca-nonsense", "malformed header",
		  ERR_PERMANENT },
		{ "HTTP/1.1 200 OK\r\nX: a\x01" "b\r\nContent-Length: 0\r\n\r\n", "ca-nonsense", "malformed header",
		  ERR_PERMANENT },
		{ "HTTP/1.1 503 Down\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", "ca-nonsense", "",
		  ERR_TEMPORARY },
		{ "hello, this is SMTP\r\n", "ca-nonsense", "not HTTP/1.1", ERR_PERMANENT },
		{ "", "ca-unreachable", "closed the connection without an answer", ERR_TEMPORARY },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "ca-unreachable", "in the middle",
		  ERR_TEMPORARY },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char              *text = strdup(rows[i].answer);
		struct tls_server *server = tls_server_start(
			&(struct tls_setup){ .ca = ca, .names = NAMES, .answer = answer_fixed_close, .ctx = text });
		struct run r;

		run_init(&r);
		CHECK(!run_get(&r, server->url, "/"));
		if (strcmp(r.err.problem, rows[i].problem) != 0)
			print_error("row %zu: %s: %s\n", i, r.err.problem, r.err.text);
		CHECK_STR(r.err.problem, rows[i].problem);
		CHECK_INT(r.err.class, rows[i].class);
		check_text(&r, rows[i].part);
		CHECK(r.response.sent);
		run_clear(&r);
		tls_server_stop(server);
		free(text);
	}
}

static bool answer_trickle(struct tls_peer *peer, struct str request UNUSED, void *ctx UNUSED)
{
	tls_write_c(peer, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
	for (int i = 0; i < 20; i++) {
		tls_write_c(peer, "x");
		clock_sleep_ms(50);
	}
	return false;
}

TEST(waits_end)
{
	struct tls_server *server = start(answer_trickle);
	int64_t            before = clock_mono_ms();
	struct run         r;

	run_init(&r);
	r.request.total_timeout_ms = 300;
	CHECK(!run_get(&r, server->url, "/"));
	CHECK(clock_mono_ms() - before < 5000);
	CHECK_STR(r.err.problem, "ca-unreachable");
	CHECK_INT(r.err.class, ERR_TEMPORARY);
	check_text(&r, "did not finish its answer within 300 ms");
	CHECK(r.response.sent);
	tls_server_stop(server);

	server = tls_server_start(&(struct tls_setup){ .ca = ca, .names = NAMES, .mute = true });
	r.request.connect_timeout_ms = 200;
	r.request.total_timeout_ms = 5000;
	CHECK(!run_get(&r, server->url, "/"));
	check_text(&r, "did not finish the TLS handshake within 200 ms");
	CHECK(!r.response.sent);
	tls_server_stop(server);
	run_clear(&r);
}

TEST(certificates_are_verified)
{
	struct test_ca *other = test_ca_new("another authority");
	struct {
		struct tls_setup setup;
		struct str       bundle;
		enum err_class   class;
		const char      *part;
	} rows[] = {
		{ { .ca = ca, .names = "DNS:other.test" }, str_c(ca->pem), ERR_TEMPORARY, "is not for the name 127.0.0.1" },
		{ { .ca = ca, .names = "IP:127.0.0.2" }, str_c(ca->pem), ERR_TEMPORARY, "is not for the name 127.0.0.1" },
		{ { .ca = other, .names = NAMES }, str_c(ca->pem), ERR_TEMPORARY,
		  "is not signed by the trust bundle of this authority" },
		{ { .ca = ca, .names = NAMES }, STR(""), ERR_TEMPORARY, "is not signed by any authority this system trusts" },
		{ { .ca = ca, .names = NAMES, .expired = true }, str_c(ca->pem), ERR_TEMPORARY, "has expired" },
		{ { .ca = ca, .names = NAMES, .tls_max = TLS1_1_VERSION }, str_c(ca->pem), ERR_TEMPORARY, "TLS: handshake" },
		{ { .ca = ca, .names = NAMES }, STR("no certificate at all"), ERR_CONFIG, "trust bundle" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server *server;
		struct run         r;
		char               origin[64];

		rows[i].setup.answer = answer_fixed;
		rows[i].setup.ctx = ok;
		server = tls_server_start(&rows[i].setup);
		snprintf(origin, sizeof(origin), "127.0.0.1:%u", server->port);
		run_init(&r);
		r.request.ca_pem = rows[i].bundle;
		CHECK(!run_get(&r, server->url, "/"));
		CHECK_INT(r.err.class, rows[i].class);
		check_text(&r, rows[i].part);
		check_text(&r, rows[i].class == ERR_TEMPORARY ? origin : "TLS");
		CHECK(!r.response.sent);
		CHECK_INT(server->requests, 0);
		run_clear(&r);
		tls_server_stop(server);
	}
	test_ca_free(other);
}

TEST(nobody_listens)
{
	struct tls_server *server = start_fixed(ok);
	char               url[64];
	struct run         r;

	snprintf(url, sizeof(url), "%s", server->url);
	tls_server_stop(server);
	run_init(&r);
	CHECK(!run_get(&r, url, "/"));
	CHECK_INT(r.err.class, ERR_TEMPORARY);
	CHECK_STR(r.err.problem, "ca-unreachable");
	check_text(&r, "(127.0.0.1)");
	check_text(&r, "Connection refused");
	CHECK(!r.response.sent);
	CHECK(!http_perform(r.client, &r.request, r.arena, &r.response, NULL));
	run_clear(&r);
}

/* The first request of a connection is answered, the second one is read and the connection closed. */
static bool answer_once(struct tls_peer *peer, struct str request UNUSED, void *ctx UNUSED)
{
	if (tls_peer_request(peer) > 1)
		return false;
	tls_write_c(peer, ok);
	return true;
}

TEST(dying_connections)
{
	static const struct {
		enum http_method method;
		bool             repeat_allowed, repeated;
	} rows[] = { { HTTP_GET, false, true }, { HTTP_POST, false, false }, { HTTP_POST, true, true },
		     { HTTP_PATCH, false, false }, { HTTP_PUT, false, true } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server *server = start(answer_once);
		struct run         r;

		run_init(&r);
		CHECK_OK(run_get(&r, server->url, "/"), r.err);
		r.request.method = rows[i].method;
		r.request.repeat_allowed = rows[i].repeat_allowed;
		CHECK(run_get(&r, server->url, "/") == rows[i].repeated);
		CHECK_INT(server->requests, rows[i].repeated ? 3 : 2);
		CHECK(r.response.sent);
		if (!rows[i].repeated)
			CHECK_INT(r.err.class, ERR_TEMPORARY);
		run_clear(&r);
		tls_server_stop(server);
	}
}

TEST(bad_requests_stay_here)
{
	static const struct http_header bad[] = { { "X-A", "b\r\nX-C: d" }, { "X A", "b" }, { "", "b" },
		                                  { "X-A: b\r\nY", "c" },    { "Host", "x" }, { "content-length", "1" },
		                                  { "Transfer-Encoding", "chunked" }, { "Accept-Encoding", "gzip" } };
	struct tls_server *server = start_fixed(ok);
	struct run         r;

	run_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		r.request.headers = &bad[i];
		r.request.headers_count = 1;
		CHECK(!run_get(&r, server->url, "/"));
		CHECK_INT(r.err.class, ERR_INPUT);
		CHECK(!r.response.sent);
	}
	CHECK_INT(server->connections, 0);
	run_clear(&r);
	tls_server_stop(server);
}

static int setup(void **state UNUSED)
{
	ca = test_ca_new("throw-away root");
	return 0;
}

static int teardown(void **state UNUSED)
{
	test_ca_free(ca);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(answer_is_read), T(request_as_sent), T(connection_is_kept), T(addresses_are_refused),
		T(literal_addresses_are_refused), T(plain_http), T(redirects_are_refused), T(body_limit), T(header_limits),
		T(interim_answers), T(nonsense_is_refused), T(waits_end), T(certificates_are_verified), T(nobody_listens),
		T(dying_connections), T(bad_requests_stay_here),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
