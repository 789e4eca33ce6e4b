/*
 * api/certificates.c: managed certificates: ordering, renewing, and handing them out. A private key leaves only
 * after the audit row is durable, and with the grant of whoever asked: the keeper looks at it again.
 */
#include "acme/preset.h"
#include "api/call.h"
#include "base/name.h"
#include "crypto/csr.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/failure.h"
#include "store/order.h"

const struct json_field certificate_fields[] = {
	{ JSON_FIELD(struct certificate_request, names, STR_ARRAY) },
	{ JSON_FIELD(struct certificate_request, authority, STR) },
	{ JSON_FIELD(struct certificate_request, key_type, STR) },
	{ JSON_FIELD(struct certificate_request, domain_alias, ANY) },
	{ JSON_FIELD(struct certificate_request, provider, STR) },
	{ JSON_FIELD(struct certificate_request, alias_provider, STR) },
	{ JSON_FIELD(struct certificate_request, connection, STR) },
	{ JSON_FIELD(struct certificate_request, profile, STR) },
	{ JSON_FIELD(struct certificate_request, chain, STR) },
	{ JSON_FIELD(struct certificate_request, valid_days, INT) },
	{ JSON_FIELD(struct certificate_request, dry_run, BOOL) },
	{ JSON_FIELD(struct certificate_request, key_policy, STR) },
	{ JSON_FIELD(struct certificate_request, fallback_authority, STR) },
	{ JSON_FIELD(struct certificate_request, fallback_after, STR) },
	{ JSON_FIELD(struct certificate_request, csr, STR) },
};
const size_t certificate_fields_count = ARRAY_LEN(certificate_fields);

/* Names that were given beside a request are the request's, in any order; the request's own order is ordered. */
static bool csr_names_match(const struct csr_info *csr, const struct json_strings *names, struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		struct identifier id;
		size_t            k = 0;

		if (!identifier_parse(str_c(names->items[i]), &id, err))
			return false;
		while (k < csr->names_count && strcmp(csr->names[k], id.value) != 0)
			k++;
		if (k == csr->names_count) {
			err_set(err, ERR_INPUT, "%s is not in the CSR", id.value);
			return err_hint(err, "leave the names out to take them from the CSR, or make a CSR for these names");
		}
	}
	for (size_t k = 0; k < csr->names_count && names->count > 0; k++) {
		bool found = false;

		for (size_t i = 0; i < names->count && !found; i++) {
			struct identifier id;

			found = identifier_parse(str_c(names->items[i]), &id, NULL) && strcmp(csr->names[k], id.value) == 0;
		}
		if (!found) {
			err_set(err, ERR_INPUT, "the CSR has %s too, which was not asked for", csr->names[k]);
			return err_hint(err, "leave the names out to take them from the CSR, or name them all");
		}
	}
	return true;
}

bool aliases_parse(struct arena *a, const json_t *value, struct command_issue *ret, struct err *err)
{
	struct command_alias *aliases;
	size_t                count = 0;
	const char           *key;
	json_t               *target;

	if (value == NULL || json_is_null(value))
		return true;
	if (json_is_string(value) && json_string_length(value) == 0)
		return true;
	if (json_is_string(value)) {
		aliases = arena_alloc(a, sizeof(*aliases));
		*aliases = (struct command_alias){ "", json_string_value(value) };
		count = 1;
	} else if (json_is_object(value) && json_object_size(value) <= COMMAND_NAMES_MAX) {
		aliases = arena_alloc_array(a, COMMAND_NAMES_MAX, sizeof(*aliases));
		/* Iterating takes a json_t * by signature only. */
		json_object_foreach((json_t *)(uintptr_t)value, key, target) {
			if (!json_is_string(target) || json_string_length(target) == 0)
				return err_set(err, ERR_INPUT, "domain_alias: the target of %s must be a string", key);
			aliases[count++] = (struct command_alias){ arena_strdup(a, key), json_string_value(target) };
		}
	} else {
		err_set(err, ERR_INPUT, "domain_alias must be a string, or an object of name and target");
		return err_hint(err, "\"domain_alias\": \"x.example.org\", or {\"example.com\": \"x.example.org\"}");
	}
	ret->aliases = aliases;
	ret->aliases_count = count;
	return true;
}

