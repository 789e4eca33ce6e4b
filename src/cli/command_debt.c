/*
 * command_debt.c: `reeve debt list|retry`: TXT values that should be gone and are not.
 */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

static void show_values(struct cli *cli, const json_t *values, int64_t now_ms)
{
	static const char *const head[] = { "TXT OWNER", "SINCE", "TRIES", "NEXT TRY", "CONNECTION", "VALUE" };
	struct table             t;
	const json_t            *x;
	size_t                   i;

	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(values, i, x) {
		bool given_up = json_bool(x, "given_up", false);

		table_cell(&t, json_str(x, "owner"));
		table_cell(&t, shown_distance_of(cli->arena, json_str(x, "since"), now_ms));
		table_cellf(&t, "%lld", (long long)json_int(x, "failures", 0));
		table_cell(&t, given_up ? "given up" : shown_distance_of(cli->arena, json_str(x, "next_try_at"), now_ms));
		table_cell(&t, json_str(x, "connection"));
		table_cell(&t, json_str(x, "value"));
	}
	table_print(&t, stdout, 0);
	/* Many values fail for one reason: each is said once. */
	const char *said = "";
	json_array_foreach(values, i, x) {
		const char *detail = shown_text(cli->arena, json_str(x, "detail")), *hint = shown_text(cli->arena, json_str(x, "hint"));

		if (detail[0] == '\0' || strcmp(detail, said) == 0)
			continue;
		said = detail;
		printf("  why: %s\n", detail);
		if (hint[0] != '\0')
			printf("  fix: %s\n", hint);
	}
}

int run_debt_list(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "GET", "/v1/debt", NULL, &reply, &err))
		return cli_fail(cli, &err);
	int code = json_bool(reply.json, "alert", false) ? EXIT_REFUSED : EXIT_DONE;
	if (cli_printed_json(cli, &reply))
		return code;
	if (json_int(reply.json, "count", 0) == 0)
		fprintf(stderr, "No debt: every TXT value that should be gone is gone\n");
	else
		show_values(cli, json_object_get(reply.json, "values"), clock_now_ms());
	return code;
}

int run_debt_retry(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "POST", "/v1/debt/retry", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		fprintf(stderr, "%lld value%s tried again now; `reeve debt list` shows what is left\n",
		        (long long)json_int(reply.json, "count", 0), json_int(reply.json, "count", 0) == 1 ? " is" : "s are");
	return EXIT_DONE;
}
