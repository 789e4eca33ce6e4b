/*
 * command_connection.c: `reeve connection …` and `reeve provider …`: accounts at DNS providers. A secret comes from a
 * prompt, a file or standard input; never from the command line, where every user of the machine could read it.
 */
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"
#include "crypto/secret.h"

#define SECRET_MAX (32 * KIB)
#define PEM_MAX    (64 * KIB)
#define LINE_MAX   4096

static const char *path_of(struct cli *cli, const char *tail)
{
	return arena_printf(cli->arena, "/v1/connections/%s%s", cli_escape(cli->arena, cli->call.args[0]), tail);
}

/* ---- credentials ---- */

/* FIELD=REST; NULL without the sign. */
static const char *field_of(struct cli *cli, const char *text, const char **ret_rest)
{
	const char *sign = strchr(text, '=');

	if (sign == NULL || sign == text)
		return NULL;
	*ret_rest = sign + 1;
	return arena_str(cli->arena, str_of(text, (size_t)(sign - text)));
}

static bool names_it(const json_t *credential, const char *name)
{
	const json_t *alias;
	size_t        i;

	if (str_eq_nocase(str_c(json_str(credential, "name")), str_c(name)))
		return true;
	json_array_foreach(json_object_get(credential, "aliases"), i, alias) {
		if (str_eq_nocase(str_c(json_string_value(alias)), str_c(name)))
			return true;
	}
	return false;
}

static const json_t *credential_named(const json_t *provider, const char *name)
{
	const json_t *credential;
	size_t        i;

	json_array_foreach(json_object_get(provider, "credentials"), i, credential) {
		if (names_it(credential, name))
			return credential;
	}
	return NULL;
}

static bool is_given(const json_t *given, const json_t *credential)
{
	const char *key;
	json_t     *value;

	json_object_foreach((json_t *)(uintptr_t)given, key, value) {
		if (names_it(credential, key))
			return true;
	}
	return false;
}

/* A value on the command line is for what is no secret. */
static bool set_values(struct cli *cli, const json_t *provider, json_t *given, struct err *err)
{
	for (size_t i = 0; cli_value_at(&cli->call, "set", i) != NULL; i++) {
		const char   *text = cli_value_at(&cli->call, "set", i), *value = NULL, *name = field_of(cli, text, &value);
		const json_t *credential = name != NULL ? credential_named(provider, name) : NULL;

		if (name == NULL)
			return err_problem(err, ERR_INPUT, "invalid-request", "--set needs FIELD=VALUE");
		if (credential != NULL && json_bool(credential, "secret", true)) {
			err_problem(err, ERR_INPUT, "invalid-request", "%s is a secret: it does not belong on a command line", name);
			return err_hint(err, "use --secret-file %s=PATH, %s=- for standard input, or leave it out to be asked", name, name);
		}
		json_put_str(given, name, value);
	}
	return true;
}

static bool read_files(struct cli *cli, json_t *given, struct err *err)
{
	for (size_t i = 0; cli_value_at(&cli->call, "secret-file", i) != NULL; i++) {
		const char *path = NULL, *name = field_of(cli, cli_value_at(&cli->call, "secret-file", i), &path);
		struct str  text;

		if (name == NULL)
			return err_problem(err, ERR_INPUT, "invalid-request", "--secret-file needs FIELD=PATH");
		if (!cli_read_file(cli->arena, path, SECRET_MAX, &text, err))
			return false;
		json_put(given, name, json_stringn(str_trim(text).ptr, str_trim(text).len));
		wipe((void *)(uintptr_t)text.ptr, text.len);
	}
	return true;
}

