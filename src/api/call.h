/*
 * api/call.h: one request on its way through the api role, and the table that says who may do what. Private to
 * this folder.
 *
 * Rule     a handler sees an authenticated, authorized call with its project and a store reader; it parses the
 *          body into a struct once, calls, and answers. It returns false with err set for everything that is
 *          not the answer; the words go out in the route's style.
 * Parking  call_park() and return true: the handler runs again from its start, with call->request->state and
 *          the arena as it left them, and authenticated anew.
 */
#ifndef REEVE_API_CALL_H
#define REEVE_API_CALL_H

#include "api/api.h"
#include "base/id.h"
#include "json/json.h"
#include "keeper/keeper.h"
#include "net/server.h"
#include "store/store.h"
#include "workflow/command.h"

/* 0 refuses: a forgotten cell denies. */
enum permission {
	PERM_REFUSED,
	PERM_PUBLIC, /* no token */
	PERM_READ,   /* viewer */
	PERM_WRITE,  /* operator */
	PERM_ADMIN,  /* administrator of the project */
	PERM_ROOT,   /* administrator of all projects */
	PERM__COUNT
};

enum style { STYLE_V1, STYLE_CERTMATE };

struct call;
typedef bool (*call_fn)(struct call *call, struct err *err);

struct route {
	const char              *method, *path; /* "/v1/orders/{id}" */
	enum permission          permission;
	size_t                   body_max;
	call_fn                  handler;
	bool                     narrow;  /* a token of one certificate may come here: the handler asks call_narrowed() */
	bool                     slow;    /* asks a peer that looks at DNS: never on all threads at once */
	int                      status;  /* of success, for the OpenAPI page */
	const char              *summary;
	const struct json_field *fields;  /* of the body */
	const size_t            *fields_count;
	const char              *query;   /* space separated names */
};

extern const struct route routes[];
extern const size_t       routes_count;

#define PARAMS_MAX 2

struct call {
	struct api                 *api;
	struct arena               *arena;
	struct http_server_request *request;
	struct http_server_answer  *answer;
	bool                        parked;
	enum style                  style;
	const struct route         *route;
	const char                 *params[PARAMS_MAX]; /* what stood for {…}, decoded */
	struct keeper_grant         grant;
	const char                 *project_id, *project_name;
	struct command_who          who;
	struct db                  *db;
	json_t                     *body; /* NULL without one; freed by the dispatcher */
};

/* The first parameter of the path: an id or a name. */
static inline const char *call_x(const struct call *call)
{
	return call->params[0];
}

struct ipc_peer *call_worker(const struct call *call);
struct ipc_peer *call_keeper(const struct call *call);
struct book;
struct book     *call_book(const struct call *call); /* provider/book.h */

/* The body into a struct; an absent body is an empty object. Unknown members are refused on /v1 only. */
MUST_CHECK bool call_bind(struct call *call, const struct json_field *fields, size_t count, void *ret, struct err *err);
/* A whole number of the query within bounds; `otherwise` when absent. */
MUST_CHECK bool call_number(struct call *call, const char *name, uint64_t min, uint64_t max, uint64_t otherwise,
                            uint64_t *ret, struct err *err);
/* Answers; always true. call_json takes `json`. */
bool call_json(struct call *call, int status, json_t *json);
bool call_text(struct call *call, int status, const char *content_type, struct str body);
bool call_empty(struct call *call, int status);
bool call_header(struct call *call, const char *name, const char *value);
/* Wait for a change of (kind, id), at most until `deadline_ms`; always true. */
bool call_park(struct call *call, const char *kind, const char *id, int64_t deadline_ms);
/* ERR_DENIED with what is needed when the grant's role is weaker. */
MUST_CHECK bool call_role(const struct call *call, enum keeper_role least, struct err *err);
/* ERR_DENIED when the token is for another certificate; NULL: there is none, which such a token does not learn. */
MUST_CHECK bool call_narrowed(const struct call *call, const char *certificate_id, struct err *err);
/* The project by id or name, when the grant covers it. */
MUST_CHECK bool call_project(struct call *call, const char *id_or_name, struct err *err);
/* Forget cached grants: a token was revoked. */
void call_forget_grants(struct call *call);

