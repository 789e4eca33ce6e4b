/*
 * command_drill.c: `reeve drill`: would every renewal pass tonight? `reeve authority limits`: what is left of them.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/wait.h"

#define STAGING_S_DEFAULT 600
#define STAGING_S_MAX     86400

/* ---- drill ---- */

struct drill {
	struct cli  *cli;
	struct arena *arena; /* of the command: cli->arena is the page's */
	struct table table;
	json_t      *json; /* with --json: all of it */
	unsigned     good, bad;
	int64_t      staging_s; /* 0: no order */
};

/* What is wrong and what to change; a certificate that is well has one row. */
static void add_rows(struct drill *d, const json_t *x, const char *rehearsal, bool ok)
{
	const char   *name = json_str(x, "name");
	const json_t *finding;
	size_t        i;
	bool          first = true;

	json_array_foreach(json_object_get(x, "findings"), i, finding) {
		if (json_bool(finding, "ok", false))
			continue;
		table_cell(&d->table, first ? arena_strdup(d->arena, name) : " ");
		table_cell(&d->table, first ? "not ready" : " ");
		table_cell(&d->table, arena_strdup(d->arena, json_str(finding, "check")));
		table_cell(&d->table, arena_strdup(d->arena, json_str(finding, "text")));
		table_cell(&d->table, arena_strdup(d->arena, json_str(finding, "record")));
		first = false;
	}
	if (first || rehearsal != NULL) {
		table_cell(&d->table, first ? arena_strdup(d->arena, name) : " ");
		table_cell(&d->table, first ? (ok ? "ready" : "not ready") : " ");
		table_cell(&d->table, rehearsal != NULL ? "staging order" : "all checks");
		table_cell(&d->table, rehearsal != NULL ? rehearsal : "good");
		table_cell(&d->table, " ");
	}
}

/* A full order at the staging directory. NULL when it passed; else what to say. */
static const char *rehearse(struct drill *d, const char *id, bool *ret_ok)
{
	struct cli      *cli = d->cli;
	struct cli_reply reply, last = { 0 };
	struct err       err = { 0 };
	const char      *order_id;
	bool             json = cli->json;
	int              code;

	*ret_ok = false;
	cli->json = false;
	bool asked = cli_ask(cli, "POST", arena_printf(cli->arena, "/v1/certificates/%s/rehearse", cli_escape(cli->arena, id)),
	                     json_object(), &reply, &err);
	cli->json = json;
	if (!asked)
		return arena_printf(d->arena, "%s%s%s", err.text, err.hint[0] != '\0' ? "; " : "", err.hint);
	order_id = json_str(json_object_get(reply.json, "order"), "id");
	if (order_id == NULL)
		return "the server's answer has no order";
	order_id = arena_strdup(d->arena, order_id);
	code = wait_for_order(cli, order_id, d->staging_s, &last);
	*ret_ok = code == EXIT_DONE;
	return arena_printf(d->arena, "%s: reeve order show %s", code == EXIT_DONE ? "passed" : code == EXIT_RUNNING ? "still waits" : "failed",
	                    order_id);
}

static void take(struct drill *d, const json_t *x)
{
	bool        ok = json_bool(x, "ok", false), passed;
	const char *rehearsal = NULL;

	if (ok && d->staging_s > 0) {
		/* The page's answer must outlive many requests. */
		json_t *copy = json_deep_copy(x);

		rehearsal = rehearse(d, json_str(copy, "id"), &passed);
		ok = ok && passed;
		add_rows(d, copy, rehearsal, ok);
		json_put_bool(copy, "ok", ok);
		json_put_str(copy, "rehearsal", rehearsal);
		json_array_append_new(json_object_get(d->json, "certificates"), copy);
	} else {
		add_rows(d, x, NULL, ok);
		json_array_append_new(json_object_get(d->json, "certificates"), json_deep_copy(x));
	}
	d->good += ok;
	d->bad += !ok;
}

/* False: the server could not say. *ret_next is NULL after the last page. */
static bool page(struct drill *d, const char *path, const char **ret_next, struct err *err)
{
	struct cli      *cli = d->cli;
	struct cli_reply reply;
	json_t          *kept;
	const json_t    *x;
	size_t           i;
	bool             json = cli->json;

	cli->json = false;
	bool ok = cli_ask(cli, "GET", path, NULL, &reply, err);
	cli->json = json;
	if (!ok)
		return false;
	kept = json_deep_copy(reply.json);
	json_array_foreach(json_object_get(kept, "certificates"), i, x)
		take(d, x);
	*ret_next = json_str(kept, "next") != NULL ? arena_strdup(d->arena, json_str(kept, "next")) : NULL;
	json_decref(kept);
	return true;
}

static bool all_pages(struct drill *d, struct err *err)
{
	struct cli *cli = d->cli;
	const char *next = "";

	for (size_t i = 0; i < cli->call.args_count; i++)
		if (!page(d, arena_printf(d->arena, "/v1/drill?certificate=%s", cli_escape(d->arena, cli->call.args[i])), &next, err))
			return false;
	if (cli->call.args_count > 0)
		return true;
	while (next != NULL)
		if (!page(d, arena_printf(d->arena, "/v1/drill?after=%s", next), &next, err))
			return false;
	return true;
}

