/*
 * command_project.c: `reeve project …` and `reeve token …`: who may do what where.
 */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

static const char *text_or_dash(struct cli *cli, const json_t *x, const char *member)
{
	const char *text = json_str(x, member);

	return text != NULL ? shown_text(cli->arena, text) : "-";
}

int run_project_add(struct cli *cli)
{
	json_t          *body = json_object();
	struct cli_reply reply;
	struct err       err = { 0 };

	json_put_str(body, "name", cli->call.args[0]);
	if (!cli_ask(cli, "POST", "/v1/projects", body, &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		printf("%s\n", text_or_dash(cli, reply.json, "id"));
	return EXIT_DONE;
}

int run_project_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "ADDED", "ID" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x;
	size_t                   i;

	if (!cli_ask(cli, "GET", "/v1/projects", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "projects"), i, x) {
		table_cell(&t, json_str(x, "name"));
		table_cell(&t, shown_time(cli->arena, json_str(x, "created_at")));
		table_cell(&t, json_str(x, "id"));
	}
	table_print(&t, stdout, 0);
	return EXIT_DONE;
}

/* ---- tokens ---- */

int run_token_create(struct cli *cli)
{
	const char              *days = cli_value(&cli->call, "expires-days"), *project = cli_value(&cli->call, "project");
	AUTO(json_freep) json_t *body = json_object();
	struct cli_reply         reply;
	struct err               err = { 0 };
	uint64_t                 number;

	json_put_str(body, "name", cli->call.args[0]);
	if (project != NULL)
		json_put_str(body, "project", project);
	if (cli_given(&cli->call, "certificate"))
		json_put_str(body, "certificate", cli_value(&cli->call, "certificate"));
	if (days != NULL) {
		if (!str_to_u64(str_c(days), &number) || number == 0 || number > 366) {
			err_problem(&err, ERR_INPUT, "invalid-request", "--expires-days: \"%s\" is not between 1 and 366", days);
			cli_fail(cli, &err);
			return EXIT_USAGE;
		}
		json_put_int(body, "expires_in_days", (int64_t)number);
	}
	if (!cli_ask(cli, "POST", "/v1/tokens", TAKE(body), &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	printf("%s\n", text_or_dash(cli, reply.json, "token"));
	fprintf(stderr, "This is the only time the token is shown. It is good until %s.\n",
	        shown_time(cli->arena, json_str(reply.json, "expires_at")));
	return EXIT_DONE;
}

int run_token_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "ROLE", "PROJECT", "CERTIFICATE", "EXPIRES", "ID" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x;
	size_t                   i;

	if (!cli_ask(cli, "GET", "/v1/tokens", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "tokens"), i, x) {
		table_cell(&t, json_str(x, "name"));
		table_cell(&t, json_str(x, "role"));
		table_cell(&t, json_str(x, "project"));
		table_cell(&t, text_or_dash(cli, x, "certificate"));
		table_cell(&t, shown_distance_of(cli->arena, json_str(x, "expires_at"), clock_now_ms()));
		table_cell(&t, json_str(x, "id"));
	}
	if (t.count > 0)
		table_print(&t, stdout, 0);
	else
		fprintf(stderr, "No tokens yet: reeve token create NAME\n");
	return EXIT_DONE;
}

int run_token_revoke(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "DELETE", arena_printf(cli->arena, "/v1/tokens/%s", cli_escape(cli->arena, cli->call.args[0])), NULL, &reply, &err))
		return cli_fail(cli, &err);
	return EXIT_DONE;
}
