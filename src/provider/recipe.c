/*
 * provider/recipe.c: from JSON to a checked recipe. Each part is bound by a table of members; then its templates are
 * checked against the variables that exist at that point of a run, in the order of the run.
 */
#include "provider/recipe.h"

#include <assert.h>
#include <ctype.h>

#include "provider/path.h"
#include "provider/template.h"

/* The recipe under construction; `at` is the member that is wrong once something is. */
struct reader {
	struct recipe *recipe;
	struct arena  *arena;
	struct vars    known;  /* what templates may name at this point */
	const char    *at;
	struct err    *err;
};

PRINTF_LIKE(3, 4) static bool bad(struct reader *r, const char *at, const char *format, ...)
{
	char    text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->at = at;
	return err_problem(r->err, ERR_INPUT, "invalid-recipe", "%s", text);
}

static const char *under(struct reader *r, const char *at, const char *member)
{
	return arena_printf(r->arena, "%s/%s", at, member);
}

static bool bind_at(struct reader *r, const char *at, const json_t *object, const struct json_field *fields, size_t count, void *ret)
{
	if (json_bind(r->arena, object, fields, count, true, ret, r->err))
		return true;
	r->at = at;
	return false;
}

/* ---- small shapes ---- */

static bool know(struct reader *r, const char *at, const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
			return bad(r, at, "\"%.64s\" is no name for a variable: a-z, 0-9 and _ are", name);
	if (name[0] == '\0' || vars_find(&r->known, str_c(name)) != NULL)
		return bad(r, at, "there is already a variable \"%.64s\"", name);
	if (r->known.count == RECIPE_VARS_MAX)
		return bad(r, at, "more than %u variables", RECIPE_VARS_MAX);
	vars_set(&r->known, name, STR(""));
	return true;
}

/* Variables that exist from here on without being used later; those of the engine need no use. */
static void know_own(struct reader *r, const char *name)
{
	vars_set(&r->known, name, STR(""))->used = true;
}

static bool template_ok(struct reader *r, const char *at, const char *text)
{
	if (text == NULL || template_check(text, &r->known, r->err))
		return true;
	r->at = at;
	return false;
}

static bool path_ok(struct reader *r, const char *at, const char *path)
{
	return path == NULL || path_valid(path) || bad(r, at, "\"%.200s\" is no path: it begins with \"/\" or is empty", path);
}

static bool read_pairs(struct reader *r, const char *at, const json_t *object, struct recipe_pairs *ret)
{
	const char *key;
	json_t     *value;

	*ret = (struct recipe_pairs){ 0 };
	if (object == NULL)
		return true;
	ret->items = arena_alloc_array(r->arena, json_object_size(object) * RECIPE_ITEMS_MAX + 1, sizeof(*ret->items));
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (json_array_size(value) > RECIPE_ITEMS_MAX)
			return bad(r, under(r, at, key), "more than %u texts", RECIPE_ITEMS_MAX);
		for (size_t i = 0; i < (json_is_array(value) ? json_array_size(value) : 1); i++) {
			const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
			const char   *text = path_text(r->arena, item);

			if (text == NULL)
				return bad(r, under(r, at, key), "a text is expected here");
			ret->items[ret->count++] = (struct recipe_pair){ arena_strdup(r->arena, key), arena_strdup(r->arena, text) };
		}
	}
	return true;
}

static bool templates_ok(struct reader *r, const char *at, const struct recipe_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (!template_ok(r, under(r, at, pairs->items[i].name), pairs->items[i].value))
			return false;
	return true;
}

/* name -> path: each name becomes a variable. */
static bool saves_ok(struct reader *r, const char *at, const struct recipe_pairs *pairs)
{
	if (pairs->count > RECIPE_SAVES_MAX)
		return bad(r, at, "more than %u variables", RECIPE_SAVES_MAX);
	for (size_t i = 0; i < pairs->count; i++)
		if (!path_ok(r, under(r, at, pairs->items[i].name), pairs->items[i].value) ||
		    !know(r, under(r, at, pairs->items[i].name), pairs->items[i].name))
			return false;
	return true;
}

/* path -> text. */
static bool where_ok(struct reader *r, const char *at, const struct recipe_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (!path_ok(r, at, pairs->items[i].name))
			return false;
	return templates_ok(r, at, pairs);
}

/* ---- rules ---- */

static const char *const means_names[MEANS__COUNT] = { "ok", "absent", "exists", "conflict", "retry", "auth", "denied", "fail" };

/* 404, "4xx" or "400-499". */
static bool read_status(struct reader *r, const char *at, const json_t *value, struct recipe_rule *rule)
{
	const char *text = path_text(r->arena, value);
	unsigned    low, high;
	char        end;

	if (value == NULL) {
		rule->status_min = 200;
		rule->status_max = 599;
		return true;
	}
	if (text != NULL && strlen(text) == 3 && text[0] >= '2' && text[0] <= '5' && strcmp(text + 1, "xx") == 0) {
		rule->status_min = (text[0] - '0') * 100;
		rule->status_max = rule->status_min + 99;
		return true;
	}
	if (text != NULL && sscanf(text, "%3u-%3u%c", &low, &high, &end) == 2 && low >= 200 && high <= 599 && low <= high) {
		rule->status_min = (int)low;
		rule->status_max = (int)high;
		return true;
	}
	if (text != NULL && sscanf(text, "%3u%c", &low, &end) == 1 && low >= 200 && low <= 599) {
		rule->status_min = rule->status_max = (int)low;
		return true;
	}
	return bad(r, at, "a status is 404, \"4xx\" or \"500-599\"");
}

