/*
 * acme/preset.c: the table of authorities, and the questions it answers. Facts of 2026; a CA that changes its mind is a
 * row to edit.
 */
#include "acme/preset.h"

#include <assert.h>
#include <strings.h>

#include "base/buf.h"

#define ANY_REASON ACME_REASONS_ALL
#define NO_REASON  ACME_REASON(0)

static const char digicert_note[] = "the EAB credential fixes product, organisation and validity; one of another region fails with words "
				    "that do not say so";
static const char digicert_eab[] = "CertCentral or Trust Lifecycle Manager: make an ACME credential; it is shown once";

const struct acme_preset acme_presets[] = {
	{ .name = "letsencrypt", .title = "Let's Encrypt",
	  .urls = { "https://acme-v02.api.letsencrypt.org/directory" },
	  .staging = "https://acme-staging-v02.api.letsencrypt.org/directory",
	  .limits = "300 new orders per account in 3 hours, 50 certificates per registered domain and 5 per exact set of names in 7 days, "
		    "5 failed validations per name in an hour; renewals inside the suggested window count against none of these",
	  .note = "contacts are not kept there, and no expiry mail is sent",
	  .renewal_info = ACME_YES, .profiles = ACME_YES, .key_change = ACME_YES, .wildcard = ACME_YES, .alternates = ACME_YES,
	  .not_after = ACME_NO, .key_revoke = ACME_YES,
	  .reasons = ACME_REASON(0) | ACME_REASON(1) | ACME_REASON(4) | ACME_REASON(5), .redundant_refused = true, .names_max = 100,
	  .caps = { { "tlsserver", 25 }, { "shortlived", 25 } } },
	{ .name = "google", .title = "Google Trust Services",
	  .urls = { "https://dv.acme-v02.api.pki.goog/directory" },
	  .staging = "https://dv.acme-v02.test-api.pki.goog/directory",
	  .eab = "`gcloud publicca external-account-keys create`: good for one account, and for seven days",
	  .renewal_info = ACME_YES, .profiles = ACME_NO, .key_change = ACME_YES, .wildcard = ACME_YES, .not_after = ACME_YES,
	  .reasons = ANY_REASON, .eab_once = true, .names_max = 100 },
	{ .name = "zerossl", .title = "ZeroSSL",
	  .urls = { "https://acme.zerossl.com/v2/DV90" },
	  .eab = "the developer page of the ZeroSSL dashboard; reusable",
	  .note = "about seven requests a second are taken, and answers may need ten seconds",
	  .renewal_info = ACME_YES, .profiles = ACME_NO, .wildcard = ACME_YES, .reasons = ANY_REASON },
	{ .name = "sectigo", .title = "Sectigo",
	  .urls = { "https://acme.sectigo.com/v2/DV", "https://acme.sectigo.com/v2/OV", "https://acme.sectigo.com/v2/EV" },
	  .eab = "Sectigo Certificate Manager: an ACME account of the organisation",
	  .profiles = ACME_NO, .wildcard = ACME_YES, .reasons = ANY_REASON },
	{ .name = "sslcom", .title = "SSL.com",
	  .urls = { "https://acme.ssl.com/sslcom-dv-rsa", "https://acme.ssl.com/sslcom-dv-ecc" },
	  .eab = "the API credentials page of the SSL.com account",
	  .note = "a funded account is charged for a certificate of a year; the free one lives 90 days",
	  .renewal_info = ACME_NO, .profiles = ACME_NO, .key_change = ACME_NO, .reasons = ANY_REASON, .email_needed = true },
	{ .name = "actalis", .title = "Actalis",
	  .urls = { "https://acme-api.actalis.com/acme/directory" },
	  .eab = "the ACME page of the Actalis account",
	  .note = "the free offer covers one name and its www, no wildcard",
	  .renewal_info = ACME_YES, .profiles = ACME_NO, .key_change = ACME_YES, .key_revoke = ACME_NO, .reasons = ANY_REASON },
	{ .name = "digicert", .title = "DigiCert",
	  .urls = { "https://one.digicert.com/mpki/api/v1/acme/v2/directory", "https://acme.digicert.com/v2/acme/directory",
		    "https://acme.digicert.com/v2/acme/directory/" },
	  .eab = digicert_eab, .note = digicert_note, .profiles = ACME_NO, .wildcard = ACME_YES, .reasons = ANY_REASON },
	{ .name = "digicert-us", .title = "DigiCert ONE, United States",
	  .urls = { "https://one.us.digicert.com/mpki/api/v1/acme/v2/directory" },
	  .eab = digicert_eab, .note = digicert_note, .profiles = ACME_NO, .wildcard = ACME_YES, .reasons = ANY_REASON },
	{ .name = "digicert-eu", .title = "DigiCert ONE, Europe",
	  .urls = { "https://one.nl.digicert.com/mpki/api/v1/acme/v2/directory" },
	  .eab = digicert_eab, .note = digicert_note, .profiles = ACME_NO, .wildcard = ACME_YES, .reasons = ANY_REASON },
	{ .name = "digicert-jp", .title = "DigiCert ONE, Japan",
	  .urls = { "https://one.digicert.co.jp/mpki/api/v1/acme/v2/directory" },
	  .eab = digicert_eab, .note = digicert_note, .profiles = ACME_NO, .wildcard = ACME_YES, .reasons = ANY_REASON },
	{ .name = "globalsign", .title = "GlobalSign Atlas",
	  .urls = { "https://emea.acme.atlas.globalsign.com/directory" },
	  .eab = "the Atlas portal", .note = "other regions have hosts of their own", .profiles = ACME_NO, .reasons = ANY_REASON },
	{ .name = "buypass", .title = "Buypass",
	  .urls = { "https://api.buypass.com/acme/directory" }, .reasons = ANY_REASON,
	  .ended = "Buypass ended its ACME service on 2025-10-15: use letsencrypt (no account needed), or zerossl, google or actalis with EAB "
		   "credentials of theirs" },
	{ .name = "aws-acm", .title = "AWS Certificate Manager",
	  .url_form = "https://acm-acme-enroll.REGION.api.aws/ENDPOINT-ID/directory",
	  .eab = "`aws acm`: an EAB credential of the endpoint, bound to an IAM role",
	  .note = "names are validated in ACM beforehand, so orders come back ready" },
	{ .name = "step-ca", .title = "step-ca", .url_form = "https://HOST/acme/PROVISIONER/directory",
	  .note = "certificates live 24 hours by default; accounts are bound to the host name they were made at",
	  .renewal_info = ACME_NO, .profiles = ACME_NO, .key_change = ACME_NO, .wildcard = ACME_YES, .not_after = ACME_YES,
	  .key_revoke = ACME_YES, .reasons = ANY_REASON },
	{ .name = "openbao", .title = "OpenBao or Vault", .url_form = "https://HOST/v1/pki/acme/directory",
	  .note = "the mount must allow the response headers Replay-Nonce, Location and Link",
	  .renewal_info = ACME_NO, .profiles = ACME_NO, .key_change = ACME_NO, .reasons = NO_REASON },
	{ .name = "ejbca", .title = "EJBCA", .url_form = "https://HOST/ejbca/acme/directory" },
};
const size_t acme_presets_count = ARRAY_LEN(acme_presets);

