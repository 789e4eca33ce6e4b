/*
 * store/txt_record.h: the ledger of TXT values. intent -> live -> removing -> gone; a row of intent or live is
 * what the built-in zone may answer only when it is live.
 *
 * Fence    inserting or changing a row happens in a transaction that checked the job's fence (job_check).
 */
#ifndef REEVE_STORE_TXT_RECORD_H
#define REEVE_STORE_TXT_RECORD_H

#include "store/db.h"

struct txt_record {
	int64_t     id, authorization_id, intent_at, live_at, gone_at, seen_at, seen_networks;
	const char *connection_id, *zone, *owner, *value, *order_id, *state;
};
/*
 * The same value for the same order again gives the existing row; a value of another order: ERR_CONFLICT.
 * While the row is `removing`: ERR_TEMPORARY, because the clean-up may be about to remove it at the provider.
 */
MUST_CHECK bool txt_record_intend(struct db *db, const struct txt_record *r, int64_t *ret_id, struct err *err);
/* Values at the owner that may be needed still: of this order (other than `value`), and of others since `since`. */
MUST_CHECK bool txt_record_beside(struct db *db, const struct txt_record *r, int64_t since, int64_t *ret_own, int64_t *ret_others,
                                  struct err *err);
/* To live (from intent, live), removing (not from gone) or gone. Any other move: ERR_CONFLICT. */
MUST_CHECK bool txt_record_set_state(struct db *db, int64_t id, const char *state, int64_t now, struct err *err);
/* All rows of an order that are not gone become `removing`; *ret_count of them. */
MUST_CHECK bool txt_record_retire(struct db *db, const char *order_id, int64_t *ret_count, struct err *err);
MUST_CHECK bool txt_record_list_order(struct db *db, struct arena *a, const char *order_id, struct txt_record **ret, size_t *ret_count, struct err *err);
/* state "live" for one provider: what a restarted dns role needs. Called for each row. */
MUST_CHECK bool txt_record_list_live(struct db *db, struct arena *a, const char *provider, struct txt_record **ret, size_t *ret_count, struct err *err);
/* A validation query was answered: seen_at (first), networks as given; returns the order ids concerned. */
MUST_CHECK bool txt_record_seen(struct db *db, struct arena *a, const char *owner, int64_t now, int64_t networks,
                                const char ***ret_orders, size_t *ret_count, struct err *err);

#endif
