/* tests/unit/acme/order.c: orders, accounts and alternate chains. */
#include "test.h"

#include "acme/account.h"
#include "acme/certificate.h"
#include "acme/order.h"
#include "base/buf.h"

#define URL "https://ca/order/1"
#define IDS "\"identifiers\":[{\"type\":\"dns\",\"value\":\"*.Example.ORG\"},{\"type\":\"dns\",\"value\":\"example.org\"}]"
#define AUTHZ "\"authorizations\":[\"https://ca/z/1\",\"https://ca/z/2\",\"https://ca/z/1\"]"
#define FIN "\"finalize\":\"https://ca/f/1\""

TEST(order_reads)
{
	static const char body[] = "{\"status\":\"valid\",\"expires\":\"2026-11-29T12:00:00Z\"," IDS "," AUTHZ "," FIN
				   ",\"certificate\":\"https://ca/c/1\",\"profile\":\"classic\",\"unknown\":[{}],"
				   "\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"no\",\"status\":403}}";
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_order order;
	struct err        err = { 0 };
	struct identifier names[] = { { "example.org", false }, { "*.example.org", true }, { "b.example.org", false } };

	CHECK_OK(acme_order_parse(a, URL, str_c(body), &order, &err), err);
	CHECK_STR(order.url, URL);
	CHECK_INT(order.status, ACME_ORDER_VALID);
	CHECK_INT(order.expires_at, 1795953600000);
	CHECK_INT(order.identifiers_count, 2);
	CHECK_STR(order.identifiers[0].value, "*.example.org");
	CHECK(order.identifiers[0].wildcard && !order.identifiers[1].wildcard);
	CHECK_INT(order.authorizations_count, 2);
	CHECK_STR(order.authorizations[1], "https://ca/z/2");
	CHECK_STR(order.finalize, "https://ca/f/1");
	CHECK_STR(order.certificate, "https://ca/c/1");
	CHECK_STR(order.profile, "classic");
	CHECK(order.replaces == NULL);
	CHECK_STR(order.error->type, "caa");
	CHECK_INT(order.error->status, 403);
	CHECK(acme_order_matches(&order, names, 2));
	CHECK(!acme_order_matches(&order, names, 1));
	CHECK(!acme_order_matches(&order, names, 3));
	CHECK(!acme_order_matches(&order, names + 1, 2));
}

TEST(order_statuses)
{
	for (enum acme_order_status s = 0; s < ACME_ORDER__COUNT; s++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_order order;
		struct err        err = { 0 };

		CHECK_OK(acme_order_parse(a, URL, str_c(arena_printf(a, "{\"status\":\"%s\"," IDS "," AUTHZ "," FIN
		                          ",\"certificate\":\"https://ca/c\"}", acme_order_status_name(s))), &order, &err), err);
		CHECK_INT(order.status, s);
		CHECK((order.certificate != NULL) == (s == ACME_ORDER_VALID));
		CHECK(order.error == NULL && order.expires_at == 0);
	}
}

