/*
 * tests/unit/api/api.c: the routes as a client sees them: who is let in, what is refused and in which words, what
 * is parked, and that the façade has CertMate's shapes.
 */
#include <fcntl.h>

#include "api/call.h"
#include "fixture.h"

/* A token of this role, made through the api itself. */
static const char *token_make(struct fixture *f, const char *role)
{
	struct answer x = ask(f, NULL, "POST", "/v1/tokens",
			      arena_printf(f->a, "{\"name\":\"t-%s\",\"role\":\"%s\"}", role, role));
	const char   *text;

	if (x.status != 201)
		print_error("%.*s\n", STR_ARG(x.body));
	CHECK_INT(x.status, 201);
	text = arena_strdup(f->a, json_str(x.json, "token"));
	answer_clear(&x);
	return text;
}

static void authority_make(struct fixture *f)
{
	EXPECT(f, NULL, "POST", "/v1/authorities",
	       "{\"name\":\"pebble\",\"directory_url\":\"https://ca.example.test/dir\",\"email\":\"a@example.test\"}", 201,
	       "name", "pebble");
}

/* The order of a fresh certificate of this name, made through /v1. */
static void certificate_make(struct fixture *f, const char *name, const char **ret_certificate, const char **ret_order)
{
	struct answer x = ask(f, NULL, "POST", "/v1/certificates", arena_printf(f->a, "{\"names\":[\"%s\"]}", name));

	if (x.status != 202)
		print_error("%.*s\n", STR_ARG(x.body));
	CHECK_INT(x.status, 202);
	*ret_certificate = arena_strdup(f->a, json_str(json_object_get(x.json, "certificate"), "id"));
	*ret_order = arena_strdup(f->a, json_str(json_object_get(x.json, "order"), "id"));
	answer_clear(&x);
}

static bool has(struct answer x, const char *header)
{
	return strcasestr(x.head.ptr, header) != NULL;
}

/* The path of a route with something in the place of each {…}. */
static const char *path_of(struct fixture *f, const struct route *r)
{
	struct str  rest = str_c(r->path + 1), field;
	const char *path = "";

	while (str_next(&rest, '/', &field))
		path = field.ptr[0] == '{' ? arena_printf(f->a, "%s/x", path) : arena_printf(f->a, "%s/%.*s", path, STR_ARG(field));
	return path;
}

TEST(no_route_without_a_token)
{
	struct fixture f;

	fixture_start(&f);
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];
		struct answer       x;

		CHECK(r->permission != PERM_REFUSED);
		x = ask(&f, "", r->method, path_of(&f, r), NULL);
		if (x.status != (r->permission == PERM_PUBLIC ? 200 : 401))
			print_error("%s %s: %d\n", r->method, r->path, x.status);
		CHECK_INT(x.status, r->permission == PERM_PUBLIC ? 200 : 401);
		CHECK(has(x, "Cache-Control: no-store"));
		CHECK(has(x, "X-Content-Type-Options: nosniff"));
		if (x.status == 401) {
			CHECK(has(x, "WWW-Authenticate: Bearer"));
			if (strncmp(r->path, "/api/", 5) == 0)
				CHECK_STR(json_str(x.json, "code"), "AUTH_HEADER_MISSING");
			else
				CHECK_STR(json_str(x.json, "type"), "urn:reeve:problem:unauthenticated");
		}
		answer_clear(&x);
	}
	fixture_stop(&f);
}

TEST(bad_credentials)
{
	static const struct {
		const char *header, *code;
	} cases[] = {
		{ "Authorization: Basic abc\r\n", "INVALID_AUTH_SCHEME" },
		{ "Authorization: abc\r\n", "INVALID_AUTH_SCHEME" },
		{ "Authorization: Bearer\r\n", "INVALID_AUTH_FORMAT" },
		{ "Authorization: Bearer a b\r\n", "INVALID_AUTH_FORMAT" },
		{ "Authorization: Bearer nonsense\r\n", "INVALID_TOKEN" },
	};
	struct fixture   f;
	struct api_token token;
	char             id[TOKEN_ID_SIZE], text[TOKEN_SIZE];

	fixture_start(&f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer x = ask_receive(&f, ask_send(&f, "", "GET", "/api/certificates", NULL, cases[i].header));

		CHECK_INT(x.status, 401);
		CHECK_STR(json_str(x.json, "code"), cases[i].code);
		answer_clear(&x);
	}
	/* Well formed, and nobody's. */
	api_token_id_new(id);
	api_token_make(id, &token, text);
	EXPECT(&f, text, "GET", "/api/certificates", NULL, 401, "code", "INVALID_TOKEN");
	EXPECT(&f, text, "GET", "/v1/certificates", NULL, 401, "type", "urn:reeve:problem:unauthenticated");
	fixture_stop(&f);
}

