/* What a notifier may be told: each kind its own members, and nothing that could become another command or header. */
#include "notify/target.h"

#include "test.h"

static const struct {
	enum notify_target kind;
	const char        *json, *words; /* NULL: accepted */
} cases[] = {
	{ NOTIFY_WEBHOOK, "{\"url\":\"https://example.org/x\"}", NULL },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\",\"from\":\"a@b.example\"}", NULL },
	{ NOTIFY_SMTP, "{\"host\":\"2001:db8::1\",\"username\":\"a@b.example\",\"to\":[\"x+y@z.example\"],\"security\":\"tls\"}", NULL },
	{ NOTIFY_WEBHOOK, "{}", "needs \"url\"" },
	{ NOTIFY_WEBHOOK, "{\"url\":\"http://example.org/x\"}", "url" },
	{ NOTIFY_WEBHOOK, "{\"url\":\"https://example.org/x\",\"host\":\"y\"}", "knows no \"host\"" },
	{ NOTIFY_WEBHOOK, "{\"url\":\"https://example.org/x\",\"timeout_s\":0}", "timeout_s" },
	{ NOTIFY_SMTP, "{\"from\":\"a@b.example\"}", "needs \"host\"" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\"}", "sender" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org:25\",\"from\":\"a@b.example\"}", "host" },
	{ NOTIFY_SMTP, "{\"host\":\"a@mail.example.org\",\"from\":\"a@b.example\"}", "host" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org/x\",\"from\":\"a@b.example\"}", "host" },
	{ NOTIFY_SMTP, "{\"host\":\"x\\r\\nQUIT\",\"from\":\"a@b.example\"}", "host" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\",\"from\":\"a@b.example>\\r\\nRCPT TO:<x@y.example\"}", "from" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\",\"from\":\"a@b.example\",\"to\":[\"x y@z.example\"]}", "to" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\",\"from\":\"a@b.example\",\"to\":[\"x\"]}", "to" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\",\"from\":\"a@b.example\",\"port\":65536}", "port" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\",\"from\":\"a@b.example\",\"security\":\"ssl\"}", "security" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\",\"from\":\"a@b.example\",\"security\":\"none\",\"username\":\"x\"}", "encryption" },
	{ NOTIFY_SMTP, "{\"host\":\"mail.example.org\",\"from\":\"a@b.example\",\"allow_addresses\":[\"10.0.0.1/8\"]}", "allow_addresses" },
};

TEST(settings)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena          *a = arena_new();
		struct notify_settings s = { .port = 77 };
		struct err             err = { 0 };
		bool                   ok = notify_settings_parse(a, cases[i].kind, cases[i].json, &s, &err);

		if (ok != (cases[i].words == NULL))
			fail_msg("%s: %s", cases[i].json, ok ? "accepted" : err.text);
		if (!ok && strstr(err.text, cases[i].words) == NULL && strstr(err.hint, cases[i].words) == NULL)
			fail_msg("%s: \"%s\" without \"%s\"", cases[i].json, err.text, cases[i].words);
		CHECK(ok || (err.class == ERR_INPUT && s.port == 77));
		arena_free(a);
	}
}

TEST(defaults)
{
	struct arena          *a = arena_new();
	struct notify_settings s;
	struct err             err = { 0 };

	CHECK_OK(notify_settings_parse(a, NOTIFY_SMTP, "{\"host\":\"m.example\",\"username\":\"u@b.example\"}", &s, &err), err);
	CHECK_STR(s.from, "u@b.example");
	CHECK_INT(s.port, 587);
	CHECK_INT(s.security_is, SMTP_STARTTLS);
	CHECK_OK(notify_settings_parse(a, NOTIFY_SMTP, "{\"host\":\"m.example\",\"from\":\"u@b.example\",\"security\":\"tls\"}", &s, &err), err);
	CHECK_INT(s.port, 465);
	arena_free(a);
}

TEST(addresses)
{
	static const char *const good[] = { "a@b", "a.b+c=d@x-y.example.org", "!#$%&'*+-/=?^_`{|}~@x.org" };
	static const char *const bad[] = { "", "a", "@b", "a@", "a@b.", "a@-b", ".a@b", "a.@b", "a..b@c", "a@b..c", "a b@c", "<a@b>", "a@b>", "a\r@b",
		                           "a@b\n", "\"a\"@b", "a@[127.0.0.1]", "a,b@c", "a@b,c@d", "ü@b", "a@ü.org", "a@b c", "a;b@c", "a\\@b" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!smtp_address_valid(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (smtp_address_valid(bad[i]))
			fail_msg("%s", bad[i]);
}

TESTS(T(settings), T(defaults), T(addresses))
