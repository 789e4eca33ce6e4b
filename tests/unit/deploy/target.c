/* What a deployment may be told: each kind its own members, and nothing that would be ignored. */
#include "deploy/target.h"

#include "test.h"

static const struct {
	enum deploy_kind kind;
	const char      *json, *words; /* NULL: accepted */
} cases[] = {
	{ DEPLOY_FILES, "{\"directory\":\"/etc/ssl/x\"}", NULL },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"key_mode\":\"0640\",\"group\":\"ssl\",\"hook\":\"reload-nginx\",\"keep\":1}", NULL },
	{ DEPLOY_HOOK, "{\"hook\":\"a.sh\",\"timeout_s\":600}", NULL },
	{ DEPLOY_WEBHOOK, "{\"url\":\"https://example.org/x\",\"allow_addresses\":[\"10.0.0.0/8\"]}", NULL },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"probe\":\"[::1]:443\"}", NULL },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"probe\":\"smtp://mail.example.org:25\"}", NULL },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"probe\":\"postgresql://[::1]:5432\"}", NULL },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"probe\":\"gopher://a:70\"}", "smtp://" },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"probe\":\"smtp://a\"}", "host:port" },
	{ DEPLOY_FILES, "{}", "needs \"directory\"" },
	{ DEPLOY_HOOK, "{\"hook\":\"\"}", "needs \"hook\"" },
	{ DEPLOY_WEBHOOK, "{\"directory\":\"/x\",\"url\":\"https://x.example\"}", "knows no \"directory\"" },
	{ DEPLOY_HOOK, "{\"hook\":\"x\",\"keep\":2}", "knows no \"keep\"" },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"shell\":\"rm\"}", "shell" },
	{ DEPLOY_FILES, "{\"directory\":\"x\"}", "absolute" },
	{ DEPLOY_FILES, "{\"directory\":\"/\"}", "absolute" },
	{ DEPLOY_FILES, "{\"directory\":\"/x/../y\"}", "\"..\"" },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"key_mode\":\"0644\"}", "key_mode" },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"key_mode\":\"\"}", "key_mode" },
	{ DEPLOY_FILES, "{\"directory\":\"/x\",\"keep\":0}", "keep" },
	{ DEPLOY_HOOK, "{\"hook\":\"../x\"}", "not the name of a hook" },
	{ DEPLOY_HOOK, "{\"hook\":\"x; id\"}", "not the name of a hook" },
	{ DEPLOY_HOOK, "{\"hook\":\"x\",\"timeout_s\":601}", "timeout_s" },
	{ DEPLOY_WEBHOOK, "{\"url\":\"http://example.org/\"}", "url" },
	{ DEPLOY_HOOK, "{\"hook\":\"x\",\"probe\":\"example.org\"}", "host:port" },
	{ DEPLOY_HOOK, "{\"hook\":\"x\",\"probe\":\"::1:443\"}", "host:port" },
	{ DEPLOY_HOOK, "{\"hook\":\"x\",\"probe\":\"a:0\"}", "host:port" },
	{ DEPLOY_HOOK, "{\"hook\":\"x\",\"allow_addresses\":[\"10.0.0.1/8\"]}", "allow_addresses" },
	{ DEPLOY_HOOK, "[]", "object" },
};

TEST(settings)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena          *a = arena_new();
		struct deploy_settings s = { .keep = 77 };
		struct err             err = { 0 };
		bool                   ok = deploy_settings_parse(a, cases[i].kind, cases[i].json, &s, &err);

		if (ok != (cases[i].words == NULL))
			fail_msg("%s: %s", cases[i].json, ok ? "accepted" : err.text);
		if (!ok && strstr(err.text, cases[i].words) == NULL && strstr(err.hint, cases[i].words) == NULL)
			fail_msg("%s: \"%s\" without \"%s\"", cases[i].json, err.text, cases[i].words);
		CHECK(ok || (err.class == ERR_INPUT && s.keep == 77));
		arena_free(a);
	}
}

TEST(defaults)
{
	struct arena          *a = arena_new();
	struct deploy_settings s;
	struct err             err = { 0 };

	CHECK_OK(deploy_settings_parse(a, DEPLOY_FILES, "{\"directory\":\"/x\"}", &s, &err), err);
	CHECK_INT(s.key_mode_bits, 0600);
	CHECK_INT(s.keep, 3);
	CHECK_INT(s.timeout_s, 120);
	CHECK_STR(s.hook, "");
	CHECK_STR(deploy_directory_name(a, "*.example.org"), "_.example.org");
	CHECK_STR(deploy_directory_name(a, "example.org"), "example.org");
	arena_free(a);
}

TEST(kinds)
{
	struct err       err = { 0 };
	enum deploy_kind kind;

	for (unsigned i = 0; i < DEPLOY__COUNT; i++) {
		CHECK_OK(deploy_kind_find(deploy_kind_name((enum deploy_kind)i), &kind, &err), err);
		CHECK_INT(kind, i);
	}
	CHECK(!deploy_kind_find("shell", &kind, &err));
	CHECK_INT(err.class, ERR_INPUT);
}

TESTS(T(settings), T(defaults), T(kinds))