/* 1..64 of [a-z0-9-]. */
MUST_CHECK bool slug_check(const char *what, const char *name, struct err *err);

/* Members for times (RFC 3339 or null), and texts that are null when empty. */
void put_time(json_t *object, const char *key, int64_t at_ms);
void put_text_or_null(json_t *object, const char *key, const char *value);

/* ---- one file per noun ---- */

extern const struct json_field project_fields[], authority_fields[], delegation_fields[], certificate_fields[],
	patch_fields[], token_fields[], deployment_fields[], deployment_run_fields[], connection_fields[], connection_test_fields[],
	notification_fields[], notification_patch_fields[], authority_set_fields[], account_update_fields[], account_rollover_fields[],
	revoke_fields[], limits_fields[];
extern const size_t project_fields_count, authority_fields_count, delegation_fields_count, certificate_fields_count,
	patch_fields_count, token_fields_count, deployment_fields_count, deployment_run_fields_count, connection_fields_count,
	connection_test_fields_count, notification_fields_count, notification_patch_fields_count, authority_set_fields_count,
	account_update_fields_count, account_rollover_fields_count, revoke_fields_count, limits_fields_count;

bool project_create(struct call *call, struct err *err);
bool project_list_get(struct call *call, struct err *err);
bool authority_create(struct call *call, struct err *err);
bool authority_list_get(struct call *call, struct err *err);
bool authority_get(struct call *call, struct err *err);
bool authority_patch(struct call *call, struct err *err);
bool authority_presets_get(struct call *call, struct err *err);
bool authority_test(struct call *call, struct err *err);
bool account_find_post(struct call *call, struct err *err);
bool account_update(struct call *call, struct err *err);
bool account_rollover(struct call *call, struct err *err);
bool account_deactivate(struct call *call, struct err *err);
bool certificate_revoke(struct call *call, struct err *err);
bool operation_list_get(struct call *call, struct err *err);
bool operation_get(struct call *call, struct err *err);
bool authority_default_put(struct call *call, struct err *err);
bool authority_delete(struct call *call, struct err *err);
bool delegation_create(struct call *call, struct err *err);
bool delegation_list_get(struct call *call, struct err *err);
bool delegation_get(struct call *call, struct err *err);
bool delegation_check(struct call *call, struct err *err);
bool delegation_delete(struct call *call, struct err *err);
bool certificate_create(struct call *call, struct err *err);
bool certificate_list_get(struct call *call, struct err *err);
bool certificate_get(struct call *call, struct err *err);
bool certificate_renew(struct call *call, struct err *err);
bool certificate_patch(struct call *call, struct err *err);
bool certificate_download(struct call *call, struct err *err);
bool order_list_get(struct call *call, struct err *err);
bool order_get(struct call *call, struct err *err);
bool order_cancel(struct call *call, struct err *err);
bool token_create(struct call *call, struct err *err);
bool token_list_get(struct call *call, struct err *err);
bool token_delete(struct call *call, struct err *err);
bool deployment_create(struct call *call, struct err *err);
bool deployment_list_get(struct call *call, struct err *err);
bool deployment_get(struct call *call, struct err *err);
bool deployment_run_post(struct call *call, struct err *err);
bool deployment_delete(struct call *call, struct err *err);
bool delivery_get(struct call *call, struct err *err);
bool metrics_get(struct call *call, struct err *err);
bool caa_get(struct call *call, struct err *err);
bool debt_list_get(struct call *call, struct err *err);
bool debt_retry_post(struct call *call, struct err *err);
bool connection_create(struct call *call, struct err *err);
bool connection_list_get(struct call *call, struct err *err);
bool connection_get(struct call *call, struct err *err);
bool connection_patch(struct call *call, struct err *err);
bool connection_delete(struct call *call, struct err *err);
bool connection_test(struct call *call, struct err *err);
bool provider_list_get(struct call *call, struct err *err);
bool provider_get(struct call *call, struct err *err);
bool limits_get(struct call *call, struct err *err);
bool limits_patch(struct call *call, struct err *err);
bool certificate_rehearse(struct call *call, struct err *err);
bool drill_get(struct call *call, struct err *err);
bool notification_create(struct call *call, struct err *err);
bool notification_list_get(struct call *call, struct err *err);
bool notification_get(struct call *call, struct err *err);
bool notification_patch(struct call *call, struct err *err);
bool notification_test_post(struct call *call, struct err *err);
bool notification_delete(struct call *call, struct err *err);
bool doctor_get(struct call *call, struct err *err);
bool openapi_get(struct call *call, struct err *err);
bool version_get(struct call *call, struct err *err);
bool health_get(struct call *call, struct err *err);