static bool prompt(const json_t *credential, json_t *given, struct err *err)
{
	bool           secret = json_bool(credential, "secret", true), ok;
	const char    *title = json_str(credential, "title");
	struct termios old, quiet;
	char           line[LINE_MAX];

	fprintf(stderr, "%s%s%s%s: ", json_str(credential, "name"), title != NULL ? " (" : "", title != NULL ? title : "",
	        title != NULL ? ")" : "");
	fflush(stderr);
	if (tcgetattr(STDIN_FILENO, &old) != 0)
		return err_problem(err, ERR_INPUT, "invalid-request", "the terminal cannot be read");
	quiet = old;
	if (secret)
		quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	ok = fgets(line, sizeof(line), stdin) != NULL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	if (secret)
		fprintf(stderr, "\n");
	if (ok) {
		struct str text = str_trim(str_c(line));

		json_put(given, json_str(credential, "name"), json_stringn(text.ptr, text.len));
	}
	wipe(line, sizeof(line));
	return ok || err_problem(err, ERR_INPUT, "invalid-request", "%s was not given", json_str(credential, "name"));
}

/* What the provider needs and was not given, when there is somebody to ask. */
static bool ask_rest(const json_t *provider, json_t *given, struct err *err)
{
	const json_t *credential, *first = json_array_get(json_object_get(provider, "alternatives"), 0), *name;
	bool          any = json_object_size(given) > 0;
	size_t        i;

	if (!isatty(STDIN_FILENO))
		return true;
	json_array_foreach(json_object_get(provider, "credentials"), i, credential) {
		if (json_bool(credential, "required", false) && json_str(credential, "default") == NULL && !is_given(given, credential) &&
		    !prompt(credential, given, err))
			return false;
	}
	if (any)
		return true;
	json_array_foreach(first, i, name) {
		credential = credential_named(provider, json_string_value(name));
		if (credential != NULL && !is_given(given, credential) && !prompt(credential, given, err))
			return false;
	}
	return true;
}

/* NULL + err; an empty object when none is given and none was asked for. */
static json_t *credentials_make(struct cli *cli, const char *provider, bool ask, struct err *err)
{
	AUTO(json_freep) json_t *given = json_object();
	struct cli_reply         reply;

	if (!cli_ask(cli, "GET", arena_printf(cli->arena, "/v1/providers/%s", cli_escape(cli->arena, provider)), NULL, &reply, err))
		return NULL;
	if (!json_bool(reply.json, "usable", true)) {
		err_problem(err, ERR_CONFIG, "invalid-recipe", "%s", json_str(reply.json, "problem"));
		return NULL;
	}
	if (!set_values(cli, reply.json, given, err) || !read_files(cli, given, err) || (ask && !ask_rest(reply.json, given, err)))
		return NULL;
	return TAKE(given);
}

/* ---- settings ---- */

static bool settings_put(struct cli *cli, json_t *body, struct err *err)
{
	static const char *const texts[][2] = { { "zone", "zone" }, { "zone-id", "zone_id" }, { "base-url", "base_url" }, { "proxy", "proxy" },
		                                { "name", "name" } };
	json_t                  *ranges;
	struct str               text;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (cli_given(&cli->call, texts[i][0]))
			json_put_str(body, texts[i][1], cli_value(&cli->call, texts[i][0]));
	if (cli_given(&cli->call, "ca-file")) {
		if (!cli_read_file(cli->arena, cli_value(&cli->call, "ca-file"), PEM_MAX, &text, err))
			return false;
		json_put(body, "ca_pem", json_stringn(text.ptr, text.len));
	}
	if (cli_given(&cli->call, "default"))
		json_put_bool(body, "default", true);
	if (!cli_given(&cli->call, "allow-address"))
		return true;
	ranges = json_array();
	for (size_t i = 0; cli_value_at(&cli->call, "allow-address", i) != NULL; i++)
		json_array_append_new(ranges, json_string(cli_value_at(&cli->call, "allow-address", i)));
	json_put(body, "allow_addresses", ranges);
	return true;
}

