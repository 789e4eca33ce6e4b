/*
 * api/doctor.c: the preflight of names nobody ordered yet, and what CAA says about one. The worker looks; its report goes out as it is.
 */
#include "api/call.h"

bool doctor_get(struct call *call, struct err *err)
{
	const struct http_target *target = call->request->target;
	const char              **names = arena_alloc_array(call->arena, HTTP_PARAMS_MAX, sizeof(*names));
	const char               *report;
	size_t                    count = 0;

	for (size_t i = 0; i < target->query_count; i++)
		if (strcmp(target->query[i].name, "name") == 0)
			names[count++] = target->query[i].value;
	if (count == 0) {
		err_set(err, ERR_INPUT, "no name to look at");
		return err_hint(err, "ask for /v1/doctor?name=example.com; `name` may come several times");
	}
	return command_doctor(call_worker(call), call->arena, &call->who, names, count, &report, err) &&
	       call_text(call, 200, "application/json", str_c(report));
}

bool caa_get(struct call *call, struct err *err)
{
	const char *name = http_target_param(call->request->target, "name"), *authority = http_target_param(call->request->target, "authority");
	const char *report;

	if (name == NULL || name[0] == '\0') {
		err_set(err, ERR_INPUT, "no name to look at");
		return err_hint(err, "ask for /v1/caa?name=example.com&authority=letsencrypt");
	}
	return command_caa(call_worker(call), call->arena, &call->who, name, authority != NULL ? authority : "", &report, err) &&
	       call_text(call, 200, "application/json", str_c(report));
}