/* The newest order; *ret is NULL when there is none. */
static bool last_order(struct call *call, const char *certificate_id, struct order **ret, struct err *err)
{
	struct order *list;
	size_t        count;

	if (!order_list(call->db, call->arena, call->project_id, certificate_id, 1, &list, &count, err))
		return false;
	*ret = count > 0 ? &list[0] : NULL;
	return true;
}

json_t *names_json(const char *names)
{
	json_t    *array = json_array();
	struct str rest = str_c(names), name;

	while (str_next(&rest, ' ', &name))
		if (name.len > 0)
			json_array_append_new(array, json_stringn(name.ptr, name.len));
	return array;
}

static json_t *last_order_json(const struct order *o)
{
	json_t *json;

	if (o == NULL)
		return json_null();
	json = json_object();
	json_put_str(json, "id", o->id);
	json_put_str(json, "status", o->status);
	json_put_str(json, "step", o->step);
	put_text_or_null(json, "problem", o->problem);
	put_text_or_null(json, "detail", o->detail);
	put_text_or_null(json, "hint", o->hint);
	put_time(json, "next_try_at", o->next_try_at);
	return json;
}

/* What failed since the last success, name by name; *ret is NULL + err. */
static json_t *failures_json(struct call *call, const char *certificate_id, struct err *err)
{
	struct failure *list;
	size_t          count;
	json_t         *array;

	if (!failure_list(call->db, call->arena, certificate_id, "", &list, &count, err))
		return NULL;
	array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *x = json_object();

		json_put_str(x, "name", list[i].identifier);
		json_put_int(x, "failures", list[i].failures);
		json_put_int(x, "validations", list[i].validations);
		json_put_str(x, "class", list[i].class);
		json_put_str(x, "problem", list[i].problem);
		json_put_str(x, "detail", list[i].detail);
		put_time(x, "next_at", list[i].next_at != INT64_MAX ? list[i].next_at : 0);
		put_time(x, "failed_at", list[i].failed_at);
		put_time(x, "rehearsed_at", list[i].rehearsed_at);
		json_array_append_new(array, x);
	}
	return array;
}

json_t *certificate_json(struct call *call, const struct certificate *c, struct err *err)
{
	struct authority authority, second = { .name = "" }, issuer = { .name = "" };
	struct order    *order;
	struct version   version = { .serial = "", .authority_id = "" };
	const char      *status;
	json_t          *json, *renewal, *failures;

	if (!authority_find(call->db, call->arena, c->authority_id, &authority, err) ||
	    !last_order(call, c->id, &order, err))
		return NULL;
	if (c->version > 0 && !version_find_number(call->db, call->arena, c->id, c->version, &version, err))
		return NULL;
	if (c->fallback_id[0] != '\0' && !authority_find(call->db, call->arena, c->fallback_id, &second, err))
		return NULL;
	/* Mostly the certificate's own: a list asks once less for each. */
	if (strcmp(version.authority_id, authority.id) == 0)
		issuer = authority;
	else if (version.authority_id[0] != '\0' && !authority_find(call->db, call->arena, version.authority_id, &issuer, err))
		return NULL;
	renewal = renewal_json(call, c, c->version > 0 ? &version : NULL, err);
	if (renewal == NULL)
		return NULL;
	failures = failures_json(call, c->id, err);
	if (failures == NULL) {
		json_decref(renewal);
		return NULL;
	}
	if (c->version > 0)
		status = version.revoked_at != 0 ? "revoked" : "issued";
	else
		status = order != NULL && strcmp(order->status, "running") == 0 ? "pending" : "failed";
	json = json_object();
	json_put_str(json, "id", c->id);
	json_put_str(json, "name", c->name);
	json_put(json, "names", names_json(c->names));
	json_put_str(json, "authority", authority.name);
	json_put_bool(json, "authority_removed", authority.removed_at != 0);
	put_text_or_null(json, "fallback_authority", second.name);
	put_text_or_null(json, "fallback_after", c->fallback_after);
	put_text_or_null(json, "issued_by", issuer.name);
	json_put_bool(json, "issued_by_fallback", c->fallback_id[0] != '\0' && strcmp(version.authority_id, c->fallback_id) == 0);
	json_put_str(json, "key_type", c->key_type);
	json_put_str(json, "key_policy", c->key_policy);
	json_put_bool(json, "csr", c->csr_spki[0] != '\0');
	json_put_bool(json, "key_compromised", version.key_compromised_at != 0);
	json_put_str(json, "status", status);
	json_put_int(json, "version", c->version);
	put_text_or_null(json, "serial", version.serial);
	put_time(json, "not_before", version.not_before_at);
	put_time(json, "not_after", version.not_after_at);
	put_text_or_null(json, "profile", c->profile);
	put_text_or_null(json, "chain", c->chain);
	json_put(json, "valid_days", c->valid_s > 0 ? json_integer(c->valid_s / 86400) : json_null());
	put_time(json, "revoked_at", version.revoked_at);
	json_put_str(json, "revoked_reason", version.revoked_at != 0 ? acme_reason_name((unsigned)version.revoked_reason) : NULL);
	json_put(json, "renewal", renewal);
	json_put(json, "failures", failures);
	json_put(json, "order", last_order_json(order));
	put_time(json, "created_at", c->created_at);
	return json;
}

