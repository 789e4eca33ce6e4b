/* tests/unit/acme/preset.c: the directory URLs people have, what their CAs refuse, and reasons. */
#include "test.h"

#include "acme/preset.h"
#include "net/url.h"

static void recognised(const char *url, const char *name)
{
	const struct acme_preset *p = acme_preset_of_url(url, NULL);

	CHECK(p != NULL);
	CHECK_STR(p->name, name);
}

TEST(preset_letsencrypt_url) { recognised("https://acme-v02.api.letsencrypt.org/directory", "letsencrypt"); }
TEST(preset_digicert_url) { recognised("https://acme.digicert.com/v2/acme/directory", "digicert"); }
TEST(preset_digicert_slash_url) { recognised("https://acme.digicert.com/v2/acme/directory/", "digicert"); }
TEST(preset_google_url) { recognised("https://dv.acme-v02.api.pki.goog/directory", "google"); }
TEST(preset_buypass_url) { recognised("https://api.buypass.com/acme/directory", "buypass"); }
TEST(preset_zerossl_url) { recognised("https://acme.zerossl.com/v2/DV90", "zerossl"); }
TEST(preset_sslcom_url) { recognised("https://acme.ssl.com/sslcom-dv-rsa", "sslcom"); }

TEST(preset_byte_for_byte)
{
	static const char *const others[] = {
		"https://acme-v02.api.letsencrypt.org/directory/", "https://ACME-v02.api.letsencrypt.org/directory",
		"http://acme-v02.api.letsencrypt.org/directory", "https://acme.zerossl.com/v2/DV90/", "https://acme.example/directory", "",
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		CHECK(acme_preset_of_url(others[i], NULL) == NULL);
}

TEST(preset_table_is_sound)
{
	for (size_t i = 0; i < acme_presets_count; i++) {
		const struct acme_preset *p = &acme_presets[i];
		struct url                url;
		struct err                err = { 0 };

		CHECK(acme_preset_find(p->name, NULL) == p);
		CHECK((p->urls[0] == NULL) == (p->url_form != NULL));
		for (size_t k = 0; k < ARRAY_LEN(p->urls) && p->urls[k] != NULL; k++) {
			CHECK_OK(url_parse_https(str_c(p->urls[k]), &url, &err), err);
			CHECK(acme_preset_of_url(p->urls[k], NULL) == p);
		}
		if (p->staging != NULL)
			CHECK_OK(url_parse_https(str_c(p->staging), &url, &err), err);
	}
}

TEST(preset_staging)
{
	const struct acme_preset *p;
	bool                      staging = false;

	CHECK_STR(acme_preset_staging("https://acme-v02.api.letsencrypt.org/directory"), "https://acme-staging-v02.api.letsencrypt.org/directory");
	CHECK(acme_preset_staging("https://acme-staging-v02.api.letsencrypt.org/directory") == NULL);
	CHECK(acme_preset_staging("https://acme.zerossl.com/v2/DV90") == NULL);
	CHECK(acme_preset_staging("https://ca.example/directory") == NULL);
	p = acme_preset_find("letsencrypt-staging", &staging);
	CHECK(p != NULL && staging);
	CHECK_STR(p->name, "letsencrypt");
	CHECK(acme_preset_find("letsencrypt", &staging) == p && !staging);
	CHECK(acme_preset_of_url(p->staging, &staging) == p && staging);
	CHECK(acme_preset_find("zerossl-staging", NULL) == NULL);
	CHECK(acme_preset_find("-staging", NULL) == NULL);
	CHECK(acme_preset_find("", NULL) == NULL);
}

TEST(preset_refuses_before_the_ca)
{
	const struct acme_preset *le = acme_preset_find("letsencrypt", NULL);
	struct acme_preset        plain = { .title = "Plain", .wildcard = ACME_NO };
	struct identifier         names[101] = { { "www.example.com", false }, { "*.example.com", true }, { "example.com", false } };
	struct err                err = { 0 };

	CHECK(!acme_preset_check(le, names, 3, "", &err));
	CHECK_INT(err.class, ERR_INPUT);
	CHECK(strstr(err.text, "www.example.com") != NULL && strstr(err.text, "*.example.com") != NULL);
	/* The apex is not covered by its wildcard, nor is what is two labels below it. */
	snprintf(names[0].value, sizeof(names[0].value), "a.www.example.com");
	CHECK(acme_preset_check(le, names, 3, "", &err));
	CHECK(!acme_preset_check(&plain, names, 3, "", &err));
	CHECK(strstr(err.text, "no wildcards") != NULL);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		snprintf(names[i].value, sizeof(names[i].value), "n%zu.example.net", i), names[i].wildcard = false;
	CHECK(acme_preset_check(le, names, 100, "", &err));
	CHECK(!acme_preset_check(le, names, 101, "", &err));
	CHECK(acme_preset_check(le, names, 25, "shortlived", &err));
	CHECK(!acme_preset_check(le, names, 26, "shortlived", &err));
	CHECK(strstr(err.text, "shortlived") != NULL);
	CHECK(acme_preset_check(NULL, names, 101, "", &err));
}

/* Only the CA whose rule it is refuses a wildcard next to a name that it covers; nobody whose URL merely looks like its. */
TEST(preset_overlap)
{
	static const struct {
		const char *url;
		bool        refuses;
	} cases[] = {
		{ "https://acme-v02.api.letsencrypt.org/directory", true },
		{ "https://acme-staging-v02.api.letsencrypt.org/directory", true },
		{ "https://acme.zerossl.com/v2/DV90", false },
		{ "https://letsencrypt.org.example/directory", false },
		{ "https://notletsencrypt.org/directory", false },
		{ "https://ca.example/letsencrypt.org", false },
		{ "https://127.0.0.1:14000/dir", false },
		{ "", false },
	};
	static const struct identifier names[] = { { "*.example.com", true }, { "www.example.com", false } };
	struct err                     err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(acme_preset_check(acme_preset_of_url(cases[i].url, NULL), names, 2, "", &err), !cases[i].refuses);
}

TEST(preset_reasons)
{
	static const struct {
		const char *text;
		int         reason; /* -1: refused */
	} cases[] = { { "keyCompromise", 1 }, { "key-compromise", 1 }, { "KEYCOMPROMISE", 1 }, { "1", 1 }, { "superseded", 4 }, { "10", 10 },
		      { "cessation-of-operation", 5 }, { "0", 0 }, { "unspecified", 0 }, { "7", -1 }, { "11", -1 }, { "", -1 },
		      { "keyCompromised", -1 }, { "key", -1 }, { "-1", -1 } };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned reason = 99;

		CHECK_INT(acme_reason_parse(cases[i].text, &reason, &err), cases[i].reason >= 0);
		CHECK_INT(reason, cases[i].reason >= 0 ? (unsigned)cases[i].reason : 99);
	}
	CHECK(acme_reason_check(acme_preset_find("letsencrypt", NULL), 4, &err));
	CHECK(!acme_reason_check(acme_preset_find("letsencrypt", NULL), 3, &err));
	CHECK(strstr(err.hint, "superseded") != NULL);
	CHECK(!acme_reason_check(acme_preset_find("openbao", NULL), 1, &err));
	CHECK(acme_reason_check(acme_preset_find("zerossl", NULL), 9, &err));
	CHECK(acme_reason_check(NULL, 9, &err));
}

TESTS(T(preset_letsencrypt_url), T(preset_digicert_url), T(preset_digicert_slash_url), T(preset_google_url),
      T(preset_buypass_url), T(preset_zerossl_url), T(preset_sslcom_url), T(preset_byte_for_byte),
      T(preset_table_is_sound), T(preset_staging), T(preset_refuses_before_the_ca), T(preset_overlap),
      T(preset_reasons))
