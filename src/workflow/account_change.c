/*
 * workflow/account_change.c: an account looked up, its contact changed, its key rolled over, and its end. RFC 8555 7.3.1,
 * 7.3.2, 7.3.3, 7.3.5, 7.3.6.
 *
 * The look-up is newAccount with onlyReturnExisting: reading the account's own URL fails at too many CAs.
 * Two keys during a rollover: the new one is on disk before the CA hears of it, the old one stays in the account's row
 * until the CA said yes; after a crash in between the CA is asked which of the two it knows.
 */
#include "acme/account.h"
#include "acme/authorization.h"
#include "workflow/operation.h"

#define ORDERS_LOOK_MS 2000
#define ORDERS_PASS_MS (600 * (int64_t)1000)

/* ---- from the command ---- */

bool plan_account(struct operation_plan *p, struct err *err)
{
	struct account account;
	struct err     missing = { 0 };

	if (!account_find(p->db, p->a, p->who->project_id, p->authority.id, &account, &missing)) {
		if (missing.class != ERR_NOT_FOUND) {
			*err = missing;
			return false;
		}
		err_problem(err, ERR_NOT_FOUND, "not-found", "there is no account at %s yet", p->authority.name);
		return err_hint(err, "it is made with the first order");
	}
	p->op.subject = account.id;
	return true;
}

bool plan_account_update(struct operation_plan *p, struct err *err)
{
	const char *email = json_str(p->given, "email");
	bool        terms = json_bool(p->given, "agree_terms", false);

	if (email == NULL && !terms) {
		err_problem(err, ERR_INPUT, "invalid-request", "there is nothing to change");
		return err_hint(err, "give email, or agree_terms");
	}
	if (email != NULL && email[0] != '\0' && !keeper_email_check(email, err))
		return false;
	if (email != NULL)
		json_put_str(p->kept, "email", email);
	json_put_bool(p->kept, "agree_terms", terms);
	return plan_account(p, err);
}

bool plan_account_rollover(struct operation_plan *p, struct err *err)
{
	const struct acme_preset *preset = authority_preset(&p->authority);
	const char               *type = json_str(p->given, "key_type");
	enum key_type             parsed;

	if (preset != NULL && preset->key_change == ACME_NO) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s does not let an account change its key", preset->title);
		return err_hint(err, "for a new key deactivate the account, remove the authority and add it again");
	}
	if (type != NULL && !key_type_parse(str_c(type), &parsed)) {
		err_problem(err, ERR_INPUT, "invalid-request", "there is no key type \"%s\"", type);
		return err_hint(err, "choose p256, p384, rsa2048, rsa3072 or rsa4096");
	}
	json_put_str(p->kept, "key_type", type != NULL ? type : key_type_name(KEY_P256));
	return plan_account(p, err);
}

bool plan_account_deactivate(struct operation_plan *p, struct err *err)
{
	return authority_unused(p->db, p->authority.id, err) && plan_account(p, err);
}

/* ---- what they share ---- */

struct account_write {
	const char *id, *status, *url, *problem;
};

static bool write_status(struct db *db, void *arg, struct err *err)
{
	struct account_write *x = arg;

	return account_set_status(db, x->id, x->status, x->url, x->problem, err);
}

static struct account_write *account_becomes(struct operating *x, const char *status, const char *url)
{
	struct account_write *write = arena_alloc(x->job->arena, sizeof(*write));

	*write = (struct account_write){ x->s.account.id, status, url, "" };
	return write;
}

static bool open_account(struct operating *x, struct err *err)
{
	if (!session_open(x->job, x->op.authority_id, &x->s, err))
		return false;
	if (x->s.account.id[0] != '\0')
		return true;
	return err_problem(err, ERR_PERMANENT, "not-found", "there is no account at %s", x->s.authority.name);
}

static bool need_url(struct operating *x, struct err *err)
{
	if (x->s.account.url[0] != '\0')
		return true;
	err_problem(err, ERR_CONFIG, "conflict", "the account at %s is not registered: %s", x->s.authority.name, x->s.account.status);
	return err_hint(err, "`reeve authority account show %s` looks for it at the CA", x->s.authority.name);
}

/* ---- looking ---- */

static void report_account(struct operating *x, const char *status, const char *url)
{
	json_put_str(x->report, "status", status);
	json_put_str(x->report, "url", url);
	json_put_str(x->report, "thumbprint", x->s.account.thumbprint);
}

enum outcome operate_account_find(struct operating *x, struct err *err)
{
	struct acme_account answer;

