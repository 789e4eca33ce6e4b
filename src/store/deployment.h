/* store/deployment.h: where certificates go, and each delivery of one version to one of these places. */
#ifndef REEVE_STORE_DEPLOYMENT_H
#define REEVE_STORE_DEPLOYMENT_H

#include "store/db.h"

struct deployment {
	const char *id, *project_id, *name, *certificate_id /* "" = the whole project */, *kind, *settings /* JSON */;
	struct str  secret; /* sealed; NULL without one */
	int64_t     created_at, removed_at, row_version;
	struct str  mac; /* keeper_deployment_columns() of keeper/keeper.h */
};
/* ERR_CONFLICT "already-exists" when the project has a live one of this name. */
MUST_CHECK bool deployment_insert(struct db *db, const struct deployment *d, struct err *err);
MUST_CHECK bool deployment_find(struct db *db, struct arena *a, const char *id, struct deployment *ret, struct err *err); /* removed too */
/* The live one, by name or id. */
MUST_CHECK bool deployment_find_named(struct db *db, struct arena *a, const char *project_id, const char *name_or_id, struct deployment *ret, struct err *err);
/* Live ones by name; certificate_id "" lists all, else those that receive this certificate. */
MUST_CHECK bool deployment_list(struct db *db, struct arena *a, const char *project_id, const char *certificate_id,
                                struct deployment **ret, size_t *ret_count, struct err *err);
/* Deliveries that have not ended become `cancelled` when their job looks next. */
MUST_CHECK bool deployment_remove(struct db *db, const char *id, int64_t now, struct err *err);

struct delivery {
	const char *id, *deployment_id, *project_id, *certificate_id, *version_id, *order_id;
	const char *event /* created, renewed, manual */, *state;
	bool        dry_run;
	int64_t     number, attempts, exit_code /* -1: no hook ran to its end */;
	const char *output, *problem, *detail, *hint;
	int64_t     next_try_at, started_at, deployed_at, seen_at, created_at, ended_at; /* 0: never */
};
/* *ret_made is false when this version was planned for this deployment before (events but "manual"). */
MUST_CHECK bool delivery_insert(struct db *db, const struct delivery *d, bool *ret_made, struct err *err);
MUST_CHECK bool delivery_find(struct db *db, struct arena *a, const char *id, struct delivery *ret, struct err *err);
/* Newest first. */
MUST_CHECK bool delivery_list(struct db *db, struct arena *a, const char *deployment_id, size_t limit, struct delivery **ret,
                              size_t *ret_count, struct err *err);
/* The one whose version is at the target now: the newest that was deployed and not rolled back. ERR_NOT_FOUND. */
MUST_CHECK bool delivery_find_deployed(struct db *db, struct arena *a, const char *deployment_id, const char *certificate_id,
                                       const char *but_id, struct delivery *ret, struct err *err);
/* The newest whose version an endpoint was seen to serve. ERR_NOT_FOUND. */
MUST_CHECK bool delivery_find_seen(struct db *db, struct arena *a, const char *deployment_id, const char *certificate_id,
                                   struct delivery *ret, struct err *err);
/* Another delivery to the same place is under way. */
MUST_CHECK bool delivery_busy(struct db *db, const struct delivery *d, bool *ret, struct err *err);

/* An attempt begins: state running, attempts + 1. ERR_CONFLICT "conflict" when delivery_busy() became true. */
MUST_CHECK bool delivery_start(struct db *db, const char *id, int64_t now, struct err *err);
/* What an attempt left: state waiting with problem, detail, hint and next_try_at, or failed (next_try_at 0). */
MUST_CHECK bool delivery_set_problem(struct db *db, const struct delivery *d, struct err *err);
/* The target confirmed: state is probing or done; exit_code and output as given. */
MUST_CHECK bool delivery_set_deployed(struct db *db, const char *id, const char *state, int64_t exit_code, const char *output,
                                      int64_t now, struct err *err);
MUST_CHECK bool delivery_set_seen(struct db *db, const char *id, int64_t now, struct err *err);
/* state is failed, superseded or cancelled; `taken_back`: what was deployed is not any more. */
MUST_CHECK bool delivery_end(struct db *db, const char *id, const char *state, const char *problem, const char *detail,
                             const char *hint, bool taken_back, int64_t now, struct err *err);

#endif
