/* store/order.h: orders, their authorizations and their history. RFC 8555 7.1.3, 7.1.4. */
#ifndef REEVE_STORE_ORDER_H
#define REEVE_STORE_ORDER_H

#include "store/db.h"

struct order {
	const char *id, *project_id, *certificate_id, *version_id, *authority_id, *account_id;
	const char *status /* running, issued, failed, cancelled */, *step;
	const char *order_url, *finalize_url, *certificate_url;
	struct str  csr; /* DER; NULL before finalize */
	int64_t     new_orders, requests;
	const char *problem, *detail, *hint;
	int64_t     next_try_at, created_at, ended_at, row_version;
};
/* ERR_CONFLICT "order-running" when the certificate has a live order. */
MUST_CHECK bool order_insert(struct db *db, const struct order *o, struct err *err);
MUST_CHECK bool order_find(struct db *db, struct arena *a, const char *id, struct order *ret, struct err *err);
/* The order that this version is of. ERR_NOT_FOUND. */
/* Newest first. certificate_id "" lists the project's. */
MUST_CHECK bool order_list(struct db *db, struct arena *a, const char *project_id, const char *certificate_id, size_t limit,
                           struct order **ret, size_t *ret_count, struct err *err);
/* ERR_NOT_FOUND when none is running. */
MUST_CHECK bool order_find_running(struct db *db, struct arena *a, const char *certificate_id, struct order *ret, struct err *err);

/* Each of these adds 1 to row_version. */
MUST_CHECK bool order_set_version(struct db *db, const char *id, const char *version_id, struct err *err);
MUST_CHECK bool order_set_account(struct db *db, const char *id, const char *account_id, struct err *err);
MUST_CHECK bool order_count_new_order(struct db *db, const char *id, struct err *err);
MUST_CHECK bool order_set_urls(struct db *db, const char *id, const char *order_url, const char *finalize_url, struct err *err);
/* Forget the CA's order (expired, 404): URLs and CSR become empty, authorizations rows go. */
MUST_CHECK bool order_forget_urls(struct db *db, const char *id, struct err *err);
MUST_CHECK bool order_set_csr(struct db *db, const char *id, struct str csr, struct err *err);
MUST_CHECK bool order_set_certificate_url(struct db *db, const char *id, const char *url, struct err *err);
/* What readers see while it runs; problem "" clears. */
MUST_CHECK bool order_set_progress(struct db *db, const char *id, const char *step, const char *problem, const char *detail,
                                   const char *hint, int64_t next_try_at, int64_t requests_more, struct err *err);
MUST_CHECK bool order_end(struct db *db, const char *id, const char *status, const char *problem, const char *detail,
                          const char *hint, int64_t now, struct err *err);

struct authorization {
	int64_t     id;
	const char *order_id, *url, *name, *status /* pending, responded, valid, invalid */, *challenge_url, *value, *owner, *connection_id,
		*zone /* spec: store/connection.h */;
	bool        wildcard;
	int64_t     responded_at;
	int64_t     republished; /* so often the value was gone before the CA was told */
};
/* *ret_id is the new row's id; the same (order, url) again gives the existing one. */
MUST_CHECK bool authorization_insert(struct db *db, const char *order_id, const char *url, int64_t *ret_id, struct err *err);
MUST_CHECK bool authorization_find(struct db *db, struct arena *a, int64_t id, struct authorization *ret, struct err *err);
/* Does a running order at this authority have it? A CA may give two orders the same one. */
MUST_CHECK bool authorization_url_used(struct db *db, const char *authority_id, const char *url, bool *ret, struct err *err);
MUST_CHECK bool authorization_list(struct db *db, struct arena *a, const char *order_id, struct authorization **ret, size_t *ret_count, struct err *err);
/* Facts fetched from the CA. */
MUST_CHECK bool authorization_set_challenge(struct db *db, int64_t id, const char *name, bool wildcard, const char *challenge_url, const char *value, struct err *err);
MUST_CHECK bool authorization_set_route(struct db *db, int64_t id, const char *owner, const char *connection_id, const char *zone, struct err *err);
MUST_CHECK bool authorization_add_republished(struct db *db, int64_t id, struct err *err);
/* responded_at is set to `now` when status is responded. */
MUST_CHECK bool authorization_set_status(struct db *db, int64_t id, const char *status, int64_t now, struct err *err);
/* How many of the order are still `pending`. */
MUST_CHECK bool authorization_pending(struct db *db, const char *order_id, int64_t *ret, struct err *err);

struct history {
	int64_t     id, job_id, at;
	int64_t     until_at; /* of a wait or a retry; 0: until it is woken */
	const char *order_id, *kind, *step, *outcome, *text;
};
MUST_CHECK bool history_insert(struct db *db, const struct history *h, struct err *err);
/* Since when the CA fails it: the first retry after the last step that went well; 0: it does not. */
MUST_CHECK bool history_failing_since(struct db *db, const char *order_id, int64_t *ret, struct err *err);
/* The newest 1000, oldest of them first. */
MUST_CHECK bool history_list(struct db *db, struct arena *a, const char *order_id, struct history **ret, size_t *ret_count, struct err *err);

#endif
