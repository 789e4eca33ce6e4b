/*
 * tests/fuzz/acme_order.c: an order, authorization, challenge or account that is accepted is normal: URLs are https,
 * counts bounded, names in their one form, tokens base64url.
 */
#include <assert.h>

#include "acme/account.h"
#include "acme/authorization.h"
#include "acme/order.h"
#include "net/url.h"

static void check_url(const char *text)
{
	struct url url;

	assert(text != NULL && url_parse_https(str_c(text), &url, NULL));
}

static void check_order(struct arena *a, struct str body)
{
	struct acme_order order;

	if (!acme_order_parse(a, "https://ca/order/1", body, &order, NULL))
		return;
	assert((unsigned)order.status < ACME_ORDER__COUNT && order.expires_at >= 0);
	assert(order.identifiers_count >= 1 && order.identifiers_count <= ACME_IDENTIFIERS_MAX);
	assert(order.authorizations_count <= ACME_IDENTIFIERS_MAX);
	check_url(order.finalize);
	for (size_t i = 0; i < order.authorizations_count; i++)
		check_url(order.authorizations[i]);
	assert((order.certificate != NULL) == (order.status == ACME_ORDER_VALID));
	if (order.certificate != NULL)
		check_url(order.certificate);
	for (size_t i = 0; i < order.identifiers_count; i++) {
		struct identifier again;

		assert(identifier_parse(str_c(order.identifiers[i].value), &again, NULL));
		assert(strcmp(again.value, order.identifiers[i].value) == 0);
		assert(again.wildcard == order.identifiers[i].wildcard);
	}
	assert(acme_order_matches(&order, order.identifiers, order.identifiers_count));
	if (order.error != NULL)
		assert(order.error->type != NULL && strlen(order.error->detail) <= ACME_DETAIL_MAX);
}

static void check_authorization(struct arena *a, struct str body)
{
	struct acme_authorization    z;
	const struct acme_challenge *challenge;
	struct err                   err = { 0 };

	if (!acme_authorization_parse(a, "https://ca/z/1", body, &z, NULL))
		return;
	assert((unsigned)z.status < ACME_AUTHORIZATION__COUNT && z.expires_at >= 0);
	assert(z.challenges_count <= ACME_CHALLENGES_MAX && z.name[0] != '\0' && z.name[0] != '*');
	for (size_t i = 0; i < z.challenges_count; i++)
		check_url(z.challenges[i].url);
	if (acme_authorization_dns01(&z, &challenge, &err)) {
		char value[ACME_DNS01_SIZE];

		assert(acme_base64url(str_c(challenge->token), ACME_TOKEN_MAX));
		acme_dns01_value(challenge->token, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", value);
		assert(strlen(value) == ACME_DNS01_SIZE - 1 && acme_base64url(str_c(value), ACME_DNS01_SIZE));
	} else {
		assert(strcmp(err.problem, "challenge-type-unsupported") == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct str            body = str_of(data, size);
	struct acme_challenge challenge;
	struct acme_account   account;

	check_order(a, body);
	check_authorization(a, body);
	if (acme_challenge_parse(a, body, &challenge, NULL)) {
		check_url(challenge.url);
		assert(challenge.token == NULL || acme_base64url(str_c(challenge.token), ACME_TOKEN_MAX));
	}
	if (acme_account_parse(a, "https://ca/acct/1", body, &account, NULL) && account.orders != NULL)
		check_url(account.orders);
	return 0;
}
