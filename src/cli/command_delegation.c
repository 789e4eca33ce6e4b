/*
 * command_delegation.c: `reeve delegation …`. The record to publish is all that goes to standard output of `add`, so that
 * it can be appended to a zone file.
 */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

static const char *path_of(struct cli *cli, const char *tail)
{
	return arena_printf(cli->arena, "/v1/delegations/%s%s", cli_escape(cli->arena, cli->call.args[0]), tail);
}

int run_delegation_add(struct cli *cli)
{
	json_t          *body = json_object();
	struct cli_reply reply;
	struct err       err = { 0 };

	json_put_str(body, "name", cli->call.args[0]);
	if (cli_given(&cli->call, "target"))
		json_put_str(body, "target", cli_value(&cli->call, "target"));
	if (cli_given(&cli->call, "connection"))
		json_put_str(body, "connection", cli_value(&cli->call, "connection"));
	if (!cli_ask(cli, "POST", "/v1/delegations", body, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	printf("%s\n", shown_text(cli->arena, json_str(reply.json, "record")));
	fprintf(stderr, "Publish this record in the zone that holds %s, once; then check it:\n  reeve delegation check %s\n",
	        shown_text(cli->arena, json_str(reply.json, "name")), shown_text(cli->arena, json_str(reply.json, "name")));
	return EXIT_DONE;
}

int run_delegation_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "HEALTH", "CHECKED", "PROVIDER", "TARGET" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x;
	size_t                   i;

	if (!cli_ask(cli, "GET", "/v1/delegations", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "delegations"), i, x) {
		table_cell(&t, json_str(x, "name"));
		table_cell(&t, json_str(x, "health"));
		table_cell(&t, shown_distance_of(cli->arena, json_str(x, "checked_at"), clock_now_ms()));
		table_cell(&t, json_str(x, "provider"));
		table_cell(&t, json_str(x, "target"));
	}
	if (t.count > 0)
		table_print(&t, stdout, 0);
	else
		fprintf(stderr, "No delegations yet: reeve delegation add NAME\n");
	return EXIT_DONE;
}

int run_delegation_check(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "POST", path_of(cli, "/check"), NULL, &reply, &err))
		return cli_fail(cli, &err);
	const char *health = shown_text(cli->arena, json_str(reply.json, "health"));
	int         code = strcmp(health, "verified") == 0 ? EXIT_DONE : EXIT_REFUSED;
	const char *finding = json_str(reply.json, "finding");
	if (cli_printed_json(cli, &reply))
		return code;
	printf("%s  %s\n", shown_text(cli->arena, json_str(reply.json, "name")), health);
	if (finding != NULL && finding[0] != '\0')
		printf("  found:  %s\n", shown_text(cli->arena, finding));
	if (code != EXIT_DONE)
		printf("  needed: %s\n", shown_text(cli->arena, json_str(reply.json, "record")));
	return code;
}

int run_delegation_remove(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "DELETE", path_of(cli, ""), NULL, &reply, &err))
		return cli_fail(cli, &err);
	return EXIT_DONE;
}
