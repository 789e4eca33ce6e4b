/*
 * ca.c: the authority: RFC 8555 as a state machine behind http_perform, which it replaces together with the rest of
 * net/client.c. Certificates are real ones, signed by a key of this run.
 *
 * Faults are drawn per request: not reached, reply lost, answered with an error of each class, answered with nonsense.
 * Quirks are drawn per world: authorizations and pending orders used again, issuing that takes its time, Retry-After.
 * Validation reads the simulated DNS at the moment the CA would, whoever polls when.
 */
#include <assert.h>
#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "acme/challenge.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/name.h"
#include "crypto/x509.h"
#include "net/client.h"
#include "world.h"

#define URL_BASE "https://" SIM_CA_HOST "/"
#define HOURS_MAX 20000
#define NAMES_MAX 8

enum status { PENDING, READY, PROCESSING, VALID, INVALID };
static const char *const status_names[] = { "pending", "ready", "processing", "valid", "invalid" };

struct account {
	const char *jwk, *thumbprint;
};

struct authorization {
	size_t      account;
	const char *name; /* base name */
	bool        wildcard;
	enum status status, challenge; /* of the challenge: pending, processing, valid, invalid */
	const char *token;
	int64_t     valid_at;
	unsigned    responses, given; /* answers to its challenge; orders that got it */
};

struct order {
	size_t      account;
	const char *names; /* sorted, space separated */
	const char *replaces;
	size_t      authorizations[NAMES_MAX], authorizations_count;
	enum status status;
	bool        forgotten;
	int64_t     ready_at; /* a processing one is valid then */
	unsigned    finalized;
	const char *pem, *ari_id;
	int64_t     not_before, not_after;
};

/* Growing arrays that live as long as the world. */
static struct account       *accounts;
static struct authorization *authorizations;
static struct order         *orders;
static size_t                accounts_count, authorizations_count, orders_count;
static uint64_t              minute_requests, minute_peak;
static int64_t               minute;
static uint64_t              nonces, made, issued, requests, orders_per_hour[HOURS_MAX];
static bool                  outage;
static EVP_PKEY             *ca_key;
static X509                 *ca_cert;
static const char           *ca_pem;

#define GROW(array, count)                                                                         \
	do {                                                                                       \
		if ((count) == 0 || (((count) & ((count) - 1)) == 0))                              \
			(array) = realloc((array), ((count) == 0 ? 1 : 2 * (count)) * sizeof(*(array))); \
		assert((array) != NULL);                                                           \
	} while (0)

static int64_t true_ms(void)
{
	return fiber_wall_ms() - fiber_wall_offset();
}

/* ---- certificates ---- */

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX      ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, ca_cert != NULL ? ca_cert : cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(extension != NULL);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

static X509 *cert_new(EVP_PKEY *key, int64_t from_ms, int64_t to_ms)
{
	X509     *cert = X509_new();
	X509_NAME *name = X509_NAME_new();

	X509_set_version(cert, 2);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), sim_rand() >> 2 | 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Simulated CA", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(from_ms / 1000));
	ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(to_ms / 1000));
	X509_set_pubkey(cert, key);
	if (ca_cert == NULL)
		X509_set_subject_name(cert, name);
	X509_NAME_free(name);
	return cert;
}

static const char *cert_pem(const X509 *cert)
{
	BIO        *bio = BIO_new(BIO_s_mem());
	char       *ptr;
	long        len;
	const char *pem;

	PEM_write_bio_X509(bio, cert);
	len = BIO_get_mem_data(bio, &ptr);
	pem = arena_str(world.arena, str_of(ptr, (size_t)len));
	BIO_free(bio);
	return pem;
}

