/*
 * workflow/rehearsal.c: see rehearsal.h.
 */
#include "workflow/rehearsal.h"

#include "base/id.h"
#include "workflow/issue.h"
#include "workflow/steps.h"

bool rehearsal_staging(struct db *db, struct arena *a, const struct authority *x, struct authority *ret, struct err *err)
{
	struct gate g;

	if (!gate_settings(db, a, x, &g, err))
		return false;
	if (g.policy.staging_id[0] != '\0' && authority_find(db, a, g.policy.staging_id, ret, err) && ret->removed_at == 0)
		return true;
	if (err->class != ERR_NONE && err->class != ERR_NOT_FOUND)
		return false;
	*err = (struct err){ 0 };
	err_problem(err, ERR_CONFIG, "no-staging", "the authority %s has no staging directory to rehearse at", x->name);
	return err_hint(err, "add its staging directory%s%s as an authority, then: reeve authority limits %s --staging THAT",
	                g.limits.staging_url != NULL ? " " : "", g.limits.staging_url != NULL ? g.limits.staging_url : "", x->name);
}

bool rehearsal_csr(struct db *db, struct arena *a, const struct certificate *c, struct str *ret, struct err *err)
{
	*ret = str_of(NULL, 0);
	return c->csr_spki[0] == '\0' || certificate_csr(db, a, c->id, ret, err);
}

bool rehearsal_place(struct db *db, const struct rehearsal_plan *p, int64_t now, struct err *err)
{
	struct certificate c = p->like;
	struct rehearsal   r = { p->certificate_id, p->order_id, p->waiting_id, now };
	struct history     h = { .at = now, .order_id = p->order_id, .kind = "order", .step = steps[STEP_KEY].name, .outcome = "note",
		                 .text = p->note };

	c.id = p->certificate_id;
	c.authority_id = p->staging_id;
	c.version = 0;
	c.auto_renew = false;
	c.paused_at = 0;
	c.facade = c.renew_before = "";
	/* What happens at the staging directory leads nowhere else, and the key served is not for it. */
	c.fallback_id = c.fallback_after = "";
	c.key_policy = "new";
	c.created_at = now;
	c.row_version = 1;
	if (!certificate_insert(db, &c, err) || (p->csr.len > 0 && !certificate_set_csr(db, c.id, p->csr, err)))
		return false;
	for (size_t i = 0; i < p->routes_count; i++)
		if (!certificate_route_set(db, c.id, p->routes[i].name, p->routes[i].delegation_id, err))
			return false;
	return order_start(db, &c, p->order_id, err) && rehearsal_insert(db, &r, err) && history_insert(db, &h, err);
}

/* ---- before production is asked again ---- */

/* The name that failed most often since it was last rehearsed; NULL: none. */
static const struct failure *worst(const struct failure *all, size_t count, int64_t after)
{
	const struct failure *found = NULL;

	for (size_t i = 0; after > 0 && i < count; i++)
		if (all[i].validations >= after && all[i].rehearsed_at <= all[i].failed_at &&
		    (found == NULL || all[i].validations > found->validations))
			found = &all[i];
	return found;
}

static bool write_rehearsal(struct db *db, void *arg, struct err *err)
{
	return rehearsal_place(db, arg, clock_now_ms(), err);
}

static enum outcome place(struct job *job, struct db *db, const struct order *o, const struct certificate *c,
                          const struct authority *staging, const struct failure *f, struct err *err)
{
	struct rehearsal_plan    *p = arena_alloc(job->arena, sizeof(*p));
	struct certificate_route *routes;
	char                      certificate_id[ID_SIZE], order_id[ID_SIZE];

	id_new(certificate_id);
	id_new(order_id);
	*p = (struct rehearsal_plan){ .like = *c, .staging_id = staging->id, .waiting_id = o->id };
	p->certificate_id = arena_strdup(job->arena, certificate_id);
	p->order_id = arena_strdup(job->arena, order_id);
	p->note = arena_printf(job->arena, "rehearsal for order %s: %s failed %lld validations in a row", o->id, f->identifier,
	                       (long long)f->validations);
	if (!certificate_route_list(db, job->arena, c->id, &routes, &p->routes_count, err) || !rehearsal_csr(db, job->arena, c, &p->csr, err))
		return job_outcome(err);
	p->routes = routes;
	job->facts = write_rehearsal;
	job->facts_arg = p;
	return job_wait(job, JOB_NEVER, "%s failed %lld validations in a row: it is rehearsed at %s first (order %s)", f->identifier,
	                (long long)f->validations, staging->name, p->order_id);
}

enum outcome rehearsal_look(struct job *job, struct db *db, const struct order *o, const struct certificate *c, const struct gate *g,
                            struct err *err)
{
	struct authority      staging;
	struct failure       *all;
	const struct failure *f;
	struct rehearsal      r;
	struct order          rehearsed;
	struct err            missing = { 0 };
	size_t                count;

	if (g->policy.staging_id[0] == '\0')
		return OUT_DONE;
	if (!failure_list(db, job->arena, c->id, o->authority_id, &all, &count, err))
		return job_outcome(err);
	f = worst(all, count, g->policy.rehearse_after);
	if (f == NULL)
		return OUT_DONE;
	if (!authority_find(db, job->arena, g->policy.staging_id, &staging, err))
		return job_outcome(err);
	if (staging.removed_at != 0) {
		job_note(job, "not rehearsed: the staging authority %s was removed", staging.name);
		return OUT_DONE;
	}
	if (!rehearsal_find_waiting(db, job->arena, o->id, &r, &missing)) {
		if (missing.class == ERR_NOT_FOUND)
			return place(job, db, o, c, &staging, f, err);
		*err = missing;
		return job_outcome(err);
	}
	if (!order_find(db, job->arena, r.order_id, &rehearsed, err))
		return job_outcome(err);
	if (strcmp(rehearsed.status, "running") == 0) {
		/* Not by its code: what the staging directory does is no failure of this authority (failover.h). */
		if (rehearsed.problem[0] != '\0') {
			err_problem(&job->shown, ERR_TEMPORARY, "", "the rehearsal at %s waits: %s", staging.name, rehearsed.detail);
			err_hint(&job->shown, "%s", rehearsed.hint);
		}
		return job_wait(job, JOB_NEVER, "the rehearsal at %s is under way (order %s)", staging.name, rehearsed.id);
	}
	err_problem(err, ERR_PERMANENT, "rehearsal-failed", "the rehearsal at %s %s, so production was not asked: %s", staging.name,
	            rehearsed.status, rehearsed.detail);
	err_hint(err, "%s%smore: reeve order show %s", rehearsed.hint, rehearsed.hint[0] != '\0' ? "; " : "", rehearsed.id);
	return OUT_FAIL;
}

/* ---- its end ---- */

bool rehearsal_ended(struct db *db, struct arena *a, const struct order *o, bool passed, int64_t now, bool *ret_is, struct err *err)
{
	struct rehearsal r;
	struct order     waiting;
	struct err       missing = { 0 };

	*ret_is = rehearsal_find(db, a, o->certificate_id, &r, &missing);
	if (!*ret_is) {
		if (missing.class != ERR_NOT_FOUND)
			*err = missing;
		return missing.class == ERR_NOT_FOUND;
	}
	if (!version_discard(db, o->version_id, err))
		return false;
	if (r.waiting_id[0] == '\0')
		return true;
	return order_find(db, a, r.waiting_id, &waiting, err) &&
	       (!passed || failure_rehearsed(db, waiting.certificate_id, waiting.authority_id, now, err)) &&
	       job_wake_order(db, "order", r.waiting_id, now, err);
}
