/*
 * provider/recipe_step.c: what all parts of a recipe are made of: names and texts, rules about answers, steps. Each is bound
 * by a table of members; its templates are checked against what is known at that point of a run.
 */
#include "provider/recipe_reader.h"

#include "provider/path.h"
#include "provider/template.h"

bool reader_bad(struct reader *r, const char *at, const char *format, ...)
{
	char    text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->at = at;
	return err_problem(r->err, ERR_INPUT, "invalid-recipe", "%s", text);
}

const char *reader_under(struct reader *r, const char *at, const char *member)
{
	return arena_printf(r->arena, "%s/%s", at, member);
}

bool reader_bind(struct reader *r, const char *at, const json_t *object, const struct json_field *fields,
                size_t count, void *ret)
{
	if (json_bind(r->arena, object, fields, count, true, ret, r->err))
		return true;
	r->at = at;
	return false;
}

/* ---- small shapes ---- */

bool reader_know(struct reader *r, const char *at, const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
			return reader_bad(r, at, "\"%.64s\" is no name for a variable: a-z, 0-9 and _ are", name);
	if (name[0] == '\0' || vars_find(&r->known, str_c(name)) != NULL)
		return reader_bad(r, at, "there is already a variable \"%.64s\"", name);
	if (r->known.count == RECIPE_VARS_MAX)
		return reader_bad(r, at, "more than %u variables", RECIPE_VARS_MAX);
	vars_set(&r->known, name, STR(""));
	return true;
}

/* Variables that exist from here on without being used later; those of the engine need no use. */
void reader_know_own(struct reader *r, const char *name)
{
	vars_set(&r->known, name, STR(""))->used = true;
}

bool reader_template(struct reader *r, const char *at, const char *text)
{
	if (text == NULL || template_check(text, &r->known, r->err))
		return true;
	r->at = at;
	return false;
}

bool reader_path(struct reader *r, const char *at, const char *path)
{
	return path == NULL || path_valid(path) || reader_bad(r, at,
	       "\"%.200s\" is no path: it begins with \"/\" or is empty", path);
}

bool reader_pairs(struct reader *r, const char *at, const json_t *object, struct recipe_pairs *ret)
{
	const char *key;
	json_t     *value;

	*ret = (struct recipe_pairs){ 0 };
	if (object == NULL)
		return true;
	ret->items = arena_alloc_array(r->arena, json_object_size(object) * RECIPE_ITEMS_MAX + 1, sizeof(*ret->items));
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (json_array_size(value) > RECIPE_ITEMS_MAX)
			return reader_bad(r, reader_under(r, at, key), "more than %u texts", RECIPE_ITEMS_MAX);
		for (size_t i = 0; i < (json_is_array(value) ? json_array_size(value) : 1); i++) {
			const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
			const char   *text = path_text(r->arena, item);

			if (text == NULL)
				return reader_bad(r, reader_under(r, at, key), "a text is expected here");
			ret->items[ret->count++] = (struct recipe_pair){ arena_strdup(r->arena, key), arena_strdup(r->arena, text) };
		}
	}
	return true;
}

bool reader_templates(struct reader *r, const char *at, const struct recipe_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (!reader_template(r, reader_under(r, at, pairs->items[i].name), pairs->items[i].value))
			return false;
	return true;
}

/* name -> path: each name becomes a variable. */
bool reader_saves(struct reader *r, const char *at, const struct recipe_pairs *pairs)
{
	if (pairs->count > RECIPE_SAVES_MAX)
		return reader_bad(r, at, "more than %u variables", RECIPE_SAVES_MAX);
	for (size_t i = 0; i < pairs->count; i++)
		if (!reader_path(r, reader_under(r, at, pairs->items[i].name), pairs->items[i].value) ||
		    !reader_know(r, reader_under(r, at, pairs->items[i].name), pairs->items[i].name))
			return false;
	return true;
}

/* name -> header: likewise. */
static bool reader_header_saves(struct reader *r, const char *at, const json_t *object, struct recipe_pairs *ret)
{
	if (!reader_pairs(r, at, object, ret))
		return false;
	if (ret->count > RECIPE_SAVES_MAX)
		return reader_bad(r, at, "more than %u variables", RECIPE_SAVES_MAX);
	for (size_t i = 0; i < ret->count; i++)
		if (!reader_know(r, reader_under(r, at, ret->items[i].name), ret->items[i].name))
			return false;
	return true;
}

/* path -> text. */
bool reader_where(struct reader *r, const char *at, const struct recipe_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		if (!reader_path(r, at, pairs->items[i].name))
			return false;
	return reader_templates(r, at, pairs);
}

/* ---- rules ---- */

