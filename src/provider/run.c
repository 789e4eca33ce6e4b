/*
 * provider/run.c: a step becomes a request, an answer becomes a meaning. The order matters: the body is final before the
 * variables of the authentication are made, and a signature is made last, anew for each attempt.
 */
#include "provider/run.h"

#include <assert.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/rand.h"
#include "net/url.h"
#include "provider/path.h"
#include "provider/sign_aws.h"
#include "provider/template.h"
#include "provider/xml.h"

#define ANSWER_MAX       (4u * MIB)
#define ANSWER_VALUES    262144u
#define REQUEST_MAX      (256u * KIB)
#define HEADERS_MAX      24u
#define RETRY_AFTER_MAX  (6u * 3600u)
#define TIMEOUT_MS       30000u

/* A request under construction. */
struct exchange {
	struct run               *run;
	const struct recipe_step *step;
	struct arena             *arena;
	bool                      auth;
	struct url                url;
	char                      origin[URL_ORIGIN_SIZE];
	const char               *address; /* the whole URL */
	struct str                path, query, body;
	const char               *content_type;
	struct http_header        headers[HEADERS_MAX];
	size_t                    headers_count;
};

/* ---- small helpers the models use too ---- */

bool run_same_name(const char *a, const char *b)
{
	struct str x = str_c(a), y = str_c(b);

	if (str_ends(x, STR(".")))
		x.len--;
	if (str_ends(y, STR(".")))
		y.len--;
	return str_eq_nocase(x, y);
}

/* RFC 1035 5.1: quoted strings side by side; a text without quotes is itself. */
struct str run_plain(struct arena *a, const char *text)
{
	struct str trimmed = str_trim(str_c(text));
	char      *out, *to;
	bool       inside = false;

	if (!str_starts(trimmed, STR("\"")))
		return str_c(text);
	out = to = arena_str(a, trimmed);
	for (size_t i = 0; i < trimmed.len; i++) {
		char c = trimmed.ptr[i];

		if (c == '"')
			inside = !inside;
		else if (c == '\\' && inside && i + 1 < trimmed.len)
			*to++ = trimmed.ptr[++i];
		else if (inside)
			*to++ = c;
	}
	return str_of(out, (size_t)(to - out));
}

void run_save(struct run *run, const struct recipe_pairs *save, const json_t *from, bool secret)
{
	for (size_t i = 0; i < save->count; i++) {
		const char *text = from != NULL ? path_first(run->arena, from, save->items[i].value) : NULL;
		struct var *var;

		if (text != NULL)
			var = vars_set(&run->vars, save->items[i].name, str_c(text));
		else
			var = vars_set_list(&run->vars, save->items[i].name, 0);
		var->secret = secret;
	}
}

static bool one_fits(struct run *run, const char *path, const char *pattern, const json_t *item, bool *ret,
                struct err *err)
{
	const json_t **found;
	struct str     text;
	size_t         count = path_select(run->arena, item, path, &found);

	if (!template_render(&run->vars, pattern, TEMPLATE_TEXT, &text, err))
		return false;
	*ret = count == 0 && text.len == 0; /* no name at all is the apex */
	for (size_t i = 0; i < count && !*ret; i++) {
		const char *have = path_text(run->arena, found[i]);

		*ret = (have != NULL && run_same_name(have, text.ptr)) || (json_is_null(found[i]) && text.len == 0);
	}
	return true;
}

bool run_fits(struct run *run, const struct recipe_pairs *where, const json_t *item, bool *ret, struct err *err)
{
	*ret = true;
	/* The texts of one path stand side by side. */
	for (size_t i = 0; i < where->count && *ret;) {
		size_t k = i;
		bool   any = false;

		for (; k < where->count && strcmp(where->items[k].name, where->items[i].name) == 0; k++) {
			bool fits = false;

			if (!one_fits(run, where->items[k].name, where->items[k].value, item, &fits, err))
				return false;
			any = any || fits;
		}
		*ret = any;
		i = k;
	}
	return true;
}

