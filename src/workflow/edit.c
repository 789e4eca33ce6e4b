/*
 * workflow/edit.c: see the header. The certificate row, its routes, the end of the running order and the new order are
 * one transaction; what DNS says about the routes is looked at before, as at issue, and decides only whether the caller
 * is refused or the order waits.
 */
#include "workflow/edit.h"

#include "store/project.h"
#include "workflow/failover.h"
#include "workflow/issue.h"
#include "workflow/issue_plan.h"
#include "workflow/names.h"
#include "workflow/renewal.h"
#include "workflow/steps.h"

struct edit {
	struct plan                 plan;
	const struct command_edit  *c;
	struct certificate          old;
	struct version              served; /* when a key is reported */
	bool                        reissue;
	const char                 *detail;    /* for the audit */
	const char                 *cancelled; /* the order that ran; "" when none did */
};

/* ---- what it is to be ---- */

static bool edit_names(struct edit *e, struct err *err)
{
	struct plan             *p = &e->plan;
	const struct identifier *names;

	if (p->c->names_count > 0) {
		if (!plan_names(p, err))
			return false;
	} else {
		if (!names_split(p->a, e->old.names, &names, &p->names_count, err))
			return false;
		p->names = arena_alloc_array(p->a, p->names_count, sizeof(*p->names));
		memcpy(p->names, names, p->names_count * sizeof(*p->names));
	}
	p->certificate.name = p->names[0].value;
	p->certificate.names = names_join(p->a, p->names, p->names_count);
	return true;
}

static bool edit_authorities(struct edit *e, struct db *db, struct err *err)
{
	struct plan     *p = &e->plan;
	struct authority second;
	int64_t          after_ms;

	if (p->c->authority[0] != '\0' ? !plan_authority_named(p, db, p->c->authority, &p->authority, err)
	                               : !issue_authority_there(db, p->a, &e->old, err) ||
	                                         !authority_find(db, p->a, e->old.authority_id, &p->authority, err))
		return false;
	p->certificate.authority_id = p->authority.id;
	if (e->c->has_fallback_after)
		p->certificate.fallback_after = p->c->fallback_after;
	if (e->c->has_fallback && !plan_fallback(p, db, p->c->fallback, p->certificate.fallback_after, &p->certificate.fallback_id, err))
		return false;
	if (!e->c->has_fallback && strcmp(p->certificate.fallback_id, p->authority.id) == 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "%s is the second authority of %s", p->authority.name, e->old.name);
		return err_hint(err, "name another fallback_authority in the same request, or \"\" for none");
	}
	if (!e->c->has_fallback && p->certificate.fallback_id[0] != '\0' &&
	    (!authority_find(db, p->a, p->certificate.fallback_id, &second, err) || !plan_accepts(p, &second, err)))
		return false;
	return failover_after_parse(str_c(p->certificate.fallback_after), &after_ms, err) && plan_accepts(p, &p->authority, err);
}

static bool edit_key(struct edit *e, struct db *db, struct err *err)
{
	struct plan        *p = &e->plan;
	struct certificate *c = &p->certificate;
	bool                same;

	if (e->c->has_csr)
		c->csr_spki = p->c->csr_spki;
	if (p->c->key_policy[0] != '\0')
		c->key_policy = p->c->key_policy;
	else if (c->csr_spki[0] != '\0')
		c->key_policy = "new";
	if (!names_same(p->a, c->names, e->old.names, &same, err))
		return false;
	if (c->csr_spki[0] != '\0' && !e->c->has_csr && (!same || p->c->key_type[0] != '\0' || e->c->compromised)) {
		err_problem(err, ERR_CONFLICT, "no-key", "%s is made from a CSR: its names and its key are the request's", e->old.name);
		return err_hint(err, "give a new CSR, or \"\" to let Reeve make the key from now on");
	}
	if (p->c->key_type[0] != '\0' && strcmp(p->c->key_type, e->old.key_type) != 0 && strcmp(c->key_policy, "reuse") == 0) {
		err_problem(err, ERR_CONFLICT, "conflict", "the key of %s is used again for each version, and is %s", e->old.name,
		            e->old.key_type);
		return err_hint(err, "set key_policy to new in the same request to get a key of another type");
	}
	if (p->c->key_type[0] != '\0')
		c->key_type = p->c->key_type;
	e->reissue = !same || strcmp(c->csr_spki, e->old.csr_spki) != 0 || (e->c->has_csr && p->c->csr.len > 0) || p->c->aliases_count > 0 || e->c->compromised || strcmp(c->key_type, e->old.key_type) != 0 ||
	             strcmp(c->authority_id, e->old.authority_id) != 0;
	return plan_key(p, db, err);
}

