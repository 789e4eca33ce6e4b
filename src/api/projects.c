/*
 * api/projects.c: projects, and the two routes about the server itself.
 */
#include "api/call.h"
#include "store/project.h"

struct project_request {
	const char *name;
};

const struct json_field project_fields[] = {
	{ JSON_FIELD(struct project_request, name, STR), .required = true },
};
const size_t project_fields_count = ARRAY_LEN(project_fields);

static json_t *project_json(const struct project *p)
{
	json_t *json = json_object();

	json_put_str(json, "id", p->id);
	json_put_str(json, "name", p->name);
	put_time(json, "created_at", p->created_at);
	return json;
}

bool project_create(struct call *call, struct err *err)
{
	struct project_request request = { 0 };
	struct command_reply   reply;
	struct project         p;
	char                   id[ID_SIZE];

	if (!call_bind(call, project_fields, project_fields_count, &request, err) ||
	    !slug_check("the name of a project", request.name, err))
		return false;
	id_new(id);
	if (!command_project_add(call_worker(call), call->arena, &call->who, id, request.name, &reply, err) ||
	    !project_find(call->db, call->arena, reply.id, &p, err))
		return false;
	return call_json(call, 201, project_json(&p));
}

bool project_list_get(struct call *call, struct err *err)
{
	struct project *list;
	size_t          count;
	json_t         *json, *array;

	if (!project_list(call->db, call->arena, &list, &count, err))
		return false;
	json = json_object();
	array = json_array();
	for (size_t i = 0; i < count; i++)
		if (call->grant.project_id[0] == '\0' || strcmp(call->grant.project_id, list[i].id) == 0)
			json_array_append_new(array, project_json(&list[i]));
	json_put(json, "projects", array);
	return call_json(call, 200, json);
}

bool version_get(struct call *call, struct err *err UNUSED)
{
	json_t *json = json_object();

	json_put_str(json, "version", REEVE_VERSION);
	return call_json(call, 200, json);
}

bool health_get(struct call *call, struct err *err UNUSED)
{
	json_t *json = json_object();

	json_put_str(json, "status", "ok");
	json_put_str(json, "version", REEVE_VERSION);
	return call_json(call, 200, json);
}