TEST(paths_and_methods)
{
	struct fixture f;
	struct answer  x;

	fixture_start(&f);
	EXPECT(&f, "", "GET", "/v1/nothing", NULL, 404, "type", "urn:reeve:problem:not-found");
	EXPECT(&f, "", "GET", "/api/nothing", NULL, 404, "code", "NOT_FOUND");
	x = ask(&f, "", "PATCH", "/v1/orders", NULL);
	CHECK_INT(x.status, 405);
	CHECK(has(x, "Allow: GET, HEAD"));
	answer_clear(&x);
	x = ask(&f, "", "DELETE", "/v1/tokens", NULL);
	CHECK(has(x, "Allow: POST, GET, HEAD"));
	answer_clear(&x);
	/* `jobs` is never a domain, and a domain named so cannot reach what is behind it. */
	EXPECT(&f, NULL, "GET", "/api/certificates/jobs/xyz", NULL, 404, "error", "Job not found");
	x = ask(&f, NULL, "HEAD", "/v1/version", NULL);
	CHECK_INT(x.status, 200);
	CHECK_INT(x.body.len, 0);
	answer_clear(&x);
	x = ask(&f, NULL, "GET", "/v1/openapi.json", NULL);
	CHECK_STR(json_str(x.json, "openapi"), "3.1.0");
	CHECK(json_object_get(json_object_get(x.json, "paths"), "/v1/certificates/{x}/download") != NULL);
	answer_clear(&x);
	fixture_stop(&f);
}

TEST(bodies_are_read_strictly)
{
	struct fixture f;
	struct answer  x;

	fixture_start(&f);
	EXPECT(&f, NULL, "POST", "/v1/delegations", "{\"name\":\"example.com\",\"nmae\":1}", 400, "type",
	       "urn:reeve:problem:unknown-member");
	EXPECT(&f, NULL, "POST", "/v1/delegations", "{\"name\":", 400, "type", "urn:reeve:problem:invalid-json");
	EXPECT(&f, NULL, "POST", "/v1/delegations", "{}", 400, "type", "urn:reeve:problem:invalid-request");
	EXPECT(&f, NULL, "POST", "/v1/delegations", "{\"name\":1}", 400, "type", "urn:reeve:problem:invalid-request");
	x = ask_receive(&f, ask_send(&f, NULL, "POST", "/v1/delegations", NULL,
				     "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"));
	CHECK_INT(x.status, 415);
	answer_clear(&x);
	x = ask(&f, NULL, "POST", "/v1/delegations", arena_printf(f.a, "{\"name\":\"%05000d\"}", 1));
	CHECK_INT(x.status, 413);
	answer_clear(&x);
	EXPECT(&f, NULL, "GET", "/v1/orders?limit=0", NULL, 400, "type", "urn:reeve:problem:invalid-request");
	EXPECT(&f, NULL, "GET", "/v1/orders?limit=1x", NULL, 400, "type", "urn:reeve:problem:invalid-request");
	EXPECT(&f, NULL, "GET", "/v1/doctor", NULL, 400, "type", "urn:reeve:problem:invalid-request");
	fixture_stop(&f);
}