bool certificate_ordered(struct call *call, const struct command_reply *reply, bool dry_run, struct err *err)
{
	AUTO(json_freep) json_t *json = json_object();
	struct certificate       c;
	struct order             o;
	json_t                  *part;

	if (!certificate_find(call->db, call->arena, reply->id, &c, err) ||
	    !order_find(call->db, call->arena, reply->order_id, &o, err))
		return false;
	/* Why it is parked is known before the order's own first step has written it down. */
	if (o.problem[0] == '\0' && reply->problem[0] != '\0') {
		o.problem = reply->problem;
		o.detail = reply->detail;
		o.hint = reply->hint;
	}
	/* A dry run has none. */
	part = dry_run ? json_null() : certificate_json(call, &c, err);
	if (part == NULL)
		return false;
	json_put(json, "certificate", part);
	part = order_json(call, &o, false, err);
	if (part == NULL)
		return false;
	json_put(json, "order", part);
	if (reply->problem[0] == '\0' && reply->detail[0] != '\0')
		json_put_str(json, "warning", reply->detail);
	return call_json(call, 202, TAKE(json));
}

bool certificate_create(struct call *call, struct err *err)
{
	struct certificate_request request = { .authority = "", .key_type = "", .provider = "", .alias_provider = "",
		.connection = "", .profile = "", .chain = "", .key_policy = "", .fallback_authority = "", .fallback_after = "", .csr = "" };
	struct command_issue       issue = { .facade = "" };
	struct command_reply       reply;
	char                       certificate_id[ID_SIZE], order_id[ID_SIZE];

	if (!call_bind(call, certificate_fields, certificate_fields_count, &request, err) ||
	    !certificate_request_take(call, &request, &issue, err))
		return false;
	if (issue.names_count < 1) {
		err_set(err, ERR_INPUT, "names must be 1 to %u names", COMMAND_NAMES_MAX);
		return err_hint(err, "\"names\": [\"example.com\"], or a \"csr\" that has them");
	}
	id_new(certificate_id);
	id_new(order_id);
	issue.certificate_id = certificate_id;
	issue.order_id = order_id;
	return command_issue(call_worker(call), call->arena, &call->who, &issue, &reply, err) &&
	       certificate_ordered(call, &reply, request.dry_run, err);
}

bool certificate_list_get(struct call *call, struct err *err)
{
	AUTO(json_freep) json_t *array = json_array();
	const char              *after = http_target_param(call->request->target, "after");
	struct certificate      *list;
	size_t                   count, shown;
	uint64_t                 limit;
	json_t                  *json;

	if (!call_number(call, "limit", 1, 1000, 100, &limit, err))
		return false;
	if (after != NULL && after[0] != '\0' && !id_valid(str_c(after)))
		return err_set(err, ERR_INPUT, "after must be the `next` of the page before");
	/* One more tells whether there is a next page. */
	if (!certificate_list(call->db, call->arena, call->project_id, after != NULL ? after : "", (size_t)limit + 1,
			      &list, &count, err))
		return false;
	shown = count > limit ? (size_t)limit : count;
	for (size_t i = 0; i < shown; i++) {
		json = certificate_json(call, &list[i], err);
		if (json == NULL)
			return false;
		json_array_append_new(array, json);
	}
	json = json_object();
	json_put(json, "certificates", TAKE(array));
	json_put_str(json, "next", count > limit ? list[shown - 1].id : NULL);
	return call_json(call, 200, json);
}

