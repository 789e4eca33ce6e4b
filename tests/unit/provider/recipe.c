/* Unit tests of provider/recipe.h, provider/recipes.h and provider/memory.h. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "provider/memory.h"
#include "provider/recipes.h"
#include "test.h"

static const char whole[] =
	"{\n"
	"  \"id\": \"demo\", \"//\": \"a comment\", \"title\": \"Demo\", \"permissions\": \"all\", \"base\": \"https://api.example.net\", \"ttl\": 60,\n"
	"  \"credentials\": [\n"
	"    { \"name\": \"token\", \"secret\": true, \"required\": true, \"aliases\": [\"DEMO_TOKEN\"] } ],\n"
	"  \"auth\": [ { \"headers\": { \"Authorization\": \"Bearer {token}\" } } ],\n"
	"  \"zone\": { \"find\": \"query\", \"step\": { \"method\": \"GET\", \"url\": \"/zones/{suffix}\" } },\n"
	"  \"records\": {\n"
	"    \"list\": { \"method\": \"GET\", \"url\": \"/zones/{zone}/records\",\n"
	"      \"answers\": [ { \"status\": \"4xx\", \"means\": \"absent\" } ] },\n"
	"    \"at\": \"/*\", \"value\": \"/value\",\n"
	"    \"create\": { \"method\": \"POST\", \"url\": \"/zones/{zone}/records\", \"json\": { \"v\": \"{value}\" } },\n"
	"    \"save\": { \"id\": \"/id\" },\n"
	"    \"remove\": { \"method\": \"DELETE\", \"url\": \"/zones/{zone}/records/{id}\" }\n"
	"  }\n"
	"}\n";

/* The recipe above with one piece of it replaced. */
static char *changed(struct arena *a, const char *from, const char *to)
{
	const char *at = strstr(whole, from);

	assert_non_null(at);
	return arena_printf(a, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
}

TEST(reads)
{
	AUTO(recipe_freep) struct recipe *recipe = NULL;
	struct err                        err = { 0 };

	CHECK_OK(recipe_read(str_c(whole), "demo.json", &recipe, &err), err);
	CHECK_STR(recipe->id, "demo");
	CHECK(recipe->zone.by_suffix && recipe->model == MODEL_RECORDS);
	CHECK_STR(recipe_credential_find(recipe, "demo_token")->name, "token");
	CHECK(recipe_credential_find(recipe, "other") == NULL);
	CHECK_INT(recipe->records.list.rules[0].status_min, 400);
	CHECK_INT(recipe->records.list.rules[0].status_max, 499);
}

TEST(refuses_with_file_line_and_member)
{
	static const struct {
		const char *from, *to, *place, *text;
	} cases[] = {
		{ "\"title\"", "\"titel\"", "demo.json:", "\"titel\" is not a known member" },
		{ "{suffix}", "{sufix}", "demo.json:6: /zone/step", "no variable \"sufix\"" },
		{ "{suffix}", "x", "demo.json:6: /zone", "needs {suffix}" },
		{ "{id}", "{zone}", "demo.json:12: /records/save", "nothing uses \"id\"" },
		{ "Bearer {token}", "Bearer x", "demo.json:", "nothing uses \"token\"" },
		{ "\"GET\", \"url\": \"/zones/{zone}/records\"", "\"FETCH\", \"url\": \"/zones/{zone}/records\"", "demo.json:8: /records/list/method", "GET, POST" },
		{ "\"/zones/{zone}/records\",\n", "\"/zones?x={zone}\",\n", "demo.json:8: /records/list/url", "query" },
		{ "\"means\": \"absent\" }", "\"means\": \"absent\" }, { \"status\": 404, \"means\": \"ok\" }", "demo.json:9: /records/list/answers/1",
		  "never be reached" },
		{ "\"means\": \"absent\"", "\"means\": \"perhaps\"", "demo.json:9: /records/list/answers/0/means", "one of" },
		{ "\"status\": \"4xx\"", "\"status\": \"9xx\"", "demo.json:9: /records/list/answers/0/status", "a status is" },
		{ "\"status\": \"4xx\"", "\"is\": [\"x\"]", "demo.json:9: /records/list/answers/0", "\"at\"" },
		{ "\"/*\"", "\"*\"", "demo.json:10: /records/at", "no path" },
		{ "\"id\": \"/id\"", "\"zone\": \"/id\"", "demo.json:12: /records/save/zone", "already a variable" },
		{ "\"auth\": [", "\"auth\": [ { \"headers\": { \"X\": \"{token}\" } },", "demo.json:5: /auth/1", "never be reached" },
		{ "\"base\": \"https:", "\"base\": \"http:", "demo.json:2: /base", "https://" },
		{ "\"ttl\": 60", "\"ttl\": 0", "demo.json:2: /ttl", "seconds" },
		{ "\"required\": true", "\"pattern\": \"(\"", "demo.json:4: /credentials/0/pattern", "regular expression" },
		{ "\"records\": {", "\"rrset\": {", "demo.json:", "" },
		{ "{ \"v\": \"{value}\" }", "{ \"v\": \"{value|int|nothing}\" }", "demo.json:11: /records/create/json", "no filter \"nothing\"" },
		{ "\"GET\", \"url\": \"/zones/{suffix}\"", "\"GET\", \"json\": {}, \"url\": \"/zones/{suffix}\"", "demo.json:6: /zone/step", "GET has no body" },
		{ "\"DELETE\",", "\"DELETE\", \"save\": { \"q\": \"/q\" },", "demo.json:13: /records/remove/save", "nothing comes after" },
		{ "\"query\", \"step\"", "\"owner\", \"step\"", "demo.json:6: /zone", "no use for one" },
		{ "\"zone\": {", "\"zone\": { \"under\": [\"example.org\"],", "demo.json:6: /zone/under", "goes with owner" },
		{ "\"POST\",", "\"POST\", \"numbered\": { \"N\": \"/n\" },", "demo.json:11: /records/create/numbered", "no elements" },
		{ "\"answers\":", "\"page\": { \"number\": \"p\", \"last\": \"/l\", \"step\": 5 }, \"answers\":", "demo.json:9: /records/list/page/step", "only with" },
		{ "\"answers\":", "\"save_headers\": { \"h\": \"H\" }, \"answers\":", "demo.json:9: /records/list/save_headers", "session" },
		{ "\"headers\": { \"Auth", "\"let\": { \"x\": \"{token}\" }, \"headers\": { \"Auth", "demo.json:5: /auth/0", "nothing uses \"x\"" },
		{ "\"records\": {", "\"calls\": { \"add\": { \"method\": \"GET\", \"url\": \"/\" }, \"remove\": { \"method\": \"GET\", \"url\": \"/\" }, \"holds\": 101 }, \"records\": {", "demo.json:", "is needed" },
		{ "\"ttl\": 60", "\"ttl\": 60 60", "demo.json: line 2", "" },
	};
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct recipe *recipe = NULL;
		struct err     err = { 0 };

		if (recipe_read(str_c(changed(a, cases[i].from, cases[i].to)), "demo.json", &recipe, &err))
			fail_msg("accepted: %s", cases[i].to);
		if (strncmp(err.text, cases[i].place, strlen(cases[i].place)) != 0 || strstr(err.text, cases[i].text) == NULL)
			fail_msg("\"%s\" instead of \"%s … %s\"", err.text, cases[i].place, cases[i].text);
		CHECK(err.class == ERR_INPUT && recipe == NULL);
	}
}

