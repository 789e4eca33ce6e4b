/*
 * tests/fuzz/limits_setting.c: a setting that is accepted makes limits that can be counted by; one that is refused changes
 * nothing.
 */
#include <assert.h>

#include "workflow/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t now = 1800000000000;
	struct limits        x = { .limit = { [LIMIT_SET] = { 5, 604800000 } } };
	struct limits        before = x;
	struct err           err = { 0 };

	if (!limits_parse(str_of((const char *)data, size), &x, &err)) {
		assert(err.class == ERR_INPUT && err.hint[0] != '\0');
		assert(memcmp(&x, &before, sizeof(x)) == 0);
		return 0;
	}
	for (unsigned i = 0; i < LIMIT__COUNT; i++) {
		const struct limit *l = &x.limit[i];

		assert(l->count >= 0 && l->window_ms >= 0);
		if (l->count == 0)
			continue;
		assert(limit_cost_ms(l) > 0 && limit_cost_ms(l) * l->count <= l->window_ms);
		assert(limit_next_at(l, 0, now) == now);
		assert(limit_left(l, 0, now) >= l->count);
		assert(limit_next_at(l, now + l->window_ms, now) > now);
	}
	return 0;
}
