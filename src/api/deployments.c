/*
 * api/deployments.c: where certificates go, and what came of it. What writes or runs on this machine is an
 * administrator's of all projects: the keeper looks at the grant once more before it signs the row.
 */
#include "api/call.h"
#include "base/clock.h"
#include "deploy/target.h"
#include "store/certificate.h"
#include "store/deployment.h"

#define FACTS_MAX     100
#define DEPLOY_WAIT_MS 300000
#define SECRET_MAX    512

struct deployment_request {
	const char   *name, *certificate, *kind, *secret;
	const json_t *settings;
};

const struct json_field deployment_fields[] = {
	{ JSON_FIELD(struct deployment_request, name, STR), .required = true },
	{ JSON_FIELD(struct deployment_request, certificate, STR) },
	{ JSON_FIELD(struct deployment_request, kind, STR), .required = true },
	{ JSON_FIELD(struct deployment_request, settings, OBJECT), .required = true },
	{ JSON_FIELD(struct deployment_request, secret, STR) },
};
const size_t deployment_fields_count = ARRAY_LEN(deployment_fields);

struct run_request {
	const char *certificate;
	int64_t     version;
	bool        dry_run;
};

const struct json_field deployment_run_fields[] = {
	{ JSON_FIELD(struct run_request, certificate, STR) },
	{ JSON_FIELD(struct run_request, version, INT) },
	{ JSON_FIELD(struct run_request, dry_run, BOOL) },
};
const size_t deployment_run_fields_count = ARRAY_LEN(deployment_run_fields);

/* ---- shapes ---- */

static json_t *delivery_json(const struct delivery *d)
{
	json_t *json = json_object();

	json_put_str(json, "id", d->id);
	json_put_str(json, "deployment_id", d->deployment_id);
	json_put_str(json, "certificate_id", d->certificate_id);
	json_put_int(json, "version", d->number);
	put_text_or_null(json, "order_id", d->order_id);
	json_put_str(json, "event", d->event);
	json_put_bool(json, "dry_run", d->dry_run);
	json_put_str(json, "state", d->state);
	json_put_int(json, "attempts", d->attempts);
	json_put(json, "exit_code", d->exit_code >= 0 ? json_integer(d->exit_code) : json_null());
	put_text_or_null(json, "output", d->output);
	put_text_or_null(json, "problem", d->problem);
	put_text_or_null(json, "detail", d->detail);
	put_text_or_null(json, "hint", d->hint);
	put_time(json, "next_try_at", d->next_try_at);
	put_time(json, "started_at", d->started_at);
	put_time(json, "deployed_at", d->deployed_at);
	put_time(json, "seen_at", d->seen_at);
	put_time(json, "created_at", d->created_at);
	put_time(json, "ended_at", d->ended_at);
	return json;
}

static json_t *fact(int64_t version, int64_t at)
{
	json_t *json;

	if (version == 0)
		return json_null();
	json = json_object();
	json_put_int(json, "version", version);
	put_time(json, "at", at);
	return json;
}

/* held, deployed, seen: three facts, none of which follows from another. NULL + err. */
static json_t *facts_json(struct call *call, const struct deployment *d, const char *certificate_id, struct err *err)
{
	struct certificate c;
	struct version     v = { .id = "" };
	struct delivery    deployed = { .number = 0 }, seen = { .number = 0 };
	struct err         missing = { 0 };
	json_t            *json;

	if (!certificate_find(call->db, call->arena, certificate_id, &c, err) ||
	    (c.version > 0 && !version_find_number(call->db, call->arena, c.id, c.version, &v, err)))
		return NULL;
	if ((!delivery_find_deployed(call->db, call->arena, d->id, c.id, "", &deployed, &missing) && missing.class != ERR_NOT_FOUND) ||
	    (!delivery_find_seen(call->db, call->arena, d->id, c.id, &seen, &missing) && missing.class != ERR_NOT_FOUND)) {
		*err = missing;
		return NULL;
	}
	json = json_object();
	json_put_str(json, "certificate_id", c.id);
	json_put_str(json, "certificate", c.name);
	json_put(json, "held", fact(c.version, v.issued_at));
	json_put(json, "deployed", fact(deployed.number, deployed.deployed_at));
	json_put(json, "seen", fact(seen.number, seen.seen_at));
	return json;
}

