/*
 * api/connections.c: accounts at DNS providers, and the providers there are. Credentials go through the keeper before they
 * are stored and never come back; they are sealed together with the settings that say where they are sent.
 */
#include "api/call.h"
#include "base/buf.h"
#include "base/name.h"
#include "crypto/secret.h"
#include "provider/book.h"
#include "provider/credentials.h"
#include "provider/native.h"
#include "store/connection.h"

#define RANGES_MAX (4 * KIB)

struct connection_request {
	const char         *name, *provider, *zone, *zone_id, *base_url, *proxy, *ca_pem;
	const json_t       *credentials, *allow_addresses;
	bool                is_default;
};

const struct json_field connection_fields[] = {
	{ JSON_FIELD(struct connection_request, name, STR) },
	{ JSON_FIELD(struct connection_request, provider, STR) },
	{ JSON_FIELD(struct connection_request, credentials, OBJECT) },
	{ JSON_FIELD(struct connection_request, zone, STR) },
	{ JSON_FIELD(struct connection_request, zone_id, STR) },
	{ JSON_FIELD(struct connection_request, base_url, STR) },
	{ JSON_FIELD(struct connection_request, proxy, STR) },
	{ JSON_FIELD(struct connection_request, ca_pem, STR) },
	{ JSON_FIELD(struct connection_request, allow_addresses, ANY) },
	{ .name = "default", .kind = JSON_FIELD_BOOL, .offset = offsetof(struct connection_request, is_default) },
};
const size_t connection_fields_count = ARRAY_LEN(connection_fields);

struct test_request {
	bool write;
};

const struct json_field connection_test_fields[] = {
	{ JSON_FIELD(struct test_request, write, BOOL) },
};
const size_t connection_test_fields_count = ARRAY_LEN(connection_test_fields);

/* ---- shapes ---- */

static json_t *split_json(const char *text, char separator)
{
	json_t    *array = json_array();
	struct str rest = str_c(text), one;

	while (str_next(&rest, separator, &one))
		if (one.len > 0)
			json_array_append_new(array, json_stringn(one.ptr, one.len));
	return array;
}

static json_t *connection_json(const struct connection *c)
{
	json_t *json = json_object();

	json_put_str(json, "id", c->id);
	json_put_str(json, "name", c->name);
	json_put_str(json, "provider", c->provider);
	put_text_or_null(json, "zone", c->zone);
	put_text_or_null(json, "zone_id", c->zone_id);
	put_text_or_null(json, "base_url", c->base_url);
	put_text_or_null(json, "proxy", c->proxy);
	json_put_bool(json, "trust_bundle", c->ca_pem[0] != '\0');
	json_put(json, "allow_addresses", split_json(c->allow_addresses, ','));
	json_put(json, "credentials_given", split_json(c->fields, ' '));
	json_put_bool(json, "default", c->is_default);
	put_text_or_null(json, "health", c->health);
	put_text_or_null(json, "problem", c->problem);
	put_text_or_null(json, "finding", c->finding);
	put_text_or_null(json, "hint", c->hint);
	put_time(json, "checked_at", c->checked_at);
	put_time(json, "created_at", c->created_at);
	return json;
}

static bool connection_answer(struct call *call, int status, const char *id_or_name, struct err *err)
{
	struct connection c;

	return connection_find_named(call->db, call->arena, call->project_id, id_or_name, &c, err) &&
	       call_json(call, status, connection_json(&c));
}

/* ---- reading a request ---- */

/* What leads into the installation's own network is not a tenant's to set. */
static bool for_installation(const struct call *call, const char *member, struct err *err)
{
	if (call->grant.project_id[0] == '\0')
		return true;
	err_problem(err, ERR_DENIED, "forbidden", "%s is for administrators of all projects", member);
	return err_hint(err, "add the connection over the server's own socket: reeve --project NAME connection add …");
}

static bool read_ranges(struct call *call, const json_t *list, const char **ret, struct err *err)
{
	AUTO(buf_clear) struct buf ranges;
	const json_t              *one;
	size_t                     i;

	buf_init(&ranges, RANGES_MAX);
	if (!json_is_array(list))
		return err_set(err, ERR_INPUT, "allow_addresses must be an array of ranges");
	if (json_array_size(list) > 0 && !for_installation(call, "allow_addresses", err))
		return false;
	json_array_foreach(list, i, one) {
		if (!json_is_string(one) || strchr(json_string_value(one), ',') != NULL)
			return err_set(err, ERR_INPUT, "allow_addresses must be an array of ranges");
		buf_printf(&ranges, "%s%s", i > 0 ? "," : "", json_string_value(one));
	}
	if (ranges.failed)
		return err_set(err, ERR_INPUT, "allow_addresses is too long");
	*ret = arena_str(call->arena, buf_str(&ranges));
	return true;
}

