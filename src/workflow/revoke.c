/*
 * workflow/revoke.c: a certificate is revoked, by the account that got it, by another account that may speak for its names,
 * or by its own key. RFC 8555 7.6.
 *
 * A revocation that the CA has already is done. With a replacement asked for, the old certificate stays good until the
 * new one is stored, unless its key is known to others: then every minute counts more than the gap. A reason the CA does
 * not take is left out once; nothing else is tried in another way. A key that is reported known to others is never used
 * again, whatever the CA makes of the report.
 */
#include "base/encode.h"
#include "crypto/x509.h"
#include "store/certificate.h"
#include "workflow/issue.h"
#include "workflow/operation.h"
#include "workflow/renewal.h"

#define KEY_COMPROMISE 1
#define REPLACEMENT_LOOK_MS 5000

/* ---- from the command ---- */

/* The account that got it, unless another one is named. */
static bool plan_authority(struct operation_plan *p, const struct version *v, struct err *err)
{
	if (p->authority.id != NULL)
		return true;
	if (!authority_find(p->db, p->a, v->authority_id, &p->authority, err))
		return false;
	p->op.authority_id = p->authority.id;
	return true;
}

static bool plan_method(struct operation_plan *p, const struct version *v, unsigned reason, const char **ret, struct err *err)
{
	const struct acme_preset *preset = authority_preset(&p->authority);
	const char               *method = json_str(p->given, "method");
	bool                      key = reason == KEY_COMPROMISE && (preset == NULL || preset->key_revoke != ACME_NO) && p->c->authority[0] == '\0' &&
	           v->key_blob.len > 0;

	if (!acme_reason_check(preset, reason, err))
		return false;
	if (method == NULL || method[0] == '\0')
		method = key ? "key" : "account";
	if (strcmp(method, "key") != 0 && strcmp(method, "account") != 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "a certificate is revoked by \"account\" or by \"key\", not by \"%s\"", method);
		return err_hint(err, "the account is that of its order, or of the authority you name");
	}
	if (strcmp(method, "key") == 0 && v->key_blob.len == 0) {
		err_problem(err, ERR_CONFLICT, "no-key", "version %lld was made from a CSR: its key was never here", (long long)v->number);
		return err_hint(err, "use method \"account\"");
	}
	if (strcmp(method, "key") == 0 && preset != NULL && preset->key_revoke == ACME_NO) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s takes no revocation signed by the certificate's key", preset->title);
		return err_hint(err, "use method \"account\"");
	}
	*ret = method;
	return true;
}

/* The replacement gets another key, which nobody but the user could make here. */
static bool plan_reissue(struct operation_plan *p, const struct certificate *c, const struct version *v, unsigned reason, struct err *err)
{
	if (!issue_authority_there(p->db, p->a, c, err))
		return false;
	if (reason != KEY_COMPROMISE || c->csr_spki[0] == '\0' || strcmp(c->csr_spki, v->spki_sha256) != 0)
		return true;
	err_problem(err, ERR_CONFLICT, "no-key", "%s is made from a CSR of the key that is reported", c->name);
	return err_hint(err, "give a new CSR, or \"\" to let Reeve make the key (`reeve certificate set %s --csr FILE`), and revoke version %lld", c->name,
	                (long long)v->number);
}

bool plan_revoke(struct operation_plan *p, struct err *err)
{
	struct certificate *c = arena_alloc(p->a, sizeof(*c));
	const char         *reason_text = json_str(p->given, "reason"), *method;
	struct version      v;
	unsigned            reason = 0;

	if (!certificate_find_named(p->db, p->a, p->who->project_id, p->c->certificate, c, err))
		return false;
	if (c->version == 0)
		return err_problem(err, ERR_NOT_FOUND, "not-found", "the certificate %s is not issued yet", c->name);
	if ((reason_text != NULL && reason_text[0] != '\0' && !acme_reason_parse(reason_text, &reason, err)) ||
	    !version_find_number(p->db, p->a, c->id, p->c->version, &v, err))
		return false;
	if (v.issued_at == 0)
		return err_problem(err, ERR_NOT_FOUND, "not-found", "version %lld of %s was never issued", (long long)v.number, c->name);
	if (v.revoked_at != 0) {
		err_problem(err, ERR_CONFLICT, "conflict", "version %lld of %s is revoked already", (long long)v.number, c->name);
		return err_hint(err, "`reeve certificate renew %s` orders another one", c->name);
	}
	if (v.not_after_at <= clock_now_ms()) {
		err_problem(err, ERR_CONFLICT, "conflict", "version %lld of %s has expired: there is nothing to revoke", (long long)v.number, c->name);
		return err_hint(err, "name the version that is valid, if another one is meant");
	}
	if (!plan_authority(p, &v, err) || !plan_method(p, &v, reason, &method, err))
		return false;
	p->op.subject = p->op.version_id = v.id;
	p->op.certificate_id = c->id;
	if (reason == KEY_COMPROMISE)
		p->compromised_spki = v.spki_sha256;
	if (json_bool(p->given, "reissue", false)) {
		if (!plan_reissue(p, c, &v, reason, err))
			return false;
		p->reissue = c;
		p->order_id = p->c->order_id;
		json_put_str(p->kept, "order", p->order_id);
	}
	json_put_int(p->kept, "reason", reason);
	json_put_str(p->kept, "method", method);
	return true;
}

/* ---- the job ---- */

