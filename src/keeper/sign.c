/*
 * keeper/sign.c: keys of accounts and certificates: made, sealed, opened and used. Each sealed key carries what it is
 * for, so that an account key can never be exported as a certificate's, nor the other way round sign a JWS.
 */
#include <assert.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "crypto/csr.h"
#include "crypto/hmac.h"
#include "crypto/jws.h"
#include "json/json.h"
#include "keeper/bundle.h"
#include "keeper/message.h"
#include "keeper/server.h"
#include "net/url.h"

#define EMAIL_MAX 254

/* First byte of a sealed key. Stored: never renumbered. */
enum key_use { KEY_USE_ACCOUNT = 'a', KEY_USE_CERT = 'c' };

/* ---- sealed keys: u8 use | u32 hosts | hosts … | PKCS#8 ---- */

static void put_u32(uint8_t **at, size_t v)
{
	for (size_t i = 0; i < 4; i++)
		*(*at)++ = (uint8_t)(v >> (24 - 8 * i));
}

static void put_bytes(uint8_t **at, struct str s)
{
	put_u32(at, s.len);
	if (s.len > 0)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
}

/* In one allocation of its exact size: a growing buffer would leave copies behind. */
static struct secret *key_write(enum key_use use, const struct key *key, const char *const *hosts,
                                size_t hosts_count)
{
	AUTO(secret_freep) struct secret *der = key_pkcs8(key);
	size_t         len = 1 + 4 + 4 + secret_len(der);
	struct secret *plain;
	uint8_t       *at;

	for (size_t i = 0; i < hosts_count; i++)
		len += 4 + strlen(hosts[i]);
	plain = secret_new(len);
	at = secret_ptr(plain);
	*at++ = (uint8_t)use;
	put_u32(&at, hosts_count);
	for (size_t i = 0; i < hosts_count; i++)
		put_bytes(&at, str_c(hosts[i]));
	put_bytes(&at, secret_str(der));
	assert(at == secret_ptr(plain) + len);
	return plain;
}

static bool key_read(enum key_use use, const struct secret *plain, struct arena *a, struct key **ret,
                     const char *const **ret_hosts, size_t *ret_count, struct err *err)
{
	struct wire w = wire_of(secret_str(plain));
	uint8_t     found = wire_get_u8(&w);
	struct str  der;

	get_names(&w, a, KEEPER_HOSTS_MAX, ret_hosts, ret_count);
	der = wire_get_str(&w);
	if (w.failed || w.left > 0 || found != (uint8_t)use)
		return err_problem(err, ERR_PERMANENT, "tampered", "a sealed key is of another kind");
	return key_reopen(der, ret, err) ? true : err_in(err, "a sealed key");
}

static bool hosts_check(const char *const *hosts, size_t count, struct err *err)
{
	if (count == 0)
		return err_set(err, ERR_INPUT, "an account key needs the hosts it may sign for");
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(hosts[i]);

		if (len == 0 || len >= URL_HOST_SIZE)
			return err_set(err, ERR_INPUT, "not a host");
		for (size_t j = 0; j < len; j++)
			if (hosts[i][j] <= ' ' || hosts[i][j] > '~' || (hosts[i][j] >= 'A' && hosts[i][j] <= 'Z') ||
			    strchr("/@[]\\", hosts[i][j]) != NULL)
				return err_set(err, ERR_INPUT, "not a host in the form that is compared");
	}
	return true;
}

/* Seal and open again: what is answered is known to be readable, and a key that signs. */
static bool key_seal(struct keeper *k, const char *column, enum key_use use, const struct record_id *id,
                     const struct key *key, const char *const *hosts, size_t hosts_count, struct arena *a,
                     struct str *ret, struct err *err)
{
	AUTO(secret_freep) struct secret *plain = key_write(use, key, hosts, hosts_count);
	AUTO(secret_freep) struct secret *again = NULL;
	AUTO(key_freep) struct key *read = NULL;
	const char *const *read_hosts;
	size_t             read_count;

	if (!keyring_record_seal(k, column, id, secret_str(plain), a, ret, err) ||
	    !keyring_record_open(k, column, id, *ret, &again, err) ||
	    !key_read(use, again, a, &read, &read_hosts, &read_count, err) || !key_check(read, err))
		return false;
	if (secret_len(plain) != secret_len(again) ||
	    !ct_equal(secret_ptr(plain), secret_ptr(again), secret_len(plain)))
		return err_problem(err, ERR_PERMANENT, "internal", "a sealed key does not read back as it was written");
	return true;
}

