/*
 * workflow/change.c: see the header. Both are one transaction; a step that runs meanwhile finds its fence moved, and
 * what it published is owed to the cleanup job like any other value.
 */
#include "workflow/change.h"

#include "store/certificate.h"
#include "store/project.h"
#include "workflow/renewal.h"
#include "workflow/renewal_plan.h"
#include "workflow/steps.h"

/* ---- policy ---- */

struct policy_write {
	const struct command_who *who;
	struct certificate        certificate;
	const char               *detail;
};

static bool write_policy(struct db *db, void *arg, struct err *err)
{
	struct policy_write *x = arg;
	int64_t              now = clock_now_ms();

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