/* ---- building ---- */

/* A leading variable is a base: it is not escaped. */
static bool render_url(struct exchange *x, struct str *ret, struct err *err)
{
	struct run *run = x->run;
	const char *url = x->step->url, *rest = url;
	struct str  front = STR(""), tail;

	if (url[0] == '/') {
		if (run->account->base_url != NULL && run->account->base_url[0] != '\0')
			front = str_c(run->account->base_url);
		else if (!template_render(&run->vars, run->recipe->base, TEMPLATE_TEXT, &front, err))
			return false;
	} else if (url[0] == '{') {
		const char *end = strchr(url, '}');

		assert(end != NULL); /* checked when it was read */
		rest = end + 1;
		if (!template_render(&run->vars, arena_str(x->arena, str_of(url, (size_t)(rest - url))), TEMPLATE_TEXT, &front, err))
			return false;
	}
	while (str_ends(front, STR("/")) && rest[0] == '/')
		front.len--;
	if (!template_render(&run->vars, rest, TEMPLATE_URL, &tail, err))
		return false;
	*ret = str_c(arena_printf(x->arena, "%.*s%.*s", STR_ARG(front), STR_ARG(tail)));
	return true;
}

/* "a=1&b=2", escaped; pairs that render empty are left out when `drop_empty`. */
static bool put_pairs(struct exchange *x, const struct recipe_pairs *pairs, bool drop_empty, struct buf *b,
                struct err *err)
{
	for (size_t i = 0; i < pairs->count; i++) {
		struct str value, name = template_escape(x->arena, TEMPLATE_URL, str_c(pairs->items[i].name));

		if (!template_render(&x->run->vars, pairs->items[i].value, TEMPLATE_URL, &value, err))
			return false;
		if (value.len == 0 && drop_empty)
			continue;
		buf_printf(b, "%s%.*s=%.*s", b->len > 0 ? "&" : "", STR_ARG(name), STR_ARG(value));
	}
	return true;
}

/* `extra` is what paging adds; `next` a whole URL that replaces ours. */
static bool build_url(struct exchange *x, const char *extra, const char *next, struct err *err)
{
	struct run *run = x->run;
	struct str  base;
	struct buf  b;
	size_t      question;
	bool        ok;

	if (!render_url(x, &base, err))
		return false;
	if (!(run->recipe->plain_http ? url_parse(base, &x->url, err) : url_parse_https(base, &x->url, err)))
		return err_in(err, "%s", x->step->where);
	url_origin(&x->url, x->origin);
	if (next != NULL) {
		char       origin[URL_ORIGIN_SIZE];
		struct url other;

		if (next[0] == '/')
			next = arena_printf(x->arena, "%s://%s%s", x->url.https ? "https" : "http", x->origin, next);
		/* The credential goes nowhere but where the recipe said. */
		if (!url_parse(str_c(next), &other, err) || other.https != x->url.https ||
		    strcmp(url_origin(&other, origin), x->origin) != 0)
			return err_problem(err, ERR_PERMANENT, "provider-refused", "%s: the next page is not on %s", x->step->where,
			                   x->origin);
		x->address = next;
		x->url = other;
		question = str_index(other.target, '?');
		x->path = str_of(other.target.ptr, question);
		x->query = question < other.target.len ? str_of(other.target.ptr + question + 1, other.target.len - question - 1)
		                                       : STR("");
		return true;
	}
	buf_init(&b, URL_MAX);
	ok = put_pairs(x, &x->step->query, true, &b, err) &&
	     (!x->auth || run->auth == NULL || put_pairs(x, &run->auth->query, true, &b, err));
	if (ok && extra != NULL && extra[0] != '\0')
		buf_printf(&b, "%s%s", b.len > 0 ? "&" : "", extra);
	x->query = arena_dup(x->arena, buf_str(&b));
	ok = ok && (!b.failed || err_problem(err, ERR_INPUT, "too-large", "%s: the URL is too long", x->step->where));
	buf_wipe(&b);
	if (!ok)
		return false;
	/* url.target points into `base`, which lives in the arena. */
	x->path = x->url.target;
	x->address = arena_printf(x->arena, "%.*s%s%.*s", STR_ARG(base), x->query.len > 0 ? "?" : "", STR_ARG(x->query));
	return true;
}

