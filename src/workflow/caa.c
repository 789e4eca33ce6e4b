/*
 * workflow/caa.c: climbs to the nearest CAA records through the resolver role; acme/caa.c judges them. Parents that several
 * names share are looked up once.
 */
#include "workflow/caa.h"

#include "acme/caa.h"
#include "base/name.h"
#include "dns/client.h"
#include "dns/message.h"
#include "json/json.h"

#define KNOWN_MAX 512

/* The records at one name itself. */
struct place {
	const char      *name;
	struct acme_caa *records;
	size_t           count;
};

struct caa_climb {
	struct worker *w;
	struct arena  *a;
	int64_t        until_ms;
	struct place   known[KNOWN_MAX];
	size_t         known_count;
};

struct caa_climb *caa_climb_new(struct worker *w, struct arena *a)
{
	struct caa_climb *c = arena_alloc(a, sizeof(*c));

	c->w = w;
	c->a = a;
	c->until_ms = clock_mono_ms() + CAA_BUDGET_MS;
	return c;
}

/* What stands at this very name (or where its CNAME leads). */
static bool look(struct caa_climb *c, const char *name, const struct place **ret, struct err *err)
{
	struct dns_result result;
	struct place     *place;

	for (size_t i = 0; i < c->known_count; i++) {
		if (strcmp(c->known[i].name, name) != 0)
			continue;
		*ret = &c->known[i];
		return true;
	}
	if (!dns_lookup(c->w->resolver, c->a, name, DNS_CAA, c->w->settings.resolver_timeout_ms, &result, err))
		return false;
	if (result.outcome == DNS_UNKNOWN) {
		err_problem(err, ERR_TEMPORARY, "delegation-unknown", "the CAA records of %s are not known: %s", name, result.detail);
		return err_hint(err, "a CA that cannot look them up refuses: repair the name servers or DNSSEC of the zone");
	}
	place = c->known_count < KNOWN_MAX ? &c->known[c->known_count++] : arena_alloc(c->a, sizeof(*place));
	*place = (struct place){ .name = name };
	if (result.outcome == DNS_PRESENT) {
		place->records = arena_alloc_array(c->a, result.rdata_count, sizeof(*place->records));
		for (size_t i = 0; i < result.rdata_count; i++) {
			struct err nonsense = { 0 };

			if (acme_caa_parse(c->a, result.rdata[i], &place->records[place->count], &nonsense))
				place->count++;
			else
				place->records[place->count++] = (struct acme_caa){ 128, "unreadable", "" };
		}
	}
	*ret = place;
	return true;
}

/* The nearest records at or above the name; count 0: there are none up to the top. */
static bool nearest(struct caa_climb *c, const char *name, const struct place **ret, struct err *err)
{
	for (const char *at = name; at != NULL && at[0] != '\0';) {
		const char *dot = strchr(at, '.');

		if (!look(c, at, ret, err))
			return false;
		if ((*ret)->count > 0)
			return true;
		at = dot != NULL ? dot + 1 : NULL;
	}
	return true;
}

static bool judge(struct caa_climb *c, const struct identifier *id, const struct acme_directory *d, const char *account_url,
                  const struct place **ret_place, struct err *err)
{
	struct acme_caa_order order = { d->caa_identities, d->caa_identities_count, account_url != NULL && account_url[0] != '\0' ? account_url : NULL,
		                        id->wildcard };

	return nearest(c, arena_strdup(c->a, identifier_base(id)), ret_place, err) &&
	       acme_caa_allows(c->a, (*ret_place)->records, (*ret_place)->count, &order, id->value, (*ret_place)->name, err);
}

bool caa_check(struct session *s, const struct identifier *names, size_t count, struct err *err)
{
	struct caa_climb       *c = caa_climb_new(s->job->worker, s->job->arena);
	const struct place *place;

	if (s->directory.caa_identities_count == 0)
		return true;
	for (size_t i = 0; i < count && clock_mono_ms() < c->until_ms; i++)
		if (!judge(c, &names[i], &s->directory, s->account.url, &place, err))
			return false;
	return true;
}

