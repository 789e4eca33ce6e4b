/*
 * workflow/command_server.c: the worker's side of workflow/command.h: one row per command, one function each.
 *
 * A handler reads its command into a struct, checks it, prepares what needs the keeper or DNS, and writes once. The
 * durable commit comes before the answer.
 */
#include "crypto/record.h"
#include "deploy/target.h"
#include "keeper/keeper.h"
#include "net/url.h"
#include "store/certificate.h"
#include "store/project.h"
#include "store/txt_record.h"
#include "workflow/caa.h"
#include "workflow/change.h"
#include "workflow/command.h"
#include "workflow/connection_command.h"
#include "workflow/delegation.h"
#include "workflow/deployment.h"
#include "workflow/doctor.h"
#include "workflow/drill.h"
#include "workflow/edit.h"
#include "workflow/issue.h"
#include "workflow/notification.h"
#include "workflow/operation.h"
#include "workflow/place.h"
#include "workflow/session.h"
#include "workflow/steps.h"

struct call {
	struct worker       *w;
	struct arena        *a;
	struct wire         *in;
	struct command_who   who;
	struct command_reply reply;
	struct buf          *out; /* used instead of the reply when it is not empty */
};

static bool reader(struct call *c, struct db **ret, struct err *err)
{
	*ret = store_reader(c->w->store, err);
	return *ret != NULL;
}

/* ---- projects ---- */

struct project_write {
	struct call       *c;
	struct project     project;
	struct project_key key;
};

static bool audit(struct db *db, const struct call *c, const char *action, const char *object, const char *detail, struct err *err)
{
	return audit_insert(db, clock_now_ms(), c->who.project_id, c->who.principal, action, object, detail, err);
}

static bool write_project(struct db *db, void *arg, struct err *err)
{
	struct project_write *x = arg;

	return project_insert(db, &x->project, err) && project_key_insert(db, &x->key, clock_now_ms(), err) &&
	       audit(db, x->c, "project-add", x->project.id, x->project.name, err);
}

static bool slug_valid(const char *name)
{
	size_t len = strlen(name);

	if (len < 1 || len > 64)
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool slug_check(const char *what, const char *name, struct err *err)
{
	if (slug_valid(name))
		return true;
	err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" is not a name for %s", name, what);
	return err_hint(err, "use 1 to 64 of a-z, 0-9 and -");
}

/* Key ids only grow; 63 random bits that are larger than any there are would break that, so count. */
static uint64_t next_key_id(const struct project_key *keys, size_t count)
{
	uint64_t max = 0;

	for (size_t i = 0; i < count; i++)
		if (keys[i].key_id > max)
			max = keys[i].key_id;
	return max + 1;
}

static bool do_project_add(struct call *c, struct err *err)
{
	struct project_write x = { .c = c };
	struct project_key  *keys;
	struct db           *db;
	size_t               count;

	x.project = (struct project){ .created_at = clock_now_ms() };
	x.project.id = wire_get_c(c->in, c->a);
	x.project.name = wire_get_c(c->in, c->a);
	if (!wire_done(c->in, err) || !slug_check("a project", x.project.name, err) || !reader(c, &db, err) ||
	    !project_key_list(db, c->a, &keys, &count, err))
		return false;
	x.key.key_id = next_key_id(keys, count);
	x.key.project_id = x.project.id;
	if (!keeper_new_project_key(c->w->keeper, x.project.id, x.key.key_id, c->a, &x.key.wrapped, err) ||
	    !store_write(c->w->store, write_project, &x, err) ||
	    !keeper_load_key(c->w->keeper, x.project.id, x.key.key_id, x.key.wrapped, err))
		return false;
	c->reply.id = x.project.id;
	return true;
}

/* ---- authorities ---- */

struct authority_write {
	struct call     *c;
	struct authority x;
};

