/*
 * api/certmate.c: the interface of CertMate, for scripts written against it. It translates and calls what /v1
 * calls; nothing is decided here. Shapes are CertMate's to the letter: member names, bare arrays, codes. Unknown
 * members are ignored, as there. A job is an order; its id is the order's without dashes. Files are handed out by
 * certmate_download.c.
 */
#include <strings.h>

#include "api/call.h"
#include "base/clock.h"
#include "base/name.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/failure.h"
#include "store/order.h"

#define WAIT_MS       (300 * (int64_t)1000) /* a synchronous create or renew becomes a job then */
#define LIST_PAGE     500u
#define LIST_MAX      10000u
#define DAY_MS        (86400 * (int64_t)1000)
#define JOB_ID_SIZE   33
#define TIME_SIZE     32

/* ---- the create request ---- */

struct create_request {
	const char   *domain, *dns_provider, *alias_dns_provider, *ca_provider, *account_id, *challenge_type, *key_type,
		*elliptic_curve;
	const json_t *san_domains, *domain_alias, *key_size, *async;
};

static const struct json_field create_fields[] = {
	{ JSON_FIELD(struct create_request, domain, STR) },
	{ JSON_FIELD(struct create_request, dns_provider, STR) },
	{ JSON_FIELD(struct create_request, alias_dns_provider, STR) },
	{ JSON_FIELD(struct create_request, ca_provider, STR) },
	{ JSON_FIELD(struct create_request, account_id, STR) },
	{ JSON_FIELD(struct create_request, challenge_type, STR) },
	{ JSON_FIELD(struct create_request, key_type, STR) },
	{ JSON_FIELD(struct create_request, elliptic_curve, STR) },
	{ JSON_FIELD(struct create_request, san_domains, ANY) },
	{ JSON_FIELD(struct create_request, domain_alias, ANY) },
	{ JSON_FIELD(struct create_request, key_size, ANY) },
	{ JSON_FIELD(struct create_request, async, ANY) },
};

static bool truthy(const json_t *value)
{
	if (json_is_string(value))
		return strcmp(json_string_value(value), "1") == 0 || strcasecmp(json_string_value(value), "true") == 0;
	return json_is_true(value) || (json_is_integer(value) && json_integer_value(value) != 0);
}

static bool is_async(const struct call *call, const json_t *member)
{
	const char *query = http_target_param(call->request->target, "async");

	return truthy(member) || (query != NULL && (strcmp(query, "1") == 0 || strcasecmp(query, "true") == 0));
}

static bool challenge_check(const char *type, struct err *err)
{
	if (type[0] == '\0' || strcmp(type, "dns-01") == 0)
		return true;
	err_problem(err, ERR_INPUT, "challenge-type-unsupported", "challenge_type %s is not supported", type);
	return err_hint(err, "Reeve validates by DNS only, which wildcards need anyway; use dns-01 or leave challenge_type out");
}

/* rsa with 2048, 3072, 4096; ecdsa with secp256r1, secp384r1. "" leaves the choice to Reeve. */
static bool key_type_map(const struct create_request *r, const char **ret, struct err *err)
{
	int64_t  size = json_is_integer(r->key_size) ? json_integer_value(r->key_size) : 2048;
	uint64_t number;

	if (json_is_string(r->key_size) && str_to_u64(str_c(json_string_value(r->key_size)), &number) && number <= 65536)
		size = (int64_t)number;
	if (r->key_type[0] == '\0') {
		*ret = "";
		return true;
	}
	if (strcmp(r->key_type, "rsa") == 0 && (size == 2048 || size == 3072 || size == 4096)) {
		*ret = size == 2048 ? "rsa2048" : size == 3072 ? "rsa3072" : "rsa4096";
		return true;
	}
	if (strcmp(r->key_type, "ecdsa") == 0 && (r->elliptic_curve[0] == '\0' || strcmp(r->elliptic_curve, "secp256r1") == 0)) {
		*ret = "p256";
		return true;
	}
	if (strcmp(r->key_type, "ecdsa") == 0 && strcmp(r->elliptic_curve, "secp384r1") == 0) {
		*ret = "p384";
		return true;
	}
	err_set(err, ERR_INPUT, "this key is not supported");
	return err_hint(err, "key_type rsa with key_size 2048, 3072 or 4096; ecdsa with elliptic_curve secp256r1 or secp384r1");
}

