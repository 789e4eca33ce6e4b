/*
 * command_certificate.c: `reeve certificate issue|set|renew|list|show`. Downloads are command_download.c's.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"
#include "base/encode.h"
#include "cli/wait.h"

#define WAIT_S_DEFAULT 600
#define WAIT_S_MAX     86400
#define PAGE           100

static const char *join(struct arena *a, const json_t *names, size_t most)
{
	const char   *text = "";
	const json_t *one;
	size_t        i;

	json_array_foreach(names, i, one) {
		if (i == most)
			return arena_printf(a, "%s +%zu", text, json_array_size(names) - most);
		text = arena_printf(a, "%s%s%s", text, i > 0 ? " " : "", json_string_value(one) ?: "");
	}
	return text;
}

/* ---- issue and renew ---- */

static bool put_aliases(struct cli *cli, json_t *body, struct err *err)
{
	const char *value, *all = NULL;
	json_t     *by_name = json_object();
	bool        ok = true;

	for (size_t i = 0; ok && (value = cli_value_at(&cli->call, "domain-alias", i)) != NULL; i++) {
		const char *equal = strchr(value, '=');

		if (equal == NULL) {
			ok = all == NULL || err_problem(err, ERR_INPUT, "invalid-request", "--domain-alias for all names was given twice");
			all = value;
		} else {
			json_put_str(by_name, arena_str(cli->arena, str_of(value, (size_t)(equal - value))), equal + 1);
		}
	}
	if (ok && all != NULL && json_object_size(by_name) > 0)
		ok = err_problem(err, ERR_INPUT, "invalid-request", "--domain-alias is either one X for all names, or NAME=X for each");
	if (ok && all != NULL)
		json_put_str(body, "domain_alias", all);
	else if (ok && json_object_size(by_name) > 0)
		json_put(body, "domain_alias", json_incref(by_name));
	json_decref(by_name);
	return ok;
}

static bool put_days(struct cli *cli, json_t *body, struct err *err)
{
	const char *value = cli_value(&cli->call, "valid-days");
	uint64_t    days;

	if (value == NULL)
		return true;
	if (!str_to_u64(str_c(value), &days) || days == 0 || days > 398)
		return err_problem(err, ERR_INPUT, "invalid-request", "--valid-days %s is not a number from 1 to 398", value);
	json_put_int(body, "valid_days", (int64_t)days);
	return true;
}

#define CSR_MAX (32u * KIB)

/* PEM as it is, DER as base64: the server reads both. */
static bool put_csr(struct cli *cli, json_t *body, struct err *err)
{
	const char *path = cli_value(&cli->call, "csr");
	struct str  bytes;

	if (path == NULL)
		return true;
	if (strcmp(path, "none") == 0) {
		json_put_str(body, "csr", "");
		return true;
	}
	if (!cli_read_file(cli->arena, path, CSR_MAX, &bytes, err))
		return false;
	if (str_starts(str_trim(bytes), STR("-----")))
		json_put(body, "csr", json_stringn(bytes.ptr, bytes.len));
	else
		json_put_str(body, "csr", b64url_encode(cli->arena, bytes));
	return json_str(body, "csr") != NULL ||
	       err_problem(err, ERR_INPUT, "invalid-request", "--csr: %s is neither PEM nor DER", path);
}

static bool wait_limit(const struct cli *cli, int64_t *ret, struct err *err)
{
	const char *value = cli_value(&cli->call, "timeout");
	uint64_t    number = WAIT_S_DEFAULT;

	if (value != NULL && (!str_to_u64(str_c(value), &number) || number == 0 || number > WAIT_S_MAX))
		return err_problem(err, ERR_INPUT, "invalid-request", "--timeout: \"%s\" is not a number of seconds up to %d", value, WAIT_S_MAX);
	*ret = (int64_t)number;
	return true;
}