static bool build_json(struct exchange *x, struct err *err)
{
	const struct recipe_auth *auth = x->auth ? x->run->auth : NULL;
	AUTO(json_freep) json_t  *body = NULL;
	AUTO(json_freep) json_t  *more = NULL;

	if (x->step->json != NULL && !template_json_render(&x->run->vars, x->step->json, &body, err))
		return false;
	if (auth != NULL && auth->json != NULL) {
		if (!template_json_render(&x->run->vars, auth->json, &more, err))
			return false;
		if (body == NULL)
			body = json_object();
		if (json_is_object(body))
			json_object_update(body, more);
	}
	x->body = str_c(json_write(x->arena, body));
	x->content_type = "application/json";
	return true;
}

/* NAME1=…&NAME2=… for each of {elements}. */
static void put_numbered(struct exchange *x, struct buf *b)
{
	const struct var *elements = vars_find(&x->run->vars, STR("elements"));
	size_t            count = elements != NULL ? json_array_size(elements->json) : 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < x->step->numbered.count; k++) {
			const struct recipe_pair *pair = &x->step->numbered.items[k];
			const char               *text = path_first(x->arena, json_array_get(elements->json, i), pair->value);
			struct str                value = template_escape(x->arena, TEMPLATE_URL, str_c(text != NULL ? text : ""));

			buf_printf(b, "%s%s%zu=%.*s", b->len > 0 ? "&" : "", pair->name, i + 1, STR_ARG(value));
		}
	}
}

static bool build_form(struct exchange *x, struct err *err)
{
	const struct recipe_auth *auth = x->auth ? x->run->auth : NULL;
	struct buf                b;
	bool                      ok;

	buf_init(&b, REQUEST_MAX);
	ok = put_pairs(x, &x->step->form, false, &b, err);
	put_numbered(x, &b);
	ok = ok && (!b.failed || err_problem(err, ERR_INPUT, "too-large", "%s: the request is too long", x->step->where)) && (auth == NULL || put_pairs(x, &auth->form, false, &b, err));
	if (ok)
		x->body = arena_dup(x->arena, buf_str(&b));
	x->content_type = "application/x-www-form-urlencoded";
	buf_wipe(&b);
	return ok;
}

static bool build_body(struct exchange *x, struct err *err)
{
	const struct recipe_auth *auth = x->auth ? x->run->auth : NULL;

	switch (x->step->body) {
	case BODY_JSON: return build_json(x, err);
	case BODY_FORM: return build_form(x, err);
	case BODY_TEXT:
		x->content_type = x->step->content_type;
		return template_render(&x->run->vars, x->step->text, strstr(x->content_type,
		       "xml") != NULL ? TEMPLATE_XML : TEMPLATE_TEXT,
		                       &x->body, err);
	case BODY_NONE: break;
	}
	if (auth != NULL && auth->json != NULL && x->step->method == HTTP_POST)
		return build_json(x, err);
	return auth == NULL || auth->form.count == 0 || x->step->method != HTTP_POST || build_form(x, err);
}

static bool put_headers(struct exchange *x, const struct recipe_pairs *pairs, struct err *err)
{
	for (size_t i = 0; i < pairs->count; i++) {
		struct str value;

		if (!template_render(&x->run->vars, pairs->items[i].value, TEMPLATE_TEXT, &value, err))
			return false;
		if (value.len == 0)
			continue;
		if (x->headers_count == HEADERS_MAX - SIGN_AWS_HEADERS_MAX || str_has_nul(value))
			return err_problem(err, ERR_INPUT, "invalid-request", "%s: header %s cannot be sent", x->step->where,
			                   pairs->items[i].name);
		x->headers[x->headers_count++] = (struct http_header){ pairs->items[i].name, value.ptr };
	}
	return true;
}