TEST(tokens_and_roles)
{
	struct fixture f;
	struct answer  x;
	const char    *viewer, *operator, *administrator;

	fixture_start(&f);
	viewer = token_make(&f, "viewer");
	operator = token_make(&f, "operator");
	administrator = token_make(&f, "administrator");
	EXPECT(&f, viewer, "POST", "/v1/delegations", "{\"name\":\"example.com\"}", 403, "type", "urn:reeve:problem:forbidden");
	EXPECT(&f, viewer, "POST", "/api/certificates/create", "{}", 403, "code", "INSUFFICIENT_ROLE");
	EXPECT(&f, operator, "POST", "/v1/delegations", "{\"name\":\"example.com\"}", 201, "health", "planned");
	EXPECT(&f, operator, "POST", "/v1/tokens", "{\"name\":\"x\"}", 403, "type", "urn:reeve:problem:forbidden");
	EXPECT(&f, administrator, "POST", "/v1/tokens", "{\"name\":\"x\"}", 201, "role", "operator");
	EXPECT(&f, administrator, "POST", "/v1/projects", "{\"name\":\"other\"}", 403, "type", "urn:reeve:problem:forbidden");
	EXPECT(&f, NULL, "POST", "/v1/projects", "{\"name\":\"other\"}", 201, "name", "other");
	EXPECT(&f, NULL, "POST", "/v1/projects", "{\"name\":\"Not A Slug\"}", 400, "type", "urn:reeve:problem:invalid-request");
	/* A token does not leave its project. */
	x = ask_receive(&f, ask_send(&f, operator, "GET", "/v1/delegations", NULL, "Reeve-Project: other\r\n"));
	CHECK_INT(x.status, 403);
	answer_clear(&x);
	x = ask_receive(&f, ask_send(&f, operator, "GET", "/v1/delegations", NULL, "Reeve-Project: nobody\r\n"));
	CHECK_INT(x.status, 403);
	answer_clear(&x);
	x = ask_receive(&f, ask_send(&f, NULL, "GET", "/v1/delegations", NULL, "Reeve-Project: other\r\n"));
	CHECK_INT(x.status, 200);
	CHECK_INT(json_array_size(json_object_get(x.json, "delegations")), 0);
	answer_clear(&x);
	/* Revoked means now, not in a second. */
	x = ask(&f, NULL, "DELETE", "/v1/tokens/t-operator", NULL);
	CHECK_INT(x.status, 204);
	answer_clear(&x);
	EXPECT(&f, operator, "GET", "/v1/delegations", NULL, 401, "type", "urn:reeve:problem:unauthenticated");
	x = ask(&f, NULL, "GET", "/v1/tokens", NULL);
	CHECK_INT(json_array_size(json_object_get(x.json, "tokens")), 3);
	CHECK(strstr(x.body.ptr, "rvt_") == NULL);
	answer_clear(&x);
	fixture_stop(&f);
}

TEST(authorities_and_their_secret)
{
	struct fixture f;
	struct answer  x;

	fixture_start(&f);
	authority_make(&f);
	EXPECT(&f, NULL, "POST", "/v1/authorities", "{\"name\":\"Bad Name\",\"directory_url\":\"https://a/\"}", 400, "type",
	       "urn:reeve:problem:invalid-request");
	EXPECT(&f, NULL, "POST", "/v1/authorities", "{\"name\":\"eab\",\"directory_url\":\"https://a/\",\"eab_kid\":\"k\"}", 400,
	       "detail", "eab_kid and eab_hmac_key belong together");
	EXPECT(&f, NULL, "POST", "/v1/authorities",
	       "{\"name\":\"eab\",\"directory_url\":\"https://a/\",\"eab_kid\":\"k\",\"eab_hmac_key\":\"!!\"}", 400, "detail",
	       "eab_hmac_key is not base64");
	x = ask(&f, NULL, "POST", "/v1/authorities",
		"{\"name\":\"eab\",\"directory_url\":\"https://a/\",\"eab_kid\":\"k\",\"eab_hmac_key\":\"c2VjcmV0LXNlY3JldC1zZWNyZXQ=\","
		"\"allow_addresses\":[\"127.0.0.1/32\",\"10.0.0.0/8\"]}");
	CHECK_INT(x.status, 201);
	CHECK_STR(json_str(x.json, "eab_kid"), "k");
	CHECK_INT(json_array_size(json_object_get(x.json, "allow_addresses")), 2);
	CHECK(strstr(x.body.ptr, "c2VjcmV0") == NULL && strstr(x.body.ptr, "secret-secret") == NULL);
	CHECK(json_is_null(json_object_get(x.json, "account")));
	answer_clear(&x);
	/* What the worker got is sealed. */
	CHECK(f.eab.len > 50);
	CHECK(memmem(f.eab.ptr, f.eab.len, "secret", 6) == NULL);
	EXPECT(&f, NULL, "GET", "/v1/authorities/eab", NULL, 200, "name", "eab");
	EXPECT(&f, NULL, "GET", "/v1/authorities/none", NULL, 404, "type", "urn:reeve:problem:not-found");
	x = ask(&f, NULL, "DELETE", "/v1/authorities/eab", NULL);
	CHECK_INT(x.status, 204);
	answer_clear(&x);
	fixture_stop(&f);
}