static bool read_rule(struct reader *r, const char *at, const json_t *json, struct recipe_rule *ret)
{
	struct {
		const json_t       *status;
		const char         *at, *contains, *means;
		struct json_strings is, not;
	} in = { 0 };
#define RULE(member, kind_) { .name = #member, .kind = JSON_FIELD_##kind_, .offset = offsetof(__typeof__(in), member) }
	const struct json_field fields[] = { RULE(status, ANY), RULE(at, STR), RULE(contains, STR), RULE(means, STR),
		                             RULE(is, STR_ARRAY), RULE(not, STR_ARRAY) };
#undef RULE

	if (!bind_at(r, at, json, fields, ARRAY_LEN(fields), &in) || !read_status(r, under(r, at, "status"), in.status, ret) ||
	    !path_ok(r, under(r, at, "at"), in.at))
		return false;
	if ((in.at != NULL) != (in.is.count + in.not.count > 0 || in.contains != NULL))
		return bad(r, at, "\"at\" goes with \"is\", \"not\" or \"contains\", and these with \"at\"");
	if (in.at == NULL && in.status == NULL)
		return bad(r, at, "a rule needs \"status\" or \"at\"");
	ret->at = in.at;
	ret->is = in.is;
	ret->not = in.not;
	ret->contains = in.contains;
	for (int i = 0; i < MEANS__COUNT; i++) {
		if (in.means == NULL || strcmp(in.means, means_names[i]) != 0)
			continue;
		ret->means = (enum recipe_means)i;
		return true;
	}
	return bad(r, under(r, at, "means"), "\"means\" is one of ok, absent, exists, conflict, retry, auth, denied, fail");
}

static bool read_rules(struct reader *r, const char *at, const json_t *list, struct recipe_rule **ret, size_t *ret_count)
{
	*ret_count = json_array_size(list);
	if (*ret_count > 2 * RECIPE_ITEMS_MAX)
		return bad(r, at, "more than %u rules", 2 * RECIPE_ITEMS_MAX);
	*ret = arena_alloc_array(r->arena, *ret_count + 1, sizeof(**ret));
	for (size_t i = 0; i < *ret_count; i++) {
		const char *here = arena_printf(r->arena, "%s/%zu", at, i);

		if (!read_rule(r, here, json_array_get(list, i), &(*ret)[i]))
			return false;
		/* A rule by status alone takes everything that a later one of the same status would. */
		for (size_t k = 0; k < i; k++) {
			const struct recipe_rule *before = &(*ret)[k], *rule = &(*ret)[i];

			if (before->at == NULL && before->status_min <= rule->status_min && before->status_max >= rule->status_max)
				return bad(r, here, "this rule can never be reached: rule %zu takes every answer it is for", k);
		}
	}
	return true;
}

/* ---- steps ---- */

struct step_in {
	const char         *method, *url, *text, *content_type, *reads;
	const json_t       *query, *headers, *form, *json, *answers, *save, *page;
	bool                auth;
};

static const struct json_field step_fields[] = {
	{ JSON_FIELD(struct step_in, method, STR), .required = true },
	{ JSON_FIELD(struct step_in, url, STR), .required = true },
	{ JSON_FIELD(struct step_in, text, STR) },
	{ JSON_FIELD(struct step_in, content_type, STR) },
	{ JSON_FIELD(struct step_in, reads, STR) },
	{ JSON_FIELD(struct step_in, query, OBJECT) },
	{ JSON_FIELD(struct step_in, headers, OBJECT) },
	{ JSON_FIELD(struct step_in, form, OBJECT) },
	{ JSON_FIELD(struct step_in, json, ANY) },
	{ JSON_FIELD(struct step_in, answers, ARRAY) },
	{ JSON_FIELD(struct step_in, save, OBJECT) },
	{ JSON_FIELD(struct step_in, page, OBJECT) },
	{ JSON_FIELD(struct step_in, auth, BOOL) },
};

static bool read_reads(struct reader *r, const char *at, const char *word, enum recipe_reads *ret)
{
	if (word == NULL)
		return true;
	if (strcmp(word, "json") == 0)
		*ret = READS_JSON;
	else if (strcmp(word, "xml") == 0)
		*ret = READS_XML;
	else if (strcmp(word, "text") == 0)
		*ret = READS_TEXT;
	else
		return bad(r, at, "\"reads\" is json, xml or text");
	return true;
}

static bool read_method(struct reader *r, const char *at, const char *word, enum http_method *ret)
{
	for (int i = 0; i < HTTP_METHOD__COUNT; i++) {
		if (i == HTTP_HEAD || strcmp(word, http_method_name((enum http_method)i)) != 0)
			continue;
		*ret = (enum http_method)i;
		return true;
	}
	return bad(r, at, "\"method\" is GET, POST, PUT, PATCH or DELETE");
}