static bool sign_aws4(struct exchange *x, const struct recipe_auth *auth, int64_t now_s, struct err *err)
{
	struct str region, access, secret, token = STR(""), service;
	struct vars *v = &x->run->vars;

	if (!template_render(v, auth->service, TEMPLATE_TEXT, &service, err) ||
	    !template_render(v, auth->region, TEMPLATE_TEXT, &region, err) ||
	    !template_render(v, auth->access_key, TEMPLATE_TEXT, &access, err) ||
	    !template_render(v, auth->secret_key, TEMPLATE_TEXT, &secret, err) ||
	    (auth->session_token != NULL && !template_render(v, auth->session_token, TEMPLATE_TEXT, &token, err)))
		return false;
	struct sign_aws request = { .access_key = access.ptr, .secret_key = secret.ptr, .session_token = token.ptr,
		                    .region = region.ptr, .service = service.ptr, .method = http_method_name(x->step->method),
		                    .host = x->origin, .path = x->path, .query = x->query, .body = x->body, .now_at_s = now_s };
	x->headers_count += sign_aws(x->arena, &request, x->headers + x->headers_count);
	return true;
}

/* {now} and {nonce}, anew for each attempt. */
static void set_now(struct run *run)
{
	uint8_t bytes[16];

	rand_bytes(bytes, sizeof(bytes));
	vars_set(&run->vars, "now", str_c(arena_printf(run->arena, "%lld", (long long)(clock_now_ms() / 1000 + run->skew_s))));
	vars_set(&run->vars, "nonce", str_c(hex_encode(run->arena, str_of(bytes, sizeof(bytes)))));
}

static bool make_lets(struct run *run, const struct recipe_pairs *lets, struct err *err)
{
	for (size_t i = 0; i < lets->count; i++) {
		struct str value;
		bool       secret = template_is_secret(&run->vars, lets->items[i].value);

		if (!template_render(&run->vars, lets->items[i].value, TEMPLATE_TEXT, &value, err))
			return false;
		vars_set(&run->vars, lets->items[i].name, value)->secret = secret;
	}
	return true;
}

static bool add_query(struct exchange *x, const struct recipe_pairs *pairs, struct err *err)
{
	struct buf b;
	bool       ok;

	if (pairs->count == 0)
		return true;
	buf_init(&b, URL_MAX);
	buf_add_str(&b, x->query);
	ok = put_pairs(x, pairs, true, &b, err);
	if (ok) {
		size_t without = strcspn(x->address, "?");

		x->query = arena_dup(x->arena, buf_str(&b));
		x->address = arena_printf(x->arena, "%.*s?%.*s", (int)without, x->address, STR_ARG(x->query));
	}
	buf_wipe(&b);
	return ok;
}

static bool build_auth(struct exchange *x, struct err *err)
{
	const struct recipe_auth *auth = x->run->auth;
	int64_t                   now_s = clock_now_ms() / 1000 + x->run->skew_s;
	struct vars              *v = &x->run->vars;
	struct var               *body;

	if (!x->auth || auth == NULL)
		return true;
	vars_set(v, "method", str_c(http_method_name(x->step->method)));
	vars_set(v, "url", str_c(x->address))->secret = auth->query.count > 0;
	vars_set(v, "path", x->path);
	vars_set(v, "query", sign_query_sorted(x->arena, x->query));
	vars_set(v, "target", str_c(arena_printf(x->arena, "%.*s%s%.*s", STR_ARG(x->path), x->query.len > 0 ? "?" : "",
	         STR_ARG(x->query))));
	vars_set(v, "host", str_c(x->origin));
	body = vars_set(v, "body", x->body);
	body->secret = false;
	if (!make_lets(x->run, &auth->let, err) || !add_query(x, &auth->last_query, err))
		return false;
	if (!put_headers(x, &auth->headers, err))
		return false;
	return auth->sign == SIGN_NONE || sign_aws4(x, auth, now_s, err);
}