#define STAGING "-staging"

const struct acme_preset *acme_preset_find(const char *name, bool *ret_staging)
{
	size_t len = strlen(name), tail = sizeof(STAGING) - 1;
	bool   staging = len > tail && strcmp(name + len - tail, STAGING) == 0;

	for (size_t i = 0; i < acme_presets_count; i++) {
		const struct acme_preset *p = &acme_presets[i];

		if (staging ? p->staging == NULL || strlen(p->name) != len - tail || strncmp(p->name, name, len - tail) != 0
		            : strcmp(p->name, name) != 0)
			continue;
		if (ret_staging != NULL)
			*ret_staging = staging;
		return p;
	}
	return NULL;
}

const struct acme_preset *acme_preset_of_url(const char *directory_url, bool *ret_staging)
{
	for (size_t i = 0; i < acme_presets_count; i++) {
		const struct acme_preset *p = &acme_presets[i];
		bool                      staging = p->staging != NULL && strcmp(p->staging, directory_url) == 0, found = staging;

		for (size_t k = 0; k < ARRAY_LEN(p->urls) && p->urls[k] != NULL; k++)
			found = found || strcmp(p->urls[k], directory_url) == 0;
		if (!found)
			continue;
		if (ret_staging != NULL)
			*ret_staging = staging;
		return p;
	}
	return NULL;
}

const char *acme_preset_staging(const char *directory_url)
{
	bool                      staging = false;
	const struct acme_preset *p = acme_preset_of_url(directory_url, &staging);

	return p != NULL && !staging ? p->staging : NULL;
}

