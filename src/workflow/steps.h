/* workflow/steps.h: the functions of the table in steps.c, each in the file of its noun. */
#ifndef REEVE_WORKFLOW_STEPS_H
#define REEVE_WORKFLOW_STEPS_H

#include "workflow/engine.h"

typedef enum outcome step_run(struct job *job, struct err *err);

step_run run_key, run_account, run_preflight, run_admit, run_new_order, run_authorizations, run_await, run_finalize, run_download,
	run_verify, run_store;                                              /* order.c, admit.c, await.c, finish.c */
step_run run_fetch, run_route, run_publish, run_visible, run_respond; /* authorization.c */
step_run run_account_key, run_account_register;                       /* account.c */
step_run run_remove, run_reap;                                        /* cleanup.c */
step_run run_look;                                                    /* delegation.c */
step_run run_renewal_look;                                            /* renewal.c */
step_run run_deliver, run_probe, run_roll_back;                       /* deployment.c */
step_run run_failover_watch;                                          /* failover.c */
step_run run_connection_look;                                         /* connection.c */
step_run run_notify;                                                  /* notification.c */
step_run run_operation_prepare, run_operation_send;                   /* operation.c */

/*
 * An order ends without a certificate: its authorizations are final, its values are removed, the renewal waits. For
 * `cancelled` its own job ends too. Inside a write. finish.c
 */
MUST_CHECK bool order_give_up(struct db *db, const struct order *order, const char *status, const struct err *why, int64_t now,
                              struct err *err);
/* There is one reaper. Inside a write, at each start. cleanup.c */
MUST_CHECK bool reaper_start(struct db *db, int64_t now, struct err *err);
/* A job ended for good: what its kind leaves behind, in the same transaction. finish.c */
MUST_CHECK bool fail_facts(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err);

#endif
