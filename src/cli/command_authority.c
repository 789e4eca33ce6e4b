/*
 * command_authority.c: `reeve authority …`.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

#define EAB_MAX 4096
#define PEM_MAX (256 * KIB)

static const char *path_of(struct cli *cli, const char *tail)
{
	return arena_printf(cli->arena, "/v1/authorities/%s%s", cli_escape(cli->arena, cli->call.args[0]), tail);
}

static void show(struct cli *cli, const json_t *x)
{
	const json_t *account = json_object_get(x, "account"), *allowed = json_object_get(x, "allow_addresses"), *one;
	struct table  t;
	size_t        i;

	table_init(&t, cli->arena, NULL, 2);
	table_cell(&t, "name");
	table_cellf(&t, "%s%s", json_str(x, "name"), json_bool(x, "default", false) ? " (default)" : "");
	table_cell(&t, "directory");
	table_cell(&t, json_str(x, "directory_url"));
	if (json_str(x, "preset") != NULL) {
		table_cell(&t, "known as");
		table_cell(&t, json_str(x, "preset"));
	}
	if (json_str(x, "profile") != NULL) {
		table_cell(&t, "profile");
		table_cell(&t, json_str(x, "profile"));
	}
	if (json_str(x, "chain") != NULL) {
		table_cell(&t, "chain");
		table_cell(&t, json_str(x, "chain"));
	}
	table_cell(&t, "e-mail");
	table_cell(&t, json_str(x, "email"));
	table_cell(&t, "EAB key id");
	table_cell(&t, json_str(x, "eab_kid"));
	table_cell(&t, "account");
	if (json_is_object(account))
		table_cellf(&t, "%s  %s", json_str(account, "status") ?: "", json_str(account, "url") ?: "");
	else
		table_cell(&t, "none yet: it is made with the first order");
	table_cell(&t, "trust");
	table_cell(&t, json_bool(x, "trust_bundle", false) ? "its own certificates" : "the system's certificates");
	json_array_foreach(allowed, i, one) {
		table_cell(&t, i == 0 ? "may be at" : " ");
		table_cell(&t, json_string_value(one));
	}
	table_cell(&t, "added");
	table_cell(&t, shown_time(cli->arena, json_str(x, "created_at")));
	if (json_str(x, "note") != NULL) {
		table_cell(&t, "note");
		table_cell(&t, json_str(x, "note"));
	}
	table_print(&t, stdout, 0);
}

static bool add_files(struct cli *cli, json_t *body, struct err *err)
{
	const char *eab = cli_value(&cli->call, "eab-hmac-file"), *ca = cli_value(&cli->call, "ca-file");
	struct str  text;

	if ((eab != NULL) != cli_given(&cli->call, "eab-kid"))
		return err_problem(err, ERR_INPUT, "invalid-request", "--eab-kid and --eab-hmac-file belong together");
	if (eab != NULL) {
		if (!cli_read_file(cli->arena, eab, EAB_MAX, &text, err))
			return false;
		json_put_str(body, "eab_hmac_key", arena_str(cli->arena, str_trim(text)));
	}
	if (ca != NULL) {
		if (!cli_read_file(cli->arena, ca, PEM_MAX, &text, err))
			return false;
		json_put_str(body, "ca_pem", arena_str(cli->arena, text));
	}
	return true;
}

int run_authority_add(struct cli *cli)
{
	static const struct {
		const char *option, *member;
	} texts[] = { { "directory", "directory_url" }, { "email", "email" }, { "eab-kid", "eab_kid" }, { "preset", "preset" },
		      { "profile", "profile" }, { "chain", "chain" }, { "connection", "connection" }, { "zone", "zone" } };
	AUTO(json_freep) json_t *body = json_object();
	struct cli_reply         reply;
	struct err               err = { 0 };
	const char              *value;

	json_put_str(body, "name", cli->call.args[0]);
	/* The name alone: one that the server knows, or it says how to go on. */
	if (!cli_given(&cli->call, "directory") && !cli_given(&cli->call, "preset"))
		json_put_str(body, "preset", cli->call.args[0]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if ((value = cli_value(&cli->call, texts[i].option)) != NULL)
			json_put_str(body, texts[i].member, value);
	if (!add_files(cli, body, &err))
		return cli_fail(cli, &err);
	if (cli_given(&cli->call, "allow-address")) {
		json_t *list = json_array();

		for (size_t i = 0; (value = cli_value_at(&cli->call, "allow-address", i)) != NULL; i++)
			json_array_append_new(list, json_string(value));
		json_put(body, "allow_addresses", list);
	}
	if (!cli_ask(cli, "POST", "/v1/authorities", TAKE(body), &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		show(cli, reply.json);
	return EXIT_DONE;
}

int run_authority_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "DEFAULT", "ACCOUNT", "DIRECTORY" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x;
	size_t                   i;

	if (!cli_ask(cli, "GET", "/v1/authorities", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "authorities"), i, x) {
		table_cell(&t, json_str(x, "name"));
		table_cell(&t, json_bool(x, "default", false) ? "yes" : "");
		table_cell(&t, json_str(json_object_get(x, "account"), "status"));
		table_cell(&t, json_str(x, "directory_url"));
	}
	if (t.count > 0)
		table_print(&t, stdout, 0);
	else
		fprintf(stderr, "No authorities yet: reeve authority add letsencrypt, or NAME --directory URL\n");
	return EXIT_DONE;
}

static int ask_and_show(struct cli *cli, const char *method, const char *tail)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, method, path_of(cli, tail), NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply) && reply.json != NULL)
		show(cli, reply.json);
	return EXIT_DONE;
}

int run_authority_show(struct cli *cli)
{
	return ask_and_show(cli, "GET", "");
}

int run_authority_set(struct cli *cli)
{
	static const char *const members[] = { "profile", "chain" };
	json_t                  *body = json_object();
	struct cli_reply         reply;
	struct err               err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (cli_given(&cli->call, members[i]))
			json_put_str(body, members[i], cli_value(&cli->call, members[i]));
	if (!cli_ask(cli, "PATCH", path_of(cli, ""), body, &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		show(cli, reply.json);
	return EXIT_DONE;
}

int run_authority_presets(struct cli *cli)
{
	static const char *const head[] = { "PRESET", "AUTHORITY", "EAB", "STAGING", "DIRECTORY" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x;
	size_t                   i;

	if (!cli_ask(cli, "GET", "/v1/authority-presets", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "presets"), i, x) {
		const char *form = json_str(x, "directory_url_form");

		table_cell(&t, json_str(x, "name"));
		table_cell(&t, json_str(x, "title"));
		table_cell(&t, json_bool(x, "eab_required", false) ? "yes" : "no");
		table_cell(&t, json_str(x, "staging_url") != NULL ? "yes" : "");
		table_cell(&t, json_str(x, "ended") != NULL ? "(ended)" : form != NULL ? form : json_str(x, "directory_url"));
	}
	table_print(&t, stdout, 0);
	return EXIT_DONE;
}

int run_authority_default(struct cli *cli)
{
	return ask_and_show(cli, "PUT", "/default");
}

int run_authority_remove(struct cli *cli)
{
	return ask_and_show(cli, "DELETE", "");
}