/* A zone that is written back as a whole needs to know what is ours in it; orders need no list. */
TEST(other_models)
{
	static const char head[] = "{ \"id\": \"demo\", \"title\": \"D\", \"permissions\": \"p\", \"base\": \"https://a.example\", \"ttl\": 60, \"credentials\": [], "
	                           "\"auth\": [], ";
	static const struct {
		const char *tail, *text;
	} cases[] = {
		{ "\"zone\": { \"find\": \"owner\" }, \"calls\": { \"holds\": 1, \"add\": { \"method\": \"GET\", \"url\": \"/a/{value}\" }, \"remove\": { \"method\": \"GET\", \"url\": \"/r\" } } }", NULL },
		{ "\"zone\": { \"find\": \"owner\" }, \"calls\": { \"holds\": -1, \"add\": { \"method\": \"GET\", \"url\": \"/a\" }, \"remove\": { \"method\": \"GET\", \"url\": \"/r\" } } }", "/calls/holds" },
		{ "\"zone\": { \"find\": \"none\" }, \"rrset\": { \"whole\": true, \"get\": { \"method\": \"GET\", \"url\": \"/g\" }, \"elements\": \"/*\", \"element\": \"{value}\", \"mine\": { \"/t\": \"TXT\" }, "
		  "\"replace\": { \"method\": \"POST\", \"url\": \"/r\", \"form\": {}, \"numbered\": { \"N\": \"/n\" } } } }", NULL },
		{ "\"zone\": { \"find\": \"none\" }, \"rrset\": { \"whole\": true, \"get\": { \"method\": \"GET\", \"url\": \"/g\" }, \"elements\": \"/*\", \"element\": \"{value}\", \"mine\": {}, "
		  "\"replace\": { \"method\": \"POST\", \"url\": \"/r\", \"form\": {} } } }", "taken for ours" },
		{ "\"zone\": { \"find\": \"none\" }, \"rrset\": { \"whole\": true, \"get\": { \"method\": \"GET\", \"url\": \"/g\" }, \"elements\": \"/*\", \"element\": \"{value}\", \"mine\": { \"/t\": [] }, "
		  "\"replace\": { \"method\": \"POST\", \"url\": \"/r\", \"form\": {} } } }", "taken for ours" },
		{ "\"zone\": { \"find\": \"none\" }, \"rrset\": { \"whole\": true, \"get\": { \"method\": \"GET\", \"url\": \"/g\" }, \"elements\": \"/*\", \"element\": \"{value}\", "
		  "\"replace\": { \"method\": \"POST\", \"url\": \"/r\", \"form\": {} } } }", "a whole zone has" },
		{ "\"zone\": { \"find\": \"none\" }, \"rrset\": { \"get\": { \"method\": \"GET\", \"url\": \"/g\" }, \"elements\": \"/*\", \"element\": \"{value}\", "
		  "\"replace\": { \"method\": \"POST\", \"url\": \"/r\", \"form\": {} } } }", "a set \"create\"" },
	};
	AUTO(arena_freep) struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(recipe_freep) struct recipe *recipe = NULL;
		struct err                        err = { 0 };
		bool                              ok = recipe_read(str_c(arena_printf(a, "%s%s", head, cases[i].tail)), "demo.json", &recipe, &err);

		if (ok != (cases[i].text == NULL) || (!ok && strstr(err.text, cases[i].text) == NULL))
			fail_msg("case %zu: %s", i, err.text);
	}
}

