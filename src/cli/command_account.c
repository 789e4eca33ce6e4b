/*
 * command_account.c: what is asked of a CA beside certificates: `reeve authority test`, `reeve authority account …`,
 * `reeve certificate revoke`. Each is an operation of the server: started, followed to its end, shown. And `reeve caa`.
 */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

#define WAIT_S      900
#define WAIT_STEP_S 20

/* ---- following ---- */

static int failed(struct cli *cli, const json_t *x)
{
	fprintf(stderr, "reeve: %s\n", shown_text(cli->arena, json_str(x, "detail")));
	if (json_str(x, "hint") != NULL)
		fprintf(stderr, "  fix: %s\n", shown_text(cli->arena, json_str(x, "hint")));
	return EXIT_FAILED;
}

/* What it waits for, once for each reason. */
static void tell_waiting(struct cli *cli, const json_t *x, const char **told)
{
	const char *detail = json_str(x, "detail");

	if (detail == NULL || (*told != NULL && strcmp(*told, detail) == 0))
		return;
	*told = arena_strdup(cli->arena, detail);
	fprintf(stderr, "It waits: %s (again %s)\n", shown_text(cli->arena, detail),
	        shown_distance_of(cli->arena, json_str(x, "next_try_at"), clock_now_ms()));
}

/* From `reply`, which started it, to its end. EXIT_DONE: *ret is the operation. */
static int follow(struct cli *cli, struct cli_reply *reply)
{
	const char *id = arena_strdup(cli->arena, json_str(reply->json, "id")), *state, *told = NULL;
	int64_t     until = clock_mono_ms() + WAIT_S * (int64_t)1000;
	struct err  err = { 0 };

	while (json_str(reply->json, "ended_at") == NULL && clock_mono_ms() < until) {
		tell_waiting(cli, reply->json, &told);
		if (!cli_ask(cli, "GET", arena_printf(cli->arena, "/v1/operations/%s?wait=%d", cli_escape(cli->arena, id), WAIT_STEP_S), NULL,
		             reply, &err))
			return cli_fail(cli, &err);
	}
	state = json_str(reply->json, "state");
	if (cli_printed_json(cli, reply))
		return state != NULL && strcmp(state, "done") == 0 ? EXIT_DONE : EXIT_FAILED;
	if (state != NULL && strcmp(state, "failed") == 0)
		return failed(cli, reply->json);
	if (json_str(reply->json, "ended_at") == NULL) {
		fprintf(stderr, "reeve: still under way\n  fix: reeve operation show %s\n", id);
		return EXIT_RUNNING;
	}
	return EXIT_DONE;
}

static int ask_and_follow(struct cli *cli, const char *method, const char *path, json_t *body, struct cli_reply *ret)
{
	struct err err = { 0 };

	return cli_ask(cli, method, path, body, ret, &err) ? follow(cli, ret) : cli_fail(cli, &err);
}

/* ---- showing ---- */

static const char *value_text(struct cli *cli, const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value))
		return arena_printf(cli->arena, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	return NULL;
}

static void text_row(struct cli *cli, struct table *t, const char *label, const json_t *object, const char *member)
{
	const char *text = value_text(cli, json_object_get(object, member));

	if (text == NULL)
		return;
	table_cell(t, label);
	table_cell(t, text);
}

/* Members of a report in the order they came; what is nested is for --json. */
static void report_print(struct cli *cli, json_t *report)
{
	struct table t;
	const char  *key;
	json_t      *value;

	table_init(&t, cli->arena, NULL, 2);
	json_object_foreach(report, key, value)
		text_row(cli, &t, key, report, key);
	if (t.count > 0)
		table_print(&t, stdout, 0);
}

static void list_rows(struct table *t, const char *label, const json_t *list)
{
	const json_t *one;
	size_t        i;

	json_array_foreach(list, i, one) {
		table_cell(t, i == 0 ? label : " ");
		table_cell(t, json_string_value(one));
	}
	if (json_array_size(list) == 0) {
		table_cell(t, label);
		table_cell(t, "none stated");
	}
}

static void profile_rows(struct table *t, const json_t *profiles)
{
	const json_t *one;
	size_t        i;

	json_array_foreach(profiles, i, one) {
		int64_t most = json_int(one, "names_max", 0);

		table_cell(t, i == 0 ? "profiles" : " ");
		if (most > 0)
			table_cellf(t, "%s (%lld names): %s", json_str(one, "name") ?: "", (long long)most, json_str(one, "description") ?: "");
		else
			table_cellf(t, "%s: %s", json_str(one, "name") ?: "", json_str(one, "description") ?: "");
	}
	if (json_array_size(profiles) == 0) {
		table_cell(t, "profiles");
		table_cell(t, "none");
	}
}

