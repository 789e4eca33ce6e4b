/*
 * keeper/client.c: one function per message: write the request, wait, read the answer. It decides nothing. Requests
 * may carry a token or a credential, so their buffers are wiped.
 */
#include "keeper/message.h"

#define CALL_MS     5000
#define KEY_MAKE_MS 120000

static bool ask_fd(struct ipc_peer *keeper, enum keeper_message type, const struct buf *request, int fd,
                   uint32_t timeout_ms, struct arena *a, struct wire *ret, struct err *err)
{
	struct str answer;

	if (request->failed)
		return err_problem(err, ERR_INPUT, "too-large", "the request to the keeper is too large");
	if (!ipc_peer_call(keeper, (uint32_t)type, buf_str(request), fd, timeout_ms, a, &answer, err))
		return false;
	*ret = wire_of(answer);
	return true;
}

static bool ask(struct ipc_peer *keeper, enum keeper_message type, const struct buf *request, struct arena *a,
                struct wire *ret, struct err *err)
{
	return ask_fd(keeper, type, request, -1, CALL_MS, a, ret, err);
}

/* Was the answer what this side expects of its own other half? */
static bool answered(const struct wire *w, struct err *err)
{
	return wire_done(w, NULL) ? true :
	                            err_problem(err, ERR_PERMANENT, "internal", "the keeper's answer cannot be read");
}

static bool ask_str(struct ipc_peer *keeper, enum keeper_message type, const struct buf *request, struct arena *a,
                    struct str *ret, struct err *err)
{
	struct wire w;
	struct str  s;

	if (!ask(keeper, type, request, a, &w, err))
		return false;
	s = wire_get_str(&w);
	if (!answered(&w, err))
		return false;
	*ret = s;
	return true;
}

static bool ask_nothing(struct ipc_peer *keeper, enum keeper_message type, const struct buf *request,
                        struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct wire w;

	return ask(keeper, type, request, a, &w, err) && answered(&w, err);
}

static bool bytes_exact(struct wire *w, uint8_t *ret, size_t len)
{
	struct str s = wire_get_str(w);

	if (s.len != len)
		return false;
	memcpy(ret, s.ptr, len);
	return true;
}

static bool ask_mac(struct ipc_peer *keeper, enum keeper_message type, const struct buf *request, struct arena *a,
                    uint8_t ret[static ROW_MAC_SIZE], struct err *err)
{
	struct wire w;

	if (!ask(keeper, type, request, a, &w, err))
		return false;
	if (!bytes_exact(&w, ret, ROW_MAC_SIZE))
		w.failed = true;
	return answered(&w, err);
}

/* ---- opening ---- */

bool keeper_open(struct ipc_peer *keeper, const char *instance_id, struct str root_wrap, struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, instance_id);
	wire_put_str(&b, root_wrap);
	return ask_nothing(keeper, KEEPER_OPEN, &b, err);
}

bool keeper_load_key(struct ipc_peer *keeper, const char *project_id, uint64_t key_id, struct str wrap,
                     struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, project_id);
	wire_put_u64(&b, key_id);
	wire_put_str(&b, wrap);
	return ask_nothing(keeper, KEEPER_LOAD_KEY, &b, err);
}

bool keeper_new_project_key(struct ipc_peer *keeper, const char *project_id, uint64_t key_id, struct arena *a,
                            struct str *ret_wrap, struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, project_id);
	wire_put_u64(&b, key_id);
	return ask_str(keeper, KEEPER_NEW_PROJECT_KEY, &b, a, ret_wrap, err);
}

/* ---- secrets and keys ---- */

bool keeper_seal(struct ipc_peer *keeper, const struct record_id *id, struct str plain, struct arena *a,
                 struct str *ret_blob, struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	put_record(&b, id);
	wire_put_str(&b, plain);
	return ask_str(keeper, KEEPER_SEAL, &b, a, ret_blob, err);
}

bool keeper_open_credential(struct ipc_peer *keeper, const struct record_id *id, struct str blob, struct arena *a,
                            struct str *ret, struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	put_record(&b, id);
	wire_put_str(&b, blob);
	return ask_str(keeper, KEEPER_OPEN_CREDENTIAL, &b, a, ret, err);
}

bool keeper_account_key_new(struct ipc_peer *keeper, const struct record_id *id, enum key_type type,
                            const char *const *hosts, size_t hosts_count, struct arena *a,
                            struct keeper_account_key *ret, struct err *err)
{
	AUTO(buf_wipe) struct buf b;
	struct keeper_account_key key;
	struct wire               w;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_u8(&b, (uint8_t)type);
	put_record(&b, id);
	put_names(&b, hosts, hosts_count);
	if (!ask_fd(keeper, KEEPER_ACCOUNT_KEY_NEW, &b, -1, KEY_MAKE_MS, a, &w, err))
		return false;
	key.blob = wire_get_str(&w);
	key.jwk = wire_get_c(&w, a);
	key.thumbprint = wire_get_c(&w, a);
	if (!answered(&w, err))
		return false;
	*ret = key;
	return true;
}

