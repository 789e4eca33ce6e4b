/*
 * store/txt_record.h: the ledger of TXT values.
 *
 *   intent -> live -> removing -> gone            the provider confirmed that it is not there
 *                        |     -> superseded      the provider removes nothing by design
 *                        -> debt -> gone          a removal failed: it is tried again for DEBT_KEEP_MS, then given up, loudly
 *
 * Fence    inserting or changing a row happens in a transaction that checked the job's fence (job_check).
 * Ours     a row says that Reeve wrote, or may have written, exactly this value. No value without a row is ever touched.
 */
#ifndef REEVE_STORE_TXT_RECORD_H
#define REEVE_STORE_TXT_RECORD_H

#include "store/db.h"

struct txt_record {
	int64_t     id, authorization_id, intent_at, live_at, gone_at /* 0: not ended */, seen_at, seen_networks;
	int64_t     retired_at; /* 0: it may stay */
	int64_t     failures, retry_at; /* of a debt; retry_at 0: given up */
	const char *connection_id, *zone, *owner, *value, *order_id, *state;
	const char *problem, *detail, *hint; /* why the last removal failed */
};
/*
 * The same value for the same order again gives the existing row, and *ret_again: somebody may have written it before.
 * A value of another order: ERR_CONFLICT. While it is due for removal: ERR_TEMPORARY, because the clean-up may be about
 * to remove it at the provider.
 */
MUST_CHECK bool txt_record_intend(struct db *db, const struct txt_record *r, int64_t *ret_id, bool *ret_again, struct err *err);
/* Values at the owner that may be needed still: of this order (other than `value`), and of others since `since`. */
MUST_CHECK bool txt_record_beside(struct db *db, const struct txt_record *r, int64_t since, int64_t *ret_own, int64_t *ret_others,
                                  struct err *err);
/* To live (from intent, live), removing (not from an end), gone or superseded. Any other move: ERR_CONFLICT. */
MUST_CHECK bool txt_record_set_state(struct db *db, int64_t id, const char *state, int64_t now, struct err *err);
/* A removal failed: the row is a debt, tried again at retry_at (0: given up). */
MUST_CHECK bool txt_record_owe(struct db *db, int64_t id, int64_t retry_at, const struct err *why, struct err *err);
/*
 * The rows of an order, or of one of its authorizations (0: all), are due for removal; *ret_count of them have not
 * ended.
 */
MUST_CHECK bool txt_record_retire(struct db *db, const char *order_id, int64_t authorization_id, int64_t now, int64_t *ret_count,
                                  struct err *err);
MUST_CHECK bool txt_record_list_order(struct db *db, struct arena *a, const char *order_id, struct txt_record **ret, size_t *ret_count, struct err *err);
/* state "live" for one provider: what a restarted dns role needs. Called for each row. */
MUST_CHECK bool txt_record_list_live(struct db *db, struct arena *a, const char *provider, struct txt_record **ret, size_t *ret_count, struct err *err);
/* A validation query was answered: seen_at (first), networks as given; returns the order ids concerned. */
MUST_CHECK bool txt_record_seen(struct db *db, struct arena *a, const char *owner, int64_t now, int64_t networks,
                                const char ***ret_orders, size_t *ret_count, struct err *err);

/* ---- debt: values that should be gone and are not ---- */

#define DEBT_GRACE_MS ((int64_t)60 * 1000)              /* a removal under way is no debt yet, unless it failed */
#define DEBT_ALERT_MS ((int64_t)3600 * 1000)            /* older debt is an alert */
#define DEBT_KEEP_MS  ((int64_t)30 * 86400 * 1000)      /* so long removals are tried */

struct debt_summary {
	int64_t count, given_up;
	int64_t oldest_at; /* retired_at of the oldest; 0 when there is none */
	bool    alert;     /* the oldest is older than DEBT_ALERT_MS */
};
/* project_id "" : of all projects. */
MUST_CHECK bool txt_record_debt(struct db *db, const char *project_id, int64_t now, struct debt_summary *ret, struct err *err);
/* Oldest first; at most `max`. */
MUST_CHECK bool txt_record_list_debt(struct db *db, struct arena *a, const char *project_id, int64_t now, int64_t max,
                                     struct txt_record **ret, size_t *ret_count, struct err *err);
/* Debts of a project are due at once, given up or not; the orders they belong to. */
MUST_CHECK bool txt_record_debt_retry(struct db *db, struct arena *a, const char *project_id, int64_t now, const char ***ret_orders,
                                      size_t *ret_count, struct err *err);

struct txt_record_stray {
	const char *order_id, *project_id;
	bool        retired; /* due for removal, but nobody is at it; else: not even due, and its order has ended */
};
/* Orders with values that nobody would ever remove. There are none unless something went wrong. */
MUST_CHECK bool txt_record_strays(struct db *db, struct arena *a, struct txt_record_stray **ret, size_t *ret_count, struct err *err);

#endif
