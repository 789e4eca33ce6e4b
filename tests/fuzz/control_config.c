/* Settings as they cross the control socket: what is accepted is written back as the same bytes. */
#include <assert.h>

#include "base/buf.h"
#include "daemon/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct config c;
	struct err    err = { 0 };
	AUTO(buf_clear) struct buf again;

	buf_init(&again, IPC_BODY_MAX);
	if (size <= IPC_BODY_MAX && control_get_config(a, str_of(data, size), &c, &err)) {
		control_put_config(&again, &c);
		assert(!again.failed && str_eq(buf_str(&again), str_of(data, size)));
	}
	arena_free(a);
	return 0;
}