static bool write_authority(struct db *db, void *arg, struct err *err)
{
	struct authority_write *x = arg;

	return (x->x.connection_id[0] == '\0' || connection_usable(db, x->x.connection_id, x->x.project_id, err)) &&
	       authority_insert(db, &x->x, err) && audit(db, x->c, "authority-add", x->x.id, x->x.directory_url, err);
}

/* A wrong URL is found now, not when the first certificate is due. */
static bool check_directory(struct call *c, const struct authority *x, struct err *err)
{
	struct http_client   *http = http_client_new();
	struct acme_directory directory;
	bool                  ok = authority_probe(http, c->a, x, &directory, err);
	const struct acme_preset *preset = authority_preset(x);

	http_client_free(http);
	if (!ok && preset != NULL && preset->ended != NULL)
		return err_hint(err, "%s", preset->ended);
	if (!ok)
		return false;
	if (directory.external_account_required && x->eab_kid[0] == '\0') {
		err_problem(err, ERR_CONFIG, "ca-refused", "%s needs an external account binding", x->directory_url);
		return err_hint(err, "get a key id and an HMAC key from the CA and give both (eab_kid, eab_hmac_key)%s%s",
		                preset != NULL && preset->eab != NULL ? ": " : "", preset != NULL && preset->eab != NULL ? preset->eab : "");
	}
	if (preset != NULL && preset->email_needed && x->email[0] == '\0') {
		err_problem(err, ERR_CONFIG, "ca-refused", "%s issues to accounts with an e-mail address only", preset->title);
		return err_hint(err, "give the contact of the account (email)");
	}
	if (x->profile[0] != '\0' && acme_directory_profile(&directory, x->profile) == NULL) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s offers no profile \"%s\"", x->directory_url, x->profile);
		return err_hint(err, "%s", acme_directory_profiles_text(c->a, &directory));
	}
	return true;
}

static bool do_authority_add(struct call *c, struct err *err)
{
	struct authority_write x = { c, command_authority_read(c->in, c->a) };
	struct cidr            cidrs[CIDRS_MAX];
	struct url             url;
	uint8_t                mac[ROW_MAC_SIZE];
	struct authority       existing;
	struct err             missing = { 0 };
	struct db             *db;
	size_t                 count;

	if (!wire_done(c->in, err) || !reader(c, &db, err))
		return false;
	c->reply.id = x.x.id;
	if (authority_find(db, c->a, x.x.id, &existing, &missing))
		return true; /* the same command again */
	if (!slug_check("an authority", x.x.name, err) || !url_parse_https(str_c(x.x.directory_url), &url, err) ||
	    !authority_cidrs(x.x.allow_addresses, cidrs, &count, err))
		return false;
	if (authority_find_named(db, c->a, c->who.project_id, x.x.name, &existing, &missing)) {
		err_problem(err, ERR_CONFLICT, "already-exists", "there is an authority \"%s\" already", x.x.name);
		return err_hint(err, "choose another name, or `reeve authority remove %s` first", x.x.name);
	}
	x.x.project_id = c->who.project_id;
	x.x.created_at = clock_now_ms();
	if (!place_of_authority(c->w, c->a, &x.x, err))
		return false;
	if (!check_directory(c, &x.x, err) ||
	    !keeper_mac(c->w->keeper, "authorities", authority_canonical(c->a, &x.x), x.x.row_version, mac, err))
		return false;
	x.x.mac = str_of(mac, sizeof(mac));
	return store_write(c->w->store, write_authority, &x, err);
}

struct named_write {
	struct call *c;
	const char  *id;
};

static bool write_authority_default(struct db *db, void *arg, struct err *err)
{
	struct named_write *x = arg;

	return authority_set_default(db, x->c->who.project_id, x->id, err) &&
	       audit(db, x->c, "authority-default", x->id, "", err);
}

static bool write_authority_remove(struct db *db, void *arg, struct err *err)
{
	struct named_write *x = arg;

	return authority_remove(db, x->id, clock_now_ms(), err) && audit(db, x->c, "authority-remove", x->id, "", err);
}

