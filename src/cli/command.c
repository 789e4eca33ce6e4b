/*
 * command.c: what the command files share: settings, one request to the server, errors in words.
 */
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/problem_codes.h"
#include "cli/connect.h"
#include "cli/output.h"

#define TOKEN_MAX 4096
#define CA_MAX    (1 * MIB)

static const char *value_or_variable(const struct cli *cli, const char *name, const char *variable)
{
	const char *value = cli_value(&cli->call, name);

	if (value == NULL)
		value = getenv(variable);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

bool cli_config(struct cli *cli, struct err *err)
{
	return config_load(cli->arena, value_or_variable(cli, "home", "REEVE_HOME"), value_or_variable(cli, "config", "REEVE_CONFIG"),
	                   &cli->config, err);
}

int cli_fail(const struct cli *cli, const struct err *err)
{
	fprintf(stderr, "reeve: %s\n", shown_text(cli->arena, err->text));
	if (err->hint[0] != '\0')
		fprintf(stderr, "  fix: %s\n", shown_text(cli->arena, err->hint));
	if (err->retry_after_s > 0)
		fprintf(stderr, "  again: in %u seconds\n", err->retry_after_s);
	if (strcmp(err->problem, CLI_NO_SERVER) == 0)
		return EXIT_NO_SERVER;
	return problem_code_find(err->problem, err->class)->exit_code;
}

/* ---- the server ---- */

static bool read_token(struct cli *cli, const char **ret, struct err *err)
{
	const char *path = cli_value(&cli->call, "token-file");
	const char *variable = getenv("REEVE_TOKEN");
	struct str  text;

	if (path == NULL) {
		*ret = variable != NULL ? variable : "";
		return true;
	}
	if (!cli_read_file(cli->arena, path, TOKEN_MAX, &text, err))
		return false;
	*ret = arena_str(cli->arena, str_trim(text));
	return true;
}

static bool find_target(struct cli *cli, struct connect_target *ret, struct err *err)
{
	const char *project = value_or_variable(cli, "project", "REEVE_PROJECT");

	*ret = (struct connect_target){ .project = project != NULL ? project : "" };
	if (!read_token(cli, &ret->token, err))
		return false;
	ret->socket_path = cli_value(&cli->call, "socket");
	if (ret->socket_path == NULL)
		ret->url = value_or_variable(cli, "url", "REEVE_URL");
	if (ret->socket_path == NULL && ret->url == NULL)
		ret->socket_path = value_or_variable(cli, "socket", "REEVE_SOCKET");
	const char *ca_file = getenv("REEVE_CA_FILE");
	if (ret->url != NULL && ca_file != NULL && ca_file[0] != '\0' && !cli_read_file(cli->arena, ca_file, CA_MAX, &ret->ca_pem, err))
		return false;
	if (ret->socket_path != NULL || ret->url != NULL)
		return true;
	if (cli->config.socket_path == NULL && !cli_config(cli, err))
		return false;
	ret->socket_path = cli->config.socket_path;
	return true;
}

static enum err_class class_of(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 422:
		return ERR_CONFIG;
	case 429:
	case 502:
	case 503:
	case 504:
		return ERR_TEMPORARY;
	default:
		return status < 500 ? ERR_INPUT : ERR_PERMANENT;
	}
}

/* RFC 9457. */
static bool problem_of(const struct cli_reply *reply, struct err *err)
{
	static const char prefix[] = "urn:reeve:problem:";
	const char       *type = json_str(reply->json, "type"), *code = "", *detail = json_str(reply->json, "detail");
	const char       *hint = json_str(reply->json, "hint");
	int64_t           again = json_int(reply->json, "retry_after_s", 0);

	if (type != NULL && strncmp(type, prefix, sizeof(prefix) - 1) == 0)
		code = type + sizeof(prefix) - 1;
	if (detail == NULL)
		detail = json_str(reply->json, "title");
	if (detail == NULL)
		err_problem(err, class_of(reply->status), code, "the server answered %d", reply->status);
	else
		err_problem(err, class_of(reply->status), code, "%s", detail);
	if (hint != NULL)
		err_hint(err, "%s", hint);
	if (err != NULL && again > 0 && again < UINT32_MAX)
		err->retry_after_s = (uint32_t)again;
	return false;
}

/* A command that polls asks often: the oldest answer goes when there is no room. */
static void keep_answer(struct cli *cli, json_t *json)
{
	size_t at = cli->answers_count++ % ARRAY_LEN(cli->answers);

	json_decref(cli->answers[at]);
	cli->answers[at] = json;
}

static bool ask(struct cli *cli, const char *method, const char *path, json_t *body, int timeout_ms, struct cli_reply *ret,
                struct err *err)
{
	struct connect_target              target;
	struct connect_request             request = { .method = method, .path = path, .timeout_ms = timeout_ms };
	AUTO(cli_answer_clear) struct cli_answer answer = { 0 };
	AUTO(json_freep) json_t           *sent = body, *json = NULL;

