/*
 * workflow/session.c: the request engine of RFC 8555 6: sign in the keeper, send, harvest the nonce, repeat a badNonce.
 *
 * It decides nothing about orders; what an answer means belongs to the steps.
 */
#include "workflow/session.h"

#include <assert.h>

#include "acme/certificate.h"
#include "net/url.h"

#define DIRECTORY_AGE_MS (24 * 3600 * 1000)
#define BAD_NONCE_MAX    5
#define PROBE_MS         15000 /* somebody waits for the answer */
#define DELAY_START_MS   10
#define DELAY_MAX_MS     5000

/* ---- what is known of a CA ---- */

static struct ca *ca_get(struct worker *w, const char *authority_id)
{
	struct ca *ca;

	pthread_mutex_lock(&w->cas_lock);
	for (ca = w->cas; ca != NULL && strcmp(ca->authority_id, authority_id) != 0; ca = ca->next)
		;
	if (ca == NULL) {
		struct arena *a = arena_new();

		ca = arena_alloc(a, sizeof(*ca));
		ca->arena = a;
		ca->authority_id = arena_strdup(a, authority_id);
		ca->validation_ms = ca->finalize_ms = DELAY_START_MS;
		pthread_mutex_init(&ca->lock, NULL);
		buf_init(&ca->trusted, 1);
		ca->next = w->cas;
		w->cas = ca;
	}
	pthread_mutex_unlock(&w->cas_lock);
	return ca;
}

void cas_free(struct worker *w)
{
	while (w->cas != NULL) {
		struct ca *ca = w->cas;

		w->cas = ca->next;
		pthread_mutex_destroy(&ca->lock);
		arena_free(ca->directory_arena);
		buf_clear(&ca->trusted);
		arena_free(ca->arena);
	}
}

void account_problem_set(struct worker *w, const char *authority_id, const struct err *problem)
{
	struct ca *ca = ca_get(w, authority_id);

	pthread_mutex_lock(&ca->lock);
	ca->account_problem = *problem;
	pthread_mutex_unlock(&ca->lock);
}

void account_problem_get(struct worker *w, const char *authority_id, struct err *ret)
{
	struct ca *ca = ca_get(w, authority_id);

	pthread_mutex_lock(&ca->lock);
	*ret = ca->account_problem;
	pthread_mutex_unlock(&ca->lock);
}

bool authority_cidrs(const char *list, struct cidr ret[static CIDRS_MAX], size_t *ret_count, struct err *err)
{
	struct str rest = str_c(list), field;
	size_t     count = 0;

	while (str_next(&rest, ',', &field)) {
		if (count == CIDRS_MAX)
			return err_problem(err, ERR_INPUT, "invalid-request", "more than %d allowed address ranges", CIDRS_MAX);
		if (!cidr_parse(str_trim(field), &ret[count], err))
			return err_in(err, "allow_addresses");
		count++;
	}
	*ret_count = count;
	return true;
}

/* A request as this authority permits it. */
static struct http_request request_for(const struct authority *x, const struct cidr *cidrs, size_t count,
                                       enum http_method method, const char *url)
{
	return (struct http_request){ .method = method, .url = url, .ca_pem = str_c(x->ca_pem), .allowed = cidrs, .allowed_count = count };
}

static bool fetch_directory(struct http_client *http, struct arena *a, const struct authority *x, const struct cidr *cidrs,
                            size_t cidrs_count, uint32_t timeout_ms, struct acme_directory *ret, struct err *err)
{
	struct http_request  request = request_for(x, cidrs, cidrs_count, HTTP_GET, x->directory_url);
	struct http_response response;

	request.total_timeout_ms = timeout_ms;

	if (!http_perform(http, &request, a, &response, err))
		return err_in(err, "directory of authority %s", x->name);
	if (response.status != 200) {
		struct acme_problem problem;

		if (response.status == 404) {
			err_problem(err, ERR_PERMANENT, "ca-nonsense", "%s answered 404: there is no ACME directory", x->directory_url);
			return err_hint(err, "check the directory URL of the CA, the path included");
		}
		acme_problem_parse(a, response.status, response.body, &problem);
		acme_problem_err(&problem, ACME_AT_OTHER, response.retry_after_s, err);
		return err_in(err, "directory of authority %s", x->name);
	}
	return acme_directory_parse(a, x->directory_url, response.content_type, response.body, ret, err);
}

bool authority_probe(struct http_client *http, struct arena *a, const struct authority *x, struct acme_directory *ret,
                     struct err *err)
{
	struct cidr cidrs[CIDRS_MAX];
	size_t      count = 0;

	return authority_cidrs(x->allow_addresses, cidrs, &count, err) &&
	       fetch_directory(http, a, x, cidrs, count, PROBE_MS, ret, err);
}

/* The directory as the job may keep it: another thread may replace the shared one meanwhile. */
static struct acme_directory directory_copy(struct arena *a, const struct acme_directory *d)
{
	return (struct acme_directory){
		.new_nonce = arena_strdup(a, d->new_nonce), .new_account = arena_strdup(a, d->new_account),
		.new_order = arena_strdup(a, d->new_order), .revoke_cert = arena_strdup(a, d->revoke_cert),
		.key_change = arena_strdup(a, d->key_change), .renewal_info = arena_strdup(a, d->renewal_info),
		.terms_of_service = arena_strdup(a, d->terms_of_service),
		.external_account_required = d->external_account_required,
	};
}

