/*
 * deploy/delivery.h: one delivery, in the process made for it: what hook.c forks runs delivery_run() and ends. Private to
 * this folder.
 */
#ifndef REEVE_DEPLOY_DELIVERY_H
#define REEVE_DEPLOY_DELIVERY_H

#include "deploy/hook.h"

struct delivery_order {
	struct hook_run          run;
	struct keeper_deployment deployment;
};

/* The order with everything but the bundle, for the way to the process. */
void            delivery_order_write(struct buf *b, const struct delivery_order *order);
MUST_CHECK bool delivery_order_read(struct arena *a, struct str body, struct delivery_order *ret, struct err *err);
void            hook_result_write(struct buf *b, const struct hook_result *result);
MUST_CHECK bool hook_result_read(struct arena *a, struct str body, struct hook_result *ret, struct err *err);

/* The path of an executable, when nobody but root and we could have put it there. ERR_CONFIG says what to change. */
MUST_CHECK bool hook_file(struct arena *a, const char *directory, const char *name, const char **ret, struct err *err);

/* `cancel_fd`: end-of-file ends a running hook. */
void delivery_run(struct arena *a, const struct hook_config *config, const struct delivery_order *order, int bundle_fd,
                  int cancel_fd, struct hook_result *ret);

#endif
