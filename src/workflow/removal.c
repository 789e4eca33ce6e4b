/*
 * workflow/removal.c: see the header.
 */
#include "workflow/removal.h"

#include "base/rand.h"

#define PAUSE_FIRST_MS 1000

bool value_look(const struct provider *provider, const struct provider_context *context, const struct provider_value *value,
                bool *inout, struct err *err)
{
	struct err why = { 0 };
	bool       present;

	if (provider->present(context, value, &present, &why)) {
		*inout = present;
		return true;
	}
	if (strcmp(why.problem, "not-supported") == 0)
		return true;
	*err = why;
	return false;
}

enum removal removal_try(const struct provider *provider, const struct provider_context *context,
                         const struct provider_value *value, bool again, struct err *err)
{
	bool present = true;

	if (provider->keeps)
		return REMOVAL_SUPERSEDED;
	if (again && !value_look(provider, context, value, &present, err))
		return REMOVAL_FAILED;
	return !present || provider->remove(context, value, err) ? REMOVAL_GONE : REMOVAL_FAILED;
}

int64_t removal_retry_at(const struct txt_record *r, uint32_t retry_after_s, int64_t now)
{
	int64_t pause = PAUSE_FIRST_MS, least = (int64_t)retry_after_s * 1000;

	if (now - r->retired_at >= DEBT_KEEP_MS)
		return 0;
	for (int64_t i = 0; i < r->failures && pause < REMOVAL_PAUSE_MAX_MS; i++)
		pause *= 2;
	if (pause > REMOVAL_PAUSE_MAX_MS)
		pause = REMOVAL_PAUSE_MAX_MS;
	pause = rand_jitter(pause, 20);
	return now + (pause > least ? pause : least);
}
