/*
 * workflow/notification.h: what happened becomes a row in the transaction in which it happened, and a message later. Each
 * notifier has one job, which sends one message after the other.
 *
 * Once     a condition (something is wrong) is told when it begins, again once a day where that helps, and when it is over.
 * Apart    nothing here can fail an order or hold it up: a notification has its own job, back-off and end (a day).
 * Order    the functions of the first part run inside a write; they do nothing in a project without notifiers.
 */
#ifndef REEVE_WORKFLOW_NOTIFICATION_H
#define REEVE_WORKFLOW_NOTIFICATION_H

#include "store/certificate.h"
#include "store/connection.h"
#include "store/delegation.h"
#include "store/deployment.h"
#include "store/notification.h"
#include "workflow/command.h"
#include "workflow/engine.h"

struct renewal;
struct renewal_plan;

/* ---- what happened ---- */

/* A version is about to be stored: before version_store(). */
MUST_CHECK bool notify_stored(struct db *db, const struct order *order, int64_t number, int64_t not_after_at, int64_t now, struct err *err);
/* An order ended without a certificate, after renewal_failed(). */
MUST_CHECK bool notify_order_failed(struct db *db, const struct order *order, const struct err *why, int64_t now, struct err *err);
/* The health that a look found. */
MUST_CHECK bool notify_delegation(struct db *db, const struct delegation *d, const char *health, const struct err *finding, int64_t now,
                                  struct err *err);
/* A delivery ended; `why` NULL: the version is where it belongs. */
MUST_CHECK bool notify_delivery(struct db *db, const char *delivery_id, const struct err *why, int64_t now, struct err *err);
/* The CA explains a window. Told once for each authority and explanation. */
MUST_CHECK bool notify_incident(struct db *db, const struct certificate *c, const char *authority_id, const char *url, int64_t now,
                                struct err *err);
/* A sixth of the life is left (or the end has come), and no successor: see notify_expiring_at(). */
MUST_CHECK bool notify_expiring(struct db *db, const struct certificate *c, const struct version *v, const struct renewal *r, int64_t next_try_at,
                                int64_t now, struct err *err);
/* What the reaper finds: TXT values that should be gone for more than an hour, in each project. */
MUST_CHECK bool notify_debt(struct db *db, int64_t now, struct err *err);
/* What a look at a connection found; finding->class ERR_NONE: it works. */
MUST_CHECK bool notify_connection(struct db *db, const struct connection *c, const struct err *finding, int64_t now, struct err *err);
/* A step is tried again: what its reason says about a CA that does not answer. */
MUST_CHECK bool notify_retry(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err);

/* From when on a version counts as not renewed. Pure. */
int64_t notify_expiring_at(const struct version *v, const struct renewal *r, const struct renewal_plan *plan);
/* When notify_expiring() is to be asked next, after now; JOB_NEVER: not any more. Pure. */
int64_t notify_expiring_next(const struct version *v, int64_t expiring_at, int64_t now);

/* ---- notifiers ---- */

/* With its job. Inside a write. */
MUST_CHECK bool notifier_plan(struct db *db, const struct notifier *n, struct err *err);
MUST_CHECK bool notifier_trusted(struct worker *w, struct arena *a, const struct notifier *n, struct err *err);

MUST_CHECK bool notifier_command_add(struct worker *w, struct arena *a, const struct command_who *who, const struct command_notifier *in,
                                     struct command_reply *ret, struct err *err);
MUST_CHECK bool notifier_command_update(struct worker *w, struct arena *a, const struct command_who *who,
                                        const struct command_notifier *in, struct command_reply *ret, struct err *err);
/* name: id or name. */
MUST_CHECK bool notifier_command_remove(struct worker *w, struct arena *a, const struct command_who *who, const char *name,
                                        struct command_reply *ret, struct err *err);
/* What came of it is in the reply: problem "" and the other side's answer as detail, or why not. */
MUST_CHECK bool notifier_command_test(struct worker *w, struct arena *a, const struct command_who *who, const char *name,
                                      struct command_reply *ret, struct err *err);

#endif