/* The domain and the others, each once. */
static bool names_collect(struct call *call, const struct create_request *r, struct command_issue *ret, struct err *err)
{
	const char **names = arena_alloc_array(call->arena, COMMAND_NAMES_MAX, sizeof(*names));
	size_t       count = 0;

	if (r->domain[0] == '\0')
		return err_set(err, ERR_INPUT, "Domain is required");
	names[count++] = r->domain;
	if (r->san_domains != NULL && !json_is_null(r->san_domains) && !json_is_array(r->san_domains))
		return err_set(err, ERR_INPUT, "san_domains must be an array of names");
	for (size_t i = 0; i < json_array_size(r->san_domains); i++) {
		const char *name = json_string_value(json_array_get(r->san_domains, i));
		bool        known = false;

		if (name == NULL)
			return err_set(err, ERR_INPUT, "san_domains must be an array of names");
		for (size_t k = 0; k < count && !known; k++)
			known = strcasecmp(names[k], name) == 0;
		if (known)
			continue;
		if (count == COMMAND_NAMES_MAX)
			return err_set(err, ERR_INPUT, "a certificate has at most %u names", COMMAND_NAMES_MAX);
		names[count++] = name;
	}
	ret->names = names;
	ret->names_count = count;
	return true;
}

/* What the list and the details give back, kept with the certificate. */
static const char *facade_json(struct call *call, const struct create_request *r, const struct command_issue *issue)
{
	AUTO(json_freep) json_t *json = json_object();
	json_t                  *sans = json_array();

	for (size_t i = 1; i < issue->names_count; i++)
		json_array_append_new(sans, json_string(issue->names[i]));
	json_put_str(json, "dns_provider", r->dns_provider[0] != '\0' ? r->dns_provider : "builtin");
	put_text_or_null(json, "alias_dns_provider", r->alias_dns_provider);
	put_text_or_null(json, "ca_provider", r->ca_provider);
	put_text_or_null(json, "account_id", r->account_id);
	json_put_str(json, "challenge_type", "dns-01");
	json_put(json, "san_domains", sans);
	json_put(json, "domain_alias", json_is_string(r->domain_alias) || json_is_object(r->domain_alias)
					       ? json_deep_copy(r->domain_alias) : json_null());
	return json_write(call->arena, json);
}

/* CertMate's ids have '_' where names of authorities have '-'. */
static const char *authority_name(struct call *call, const char *ca_provider)
{
	char *name = arena_strdup(call->arena, ca_provider);

	for (char *p = name; *p != '\0'; p++)
		if (*p == '_')
			*p = '-';
	return name;
}

static bool create_request_parse(struct call *call, struct create_request *ret, struct command_issue *issue,
                                 struct err *err)
{
	*ret = (struct create_request){ .domain = "", .dns_provider = "", .alias_dns_provider = "", .ca_provider = "",
		.account_id = "", .challenge_type = "", .key_type = "", .elliptic_curve = "" };
	if (!call_bind(call, create_fields, ARRAY_LEN(create_fields), ret, err) || !names_collect(call, ret, issue, err) ||
	    !challenge_check(ret->challenge_type, err) || !key_type_map(ret, &issue->key_type, err) || !aliases_parse(call->arena, ret->domain_alias, issue, err))
		return false;
	issue->authority = authority_name(call, ret->ca_provider);
	issue->provider = ret->dns_provider;
	issue->alias_provider = ret->alias_dns_provider;
	/* "default" is the account everybody has in CertMate. */
	issue->connection = strcmp(ret->account_id, "default") == 0 ? "" : ret->account_id;
	issue->facade = facade_json(call, ret, issue);
	issue->refuse = issue->once = true;
	return true;
}

/* ---- what was kept with a certificate ---- */

const char *certmate_domain(const struct call *call)
{
	struct identifier id;

	return identifier_parse(str_c(call_x(call)), &id, NULL) ? arena_strdup(call->arena, id.value) : call_x(call);
}