	if (!find_target(cli, &target, err))
		return false;
	if (sent != NULL) {
		request.has_body = true;
		request.body = str_c(json_write(cli->arena, sent));
	}
	if (!connect_ask(&target, &request, &answer, err))
		return false;
	*ret = (struct cli_reply){ .status = answer.status, .body = arena_dup(cli->arena, buf_str(&answer.body)) };
	/* json_read() bounds what strangers send; this is our own server, and an order of 100 names has more values. */
	if (ret->body.len > 0)
		json = json_loadb(ret->body.ptr, ret->body.len, JSON_REJECT_DUPLICATES, NULL);
	ret->json = json;
	if (json != NULL)
		keep_answer(cli, TAKE(json));
	return true;
}

bool cli_ask(struct cli *cli, const char *method, const char *path, json_t *body, struct cli_reply *ret, struct err *err)
{
	struct cli_reply reply;

	if (!ask(cli, method, path, body, CLI_REQUEST_MS, &reply, err))
		return false;
	if (reply.status >= 400) {
		(void)cli_printed_json(cli, &reply);
		return problem_of(&reply, err);
	}
	if (reply.json == NULL && reply.status != 204)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "the server's answer to %s %s is not JSON", method, path);
	*ret = reply;
	return true;
}

bool cli_ask_text(struct cli *cli, const char *path, struct str *ret, struct err *err)
{
	struct cli_reply reply;

	if (!ask(cli, "GET", path, NULL, CLI_REQUEST_MS, &reply, err))
		return false;
	if (reply.status >= 400)
		return problem_of(&reply, err);
	*ret = reply.body;
	return true;
}

bool cli_ask_bundle(struct cli *cli, const char *certificate, const char *etag, struct cli_bundle *ret, struct err *err)
{
	struct connect_target              target;
	struct connect_request             request = { .method = "GET", .timeout_ms = CLI_REQUEST_MS, .if_none_match = etag };
	AUTO(cli_answer_clear) struct cli_answer answer = { 0 };
	AUTO(json_freep) json_t           *json = NULL;
	struct cli_bundle                  bundle = { .etag = "", .certificate_id = "" };

	request.path = arena_printf(cli->arena, "/v1/certificates/%s/download?part=combined", cli_escape(cli->arena, certificate));
	if (!find_target(cli, &target, err) || !connect_ask(&target, &request, &answer, err))
		return false;
	bundle.unchanged = answer.status == 304;
	if (answer.status >= 400) {
		json = json_loadb(answer.body.ptr != NULL ? answer.body.ptr : "", answer.body.len, JSON_REJECT_DUPLICATES, NULL);
		return problem_of(&(struct cli_reply){ .status = answer.status, .json = json }, err);
	}
	if (!bundle.unchanged && (answer.certificate[0] == '\0' || answer.version == 0 || answer.version > INT32_MAX || answer.body.len == 0))
		return err_problem(err, ERR_TEMPORARY, "unavailable", "the server's answer does not say which version it is");
	bundle.combined = arena_dup(cli->arena, buf_str(&answer.body));
	bundle.etag = arena_strdup(cli->arena, answer.etag);
	bundle.certificate_id = arena_strdup(cli->arena, answer.certificate);
	bundle.version = (int64_t)answer.version;
	*ret = bundle;
	return true;
}

const char *cli_escape(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) * 3 + 1), *at = out;

	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '-' ||
		             *p == '.' || *p == '_' || *p == '~';

		at += snprintf(at, 4, plain ? "%c" : "%%%02X", *p);
	}
	return out;
}

bool cli_printed_json(const struct cli *cli, const struct cli_reply *reply)
{
	if (!cli->json)
		return false;
	if (reply->json != NULL)
		fputs(json_write_pretty(cli->arena, reply->json), stdout);
	return true;
}

/* ---- files ---- */

bool cli_read_file(struct arena *a, const char *path, size_t max, struct str *ret, struct err *err)
{
	AUTO(buf_wipe) struct buf text = { 0 };
	char                      block[4096];
	bool                      standard = strcmp(path, "-") == 0;
	int                       fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t                   n = 0;

	if (fd < 0)
		return err_problem(err, ERR_INPUT, "invalid-request", "%s: %s", path, strerror(errno));
	buf_init(&text, max);
	while (!text.failed && (n = read(fd, block, sizeof(block))) > 0)
		buf_add(&text, block, (size_t)n);
	int number = errno;
	if (!standard)
		close(fd);
	explicit_bzero(block, sizeof(block));
	if (n < 0)
		return err_problem(err, ERR_INPUT, "invalid-request", "%s: %s", path, strerror(number));
	if (text.failed)
		return err_problem(err, ERR_INPUT, "too-large", "%s is longer than %zu bytes", path, max);
	*ret = arena_dup(a, buf_str(&text));
	return true;
}