bool keeper_cert_key_new(struct ipc_peer *keeper, const struct record_id *id, enum key_type type, struct arena *a,
                         struct keeper_cert_key *ret, struct err *err)
{
	AUTO(buf_wipe) struct buf b;
	struct keeper_cert_key key;
	struct wire            w;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_u8(&b, (uint8_t)type);
	put_record(&b, id);
	if (!ask_fd(keeper, KEEPER_CERT_KEY_NEW, &b, -1, KEY_MAKE_MS, a, &w, err))
		return false;
	key.blob = wire_get_str(&w);
	key.spki_sha256 = wire_get_c(&w, a);
	if (!answered(&w, err))
		return false;
	*ret = key;
	return true;
}

bool keeper_cert_key_again(struct ipc_peer *keeper, enum key_type type, const struct record_id *from, struct str from_blob,
                           const struct record_id *to, struct arena *a, struct keeper_cert_key *ret, struct err *err)
{
	AUTO(buf_wipe) struct buf b;
	struct keeper_cert_key key;
	struct wire            w;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_u8(&b, (uint8_t)type);
	put_record(&b, from);
	wire_put_str(&b, from_blob);
	put_record(&b, to);
	if (!ask(keeper, KEEPER_CERT_KEY_AGAIN, &b, a, &w, err))
		return false;
	key.blob = wire_get_str(&w);
	key.spki_sha256 = wire_get_c(&w, a);
	if (!answered(&w, err))
		return false;
	*ret = key;
	return true;
}

/* ---- signatures ---- */

bool keeper_jws(struct ipc_peer *keeper, const struct keeper_jws *jws, struct arena *a, struct str *ret,
                struct err *err)
{
	static const struct keeper_eab no_eab = { .kid = "", .record = { "", "", "", 0 } };
	const struct keeper_eab       *eab = jws->eab != NULL ? jws->eab : &no_eab;
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_u8(&b, (uint8_t)jws->kind);
	put_record(&b, &jws->account);
	wire_put_str(&b, jws->account_blob);
	wire_put_c(&b, jws->nonce);
	wire_put_c(&b, jws->url);
	wire_put_c(&b, jws->kid);
	wire_put_str(&b, jws->payload);
	wire_put_c(&b, jws->email);
	wire_put_bool(&b, jws->terms_agreed);
	wire_put_bool(&b, jws->eab != NULL);
	wire_put_c(&b, eab->kid);
	put_record(&b, &eab->record);
	wire_put_str(&b, eab->blob);
	return ask_str(keeper, KEEPER_JWS, &b, a, ret, err);
}

bool keeper_key_change(struct ipc_peer *keeper, const struct keeper_key_change *change, struct arena *a, struct str *ret,
                       struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	put_record(&b, &change->old_record);
	wire_put_str(&b, change->old_blob);
	put_record(&b, &change->new_record);
	wire_put_str(&b, change->new_blob);
	wire_put_c(&b, change->nonce);
	wire_put_c(&b, change->url);
	wire_put_c(&b, change->kid);
	return ask_str(keeper, KEEPER_KEY_CHANGE, &b, a, ret, err);
}

bool keeper_revoke(struct ipc_peer *keeper, const struct keeper_revocation *revocation, struct arena *a, struct str *ret,
                   struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	put_record(&b, &revocation->cert_key);
	wire_put_str(&b, revocation->key_blob);
	wire_put_str(&b, revocation->certificate);
	wire_put_u32(&b, revocation->reason);
	wire_put_c(&b, revocation->nonce);
	wire_put_c(&b, revocation->url);
	return ask_str(keeper, KEEPER_REVOKE, &b, a, ret, err);
}

bool keeper_csr(struct ipc_peer *keeper, const struct record_id *cert_key, struct str blob,
                const char *const *names, size_t names_count, struct arena *a, struct str *ret, struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	put_record(&b, cert_key);
	wire_put_str(&b, blob);
	put_names(&b, names, names_count);
	return ask_str(keeper, KEEPER_CSR, &b, a, ret, err);
}

/* ---- rows, tokens, grants ---- */

bool keeper_mac(struct ipc_peer *keeper, const char *table, struct str columns, int64_t row_version,
                uint8_t ret[static ROW_MAC_SIZE], struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, table);
	wire_put_str(&b, columns);
	wire_put_i64(&b, row_version);
	return ask_mac(keeper, KEEPER_MAC, &b, a, ret, err);
}

