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

bool ca_ask_begin(struct worker *w, const char *authority_id, int64_t *ret_wait_ms)
{
	struct ca *ca = ca_get(w, authority_id);
	int64_t    wait_ms;

	pthread_mutex_lock(&ca->lock);
	wait_ms = ca->asks_from - clock_mono_ms();
	if (wait_ms <= 0 && ca->asking < CA_ASKING_MAX) {
		ca->asking++;
		wait_ms = 0;
	} else if (wait_ms < 1000) {
		wait_ms = 1000;
	}
	pthread_mutex_unlock(&ca->lock);
	*ret_wait_ms = wait_ms;
	return wait_ms == 0;
}

void ca_ask_end(struct worker *w, const char *authority_id, bool answered)
{
	struct ca *ca = ca_get(w, authority_id);

	pthread_mutex_lock(&ca->lock);
	ca->asking--;
	if (!answered)
		ca->asks_from = clock_mono_ms() + CA_ASK_PAUSE_MS;
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

/* Every answer of a CA says what time it is there. */
static void hear_date(struct worker *w, const struct http_response *response)
{
	if (response->date_at_s == 0)
		return;
	pthread_mutex_lock(&w->cas_lock);
	clock_guard_witness(&w->clock, clock_now_ms(), clock_mono_ms(), response->date_at_s * 1000);
	pthread_mutex_unlock(&w->cas_lock);
}

bool session_clock_believed(struct worker *w)
{
	bool believed;

	pthread_mutex_lock(&w->cas_lock);
	believed = clock_guard_look(&w->clock, clock_now_ms(), clock_mono_ms());
	pthread_mutex_unlock(&w->cas_lock);
	return believed;
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
	struct acme_directory copy = {
		.new_nonce = arena_strdup(a, d->new_nonce), .new_account = arena_strdup(a, d->new_account),
		.new_order = arena_strdup(a, d->new_order), .revoke_cert = arena_strdup(a, d->revoke_cert),
		.key_change = arena_strdup(a, d->key_change), .renewal_info = arena_strdup(a, d->renewal_info),
		.terms_of_service = arena_strdup(a, d->terms_of_service), .website = arena_strdup(a, d->website),
		.external_account_required = d->external_account_required,
		.caa_identities_count = d->caa_identities_count, .profiles_count = d->profiles_count,
	};

	copy.caa_identities = arena_alloc_array(a, d->caa_identities_count + 1, sizeof(*copy.caa_identities));
	for (size_t i = 0; i < d->caa_identities_count; i++)
		copy.caa_identities[i] = arena_strdup(a, d->caa_identities[i]);
	copy.profiles = arena_alloc_array(a, d->profiles_count + 1, sizeof(*copy.profiles));
	for (size_t i = 0; i < d->profiles_count; i++)
		copy.profiles[i] = (struct acme_profile){ arena_strdup(a, d->profiles[i].name), arena_strdup(a, d->profiles[i].description) };
	return copy;
}

bool session_directory_fresh(struct session *s, struct err *err)
{
	struct ca            *ca = s->ca;
	struct job           *job = s->job;
	struct arena         *a = arena_new();
	struct acme_directory fetched;

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

static bool ensure_directory(struct session *s, struct err *err)
{
	struct ca  *ca = s->ca;
	struct job *job = s->job;

	pthread_mutex_lock(&ca->lock);
	if (ca->directory_at != 0 && clock_mono_ms() - ca->directory_at < DIRECTORY_AGE_MS) {
		s->directory = directory_copy(job->arena, &ca->directory);
		pthread_mutex_unlock(&ca->lock);
		return true;
	}
	pthread_mutex_unlock(&ca->lock);
	return session_directory_fresh(s, err);
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

/* What is to be signed: one of the three. */
struct signing {
	struct keeper_jws        *jws;
	struct keeper_revocation *revocation;
	struct keeper_key_change *change;
};

static bool sign(struct session *s, const struct signing *what, const char *nonce, struct str *ret, struct err *err)
{
	struct ipc_peer *keeper = s->job->worker->keeper;
	struct arena    *a = s->job->arena;

	if (what->revocation != NULL) {
		what->revocation->nonce = nonce;
		return keeper_revoke(keeper, what->revocation, a, ret, err);
	}
	if (what->change != NULL) {
		what->change->nonce = nonce;
		return keeper_key_change(keeper, what->change, a, ret, err);
	}
	what->jws->nonce = nonce;
	return keeper_jws(keeper, what->jws, a, ret, err);
}

/* New terms: where they are is in a header, not in the problem. RFC 8555 7.3.3. */
static void add_terms(const struct session *s, const struct acme_problem *problem, struct err *err)
{
	if (!acme_problem_is(problem, "userActionRequired"))
		return;
	for (size_t i = 0; i < s->response.links_count; i++) {
		char hint[sizeof(err->hint)];

		if (strcmp(s->response.links[i].rel, "terms-of-service") != 0)
			continue;
		snprintf(hint, sizeof(hint), "%.600s; the terms are at %.300s; `reeve authority account update %s --agree-terms` agrees to them",
		         err->hint, s->response.links[i].url, s->authority.name);
		err_hint(err, "%s", hint);
		return;
	}
}

static bool send_signed(struct session *s, const struct signing *what, const char *url, enum acme_where where,
                        struct acme_problem *problem, struct err *err)
{
	struct http_request request = request_for(&s->authority, s->cidrs, s->cidrs_count, HTTP_POST, url);
	struct job         *job = s->job;
	char                nonce[ACME_NONCE_SIZE];
	int64_t             retry_at;

	s->status = 0;
	if (!take_nonce(s, nonce, err))
		return false;
	if (!sign(s, what, nonce, &request.body, err))
		return err_in(err, "signature");
	request.content_type = "application/jose+json";
	request.repeat_allowed = what->jws != NULL && what->jws->kind == KEEPER_JWS_KID_POST && what->jws->payload.len == 0; /* only reads */
	if (where == ACME_AT_DOWNLOAD) {
		request.accept = ACME_CHAIN_ACCEPT;
		request.body_max = HTTP_BODY_MAX_CHAIN;
	}
	job->requests++;
	if (!http_perform(job->thread->http, &request, job->arena, &s->response, err))
		return false;
	s->status = s->response.status;
	hear_date(s->job->worker, &s->response);
	keep_nonce(s, &s->response);
	if (s->status < 400)
		return true;
	acme_problem_parse(job->arena, s->status, s->response.body, problem);
	acme_problem_err(problem, where, s->response.retry_after_s, err);
	add_terms(s, problem, err);
	if (err->retry_after_s == 0 && acme_problem_is(problem, "rateLimited") && acme_problem_retry_at(problem, &retry_at) &&
	    retry_at > clock_now_ms())
		err->retry_after_s = (uint32_t)((retry_at - clock_now_ms()) / 1000 + 1);
	return false;
}

/* Up to BAD_NONCE_MAX times with the nonce of the refusal itself, then once with a fresh one. RFC 8555 6.5. */
static bool post_signed(struct session *s, const struct signing *what, const char *url, enum acme_where where, struct err *err)
{
	for (unsigned tries = 0;; tries++) {
		struct acme_problem problem = { 0 };

		*err = (struct err){ 0 };
		if (send_signed(s, what, url, where, &problem, err))
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

	return post_signed(s, &(struct signing){ .jws = &jws }, url, where, err != NULL ? err : &ignored);
}

bool session_revoke_by_key(struct session *s, struct keeper_revocation revocation, struct err *err)
{
	revocation.url = s->directory.revoke_cert;
	return post_signed(s, &(struct signing){ .revocation = &revocation }, revocation.url, ACME_AT_REVOKE, err);
}

bool session_key_change(struct session *s, const struct record_id *new_record, struct str new_blob, struct err *err)
{
	struct keeper_key_change change = { .old_record = account_record(&s->account), .new_record = *new_record,
		                            .old_blob = s->account.key_blob, .new_blob = new_blob, .url = s->directory.key_change,
		                            .kid = s->account.url };

	return post_signed(s, &(struct signing){ .change = &change }, change.url, ACME_AT_ACCOUNT, err);
}

bool session_get(struct session *s, const char *url, uint32_t timeout_ms, struct err *err)
{
	struct http_request request = request_for(&s->authority, s->cidrs, s->cidrs_count, HTTP_GET, url);
	struct acme_problem problem;

	s->status = 0;
	request.total_timeout_ms = timeout_ms;
	if (!http_perform(s->job->thread->http, &request, s->job->arena, &s->response, err))
		return false;
	s->status = s->response.status;
	hear_date(s->job->worker, &s->response);
	if (s->status == 200)
		return true;
	acme_problem_parse(s->job->arena, s->status, s->response.body, &problem);
	return acme_problem_err(&problem, ACME_AT_OTHER, s->response.retry_after_s, err);
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
	return post_signed(s, &(struct signing){ .jws = &jws }, jws.url, ACME_AT_ACCOUNT, err);
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
