/*
 * tests/fuzz/acme_problem.c: any body gives a problem and any problem a decision: a class the caller knows, a
 * sentence without control bytes, and a delay exactly when it is worth waiting.
 */
#include <assert.h>

#include "acme/problem.h"

static void check_clean(const char *text, size_t max)
{
	assert(text != NULL && strlen(text) <= max);
	for (; *text != '\0'; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 0, 400, 401, 403, 404, 409, 429, 500, 503 };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct acme_problem problem;
	int64_t             at_ms;

	acme_problem_parse(a, 400, str_of(data, size), &problem);
	check_clean(problem.type, 63);
	check_clean(problem.title, 256);
	check_clean(problem.detail, ACME_DETAIL_MAX);
	check_clean(problem.instance, 2048);
	assert(problem.subproblems_count <= ACME_SUBPROBLEMS_MAX && problem.algorithms_count <= ACME_ALGORITHMS_MAX);
	for (size_t i = 0; i < problem.subproblems_count; i++) {
		check_clean(problem.subproblems[i].type, 63);
		check_clean(problem.subproblems[i].detail, ACME_DETAIL_MAX);
		check_clean(problem.subproblems[i].identifier, 255);
	}
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		for (enum acme_where where = 0; where < ACME_AT__COUNT; where++) {
			struct err err = { 0 };

			problem.status = statuses[i];
			assert(!acme_problem_err(&problem, where, 0, &err));
			assert(err.class == ERR_TEMPORARY || err.class == ERR_PERMANENT || err.class == ERR_CONFIG ||
			       err.class == ERR_CONFLICT);
			assert(err.text[0] != '\0' && err.problem[0] != '\0');
			assert((err.retry_after_s != 0) == (err.class == ERR_TEMPORARY));
			assert(err.class != ERR_CONFIG || err.hint[0] != '\0');
		}
	if (acme_problem_retry_at(&problem, &at_ms))
		assert(at_ms > -62135596800001);
	return 0;
}