/* Never NULL: an empty object for a certificate made through /v1. */
static json_t *facade_of(const struct certificate *c)
{
	json_t    *json = NULL;
	struct err ignored = { 0 };

	if (c->facade[0] == '\0' || !json_read(str_c(c->facade), 64 * KIB, &json, &ignored) || !json_is_object(json)) {
		json_decref(json);
		return json_object();
	}
	return json;
}

static const char *facade_text(const json_t *facade, const char *key, const char *otherwise)
{
	const char *text = json_str(facade, key);

	return text != NULL ? text : otherwise;
}

/* As CertMate was told, else the name of the authority. */
static bool ca_provider_of(struct call *call, const struct certificate *c, const json_t *facade, const char **ret,
                           struct err *err)
{
	struct authority authority;
	const char      *told = json_str(facade, "ca_provider");

	if (told == NULL) {
		if (!authority_find(call->db, call->arena, c->authority_id, &authority, err))
			return false;
		told = authority.name;
	}
	*ret = arena_strdup(call->arena, told);
	return true;
}

/* ---- jobs ---- */

static void job_id_write(const char *order_id, char ret[static JOB_ID_SIZE])
{
	size_t n = 0;

	for (const char *p = order_id; *p != '\0' && n + 1 < JOB_ID_SIZE; p++)
		if (*p != '-')
			ret[n++] = *p;
	ret[n] = '\0';
}