	if (!open_account(x, err))
		return job_outcome(err);
	if (!session_new_account(&x->s, true, err)) {
		if (strcmp(err->problem, "accountDoesNotExist") == 0) {
			/* The next order finds it so, and registers the same key again. */
			report_account(x, "unknown to the CA", NULL);
			return operation_done(x, write_status, account_becomes(x, "sent", ""));
		}
		err_in(err, "account at %s", x->s.authority.name);
		return job_outcome(err);
	}
	if (!acme_account_parse(x->job->arena, x->s.response.location, x->s.response.body, &answer, err))
		return job_outcome(err);
	report_account(x, acme_account_status_name(answer.status), answer.url);
	json_put_str(x->report, "orders_url", answer.orders);
	if (answer.status != ACME_ACCOUNT_VALID)
		return operation_done(x, write_status, account_becomes(x, "deactivated", answer.url));
	return operation_done(x, write_status, account_becomes(x, "valid", answer.url));
}

/* ---- changing ---- */

struct email_write {
	const char *authority_id, *email;
	uint8_t     mac[ROW_MAC_SIZE];
};

static bool write_email(struct db *db, void *arg, struct err *err)
{
	struct email_write *x = arg;

	return authority_set_email(db, x->authority_id, x->email, str_of(x->mac, sizeof(x->mac)), err);
}

/* Saying the same twice does no harm, so a second run says it again. */
enum outcome operate_account_update(struct operating *x, struct err *err)
{
	AUTO(json_freep) json_t *payload = json_object();
	const char              *email = json_str(x->request, "email");
	struct email_write      *write = arena_alloc(x->job->arena, sizeof(*write));
	struct authority         changed;

	if (!open_account(x, err) || !need_url(x, err))
		return job_outcome(err);
	if (email != NULL) {
		json_t *contact = json_array();

		if (email[0] != '\0')
			json_array_append_new(contact, json_string(arena_printf(x->job->arena, "mailto:%s", email)));
		json_put(payload, "contact", contact);
		changed = x->s.authority;
		changed.email = email;
		*write = (struct email_write){ .authority_id = changed.id, .email = arena_strdup(x->job->arena, email) };
		if (!keeper_mac(x->job->worker->keeper, "authorities", authority_canonical(x->job->arena, &changed), changed.row_version,
		                write->mac, err))
			return job_outcome(err);
	}
	if (json_bool(x->request, "agree_terms", false))
		json_put_bool(payload, "termsOfServiceAgreed", true);
	if (!operation_intent(x, err) ||
	    !session_post(&x->s, ACME_AT_ACCOUNT, x->s.account.url, str_c(json_write(x->job->arena, payload)), err)) {
		err_in(err, "account at %s", x->s.authority.name);
		return job_outcome(err);
	}
	report_account(x, x->s.account.status, x->s.account.url);
	if (email != NULL)
		json_put_str(x->report, "email", email);
	return operation_done(x, email != NULL ? write_email : NULL, write);
}

/* ---- rolling over ---- */

struct key_write {
	const char               *id; /* of the operation */
	struct keeper_account_key key;
};

static bool write_new_key(struct db *db, void *arg, struct err *err)
{
	struct key_write *x = arg;

	return operation_set_key(db, x->id, x->key.blob, x->key.jwk, x->key.thumbprint, err);
}

static struct record_id new_record(const struct account *account)
{
	return (struct record_id){ account->project_id, KEEPER_COLUMN_ACCOUNT_KEY, account->id, account->row_version + 1 };
}

enum outcome prepare_rollover(struct operating *x, struct err *err)
{
	struct key_write *write = arena_alloc(x->job->arena, sizeof(*write));
	const char       *hosts[KEEPER_HOSTS_MAX];
	const char       *type_name = json_str(x->request, "key_type");
	enum key_type     type = KEY_P256;
	struct str        rest, host;
	size_t            count = 0;

	if (x->op.key_blob.len > 0)
		return OUT_DONE;
	if (!open_account(x, err) || (type_name != NULL && !key_type_parse(str_c(type_name), &type)))
		return job_outcome(err);
	rest = str_c(x->s.account.hosts);
	while (count < KEEPER_HOSTS_MAX && str_next(&rest, ' ', &host))
		hosts[count++] = arena_str(x->job->arena, host);
	struct record_id record = new_record(&x->s.account);
	if (!keeper_account_key_new(x->job->worker->keeper, &record, type, hosts, count, x->job->arena, &write->key, err))
		return job_outcome(err);
	write->id = x->op.id;
	x->job->facts = write_new_key;
	x->job->facts_arg = write;
	return OUT_DONE;
}

struct rolled_write {
	const char *account_id, *jwk, *thumbprint;
	struct str  blob;
	int64_t     row_version;
};

