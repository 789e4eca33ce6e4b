/*
 * api/edit.c: PATCH of a certificate: when it is renewed, or what it is. The two are apart: the first changes a policy and
 * orders nothing, the second orders anew, and one request is one transaction of the worker.
 */
#include "api/call.h"
#include "store/certificate.h"

struct patch_request {
	bool                       auto_renew, paused, has_auto_renew, has_paused, has_renew_before;
	const char                *renew_before;
	struct certificate_request edit;
	bool                       key_compromised, planned, has_names, has_authority, has_key_type, has_key_policy, has_fallback_authority,
		has_fallback_after, has_csr, has_domain_alias;
};

#define EDIT(name_, kind_)                                                                         \
	.name = #name_, .kind = JSON_FIELD_##kind_, .offset = offsetof(struct patch_request, edit.name_)
#define PRESENT(member) .present = offsetof(struct patch_request, member) + 1
const struct json_field patch_fields[] = {
	{ JSON_FIELD(struct patch_request, auto_renew, BOOL), PRESENT(has_auto_renew) },
	{ JSON_FIELD(struct patch_request, paused, BOOL), PRESENT(has_paused) },
	{ JSON_FIELD(struct patch_request, renew_before, STR), PRESENT(has_renew_before) },
	{ EDIT(names, STR_ARRAY), PRESENT(has_names) },
	{ EDIT(authority, STR), PRESENT(has_authority) },
	{ EDIT(key_type, STR), PRESENT(has_key_type) },
	{ EDIT(key_policy, STR), PRESENT(has_key_policy) },
	{ EDIT(fallback_authority, STR), PRESENT(has_fallback_authority) },
	{ EDIT(fallback_after, STR), PRESENT(has_fallback_after) },
	{ EDIT(csr, STR), PRESENT(has_csr) },
	{ JSON_FIELD(struct patch_request, key_compromised, BOOL) },
	{ JSON_FIELD(struct patch_request, planned, BOOL) },
	{ EDIT(domain_alias, ANY), PRESENT(has_domain_alias) },
	{ EDIT(provider, STR) },
	{ EDIT(alias_provider, STR) },
	{ EDIT(connection, STR) },
};
#undef PRESENT
#undef EDIT
const size_t patch_fields_count = ARRAY_LEN(patch_fields);

static bool answer(struct call *call, const char *id, struct err *err)
{
	struct certificate c;
	json_t            *json;

	if (!certificate_find(call->db, call->arena, id, &c, err))
		return false;
	json = certificate_json(call, &c, err);
	return json != NULL && call_json(call, 200, json);
}

static bool patch_policy(struct call *call, const char *id, const struct patch_request *r, struct err *err)
{
	struct command_policy policy = { id, r->has_auto_renew, r->auto_renew, r->has_paused, r->paused, r->has_renew_before,
		r->renew_before };
	struct command_reply  reply;

	return command_policy(call_worker(call), call->arena, &call->who, &policy, &reply, err) && answer(call, id, err);
}

static bool patch_what(struct call *call, const char *id, const struct patch_request *r, struct err *err)
{
	struct command_edit  edit = { .certificate = id, .has_fallback = r->has_fallback_authority,
		.has_fallback_after = r->has_fallback_after, .has_csr = r->has_csr, .compromised = r->key_compromised,
		.issue = { .certificate_id = id, .facade = "", .refuse = !r->planned } };
	struct command_reply reply;
	char                 order_id[ID_SIZE];

	if (!certificate_request_take(call, &r->edit, &edit.issue, err))
		return false;
	if (r->has_names && r->edit.names.count == 0)
		return err_set(err, ERR_INPUT, "names must be 1 to %u names", COMMAND_NAMES_MAX);
	id_new(order_id);
	edit.issue.order_id = order_id;
	if (!command_edit(call_worker(call), call->arena, &call->who, &edit, &reply, err))
		return false;
	return reply.order_id[0] != '\0' ? certificate_ordered(call, &reply, false, err) : answer(call, id, err);
}

bool certificate_patch(struct call *call, struct err *err)
{
	struct patch_request r = { .renew_before = "", .edit = { .authority = "", .key_type = "", .provider = "", .alias_provider = "",
		.connection = "", .profile = "", .chain = "", .key_policy = "", .fallback_authority = "", .fallback_after = "", .csr = "" } };
	struct certificate   c;
	bool                 policy, what;

	if (!call_bind(call, patch_fields, patch_fields_count, &r, err) ||
	    !certificate_find_named(call->db, call->arena, call->project_id, call_x(call), &c, err))
		return false;
	policy = r.has_auto_renew || r.has_paused || r.has_renew_before;
	what = r.has_names || r.has_authority || r.has_key_type || r.has_key_policy || r.has_fallback_authority || r.has_fallback_after ||
	       r.has_csr || r.key_compromised || r.has_domain_alias;
	if (policy && what) {
		err_set(err, ERR_INPUT, "when it is renewed and what it is are changed apart");
		return err_hint(err, "send auto_renew, paused and renew_before in a request of their own");
	}
	if (!policy && !what) {
		err_set(err, ERR_INPUT, "there is nothing to change");
		return err_hint(err, "give auto_renew, paused or renew_before; or names, authority, key_type, key_policy, "
			"fallback_authority, fallback_after, csr or key_compromised");
	}
	return policy ? patch_policy(call, c.id, &r, err) : patch_what(call, c.id, &r, err);
}
