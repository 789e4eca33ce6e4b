/*
 * keeper/grant.c: who may do what: row MACs, API tokens, and the grants that prove for a minute what a token or a
 * local socket proved once.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypto/hmac.h"
#include "keeper/message.h"
#include "keeper/server.h"

#define GRANT_MS      (60 * (int64_t)1000)
#define GRANT_LABEL   "reeve/grant/1"
#define TOKEN_MS_MAX  (366 * 24 * 3600 * (int64_t)1000)
#define TOKEN_NAME_MAX 200
#define TABLE_MAX     64
#define TABLE_TOKENS  "tokens"
#define TABLE_DEPLOYMENTS "deployments"
#define SETTINGS_MAX  (48u * KIB)

static bool unauthenticated(struct err *err, const char *why, const char *hint)
{
	err_problem(err, ERR_DENIED, "unauthenticated", "%s", why);
	return err_hint(err, "%s", hint);
}

/* ---- row MACs ---- */

/* The value of the last column, when it is `column` and an integer; what row_int() wrote. */
static bool last_column_int(struct str columns, const char *column, int64_t *ret)
{
	struct wire w = wire_of(columns);
	struct str  name = { 0 }, value = { 0 };
	uint8_t     type = 0;

	while (!w.failed && w.left > 0) {
		name = wire_get_str(&w);
		type = wire_get_u8(&w);
		value = wire_get_str(&w);
	}
	if (w.failed || type != 'i' || value.len != 8 || !str_eq(name, str_c(column)))
		return false;
	w = wire_of(value);
	*ret = wire_get_i64(&w);
	return true;
}

/*
 * A MAC over a live token would be a key to everything, so only grant_token_new() makes one. A revoked row is safe
 * in anybody's hands.
 */
static bool mac_permitted(enum keeper_channel channel, const char *table, struct str columns, struct err *err)
{
	bool    tokens = strcmp(table, TABLE_TOKENS) == 0;
	int64_t revoked_at = 0;

	/* A deployment says where keys go: grant_deployment_mac() asks who wants it. */
	if (!tokens && channel == KEEPER_CHANNEL_WORKER && strcmp(table, TABLE_DEPLOYMENTS) != 0)
		return true;
	if (tokens && last_column_int(columns, "revoked_at", &revoked_at) && revoked_at > 0)
		return true;
	return err_problem(err, ERR_DENIED, "forbidden", "no MAC of this row of %s for this channel", table);
}

static bool mac_request_check(const struct call *call, const char *table, struct str columns, int64_t version,
                              struct err *err)
{
	if (!wire_done(&call->in, err))
		return false;
	if (table[0] == '\0' || strlen(table) > TABLE_MAX || columns.len == 0 || version < 1)
		return err_set(err, ERR_INPUT, "not a row of a table");
	return true;
}

bool grant_mac_make(struct keeper *k, struct call *call, struct err *err)
{
	const char *table = wire_get_c(&call->in, call->arena);
	struct str  columns = wire_get_str(&call->in);
	int64_t     version = wire_get_i64(&call->in);
	uint8_t     mac[ROW_MAC_SIZE];

	if (!mac_request_check(call, table, columns, version, err) || !mac_permitted(call->channel, table, columns, err))
		return false;
	row_mac(k->row_mac, table, columns, version, mac);
	wire_put_str(&call->out, str_of(mac, sizeof(mac)));
	return true;
}

static bool mac_equal(struct keeper *k, const char *table, struct str columns, int64_t version, struct str mac,
                      struct err *err)
{
	uint8_t expected[ROW_MAC_SIZE];

	row_mac(k->row_mac, table, columns, version, expected);
	if (mac.len == sizeof(expected) && ct_equal(mac.ptr, expected, sizeof(expected)))
		return true;
	err_problem(err, ERR_PERMANENT, "tampered", "a row of %s was changed outside of Reeve", table);
	return err_hint(err, "restore the row from a backup, or remove the object and make it anew");
}

bool grant_mac_check(struct keeper *k, struct call *call, struct err *err)
{
	const char *table = wire_get_c(&call->in, call->arena);
	struct str  columns = wire_get_str(&call->in);
	int64_t     version = wire_get_i64(&call->in);
	struct str  mac = wire_get_str(&call->in);

	return mac_request_check(call, table, columns, version, err) &&
	       mac_equal(k, table, columns, version, mac, err);
}

/* ---- grants ---- */

static void grant_mac(struct keeper *k, struct str fields, uint8_t ret[static HMAC_SIZE])
{
	AUTO(buf_clear) struct buf b;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, GRANT_LABEL);
	wire_put_str(&b, fields);
	hmac_sha256(secret_str(k->grant_mac), buf_str(&b), ret);
}

static void grant_answer(struct keeper *k, struct call *call, const struct keeper_grant *grant)
{
	AUTO(buf_clear) struct buf b;
	uint8_t mac[HMAC_SIZE];

	buf_init(&b, IPC_BODY_MAX);
	put_grant(&b, grant);
	grant_mac(k, buf_str(&b), mac);
	buf_add(&b, mac, sizeof(mac));
	wire_put_str(&call->out, buf_str(&b));
}

