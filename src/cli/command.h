/*
 * cli/command.h: what every command file has in hand: the call, the settings, the server, and the ways to print.
 *
 * Use      a command is `int run_x(struct cli *cli)` and returns its exit code; errors go through cli_fail().
 * Output   results on standard output, everything said about them on standard error, so that output can be piped.
 */
#ifndef REEVE_CLI_COMMAND_H
#define REEVE_CLI_COMMAND_H

#include "cli/options.h"
#include "daemon/config.h"
#include "json/json.h"

enum cli_exit { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3, EXIT_NO_SERVER = 4, EXIT_RUNNING = 5 };

struct cli {
	struct arena   *arena;
	struct cli_call call;
	struct config   config; /* after cli_config() */
	bool            json;
	json_t         *answers[8]; /* a ring of what cli_ask() handed out last */
	size_t          answers_count;
};

/* --home, --config and their variables; a missing file of --config is an error. */
MUST_CHECK bool cli_config(struct cli *cli, struct err *err);
/* Print `reeve: <detail>` and `  fix: <hint>`; returns the exit code that fits. */
int cli_fail(const struct cli *cli, const struct err *err);

/* ---- the server ---- */

#define CLI_REQUEST_MS 60000

struct cli_reply {
	int           status;
	struct str    body; /* in the arena */
	const json_t *json; /* NULL when the body is not JSON; good for the next 7 requests */
};

/*
 * One request; `body` NULL sends none and is taken otherwise. An answer of 400 and more is an error with the problem's
 * code, sentence and hint; with --json the problem is printed too.
 */
MUST_CHECK bool cli_ask(struct cli *cli, const char *method, const char *path, json_t *body, struct cli_reply *ret, struct err *err);
/* The answer is not JSON: no --json handling, the body as it came. */
MUST_CHECK bool cli_ask_text(struct cli *cli, const char *path, struct str *ret, struct err *err);
struct cli_bundle {
	bool        unchanged;      /* the rest is empty then */
	struct str  combined;       /* chain and key as PEM, in the arena: wipe it */
	const char *etag, *certificate_id;
	int64_t     version;
};
/* Chain and key of the version that is served, unless it is the one with this ETag ("" for any). */
MUST_CHECK bool cli_ask_bundle(struct cli *cli, const char *certificate, const char *etag, struct cli_bundle *ret, struct err *err);
/* A path segment or query value, percent-encoded. */
const char *cli_escape(struct arena *a, const char *text);
/* With --json: prints the body and returns true. */
bool cli_printed_json(const struct cli *cli, const struct cli_reply *reply);

/* "2027-01-10 03:12 UTC (in 49 days)", or why not, of the `renewal` of a certificate. */
const char *renewal_due_text(struct arena *a, const json_t *renewal, int64_t now_ms);

/* `certificate set` was given what the certificate is: PATCH it, and follow the order if there is one. */
bool certificate_edit_given(const struct cli *cli);
int  certificate_edit(struct cli *cli);

/* A file, or "-" for standard input; at most `max` bytes. */
MUST_CHECK bool cli_read_file(struct arena *a, const char *path, size_t max, struct str *ret, struct err *err);

/* ---- the table of commands.c calls these ---- */

int run_init(struct cli *cli);
int run_serve(struct cli *cli);
int run_authority_add(struct cli *cli);
int run_authority_list(struct cli *cli);
int run_authority_show(struct cli *cli);
int run_authority_set(struct cli *cli);
int run_authority_presets(struct cli *cli);
int run_authority_test(struct cli *cli);
int run_authority_account(struct cli *cli);
int run_certificate_revoke(struct cli *cli);
int run_operation_show(struct cli *cli);
int run_authority_default(struct cli *cli);
int run_authority_remove(struct cli *cli);
int run_connection_add(struct cli *cli);
int run_connection_list(struct cli *cli);
int run_connection_show(struct cli *cli);
int run_connection_test(struct cli *cli);
int run_connection_update(struct cli *cli);
int run_connection_remove(struct cli *cli);
int run_connection_permissions(struct cli *cli);
int run_provider_list(struct cli *cli);
int run_provider_show(struct cli *cli);
int run_delegation_add(struct cli *cli);
int run_delegation_list(struct cli *cli);
int run_delegation_check(struct cli *cli);
int run_delegation_remove(struct cli *cli);
int run_deployment_add(struct cli *cli);
int run_deployment_list(struct cli *cli);
int run_deployment_show(struct cli *cli);
int run_deployment_run(struct cli *cli);
int run_deployment_remove(struct cli *cli);
int run_notify_add(struct cli *cli);
int run_notify_list(struct cli *cli);
int run_notify_show(struct cli *cli);
int run_notify_test(struct cli *cli);
int run_notify_update(struct cli *cli);
int run_notify_remove(struct cli *cli);
int run_certificate_issue(struct cli *cli);
int run_certificate_list(struct cli *cli);
int run_certificate_show(struct cli *cli);
int run_certificate_download(struct cli *cli);
int run_certificate_renew(struct cli *cli);
int run_certificate_set(struct cli *cli);
int run_certificate_pause(struct cli *cli);
int run_certificate_resume(struct cli *cli);
int run_order_show(struct cli *cli);
int run_order_list(struct cli *cli);
int run_order_cancel(struct cli *cli);
int run_project_add(struct cli *cli);
int run_project_list(struct cli *cli);
int run_token_create(struct cli *cli);
int run_token_list(struct cli *cli);
int run_token_revoke(struct cli *cli);
int run_bundle_fetch(struct cli *cli);
int run_debt_list(struct cli *cli);
int run_debt_retry(struct cli *cli);
int run_doctor(struct cli *cli);
int run_drill(struct cli *cli);
int run_authority_limits(struct cli *cli);
int run_caa(struct cli *cli);
int run_version(struct cli *cli);
int run_crash_points(struct cli *cli);
int run_help(struct cli *cli);

#endif
