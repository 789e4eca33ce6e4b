/*
 * provider/recipe.c: from JSON to a checked recipe, part by part in the order of a run, because the templates of a part may
 * name what the parts before it give. The small shapes are in recipe_step.c.
 */
#include "provider/recipe_reader.h"

#include <assert.h>
#include <ctype.h>

#include "provider/native.h"
#include "provider/path.h"
#include "provider/template.h"

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

	if (!reader_bind(r, at, json, credential_fields, ARRAY_LEN(credential_fields), &in))
		return false;
	if (recipe_credential_find(r->recipe, in.name) != NULL)
		return reader_bad(r, at, "the credential \"%.64s\" is there twice", in.name);
	for (size_t i = 0; i < in.aliases.count; i++)
		if (recipe_credential_find(r->recipe, in.aliases.items[i]) != NULL)
			return reader_bad(r, reader_under(r, at, "aliases"), "\"%.64s\" is the name of another credential",
			       in.aliases.items[i]);
	if (!reader_know(r, reader_under(r, at, "name"), in.name))
		return false;
	c = &r->recipe->credentials[r->recipe->credentials_count];
	*c = (struct recipe_credential){ .name = in.name, .title = in.title, .otherwise = in.otherwise, .secret = in.secret,
		                         .required = in.required, .aliases = in.aliases };
	if (in.pattern != NULL && regcomp(&c->regex, in.pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return reader_bad(r, reader_under(r, at, "pattern"), "this is no POSIX extended regular expression");
	c->pattern = in.pattern;
	r->recipe->credentials_count++;
	return true;
}

static bool read_credentials(struct reader *r, const json_t *list, const json_t *alternatives)
{
	size_t count = json_array_size(list);

	if (count > RECIPE_ITEMS_MAX)
		return reader_bad(r, "/credentials", "more than %u credentials", RECIPE_ITEMS_MAX);
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
				return reader_bad(r, at, "a list of names of credentials is expected here");
		}
		if (json_array_size(group) == 0)
			return reader_bad(r, at, "a list of names of credentials is expected here");
		r->recipe->alternatives[i] = (struct json_strings){ names, json_array_size(group) };
	}
	return true;
}

/* ---- authentication ---- */

struct auth_in {
	const char   *when;
	const json_t *let, *headers, *query, *form, *json, *aws4, *last_query;
};

static const struct json_field auth_fields[] = {
	{ JSON_FIELD(struct auth_in, when, STR) },      { JSON_FIELD(struct auth_in, let, OBJECT) },
	{ JSON_FIELD(struct auth_in, headers, OBJECT) }, { JSON_FIELD(struct auth_in, query, OBJECT) },
	{ JSON_FIELD(struct auth_in, form, OBJECT) },   { JSON_FIELD(struct auth_in, json, OBJECT) },
	{ JSON_FIELD(struct auth_in, aws4, OBJECT) },   { JSON_FIELD(struct auth_in, last_query, OBJECT) },
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
	return reader_bind(r, at, json, aws4_fields, ARRAY_LEN(aws4_fields), ret) && reader_template(r, at, ret->service) &&
	       reader_template(r, at, ret->region) && reader_template(r, at, ret->access_key) &&
	       reader_template(r, at, ret->secret_key) &&
	       reader_template(r, at, ret->session_token);
}

/* Each may use those before it. */
static bool reader_lets(struct reader *r, const char *at, const struct recipe_pairs *lets)
{
	for (size_t i = 0; i < lets->count; i++)
		if (!reader_template(r, at, lets->items[i].value) || !reader_know(r, at, lets->items[i].name))
			return false;
	return true;
}

