/*
 * acme/nonce.c: a small stack with ages. The newest nonce is the one most likely still known to the CA.
 */
#include "acme/nonce.h"

#include <assert.h>

#include "acme/challenge.h"

bool acme_nonce_valid(struct str nonce)
{
	return acme_base64url(nonce, ACME_NONCE_MAX);
}

void acme_nonce_pool_init(struct acme_nonce_pool *pool, const char *directory)
{
	assert(strlen(directory) < sizeof(pool->directory));
	memset(pool, 0, sizeof(*pool));
	memcpy(pool->directory, directory, strlen(directory));
}

bool acme_nonce_put(struct acme_nonce_pool *pool, const char *directory, struct str nonce, int64_t now_ms)
{
	if (strcmp(pool->directory, directory) != 0 || !acme_nonce_valid(nonce))
		return false;
	for (size_t i = 0; i < pool->count; i++)
		if (str_eq(str_c(pool->entries[i].value), nonce))
			return false; /* a proxy that repeats an answer must not make us repeat a nonce */
	if (pool->count == ACME_NONCES_MAX) {
		memmove(&pool->entries[0], &pool->entries[1], sizeof(pool->entries[0]) * (ACME_NONCES_MAX - 1));
		pool->count--;
	}
	memcpy(pool->entries[pool->count].value, nonce.ptr, nonce.len);
	pool->entries[pool->count].value[nonce.len] = '\0';
	pool->entries[pool->count].at_ms = now_ms;
	pool->count++;
	return true;
}

bool acme_nonce_take(struct acme_nonce_pool *pool, const char *directory, int64_t now_ms,
                     char ret[static ACME_NONCE_SIZE])
{
	if (strcmp(pool->directory, directory) != 0 || pool->count == 0)
		return false;
	pool->count--;
	if (now_ms - pool->entries[pool->count].at_ms > ACME_NONCE_AGE_MAX_MS) {
		pool->count = 0; /* the newest is too old: so are the others */
		return false;
	}
	memcpy(ret, pool->entries[pool->count].value, ACME_NONCE_SIZE);
	return true;
}

void acme_nonce_flush(struct acme_nonce_pool *pool)
{
	pool->count = 0;
}
