/* tests/fuzz/program_frame.c: an order that is accepted names a file and no path, and is the same when written again. */
#include <assert.h>

#include "provider/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena         *a = arena_new();
	struct program_order  order;
	struct program_result result;
	struct buf            b;

	if (program_order_read(a, str_of(data, size), &order, NULL)) {
		assert(strchr(order.name, '/') == NULL && order.name[0] != '.' && order.name[0] != '\0');
		assert(order.arguments.count <= PROGRAM_TEXTS_MAX && order.arguments.items[order.arguments.count] == NULL);
		assert(order.timeout_s >= 1 && order.timeout_s <= PROGRAM_TIMEOUT_MAX_S);
		for (size_t i = 0; i < order.environment.count; i++)
			assert(!str_starts(str_c(order.environment.items[i]), STR("LD_")));
		buf_init(&b, MIB);
		program_order_write(&b, &order);
		assert(str_eq(buf_str(&b), str_of(data, size)));
		buf_clear(&b);
	}
	if (program_result_read(a, str_of(data, size), &result, NULL))
		assert(result.output != NULL && result.done == (result.cause.class == ERR_NONE));
	arena_free(a);
	return 0;
}
