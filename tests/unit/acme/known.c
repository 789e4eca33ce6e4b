/* tests/unit/acme/known.c: what is known of public CAs, by the host of the directory alone. */
#include "acme/known.h"

#include "test.h"

TEST(overlap)
{
	static const struct {
		const char *url;
		bool        refuses;
	} cases[] = {
		{ "https://acme-v02.api.letsencrypt.org/directory", true },
		{ "https://acme-staging-v02.api.letsencrypt.org/directory", true },
		{ "https://letsencrypt.org.example/directory", false },
		{ "https://notletsencrypt.org/directory", false },
		{ "https://ca.example/letsencrypt.org", false },
		{ "https://127.0.0.1:14000/dir", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(acme_known_refuses_overlap(cases[i].url), cases[i].refuses);
}

TESTS(T(overlap))