static bool authority_named(struct call *c, store_write_fn fn, struct err *err)
{
	const char        *name = wire_get_c(c->in, c->a);
	struct authority   x;
	struct named_write write = { .c = c };
	struct db         *db;

	if (!wire_done(c->in, err) || !reader(c, &db, err) ||
	    !authority_find_named(db, c->a, c->who.project_id, name, &x, err))
		return false;
	write.id = c->reply.id = x.id;
	return store_write(c->w->store, fn, &write, err);
}

struct wishes_write {
	struct call *c;
	const char  *id, *profile, *chain;
};

static bool write_wishes(struct db *db, void *arg, struct err *err)
{
	struct wishes_write *x = arg;

	return authority_set_wishes(db, x->id, x->profile, x->chain, err) &&
	       audit(db, x->c, "authority-set", x->id, arena_printf(x->c->a, "profile=%s chain=%s", x->profile, x->chain), err);
}

static bool do_authority_set(struct call *c, struct err *err)
{
	const char         *name = wire_get_c(c->in, c->a);
	struct wishes_write write = { .c = c };
	struct authority    x;
	struct db          *db;

	write.profile = wire_get_c(c->in, c->a);
	write.chain = wire_get_c(c->in, c->a);
	if (!wire_done(c->in, err) || !reader(c, &db, err) || !authority_find_named(db, c->a, c->who.project_id, name, &x, err))
		return false;
	write.id = c->reply.id = x.id;
	return store_write(c->w->store, write_wishes, &write, err);
}

static bool do_authority_default(struct call *c, struct err *err)
{
	return authority_named(c, write_authority_default, err);
}

static bool do_authority_remove(struct call *c, struct err *err)
{
	return authority_named(c, write_authority_remove, err);
}

/* ---- delegations ---- */

struct delegation_write {
	struct call      *c;
	struct delegation d;
};

static bool write_delegation(struct db *db, void *arg, struct err *err)
{
	struct delegation_write *x = arg;

	return delegation_plan(db, &x->d, err) && audit(db, x->c, "delegation-add", x->d.id, x->d.target, err);
}

static bool do_delegation_add(struct call *c, struct err *err)
{
	struct command_delegation d = command_delegation_read(c->in, c->a);
	struct delegation_write   x = { .c = c };
	struct delegation         existing;
	struct identifier         name;
	struct err                missing = { 0 };
	char                      target[NAME_SIZE] = "";
	struct db                *db;

	if (!wire_done(c->in, err) || !identifier_parse(str_c(d.name), &name, err) ||
	    (d.target[0] != '\0' && !issue_target(d.target, target, err)) || !reader(c, &db, err))
		return false;
	/* Asked for again: the answer is the delegation that is there. */
	if (delegation_find(db, c->a, d.id, &existing, &missing) ||
	    (target[0] == '\0' && delegation_find_named(db, c->a, c->who.project_id, identifier_base(&name), &existing, &missing)) ||
	    (target[0] != '\0' &&
	     delegation_find_target(db, c->a, c->who.project_id, identifier_base(&name), target, &existing, &missing))) {
		c->reply.id = existing.id;
		return true;
	}
	struct delegation_wish wish = { .project_id = c->who.project_id, .id = d.id, .name = identifier_base(&name), .target = target,
		                        .provider = "", .connection = d.connection };
	if (!delegation_make(c->w, c->a, &wish, &x.d, err) || !store_write(c->w->store, write_delegation, &x, err))
		return false;
	c->reply.id = x.d.id;
	worker_kick(c->w, x.d.created_at + 60 * 1000);
	return true;
}

static bool delegation_named(struct call *c, struct delegation *ret, struct err *err)
{
	const char *name = wire_get_c(c->in, c->a);
	struct db  *db;

	return wire_done(c->in, err) && reader(c, &db, err) &&
	       delegation_find_named(db, c->a, c->who.project_id, name, ret, err);
}

