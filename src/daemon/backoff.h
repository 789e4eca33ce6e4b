/*
 * daemon/backoff.h: how long a role that died waits for its next start: 0, 100 ms, 200 ms … 10 s. A life of a minute
 * forgets what was before.
 */
#ifndef REEVE_DAEMON_BACKOFF_H
#define REEVE_DAEMON_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS  100
#define BACKOFF_LAST_MS   10000
#define BACKOFF_FORGET_MS 60000

struct backoff {
	int64_t next_ms;
};

static inline int64_t backoff_next(struct backoff *b, int64_t life_ms)
{
	int64_t delay = life_ms >= BACKOFF_FORGET_MS ? 0 : b->next_ms;

	b->next_ms = delay == 0 ? BACKOFF_FIRST_MS : delay * 2 > BACKOFF_LAST_MS ? BACKOFF_LAST_MS : delay * 2;
	return delay;
}

#endif
