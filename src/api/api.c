/*
 * api/api.c: from a request to its handler: find the route, authenticate, authorize, read the body, call, answer.
 * The words of an error are made here, once for each style. Decisions belong to handlers, keys to the keeper,
 * writing to the worker.
 */
#include "api/api.h"

#include <assert.h>
#include <pthread.h>

#include "api/call.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/problem_codes.h"
#include "crypto/sha256.h"
#include "crypto/secret.h"
#include "provider/book.h"
#include "crypto/token.h"
#include "store/project.h"
#include "store/token.h"

#define THREADS_DEFAULT 8u
#define GRANTS_MAX      64u
#define GRANT_CACHE_MS  1000
#define GRANT_BYTES_MAX 1024u
#define SLOW_WAIT_MS    30000

/* A grant the keeper gave less than a second ago. The token itself is not kept. */
struct cached_grant {
	uint8_t             token_sha256[SHA256_SIZE];
	int64_t             until_ms; /* monotonic; 0: empty */
	struct keeper_grant grant;
	char                principal_id[64], project_id[ID_SIZE], certificate_id[ID_SIZE];
	char                bytes[GRANT_BYTES_MAX];
};

struct api {
	const char         *store_path;
	struct book        *book;
	struct http_server *server;
	struct ipc_peer    *worker, *keeper;
	unsigned            slow_max;

	pthread_mutex_t     lock; /* what follows */
	struct store       *store;
	unsigned            slow; /* slow handlers that run */
	struct cached_grant grants[GRANTS_MAX];
};

struct ipc_peer *api_worker(struct api *api)
{
	return api->worker;
}

struct ipc_peer *api_keeper(struct api *api)
{
	return api->keeper;
}

struct ipc_peer *call_worker(const struct call *call)
{
	return call->api->worker;
}

struct ipc_peer *call_keeper(const struct call *call)
{
	return call->api->keeper;
}

struct book *call_book(const struct call *call)
{
	return call->api->book;
}

/* ---- the route ---- */

static bool segment_is_param(struct str s)
{
	return s.len > 2 && s.ptr[0] == '{';
}

static bool path_fits(const char *pattern, const struct http_target *target, const char **params)
{
	struct str rest = str_c(pattern + 1), field;
	size_t     i = 0, params_count = 0;

	while (str_next(&rest, '/', &field)) {
		if (i == target->segments_count)
			return false;
		if (segment_is_param(field)) {
			assert(params_count < PARAMS_MAX);
			if (target->segments[i][0] == '\0')
				return false;
			params[params_count++] = target->segments[i];
		} else if (!str_eq(field, str_c(target->segments[i]))) {
			return false;
		}
		i++;
	}
	return i == target->segments_count;
}

/* The row, or NULL; *ret_allow is the list of methods when only the method does not fit. */
static const struct route *route_find(const char *method, const struct http_target *target, const char **params,
                                      struct arena *a, const char **ret_allow)
{
	const char *allow = "", *first = NULL;

	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];

		if (!path_fits(r->path, target, params))
			continue;
		/* A literal path hides the pattern behind it: /jobs is never a domain. */
		if (first != NULL && strcmp(first, r->path) != 0)
			break;
		if (strcmp(r->method, method) == 0)
			return r;
		first = r->path;
		if (a != NULL)
			allow = arena_printf(a, "%s%s%s", allow, allow[0] != '\0' ? ", " : "",
					     strcmp(r->method, "GET") == 0 ? "GET, HEAD" : r->method);
	}
	if (ret_allow != NULL)
		*ret_allow = first != NULL ? allow : NULL;
	return NULL;
}

static size_t body_max(void *ctx UNUSED, const char *method, const struct http_target *target)
{
	const char         *params[PARAMS_MAX];
	const struct route *route = route_find(method, target, params, NULL, NULL);

	return route != NULL ? route->body_max : HTTP_SERVER_BODY_DEFAULT;
}

/* ---- errors in words ---- */

