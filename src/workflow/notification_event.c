/*
 * workflow/notification_event.c: what happened, as rows: the event, and one notification for each notifier that wants it.
 * See notification.h.
 */
#include "base/id.h"
#include "notify/event.h"
#include "store/authority.h"
#include "store/renewal.h"
#include "store/txt_record.h"
#include "workflow/notification.h"
#include "workflow/renewal_plan.h"

#define REMIND_MS        ((int64_t)24 * 3600 * 1000)
#define SETTLE_MS        2000 /* what happens together is told together */
#define EXPIRING_PARTS   6
#define EXPIRING_LATE_MS ((int64_t)3600 * 1000)
#define UNREACHABLE_TRIES 8   /* about four minutes */

static bool wanted(const struct notifier *list, size_t count, enum notify_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (notify_wanted(list[i].events, kind))
			return true;
	return false;
}

/* Whom a mail without recipients goes to: the account e-mail of the authority, or of the project's default one. "" : nobody. */
static bool recipient_of(struct db *db, struct arena *a, const char *project_id, const char *authority_id, const char **ret, struct err *err)
{
	struct authority x = { .email = "" };
	struct err       missing = { 0 };

	if (authority_id[0] != '\0' ? !authority_find(db, a, authority_id, &x, &missing)
	                            : !authority_find_default(db, a, project_id, &x, &missing)) {
		if (missing.class != ERR_NOT_FOUND) {
			*err = missing;
			return false;
		}
		x.email = "";
	}
	*ret = x.email;
	return true;
}

static const char *authority_name(struct db *db, struct arena *a, const char *authority_id)
{
	struct authority x;

	return authority_find(db, a, authority_id, &x, NULL) ? x.name : "";
}