bool grant_check(struct keeper *k, struct str grant, enum keeper_role least, const char *project_id,
                 struct arena *a, struct err *err)
{
	struct keeper_grant g;
	struct str          fields;
	struct wire         w;
	uint8_t             mac[HMAC_SIZE];
	int64_t             now = clock_now_ms();

	if (grant.len <= HMAC_SIZE || grant.len > 1024)
		return unauthenticated(err, "not a grant", "authenticate again");
	fields = str_of(grant.ptr, grant.len - HMAC_SIZE);
	grant_mac(k, fields, mac);
	if (!ct_equal(mac, grant.ptr + fields.len, HMAC_SIZE))
		return unauthenticated(err, "not a grant of this keeper", "authenticate again");
	w = wire_of(fields);
	get_grant(&w, a, &g);
	if (!wire_done(&w, err))
		return false;
	/* Too far ahead means that the clock was set back since. */
	if (g.expires_at <= now || g.expires_at > now + GRANT_MS)
		return unauthenticated(err, "the grant has expired", "authenticate again");
	if (g.role < least) {
		err_problem(err, ERR_DENIED, "forbidden", "this needs the role %s; the caller is a %s",
		            keeper_role_name(least), keeper_role_name(g.role));
		return err_hint(err, "use a token with the role %s", keeper_role_name(least));
	}
	if (g.project_id[0] != '\0' && strcmp(g.project_id, project_id) != 0)
		return err_problem(err, ERR_DENIED, "forbidden", "the object belongs to another project");
	return true;
}

/* ---- deployments ---- */

static void deployment_mac(struct keeper *k, const struct keeper_deployment *row, uint8_t ret[static ROW_MAC_SIZE])
{
	AUTO(buf_clear) struct buf columns;

	buf_init(&columns, IPC_BODY_MAX);
	keeper_deployment_columns(row, &columns);
	row_mac(k->row_mac, TABLE_DEPLOYMENTS, buf_str(&columns), 1, ret);
}

bool grant_deployment_mac(struct keeper *k, struct call *call, struct err *err)
{
	struct str               grant = wire_get_str(&call->in);
	struct keeper_deployment row;
	uint8_t                  mac[ROW_MAC_SIZE];

	get_deployment(&call->in, call->arena, &row);
	if (!wire_done(&call->in, err))
		return false;
	if (row.id[0] == '\0' || row.project_id[0] == '\0' || row.kind[0] == '\0' || strlen(row.settings) > SETTINGS_MAX)
		return err_set(err, ERR_INPUT, "not a row of deployments");
	if (!grant_check(k, grant, ROLE_ADMINISTRATOR, strcmp(row.kind, "webhook") == 0 ? row.project_id : "", call->arena, err))
		return false;
	deployment_mac(k, &row, mac);
	wire_put_str(&call->out, str_of(mac, sizeof(mac)));
	return true;
}

bool grant_deployment_check(struct keeper *k, const struct keeper_deployment *row, struct str mac, struct err *err)
{
	uint8_t expected[ROW_MAC_SIZE];

	deployment_mac(k, row, expected);
	if (mac.len == sizeof(expected) && ct_equal(mac.ptr, expected, sizeof(expected)))
		return true;
	err_problem(err, ERR_PERMANENT, "tampered", "the deployment %s was changed outside of Reeve", row->name);
	return err_hint(err, "remove it and add it again");
}

/* ---- tokens ---- */

static bool token_row_check(const struct keeper_token *row, int64_t now, struct err *err)
{
	if (!api_token_id_valid(str_c(row->id)))
		return err_set(err, ERR_INPUT, "not a token id");
	if (strlen(row->project_id) > 64 || strlen(row->name) > TOKEN_NAME_MAX || row->row_version < 1)
		return err_set(err, ERR_INPUT, "not a row of tokens");
	if (strlen(row->certificate_id) > 64 || (row->certificate_id[0] != '\0' && row->role == ROLE_ADMINISTRATOR))
		return err_set(err, ERR_INPUT, "a token of one certificate is a viewer's or an operator's");
	if (row->revoked_at != 0)
		return err_set(err, ERR_INPUT, "a new token is not revoked");
	if (row->expires_at <= now || row->expires_at <= row->created_at)
		return err_set(err, ERR_INPUT, "the token would expire before it is used");
	if (row->created_at < 0 || row->expires_at > now + TOKEN_MS_MAX ||
	    row->expires_at - row->created_at > TOKEN_MS_MAX)
		return err_set(err, ERR_INPUT, "a token lives for 366 days at most");
	return true;
}

static void token_mac(struct keeper *k, const struct keeper_token *row, uint8_t ret[static ROW_MAC_SIZE])
{
	AUTO(buf_clear) struct buf columns;

	buf_init(&columns, IPC_BODY_MAX);
	keeper_token_columns(row, &columns);
	row_mac(k->row_mac, TABLE_TOKENS, buf_str(&columns), row->row_version, ret);
}