bool certificate_get(struct call *call, struct err *err)
{
	struct certificate c;
	json_t            *json;

	if (!certificate_find_named(call->db, call->arena, call->project_id, call_x(call), &c, err))
		return false;
	json = certificate_json(call, &c, err);
	return json != NULL && call_json(call, 200, json);
}

bool certificate_renew(struct call *call, struct err *err)
{
	struct command_reply reply;
	struct certificate   c;
	char                 order_id[ID_SIZE], nothing;

	if (!call_bind(call, NULL, 0, &nothing, err) ||
	    !certificate_find_named(call->db, call->arena, call->project_id, call_x(call), &c, err))
		return false;
	id_new(order_id);
	return command_renew(call_worker(call), call->arena, &call->who, c.id, order_id, &reply, err) &&
	       certificate_ordered(call, &reply, false, err);
}

bool certificate_request_take(struct call *call, const struct certificate_request *request, struct command_issue *ret,
			      struct err *err)
{
	struct csr_info csr = { 0 };
	enum key_type   key_type;

	if (!aliases_parse(call->arena, request->domain_alias, ret, err))
		return false;
	if (request->names.count > COMMAND_NAMES_MAX)
		return err_set(err, ERR_INPUT, "%zu names are more than a certificate may have (%u)", request->names.count,
			       COMMAND_NAMES_MAX);
	if (request->key_type[0] != '\0' && !key_type_parse(str_c(request->key_type), &key_type)) {
		err_set(err, ERR_INPUT, "there is no key type \"%s\"", request->key_type);
		return err_hint(err, "choose p256, p384, rsa2048, rsa3072 or rsa4096");
	}
	if (request->valid_days < 0 || request->valid_days > 398)
		return err_set(err, ERR_INPUT, "valid_days is 1 to 398");
	ret->names = request->names.items;
	ret->names_count = request->names.count;
	ret->authority = request->authority;
	ret->key_type = request->key_type;
	ret->provider = request->provider;
	ret->alias_provider = request->alias_provider;
	ret->connection = request->connection;
	ret->profile = request->profile;
	ret->chain = request->chain;
	ret->valid_s = request->valid_days * 86400;
	ret->key_policy = request->key_policy;
	ret->fallback = request->fallback_authority;
	ret->fallback_after = request->fallback_after;
	ret->dry_run = request->dry_run;
	if (request->csr[0] == '\0')
		return true;
	if (!csr_parse(call->arena, str_c(request->csr), &csr, err) || !csr_names_match(&csr, &request->names, err))
		return false;
	if (request->key_type[0] != '\0' && key_type != csr.type) {
		err_set(err, ERR_INPUT, "the key of the CSR is %s, not %s", key_type_name(csr.type), request->key_type);
		return err_hint(err, "leave key_type out: it is the CSR's");
	}
	ret->names = csr.names;
	ret->names_count = csr.names_count;
	ret->key_type = key_type_name(csr.type);
	ret->csr = csr.der;
	ret->csr_spki = arena_strdup(call->arena, csr.spki_sha256);
	return true;
}

/* ---- handing out ---- */

bool bundle_find(struct call *call, const char *id_or_name, int64_t number, struct bundle *ret, struct err *err)
{
	static const char   end[] = "-----END CERTIFICATE-----";
	struct certificate *c = arena_alloc(call->arena, sizeof(*c));
	struct version     *v = arena_alloc(call->arena, sizeof(*v));
	const char         *mark;
	size_t              leaf;

	if (!certificate_find_named(call->db, call->arena, call->project_id, id_or_name, c, err)) {
		struct err denied = { 0 };

		if (err->class == ERR_NOT_FOUND && !call_narrowed(call, NULL, &denied))
			*err = denied;
		return false;
	}
	if (!call_narrowed(call, c->id, err))
		return false;
	if (c->version == 0) {
		err_set(err, ERR_NOT_FOUND, "the certificate %s is not issued yet", c->name);
		return err_hint(err, "GET /v1/certificates/%s says what it waits for", c->name);
	}
	if (!version_find_number(call->db, call->arena, c->id, number != 0 ? number : c->version, v, err))
		return false;
	mark = strstr(v->chain_pem, end);
	if (v->not_after_at == 0 || mark == NULL)
		return err_set(err, ERR_NOT_FOUND, "version %lld of %s was never issued", (long long)v->number, c->name);
	leaf = (size_t)(mark - v->chain_pem) + sizeof(end) - 1;
	while (v->chain_pem[leaf] == '\r' || v->chain_pem[leaf] == '\n')
		leaf++;
	*ret = (struct bundle){
		.certificate = c, .version = v, .fullchain = str_c(v->chain_pem),
		.cert = str_of(v->chain_pem, leaf), .chain = str_c(v->chain_pem + leaf),
	};
	return true;
}

