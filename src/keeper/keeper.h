/*
 * keeper/keeper.h: the messages the keeper understands, and the functions that send them.
 *
 * Rule     the process that holds keys decides by message type, record and enum what may be signed; there is
 *          no message "sign these bytes". A request of any other shape, or from a channel that may not send
 *          it, is refused.
 * Channels KEEPER_CHANNEL_WORKER and _API, given to ipc_server_attach(). The worker may not authenticate or
 *          export keys, api may not sign. Each function says in front who may call it.
 * Records  struct record_id names one sealed value by project, "table.column", row id and row version. Blobs
 *          and wraps are opaque bytes to store. The columns are the KEEPER_COLUMN_* below, nothing else opens.
 * Errors   "sealed" ERR_TEMPORARY: no OPEN yet. "sealed" ERR_CONFIG: the seal is not this database's.
 *          "tampered" ERR_PERMANENT: a blob, wrap or MAC does not belong where it stands. "forbidden"
 *          ERR_DENIED: not from this channel or not with this grant. "unauthenticated" ERR_DENIED.
 *          ERR_INPUT: the request was not formed as described here.
 * Memory   results live in the arena given.
 * Threads  any thread may call; each call waits for its answer (5 s, key generation 120 s).
 */
#ifndef REEVE_KEEPER_KEEPER_H
#define REEVE_KEEPER_KEEPER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/str.h"
#include "crypto/keys.h"
#include "crypto/record.h"
#include "crypto/token.h"

/* The values ipc_server_attach() takes as `channel`. */
enum keeper_channel { KEEPER_CHANNEL_WORKER = 1, KEEPER_CHANNEL_API = 2 };

enum keeper_message {
	KEEPER_OPEN = IPC_TYPE_FIRST,
	KEEPER_LOAD_KEY,
	KEEPER_NEW_PROJECT_KEY,
	KEEPER_SEAL,
	KEEPER_ACCOUNT_KEY_NEW,
	KEEPER_CERT_KEY_NEW,
	KEEPER_JWS,
	KEEPER_CSR,
	KEEPER_MAC,
	KEEPER_MAC_CHECK,
	KEEPER_TOKEN_NEW,
	KEEPER_AUTHENTICATE,
	KEEPER_GRANT_LOCAL,
	KEEPER_EXPORT_KEY,
	KEEPER_DEPLOYMENT_MAC,
	KEEPER_DELIVER,
	KEEPER_WEBHOOK_SIGN,
	KEEPER_CERT_KEY_AGAIN,
	KEEPER_OPEN_CREDENTIAL,
	KEEPER_KEY_CHANGE,
	KEEPER_REVOKE,
	KEEPER__END
};

/* The only columns that hold sealed values (record_id.column). Bound into each blob: never renamed. */
#define KEEPER_COLUMN_EAB         "authorities.eab_hmac"
#define KEEPER_COLUMN_ACCOUNT_KEY "accounts.key_blob"
#define KEEPER_COLUMN_CERT_KEY    "versions.key_blob"
#define KEEPER_COLUMN_WEBHOOK     "deployments.secret"
#define KEEPER_COLUMN_CREDENTIALS "connections.credentials"
#define KEEPER_COLUMN_NOTIFIER    "notifiers.secret"   /* signs, and never leaves the keeper */
#define KEEPER_COLUMN_SMTP        "notifiers.password" /* opens for the worker, as credentials do */

#define KEEPER_HOSTS_MAX 16 /* hosts an account key may sign for */
#define KEEPER_KEY_FIRST 1  /* key_id of a project's first key */

/* ---- `reeve init`, in process, no peer ---- */

struct keeper_init {
	struct str root_wrap;    /* to store with the instance */
	struct str project_wrap; /* to store with the project, as key `key_id` */
};

/* Make the root key, wrap it under the seal, and the first key of the first project under the root. */
MUST_CHECK bool keeper_init_offline(int seal_fd, const char *instance_id, const char *project_id,
                                    uint64_t key_id, struct arena *a, struct keeper_init *ret,
                                    struct err *err);

/* ---- opening (worker) ---- */

