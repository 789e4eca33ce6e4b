/*
 * workflow/seen.c: what the validation zone saw: an order's first poll waits for the CA's question, and its timeline
 * says from how many networks the values were asked for.
 *
 * The push comes on the thread that also reads the dns role's answers, so it only fills a bounded queue; one thread
 * of its own writes what came in one commit. The table of networks is bounded: a flood costs memory once.
 */
#include "dns/client.h"
#include "store/txt_record.h"
#include "workflow/engine.h"

#define QUEUE_MAX    1024
#define OWNERS_MAX   4096
#define NETWORKS_MAX 32
#define SEEN_MS      10

struct seen_owner {
	char     owner[NAME_SIZE];
	char     networks[NETWORKS_MAX][DNS_NETWORK_SIZE];
	unsigned networks_count;
};

struct seen {
	pthread_mutex_t   lock;
	pthread_cond_t    more;
	pthread_t         thread;
	bool              stopping;
	struct dns_seen   queue[QUEUE_MAX];
	size_t            queue_count;
	/* The thread's own: a ring of the owners seen last. */
	struct seen_owner owners[OWNERS_MAX];
	size_t            owners_count, owners_next;
};

static struct seen_owner *owner_get(struct seen *s, const char *owner)
{
	struct seen_owner *o;

	for (size_t i = 0; i < s->owners_count; i++)
		if (strcmp(s->owners[i].owner, owner) == 0)
			return &s->owners[i];
	o = &s->owners[s->owners_next];
	s->owners_next = (s->owners_next + 1) % OWNERS_MAX;
	if (s->owners_count < OWNERS_MAX)
		s->owners_count++;
	snprintf(o->owner, sizeof(o->owner), "%s", owner);
	o->networks_count = 0;
	return o;
}

static unsigned network_add(struct seen_owner *o, const char *network)
{
	for (unsigned i = 0; i < o->networks_count; i++)
		if (strcmp(o->networks[i], network) == 0)
			return o->networks_count;
	if (o->networks_count < NETWORKS_MAX)
		snprintf(o->networks[o->networks_count++], DNS_NETWORK_SIZE, "%s", network);
	return o->networks_count;
}

struct seen_batch {
	struct seen     *seen;
	struct dns_seen *items;
	size_t           count;
};

static bool write_seen(struct db *db, void *arg, struct err *err)
{
	struct seen_batch *b = arg;
	struct arena      *a = arena_new();
	int64_t            now = clock_now_ms();
	bool               ok = true;

	for (size_t i = 0; ok && i < b->count; i++) {
		unsigned     networks = network_add(owner_get(b->seen, b->items[i].owner), b->items[i].network);
		const char **orders;
		size_t       count;

		ok = txt_record_seen(db, a, b->items[i].owner, now, networks, &orders, &count, err);
		for (size_t k = 0; ok && k < count; k++)
			ok = schedule_wake_seen(db, orders[k], now + SEEN_MS, err);
	}
	arena_free(a);
	return ok;
}

static void *seen_main(void *arg)
{
	struct worker   *w = arg;
	struct seen     *s = w->seen;
	struct dns_seen *items = malloc(sizeof(s->queue));

	if (items == NULL)
		abort();
	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		struct seen_batch batch = { s, items, s->queue_count };
		struct err        err = { 0 };

		if (s->queue_count == 0) {
			pthread_cond_wait(&s->more, &s->lock);
			continue;
		}
		memcpy(items, s->queue, s->queue_count * sizeof(*items));
		s->queue_count = 0;
		pthread_mutex_unlock(&s->lock);
		if (!store_write(w->store, write_seen, &batch, &err))
			log_warn("seen=lost count=%zu cause=\"%s\"", batch.count, err.text);
		worker_kick(w, clock_now_ms() + SEEN_MS);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	free(items);
	return NULL;
}

void seen_push(struct worker *w, const struct ipc_frame *frame)
{
	struct seen    *s = w->seen;
	struct dns_seen seen;

	if (s == NULL || !dns_client_seen(frame, &seen))
		return;
	pthread_mutex_lock(&s->lock);
	if (s->queue_count < QUEUE_MAX) {
		s->queue[s->queue_count++] = seen;
		pthread_cond_signal(&s->more);
	}
	pthread_mutex_unlock(&s->lock);
}

bool seen_start(struct worker *w, struct err *err)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	w->seen = s;
	if (pthread_create(&s->thread, NULL, seen_main, w) != 0) {
		w->seen = NULL;
		free(s);
		return err_set(err, ERR_TEMPORARY, "no thread for what the zone saw");
	}
	return true;
}

/* After the dns peer is gone: nobody pushes any more. */
void seen_stop(struct worker *w)
{
	struct seen *s = w->seen;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->more);
	w->seen = NULL;
	free(s);
}