/* ---- reading ---- */

static bool contains_nocase(const char *text, const char *part)
{
	size_t len = strlen(part), have = strlen(text);

	for (size_t i = 0; i + len <= have; i++)
		if (str_eq_nocase(str_of(text + i, len), str_of(part, len)))
			return true;
	return false;
}

static bool among(const struct json_strings *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static bool rule_fits(struct arena *a, const struct recipe_rule *rule, int status, const json_t *json)
{
	const json_t **found;
	size_t         count;
	bool           any = false;

	if (status < rule->status_min || status > rule->status_max)
		return false;
	if (rule->at == NULL)
		return true;
	count = path_select(a, json, rule->at, &found);
	for (size_t i = 0; i < count; i++) {
		const char *text = path_text(a, found[i]);

		if (text == NULL)
			continue;
		if (rule->not.count > 0 && among(&rule->not, text))
			return false;
		any = any || among(&rule->is, text) || (rule->contains != NULL && contains_nocase(text, rule->contains));
	}
	return rule->not.count > 0 ? true : any;
}

static enum recipe_means by_status(int status)
{
	if (status >= 200 && status <= 299)
		return MEANS_OK;
	switch (status) {
	case 401: return MEANS_AUTH;
	case 403: return MEANS_DENIED;
	case 404:
	case 410: return MEANS_ABSENT;
	case 412: return MEANS_CONFLICT;
	case 408:
	case 425:
	case 429: return MEANS_RETRY;
	default: return status >= 500 ? MEANS_RETRY : MEANS_FAIL;
	}
}

static enum recipe_means means_of(const struct exchange *x, int status, const json_t *json)
{
	const struct recipe *recipe = x->run->recipe;

	for (size_t i = 0; i < x->step->rules_count; i++)
		if (rule_fits(x->arena, &x->step->rules[i], status, json))
			return x->step->rules[i].means;
	for (size_t i = 0; i < recipe->rules_count; i++)
		if (rule_fits(x->arena, &recipe->rules[i], status, json))
			return recipe->rules[i].means;
	return by_status(status);
}

/* An answer that should be readable and is not: what stands in front of an API that is down. */
static bool unreadable(struct exchange *x, const struct http_response *response, struct answer *ret, struct err *err)
{
	struct err why = *err;

	if (response->status >= 300) {
		ret->json = NULL;
		return true;
	}
	x->run->doubt = true;
	return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "%s answered %d with a body that cannot be read: %s",
	                   ret->place, response->status, why.text);
}

static bool read_body(struct exchange *x, const struct http_response *response, struct answer *ret, struct err *err)
{
	json_t    *json = NULL;
	struct err why = { 0 };

	if (x->step->reads == READS_TEXT) {
		json = json_stringn(response->body.ptr != NULL ? response->body.ptr : "", response->body.len);
		if (json == NULL)
			json = json_string("");
	} else if (str_trim(response->body).len > 0) {
		if (!(x->step->reads == READS_XML
		              ? xml_read(response->body, &json, &why)
		              : json_read_many(response->body, ANSWER_MAX, ANSWER_VALUES, &json, &why))) {
			if (!unreadable(x, response, ret, &why)) {
				if (err != NULL)
					*err = why;
				return false;
			}
			return true;
		}
	}
	if (json != NULL) {
		json_array_append_new(x->run->kept, json);
		ret->json = json;
	}
	return true;
}

static uint32_t retry_after(const struct exchange *x, const struct http_response *response, const json_t *json)
{
	const char *text;
	uint64_t    seconds = response->retry_after_s;

	if (seconds == 0 && x->run->recipe->retry_after != NULL && json != NULL) {
		text = path_first(x->arena, json, x->run->recipe->retry_after);
		if (text == NULL || !str_to_u64(str_c(text), &seconds))
			seconds = 0;
	}
	return seconds < RETRY_AFTER_MAX ? (uint32_t)seconds : RETRY_AFTER_MAX;
}

