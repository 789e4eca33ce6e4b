/*
 * workflow/change.c: see the header. Both are one transaction; a step that runs meanwhile finds its fence moved, and
 * what it published is owed to the cleanup job like any other value.
 */
#include "workflow/change.h"

#include "crypto/record.h"
#include "keeper/keeper.h"
#include "store/certificate.h"
#include "store/project.h"
#include "workflow/admit.h"
#include "workflow/renewal.h"
#include "workflow/renewal_plan.h"
#include "workflow/steps.h"

/* ---- policy ---- */

struct policy_write {
	const struct command_who *who;
	struct certificate        certificate;
	const char               *detail;
	bool                      resumed;
};

static bool write_policy(struct db *db, void *arg, struct err *err)
{
	struct policy_write *x = arg;
	int64_t              now = clock_now_ms();

	AUTO(arena_freep) struct arena *a = arena_new();

	if (x->resumed && (!admit_resume(db, a, &x->certificate, now, err) || !renewal_resume(db, x->certificate.id, now, err)))
		return false;
	return certificate_set_policy(db, &x->certificate, err) && renewal_wake(db, x->certificate.id, now, err) &&
	       audit_insert(db, now, x->who->project_id, x->who->principal, "certificate-set", x->certificate.id, x->detail, err);
}

/* Against the life of the version served; before the first one nobody knows it, and the plan leaves out what cannot be. */
static bool check_policy(struct db *db, struct arena *a, const struct certificate *c, struct err *err)
{
	struct renewal_policy policy;
	struct version        v;

	if (!renewal_policy_parse(str_c(c->renew_before), &policy, err))
		return false;
	if (c->version == 0)
		return true;
	return version_find_number(db, a, c->id, 0, &v, err) &&
	       renewal_policy_check(&policy, v.not_after_at - v.not_before_at, err);
}

bool change_policy(struct worker *w, struct arena *a, const struct command_who *who, const struct command_policy *c,
                   struct command_reply *ret, struct err *err)
{
	struct policy_write x = { .who = who };
	struct db          *db = store_reader(w->store, err);

	if (db == NULL || !certificate_find_named(db, a, who->project_id, c->certificate, &x.certificate, err))
		return false;
	if (c->has_auto_renew)
		x.certificate.auto_renew = c->auto_renew;
	if (c->has_paused && c->paused != (x.certificate.paused_at != 0))
		x.certificate.paused_at = c->paused ? clock_now_ms() : 0;
	x.resumed = c->has_paused && !c->paused;
	if (c->has_renew_before) {
		x.certificate.renew_before = c->renew_before;
		if (!check_policy(db, a, &x.certificate, err))
			return false;
	}
	x.detail = arena_printf(a, "auto_renew=%s paused=%s renew_before=%s", x.certificate.auto_renew ? "on" : "off",
	                        x.certificate.paused_at != 0 ? "yes" : "no", x.certificate.renew_before);
	if (!store_write(w->store, write_policy, &x, err))
		return false;
	worker_changed(w, "certificate", x.certificate.id);
	worker_kick(w, clock_now_ms());
	ret->id = x.certificate.id;
	ret->row_version = x.certificate.row_version + 1;
	return true;
}

/* ---- the limits of an authority, and where it is rehearsed ---- */

struct limits_write {
	const struct command_who *who;
	struct authority_policy   policy;
	const char               *detail;
	uint8_t                   mac[ROW_MAC_SIZE];
};

static bool write_limits(struct db *db, void *arg, struct err *err)
{
	struct limits_write *x = arg;
	int64_t              now = clock_now_ms();

	/* Orders that wait for a bucket look again: it may be another one now. */
	return authority_policy_put(db, &x->policy, err) &&
	       schedule_wake_authority(db, x->policy.authority_id, steps[STEP_ADMIT].name, now, err) &&
	       audit_insert(db, now, x->who->project_id, x->who->principal, "authority-limits", x->policy.authority_id, x->detail, err);
}

static bool take_staging(struct db *db, struct arena *a, const struct command_who *who, const struct authority *x, const char *name,
                         const char **ret, struct err *err)
{
	struct authority staging;

	if (name[0] == '\0') {
		*ret = "";
		return true;
	}
	if (!authority_find_named(db, a, who->project_id, name, &staging, err))
		return false;
	if (strcmp(staging.id, x->id) == 0 || strcmp(staging.directory_url, x->directory_url) == 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s is the same CA: what is rehearsed there would count", name);
		return err_hint(err, "add the staging directory of the CA as an authority of its own, and name that");
	}
	*ret = staging.id;
	return true;
}

