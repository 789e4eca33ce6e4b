/*
 * acme/authorization.c: one name's authorization and the choice of its dns-01 challenge.
 */
#include "acme/authorization.h"

#include <assert.h>

#include "acme/answer.h"

static const char *const statuses[ACME_AUTHORIZATION__COUNT] = { "pending",     "valid",   "invalid",
	                                                         "deactivated", "expired", "revoked" };

static bool name_read(const json_t *identifier, struct acme_authorization *authorization, struct err *err)
{
	const char       *type = json_str(identifier, "type"), *value = json_str(identifier, "value");
	struct identifier id;
	struct err        cause = { 0 };

	if (type == NULL || value == NULL)
		return acme_nonsense(err, "authorization: no identifier");
	if (strcmp(type, "dns") != 0)
		return acme_nonsense(err, "authorization: for an identifier of type '%.32s', only dns was ordered", type);
	if (!identifier_parse(str_c(value), &id, &cause))
		return acme_nonsense(err, "authorization: %s", cause.text);
	/* RFC 8555 7.1.4 forbids "*." here; a CA that sends it means the flag. */
	authorization->wildcard = authorization->wildcard || id.wildcard;
	snprintf(authorization->name, sizeof(authorization->name), "%s", identifier_base(&id));
	return true;
}

static bool challenges_read(struct arena *a, const json_t *list, struct acme_authorization *authorization,
                            struct err *err)
{
	size_t        i, count = json_array_size(list);
	const json_t *item;

	if (count > ACME_CHALLENGES_MAX || (count == 0 && authorization->status == ACME_AUTHORIZATION_PENDING))
		return acme_nonsense(err, "authorization: %zu challenges, 1 to %d can be", count, ACME_CHALLENGES_MAX);
	authorization->challenges = arena_alloc_array(a, count + 1, sizeof(*authorization->challenges));
	json_array_foreach(list, i, item) {
		const char *type = json_str(item, "type");
		bool        ours = type != NULL && strcmp(type, "dns-01") == 0;

		/* A challenge we would never use may have any shape: new types need not look like old ones. */
		if (acme_challenge_read(a, item, &authorization->challenges[authorization->challenges_count],
		                        ours ? err : NULL))
			authorization->challenges_count++;
		else if (ours)
			return false;
	}
	return true;
}

bool acme_authorization_parse(struct arena *a, const char *url, struct str body, struct acme_authorization *ret,
                              struct err *err)
{
	struct acme_authorization authorization = { 0 };
	AUTO(json_freep) json_t  *json = NULL;
	unsigned                  status;

	if (!acme_url_check(a, "authorization", "Location", url, &authorization.url, err) ||
	    !acme_answer_read("authorization", body, &json, err) ||
	    !acme_answer_status("authorization", json, statuses, ARRAY_LEN(statuses), &status, err))
		return false;
	authorization.status = (enum acme_authorization_status)status;
	authorization.wildcard = json_bool(json, "wildcard", false);
	authorization.expires_at = acme_answer_time(json, "expires");
	if (!name_read(json_object_get(json, "identifier"), &authorization, err) ||
	    !challenges_read(a, json_object_get(json, "challenges"), &authorization, err))
		return err_in(err, "%.300s", url);
	*ret = authorization;
	return true;
}

bool acme_authorization_dns01(const struct acme_authorization *authorization, const struct acme_challenge **ret,
                              struct err *err)
{
	char   offered[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < authorization->challenges_count; i++) {
		const char *type = authorization->challenges[i].type;
		int         n;

		if (strcmp(type, "dns-01") == 0) {
			*ret = &authorization->challenges[i];
			return true;
		}
		n = snprintf(offered + used, sizeof(offered) - used, "%s%s", used > 0 ? ", " : "", type);
		if (n > 0 && (size_t)n < sizeof(offered) - used)
			used += (size_t)n;
		else
			offered[used] = '\0';
	}
	err_problem(err, ERR_PERMANENT, "challenge-type-unsupported", "the CA offers %s for %s%s, not dns-01",
	            used > 0 ? offered : "nothing", authorization->wildcard ? "*." : "", authorization->name);
	return err_hint(err, "Reeve validates by DNS only: enable dns-01 at the CA, or use another authority");
}

const struct acme_problem *acme_authorization_error(const struct acme_authorization *authorization)
{
	for (size_t i = 0; i < authorization->challenges_count; i++)
		if (authorization->challenges[i].error != NULL)
			return authorization->challenges[i].error;
	return NULL;
}

const char *acme_authorization_status_name(enum acme_authorization_status status)
{
	assert((unsigned)status < ACME_AUTHORIZATION__COUNT);
	return statuses[status];
}
