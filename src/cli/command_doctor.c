/*
 * command_doctor.c: `reeve doctor NAME…`: every finding with the record or setting it needs.
 */
#include "cli/command.h"
#include "cli/output.h"

static void show_name(struct cli *cli, const json_t *name)
{
	const json_t *finding;
	size_t        i;
	struct table  t;

	printf("%s  %s\n", shown_text(cli->arena, json_str(name, "name")), json_bool(name, "ok", false) ? "ready" : "not ready");
	table_init(&t, cli->arena, NULL, 3);
	json_array_foreach(json_object_get(name, "findings"), i, finding) {
		const char *record = json_str(finding, "record");
		bool        ok = json_bool(finding, "ok", false);

		table_cell(&t, ok ? "ok" : "!!");
		table_cell(&t, json_str(finding, "check"));
		table_cell(&t, json_str(finding, "text"));
		if (!ok && record != NULL && record[0] != '\0') {
			table_cell(&t, " ");
			table_cell(&t, " ");
			table_cellf(&t, "fix: %s", record);
		}
	}
	table_print(&t, stdout, 2);
}

int run_doctor(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	const char      *path = "/v1/doctor";
	const json_t    *name, *x;
	size_t           i;

	for (size_t n = 0; n < cli->call.args_count; n++)
		path = arena_printf(cli->arena, "%s%cname=%s", path, n == 0 ? '?' : '&', cli_escape(cli->arena, cli->call.args[n]));
	if (!cli_ask(cli, "GET", path, NULL, &reply, &err))
		return cli_fail(cli, &err);
	int code = json_bool(reply.json, "ok", false) ? EXIT_DONE : EXIT_REFUSED;
	if (cli_printed_json(cli, &reply))
		return code;
	json_array_foreach(json_object_get(reply.json, "names"), i, name)
		show_name(cli, name);
	const json_t *debt = json_object_get(reply.json, "debt");
	if (json_int(debt, "count", 0) > 0)
		printf("%lld TXT value%s should be gone and %s not, since %s: `reeve debt list` says why\n",
		       (long long)json_int(debt, "count", 0), json_int(debt, "count", 0) == 1 ? "" : "s",
		       json_int(debt, "count", 0) == 1 ? "is" : "are", shown_time(cli->arena, json_str(debt, "oldest_at")));
	json_array_foreach(json_object_get(reply.json, "notifications"), i, x)
		printf("%lld message%s to %s wait%s: %s\n", (long long)json_int(x, "waiting", 0), json_int(x, "waiting", 0) == 1 ? "" : "s",
		       shown_text(cli->arena, json_str(x, "name")), json_int(x, "waiting", 0) == 1 ? "s" : "", shown_text(cli->arena, json_str(x, "detail")));
	return code;
}