bool keeper_mac_check(struct ipc_peer *keeper, const char *table, struct str columns, int64_t row_version,
                      struct str mac, struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, table);
	wire_put_str(&b, columns);
	wire_put_i64(&b, row_version);
	wire_put_str(&b, mac);
	return ask_nothing(keeper, KEEPER_MAC_CHECK, &b, err);
}

bool keeper_token_new(struct ipc_peer *keeper, struct str grant, const struct keeper_token *row, struct arena *a,
                      struct keeper_token_made *ret, struct err *err)
{
	AUTO(buf_wipe) struct buf b;
	struct keeper_token_made made;
	struct wire              w;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_str(&b, grant);
	put_token(&b, row);
	if (!ask(keeper, KEEPER_TOKEN_NEW, &b, a, &w, err))
		return false;
	made.text = wire_get_c(&w, a);
	if (!bytes_exact(&w, made.digest, sizeof(made.digest)) || !bytes_exact(&w, made.mac, sizeof(made.mac)))
		w.failed = true;
	if (!answered(&w, err))
		return false;
	*ret = made;
	return true;
}

/* The proof goes on as it is; the fields in front of it are for the api to read. */
static bool ask_grant(struct ipc_peer *keeper, enum keeper_message type, const struct buf *request, int fd,
                      struct arena *a, struct keeper_grant *ret, struct err *err)
{
	struct keeper_grant grant;
	struct wire         w, fields;

	if (!ask_fd(keeper, type, request, fd, CALL_MS, a, &w, err))
		return false;
	grant.bytes = wire_get_str(&w);
	if (grant.bytes.len < ROW_MAC_SIZE)
		w.failed = true;
	if (!answered(&w, err))
		return false;
	fields = wire_of(str_of(grant.bytes.ptr, grant.bytes.len - ROW_MAC_SIZE));
	get_grant(&fields, a, &grant);
	if (!answered(&fields, err))
		return false;
	*ret = grant;
	return true;
}

bool keeper_authenticate(struct ipc_peer *keeper, struct str token, const struct keeper_token *row, struct str mac,
                         struct arena *a, struct keeper_grant *ret, struct err *err)
{
	static const struct keeper_token no_row = { .id = "", .project_id = "", .name = "" };
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_str(&b, token);
	wire_put_bool(&b, row != NULL);
	put_token(&b, row != NULL ? row : &no_row);
	wire_put_str(&b, mac);
	return ask_grant(keeper, KEEPER_AUTHENTICATE, &b, -1, a, ret, err);
}

bool keeper_grant_local(struct ipc_peer *keeper, int socket_fd, struct arena *a, struct keeper_grant *ret,
                        struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	return ask_grant(keeper, KEEPER_GRANT_LOCAL, &b, socket_fd, a, ret, err);
}

bool keeper_export_key(struct ipc_peer *keeper, struct str grant, const struct record_id *cert_key, struct str blob,
                       enum keeper_export_format format, struct str chain_pem, struct arena *a, struct str *ret,
                       struct err *err)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_str(&b, grant);
	put_record(&b, cert_key);
	wire_put_str(&b, blob);
	wire_put_u8(&b, (uint8_t)format);
	wire_put_str(&b, chain_pem);
	return ask_str(keeper, KEEPER_EXPORT_KEY, &b, a, ret, err);
}

/* ---- deliveries ---- */

bool keeper_deployment_mac(struct ipc_peer *keeper, struct str grant, const struct keeper_deployment *row,
                           uint8_t ret[static ROW_MAC_SIZE], struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_str(&b, grant);
	put_deployment(&b, row);
	return ask_mac(keeper, KEEPER_DEPLOYMENT_MAC, &b, a, ret, err);
}

bool keeper_deliver(struct ipc_peer *keeper, const struct keeper_delivery *delivery, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_wipe) struct buf b;
	struct wire w;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, delivery->ticket);
	put_deployment(&b, &delivery->deployment);
	wire_put_str(&b, delivery->mac);
	put_record(&b, &delivery->cert_key);
	wire_put_str(&b, delivery->key_blob);
	wire_put_str(&b, delivery->chain_pem);
	wire_put_bool(&b, delivery->pkcs12);
	/* It waits its turn behind slow key generation. */
	return ask_fd(keeper, KEEPER_DELIVER, &b, -1, KEY_MAKE_MS, a, &w, err) && answered(&w, err);
}

bool keeper_webhook_sign(struct ipc_peer *keeper, const struct record_id *id, struct str blob, int64_t at_s, struct str body,
                         uint8_t ret[static ROW_MAC_SIZE], struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	put_record(&b, id);
	wire_put_str(&b, blob);
	wire_put_i64(&b, at_s);
	wire_put_str(&b, body);
	return ask_mac(keeper, KEEPER_WEBHOOK_SIGN, &b, a, ret, err);
}
