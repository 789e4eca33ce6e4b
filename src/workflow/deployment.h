/*
 * workflow/deployment.h: deliveries: planned in the transaction that stores a version, or by hand; each is a job.
 *
 * Facts    *held*: the version is in the store. *deployed*: the target confirmed it (files switched, hook ended with 0,
 *          webhook answered 2xx). *seen*: the endpoint served that very certificate. None follows from another.
 */
#ifndef REEVE_WORKFLOW_DEPLOYMENT_H
#define REEVE_WORKFLOW_DEPLOYMENT_H

#include "keeper/keeper.h"
#include "store/deployment.h"
#include "workflow/engine.h"

/* In the transaction that stores the version, before version_store(): one delivery for each deployment, once. */
MUST_CHECK bool deployment_plan(struct db *db, const char *certificate_id, const char *version_id, const char *order_id,
                                int64_t now, struct err *err);
/* By hand: fills id, number, version and order of *ret and writes nothing. number 0: the version served. */
MUST_CHECK bool deployment_manual(struct db *db, struct arena *a, const struct deployment *d, const char *certificate,
                                  int64_t number, bool dry_run, struct delivery *ret, struct err *err);
MUST_CHECK bool deployment_queue(struct db *db, const struct delivery *d, bool *ret_made, struct err *err);
/* Does the row say what the keeper's MAC says? */
MUST_CHECK bool deployment_trusted(struct worker *w, const struct deployment *d, struct err *err);
struct keeper_deployment deployment_row(const struct deployment *d);
/* fail_facts() of this kind. */
MUST_CHECK bool deployment_failed(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err);

#endif
