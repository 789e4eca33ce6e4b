/*
 * workflow/abandon.c: authorizations of a cancelled order are given up at the CA. RFC 8555 7.5.2.
 *
 * Pending ones count against the limits of some CAs until they expire. One that is final by now, or gone, is as good as
 * given up; nothing here is worth a person's attention.
 */
#include "acme/authorization.h"
#include "workflow/operation.h"

enum outcome operate_abandon(struct operating *x, struct err *err)
{
	const json_t *urls = json_object_get(x->request, "authorizations"), *url;
	int64_t       given_up = 0;
	size_t        i;

	if (!session_open(x->job, x->op.authority_id, &x->s, err) || !operation_intent(x, err))
		return job_outcome(err);
	json_array_foreach(urls, i, url) {
		struct err refused = { 0 };

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