static void show(struct cli *cli, const json_t *x)
{
	static const char *const rows[][2] = { { "provider", "provider" }, { "zone", "zone" }, { "zone id", "zone_id" },
		                               { "base URL", "base_url" }, { "proxy", "proxy" } };
	const json_t            *one;
	struct table             t;
	size_t                   i;

	table_init(&t, cli->arena, NULL, 2);
	table_cell(&t, "name");
	table_cellf(&t, "%s%s", json_str(x, "name"), json_bool(x, "default", false) ? " (default of its provider)" : "");
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		table_cell(&t, rows[i][0]);
		table_cell(&t, json_str(x, rows[i][1]));
	}
	json_array_foreach(json_object_get(x, "credentials_given"), i, one) {
		table_cell(&t, i == 0 ? "credentials" : " ");
		table_cellf(&t, "%s: given", json_string_value(one));
	}
	json_array_foreach(json_object_get(x, "allow_addresses"), i, one) {
		table_cell(&t, i == 0 ? "may be at" : " ");
		table_cell(&t, json_string_value(one));
	}
	table_cell(&t, "health");
	table_cell(&t, json_str(x, "health") != NULL ? json_str(x, "health") : "not checked yet");
	if (json_str(x, "finding") != NULL) {
		table_cell(&t, "why");
		table_cell(&t, json_str(x, "finding"));
		table_cell(&t, "fix");
		table_cell(&t, json_str(x, "hint"));
	}
	table_cell(&t, "checked");
	table_cell(&t, shown_time(cli->arena, json_str(x, "checked_at")));
	table_print(&t, stdout, 0);
}

/* ---- commands ---- */