/* ---- making ---- */

/* What the api may have sealed. */
static const struct sealed_column {
	const char *column;
	size_t      max;
} sealed_columns[] = {
	{ KEEPER_COLUMN_EAB, 4096 },
	{ KEEPER_COLUMN_WEBHOOK, 4096 },
	{ KEEPER_COLUMN_CREDENTIALS, 32 * KIB },
	{ KEEPER_COLUMN_NOTIFIER, 4096 },
	{ KEEPER_COLUMN_SMTP, 4096 },
};

bool sign_seal(struct keeper *k, struct call *call, struct err *err)
{
	const struct sealed_column *column = &sealed_columns[0];
	struct record_id id;
	struct str       plain, blob;
	AUTO(secret_freep) struct secret *padded = NULL;

	get_record(&call->in, call->arena, &id);
	plain = wire_get_str(&call->in);
	if (!wire_done(&call->in, err))
		return false;
	/* The worker has such values only from providers that hand out credentials themselves. */
	if (call->channel == KEEPER_CHANNEL_WORKER && strcmp(id.column, KEEPER_COLUMN_CREDENTIALS) != 0)
		return err_problem(err, ERR_DENIED, "forbidden", "the worker seals credentials of connections only");
	for (size_t i = 1; i < ARRAY_LEN(sealed_columns); i++)
		if (strcmp(id.column, sealed_columns[i].column) == 0)
			column = &sealed_columns[i];
	if (plain.len == 0 || plain.len > column->max)
		return err_set(err, ERR_INPUT, "a credential of %zu bytes; it may have 1 to %zu", plain.len, column->max);
	padded = record_pad(plain);
	if (!keyring_record_seal(k, column->column, &id, secret_str(padded), call->arena, &blob, err))
		return false;
	wire_put_str(&call->out, blob);
	return true;
}

bool sign_account_key_new(struct keeper *k, struct call *call, struct err *err)
{
	enum key_type      type = (enum key_type)get_enum(&call->in, KEY__COUNT);
	struct record_id   id;
	const char *const *hosts;
	size_t             hosts_count;
	struct str         blob;
	char               thumbprint[THUMBPRINT_SIZE];
	const char        *jwk;
	AUTO(key_freep) struct key *key = NULL;

	get_record(&call->in, call->arena, &id);
	get_names(&call->in, call->arena, KEEPER_HOSTS_MAX, &hosts, &hosts_count);
	if (!wire_done(&call->in, err) || !hosts_check(hosts, hosts_count, err) || !key_generate(type, &key, err) ||
	    !key_seal(k, KEEPER_COLUMN_ACCOUNT_KEY, KEY_USE_ACCOUNT, &id, key, hosts, hosts_count, call->arena,
	              &blob, err))
		return false;
	jwk = key_jwk(key, call->arena);
	jwk_thumbprint(str_c(jwk), thumbprint);
	wire_put_str(&call->out, blob);
	wire_put_c(&call->out, jwk);
	wire_put_c(&call->out, thumbprint);
	return true;
}

bool sign_cert_key_new(struct keeper *k, struct call *call, struct err *err)
{
	enum key_type    type = (enum key_type)get_enum(&call->in, KEY__COUNT);
	struct record_id id;
	struct str       blob;
	char             spki[SHA256_HEX_SIZE];
	AUTO(key_freep) struct key *key = NULL;

	get_record(&call->in, call->arena, &id);
	if (!wire_done(&call->in, err) || !key_generate(type, &key, err) ||
	    !key_seal(k, KEEPER_COLUMN_CERT_KEY, KEY_USE_CERT, &id, key, NULL, 0, call->arena, &blob, err))
		return false;
	key_spki_sha256(key, spki);
	wire_put_str(&call->out, blob);
	wire_put_c(&call->out, spki);
	return true;
}

/* ---- account keys in use ---- */

static void account_clear(struct account_key *account)
{
	key_free(account->key);
	free(account->hosts);
	*account = (struct account_key){ 0 };
}