/* Of the one certificate, or of those the project's deployment was told of lately. */
static json_t *all_facts(struct call *call, const struct deployment *d, const struct delivery *list, size_t count,
                         struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	json_t                  *one;

	if (d->certificate_id[0] != '\0') {
		one = facts_json(call, d, d->certificate_id, err);
		if (one == NULL)
			return NULL;
		json_array_append_new(array, one);
		return TAKE(array);
	}
	for (size_t i = 0; i < count; i++) {
		bool known = false;

		for (size_t k = 0; k < i; k++)
			known = known || strcmp(list[k].certificate_id, list[i].certificate_id) == 0;
		if (known)
			continue;
		one = facts_json(call, d, list[i].certificate_id, err);
		if (one == NULL)
			return NULL;
		json_array_append_new(array, one);
	}
	return TAKE(array);
}

/* With the newest deliveries when `shown` is not 0. NULL + err. */
static json_t *deployment_json(struct call *call, const struct deployment *d, size_t shown, struct err *err)
{
	AUTO(json_freep) json_t *json = json_object();
	struct certificate       c = { .name = NULL };
	struct delivery         *list;
	size_t                   count;
	json_t                  *part;

	if ((d->certificate_id[0] != '\0' && !certificate_find(call->db, call->arena, d->certificate_id, &c, err)) ||
	    !delivery_list(call->db, call->arena, d->id, shown > FACTS_MAX ? shown : FACTS_MAX, &list, &count, err))
		return NULL;
	json_put_str(json, "id", d->id);
	json_put_str(json, "name", d->name);
	put_text_or_null(json, "certificate_id", d->certificate_id);
	json_put_str(json, "certificate", c.name);
	json_put_str(json, "kind", d->kind);
	part = json_loads(d->settings, 0, NULL);
	json_put(json, "settings", part != NULL ? part : json_object());
	json_put_bool(json, "signed", d->secret.len > 0);
	put_time(json, "created_at", d->created_at);
	part = all_facts(call, d, list, count, err);
	if (part == NULL)
		return NULL;
	json_put(json, "facts", part);
	part = json_array();
	for (size_t i = 0; i < count && i < shown; i++)
		json_array_append_new(part, delivery_json(&list[i]));
	if (shown > 0)
		json_put(json, "deliveries", part);
	else
		json_decref(part);
	return TAKE(json);
}

static bool deployment_answer(struct call *call, int status, const char *name_or_id, size_t shown, struct err *err)
{
	struct deployment d;
	json_t           *json;

	if (!deployment_find_named(call->db, call->arena, call->project_id, name_or_id, &d, err))
		return false;
	json = deployment_json(call, &d, shown, err);
	return json != NULL && call_json(call, status, json);
}

/* ---- /v1/deployments ---- */

static bool request_check(struct call *call, const struct deployment_request *r, const char **ret_certificate_id, struct err *err)
{
	struct deploy_settings settings;
	struct certificate     c;
	enum deploy_kind       kind;

	if (!slug_check("the name of a deployment", r->name, err) || !deploy_kind_find(r->kind, &kind, err))
		return false;
	if (kind != DEPLOY_WEBHOOK && call->grant.project_id[0] != '\0') {
		err_problem(err, ERR_DENIED, "forbidden", "a deployment of kind %s writes or runs on the server", r->kind);
		return err_hint(err, "ask an administrator of all projects, or use a webhook");
	}
	if (!deploy_settings_bind(call->arena, kind, r->settings, &settings, err))
		return false;
	if (r->secret[0] != '\0' && kind != DEPLOY_WEBHOOK)
		return err_set(err, ERR_INPUT, "secret signs webhooks; a deployment of kind %s has none", r->kind);
	if (strlen(r->secret) > SECRET_MAX)
		return err_set(err, ERR_INPUT, "the secret is longer than %d bytes", SECRET_MAX);
	*ret_certificate_id = "";
	if (r->certificate[0] == '\0')
		return true;
	if (!certificate_find_named(call->db, call->arena, call->project_id, r->certificate, &c, err))
		return false;
	*ret_certificate_id = c.id;
	return true;
}

