/*
 * workflow/drill.c: see drill.h. Delegations are looked at now, not believed; CAA is evaluated as the CA would; limits, pauses
 * and failures come from the same rows that an order meets in its step `admit`. Each finding that is not good says what to
 * change.
 */
#include "workflow/drill.h"

#include "json/json.h"
#include "store/failure.h"
#include "workflow/admit.h"
#include "workflow/caa.h"
#include "workflow/delegation.h"
#include "workflow/doctor.h"
#include "workflow/names.h"
#include "workflow/policy.h"
#include "workflow/session.h"

#define PAGE        20
#define BUDGET_MS   25000 /* for one page; what is not reached comes with the next */
#define AUTHORITIES 8     /* asked for one page; a ninth is not asked */

/* What one page knows of an authority. */
struct known {
	struct authority      authority;
	struct acme_directory directory;
	bool                  answered;
	struct err            problem; /* when it did not */
};

struct drill {
	struct worker      *w;
	struct arena       *a;
	struct db          *db;
	struct http_client *http;
	struct caa_climb   *climb;
	struct known        known[AUTHORITIES];
	size_t              known_count;
};

struct report {
	json_t *findings;
	bool    ok;
};

static void note(struct report *r, const char *check, bool ok, const char *text, const char *fix)
{
	doctor_finding(r->findings, check, ok, text, fix);
	r->ok = r->ok && ok;
}

/* ---- the authority: its row, directory and account ---- */

static bool known_authority(struct drill *d, const char *authority_id, struct known **ret, struct err *err)
{
	struct known *k;

	for (size_t i = 0; i < d->known_count; i++)
		if (strcmp(d->known[i].authority.id, authority_id) == 0) {
			*ret = &d->known[i];
			return true;
		}
	*ret = NULL;
	if (d->known_count == AUTHORITIES)
		return true;
	k = &d->known[d->known_count];
	if (!authority_find(d->db, d->a, authority_id, &k->authority, err))
		return false;
	if (k->authority.removed_at != 0)
		err_problem(&k->problem, ERR_CONFIG, "no-authority", "the authority %s was removed", k->authority.name);
	else if (keeper_mac_check(d->w->keeper, "authorities", authority_canonical(d->a, &k->authority), k->authority.row_version,
	                          k->authority.mac, &k->problem))
		k->answered = authority_probe(d->http, d->a, &k->authority, &k->directory, &k->problem);
	d->known_count++;
	*ret = k;
	return true;
}

static bool check_authority(struct drill *d, const struct known *k, struct report *r, const char **ret_account, struct err *err)
{
	struct account account;
	struct err     missing = { 0 };

	*ret_account = "";
	note(r, "authority", k->answered,
	     k->answered ? arena_printf(d->a, "%s answers", k->authority.name) : arena_strdup(d->a, k->problem.text),
	     k->problem.hint[0] != '\0' ? arena_strdup(d->a, k->problem.hint) : "the CA must answer, or another authority be used");
	if (!account_find(d->db, d->a, k->authority.project_id, k->authority.id, &account, &missing)) {
		if (missing.class != ERR_NOT_FOUND) {
			*err = missing;
			return false;
		}
		note(r, "account", true, "none yet: the first order registers it", NULL);
		return true;
	}
	*ret_account = account.url;
	note(r, "account", strcmp(account.status, "valid") == 0,
	     account.problem[0] != '\0' ? arena_printf(d->a, "%s: %s", account.status, account.problem)
	                                : arena_printf(d->a, "%s %s", account.status, account.url),
	     "remove the authority and add it again with what the CA asks for");
	return true;
}

/* ---- names ---- */

