/* What is told: which kinds, and that the words say what happened, why, what to change and when it is tried again. */
#include "notify/event.h"

#include "test.h"

static struct event event_of(const char *kind, const char *state)
{
	return (struct event){ .id = "01", .project_id = "p", .kind = kind, .state = state, .name = "www.example.org", .certificate_id = "c1",
		               .order_id = "o1", .authority = "ca", .problem = "rejectedIdentifier", .detail = "the CA refused", .hint = "ask it",
		               .url = "", .version = 3, .not_after_at = 1800000000000, .next_try_at = 1700000000000, .at = 1600000000000 };
}

TEST(masks)
{
	static const struct {
		const char *events, *in, *out; /* what is wanted, what is not */
	} cases[] = {
		{ "", "renewal-failed", "renewed" },
		{ "default", "expiring", "issued" },
		{ "renewed", "renewed", "expiring" },
		{ "renewed default", "expiring", "issued" },
		{ "all", "issued", NULL },
		{ "of-a-newer-version", "expiring", "issued" },
	};
	struct err       err = { 0 };
	enum notify_kind kind;
	unsigned         mask;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_OK(notify_kind_find(str_c(cases[i].in), &kind, &err), err);
		if (!notify_wanted(cases[i].events, kind) || !notify_wanted(cases[i].events, NOTIFY_TEST))
			fail_msg("\"%s\" without %s", cases[i].events, cases[i].in);
		if (cases[i].out == NULL)
			continue;
		CHECK_OK(notify_kind_find(str_c(cases[i].out), &kind, &err), err);
		if (notify_wanted(cases[i].events, kind))
			fail_msg("\"%s\" with %s", cases[i].events, cases[i].out);
	}
	CHECK(!notify_events_parse(STR("renewed renwed"), &mask, &err));
	CHECK_INT(err.class, ERR_INPUT);
	CHECK(strstr(err.text, "renwed") != NULL);
}

TEST(every_kind_has_words)
{
	static const char *const states[] = { "happened", "again", "over" };

	for (unsigned i = 0; i < NOTIFY__COUNT; i++)
		for (size_t k = 0; k < ARRAY_LEN(states); k++) {
			struct arena *a = arena_new();
			struct event  e = event_of(notify_kind_name((enum notify_kind)i), states[k]);
			const char   *subject = event_subject(a, &e), *text = event_text(a, &e);

			CHECK(subject[0] != '\0' && strchr(subject, '%') == NULL && strchr(subject, '\n') == NULL);
			CHECK(strstr(text, "the CA refused [rejectedIdentifier]") != NULL && strstr(text, "reeve order show o1") != NULL);
			CHECK((strstr(text, "Tried again: 2023-11-14 22:13 UTC") != NULL) == (k < 2));
			e.hint = "";
			CHECK(k == 2 || strstr(event_text(a, &e), "To do:") != NULL || i == NOTIFY_ISSUED || i == NOTIFY_RENEWED);
			arena_free(a);
		}
}

TEST(one_line_each)
{
	struct arena *a = arena_new();
	struct event  e = event_of("renewal-failed", "happened");
	char          name[400];

	e.name = "a\r\nBcc: x\xe2\x80\xa8y\xc2\x85z\x1b[31m\xff";
	CHECK_STR(event_subject(a, &e), "a  Bcc: x y z [31m : renewal failed; the certificate is valid until 2027-01-15 08:00 UTC");
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = (char)(i % 2 == 0 ? 0xc3 : 0xa9);
	name[sizeof(name) - 1] = '\0';
	e.name = name;
	CHECK(strlen(event_subject(a, &e)) <= 200);
	CHECK(str_utf8(str_c(event_subject(a, &e) + strlen(event_subject(a, &e)) - 5)) == 2);
	arena_free(a);
}

TESTS(T(masks), T(every_kind_has_words), T(one_line_each))