bool deployment_create(struct call *call, struct err *err)
{
	struct deployment_request request = { .certificate = "", .secret = "" };
	struct deployment         d = { .row_version = 1, .created_at = clock_now_ms() };
	struct command_reply      reply;
	uint8_t                   mac[ROW_MAC_SIZE];
	char                      id[ID_SIZE];

	if (!call_bind(call, deployment_fields, deployment_fields_count, &request, err) ||
	    !request_check(call, &request, &d.certificate_id, err))
		return false;
	id_new(id);
	d.id = id;
	d.project_id = call->project_id;
	d.name = request.name;
	d.kind = request.kind;
	d.settings = json_write(call->arena, request.settings);

	struct record_id         record = { d.project_id, KEEPER_COLUMN_WEBHOOK, d.id, d.row_version };
	struct keeper_deployment row = { d.id, d.project_id, d.name, d.certificate_id, d.kind, d.settings, d.created_at };
	if (request.secret[0] != '\0' &&
	    !keeper_seal(call_keeper(call), &record, str_c(request.secret), call->arena, &d.secret, err))
		return false;
	if (!keeper_deployment_mac(call_keeper(call), call->grant.bytes, &row, mac, err))
		return false;
	d.mac = str_of(mac, sizeof(mac));
	return command_deployment_add(call_worker(call), call->arena, &call->who, &d, &reply, err) &&
	       deployment_answer(call, 201, reply.id, 0, err);
}