static bool check_routes(struct drill *d, const struct certificate *c, struct report *r, struct err *err)
{
	struct certificate_route *routes;
	size_t                    count;

	if (!certificate_route_list(d->db, d->a, c->id, &routes, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct delegation x;
		bool              delegation_ok = false, target_ok = false;

		if (!delegation_find(d->db, d->a, routes[i].delegation_id, &x, err) ||
		    !delegation_trusted(d->w, d->a, &x, c->project_id, routes[i].name, err))
			return false;
		if (x.removed_at != 0) {
			note(r, "delegation", false, arena_printf(d->a, "the delegation of %s was removed", x.name),
			     arena_printf(d->a, "reeve delegation add %s", x.name));
			continue;
		}
		if (!doctor_delegation(d->w, d->a, &x, r->findings, &delegation_ok, err) ||
		    !doctor_target(d->w, d->a, &x, r->findings, &target_ok, err))
			return false;
		r->ok = r->ok && delegation_ok && target_ok;
	}
	return true;
}

static bool check_caa(struct drill *d, const struct certificate *c, const struct known *k, const char *account, struct report *r,
                      struct err *err)
{
	const struct identifier *names;
	size_t                   count, bad = 0;

	if (!names_split(d->a, c->names, &names, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct err why = { 0 };

		if (caa_allows(d->climb, &names[i], &k->directory, account, &why))
			continue;
		/* Forbidden, or not to be looked up; anything else is our own failure. */
		if (why.class != ERR_CONFIG && why.class != ERR_TEMPORARY) {
			*err = why;
			return false;
		}
		bad++;
		note(r, "caa", false, arena_strdup(d->a, why.text), arena_strdup(d->a, why.hint));
	}
	if (bad == 0)
		note(r, "caa", true, "no CAA record forbids it", NULL);
	return true;
}

/* ---- limits, failures, policy ---- */

static bool check_limits(struct drill *d, const struct certificate *c, const struct known *k, struct report *r, struct err *err)
{
	struct gate         g;
	struct gate_blocked blocked;
	char                at[CLOCK_RFC3339_SIZE];

	if (!gate_load(d->db, d->a, &k->authority, c, clock_now_ms(), &g, err) ||
	    !gate_look(d->db, d->a, &g, clock_now_ms(), &blocked, err))
		return false;
	if (blocked.until == 0)
		note(r, "limits", true, "no limit of the CA is in the way", NULL);
	else
		note(r, "limits", false,
		     blocked.until == POLICY_NEVER
		             ? arena_strdup(d->a, blocked.why.text)
		             : arena_printf(d->a, "%s: continues at %s", blocked.why.text, clock_rfc3339(blocked.until, at)),
		     blocked.why.hint[0] != '\0' ? arena_strdup(d->a, blocked.why.hint) : "nothing: it continues by itself");
	return true;
}

static bool check_failures(struct drill *d, const struct certificate *c, struct report *r, struct err *err)
{
	struct failure *all;
	size_t          count;

	if (!failure_list(d->db, d->a, c->id, c->authority_id, &all, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		note(r, "failures", false,
		     arena_printf(d->a, "%s%s%lld in a row: %s", all[i].identifier, all[i].identifier[0] != '\0' ? ": " : "",
		                  (long long)all[i].failures, all[i].detail),
		     "repair what it names; `reeve certificate renew` tries it now");
	if (c->paused_at != 0)
		note(r, "policy", false, "it is paused: nothing renews it", arena_printf(d->a, "reeve certificate resume %s", c->name));
	else if (!c->auto_renew)
		note(r, "policy", false, "it is not renewed by itself", arena_printf(d->a, "reeve certificate set %s --auto-renew on", c->name));
	return true;
}

static bool report_certificate(struct drill *d, const struct certificate *c, json_t *into, struct err *err)
{
	struct report r = { json_array(), true };
	struct known *k;
	const char   *account;
	bool          ran;

	json_put_str(into, "id", c->id);
	json_put_str(into, "name", c->name);
	json_put(into, "findings", r.findings);
	ran = known_authority(d, c->authority_id, &k, err) && check_routes(d, c, &r, err);
	if (ran && k == NULL)
		note(&r, "authority", false, "not asked: this page has too many authorities", "ask for this certificate alone");
	else if (ran)
		ran = check_authority(d, k, &r, &account, err) && check_caa(d, c, k, account, &r, err) && check_limits(d, c, k, &r, err);
	ran = ran && check_failures(d, c, &r, err);
	json_put_bool(into, "ok", r.ok);
	return ran;
}

static bool report_page(struct drill *d, const struct certificate *all, size_t count, bool more, json_t *root, struct err *err)
{
	json_t *list = json_array();
	int64_t until = clock_mono_ms() + BUDGET_MS;
	size_t  done = 0;

	json_put(root, "certificates", list);
	for (; done < count && (done == 0 || clock_mono_ms() < until); done++) {
		json_t *one = json_object();

		json_array_append_new(list, one);
		if (!report_certificate(d, &all[done], one, err))
			return err_in(err, "%s", all[done].name);
	}
	json_put_str(root, "next", done < count || more ? all[done - 1].id : NULL);
	return true;
}

bool drill_report(struct worker *w, struct arena *a, const char *project_id, const char *after, const char *certificate,
                  struct buf *ret, struct err *err)
{
	AUTO(json_freep) json_t *root = json_object();
	struct drill             d = { .w = w, .a = a, .db = store_reader(w->store, err) };
	struct certificate       one, *list = &one;
	size_t                   count = 1;
	bool                     ok;

	if (d.db == NULL)
		return false;
	if (certificate[0] != '\0' ? !certificate_find_named(d.db, a, project_id, certificate, &one, err)
	                           : !certificate_list(d.db, a, project_id, after, PAGE + 1, &list, &count, err))
		return false;
	d.http = http_client_new();
	d.climb = caa_climb_new(w, a);
	ok = report_page(&d, list, count > PAGE ? PAGE : count, count > PAGE, root, err);
	http_client_free(d.http);
	if (ok)
		buf_add_c(ret, json_write(a, root));
	return ok;
}