/* The recipes of the binary are right, and their names lead to one recipe each. */
TEST(embedded)
{
	AUTO(recipes_freep) struct recipes *all = NULL;
	struct err                          err = { 0 };

	CHECK_OK(recipes_load(NULL, &all, &err), err);
	CHECK_INT(recipes_count(all), recipe_sources_count);
	for (size_t i = 0; i < recipes_count(all); i++) {
		const struct recipe *recipe = recipes_at(all, i)->recipe, *found;

		CHECK_OK(recipes_find(all, recipe->id, &found, &err), err);
		CHECK(found == recipe);
		for (size_t k = 0; k < recipe->aliases.count; k++) {
			CHECK_OK(recipes_find(all, recipe->aliases.items[k], &found, &err), err);
			CHECK(found == recipe);
		}
		/* The file is named after the id. */
		CHECK(strstr(recipes_at(all, i)->file, recipe->id) != NULL);
	}
}

/* Providers and their fields as CertMate, Infisical and lego spell them. */
TEST(names_of_others)
{
	static const struct {
		const char *provider, *fields[6];
	} cases[] = {
		{ "azure", { "subscription_id", "resource_group", "tenant_id", "client_id", "client_secret" } },
		{ "google", { "project_id", "service_account_key" } },
		{ "powerdns", { "api_url", "api_key" } },
		{ "route53", { "access_key_id", "secret_access_key", "region" } },
		{ "cloudflare", { "api_token" } },
		{ "digitalocean", { "api_token" } },
		{ "linode", { "api_key" } },
		{ "gandi", { "api_token" } },
		{ "ovh", { "endpoint", "application_key", "application_secret", "consumer_key" } },
		{ "namecheap", { "username", "api_key" } },
		{ "arvancloud", { "api_key" } },
		{ "infomaniak", { "api_token" } },
		{ "duckdns", { "api_token" } },
		{ "vultr", { "api_key" } },
		{ "dnsmadeeasy", { "api_key", "secret_key" } },
		{ "nsone", { "api_key" } },
		{ "hetzner", { "api_token" } },
		{ "hetzner-cloud", { "api_token" } },
		{ "porkbun", { "api_key", "secret_key" } },
		{ "godaddy", { "api_key", "secret" } },
		{ "he-ddns", { "password" } },
		{ "dynudns", { "token" } },
		{ "edgedns", { "client_token", "client_secret", "access_token", "host" } },
		{ "desec", { "api_token" } },
		{ "scaleway", { "application_token" } },
		{ "solidserver", { "host", "username", "password", "dns_name", "dnsview_name" } },
		{ "azure-dns", { "tenantId", "clientId", "clientSecret", "subscriptionId" } },
		{ "dns-made-easy", { "apiKey", "secretKey" } },
		{ "easydns", { NULL } },
		{ "ultradns", { NULL } },
		{ "gcloud", { "GCE_PROJECT", "GCE_SERVICE_ACCOUNT" } },
		{ "hurricane", { NULL } },
		{ "dynu", { "DYNU_API_KEY" } },
		{ "alidns", { "ALICLOUD_ACCESS_KEY" } },
	};
	AUTO(recipes_freep) struct recipes *all = NULL;
	struct err                          err = { 0 };

	CHECK_OK(recipes_load(NULL, &all, &err), err);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct recipe *recipe;

		CHECK_OK(recipes_find(all, cases[i].provider, &recipe, &err), err);
		for (size_t k = 0; k < ARRAY_LEN(cases[i].fields) && cases[i].fields[k] != NULL; k++)
			if (recipe_credential_find(recipe, cases[i].fields[k]) == NULL)
				fail_msg("%s has no field %s", cases[i].provider, cases[i].fields[k]);
	}
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char  path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

