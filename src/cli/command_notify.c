/*
 * command_notify.c: `reeve notify …`: who is told when something happens, and telling somebody now.
 */
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

#define SECRET_MAX 1024
#define CA_MAX     (64 * KIB)

/* Options that become members of `settings` as they are. */
static const struct {
	const char *option, *member;
	enum { TEXT, NUMBER, LIST, FILE_TEXT } kind;
} members[] = {
	{ "webhook-url", "url", TEXT },  { "host", "host", TEXT },         { "port", "port", NUMBER },
	{ "security", "security", TEXT }, { "username", "username", TEXT }, { "from", "from", TEXT },
	{ "to", "to", LIST },            { "timeout", "timeout_s", NUMBER }, { "ca-file", "ca_pem", FILE_TEXT },
	{ "allow-address", "allow_addresses", LIST },
};

static json_t *list_of(const struct cli *cli, const char *option)
{
	json_t *array = json_array();

	for (size_t i = 0; cli_value_at(&cli->call, option, i) != NULL; i++)
		json_array_append_new(array, json_string(cli_value_at(&cli->call, option, i)));
	return array;
}

static bool settings_make(struct cli *cli, json_t *settings, bool *ret_any, struct err *err)
{
	struct str text;
	uint64_t   number;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *value = cli_value(&cli->call, members[i].option);

		if (value == NULL)
			continue;
		*ret_any = true;
		switch (members[i].kind) {
		case TEXT:
			json_put_str(settings, members[i].member, value);
			break;
		case NUMBER:
			if (!str_to_u64(str_c(value), &number) || number > INT32_MAX)
				return err_problem(err, ERR_INPUT, "invalid-request", "--%s %s is not a number", members[i].option, value);
			json_put_int(settings, members[i].member, (int64_t)number);
			break;
		case LIST:
			json_put(settings, members[i].member, list_of(cli, members[i].option));
			break;
		case FILE_TEXT:
			if (!cli_read_file(cli->arena, value, CA_MAX, &text, err))
				return false;
			json_put(settings, members[i].member, json_stringn(text.ptr, text.len));
			break;
		}
	}
	return true;
}

/* From the terminal, unseen. */
static bool prompt(struct cli *cli, const char *what, struct str *ret, struct err *err)
{
	struct termios shown, hidden;
	char           line[SECRET_MAX];
	bool           read;

	if (tcgetattr(STDIN_FILENO, &shown) != 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "the %s is missing, and there is no terminal to ask for it", what);
		return err_hint(err, "give it in a file, or by standard input: --%s-file FILE|-", what);
	}
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "%s: ", what);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	read = fgets(line, sizeof(line), stdin) != NULL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputc('\n', stderr);
	if (!read)
		return err_problem(err, ERR_INPUT, "invalid-request", "no %s was given", what);
	line[strcspn(line, "\r\n")] = '\0';
	*ret = str_c(arena_strdup(cli->arena, line));
	explicit_bzero(line, sizeof(line));
	return true;
}

/* A password for a user is asked for when no file has it. */
static bool secret_make(struct cli *cli, json_t *body, bool smtp, bool *ret_any, struct err *err)
{
	const char *option = smtp ? "password-file" : "secret-file";
	struct str  secret;

	if (cli_given(&cli->call, smtp ? "secret-file" : "password-file"))
		return err_problem(err, ERR_INPUT, "invalid-request", "--%s is not for this kind: it has --%s",
		                   smtp ? "secret-file" : "password-file", option);
	if (cli_given(&cli->call, option)) {
		if (!cli_read_file(cli->arena, cli_value(&cli->call, option), SECRET_MAX, &secret, err))
			return false;
		secret = str_trim(secret);
	} else if (smtp && cli_given(&cli->call, "username")) {
		if (!prompt(cli, "password", &secret, err))
			return false;
	} else {
		return true;
	}
	*ret_any = true;
	json_put(body, "secret", json_stringn(secret.ptr, secret.len));
	return true;
}

static const char *path_of(struct cli *cli, const char *tail)
{
	return arena_printf(cli->arena, "/v1/notifications/%s%s", cli_escape(cli->arena, cli->call.args[0]), tail);
}