static const char *const means_names[MEANS__COUNT] = { "ok", "absent", "exists", "conflict", "retry", "auth",
                "denied", "fail" };

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
	return reader_bad(r, at, "a status is 404, \"4xx\" or \"500-599\"");
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

	if (!reader_bind(r, at, json, fields, ARRAY_LEN(fields), &in) ||
	    !read_status(r, reader_under(r, at, "status"), in.status, ret) ||
	    !reader_path(r, reader_under(r, at, "at"), in.at))
		return false;
	if ((in.at != NULL) != (in.is.count + in.not.count > 0 || in.contains != NULL))
		return reader_bad(r, at, "\"at\" goes with \"is\", \"not\" or \"contains\", and these with \"at\"");
	if (in.at == NULL && in.status == NULL)
		return reader_bad(r, at, "a rule needs \"status\" or \"at\"");
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
	return reader_bad(r, reader_under(r, at, "means"), "\"means\" is one of ok, absent, exists, conflict, retry, auth, denied, fail");
}

bool reader_rules(struct reader *r, const char *at, const json_t *list, struct recipe_rule **ret, size_t *ret_count)
{
	*ret_count = json_array_size(list);
	if (*ret_count > 2 * RECIPE_ITEMS_MAX)
		return reader_bad(r, at, "more than %u rules", 2 * RECIPE_ITEMS_MAX);
	*ret = arena_alloc_array(r->arena, *ret_count + 1, sizeof(**ret));
	for (size_t i = 0; i < *ret_count; i++) {
		const char *here = arena_printf(r->arena, "%s/%zu", at, i);

		if (!read_rule(r, here, json_array_get(list, i), &(*ret)[i]))
			return false;
		/* A rule by status alone takes everything that a later one of the same status would. */
		for (size_t k = 0; k < i; k++) {
			const struct recipe_rule *before = &(*ret)[k], *rule = &(*ret)[i];

			if (before->at == NULL && before->status_min <= rule->status_min && before->status_max >= rule->status_max)
				return reader_bad(r, here, "this rule can never be reached: rule %zu takes every answer it is for", k);
		}
	}
	return true;
}

/* ---- steps ---- */

struct step_in {
	const char         *method, *url, *text, *content_type, *reads;
	const json_t       *query, *headers, *form, *json, *answers, *save, *page, *save_headers, *numbered;
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
	{ JSON_FIELD(struct step_in, save_headers, OBJECT) },
	{ JSON_FIELD(struct step_in, numbered, OBJECT) },
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
		return reader_bad(r, at, "\"reads\" is json, xml or text");
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
	return reader_bad(r, at, "\"method\" is GET, POST, PUT, PATCH or DELETE");
}

static bool read_page(struct reader *r, const char *at, const json_t *json, struct recipe_page *ret)
{
	struct page_in {
		const char   *next, *more, *number, *last;
		const json_t *cursor;
		int64_t       first, size, step;
	} in = { .first = 1, .step = 1 };
	static const struct json_field fields[] = {
		{ JSON_FIELD(struct page_in, next, STR) },     { JSON_FIELD(struct page_in, more, STR) },
		{ JSON_FIELD(struct page_in, number, STR) },   { JSON_FIELD(struct page_in, last, STR) },
		{ JSON_FIELD(struct page_in, cursor, OBJECT) }, { JSON_FIELD(struct page_in, first, INT) },
		{ JSON_FIELD(struct page_in, size, INT) },      { JSON_FIELD(struct page_in, step, INT) },
	};

	*ret = (struct recipe_page){ 0 };
	if (json == NULL)
		return true;
	if (!reader_bind(r, at, json, fields, ARRAY_LEN(fields), &in) ||
	    !reader_path(r, reader_under(r, at, "next"), in.next) ||
	    !reader_path(r, reader_under(r, at, "more"), in.more) || !reader_path(r, reader_under(r, at, "last"), in.last) ||
	    !reader_pairs(r, reader_under(r, at, "cursor"), in.cursor, &ret->cursor))
		return false;
	for (size_t i = 0; i < ret->cursor.count; i++)
		if (!reader_path(r, reader_under(r, at, "cursor"), ret->cursor.items[i].value))
			return false;
	if ((in.next != NULL) + (ret->cursor.count > 0) + (in.number != NULL) != 1)
		return reader_bad(r, at, "exactly one of \"next\", \"cursor\" and \"number\" says how to go on");
	if (in.step < 1 || in.step > 100000 || (in.step > 1 && in.last != NULL))
		return reader_bad(r, reader_under(r, at, "step"), "1 to 100000, and more than 1 only with \"size\"");
	if (in.number != NULL && in.last == NULL && in.size < 1)
		return reader_bad(r, at, "\"number\" needs \"last\" or \"size\" to know the end");
	ret->kind = in.next != NULL ? PAGE_NEXT : in.number != NULL ? PAGE_NUMBER : PAGE_CURSOR;
	ret->next = in.next;
	ret->more = in.more;
	ret->number = in.number;
	ret->last = in.last;
	ret->first = in.first;
	ret->size = in.size;
	ret->step = in.step;
	return true;
}

