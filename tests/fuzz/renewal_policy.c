/*
 * tests/fuzz/renewal_policy.c: `renew_before` as people type it. Property: what is accepted for a life leads to a
 * renewal inside that life, never at once and never after its end.
 */
#include <assert.h>

#include "workflow/renewal_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t lives_h[] = { 1, 24, 160, 45 * 24, 90 * 24, 398 * 24, 5 * 366 * 24 };
	AUTO(arena_freep) struct arena *a = arena_new();
	struct renewal_policy policy;
	struct err            err = { 0 };

	if (str_has_nul(str_of(data, size)) || !renewal_policy_parse(str_of(data, size), &policy, &err))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(lives_h); i++) {
		int64_t             life = lives_h[i] * 3600 * 1000;
		struct certificate  c = { .auto_renew = true, .renew_before = arena_str(a, str_of(data, size)) };
		struct version      v = { .not_before_at = 1000, .not_after_at = 1000 + life };
		struct renewal      r = { .position = RENEWAL_POSITIONS - 1 };
		struct renewal_plan plan;
		bool                met = renewal_policy_check(&policy, life, &err);

		renewal_plan(&c, &v, &r, &plan);
		assert(plan.due_at > v.not_before_at && plan.due_at < v.not_after_at);
		assert(plan.policy_unmet == !met);
		assert(size == 0 || !met || plan.reason == RENEWAL_POLICY);
	}
	return 0;
}