static void issue(struct order *o, EVP_PKEY *key)
{
	struct buf names;
	struct str rest = str_c(o->names), name;
	X509      *cert;

	o->not_before = true_ms() / 1000 * 1000 - (world.plan.backdated ? SIM_HOUR_MS : 0);
	o->not_after = o->not_before + (years_certificates > 0 ? years_life_ms(o->names) : world.plan.life_ms);
	cert = cert_new(key, o->not_before, o->not_after);
	buf_init(&names, 4096);
	while (str_next(&rest, ' ', &name))
		buf_printf(&names, "%sDNS:%.*s", names.len > 0 ? "," : "", STR_ARG(name));
	add_extension(cert, NID_subject_alt_name, names.ptr);
	add_extension(cert, NID_authority_key_identifier, "keyid:always");
	X509_sign(cert, ca_key, EVP_sha256());
	o->pem = cert_pem(cert);
	if (world.plan.ari) {
		struct cert_chain chain;

		if (!chain_parse(world.arena, str_c(o->pem), &chain, NULL))
			sim_violation("set-up", "the simulated CA made a certificate that cannot be read");
		o->ari_id = chain.certs[0].ari_id;
	}
	X509_free(cert);
	buf_clear(&names);
	issued++;
	sim_trace("CA: issued for %s", o->names);
}

static bool issue_for(struct order *o, struct str der)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	X509_REQ            *req = d2i_X509_REQ(NULL, &at, (long)der.len);
	EVP_PKEY            *key;

	if (req == NULL)
		return false;
	key = sim_fault(world.plan.ca_wrong_key) ? EVP_EC_gen("P-256") : X509_REQ_get_pubkey(req);
	issue(o, key);
	EVP_PKEY_free(key);
	X509_REQ_free(req);
	return true;
}

void ca_start(void)
{
	ca_key = EVP_EC_gen("P-256");
	ca_cert = cert_new(ca_key, true_ms() - 365 * SIM_DAY_MS, true_ms() + 20 * 365 * SIM_DAY_MS);
	X509 *cert = ca_cert;
	ca_cert = NULL;
	X509_set_subject_name(cert, X509_get_issuer_name(cert));
	add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(cert, NID_subject_key_identifier, "hash");
	X509_sign(cert, ca_key, EVP_sha256());
	ca_cert = cert;
	ca_pem = cert_pem(cert);
}

/* ---- one request ---- */

struct exchange {
	struct arena         *a;
	struct http_response *response;
	const char           *path; /* behind the host */
	size_t                account; /* SIZE_MAX: by jwk */
	json_t               *header, *payload; /* payload: NULL for POST-as-GET */
	struct err           *err;
};

static bool answer(struct exchange *x, int status, const char *type, const char *body)
{
	x->response->status = status;
	x->response->content_type = type;
	x->response->body = arena_dup(x->a, str_c(body));
	x->response->date_at_s = true_ms() / 1000;
	x->response->replay_nonce = arena_printf(x->a, "nonce%llu", (unsigned long long)++nonces);
	return true;
}

static bool answer_json(struct exchange *x, int status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	answer(x, status, "application/json", text);
	free(text);
	json_decref(json);
	return true;
}

static bool problem(struct exchange *x, int status, const char *type, const char *detail)
{
	sim_trace("CA: %s answered %d %s", x->path, status, type);
	answer(x, status, "application/problem+json",
	       arena_printf(x->a, "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"%s\",\"status\":%d}", type, detail, status));
	return true;
}

static const char *url_of(struct exchange *x, const char *kind, size_t n)
{
	return arena_printf(x->a, URL_BASE "%s/%zu", kind, n);
}

/* ---- validation ---- */

static void validate(void *arg)
{
	size_t                n = (size_t)(uintptr_t)arg;
	struct authorization *z;
	const char           *target;
	char                  value[ACME_DNS01_SIZE], name[NAME_SIZE];
	bool                  ok;

	fiber_sleep(1 + (int64_t)sim_below((uint64_t)world.plan.validation_ms));
	z = &authorizations[n];
	snprintf(name, sizeof(name), "_acme-challenge.%s", z->name);
	target = zone_cname(name);
	acme_dns01_value(z->token, accounts[z->account].thumbprint, value);
	ok = target != NULL && dns_serves(target, value);
	if (ok)
		dns_was_asked(target);
	fiber_sleep((int64_t)sim_below((uint64_t)world.plan.validation_ms));
	z = &authorizations[n];
	if (sim_fault(world.plan.ca_refuses))
		ok = false;
	z->status = z->challenge = ok ? VALID : INVALID;
	z->valid_at = true_ms();
	sim_trace("CA: authorization %zu of %s is %s", n, z->name, status_names[z->status]);
}