static bool read_body(struct reader *r, const char *at, const struct step_in *in, struct recipe_step *ret)
{
	if ((in->json != NULL) + (in->form != NULL) + (in->text != NULL) > 1)
		return reader_bad(r, at, "one of \"json\", \"form\" and \"text\" is the body");
	/* A text is for "{elements}": a body that is a list. */
	if (in->json != NULL && !json_is_object(in->json) && !json_is_array(in->json) && !json_is_string(in->json))
		return reader_bad(r, reader_under(r, at, "json"), "an object, an array or \"{elements}\" is expected here");
	ret->body = in->json != NULL ? BODY_JSON : in->form != NULL ? BODY_FORM : in->text != NULL ? BODY_TEXT : BODY_NONE;
	ret->json = in->json;
	ret->text = in->text;
	ret->content_type = in->content_type;
	if (ret->body != BODY_NONE && ret->method == HTTP_GET)
		return reader_bad(r, at, "a GET has no body");
	if ((in->content_type != NULL) != (ret->body == BODY_TEXT))
		return reader_bad(r, at, "\"content_type\" goes with \"text\", and \"text\" with it");
	if (!reader_pairs(r, reader_under(r, at, "form"), in->form, &ret->form) ||
	    !reader_pairs(r, reader_under(r, at, "numbered"), in->numbered, &ret->numbered))
		return false;
	if (ret->numbered.count > 0 && ret->body != BODY_FORM)
		return reader_bad(r, reader_under(r, at, "numbered"), "these are parameters of a \"form\"");
	for (size_t i = 0; i < ret->numbered.count; i++)
		if (!reader_path(r, reader_under(r, at, "numbered"), ret->numbered.items[i].value))
			return false;
	if (in->json != NULL && !template_json_check(in->json, &r->known, r->err)) {
		r->at = reader_under(r, at, "json");
		return false;
	}
	return reader_template(r, reader_under(r, at, "text"), in->text) &&
	       reader_templates(r, reader_under(r, at, "form"), &ret->form);
}

/* Reads and checks; what it saves is known from here on. */
bool reader_step(struct reader *r, const char *at, const json_t *json, unsigned may, struct recipe_step *ret)
{
	struct step_in in = { .auth = true };

	*ret = (struct recipe_step){ .where = at, .reads = READS_JSON };
	if (!reader_bind(r, at, json, step_fields, ARRAY_LEN(step_fields), &in) ||
	    !read_method(r, reader_under(r, at, "method"), in.method, &ret->method) ||
	    !read_reads(r, reader_under(r, at, "reads"), in.reads, &ret->reads))
		return false;
	ret->url = in.url;
	ret->auth = in.auth;
	/* In front of the address there is a variable (a whole URL), a path below the base, or another host. */
	if (in.url[0] != '/' && in.url[0] != '{' && strncmp(in.url, "https://", 8) != 0)
		return reader_bad(r, reader_under(r, at, "url"), "a URL is a path from \"/\" below the base, or begins with https:// or a variable");
	if (strchr(in.url, '?') != NULL)
		return reader_bad(r, reader_under(r, at, "url"), "what follows \"?\" belongs to \"query\"");
	if (in.page != NULL && (may & STEP_PAGED) == 0)
		return reader_bad(r, reader_under(r, at, "page"), "this step has one answer only");
	if (in.save != NULL && (may & STEP_SAVES) == 0)
		return reader_bad(r, reader_under(r, at, "save"), "nothing comes after this step that could use it");
	if (in.save_headers != NULL && (may & STEP_SAVES_HEADERS) == 0)
		return reader_bad(r, reader_under(r, at, "save_headers"), "headers are saved by the steps of a session only");
	if (in.numbered != NULL && (may & STEP_NUMBERED) == 0)
		return reader_bad(r, reader_under(r, at, "numbered"), "there are no elements here");
	return reader_pairs(r, reader_under(r, at, "query"), in.query, &ret->query) &&
	       reader_pairs(r, reader_under(r, at, "headers"), in.headers, &ret->headers) &&
	       reader_pairs(r, reader_under(r, at, "save"), in.save, &ret->save) &&
	       reader_template(r, reader_under(r, at, "url"), in.url) &&
	       reader_templates(r, reader_under(r, at, "query"), &ret->query) &&
	       reader_templates(r, reader_under(r, at, "headers"), &ret->headers) && read_body(r, at, &in, ret) &&
	       read_page(r, reader_under(r, at, "page"), in.page, &ret->page) &&
	       reader_rules(r, reader_under(r, at, "answers"), in.answers, &ret->rules, &ret->rules_count) &&
	       reader_saves(r, reader_under(r, at, "save"), &ret->save) &&
	       reader_header_saves(r, reader_under(r, at, "save_headers"), in.save_headers, &ret->save_headers);
}
