/*
 * workflow/worker.c: the worker's parts, and what it owes the other roles when they come up: the keeper its wraps,
 * the dns role the whole set of live values.
 */
#include "base/wire.h"
#include "dns/client.h"
#include "keeper/keeper.h"
#include "provider/book.h"
#include "provider/engine.h"
#include "store/connection.h"
#include "store/project.h"
#include "store/schedule.h"
#include "store/txt_record.h"
#include "workflow/command.h"
#include "workflow/session.h"
#include "workflow/steps.h"

#define RETRY_MS        1000

/* ---- the keeper came up: it knows nothing until it has the wraps ---- */

static bool open_keeper(struct worker *w, struct arena *a, struct err *err)
{
	struct db          *db = store_reader(w->store, err);
	struct project_key *keys;
	struct str          wrapped_root;
	size_t              count;

	if (db == NULL || !seal_find(db, a, &wrapped_root, err) || !keeper_open(w->keeper, w->instance_id, wrapped_root, err) ||
	    !project_key_list(db, a, &keys, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!keeper_load_key(w->keeper, keys[i].project_id, keys[i].key_id, keys[i].wrapped, err))
			return err_in(err, "key of project %s", keys[i].project_id);
	return true;
}

/* Try fn until it works or the worker stops; a peer that is restarted once more starts the next try by itself. */
static void insist(struct worker *w, const char *what, bool (*fn)(struct worker *, struct arena *, struct err *))
{
	while (!__atomic_load_n(&w->stopping, __ATOMIC_RELAXED)) {
		struct arena *a = arena_new();
		struct err    err = { 0 };
		bool          ok = fn(w, a, &err);

		arena_free(a);
		if (ok)
			return;
		log_error("%s=failed cause=\"%s\" fix=\"%s\"", what, err.text, err.hint);
		clock_sleep_ms(err.class == ERR_TEMPORARY ? RETRY_MS : 10 * RETRY_MS);
	}
}

static void keeper_up(void *ctx)
{
	struct worker *w = ctx;

	insist(w, "keeper-open", open_keeper);
	pthread_mutex_lock(&w->lock);
	w->keeper_open = true;
	pthread_cond_signal(&w->dispatch);
	pthread_mutex_unlock(&w->lock);
	worker_kick(w, 0);
}

/* ---- the dns role came up: it gets the whole live set ---- */

static bool reset_dns(struct worker *w, struct arena *a, struct err *err)
{
	struct db         *db = store_reader(w->store, err);
	struct txt_record *live;
	struct dns_value  *values;
	size_t             count;
	uint64_t           sequence;
	bool               ok;

	if (db == NULL)
		return false;
	pthread_rwlock_wrlock(&w->dns_lock);
	ok = txt_record_list_live(db, a, PROVIDER_BUILTIN, &live, &count, err);
	if (ok) {
		values = arena_alloc_array(a, count > 0 ? count : 1, sizeof(*values));
		for (size_t i = 0; i < count; i++)
			values[i] = (struct dns_value){ live[i].owner, live[i].value };
		ok = dns_client_reset(w->dns, values, count, &sequence, err);
	}
	if (ok)
		__atomic_store_n(&w->dns_up_at, clock_now_ms(), __ATOMIC_RELAXED);
	pthread_rwlock_unlock(&w->dns_lock);
	return ok;
}

static void dns_up(void *ctx)
{
	insist(ctx, "dns-reset", reset_dns);
}

static void dns_pushed(void *ctx, const struct ipc_frame *frame)
{
	seen_push(ctx, frame);
}

/* ---- life ---- */

static bool write_start(struct db *db, void *arg, struct err *err)
{
	struct worker *w = arg;
	int64_t        now = clock_now_ms(), newest, count = 0;

	/* The clock was ahead when this database was last written to, and was set back while nobody ran. */
	if (!schedule_newest(db, &newest, err) ||
	    (newest - now > CLOCK_JUMP_MS && !schedule_clock_back(db, now, newest - now, &count, err)))
		return false;
	return job_void_leases(db, w->node, now, err) && reaper_start(db, now, err) &&
	       connection_sync_builtin(db, w->settings.zones, w->settings.zones_count, now, err);
}

static bool load_meta(struct worker *w, struct err *err)
{
	struct db *db = store_reader(w->store, err);

	if (db == NULL || !meta_get(db, w->arena, "instance_id", &w->instance_id, err) ||
	    !meta_get(db, w->arena, "node_id", &w->node, err))
		return false;
	if (w->instance_id[0] != '\0' && w->node[0] != '\0')
		return true;
	err_problem(err, ERR_CONFIG, "storage", "%s was not initialised completely", w->settings.store_path);
	return err_hint(err, "run `reeve init`: it finishes what is missing");
}

bool worker_new(const struct worker_settings *settings, struct worker **ret, struct err *err)
{
	struct arena      *a = arena_new();
	struct worker     *w = arena_alloc(a, sizeof(*w));
	pthread_condattr_t monotonic;

	w->arena = a;
	w->settings = *settings;
	if (w->settings.threads == 0)
		w->settings.threads = 16;
	w->planned_at = 0;
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->cas_lock, NULL);
	pthread_rwlock_init(&w->dns_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->dispatch, &monotonic);
	pthread_condattr_destroy(&monotonic);
	w->book = book_new(settings->providers_directory);
	if (!store_open(settings->store_path, STORE_WRITE, &w->store, err) || !load_meta(w, err) ||
	    !store_write(w->store, write_start, w, err)) {
		worker_free(w);
		return false;
	}
	w->keeper = ipc_peer_new("keeper", NULL, keeper_up, w);
	w->dns = ipc_peer_new("dns role", dns_pushed, dns_up, w);
	w->resolver = ipc_peer_new("resolver", NULL, NULL, w);
	w->hook = ipc_peer_new("hook role", NULL, NULL, w);
	w->server = ipc_server_new("worker", COMMAND_THREADS, command_handle, w);
	w->recipe_engine = engine_new(w->hook, w->resolver);
	*ret = w;
	return true;
}