static void order_update(struct order *o)
{
	size_t valid = 0;

	for (size_t i = 0; i < o->authorizations_count; i++) {
		enum status s = authorizations[o->authorizations[i]].status;

		valid += s == VALID;
		if (s == INVALID && o->status == PENDING)
			o->status = INVALID;
	}
	if (o->status == PENDING && valid == o->authorizations_count)
		o->status = READY;
	if (o->status == PROCESSING && o->ready_at <= fiber_mono_ms())
		o->status = VALID;
}

/* ---- objects as JSON ---- */

static bool answer_order(struct exchange *x, int status, size_t n)
{
	struct order *o = &orders[n];
	struct str    rest = str_c(o->names), name;
	json_t       *json = json_object(), *ids = json_array(), *list = json_array();

	order_update(o);
	while (str_next(&rest, ' ', &name))
		json_array_append_new(ids, json_pack("{s:s,s:s#}", "type", "dns", "value", name.ptr, name.len));
	for (size_t i = 0; i < o->authorizations_count; i++)
		json_array_append_new(list, json_string(url_of(x, "authz", o->authorizations[i])));
	json_object_set_new(json, "status", json_string(status_names[o->status]));
	json_object_set_new(json, "identifiers", ids);
	json_object_set_new(json, "authorizations", list);
	json_object_set_new(json, "finalize", json_string(url_of(x, "finalize", n)));
	if (o->status == VALID)
		json_object_set_new(json, "certificate", json_string(url_of(x, "cert", n)));
	if (o->replaces != NULL)
		json_object_set_new(json, "replaces", json_string(o->replaces));
	x->response->location = url_of(x, "order", n);
	if ((o->status == PROCESSING || o->status == PENDING) && world.plan.retry_after)
		x->response->retry_after_s = 1 + (uint32_t)sim_below(5);
	return answer_json(x, status, json);
}

static bool answer_authorization(struct exchange *x, size_t n)
{
	const struct authorization *z = &authorizations[n];
	json_t *challenge = json_pack("{s:s,s:s,s:s,s:s}", "type", "dns-01", "url", url_of(x, "chall", n), "token", z->token,
	                              "status", status_names[z->challenge]);
	json_t *json = json_pack("{s:s,s:{s:s,s:s},s:[o]}", "status", status_names[z->status], "identifier", "type", "dns",
	                         "value", z->name, "challenges", challenge);

	if (z->challenge == INVALID)
		json_object_set_new(challenge, "error", json_pack("{s:s,s:s,s:i}", "type", "urn:ietf:params:acme:error:unauthorized",
		                                                  "detail", "no TXT value found", "status", 403));
	if (z->wildcard)
		json_object_set_new(json, "wildcard", json_true());
	return answer_json(x, 200, json);
}

/* ---- requests that make something ---- */