unsigned acme_preset_names_max(const struct acme_preset *preset, const char *profile)
{
	for (size_t i = 0; i < ARRAY_LEN(preset->caps) && preset->caps[i].profile != NULL; i++)
		if (strcmp(preset->caps[i].profile, profile) == 0)
			return preset->caps[i].names_max;
	return preset->names_max;
}

/* The wildcard of the same request that covers it, or NULL. */
static const struct identifier *covering(const struct identifier *names, size_t count, const struct identifier *id)
{
	for (size_t i = 0; i < count; i++)
		if (identifier_covers(&names[i], id))
			return &names[i];
	return NULL;
}

bool acme_preset_check(const struct acme_preset *preset, const struct identifier *names, size_t count, const char *profile,
                       struct err *err)
{
	unsigned                 most;
	const struct identifier *over;

	if (preset == NULL)
		return true;
	most = acme_preset_names_max(preset, profile);
	if (most > 0 && count > most) {
		err_problem(err, ERR_INPUT, "invalid-request", "%zu names are more than %s takes in one certificate%s%s: %u", count, preset->title,
		            profile[0] != '\0' ? " of the profile " : "", profile, most);
		return err_hint(err, "split them over several certificates%s", profile[0] != '\0' ? ", or choose another profile" : "");
	}
	for (size_t i = 0; i < count; i++) {
		if (names[i].wildcard && preset->wildcard == ACME_NO) {
			err_problem(err, ERR_INPUT, "invalid-name", "%s issues no wildcards: %s", preset->title, names[i].value);
			return err_hint(err, "list the names, or use another authority");
		}
		over = preset->redundant_refused ? covering(names, count, &names[i]) : NULL;
		if (over != NULL) {
			err_problem(err, ERR_INPUT, "invalid-name", "%s refuses %s next to %s, which covers it", preset->title, names[i].value,
			            over->value);
			return err_hint(err, "leave %s out, or use another authority", names[i].value);
		}
	}
	return true;
}

const char *acme_maybe_name(enum acme_maybe maybe)
{
	static const char *const names[] = { [ACME_MAYBE] = "unknown", [ACME_YES] = "yes", [ACME_NO] = "no" };

	assert((unsigned)maybe < ARRAY_LEN(names));
	return names[maybe];
}

/* ---- reasons ---- */

static const char *const reasons[] = {
	[0] = "unspecified", [1] = "keyCompromise", [2] = "cACompromise", [3] = "affiliationChanged", [4] = "superseded",
	[5] = "cessationOfOperation", [6] = "certificateHold", [8] = "removeFromCRL", [9] = "privilegeWithdrawn", [10] = "aACompromise",
};

const char *acme_reason_name(unsigned reason)
{
	assert(reason < ARRAY_LEN(reasons) && reasons[reason] != NULL);
	return reasons[reason];
}

/* "key-compromise", "Key_Compromise" and "keycompromise" are the same word. */
static bool same_word(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "-_ ");
		b += strspn(b, "-_ ");
		if (strncasecmp(a, b, 1) != 0)
			return false;
		if (*a == '\0')
			return true;
	}
}

static void reasons_list(uint16_t set, struct buf *b)
{
	for (unsigned i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i] != NULL && (set & ACME_REASON(i)) != 0)
			buf_printf(b, "%s%s", b->len > 0 ? ", " : "", reasons[i]);
}

bool acme_reason_parse(const char *text, unsigned *ret, struct err *err)
{
	AUTO(buf_clear) struct buf list;
	uint64_t number;

	for (unsigned i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i] == NULL || !same_word(reasons[i], text))
			continue;
		*ret = i;
		return true;
	}
	if (str_to_u64(str_c(text), &number) && number < ARRAY_LEN(reasons) && reasons[number] != NULL) {
		*ret = (unsigned)number;
		return true;
	}
	buf_init(&list, KIB);
	reasons_list(ACME_REASONS_ALL, &list);
	err_problem(err, ERR_INPUT, "invalid-request", "\"%.40s\" is no reason for a revocation", text);
	return err_hint(err, "choose %.*s", STR_ARG(buf_str(&list)));
}

bool acme_reason_check(const struct acme_preset *preset, unsigned reason, struct err *err)
{
	AUTO(buf_clear) struct buf list;

	buf_init(&list, KIB);
	if (preset == NULL || preset->reasons == 0 || (preset->reasons & ACME_REASON(reason)) != 0)
		return true;
	reasons_list(preset->reasons, &list);
	err_problem(err, ERR_INPUT, "invalid-request", "%s does not take the reason %s", preset->title, acme_reason_name(reason));
	return err_hint(err, "it takes %.*s", STR_ARG(buf_str(&list)));
}