void sign_cache_clear(struct keeper *k)
{
	for (size_t i = 0; i < ACCOUNT_CACHE_COUNT; i++)
		account_clear(&k->accounts[i]);
}

/* The key of this record, opened now or within the last minute. Belongs to the cache. */
static bool account_open(struct keeper *k, struct call *call, const struct record_id *id, struct str blob,
                         const struct account_key **ret, struct err *err)
{
	AUTO(buf_clear) struct buf name;
	AUTO(secret_freep) struct secret *plain = NULL;
	struct account_key  account = { .until_ms = clock_mono_ms() + ACCOUNT_CACHE_MS };
	struct account_key *place = &k->accounts[0];
	const char *const  *hosts;
	int64_t             now = clock_mono_ms();

	buf_init(&name, IPC_BODY_MAX);
	put_record(&name, id);
	wire_put_str(&name, blob);
	sha256(buf_str(&name), account.record);
	for (size_t i = 0; i < ACCOUNT_CACHE_COUNT; i++) {
		struct account_key *a = &k->accounts[i];

		if (a->key != NULL && a->until_ms <= now)
			account_clear(a);
		if (a->key != NULL && memcmp(a->record, account.record, SHA256_SIZE) == 0) {
			*ret = a;
			return true;
		}
		if (a->until_ms < place->until_ms) /* an empty place has 0 */
			place = a;
	}
	if (!keyring_record_open(k, KEEPER_COLUMN_ACCOUNT_KEY, id, blob, &plain, err) ||
	    !key_read(KEY_USE_ACCOUNT, plain, call->arena, &account.key, &hosts, &account.hosts_count, err))
		return false;
	account.hosts = calloc(KEEPER_HOSTS_MAX, sizeof(*account.hosts));
	if (account.hosts == NULL)
		abort();
	for (size_t i = 0; i < account.hosts_count; i++)
		snprintf(account.hosts[i], sizeof(account.hosts[i]), "%s", hosts[i]);
	account_clear(place);
	*place = account;
	*ret = place;
	return true;
}

static bool url_check(const struct account_key *account, const char *text, struct err *err)
{
	struct url url;

	if (!url_parse_https(str_c(text), &url, err))
		return err_in(err, "the URL to sign for");
	for (size_t i = 0; i < account->hosts_count; i++)
		if (strcmp(url.host, account->hosts[i]) == 0)
			return true;
	err_problem(err, ERR_DENIED, "forbidden", "this account key may not sign for %s", url.host);
	return err_hint(err, "if the CA moved, confirm its new directory URL for this authority");
}

/* ---- payloads ---- */

/* Every member an ACME payload under a kid may have. No "protected": that would be a key change. */
static const char *const payload_members[] = {
	"identifiers", "notBefore", "notAfter", "replaces", "profile", /* newOrder */
	"csr",                                                         /* finalize */
	"status",                                                      /* deactivation */
	"contact", "termsOfServiceAgreed",                             /* account update */
	"certificate", "reason",                                       /* revokeCert */
};

static bool payload_check(struct str payload, struct err *err)
{
	AUTO(json_freep) json_t *json = NULL;
	const char *member;
	json_t     *value;

	if (payload.len == 0)
		return true;
	if (!json_read(payload, IPC_BODY_MAX, &json, err))
		return err_in(err, "the payload to sign");
	if (!json_is_object(json))
		return err_set(err, ERR_INPUT, "the payload to sign is not a JSON object");
	json_object_foreach(json, member, value)
	{
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(payload_members); i++)
			known = known || strcmp(member, payload_members[i]) == 0;
		if (!known)
			return err_problem(err, ERR_DENIED, "forbidden", "a payload with the member %s is not signed",
			                   member);
	}
	return true;
}

bool keeper_email_check(const char *email, struct err *err)
{
	size_t      len = strlen(email);
	const char *at = strchr(email, '@');

	/* RFC 8555 7.3: one address, no header fields; and nothing JSON would have to escape. */
	if (len > EMAIL_MAX || at == NULL || at == email || at[1] == '\0' || strchr(at + 1, '@') != NULL)
		return err_set(err, ERR_INPUT, "the contact is not an e-mail address");
	for (size_t i = 0; i < len; i++)
		if (email[i] <= ' ' || email[i] > '~' || strchr("\"\\,?<>()", email[i]) != NULL)
			return err_set(err, ERR_INPUT, "the contact has a character that is not permitted");
	return true;
}

