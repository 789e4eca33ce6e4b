/* provider/native.c: the table of native providers, and what they share. */
#include "provider/native.h"

static const struct native *const natives[] = {
	&native_rfc2136,
};

const struct native *native_find(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(natives); i++)
		if (strcmp(natives[i]->id, id) == 0)
			return natives[i];
	return NULL;
}

const char *native_text(const struct run *run, const char *name)
{
	struct str text = vars_text(&run->vars, name);

	return text.len > 0 ? text.ptr : "";
}

bool native_zone_configured(struct run *run, const struct provider_value *value, struct err *err)
{
	if (!name_in_zone(value->owner, value->zone))
		return err_problem(err, ERR_INPUT, "invalid-request", "%s is not in the zone %s", value->owner, value->zone);
	vars_set(&run->vars, "zone", str_c(value->zone));
	return true;
}
