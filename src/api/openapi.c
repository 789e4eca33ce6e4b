/*
 * api/openapi.c: the OpenAPI 3.1 page, made from the route table and the tables the bodies are read with, so that
 * it cannot say anything else than what the server does.
 */
#include "api/call.h"

static json_t *schema(enum json_kind kind)
{
	json_t *json = json_object(), *items;

	switch (kind) {
	case JSON_FIELD_STR: json_put_str(json, "type", "string"); break;
	case JSON_FIELD_BOOL: json_put_str(json, "type", "boolean"); break;
	case JSON_FIELD_INT: json_put_str(json, "type", "integer"); break;
	case JSON_FIELD_STR_ARRAY:
		items = json_object();
		json_put_str(items, "type", "string");
		json_put_str(json, "type", "array");
		json_put(json, "items", items);
		break;
	case JSON_FIELD_OBJECT: json_put_str(json, "type", "object"); break;
	case JSON_FIELD_ARRAY: json_put_str(json, "type", "array"); break;
	case JSON_FIELD_ANY: break;
	}
	return json;
}

static json_t *body_json(const struct route *route)
{
	json_t *properties = json_object(), *required = json_array(), *object = json_object(), *media = json_object(),
	       *content = json_object(), *body = json_object();

	for (size_t i = 0; i < *route->fields_count; i++) {
		json_put(properties, route->fields[i].name, schema(route->fields[i].kind));
		if (route->fields[i].required)
			json_array_append_new(required, json_string(route->fields[i].name));
	}
	json_put_str(object, "type", "object");
	json_put(object, "properties", properties);
	json_put(object, "required", required);
	if (strncmp(route->path, "/v1/", 4) == 0) /* façades ignore what they do not know */
		json_put_bool(object, "additionalProperties", false);
	json_put(media, "schema", object);
	json_put(content, "application/json", media);
	json_put_bool(body, "required", true);
	json_put(body, "content", content);
	return body;
}

static json_t *parameter(struct str name, const char *in)
{
	json_t *json = json_object();

	json_put(json, "name", json_stringn(name.ptr, name.len));
	json_put_str(json, "in", in);
	json_put_bool(json, "required", strcmp(in, "path") == 0);
	json_put(json, "schema", schema(JSON_FIELD_STR));
	return json;
}

static json_t *parameters_json(const struct route *route)
{
	json_t    *array = json_array();
	struct str rest = str_c(route->path), field;

	while (str_next(&rest, '/', &field))
		if (field.len > 2 && field.ptr[0] == '{')
			json_array_append_new(array, parameter(str_of(field.ptr + 1, field.len - 2), "path"));
	rest = str_c(route->query);
	while (str_next(&rest, ' ', &field))
		json_array_append_new(array, parameter(field, "query"));
	return array;
}

static json_t *described(const char *text)
{
	json_t *json = json_object();

	json_put_str(json, "description", text);
	return json;
}

static json_t *operation(struct call *call, const struct route *route)
{
	static const char *const needs[PERM__COUNT] = {
		[PERM_REFUSED] = "nobody", [PERM_PUBLIC] = "no token", [PERM_READ] = "viewer", [PERM_WRITE] = "operator",
		[PERM_ADMIN] = "administrator", [PERM_ROOT] = "administrator of all projects",
	};
	json_t *json = json_object(), *answers = json_object();

	json_put_str(json, "summary", route->summary);
	json_put_str(json, "description", arena_printf(call->arena, "Needs: %s.", needs[route->permission]));
	json_put(json, "parameters", parameters_json(route));
	if (route->fields != NULL)
		json_put(json, "requestBody", body_json(route));
	json_put(answers, arena_printf(call->arena, "%d", route->status), described("done"));
	json_put(answers, "default", described("a problem document (RFC 9457)"));
	json_put(json, "responses", answers);
	if (route->permission == PERM_PUBLIC)
		json_put(json, "security", json_array());
	return json;
}

bool openapi_get(struct call *call, struct err *err UNUSED)
{
	json_t *json = json_object(), *info = json_object(), *paths = json_object(), *components = json_object(),
	       *schemes = json_object(), *bearer = json_object(), *security = json_array(), *need = json_object();

	json_put_str(info, "title", "Reeve");
	json_put_str(info, "version", REEVE_VERSION);
	for (size_t i = 0; i < routes_count; i++) {
		json_t *path = json_object_get(paths, routes[i].path);
		char   *method = arena_strdup(call->arena, routes[i].method);

		if (path == NULL) {
			path = json_object();
			json_put(paths, routes[i].path, path);
		}
		str_lower(method);
		json_put(path, method, operation(call, &routes[i]));
	}
	json_put_str(bearer, "type", "http");
	json_put_str(bearer, "scheme", "bearer");
	json_put(schemes, "token", bearer);
	json_put(components, "securitySchemes", schemes);
	json_put(need, "token", json_array());
	json_array_append_new(security, need);
	json_put_str(json, "openapi", "3.1.0");
	json_put(json, "info", info);
	json_put(json, "security", security);
	json_put(json, "paths", paths);
	json_put(json, "components", components);
	return call_json(call, 200, json);
}
