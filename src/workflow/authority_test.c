/*
 * workflow/authority_test.c: what a CA offers, whether our account works there, and what of it surprises. Nothing is changed
 * at the CA: the directory is read, the account is looked up, and the TLS server is looked at.
 */
#include "acme/account.h"
#include "crypto/x509.h"
#include "net/probe.h"
#include "net/url.h"
#include "workflow/operation.h"

#define PROBE_MS         10000
#define CLOCK_OFF_MAX_S  300
#define TLS_ENDS_SOON_MS (7 * 24 * 3600 * (int64_t)1000)

bool plan_authority_test(struct operation_plan *p, struct err *err)
{
	if (p->authority.id == NULL)
		return err_problem(err, ERR_INPUT, "invalid-request", "which authority?");
	return true;
}

static void warn(struct operating *x, const char *format, ...) PRINTF_LIKE(2, 3);
static void warn(struct operating *x, const char *format, ...)
{
	char    text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(json_object_get(x->report, "warnings"), json_string(text));
}

static void put_time(json_t *object, const char *key, int64_t at_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	json_put_str(object, key, at_ms != 0 ? clock_rfc3339(at_ms, text) : NULL);
}

/* ---- the directory ---- */

static const char *offered(const char *url, enum acme_maybe known)
{
	return url == NULL || known == ACME_NO ? "no" : "yes";
}

static json_t *profiles_json(const struct acme_directory *d, const struct acme_preset *preset)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->profiles_count; i++) {
		json_t  *one = json_object();
		unsigned most = preset != NULL ? acme_preset_names_max(preset, d->profiles[i].name) : 0;

		json_put_str(one, "name", d->profiles[i].name);
		json_put_str(one, "description", d->profiles[i].description);
		json_put(one, "names_max", most > 0 ? json_integer(most) : json_null());
		json_array_append_new(list, one);
	}
	return list;
}

static void report_directory(struct operating *x, const struct acme_preset *preset)
{
	static const struct acme_preset nothing = { 0 };
	const struct acme_directory    *d = &x->s.directory;
	json_t                         *caa = json_array();

	json_put_str(x->report, "preset", preset != NULL ? preset->name : NULL);
	if (preset == NULL)
		preset = &nothing;
	for (size_t i = 0; i < d->caa_identities_count; i++)
		json_array_append_new(caa, json_string(d->caa_identities[i]));
	json_put_str(x->report, "renewal_info", offered(d->renewal_info, ACME_MAYBE));
	json_put_str(x->report, "key_change", offered(d->key_change, preset->key_change));
	json_put_str(x->report, "revocation", offered(d->revoke_cert, ACME_MAYBE));
	json_put_str(x->report, "revocation_by_key", d->revoke_cert == NULL ? "no" : acme_maybe_name(preset->key_revoke));
	json_put_str(x->report, "wildcards", acme_maybe_name(preset->wildcard));
	json_put_str(x->report, "alternate_chains", acme_maybe_name(preset->alternates));
	json_put_str(x->report, "not_after", acme_maybe_name(preset->not_after));
	json_put_bool(x->report, "external_account_required", d->external_account_required);
	json_put(x->report, "profiles", profiles_json(d, preset));
	json_put(x->report, "names_max", preset->names_max > 0 ? json_integer(preset->names_max) : json_null());
	json_put_str(x->report, "limits", preset->limits);
	json_put_str(x->report, "note", preset->ended != NULL ? preset->ended : preset->note);
	json_put_str(x->report, "terms_of_service", d->terms_of_service);
	json_put_str(x->report, "website", d->website);
	json_put(x->report, "caa_identities", caa);
	if (d->external_account_required && x->s.authority.eab_kid[0] == '\0' && x->s.account.id[0] == '\0')
		warn(x, "the CA wants an external account binding, and the authority has none: get one from %s",
		     preset->eab != NULL ? preset->eab : "the CA");
	if (x->s.authority.profile[0] != '\0' && acme_directory_profile(d, x->s.authority.profile) == NULL)
		warn(x, "the profile %s of this authority is not offered (any more)", x->s.authority.profile);
	if (preset->ended != NULL)
		warn(x, "%s", preset->ended);
}

/* ---- the account ---- */

