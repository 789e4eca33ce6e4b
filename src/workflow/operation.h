/*
 * workflow/operation.h: what people ask of a CA beside certificates, each a row and a job: `authority test`, accounts looked
 * up, changed, rolled over and deactivated, revocations, authorizations given up. A kind is a row in operation.c.
 *
 * Life     queued -> sent -> done or failed. `sent` is the intent: written before anything reaches the CA that changes
 *          something there, so that a second run looks before it acts again.
 * Ends     a temporary failure is tried again, OPERATION_TRIES_MAX times at most, longer apart each time and never before the
 *          CA's Retry-After; everything else ends it with the CA's words.
 * Reports  a JSON object per kind (docs/api.md).
 */
#ifndef REEVE_WORKFLOW_OPERATION_H
#define REEVE_WORKFLOW_OPERATION_H

#include "json/json.h"
#include "store/operation.h"
#include "workflow/command.h"
#include "workflow/session.h"
#include "workflow/wish.h"

#define OPERATION_TRIES_MAX 12

/* ---- from the command to the row ---- */

/* Queue one: *ret->id is its id. */
MUST_CHECK bool operation_start(struct worker *w, struct arena *a, const struct command_who *who, const struct command_operation *c,
                                struct command_reply *ret, struct err *err);
/* Inside a write: give up at the CA what a cancelled order left pending there; nothing when there is nothing. */
MUST_CHECK bool operation_abandon(struct db *db, const struct order *order, int64_t now, struct err *err);
/* fail_facts() of this kind. */
MUST_CHECK bool operation_failed(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err);

/* ---- what a kind has in hand ---- */

struct operation_plan {
	struct worker                  *w;
	struct arena                   *a;
	struct db                      *db;
	const struct command_who       *who;
	const struct command_operation *c;
	const json_t                   *given; /* the request as it came */
	json_t                         *kept;  /* what the row keeps of it */
	struct authority                authority;
	struct operation                op;
	struct certificate             *reissue; /* place an order for it in the same transaction, or NULL */
	const char                     *compromised_spki; /* of op.certificate_id: this key is never used again; NULL: none */
	const char                     *order_id;
};

struct operating {
	struct job      *job;
	struct operation op;
	struct session   s;
	const json_t    *request;
	json_t          *report;
	bool             resumed; /* the intent was written by a run before this one */
	/* Written with the end. */
	store_write_fn   facts;
	void            *facts_arg;
};

/* The intent, durably, and the crash points around it. */
MUST_CHECK bool operation_intent(struct operating *x, struct err *err);
/* OUT_DONE after `facts` and the report are set. */
enum outcome operation_done(struct operating *x, store_write_fn facts, void *arg);

typedef bool operation_plan_fn(struct operation_plan *p, struct err *err);
typedef enum outcome operation_run_fn(struct operating *x, struct err *err);

operation_plan_fn plan_account, plan_account_update, plan_account_rollover, plan_account_deactivate;
operation_run_fn  prepare_rollover, operate_account_find, operate_account_update, operate_account_rollover, operate_account_deactivate; /* account_change.c */
operation_plan_fn plan_authority_test;
operation_run_fn  operate_authority_test; /* authority_test.c */
operation_plan_fn plan_revoke;
operation_run_fn  operate_revoke; /* revoke.c */
operation_run_fn  operate_abandon; /* abandon.c */

#endif
