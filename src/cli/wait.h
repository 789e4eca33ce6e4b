/*
 * cli/wait.h: following an order until it ends: one updating line on a terminal, plain lines otherwise.
 */
#ifndef REEVE_CLI_WAIT_H
#define REEVE_CLI_WAIT_H

#include "cli/command.h"

/* What is said about an order while it runs; `now_ms` is a parameter for the tests. */
const char *wait_line(struct arena *a, const json_t *order, int64_t elapsed_ms, int64_t now_ms);
/* Exit code: 0 issued or rehearsed, 1 failed, 5 time-out. *ret_last is the last answer seen. */
int wait_for_order(struct cli *cli, const char *order_id, int64_t timeout_s, struct cli_reply *ret_last);

#endif
