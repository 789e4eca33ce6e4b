/*
 * Frames between keeper, worker, hook role and its processes. Property: what is read writes back to the same bytes, a
 * failed outcome has a reason, and no text is NULL.
 */
#include <assert.h>

#include "deploy/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First byte: which frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_clear) struct buf b;
	struct keeper_deployment deployment;
	struct delivery_order    order;
	struct hook_result       result, again;
	const char              *ticket;
	struct err               err = { 0 };

	buf_init(&b, IPC_BODY_MAX + 4096);
	if (size == 0 || size > IPC_BODY_MAX)
		return 0;
	struct str body = str_of(data + 1, size - 1);
	switch (data[0] % 3) {
	case 0:
		if (delivery_order_read(a, body, &order, &err)) {
			delivery_order_write(&b, &order);
			assert(str_eq(buf_str(&b), body));
		}
		break;
	case 1:
		if (hook_result_read(a, body, &result, &err)) {
			assert(result.done == (result.cause.class == ERR_NONE) && result.output != NULL);
			hook_result_write(&b, &result);
			assert(hook_result_read(a, buf_str(&b), &again, &err) && again.done == result.done &&
			       again.exit_code == result.exit_code && strcmp(again.output, result.output) == 0);
		}
		break;
	default:
		if (keeper_bundle_frame_read(a, body, &ticket, &deployment, &err))
			assert(ticket[0] != '\0' && strlen(ticket) <= KEEPER_TICKET_MAX && deployment.settings != NULL);
		break;
	}
	return 0;
}
