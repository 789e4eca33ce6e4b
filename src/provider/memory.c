/* provider/memory.c: two flat tables under one mutex. They are small, and each look-up stands beside a network request. */
#include "provider/memory.h"

#include <pthread.h>

#include "base/clock.h"
#include "crypto/secret.h"

struct text {
	char          *key;
	struct secret *value;
	int64_t        until_ms;
	uint64_t       age;
};

struct budget {
	char   *account;
	double  left;
	int64_t at_ms, silent_until_ms;
	int64_t promised_ms; /* the last moment that was given to somebody who had to wait */
};

struct memory {
	pthread_mutex_t mutex;
	uint64_t        age;
	struct text     texts[MEMORY_TEXTS_MAX];
	size_t          texts_count;
	struct budget   budgets[MEMORY_ACCOUNTS_MAX];
	size_t          budgets_count;
};

struct memory *memory_new(void)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort(); /* out of memory: base/arena.h */
	pthread_mutex_init(&m->mutex, NULL);
	return m;
}

static void text_clear(struct text *t)
{
	free(t->key);
	secret_free(t->value);
	*t = (struct text){ 0 };
}

void memory_free(struct memory *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->texts_count; i++)
		text_clear(&m->texts[i]);
	for (size_t i = 0; i < m->budgets_count; i++)
		free(m->budgets[i].account);
	pthread_mutex_destroy(&m->mutex);
	free(m);
}

static char *copy(const char *text)
{
	char *ret = strdup(text);

	if (ret == NULL)
		abort();
	return ret;
}

static struct text *find(struct memory *m, const char *key)
{
	for (size_t i = 0; i < m->texts_count; i++)
		if (strcmp(m->texts[i].key, key) == 0)
			return &m->texts[i];
	return NULL;
}

static void drop(struct memory *m, struct text *t)
{
	text_clear(t);
	*t = m->texts[--m->texts_count];
	m->texts[m->texts_count] = (struct text){ 0 };
}

const char *memory_find(struct memory *m, struct arena *a, const char *key)
{
	const char  *ret = NULL;
	struct text *t;

	pthread_mutex_lock(&m->mutex);
	t = find(m, key);
	if (t != NULL && t->until_ms > clock_mono_ms())
		ret = arena_str(a, secret_str(t->value));
	else if (t != NULL)
		drop(m, t);
	pthread_mutex_unlock(&m->mutex);
	return ret;
}

void memory_put(struct memory *m, const char *key, const char *text, int64_t lifetime_s)
{
	struct text *t;

	pthread_mutex_lock(&m->mutex);
	t = find(m, key);
	if (t != NULL)
		drop(m, t);
	if (m->texts_count == MEMORY_TEXTS_MAX) {
		t = &m->texts[0];
		for (size_t i = 1; i < m->texts_count; i++)
			if (m->texts[i].age < t->age)
				t = &m->texts[i];
		drop(m, t);
	}
	m->texts[m->texts_count++] = (struct text){ copy(key), secret_copy(str_c(text)), clock_mono_ms() + lifetime_s * 1000,
		                                    m->age++ };
	pthread_mutex_unlock(&m->mutex);
}

void memory_drop(struct memory *m, const char *key)
{
	struct text *t;

	pthread_mutex_lock(&m->mutex);
	t = find(m, key);
	if (t != NULL)
		drop(m, t);
	pthread_mutex_unlock(&m->mutex);
}

/* ---- budgets ---- */

static struct budget *budget_of(struct memory *m, const char *account, int64_t requests)
{
	struct budget *oldest = &m->budgets[0];

	for (size_t i = 0; i < m->budgets_count; i++) {
		if (strcmp(m->budgets[i].account, account) == 0)
			return &m->budgets[i];
		if (m->budgets[i].at_ms < oldest->at_ms)
			oldest = &m->budgets[i];
	}
	if (m->budgets_count < MEMORY_ACCOUNTS_MAX)
		oldest = &m->budgets[m->budgets_count++];
	free(oldest->account);
	*oldest = (struct budget){ copy(account), (double)requests, clock_mono_ms(), 0, 0 };
	return oldest;
}

/* Milliseconds until a request may go out; 0: now. The budget is brought up to date. */
static int64_t wait_of(struct budget *b, int64_t requests, int64_t per_s)
{
	int64_t now = clock_mono_ms();
	double  per_ms = requests > 0 ? (double)requests / (double)(per_s * 1000) : 0;

	if (b->silent_until_ms > now)
		return b->silent_until_ms - now;
	if (requests > 0) {
		b->left += (double)(now - b->at_ms) * per_ms;
		if (b->left > (double)requests)
			b->left = (double)requests;
	}
	b->at_ms = now;
	return requests > 0 && b->left < 1.0 ? (int64_t)((1.0 - b->left) / per_ms) + 1 : 0;
}

/* Nobody comes back at the same moment as somebody else. */
static int64_t promise(struct budget *b, int64_t requests, int64_t per_s, int64_t wait)
{
	int64_t now = clock_mono_ms(), next = b->promised_ms + (requests > 0 ? per_s * 1000 / requests : 0);

	if (next > now + wait && wait < MEMORY_QUEUE_MAX_MS)
		wait = next - now < MEMORY_QUEUE_MAX_MS ? next - now : MEMORY_QUEUE_MAX_MS;
	b->promised_ms = now + wait;
	return wait;
}

/* The text is the same each time: whoever waits writes it down once. */
static bool sent_away(int64_t wait, struct err *err)
{
	err_problem(err, ERR_TEMPORARY, "too-many-requests", "the budget of requests of this account is used up for now");
	if (err != NULL)
		err->retry_after_s = (uint32_t)((wait + 999) / 1000);
	return false;
}

bool memory_ready(struct memory *m, const char *account, int64_t requests, int64_t per_s, struct err *err)
{
	struct budget *b;
	int64_t        wait;

	pthread_mutex_lock(&m->mutex);
	b = budget_of(m, account, requests);
	wait = wait_of(b, requests, per_s);
	wait = wait > MEMORY_WAIT_MAX_MS ? promise(b, requests, per_s, wait) : 0;
	pthread_mutex_unlock(&m->mutex);
	return wait == 0 || sent_away(wait, err);
}

bool memory_request(struct memory *m, const char *account, int64_t requests, int64_t per_s, struct err *err)
{
	int64_t slept = 0;

	for (;;) {
		struct budget *b;
		int64_t        wait;
		bool           away;

		pthread_mutex_lock(&m->mutex);
		b = budget_of(m, account, requests);
		wait = wait_of(b, requests, per_s);
		away = slept + wait > MEMORY_WAIT_MAX_MS;
		if (wait == 0 && requests > 0)
			b->left -= 1.0;
		if (away)
			wait = promise(b, requests, per_s, wait);
		pthread_mutex_unlock(&m->mutex);
		if (wait == 0)
			return true;
		if (away)
			return sent_away(wait, err);
		clock_sleep_ms(wait);
		slept += wait;
	}
}

void memory_silence(struct memory *m, const char *account, uint32_t seconds)
{
	struct budget *b;
	int64_t        until = clock_mono_ms() + (int64_t)seconds * 1000;

	pthread_mutex_lock(&m->mutex);
	b = budget_of(m, account, 0);
	if (b->silent_until_ms < until)
		b->silent_until_ms = until;
	pthread_mutex_unlock(&m->mutex);
}