bool certmate_create(struct call *call, struct err *err);
bool certmate_list(struct call *call, struct err *err);
bool certmate_get(struct call *call, struct err *err);
bool certmate_renew(struct call *call, struct err *err);
bool certmate_auto_renew(struct call *call, struct err *err);
bool certmate_download(struct call *call, struct err *err);
bool certmate_download_part(struct call *call, struct err *err);
bool certmate_deploy(struct call *call, struct err *err);
bool certmate_jobs(struct call *call, struct err *err);
bool certmate_job(struct call *call, struct err *err);

/* ---- shared between nouns ---- */

/* The domain of a façade's path as it is stored; what is no name stays as it came, and will not be found. */
const char *certmate_domain(const struct call *call);

/* Aliases of `domain_alias`: a string for all names, or an object name -> target. NULL or null: none. */
MUST_CHECK bool aliases_parse(struct arena *a, const json_t *value, struct command_issue *ret, struct err *err);

/* What issue and edit share, as the commands want it. */
struct certificate_request {
	struct json_strings names;
	const char         *authority, *key_type, *provider, *alias_provider, *connection, *profile, *chain, *key_policy,
		*fallback_authority, *fallback_after, *csr;
	const json_t       *domain_alias;
	int64_t             valid_days;
	bool                dry_run; /* never of an edit */
};
/* Checks what can be checked here; a CSR is parsed in this role, and gives the names when none are. */
MUST_CHECK bool certificate_request_take(struct call *call, const struct certificate_request *request, struct command_issue *ret,
                                         struct err *err);
/* 202 {certificate, order}: both as stored just now; of a dry run there is no certificate. */
bool certificate_ordered(struct call *call, const struct command_reply *reply, bool dry_run, struct err *err);

struct order;
struct certificate;
struct version;
/* The certificate with everything a reader wants. NULL + err. */
json_t *certificate_json(struct call *call, const struct certificate *c, struct err *err);
/* When it is renewed and why; `v` NULL before the first version. NULL + err. */
json_t *renewal_json(struct call *call, const struct certificate *c, const struct version *v, struct err *err);
/* By the same plan that the worker follows. */
MUST_CHECK bool renewal_is_needed(struct call *call, const struct certificate *c, const struct version *v, bool *ret, struct err *err);
/* The order with everything a reader wants; without timeline and authorizations when `brief`. NULL + err. */
/* The space separated names of a certificate as an array. */
json_t *names_json(const char *names);
json_t *order_json(struct call *call, const struct order *o, bool brief, struct err *err);

/* One certificate with one version, ready to be handed out. */
struct bundle {
	const struct certificate *certificate;
	const struct version     *version;
	struct str                cert, chain, fullchain; /* PEM */
};
/* number 0: the version that is served. ERR_NOT_FOUND before the first is issued. */
MUST_CHECK bool bundle_find(struct call *call, const char *id_or_name, int64_t number, struct bundle *ret, struct err *err);
/* Checks the role, audits durably, then asks the keeper. The bytes are in the arena: wipe or mark the answer secret. */
MUST_CHECK bool bundle_key(struct call *call, const struct bundle *b, enum keeper_export_format format,
                           struct str *ret, struct err *err);

#endif
