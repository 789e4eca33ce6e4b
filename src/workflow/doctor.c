/*
 * workflow/doctor.c: see doctor.h. Nothing is written anywhere; only the health of a stored delegation is updated by
 * the look.
 */
#include "workflow/doctor.h"

#include "base/name.h"
#include "json/json.h"
#include "store/notification.h"
#include "store/txt_record.h"
#include "workflow/delegation.h"

#define DNS_TYPE_CNAME 5
#define BUDGET_MS      20000 /* for all names of one report */

void doctor_finding(json_t *findings, const char *check, bool ok, const char *text, const char *record)
{
	json_t *f = json_object();

	json_put_str(f, "check", check);
	json_put_bool(f, "ok", ok);
	json_put_str(f, "text", text);
	if (record != NULL)
		json_put_str(f, "record", record);
	json_array_append_new(findings, f);
}

/* The CNAME as a CA's resolver sees it. */
bool doctor_delegation(struct worker *w, struct arena *a, const struct delegation *d, json_t *findings, bool *ret_ok,
                             struct err *err)
{
	struct delegation_verdict verdict;

	if (!delegation_look(w, a, d, &verdict, err))
		return false;
	if (verdict.finding.class != ERR_NONE)
		doctor_finding(findings, "delegation", false, arena_strdup(a, verdict.finding.text),
		        delegation_is_direct(d) ? NULL : delegation_record(a, d));
	else if (delegation_is_direct(d))
		doctor_finding(findings, "delegation", true, arena_printf(a, "_acme-challenge.%s has no CNAME: it is written itself", d->name),
		        NULL);
	else
		doctor_finding(findings, "delegation", true,
		        arena_printf(a, "_acme-challenge.%s is a CNAME to %s", d->name, d->target), NULL);
	*ret_ok = verdict.finding.class == ERR_NONE;
	return true;
}

/* An account at a provider: the zone the route names, and what the last look at the account found. */
static void check_account(struct arena *a, const struct delegation *d, const struct connection *c, json_t *findings, bool *ret_ok)
{
	const char *zone, *id;
	bool        bad = strcmp(c->health, "bad") == 0;

	zone_spec_split(a, d->zone[0] != '\0' ? d->zone : connection_zone(a, c), &zone, &id);
	*ret_ok = zone[0] == '\0' || name_in_zone(d->target, zone);
	if (zone[0] != '\0')
		doctor_finding(findings, "target", *ret_ok,
		        arena_printf(a, "%s is %s the zone %s of connection %s (%s)", d->target, *ret_ok ? "inside" : "outside of", zone, c->name,
		                     c->provider),
		        NULL);
	doctor_finding(findings, "connection", !bad,
	        bad ? arena_printf(a, "connection %s: %s", c->name, c->finding)
	            : arena_printf(a, "connection %s %s", c->name, c->health[0] != '\0' ? "works" : "was not looked at yet"),
	        NULL);
	*ret_ok = *ret_ok && !bad;
}

/* Can the connection still write there? */
bool doctor_target(struct worker *w, struct arena *a, const struct delegation *d, json_t *findings, bool *ret_ok, struct err *err)
{
	struct db        *db = store_reader(w->store, err);
	struct connection connection;

	if (db == NULL || !connection_find(db, a, d->connection_id, &connection, err))
		return false;
	if (strcmp(connection.provider, PROVIDER_BUILTIN) != 0) {
		check_account(a, d, &connection, findings, ret_ok);
		return true;
	}
	*ret_ok = name_in_zone(d->target, connection.zone);
	for (size_t i = 0; *ret_ok; i++) {
		if (i == w->settings.zones_count) {
			*ret_ok = false;
			doctor_finding(findings, "target", false,
			        arena_printf(a, "the zone %s is not served any more: add it to [zone] names", connection.zone), NULL);
			return true;
		}
		if (strcmp(w->settings.zones[i], connection.zone) == 0)
			break;
	}
	doctor_finding(findings, "target", *ret_ok,
	        arena_printf(a, "%s is %s the zone %s of connection %s (%s)", d->target, *ret_ok ? "inside" : "outside of",
	                     connection.zone, connection.name, connection.provider),
	        NULL);
	return true;
}

/* Every name server of the owner's zone must answer, and all alike; with `direct` there is nothing to be found yet. */
static bool check_servers(struct worker *w, struct arena *a, const char *challenge, const char *expected, bool direct,
                          json_t *findings, bool *ret_ok, struct err *err)
{
	struct dns_auth auth;

	if (!dns_lookup_auth(w->resolver, a, challenge, DNS_TYPE_CNAME, w->settings.resolver_timeout_ms, &auth, err))
		return false;
	*ret_ok = auth.servers_count > 0;
	if (auth.servers_count == 0)
		doctor_finding(findings, "name-servers", false, auth.detail, NULL);
	for (size_t i = 0; i < auth.servers_count; i++) {
		const struct dns_auth_server *s = &auth.servers[i];
		const char                   *who = s->name[0] != '\0' ? arena_printf(a, "%s (%s)", s->name, s->address) : s->address;
		bool                          ok = s->answered && (direct ? s->values_count == 0 : s->values_count > 0);
		const char                   *text;

		for (size_t k = 0; ok && !direct && expected != NULL && k < s->values_count; k++)
			ok = str_eq_nocase(str_c(s->values[k]), str_c(expected));
		if (direct && ok)
			text = arena_printf(a, "%s answered in %u ms", who, s->took_ms);
		else if (!s->answered || s->values_count == 0)
			text = arena_printf(a, "%s: %s", who, s->detail);
		else
			text = arena_printf(a, "%s answered %s in %u ms", who, s->values[0], s->took_ms);
		doctor_finding(findings, "name-server", ok, text, NULL);
		*ret_ok = *ret_ok && ok;
	}
	return true;
}