static void test_print(struct cli *cli, const json_t *r)
{
	static const struct {
		const char *label, *member;
	} rows[] = { { "directory", "directory_url" }, { "known as", "preset" }, { "renewal info", "renewal_info" },
		     { "key change", "key_change" }, { "revocation", "revocation" }, { "  by the key", "revocation_by_key" },
		     { "wildcards", "wildcards" }, { "names at most", "names_max" }, { "chosen notAfter", "not_after" },
		     { "other chains", "alternate_chains" }, { "limits", "limits" }, { "EAB needed", "external_account_required" },
		     { "terms", "terms_of_service" }, { "website", "website" }, { "note", "note" } };
	const json_t *account = json_object_get(r, "account"), *tls = json_object_get(r, "tls"), *one;
	struct table  t;
	size_t        i;

	table_init(&t, cli->arena, NULL, 2);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		text_row(cli, &t, rows[i].label, r, rows[i].member);
	profile_rows(&t, json_object_get(r, "profiles"));
	list_rows(&t, "CAA names", json_object_get(r, "caa_identities"));
	table_cell(&t, "account");
	table_cellf(&t, "%s  %s", json_str(account, "status") ?: "", json_str(account, "url") ?: "");
	text_row(cli, &t, "  lists orders", account, "orders_list");
	text_row(cli, &t, "clock offset, s", r, "clock_offset_s");
	table_cell(&t, "TLS server");
	table_cellf(&t, "%s at %s", json_str(tls, "host") ?: "", json_str(tls, "address") ?: "");
	text_row(cli, &t, "  trusted by", tls, "trust");
	text_row(cli, &t, "  issued by", tls, "issuer");
	text_row(cli, &t, "  problem", tls, "detail");
	if (json_str(tls, "not_after") != NULL) {
		table_cell(&t, "  until");
		table_cell(&t, shown_time(cli->arena, json_str(tls, "not_after")));
	}
	table_print(&t, stdout, 0);
	json_array_foreach(json_object_get(r, "warnings"), i, one)
		fprintf(stderr, "warning: %s\n", shown_text(cli->arena, json_string_value(one)));
}

/* ---- commands ---- */

int run_authority_test(struct cli *cli)
{
	struct cli_reply reply;
	int              code = ask_and_follow(cli, "POST", arena_printf(cli->arena, "/v1/authorities/%s/test", cli_escape(cli->arena, cli->call.args[0])),
	                                       NULL, &reply);

	if (code != EXIT_DONE)
		return code;
	if (!cli->json)
		test_print(cli, json_object_get(reply.json, "report"));
	return json_array_size(json_object_get(json_object_get(reply.json, "report"), "warnings")) > 0 ? EXIT_REFUSED : EXIT_DONE;
}

static json_t *account_body(struct cli *cli)
{
	json_t *body = json_object();

	if (cli_given(&cli->call, "email"))
		json_put_str(body, "email", cli_value(&cli->call, "email"));
	if (cli_given(&cli->call, "agree-terms"))
		json_put_bool(body, "agree_terms", true);
	if (cli_given(&cli->call, "key-type"))
		json_put_str(body, "key_type", cli_value(&cli->call, "key-type"));
	return body;
}