static bool put(const char **member, const char *value)
{
	bool changed = value != NULL && strcmp(*member, value) != 0;

	if (changed)
		*member = value;
	return changed;
}

/* What the request says over what there is. *ret_bound: a setting changed that the credentials are sealed with. */
static bool merge(struct call *call, const struct connection_request *r, struct connection *c, bool *ret_bound, struct err *err)
{
	const char *ranges = NULL, *zone = r->zone;
	char        parsed[NAME_SIZE];

	if (r->allow_addresses != NULL && !json_is_null(r->allow_addresses) && !read_ranges(call, r->allow_addresses, &ranges, err))
		return false;
	if (r->proxy != NULL && r->proxy[0] != '\0' && !for_installation(call, "proxy", err))
		return false;
	if (zone != NULL && zone[0] != '\0') {
		if (!owner_parse(str_c(zone), parsed, err))
			return err_in(err, "zone \"%s\"", zone);
		zone = arena_strdup(call->arena, parsed);
	}
	put(&c->name, r->name);
	c->is_default = c->is_default || r->is_default;
	*ret_bound = put(&c->zone, zone);
	*ret_bound = put(&c->zone_id, r->zone_id) || *ret_bound;
	*ret_bound = put(&c->base_url, r->base_url) || *ret_bound;
	*ret_bound = put(&c->proxy, r->proxy) || *ret_bound;
	*ret_bound = put(&c->ca_pem, r->ca_pem) || *ret_bound;
	*ret_bound = put(&c->allow_addresses, ranges) || *ret_bound;
	return true;
}

static bool read_credentials(struct call *call, const json_t *object, struct engine_credential **ret, size_t *ret_count, struct err *err)
{
	struct engine_credential *list = arena_alloc_array(call->arena, CREDENTIALS_MAX, sizeof(*list));
	size_t                    count = 0;
	const char               *key;
	json_t                   *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (!json_is_string(value))
			return err_set(err, ERR_INPUT, "the credential \"%.64s\" must be a text", key);
		if (count == CREDENTIALS_MAX)
			return err_set(err, ERR_INPUT, "more than %u credentials", CREDENTIALS_MAX);
		if (json_string_length(value) > 0)
			list[count++] = (struct engine_credential){ key, json_string_value(value) };
	}
	*ret = list;
	*ret_count = count;
	return true;
}

/* The same credential under two of its names is one too many. */
static bool fields_of(struct call *call, const struct recipe *recipe, const struct engine_credential *list, size_t count,
                      const char **ret, struct err *err)
{
	const char *text = "";

	for (size_t i = 0; i < recipe->credentials_count; i++) {
		size_t given = 0;

		for (size_t k = 0; k < count; k++)
			given += recipe_credential_find(recipe, list[k].name) == &recipe->credentials[i];
		if (given > 1)
			return err_set(err, ERR_INPUT, "the credential \"%s\" is given twice, under two of its names", recipe->credentials[i].name);
		if (given == 1)
			text = arena_printf(call->arena, "%s%s%s", text, text[0] != '\0' ? " " : "", recipe->credentials[i].name);
	}
	*ret = text;
	return true;
}

/* Checked against the recipe before anything else happens, then sealed for the row as it will be. */
static bool seal_with(struct call *call, const struct recipe *recipe, const json_t *credentials, struct connection *c, struct err *err)
{
	AUTO(buf_wipe) struct buf plain;
	struct engine_account     account = { .id = c->id, .recipe = recipe };
	struct engine_credential *list;
	struct record_id          record;
	size_t                    count;

	buf_init(&plain, CREDENTIALS_SIZE_MAX);
	if (!read_credentials(call, credentials, &list, &count, err))
		return false;
	account.credentials = list;
	account.credentials_count = count;
	c->provider = arena_strdup(call->arena, recipe->id);
	if (recipe->native != NULL && recipe->native->local && !for_installation(call, recipe->title, err))
		return false;
	if (!engine_account_check(&account, err) || !fields_of(call, recipe, list, count, &c->fields, err) ||
	    !credentials_write(recipe, list, count, &plain, err))
		return false;
	connection_record(call->arena, c, &record);
	return keeper_seal(call_keeper(call), &record, buf_str(&plain), call->arena, &c->credentials, err);
}

