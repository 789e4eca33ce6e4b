/*
 * base/id.c: UUIDv7 with a 12-bit counter in rand_a (RFC 9562 section 6.2, method 1), so that the ids one process
 * makes sort in the order they were made; the 62 random bits keep processes apart.
 */
#include "base/id.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/rand.h"

#define COUNTER_MAX 0xfffu

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t        last_ms;
static uint32_t        counter;

void id_new(char ret[static ID_SIZE])
{
	uint64_t now = (uint64_t)clock_now_ms(), random = rand_u64(), ms;
	uint16_t seed;
	uint32_t count;

	rand_bytes(&seed, sizeof(seed));
	pthread_mutex_lock(&lock);
	if (now > last_ms) {
		last_ms = now;
		/* Begins in the lower half: room to count up within the millisecond. */
		counter = seed & (COUNTER_MAX >> 1);
	} else if (++counter > COUNTER_MAX) {
		/* Also when the clock was put back: ahead of it, but never behind ourselves. */
		last_ms++;
		counter = 0;
	}
	ms = last_ms;
	count = counter;
	pthread_mutex_unlock(&lock);
	snprintf(ret, ID_SIZE, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(ms >> 16 & 0xffffffffu),
	         (unsigned)(ms & 0xffffu), count & COUNTER_MAX,
	         (unsigned)(0x8000u | (random >> 48 & 0x3fffu)),
	         (unsigned long long)(random & 0xffffffffffffull));
}

bool id_valid(struct str s)
{
	if (s.len != ID_SIZE - 1)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return false;
		} else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			return false;
		}
	}
	return s.ptr[14] == '7' &&
	       (s.ptr[19] == '8' || s.ptr[19] == '9' || s.ptr[19] == 'a' || s.ptr[19] == 'b');
}