static bool tell(struct db *db, struct arena *a, enum notify_kind kind, const char *state, const char *authority_id, struct event *e,
                 int64_t now, struct err *err)
{
	struct notifier *list;
	const char      *recipient;
	size_t           count;
	char             id[ID_SIZE];

	if (!notifier_list(db, a, e->project_id, &list, &count, err) || !recipient_of(db, a, e->project_id, authority_id, &recipient, err))
		return false;
	id_new(id);
	e->id = id;
	e->kind = notify_kind_name(kind);
	e->state = state;
	e->at = now;
	if (!event_insert(db, e, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (notify_wanted(list[i].events, kind) &&
		    (!notification_queue(db, list[i].id, e->id, strcmp(list[i].kind, "smtp") == 0 ? recipient : "", now, err) ||
		     !job_wake(db, "notification", list[i].id, strcmp(list[i].kind, "smtp") == 0 ? now + SETTLE_MS : now, err)))
			return false;
	return true;
}

/* Is there anybody to tell? */
static bool anybody(struct db *db, struct arena *a, const char *project_id, enum notify_kind kind, bool *ret, struct err *err)
{
	struct notifier *list;
	size_t           count;

	if (!notifier_list(db, a, project_id, &list, &count, err))
		return false;
	*ret = wanted(list, count, kind);
	return true;
}

/* A condition holds: told when that is news. */
static bool begin(struct db *db, struct arena *a, enum notify_kind kind, const char *key, const char *state, int64_t remind_ms,
                  const char *authority_id, struct event *e, int64_t now, struct err *err)
{
	bool news, again;

	if (!anybody(db, a, e->project_id, kind, &news, err))
		return false;
	if (!news)
		return true;
	return condition_set(db, e->project_id, key, state, remind_ms, now, &news, &again, err) &&
	       (!news || tell(db, a, kind, again ? "again" : "happened", authority_id, e, now, err));
}

/* A condition is over: told when it was told of. */
static bool settle(struct db *db, struct arena *a, enum notify_kind kind, const char *key, const char *authority_id, struct event *e,
                   int64_t now, struct err *err)
{
	bool was;

	return condition_clear(db, e->project_id, key, &was, err) && (!was || tell(db, a, kind, "over", authority_id, e, now, err));
}

/* An event with every text there. */
static struct event about(const char *project_id, const char *name, const struct err *why)
{
	return (struct event){ .project_id = project_id, .name = name, .certificate_id = "", .order_id = "", .authority = "", .url = "",
		               .problem = why != NULL ? why->problem : "", .detail = why != NULL ? why->text : "",
		               .hint = why != NULL ? why->hint : "" };
}

/* ---- certificates ---- */

bool notify_stored(struct db *db, const struct order *order, int64_t number, int64_t not_after_at, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct certificate              c;
	struct notifier                *list;
	struct event                    e;
	enum notify_kind                kind;
	size_t                          count;

	if (!notifier_list(db, a, order->project_id, &list, &count, err))
		return false;
	if (count == 0)
		return true;
	if (!certificate_find(db, a, order->certificate_id, &c, err))
		return false;
	kind = c.version == 0 ? NOTIFY_ISSUED : NOTIFY_RENEWED;
	e = about(c.project_id, c.name, NULL);
	e.certificate_id = c.id;
	e.order_id = order->id;
	e.authority = authority_name(db, a, order->authority_id);
	e.version = number;
	e.not_after_at = not_after_at;
	if (wanted(list, count, kind) && !tell(db, a, kind, "happened", order->authority_id, &e, now, err))
		return false;
	struct event answers = about(c.project_id, e.authority, NULL);
	bool         was;
	return condition_clear(db, c.project_id, arena_printf(a, "certificate/%s/issue", c.id), &was, err) &&
	       settle(db, a, NOTIFY_RENEWAL_FAILED, arena_printf(a, "certificate/%s/renewal", c.id), order->authority_id, &e, now, err) &&
	       settle(db, a, NOTIFY_EXPIRING, arena_printf(a, "certificate/%s/expiring", c.id), order->authority_id, &e, now, err) &&
	       settle(db, a, NOTIFY_CA_UNREACHABLE, arena_printf(a, "authority/%s", order->authority_id), order->authority_id, &answers, now,
	              err);
}

bool notify_order_failed(struct db *db, const struct order *order, const struct err *why, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct certificate              c;
	struct version                  v = { 0 };
	struct renewal                  r = { 0 };
	struct event                    e;
	struct err                      missing = { 0 };
	enum notify_kind                kind;
	bool                            there;

	if (!certificate_find(db, a, order->certificate_id, &c, err))
		return false;
	kind = c.version == 0 ? NOTIFY_ISSUE_FAILED : NOTIFY_RENEWAL_FAILED;
	if (!anybody(db, a, c.project_id, kind, &there, err))
		return false;
	if (!there)
		return true;
	if (c.version > 0 && !version_find_number(db, a, c.id, 0, &v, err))
		return false;
	if (c.version > 0 && !renewal_find(db, a, c.id, &r, &missing) && missing.class != ERR_NOT_FOUND) {
		*err = missing;
		return false;
	}
	e = about(c.project_id, c.name, why);
	e.certificate_id = c.id;
	e.order_id = order->id;
	e.authority = authority_name(db, a, order->authority_id);
	e.version = c.version;
	e.not_after_at = v.not_after_at;
	e.next_try_at = c.auto_renew ? r.retry_at : 0;
	/* Each first order is somebody's request; renewals repeat by themselves. */
	return begin(db, a, kind, arena_printf(a, "certificate/%s/%s", c.id, c.version == 0 ? "issue" : "renewal"),
	             c.version == 0 ? order->id : "failed", REMIND_MS, order->authority_id, &e, now, err);
}

int64_t notify_expiring_at(const struct version *v, const struct renewal *r, const struct renewal_plan *plan)
{
	int64_t at = v->not_after_at - (v->not_after_at - v->not_before_at) / EXPIRING_PARTS;

	/* A CA may want it late: while all goes to plan, the plan is given time. */
	if (plan->automatic && r->failures == 0 && plan->due_at + EXPIRING_LATE_MS > at && plan->due_at + EXPIRING_LATE_MS < v->not_after_at)
		at = plan->due_at + EXPIRING_LATE_MS;
	return at;
}

int64_t notify_expiring_next(const struct version *v, int64_t expiring_at, int64_t now)
{
	if (now >= v->not_after_at)
		return JOB_NEVER;
	if (now < expiring_at)
		return expiring_at;
	return now + REMIND_MS < v->not_after_at ? now + REMIND_MS : v->not_after_at;
}

bool notify_expiring(struct db *db, const struct certificate *c, const struct version *v, const struct renewal *r, int64_t next_try_at,
                     int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	bool                            expired = now >= v->not_after_at;
	struct event                    e = about(c->project_id, c->name, NULL);

	e.certificate_id = c->id;
	e.authority = authority_name(db, a, c->authority_id);
	e.version = v->number;
	e.not_after_at = v->not_after_at;
	e.next_try_at = next_try_at;
	if (c->paused_at != 0) {
		e.detail = "the certificate is paused";
		e.hint = arena_printf(a, "reeve certificate resume %s", c->name);
	} else if (!c->auto_renew) {
		e.detail = "it is not renewed by itself";
		e.hint = arena_printf(a, "reeve certificate renew %s", c->name);
	} else if (r->failures > 0) {
		e.detail = arena_printf(a, "%lld orders in a row have failed", (long long)r->failures);
		e.hint = arena_printf(a, "reeve order list --certificate %s says why", c->name);
	} else {
		e.detail = r->finding;
	}
	if (expired)
		e.problem = "expired";
	return begin(db, a, NOTIFY_EXPIRING, arena_printf(a, "certificate/%s/expiring", c->id),
	             arena_printf(a, "%s %lld", expired ? "expired" : "expiring", (long long)v->number), expired ? 0 : REMIND_MS - 60000,
	             c->authority_id, &e, now, err);
}

/* ---- delegations, deliveries ---- */

bool notify_delegation(struct db *db, const struct delegation *d, const char *health, const struct err *finding, int64_t now,
                       struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct event                    e = about(d->project_id, d->name, finding);
	const char                     *key = arena_printf(a, "delegation/%s", d->id);

	if (strcmp(health, "broken") == 0)
		return begin(db, a, NOTIFY_DELEGATION_BROKEN, key, "broken", REMIND_MS, "", &e, now, err);
	return strcmp(health, "verified") != 0 || finding->class != ERR_NONE ||
	       settle(db, a, NOTIFY_DELEGATION_BROKEN, key, "", &e, now, err);
}

bool notify_delivery(struct db *db, const char *delivery_id, const struct err *why, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct delivery                 d;
	struct deployment               target;
	struct certificate              c;
	struct event                    e;
	const char                     *key;

	if (!delivery_find(db, a, delivery_id, &d, err) || !deployment_find(db, a, d.deployment_id, &target, err) ||
	    !certificate_find(db, a, d.certificate_id, &c, err))
		return false;
	if (d.dry_run)
		return true;
	e = about(d.project_id, arena_printf(a, "%s to %s", c.name, target.name), why);
	e.certificate_id = c.id;
	e.order_id = d.order_id;
	e.version = d.number;
	key = arena_printf(a, "deployment/%s/%s", target.id, c.id);
	if (why == NULL)
		return settle(db, a, NOTIFY_DEPLOYMENT_FAILED, key, c.authority_id, &e, now, err);
	/* Who delivers by hand sees what came of it. */
	return strcmp(d.event, "manual") == 0 || begin(db, a, NOTIFY_DEPLOYMENT_FAILED, key, arena_printf(a, "failed %lld", (long long)d.number),
	                                               REMIND_MS, c.authority_id, &e, now, err);
}

/* ---- values, connections ---- */

#define DEBT_SHOWN 3

static bool debt_of(struct db *db, const char *project_id, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct event                    e = about(project_id, "", NULL);
	struct debt_summary             debt;
	struct txt_record              *list;
	size_t                          count;

	if (!txt_record_debt(db, project_id, now, &debt, err))
		return false;
	if (debt.count == 0)
		return settle(db, a, NOTIFY_DEBT, "debt", "", &e, now, err);
	if (!debt.alert)
		return true;
	if (!txt_record_list_debt(db, a, project_id, now, DEBT_SHOWN, &list, &count, err))
		return false;
	e.detail = arena_printf(a, "%lld value%s should be gone", (long long)debt.count, debt.count == 1 ? "" : "s");
	for (size_t i = 0; i < count; i++)
		e.detail = arena_printf(a, "%s%s%s%s%s", e.detail, i == 0 ? ": " : "; ", list[i].owner, list[i].detail[0] != '\0' ? ": " : "",
		                        list[i].detail);
	if (count > 0) {
		e.problem = list[0].problem;
		e.hint = list[0].hint;
		e.next_try_at = list[0].retry_at;
		e.order_id = list[0].order_id;
	}
	return begin(db, a, NOTIFY_DEBT, "debt", "debt", REMIND_MS, "", &e, now, err);
}

bool notify_debt(struct db *db, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	const char                    **projects;
	size_t                          count;

	if (!notifier_projects(db, a, &projects, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!debt_of(db, projects[i], now, err))
			return false;
	return true;
}

bool notify_connection(struct db *db, const struct connection *c, const struct err *finding, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	const char                     *key = arena_printf(a, "connection/%s", c->id);

	/* What Reeve serves itself belongs to no project. */
	if (c->project_id == NULL || c->project_id[0] == '\0')
		return true;
	struct event e = about(c->project_id, c->name, finding);
	if (finding->class == ERR_NONE)
		return settle(db, a, NOTIFY_CONNECTION_FAILED, key, "", &e, now, err);
	/* A provider that is away for a while is not one that refuses. */
	return finding->class != ERR_CONFIG || begin(db, a, NOTIFY_CONNECTION_FAILED, key, finding->problem, REMIND_MS, "", &e, now, err);
}

/* ---- authorities ---- */

bool notify_incident(struct db *db, const struct certificate *c, const char *authority_id, const char *url, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct event                    e = about(c->project_id, c->name, NULL);

	e.certificate_id = c->id;
	e.authority = authority_name(db, a, authority_id);
	e.url = url;
	return begin(db, a, NOTIFY_CA_INCIDENT, arena_printf(a, "incident/%s", authority_id), url, 0, authority_id, &e, now, err);
}

bool notify_retry(struct db *db, const struct job *job, const struct err *cause, int64_t now, struct err *err)
{
	static const char *const        silent[] = { "ca-unreachable", "ca-nonsense", "serverInternal" };
	AUTO(arena_freep) struct arena *a = NULL;
	const char                     *authority_id;
	struct order                    order;
	struct event                    e;
	bool                            is_silent = false;

	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		is_silent = is_silent || strcmp(cause->problem, silent[i]) == 0;
	if (!is_silent || job->row.attempts < UNREACHABLE_TRIES)
		return true;
	a = arena_new();
	authority_id = job->row.subject;
	if (strcmp(job->row.kind, "account") != 0) {
		if (job->row.order_id[0] == '\0')
			return true;
		if (!order_find(db, a, job->row.order_id, &order, err))
			return false;
		authority_id = order.authority_id;
	}
	e = about(job->row.project_id, authority_name(db, a, authority_id), cause);
	e.order_id = job->row.order_id;
	e.next_try_at = job->wake_at;
	return begin(db, a, NOTIFY_CA_UNREACHABLE, arena_printf(a, "authority/%s", authority_id), "unreachable", REMIND_MS, authority_id, &e,
	             now, err);
}