static bool new_account(struct exchange *x)
{
	char  *jwk = json_dumps(json_object_get(x->header, "jwk"), JSON_COMPACT | JSON_SORT_KEYS);
	size_t n = 0;

	while (n < accounts_count && strcmp(accounts[n].jwk, jwk) != 0)
		n++;
	if (n == accounts_count && json_is_true(json_object_get(x->payload, "onlyReturnExisting"))) {
		free(jwk);
		return problem(x, 400, "accountDoesNotExist", "no such account");
	}
	if (n == accounts_count) {
		uint8_t  digest[32];
		unsigned len;

		GROW(accounts, accounts_count);
		EVP_Digest(jwk, strlen(jwk), digest, &len, EVP_sha256(), NULL);
		accounts[accounts_count++] = (struct account){ arena_strdup(world.arena, jwk),
			                                       b64url_encode(world.arena, str_of((char *)digest, len)) };
		if (accounts_count > 1)
			sim_violation("I3", "a second account was registered for one project");
		sim_trace("CA: account %zu", n);
	}
	free(jwk);
	x->response->location = url_of(x, "acct", n);
	return answer_json(x, 201, json_pack("{s:s}", "status", "valid"));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *names_of(const json_t *payload, struct arena *a)
{
	const json_t *ids = json_object_get(payload, "identifiers"), *id;
	const char   *names[NAMES_MAX], *all = "";
	size_t        i, count = 0;

	json_array_foreach(ids, i, id)
		if (count < NAMES_MAX)
			names[count++] = json_string_value(json_object_get(id, "value"));
	qsort(names, count, sizeof(*names), by_text);
	for (i = 0; i < count; i++)
		all = arena_printf(a, "%s%s%s", all, i > 0 ? " " : "", names[i]);
	return all;
}

static size_t authorization_for(size_t account, struct str name)
{
	bool  wildcard = str_starts(name, STR("*."));
	char *base = arena_str(world.arena, wildcard ? str_of(name.ptr + 2, name.len - 2) : name);

	for (size_t i = authorizations_count; world.plan.authorization_reuse && i-- > 0;) {
		const struct authorization *z = &authorizations[i];

		if (z->account == account && z->wildcard == wildcard && strcmp(z->name, base) == 0 &&
		    z->status == VALID && true_ms() - z->valid_at < 8 * SIM_HOUR_MS)
			return i;
	}
	GROW(authorizations, authorizations_count);
	authorizations[authorizations_count] = (struct authorization){
		.account = account, .name = base, .given = 1, .wildcard = wildcard,
		.token = arena_printf(world.arena, "token-%016llx-%zu", (unsigned long long)sim_rand(), authorizations_count),
	};
	return authorizations_count++;
}

static bool new_order(struct exchange *x)
{
	const char *names = names_of(x->payload, x->a);
	const char *replaces = json_string_value(json_object_get(x->payload, "replaces"));
	int64_t     hour = fiber_mono_ms() / SIM_HOUR_MS;
	struct str  rest = str_c(names), name;

	if (hour < HOURS_MAX)
		orders_per_hour[hour]++;
	for (size_t i = orders_count; world.plan.order_reuse && i-- > 0 && i + 64 > orders_count;) {
		order_update(&orders[i]);
		if (!orders[i].forgotten && orders[i].account == x->account && strcmp(orders[i].names, names) == 0 &&
		    (orders[i].status == PENDING || orders[i].status == READY)) {
			sim_trace("CA: order %zu again for %s", i, names);
			for (size_t k = 0; k < orders[i].authorizations_count; k++)
				authorizations[orders[i].authorizations[k]].given++;
			return answer_order(x, 201, i);
		}
	}
	GROW(orders, orders_count);
	struct order *o = &orders[orders_count];
	*o = (struct order){ .account = x->account, .names = arena_strdup(world.arena, names),
		             .replaces = replaces != NULL ? arena_strdup(world.arena, replaces) : NULL };
	while (str_next(&rest, ' ', &name))
		o->authorizations[o->authorizations_count++] = authorization_for(x->account, name);
	made++;
	sim_trace("CA: order %zu for %s", orders_count, names);
	return answer_order(x, 201, orders_count++);
}

static bool respond(struct exchange *x, size_t n)
{
	struct authorization *z = &authorizations[n];

	/* A CA would take it; whoever sends it twice for one order has not looked first. */
	if (z->challenge != PENDING && z->responses >= z->given)
		sim_violation("intent", "challenge %zu of %s was answered again while it was %s", n, z->name, status_names[z->challenge]);
	z->responses++;
	if (z->challenge != PENDING)
		return problem(x, 400, "malformed", "the challenge is not pending");
	z->challenge = PROCESSING;
	fiber_start(FIBER_WORLD, validate, (void *)(uintptr_t)n, "validation");
	return answer_json(x, 200, json_pack("{s:s,s:s,s:s,s:s}", "type", "dns-01", "url", url_of(x, "chall", n), "token",
	                                     z->token, "status", "processing"));
}

static bool finalize(struct exchange *x, size_t n)
{
	struct order *o = &orders[n];
	const char   *csr = json_string_value(json_object_get(x->payload, "csr"));
	struct str    der;

	order_update(o);
	if (csr == NULL || !b64url_decode(x->a, str_c(csr), &der))
		return problem(x, 400, "malformed", "no csr");
	check_finalize(url_of(x, "order", n), der);
	if (o->status != READY)
		return problem(x, 403, "orderNotReady", "the order is not ready");
	o->finalized++;
	if (!issue_for(o, der))
		return problem(x, 400, "badCSR", "the request cannot be read");
	o->status = PROCESSING;
	o->ready_at = fiber_mono_ms() + (int64_t)sim_below((uint64_t)world.plan.issuing_ms + 1);
	return answer_order(x, 200, n);
}

/* ---- the requests ---- */

static bool directory(struct exchange *x)
{
	json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s}", "newNonce", URL_BASE "nonce", "newAccount", URL_BASE "acct", "newOrder",
	                         URL_BASE "order", "revokeCert", URL_BASE "revoke", "keyChange", URL_BASE "change");

	if (world.plan.ari)
		json_object_set_new(json, "renewalInfo", json_string(URL_BASE "ari"));
	return answer_json(x, 200, json);
}