int run_authority_account(struct cli *cli)
{
	static const struct {
		const char *action, *method, *tail;
		bool        body;
	} actions[] = { { "show", "POST", "/find", false }, { "update", "PATCH", "", true }, { "rollover", "POST", "/rollover", true },
		        { "deactivate", "POST", "/deactivate", false } };
	struct cli_reply reply;
	struct err       err = { 0 };
	size_t           i = 0;
	int              code;

	while (i < ARRAY_LEN(actions) && strcmp(actions[i].action, cli->call.args[0]) != 0)
		i++;
	if (i == ARRAY_LEN(actions)) {
		err_problem(&err, ERR_INPUT, "invalid-request", "`reeve authority account` has no %s", cli->call.args[0]);
		err_hint(&err, "show, update, rollover or deactivate");
	} else if (strcmp(actions[i].action, "deactivate") == 0 && !cli_given(&cli->call, "yes")) {
		err_problem(&err, ERR_INPUT, "invalid-request", "a deactivated account is gone for ever, and nothing can be ordered with it");
		err_hint(&err, "say --yes when it is meant");
	}
	if (err.class != ERR_NONE) {
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	code = ask_and_follow(cli, actions[i].method,
	                      arena_printf(cli->arena, "/v1/authorities/%s/account%s", cli_escape(cli->arena, cli->call.args[1]), actions[i].tail),
	                      actions[i].body ? account_body(cli) : NULL, &reply);
	if (code == EXIT_DONE && !cli->json)
		report_print(cli, json_object_get(reply.json, "report"));
	return code;
}

int run_certificate_revoke(struct cli *cli)
{
	static const char *const texts[] = { "reason", "method", "authority" };
	const char              *version = cli_value(&cli->call, "version");
	struct cli_reply         reply;
	struct err               err = { 0 };
	json_t                  *body;
	uint64_t                 number = 0;
	int                      code;

	if (version != NULL && (!str_to_u64(str_c(version), &number) || number > INT32_MAX)) {
		err_problem(&err, ERR_INPUT, "invalid-request", "--version %s is not a number", version);
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	body = json_object();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (cli_given(&cli->call, texts[i]))
			json_put_str(body, texts[i], cli_value(&cli->call, texts[i]));
	if (number > 0)
		json_put_int(body, "version", (int64_t)number);
	if (cli_given(&cli->call, "reissue"))
		json_put_bool(body, "reissue", true);
	code = ask_and_follow(cli, "POST", arena_printf(cli->arena, "/v1/certificates/%s/revoke", cli_escape(cli->arena, cli->call.args[0])), body,
	                      &reply);
	if (code == EXIT_DONE && !cli->json)
		report_print(cli, json_object_get(reply.json, "report"));
	return code;
}

int run_operation_show(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	struct table     t;

	if (!cli_ask(cli, "GET", arena_printf(cli->arena, "/v1/operations/%s", cli_escape(cli->arena, cli->call.args[0])), NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, NULL, 2);
	text_row(cli, &t, "what", reply.json, "kind");
	text_row(cli, &t, "state", reply.json, "state");
	text_row(cli, &t, "why", reply.json, "detail");
	text_row(cli, &t, "fix", reply.json, "hint");
	text_row(cli, &t, "next try", reply.json, "next_try_at");
	table_print(&t, stdout, 0);
	report_print(cli, json_object_get(reply.json, "report"));
	return EXIT_DONE;
}

/* The record on standard output, so that it can be piped; what is said about it on standard error. */
int run_caa(struct cli *cli)
{
	const char      *authority = cli_value(&cli->call, "authority"), *verdict;
	const char      *path = arena_printf(cli->arena, "/v1/caa?name=%s%s%s", cli_escape(cli->arena, cli->call.args[0]),
	                                     authority != NULL ? "&authority=" : "", authority != NULL ? cli_escape(cli->arena, authority) : "");
	struct cli_reply reply;
	struct err       err = { 0 };
	const json_t    *one;
	size_t           i;

	if (!cli_ask(cli, "GET", path, NULL, &reply, &err))
		return cli_fail(cli, &err);
	verdict = json_str(reply.json, "verdict");
	if (!cli_printed_json(cli, &reply)) {
		json_array_foreach(json_object_get(reply.json, "records"), i, one)
			printf("%s\n", shown_text(cli->arena, json_string_value(one)));
		if (json_str(reply.json, "account_url") == NULL)
			fprintf(stderr, "There is no account yet: after the first order the record can name it too.\n");
		json_array_foreach(json_object_get(reply.json, "found"), i, one)
			fprintf(stderr, "%s has %s\n", shown_text(cli->arena, json_str(reply.json, "found_at")),
			        shown_text(cli->arena, json_string_value(one)));
		if (json_str(reply.json, "found_at") == NULL && verdict != NULL && strcmp(verdict, "allowed") == 0)
			fprintf(stderr, "There is no CAA record now: every CA may issue.\n");
		if (json_str(reply.json, "detail") != NULL)
			fprintf(stderr, "%s: %s\n  fix: %s\n", verdict != NULL ? verdict : "", shown_text(cli->arena, json_str(reply.json, "detail")),
			        shown_text(cli->arena, json_str(reply.json, "hint")));
	}
	if (verdict != NULL && strcmp(verdict, "unknown") == 0)
		return EXIT_RUNNING;
	return verdict != NULL && strcmp(verdict, "allowed") == 0 ? EXIT_DONE : EXIT_REFUSED;
}
