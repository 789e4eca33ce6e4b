/*
 * acme/directory.c: the directory by two tables, one for the URLs that everything else needs and one for the
 * optional ones.
 */
#include "acme/directory.h"

#include "acme/answer.h"
#include "base/name.h"

struct url_member {
	const char *name;
	size_t      offset;
	bool        required;
};

#define MEMBER(field) offsetof(struct acme_directory, field)
static const struct url_member url_members[] = {
	{ "newNonce", MEMBER(new_nonce), true },
	{ "newAccount", MEMBER(new_account), true },
	{ "newOrder", MEMBER(new_order), true },
	{ "revokeCert", MEMBER(revoke_cert), false },
	{ "keyChange", MEMBER(key_change), false },
	{ "renewalInfo", MEMBER(renewal_info), false },
};
#undef MEMBER

static bool looks_like_html(const char *content_type, struct str body)
{
	struct str text = str_trim(body);

	return (content_type != NULL && str_starts(str_c(content_type), STR("text/html"))) ||
	       (text.len > 0 && text.ptr[0] == '<');
}

static void caa_read(struct arena *a, const json_t *list, struct acme_directory *directory)
{
	size_t        i;
	const json_t *item;

	if (!json_is_array(list) || json_array_size(list) == 0)
		return;
	directory->caa_identities = arena_alloc_array(a, ACME_CAA_IDENTITIES_MAX, sizeof(char *));
	json_array_foreach(list, i, item) {
		struct identifier id;

		if (directory->caa_identities_count == ACME_CAA_IDENTITIES_MAX)
			break;
		if (json_is_string(item) &&
		    identifier_parse(str_of(json_string_value(item), json_string_length(item)), &id, NULL) &&
		    !id.wildcard)
			directory->caa_identities[directory->caa_identities_count++] = arena_strdup(a, id.value);
	}
}

static bool profile_name_valid(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return len >= 1 && len <= 64;
}

static void profiles_read(struct arena *a, json_t *profiles, struct acme_directory *directory)
{
	const char *name;
	json_t     *description;

	if (!json_is_object(profiles) || json_object_size(profiles) == 0)
		return;
	directory->profiles = arena_alloc_array(a, ACME_PROFILES_MAX, sizeof(*directory->profiles));
	json_object_foreach(profiles, name, description) {
		if (directory->profiles_count == ACME_PROFILES_MAX)
			break;
		if (!profile_name_valid(name))
			continue;
		directory->profiles[directory->profiles_count++] = (struct acme_profile){
			.name = arena_strdup(a, name),
			.description = acme_text(a, json_string_value(description), 1024),
		};
	}
}

static void meta_read(struct arena *a, const json_t *meta, struct acme_directory *directory)
{
	directory->terms_of_service = acme_people_url(a, meta, "termsOfService");
	directory->website = acme_people_url(a, meta, "website");
	directory->external_account_required = json_bool(meta, "externalAccountRequired", false);
	caa_read(a, json_object_get(meta, "caaIdentities"), directory);
	profiles_read(a, json_object_get(meta, "profiles"), directory);
}

bool acme_directory_parse(struct arena *a, const char *url, const char *content_type, struct str body,
                          struct acme_directory *ret, struct err *err)
{
	struct acme_directory    directory = { 0 };
	AUTO(json_freep) json_t *json = NULL;

	if (looks_like_html(content_type, body)) {
		acme_nonsense(err, "%.300s answered HTML, not an ACME directory: is this the directory URL?", url);
		return err_hint(err, "directory URLs mostly end in /directory; the CA's documentation has the exact one");
	}
	if (!acme_answer_read("not an ACME directory", body, &json, err))
		return err_in(err, "%.300s", url);
	for (size_t i = 0; i < ARRAY_LEN(url_members); i++) {
		const struct url_member *member = &url_members[i];
		const char              *value = NULL;

		if (!member->required)
			value = acme_answer_url_maybe(a, json, member->name);
		else if (json_object_get(json, member->name) == NULL)
			return acme_nonsense(err, "%.300s answered JSON without '%s', not an ACME directory: is this the "
			                     "directory URL?", url, member->name);
		else if (!acme_answer_url(a, "directory", json, member->name, &value, err))
			return err_in(err, "%.300s", url);
		memcpy((char *)&directory + member->offset, &value, sizeof(value));
	}
	meta_read(a, json_object_get(json, "meta"), &directory);
	*ret = directory;
	return true;
}

const struct acme_profile *acme_directory_profile(const struct acme_directory *directory, const char *name)
{
	for (size_t i = 0; i < directory->profiles_count; i++)
		if (strcmp(directory->profiles[i].name, name) == 0)
			return &directory->profiles[i];
	return NULL;
}

const char *acme_directory_profiles_text(struct arena *a, const struct acme_directory *directory)
{
	const char *text = "";

	for (size_t i = 0; i < directory->profiles_count; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? ", " : "it offers ", directory->profiles[i].name);
	return directory->profiles_count > 0 ? text : "it offers no profiles at all";
}
