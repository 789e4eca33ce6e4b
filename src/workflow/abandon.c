/*
 * workflow/abandon.c: authorizations of a cancelled order are given up at the CA. RFC 8555 7.5.2.
 *
 * Pending ones count against the limits of some CAs until they expire. One that is final by now, or gone, is as good as
 * given up; nothing here is worth a person's attention.
 *
 * A CA may give the next order for the same names the very authorizations of the one before, as after an edit: what a
 * running order has is left alone, and one that is about to ask is let pass first.
 */
#include "acme/authorization.h"
#include "workflow/operation.h"

#define SUCCESSOR_LOOK_MS 5000

/* Is there an order of the same certificate that has not asked the CA yet? */
static bool successor_asks(struct operating *x, struct db *db, bool *ret, struct err *err)
{
	struct order order;
	struct err   missing = { 0 };

	*ret = false;
	if (order_find_running(db, x->job->arena, x->op.certificate_id, &order, &missing)) {
		*ret = order.order_url[0] == '\0' && strcmp(order.authority_id, x->op.authority_id) == 0;
		return true;
	}
	if (missing.class == ERR_NOT_FOUND)
		return true;
	*err = missing;
	return false;
}

enum outcome operate_abandon(struct operating *x, struct err *err)
{
	const json_t *urls = json_object_get(x->request, "authorizations"), *url;
	int64_t       given_up = 0;
	struct db    *db;
	size_t        i;
	bool          used;

	if (!job_reader(x->job, &db, err) || !successor_asks(x, db, &used, err))
		return job_outcome(err);
	if (used)
		return job_wait(x->job, clock_now_ms() + SUCCESSOR_LOOK_MS, "the next order of the certificate goes first");
	if (!session_open(x->job, x->op.authority_id, &x->s, err) || !operation_intent(x, err))
		return job_outcome(err);
	json_array_foreach(urls, i, url) {
		struct err refused = { 0 };

		if (!authorization_url_used(db, x->op.authority_id, json_string_value(url), &used, err))
			return job_outcome(err);
		if (used)
			continue;
		if (session_post(&x->s, ACME_AT_AUTHORIZATION, json_string_value(url), ACME_DEACTIVATE_PAYLOAD, &refused)) {
			given_up++;
		} else if (refused.class == ERR_TEMPORARY) {
			*err = refused;
			return OUT_RETRY;
		}
	}
	json_put_int(x->report, "given_up", given_up);
	json_put_int(x->report, "of", (int64_t)json_array_size(urls));
	return operation_done(x, NULL, NULL);
}
