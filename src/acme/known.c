/* acme/known.c: one row per CA, found by the host of its directory. */
#include "acme/known.h"

#include "base/name.h"
#include "net/url.h"

static const struct known {
	const char *zone; /* the host of the directory is this name or below it */
	bool        refuses_overlap;
} knowns[] = {
	{ "letsencrypt.org", true }, /* Boulder: "redundant with a wildcard domain in the same request" */
};

bool acme_known_refuses_overlap(const char *directory_url)
{
	struct url url;

	if (!url_parse(str_c(directory_url), &url, NULL))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(knowns); i++)
		if (knowns[i].refuses_overlap && name_in_zone(url.host, knowns[i].zone))
			return true;
	return false;
}