static bool ensure_directory(struct session *s, struct err *err)
{
	struct ca    *ca = s->ca;
	struct job   *job = s->job;
	struct arena *a;
	struct acme_directory fetched;

	pthread_mutex_lock(&ca->lock);
	if (ca->directory_at != 0 && clock_mono_ms() - ca->directory_at < DIRECTORY_AGE_MS) {
		s->directory = directory_copy(job->arena, &ca->directory);
		pthread_mutex_unlock(&ca->lock);
		return true;
	}
	pthread_mutex_unlock(&ca->lock);
	a = arena_new();
	if (!fetch_directory(job->thread->http, a, &s->authority, s->cidrs, s->cidrs_count, HTTP_TOTAL_TIMEOUT_MS, &fetched, err)) {
		arena_free(a);
		return false;
	}
	pthread_mutex_lock(&ca->lock);
	arena_free(ca->directory_arena);
	ca->directory_arena = a;
	ca->directory = fetched;
	if (ca->directory_at == 0)
		acme_nonce_pool_init(&ca->nonces, s->authority.directory_url);
	ca->directory_at = clock_mono_ms();
	s->directory = directory_copy(job->arena, &ca->directory);
	pthread_mutex_unlock(&ca->lock);
	return true;
}

/*
 * URL, trust bundle and address ranges grant power: the row must be the one that was written. The keeper is asked once
 * for each content: the very bytes it confirmed are remembered.
 */
static bool check_authority(struct session *s, struct err *err)
{
	struct authority *x = &s->authority;
	struct ca        *ca = s->ca;
	struct str        columns = authority_canonical(s->job->arena, x);
	struct buf        now;
	bool              trusted;

	buf_init(&now, columns.len + 256);
	buf_printf(&now, "%lld ", (long long)x->row_version);
	buf_add_str(&now, x->mac);
	buf_add_str(&now, columns);
	pthread_mutex_lock(&ca->lock);
	trusted = ca->trusted.len == now.len && memcmp(ca->trusted.ptr, now.ptr, now.len) == 0;
	pthread_mutex_unlock(&ca->lock);
	if (!trusted && keeper_mac_check(s->job->worker->keeper, "authorities", columns, x->row_version, x->mac, err)) {
		pthread_mutex_lock(&ca->lock);
		buf_clear(&ca->trusted);
		ca->trusted = now;
		pthread_mutex_unlock(&ca->lock);
		return true;
	}
	buf_clear(&now);
	return trusted || err_in(err, "authority %s", x->name);
}

bool session_open(struct job *job, const char *authority_id, struct session *ret, struct err *err)
{
	struct session s = { .job = job };
	struct err     missing = { 0 };
	struct db     *db;

	if (!job_reader(job, &db, err) || !authority_find(db, job->arena, authority_id, &s.authority, err))
		return false;
	if (strcmp(s.authority.project_id, job->row.project_id) != 0)
		return err_problem(err, ERR_PERMANENT, "tampered", "the order uses an authority of another project");
	if (s.authority.removed_at != 0)
		return err_problem(err, ERR_CONFIG, "no-authority", "authority %s was removed", s.authority.name);
	if (!account_find(db, job->arena, job->row.project_id, authority_id, &s.account, &missing)) {
		if (missing.class != ERR_NOT_FOUND) {
			*err = missing;
			return false;
		}
		s.account.id = "";
	}
	s.ca = ca_get(job->worker, authority_id);
	if (!check_authority(&s, err) || !authority_cidrs(s.authority.allow_addresses, s.cidrs, &s.cidrs_count, err))
		return false;
	*ret = s;
	return ensure_directory(ret, err);
}

/* ---- nonces ---- */

static void keep_nonce(struct session *s, const struct http_response *response)
{
	if (response->replay_nonce[0] == '\0')
		return;
	pthread_mutex_lock(&s->ca->lock);
	(void)acme_nonce_put(&s->ca->nonces, s->authority.directory_url, str_c(response->replay_nonce), clock_mono_ms());
	pthread_mutex_unlock(&s->ca->lock);
}

static bool take_nonce(struct session *s, char ret[static ACME_NONCE_SIZE], struct err *err)
{
	struct http_request  request = request_for(&s->authority, s->cidrs, s->cidrs_count, HTTP_HEAD, s->directory.new_nonce);
	struct http_response response;
	bool                 found;

	pthread_mutex_lock(&s->ca->lock);
	found = acme_nonce_take(&s->ca->nonces, s->authority.directory_url, clock_mono_ms(), ret);
	pthread_mutex_unlock(&s->ca->lock);
	if (found)
		return true;
	if (!http_perform(s->job->thread->http, &request, s->job->arena, &response, err))
		return err_in(err, "newNonce");
	if (!acme_nonce_valid(str_c(response.replay_nonce)))
		return err_problem(err, ERR_TEMPORARY, "ca-nonsense", "newNonce answered %d without a nonce", response.status);
	snprintf(ret, ACME_NONCE_SIZE, "%s", response.replay_nonce);
	return true;
}