struct jws_request {
	enum keeper_jws_kind kind;
	struct record_id     account, eab;
	struct str           account_blob, payload, eab_blob;
	const char          *nonce, *url, *kid, *email, *eab_kid;
	bool                 terms_agreed, has_eab;
};

static void jws_request_read(struct call *call, struct jws_request *ret)
{
	ret->kind = (enum keeper_jws_kind)get_enum(&call->in, KEEPER_JWS__COUNT);
	get_record(&call->in, call->arena, &ret->account);
	ret->account_blob = wire_get_str(&call->in);
	ret->nonce = wire_get_c(&call->in, call->arena);
	ret->url = wire_get_c(&call->in, call->arena);
	ret->kid = wire_get_c(&call->in, call->arena);
	ret->payload = wire_get_str(&call->in);
	ret->email = wire_get_c(&call->in, call->arena);
	ret->terms_agreed = wire_get_bool(&call->in);
	ret->has_eab = wire_get_bool(&call->in);
	ret->eab_kid = wire_get_c(&call->in, call->arena);
	get_record(&call->in, call->arena, &ret->eab);
	ret->eab_blob = wire_get_str(&call->in);
}

/* RFC 8555 7.3.4: the account key bound by the CA's HMAC key. */
static bool eab_write(struct keeper *k, struct call *call, const struct jws_request *r,
                      const struct account_key *account, struct str *ret, struct err *err)
{
	AUTO(secret_freep) struct secret *padded = NULL;
	AUTO(secret_freep) struct secret *hmac = NULL;

	if (strcmp(r->eab.project_id, r->account.project_id) != 0)
		return err_problem(err, ERR_DENIED, "forbidden", "the EAB key and the account are of different projects");
	return keyring_record_open(k, KEEPER_COLUMN_EAB, &r->eab, r->eab_blob, &padded, err) &&
	       record_unpad(padded, &hmac, err) &&
	       jws_eab(secret_str(hmac), r->eab_kid, r->url, key_jwk(account->key, call->arena), call->arena, ret,
	               err);
}

static bool account_new_payload(struct keeper *k, struct call *call, const struct jws_request *r,
                                const struct account_key *account, struct str *ret, struct err *err)
{
	AUTO(buf_clear) struct buf b;
	struct str eab;

	buf_init(&b, IPC_BODY_MAX);
	buf_printf(&b, "{\"termsOfServiceAgreed\":%s", r->terms_agreed ? "true" : "false");
	if (r->email[0] != '\0') {
		if (!keeper_email_check(r->email, err))
			return false;
		buf_printf(&b, ",\"contact\":[\"mailto:%s\"]", r->email);
	}
	if (r->has_eab) {
		if (!eab_write(k, call, r, account, &eab, err))
			return false;
		buf_add_c(&b, ",\"externalAccountBinding\":");
		buf_add_str(&b, eab);
	}
	buf_add_char(&b, '}');
	if (b.failed)
		return err_problem(err, ERR_INPUT, "too-large", "the newAccount payload is too large");
	*ret = arena_dup(call->arena, buf_str(&b));
	return true;
}

bool sign_jws(struct keeper *k, struct call *call, struct err *err)
{
	struct jws_request        r;
	const struct account_key *account;
	struct jws_header         header = { 0 };
	struct str                payload = { 0 }, jws;

	jws_request_read(call, &r);
	if (!wire_done(&call->in, err) || !account_open(k, call, &r.account, r.account_blob, &account, err) ||
	    !url_check(account, r.url, err))
		return false;
	if (r.kind != KEEPER_JWS_KID_POST && (r.payload.len > 0 || r.kid[0] != '\0'))
		return err_set(err, ERR_INPUT, "the keeper writes this payload itself");
	if (r.kind != KEEPER_JWS_ACCOUNT_NEW && (r.email[0] != '\0' || r.terms_agreed || r.has_eab))
		return err_set(err, ERR_INPUT, "contact, terms and EAB belong to a new account only");
	header.nonce = r.nonce;
	header.url = r.url;
	switch (r.kind) {
	case KEEPER_JWS_ACCOUNT_NEW:
		if (!account_new_payload(k, call, &r, account, &payload, err))
			return false;
		break;
	case KEEPER_JWS_ACCOUNT_FIND:
		payload = STR("{\"onlyReturnExisting\":true}");
		break;
	case KEEPER_JWS_KID_POST:
		if (!payload_check(r.payload, err))
			return false;
		payload = r.payload;
		header.kid = r.kid;
		break;
	case KEEPER_JWS__COUNT:
		return err_set(err, ERR_INPUT, "no such kind of signature");
	}
	if (!jws_write(account->key, &header, payload, call->arena, &jws, err))
		return false;
	wire_put_str(&call->out, jws);
	return true;
}

