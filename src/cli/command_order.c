/*
 * command_order.c: `reeve order show|list|cancel`: what happened, readable at a glance, and an end to it.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

static const char *text_of(struct cli *cli, const json_t *x, const char *member)
{
	return shown_text(cli->arena, json_str(x, member));
}

static const char *offset(struct cli *cli, const json_t *x, const char *member, int64_t start_ms)
{
	const char *at = json_str(x, member);
	int64_t     at_ms;

	if (at == NULL || !clock_parse_rfc3339(str_c(at), &at_ms))
		return "-";
	return shown_offset(cli->arena, at_ms - start_ms);
}

static void show_head(struct cli *cli, const json_t *x, int64_t start_ms)
{
	const json_t *names = json_object_get(x, "names"), *one;
	size_t        i;
	const char   *status = text_of(cli, x, "status");

	printf("order %s\n", text_of(cli, x, "id"));
	printf("  names     ");
	json_array_foreach(names, i, one)
		printf("%s%s", i > 0 ? " " : "", shown_text(cli->arena, json_string_value(one)));
	printf("\n  authority %s\n", text_of(cli, x, "authority"));
	printf("  started   %s\n", shown_time(cli->arena, json_str(x, "created_at")));
	if (strcmp(status, "running") == 0)
		printf("  status    running, at step %s\n", text_of(cli, x, "step"));
	else
		printf("  status    %s after %s\n", status, offset(cli, x, "ended_at", start_ms) + 1);
	if (json_int(x, "requests", -1) >= 0)
		printf("  requests  %lld to the authority\n", (long long)json_int(x, "requests", 0));
	if (text_of(cli, x, "problem")[0] != '\0') {
		printf("  problem   %s\n", text_of(cli, x, "detail"));
		if (text_of(cli, x, "hint")[0] != '\0')
			printf("  fix       %s\n", text_of(cli, x, "hint"));
		if (json_str(x, "next_try_at") != NULL)
			printf("  next try  %s\n", shown_distance_of(cli->arena, json_str(x, "next_try_at"), clock_now_ms()));
	}
}

static void show_timeline(struct cli *cli, const json_t *x, int64_t start_ms)
{
	static const char *const head[] = { "TIME", "KIND", "STEP", "OUTCOME", "WHAT" };
	struct table             t;
	const json_t            *one;
	size_t                   i;

	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(x, "timeline"), i, one) {
		const char *text = json_str(one, "text"), *until = json_str(one, "until");
		int64_t     until_ms;

		if (until != NULL && clock_parse_rfc3339(str_c(until), &until_ms))
			text = arena_printf(cli->arena, "waiting until %.8s: %s", until + 11, text != NULL ? text : "");

		table_cell(&t, offset(cli, one, "at", start_ms));
		table_cell(&t, json_str(one, "kind"));
		table_cell(&t, json_str(one, "step"));
		table_cell(&t, json_str(one, "outcome"));
		table_cell(&t, text != NULL && text[0] != '\0' ? text : " ");
	}
	if (t.count > 0) {
		printf("\n");
		table_print(&t, stdout, 2);
	}
}

static void show_authorizations(struct cli *cli, const json_t *x)
{
	static const char *const head[] = { "AUTHORIZATION", "STATUS", "OWNER", "VALUE" };
	struct table             t;
	const json_t            *one;
	size_t                   i;

	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(x, "authorizations"), i, one) {
		const char *name = json_str(one, "name") ?: "";
		bool        star = json_bool(one, "wildcard", false) && strncmp(name, "*.", 2) != 0;

		table_cellf(&t, "%s%s", star ? "*." : "", name);
		table_cell(&t, json_str(one, "status"));
		table_cell(&t, json_str(one, "owner"));
		table_cell(&t, json_str(one, "value"));
	}
	if (t.count > 0) {
		printf("\n");
		table_print(&t, stdout, 2);
	}
}

static void show_records(struct cli *cli, const json_t *x, int64_t start_ms)
{
	static const char *const head[] = { "TXT OWNER", "STATE", "LIVE", "GONE", "SEEN BY", "VALUE" };
	struct table             t;
	const json_t            *one;
	size_t                   i;

	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(x, "txt_records"), i, one) {
		int64_t seen = json_int(one, "seen_networks", 0);

		table_cell(&t, json_str(one, "owner"));
		table_cell(&t, json_str(one, "state"));
		table_cell(&t, offset(cli, one, "live_at", start_ms));
		table_cell(&t, offset(cli, one, "gone_at", start_ms));
		table_cellf(&t, "%lld network%s", (long long)seen, seen == 1 ? "" : "s");
		table_cell(&t, json_str(one, "value"));
	}
	if (t.count > 0) {
		printf("\n");
		table_print(&t, stdout, 2);
	}
}

int run_order_show(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	int64_t          start_ms = 0;

	if (!cli_ask(cli, "GET", arena_printf(cli->arena, "/v1/orders/%s", cli_escape(cli->arena, cli->call.args[0])), NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	if (json_str(reply.json, "created_at") == NULL || !clock_parse_rfc3339(str_c(json_str(reply.json, "created_at")), &start_ms)) {
		err_problem(&err, ERR_TEMPORARY, "unavailable", "the server's answer is not an order");
		return cli_fail(cli, &err);
	}
	show_head(cli, reply.json, start_ms);
	show_timeline(cli, reply.json, start_ms);
	show_authorizations(cli, reply.json);
	show_records(cli, reply.json, start_ms);
	return EXIT_DONE;
}

int run_order_list(struct cli *cli)
{
	static const char *const head[] = { "ORDER", "STATUS", "STEP", "STARTED", "NAMES" };
	const char              *certificate = cli_value(&cli->call, "certificate"), *limit = cli_value(&cli->call, "limit");
	const char              *path = arena_printf(cli->arena, "/v1/orders?limit=%s", limit != NULL ? cli_escape(cli->arena, limit) : "20");
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x, *name;
	size_t                   i, n;

	if (certificate != NULL)
		path = arena_printf(cli->arena, "%s&certificate=%s", path, cli_escape(cli->arena, certificate));
	if (!cli_ask(cli, "GET", path, NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "orders"), i, x) {
		const char *names = "";

		json_array_foreach(json_object_get(x, "names"), n, name)
			names = n < 4 ? arena_printf(cli->arena, "%s%s%s", names, n > 0 ? " " : "", json_string_value(name) ?: "") : names;
		if (n > 4)
			names = arena_printf(cli->arena, "%s +%zu", names, n - 4);
		table_cell(&t, json_str(x, "id"));
		table_cell(&t, json_str(x, "status"));
		table_cell(&t, json_str(x, "step"));
		table_cell(&t, shown_distance_of(cli->arena, json_str(x, "created_at"), clock_now_ms()));
		table_cell(&t, names);
	}
	if (t.count > 0)
		table_print(&t, stdout, 0);
	else
		fprintf(stderr, "No orders yet: reeve certificate issue NAME --wait\n");
	return EXIT_DONE;
}

int run_order_cancel(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "POST", arena_printf(cli->arena, "/v1/orders/%s/cancel", cli_escape(cli->arena, cli->call.args[0])), json_object(),
	             &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	printf("%s\n", text_of(cli, reply.json, "id"));
	fprintf(stderr, "Cancelled. `reeve certificate pause` keeps it from being ordered again.\n");
	return EXIT_DONE;
}