static bool renewal_info(struct exchange *x)
{
	const char *id = strncmp(x->path, "ari/", 4) == 0 ? x->path + 4 : "";
	char        from[CLOCK_RFC3339_SIZE], to[CLOCK_RFC3339_SIZE];
	size_t      i = orders_count;

	while (i-- > 0)
		if (orders[i].ari_id != NULL && strcmp(orders[i].ari_id, id) == 0)
			break;
	if (i == SIZE_MAX)
		return problem(x, 404, "malformed", "no such certificate");
	int64_t life = orders[i].not_after - orders[i].not_before, start = orders[i].not_before + life * 6 / 10;
	x->response->retry_after_s = 6 * 3600;
	clock_rfc3339(start / 1000 * 1000, from);
	clock_rfc3339((start + life / 10) / 1000 * 1000, to);
	return answer_json(x, 200, json_pack("{s:{s:s,s:s}}", "suggestedWindow", "start", from, "end", to));
}

static bool take_number(const char *path, const char *kind, size_t count, size_t *ret)
{
	size_t   len = strlen(kind);
	uint64_t n;

	if (strncmp(path, kind, len) != 0 || path[len] != '/' || !str_to_u64(str_c(path + len + 1), &n) || n >= count)
		return false;
	*ret = (size_t)n;
	return true;
}

static bool posted(struct exchange *x)
{
	size_t n;

	if (strcmp(x->path, "acct") == 0)
		return new_account(x);
	if (x->account == SIZE_MAX)
		return problem(x, 400, "accountDoesNotExist", "no such account");
	if (strcmp(x->path, "order") == 0)
		return new_order(x);
	if (take_number(x->path, "order", orders_count, &n)) {
		if (!orders[n].forgotten && orders[n].status < VALID && sim_fault(world.plan.ca_forgets)) {
			orders[n].forgotten = true;
			world.forgotten++;
		}
		if (orders[n].forgotten)
			return problem(x, 404, "malformed", "no such order");
		return answer_order(x, 200, n);
	}
	if (take_number(x->path, "authz", authorizations_count, &n))
		return answer_authorization(x, n);
	if (take_number(x->path, "chall", authorizations_count, &n))
		return respond(x, n);
	if (take_number(x->path, "finalize", orders_count, &n))
		return finalize(x, n);
	if (take_number(x->path, "cert", orders_count, &n) && orders[n].pem != NULL)
		return answer(x, 200, "application/pem-certificate-chain",
		              arena_printf(x->a, "%s%s", orders[n].pem, ca_pem));
	return problem(x, 404, "malformed", "no such thing");
}

static bool read_part(struct exchange *x, const json_t *jws, const char *member, json_t **ret)
{
	const char *text = json_string_value(json_object_get(jws, member));
	struct str  bytes;

	if (text == NULL || !b64url_decode(x->a, str_c(text), &bytes))
		return false;
	*ret = bytes.len > 0 ? json_loadb(bytes.ptr, bytes.len, 0, NULL) : NULL;
	return true;
}

static bool serve(struct exchange *x, const struct http_request *request)
{
	json_t *jws;
	size_t  account;
	bool    ok;

	if (request->method != HTTP_POST) {
		if (strcmp(x->path, "directory") == 0)
			return directory(x);
		if (strcmp(x->path, "nonce") == 0)
			return answer(x, 200, "", "");
		return renewal_info(x);
	}
	if (sim_fault(world.plan.ca_nonce))
		return problem(x, 400, "badNonce", "once more");
	jws = json_loadb(request->body.ptr, request->body.len, 0, NULL);
	if (jws == NULL || !read_part(x, jws, "protected", &x->header) || !read_part(x, jws, "payload", &x->payload))
		sim_violation("protocol", "a request to %s that is no JWS", x->path);
	const char *url = json_string_value(json_object_get(x->header, "url"));
	const char *kid = json_string_value(json_object_get(x->header, "kid"));
	if (url == NULL || strcmp(url, request->url) != 0)
		sim_violation("protocol", "the signed URL is not that of the request to %s", x->path);
	x->account = kid != NULL && strncmp(kid, URL_BASE, strlen(URL_BASE)) == 0 &&
	             take_number(kid + strlen(URL_BASE), "acct", accounts_count, &account) ? account : SIZE_MAX;
	ok = posted(x);
	json_decref(x->header);
	json_decref(x->payload);
	json_decref(jws);
	return ok;
}