bool bundle_key(struct call *call, const struct bundle *b, enum keeper_export_format format, struct str *ret, struct err *err)
{
	struct record_id record = { b->version->project_id, KEEPER_COLUMN_CERT_KEY, b->version->id,
		b->version->row_version };

	if (b->version->key_blob.len == 0) {
		err_problem(err, ERR_CONFLICT, "no-key", "version %lld of %s was made from a CSR: Reeve does not have its key",
			    (long long)b->version->number, b->certificate->name);
		return err_hint(err, "the key is where the CSR was made; cert, chain and fullchain can be had here");
	}
	return call_role(call, ROLE_OPERATOR, err) &&
	       command_audit(call_worker(call), call->arena, &call->who, "key-export", b->certificate->id,
			     arena_printf(call->arena, "%s version %lld to %s", b->certificate->name,
					  (long long)b->version->number, call->request->remote), err) &&
	       keeper_export_key(call_keeper(call), call->grant.bytes, &record, b->version->key_blob, format,
				 b->fullchain, call->arena, ret, err);
}

/* Does the caller have it already? RFC 9110 13.1.2. */
static bool known_to_caller(const struct call *call, const char *etag)
{
	struct str rest = str_c(http_server_header(call->request, "if-none-match")), one;

	while (str_next(&rest, ',', &one)) {
		one = str_trim(one);
		if (str_starts(one, STR("W/")))
			one = str_of(one.ptr + 2, one.len - 2);
		if (str_eq(one, str_c(etag)))
			return true;
	}
	return false;
}

bool certificate_download(struct call *call, struct err *err)
{
	static const char pem[] = "application/x-pem-file";
	const char       *part = http_target_param(call->request->target, "part");
	struct bundle     b;
	struct str        key = { 0 };
	uint64_t          number;
	char             *combined;

	if (part == NULL)
		part = "fullchain";
	if (strcmp(part, "cert") != 0 && strcmp(part, "chain") != 0 && strcmp(part, "fullchain") != 0 &&
	    strcmp(part, "key") != 0 && strcmp(part, "combined") != 0)
		return err_set(err, ERR_INPUT, "part must be cert, chain, fullchain, key or combined");
	if (!call_number(call, "version", 1, INT64_MAX, 0, &number, err) ||
	    !bundle_find(call, call_x(call), (int64_t)number, &b, err))
		return false;
	const char *etag = arena_printf(call->arena, "\"%s-%s\"", b.version->id, part);
	call_header(call, "ETag", etag);
	call_header(call, "Reeve-Certificate", b.certificate->id);
	call_header(call, "Reeve-Version", arena_printf(call->arena, "%lld", (long long)b.version->number));
	if (known_to_caller(call, etag))
		return call_empty(call, 304);
	if (strcmp(part, "cert") == 0)
		return call_text(call, 200, pem, b.cert);
	if (strcmp(part, "chain") == 0)
		return call_text(call, 200, pem, b.chain);
	if (strcmp(part, "fullchain") == 0)
		return call_text(call, 200, pem, b.fullchain);
	if (!bundle_key(call, &b, KEEPER_EXPORT_PKCS8, &key, err))
		return false;
	call->answer->secret = true;
	if (strcmp(part, "key") == 0)
		return call_text(call, 200, pem, key);
	combined = arena_printf(call->arena, "%.*s%.*s", STR_ARG(b.fullchain), STR_ARG(key));
	wipe((void *)(uintptr_t)key.ptr, key.len);
	return call_text(call, 200, pem, str_c(combined));
}
