/* base/rand.c: getrandom(2), which blocks only until the kernel was seeded once. */
#include "base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/attr.h"

void rand_bytes(void *ret, size_t len)
{
	unsigned char *at = ret;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		at += got;
		len -= (size_t)got;
	}
}

uint64_t rand_u64(void)
{
	uint64_t value;

	rand_bytes(&value, sizeof(value));
	return value;
}

int64_t rand_jitter(int64_t value, unsigned percent)
{
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
	uint64_t span, pick;
	int64_t  ret;

	/* In this order nothing overflows; below 100 the rounding would lose everything the other way. */
	span = percent > 100 ? size : size / 100 * percent + size % 100 * percent / 100;
	if (span == 0)
		return value;
	/* 64 random bits over a span this small: the bias is far below anything a back-off could show. */
	pick = span > UINT64_MAX / 2 - 1 ? rand_u64() >> 1 : rand_u64() % (2 * span + 1);
	if (__builtin_add_overflow(value, (int64_t)(pick - span), &ret))
		return value;
	return ret;
}