/* The order was accepted: say so, or follow it. */
static int follow(struct cli *cli, const struct cli_reply *accepted, int64_t timeout_s)
{
	const json_t    *order = json_object_get(accepted->json, "order"), *certificate = json_object_get(accepted->json, "certificate");
	const char      *id = arena_strdup(cli->arena, json_str(order, "id"));
	const char      *name = json_str(certificate, "name");
	const char      *hint = json_str(order, "hint");
	struct cli_reply last = { 0 };

	/* A dry run has no certificate: it is called by its first name. */
	if (name == NULL)
		name = json_string_value(json_array_get(json_object_get(order, "names"), 0));
	name = arena_strdup(cli->arena, shown_text(cli->arena, name));
	if (id == NULL) {
		struct err err = { 0 };

		err_problem(&err, ERR_TEMPORARY, "unavailable", "the server's answer has no order");
		return cli_fail(cli, &err);
	}
	if (json_str(accepted->json, "warning") != NULL)
		fprintf(stderr, "Note: %s\n", shown_text(cli->arena, json_str(accepted->json, "warning")));
	if (!cli_given(&cli->call, "wait")) {
		if (cli_printed_json(cli, accepted))
			return EXIT_DONE;
		printf("%s\n", id);
		fprintf(stderr, "Ordered %s. Follow it: reeve order show %s\n", name, id);
		if (json_str(order, "problem") != NULL && json_str(order, "problem")[0] != '\0')
			fprintf(stderr, "It waits: %s\n", shown_text(cli->arena, json_str(order, "detail")));
		if (hint != NULL && hint[0] != '\0')
			fprintf(stderr, "  fix: %s\n", shown_text(cli->arena, hint));
		return EXIT_DONE;
	}
	int code = wait_for_order(cli, id, timeout_s, &last);
	if (last.json != NULL && cli_printed_json(cli, &last))
		return code;
	if (code == EXIT_DONE)
		printf("%s\n", name);
	return code;
}