/* ---- net/client.h ---- */

struct http_client {
	int unused;
};

struct http_client *http_client_new(void)
{
	return calloc(1, sizeof(struct http_client));
}

void http_client_free(struct http_client *client)
{
	free(client);
}

void http_client_freep(struct http_client **client)
{
	free(*client);
}

const char *http_response_header(const struct http_response *response UNUSED, const char *name UNUSED)
{
	return NULL;
}

const char *http_method_name(enum http_method method)
{
	static const char *const names[HTTP_METHOD__COUNT] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };

	return names[method];
}

static bool unreachable(const char *why, struct err *err)
{
	return err_problem(err, ERR_TEMPORARY, "ca-unreachable", SIM_CA_HOST ": %s", why);
}

bool http_perform(struct http_client *client UNUSED, const struct http_request *request, struct arena *a,
                  struct http_response *ret, struct err *err)
{
	struct exchange x = { .a = a, .response = ret, .err = err };
	bool            ok = true;

	*ret = (struct http_response){ .location = "", .replay_nonce = "", .content_type = "", .body = STR("") };
	assert(strncmp(request->url, URL_BASE, strlen(URL_BASE)) == 0);
	x.path = request->url + strlen(URL_BASE);
	requests++;
	if (fiber_mono_ms() / 60000 != minute)
		minute_requests = 0;
	minute = fiber_mono_ms() / 60000;
	if (++minute_requests > minute_peak)
		minute_peak = minute_requests;
	sim_trace("%s %s", http_method_name(request->method), x.path);
	fiber_sleep(1 + (int64_t)sim_below(40));
	if (outage || sim_fault(world.plan.ca_unreachable))
		return unreachable("no answer", err);
	ret->sent = true;
	fiber_shield(1);
	if (sim_fault(world.plan.ca_busy)) {
		ret->retry_after_s = sim_chance(500) ? 1 + (uint32_t)sim_below(120) : 0;
		problem(&x, sim_chance(500) ? 429 : 503, "rateLimited", "too many");
	} else if (sim_fault(world.plan.ca_error)) {
		ret->status = 500 + (int)sim_below(5);
		ret->date_at_s = true_ms() / 1000;
		sim_trace("CA: %s answered %d", x.path, ret->status);
	} else {
		ok = serve(&x, request);
		if (ok && sim_fault(world.plan.ca_nonsense)) {
			world.lost++;
			sim_trace("CA: the answer to %s is HTML", x.path);
			ret->body = STR("<html>out of order</html>");
			ret->content_type = "text/html";
		}
	}
	fiber_shield(-1);
	fiber_sleep(1 + (int64_t)sim_below(40));
	if (ok && sim_fault(world.plan.ca_lost)) {
		world.lost++;
		sim_trace("CA: the answer to %s is lost", x.path);
		*ret = (struct http_response){ .sent = true, .location = "", .replay_nonce = "", .content_type = "", .body = STR("") };
		return unreachable("time-out", err);
	}
	return ok;
}

/* ---- for the checks ---- */

uint64_t ca_orders(void)
{
	return made;
}

uint64_t ca_issued(void)
{
	return issued;
}

uint64_t ca_requests(void)
{
	return requests;
}

uint64_t ca_peak_minute(void)
{
	return minute_peak;
}

uint64_t ca_peak_orders(void)
{
	uint64_t peak = 0;

	for (size_t i = 0; i < HOURS_MAX; i++)
		if (orders_per_hour[i] > peak)
			peak = orders_per_hour[i];
	return peak;
}

void ca_outage(bool on)
{
	if (outage != on)
		sim_trace("CA: outage %s", on ? "begins" : "ends");
	outage = on;
}