/* CertMate's codes: for problems of ours (`ours`), and those its façade sets by name, with their status. */
static const struct certmate_code {
	const char *ours, *theirs;
	int         status; /* 0: that of ours */
} certmate_codes[] = {
	{ "already-exists", "CERTIFICATE_ALREADY_EXISTS", 0 },
	{ "order-running", "DOMAIN_OPERATION_IN_PROGRESS", 0 },
	{ "not-found", "NOT_FOUND", 0 },
	{ "forbidden", "INSUFFICIENT_ROLE", 0 },
	{ "unauthenticated", "INVALID_TOKEN", 401 },
	{ "", "AUTH_HEADER_MISSING", 401 },
	{ "", "INVALID_AUTH_SCHEME", 401 },
	{ "", "INVALID_AUTH_FORMAT", 401 },
	{ "", "PRIVKEY_REQUIRES_OPERATOR", 403 },
	{ "", "RENEWAL_FAILED", 422 },
};

static const struct certmate_code *certmate_code(const char *problem)
{
	for (size_t i = 0; i < ARRAY_LEN(certmate_codes); i++)
		if (strcmp(certmate_codes[i].ours, problem) == 0 || strcmp(certmate_codes[i].theirs, problem) == 0)
			return &certmate_codes[i];
	return NULL;
}

static void answer_error(struct call *call, const struct err *e)
{
	const struct problem_code *code = problem_code_find(e->problem, e->class);
	const struct certmate_code *theirs = certmate_code(e->problem[0] != '\0' ? e->problem : code->code);
	json_t                    *json = json_object();
	int                        status = code->http_status;

	*call->answer = (struct http_server_answer){ 0 };
	if (call->style == STYLE_CERTMATE) {
		json_put_str(json, "error", e->text);
		if (theirs != NULL)
			json_put_str(json, "code", theirs->theirs);
		if (theirs != NULL && theirs->status != 0)
			status = theirs->status;
	} else {
		json_put_str(json, "type", arena_printf(call->arena, "urn:reeve:problem:%s", code->code));
		json_put_str(json, "title", code->title);
		json_put_int(json, "status", code->http_status);
		json_put_str(json, "detail", e->text);
	}
	if (e->hint[0] != '\0')
		json_put_str(json, "hint", e->hint);
	if (e->retry_after_s != 0)
		json_put_int(json, call->style == STYLE_CERTMATE ? "retry_after" : "retry_after_s", e->retry_after_s);
	call_json(call, status, json);
	if (call->style == STYLE_V1)
		call->answer->content_type = "application/problem+json";
	if (e->retry_after_s != 0)
		call_header(call, "Retry-After", arena_printf(call->arena, "%u", e->retry_after_s));
	if (status == 401)
		call_header(call, "WWW-Authenticate", "Bearer realm=\"reeve\"");
}

/* ---- who asks ---- */

static bool grant_cached(struct api *api, const uint8_t key[static SHA256_SIZE], struct arena *a,
                         struct keeper_grant *ret)
{
	struct cached_grant *c = &api->grants[key[0] % GRANTS_MAX];
	bool                 found;

	pthread_mutex_lock(&api->lock);
	found = c->until_ms > clock_mono_ms() && memcmp(c->token_sha256, key, SHA256_SIZE) == 0;
	if (found) {
		*ret = c->grant;
		ret->principal_id = arena_strdup(a, c->principal_id);
		ret->project_id = arena_strdup(a, c->project_id);
		ret->certificate_id = arena_strdup(a, c->certificate_id);
		ret->bytes = arena_dup(a, c->grant.bytes);
	}
	pthread_mutex_unlock(&api->lock);
	return found;
}

static void grant_cache(struct api *api, const uint8_t key[static SHA256_SIZE], const struct keeper_grant *g)
{
	struct cached_grant *c = &api->grants[key[0] % GRANTS_MAX];

	if (strlen(g->principal_id) >= sizeof(c->principal_id) || strlen(g->project_id) >= sizeof(c->project_id) ||
	    strlen(g->certificate_id) >= sizeof(c->certificate_id) || g->bytes.len > sizeof(c->bytes))
		return;
	pthread_mutex_lock(&api->lock);
	memcpy(c->token_sha256, key, SHA256_SIZE);
	c->grant = *g;
	memcpy(c->principal_id, g->principal_id, strlen(g->principal_id) + 1);
	memcpy(c->project_id, g->project_id, strlen(g->project_id) + 1);
	memcpy(c->certificate_id, g->certificate_id, strlen(g->certificate_id) + 1);
	memcpy(c->bytes, g->bytes.ptr, g->bytes.len);
	c->grant.bytes = str_of(c->bytes, g->bytes.len);
	c->until_ms = clock_mono_ms() + GRANT_CACHE_MS;
	pthread_mutex_unlock(&api->lock);
}