static bool report_account(struct operating *x, struct err *err)
{
	json_t             *json = json_object();
	struct acme_account answer;
	struct err          refused = { 0 };

	json_put(x->report, "account", json);
	json_put_bool(json, "works", false);
	if (x->s.account.id[0] == '\0' || strcmp(x->s.account.status, "key") == 0) {
		json_put_str(json, "status", "none yet: it is made with the first order");
		return true;
	}
	if (!session_new_account(&x->s, true, &refused)) {
		if (refused.class == ERR_TEMPORARY) {
			*err = refused;
			return false;
		}
		json_put_str(json, "status", "refused");
		json_put_str(json, "detail", refused.text);
		warn(x, "the account does not work: %s", refused.text);
		return true;
	}
	if (!acme_account_parse(x->job->arena, x->s.response.location, x->s.response.body, &answer, err))
		return false;
	json_put_str(json, "status", acme_account_status_name(answer.status));
	json_put_str(json, "url", answer.url);
	json_put_bool(json, "orders_list", answer.orders != NULL);
	json_put_bool(json, "works", answer.status == ACME_ACCOUNT_VALID);
	if (x->s.account.url[0] != '\0' && strcmp(x->s.account.url, answer.url) != 0)
		warn(x, "the CA calls the account %s, we know it as %s: CAA records with accounturi may name the wrong one", answer.url,
		     x->s.account.url);
	return true;
}

/* ---- clock and TLS ---- */

static void report_clock(struct operating *x)
{
	int64_t ahead_s;

	if (x->s.response.date_at_s == 0) {
		json_put(x->report, "clock_offset_s", json_null());
		return;
	}
	ahead_s = clock_now_ms() / 1000 - x->s.response.date_at_s;
	json_put_int(x->report, "clock_offset_s", ahead_s);
	if (ahead_s > CLOCK_OFF_MAX_S || ahead_s < -CLOCK_OFF_MAX_S)
		warn(x, "the clock of this machine differs from the CA's by %lld seconds", (long long)ahead_s);
}

static void report_tls(struct operating *x)
{
	struct probe_request request = { .allowed = x->s.cidrs, .allowed_count = x->s.cidrs_count, .timeout_ms = PROBE_MS };
	json_t              *json = json_object();
	struct cert_info     leaf;
	struct str           der;
	struct url           url;
	struct err           err = { 0 };
	char                 port[8];

	json_put(x->report, "tls", json);
	if (!url_parse_https(str_c(x->s.authority.directory_url), &url, &err))
		return;
	snprintf(port, sizeof(port), "%u", (unsigned)url.port);
	request.host = url.host;
	request.port = port;
	request.name = url.ip4 || url.ip6 ? "" : url.host;
	json_put_str(json, "host", url.host);
	json_put_str(json, "address", x->s.response.address);
	json_put_str(json, "trust", x->s.authority.ca_pem[0] != '\0' ? "its own certificates" : "the system's certificates");
	if (!probe_tls(x->job->arena, &request, &der, &err) || !cert_parse(x->job->arena, der, &leaf, &err)) {
		json_put_str(json, "detail", err.text);
		return;
	}
	json_put_str(json, "subject", leaf.subject);
	json_put_str(json, "issuer", leaf.issuer);
	put_time(json, "not_after", leaf.not_after_ms);
	if (leaf.not_after_ms - clock_now_ms() < TLS_ENDS_SOON_MS)
		warn(x, "the certificate of the CA's own server ends within a week");
}

enum outcome operate_authority_test(struct operating *x, struct err *err)
{
	int64_t begun = clock_mono_ms();

	json_put(x->report, "warnings", json_array());
	if (!session_open(x->job, x->op.authority_id, &x->s, err) || !session_directory_fresh(&x->s, err))
		return OUT_FAIL; /* somebody waits for the answer, and this is it */
	json_put_str(x->report, "authority", x->s.authority.name);
	json_put_str(x->report, "directory_url", x->s.authority.directory_url);
	json_put_int(x->report, "elapsed_ms", clock_mono_ms() - begun);
	report_directory(x, authority_preset(&x->s.authority));
	if (!report_account(x, err))
		return OUT_FAIL;
	/* Any answer tells the time; without an account the directory is asked once more. */
	if (x->s.response.date_at_s == 0 && !session_get(&x->s, x->s.authority.directory_url, PROBE_MS, err))
		return OUT_FAIL;
	report_clock(x);
	report_tls(x);
	return operation_done(x, NULL, NULL);
}
