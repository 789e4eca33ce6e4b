/* The option parser against a small table of its own: what is read, and the words for what is wrong. */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "cli/options.h"
#include "test.h"

static int run(struct cli *cli)
{
	(void)cli;
	return 0;
}

static const struct cli_option issue_options[] = {
	{ "wait", NULL, "wait for it", false },
	{ "alias", "X", "an alias", true },
	{ "timeout", "S", "how long", false },
	{ NULL },
};

static const struct cli_command commands[] = {
	{ "version", "", "", 0, 0, "Print the version", NULL, run, false, NULL },
	{ "certificate", "issue", "NAME…", 1, 3, "Order it", issue_options, run, false, NULL },
	{ "certificate", "list", "", 0, 0, "List them", NULL, run, false, NULL },
	{ "secret", "", "", 0, 0, "Not shown", NULL, run, true, NULL },
};

static bool parse(struct arena *a, const char *line, struct cli_call *ret, struct err *err)
{
	char      *argv[32];
	int        argc = 0;
	struct str rest = str_c(line), word;

	while (str_next(&rest, ' ', &word))
		argv[argc++] = arena_str(a, word);
	argv[argc] = NULL;
	return cli_parse(a, commands, ARRAY_LEN(commands), argc, argv, ret, err);
}

TEST(words_and_options_in_any_order)
{
	static const char *const lines[] = {
		"reeve certificate issue a.example b.example --wait --alias x --alias=y --home /h",
		"reeve --home /h certificate issue --alias x a.example --wait b.example --alias y",
		"reeve certificate --home=/h issue --alias x --alias y --wait -- a.example b.example",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct arena   *a = arena_new();
		struct cli_call call;
		struct err      err = { 0 };

		CHECK_OK(parse(a, lines[i], &call, &err), err);
		CHECK(call.command == &commands[1] && !call.help);
		CHECK_INT(call.args_count, 2);
		CHECK_STR(call.args[0], "a.example");
		CHECK_STR(call.args[1], "b.example");
		CHECK(cli_given(&call, "wait") && !cli_given(&call, "timeout"));
		CHECK_STR(cli_value_at(&call, "alias", 0), "x");
		CHECK_STR(cli_value_at(&call, "alias", 1), "y");
		CHECK(cli_value_at(&call, "alias", 2) == NULL);
		CHECK_STR(cli_value(&call, "home"), "/h");
		arena_free(a);
	}
}

TEST(a_word_that_looks_like_an_option_follows_two_dashes)
{
	struct arena   *a = arena_new();
	struct cli_call call;
	struct err      err = { 0 };

	CHECK_OK(parse(a, "reeve certificate issue -- --wait", &call, &err), err);
	CHECK(!cli_given(&call, "wait"));
	CHECK_STR(call.args[0], "--wait");
	arena_free(a);
}

static const struct {
	const char *line, *says, *hint;
} bad[] = {
	{ "reeve certificat list", "there is no command \"certificat\"", "did you mean `reeve certificate`?" },
	{ "reeve certificate isue a", "there is no command \"certificate isue\"", "did you mean `reeve certificate issue`?" },
	{ "reeve xyzzy", "there is no command \"xyzzy\"", "see `reeve --help`" },
	{ "reeve secre", "there is no command", "see `reeve --help`" },
	{ "reeve certificate", "needs a verb", "see `reeve certificate --help`" },
	{ "reeve certificate issue", "needs NAME…", "see `reeve certificate issue --help`" },
	{ "reeve certificate issue a b c d", "does not take \"d\"", "" },
	{ "reeve certificate list --wait", "there is no option --wait", "see `reeve certificate list --help`" },
	{ "reeve certificate issue a --wiat", "there is no option --wiat", "did you mean `--wait`?" },
	{ "reeve certificate issue a -x", "there is no option -x", "" },
	{ "reeve certificate issue a --timeout", "--timeout needs a value", "" },
	{ "reeve certificate issue a --timeout 1 --timeout 2", "--timeout was given twice", "" },
	{ "reeve certificate issue a --wait=1", "--wait", "" },
	{ "reeve --nothing version", "there is no option --nothing", "" },
	{ "reeve version extra", "does not take \"extra\"", "" },
};

TEST(usage_errors_say_what_and_where_to_read)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct arena   *a = arena_new();
		struct cli_call call;
		struct err      err = { 0 };

		if (parse(a, bad[i].line, &call, &err))
			fail_msg("\"%s\" was accepted", bad[i].line);
		if (strstr(err.text, bad[i].says) == NULL || strstr(err.hint, bad[i].hint) == NULL)
			fail_msg("\"%s\": \"%s\" / \"%s\"", bad[i].line, err.text, err.hint);
		arena_free(a);
	}
}

TEST(help_on_every_level)
{
	static const struct {
		const char *line, *has, *has_not;
	} cases[] = {
		{ "reeve", "certificate issue", "secret" },
		{ "reeve --help", "certificate list", "secret" },
		{ "reeve certificate --help", "certificate issue", "version" },
		{ "reeve certificate issue --help", "--timeout S", "List them" },
		{ "reeve certificate issue -h", "--alias X", "List them" },
		{ "reeve version --help", "Print the version", "List them" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena   *a = arena_new();
		struct cli_call call;
		struct err      err = { 0 };
		char           *text = NULL;
		size_t          len = 0;
		FILE           *out = open_memstream(&text, &len);

		CHECK_OK(parse(a, cases[i].line, &call, &err), err);
		CHECK(call.help);
		cli_help(out, commands, ARRAY_LEN(commands), &call);
		fclose(out);
		if (strstr(text, cases[i].has) == NULL || strstr(text, cases[i].has_not) != NULL)
			fail_msg("%s: %s", cases[i].line, text);
		free(text);
		arena_free(a);
	}
}

TESTS(T(words_and_options_in_any_order), T(a_word_that_looks_like_an_option_follows_two_dashes), T(usage_errors_say_what_and_where_to_read),
      T(help_on_every_level))