static bool write_rolled(struct db *db, void *arg, struct err *err)
{
	struct rolled_write *x = arg;

	return account_set_key(db, x->account_id, x->blob, x->jwk, x->thumbprint, x->row_version, err);
}

static enum outcome rolled(struct operating *x)
{
	struct rolled_write *write = arena_alloc(x->job->arena, sizeof(*write));

	*write = (struct rolled_write){ x->s.account.id, x->op.jwk, x->op.thumbprint, x->op.key_blob, x->s.account.row_version + 1 };
	report_account(x, x->s.account.status, x->s.account.url);
	json_put_str(x->report, "old_thumbprint", x->s.account.thumbprint);
	json_put_str(x->report, "thumbprint", x->op.thumbprint);
	return operation_done(x, write_rolled, write);
}

/* Does the CA know the account by its new key? False + err when it could not be asked. */
static bool new_key_is_live(struct operating *x, bool *ret, struct err *err)
{
	struct session with_new = x->s;
	struct err     refused = { 0 };

	with_new.account.key_blob = x->op.key_blob;
	with_new.account.row_version = x->s.account.row_version + 1;
	if (session_new_account(&with_new, true, &refused)) {
		if (strcmp(with_new.response.location, x->s.account.url) != 0)
			return err_problem(err, ERR_PERMANENT, "ca-nonsense", "the CA says that the new key belongs to %s", with_new.response.location);
		*ret = true;
		return true;
	}
	if (strcmp(refused.problem, "accountDoesNotExist") == 0) {
		*ret = false;
		return true;
	}
	*err = refused;
	return false;
}

/* Orders under way sign with the old key until they end: they are let pass, for a while. */
static bool orders_pass(struct operating *x, bool *ret, struct err *err)
{
	int64_t    open = 0;
	struct db *db;

	if (!job_reader(x->job, &db, err) || !authority_orders_open(db, x->op.authority_id, &open, err))
		return false;
	*ret = open > 0 && clock_now_ms() - x->op.created_at < ORDERS_PASS_MS;
	return true;
}

enum outcome operate_account_rollover(struct operating *x, struct err *err)
{
	bool live = false, waits = false;

	if (!x->resumed && !orders_pass(x, &waits, err))
		return job_outcome(err);
	if (waits)
		return job_wait(x->job, clock_now_ms() + ORDERS_LOOK_MS, "orders are under way at the authority");

	if (!open_account(x, err) || !need_url(x, err))
		return job_outcome(err);
	if (x->s.directory.key_change == NULL) {
		err_problem(err, ERR_PERMANENT, "ca-refused", "%s offers no change of keys", x->s.authority.name);
		return OUT_FAIL;
	}
	if (x->op.key_blob.len == 0) {
		err_problem(err, ERR_PERMANENT, "internal", "the new key is not there");
		return OUT_FAIL;
	}
	if (x->resumed && !new_key_is_live(x, &live, err)) {
		err_in(err, "which key the CA knows");
		return job_outcome(err);
	}
	if (live)
		return rolled(x);
	struct record_id record = new_record(&x->s.account);
	if (!operation_intent(x, err))
		return job_outcome(err);
	if (!session_key_change(&x->s, &record, x->op.key_blob, err)) {
		/* 409 names in Location whose key it is already: ours, when a reply was lost. RFC 8555 7.3.5. */
		if (x->s.status == 409 && strcmp(x->s.response.location, x->s.account.url) == 0)
			return rolled(x);
		if (x->s.status == 501 || x->s.status == 405) {
			err->class = ERR_PERMANENT;
			err_hint(err, "this CA does not let an account change its key");
		}
		err_in(err, "keyChange at %s", x->s.authority.name);
		return job_outcome(err);
	}
	return rolled(x);
}

/* ---- the end ---- */

enum outcome operate_account_deactivate(struct operating *x, struct err *err)
{
	if (!open_account(x, err) || !need_url(x, err) || !operation_intent(x, err))
		return job_outcome(err);
	/* After a lost reply the CA refuses the account: it is what was asked for. */
	if (!session_post(&x->s, ACME_AT_ACCOUNT, x->s.account.url, ACME_DEACTIVATE_PAYLOAD, err) &&
	    !(x->resumed && strcmp(err->problem, "unauthorized") == 0)) {
		err_in(err, "account at %s", x->s.authority.name);
		return job_outcome(err);
	}
	*err = (struct err){ 0 };
	report_account(x, "deactivated", x->s.account.url);
	return operation_done(x, write_status, account_becomes(x, "deactivated", x->s.account.url));
}
