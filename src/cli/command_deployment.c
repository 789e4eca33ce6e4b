/*
 * command_deployment.c: `reeve deployment …`: where certificates go, and delivering one now.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

#define SECRET_MAX   1024
#define CA_MAX       (64 * KIB)
#define WAIT_S       1300 /* two hooks at their longest */
#define WAIT_STEP_S  30

static const char *path_of(struct cli *cli, const char *tail)
{
	return arena_printf(cli->arena, "/v1/deployments/%s%s", cli_escape(cli->arena, cli->call.args[0]), tail);
}

/* Options that become members of `settings` as they are. */
static const struct {
	const char *option, *member;
	bool        number;
} members[] = {
	{ "directory", "directory", false },   { "owner", "owner", false },           { "group", "group", false },
	{ "key-mode", "key_mode", false },     { "keep", "keep", true },              { "hook", "hook", false },
	{ "timeout", "timeout_s", true },      { "url", "url", false },               { "probe", "probe", false },
	{ "probe-name", "probe_name", false }, { "probe-wait", "probe_wait_s", true },
	{ "pkcs12-password", "pkcs12_password", false },
};

static bool settings_make(struct cli *cli, json_t *settings, struct err *err)
{
	struct str text;
	uint64_t   number;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *value = cli_value(&cli->call, members[i].option);

		if (value == NULL)
			continue;
		if (!members[i].number)
			json_put_str(settings, members[i].member, value);
		else if (str_to_u64(str_c(value), &number) && number <= INT32_MAX)
			json_put_int(settings, members[i].member, (int64_t)number);
		else
			return err_problem(err, ERR_INPUT, "invalid-request", "--%s %s is not a number", members[i].option, value);
	}
	if (cli_given(&cli->call, "pkcs12"))
		json_put_bool(settings, "pkcs12", true);
	if (cli_given(&cli->call, "pkcs1"))
		json_put_bool(settings, "pkcs1", true);
	if (cli_given(&cli->call, "ca-file")) {
		if (!cli_read_file(cli->arena, cli_value(&cli->call, "ca-file"), CA_MAX, &text, err))
			return false;
		json_put(settings, "ca_pem", json_stringn(text.ptr, text.len));
	}
	if (cli_given(&cli->call, "allow-address")) {
		json_t *array = json_array();

		for (size_t i = 0; cli_value_at(&cli->call, "allow-address", i) != NULL; i++)
			json_array_append_new(array, json_string(cli_value_at(&cli->call, "allow-address", i)));
		json_put(settings, "allow_addresses", array);
	}
	return true;
}

/* What it is follows from what it was told. */
static const char *kind_of(const struct cli *cli)
{
	if (cli_given(&cli->call, "directory"))
		return "files";
	if (cli_given(&cli->call, "url"))
		return "webhook";
	return cli_given(&cli->call, "hook") ? "hook" : NULL;
}