bool change_limits(struct worker *w, struct arena *a, const struct command_who *who, const struct command_limits *c,
                   struct command_reply *ret, struct err *err)
{
	struct limits_write x = { .who = who };
	struct db          *db = store_reader(w->store, err);
	struct limits       checked = { 0 };
	struct authority    authority;
	struct err          missing = { 0 };

	if (db == NULL || !authority_find_named(db, a, who->project_id, c->authority, &authority, err))
		return false;
	if (!authority_policy_find(db, a, authority.id, &x.policy, &missing)) {
		if (missing.class != ERR_NOT_FOUND) {
			*err = missing;
			return false;
		}
		x.policy = (struct authority_policy){ .authority_id = authority.id, .staging_id = "", .limits = "",
			                              .rehearse_after = REHEARSE_AFTER };
	}
	if (c->has_rehearse_after && (c->rehearse_after < 0 || c->rehearse_after > 1000))
		return err_problem(err, ERR_INPUT, "invalid-request", "rehearse_after must be 0 (never) to 1000");
	if (c->has_limits && strlen(c->limits) > 1024)
		return err_problem(err, ERR_INPUT, "invalid-request", "limits are longer than 1024 bytes");
	if ((c->has_staging && !take_staging(db, a, who, &authority, c->staging, &x.policy.staging_id, err)) ||
	    (c->has_limits && !limits_parse(str_c(c->limits), &checked, err)))
		return false;
	if (c->has_limits)
		x.policy.limits = c->limits;
	if (c->has_rehearse_after)
		x.policy.rehearse_after = c->rehearse_after;
	x.policy.row_version++;
	x.detail = arena_printf(a, "staging=%s rehearse_after=%lld limits=%s", x.policy.staging_id, (long long)x.policy.rehearse_after,
	                        x.policy.limits);
	if (!keeper_mac(w->keeper, "authority_policies", authority_policy_canonical(a, &x.policy), x.policy.row_version, x.mac, err))
		return false;
	x.policy.mac = str_of(x.mac, sizeof(x.mac));
	if (!store_write(w->store, write_limits, &x, err))
		return false;
	worker_changed(w, "authority", authority.id);
	worker_kick(w, clock_now_ms());
	ret->id = authority.id;
	return true;
}

/* ---- an end ---- */

struct cancel_write {
	const struct command_who *who;
	struct order              order;
	struct err                why;
};

static bool write_cancel(struct db *db, void *arg, struct err *err)
{
	struct cancel_write *x = arg;
	int64_t              now = clock_now_ms();
	struct history       h = { .at = now, .order_id = x->order.id, .kind = "order", .step = x->order.step, .outcome = "note",
		                   .text = x->why.text };

	return order_give_up(db, &x->order, "cancelled", &x->why, now, err) && history_insert(db, &h, err) &&
	       audit_insert(db, now, x->who->project_id, x->who->principal, "order-cancel", x->order.id, x->order.certificate_id, err);
}

bool change_cancel(struct worker *w, struct arena *a, const struct command_who *who, const char *order_id,
                   struct command_reply *ret, struct err *err)
{
	struct cancel_write x = { .who = who };
	struct db          *db = store_reader(w->store, err);

	if (db == NULL || !order_find(db, a, order_id, &x.order, err))
		return false;
	if (strcmp(x.order.project_id, who->project_id) != 0)
		return err_problem(err, ERR_NOT_FOUND, "not-found", "there is no order %s", order_id);
	ret->id = x.order.certificate_id;
	ret->order_id = x.order.id;
	if (strcmp(x.order.status, "cancelled") == 0)
		return true;
	if (strcmp(x.order.status, "running") != 0) {
		err_problem(err, ERR_CONFLICT, "conflict", "the order has ended already: %s", x.order.status);
		return err_hint(err, "only a running order can be cancelled");
	}
	err_problem(&x.why, ERR_PERMANENT, "", "cancelled by %s at step %s", who->principal, x.order.step);
	if (!store_write(w->store, write_cancel, &x, err))
		return false;
	worker_changed(w, "order", x.order.id);
	worker_kick(w, clock_now_ms());
	return true;
}
