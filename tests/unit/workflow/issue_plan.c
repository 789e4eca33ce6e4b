/* tests/unit/workflow/issue_plan.c: what is refused before an authority hears of it. */
#include "workflow/issue_plan.h"

#include "test.h"

TEST(names_that_an_authority_refuses_together)
{
	static const struct {
		const char *url, *names[3];
		const char *refused; /* the name that has to go; NULL: accepted */
	} cases[] = {
		{ "https://acme-v02.api.letsencrypt.org/directory", { "*.a.test", "www.a.test" }, "www.a.test" },
		{ "https://acme-v02.api.letsencrypt.org/directory", { "a.test", "x.a.test", "*.a.test" }, "x.a.test" },
		{ "https://acme-v02.api.letsencrypt.org/directory", { "a.test", "*.a.test" }, NULL },
		{ "https://acme-v02.api.letsencrypt.org/directory", { "*.a.test", "x.y.a.test" }, NULL },
		/* Another CA may take them: it is asked. */
		{ "https://ca.test/dir", { "*.a.test", "www.a.test" }, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct command_issue c = { .names = cases[i].names };
		struct plan          p = { .a = a, .c = &c, .certificate = { .profile = "" } };
		struct authority     x = { .name = "ca", .directory_url = cases[i].url, .profile = "" };
		struct err           err = { 0 };

		while (c.names_count < ARRAY_LEN(cases[i].names) && cases[i].names[c.names_count] != NULL)
			c.names_count++;
		CHECK_OK(plan_names(&p, &err), err);
		CHECK_INT(plan_accepts(&p, &x, &err), cases[i].refused == NULL);
		CHECK_STR(err.problem, cases[i].refused == NULL ? "" : "invalid-name");
		if (cases[i].refused != NULL)
			CHECK(strstr(err.text, cases[i].refused) != NULL && err.hint[0] != '\0');
	}
}

/* What a certificate wishes is asked of whoever issues it, the second authority and the one after an edit too. */
TEST(wishes_that_an_authority_refuses)
{
	static const char le[] = "https://acme-v02.api.letsencrypt.org/directory", google[] = "https://dv.acme-v02.api.pki.goog/directory";
	static const struct {
		const char *url, *profile;
		int64_t     valid_s;
		const char *word; /* NULL: accepted */
	} cases[] = {
		{ le, "shortlived", 0, NULL },       { le, "", 86400, "valid_days" },
		{ google, "", 86400, NULL },         { google, "shortlived", 0, "has no profiles" },
		{ "https://ca.test/dir", "x", 86400, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct plan      p = { .a = a, .certificate = { .profile = cases[i].profile, .valid_s = cases[i].valid_s } };
		struct authority x = { .name = "ca", .directory_url = cases[i].url, .profile = "" };
		struct err       err = { 0 };

		CHECK_INT(plan_accepts(&p, &x, &err), cases[i].word == NULL);
		if (cases[i].word != NULL)
			CHECK(strstr(err.text, cases[i].word) != NULL || strstr(err.hint, cases[i].word) != NULL);
	}
}

TEST(names_that_no_authority_gets)
{
	static const struct {
		const char *name, *word;
	} cases[] = { { "192.0.2.1", "IP address" }, { "2001:db8::1", "" }, { "a@example.test", "" }, { "", "" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(arena_freep) struct arena *a = arena_new();
		struct command_issue c = { .names = &cases[i].name, .names_count = 1 };
		struct plan          p = { .a = a, .c = &c };
		struct err           err = { 0 };

		CHECK(!plan_names(&p, &err));
		CHECK_STR(err.problem, "invalid-name");
		CHECK(strstr(err.text, cases[i].word) != NULL);
	}
}

TESTS(T(names_that_an_authority_refuses_together), T(wishes_that_an_authority_refuses), T(names_that_no_authority_gets))