static bool read_auth(struct reader *r, const char *at, const json_t *json, struct recipe_auth *ret)
{
	struct auth_in in = { 0 };

	if (!reader_bind(r, at, json, auth_fields, ARRAY_LEN(auth_fields), &in))
		return false;
	if (in.when != NULL && recipe_credential_find(r->recipe, in.when) == NULL)
		return reader_bad(r, reader_under(r, at, "when"), "there is no credential \"%.64s\"", in.when);
	ret->when = in.when;
	ret->json = in.json;
	if (!reader_pairs(r, reader_under(r, at, "let"), in.let, &ret->let) ||
	    !reader_pairs(r, reader_under(r, at, "headers"), in.headers, &ret->headers) ||
	    !reader_pairs(r, reader_under(r, at, "query"), in.query, &ret->query) ||
	    !reader_pairs(r, reader_under(r, at, "form"), in.form, &ret->form) ||
	    !reader_pairs(r, reader_under(r, at, "last_query"), in.last_query, &ret->last_query))
		return false;
	if (!reader_lets(r, reader_under(r, at, "let"), &ret->let))
		return false;
	if (in.json != NULL && !template_json_check(in.json, &r->known, r->err)) {
		r->at = reader_under(r, at, "json");
		return false;
	}
	return reader_templates(r, reader_under(r, at, "headers"), &ret->headers) &&
	       reader_templates(r, reader_under(r, at, "query"), &ret->query) &&
	       reader_templates(r, reader_under(r, at, "form"), &ret->form) &&
	       reader_templates(r, reader_under(r, at, "last_query"), &ret->last_query) &&
	       read_aws4(r, reader_under(r, at, "aws4"), in.aws4, ret);
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
			return reader_bad(r, at, "nothing uses \"%s\"", r->known.items[i].name);
	return true;
}

static bool read_auths(struct reader *r, const json_t *list)
{
	size_t count = json_array_size(list), before = r->known.count;

	if (count > RECIPE_ITEMS_MAX)
		return reader_bad(r, "/auth", "more than %u ways", RECIPE_ITEMS_MAX);
	r->recipe->auths = arena_alloc_array(r->arena, count + 1, sizeof(*r->recipe->auths));
	for (size_t i = 0; i < count; i++) {
		const char *at = arena_printf(r->arena, "/auth/%zu", i);

		if (i > 0 && r->recipe->auths[i - 1].when == NULL)
			return reader_bad(r, at, "this can never be reached: the one before it has no \"when\"");
		static const char *const own[] = { "method", "url", "path", "query", "target", "body", "host" };
		for (size_t k = 0; k < ARRAY_LEN(own); k++)
			reader_know_own(r, own[k]);
		if (!read_auth(r, at, json_array_get(list, i), &r->recipe->auths[i]) || !unused(r, at, before))
			return false;
		forget(r, before);
		r->recipe->auths_count++;
	}
	return true;
}

/* ---- session ---- */

struct session_in {
	const json_t *steps, *let;
	const char   *expires;
	int64_t       lifetime_s;
};

static const struct json_field session_fields[] = {
	{ JSON_FIELD(struct session_in, steps, ARRAY), .required = true },
	{ JSON_FIELD(struct session_in, let, OBJECT) },
	{ JSON_FIELD(struct session_in, expires, STR) },
	{ JSON_FIELD(struct session_in, lifetime_s, INT) },
};