TEST(order_long_poll)
{
	struct fixture   f;
	struct answer    x;
	struct write_any w = { 0 };
	const char      *certificate, *order;
	int64_t          version;
	int              fd;

	fixture_start(&f);
	authority_make(&f);
	certificate_make(&f, "example.com", &certificate, &order);
	x = ask(&f, NULL, "GET", arena_printf(f.a, "/v1/orders/%s", order), NULL);
	CHECK_INT(x.status, 200);
	CHECK_STR(json_str(x.json, "status"), "running");
	CHECK(json_is_array(json_object_get(x.json, "timeline")));
	version = json_int(x.json, "row_version", -1);
	answer_clear(&x);
	/* Not what was seen: at once. */
	x = ask(&f, NULL, "GET", arena_printf(f.a, "/v1/orders/%s?wait=60&seen=%lld", order, (long long)version + 1), NULL);
	CHECK_INT(x.status, 200);
	answer_clear(&x);
	/* The time is over. */
	x = ask(&f, NULL, "GET", arena_printf(f.a, "/v1/orders/%s?wait=1&seen=%lld", order, (long long)version), NULL);
	CHECK_INT(x.status, 200);
	answer_clear(&x);
	/* More waiters than threads, and reading goes on beside them. */
	int fds[20];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = ask_send(&f, NULL, "GET", arena_printf(f.a, "/v1/orders/%s?wait=60&seen=%lld", order, (long long)version),
				  NULL, "");
	clock_sleep_ms(50);
	EXPECT(&f, "", "GET", "/healthz", NULL, 200, "status", "ok");
	w.order.id = order;
	CHECK_OK(store_write(f.store, write_progress, &w, &f.err), f.err);
	order_changed(&f, order);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		x = ask_receive(&f, fds[i]);
		CHECK_INT(x.status, 200);
		CHECK_STR(json_str(x.json, "step"), "await");
		answer_clear(&x);
	}
	/* Another project does not see it. */
	EXPECT(&f, NULL, "POST", "/v1/projects", "{\"name\":\"other\"}", 201, "name", "other");
	x = ask_receive(&f, ask_send(&f, NULL, "GET", arena_printf(f.a, "/v1/orders/%s", order), NULL, "Reeve-Project: other\r\n"));
	CHECK_INT(x.status, 404);
	answer_clear(&x);
	x = ask_receive(&f, ask_send(&f, NULL, "GET", arena_printf(f.a, "/v1/certificates/%s", certificate), NULL,
				     "Reeve-Project: other\r\n"));
	CHECK_INT(x.status, 404);
	answer_clear(&x);
	fd = ask_send(&f, NULL, "GET", arena_printf(f.a, "/v1/orders/%s?wait=60", order), NULL, "");
	clock_sleep_ms(20);
	close(fd); /* leaves while parked */
	fixture_stop(&f);
}