TEST(users_recipes)
{
	char                                folder[] = "/tmp/reeve-recipes-XXXXXX", command[300];
	AUTO(arena_freep) struct arena     *a = arena_new();
	AUTO(recipes_freep) struct recipes *all = NULL;
	const struct recipe                *found;
	struct err                          err = { 0 };

	assert_non_null(mkdtemp(folder));
	write_file(folder, "demo.json", whole);
	write_file(folder, "broken.json", changed(a, "{suffix}", "{sufix}"));
	write_file(folder, "cloudflare.json", "{\n");
	write_file(folder, "notes.txt", "not a recipe");
	/* Somebody's alias never hides an id. */
	write_file(folder, "zzz.json", changed(a, "\"id\": \"demo\",", "\"id\": \"aaa\", \"aliases\": [\"route53\", \"Triple-A\"],"));
	CHECK_OK(recipes_load(folder, &all, &err), err);
	/* What cannot be read has the name of its file. */
	CHECK_INT(recipes_count(all), recipe_sources_count + 3);
	CHECK(!recipes_find(all, "broken", &found, &err));
	CHECK(strstr(err.text, "broken.json:6: /zone/step") != NULL);
	CHECK_OK(recipes_find(all, "Demo", &found, &err), err);
	CHECK_OK(recipes_find(all, "route53", &found, &err), err);
	CHECK_STR(found->id, "route53");
	CHECK_OK(recipes_find(all, "triple-a", &found, &err), err);
	CHECK_STR(found->id, "aaa");
	CHECK(!recipes_find(all, "cloudflare", &found, &err));
	CHECK(strstr(err.text, "cloudflare.json") != NULL);
	CHECK(!recipes_find(all, "nobody", &found, &err));
	CHECK_STR(err.problem, "no-connection");
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

TEST(remembers)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct memory                  *m = memory_new();
	struct err                      err = { 0 };

	memory_put(m, "k", "one", 60);
	memory_put(m, "k", "two", 60);
	memory_put(m, "old", "x", 0);
	CHECK_STR(memory_find(m, a, "k"), "two");
	CHECK(memory_find(m, a, "old") == NULL && memory_find(m, a, "other") == NULL);
	memory_drop(m, "k");
	CHECK(memory_find(m, a, "k") == NULL);
	for (unsigned i = 0; i < MEMORY_TEXTS_MAX + 10; i++)
		memory_put(m, arena_printf(a, "k%u", i), "v", 60);
	CHECK(memory_find(m, a, "k0") == NULL && memory_find(m, a, "k10") != NULL);
	/* Three requests per hour: the fourth is told when. */
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(memory_request(m, "a", 3, 3600, &err), err);
	CHECK(!memory_request(m, "a", 3, 3600, &err));
	CHECK(err.class == ERR_TEMPORARY && err.retry_after_s > 1100 && err.retry_after_s <= 1201);
	CHECK_OK(memory_request(m, "b", 3, 3600, &err), err);
	memory_silence(m, "b", 30);
	CHECK(!memory_request(m, "b", 3, 3600, &err));
	CHECK(err.retry_after_s >= 29 && err.retry_after_s <= 31);
	memory_free(m);
}

TESTS(T(reads), T(refuses_with_file_line_and_member), T(other_models), T(embedded), T(names_of_others), T(users_recipes), T(remembers))