static bool do_delegation_check(struct call *c, struct err *err)
{
	struct delegation         d;
	struct delegation_verdict verdict;

	if (!delegation_named(c, &d, err) || !delegation_look(c->w, c->a, &d, &verdict, err))
		return false;
	c->reply.id = d.id;
	c->reply.problem = arena_strdup(c->a, verdict.finding.problem);
	c->reply.detail = arena_strdup(c->a, verdict.finding.text);
	c->reply.hint = arena_strdup(c->a, verdict.finding.hint);
	return true;
}

static bool write_delegation_remove(struct db *db, void *arg, struct err *err)
{
	struct named_write *x = arg;

	return delegation_remove(db, x->id, clock_now_ms(), err) && audit(db, x->c, "delegation-remove", x->id, "", err);
}

static bool do_delegation_remove(struct call *c, struct err *err)
{
	struct delegation  d;
	struct named_write write = { .c = c };

	if (!delegation_named(c, &d, err))
		return false;
	write.id = c->reply.id = d.id;
	return store_write(c->w->store, write_delegation_remove, &write, err);
}

/* ---- certificates ---- */

static bool do_issue(struct call *c, struct err *err)
{
	struct command_issue issue = command_issue_read(c->in, c->a);

	return wire_done(c->in, err) && issue_certificate(c->w, c->a, &c->who, &issue, &c->reply, err);
}

static bool do_renew(struct call *c, struct err *err)
{
	const char *certificate = wire_get_c(c->in, c->a);
	const char *order_id = wire_get_c(c->in, c->a);

	return wire_done(c->in, err) && issue_renewal(c->w, c->a, &c->who, certificate, order_id, &c->reply, err);
}

static bool do_rehearse(struct call *c, struct err *err)
{
	const char *certificate = wire_get_c(c->in, c->a);
	const char *order_id = wire_get_c(c->in, c->a);

	return wire_done(c->in, err) && issue_rehearsal(c->w, c->a, &c->who, certificate, order_id, &c->reply, err);
}

static bool do_limits(struct call *c, struct err *err)
{
	struct command_limits limits = command_limits_read(c->in, c->a);

	return wire_done(c->in, err) && change_limits(c->w, c->a, &c->who, &limits, &c->reply, err);
}

static bool do_edit(struct call *c, struct err *err)
{
	struct command_edit edit = command_edit_read(c->in, c->a);

	return wire_done(c->in, err) && edit_certificate(c->w, c->a, &c->who, &edit, &c->reply, err);
}

static bool do_policy(struct call *c, struct err *err)
{
	struct command_policy policy = command_policy_read(c->in, c->a);

	return wire_done(c->in, err) && change_policy(c->w, c->a, &c->who, &policy, &c->reply, err);
}

static bool do_cancel(struct call *c, struct err *err)
{
	const char *order_id = wire_get_c(c->in, c->a);

	return wire_done(c->in, err) && change_cancel(c->w, c->a, &c->who, order_id, &c->reply, err);
}

/* ---- tokens ---- */

struct token_write {
	struct call *c;
	struct token t;
	uint8_t      mac[ROW_MAC_SIZE];
};

static bool write_token(struct db *db, void *arg, struct err *err)
{
	struct token_write *x = arg;

	return token_insert(db, &x->t, err) && audit(db, x->c, "token-add", x->t.id, x->t.name, err);
}

static bool do_token_add(struct call *c, struct err *err)
{
	struct token_write x = { .c = c, .t = command_token_read(c->in, c->a) };

	c->reply.id = x.t.id;
	return wire_done(c->in, err) && store_write(c->w->store, write_token, &x, err);
}

static bool write_token_revoke(struct db *db, void *arg, struct err *err)
{
	struct token_write *x = arg;

	return token_revoke(db, x->t.id, x->t.revoked_at, str_of(x->mac, sizeof(x->mac)), err) &&
	       audit(db, x->c, "token-revoke", x->t.id, x->t.name, err);
}

