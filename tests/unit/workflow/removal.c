/* Removing one value: what is asked of a provider and what is not, and when a failure is tried again. */
#include "workflow/removal.h"

#include "test.h"

/* A provider with one set of values, which are ours and a stranger's. */
static struct fake {
	bool     ours, theirs, down, lies; /* lies: the removal works, its answer is lost */
	unsigned removals, looks;
} fake;

static bool fake_remove(const struct provider_context *c UNUSED, const struct provider_value *v, struct err *err)
{
	fake.removals++;
	if (fake.down)
		return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "it did not answer");
	if (strcmp(v->value, "ours") == 0)
		fake.ours = false;
	if (strcmp(v->value, "theirs") == 0)
		fake.theirs = false;
	return !fake.lies || err_problem(err, ERR_TEMPORARY, "provider-unavailable", "the answer was lost");
}

static bool fake_present(const struct provider_context *c UNUSED, const struct provider_value *v, bool *ret, struct err *err)
{
	fake.looks++;
	if (fake.down)
		return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "it did not answer");
	*ret = strcmp(v->value, "ours") == 0 ? fake.ours : fake.theirs;
	return true;
}

static const struct provider        provider = { .id = "fake", .remove = fake_remove, .present = fake_present };
static const struct provider        keeper = { .id = "fake", .keeps = true, .remove = fake_remove, .present = fake_present };
static const struct provider_value  value = { "acme.example", "x.acme.example", "ours" };
static const struct provider_context context;

static enum removal attempt(const struct provider *p, bool again)
{
	struct err   err = { 0 };
	enum removal outcome = removal_try(p, &context, &value, again, &err);

	CHECK((outcome == REMOVAL_FAILED) == (err.class != ERR_NONE));
	return outcome;
}

TEST(one_call_removes_ours_and_no_other)
{
	fake = (struct fake){ .ours = true, .theirs = true };
	CHECK_INT(attempt(&provider, false), REMOVAL_GONE);
	CHECK(!fake.ours && fake.theirs);
	CHECK_INT(fake.removals, 1);
	CHECK_INT(fake.looks, 0);
}

TEST(an_unknown_outcome_is_looked_at_before_it_is_repeated)
{
	fake = (struct fake){ .ours = true, .theirs = true, .lies = true };
	CHECK_INT(attempt(&provider, false), REMOVAL_FAILED);
	CHECK_INT(attempt(&provider, true), REMOVAL_GONE);
	CHECK_INT(fake.removals, 1); /* the second time it was seen to be gone */
	CHECK_INT(fake.looks, 1);
	CHECK(fake.theirs);

	fake = (struct fake){ .ours = true, .down = true };
	CHECK_INT(attempt(&provider, false), REMOVAL_FAILED);
	CHECK_INT(attempt(&provider, true), REMOVAL_FAILED);
	CHECK_INT(fake.removals, 1); /* who cannot be looked at is not written to */
	fake.down = false;
	CHECK_INT(attempt(&provider, true), REMOVAL_GONE);
	CHECK(!fake.ours);
}

TEST(who_removes_nothing_by_design_is_not_called)
{
	fake = (struct fake){ .ours = true, .theirs = true, .down = true };
	CHECK_INT(attempt(&keeper, false), REMOVAL_SUPERSEDED);
	CHECK_INT(attempt(&keeper, true), REMOVAL_SUPERSEDED);
	CHECK_INT(fake.removals + fake.looks, 0);
}

TEST(tries_come_ever_more_slowly_and_end_after_thirty_days)
{
	const int64_t     start = 1800000000000;
	struct txt_record r = { .retired_at = start };
	int64_t           now = start, tries = 0;

	for (;;) {
		int64_t next = removal_retry_at(&r, 0, now);

		if (next == 0)
			break;
		CHECK(next - now >= 800);
		CHECK(next - now <= REMOVAL_PAUSE_MAX_MS + REMOVAL_PAUSE_MAX_MS / 5);
		if (r.failures >= 10)
			CHECK(next - now >= REMOVAL_PAUSE_MAX_MS - REMOVAL_PAUSE_MAX_MS / 5);
		now = next;
		r.failures++;
		tries++;
	}
	CHECK(now - start >= DEBT_KEEP_MS);
	CHECK(now - start <= DEBT_KEEP_MS + 2 * REMOVAL_PAUSE_MAX_MS);
	CHECK(tries > 1000 && tries < 10000);
	/* The provider's word counts. */
	r = (struct txt_record){ .retired_at = start };
	CHECK(removal_retry_at(&r, 3600, start) >= start + 3600 * 1000);
	r.failures = INT64_MAX;
	CHECK(removal_retry_at(&r, 0, start + 1) <= start + 1 + REMOVAL_PAUSE_MAX_MS + REMOVAL_PAUSE_MAX_MS / 5);
}

TESTS(T(one_call_removes_ours_and_no_other), T(an_unknown_outcome_is_looked_at_before_it_is_repeated),
      T(who_removes_nothing_by_design_is_not_called), T(tries_come_ever_more_slowly_and_end_after_thirty_days))