int run_drill(struct cli *cli)
{
	static const char *const head[] = { "CERTIFICATE", "TONIGHT", "CHECK", "FOUND", "CHANGE" };
	struct drill             d = { .cli = cli, .arena = cli->arena, .json = json_object() };
	const char              *timeout = cli_value(&cli->call, "timeout");
	uint64_t                 seconds = STAGING_S_DEFAULT;
	struct err               err = { 0 };
	bool                     ok;

	if (timeout != NULL && (!str_to_u64(str_c(timeout), &seconds) || seconds == 0 || seconds > STAGING_S_MAX)) {
		err_problem(&err, ERR_INPUT, "invalid-request", "--timeout: \"%s\" is not a number of seconds up to %d", timeout, STAGING_S_MAX);
		json_decref(d.json);
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	if (cli_given(&cli->call, "staging"))
		d.staging_s = (int64_t)seconds;
	json_put(d.json, "certificates", json_array());
	table_init(&d.table, d.arena, head, ARRAY_LEN(head));
	ok = all_pages(&d, &err);
	json_put_bool(d.json, "ok", ok && d.bad == 0);
	if (ok && cli->json)
		printf("%s", json_write_pretty(d.arena, d.json));
	else if (ok && d.table.count > 0)
		table_print(&d.table, stdout, 0);
	json_decref(d.json);
	if (!ok)
		return cli_fail(cli, &err);
	fprintf(stderr, "%u of %u certificates would be renewed tonight\n", d.good, d.good + d.bad);
	return d.bad == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* ---- authority limits ---- */

static void show_limits(struct cli *cli, const json_t *x)
{
	static const char *const head[] = { "LIMIT", "FOR", "LEFT", "NEXT", "SAID BY THE AUTHORITY" };
	const json_t            *one;
	size_t                   i;
	struct table             t;

	table_init(&t, cli->arena, NULL, 2);
	table_cell(&t, "authority");
	table_cell(&t, json_str(x, "authority"));
	table_cell(&t, "staging");
	if (json_str(x, "staging") == NULL && json_str(x, "known_staging_url") != NULL)
		table_cellf(&t, "none; its directory is %s", json_str(x, "known_staging_url"));
	else
		table_cell(&t, json_str(x, "staging"));
	table_cell(&t, "rehearsed after");
	if (json_int(x, "rehearse_after", 0) > 0)
		table_cellf(&t, "%lld failed validations of a name in a row", (long long)json_int(x, "rehearse_after", 0));
	else
		table_cell(&t, "never");
	json_array_foreach(json_object_get(x, "limits"), i, one) {
		table_cell(&t, i == 0 ? "limits" : " ");
		table_cell(&t, json_str(one, "text"));
	}
	table_print(&t, stdout, 0);
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	json_array_foreach(json_object_get(x, "buckets"), i, one) {
		table_cell(&t, json_str(one, "name"));
		table_cell(&t, json_str(one, "key"));
		if (json_is_integer(json_object_get(one, "left")))
			table_cellf(&t, "%lld", (long long)json_int(one, "left", 0));
		else
			table_cell(&t, NULL);
		if (json_bool(one, "paused", false))
			table_cell(&t, "when resumed");
		else
			table_cell(&t, shown_distance_of(cli->arena, json_str(one, "held_until") ?: json_str(one, "next_at"), clock_now_ms()));
		table_cell(&t, json_str(one, "held_text"));
	}
	if (t.count > 0) {
		printf("\n");
		table_print(&t, stdout, 0);
	}
}

/* --limit NAME=COUNT/TIME, several times, as one text. */
static const char *limits_text(struct cli *cli)
{
	const char *text = NULL, *value;

	for (size_t i = 0; (value = cli_value_at(&cli->call, "limit", i)) != NULL; i++)
		text = text == NULL ? value : arena_printf(cli->arena, "%s,%s", text, value);
	return text != NULL && strcmp(text, "known") == 0 ? "" : text;
}

int run_authority_limits(struct cli *cli)
{
	AUTO(json_freep) json_t *body = json_object();
	const char *path = arena_printf(cli->arena, "/v1/authorities/%s/limits", cli_escape(cli->arena, cli->call.args[0]));
	const char *staging = cli_value(&cli->call, "staging"), *after = cli_value(&cli->call, "rehearse-after"), *limits = limits_text(cli);
	struct cli_reply reply;
	struct err       err = { 0 };
	uint64_t         number;

	if (staging != NULL)
		json_put_str(body, "staging", strcmp(staging, "none") == 0 ? "" : staging);
	if (limits != NULL)
		json_put_str(body, "limits", limits);
	if (after != NULL) {
		if (!str_to_u64(str_c(after), &number) || number > 1000) {
			err_problem(&err, ERR_INPUT, "invalid-request", "--rehearse-after: \"%s\" is not a number up to 1000", after);
			cli_fail(cli, &err);
			return EXIT_USAGE;
		}
		json_put_int(body, "rehearse_after", (int64_t)number);
	}
	bool set = json_object_size(body) > 0;
	if (!cli_ask(cli, set ? "PATCH" : "GET", path, set ? TAKE(body) : NULL, &reply, &err))
		return cli_fail(cli, &err);
	if (!cli_printed_json(cli, &reply))
		show_limits(cli, reply.json);
	return EXIT_DONE;
}