/* ---- key change ---- */

/* RFC 8555 7.3.5. Both keys are of one account; the outer JWS is the old key's, the inner one the new key's. */
bool sign_key_change(struct keeper *k, struct call *call, struct err *err)
{
	AUTO(secret_freep) struct secret *plain = NULL;
	AUTO(key_freep) struct key *next = NULL;
	AUTO(json_freep) json_t *payload = json_object();
	struct record_id          old_id, new_id;
	struct str                old_blob, new_blob, inner, jws;
	json_t                   *old_key;
	const struct account_key *old;
	const char *const        *hosts;
	size_t                    hosts_count;
	struct jws_header         header = { 0 }, inner_header = { 0 };

	get_record(&call->in, call->arena, &old_id);
	old_blob = wire_get_str(&call->in);
	get_record(&call->in, call->arena, &new_id);
	new_blob = wire_get_str(&call->in);
	header.nonce = wire_get_c(&call->in, call->arena);
	header.url = wire_get_c(&call->in, call->arena);
	header.kid = wire_get_c(&call->in, call->arena);
	if (!wire_done(&call->in, err))
		return false;
	if (strcmp(old_id.project_id, new_id.project_id) != 0 || strcmp(old_id.row_id, new_id.row_id) != 0)
		return err_problem(err, ERR_DENIED, "forbidden", "the two keys are of different accounts");
	if (!keyring_record_open(k, KEEPER_COLUMN_ACCOUNT_KEY, &new_id, new_blob, &plain, err) ||
	    !key_read(KEY_USE_ACCOUNT, plain, call->arena, &next, &hosts, &hosts_count, err) ||
	    !account_open(k, call, &old_id, old_blob, &old, err) || !url_check(old, header.url, err))
		return false;
	for (size_t i = 0; i < hosts_count; i++) {
		bool known = false;

		for (size_t j = 0; j < old->hosts_count; j++)
			known = known || strcmp(hosts[i], old->hosts[j]) == 0;
		if (!known)
			return err_problem(err, ERR_DENIED, "forbidden", "the new key signs for %s, the old one does not", hosts[i]);
	}
	if (!json_read(str_c(key_jwk(old->key, call->arena)), IPC_BODY_MAX, &old_key, err))
		return false;
	json_put_str(payload, "account", header.kid);
	json_put(payload, "oldKey", old_key);
	inner_header.url = header.url;
	if (!jws_write(next, &inner_header, str_c(json_write(call->arena, payload)), call->arena, &inner, err) ||
	    !jws_write(old->key, &header, inner, call->arena, &jws, err))
		return false;
	wire_put_str(&call->out, jws);
	return true;
}

/* ---- certificate keys in use ---- */

static bool cert_key_open(struct keeper *k, struct call *call, const struct record_id *id, struct str blob,
                          struct key **ret, struct err *err)
{
	AUTO(secret_freep) struct secret *plain = NULL;
	const char *const *hosts;
	size_t             hosts_count;

	return keyring_record_open(k, KEEPER_COLUMN_CERT_KEY, id, blob, &plain, err) &&
	       key_read(KEY_USE_CERT, plain, call->arena, ret, &hosts, &hosts_count, err);
}