/* The MAC covers the time of revocation: the row is written with a new one. */
static bool do_token_revoke(struct call *c, struct err *err)
{
	struct token_write  x = { .c = c };
	struct keeper_token row;
	struct buf          columns;
	const char         *name = wire_get_c(c->in, c->a);
	struct db          *db;
	bool                ok;

	if (!wire_done(c->in, err) || !reader(c, &db, err) || !token_find_named(db, c->a, c->who.project_id, name, &x.t, err))
		return false;
	if (x.t.digest.len != TOKEN_DIGEST_SIZE)
		return err_problem(err, ERR_PERMANENT, "tampered", "token %s has a digest of a wrong length", x.t.name);
	x.t.revoked_at = clock_now_ms();
	row = (struct keeper_token){ .id = x.t.id, .project_id = x.t.project_id, .name = x.t.name,
		                     .certificate_id = x.t.certificate_id, .created_at = x.t.created_at,
		                     .expires_at = x.t.expires_at, .revoked_at = x.t.revoked_at, .row_version = x.t.row_version };
	if (!keeper_role_parse(str_c(x.t.role), &row.role))
		return err_problem(err, ERR_PERMANENT, "tampered", "token %s has an unknown role", x.t.name);
	memcpy(row.digest, x.t.digest.ptr, TOKEN_DIGEST_SIZE);
	buf_init(&columns, 4 * KIB);
	keeper_token_columns(&row, &columns);
	ok = keeper_mac(c->w->keeper, "tokens", buf_str(&columns), row.row_version, x.mac, err);
	buf_clear(&columns);
	c->reply.id = x.t.id;
	return ok && store_write(c->w->store, write_token_revoke, &x, err);
}

/* ---- deployments ---- */

struct deployment_write {
	struct call      *c;
	struct deployment d;
	struct delivery   delivery;
	bool              made;
};

static bool write_deployment(struct db *db, void *arg, struct err *err)
{
	struct deployment_write *x = arg;

	return deployment_insert(db, &x->d, err) && audit(db, x->c, "deployment-add", x->d.id, x->d.name, err);
}

static bool do_deployment_add(struct call *c, struct err *err)
{
	struct deployment_write x = { .c = c, .d = command_deployment_read(c->in, c->a) };
	struct deploy_settings  settings;
	struct certificate      certificate;
	enum deploy_kind        kind;
	struct db              *db;

	x.d.project_id = c->who.project_id;
	if (!wire_done(c->in, err) || !slug_check("a deployment", x.d.name, err) || !deploy_kind_find(x.d.kind, &kind, err) ||
	    !deploy_settings_parse(c->a, kind, x.d.settings, &settings, err) || !reader(c, &db, err) ||
	    !deployment_trusted(c->w, &x.d, err))
		return false;
	if (x.d.certificate_id[0] != '\0' &&
	    !certificate_find_named(db, c->a, c->who.project_id, x.d.certificate_id, &certificate, err))
		return false;
	if (!store_write(c->w->store, write_deployment, &x, err)) {
		if (err->class == ERR_CONFLICT)
			err_hint(err, "choose another name, or `reeve deployment remove %s` first", x.d.name);
		return false;
	}
	c->reply.id = x.d.id;
	return true;
}

static bool write_deployment_remove(struct db *db, void *arg, struct err *err)
{
	struct named_write *x = arg;

	return deployment_remove(db, x->id, clock_now_ms(), err) && audit(db, x->c, "deployment-remove", x->id, "", err);
}

static bool do_deployment_remove(struct call *c, struct err *err)
{
	const char        *name = wire_get_c(c->in, c->a);
	struct deployment  d;
	struct named_write write = { .c = c };
	struct db         *db;

	if (!wire_done(c->in, err) || !reader(c, &db, err) ||
	    !deployment_find_named(db, c->a, c->who.project_id, name, &d, err))
		return false;
	write.id = c->reply.id = d.id;
	return store_write(c->w->store, write_deployment_remove, &write, err);
}