/* ---- one exchange ---- */

/* The client's words are about CAs; the classes are ours too. */
static bool transport_err(struct exchange *x, const struct http_response *response, struct err *err)
{
	x->run->doubt = response->sent;
	if (err != NULL && (strcmp(err->problem, "ca-unreachable") == 0 || strcmp(err->problem, "ca-nonsense") == 0))
		snprintf(err->problem, sizeof(err->problem), "%s",
		         err->class == ERR_TEMPORARY ? "provider-unavailable" : "provider-refused");
	return false;
}

static bool send_it(struct exchange *x, struct answer *ret, struct err *err)
{
	const struct engine_account *account = x->run->account;
	struct http_response         response;
	struct http_request          request = { .method = x->step->method, .url = x->address, .body = x->body,
		                                 .content_type = x->content_type, .headers = x->headers,
		                                 .headers_count = x->headers_count, .ca_pem = account->ca_pem,
		                                 .allowed = account->allowed, .allowed_count = account->allowed_count,
		                                 .total_timeout_ms = account->timeout_ms > 0 ? account->timeout_ms : TIMEOUT_MS,
		                                 .body_max = ANSWER_MAX,
		                                 .proxy = account->proxy != NULL && account->proxy[0] != '\0' ? account->proxy : NULL,
		                                 .plain_http_allowed = x->run->recipe->plain_http };

	if (!memory_request(x->run->memory, account->id, x->run->recipe->requests, x->run->recipe->per_s, err))
		return false;
	x->run->doubt = false;
	if (!http_perform(x->run->client, &request, x->arena, &response, err))
		return transport_err(x, &response, err);
	ret->status = response.status;
	ret->headers = response.headers;
	ret->headers_count = response.headers_count;
	ret->their_time_s = response.date_at_s;
	if (!read_body(x, &response, ret, err))
		return false;
	ret->means = means_of(x, response.status, ret->json);
	ret->retry_after_s = retry_after(x, &response, ret->json);
	if (ret->means == MEANS_RETRY && ret->retry_after_s > 0)
		memory_silence(x->run->memory, account->id, ret->retry_after_s);
	/* Nobody knows what happened behind a 5xx. */
	x->run->doubt = response.status >= 500;
	return true;
}

static bool exchange(struct run *run, const struct recipe_step *step, const char *extra, const char *next,
                struct answer *ret,
                     struct err *err)
{
	struct exchange x = { .run = run, .step = step, .arena = run->arena, .auth = step->auth };

	*ret = (struct answer){ .step = step, .means = MEANS_FAIL, .place = step->where };
	set_now(run);
	if (!build_url(&x, extra, next, err))
		return false;
	ret->place = arena_printf(run->arena, "%s %s%.*s", http_method_name(step->method), x.origin, STR_ARG(x.path));
	return build_body(&x, err) && put_headers(&x, &step->headers, err) && build_auth(&x, err) && send_it(&x, ret, err);
}

/* ---- sessions ---- */

static const char *session_key(const struct run *run)
{
	return arena_printf(run->arena, "session %s", run->account->id);
}

/* What a step gave; all of it must be there. */
static bool session_keep(struct run *run, const struct recipe_pairs *save, const struct answer *answer, json_t *saved,
                         struct err *err)
{
	for (size_t k = 0; k < save->count; k++) {
		struct str value = vars_text(&run->vars, save->items[k].name);

		if (value.len == 0)
			return err_problem(err, ERR_PERMANENT, "provider-refused", "%s answered %d without %s", answer->place,
			                   answer->status, save->items[k].value);
		json_put_str(saved, save->items[k].name, value.ptr);
	}
	return true;
}

