/*
 * Opened credentials of any bytes. Property: what is read is within its bounds, and written again it reads as the same.
 */
#include <assert.h>

#include "base/wire.h"
#include "provider/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	static const struct recipe      none = { .id = "none" };
	struct engine_credential       *list, *again;
	struct err                      err = { 0 };
	struct buf                      b;
	size_t                          count, count_again;

	if (!credentials_read(a, str_of(data, size), &list, &count, &err)) {
		assert(strcmp(err.problem, "tampered") == 0);
		return 0;
	}
	assert(count <= CREDENTIALS_MAX);
	buf_init(&b, CREDENTIALS_SIZE_MAX);
	if (credentials_write(&none, list, count, &b, &err)) {
		assert(credentials_read(a, buf_str(&b), &again, &count_again, &err) && count_again == count);
		for (size_t i = 0; i < count; i++)
			assert(strcmp(list[i].name, again[i].name) == 0 && strcmp(list[i].value, again[i].value) == 0);
		credentials_wipe(again, count);
	}
	buf_wipe(&b);
	credentials_wipe(list, count);
	return 0;
}