int run_notify_add(struct cli *cli)
{
	AUTO(json_freep) json_t *body = json_object();
	json_t                  *settings = json_object();
	const char              *kind = cli->call.args[0];
	bool                     smtp = strcmp(kind, "smtp") == 0, any;
	struct cli_reply         reply;
	struct err               err = { 0 };

	json_put(body, "settings", settings);
	json_put_str(body, "kind", kind);
	json_put_str(body, "name", cli->call.args[1]);
	if (cli_given(&cli->call, "event"))
		json_put(body, "events", list_of(cli, "event"));
	if (!settings_make(cli, settings, &any, &err) || !secret_make(cli, body, smtp, &any, &err) ||
	    !cli_ask(cli, "POST", "/v1/notifications", TAKE(body), &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		fprintf(stderr, "Try it: reeve notify test %s\n", shown_text(cli->arena, json_str(reply.json, "name")));
	return EXIT_DONE;
}

/* The server takes settings whole, so what is not named is taken from those that are there. */
int run_notify_update(struct cli *cli)
{
	AUTO(json_freep) json_t *body = json_object();
	AUTO(json_freep) json_t *settings = NULL;
	struct cli_reply         reply;
	struct err               err = { 0 };
	bool                     changed = false, secret = false;

	if (!cli_ask(cli, "GET", path_of(cli, ""), NULL, &reply, &err))
		return cli_fail(cli, &err);
	const char *kind = json_str(reply.json, "kind");
	settings = json_deep_copy(json_object_get(reply.json, "settings"));
	if (!settings_make(cli, settings, &changed, &err) ||
	    !secret_make(cli, body, kind != NULL && strcmp(kind, "smtp") == 0, &secret, &err))
		return cli_fail(cli, &err);
	if (changed)
		json_put(body, "settings", TAKE(settings));
	if (cli_given(&cli->call, "event"))
		json_put(body, "events", list_of(cli, "event"));
	if (json_object_size(body) == 0) {
		err_problem(&err, ERR_INPUT, "invalid-request", "nothing to change was given");
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	if (!cli_ask(cli, "PATCH", path_of(cli, ""), TAKE(body), &reply, &err))
		return cli_fail(cli, &err);
	cli_printed_json(cli, &reply);
	return EXIT_DONE;
}

static const char *place_of(struct cli *cli, const json_t *notifier)
{
	const json_t *settings = json_object_get(notifier, "settings");
	const char   *url = json_str(settings, "url"), *host = json_str(settings, "host");

	if (url != NULL)
		return shown_text(cli->arena, url);
	return host != NULL ? shown_text(cli->arena, host) : "";
}

int run_notify_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "KIND", "WHERE", "LAST SENT", "WAITING", "PROBLEM" };
	struct cli_reply         reply;
	struct err               err = { 0 };
	const json_t            *x;
	struct table             t;
	size_t                   i;

	if (!cli_ask(cli, "GET", "/v1/notifications", NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(reply.json, "notifications"), i, x) {
		table_cell(&t, json_str(x, "name"));
		table_cell(&t, json_str(x, "kind"));
		table_cell(&t, place_of(cli, x));
		table_cell(&t, json_str(x, "last_sent_at") != NULL ? shown_distance_of(cli->arena, json_str(x, "last_sent_at"), clock_now_ms()) : NULL);
		table_cellf(&t, "%lld", (long long)json_int(x, "waiting", 0));
		table_cell(&t, json_str(x, "detail"));
	}
	if (i == 0)
		fprintf(stderr, "Nobody is told yet: reeve notify add webhook|smtp NAME\n");
	else
		table_print(&t, stdout, 0);
	return EXIT_DONE;
}

static void settings_print(struct cli *cli, const json_t *notifier)
{
	json_t     *settings = json_object_get(notifier, "settings"), *value;
	const char *key;

	json_object_foreach(settings, key, value) {
		if (json_is_string(value) && strchr(json_string_value(value), '\n') == NULL)
			printf("  %s: %s\n", shown_text(cli->arena, key), shown_text(cli->arena, json_string_value(value)));
		else if (json_is_integer(value))
			printf("  %s: %lld\n", shown_text(cli->arena, key), (long long)json_integer_value(value));
		else if (json_is_array(value))
			for (size_t i = 0; i < json_array_size(value); i++)
				printf("  %s: %s\n", shown_text(cli->arena, key), shown_text(cli->arena, json_string_value(json_array_get(value, i))));
		else
			printf("  %s: given\n", shown_text(cli->arena, key));
	}
}

int run_notify_show(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	const json_t    *x;
	size_t           i;

	if (!cli_ask(cli, "GET", path_of(cli, ""), NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	printf("%s  %s\n", shown_text(cli->arena, json_str(reply.json, "name")), shown_text(cli->arena, json_str(reply.json, "kind")));
	settings_print(cli, reply.json);
	printf("  events:");
	json_array_foreach(json_object_get(reply.json, "events"), i, x)
		printf(" %s", shown_text(cli->arena, json_string_value(x)));
	printf("\n");
	json_array_foreach(json_object_get(reply.json, "messages"), i, x) {
		const char *detail = json_str(x, "detail"), *next = json_str(x, "next_try_at");

		printf("%s  %s  %s\n", shown_distance_of(cli->arena, json_str(x, "created_at"), clock_now_ms()),
		       shown_text(cli->arena, json_str(x, "state")), shown_text(cli->arena, json_str(x, "title")));
		if (detail != NULL)
			printf("  %s\n", shown_text(cli->arena, detail));
		if (next != NULL)
			printf("  next try %s\n", shown_distance_of(cli->arena, next, clock_now_ms()));
	}
	return EXIT_DONE;
}

int run_notify_test(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "POST", path_of(cli, "/test"), NULL, &reply, &err))
		return cli_fail(cli, &err);
	bool delivered = json_bool(reply.json, "delivered", false);
	if (cli_printed_json(cli, &reply))
		return delivered ? EXIT_DONE : EXIT_FAILED;
	if (delivered) {
		printf("taken: %s\n", shown_text(cli->arena, json_str(reply.json, "answer")));
		return EXIT_DONE;
	}
	const char *hint = json_str(reply.json, "hint");
	err_problem(&err, ERR_PERMANENT, json_str(reply.json, "problem"), "%s", json_str(reply.json, "detail"));
	if (hint != NULL)
		err_hint(&err, "%s", hint);
	cli_fail(cli, &err);
	return EXIT_FAILED;
}

int run_notify_remove(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };

	if (!cli_ask(cli, "DELETE", path_of(cli, ""), NULL, &reply, &err))
		return cli_fail(cli, &err);
	return EXIT_DONE;
}
