/*
 * acme/certificate.c: alternate chains by their links. What is not an absolute https URL is ignored: a chain
 * that cannot be fetched is a chain that is not offered.
 */
#include "acme/certificate.h"

#include "net/url.h"

size_t acme_alternates(struct arena *a, const char *url, const struct http_link *links, size_t links_count,
                       const char *ret[static ACME_ALTERNATES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < links_count && count < ACME_ALTERNATES_MAX; i++) {
		struct url parsed;
		bool       known = strcmp(links[i].url, url) == 0;

		if (strcmp(links[i].rel, "alternate") != 0 || !url_parse_https(str_c(links[i].url), &parsed, NULL))
			continue;
		for (size_t k = 0; k < count; k++)
			known = known || strcmp(ret[k], links[i].url) == 0;
		if (!known)
			ret[count++] = arena_strdup(a, links[i].url);
	}
	return count;
}