static bool write_deployment_run(struct db *db, void *arg, struct err *err)
{
	struct deployment_write *x = arg;

	return deployment_queue(db, &x->delivery, &x->made, err) && audit(db, x->c, "deployment-run", x->d.id, x->delivery.id, err);
}

static bool do_deployment_run(struct call *c, struct err *err)
{
	struct command_deployment_run run = command_deployment_run_read(c->in, c->a);
	struct deployment_write       x = { .c = c };
	struct db                    *db;

	if (!wire_done(c->in, err) || !reader(c, &db, err) ||
	    !deployment_find_named(db, c->a, c->who.project_id, run.name, &x.d, err) ||
	    !deployment_manual(db, c->a, &x.d, run.certificate, run.version, run.dry_run, &x.delivery, err) ||
	    !store_write(c->w->store, write_deployment_run, &x, err))
		return false;
	c->reply.id = x.delivery.id;
	worker_kick(c->w, 0);
	return true;
}

/* ---- connections ---- */

static bool do_connection_add(struct call *c, struct err *err)
{
	struct command_connection in = command_connection_read(c->in, c->a);

	return wire_done(c->in, err) && connection_command_add(c->w, c->a, &c->who, &in, &c->reply, err);
}

static bool do_connection_update(struct call *c, struct err *err)
{
	struct command_connection in = command_connection_read(c->in, c->a);

	return wire_done(c->in, err) && connection_command_update(c->w, c->a, &c->who, &in, &c->reply, err);
}

static bool do_connection_remove(struct call *c, struct err *err)
{
	const char *name = wire_get_c(c->in, c->a);

	return wire_done(c->in, err) && connection_command_remove(c->w, c->a, &c->who, name, &c->reply, err);
}

static bool do_connection_test(struct call *c, struct err *err)
{
	const char *name = wire_get_c(c->in, c->a);
	bool        probe = wire_get_bool(c->in);

	return wire_done(c->in, err) && connection_command_test(c->w, c->a, &c->who, name, probe, &c->reply, err);
}

/* ---- notifiers ---- */

static bool do_notifier_add(struct call *c, struct err *err)
{
	struct command_notifier in = command_notifier_read(c->in, c->a);

	return wire_done(c->in, err) && notifier_command_add(c->w, c->a, &c->who, &in, &c->reply, err);
}

static bool do_notifier_update(struct call *c, struct err *err)
{
	struct command_notifier in = command_notifier_read(c->in, c->a);

	return wire_done(c->in, err) && notifier_command_update(c->w, c->a, &c->who, &in, &c->reply, err);
}

static bool do_notifier_remove(struct call *c, struct err *err)
{
	const char *name = wire_get_c(c->in, c->a);

	return wire_done(c->in, err) && notifier_command_remove(c->w, c->a, &c->who, name, &c->reply, err);
}

static bool do_notifier_test(struct call *c, struct err *err)
{
	const char *name = wire_get_c(c->in, c->a);

	return wire_done(c->in, err) && notifier_command_test(c->w, c->a, &c->who, name, &c->reply, err);
}

/* ---- the rest ---- */

static bool do_operation(struct call *c, struct err *err)
{
	struct command_operation operation = command_operation_read(c->in, c->a);

	return wire_done(c->in, err) && operation_start(c->w, c->a, &c->who, &operation, &c->reply, err);
}

