/*
 * keeper/server.h: inside the keeper: its state and one function per message. Private to this folder and to the
 * tests, which hand keeper_answer() any bytes.
 *
 * Threads  the request thread runs all handlers but slow key generation, which has a thread of its own; the
 *          keyring is behind a lock, the cache of account keys belongs to the request thread.
 */
#ifndef REEVE_KEEPER_SERVER_H
#define REEVE_KEEPER_SERVER_H

#include <pthread.h>

#include "base/wire.h"
#include "keeper/keeper.h"
#include "net/url.h"

#define ACCOUNT_CACHE_COUNT 64
#define ACCOUNT_CACHE_MS    60000
#define SLOW_QUEUE_MAX      64

struct project_key {
	char          *project_id;
	uint64_t       key_id;
	struct secret *key;
};

/* An account key as it was opened, kept for a minute: seven signatures make one certificate. */
struct account_key {
	uint8_t     record[SHA256_SIZE]; /* digest of record id and blob: authentic once, authentic again */
	struct key *key;
	char      (*hosts)[URL_HOST_SIZE];
	size_t      hosts_count;
	int64_t     until_ms; /* monotonic */
};

struct keeper {
	struct secret *seal;  /* until OPEN */
	struct secret *root;  /* NULL: sealed */
	char          *instance_id;
	struct secret *token_hmac, *row_mac;
	struct secret *grant_mac; /* random: grants end with the process */

	pthread_mutex_t     lock; /* over the next three */
	struct project_key *keys; /* sorted by project, key id */
	size_t              keys_count, keys_cap;

	struct account_key accounts[ACCOUNT_CACHE_COUNT];

	pthread_t            slow_thread;
	pthread_mutex_t      slow_lock;
	pthread_cond_t       slow_wake;
	struct ipc_request  *slow_queue[SLOW_QUEUE_MAX]; /* ring */
	size_t               slow_head, slow_count;
	bool                 slow_stop;

	struct ipc_peer *hook; /* or NULL */
};

/* One request while it is handled. */
struct call {
	enum keeper_channel channel;
	struct wire         in;
	int                 fd; /* -1; closed after the handler unless taken */
	struct arena       *arena;
	struct buf          out; /* wiped */
};

/* Answer one request without any IPC. ret->out holds the answer on true. */
MUST_CHECK bool keeper_answer(struct keeper *k, uint32_t type, struct call *call, struct err *err);

/* ---- keyring.c ---- */

bool keyring_open(struct keeper *k, struct call *call, struct err *err);
bool keyring_load(struct keeper *k, struct call *call, struct err *err);
bool keyring_new_project(struct keeper *k, struct call *call, struct err *err);
void keyring_clear(struct keeper *k);

/* Seal or open with the project's keys; the column must be `column`. */
bool keyring_record_seal(struct keeper *k, const char *column, const struct record_id *id, struct str plain,
                         struct arena *a, struct str *ret, struct err *err);
bool keyring_record_open(struct keeper *k, const char *column, const struct record_id *id, struct str blob,
                         struct secret **ret, struct err *err);

/* ---- sign.c ---- */

bool sign_seal(struct keeper *k, struct call *call, struct err *err);
bool sign_account_key_new(struct keeper *k, struct call *call, struct err *err);
bool sign_cert_key_new(struct keeper *k, struct call *call, struct err *err);
bool sign_jws(struct keeper *k, struct call *call, struct err *err);
bool sign_cert_key_again(struct keeper *k, struct call *call, struct err *err);
bool sign_key_change(struct keeper *k, struct call *call, struct err *err);
bool sign_revoke(struct keeper *k, struct call *call, struct err *err);
bool sign_csr(struct keeper *k, struct call *call, struct err *err);
bool sign_export(struct keeper *k, struct call *call, struct err *err);
bool sign_deliver(struct keeper *k, struct call *call, struct err *err); /* on the slow thread: it waits for the hook role */
bool sign_webhook(struct keeper *k, struct call *call, struct err *err);
bool sign_open_credential(struct keeper *k, struct call *call, struct err *err);
void sign_cache_clear(struct keeper *k);

/* ---- grant.c ---- */

bool grant_deployment_mac(struct keeper *k, struct call *call, struct err *err);
bool grant_deployment_check(struct keeper *k, const struct keeper_deployment *row, struct str mac, struct err *err);
bool grant_mac_make(struct keeper *k, struct call *call, struct err *err);
bool grant_mac_check(struct keeper *k, struct call *call, struct err *err);
bool grant_token_new(struct keeper *k, struct call *call, struct err *err);
bool grant_authenticate(struct keeper *k, struct call *call, struct err *err);
bool grant_local(struct keeper *k, struct call *call, struct err *err);
/* Is this a live grant of ours with at least this role, for this project? */
bool grant_check(struct keeper *k, struct str grant, enum keeper_role least, const char *project_id,
                 struct arena *a, struct err *err);

#endif