static void save_headers(struct run *run, const struct recipe_pairs *save, const struct answer *answer)
{
	for (size_t k = 0; k < save->count; k++) {
		const char *text = "";

		for (size_t i = 0; i < answer->headers_count && text[0] == '\0'; i++)
			if (str_eq_nocase(str_c(answer->headers[i].name), str_c(save->items[k].value)))
				text = answer->headers[i].value;
		vars_set(&run->vars, save->items[k].name, str_c(text))->secret = true;
	}
}

static bool session_run(struct run *run, struct err *err)
{
	const struct recipe     *recipe = run->recipe;
	AUTO(json_freep) json_t *saved = json_object();
	int64_t                  lifetime = recipe->session_s;

	set_now(run);
	if (!make_lets(run, &recipe->session_let, err))
		return false;
	for (size_t i = 0; i < recipe->session_count; i++) {
		const struct recipe_step *step = &recipe->session[i];
		struct answer             answer;
		const char               *text;
		uint64_t                  seconds;

		if (!exchange(run, step, NULL, NULL, &answer, err))
			return false;
		if (answer.means != MEANS_OK)
			return run_refused(run, &answer, err);
		run_save(run, &step->save, answer.json, true);
		save_headers(run, &step->save_headers, &answer);
		if (!session_keep(run, &step->save, &answer, saved, err) ||
		    !session_keep(run, &step->save_headers, &answer, saved, err))
			return false;
		text = recipe->session_expires != NULL && answer.json != NULL
		               ? path_first(run->arena, answer.json, recipe->session_expires)
		               : NULL;
		if (text != NULL && str_to_u64(str_c(text), &seconds) && seconds < 86400)
			lifetime = (int64_t)seconds;
	}
	/* The last tenth, at least half a minute, is left to clocks and to the run under way. */
	lifetime -= lifetime / 10 > 30 ? lifetime / 10 : 30;
	run->session_old = false;
	if (lifetime > 0)
		memory_put(run->memory, session_key(run), json_write(run->arena, saved), lifetime);
	return true;
}

bool run_session(struct run *run, struct err *err)
{
	const char              *text;
	AUTO(json_freep) json_t *saved = NULL;
	const char              *key;
	json_t                  *value;

	if (run->recipe->session_count == 0)
		return true;
	text = memory_find(run->memory, run->arena, session_key(run));
	if (text == NULL || !json_read(str_c(text), SIZE_MAX, &saved, NULL))
		return session_run(run, err);
	json_object_foreach(saved, key, value) {
		vars_set(&run->vars, key, str_c(json_string_value(value)))->secret = true;
	}
	run->session_old = true;
	return true;
}

/* Once per run: a session that ended early is opened again, a clock that is off is corrected by theirs. */
static bool auth_once_more(struct run *run, const struct answer *answer, bool *ret, struct err *err)
{
	int64_t skew = answer->their_time_s > 0 ? answer->their_time_s - clock_now_ms() / 1000 : 0;

	*ret = false;
	if (run->auth_again)
		return true;
	run->auth_again = true;
	if (run->session_old) {
		memory_drop(run->memory, session_key(run));
		*ret = true;
		return session_run(run, err);
	}
	if (skew > RUN_SKEW_TOLERATED_S || skew < -RUN_SKEW_TOLERATED_S) {
		run->skew_s = skew;
		*ret = true;
	}
	return true;
}

bool run_exchange(struct run *run, const struct recipe_step *step, const char *extra, const char *next,
                struct answer *ret,
                  struct err *err)
{
	bool again;

	if (!exchange(run, step, extra, next, ret, err))
		return false;
	if (ret->means != MEANS_AUTH || !step->auth)
		return true;
	if (!auth_once_more(run, ret, &again, err))
		return false;
	return !again || exchange(run, step, extra, next, ret, err);
}

bool run_step(struct run *run, const struct recipe_step *step, struct answer *ret, struct err *err)
{
	if (!run_exchange(run, step, NULL, NULL, ret, err))
		return false;
	if (step->save.count > 0)
		run_save(run, &step->save, ret->means == MEANS_OK ? ret->json : NULL, false);
	return true;
}
