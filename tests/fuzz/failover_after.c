/* tests/fuzz/failover_after.c: property: what is accepted is not negative and at most a hundred years; "" is the rule. */
#include <assert.h>

#include "workflow/failover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	int64_t    ms = -1;

	if (failover_after_parse(str_of(data, size), &ms, &err))
		assert(ms >= 0 && ms <= (int64_t)36525 * 86400 * 1000);
	else
		assert(ms == -1 && err.class == ERR_INPUT && err.hint[0] != '\0' && size > 0);
	return 0;
}