bool sign_cert_key_again(struct keeper *k, struct call *call, struct err *err)
{
	enum key_type    type = (enum key_type)get_enum(&call->in, KEY__COUNT);
	struct record_id from, to;
	struct str       from_blob, blob;
	char             spki[SHA256_HEX_SIZE];
	AUTO(key_freep) struct key *key = NULL;

	get_record(&call->in, call->arena, &from);
	from_blob = wire_get_str(&call->in);
	get_record(&call->in, call->arena, &to);
	if (!wire_done(&call->in, err))
		return false;
	if (strcmp(from.project_id, to.project_id) != 0)
		return err_problem(err, ERR_DENIED, "forbidden", "a key is not used again in another project");
	if (!cert_key_open(k, call, &from, from_blob, &key, err))
		return false;
	if (key_type_get(key) != type)
		return err_problem(err, ERR_CONFLICT, "conflict", "the key to use again is %s, not %s", key_type_name(key_type_get(key)),
		                   key_type_name(type));
	if (!key_seal(k, KEEPER_COLUMN_CERT_KEY, KEY_USE_CERT, &to, key, NULL, 0, call->arena, &blob, err))
		return false;
	key_spki_sha256(key, spki);
	wire_put_str(&call->out, blob);
	wire_put_c(&call->out, spki);
	return true;
}

/* The keeper writes the payload itself: a certificate's key signs its request and its revocation, nothing else. */
bool sign_revoke(struct keeper *k, struct call *call, struct err *err)
{
	AUTO(key_freep) struct key *key = NULL;
	AUTO(buf_clear) struct buf b;
	struct record_id  id;
	struct str        blob, der, jws;
	struct jws_header header = { 0 };
	struct url        url;
	uint32_t          reason;

	get_record(&call->in, call->arena, &id);
	blob = wire_get_str(&call->in);
	der = wire_get_str(&call->in);
	reason = wire_get_u32(&call->in);
	header.nonce = wire_get_c(&call->in, call->arena);
	header.url = wire_get_c(&call->in, call->arena);
	if (!wire_done(&call->in, err))
		return false;
	if (der.len == 0 || reason > 10)
		return err_set(err, ERR_INPUT, "a revocation without a certificate, or with an unknown reason");
	if (!url_parse_https(str_c(header.url), &url, err) || !cert_key_open(k, call, &id, blob, &key, err))
		return false;
	buf_init(&b, IPC_BODY_MAX);
	buf_printf(&b, "{\"certificate\":\"%s\"", b64url_encode(call->arena, der));
	if (reason != 0)
		buf_printf(&b, ",\"reason\":%u", reason);
	buf_add_char(&b, '}');
	if (b.failed)
		return err_problem(err, ERR_INPUT, "too-large", "the revocation is too large");
	if (!jws_write(key, &header, buf_str(&b), call->arena, &jws, err))
		return false;
	wire_put_str(&call->out, jws);
	return true;
}

bool sign_csr(struct keeper *k, struct call *call, struct err *err)
{
	struct record_id   id;
	const char *const *names;
	size_t             names_count;
	struct str         blob, der;
	AUTO(key_freep) struct key *key = NULL;

	get_record(&call->in, call->arena, &id);
	blob = wire_get_str(&call->in);
	get_names(&call->in, call->arena, CSR_NAMES_MAX, &names, &names_count);
	if (!wire_done(&call->in, err) || !cert_key_open(k, call, &id, blob, &key, err) ||
	    !csr_write(key, names, names_count, call->arena, &der, err))
		return false;
	wire_put_str(&call->out, der);
	return true;
}

bool sign_export(struct keeper *k, struct call *call, struct err *err)
{
	struct str                grant = wire_get_str(&call->in), blob, chain_pem;
	struct record_id          id;
	enum keeper_export_format format;
	AUTO(key_freep) struct key *key = NULL;
	AUTO(secret_freep) struct secret *out = NULL;

	get_record(&call->in, call->arena, &id);
	blob = wire_get_str(&call->in);
	format = (enum keeper_export_format)get_enum(&call->in, KEEPER_EXPORT__COUNT);
	chain_pem = wire_get_str(&call->in);
	if (!wire_done(&call->in, err) ||
	    !grant_check(k, grant, ROLE_OPERATOR, id.project_id, call->arena, err) ||
	    !cert_key_open(k, call, &id, blob, &key, err))
		return false;
	switch (format) {
	case KEEPER_EXPORT_PKCS8:
		out = key_pem(key, KEY_PEM_PKCS8);
		break;
	case KEEPER_EXPORT_TRADITIONAL:
		out = key_pem(key, KEY_PEM_TRADITIONAL);
		break;
	case KEEPER_EXPORT_PKCS12:
		if (!key_pkcs12(key, chain_pem, "", NULL, &out, err))
			return false;
		break;
	case KEEPER_EXPORT__COUNT:
		return err_set(err, ERR_INPUT, "no such format");
	}
	wire_put_str(&call->out, secret_str(out));
	return true;
}