static bool job_id_parse(const char *job_id, char ret[static ID_SIZE])
{
	if (strlen(job_id) != JOB_ID_SIZE - 1)
		return false;
	snprintf(ret, ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", job_id, job_id + 8, job_id + 12, job_id + 16, job_id + 20);
	return id_valid(str_c(ret));
}

/* The body of 202: a job that was just queued. */
static bool job_queued(struct call *call, const char *order_id, const char *operation, const char *domain)
{
	json_t *json = json_object();
	char    id[JOB_ID_SIZE];

	job_id_write(order_id, id);
	json_put_str(json, "job_id", id);
	json_put_str(json, "status", "queued");
	json_put_str(json, "operation", operation);
	json_put_str(json, "domain", domain);
	json_put_str(json, "status_url", arena_printf(call->arena, "/api/certificates/jobs/%s", id));
	return call_json(call, 202, json);
}

static double seconds(int64_t ms)
{
	return (double)(ms / 10) / 100.0;
}

/* {message, domain, dns_provider, ca_provider, duration}. NULL + err. */
static json_t *result_json(struct call *call, const struct certificate *c, const struct order *o, const char *message,
                           struct err *err)
{
	AUTO(json_freep) json_t *facade = facade_of(c);
	const char              *ca_provider;
	json_t                  *json;

	if (!ca_provider_of(call, c, facade, &ca_provider, err))
		return NULL;
	json = json_object();
	json_put_str(json, "message", arena_printf(call->arena, "%s for %s", message, c->name));
	json_put_str(json, "domain", c->name);
	json_put_str(json, "dns_provider", facade_text(facade, "dns_provider", "builtin"));
	json_put_str(json, "ca_provider", ca_provider);
	json_put(json, "duration", json_real(seconds(o->ended_at > o->created_at ? o->ended_at - o->created_at : 0)));
	return json;
}

static bool is_create(struct call *call, const struct order *o)
{
	struct version v;
	struct err     ignored = { 0 };

	return o->version_id[0] == '\0' || !version_find(call->db, call->arena, o->version_id, &v, &ignored) || v.number <= 1;
}

/* NULL + err. */
static json_t *job_json(struct call *call, const struct order *o, struct err *err)
{
	AUTO(json_freep) json_t *json = json_object();
	struct certificate       c;
	json_t                  *result = NULL;
	bool                     running = strcmp(o->status, "running") == 0, issued = strcmp(o->status, "issued") == 0;
	bool                     create = is_create(call, o);
	char                     id[JOB_ID_SIZE];

	if (!certificate_find(call->db, call->arena, o->certificate_id, &c, err))
		return NULL;
	if (issued) {
		result = result_json(call, &c, o, create ? "Certificate created successfully" : "Certificate renewed successfully", err);
		if (result == NULL)
			return NULL;
	}
	job_id_write(o->id, id);
	json_put_str(json, "job_id", id);
	json_put_str(json, "operation", create ? "create" : "renew");
	json_put_str(json, "domain", c.name);
	json_put_str(json, "status", running ? "running" : issued ? "succeeded" : "failed");
	put_time(json, "submitted_at", o->created_at);
	put_time(json, "started_at", o->created_at);
	put_time(json, "finished_at", o->ended_at);
	json_put(json, "result", result != NULL ? result : json_null());
	json_put_str(json, "error", running || issued ? NULL
				    : o->detail[0] != '\0' ? o->detail : "the order ended without a certificate");
	put_text_or_null(json, "error_code", running || issued ? "" : o->problem);
	/* Reeve tells while it runs what it waits for. */
	if (o->hint[0] != '\0')
		json_put_str(json, "hint", o->hint);
	return TAKE(json);
}

bool certmate_job(struct call *call, struct err *err)
{
	struct order o;
	json_t      *json;
	char         id[ID_SIZE];

	if (!job_id_parse(call_x(call), id))
		return err_set(err, ERR_NOT_FOUND, "Job not found");
	if (!order_find(call->db, call->arena, id, &o, err))
		return false;
	if (strcmp(o.project_id, call->project_id) != 0)
		return err_set(err, ERR_NOT_FOUND, "Job not found");
	json = job_json(call, &o, err);
	return json != NULL && call_json(call, 200, json);
}

/* Only those that run, as there. */
bool certmate_jobs(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	struct order            *list;
	struct rehearsal         rehearsal;
	struct err               none = { 0 };
	size_t                   count;
	json_t                  *json;

	if (!order_list(call->db, call->arena, call->project_id, "", 1000, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		/* Rehearsals are nothing that CertMate knows. */
		if (strcmp(list[i].status, "running") != 0 ||
		    rehearsal_find(call->db, call->arena, list[i].certificate_id, &rehearsal, &none))
			continue;
		json = job_json(call, &list[i], err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = json_object();
	json_put_int(json, "count", (int64_t)json_array_size(array));
	json_put(json, "jobs", TAKE(array));
	return call_json(call, 200, json);
}

/* ---- create and renew ---- */

/* What a synchronous call remembers while its order runs. */
struct order_wait {
	const char *order_id;
	int64_t     deadline_ms;
	bool        renew;
};

/* The order has to end, one way or the other. */
static bool order_follow(struct call *call, const struct order_wait *wait, struct err *err)
{
	struct certificate c;
	struct order       o;
	json_t            *json;

	if (!order_find(call->db, call->arena, wait->order_id, &o, err) ||
	    !certificate_find(call->db, call->arena, o.certificate_id, &c, err))
		return false;
	if (strcmp(o.status, "running") == 0 && clock_mono_ms() < wait->deadline_ms)
		return call_park(call, "order", o.id, wait->deadline_ms);
	if (strcmp(o.status, "running") == 0)
		return job_queued(call, o.id, wait->renew ? "renew" : "create", c.name);
	if (strcmp(o.status, "issued") != 0) {
		err_problem(err, ERR_PERMANENT, wait->renew ? "RENEWAL_FAILED" : "order-failed", "Certificate %s failed: %s",
			    wait->renew ? "renewal" : "creation",
			    o.detail[0] != '\0' ? o.detail : "the order ended without a certificate");
		return err_hint(err, "%s", o.hint);
	}
	json = result_json(call, &c, &o, wait->renew ? "Certificate renewed successfully" : "Certificate created successfully", err);
	if (json == NULL)
		return false;
	if (wait->renew)
		json_put_bool(json, "renewed", true);
	return call_json(call, wait->renew ? 200 : 201, json);
}

static struct order_wait *wait_new(struct call *call, const char *order_id, bool renew)
{
	struct order_wait *wait = arena_alloc(call->arena, sizeof(*wait));

	wait->order_id = arena_strdup(call->arena, order_id);
	wait->deadline_ms = clock_mono_ms() + WAIT_MS;
	wait->renew = renew;
	call->request->state = wait;
	return wait;
}

/* A failure CertMate would call 422 begins with its words. */
static bool create_failed(struct err *err)
{
	if (err->class == ERR_CONFIG || err->class == ERR_PERMANENT)
		return err_in(err, "Certificate creation failed");
	return false;
}

bool certmate_create(struct call *call, struct err *err)
{
	struct create_request request;
	struct command_issue  issue = { 0 };
	struct command_reply  reply;
	char                  certificate_id[ID_SIZE], order_id[ID_SIZE];

	if (call->request->state != NULL)
		return order_follow(call, call->request->state, err);
	if (!create_request_parse(call, &request, &issue, err))
		return false;
	id_new(certificate_id);
	id_new(order_id);
	issue.certificate_id = certificate_id;
	issue.order_id = order_id;
	if (!command_issue(call_worker(call), call->arena, &call->who, &issue, &reply, err)) {
		if (strcmp(err->problem, "already-exists") == 0)
			err_hint(err, "POST /api/certificates/%s/renew renews it", request.domain);
		return create_failed(err);
	}
	if (is_async(call, request.async))
		return job_queued(call, reply.order_id, "create", request.domain);
	return order_follow(call, wait_new(call, reply.order_id, false), err);
}

struct renew_request {
	const json_t *force, *async;
};

static const struct json_field renew_fields[] = {
	{ JSON_FIELD(struct renew_request, force, ANY) },
	{ JSON_FIELD(struct renew_request, async, ANY) },
};

/* v is zeroed when there is none. */
static bool served_version(struct call *call, const struct certificate *c, struct version *ret, struct err *err)
{
	*ret = (struct version){ .serial = "" };
	return c->version == 0 || version_find_number(call->db, call->arena, c->id, c->version, ret, err);
}

static bool not_due(struct call *call, const struct certificate *c)
{
	AUTO(json_freep) json_t *facade = facade_of(c);
	json_t                  *json = json_object();

	json_put_str(json, "message", arena_printf(call->arena, "Certificate for %s is not yet due for renewal", c->name));
	json_put_str(json, "domain", c->name);
	json_put_bool(json, "renewed", false);
	json_put_str(json, "dns_provider", facade_text(facade, "dns_provider", "builtin"));
	json_put(json, "duration", json_real(0.0));
	return call_json(call, 200, json);
}

bool certmate_renew(struct call *call, struct err *err)
{
	struct renew_request request = { 0 };
	struct command_reply reply;
	struct certificate   c;
	struct version       v;
	bool                 due = true;
	char                 order_id[ID_SIZE];

	if (call->request->state != NULL)
		return order_follow(call, call->request->state, err);
	if (!call_bind(call, renew_fields, ARRAY_LEN(renew_fields), &request, err) ||
	    !certificate_find_named(call->db, call->arena, call->project_id, certmate_domain(call), &c, err) ||
	    !served_version(call, &c, &v, err) || (c.version != 0 && !renewal_is_needed(call, &c, &v, &due, err)))
		return false;
	if (!truthy(request.force) && !due)
		return not_due(call, &c);
	id_new(order_id);
	if (!command_renew(call_worker(call), call->arena, &call->who, c.id, order_id, &reply, err))
		return false;
	if (is_async(call, request.async))
		return job_queued(call, reply.order_id, "renew", c.name);
	return order_follow(call, wait_new(call, reply.order_id, true), err);
}

struct auto_renew_request {
	bool enabled;
};

static const struct json_field auto_renew_fields[] = {
	{ JSON_FIELD(struct auto_renew_request, enabled, BOOL), .required = true },
};

bool certmate_auto_renew(struct call *call, struct err *err)
{
	struct auto_renew_request request = { 0 };
	struct command_policy     policy = { .has_auto_renew = true, .renew_before = "" };
	struct command_reply      reply;
	struct certificate        c;
	json_t                   *json;

	if (!call_bind(call, auto_renew_fields, ARRAY_LEN(auto_renew_fields), &request, err) ||
	    !certificate_find_named(call->db, call->arena, call->project_id, certmate_domain(call), &c, err))
		return false;
	policy.certificate = c.id;
	policy.auto_renew = request.enabled;
	/* Nobody can pause there: who switches it on there wants it to run. */
	policy.has_paused = request.enabled;
	if (!command_policy(call_worker(call), call->arena, &call->who, &policy, &reply, err))
		return false;
	json = json_object();
	json_put_str(json, "message", arena_printf(call->arena, "Auto-renewal %s for %s", request.enabled ? "enabled" : "disabled", c.name));
	json_put_str(json, "domain", c.name);
	json_put_bool(json, "auto_renew", request.enabled);
	return call_json(call, 200, json);
}

/* ---- list and details ---- */

/* Naive UTC without a zone, as CertMate writes it. */
static const char *expiry_text(int64_t at_ms, char ret[static TIME_SIZE])
{
	time_t    t = (time_t)(at_ms / 1000);
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	strftime(ret, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
	return ret;
}

static void put_validity(json_t *json, const struct certificate *c, const struct version *v, bool needed)
{
	int64_t now = clock_now_ms();
	char    text[TIME_SIZE];

	json_put_bool(json, "exists", c->version > 0);
	if (c->version == 0) {
		json_put_str(json, "expiry_date", NULL);
		json_put(json, "days_left", json_null());
		json_put(json, "days_until_expiry", json_null());
		json_put_bool(json, "needs_renewal", false);
		return;
	}
	int64_t left = v->not_after_at - now, days = left >= 0 ? left / DAY_MS : -((DAY_MS - 1 - left) / DAY_MS);

	json_put_str(json, "expiry_date", expiry_text(v->not_after_at, text));
	json_put_int(json, "days_left", days);
	json_put_int(json, "days_until_expiry", days);
	json_put_bool(json, "needs_renewal", needed);
}

static json_t *sans_json(const struct certificate *c)
{
	json_t    *array = json_array();
	struct str rest = str_c(c->names), name;

	while (str_next(&rest, ' ', &name))
		if (name.len > 0 && !str_eq(name, str_c(c->name)))
			json_array_append_new(array, json_stringn(name.ptr, name.len));
	return array;
}

/* Exactly CertMate's members, in its order; three more in the details. NULL + err. */
static json_t *listed_json(struct call *call, const struct certificate *c, bool details, struct err *err)
{
	AUTO(json_freep) json_t *facade = facade_of(c);
	const json_t            *alias = json_object_get(facade, "domain_alias");
	struct version           v;
	const char              *ca_provider;
	bool                     needed = false;
	json_t                  *json;

	if (!served_version(call, c, &v, err) || (c->version > 0 && !renewal_is_needed(call, c, &v, &needed, err)) || !ca_provider_of(call, c, facade, &ca_provider, err))
		return NULL;
	json = json_object();
	json_put_str(json, "domain", c->name);
	put_validity(json, c, &v, needed);
	json_put_bool(json, "auto_renew", c->auto_renew && c->paused_at == 0);
	json_put_str(json, "dns_provider", facade_text(facade, "dns_provider", "builtin"));
	json_put(json, "domain_alias", alias != NULL ? json_deep_copy(alias) : json_null());
	json_put_str(json, "alias_dns_provider", json_str(facade, "alias_dns_provider"));
	json_put(json, "san_domains", sans_json(c));
	json_put_str(json, "ca_provider", ca_provider);
	json_put_str(json, "challenge_type", "dns-01");
	json_put_str(json, "account_id", facade_text(facade, "account_id", "default"));
	json_put(json, "deployment_port", json_null());
	json_put(json, "deployment_protocol", json_null());
	if (details) {
		json_put(json, "storage_warning", json_null());
		put_time(json, "created_at", c->created_at);
		put_time(json, "renewed_at", c->version > 1 ? v.issued_at : 0);
	}
	return json;
}

bool certmate_list(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	const char              *after = "";
	struct certificate      *list;
	size_t                   count;
	json_t                  *json;

	do {
		if (!certificate_list(call->db, call->arena, call->project_id, after, LIST_PAGE, &list, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			json = listed_json(call, &list[i], false, err);
			if (json == NULL)
				return false;
			json_array_append_new(array, json);
			after = list[i].id;
		}
	} while (count == LIST_PAGE && json_array_size(array) < LIST_MAX);
	return call_json(call, 200, TAKE(array));
}

bool certmate_get(struct call *call, struct err *err)
{
	struct certificate c;
	json_t            *json;

	if (!certificate_find_named(call->db, call->arena, call->project_id, certmate_domain(call), &c, err))
		return false;
	json = listed_json(call, &c, true, err);
	return json != NULL && call_json(call, 200, json);
}
