/*
 * keeper/server.c: the table of messages, and the process around it. A row says who may send a message and whether the
 * keeper must be open; a forgotten cell refuses. Slow key generation goes to one thread of its own, so that a
 * signature never waits for an RSA prime.
 */
#include "keeper/server.h"

#include <assert.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/init.h"
#include "keeper/seal.h"

#if defined(__has_feature)
#define REEVE_HAS_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define REEVE_HAS_ASAN 1
#else
#define REEVE_HAS_ASAN 0
#endif

enum { WORKER = 1 << KEEPER_CHANNEL_WORKER, API = 1 << KEEPER_CHANNEL_API };

static const struct message {
	const char *name;
	unsigned    channels; /* who may send it */
	bool        sealed;   /* also before OPEN */
	bool        slow;     /* starts with a key type that may take seconds to make */
	bool        fd;       /* comes with a descriptor */
	bool (*handle)(struct keeper *k, struct call *call, struct err *err);
	bool        aside;    /* asks another role: never on the request thread */
} messages[] = {
#define ROW(id) [KEEPER_##id - IPC_TYPE_FIRST]
	/* message                channels        sealed  slow   fd     handler */
	ROW(OPEN) = { "open", WORKER, true, false, false, keyring_open },
	ROW(LOAD_KEY) = { "load-key", WORKER, false, false, false, keyring_load },
	ROW(NEW_PROJECT_KEY) = { "new-project-key", WORKER, false, false, false, keyring_new_project },
	ROW(SEAL) = { "seal", WORKER | API, false, false, false, sign_seal },
	ROW(ACCOUNT_KEY_NEW) = { "account-key-new", WORKER, false, true, false, sign_account_key_new },
	ROW(CERT_KEY_NEW) = { "cert-key-new", WORKER, false, true, false, sign_cert_key_new },
	ROW(JWS) = { "jws", WORKER, false, false, false, sign_jws },
	ROW(CSR) = { "csr", WORKER, false, false, false, sign_csr },
	ROW(MAC) = { "mac", WORKER | API, false, false, false, grant_mac_make },
	ROW(MAC_CHECK) = { "mac-check", WORKER | API, false, false, false, grant_mac_check },
	ROW(TOKEN_NEW) = { "token-new", API, false, false, false, grant_token_new },
	ROW(AUTHENTICATE) = { "authenticate", API, false, false, false, grant_authenticate },
	ROW(GRANT_LOCAL) = { "grant-local", API, false, false, true, grant_local },
	ROW(EXPORT_KEY) = { "export-key", API, false, false, false, sign_export },
	ROW(DEPLOYMENT_MAC) = { "deployment-mac", API, false, false, false, grant_deployment_mac },
	ROW(DELIVER) = { "deliver", WORKER, false, false, false, sign_deliver, true },
	ROW(CERT_KEY_AGAIN) = { "cert-key-again", WORKER, false, false, false, sign_cert_key_again },
	ROW(WEBHOOK_SIGN) = { "webhook-sign", WORKER, false, false, false, sign_webhook },
	ROW(OPEN_CREDENTIAL) = { "open-credential", WORKER, false, false, false, sign_open_credential },
	ROW(KEY_CHANGE) = { "key-change", WORKER, false, false, false, sign_key_change },
	ROW(REVOKE) = { "revoke", WORKER, false, false, false, sign_revoke },
#undef ROW
};
_Static_assert(ARRAY_LEN(messages) == KEEPER__END - IPC_TYPE_FIRST, "a row for each message");

static const struct message *message_find(uint32_t type)
{
	return type >= IPC_TYPE_FIRST && type < KEEPER__END ? &messages[type - IPC_TYPE_FIRST] : NULL;
}

bool keeper_answer(struct keeper *k, uint32_t type, struct call *call, struct err *err)
{
	const struct message *m = message_find(type);

	if (m == NULL)
		return err_set(err, ERR_INPUT, "the keeper has no message %u", (unsigned)type);
	if ((call->channel != KEEPER_CHANNEL_WORKER && call->channel != KEEPER_CHANNEL_API) ||
	    (m->channels & 1u << call->channel) == 0)
		return err_problem(err, ERR_DENIED, "forbidden", "%s may not be asked from this side", m->name);
	if (call->fd >= 0 && !m->fd)
		return err_set(err, ERR_INPUT, "%s takes no descriptor", m->name);
	if (k->root == NULL && !m->sealed) {
		err_problem(err, ERR_TEMPORARY, "sealed", "the keeper is not open yet");
		return false;
	}
	if (!m->handle(k, call, err))
		return err_in(err, "keeper: %s", m->name);
	if (call->out.failed)
		return err_problem(err, ERR_INPUT, "too-large", "keeper: %s: the answer is too large", m->name);
	return true;
}