static bool report_name(struct worker *w, struct arena *a, const char *project_id, const char *text, json_t *report, bool *ret_ok,
                        struct err *err)
{
	struct db        *db = store_reader(w->store, err);
	json_t           *findings = json_array();
	struct identifier id;
	struct delegation d;
	char              challenge[NAME_SIZE];
	struct err        missing = { 0 };
	bool              delegation_ok = false, target_ok = false, servers_ok = false, found, ran;

	json_put_str(report, "name", text);
	json_put(report, "findings", findings);
	if (db == NULL)
		return false;
	if (!identifier_parse(str_c(text), &id, &missing) || !name_challenge(identifier_base(&id), challenge)) {
		doctor_finding(findings, "name", false, missing.text, NULL);
		*ret_ok = false;
		return true;
	}
	found = delegation_find_named(db, a, project_id, identifier_base(&id), &d, &missing);
	if (!found)
		doctor_finding(findings, "delegation", false,
		        arena_printf(a, "Reeve has no delegation of %s: `reeve delegation add %s` makes one and prints its record",
		                     identifier_base(&id), identifier_base(&id)),
		        NULL);
	ran = (!found || (doctor_delegation(w, a, &d, findings, &delegation_ok, err) &&
	                  doctor_target(w, a, &d, findings, &target_ok, err))) &&
	      check_servers(w, a, challenge, found ? d.target : NULL, found && delegation_is_direct(&d), findings, &servers_ok, err);
	*ret_ok = delegation_ok && target_ok && servers_ok;
	return ran;
}

/* What the project owes at its providers. */
static bool report_debt(struct worker *w, const char *project_id, json_t *root, bool *ret_ok, struct err *err)
{
	struct db          *db = store_reader(w->store, err);
	struct debt_summary debt;
	json_t             *json;
	char                oldest[CLOCK_RFC3339_SIZE];

	if (db == NULL || !txt_record_debt(db, project_id, clock_now_ms(), &debt, err))
		return false;
	json = json_object();
	json_put_int(json, "count", debt.count);
	json_put_int(json, "given_up", debt.given_up);
	if (debt.oldest_at != 0)
		json_put_str(json, "oldest_at", clock_rfc3339(debt.oldest_at, oldest));
	else
		json_put(json, "oldest_at", json_null());
	json_put_bool(json, "alert", debt.alert);
	json_put(root, "debt", json);
	*ret_ok = !debt.alert;
	return true;
}

/* Whom the project cannot tell anything just now. It says nothing about the names, so it does not make them unwell. */
static bool report_notifiers(struct worker *w, struct arena *a, const char *project_id, json_t *root, struct err *err)
{
	struct db                  *db = store_reader(w->store, err);
	json_t                     *array = json_array();
	struct notification_summary waits;
	struct notifier            *list;
	size_t                      count;

	json_put(root, "notifications", array);
	if (db == NULL || !notifier_list(db, a, project_id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		json_t *json;

		if (!notification_summary(db, a, list[i].id, &waits, err))
			return false;
		if (waits.problem[0] == '\0')
			continue;
		json = json_object();
		json_put_str(json, "name", list[i].name);
		json_put_int(json, "waiting", waits.open);
		json_put_str(json, "problem", waits.problem);
		json_put_str(json, "detail", waits.detail);
		json_put_str(json, "hint", waits.hint);
		json_array_append_new(array, json);
	}
	return true;
}

bool doctor_report(struct worker *w, struct arena *a, const char *project_id, const char *const *names, size_t names_count,
                   struct buf *ret, struct err *err)
{
	AUTO(json_freep) json_t *root = json_object();
	json_t                  *reports = json_array();
	bool                     all = true, debt_ok = true;
	int64_t                  until = clock_mono_ms() + BUDGET_MS;

	json_put_bool(root, "ok", false);
	json_put(root, "names", reports);
	if (names_count == 0)
		return err_problem(err, ERR_INPUT, "invalid-request", "name at least one domain to look at");
	for (size_t i = 0; i < names_count; i++) {
		json_t *report = json_object();
		bool    ok = false;

		if (clock_mono_ms() > until) {
			json_decref(report);
			err_problem(err, ERR_TEMPORARY, "timeout", "the name servers are slow: %zu of %zu names were looked at", i, names_count);
			return err_hint(err, "ask for fewer names at once");
		}

		json_array_append_new(reports, report);
		json_put_bool(report, "ok", false);
		if (!report_name(w, a, project_id, names[i], report, &ok, err))
			return false;
		json_put_bool(report, "ok", ok);
		all = all && ok;
	}
	if (!report_debt(w, project_id, root, &debt_ok, err) || !report_notifiers(w, a, project_id, root, err))
		return false;
	json_put_bool(root, "ok", all && debt_ok);
	buf_add_c(ret, json_write(a, root));
	return true;
}