static bool read_page(struct reader *r, const char *at, const json_t *json, struct recipe_page *ret)
{
	struct page_in {
		const char   *next, *more, *number, *last;
		const json_t *cursor;
		int64_t       first, size;
	} in = { .first = 1 };
	static const struct json_field fields[] = {
		{ JSON_FIELD(struct page_in, next, STR) },     { JSON_FIELD(struct page_in, more, STR) },
		{ JSON_FIELD(struct page_in, number, STR) },   { JSON_FIELD(struct page_in, last, STR) },
		{ JSON_FIELD(struct page_in, cursor, OBJECT) }, { JSON_FIELD(struct page_in, first, INT) },
		{ JSON_FIELD(struct page_in, size, INT) },
	};

	*ret = (struct recipe_page){ 0 };
	if (json == NULL)
		return true;
	if (!bind_at(r, at, json, fields, ARRAY_LEN(fields), &in) || !path_ok(r, under(r, at, "next"), in.next) ||
	    !path_ok(r, under(r, at, "more"), in.more) || !path_ok(r, under(r, at, "last"), in.last) ||
	    !read_pairs(r, under(r, at, "cursor"), in.cursor, &ret->cursor))
		return false;
	for (size_t i = 0; i < ret->cursor.count; i++)
		if (!path_ok(r, under(r, at, "cursor"), ret->cursor.items[i].value))
			return false;
	if ((in.next != NULL) + (ret->cursor.count > 0) + (in.number != NULL) != 1)
		return bad(r, at, "exactly one of \"next\", \"cursor\" and \"number\" says how to go on");
	if (in.number != NULL && in.last == NULL && in.size < 1)
		return bad(r, at, "\"number\" needs \"last\" or \"size\" to know the end");
	ret->kind = in.next != NULL ? PAGE_NEXT : in.number != NULL ? PAGE_NUMBER : PAGE_CURSOR;
	ret->next = in.next;
	ret->more = in.more;
	ret->number = in.number;
	ret->last = in.last;
	ret->first = in.first;
	ret->size = in.size;
	return true;
}

static bool read_body(struct reader *r, const char *at, const struct step_in *in, struct recipe_step *ret)
{
	if ((in->json != NULL) + (in->form != NULL) + (in->text != NULL) > 1)
		return bad(r, at, "one of \"json\", \"form\" and \"text\" is the body");
	/* A text is for "{elements}": a body that is a list. */
	if (in->json != NULL && !json_is_object(in->json) && !json_is_array(in->json) && !json_is_string(in->json))
		return bad(r, under(r, at, "json"), "an object, an array or \"{elements}\" is expected here");
	ret->body = in->json != NULL ? BODY_JSON : in->form != NULL ? BODY_FORM : in->text != NULL ? BODY_TEXT : BODY_NONE;
	ret->json = in->json;
	ret->text = in->text;
	ret->content_type = in->content_type;
	if (ret->body != BODY_NONE && ret->method == HTTP_GET)
		return bad(r, at, "a GET has no body");
	if ((in->content_type != NULL) != (ret->body == BODY_TEXT))
		return bad(r, at, "\"content_type\" goes with \"text\", and \"text\" with it");
	if (!read_pairs(r, under(r, at, "form"), in->form, &ret->form))
		return false;
	if (in->json != NULL && !template_json_check(in->json, &r->known, r->err)) {
		r->at = under(r, at, "json");
		return false;
	}
	return template_ok(r, under(r, at, "text"), in->text) && templates_ok(r, under(r, at, "form"), &ret->form);
}

enum step_may { STEP_PLAIN = 0, STEP_PAGED = 1, STEP_SAVES = 2 };

/* Reads and checks; what it saves is known from here on. */
static bool read_step(struct reader *r, const char *at, const json_t *json, unsigned may, struct recipe_step *ret)
{
	struct step_in in = { .auth = true };

	*ret = (struct recipe_step){ .where = at, .reads = READS_JSON };
	if (!bind_at(r, at, json, step_fields, ARRAY_LEN(step_fields), &in) ||
	    !read_method(r, under(r, at, "method"), in.method, &ret->method) ||
	    !read_reads(r, under(r, at, "reads"), in.reads, &ret->reads))
		return false;
	ret->url = in.url;
	ret->auth = in.auth;
	/* In front of the address there is a variable (a whole URL), a path below the base, or another host. */
	if (in.url[0] != '/' && in.url[0] != '{' && strncmp(in.url, "https://", 8) != 0)
		return bad(r, under(r, at, "url"), "a URL is a path from \"/\" below the base, or begins with https:// or a variable");
	if (strchr(in.url, '?') != NULL)
		return bad(r, under(r, at, "url"), "what follows \"?\" belongs to \"query\"");
	if (in.page != NULL && (may & STEP_PAGED) == 0)
		return bad(r, under(r, at, "page"), "this step has one answer only");
	if (in.save != NULL && (may & STEP_SAVES) == 0)
		return bad(r, under(r, at, "save"), "nothing comes after this step that could use it");
	return read_pairs(r, under(r, at, "query"), in.query, &ret->query) &&
	       read_pairs(r, under(r, at, "headers"), in.headers, &ret->headers) &&
	       read_pairs(r, under(r, at, "save"), in.save, &ret->save) &&
	       template_ok(r, under(r, at, "url"), in.url) && templates_ok(r, under(r, at, "query"), &ret->query) &&
	       templates_ok(r, under(r, at, "headers"), &ret->headers) && read_body(r, at, &in, ret) &&
	       read_page(r, under(r, at, "page"), in.page, &ret->page) &&
	       read_rules(r, under(r, at, "answers"), in.answers, &ret->rules, &ret->rules_count) &&
	       saves_ok(r, under(r, at, "save"), &ret->save);
}