/* The strings of the body do not outlive their use. */
static void forget(const json_t *credentials)
{
	const char *key;
	json_t     *value;

	json_object_foreach((json_t *)(uintptr_t)credentials, key, value) {
		if (json_is_string(value))
			wipe((void *)(uintptr_t)json_string_value(value), json_string_length(value));
	}
}

static bool seal(struct call *call, const char *provider, const json_t *credentials, struct connection *c, struct err *err)
{
	struct book_page    *page = book_take(call_book(call));
	const struct recipe *recipe;
	bool                 ok;

	if (strcmp(provider, CONNECTION_BUILTIN) == 0) {
		ok = err_problem(err, ERR_INPUT, "invalid-request", "the built-in zones need no connection");
		err_hint(err, "set [zone] names in reeve.toml and restart");
	} else {
		ok = recipes_find(book_recipes(page), provider, &recipe, err) && seal_with(call, recipe, credentials, c, err);
	}
	book_give_back(call_book(call), page);
	forget(credentials);
	return ok;
}

/* ---- /v1/connections ---- */

bool connection_create(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t  *none = json_object();
	struct connection_request request = { 0 };
	struct command_connection in = { .c = { .name = "", .provider = "", .zone = "", .zone_id = "", .base_url = "", .proxy = "", .ca_pem = "",
		                                .allow_addresses = "", .fields = "", .row_version = 1 } };
	struct command_reply      reply;
	char                      id[ID_SIZE];
	bool                      bound;

	if (!call_bind(call, connection_fields, connection_fields_count, &request, err))
		return false;
	if (request.name == NULL || request.provider == NULL)
		return err_set(err, ERR_INPUT, "a connection needs a name and a provider");
	if (!slug_check("the name of a connection", request.name, err) || !merge(call, &request, &in.c, &bound, err))
		return false;
	id_new(id);
	in.c.id = id;
	in.c.project_id = call->project_id;
	return seal(call, request.provider, request.credentials != NULL ? request.credentials : none, &in.c, err) &&
	       command_connection_add(call_worker(call), call->arena, &call->who, &in, &reply, err) &&
	       connection_answer(call, 201, reply.id, err);
}

bool connection_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	struct connection       *list;
	size_t                   count;
	json_t                  *json;

	if (!connection_list(call->db, call->arena, call->project_id, "", &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, connection_json(&list[i]));
	json = json_object();
	json_put(json, "connections", TAKE(array));
	return call_json(call, 200, json);
}

bool connection_get(struct call *call, struct err *err)
{
	return connection_answer(call, 200, call_x(call), err);
}

bool connection_patch(struct call *call, struct err *err)
{
	struct connection_request request = { 0 };
	struct command_connection in = { 0 };
	struct command_reply      reply;
	bool                      bound;

	if (!call_bind(call, connection_fields, connection_fields_count, &request, err) ||
	    !connection_find_named(call->db, call->arena, call->project_id, call_x(call), &in.c, err))
		return false;
	if (request.provider != NULL && strcmp(request.provider, in.c.provider) != 0)
		return err_set(err, ERR_INPUT, "the provider of a connection cannot be changed: add another connection");
	in.seen_version = in.c.row_version;
	if (!merge(call, &request, &in.c, &bound, err))
		return false;
	if (bound && request.credentials == NULL) {
		err_problem(err, ERR_INPUT, "invalid-request", "zone, zone id, base URL, proxy, trust and addresses say where the credentials are sent");
		return err_hint(err, "they are sealed together: give the credentials again with the change");
	}
	if (request.credentials != NULL) {
		in.c.row_version++;
		if (!seal(call, in.c.provider, request.credentials, &in.c, err))
			return false;
	}
	return command_connection_update(call_worker(call), call->arena, &call->who, &in, &reply, err) &&
	       connection_answer(call, 200, reply.id, err);
}

bool connection_delete(struct call *call, struct err *err)
{
	struct command_reply reply;

	return command_connection_remove(call_worker(call), call->arena, &call->who, call_x(call), &reply, err) && call_empty(call, 204);
}