bool grant_token_new(struct keeper *k, struct call *call, struct err *err)
{
	struct str          grant = wire_get_str(&call->in);
	struct keeper_token row;
	struct api_token    token;
	char                text[TOKEN_SIZE];
	uint8_t             mac[ROW_MAC_SIZE];

	get_token(&call->in, call->arena, &row);
	if (!wire_done(&call->in, err) || !token_row_check(&row, clock_now_ms(), err) ||
	    !grant_check(k, grant, ROLE_ADMINISTRATOR, row.project_id, call->arena, err))
		return false;
	api_token_make(row.id, &token, text);
	api_token_digest(k->token_hmac, &token, row.digest);
	token_mac(k, &row, mac);
	wire_put_str(&call->out, str_of(text, TOKEN_SIZE - 1));
	wire_put_str(&call->out, str_of(row.digest, sizeof(row.digest)));
	wire_put_str(&call->out, str_of(mac, sizeof(mac)));
	wipe(&token, sizeof(token));
	wipe(text, sizeof(text));
	return true;
}

bool grant_authenticate(struct keeper *k, struct call *call, struct err *err)
{
	struct str          text = wire_get_str(&call->in), mac;
	bool                found = wire_get_bool(&call->in), same;
	struct keeper_token row;
	struct api_token    token;
	uint8_t             digest[TOKEN_DIGEST_SIZE], expected[ROW_MAC_SIZE];
	int64_t             now = clock_now_ms();

	get_token(&call->in, call->arena, &row);
	mac = wire_get_str(&call->in);
	if (!wire_done(&call->in, err))
		return false;
	if (!api_token_parse(text, &token))
		return unauthenticated(err, "this is not a token", "a token looks like rvt_…; `reeve token create` makes one");
	/* The same work whether there is such a row or not. */
	api_token_digest(k->token_hmac, &token, digest);
	token_mac(k, &row, expected);
	same = ct_equal(digest, row.digest, sizeof(digest));
	wipe(token.secret, sizeof(token.secret));
	if (!found || !same || strcmp(token.id, row.id) != 0)
		return unauthenticated(err, "this token is not known here", "`reeve token create` makes one");
	if (row.revoked_at != 0)
		return unauthenticated(err, "this token was revoked", "`reeve token create` makes another");
	if (mac.len != sizeof(expected) || !ct_equal(mac.ptr, expected, sizeof(expected))) {
		err_problem(err, ERR_PERMANENT, "tampered", "the row of token %s was changed outside of Reeve", row.id);
		return err_hint(err, "revoke it and make another");
	}
	if (row.expires_at <= now)
		return unauthenticated(err, "this token has expired", "`reeve token create` makes another");

	struct keeper_grant grant = {
		.kind = GRANT_KIND_TOKEN,
		.principal_id = row.id,
		.project_id = row.project_id,
		.certificate_id = row.certificate_id,
		.role = row.role,
		.expires_at = row.expires_at < now + GRANT_MS ? row.expires_at : now + GRANT_MS,
	};
	grant_answer(k, call, &grant);
	return true;
}

/* ---- the local socket ---- */

bool grant_local(struct keeper *k, struct call *call, struct err *err)
{
	struct ucred       peer = { 0 };
	struct sockaddr_un name = { 0 };
	int                domain = 0, type = 0;
	socklen_t          len = sizeof(domain);

	if (!wire_done(&call->in, err))
		return false;
	if (call->fd < 0)
		return err_set(err, ERR_INPUT, "no socket came with the request");
	if (getsockopt(call->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX)
		return err_problem(err, ERR_DENIED, "forbidden", "the connection is not a local one");
	len = sizeof(type);
	if (getsockopt(call->fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_STREAM)
		return err_problem(err, ERR_DENIED, "forbidden", "the connection is not a local stream");
	/* An accepted socket has the listener's name; one end of a socketpair has none. */
	len = sizeof(name);
	if (getsockname(call->fd, (struct sockaddr *)&name, &len) != 0 || len <= sizeof(sa_family_t))
		return err_problem(err, ERR_DENIED, "forbidden", "the connection did not come by Reeve's socket");
	len = sizeof(peer);
	if (getsockopt(call->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof(peer))
		return err_problem(err, ERR_DENIED, "forbidden", "the connection does not tell who is at its other end");
	if (peer.uid != 0 && peer.uid != geteuid()) {
		err_problem(err, ERR_DENIED, "forbidden", "uid %u is not an administrator here", (unsigned)peer.uid);
		return err_hint(err, "run as root or as uid %u, or use a token", (unsigned)geteuid());
	}

	struct keeper_grant grant = {
		.kind = GRANT_KIND_LOCAL,
		.principal_id = arena_printf(call->arena, "uid:%u", (unsigned)peer.uid),
		.project_id = "",
		.certificate_id = "",
		.role = ROLE_ADMINISTRATOR,
		.expires_at = clock_now_ms() + GRANT_MS,
	};
	grant_answer(k, call, &grant);
	return true;
}