int run_certificate_issue(struct cli *cli)
{
	static const struct {
		const char *option, *member;
	} texts[] = { { "authority", "authority" },
		      { "key-type", "key_type" },
		      { "provider", "provider" },
		      { "alias-provider", "alias_provider" },
		      { "connection", "connection" },
		      { "profile", "profile" },
		      { "chain", "chain" },
		      { "key-policy", "key_policy" },
		      { "fallback-authority", "fallback_authority" },
		      { "fallback-after", "fallback_after" } };
	AUTO(json_freep) json_t *body = json_object();
	json_t                  *names = json_array();
	struct cli_reply         reply;
	struct err               err = { 0 };
	int64_t                  timeout_s;
	const char              *value;

	for (size_t i = 0; i < cli->call.args_count; i++)
		json_array_append_new(names, json_string(cli->call.args[i]));
	json_put(body, "names", names);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if ((value = cli_value(&cli->call, texts[i].option)) != NULL)
			json_put_str(body, texts[i].member, value);
	if (cli_given(&cli->call, "dry-run"))
		json_put_bool(body, "dry_run", true);
	if (cli->call.args_count == 0 && !cli_given(&cli->call, "csr"))
		err_problem(&err, ERR_INPUT, "invalid-request", "give the names of the certificate, or --csr FILE");
	if (err.class != ERR_NONE || !wait_limit(cli, &timeout_s, &err) || !put_aliases(cli, body, &err) || !put_days(cli, body, &err)) {
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	if (!put_csr(cli, body, &err))
		return cli_fail(cli, &err);
	if (!cli_ask(cli, "POST", "/v1/certificates", TAKE(body), &reply, &err))
		return cli_fail(cli, &err);
	return follow(cli, &reply, timeout_s);
}

/* ---- set: what it is ---- */

static const struct {
	const char *option, *member, *empty; /* the word that stands for "" */
} edits[] = { { "authority", "authority", "" },
	      { "key-type", "key_type", "" },
	      { "key-policy", "key_policy", "" },
	      { "fallback-authority", "fallback_authority", "none" },
	      { "fallback-after", "fallback_after", "default" } };

bool certificate_edit_given(const struct cli *cli)
{
	for (size_t i = 0; i < ARRAY_LEN(edits); i++)
		if (cli_given(&cli->call, edits[i].option))
			return true;
	return cli_given(&cli->call, "name") || cli_given(&cli->call, "domain-alias") || cli_given(&cli->call, "csr") ||
	       cli_given(&cli->call, "key-compromised");
}

int certificate_edit(struct cli *cli)
{
	AUTO(json_freep) json_t *body = json_object();
	json_t                  *names = json_array();
	struct cli_reply         reply;
	struct err               err = { 0 };
	int64_t                  timeout_s;
	const char              *value;

	for (size_t i = 0; (value = cli_value_at(&cli->call, "name", i)) != NULL; i++)
		json_array_append_new(names, json_string(value));
	if (json_array_size(names) > 0)
		json_put(body, "names", json_incref(names));
	json_decref(names);
	for (size_t i = 0; i < ARRAY_LEN(edits); i++)
		if ((value = cli_value(&cli->call, edits[i].option)) != NULL)
			json_put_str(body, edits[i].member, strcmp(value, edits[i].empty) == 0 ? "" : value);
	if (cli_given(&cli->call, "key-compromised"))
		json_put_bool(body, "key_compromised", true);
	if (cli_given(&cli->call, "planned"))
		json_put_bool(body, "planned", true);
	if (!wait_limit(cli, &timeout_s, &err) || !put_aliases(cli, body, &err)) {
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	if (!put_csr(cli, body, &err) ||
	    !cli_ask(cli, "PATCH", arena_printf(cli->arena, "/v1/certificates/%s", cli_escape(cli->arena, cli->call.args[0])), TAKE(body),
	             &reply, &err))
		return cli_fail(cli, &err);
	if (reply.status == 202)
		return follow(cli, &reply, timeout_s);
	if (!cli_printed_json(cli, &reply))
		printf("%s\n", shown_text(cli->arena, json_str(reply.json, "name")));
	return EXIT_DONE;
}

int run_certificate_renew(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	int64_t          timeout_s;

	if (!wait_limit(cli, &timeout_s, &err)) {
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	if (!cli_ask(cli, "POST", arena_printf(cli->arena, "/v1/certificates/%s/%s", cli_escape(cli->arena, cli->call.args[0]),
	                                        cli_given(&cli->call, "dry-run") ? "rehearse" : "renew"),
	             json_object(), &reply, &err))
		return cli_fail(cli, &err);
	return follow(cli, &reply, timeout_s);
}

/* ---- list and show ---- */

static void list_row(struct cli *cli, struct table *t, const json_t *x)
{
	const json_t *order = json_object_get(x, "order");
	const char   *status = json_str(order, "status");
	bool          running = status != NULL && strcmp(status, "running") == 0;
	const char   *problem = json_str(order, "problem");

	table_cell(t, json_str(x, "name"));
	table_cell(t, json_str(x, "status"));
	table_cell(t, shown_distance_of(cli->arena, json_str(x, "not_after"), clock_now_ms()));
	table_cell(t, json_str(x, "authority"));
	table_cell(t, running ? arena_printf(cli->arena, "%s%s%s", json_str(order, "step") ?: "", problem != NULL && problem[0] != '\0' ? ": " : "",
	                                     problem != NULL ? problem : "")
	                      : "");
	table_cell(t, join(cli->arena, json_object_get(x, "names"), 4));
}

int run_certificate_list(struct cli *cli)
{
	static const char *const head[] = { "NAME", "STATUS", "EXPIRES", "AUTHORITY", "ORDER", "NAMES" };
	const char              *limit = cli_value(&cli->call, "limit"), *after = cli_value(&cli->call, "after");
	struct cli_reply         reply;
	struct err               err = { 0 };
	struct table             t;
	const json_t            *x;
	size_t                   i;
	uint64_t                 left = UINT64_MAX;

	if (limit != NULL && !str_to_u64(str_c(limit), &left)) {
		err_problem(&err, ERR_INPUT, "invalid-request", "--limit: \"%s\" is not a number", limit);
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	table_init(&t, cli->arena, head, ARRAY_LEN(head));
	do {
		const char *path = arena_printf(cli->arena, "/v1/certificates?limit=%llu%s%s",
		                                left < PAGE || cli->json ? (unsigned long long)(limit != NULL ? left : PAGE) : PAGE,
		                                after != NULL ? "&after=" : "", after != NULL ? cli_escape(cli->arena, after) : "");
		if (!cli_ask(cli, "GET", path, NULL, &reply, &err))
			return cli_fail(cli, &err);
		if (cli_printed_json(cli, &reply))
			return EXIT_DONE;
		json_array_foreach(json_object_get(reply.json, "certificates"), i, x) {
			if (left == 0)
				break;
			list_row(cli, &t, x);
			left--;
		}
		after = arena_strdup(cli->arena, json_str(reply.json, "next"));
	} while (after != NULL && left > 0);
	if (t.count > 0)
		table_print(&t, stdout, 0);
	else
		fprintf(stderr, "No certificates yet: reeve certificate issue NAME --wait\n");
	return EXIT_DONE;
}

static void show_order(struct cli *cli, struct table *t, const json_t *order)
{
	const char *problem = json_str(order, "problem");

	if (!json_is_object(order))
		return;
	table_cell(t, "order");
	table_cellf(t, "%s  %s %s", json_str(order, "id") ?: "", json_str(order, "status") ?: "", json_str(order, "step") ?: "");
	if (problem == NULL || problem[0] == '\0')
		return;
	table_cell(t, "problem");
	table_cell(t, json_str(order, "detail"));
	table_cell(t, "fix");
	table_cell(t, json_str(order, "hint"));
	table_cell(t, "next try");
	table_cell(t, shown_distance_of(cli->arena, json_str(order, "next_try_at"), clock_now_ms()));
}

static void show_renewal(struct cli *cli, struct table *t, const json_t *renewal, int64_t now)
{
	static const struct {
		const char *label, *member;
	} texts[] = { { "because", "text" }, { "incident", "explanation_url" }, { "finding", "finding" }, { "renew before", "renew_before" } };

	table_cell(t, "renewal");
	table_cell(t, renewal_due_text(cli->arena, renewal, now));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = json_str(renewal, texts[i].member);

		if (text == NULL)
			continue;
		table_cell(t, texts[i].label);
		table_cell(t, text);
	}
}

int run_certificate_show(struct cli *cli)
{
	struct cli_reply reply;
	struct err       err = { 0 };
	struct table     t;
	int64_t          now = clock_now_ms();

	if (!cli_ask(cli, "GET", arena_printf(cli->arena, "/v1/certificates/%s", cli_escape(cli->arena, cli->call.args[0])), NULL, &reply,
	             &err))
		return cli_fail(cli, &err);
	if (cli_printed_json(cli, &reply))
		return EXIT_DONE;

	const json_t *x = reply.json;
	table_init(&t, cli->arena, NULL, 2);
	table_cell(&t, "name");
	table_cell(&t, json_str(x, "name"));
	table_cell(&t, "names");
	table_cell(&t, join(cli->arena, json_object_get(x, "names"), SIZE_MAX));
	table_cell(&t, "status");
	table_cell(&t, json_str(x, "status"));
	table_cell(&t, "valid from");
	table_cell(&t, shown_time(cli->arena, json_str(x, "not_before")));
	table_cell(&t, "valid until");
	if (json_str(x, "not_after") != NULL)
		table_cellf(&t, "%s (%s)", shown_time(cli->arena, json_str(x, "not_after")),
		            shown_distance_of(cli->arena, json_str(x, "not_after"), now));
	else
		table_cell(&t, NULL);
	table_cell(&t, "version");
	table_cellf(&t, "%lld", (long long)json_int(x, "version", 0));
	table_cell(&t, "serial");
	table_cell(&t, json_str(x, "serial"));
	table_cell(&t, "key type");
	table_cell(&t, json_str(x, "key_type"));
	table_cell(&t, "key policy");
	table_cell(&t, json_bool(x, "csr", false) ? "yours: made from a CSR" : json_str(x, "key_policy"));
	table_cell(&t, "authority");
	table_cellf(&t, "%s%s", json_str(x, "authority") ?: "",
	            json_bool(x, "authority_removed", false) ? " (removed: set another one)" : "");
	if (json_str(x, "fallback_authority") != NULL) {
		table_cell(&t, "fall-back");
		table_cellf(&t, "%s, when the first fails for %s", json_str(x, "fallback_authority"), json_str(x, "fallback_after") ?: "12h");
	}
	if (json_bool(x, "issued_by_fallback", false)) {
		table_cell(&t, "issued by");
		table_cellf(&t, "%s, the fall-back", json_str(x, "issued_by") ?: "");
	}
	table_cell(&t, "id");
	table_cell(&t, json_str(x, "id"));
	show_renewal(cli, &t, json_object_get(x, "renewal"), now);
	show_order(cli, &t, json_object_get(x, "order"));
	table_print(&t, stdout, 0);
	return EXIT_DONE;
}