/* Before all others, after each start of the keeper. Again with the same values is fine. */
MUST_CHECK bool keeper_open(struct ipc_peer *keeper, const char *instance_id, struct str root_wrap,
                            struct err *err);
/* Of several keys of one project the highest key_id seals; all open. Again is fine. */
MUST_CHECK bool keeper_load_key(struct ipc_peer *keeper, const char *project_id, uint64_t key_id,
                                struct str wrap, struct err *err);
/* Makes the wrap only: store it durably, then keeper_load_key(). */
MUST_CHECK bool keeper_new_project_key(struct ipc_peer *keeper, const char *project_id, uint64_t key_id,
                                       struct arena *a, struct str *ret_wrap, struct err *err);

/* ---- secrets (api) ---- */

/* Only for KEEPER_COLUMN_EAB (`plain` is the decoded HMAC key), _WEBHOOK, _NOTIFIER, _SMTP (the text itself) and
 * _CREDENTIALS (provider/credentials.h). */
MUST_CHECK bool keeper_seal(struct ipc_peer *keeper, const struct record_id *id, struct str plain,
                            struct arena *a, struct str *ret_blob, struct err *err);

/*
 * (worker) The one kind of secret that the worker gets to see: KEEPER_COLUMN_CREDENTIALS, because it speaks to the
 * provider, and _SMTP, because it speaks to the mail server. *ret holds what was sealed; wipe it as soon as that is over.
 */
MUST_CHECK bool keeper_open_credential(struct ipc_peer *keeper, const struct record_id *id, struct str blob, struct arena *a,
                                       struct str *ret, struct err *err);

/* ---- keys (worker) ---- */

struct keeper_account_key {
	struct str  blob; /* store in KEEPER_COLUMN_ACCOUNT_KEY */
	const char *jwk;
	const char *thumbprint;
};
struct keeper_cert_key {
	struct str  blob; /* store in KEEPER_COLUMN_CERT_KEY */
	const char *spki_sha256; /* lower-case hex */
};

/*
 * hosts: 1..KEEPER_HOSTS_MAX as url_host() (net/url.h) gives them: lower case, no port. The key signs for URLs at
 * these and at no other: there is no message that changes the list of a key, or the worker could.
 */
MUST_CHECK bool keeper_account_key_new(struct ipc_peer *keeper, const struct record_id *id,
                                       enum key_type type, const char *const *hosts, size_t hosts_count,
                                       struct arena *a, struct keeper_account_key *ret, struct err *err);
MUST_CHECK bool keeper_cert_key_new(struct ipc_peer *keeper, const struct record_id *id, enum key_type type,
                                    struct arena *a, struct keeper_cert_key *ret, struct err *err);

/*
 * The key of another version of the same project, sealed for this one: the bytes never leave the keeper. A key of
 * another type than `type` is ERR_CONFLICT.
 */
MUST_CHECK bool keeper_cert_key_again(struct ipc_peer *keeper, enum key_type type, const struct record_id *from, struct str from_blob,
                                      const struct record_id *to, struct arena *a, struct keeper_cert_key *ret, struct err *err);

/* ---- signatures (worker) ---- */

enum keeper_jws_kind {
	KEEPER_JWS_ACCOUNT_NEW,  /* newAccount with jwk; the keeper writes the payload */
	KEEPER_JWS_ACCOUNT_FIND, /* newAccount, onlyReturnExisting, with jwk */
	KEEPER_JWS_KID_POST,     /* all others, with kid; payload "" is POST-as-GET */
	KEEPER_JWS__COUNT
};

struct keeper_eab {
	const char      *kid; /* as the CA gave it */
	struct record_id record;
	struct str       blob; /* from keeper_seal() */
};

struct keeper_jws {
	enum keeper_jws_kind     kind;
	struct record_id         account;
	struct str               account_blob;
	const char              *nonce;
	const char              *url;     /* https, at one of the key's hosts */
	const char              *kid;     /* KID_POST: the account URL */
	struct str               payload; /* KID_POST: "" or a JSON object */
	const char              *email;   /* ACCOUNT_NEW: NULL or "" for no contact */
	bool                     terms_agreed; /* ACCOUNT_NEW */
	const struct keeper_eab *eab;     /* ACCOUNT_NEW: or NULL */
};

