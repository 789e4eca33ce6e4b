/*
 * api/presets.c: the table of acme/preset.h for people and for forms.
 */
#include "acme/preset.h"
#include "api/call.h"

static json_t *preset_json(const struct acme_preset *p)
{
	json_t *json = json_object(), *caps = json_object();

	for (size_t i = 0; i < ARRAY_LEN(p->caps) && p->caps[i].profile != NULL; i++)
		json_put_int(caps, p->caps[i].profile, p->caps[i].names_max);
	json_put_str(json, "name", p->name);
	json_put_str(json, "title", p->title);
	json_put_str(json, "directory_url", p->urls[0]);
	json_put_str(json, "staging_url", p->staging);
	json_put_str(json, "directory_url_form", p->url_form);
	json_put_bool(json, "eab_required", p->eab != NULL);
	json_put_bool(json, "eab_single_use", p->eab_once);
	json_put_str(json, "eab_from", p->eab);
	json_put_bool(json, "email_required", p->email_needed);
	json_put_str(json, "renewal_info", acme_maybe_name(p->renewal_info));
	json_put_str(json, "profiles", acme_maybe_name(p->profiles));
	json_put_str(json, "key_change", acme_maybe_name(p->key_change));
	json_put_str(json, "wildcards", acme_maybe_name(p->wildcard));
	json_put_str(json, "alternate_chains", acme_maybe_name(p->alternates));
	json_put_str(json, "not_after", acme_maybe_name(p->not_after));
	json_put_str(json, "revocation_by_key", acme_maybe_name(p->key_revoke));
	json_put(json, "names_max", p->names_max > 0 ? json_integer(p->names_max) : json_null());
	json_put(json, "profile_names_max", caps);
	json_put_str(json, "limits", p->limits);
	json_put_str(json, "ended", p->ended);
	json_put_str(json, "note", p->note);
	return json;
}

bool authority_presets_get(struct call *call, struct err *err)
{
	json_t *json = json_object(), *list = json_array();

	(void)err;
	for (size_t i = 0; i < acme_presets_count; i++)
		json_array_append_new(list, preset_json(&acme_presets[i]));
	json_put(json, "presets", list);
	return call_json(call, 200, json);
}
