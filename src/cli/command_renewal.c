/*
 * command_renewal.c: `reeve certificate set|pause|resume`: when a certificate is renewed by itself.
 */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"

/* Takes `body`; says what holds now. */
static int change(struct cli *cli, json_t *body)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	const json_t    *renewal;

	if (!cli_ask(cli, "PATCH", arena_printf(cli->arena, "/v1/certificates/%s", cli_escape(cli->arena, cli->call.args[0])), body,
	             &reply, &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;
	renewal = json_object_get(reply.json, "renewal");
	printf("%s\n", shown_text(cli->arena, json_str(reply.json, "name")));
	fprintf(stderr, "%s: %s\n", renewal_due_text(cli->arena, renewal, clock_now_ms()),
	        shown_text(cli->arena, json_str(renewal, "text") ?: "it is not issued yet"));
	return EXIT_DONE;
}

const char *renewal_due_text(struct arena *a, const json_t *renewal, int64_t now_ms)
{
	const char *due = json_str(renewal, "due_at");

	if (json_bool(renewal, "paused", false))
		return "paused";
	if (!json_bool(renewal, "auto_renew", true))
		return "not by itself";
	if (due == NULL)
		return "after it is issued";
	return arena_printf(a, "%s (%s)", shown_time(a, due), shown_distance_of(a, due, now_ms));
}

int run_certificate_set(struct cli *cli)
{
	AUTO(json_freep) json_t *body = json_object();
	const char              *renew = cli_value(&cli->call, "auto-renew"), *before = cli_value(&cli->call, "renew-before");
	struct err               err = { 0 };

	if (renew == NULL && before == NULL && certificate_edit_given(cli))
		return certificate_edit(cli);
	if (renew != NULL && strcmp(renew, "on") != 0 && strcmp(renew, "off") != 0)
		err_problem(&err, ERR_INPUT, "invalid-request", "--auto-renew: \"%s\" is neither on nor off", renew);
	else if (renew == NULL && before == NULL)
		err_problem(&err, ERR_INPUT, "invalid-request", "there is nothing to set: `reeve certificate set --help` lists what can be");
	else if (certificate_edit_given(cli))
		err_problem(&err, ERR_INPUT, "invalid-request", "--auto-renew and --renew-before are set apart from what the certificate is");
	if (err.class != ERR_NONE) {
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	if (renew != NULL)
		json_put_bool(body, "auto_renew", strcmp(renew, "on") == 0);
	if (before != NULL)
		json_put_str(body, "renew_before", strcmp(before, "default") == 0 ? "" : before);
	return change(cli, TAKE(body));
}

static int pause_or_resume(struct cli *cli, bool paused)
{
	json_t *body = json_object();

	json_put_bool(body, "paused", paused);
	return change(cli, body);
}

int run_certificate_pause(struct cli *cli)
{
	return pause_or_resume(cli, true);
}

int run_certificate_resume(struct cli *cli)
{
	return pause_or_resume(cli, false);
}
