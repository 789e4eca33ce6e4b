/* store/operation.h: what people ask of a CA beside certificates; each is a row and a job (workflow/operation.h). */
#ifndef REEVE_STORE_OPERATION_H
#define REEVE_STORE_OPERATION_H

#include "store/db.h"

struct operation {
	const char *id, *project_id, *kind, *subject, *authority_id, *certificate_id, *version_id;
	const char *state /* queued, sent, done, failed */, *request, *report;
	struct str  key_blob; /* of a rollover; NULL before it is made */
	const char *jwk, *thumbprint, *problem, *detail, *hint;
	int64_t     next_try_at, created_at, ended_at;
};

/* ERR_CONFLICT "conflict" while one with this subject runs. */
MUST_CHECK bool operation_insert(struct db *db, const struct operation *o, struct err *err);
MUST_CHECK bool operation_find(struct db *db, struct arena *a, const char *id, struct operation *ret, struct err *err);
/* Newest first. */
MUST_CHECK bool operation_list(struct db *db, struct arena *a, const char *project_id, size_t limit, struct operation **ret,
                               size_t *ret_count, struct err *err);
MUST_CHECK bool operation_set_key(struct db *db, const char *id, struct str key_blob, const char *jwk, const char *thumbprint,
                                  struct err *err);
MUST_CHECK bool operation_set_sent(struct db *db, const char *id, struct err *err);
/* Why it waits; problem "" clears. */
MUST_CHECK bool operation_set_wait(struct db *db, const char *id, const char *problem, const char *detail, const char *hint,
                                   int64_t next_try_at, struct err *err);
/* state is done or failed. The key of a rollover that is done lives in the account; that of a failed one is kept here. */
MUST_CHECK bool operation_end(struct db *db, const char *id, const char *state, const char *report, const char *problem,
                              const char *detail, const char *hint, int64_t now, struct err *err);

#endif