TEST(order_refuses)
{
	static const struct {
		const char *location, *body;
	} rows[] = {
		{ NULL, "{\"status\":\"pending\"," IDS "," AUTHZ "," FIN "}" },
		{ "http://ca/order/1", "{\"status\":\"pending\"," IDS "," AUTHZ "," FIN "}" },
		{ URL, "" },
		{ URL, "<html>" },
		{ URL, "{" IDS "," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"Pending\"," IDS "," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"frozen\"," IDS "," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":7," IDS "," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"pending\"," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"pending\",\"identifiers\":[]," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"ip\",\"value\":\"1.2.3.4\"}]," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"a b\"}]," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\"}]," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"pending\",\"identifiers\":[\"a.org\"]," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.org\"},"
		       "{\"type\":\"dns\",\"value\":\"A.org\"}]," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"pending\"," IDS "," FIN "}" },
		{ URL, "{\"status\":\"pending\"," IDS ",\"authorizations\":[7]," FIN "}" },
		{ URL, "{\"status\":\"pending\"," IDS ",\"authorizations\":[\"http://ca/z\"]," FIN "}" },
		{ URL, "{\"status\":\"pending\"," IDS "," AUTHZ "}" },
		{ URL, "{\"status\":\"valid\"," IDS "," AUTHZ "," FIN "}" },
		{ URL, "{\"status\":\"valid\"," IDS "," AUTHZ "," FIN ",\"certificate\":\"https://ca/#x\"}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_order order = { .url = "untouched" };
		struct err        err = { 0 };

		if (acme_order_parse(a, rows[i].location, str_c(rows[i].body), &order, &err))
			print_error("accepted: %s\n", rows[i].body);
		CHECK_INT(err.class, ERR_PERMANENT);
		CHECK_STR(err.problem, "ca-nonsense");
		CHECK_STR(order.url, "untouched");
	}
}

TEST(order_bounds)
{
	for (int count = ACME_IDENTIFIERS_MAX; count <= ACME_IDENTIFIERS_MAX + 1; count++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		AUTO(buf_clear) struct buf body = { 0 };
		struct acme_order order;

		buf_init(&body, MIB);
		buf_add_c(&body, "{\"status\":\"ready\"," FIN ",\"identifiers\":[");
		for (int i = 0; i < count; i++)
			buf_printf(&body, "%s{\"type\":\"dns\",\"value\":\"n%d.example\"}", i > 0 ? "," : "", i);
		buf_add_c(&body, "]}");
		CHECK(acme_order_parse(a, URL, buf_str(&body), &order, NULL) == (count == ACME_IDENTIFIERS_MAX));
	}
}

TEST(payloads)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct identifier         names[] = { { "example.org", false }, { "*.example.org", true } };
	struct acme_order_request request = { .identifiers = names, .identifiers_count = 2 };

	CHECK_STR(acme_order_write(a, &request).ptr, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"example.org\"},"
	          "{\"type\":\"dns\",\"value\":\"*.example.org\"}]}");
	request.identifiers_count = 1;
	request.profile = "short\"lived";
	request.replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
	CHECK_STR(acme_order_write(a, &request).ptr, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"example.org\"}],"
	          "\"profile\":\"short\\\"lived\",\"replaces\":\"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE\"}");
	CHECK_STR(acme_finalize_write(a, STR("\x30\x03\x02\x01\xff")).ptr, "{\"csr\":\"MAMCAf8\"}");
}

TEST(account_reads)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_account account;
	struct err          err = { 0 };

	CHECK_OK(acme_account_parse(a, "https://ca/acct/7", STR("{\"status\":\"valid\",\"contact\":[],\"createdAt\":\"x\"}"),
	                            &account, &err), err);
	CHECK_STR(account.url, "https://ca/acct/7");
	CHECK_INT(account.status, ACME_ACCOUNT_VALID);
	CHECK(account.orders == NULL);
	for (enum acme_account_status s = 0; s < ACME_ACCOUNT__COUNT; s++) {
		CHECK(acme_account_parse(a, "https://ca/acct/7", str_c(arena_printf(a, "{\"status\":\"%s\",\"orders\":"
		                         "\"https://ca/o\"}", acme_account_status_name(s))), &account, &err));
		CHECK_INT(account.status, s);
		CHECK_STR(account.orders, "https://ca/o");
	}
	CHECK(!acme_account_parse(a, "", STR("{\"status\":\"valid\"}"), &account, &err));
	CHECK(!acme_account_parse(a, "https://ca/acct/7", STR("{\"status\":\"asleep\"}"), &account, &err));
	CHECK(!acme_account_parse(a, "https://ca/acct/7", STR("{}"), &account, &err));
	CHECK_INT(err.class, ERR_PERMANENT);
}

TEST(alternates)
{
	static const struct http_link links[] = {
		{ "index", "https://ca/dir" },     { "alternate", "https://ca/c/1/1" }, { "alternate", "/c/1/2" },
		{ "alternate", "http://ca/c/1/3" }, { "alternate", "https://ca/c/1/1" }, { "alternate", "https://ca/c/1" },
		{ "alternate", "https://cb/c/1/4" }, { "up", "https://ca/issuer" },
	};
	AUTO(arena_freep) struct arena *a = arena_new();
	struct http_link many[HTTP_LINKS_MAX];
	const char      *urls[ACME_ALTERNATES_MAX];

	CHECK_INT(acme_alternates(a, "https://ca/c/1", links, ARRAY_LEN(links), urls), 2);
	CHECK_STR(urls[0], "https://ca/c/1/1");
	CHECK_STR(urls[1], "https://cb/c/1/4");
	CHECK_INT(acme_alternates(a, "https://ca/c/1", NULL, 0, urls), 0);
	for (size_t i = 0; i < HTTP_LINKS_MAX; i++)
		many[i] = (struct http_link){ "alternate", arena_printf(a, "https://ca/%zu", i) };
	CHECK_INT(acme_alternates(a, "https://ca/c/1", many, HTTP_LINKS_MAX, urls), ACME_ALTERNATES_MAX);
}

TESTS(T(order_reads), T(order_statuses), T(order_refuses), T(order_bounds), T(payloads), T(account_reads), T(alternates))