bool connection_test(struct call *call, struct err *err)
{
	struct test_request  request = { 0 };
	struct command_reply reply;
	struct connection    c;
	json_t              *json, *test;

	if (!call_bind(call, connection_test_fields, connection_test_fields_count, &request, err) ||
	    !command_connection_test(call_worker(call), call->arena, &call->who, call_x(call), request.write, &reply, err) ||
	    !connection_find_named(call->db, call->arena, call->project_id, reply.id, &c, err))
		return false;
	test = json_object();
	json_put_bool(test, "ok", reply.problem[0] == '\0');
	json_put_bool(test, "wrote", request.write && reply.problem[0] == '\0');
	put_text_or_null(test, "problem", reply.problem);
	put_text_or_null(test, "detail", reply.detail);
	put_text_or_null(test, "hint", reply.hint);
	json = connection_json(&c);
	json_put(json, "test", test);
	return call_json(call, 200, json);
}

/* ---- /v1/providers ---- */

static json_t *strings_json(const struct json_strings *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(list->items[i]));
	return array;
}

static json_t *credential_json(const struct recipe_credential *c)
{
	json_t *json = json_object();

	json_put_str(json, "name", c->name);
	json_put_str(json, "title", c->title);
	json_put_bool(json, "required", c->required);
	json_put_bool(json, "secret", c->secret);
	json_put_str(json, "pattern", c->pattern);
	json_put_str(json, "default", c->otherwise);
	json_put(json, "aliases", strings_json(&c->aliases));
	return json;
}

static json_t *provider_json(const struct recipes_row *row, bool brief)
{
	const struct recipe *recipe = row->recipe;
	json_t              *json = json_object(), *list = json_array();

	json_put_str(json, "id", row->id);
	json_put_str(json, "file", row->file);
	json_put_bool(json, "usable", recipe != NULL);
	put_text_or_null(json, "problem", recipe == NULL ? row->err.text : "");
	json_put_str(json, "title", recipe != NULL ? recipe->title : NULL);
	json_put(json, "aliases", recipe != NULL ? strings_json(&recipe->aliases) : json_array());
	for (size_t i = 0; !brief && recipe != NULL && i < recipe->credentials_count; i++)
		json_array_append_new(list, credential_json(&recipe->credentials[i]));
	if (brief || recipe == NULL) {
		json_decref(list);
		return json;
	}
	json_put(json, "credentials", list);
	list = json_array();
	for (size_t i = 0; i < recipe->alternatives_count; i++)
		json_array_append_new(list, strings_json(&recipe->alternatives[i]));
	json_put(json, "alternatives", list);
	json_put_str(json, "documentation", recipe->docs);
	json_put_str(json, "zone_id", recipe->zone.given);
	return json;
}

bool provider_list_get(struct call *call, struct err *err UNUSED)
{
	struct book_page *page = book_take(call_book(call));
	json_t           *json = json_object(), *array = json_array();

	for (size_t i = 0; i < recipes_count(book_recipes(page)); i++)
		json_array_append_new(array, provider_json(recipes_at(book_recipes(page), i), true));
	book_give_back(call_book(call), page);
	json_put(json, "providers", array);
	return call_json(call, 200, json);
}

static const struct recipes_row *row_named(const struct recipes *all, const char *name)
{
	const struct recipe *recipe = NULL;
	struct err           ignored = { 0 };

	if (!recipes_find(all, name, &recipe, &ignored))
		recipe = NULL;
	for (size_t i = 0; i < recipes_count(all); i++) {
		const struct recipes_row *row = recipes_at(all, i);

		if (recipe != NULL ? row->recipe == recipe : strcmp(row->id, name) == 0)
			return row;
	}
	return NULL;
}

bool provider_get(struct call *call, struct err *err)
{
	struct book_page         *page = book_take(call_book(call));
	const struct recipes_row *row = row_named(book_recipes(page), call_x(call));
	const char               *zone = http_target_param(call->request->target, "zone");
	const char               *zone_id = http_target_param(call->request->target, "zone_id");
	json_t                   *json = NULL;

	if (row != NULL) {
		json = provider_json(row, false);
		/* The least a credential must be permitted, in words and ready to be copied. */
		if (row->recipe != NULL) {
			json_put_str(json, "permissions", row->recipe->permissions);
			json_put(json, "policy", recipe_policy(row->recipe, zone != NULL ? zone : "", zone_id != NULL ? zone_id : ""));
		}
	}
	book_give_back(call_book(call), page);
	if (json != NULL)
		return call_json(call, 200, json);
	err_set(err, ERR_NOT_FOUND, "there is no DNS provider \"%.64s\"", call_x(call));
	return err_hint(err, "`reeve provider list` shows what there is");
}
