/*
 * provider/manual.c: a person adds and removes the record. Reeve says which one, looks at the name servers, and goes on when
 * all of them have it, or have it no more. Nothing has to be confirmed.
 */
#include "dns/client.h"
#include "dns/message.h"
#include "provider/native.h"

#define LOOK_MS 8000u
#define AGAIN_S 20u

struct seen {
	size_t servers, with; /* that answered; of them with the value */
	bool   all;           /* each that was found answered */
};

static bool look(struct run *run, const struct provider_value *value, struct seen *ret, struct err *err)
{
	struct dns_auth auth;

	*ret = (struct seen){ .all = true };
	if (run->resolver == NULL)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "there is nobody to look values up");
	if (!dns_lookup_auth(run->resolver, run->arena, value->owner, DNS_TXT, LOOK_MS, &auth, err))
		return err_in(err, "name servers of %s", value->owner);
	for (size_t i = 0; i < auth.servers_count; i++) {
		const struct dns_auth_server *s = &auth.servers[i];
		bool                          has = false;

		for (size_t k = 0; k < s->values_count; k++)
			has = has || strcmp(s->values[k], value->value) == 0;
		ret->all = ret->all && s->answered;
		ret->servers += s->answered;
		ret->with += s->answered && has;
	}
	if (ret->servers > 0)
		return true;
	return err_problem(err, ERR_TEMPORARY, "unavailable", "no name server of %s answers: %s", value->owner, auth.detail);
}

static bool wait_for_person(const struct run *run, const struct provider_value *value, const struct seen *seen, const char *verb,
                            struct err *err)
{
	err_problem(err, ERR_TEMPORARY, "manual-step", "waits for a person to %s a TXT record at %s (%zu of %zu name servers have it)", verb,
	            value->owner, seen->with, seen->servers);
	err_hint(err, "%s this record, and leave others there as they are: %s. %lld IN TXT \"%s\"", verb, value->owner,
	         (long long)run->recipe->ttl, value->value);
	if (err != NULL)
		err->retry_after_s = AGAIN_S;
	return false;
}

static bool add(struct run *run, const struct provider_value *value, struct err *err)
{
	struct seen seen;

	return look(run, value, &seen, err) &&
	       ((seen.all && seen.with == seen.servers) || wait_for_person(run, value, &seen, "add", err));
}

static bool remove_value(struct run *run, const struct provider_value *value, struct err *err)
{
	struct seen seen;

	return look(run, value, &seen, err) && ((seen.all && seen.with == 0) || wait_for_person(run, value, &seen, "remove", err));
}

static bool zone(struct run *run, const struct provider_value *value, struct err *err)
{
	if (value->zone != NULL && value->zone[0] != '\0')
		return native_zone_configured(run, value, err);
	vars_set(&run->vars, "zone", str_c(value->owner));
	return true;
}

static bool present(struct run *run, const struct provider_value *value, bool *ret, struct err *err)
{
	struct seen seen;

	if (!look(run, value, &seen, err))
		return false;
	*ret = seen.with > 0;
	return true;
}

const struct native native_manual = { .id = "manual", .zone = zone, .add = add, .remove = remove_value, .present = present };