void call_forget_grants(struct call *call)
{
	pthread_mutex_lock(&call->api->lock);
	memset(call->api->grants, 0, sizeof(call->api->grants));
	pthread_mutex_unlock(&call->api->lock);
}

/* `code` is CertMate's. */
static bool unauthenticated(const struct call *call, const char *code, const char *text, struct err *err)
{
	err_problem(err, ERR_DENIED, call->style == STYLE_CERTMATE ? code : "unauthenticated", "%s", text);
	return err_hint(err, "send \"Authorization: Bearer rvt_...\"; `reeve token create` makes a token");
}

/* The row as stored, for the keeper; false when there is no usable one. */
static bool token_row(struct call *call, const char *id, struct keeper_token *ret, struct str *ret_mac)
{
	struct token t;
	struct err   ignored = { 0 };

	if (!token_find(call->db, call->arena, id, &t, &ignored) || t.digest.len != TOKEN_DIGEST_SIZE ||
	    !keeper_role_parse(str_c(t.role), &ret->role))
		return false;
	ret->id = t.id;
	ret->project_id = t.project_id;
	ret->name = t.name;
	ret->certificate_id = t.certificate_id;
	ret->created_at = t.created_at;
	ret->expires_at = t.expires_at;
	ret->revoked_at = t.revoked_at;
	ret->row_version = t.row_version;
	memcpy(ret->digest, t.digest.ptr, TOKEN_DIGEST_SIZE);
	*ret_mac = t.mac;
	return true;
}

static bool authenticate_token(struct call *call, const char *text, struct err *err)
{
	uint8_t             key[SHA256_SIZE];
	struct api_token    token;
	struct keeper_token row = { 0 };
	struct str          mac = { 0 };
	bool                known;

	sha256(str_c(text), key);
	if (grant_cached(call->api, key, call->arena, &call->grant))
		return true;
	if (!api_token_parse(str_c(text), &token))
		return unauthenticated(call, "INVALID_TOKEN", "this is not a token of Reeve", err);
	known = token_row(call, token.id, &row, &mac);
	wipe(&token, sizeof(token));
	if (!keeper_authenticate(call->api->keeper, str_c(text), known ? &row : NULL, mac, call->arena, &call->grant, err))
		return false;
	grant_cache(call->api, key, &call->grant);
	return true;
}

static bool authenticate(struct call *call, struct err *err)
{
	const char *header = http_server_header(call->request, "authorization");
	const char *token;

	if (header == NULL && call->request->is_unix)
		return keeper_grant_local(call->api->keeper, call->request->socket_fd, call->arena, &call->grant, err);
	if (header == NULL)
		return unauthenticated(call, "AUTH_HEADER_MISSING", "Authorization header required", err);
	token = header + strcspn(header, " ");
	if (!str_eq_nocase(str_of(header, (size_t)(token - header)), STR("bearer")))
		return unauthenticated(call, "INVALID_AUTH_SCHEME", "Invalid authorization scheme, use Bearer", err);
	token += strspn(token, " ");
	if (token[0] == '\0' || strchr(token, ' ') != NULL)
		return unauthenticated(call, "INVALID_AUTH_FORMAT", "Invalid authorization header format", err);
	return authenticate_token(call, token, err);
}

static bool forbidden(struct err *err, const char *text, const char *hint)
{
	err_problem(err, ERR_DENIED, "forbidden", "%s", text);
	return err_hint(err, "%s", hint);
}

static bool narrow(struct err *err)
{
	return forbidden(err, "this token is for downloading one certificate and nothing else",
	                 "use a token made without --certificate");
}

bool call_narrowed(const struct call *call, const char *certificate_id, struct err *err)
{
	const char *mine = call->grant.certificate_id;

	return mine[0] == '\0' || (certificate_id != NULL && strcmp(mine, certificate_id) == 0) || narrow(err);
}