struct ipc_peer *worker_keeper(struct worker *w)
{
	return w->keeper;
}

struct ipc_peer *worker_dns(struct worker *w)
{
	return w->dns;
}

struct ipc_peer *worker_resolver(struct worker *w)
{
	return w->resolver;
}

struct ipc_peer *worker_hook(struct worker *w)
{
	return w->hook;
}

struct ipc_server *worker_server(struct worker *w)
{
	return w->server;
}

bool worker_start(struct worker *w, struct err *err)
{
	return seen_start(w, err) && engine_start(w, err);
}

bool worker_open(struct worker *w)
{
	bool open;

	pthread_mutex_lock(&w->lock);
	open = w->keeper_open;
	pthread_mutex_unlock(&w->lock);
	return open && __atomic_load_n(&w->dns_up_at, __ATOMIC_RELAXED) != 0;
}

bool worker_healthy(const struct worker *w)
{
	return !store_broken(w->store);
}

void worker_stop(struct worker *w)
{
	engine_stop(w);
}

void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	__atomic_store_n(&w->stopping, true, __ATOMIC_RELAXED);
	ipc_server_free(w->server);
	ipc_peer_free(w->dns);
	ipc_peer_free(w->resolver);
	ipc_peer_free(w->hook);
	ipc_peer_free(w->keeper);
	seen_stop(w);
	store_close(w->store);
	cas_free(w);
	engine_free(w->recipe_engine);
	book_free(w->book);
	pthread_cond_destroy(&w->dispatch);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->cas_lock);
	pthread_rwlock_destroy(&w->dns_lock);
	arena_free(w->arena);
}

void worker_changed(struct worker *w, const char *kind, const char *id)
{
	struct buf body;

	buf_init(&body, KIB);
	wire_put_c(&body, kind);
	wire_put_c(&body, id);
	ipc_server_push(w->server, COMMAND_CHANNEL_API, COMMAND_CHANGED, buf_str(&body));
	buf_clear(&body);
}