/* ---- requests ---- */

static struct record_id account_record(const struct account *x)
{
	return (struct record_id){ x->project_id, KEEPER_COLUMN_ACCOUNT_KEY, x->id, x->row_version };
}

static bool send_signed(struct session *s, struct keeper_jws *jws, enum acme_where where, struct acme_problem *problem,
                        struct err *err)
{
	struct http_request request = request_for(&s->authority, s->cidrs, s->cidrs_count, HTTP_POST, jws->url);
	struct job         *job = s->job;
	char                nonce[ACME_NONCE_SIZE];
	int64_t             retry_at;

	s->status = 0;
	if (!take_nonce(s, nonce, err))
		return false;
	jws->nonce = nonce;
	if (!keeper_jws(job->worker->keeper, jws, job->arena, &request.body, err))
		return err_in(err, "signature");
	request.content_type = "application/jose+json";
	request.repeat_allowed = jws->kind == KEEPER_JWS_KID_POST && jws->payload.len == 0; /* only reads */
	if (where == ACME_AT_DOWNLOAD) {
		request.accept = ACME_CHAIN_ACCEPT;
		request.body_max = HTTP_BODY_MAX_CHAIN;
	}
	job->requests++;
	if (!http_perform(job->thread->http, &request, job->arena, &s->response, err))
		return false;
	s->status = s->response.status;
	keep_nonce(s, &s->response);
	if (s->status < 400)
		return true;
	acme_problem_parse(job->arena, s->status, s->response.body, problem);
	acme_problem_err(problem, where, s->response.retry_after_s, err);
	if (err->retry_after_s == 0 && acme_problem_is(problem, "rateLimited") && acme_problem_retry_at(problem, &retry_at) &&
	    retry_at > clock_now_ms())
		err->retry_after_s = (uint32_t)((retry_at - clock_now_ms()) / 1000 + 1);
	return false;
}

/* Up to BAD_NONCE_MAX times with the nonce of the refusal itself, then once with a fresh one. RFC 8555 6.5. */
static bool post_signed(struct session *s, struct keeper_jws *jws, enum acme_where where, struct err *err)
{
	for (unsigned tries = 0;; tries++) {
		struct acme_problem problem = { 0 };

		*err = (struct err){ 0 };
		if (send_signed(s, jws, where, &problem, err))
			return true;
		if (s->status < 400 || !acme_should_retry_nonce(&problem) || tries > BAD_NONCE_MAX)
			return false;
		if (tries == BAD_NONCE_MAX) {
			pthread_mutex_lock(&s->ca->lock);
			acme_nonce_flush(&s->ca->nonces);
			pthread_mutex_unlock(&s->ca->lock);
		}
	}
}

bool session_post(struct session *s, enum acme_where where, const char *url, struct str payload, struct err *err)
{
	struct keeper_jws jws = { .kind = KEEPER_JWS_KID_POST, .account = account_record(&s->account),
		                  .account_blob = s->account.key_blob, .url = url, .kid = s->account.url,
		                  .payload = payload };
	struct err        ignored;

	return post_signed(s, &jws, where, err != NULL ? err : &ignored);
}

bool session_new_account(struct session *s, bool only_existing, struct err *err)
{
	struct keeper_eab eab = { .kid = s->authority.eab_kid, .blob = s->authority.eab_hmac,
		                  .record = { s->authority.project_id, KEEPER_COLUMN_EAB, s->authority.id, 1 } };
	struct keeper_jws jws = { .kind = only_existing ? KEEPER_JWS_ACCOUNT_FIND : KEEPER_JWS_ACCOUNT_NEW,
		                  .account = account_record(&s->account), .account_blob = s->account.key_blob,
		                  .url = s->directory.new_account };

	if (!only_existing) {
		jws.email = s->authority.email;
		jws.terms_agreed = true;
	}

	if (!only_existing && s->authority.eab_kid[0] != '\0')
		jws.eab = &eab;
	return post_signed(s, &jws, ACME_AT_ACCOUNT, err);
}

/* ---- the CA's pace ---- */

void session_learned(struct session *s, bool validation, bool was_done)
{
	int64_t *delay = validation ? &s->ca->validation_ms : &s->ca->finalize_ms;

	pthread_mutex_lock(&s->ca->lock);
	*delay = was_done ? *delay - *delay / 64 : *delay * 3 / 2 + 5;
	if (*delay > DELAY_MAX_MS)
		*delay = DELAY_MAX_MS;
	if (*delay < DELAY_START_MS)
		*delay = DELAY_START_MS;
	pthread_mutex_unlock(&s->ca->lock);
}

int64_t session_delay_ms(struct session *s, bool validation)
{
	int64_t delay;

	pthread_mutex_lock(&s->ca->lock);
	delay = validation ? s->ca->validation_ms : s->ca->finalize_ms;
	pthread_mutex_unlock(&s->ca->lock);
	return delay;
}
