/*
 * acme/account.c: only what Reeve acts upon: the status. Contacts are not read back, most CAs keep none.
 */
#include "acme/account.h"

#include <assert.h>

#include "acme/answer.h"

static const char *const statuses[ACME_ACCOUNT__COUNT] = { "valid", "deactivated", "revoked" };

bool acme_account_parse(struct arena *a, const char *location, struct str body, struct acme_account *ret,
                        struct err *err)
{
	struct acme_account      account = { 0 };
	AUTO(json_freep) json_t *json = NULL;
	unsigned                 status;

	if (!acme_url_check(a, "account", "Location", location, &account.url, err) ||
	    !acme_answer_read("account", body, &json, err) ||
	    !acme_answer_status("account", json, statuses, ARRAY_LEN(statuses), &status, err))
		return false;
	account.status = (enum acme_account_status)status;
	account.orders = acme_answer_url_maybe(a, json, "orders");
	*ret = account;
	return true;
}

const char *acme_account_status_name(enum acme_account_status status)
{
	assert((unsigned)status < ACME_ACCOUNT__COUNT);
	return statuses[status];
}