static bool read_session(struct reader *r, const json_t *json)
{
	struct session_in in = { .lifetime_s = 600 };

	if (json == NULL)
		return true;
	if (!reader_bind(r, "/session", json, session_fields, ARRAY_LEN(session_fields), &in) ||
	    !reader_path(r, "/session/expires", in.expires))
		return false;
	if (!reader_pairs(r, "/session/let", in.let, &r->recipe->session_let) ||
	    !reader_lets(r, "/session/let", &r->recipe->session_let))
		return false;
	if (json_array_size(in.steps) < 1 || json_array_size(in.steps) > RECIPE_ITEMS_MAX)
		return reader_bad(r, "/session/steps", "1 to %u steps are expected here", RECIPE_ITEMS_MAX);
	if (in.lifetime_s < 1 || in.lifetime_s > 86400)
		return reader_bad(r, "/session/lifetime_s", "1 to 86400 seconds");
	r->recipe->session = arena_alloc_array(r->arena, json_array_size(in.steps), sizeof(*r->recipe->session));
	for (size_t i = 0; i < json_array_size(in.steps); i++) {
		struct recipe_step *step = &r->recipe->session[i];

		if (!reader_step(r, arena_printf(r->arena, "/session/steps/%zu", i), json_array_get(in.steps, i),
		                 STEP_SAVES | STEP_SAVES_HEADERS, step))
			return false;
		if (step->save.count + step->save_headers.count == 0)
			return reader_bad(r, step->where, "a step of a session is for what it saves, and this one saves nothing");
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
	struct json_strings under;
};

static const struct json_field zone_fields[] = {
	{ JSON_FIELD(struct zone_in, find, STR), .required = true }, { JSON_FIELD(struct zone_in, at, STR) },
	{ JSON_FIELD(struct zone_in, name, STR) },                  { JSON_FIELD(struct zone_in, given, STR) },
	{ JSON_FIELD(struct zone_in, given_as, STR) },              { JSON_FIELD(struct zone_in, step, OBJECT) },
	{ JSON_FIELD(struct zone_in, under, STR_ARRAY) },
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
	else if (strcmp(in->find, "owner") == 0)
		z->find = ZONE_OWNER;
	else
		return reader_bad(r, "/zone/find", "\"find\" is list, query, owner or none");
	if ((z->find == ZONE_NONE || z->find == ZONE_OWNER) != (in->step == NULL))
		return reader_bad(r, "/zone", "list and query need a \"step\", none and owner have no use for one");
	if (in->under.count > 0 && z->find != ZONE_OWNER)
		return reader_bad(r, "/zone/under", "\"under\" goes with owner");
	if (z->find == ZONE_LIST && (in->at == NULL || in->name == NULL))
		return reader_bad(r, "/zone", "a list needs \"at\" (where the zones are) and \"name\" (of a zone)");
	if (in->step == NULL && (in->at != NULL || in->name != NULL || in->where != NULL || in->save != NULL ||
	    in->given != NULL))
		return reader_bad(r, "/zone", "without a look-up there is no answer to read");
	if ((in->given != NULL) != (in->given_as != NULL))
		return reader_bad(r, "/zone", "\"given\" (a credential) and \"given_as\" (a variable) go together");
	if (in->given != NULL && recipe_credential_find(r->recipe, in->given) == NULL)
		return reader_bad(r, "/zone/given", "there is no credential \"%.64s\"", in->given);
	return true;
}

static bool read_zone(struct reader *r, const json_t *json)
{
	struct recipe_zone *z = &r->recipe->zone;
	struct zone_in      in = { 0 };
	size_t              before;
	bool                found = false;

	if (!reader_bind(r, "/zone", json, zone_fields, ARRAY_LEN(zone_fields), &in) || !read_zone_kind(r, &in, z))
		return false;
	z->at = in.at;
	z->name = in.name;
	z->given = in.given;
	z->given_as = in.given_as;
	z->under = in.under;
	if (!reader_path(r, "/zone/at", in.at) || !reader_path(r, "/zone/name", in.name))
		return false;
	before = r->known.count;
	if (z->find == ZONE_QUERY)
		vars_set(&r->known, "suffix", STR(""));
	if (in.step != NULL && !reader_step(r, "/zone/step", in.step, STEP_PAGED, &z->step))
		return false;
	/* A query without {suffix} asks once, for the owner. */
	z->by_suffix = z->find == ZONE_QUERY && r->known.items[before].used;
	if (z->find == ZONE_QUERY && !z->by_suffix && in.name == NULL)
		return reader_bad(r, "/zone", "a query needs {suffix} in its step, or \"name\" to read the zone from the answer");
	if (!reader_pairs(r, "/zone/where", in.where, &z->where) || !reader_where(r, "/zone/where", &z->where))
		return false;
	forget(r, before);
	if (in.given != NULL)
		vars_find(&r->known, str_c(recipe_credential_find(r->recipe, in.given)->name))->used = true;
	reader_know_own(r, "zone");
	reader_know_own(r, "sub");
	if (!reader_pairs(r, "/zone/save", in.save, &z->save) || !reader_saves(r, "/zone/save", &z->save))
		return false;
	for (size_t i = 0; i < z->save.count; i++)
		found = found || (in.given_as != NULL && strcmp(z->save.items[i].name, in.given_as) == 0);
	/* With the zone given nothing else is looked up, so it must be all that a look-up gives. */
	if (in.given != NULL && (!found || z->save.count != 1))
		return reader_bad(r, "/zone/given_as", "this must be the one variable that \"save\" gives");
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

	if (!reader_bind(r, "/records", json, records_fields, ARRAY_LEN(records_fields), &in) ||
	    !reader_path(r, "/records/at", in.at) ||
	    !reader_path(r, "/records/value", in.value))
		return false;
	m->at = in.at;
	m->value = in.value;
	m->has_each = in.each != NULL;
	m->has_after = in.after != NULL;
	if (!reader_step(r, "/records/list", in.list, STEP_PAGED, &m->list))
		return false;
	before = r->known.count;
	if (m->has_each) {
		vars_set(&r->known, "item", STR(""));
		if (!reader_step(r, "/records/each", in.each, STEP_PLAIN, &m->each) || !unused(r, "/records/each", before))
			return false;
		forget(r, before);
	}
	if (!reader_pairs(r, "/records/where", in.where, &m->where) || !reader_where(r, "/records/where", &m->where) ||
	    !reader_step(r, "/records/create", in.create, STEP_PLAIN, &m->create) ||
	    !reader_pairs(r, "/records/save", in.save, &m->save) || !reader_saves(r, "/records/save", &m->save) ||
	    !reader_step(r, "/records/remove", in.remove, STEP_PLAIN, &m->remove) || !unused(r, "/records/save", before))
		return false;
	forget(r, before);
	return !m->has_after || reader_step(r, "/records/after", in.after, STEP_PLAIN, &m->after);
}

struct rrset_in {
	const json_t *get, *create, *replace, *remove, *after, *where, *element, *mine;
	const char   *at, *elements, *value;
	bool          compares, whole;
};

static const struct json_field rrset_fields[] = {
	{ JSON_FIELD(struct rrset_in, get, OBJECT), .required = true },
	{ JSON_FIELD(struct rrset_in, create, OBJECT) },
	{ JSON_FIELD(struct rrset_in, replace, OBJECT), .required = true },
	{ JSON_FIELD(struct rrset_in, remove, OBJECT) },
	{ JSON_FIELD(struct rrset_in, mine, OBJECT) },
	{ JSON_FIELD(struct rrset_in, whole, BOOL) },
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

	if (!reader_bind(r, "/rrset", json, rrset_fields, ARRAY_LEN(rrset_fields), &in) ||
	    !reader_path(r, "/rrset/at", in.at) ||
	    !reader_path(r, "/rrset/elements", in.elements) || !reader_path(r, "/rrset/value", in.value))
		return false;
	m->at = in.at;
	m->elements = in.elements;
	m->value = in.value;
	m->element = in.element;
	m->compares = in.compares;
	m->whole = in.whole;
	if ((in.whole ? in.create != NULL || in.remove != NULL || in.mine == NULL
	              : in.create == NULL || in.remove == NULL || in.mine != NULL))
		return reader_bad(r, "/rrset", "a whole zone has \"mine\" and \"replace\", a set \"create\", \"replace\" and \"remove\"");
	m->has_after = in.after != NULL;
	if (!template_json_check(in.element, &r->known, r->err)) {
		r->at = "/rrset/element";
		return false;
	}
	if (!reader_pairs(r, "/rrset/where", in.where, &m->where) || !reader_where(r, "/rrset/where", &m->where) ||
	    !reader_step(r, "/rrset/get", in.get, STEP_SAVES, &m->get))
		return false;
	reader_know_own(r, "elements");
	reader_know_own(r, "old_elements");
	if (!reader_pairs(r, "/rrset/mine", in.mine, &m->mine) || !reader_where(r, "/rrset/mine", &m->mine))
		return false;
	if (in.whole && m->mine.count == 0)
		return reader_bad(r, "/rrset/mine", "without a path every record of the zone would be taken for ours");
	if ((!in.whole && !reader_step(r, "/rrset/create", in.create, STEP_NUMBERED, &m->create)) ||
	    !reader_step(r, "/rrset/replace", in.replace, STEP_NUMBERED, &m->replace) ||
	    (!in.whole && !reader_step(r, "/rrset/remove", in.remove, STEP_NUMBERED, &m->remove)) || !unused(r, "/rrset/get/save", before))
		return false;
	forget(r, before);
	return !m->has_after || reader_step(r, "/rrset/after", in.after, STEP_PLAIN, &m->after);
}

static bool read_calls(struct reader *r, const json_t *json)
{
	struct recipe_calls *m = &r->recipe->calls;
	struct calls_in {
		const json_t *add, *remove;
		int64_t       holds;
	} in = { 0 };
	static const struct json_field fields[] = {
		{ JSON_FIELD(struct calls_in, add, OBJECT), .required = true },
		{ JSON_FIELD(struct calls_in, remove, OBJECT), .required = true },
		{ JSON_FIELD(struct calls_in, holds, INT) },
	};

	if (!reader_bind(r, "/calls", json, fields, ARRAY_LEN(fields), &in))
		return false;
	if (in.holds < 0 || in.holds > 100)
		return reader_bad(r, "/calls/holds", "1 to 100 values, or 0 for any number");
	m->holds = in.holds;
	return reader_step(r, "/calls/add", in.add, STEP_PLAIN, &m->add) &&
	       reader_step(r, "/calls/remove", in.remove, STEP_PLAIN, &m->remove);
}

/* ---- the whole ---- */

struct top_in {
	const char         *id, *title, *docs, *permissions, *base, *message, *retry_after, *native;
	const json_t       *policy;
	struct json_strings aliases;
	bool                plain_http;
	const json_t       *credentials, *alternatives, *limits, *auth, *answers, *session, *zone, *records, *rrset, *calls;
	int64_t             ttl;
};

static const struct json_field top_fields[] = {
	{ JSON_FIELD(struct top_in, id, STR), .required = true },
	{ JSON_FIELD(struct top_in, title, STR), .required = true },
	{ JSON_FIELD(struct top_in, docs, STR) },
	{ JSON_FIELD(struct top_in, permissions, STR), .required = true },
	{ JSON_FIELD(struct top_in, policy, OBJECT) },
	{ JSON_FIELD(struct top_in, base, STR) },
	{ JSON_FIELD(struct top_in, native, STR) },
	{ JSON_FIELD(struct top_in, message, STR) },
	{ JSON_FIELD(struct top_in, retry_after, STR) },
	{ JSON_FIELD(struct top_in, aliases, STR_ARRAY) },
	{ JSON_FIELD(struct top_in, plain_http, BOOL) },
	{ JSON_FIELD(struct top_in, credentials, ARRAY), .required = true },
	{ JSON_FIELD(struct top_in, alternatives, ARRAY) },
	{ JSON_FIELD(struct top_in, limits, OBJECT) },
	{ JSON_FIELD(struct top_in, auth, ARRAY) },
	{ JSON_FIELD(struct top_in, answers, ARRAY) },
	{ JSON_FIELD(struct top_in, session, OBJECT) },
	{ JSON_FIELD(struct top_in, zone, OBJECT) },
	{ JSON_FIELD(struct top_in, records, OBJECT) },
	{ JSON_FIELD(struct top_in, rrset, OBJECT) },
	{ JSON_FIELD(struct top_in, calls, OBJECT) },
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
	if (!reader_bind(r, "/limits", json, fields, ARRAY_LEN(fields), &in))
		return false;
	if (in.requests < 1 || in.requests > 100000 || in.per_s < 1 || in.per_s > 3600)
		return reader_bad(r, "/limits", "1 to 100000 requests per 1 to 3600 seconds");
	r->recipe->requests = in.requests;
	r->recipe->per_s = in.per_s;
	return true;
}

/* Functions in the place of steps. What they ask over HTTP has base, authentication and answers as others have. */
static bool read_native(struct reader *r, const struct top_in *in)
{
	const struct {
		const void *given;
		const char *name;
	} steps[] = { { in->session, "session" }, { in->zone, "zone" }, { in->records, "records" }, { in->rrset, "rrset" },
		    { in->calls, "calls" } };

	r->recipe->native = native_find(in->native);
	if (r->recipe->native == NULL)
		return reader_bad(r, "/native", "there is no native provider \"%.64s\"", in->native);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (steps[i].given != NULL)
			return reader_bad(r, arena_printf(r->arena, "/%s", steps[i].name), "a native provider has no steps");
	return reader_path(r, "/message", in->message) && reader_path(r, "/retry_after", in->retry_after) && read_limits(r, in->limits);
}

static bool read_plain(struct reader *r, const struct top_in *in)
{
	struct recipe *recipe = r->recipe;

	recipe->id = in->id;
	recipe->title = in->title;
	recipe->docs = in->docs;
	recipe->permissions = in->permissions;
	recipe->policy = in->policy;
	recipe->base = in->base;
	recipe->message = in->message;
	recipe->retry_after = in->retry_after;
	recipe->aliases = in->aliases;
	recipe->plain_http = in->plain_http;
	recipe->ttl = in->ttl;
	if (!id_ok(in->id))
		return reader_bad(r, "/id", "an id has 2 to 32 characters of a-z, 0-9 and \"-\"");
	if (in->ttl < 1 || in->ttl > 86400)
		return reader_bad(r, "/ttl", "1 to 86400 seconds");
	if (in->native != NULL)
		return read_native(r, in);
	if (in->base == NULL || in->auth == NULL || in->zone == NULL)
		return reader_bad(r, "/", "\"%s\" is missing", in->base == NULL ? "base" : in->auth == NULL ? "auth" : "zone");
	if (strncmp(in->base, "https://", 8) != 0 && in->base[0] != '{')
		return reader_bad(r, "/base", "a base begins with https:// or is a variable");
	if ((in->records != NULL) + (in->rrset != NULL) + (in->calls != NULL) != 1)
		return reader_bad(r, "/", "one of \"records\" (a record per value), \"rrset\" (a set per name) and \"calls\" is needed");
	return reader_path(r, "/message", in->message) && reader_path(r, "/retry_after", in->retry_after) &&
	       read_limits(r, in->limits);
}

static bool read_all(struct reader *r)
{
	static const char *const own[] = { "owner", "value", "ttl", "now", "nonce" };
	struct top_in            in = { 0 };

	if (!reader_bind(r, "/", r->recipe->root, top_fields, ARRAY_LEN(top_fields), &in) || !read_plain(r, &in) ||
	    !read_credentials(r, in.credentials, in.alternatives))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		reader_know_own(r, own[i]);
	if (r->recipe->native != NULL)
		return reader_template(r, "/base", in.base) &&
		       reader_rules(r, "/answers", in.answers, &r->recipe->rules, &r->recipe->rules_count) && read_auths(r, in.auth);
	if (!reader_template(r, "/base", in.base) || !reader_rules(r, "/answers", in.answers, &r->recipe->rules,
	    &r->recipe->rules_count) ||
	    !read_session(r, in.session) || !read_auths(r, in.auth) || !read_zone(r, in.zone))
		return false;
	r->recipe->model = in.records != NULL ? MODEL_RECORDS : in.rrset != NULL ? MODEL_RRSET : MODEL_CALLS;
	switch (r->recipe->model) {
	case MODEL_RECORDS: return read_records(r, in.records) && unused(r, "/", 0);
	case MODEL_RRSET: return read_rrset(r, in.rrset) && unused(r, "/", 0);
	case MODEL_CALLS: return read_calls(r, in.calls) && unused(r, "/", 0);
	}
	return false;
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
	r = (struct reader){ .recipe = recipe, .arena = recipe->arena, .known = { .arena = recipe->arena },
	                .err = err, .at = "/" };
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