static bool authorize(struct call *call, struct err *err)
{
	if (call->grant.certificate_id[0] != '\0' && !call->route->narrow && call->route->permission != PERM_PUBLIC)
		return narrow(err);
	switch (call->route->permission) {
	case PERM_READ: return call_role(call, ROLE_VIEWER, err);
	case PERM_WRITE: return call_role(call, ROLE_OPERATOR, err);
	case PERM_ADMIN: return call_role(call, ROLE_ADMINISTRATOR, err);
	case PERM_ROOT:
		if (call->grant.project_id[0] != '\0')
			return forbidden(err, "this needs an administrator of all projects",
					 "run `reeve` on the server, over its UNIX socket");
		return call_role(call, ROLE_ADMINISTRATOR, err);
	case PERM_PUBLIC: return true;
	case PERM_REFUSED:
	case PERM__COUNT: break;
	}
	return forbidden(err, "nobody may do this", "");
}

bool call_project(struct call *call, const char *id_or_name, struct err *err)
{
	struct project p;

	if (!project_find(call->db, call->arena, id_or_name, &p, err)) {
		/* A token of one project does not learn which others there are. */
		if (err != NULL && err->class == ERR_NOT_FOUND && call->grant.project_id[0] != '\0')
			return forbidden(err, "the token belongs to another project", "leave Reeve-Project out");
		return false;
	}
	if (call->grant.project_id[0] != '\0' && strcmp(call->grant.project_id, p.id) != 0)
		return forbidden(err, "the token belongs to another project", "leave Reeve-Project out");
	call->project_id = p.id;
	call->project_name = p.name;
	call->who = (struct command_who){ p.id, call->grant.principal_id };
	return true;
}

/* ---- the store ---- */

static bool reader_open(struct call *call, struct err *err)
{
	struct api   *api = call->api;
	struct store *store;
	bool          fine = true;

	pthread_mutex_lock(&api->lock);
	if (api->store == NULL)
		fine = store_open(api->store_path, STORE_READ, &api->store, err);
	store = api->store;
	pthread_mutex_unlock(&api->lock);
	if (fine)
		call->db = store_reader(store, err);
	if (fine && call->db != NULL)
		return true;
	if (err->problem[0] == '\0' || err->class == ERR_TEMPORARY) {
		struct err cause = *err;

		err_problem(err, ERR_TEMPORARY, "unavailable", "the database cannot be read: %s", cause.text);
		err_hint(err, "%s", cause.hint);
	}
	return false;
}

/* ---- slow handlers ---- */

static bool slow_enter(struct api *api)
{
	bool room;

	pthread_mutex_lock(&api->lock);
	room = api->slow < api->slow_max;
	if (room)
		api->slow++;
	pthread_mutex_unlock(&api->lock);
	return room;
}

static void slow_leave(struct api *api)
{
	pthread_mutex_lock(&api->lock);
	api->slow--;
	pthread_mutex_unlock(&api->lock);
	http_server_unpark(api->server, "slow", "");
}

/* All but two threads may be at it; the others wait their turn without a thread. */
static bool handler_run(struct call *call, struct err *err)
{
	bool done;

	if (!call->route->slow || call->request->state != NULL)
		return call->route->handler(call, err);
	if (!slow_enter(call->api)) {
		if (!call->request->timed_out)
			return call_park(call, "slow", "", clock_mono_ms() + SLOW_WAIT_MS);
		err_problem(err, ERR_TEMPORARY, "too-many-requests", "too many requests wait for DNS");
		err->retry_after_s = 5;
		return false;
	}
	done = call->route->handler(call, err);
	slow_leave(call->api);
	return done;
}

/* ---- one request ---- */

static bool body_read(struct call *call, struct err *err)
{
	const char *type = http_server_header(call->request, "content-type");
	struct str  body = call->request->body;

	if (str_trim(body).len == 0)
		return true;
	if (type == NULL || strcmp(http_media_type(call->arena, str_c(type)), "application/json") != 0) {
		err_problem(err, ERR_INPUT, "unsupported-media-type", "the body must be JSON");
		return err_hint(err, "send \"Content-Type: application/json\"");
	}
	return json_read(body, call->route->body_max, &call->body, err);
}

static bool call_run(struct call *call, struct err *err)
{
	const char *project = http_server_header(call->request, "reeve-project");

	if (call->route->permission == PERM_PUBLIC)
		return call->route->handler(call, err);
	/* Before the store is opened: a caller without a token learns nothing but that. */
	if (!call->request->is_unix && http_server_header(call->request, "authorization") == NULL)
		return authenticate(call, err);
	if (!reader_open(call, err) || !authenticate(call, err) || !authorize(call, err))
		return false;
	if (project == NULL || project[0] == '\0')
		project = call->grant.project_id[0] != '\0' ? call->grant.project_id : PROJECT_DEFAULT;
	return call_project(call, project, err) && body_read(call, err) && handler_run(call, err);
}