TEST(certificates_and_downloads)
{
	struct fixture f;
	struct answer  x;
	const char    *certificate, *order, *viewer;

	fixture_start(&f);
	authority_make(&f);
	viewer = token_make(&f, "viewer");
	EXPECT(&f, NULL, "POST", "/v1/certificates", "{\"names\":[]}", 400, "type", "urn:reeve:problem:invalid-request");
	EXPECT(&f, NULL, "POST", "/v1/certificates", "{\"names\":[\"a.example\"],\"key_type\":\"dsa\"}", 400, "detail",
	       "there is no key type \"dsa\"");
	EXPECT(&f, NULL, "POST", "/v1/certificates", "{\"names\":[\"a.example\"],\"domain_alias\":7}", 400, "type",
	       "urn:reeve:problem:invalid-request");
	certificate_make(&f, "*.example.com", &certificate, &order);
	EXPECT(&f, NULL, "GET", "/v1/certificates/*.example.com", NULL, 200, "status", "pending");
	EXPECT(&f, NULL, "GET", "/v1/certificates/%2A.example.com/download", NULL, 404, "type", "urn:reeve:problem:not-found");
	issue(&f, certificate, order, 1, 89);
	EXPECT(&f, NULL, "GET", arena_printf(f.a, "/v1/certificates/%s", certificate), NULL, 200, "status", "issued");
	x = ask(&f, viewer, "GET", "/v1/certificates/%2A.example.com/download", NULL);
	CHECK_INT(x.status, 200);
	CHECK(strstr(x.body.ptr, "PRIVATE") == NULL);
	answer_clear(&x);
	EXPECT(&f, viewer, "GET", "/v1/certificates/*.example.com/download?part=key", NULL, 403, "type",
	       "urn:reeve:problem:forbidden");
	CHECK_INT(__atomic_load_n(&f.audits, __ATOMIC_SEQ_CST), 0);
	x = ask(&f, NULL, "GET", "/v1/certificates/*.example.com/download?part=combined", NULL);
	CHECK_INT(x.status, 200);
	CHECK(strstr(x.body.ptr, "BEGIN CERTIFICATE") != NULL && strstr(x.body.ptr, "BEGIN PRIVATE KEY") != NULL);
	answer_clear(&x);
	CHECK_INT(__atomic_load_n(&f.audits, __ATOMIC_SEQ_CST), 1);
	x = ask(&f, NULL, "GET", "/v1/certificates?limit=1", NULL);
	CHECK_INT(json_array_size(json_object_get(x.json, "certificates")), 1);
	CHECK(json_is_null(json_object_get(x.json, "next")));
	answer_clear(&x);
	x = ask(&f, NULL, "POST", arena_printf(f.a, "/v1/certificates/%s/renew", certificate), NULL);
	CHECK_INT(x.status, 202);
	answer_clear(&x);
	EXPECT(&f, NULL, "POST", arena_printf(f.a, "/v1/certificates/%s/renew", certificate), "{}", 409, "type",
	       "urn:reeve:problem:order-running");
	x = ask(&f, NULL, "GET", "/v1/doctor?name=a.example&name=b.example", NULL);
	CHECK(json_bool(x.json, "ok", false));
	answer_clear(&x);
	fixture_stop(&f);
}

#define CREATE "/api/certificates/create"

