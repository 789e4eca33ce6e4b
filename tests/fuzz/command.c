/*
 * tests/fuzz/command.c: command frames as the worker reads them. Property: whatever comes, counts stay bounded and no
 * text is NULL.
 */
#include <assert.h>

#include "workflow/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena        *a = arena_new();
	struct wire          w = wire_of(str_of(data, size));
	struct command_who   who = command_who_read(&w, a);
	struct command_issue c = command_issue_read(&w, a);
	struct wire          again = wire_of(str_of(data, size));
	struct authority     x = command_authority_read(&again, a);
	struct wire          third = wire_of(str_of(data, size));
	struct deployment    d = command_deployment_read(&third, a);
	struct command_deployment_run run = command_deployment_run_read(&third, a);
	struct wire          fourth = wire_of(str_of(data, size));
	struct command_connection connection = command_connection_read(&fourth, a);
	size_t               count;

	assert(connection.c.name != NULL && connection.c.fields != NULL && connection.c.ca_pem != NULL);
	assert(who.project_id != NULL && who.principal != NULL);
	assert(c.names_count <= COMMAND_NAMES_MAX && c.aliases_count <= COMMAND_NAMES_MAX);
	for (size_t i = 0; i < c.names_count; i++)
		assert(c.names[i] != NULL);
	for (size_t i = 0; i < c.aliases_count; i++)
		assert(c.aliases[i].name != NULL && c.aliases[i].target != NULL);
	assert(c.facade != NULL && x.id != NULL && x.allow_addresses != NULL);
	assert(d.id != NULL && d.settings != NULL && (d.secret.ptr != NULL || d.secret.len == 0) && run.certificate != NULL);
	(void)command_names_read(&again, a, &count);
	assert(count <= COMMAND_NAMES_MAX);
	again = wire_of(str_of(data, size));
	struct command_policy policy = command_policy_read(&again, a);
	assert(policy.certificate != NULL && policy.renew_before != NULL);
	again = wire_of(str_of(data, size));
	struct command_operation operation = command_operation_read(&again, a);
	assert(operation.id != NULL && operation.kind != NULL && operation.request != NULL && c.profile != NULL && x.preset != NULL);
	struct command_edit edit = command_edit_read(&again, a);
	assert(edit.certificate != NULL && edit.issue.csr_spki != NULL && edit.issue.fallback_after != NULL);
	assert(edit.issue.names_count <= COMMAND_NAMES_MAX && edit.issue.aliases_count <= COMMAND_NAMES_MAX);
	arena_free(a);
	return 0;
}
