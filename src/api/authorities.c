/*
 * api/authorities.c: upstream CAs. The HMAC key of an external account binding goes through the keeper before it
 * is stored and never comes back.
 */
#include "api/call.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "crypto/secret.h"
#include "store/authority.h"
#include "workflow/wish.h"

#define EAB_KEY_MAX 1024u

struct authority_request {
	const char         *name, *preset, *directory_url, *email, *eab_kid, *eab_hmac_key, *ca_pem, *profile, *chain, *connection, *zone;
	struct json_strings allow_addresses;
};

const struct json_field authority_fields[] = {
	{ JSON_FIELD(struct authority_request, name, STR) },
	{ JSON_FIELD(struct authority_request, preset, STR) },
	{ JSON_FIELD(struct authority_request, directory_url, STR) },
	{ JSON_FIELD(struct authority_request, email, STR) },
	{ JSON_FIELD(struct authority_request, eab_kid, STR) },
	{ JSON_FIELD(struct authority_request, eab_hmac_key, STR) },
	{ JSON_FIELD(struct authority_request, ca_pem, STR) },
	{ JSON_FIELD(struct authority_request, allow_addresses, STR_ARRAY) },
	{ JSON_FIELD(struct authority_request, profile, STR) },
	{ JSON_FIELD(struct authority_request, chain, STR) },
	{ JSON_FIELD(struct authority_request, connection, STR) },
	{ JSON_FIELD(struct authority_request, zone, STR) },
};
const size_t authority_fields_count = ARRAY_LEN(authority_fields);

static bool account_json(struct call *call, const struct authority *x, json_t **ret, struct err *err)
{
	struct account account;
	struct err     none = { 0 };

	if (!account_find(call->db, call->arena, x->project_id, x->id, &account, &none)) {
		if (none.class != ERR_NOT_FOUND) {
			if (err != NULL)
				*err = none;
			return false;
		}
		*ret = json_null();
		return true;
	}
	*ret = json_object();
	json_put_str(*ret, "status", account.status);
	put_text_or_null(*ret, "url", account.url);
	return true;
}

/* NULL + err. */
static json_t *authority_json(struct call *call, const struct authority *x, struct err *err)
{
	const struct acme_preset *preset = authority_preset(x);
	json_t    *json, *ranges, *account;
	struct str rest = str_c(x->allow_addresses), range;

	if (!account_json(call, x, &account, err))
		return NULL;
	json = json_object();
	ranges = json_array();
	while (str_next(&rest, ',', &range))
		json_array_append_new(ranges, json_stringn(range.ptr, range.len));
	json_put_str(json, "id", x->id);
	json_put_str(json, "name", x->name);
	json_put_str(json, "directory_url", x->directory_url);
	json_put_str(json, "preset", preset != NULL ? preset->name : NULL);
	put_text_or_null(json, "profile", x->profile);
	put_text_or_null(json, "chain", x->chain);
	json_put_str(json, "note", preset != NULL && preset->ended != NULL ? preset->ended : preset != NULL ? preset->note : NULL);
	json_put_str(json, "email", x->email);
	put_text_or_null(json, "eab_kid", x->eab_kid);
	json_put_bool(json, "trust_bundle", x->ca_pem[0] != '\0');
	json_put(json, "allow_addresses", ranges);
	json_put_bool(json, "default", x->is_default);
	put_text_or_null(json, "connection_id", x->connection_id);
	put_text_or_null(json, "zone", x->zone);
	put_time(json, "created_at", x->created_at);
	json_put(json, "account", account);
	return json;
}

static bool authority_answer(struct call *call, int status, const char *id_or_name, struct err *err)
{
	struct authority x;
	json_t          *json;

	if (!authority_find_named(call->db, call->arena, call->project_id, id_or_name, &x, err))
		return false;
	json = authority_json(call, &x, err);
	return json != NULL && call_json(call, status, json);
}

/* Both or neither; the key in any base64 a CA hands out. */
static bool eab_seal(struct call *call, const struct authority_request *request, const char *id, struct str *ret,
                     struct err *err)
{
	struct record_id record = { call->project_id, KEEPER_COLUMN_EAB, id, 1 };
	struct str       key;
	bool             sealed;

	if ((request->eab_kid[0] != '\0') != (request->eab_hmac_key[0] != '\0')) {
		err_set(err, ERR_INPUT, "eab_kid and eab_hmac_key belong together");
		return err_hint(err, "give both, as the CA handed them out, or neither");
	}
	if (request->eab_kid[0] == '\0')
		return true;
	if (!b64_any_decode(call->arena, str_c(request->eab_hmac_key), &key) || key.len == 0 || key.len > EAB_KEY_MAX) {
		err_set(err, ERR_INPUT, "eab_hmac_key is not base64");
		return err_hint(err, "copy the key exactly as the CA shows it; standard and URL alphabet are both taken");
	}
	sealed = keeper_seal(call_keeper(call), &record, key, call->arena, ret, err);
	wipe((void *)(uintptr_t)key.ptr, key.len);
	return sealed;
}