static bool write_debt_retry(struct db *db, void *arg, struct err *err)
{
	struct call *c = arg;
	int64_t      now = clock_now_ms();
	const char **orders;
	size_t       count;

	if (!txt_record_debt_retry(db, c->a, c->who.project_id, now, &orders, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!job_wake(db, "cleanup", orders[i], now, err))
			return false;
	return audit(db, c, "debt-retry", "", "", err);
}

static bool do_debt_retry(struct call *c, struct err *err)
{
	if (!wire_done(c->in, err) || !store_write(c->w->store, write_debt_retry, c, err))
		return false;
	worker_kick(c->w, 0);
	return true;
}

static bool do_metrics(struct call *c, struct err *err)
{
	struct worker *w = c->w;
	unsigned       busy;

	if (!wire_done(c->in, err))
		return false;
	pthread_mutex_lock(&w->lock);
	busy = w->busy_count;
	pthread_mutex_unlock(&w->lock);
	wire_put_u64(c->out, store_commits(w->store));
	wire_put_u64(c->out, w->settings.threads);
	wire_put_u64(c->out, busy);
	return true;
}

static bool do_doctor(struct call *c, struct err *err)
{
	size_t             count;
	const char *const *names = command_names_read(c->in, c->a, &count);

	return wire_done(c->in, err) && doctor_report(c->w, c->a, c->who.project_id, names, count, c->out, err);
}

static bool do_drill(struct call *c, struct err *err)
{
	const char *after = wire_get_c(c->in, c->a);
	const char *certificate = wire_get_c(c->in, c->a);

	return wire_done(c->in, err) && drill_report(c->w, c->a, c->who.project_id, after, certificate, c->out, err);
}

static bool do_caa(struct call *c, struct err *err)
{
	const char *name = wire_get_c(c->in, c->a);
	const char *authority = wire_get_c(c->in, c->a);

	return wire_done(c->in, err) && caa_report(c->w, c->a, c->who.project_id, name, authority, c->out, err);
}

struct audit_write {
	struct call *c;
	const char  *action, *object, *detail;
};

static bool write_audit(struct db *db, void *arg, struct err *err)
{
	struct audit_write *x = arg;

	return audit(db, x->c, x->action, x->object, x->detail, err);
}

static bool do_audit(struct call *c, struct err *err)
{
	struct audit_write x = { .c = c };

	x.action = wire_get_c(c->in, c->a);
	x.object = wire_get_c(c->in, c->a);
	x.detail = wire_get_c(c->in, c->a);
	return wire_done(c->in, err) && store_write(c->w->store, write_audit, &x, err);
}

/* ---- the table ---- */

static const struct command {
	const char *name;
	bool (*run)(struct call *c, struct err *err);
	bool        slow; /* asks strangers: may never hold all the threads that answer commands */
} commands[COMMAND__END - COMMAND_PROJECT_ADD] = {
#define ROW(id, name, ...) [COMMAND_##id - COMMAND_PROJECT_ADD] = { name, __VA_ARGS__ }
	ROW(PROJECT_ADD, "project-add", do_project_add),
	ROW(AUTHORITY_ADD, "authority-add", do_authority_add, .slow = true),
	ROW(AUTHORITY_DEFAULT, "authority-default", do_authority_default),
	ROW(AUTHORITY_REMOVE, "authority-remove", do_authority_remove),
	ROW(DELEGATION_ADD, "delegation-add", do_delegation_add),
	ROW(DELEGATION_CHECK, "delegation-check", do_delegation_check, .slow = true),
	ROW(DELEGATION_REMOVE, "delegation-remove", do_delegation_remove),
	ROW(CERTIFICATE_ISSUE, "certificate-issue", do_issue, .slow = true),
	ROW(CERTIFICATE_RENEW, "certificate-renew", do_renew),
	ROW(CERTIFICATE_SET, "certificate-set", do_policy),
	ROW(CERTIFICATE_EDIT, "certificate-edit", do_edit, .slow = true),
	ROW(ORDER_CANCEL, "order-cancel", do_cancel),
	ROW(TOKEN_ADD, "token-add", do_token_add),
	ROW(TOKEN_REVOKE, "token-revoke", do_token_revoke),
	ROW(DOCTOR, "doctor", do_doctor, .slow = true),
	ROW(METRICS, "metrics", do_metrics),
	ROW(AUDIT, "audit", do_audit),
	ROW(DEPLOYMENT_ADD, "deployment-add", do_deployment_add),
	ROW(DEPLOYMENT_REMOVE, "deployment-remove", do_deployment_remove),
	ROW(DEPLOYMENT_RUN, "deployment-run", do_deployment_run),
	ROW(AUTHORITY_LIMITS, "authority-limits", do_limits),
	ROW(CERTIFICATE_REHEARSE, "certificate-rehearse", do_rehearse),
	ROW(DRILL, "drill", do_drill, .slow = true),
	ROW(DEBT_RETRY, "debt-retry", do_debt_retry),
	ROW(CONNECTION_ADD, "connection-add", do_connection_add),
	ROW(CONNECTION_UPDATE, "connection-update", do_connection_update),
	ROW(CONNECTION_REMOVE, "connection-remove", do_connection_remove),
	ROW(CONNECTION_TEST, "connection-test", do_connection_test, .slow = true),
	ROW(NOTIFIER_ADD, "notifier-add", do_notifier_add),
	ROW(NOTIFIER_UPDATE, "notifier-update", do_notifier_update),
	ROW(NOTIFIER_REMOVE, "notifier-remove", do_notifier_remove),
	ROW(NOTIFIER_TEST, "notifier-test", do_notifier_test, .slow = true),
	ROW(OPERATION_START, "operation-start", do_operation),
	ROW(AUTHORITY_SET, "authority-set", do_authority_set),
	ROW(CAA, "caa", do_caa, .slow = true),
#undef ROW
};

static bool slow_enter(struct worker *w, struct err *err)
{
	if (__atomic_add_fetch(&w->slow_commands, 1, __ATOMIC_RELAXED) <= COMMAND_SLOW_MAX)
		return true;
	__atomic_sub_fetch(&w->slow_commands, 1, __ATOMIC_RELAXED);
	err_problem(err, ERR_TEMPORARY, "too-many-requests", "too many look-ups and CA requests are under way");
	err->retry_after_s = 5;
	return false;
}

static bool command_run(const struct command *command, struct call *c, struct err *err)
{
	bool ok;

	if (!command->slow)
		return command->run(c, err);
	if (!slow_enter(c->w, err))
		return false;
	ok = command->run(c, err);
	__atomic_sub_fetch(&c->w->slow_commands, 1, __ATOMIC_RELAXED);
	return ok;
}

void command_handle(void *worker, struct ipc_request *request)
{
	uint32_t              type = ipc_request_type(request);
	const struct command *command = NULL;
	struct arena         *a;
	struct wire           in = wire_of(ipc_request_body(request));
	struct buf            out;
	struct err            err = { 0 };
	struct call           c = { .w = worker, .in = &in, .out = &out,
		                    .reply = { .id = "", .order_id = "", .problem = "", .detail = "", .hint = "" } };

	if (type >= COMMAND_PROJECT_ADD && type < COMMAND__END)
		command = &commands[type - COMMAND_PROJECT_ADD];
	if (command == NULL || command->run == NULL) {
		err_problem(&err, ERR_INPUT, "invalid-request", "the worker has no command %u", type);
		ipc_reply_err(request, &err);
		return;
	}
	a = c.a = arena_new();
	buf_init(&out, IPC_BODY_MAX);
	c.who = command_who_read(&in, a);
	if (command_run(command, &c, &err)) {
		if (out.len == 0)
			command_reply_write(&out, &c.reply);
		ipc_reply_ok(request, buf_str(&out));
		log_debug("command=%s project=%s principal=%s outcome=done", command->name, c.who.project_id, c.who.principal);
	} else {
		log_info("command=%s project=%s principal=%s outcome=refused problem=%s cause=\"%s\"", command->name,
		         c.who.project_id, c.who.principal, err.problem, err.text);
		ipc_reply_err(request, &err);
	}
	buf_clear(&out);
	arena_free(a);
}