int run_deployment_add(struct cli *cli)
{
	AUTO(json_freep) json_t *body = json_object();
	json_t                  *settings = json_object();
	const char              *kind = kind_of(cli);
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct str               secret;

	json_put(body, "settings", settings);
	if (kind == NULL) {
		err_problem(&err, ERR_INPUT, "invalid-request", "where to? give --directory, --hook or --url");
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	json_put_str(body, "name", cli->call.args[0]);
	json_put_str(body, "kind", kind);
	if (cli_given(&cli->call, "certificate"))
		json_put_str(body, "certificate", cli_value(&cli->call, "certificate"));
	if (!settings_make(cli, settings, &err))
		return cli_fail(cli, &err);
	if (cli_given(&cli->call, "secret-file")) {
		if (!cli_read_file(cli->arena, cli_value(&cli->call, "secret-file"), SECRET_MAX, &secret, &err))
			return cli_fail(cli, &err);
		secret = str_trim(secret);
		json_put(body, "secret", json_stringn(secret.ptr, secret.len));
	}
	if (!cli_ask(cli, "POST", "/v1/deployments", TAKE(body), &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		fprintf(stderr, "Delivered at each issue and renewal; now: reeve deployment run %s\n",
		        shown_text(cli->arena, json_str(reply.json, "name")));
	return EXIT_DONE;
}

static void fact_cell(struct cli *cli, struct table *t, const json_t *facts, const char *name)
{
	const json_t *fact = json_object_get(facts, name);

	if (!json_is_object(fact))
		table_cell(t, NULL);
	else
		table_cellf(t, "%lld, %s", (long long)json_int(fact, "version", 0),
		            shown_distance_of(cli->arena, json_str(fact, "at"), clock_now_ms()));
}

static const char *place_of(const json_t *deployment)
{
	static const char *const names[] = { "directory", "url", "hook" };
	const json_t            *settings = json_object_get(deployment, "settings");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (json_str(settings, names[i]) != NULL)
			return json_str(settings, names[i]);
	return NULL;
}

int run_deployment_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "KIND", "TO", "CERTIFICATE", "HELD", "DEPLOYED", "SEEN" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x;
	size_t                   i;

	if (!cli_ask(cli, "GET", "/v1/deployments", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "deployments"), i, x) {
		const json_t *facts = json_object_get(x, "facts"), *first = json_array_get(facts, 0);

		table_cell(&t, json_str(x, "name"));
		table_cell(&t, json_str(x, "kind"));
		table_cell(&t, place_of(x));
		if (json_str(x, "certificate") != NULL)
			table_cell(&t, json_str(x, "certificate"));
		else
			table_cellf(&t, "all (%zu)", json_array_size(facts));
		fact_cell(cli, &t, first, "held");
		fact_cell(cli, &t, first, "deployed");
		fact_cell(cli, &t, first, "seen");
	}
	if (t.count > 0)
		table_print(&t, stdout, 0);
	else
		fprintf(stderr, "No deployments yet: reeve deployment add NAME\n");
	return EXIT_DONE;
}

static void delivery_print(struct cli *cli, const json_t *x, bool output)
{
	printf("%s  version %lld  %s%s", shown_time(cli->arena, json_str(x, "created_at")), (long long)json_int(x, "version", 0),
	       shown_text(cli->arena, json_str(x, "state")), json_bool(x, "dry_run", false) ? " (dry run)" : "");
	if (json_int(x, "exit_code", -1) >= 0)
		printf("  exit code %lld", (long long)json_int(x, "exit_code", 0));
	printf("\n");
	if (json_str(x, "detail") != NULL)
		printf("  why: %s\n", shown_text(cli->arena, json_str(x, "detail")));
	if (json_str(x, "hint") != NULL)
		printf("  fix: %s\n", shown_text(cli->arena, json_str(x, "hint")));
	if (json_str(x, "next_try_at") != NULL)
		printf("  again: %s\n", shown_distance_of(cli->arena, json_str(x, "next_try_at"), clock_now_ms()));
	if (output && json_str(x, "output") != NULL) {
		struct str rest = str_c(json_str(x, "output")), line;

		while (str_next(&rest, '\n', &line))
			printf("  | %s\n", shown_text(cli->arena, arena_str(cli->arena, line)));
	}
}

/* Bundles of PEM are not for a screen. */
static void settings_print(struct cli *cli, json_t *settings)
{
	const char *key;
	json_t     *value;

	json_object_foreach(settings, key, value) {
		if (json_is_string(value) && strchr(json_string_value(value), '\n') == NULL)
			printf("  %s: %s\n", shown_text(cli->arena, key), shown_text(cli->arena, json_string_value(value)));
		else if (json_is_integer(value))
			printf("  %s: %lld\n", shown_text(cli->arena, key), (long long)json_integer_value(value));
		else
			printf("  %s: %s\n", shown_text(cli->arena, key), json_is_boolean(value) && !json_is_true(value) ? "no" : "given");
	}
}

int run_deployment_show(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	const json_t    *x;
	size_t           i;

	if (!cli_ask(cli, "GET", path_of(cli, ""), NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	const char *certificate = json_str(reply.json, "certificate");
	printf("%s  %s  %s\n", shown_text(cli->arena, json_str(reply.json, "name")), shown_text(cli->arena, json_str(reply.json, "kind")),
	       certificate != NULL ? shown_text(cli->arena, certificate) : "every certificate of the project");
	settings_print(cli, json_object_get(reply.json, "settings"));
	json_array_foreach(json_object_get(reply.json, "deliveries"), i, x)
		delivery_print(cli, x, i == 0);
	return EXIT_DONE;
}

/* Until it has ended; what is worth trying again later is exit code 5. */
static int follow(struct cli *cli, const char *id)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	int64_t          until = clock_mono_ms() + WAIT_S * 1000;

	do {
		if (!cli_ask(cli, "GET", arena_printf(cli->arena, "/v1/deliveries/%s?wait=%d", cli_escape(cli->arena, id), WAIT_STEP_S), NULL,
		             &reply, &err))
			return cli_fail(cli, &err);
	} while (json_str(reply.json, "ended_at") == NULL && json_str(reply.json, "next_try_at") == NULL && clock_mono_ms() < until);
	const char *state = json_str(reply.json, "state");
	int         code = EXIT_FAILED;
	if (state != NULL && strcmp(state, "done") == 0)
		code = EXIT_DONE;
	else if (json_str(reply.json, "ended_at") == NULL)
		code = EXIT_RUNNING;
	if (!cli_printed_json(cli, &reply))
		delivery_print(cli, reply.json, true);
	return code;
}

int run_deployment_run(struct cli *cli)
{
	json_t          *body = json_object();
	const char      *version = cli_value(&cli->call, "version");
	struct cli_reply reply;
	struct err       err = { 0 };
	uint64_t         number = 0;

	if (version != NULL && (!str_to_u64(str_c(version), &number) || number > INT32_MAX)) {
		json_decref(body);
		err_problem(&err, ERR_INPUT, "invalid-request", "--version %s is not a number", version);
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	if (number > 0)
		json_put_int(body, "version", (int64_t)number);
	if (cli_given(&cli->call, "certificate"))
		json_put_str(body, "certificate", cli_value(&cli->call, "certificate"));
	if (cli_given(&cli->call, "dry-run"))
		json_put_bool(body, "dry_run", true);
	if (!cli_ask(cli, "POST", path_of(cli, "/run"), body, &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_given(&cli->call, "no-wait"))
		return follow(cli, json_str(reply.json, "id"));
	if (!cli_printed_json(cli, &reply))
		printf("%s\n", shown_text(cli->arena, json_str(reply.json, "id")));
	return EXIT_DONE;
}

int run_deployment_remove(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "DELETE", path_of(cli, ""), NULL, &reply, &err))
		return cli_fail(cli, &err);
	return EXIT_DONE;
}