/* ---- deliveries ---- */

bool sign_deliver(struct keeper *k, struct call *call, struct err *err)
{
	const char              *ticket = wire_get_c(&call->in, call->arena);
	struct keeper_deployment deployment;
	struct record_id         id;
	struct str               mac, blob, chain_pem;
	bool                     pkcs12;
	AUTO(key_freep) struct key *key = NULL;
	AUTO(secret_freep) struct secret *pem = NULL, *p12 = NULL;
	struct keeper_bundle bundle;
	int                  fd;

	get_deployment(&call->in, call->arena, &deployment);
	mac = wire_get_str(&call->in);
	get_record(&call->in, call->arena, &id);
	blob = wire_get_str(&call->in);
	chain_pem = wire_get_str(&call->in);
	pkcs12 = wire_get_bool(&call->in);
	if (!wire_done(&call->in, err) || !grant_deployment_check(k, &deployment, mac, err))
		return false;
	if (strcmp(deployment.project_id, id.project_id) != 0)
		return err_problem(err, ERR_DENIED, "forbidden", "the key and the deployment are of different projects");
	if (k->hook == NULL)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "there is no hook role to deliver to");
	if (blob.len == 0 && pkcs12)
		return err_problem(err, ERR_INPUT, "no-key", "there is no key to put into a PKCS#12 file");
	if (blob.len > 0) {
		if (!cert_key_open(k, call, &id, blob, &key, err))
			return false;
		pem = key_pem(key, KEY_PEM_PKCS8);
		if (pkcs12 && !key_pkcs12(key, chain_pem, "", NULL, &p12, err))
			return false;
	}
	bundle = (struct keeper_bundle){ chain_pem, pem != NULL ? secret_str(pem) : STR(""), p12 != NULL ? secret_str(p12) : STR("") };
	if (!keeper_bundle_fd(&bundle, &fd, err))
		return false;
	bool ok = keeper_bundle_send(k->hook, ticket, &deployment, fd, err);
	close(fd);
	return ok;
}

bool sign_webhook(struct keeper *k, struct call *call, struct err *err)
{
	AUTO(secret_freep) struct secret *padded = NULL;
	AUTO(secret_freep) struct secret *secret = NULL;
	AUTO(buf_clear) struct buf signed_text;
	struct record_id id;
	struct str       blob, body;
	int64_t          at_s;
	uint8_t          mac[HMAC_SIZE];

	buf_init(&signed_text, IPC_BODY_MAX + KIB);
	get_record(&call->in, call->arena, &id);
	blob = wire_get_str(&call->in);
	at_s = wire_get_i64(&call->in);
	body = wire_get_str(&call->in);
	const char *column = strcmp(id.column, KEEPER_COLUMN_NOTIFIER) == 0 ? KEEPER_COLUMN_NOTIFIER : KEEPER_COLUMN_WEBHOOK;
	if (!wire_done(&call->in, err) || !keyring_record_open(k, column, &id, blob, &padded, err) ||
	    !record_unpad(padded, &secret, err))
		return false;
	buf_printf(&signed_text, "%lld.", (long long)at_s);
	buf_add_str(&signed_text, body);
	hmac_sha256(secret_str(secret), buf_str(&signed_text), mac);
	wire_put_str(&call->out, str_of(mac, sizeof(mac)));
	return true;
}

bool sign_open_credential(struct keeper *k, struct call *call, struct err *err)
{
	AUTO(secret_freep) struct secret *padded = NULL;
	AUTO(secret_freep) struct secret *plain = NULL;
	struct record_id id;
	struct str       blob;

	get_record(&call->in, call->arena, &id);
	blob = wire_get_str(&call->in);
	const char *column = strcmp(id.column, KEEPER_COLUMN_SMTP) == 0 ? KEEPER_COLUMN_SMTP : KEEPER_COLUMN_CREDENTIALS;
	if (!wire_done(&call->in, err) || !keyring_record_open(k, column, &id, blob, &padded, err) ||
	    !record_unpad(padded, &plain, err))
		return false;
	wire_put_str(&call->out, secret_str(plain));
	return true;
}