bool deployment_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	const char              *name = http_target_param(call->request->target, "certificate");
	struct certificate       c = { .id = "" };
	struct deployment       *list;
	size_t                   count;
	json_t                  *json;

	if (name != NULL && name[0] != '\0' &&
	    !certificate_find_named(call->db, call->arena, call->project_id, name, &c, err))
		return false;
	if (!deployment_list(call->db, call->arena, call->project_id, c.id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		json = deployment_json(call, &list[i], 0, err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = json_object();
	json_put(json, "deployments", TAKE(array));
	return call_json(call, 200, json);
}

bool deployment_get(struct call *call, struct err *err)
{
	uint64_t limit;

	return call_number(call, "limit", 1, 1000, 20, &limit, err) && deployment_answer(call, 200, call_x(call), (size_t)limit, err);
}

bool deployment_run_post(struct call *call, struct err *err)
{
	struct run_request            request = { .certificate = "" };
	struct command_deployment_run run = { .name = call_x(call) };
	struct command_reply          reply;
	struct delivery               d;

	if (!call_bind(call, deployment_run_fields, deployment_run_fields_count, &request, err))
		return false;
	if (request.version < 0)
		return err_set(err, ERR_INPUT, "version must be the number of a version");
	run.certificate = request.certificate;
	run.version = request.version;
	run.dry_run = request.dry_run;
	return command_deployment_run(call_worker(call), call->arena, &call->who, &run, &reply, err) &&
	       delivery_find(call->db, call->arena, reply.id, &d, err) && call_json(call, 202, delivery_json(&d));
}

bool deployment_delete(struct call *call, struct err *err)
{
	struct command_reply reply;

	return command_deployment_remove(call_worker(call), call->arena, &call->who, call_x(call), &reply, err) &&
	       call_empty(call, 204);
}

struct delivery_wait {
	int64_t deadline_ms;
};

bool delivery_get(struct call *call, struct err *err)
{
	struct delivery_wait *wait = call->request->state;
	struct delivery       d;
	uint64_t              wait_s;

	if (!call_number(call, "wait", 0, 60, 0, &wait_s, err) || !delivery_find(call->db, call->arena, call_x(call), &d, err))
		return false;
	if (strcmp(d.project_id, call->project_id) != 0)
		return err_set(err, ERR_NOT_FOUND, "there is no delivery %s", call_x(call));
	if (wait == NULL) {
		wait = arena_alloc(call->arena, sizeof(*wait));
		wait->deadline_ms = clock_mono_ms() + (int64_t)wait_s * 1000;
		call->request->state = wait;
	}
	if (d.ended_at == 0 && clock_mono_ms() < wait->deadline_ms)
		return call_park(call, "delivery", d.id, wait->deadline_ms);
	return call_json(call, 200, delivery_json(&d));
}

/* ---- CertMate ---- */

/* What a manual deploy remembers until all of its deliveries have ended. */
struct deploy_wait {
	const char **ids;
	size_t       count;
	int64_t      deadline_ms;
};

/* CertMate's result of a hook, or of a target. */
static json_t *result_json(struct call *call, const struct deployment *d, const struct delivery *x, const char *domain)
{
	json_t *json = json_object();
	bool    done = strcmp(x->state, "done") == 0;

	json_put_str(json, "hook_id", d->id);
	json_put_str(json, "hook_name", d->name);
	json_put_str(json, "kind", d->kind);
	json_put_str(json, "domain", domain);
	json_put_str(json, "event", "manual");
	json_put(json, "exit_code", x->exit_code >= 0 ? json_integer(x->exit_code) : json_null());
	json_put_str(json, "stdout", arena_printf(call->arena, "%.4096s", x->output));
	json_put_str(json, "stderr", "");
	json_put_bool(json, "success", done);
	json_put_int(json, "duration_ms", x->ended_at > x->started_at && x->started_at > 0 ? x->ended_at - x->started_at : 0);
	put_time(json, "timestamp", x->ended_at != 0 ? x->ended_at : clock_now_ms());
	json_put_str(json, "error", done ? NULL : x->detail[0] != '\0' ? x->detail : "not finished yet");
	json_put_bool(json, "dry_run", x->dry_run);
	return json;
}

static bool deploy_summary(struct call *call, const char *domain, const struct deploy_wait *wait, struct err *err)
{
	AUTO(json_freep) json_t *results = json_array();
	struct deployment        d;
	struct delivery          x;
	size_t                   succeeded = 0;
	json_t                  *json;

	for (size_t i = 0; i < wait->count; i++) {
		if (!delivery_find(call->db, call->arena, wait->ids[i], &x, err) ||
		    !deployment_find(call->db, call->arena, x.deployment_id, &d, err))
			return false;
		succeeded += strcmp(x.state, "done") == 0;
		json_array_append_new(results, result_json(call, &d, &x, domain));
	}
	json = json_object();
	json_put_bool(json, "ok", wait->count > 0 && succeeded == wait->count);
	json_put_str(json, "domain", domain);
	json_put_int(json, "total", (int64_t)wait->count);
	json_put_int(json, "succeeded", (int64_t)succeeded);
	json_put_int(json, "failed", (int64_t)(wait->count - succeeded));
	json_put(json, "results", TAKE(results));
	if (wait->count == 0)
		json_put_str(json, "error", "no deployments are configured for this certificate");
	return call_json(call, 200, json);
}

static bool deploy_start(struct call *call, const struct certificate *c, struct deploy_wait **ret, struct err *err)
{
	struct deploy_wait  *wait = arena_alloc(call->arena, sizeof(*wait));
	struct deployment   *list;
	struct command_reply reply;
	size_t               count;

	if (!deployment_list(call->db, call->arena, call->project_id, c->id, &list, &count, err))
		return false;
	wait->ids = arena_alloc_array(call->arena, count + 1, sizeof(*wait->ids));
	wait->deadline_ms = clock_mono_ms() + DEPLOY_WAIT_MS;
	for (size_t i = 0; i < count; i++) {
		struct command_deployment_run run = { .name = list[i].id, .certificate = c->id };

		if (!command_deployment_run(call_worker(call), call->arena, &call->who, &run, &reply, err))
			return false;
		wait->ids[wait->count++] = reply.id;
	}
	*ret = wait;
	return true;
}

bool certmate_deploy(struct call *call, struct err *err)
{
	struct deploy_wait *wait = call->request->state;
	struct certificate  c;
	struct delivery     d;

	if (!certificate_find_named(call->db, call->arena, call->project_id, certmate_domain(call), &c, err))
		return false;
	if (wait == NULL) {
		if (!deploy_start(call, &c, &wait, err))
			return false;
		call->request->state = wait;
	}
	for (size_t i = 0; i < wait->count; i++) {
		if (!delivery_find(call->db, call->arena, wait->ids[i], &d, err))
			return false;
		if (d.ended_at == 0 && clock_mono_ms() < wait->deadline_ms)
			return call_park(call, "delivery", d.id, wait->deadline_ms);
	}
	return deploy_summary(call, c.name, wait, err);
}