static void request_answer(struct keeper *k, struct ipc_request *r)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct err  err = { 0 };
	struct call call = {
		.channel = (enum keeper_channel)ipc_request_channel(r),
		.in = wire_of(ipc_request_body(r)),
		.fd = ipc_request_take_fd(r),
		.arena = a,
	};

	buf_init(&call.out, IPC_BODY_MAX);
	if (keeper_answer(k, ipc_request_type(r), &call, &err))
		ipc_reply_ok(r, buf_str(&call.out));
	else
		ipc_reply_err(r, &err);
	buf_wipe(&call.out);
	if (call.fd >= 0)
		close(call.fd);
}

/* ---- the slow thread ---- */

static bool request_slow(const struct ipc_request *r)
{
	const struct message *m = message_find(ipc_request_type(r));
	struct wire           w = wire_of(ipc_request_body(r));
	unsigned              type = wire_get_u8(&w);

	return m != NULL && (m->aside || (m->slow && type < KEY__COUNT && key_type_slow((enum key_type)type)));
}

static struct ipc_request *slow_take(struct keeper *k)
{
	struct ipc_request *r = NULL;

	pthread_mutex_lock(&k->slow_lock);
	while (k->slow_count == 0 && !k->slow_stop)
		pthread_cond_wait(&k->slow_wake, &k->slow_lock);
	if (k->slow_count > 0) {
		r = k->slow_queue[k->slow_head];
		k->slow_head = (k->slow_head + 1) % SLOW_QUEUE_MAX;
		k->slow_count--;
	}
	pthread_mutex_unlock(&k->slow_lock);
	return r;
}

static bool slow_put(struct keeper *k, struct ipc_request *r)
{
	bool room;

	pthread_mutex_lock(&k->slow_lock);
	room = k->slow_count < SLOW_QUEUE_MAX;
	if (room)
		k->slow_queue[(k->slow_head + k->slow_count++) % SLOW_QUEUE_MAX] = r;
	pthread_cond_signal(&k->slow_wake);
	pthread_mutex_unlock(&k->slow_lock);
	return room;
}

static void request_refuse(struct ipc_request *r, const char *why)
{
	struct err err = { 0 };

	err_problem(&err, ERR_TEMPORARY, "unavailable", "%s", why);
	ipc_reply_err(r, &err);
}

static void *slow_main(void *arg)
{
	struct keeper      *k = arg;
	struct ipc_request *r;

	while ((r = slow_take(k)) != NULL) {
		if (__atomic_load_n(&k->slow_stop, __ATOMIC_RELAXED))
			request_refuse(r, "the keeper is stopping");
		else
			request_answer(k, r);
	}
	return NULL;
}

void keeper_handle(void *ctx, struct ipc_request *request)
{
	struct keeper *k = ctx;

	/* Sealed, or from the wrong side: the refusal is quick and is made here. */
	if (!request_slow(request) || k->root == NULL)
		request_answer(k, request);
	else if (!slow_put(k, request))
		request_refuse(request, "too many keys are being made just now");
}

/* ---- the process ---- */

/* No core file, no debugger, no /proc/PID/mem: what is in here stays in here. */
static bool process_close(struct err *err)
{
	static const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return err_set(err, ERR_TEMPORARY, "the kernel does not let core files be turned off");
#if !REEVE_HAS_ASAN
	/* (The leak check of sanitizer builds attaches to its own process at exit.) */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(err, ERR_TEMPORARY, "the kernel does not make the process undumpable");
#endif
	return true;
}

bool keeper_new(int seal_fd, struct keeper **ret, struct err *err)
{
	AUTO(secret_freep) struct secret *seal = NULL;
	struct keeper *k;

	crypto_secure_heap();
	if (!process_close(err) || !seal_read(seal_fd, &seal, err))
		return false;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		abort();
	k->seal = TAKE(seal);
	k->grant_mac = secret_random(32);
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->slow_lock, NULL);
	pthread_cond_init(&k->slow_wake, NULL);
	if (pthread_create(&k->slow_thread, NULL, slow_main, k) != 0)
		abort();
	*ret = k;
	return true;
}

void keeper_set_hook(struct keeper *k, struct ipc_peer *hook)
{
	k->hook = hook;
}

void keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->slow_lock);
	__atomic_store_n(&k->slow_stop, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&k->slow_wake);
	pthread_mutex_unlock(&k->slow_lock);
	pthread_join(k->slow_thread, NULL);
	sign_cache_clear(k);
	keyring_clear(k);
	pthread_cond_destroy(&k->slow_wake);
	pthread_mutex_destroy(&k->slow_lock);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