struct revoked_write {
	const char *version_id, *certificate_id;
	int64_t     reason;
};

static bool write_revoked(struct db *db, void *arg, struct err *err)
{
	struct revoked_write *x = arg;
	int64_t               now = clock_now_ms();

	return version_set_revoked(db, x->version_id, x->reason, now, err) && renewal_wake(db, x->certificate_id, now, err);
}

static bool send_one(struct operating *x, bool by_key, const struct version *v, struct str der, unsigned reason, struct err *err)
{
	struct keeper_revocation r = { .cert_key = { v->project_id, KEEPER_COLUMN_CERT_KEY, v->id, v->row_version }, .key_blob = v->key_blob,
		                       .certificate = der, .reason = reason };
	const char              *payload;

	if (by_key)
		return session_revoke_by_key(&x->s, r, err);
	payload = reason != 0 ? arena_printf(x->job->arena, "{\"certificate\":\"%s\",\"reason\":%u}", b64url_encode(x->job->arena, der), reason)
	                      : arena_printf(x->job->arena, "{\"certificate\":\"%s\"}", b64url_encode(x->job->arena, der));
	return session_post(&x->s, ACME_AT_REVOKE, x->s.directory.revoke_cert, str_c(payload), err);
}

/* True: the CA says that it is revoked. */
static bool revoke(struct operating *x, bool by_key, const struct version *v, struct str der, int64_t *reason, struct err *err)
{
	if (send_one(x, by_key, v, der, (unsigned)*reason, err))
		return true;
	if (strcmp(err->problem, "badRevocationReason") == 0 && *reason != 0) {
		log_info("operation=%s reason=%s outcome=dropped cause=\"%s\"", x->op.id, acme_reason_name((unsigned)*reason), err->text);
		json_put_str(x->report, "reason_refused", acme_reason_name((unsigned)*reason));
		*reason = 0;
		*err = (struct err){ 0 };
		if (send_one(x, by_key, v, der, 0, err))
			return true;
	}
	if (strcmp(err->problem, "alreadyRevoked") != 0)
		return false;
	json_put_bool(x->report, "already", true);
	*err = (struct err){ 0 };
	return true;
}

/* The old one stays good until its successor is there. False: *ret is what the step says. */
static bool replacement_ready(struct operating *x, int64_t reason, enum outcome *ret, struct err *err)
{
	const char  *order_id = json_str(x->request, "order");
	struct order order;
	struct db   *db;

	if (order_id == NULL || reason == KEY_COMPROMISE)
		return true;
	if (!job_reader(x->job, &db, err) || !order_find(db, x->job->arena, order_id, &order, err)) {
		*ret = job_outcome(err);
		return false;
	}
	if (strcmp(order.status, "issued") == 0)
		return true;
	if (strcmp(order.status, "running") == 0) {
		*ret = job_wait(x->job, clock_now_ms() + REPLACEMENT_LOOK_MS, "the replacement is being ordered");
		return false;
	}
	err_problem(err, ERR_PERMANENT, "order-failed", "the replacement was not issued (%s), so nothing was revoked: %s", order.status,
	            order.detail);
	err_hint(err, "order it again with `reeve certificate renew`, or revoke without a replacement");
	*ret = OUT_FAIL;
	return false;
}

enum outcome operate_revoke(struct operating *x, struct err *err)
{
	struct revoked_write *write = arena_alloc(x->job->arena, sizeof(*write));
	const char           *method = json_str(x->request, "method");
	bool                  by_key = method != NULL && strcmp(method, "key") == 0;
	int64_t               reason = json_int(x->request, "reason", 0);
	struct cert_chain     chain;
	struct version        v;
	struct db            *db;
	enum outcome          outcome;

	if (!replacement_ready(x, reason, &outcome, err))
		return outcome;
	if (!job_reader(x->job, &db, err) || !version_find(db, x->job->arena, x->op.version_id, &v, err) ||
	    !chain_parse(x->job->arena, str_c(v.chain_pem), &chain, err) || !session_open(x->job, x->op.authority_id, &x->s, err))
		return job_outcome(err);
	if (x->s.directory.revoke_cert == NULL) {
		err_problem(err, ERR_PERMANENT, "ca-refused", "%s offers no revocation by ACME", x->s.authority.name);
		err_hint(err, "revoke it in the CA's own portal");
		return OUT_FAIL;
	}
	if (!by_key && strcmp(x->s.account.status, "valid") != 0) {
		err_problem(err, ERR_CONFIG, "conflict", "there is no valid account at %s to revoke with", x->s.authority.name);
		err_hint(err, "use method \"key\", or name an authority whose account holds authorizations for all the names");
		return OUT_FAIL;
	}
	if (!operation_intent(x, err) || !revoke(x, by_key, &v, chain.certs[0].der, &reason, err)) {
		err_in(err, "revocation at %s", x->s.authority.name);
		return job_outcome(err);
	}
	*write = (struct revoked_write){ v.id, v.certificate_id, reason };
	json_put_int(x->report, "version", v.number);
	json_put_str(x->report, "serial", v.serial);
	json_put_str(x->report, "reason", acme_reason_name((unsigned)reason));
	json_put_str(x->report, "method", by_key ? "key" : "account");
	log_warn("certificate=%s version=%lld serial=%s reason=%s outcome=revoked", v.certificate_id, (long long)v.number, v.serial,
	         acme_reason_name((unsigned)reason));
	return operation_done(x, write_revoked, write);
}