/* A name of the table stands for the URL; a URL of the table for itself. */
static bool preset_apply(struct authority_request *r, struct err *err)
{
	const struct acme_preset *preset;
	bool                      staging = false;

	if (r->preset[0] == '\0') {
		if (r->name[0] != '\0' && r->directory_url[0] != '\0')
			return true;
		err_set(err, ERR_INPUT, "an authority needs a preset, or a name and a directory_url");
		return err_hint(err, "GET /v1/authority-presets lists the presets");
	}
	preset = acme_preset_find(r->preset, &staging);
	if (preset == NULL) {
		err_set(err, ERR_INPUT, "there is no preset \"%.64s\"", r->preset);
		return err_hint(err, "GET /v1/authority-presets (`reeve authority presets`) lists them; for any other CA give its directory_url");
	}
	if (preset->ended != NULL && r->directory_url[0] == '\0') {
		err_set(err, ERR_INPUT, "%s is no choice any more", preset->title);
		return err_hint(err, "%s", preset->ended);
	}
	if (preset->url_form != NULL && r->directory_url[0] == '\0') {
		err_set(err, ERR_INPUT, "each %s has a directory_url of its own", preset->title);
		return err_hint(err, "it looks like %s", preset->url_form);
	}
	if (preset->eab != NULL && r->eab_kid[0] == '\0') {
		err_problem(err, ERR_CONFIG, "ca-refused", "%s needs an external account binding", preset->title);
		return err_hint(err, "give eab_kid and eab_hmac_key; they come from %s", preset->eab);
	}
	if (r->name[0] == '\0')
		r->name = r->preset;
	if (r->directory_url[0] == '\0')
		r->directory_url = staging ? preset->staging : preset->urls[0];
	return true;
}

bool authority_create(struct call *call, struct err *err)
{
	struct authority_request request = { .name = "", .preset = "", .directory_url = "", .email = "", .eab_kid = "", .eab_hmac_key = "",
		.ca_pem = "", .profile = "", .chain = "", .connection = "", .zone = "" };
	struct authority         x = { .row_version = 1 };
	struct command_reply     reply;
	struct str               eab = { 0 };
	AUTO(buf_clear) struct buf ranges;
	char                     id[ID_SIZE];

	buf_init(&ranges, 16 * KIB);
	if (!call_bind(call, authority_fields, authority_fields_count, &request, err) ||
	    !preset_apply(&request, err) || !slug_check("the name of an authority", request.name, err) ||
	    !chain_wish_check(request.chain, err))
		return false;
	/* Private addresses are the installation's, not a tenant's: they lead into its own network. */
	if (request.allow_addresses.count > 0 && call->grant.project_id[0] != '\0') {
		err_problem(err, ERR_DENIED, "forbidden", "allow_addresses is for administrators of all projects");
		return err_hint(err, "add the authority over the server's own socket: reeve --project NAME authority add …");
	}
	for (size_t i = 0; i < request.allow_addresses.count; i++) {
		if (strchr(request.allow_addresses.items[i], ',') != NULL)
			return err_set(err, ERR_INPUT, "allow_addresses: one range per element");
		buf_printf(&ranges, "%s%s", i > 0 ? "," : "", request.allow_addresses.items[i]);
	}
	if (ranges.failed)
		return err_set(err, ERR_INPUT, "allow_addresses is too long");
	id_new(id);
	if (!eab_seal(call, &request, id, &eab, err))
		return false;
	x.id = id;
	x.project_id = call->project_id;
	x.name = request.name;
	x.directory_url = request.directory_url;
	x.email = request.email;
	x.eab_kid = request.eab_kid;
	x.eab_hmac = eab;
	x.ca_pem = request.ca_pem;
	x.preset = request.preset;
	x.profile = request.profile;
	x.chain = request.chain;
	x.allow_addresses = arena_str(call->arena, buf_str(&ranges));
	x.connection_id = request.connection;
	x.zone = request.zone;
	x.created_at = clock_now_ms();
	return command_authority_add(call_worker(call), call->arena, &call->who, &x, &reply, err) &&
	       authority_answer(call, 201, reply.id, err);
}

bool authority_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	struct authority        *list;
	size_t                   count;
	json_t                  *json;

	if (!authority_list(call->db, call->arena, call->project_id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		json = authority_json(call, &list[i], err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = json_object();
	json_put(json, "authorities", TAKE(array));
	return call_json(call, 200, json);
}

bool authority_get(struct call *call, struct err *err)
{
	return authority_answer(call, 200, call_x(call), err);
}

bool authority_default_put(struct call *call, struct err *err)
{
	struct command_reply reply;

	return command_authority_default(call_worker(call), call->arena, &call->who, call_x(call), &reply, err) &&
	       authority_answer(call, 200, call_x(call), err);
}

struct authority_set_request {
	const char *profile, *chain;
};

const struct json_field authority_set_fields[] = {
	{ JSON_FIELD(struct authority_set_request, profile, STR) },
	{ JSON_FIELD(struct authority_set_request, chain, STR) },
};
const size_t authority_set_fields_count = ARRAY_LEN(authority_set_fields);

bool authority_patch(struct call *call, struct err *err)
{
	struct authority_set_request request;
	struct command_reply         reply;
	struct authority             x;

	if (!authority_find_named(call->db, call->arena, call->project_id, call_x(call), &x, err))
		return false;
	request = (struct authority_set_request){ x.profile, x.chain };
	return call_bind(call, authority_set_fields, authority_set_fields_count, &request, err) && chain_wish_check(request.chain, err) &&
	       command_authority_set(call_worker(call), call->arena, &call->who, x.id, request.profile, request.chain, &reply, err) &&
	       authority_answer(call, 200, x.id, err);
}

bool authority_delete(struct call *call, struct err *err)
{
	struct command_reply reply;

	return command_authority_remove(call_worker(call), call->arena, &call->who, call_x(call), &reply, err) &&
	       call_empty(call, 204);
}
