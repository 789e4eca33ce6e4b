/* tests/unit/acme/directory.c: directories of real CAs, and pages that are none. */
#include "test.h"

#include "acme/directory.h"

#define URL "https://acme.example/directory"
#define URLS "\"newNonce\":\"https://a/n\",\"newAccount\":\"https://a/a\",\"newOrder\":\"https://a/o\""

TEST(directory_reads)
{
	static const char body[] =
		"{\"Lm3kz1tQ\":\"https://community.example/t/1\",\"keyChange\":\"https://a/k\"," URLS ","
		"\"revokeCert\":\"https://a/r\",\"renewalInfo\":\"https://b/ari\",\"meta\":{\"termsOfService\":"
		"\"http://a/tos.pdf#page=2\",\"website\":\"https://a\",\"externalAccountRequired\":true,"
		"\"caaIdentities\":[\"Letsencrypt.ORG\",7,\"not a name\",\"b.example\"],"
		"\"profiles\":{\"classic\":\"The default\",\"\":\"x\",\"a b\":\"y\",\"short\":5}}}";
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_directory d;
	struct err            err = { 0 };

	CHECK_OK(acme_directory_parse(a, URL, "application/json", str_c(body), &d, &err), err);
	CHECK_STR(d.new_nonce, "https://a/n");
	CHECK_STR(d.new_account, "https://a/a");
	CHECK_STR(d.new_order, "https://a/o");
	CHECK_STR(d.revoke_cert, "https://a/r");
	CHECK_STR(d.key_change, "https://a/k");
	CHECK_STR(d.renewal_info, "https://b/ari");
	CHECK_STR(d.terms_of_service, "http://a/tos.pdf#page=2");
	CHECK_STR(d.website, "https://a");
	CHECK(d.external_account_required);
	CHECK_INT(d.caa_identities_count, 2);
	CHECK_STR(d.caa_identities[0], "letsencrypt.org");
	CHECK_STR(d.caa_identities[1], "b.example");
	CHECK_INT(d.profiles_count, 2);
	CHECK_STR(acme_directory_profile(&d, "classic")->description, "The default");
	CHECK_STR(acme_directory_profile(&d, "short")->description, "");
	CHECK(acme_directory_profile(&d, "a b") == NULL);
}

TEST(directory_is_small)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_directory d;
	struct err            err = { 0 };

	CHECK_OK(acme_directory_parse(a, URL, NULL, STR("{" URLS ",\"renewalInfo\":\"http://plain/\",\"meta\":[],"
	                              "\"keyChange\":9}"), &d, &err), err);
	CHECK(d.renewal_info == NULL && d.key_change == NULL && d.revoke_cert == NULL);
	CHECK(d.terms_of_service == NULL && !d.external_account_required);
	CHECK_OK(acme_directory_parse(a, URL, NULL, STR("{" URLS ",\"meta\":{\"termsOfService\":\"javascript:alert(1)\","
	                              "\"website\":\"https://a/<b>\",\"externalAccountRequired\":\"yes\","
	                              "\"caaIdentities\":{},\"profiles\":[]}}"), &d, &err), err);
	CHECK(d.terms_of_service == NULL && d.website == NULL && !d.external_account_required);
	CHECK_INT(d.profiles_count + d.caa_identities_count, 0);
}

TEST(directory_refuses)
{
	static const struct {
		const char *type, *body, *part;
	} rows[] = {
		{ "text/html", "<!doctype html>", "answered HTML, not an ACME directory: is this the directory URL?" },
		{ "", " \n<html>", "answered HTML" },
		{ "text/html", "{" URLS "}", "answered HTML" },
		{ "application/json", "", "not an ACME directory" },
		{ "application/json", "[]", "not a JSON object" },
		{ "application/json", "{\"status\":\"ok\"}", "without 'newNonce'" },
		{ "application/json", "{\"newNonce\":\"https://a/n\",\"newAccount\":\"https://a/a\"}", "without 'newOrder'" },
		{ "application/json", "{\"newNonce\":\"http://a/n\",\"newAccount\":\"https://a/a\",\"newOrder\":\"https://a/o\"}",
		  "plain http is refused" },
		{ "application/json", "{\"newNonce\":5,\"newAccount\":\"https://a/a\",\"newOrder\":\"https://a/o\"}", "newNonce" },
		{ "application/json", "{\"newNonce\":\"/n\",\"newAccount\":\"https://a/a\",\"newOrder\":\"https://a/o\"}",
		  "newNonce" },
		{ "application/json", "{" URLS ",\"newNonce\":\"https://b/n\"}", "not an ACME directory" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct acme_directory d = { .new_nonce = "untouched" };
		struct err            err = { 0 };

		CHECK(!acme_directory_parse(a, URL, rows[i].type, str_c(rows[i].body), &d, &err));
		CHECK_INT(err.class, ERR_PERMANENT);
		CHECK_STR(err.problem, "ca-nonsense");
		if (strstr(err.text, rows[i].part) == NULL || strstr(err.text, URL) == NULL)
			print_error("row %zu: %s\n", i, err.text);
		CHECK(strstr(err.text, rows[i].part) != NULL && strstr(err.text, URL) != NULL);
		CHECK_STR(d.new_nonce, "untouched");
	}
}

TESTS(T(directory_reads), T(directory_is_small), T(directory_refuses))
