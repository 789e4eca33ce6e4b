/*
 * provider/httpreq.c: lego's interface for web services of one's own: POST to ENDPOINT/present and ENDPOINT/cleanup. What the
 * service does with it is its affair, and it cannot be asked.
 */
#include "provider/native.h"

static bool zone(struct run *run, const struct provider_value *value, struct err *err)
{
	if (value->zone != NULL && value->zone[0] != '\0')
		return native_zone_configured(run, value, err);
	return err_problem(err, ERR_CONFIG, "zone-not-found", "%s has no look-up of zones: the connection must name its zone",
	                   run->recipe->title);
}

static bool call(struct run *run, const char *path, const struct provider_value *value, struct err *err)
{
	json_t       *body = json_object();
	struct answer answer;

	json_put_str(body, "fqdn", arena_printf(run->arena, "%s.", value->owner));
	json_put_str(body, "value", "{value}");
	return native_post(run, path, body, READS_TEXT, true, &answer, err);
}

static bool add(struct run *run, const struct provider_value *value, struct err *err)
{
	return call(run, "/present", value, err);
}

static bool remove_value(struct run *run, const struct provider_value *value, struct err *err)
{
	return call(run, "/cleanup", value, err);
}

static bool present(struct run *run, const struct provider_value *value, bool *ret, struct err *err)
{
	(void)run;
	(void)value;
	(void)err;
	*ret = true;
	return true;
}

const struct native native_httpreq = { .id = "httpreq", .zone = zone, .add = add, .remove = remove_value, .present = present };