/* One address for a contact: RFC 8555 7.3, and nothing JSON would have to escape. ERR_INPUT. Any process. */
MUST_CHECK bool keeper_email_check(const char *email, struct err *err);

struct keeper_key_change {
	struct record_id old_record, new_record; /* of the same account: only the row version differs */
	struct str       old_blob, new_blob;
	const char      *nonce, *url, *kid; /* url: keyChange, at a host of the old key */
};
/* RFC 8555 7.3.5: the new key must sign for no host that the old one did not. *ret is the request body. */
MUST_CHECK bool keeper_key_change(struct ipc_peer *keeper, const struct keeper_key_change *change, struct arena *a, struct str *ret,
                                  struct err *err);

struct keeper_revocation {
	struct record_id cert_key;
	struct str       key_blob;
	struct str       certificate; /* DER */
	unsigned         reason;      /* 0: none is sent */
	const char      *nonce, *url;
};
/* RFC 8555 7.6: revokeCert signed by the key of the certificate, and nothing else by it. *ret is the request body. */
MUST_CHECK bool keeper_revoke(struct ipc_peer *keeper, const struct keeper_revocation *revocation, struct arena *a, struct str *ret,
                              struct err *err);

/* *ret is the request body. */
MUST_CHECK bool keeper_jws(struct ipc_peer *keeper, const struct keeper_jws *jws, struct arena *a,
                           struct str *ret, struct err *err);
/* *ret is the DER of the request. */
MUST_CHECK bool keeper_csr(struct ipc_peer *keeper, const struct record_id *cert_key, struct str blob,
                           const char *const *names, size_t names_count, struct arena *a,
                           struct str *ret, struct err *err);

/* ---- rows that grant power (worker, api) ---- */

/*
 * `columns` is what row_text() and its kin wrote. For table "tokens" both sides get the MAC of a revoked row alone
 * (keeper_token_columns with revoked_at set): it takes power away and never makes any. api gets no others.
 */
MUST_CHECK bool keeper_mac(struct ipc_peer *keeper, const char *table, struct str columns,
                           int64_t row_version, uint8_t ret[static ROW_MAC_SIZE], struct err *err);
MUST_CHECK bool keeper_mac_check(struct ipc_peer *keeper, const char *table, struct str columns,
                                 int64_t row_version, struct str mac, struct err *err);

/* ---- who asks (api) ---- */

/* Stored names, weakest first. A viewer reads; an operator orders and exports; an administrator makes tokens. */
enum keeper_role { ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMINISTRATOR, ROLE__COUNT };
const char     *keeper_role_name(enum keeper_role role); /* "viewer", "operator", "administrator" */
MUST_CHECK bool keeper_role_parse(struct str name, enum keeper_role *ret);

enum keeper_grant_kind { GRANT_KIND_LOCAL, GRANT_KIND_TOKEN, GRANT_KIND__COUNT };

/* What the bearer may do for the next minute. `bytes` proves it to the keeper; the rest is for the api. */
struct keeper_grant {
	enum keeper_grant_kind kind;
	const char            *principal_id; /* token id, or "uid:1000" */
	const char            *project_id;   /* "" for all */
	const char            *certificate_id; /* "" : any; else the bearer may download this one and do nothing else */
	enum keeper_role       role;
	int64_t                expires_at; /* Unix milliseconds */
	struct str             bytes;
};

/* A row of table tokens, without its mac. */
struct keeper_token {
	const char      *id;         /* api_token_id_new() */
	const char      *project_id; /* "" for all */
	const char      *name;
	const char      *certificate_id; /* "" : not narrowed; else no administrator */
	enum keeper_role role;
	int64_t          created_at, expires_at; /* Unix milliseconds; at most 366 days apart */
	int64_t          revoked_at;             /* 0: not revoked */
	int64_t          row_version;
	uint8_t          digest[TOKEN_DIGEST_SIZE];
};

/* The canonical columns of a row of tokens, for keeper_mac() with table "tokens". */
void keeper_token_columns(const struct keeper_token *row, struct buf *ret);

struct keeper_token_made {
	const char *text; /* shown once */
	uint8_t     digest[TOKEN_DIGEST_SIZE];
	uint8_t     mac[ROW_MAC_SIZE];
};