static enum style style_of(const struct http_target *target)
{
	return strcmp(target->segments[0], "api") == 0 ? STYLE_CERTMATE : STYLE_V1;
}

static enum http_verdict handle(void *ctx, struct http_server_request *request, struct http_server_answer *ret)
{
	struct call call = { .api = ctx, .arena = request->arena, .request = request, .answer = ret,
		.style = style_of(request->target), .who = { "", "" } };
	struct err  err = { 0 };
	const char *allow = NULL;
	bool        done;

	call.route = route_find(request->method, request->target, call.params, call.arena, &allow);
	if (call.route != NULL)
		done = call_run(&call, &err);
	else if (allow != NULL)
		done = err_problem(&err, ERR_INPUT, "method-not-allowed", "%s does not take %s", request->target->path,
				   request->method);
	else
		done = err_set(&err, ERR_NOT_FOUND, "there is nothing at %s", request->target->path);
	json_decref(call.body);
	if (done && call.parked)
		return HTTP_PARK;
	if (!done) {
		answer_error(&call, &err);
		if (allow != NULL)
			call_header(&call, "Allow", allow);
		if (ret->status >= 500)
			log_warn("method=%s path=%s status=%d problem=%s cause=\"%s\"", request->method,
				 request->target->path, ret->status, err.problem, err.text);
	}
	log_debug("method=%s path=%s status=%d principal=%s remote=%s", request->method, request->target->path,
		  ret->status, call.who.principal, request->remote);
	return HTTP_ANSWER;
}

/* ---- life ---- */

static void on_push(void *ctx, const struct ipc_frame *frame)
{
	struct api   *api = ctx;
	struct arena *a = arena_new();
	const char   *kind, *id;

	if (frame->type == COMMAND_CHANGED &&
	    command_changed_decode(a, str_of(frame->body, frame->len), &kind, &id, NULL))
		http_server_unpark(api->server, kind, id);
	arena_free(a);
}

/* A new worker: what changed while there was none was told to nobody. */
static void on_worker_up(void *ctx)
{
	http_server_unpark(((struct api *)ctx)->server, "*", "");
}

bool api_new(const struct api_settings *settings, struct api **ret, struct err *err)
{
	struct api                 *api = calloc(1, sizeof(*api));
	struct http_server_settings server = {
		.handle = handle, .body_max = body_max, .ctx = api,
		.threads = settings->threads != 0 ? settings->threads : THREADS_DEFAULT,
		.connections_max = settings->connections_max,
	};

	if (api == NULL)
		abort();
	api->book = book_new(settings->providers_directory);
	if (!http_server_new(&server, &api->server, err)) {
		book_free(api->book);
		free(api);
		return false;
	}
	pthread_mutex_init(&api->lock, NULL);
	api->store_path = strdup(settings->store_path);
	if (api->store_path == NULL)
		abort();
	/* Fewer than the worker takes (COMMAND_SLOW_MAX), and never all handlers. */
	api->slow_max = server.threads > 6 ? 4 : 1;
	api->worker = ipc_peer_new("worker", on_push, on_worker_up, api);
	api->keeper = ipc_peer_new("keeper", NULL, NULL, NULL);
	*ret = api;
	return true;
}

bool api_add_listener(struct api *api, int fd, struct err *err)
{
	return http_server_listen(api->server, fd, err);
}

bool api_start(struct api *api, struct err *err)
{
	return http_server_start(api->server, err);
}

void api_stop(struct api *api)
{
	http_server_stop(api->server);
}

void api_free(struct api *api)
{
	if (api == NULL)
		return;
	http_server_stop(api->server);
	ipc_peer_free(api->worker);
	ipc_peer_free(api->keeper);
	http_server_free(api->server);
	store_close(api->store);
	book_free(api->book);
	wipe(api->grants, sizeof(api->grants));
	pthread_mutex_destroy(&api->lock);
	free((void *)(uintptr_t)api->store_path);
	free(api);
}