bool caa_allows(struct caa_climb *c, const struct identifier *id, const struct acme_directory *d, const char *account_url,
                struct err *err)
{
	const struct place *place;

	return judge(c, id, d, account_url, &place, err);
}

/* ---- for people ---- */

static bool load(struct worker *w, struct arena *a, const char *project_id, const char *name, struct authority *ret,
                 struct account *ret_account, struct err *err)
{
	struct db *db = store_reader(w->store, err);
	struct err missing = { 0 };

	if (db == NULL || !(name[0] != '\0' ? authority_find_named(db, a, project_id, name, ret, err)
	                                    : authority_find_default(db, a, project_id, ret, err)))
		return false;
	if (account_find(db, a, project_id, ret->id, ret_account, &missing) || missing.class == ERR_NOT_FOUND)
		return true;
	*err = missing;
	return false;
}

static json_t *lines_json(struct arena *a, const struct acme_directory *d, const struct identifier *id, const char *account_url)
{
	json_t     *list = json_array();
	const char *url = account_url != NULL && account_url[0] != '\0' ? account_url : NULL;

	for (size_t i = 0; i < d->caa_identities_count && i < 1; i++)
		json_array_append_new(list, json_string(arena_printf(a, "%s. IN CAA %s", identifier_base(id),
		                                                     acme_caa_line(a, d->caa_identities[i], url, id->wildcard))));
	return list;
}

bool caa_report(struct worker *w, struct arena *a, const char *project_id, const char *name, const char *authority,
                struct buf *ret, struct err *err)
{
	AUTO(json_freep) json_t *json = json_object();
	json_t                  *found = json_array(), *identities = json_array();
	struct http_client      *http;
	struct authority         x;
	struct account           account = { .url = "" };
	struct acme_directory    directory;
	struct identifier        id;
	const struct place      *place = NULL;
	struct err               why = { 0 };
	bool                     allowed, probed;

	json_put(json, "found", found);
	json_put(json, "identities", identities);
	if (!identifier_parse(str_c(name), &id, err) || !load(w, a, project_id, authority, &x, &account, err))
		return false;
	http = http_client_new();
	probed = authority_probe(http, a, &x, &directory, err);
	http_client_free(http);
	if (!probed)
		return false;
	if (directory.caa_identities_count == 0) {
		err_problem(err, ERR_CONFIG, "configuration", "%s does not say which CAA names are its own", x.name);
		return err_hint(err, "its documentation may; then the record is: 0 issue \"THE-NAME; validationmethods=" ACME_CAA_METHOD "\"");
	}
	for (size_t i = 0; i < directory.caa_identities_count; i++)
		json_array_append_new(identities, json_string(directory.caa_identities[i]));
	allowed = judge(caa_climb_new(w, a), &id, &directory, account.url, &place, &why);
	if (why.class != ERR_NONE && why.class != ERR_TEMPORARY && why.class != ERR_CONFIG) {
		*err = why;
		return false;
	}
	for (size_t i = 0; place != NULL && i < place->count; i++)
		json_array_append_new(found, json_string(acme_caa_text(a, &place->records[i])));
	json_put_str(json, "name", id.value);
	json_put_str(json, "authority", x.name);
	json_put_str(json, "account_url", account.url != NULL && account.url[0] != '\0' ? account.url : NULL);
	json_put_str(json, "found_at", place != NULL && place->count > 0 ? place->name : NULL);
	json_put_str(json, "verdict", allowed ? "allowed" : why.class == ERR_TEMPORARY ? "unknown" : "forbidden");
	json_put_str(json, "detail", allowed ? NULL : why.text);
	json_put_str(json, "hint", allowed ? NULL : why.hint);
	json_put(json, "records", lines_json(a, &directory, &id, account.url));
	buf_add_c(ret, json_write(a, json));
	return true;
}