/* ---- credentials ---- */

struct credential_in {
	const char         *name, *title, *pattern, *otherwise;
	bool                secret, required;
	struct json_strings aliases;
};

static const struct json_field credential_fields[] = {
	{ JSON_FIELD(struct credential_in, name, STR), .required = true },
	{ JSON_FIELD(struct credential_in, title, STR) },
	{ JSON_FIELD(struct credential_in, pattern, STR) },
	{ JSON_FIELD(struct credential_in, secret, BOOL) },
	{ JSON_FIELD(struct credential_in, required, BOOL) },
	{ JSON_FIELD(struct credential_in, aliases, STR_ARRAY) },
	{ .name = "default", .kind = JSON_FIELD_STR, .offset = offsetof(struct credential_in, otherwise) },
};

static bool read_credential(struct reader *r, const char *at, const json_t *json)
{
	struct credential_in      in = { 0 };
	struct recipe_credential *c;

	if (!bind_at(r, at, json, credential_fields, ARRAY_LEN(credential_fields), &in))
		return false;
	if (recipe_credential_find(r->recipe, in.name) != NULL)
		return bad(r, at, "the credential \"%.64s\" is there twice", in.name);
	for (size_t i = 0; i < in.aliases.count; i++)
		if (recipe_credential_find(r->recipe, in.aliases.items[i]) != NULL)
			return bad(r, under(r, at, "aliases"), "\"%.64s\" is the name of another credential", in.aliases.items[i]);
	if (!know(r, under(r, at, "name"), in.name))
		return false;
	c = &r->recipe->credentials[r->recipe->credentials_count];
	*c = (struct recipe_credential){ .name = in.name, .title = in.title, .otherwise = in.otherwise, .secret = in.secret,
		                         .required = in.required, .aliases = in.aliases };
	if (in.pattern != NULL && regcomp(&c->regex, in.pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return bad(r, under(r, at, "pattern"), "this is no POSIX extended regular expression");
	c->pattern = in.pattern;
	r->recipe->credentials_count++;
	return true;
}

static bool read_credentials(struct reader *r, const json_t *list, const json_t *alternatives)
{
	size_t count = json_array_size(list);

	if (count > RECIPE_ITEMS_MAX)
		return bad(r, "/credentials", "more than %u credentials", RECIPE_ITEMS_MAX);
	r->recipe->credentials = arena_alloc_array(r->arena, count + 1, sizeof(*r->recipe->credentials));
	for (size_t i = 0; i < count; i++)
		if (!read_credential(r, arena_printf(r->arena, "/credentials/%zu", i), json_array_get(list, i)))
			return false;
	r->recipe->alternatives_count = json_array_size(alternatives);
	r->recipe->alternatives =
		arena_alloc_array(r->arena, r->recipe->alternatives_count + 1, sizeof(*r->recipe->alternatives));
	for (size_t i = 0; i < r->recipe->alternatives_count; i++) {
		const char   *at = arena_printf(r->arena, "/alternatives/%zu", i);
		const json_t *group = json_array_get(alternatives, i);
		const char  **names = arena_alloc_array(r->arena, json_array_size(group) + 1, sizeof(*names));

		for (size_t k = 0; k < json_array_size(group); k++) {
			names[k] = path_text(r->arena, json_array_get(group, k));
			if (names[k] == NULL || vars_find(&r->known, str_c(names[k])) == NULL)
				return bad(r, at, "a list of names of credentials is expected here");
		}
		if (json_array_size(group) == 0)
			return bad(r, at, "a list of names of credentials is expected here");
		r->recipe->alternatives[i] = (struct json_strings){ names, json_array_size(group) };
	}
	return true;
}

/* ---- authentication ---- */

struct auth_in {
	const char   *when;
	const json_t *let, *headers, *query, *form, *json, *aws4;
};

static const struct json_field auth_fields[] = {
	{ JSON_FIELD(struct auth_in, when, STR) },      { JSON_FIELD(struct auth_in, let, OBJECT) },
	{ JSON_FIELD(struct auth_in, headers, OBJECT) }, { JSON_FIELD(struct auth_in, query, OBJECT) },
	{ JSON_FIELD(struct auth_in, form, OBJECT) },   { JSON_FIELD(struct auth_in, json, OBJECT) },
	{ JSON_FIELD(struct auth_in, aws4, OBJECT) },
};

static const struct json_field aws4_fields[] = {
	{ JSON_FIELD(struct recipe_auth, service, STR), .required = true },
	{ JSON_FIELD(struct recipe_auth, region, STR), .required = true },
	{ JSON_FIELD(struct recipe_auth, access_key, STR), .required = true },
	{ JSON_FIELD(struct recipe_auth, secret_key, STR), .required = true },
	{ JSON_FIELD(struct recipe_auth, session_token, STR) },
};

static bool read_aws4(struct reader *r, const char *at, const json_t *json, struct recipe_auth *ret)
{
	if (json == NULL)
		return true;
	ret->sign = SIGN_AWS4;
	return bind_at(r, at, json, aws4_fields, ARRAY_LEN(aws4_fields), ret) && template_ok(r, at, ret->service) &&
	       template_ok(r, at, ret->region) && template_ok(r, at, ret->access_key) && template_ok(r, at, ret->secret_key) &&
	       template_ok(r, at, ret->session_token);
}

static bool read_auth(struct reader *r, const char *at, const json_t *json, struct recipe_auth *ret)
{
	struct auth_in in = { 0 };

	if (!bind_at(r, at, json, auth_fields, ARRAY_LEN(auth_fields), &in))
		return false;
	if (in.when != NULL && recipe_credential_find(r->recipe, in.when) == NULL)
		return bad(r, under(r, at, "when"), "there is no credential \"%.64s\"", in.when);
	ret->when = in.when;
	ret->json = in.json;
	if (!read_pairs(r, under(r, at, "let"), in.let, &ret->let) ||
	    !read_pairs(r, under(r, at, "headers"), in.headers, &ret->headers) ||
	    !read_pairs(r, under(r, at, "query"), in.query, &ret->query) ||
	    !read_pairs(r, under(r, at, "form"), in.form, &ret->form))
		return false;
	for (size_t i = 0; i < ret->let.count; i++)
		if (!template_ok(r, under(r, at, "let"), ret->let.items[i].value) ||
		    !know(r, under(r, at, "let"), ret->let.items[i].name))
			return false;
	if (in.json != NULL && !template_json_check(in.json, &r->known, r->err)) {
		r->at = under(r, at, "json");
		return false;
	}
	return templates_ok(r, under(r, at, "headers"), &ret->headers) && templates_ok(r, under(r, at, "query"), &ret->query) &&
	       templates_ok(r, under(r, at, "form"), &ret->form) && read_aws4(r, under(r, at, "aws4"), in.aws4, ret);
}

/* What is known inside stays inside, but for what was used. */
static void forget(struct reader *r, size_t count)
{
	r->known.count = count;
}

static bool unused(struct reader *r, const char *at, size_t from)
{
	for (size_t i = from; i < r->known.count; i++)
		if (!r->known.items[i].used)
			return bad(r, at, "nothing uses \"%s\"", r->known.items[i].name);
	return true;
}

static bool read_auths(struct reader *r, const json_t *list)
{
	size_t count = json_array_size(list), before = r->known.count;

	if (count > RECIPE_ITEMS_MAX)
		return bad(r, "/auth", "more than %u ways", RECIPE_ITEMS_MAX);
	r->recipe->auths = arena_alloc_array(r->arena, count + 1, sizeof(*r->recipe->auths));
	for (size_t i = 0; i < count; i++) {
		const char *at = arena_printf(r->arena, "/auth/%zu", i);

		if (i > 0 && r->recipe->auths[i - 1].when == NULL)
			return bad(r, at, "this can never be reached: the one before it has no \"when\"");
		static const char *const own[] = { "method", "url", "path", "body", "host" };
		for (size_t k = 0; k < ARRAY_LEN(own); k++)
			know_own(r, own[k]);
		if (!read_auth(r, at, json_array_get(list, i), &r->recipe->auths[i]) || !unused(r, at, before))
			return false;
		forget(r, before);
		r->recipe->auths_count++;
	}
	return true;
}

/* ---- session ---- */

struct session_in {
	const json_t *steps;
	const char   *expires;
	int64_t       lifetime_s;
};

static const struct json_field session_fields[] = {
	{ JSON_FIELD(struct session_in, steps, ARRAY), .required = true },
	{ JSON_FIELD(struct session_in, expires, STR) },
	{ JSON_FIELD(struct session_in, lifetime_s, INT) },
};

static bool read_session(struct reader *r, const json_t *json)
{
	struct session_in in = { .lifetime_s = 600 };

	if (json == NULL)
		return true;
	if (!bind_at(r, "/session", json, session_fields, ARRAY_LEN(session_fields), &in) ||
	    !path_ok(r, "/session/expires", in.expires))
		return false;
	if (json_array_size(in.steps) < 1 || json_array_size(in.steps) > RECIPE_ITEMS_MAX)
		return bad(r, "/session/steps", "1 to %u steps are expected here", RECIPE_ITEMS_MAX);
	if (in.lifetime_s < 1 || in.lifetime_s > 86400)
		return bad(r, "/session/lifetime_s", "1 to 86400 seconds");
	r->recipe->session = arena_alloc_array(r->arena, json_array_size(in.steps), sizeof(*r->recipe->session));
	for (size_t i = 0; i < json_array_size(in.steps); i++) {
		struct recipe_step *step = &r->recipe->session[i];

		if (!read_step(r, arena_printf(r->arena, "/session/steps/%zu", i), json_array_get(in.steps, i), STEP_SAVES, step))
			return false;
		if (step->save.count == 0)
			return bad(r, step->where, "a step of a session is for what it saves, and this one saves nothing");
		r->recipe->session_count++;
	}
	r->recipe->session_expires = in.expires;
	r->recipe->session_s = in.lifetime_s;
	return true;
}

/* ---- zone ---- */

struct zone_in {
	const char   *find, *at, *name, *given, *given_as;
	const json_t *step, *where, *save;
};

static const struct json_field zone_fields[] = {
	{ JSON_FIELD(struct zone_in, find, STR), .required = true }, { JSON_FIELD(struct zone_in, at, STR) },
	{ JSON_FIELD(struct zone_in, name, STR) },                  { JSON_FIELD(struct zone_in, given, STR) },
	{ JSON_FIELD(struct zone_in, given_as, STR) },              { JSON_FIELD(struct zone_in, step, OBJECT) },
	{ JSON_FIELD(struct zone_in, where, OBJECT) },              { JSON_FIELD(struct zone_in, save, OBJECT) },
};

static bool read_zone_kind(struct reader *r, const struct zone_in *in, struct recipe_zone *z)
{
	if (strcmp(in->find, "list") == 0)
		z->find = ZONE_LIST;
	else if (strcmp(in->find, "query") == 0)
		z->find = ZONE_QUERY;
	else if (strcmp(in->find, "none") == 0)
		z->find = ZONE_NONE;
	else
		return bad(r, "/zone/find", "\"find\" is list, query or none");
	if ((z->find == ZONE_NONE) != (in->step == NULL))
		return bad(r, "/zone", "list and query need a \"step\", none has no use for one");
	if (z->find == ZONE_LIST && (in->at == NULL || in->name == NULL))
		return bad(r, "/zone", "a list needs \"at\" (where the zones are) and \"name\" (of a zone)");
	if (z->find == ZONE_NONE && (in->at != NULL || in->name != NULL || in->where != NULL || in->save != NULL || in->given != NULL))
		return bad(r, "/zone", "without a look-up there is no answer to read");
	if ((in->given != NULL) != (in->given_as != NULL))
		return bad(r, "/zone", "\"given\" (a credential) and \"given_as\" (a variable) go together");
	if (in->given != NULL && recipe_credential_find(r->recipe, in->given) == NULL)
		return bad(r, "/zone/given", "there is no credential \"%.64s\"", in->given);
	return true;
}

static bool read_zone(struct reader *r, const json_t *json)
{
	struct recipe_zone *z = &r->recipe->zone;
	struct zone_in      in = { 0 };
	size_t              before;
	bool                found = false;

	if (!bind_at(r, "/zone", json, zone_fields, ARRAY_LEN(zone_fields), &in) || !read_zone_kind(r, &in, z))
		return false;
	z->at = in.at;
	z->name = in.name;
	z->given = in.given;
	z->given_as = in.given_as;
	if (!path_ok(r, "/zone/at", in.at) || !path_ok(r, "/zone/name", in.name))
		return false;
	before = r->known.count;
	if (z->find == ZONE_QUERY)
		vars_set(&r->known, "suffix", STR(""));
	if (in.step != NULL && !read_step(r, "/zone/step", in.step, STEP_PAGED, &z->step))
		return false;
	/* A query without {suffix} asks once, for the owner. */
	z->by_suffix = z->find == ZONE_QUERY && r->known.items[before].used;
	if (z->find == ZONE_QUERY && !z->by_suffix && in.name == NULL)
		return bad(r, "/zone", "a query needs {suffix} in its step, or \"name\" to read the zone from the answer");
	if (!read_pairs(r, "/zone/where", in.where, &z->where) || !where_ok(r, "/zone/where", &z->where))
		return false;
	forget(r, before);
	if (in.given != NULL)
		vars_find(&r->known, str_c(recipe_credential_find(r->recipe, in.given)->name))->used = true;
	know_own(r, "zone");
	know_own(r, "sub");
	if (!read_pairs(r, "/zone/save", in.save, &z->save) || !saves_ok(r, "/zone/save", &z->save))
		return false;
	for (size_t i = 0; i < z->save.count; i++)
		found = found || (in.given_as != NULL && strcmp(z->save.items[i].name, in.given_as) == 0);
	/* With the zone given nothing else is looked up, so it must be all that a look-up gives. */
	if (in.given != NULL && (!found || z->save.count != 1))
		return bad(r, "/zone/given_as", "this must be the one variable that \"save\" gives");
	return true;
}

/* ---- the two models ---- */

struct records_in {
	const json_t *list, *each, *create, *remove, *after, *where, *save;
	const char   *at, *value;
};

static const struct json_field records_fields[] = {
	{ JSON_FIELD(struct records_in, list, OBJECT), .required = true },
	{ JSON_FIELD(struct records_in, each, OBJECT) },
	{ JSON_FIELD(struct records_in, create, OBJECT), .required = true },
	{ JSON_FIELD(struct records_in, remove, OBJECT), .required = true },
	{ JSON_FIELD(struct records_in, after, OBJECT) },
	{ JSON_FIELD(struct records_in, where, OBJECT) },
	{ JSON_FIELD(struct records_in, save, OBJECT) },
	{ JSON_FIELD(struct records_in, at, STR), .required = true },
	{ JSON_FIELD(struct records_in, value, STR), .required = true },
};

static bool read_records(struct reader *r, const json_t *json)
{
	struct recipe_records *m = &r->recipe->records;
	struct records_in      in = { 0 };
	size_t                 before;

	if (!bind_at(r, "/records", json, records_fields, ARRAY_LEN(records_fields), &in) || !path_ok(r, "/records/at", in.at) ||
	    !path_ok(r, "/records/value", in.value))
		return false;
	m->at = in.at;
	m->value = in.value;
	m->has_each = in.each != NULL;
	m->has_after = in.after != NULL;
	if (!read_step(r, "/records/list", in.list, STEP_PAGED, &m->list))
		return false;
	before = r->known.count;
	if (m->has_each) {
		vars_set(&r->known, "item", STR(""));
		if (!read_step(r, "/records/each", in.each, STEP_PLAIN, &m->each) || !unused(r, "/records/each", before))
			return false;
		forget(r, before);
	}
	if (!read_pairs(r, "/records/where", in.where, &m->where) || !where_ok(r, "/records/where", &m->where) ||
	    !read_step(r, "/records/create", in.create, STEP_PLAIN, &m->create) ||
	    !read_pairs(r, "/records/save", in.save, &m->save) || !saves_ok(r, "/records/save", &m->save) ||
	    !read_step(r, "/records/remove", in.remove, STEP_PLAIN, &m->remove) || !unused(r, "/records/save", before))
		return false;
	forget(r, before);
	return !m->has_after || read_step(r, "/records/after", in.after, STEP_PLAIN, &m->after);
}

struct rrset_in {
	const json_t *get, *create, *replace, *remove, *after, *where, *element;
	const char   *at, *elements, *value;
	bool          compares;
};

static const struct json_field rrset_fields[] = {
	{ JSON_FIELD(struct rrset_in, get, OBJECT), .required = true },
	{ JSON_FIELD(struct rrset_in, create, OBJECT), .required = true },
	{ JSON_FIELD(struct rrset_in, replace, OBJECT), .required = true },
	{ JSON_FIELD(struct rrset_in, remove, OBJECT), .required = true },
	{ JSON_FIELD(struct rrset_in, after, OBJECT) },
	{ JSON_FIELD(struct rrset_in, where, OBJECT) },
	{ JSON_FIELD(struct rrset_in, element, ANY), .required = true },
	{ JSON_FIELD(struct rrset_in, at, STR) },
	{ JSON_FIELD(struct rrset_in, elements, STR), .required = true },
	{ JSON_FIELD(struct rrset_in, value, STR) },
	{ JSON_FIELD(struct rrset_in, compares, BOOL) },
};

static bool read_rrset(struct reader *r, const json_t *json)
{
	struct recipe_rrset *m = &r->recipe->rrset;
	struct rrset_in      in = { .value = "" };
	size_t               before = r->known.count;

	if (!bind_at(r, "/rrset", json, rrset_fields, ARRAY_LEN(rrset_fields), &in) || !path_ok(r, "/rrset/at", in.at) ||
	    !path_ok(r, "/rrset/elements", in.elements) || !path_ok(r, "/rrset/value", in.value))
		return false;
	m->at = in.at;
	m->elements = in.elements;
	m->value = in.value;
	m->element = in.element;
	m->compares = in.compares;
	m->has_after = in.after != NULL;
	if (!template_json_check(in.element, &r->known, r->err)) {
		r->at = "/rrset/element";
		return false;
	}
	if (!read_pairs(r, "/rrset/where", in.where, &m->where) || !where_ok(r, "/rrset/where", &m->where) ||
	    !read_step(r, "/rrset/get", in.get, STEP_SAVES, &m->get))
		return false;
	know_own(r, "elements");
	know_own(r, "old_elements");
	if (!read_step(r, "/rrset/create", in.create, STEP_PLAIN, &m->create) ||
	    !read_step(r, "/rrset/replace", in.replace, STEP_PLAIN, &m->replace) ||
	    !read_step(r, "/rrset/remove", in.remove, STEP_PLAIN, &m->remove) || !unused(r, "/rrset/get/save", before))
		return false;
	forget(r, before);
	return !m->has_after || read_step(r, "/rrset/after", in.after, STEP_PLAIN, &m->after);
}

/* ---- the whole ---- */

struct top_in {
	const char         *id, *title, *docs, *permissions, *base, *message, *retry_after;
	struct json_strings aliases;
	bool                plain_http;
	const json_t       *credentials, *alternatives, *limits, *auth, *answers, *session, *zone, *records, *rrset;
	int64_t             ttl;
};

static const struct json_field top_fields[] = {
	{ JSON_FIELD(struct top_in, id, STR), .required = true },
	{ JSON_FIELD(struct top_in, title, STR), .required = true },
	{ JSON_FIELD(struct top_in, docs, STR) },
	{ JSON_FIELD(struct top_in, permissions, STR), .required = true },
	{ JSON_FIELD(struct top_in, base, STR), .required = true },
	{ JSON_FIELD(struct top_in, message, STR) },
	{ JSON_FIELD(struct top_in, retry_after, STR) },
	{ JSON_FIELD(struct top_in, aliases, STR_ARRAY) },
	{ JSON_FIELD(struct top_in, plain_http, BOOL) },
	{ JSON_FIELD(struct top_in, credentials, ARRAY), .required = true },
	{ JSON_FIELD(struct top_in, alternatives, ARRAY) },
	{ JSON_FIELD(struct top_in, limits, OBJECT) },
	{ JSON_FIELD(struct top_in, auth, ARRAY), .required = true },
	{ JSON_FIELD(struct top_in, answers, ARRAY) },
	{ JSON_FIELD(struct top_in, session, OBJECT) },
	{ JSON_FIELD(struct top_in, zone, OBJECT), .required = true },
	{ JSON_FIELD(struct top_in, records, OBJECT) },
	{ JSON_FIELD(struct top_in, rrset, OBJECT) },
	{ JSON_FIELD(struct top_in, ttl, INT), .required = true },
};

static bool id_ok(const char *id)
{
	size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return id[len] == '\0' && len >= 2 && len <= 32 && id[0] != '-';
}

static bool read_limits(struct reader *r, const json_t *json)
{
	struct limits_in {
		int64_t requests, per_s;
	} in = { 0 };
	static const struct json_field fields[] = {
		{ JSON_FIELD(struct limits_in, requests, INT), .required = true },
		{ JSON_FIELD(struct limits_in, per_s, INT), .required = true },
	};

	if (json == NULL)
		return true;
	if (!bind_at(r, "/limits", json, fields, ARRAY_LEN(fields), &in))
		return false;
	if (in.requests < 1 || in.requests > 100000 || in.per_s < 1 || in.per_s > 3600)
		return bad(r, "/limits", "1 to 100000 requests per 1 to 3600 seconds");
	r->recipe->requests = in.requests;
	r->recipe->per_s = in.per_s;
	return true;
}

static bool read_plain(struct reader *r, const struct top_in *in)
{
	struct recipe *recipe = r->recipe;

	recipe->id = in->id;
	recipe->title = in->title;
	recipe->docs = in->docs;
	recipe->permissions = in->permissions;
	recipe->base = in->base;
	recipe->message = in->message;
	recipe->retry_after = in->retry_after;
	recipe->aliases = in->aliases;
	recipe->plain_http = in->plain_http;
	recipe->ttl = in->ttl;
	if (!id_ok(in->id))
		return bad(r, "/id", "an id has 2 to 32 characters of a-z, 0-9 and \"-\"");
	if (in->ttl < 1 || in->ttl > 86400)
		return bad(r, "/ttl", "1 to 86400 seconds");
	if (strncmp(in->base, "https://", 8) != 0 && in->base[0] != '{')
		return bad(r, "/base", "a base begins with https:// or is a variable");
	if ((in->records != NULL) == (in->rrset != NULL))
		return bad(r, "/", "one of \"records\" (a record per value) and \"rrset\" (a set per name) is needed");
	return path_ok(r, "/message", in->message) && path_ok(r, "/retry_after", in->retry_after) && read_limits(r, in->limits);
}

static bool read_all(struct reader *r)
{
	static const char *const own[] = { "owner", "value", "ttl", "now" };
	struct top_in            in = { 0 };

	if (!bind_at(r, "/", r->recipe->root, top_fields, ARRAY_LEN(top_fields), &in) || !read_plain(r, &in) ||
	    !read_credentials(r, in.credentials, in.alternatives))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		know_own(r, own[i]);
	if (!template_ok(r, "/base", in.base) || !read_rules(r, "/answers", in.answers, &r->recipe->rules, &r->recipe->rules_count) ||
	    !read_session(r, in.session) || !read_auths(r, in.auth) || !read_zone(r, in.zone))
		return false;
	r->recipe->model = in.records != NULL ? MODEL_RECORDS : MODEL_RRSET;
	return (in.records != NULL ? read_records(r, in.records) : read_rrset(r, in.rrset)) && unused(r, "/", 0);
}

/* Comments are members named "//", at any level. */
static void drop_comments(json_t *json)
{
	const char *key;
	json_t     *value;

	json_object_del(json, "//");
	json_object_foreach(json, key, value) {
		drop_comments(value);
	}
	for (size_t i = 0; i < json_array_size(json); i++)
		drop_comments(json_array_get(json, i));
}

bool recipe_read(struct str text, const char *file, struct recipe **ret, struct err *err)
{
	AUTO(recipe_freep) struct recipe *recipe = calloc(1, sizeof(*recipe));
	struct err                        own = { 0 };
	struct reader                     r;

	if (err == NULL)
		err = &own;
	if (recipe == NULL)
		abort(); /* out of memory: base/arena.h */
	recipe->arena = arena_new();
	if (!json_read(text, RECIPE_SIZE_MAX, &recipe->root, err))
		return err_in(err, "%s", file);
	drop_comments(recipe->root);
	r = (struct reader){ .recipe = recipe, .arena = recipe->arena, .known = { .arena = recipe->arena }, .err = err, .at = "/" };
	if (!read_all(&r)) {
		char problem[] = "invalid-recipe";

		err_in(err, "%s:%u: %s", file, recipe_line(text, r.at), r.at);
		err->class = ERR_INPUT;
		memcpy(err->problem, problem, sizeof(problem));
		return false;
	}
	*ret = TAKE(recipe);
	return true;
}

void recipe_free(struct recipe *recipe)
{
	if (recipe == NULL)
		return;
	for (size_t i = 0; i < recipe->credentials_count; i++)
		if (recipe->credentials[i].pattern != NULL)
			regfree(&recipe->credentials[i].regex);
	json_freep(&recipe->root);
	arena_free(recipe->arena);
	free(recipe);
}

void recipe_freep(struct recipe **recipe)
{
	recipe_free(*recipe);
	*recipe = NULL;
}

const struct recipe_credential *recipe_credential_find(const struct recipe *recipe, const char *name)
{
	for (size_t i = 0; i < recipe->credentials_count; i++) {
		const struct recipe_credential *c = &recipe->credentials[i];

		if (str_eq_nocase(str_c(c->name), str_c(name)))
			return c;
		for (size_t k = 0; k < c->aliases.count; k++)
			if (str_eq_nocase(str_c(c->aliases.items[k]), str_c(name)))
				return c;
	}
	return NULL;
}