TEST(certmate_create_refusals)
{
	static const struct {
		const char *body;
		int         status;
		const char *member, *value;
	} cases[] = {
		{ "{}", 400, "error", "Domain is required" },
		{ "{\"domain\":\"a.example\",\"challenge_type\":\"http-01\"}", 400, "hint",
		  "Reeve validates by DNS only, which wildcards need anyway; use dns-01 or leave challenge_type out" },
		{ "{\"domain\":\"a.example\",\"key_type\":\"rsa\",\"key_size\":1024}", 400, "error", "this key is not supported" },
		{ "{\"domain\":\"a.example\",\"key_type\":\"ecdsa\",\"elliptic_curve\":\"secp521r1\"}", 400, "error",
		  "this key is not supported" },
		{ "{\"domain\":\"a.example\",\"san_domains\":\"b.example\"}", 400, "error", "san_domains must be an array of names" },
		{ "{\"domain\":\"taken.example.com\"}", 409, "code", "CERTIFICATE_ALREADY_EXISTS" },
		{ "{\"domain\":\"busy.example.com\"}", 409, "code", "DOMAIN_OPERATION_IN_PROGRESS" },
		{ "{\"domain\":\"twice.example.com\"}", 409, "error", "the connections one, two fit twice.example.com" },
		{ "{\"domain\":\"bare.example.com\"}", 422, "error",
		  "Certificate creation failed: there is no CNAME at _acme-challenge.bare.example.com" },
		{ "{\"domain\":\"bare.example.com\"}", 422, "hint", "_acme-challenge.bare.example.com. 300 IN CNAME x." ZONE "." },
	};
	struct fixture f;

	fixture_start(&f);
	authority_make(&f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		EXPECT(&f, NULL, "POST", CREATE, cases[i].body, cases[i].status, cases[i].member, cases[i].value);
	fixture_stop(&f);
}

/* The job's order id, with its dashes. */
static const char *order_of_job(struct fixture *f, const char *job)
{
	CHECK_INT(strlen(job), 32);
	return arena_printf(f->a, "%.8s-%.4s-%.4s-%.4s-%.12s", job, job + 8, job + 12, job + 16, job + 20);
}

static const char *certificate_of_order(struct fixture *f, const char *order_id)
{
	struct order o;

	CHECK_OK(order_find(store_reader(f->store, &f->err), f->a, order_id, &o, &f->err), f->err);
	return o.certificate_id;
}

TEST(certmate_async_job)
{
	struct fixture f;
	struct answer  x;
	const char    *job, *order;

	fixture_start(&f);
	authority_make(&f);
	x = ask(&f, NULL, "POST", CREATE "?async=1",
		"{\"domain\":\"example.com\",\"san_domains\":[\"*.example.com\",\"EXAMPLE.com\"],\"dns_provider\":\"reeve\",\"unknown\":1,"
		"\"domain_alias\":\"validation.example.org\",\"key_type\":\"rsa\",\"key_size\":\"3072\",\"account_id\":\"default\"}");
	CHECK_INT(x.status, 202);
	CHECK_STR(json_str(x.json, "status"), "queued");
	CHECK_STR(json_str(x.json, "operation"), "create");
	CHECK_STR(json_str(x.json, "domain"), "example.com");
	job = arena_strdup(f.a, json_str(x.json, "job_id"));
	CHECK_STR(json_str(x.json, "status_url"), arena_printf(f.a, "/api/certificates/jobs/%s", job));
	answer_clear(&x);
	CHECK_STR(f.key_type, "rsa3072");
	CHECK_STR(f.connection, "");
	CHECK(strstr(f.issue_json, "\"domain_alias\":\"validation.example.org\"") != NULL);
	order = order_of_job(&f, job);
	EXPECT(&f, NULL, "GET", arena_printf(f.a, "/api/certificates/jobs/%s", job), NULL, 200, "status", "running");
	x = ask(&f, NULL, "GET", "/api/certificates/jobs", NULL);
	CHECK_INT(json_int(x.json, "count", -1), 1);
	answer_clear(&x);
	issue(&f, certificate_of_order(&f, order), order, 0, 90);
	EXPECT(&f, NULL, "GET", arena_printf(f.a, "/api/certificates/jobs/%s", job), NULL, 200, "status", "succeeded");
	x = ask(&f, NULL, "GET", "/api/certificates/jobs", NULL);
	CHECK_INT(json_int(x.json, "count", -1), 0);
	answer_clear(&x);

	x = ask(&f, NULL, "GET", "/api/certificates", NULL);
	CHECK_INT(json_array_size(x.json), 1);
	{
		static const char *const members[] = { "domain", "exists", "expiry_date", "days_left", "days_until_expiry",
			"needs_renewal", "auto_renew", "dns_provider", "domain_alias", "alias_dns_provider", "san_domains",
			"ca_provider", "challenge_type", "account_id", "deployment_port", "deployment_protocol" };
		const json_t *item = json_array_get(x.json, 0);

		CHECK_INT(json_object_size(item), ARRAY_LEN(members));
		for (size_t i = 0; i < ARRAY_LEN(members); i++)
			CHECK(json_object_get(item, members[i]) != NULL);
		CHECK_INT(json_int(item, "days_left", -1), 89);
		CHECK_INT(strlen(json_str(item, "expiry_date")), strlen("2026-11-19 08:00:00"));
		CHECK_INT(json_array_size(json_object_get(item, "san_domains")), 1);
	}
	answer_clear(&x);
	EXPECT(&f, NULL, "GET", "/api/certificates/example.com", NULL, 200, "domain_alias", "validation.example.org");
	EXPECT(&f, NULL, "GET", "/api/certificates/Example.COM", NULL, 200, "domain", "example.com");
	EXPECT(&f, NULL, "GET", "/api/certificates/none.example.com", NULL, 404, "code", "NOT_FOUND");
	fixture_stop(&f);
}

TEST(certmate_synchronous)
{
	struct fixture   f;
	struct answer    x;
	struct order    *orders;
	struct write_any w = { 0 };
	size_t           count;
	int              fd;

	fixture_start(&f);
	authority_make(&f);
	fd = ask_send(&f, NULL, "POST", CREATE, "{\"domain\":\"example.com\",\"ca_provider\":\"pebble\"}", "");
	do {
		clock_sleep_ms(10);
		CHECK_OK(order_list(store_reader(f.store, &f.err), f.a, f.project_id, "", 10, &orders, &count, &f.err), f.err);
	} while (count == 0);
	issue(&f, orders[0].certificate_id, orders[0].id, 0, 90);
	x = ask_receive(&f, fd);
	if (x.status != 201)
		print_error("%.*s\n", STR_ARG(x.body));
	CHECK_INT(x.status, 201);
	CHECK_STR(json_str(x.json, "domain"), "example.com");
	CHECK_STR(json_str(x.json, "dns_provider"), "builtin");
	CHECK_STR(json_str(x.json, "ca_provider"), "pebble");
	CHECK(json_is_number(json_object_get(x.json, "duration")));
	CHECK(json_str(x.json, "message") != NULL);
	answer_clear(&x);

	/* Not due: nothing is ordered. */
	x = ask(&f, NULL, "POST", "/api/certificates/example.com/renew", "{}");
	CHECK_INT(x.status, 200);
	CHECK(!json_bool(x.json, "renewed", true));
	answer_clear(&x);
	x = ask(&f, NULL, "POST", "/api/certificates/example.com/renew", "{\"force\":true,\"async\":true}");
	CHECK_INT(x.status, 202);
	CHECK_STR(json_str(x.json, "operation"), "renew");
	w.order.id = order_of_job(&f, json_str(x.json, "job_id"));
	answer_clear(&x);
	w.detail = "the CA said rejectedIdentifier";
	w.hint = "ask the CA";
	CHECK_OK(store_write(f.store, write_failed, &w, &f.err), f.err);
	order_changed(&f, w.order.id);

	/* And one that fails while the caller waits. */
	fd = ask_send(&f, NULL, "POST", CREATE, "{\"domain\":\"two.example.com\"}", "");
	do {
		clock_sleep_ms(10);
		CHECK_OK(order_list(store_reader(f.store, &f.err), f.a, f.project_id, "", 10, &orders, &count, &f.err), f.err);
	} while (count == 2);
	w.order.id = orders[0].id;
	CHECK_OK(store_write(f.store, write_failed, &w, &f.err), f.err);
	order_changed(&f, w.order.id);
	x = ask_receive(&f, fd);
	CHECK_INT(x.status, 422);
	CHECK_STR(json_str(x.json, "error"), "Certificate creation failed: the CA said rejectedIdentifier");
	CHECK_STR(json_str(x.json, "hint"), "ask the CA");
	answer_clear(&x);
	fixture_stop(&f);
}

static void zip_check(struct fixture *f, struct str bytes, const char *names)
{
	char path[] = "/tmp/reeve-zip-XXXXXX";
	int  fd;

	if (system("command -v python3 >/dev/null") != 0)
		return;
	fd = mkstemp(path);
	CHECK_INT(write(fd, bytes.ptr, bytes.len), bytes.len);
	close(fd);
	CHECK_INT(system(arena_printf(f->a, "python3 -c 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); "
				      "assert z.testzip() is None; assert \",\".join(z.namelist())==sys.argv[2], z.namelist()' %s %s",
				      path, names)), 0);
	unlink(path);
}

TEST(certmate_downloads)
{
	struct fixture f;
	struct answer  x;
	const char    *certificate, *order, *viewer;

	fixture_start(&f);
	authority_make(&f);
	viewer = token_make(&f, "viewer");
	certificate_make(&f, "example.com", &certificate, &order);
	issue(&f, certificate, order, 1, 89);
	x = ask(&f, NULL, "GET", "/api/certificates/example.com/download", NULL);
	CHECK_INT(x.status, 200);
	CHECK(has(x, "Content-Type: application/zip"));
	zip_check(&f, x.body, "cert.pem,chain.pem,fullchain.pem,privkey.pem,cert.pfx");
	answer_clear(&x);
	x = ask(&f, viewer, "GET", "/api/certificates/example.com/download?include_private=0", NULL);
	CHECK_INT(x.status, 200);
	zip_check(&f, x.body, "cert.pem,chain.pem,fullchain.pem");
	answer_clear(&x);
	EXPECT(&f, viewer, "GET", "/api/certificates/example.com/download", NULL, 403, "code", "PRIVKEY_REQUIRES_OPERATOR");
	EXPECT(&f, viewer, "GET", "/api/certificates/example.com/download?file=privkey.pem", NULL, 403, "code",
	       "PRIVKEY_REQUIRES_OPERATOR");
	EXPECT(&f, viewer, "GET", "/api/certificates/example.com/download?file=x.pem", NULL, 400, "error", "there is no file x.pem");
	x = ask(&f, viewer, "GET", "/api/certificates/example.com/download?file=fullchain.pem", NULL);
	CHECK_INT(x.status, 200);
	CHECK(has(x, "Content-Disposition: attachment; filename=\"example.com_fullchain.pem\""));
	CHECK(has(x, "Content-Type: application/x-pem-file"));
	answer_clear(&x);
	x = ask(&f, NULL, "GET", "/api/certificates/example.com/download/privkey?key_format=pkcs1", NULL);
	CHECK_INT(x.status, 200);
	CHECK(strstr(x.body.ptr, "BEGIN EC PRIVATE KEY") != NULL);
	answer_clear(&x);
	x = ask(&f, NULL, "GET", "/api/certificates/example.com/download?file=cert.pfx", NULL);
	CHECK_INT(x.status, 200);
	CHECK(has(x, "Content-Type: application/x-pkcs12"));
	CHECK_INT((unsigned char)x.body.ptr[0], 0x30);
	answer_clear(&x);
	x = ask(&f, NULL, "GET", "/api/certificates/example.com/download?format=json&key_format=pkcs1", NULL);
	CHECK(strstr(json_str(x.json, "private_key_pem"), "BEGIN PRIVATE KEY") != NULL);
	CHECK(strstr(json_str(x.json, "private_key_pkcs1_pem"), "BEGIN EC PRIVATE KEY") != NULL);
	CHECK(strncmp(json_str(x.json, "fullchain_pem"), json_str(x.json, "cert_pem"), strlen(json_str(x.json, "cert_pem"))) == 0);
	answer_clear(&x);
	x = ask(&f, viewer, "GET", "/api/certificates/example.com/download/cert", NULL);
	CHECK_INT(x.status, 200);
	answer_clear(&x);
	EXPECT(&f, viewer, "GET", "/api/certificates/example.com/download/nothing", NULL, 404, "code", "NOT_FOUND");
	fixture_stop(&f);
}

/* Without keeper and worker the role answers what it can, and says what it cannot. */
TEST(alone)
{
	struct api_settings settings = { .store_path = "/nonexistent/reeve.db" };
	struct fixture      f = { .dir = "/tmp/reeve-api-XXXXXX", .a = arena_new() };
	struct answer       x;

	assert_non_null(mkdtemp(f.dir));
	snprintf(f.socket, sizeof(f.socket), "%s/sock", f.dir);
	CHECK_OK(api_new(&settings, &f.api, &f.err), f.err);
	listeners_add(&f);
	CHECK_OK(api_start(f.api, &f.err), f.err);
	EXPECT(&f, "", "GET", "/healthz", NULL, 200, "status", "ok");
	x = ask(&f, NULL, "GET", "/v1/orders", NULL);
	CHECK_INT(x.status, 503);
	answer_clear(&x);
	api_free(f.api);
	unlink(f.socket);
	rmdir(f.dir);
	arena_free(f.a);
}

TESTS(T(no_route_without_a_token), T(bad_credentials), T(paths_and_methods), T(bodies_are_read_strictly),
      T(tokens_and_roles), T(authorities_and_their_secret), T(order_long_poll), T(certificates_and_downloads),
      T(certmate_create_refusals), T(certmate_async_job), T(certmate_synchronous), T(certmate_downloads), T(alone))