int run_connection_add(struct cli *cli)
{
	AUTO(json_freep) json_t *body = json_object();
	const char              *provider = cli_value(&cli->call, "provider");
	struct cli_reply         reply;
	struct err               err = { 0 };
	json_t                  *credentials;

	if (provider == NULL) {
		err_problem(&err, ERR_INPUT, "invalid-request", "`reeve connection add` needs --provider NAME");
		err_hint(&err, "`reeve provider list` shows them");
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	credentials = credentials_make(cli, provider, true, &err);
	if (credentials == NULL)
		return cli_fail(cli, &err);
	json_put_str(body, "name", cli->call.args[0]);
	json_put_str(body, "provider", provider);
	json_put(body, "credentials", credentials);
	if (!settings_put(cli, body, &err))
		return cli_fail(cli, &err);
	json_put_str(body, "name", cli->call.args[0]);
	if (!cli_ask(cli, "POST", "/v1/connections", TAKE(body), &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		fprintf(stderr, "Stored. Look whether it works: reeve connection test %s\n", shown_text(cli->arena, json_str(reply.json, "name")));
	return EXIT_DONE;
}

int run_connection_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "PROVIDER", "ZONE", "HEALTH", "CHECKED" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x;
	size_t                   i;

	if (!cli_ask(cli, "GET", "/v1/connections", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "connections"), i, x) {
		table_cell(&t, json_str(x, "name"));
		table_cell(&t, json_str(x, "provider"));
		table_cell(&t, json_str(x, "zone"));
		table_cell(&t, json_str(x, "health"));
		table_cell(&t, shown_distance_of(cli->arena, json_str(x, "checked_at"), clock_now_ms()));
	}
	table_print(&t, stdout, 0);
	return EXIT_DONE;
}

int run_connection_show(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "GET", path_of(cli, ""), NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		show(cli, reply.json);
	return EXIT_DONE;
}

int run_connection_test(struct cli *cli)
{
	json_t          *body = json_object();
	struct cli_reply reply;
	struct err       err = { 0 };
	const json_t    *test;
	bool             ok;

	json_put_bool(body, "write", cli_given(&cli->call, "write"));
	if (!cli_ask(cli, "POST", path_of(cli, "/test"), body, &reply, &err))
		return cli_fail(cli, &err);
	test = json_object_get(reply.json, "test");
	ok = json_bool(test, "ok", false);
	if (!cli_printed_json(cli, &reply)) {
		if (ok) {
			printf("The provider accepts the credential%s.\n",
			       json_bool(test, "wrote", false) ? "; a value was written, listed and removed" : "");
		} else {
			printf("%s\n", shown_text(cli->arena, json_str(test, "detail")));
			if (json_str(test, "hint") != NULL)
				printf("  fix: %s\n", shown_text(cli->arena, json_str(test, "hint")));
		}
	}
	return ok ? EXIT_DONE : EXIT_REFUSED;
}

int run_connection_update(struct cli *cli)
{
	AUTO(json_freep) json_t *body = json_object();
	bool                     credentials = cli_given(&cli->call, "set") || cli_given(&cli->call, "secret-file") ||
	                   cli_given(&cli->call, "credentials");
	struct cli_reply         reply;
	struct err               err = { 0 };
	json_t                  *given;

	if (!cli_ask(cli, "GET", path_of(cli, ""), NULL, &reply, &err) || !settings_put(cli, body, &err))
		return cli_fail(cli, &err);
	if (credentials) {
		given = credentials_make(cli, json_str(reply.json, "provider"), true, &err);
		if (given == NULL)
			return cli_fail(cli, &err);
		json_put(body, "credentials", given);
	}
	if (!cli_ask(cli, "PATCH", path_of(cli, ""), TAKE(body), &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		fprintf(stderr, "Changed. Look whether it works: reeve connection test %s\n", shown_text(cli->arena, json_str(reply.json, "name")));
	return EXIT_DONE;
}

int run_connection_remove(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "DELETE", path_of(cli, ""), NULL, &reply, &err))
		return cli_fail(cli, &err);
	return EXIT_DONE;
}

/* ---- providers ---- */

static bool ask_provider(struct cli *cli, struct cli_reply *ret, struct err *err)
{
	const char *zone = cli_value(&cli->call, "zone"), *zone_id = cli_value(&cli->call, "zone-id");

	return cli_ask(cli, "GET",
	               arena_printf(cli->arena, "/v1/providers/%s?zone=%s&zone_id=%s", cli_escape(cli->arena, cli->call.args[0]),
	                            cli_escape(cli->arena, zone != NULL ? zone : ""), cli_escape(cli->arena, zone_id != NULL ? zone_id : "")),
	               NULL, ret, err);
}

int run_connection_permissions(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	char            *policy;

	if (!ask_provider(cli, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	fprintf(stderr, "%s needs: %s\n", shown_text(cli->arena, json_str(reply.json, "title")),
	        shown_text(cli->arena, json_str(reply.json, "permissions")));
	if (json_is_object(json_object_get(reply.json, "policy"))) {
		policy = json_dumps(json_object_get(reply.json, "policy"), JSON_INDENT(2));
		printf("%s\n", policy);
		free(policy);
	}
	return EXIT_DONE;
}

int run_provider_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "PROVIDER", "ALSO CALLED" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x, *alias;
	size_t                   i, k;

	if (!cli_ask(cli, "GET", "/v1/providers", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "providers"), i, x) {
		const char *also = "";

		json_array_foreach(json_object_get(x, "aliases"), k, alias)
			also = arena_printf(cli->arena, "%s%s%s", also, k > 0 ? ", " : "", json_string_value(alias));
		table_cell(&t, json_str(x, "id"));
		table_cell(&t, json_bool(x, "usable", true) ? json_str(x, "title") : "not usable");
		table_cell(&t, json_bool(x, "usable", true) ? also : json_str(x, "problem"));
	}
	table_print(&t, stdout, 0);
	return EXIT_DONE;
}

int run_provider_show(struct cli *cli)
{
	static const char *const head[] = { "CREDENTIAL", "", "ALSO READ AS", "" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x, *alias;
	size_t                   i, k;

	if (!ask_provider(cli, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	if (!json_bool(reply.json, "usable", true)) {
		printf("not usable: %s\n", shown_text(cli->arena, json_str(reply.json, "problem")));
		return EXIT_REFUSED;
	}
	printf("%s  %s\nneeds: %s\n\n", shown_text(cli->arena, json_str(reply.json, "id")), shown_text(cli->arena, json_str(reply.json, "title")),
	       shown_text(cli->arena, json_str(reply.json, "permissions")));
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "credentials"), i, x) {
		const char *also = "";

		json_array_foreach(json_object_get(x, "aliases"), k, alias)
			also = arena_printf(cli->arena, "%s%s%s", also, k > 0 ? ", " : "", json_string_value(alias));
		table_cell(&t, json_str(x, "name"));
		table_cellf(&t, "%s%s", json_bool(x, "secret", false) ? "secret " : "", json_bool(x, "required", false) ? "required" : "");
		table_cell(&t, also);
		table_cell(&t, json_str(x, "title"));
	}
	table_print(&t, stdout, 0);
	return EXIT_DONE;
}
