/* Unit tests of base/id.h. */
#include <pthread.h>

#include "base/clock.h"
#include "base/id.h"
#include "test.h"

#define IDS     20000
#define THREADS 4

TEST(ordered_and_valid)
{
	char last[ID_SIZE] = "", next[ID_SIZE];

	for (int i = 0; i < IDS; i++) {
		id_new(next);
		CHECK(id_valid(str_c(next)));
		CHECK(strcmp(last, next) < 0);
		memcpy(last, next, sizeof(last));
	}
}

TEST(carries_the_time)
{
	char     id[ID_SIZE], digits[13];
	uint64_t before = (uint64_t)clock_now_ms();

	id_new(id);
	snprintf(digits, sizeof(digits), "%.8s%.4s", id, id + 9);
	CHECK(strtoull(digits, NULL, 16) >= before);
	/* The test before this one may have run ahead of the clock, by its number of ids / 2048 at most. */
	CHECK(strtoull(digits, NULL, 16) <= (uint64_t)clock_now_ms() + IDS / 2048 + 1);
}

static char made[THREADS][IDS / THREADS][ID_SIZE];

static void *make(void *arg)
{
	char(*ids)[ID_SIZE] = arg;

	for (int i = 0; i < IDS / THREADS; i++)
		id_new(ids[i]);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

TEST(unique_over_threads)
{
	pthread_t threads[THREADS];
	char(*all)[ID_SIZE] = &made[0][0];

	for (int i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, make, made[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(all, IDS, ID_SIZE, compare);
	for (int i = 1; i < IDS; i++)
		CHECK(strcmp(all[i - 1], all[i]) != 0);
}

TEST(refuses)
{
	static const char *const bad[] = {
		"", "0190163d-8694-739b-aea5-966c26f8ad9", "0190163d-8694-739b-aea5-966c26f8ad911",
		"0190163D-8694-739b-aea5-966c26f8ad91", "0190163d-8694-439b-aea5-966c26f8ad91",
		"0190163d-8694-739b-cea5-966c26f8ad91", "0190163d08694-739b-aea5-966c26f8ad91",
		"0190163d-8694-739b-aea5-966c26f8ad9g",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!id_valid(str_c(bad[i])));
	CHECK(id_valid(STR("0190163d-8694-739b-aea5-966c26f8ad91")));
}

TESTS(T(ordered_and_valid), T(carries_the_time), T(unique_over_threads), T(refuses))