/* `grant` is an administrator's, for all projects or for the row's. row->digest is not read. */
MUST_CHECK bool keeper_token_new(struct ipc_peer *keeper, struct str grant, const struct keeper_token *row,
                                 struct arena *a, struct keeper_token_made *ret, struct err *err);
/* `row` is NULL when there is none with this id: takes as long, and is refused. */
MUST_CHECK bool keeper_authenticate(struct ipc_peer *keeper, struct str token,
                                    const struct keeper_token *row, struct str mac, struct arena *a,
                                    struct keeper_grant *ret, struct err *err);
/* `socket_fd`: the accepted UNIX socket; stays the caller's. root and the keeper's uid are administrator. */
MUST_CHECK bool keeper_grant_local(struct ipc_peer *keeper, int socket_fd, struct arena *a,
                                   struct keeper_grant *ret, struct err *err);

enum keeper_export_format {
	KEEPER_EXPORT_PKCS8,       /* PEM */
	KEEPER_EXPORT_TRADITIONAL, /* PEM: SEC1 or PKCS#1 */
	KEEPER_EXPORT_PKCS12,      /* DER, with the chain, empty password */
	KEEPER_EXPORT__COUNT
};
/* An operator's or administrator's grant that covers the record's project. Wipe *ret after use. */
MUST_CHECK bool keeper_export_key(struct ipc_peer *keeper, struct str grant,
                                  const struct record_id *cert_key, struct str blob,
                                  enum keeper_export_format format, struct str chain_pem,
                                  struct arena *a, struct str *ret, struct err *err);

/* ---- deliveries: a key leaves by a deployment that an administrator made, and only to the hook role ---- */

/* A row of table deployments, without its mac and its secret. */
struct keeper_deployment {
	const char *id, *project_id, *name, *certificate_id, *kind, *settings;
	int64_t     created_at;
};

/* The canonical columns of a row of deployments; row_version is 1 for ever: a deployment is made anew, not changed. */
void keeper_deployment_columns(const struct keeper_deployment *row, struct buf *ret);

/*
 * (api) `grant` is an administrator's; of all projects for every kind but "webhook", since the others write and run on
 * this machine.
 */
MUST_CHECK bool keeper_deployment_mac(struct ipc_peer *keeper, struct str grant, const struct keeper_deployment *row,
                                      uint8_t ret[static ROW_MAC_SIZE], struct err *err);

struct keeper_delivery {
	const char              *ticket; /* the caller's: names the bundle when the hook role is told what to do with it */
	struct keeper_deployment deployment;
	struct str               mac;
	struct record_id         cert_key; /* of the same project */
	struct str               key_blob; /* empty: the key was never here, the chain is delivered alone */
	struct str               chain_pem;
	bool                     pkcs12;
};
/* (worker) Hand key, chain and deployment to the hook role (keeper/bundle.h). Done when it has them. */
MUST_CHECK bool keeper_deliver(struct ipc_peer *keeper, const struct keeper_delivery *delivery, struct err *err);

/* (worker) HMAC-SHA256 of "<at_s>.<body>" with the secret of a webhook (KEEPER_COLUMN_WEBHOOK or _NOTIFIER). */
MUST_CHECK bool keeper_webhook_sign(struct ipc_peer *keeper, const struct record_id *id, struct str blob, int64_t at_s,
                                    struct str body, uint8_t ret[static ROW_MAC_SIZE], struct err *err);

/* ---- the answering side: the keeper role ---- */

struct keeper;

/* Reads the seal (the descriptor stays the caller's), makes the process undumpable. Sealed until OPEN. */
MUST_CHECK bool keeper_new(int seal_fd, struct keeper **ret, struct err *err);
void            keeper_free(struct keeper *keeper); /* after the ipc_server is gone */
/* Whom bundles go to; before the first request, and it outlives the keeper. NULL: deliveries are refused for now. */
void            keeper_set_hook(struct keeper *keeper, struct ipc_peer *hook);
/* The handler of an ipc_server with 0 threads; ctx is the struct keeper. */
void keeper_handle(void *ctx, struct ipc_request *request);

#endif