static bool edit_plan(struct edit *e, struct db *db, struct err *err)
{
	struct plan *p = &e->plan;

	if (!certificate_find_named(db, p->a, p->who->project_id, e->c->certificate, &e->old, err))
		return false;
	p->certificate = e->old;
	p->existing = true;
	if (e->c->compromised && e->old.version == 0)
		return err_problem(err, ERR_NOT_FOUND, "not-found", "the certificate %s has no version yet whose key could be compromised",
		                   e->old.name);
	if ((e->c->compromised && !version_find_number(db, p->a, e->old.id, 0, &e->served, err)) || !edit_names(e, err) ||
	    !edit_authorities(e, db, err) || !edit_key(e, db, err))
		return false;
	if (e->reissue && e->old.paused_at != 0) {
		err_problem(err, ERR_CONFLICT, "paused", "the certificate %s is paused", e->old.name);
		return err_hint(err, "`reeve certificate resume %s`, then change it", e->old.name);
	}
	e->detail = arena_printf(p->a, "names=%s authority=%s key_type=%s key_policy=%s csr=%s fallback=%s%s", p->certificate.names,
	                         p->authority.name, p->certificate.key_type, p->certificate.key_policy,
	                         p->certificate.csr_spki[0] != '\0' ? "yes" : "no", p->certificate.fallback_id,
	                         e->c->compromised ? " key=compromised" : "");
	return !e->reissue || (certificate_route_list(db, p->a, e->old.id, &p->kept, &p->kept_count, err) && plan_routes(p, db, err));
}

/* ---- writing ---- */

/* What runs would issue what is not wanted any more. */
static bool write_cancel(struct db *db, struct edit *e, int64_t now, struct err *err)
{
	struct order running;
	struct err   missing = { 0 }, why = { 0 };

	e->cancelled = "";
	if (!order_find_running(db, e->plan.a, e->old.id, &running, &missing)) {
		if (missing.class == ERR_NOT_FOUND)
			return true;
		*err = missing;
		return false;
	}
	e->cancelled = running.id;
	err_problem(&why, ERR_PERMANENT, "", "cancelled at step %s: %s changed the certificate; order %s is in its place", running.step,
	            e->plan.who->principal, e->plan.order_id);
	struct history h = { .at = now, .order_id = running.id, .kind = "order", .step = running.step, .outcome = "note", .text = why.text };

	return order_give_up(db, &running, "cancelled", &why, now, err) && history_insert(db, &h, err);
}

static bool write_routes(struct db *db, struct edit *e, struct err *err)
{
	struct plan *p = &e->plan;
	const char **names = arena_alloc_array(p->a, p->routes_count, sizeof(*names));

	for (size_t i = 0; i < p->routes_count; i++) {
		names[i] = p->routes[i].name;
		if (!certificate_route_set(db, e->old.id, names[i], p->routes[i].delegation.id, err))
			return false;
	}
	return certificate_route_keep(db, e->old.id, names, p->routes_count, err);
}

static bool write_edit(struct db *db, void *arg, struct err *err)
{
	struct edit *e = arg;
	struct plan *p = &e->plan;
	int64_t      now = clock_now_ms();

	if (!certificate_update(db, &p->certificate, err) ||
	    (e->c->has_csr && !certificate_set_csr(db, e->old.id, p->c->csr, err)) ||
	    (e->c->compromised && !version_key_compromise(db, e->old.id, e->served.spki_sha256, now, err)) ||
	    !audit_insert(db, now, p->who->project_id, p->who->principal, "certificate-edit", e->old.id, e->detail, err))
		return false;
	if (!e->reissue)
		return renewal_wake(db, e->old.id, now, err);
	/* The renewal job looks again with the new facts: its own order could be the one that was cancelled. */
	return write_cancel(db, e, now, err) && write_routes(db, e, err) && order_start(db, &p->certificate, p->order_id, err) &&
	       renewal_wake(db, e->old.id, now, err);
}

bool edit_certificate(struct worker *w, struct arena *a, const struct command_who *who, const struct command_edit *c,
                      struct command_reply *ret, struct err *err)
{
	struct edit  e = { .plan = { .w = w, .a = a, .who = who, .c = &c->issue, .order_id = c->issue.order_id }, .c = c };
	struct db   *db = store_reader(w->store, err);
	struct order again;
	struct err   finding = { 0 }, missing = { 0 };

	if (db == NULL)
		return false;
	if (order_find(db, a, c->issue.order_id, &again, &missing)) {
		ret->id = again.certificate_id;
		ret->order_id = again.id;
		return true;
	}
	if (!edit_plan(&e, db, err))
		return false;
	if (e.reissue && (!store_write(w->store, plan_write_delegations, &e.plan, err) || !plan_look(&e.plan, &finding, err)))
		return false;
	if (finding.class != ERR_NONE && c->issue.refuse) {
		*err = finding;
		return false;
	}
	CRASH_POINT(EDIT_COMMIT_BEFORE);
	if (!store_write(w->store, write_edit, &e, err))
		return false;
	CRASH_POINT(EDIT_COMMIT_AFTER);
	worker_changed(w, "certificate", e.old.id);
	if (e.reissue && e.cancelled[0] != '\0')
		worker_changed(w, "order", e.cancelled);
	worker_kick(w, clock_now_ms());
	ret->id = e.old.id;
	ret->order_id = e.reissue ? e.plan.order_id : "";
	ret->row_version = e.old.row_version + 1;
	plan_reply(a, ret, &finding);
	return true;
}
