/*
 * acme/order.c: reads orders and writes the two payloads that belong to them. Signing is the keeper's.
 */
#include "acme/order.h"

#include <assert.h>

#include "acme/answer.h"
#include "base/clock.h"
#include "base/encode.h"

static const char *const statuses[ACME_ORDER__COUNT] = { "pending", "ready", "processing", "valid", "invalid" };

static bool identifier_known(const struct identifier *list, size_t count, const char *value)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].value, value) == 0)
			return true;
	return false;
}

static bool identifiers_read(struct arena *a, const json_t *list, struct acme_order *order, struct err *err)
{
	size_t        i, count = json_array_size(list);
	const json_t *item;

	if (count < 1 || count > ACME_IDENTIFIERS_MAX)
		return acme_nonsense(err, "order: %zu identifiers, 1 to %d can be", count, ACME_IDENTIFIERS_MAX);
	order->identifiers = arena_alloc_array(a, count, sizeof(*order->identifiers));
	json_array_foreach(list, i, item) {
		const char        *type = json_str(item, "type"), *value = json_str(item, "value");
		struct identifier *id = &order->identifiers[i];
		struct err         cause = { 0 };

		if (type == NULL || value == NULL)
			return acme_nonsense(err, "order: an identifier without type or value");
		if (strcmp(type, "dns") != 0)
			return acme_nonsense(err, "order: an identifier of type '%.32s', only dns was ordered", type);
		if (!identifier_parse(str_c(value), id, &cause))
			return acme_nonsense(err, "order: %s", cause.text);
		if (identifier_known(order->identifiers, i, id->value))
			return acme_nonsense(err, "order: '%s' is there twice", id->value);
	}
	order->identifiers_count = count;
	return true;
}

static bool url_known(const char *const *list, size_t count, const char *url)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], url) == 0)
			return true;
	return false;
}

static bool authorizations_read(struct arena *a, const json_t *list, struct acme_order *order, struct err *err)
{
	size_t        i, count = json_array_size(list);
	const json_t *item;

	if (count > ACME_IDENTIFIERS_MAX)
		return acme_nonsense(err, "order: %zu authorizations, %d can be", count, ACME_IDENTIFIERS_MAX);
	if (count == 0 && order->status == ACME_ORDER_PENDING)
		return acme_nonsense(err, "order: pending without authorizations");
	order->authorizations = arena_alloc_array(a, count > 0 ? count : 1, sizeof(char *));
	json_array_foreach(list, i, item) {
		const char *url;

		if (!acme_url_check(a, "order", "authorizations", json_string_value(item), &url, err))
			return false;
		if (!url_known(order->authorizations, order->authorizations_count, url))
			order->authorizations[order->authorizations_count++] = url;
	}
	return true;
}

static const char *text_maybe(struct arena *a, const json_t *object, const char *member)
{
	const char *text = json_str(object, member);

	return text != NULL && text[0] != '\0' ? acme_text(a, text, 256) : NULL;
}

bool acme_order_parse(struct arena *a, const char *location, struct str body, struct acme_order *ret,
                      struct err *err)
{
	struct acme_order        order = { 0 };
	AUTO(json_freep) json_t *json = NULL;
	unsigned                 status;

	if (!acme_url_check(a, "order", "Location", location, &order.url, err) ||
	    !acme_answer_read("order", body, &json, err) ||
	    !acme_answer_status("order", json, statuses, ARRAY_LEN(statuses), &status, err))
		return false;
	order.status = (enum acme_order_status)status;
	if (!identifiers_read(a, json_object_get(json, "identifiers"), &order, err) ||
	    !authorizations_read(a, json_object_get(json, "authorizations"), &order, err) ||
	    !acme_answer_url(a, "order", json, "finalize", &order.finalize, err))
		return false;
	if (order.status == ACME_ORDER_VALID && !acme_answer_url(a, "order", json, "certificate", &order.certificate, err))
		return false;
	order.expires_at = acme_answer_time(json, "expires");
	order.profile = text_maybe(a, json, "profile");
	order.replaces = text_maybe(a, json, "replaces");
	if (json_is_object(json_object_get(json, "error"))) {
		order.error = arena_alloc(a, sizeof(*order.error));
		acme_problem_read(a, json_object_get(json, "error"), order.error);
	}
	*ret = order;
	return true;
}

bool acme_order_matches(const struct acme_order *order, const struct identifier *identifiers, size_t count)
{
	if (order->identifiers_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!identifier_known(order->identifiers, order->identifiers_count, identifiers[i].value))
			return false;
	return true;
}

struct str acme_order_write(struct arena *a, const struct acme_order_request *request)
{
	char not_after[CLOCK_RFC3339_SIZE];
	AUTO(json_freep) json_t *json = json_object();
	json_t                  *list = json_array();

	assert(request->identifiers_count >= 1 && request->identifiers_count <= ACME_IDENTIFIERS_MAX);
	for (size_t i = 0; i < request->identifiers_count; i++) {
		json_t *item = json_object();

		json_put_str(item, "type", "dns");
		json_put_str(item, "value", request->identifiers[i].value);
		json_array_append_new(list, item);
	}
	json_put(json, "identifiers", list);
	if (request->not_after_at != 0)
		json_put_str(json, "notAfter", clock_rfc3339(request->not_after_at / 1000 * 1000, not_after));
	if (request->profile != NULL)
		json_put_str(json, "profile", request->profile);
	if (request->replaces != NULL)
		json_put_str(json, "replaces", request->replaces);
	return str_c(json_write(a, json));
}

struct str acme_finalize_write(struct arena *a, struct str csr_der)
{
	/* base64url needs no escaping: RFC 8555 7.4 is one member. */
	return str_c(arena_printf(a, "{\"csr\":\"%s\"}", b64url_encode(a, csr_der)));
}

const char *acme_order_status_name(enum acme_order_status status)
{
	assert((unsigned)status < ACME_ORDER__COUNT);
	return statuses[status];
}
