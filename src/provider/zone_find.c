/*
 * provider/zone_find.c: which zone of the account holds the owner. A configured zone always wins and is only looked up for
 * its id; otherwise the longest zone that holds the owner. What was found is remembered for an hour per account.
 */
#include "provider/path.h"
#include "provider/run.h"

#define REMEMBERED_S 3600
#define SHOWN_MAX    10u

struct search {
	const struct provider_value *value;
	const char                  *suffix; /* asked for now; NULL: the answer is about any */
	bool                         configured;
	char                         best[NAME_SIZE];
	const json_t                *item; /* of the best */
	bool                         twice;
	char                         others[200]; /* zones of the account, for the error */
	size_t                       others_count;
};

static const char *key_of(const struct run *run, const struct provider_value *value)
{
	/* Without a configured zone each owner has a look-up of its own. */
	return arena_printf(run->arena, "zone %s %s", run->account->id, value->zone != NULL &&
	       value->zone[0] != '\0' ? value->zone : value->owner);
}

void zone_forget(struct run *run, const struct provider_value *value)
{
	memory_drop(run->memory, key_of(run, value));
}

/* {zone} and {sub}. */
static void set_names(struct run *run, const char *zone)
{
	struct str owner = vars_text(&run->vars, "owner"), sub = STR("");

	vars_set(&run->vars, "zone", str_c(zone));
	if (owner.len > strlen(zone))
		sub = str_of(owner.ptr, owner.len - strlen(zone) - 1);
	vars_set(&run->vars, "sub", sub);
}

/* Does this zone of an answer fit, and better than the best so far? */
static bool consider(struct run *run, struct search *s, const char *name, const json_t *item, struct err *err)
{
	char       zone[NAME_SIZE];
	struct err ignored;
	bool       fits;

	if (!owner_parse(str_c(name), zone, &ignored)) /* not a name we could ever hold */
		return true;
	if (!run_fits(run, &run->recipe->zone.where, item, &fits, err))
		return false;
	if (!fits)
		return true;
	if (!(s->suffix != NULL ? strcmp(zone, s->suffix) == 0 : name_in_zone(s->value->owner, zone)) ||
	    (s->configured && strcmp(zone, s->value->zone) != 0)) {
		size_t len = strlen(s->others);

		if (s->others_count++ < SHOWN_MAX)
			snprintf(s->others + len, sizeof(s->others) - len, "%s%s", len > 0 ? ", " : "", zone);
		return true;
	}
	if (strlen(zone) == strlen(s->best)) {
		s->twice = true;
	} else if (strlen(zone) > strlen(s->best)) {
		snprintf(s->best, sizeof(s->best), "%s", zone);
		s->item = item;
		s->twice = false;
	}
	return true;
}

static bool each_page(struct run *run, const struct answer *answer, void *arg, struct err *err)
{
	const struct recipe_zone *z = &run->recipe->zone;
	struct search            *s = arg;
	const json_t            **items;
	size_t                    count;

	if (z->at == NULL) {
		const char *name = z->name != NULL && answer->json != NULL ? path_first(run->arena, answer->json,
		                z->name) : s->suffix;

		return name == NULL || consider(run, s, name, answer->json, err);
	}
	if (answer->json == NULL)
		return true;
	count = path_select(run->arena, answer->json, z->at, &items);
	for (size_t i = 0; i < count; i++) {
		const char *name = z->name != NULL ? path_first(run->arena, items[i], z->name) : s->suffix;

		if (name != NULL && !consider(run, s, name, items[i], err))
			return false;
	}
	return true;
}

static bool ask(struct run *run, struct search *s, struct err *err)
{
	struct answer last;

	if (s->suffix != NULL)
		vars_set(&run->vars, "suffix", str_c(s->suffix));
	return run_pages(run, &run->recipe->zone.step, run->recipe->zone.at, each_page, s, &last, err);
}

/* The owner itself first, down to two labels: nobody has a top level domain in an account. */
static bool ask_suffixes(struct run *run, struct search *s, struct err *err)
{
	if (s->configured) {
		s->suffix = s->value->zone;
		return ask(run, s, err);
	}
	for (const char *p = s->value->owner; strchr(p, '.') != NULL; p = strchr(p, '.') + 1) {
		s->suffix = p;
		if (!ask(run, s, err))
			return false;
		if (s->best[0] != '\0')
			return true;
	}
	return true;
}

static bool search(struct run *run, struct search *s, struct err *err)
{
	const char *wanted = s->configured ? s->value->zone : s->value->owner;

	if (!(run->recipe->zone.by_suffix ? ask_suffixes(run, s, err) : ask(run, s, err)))
		return err_in(err, "zone of %s", wanted);
	if (s->best[0] == '\0') {
		err_problem(err, ERR_CONFIG, "zone-not-found", "the %s account has no zone %s%s", run->recipe->title,
		            s->configured ? "" : "that holds ", wanted);
		return s->others_count > 0
		               ? err_hint(err, "the credential reaches %zu other zone%s: %s%s", s->others_count,
		                          s->others_count == 1 ? "" : "s", s->others, s->others_count > SHOWN_MAX ? ", …" : "")
		               : err_hint(err, "create the zone there, or give the connection a credential that reaches it (%s)",
		                          run->recipe->permissions);
	}
	if (s->twice)
		return err_problem(err, ERR_CONFIG, "ambiguous-connection", "the %s account has more than one zone %s",
		                   run->recipe->title, s->best) ||
		       err_hint(err, "use a credential that reaches one of them%s%s", run->recipe->zone.given != NULL ? ", or set " : "",
		                run->recipe->zone.given != NULL ? run->recipe->zone.given : "");
	return true;
}

static bool recall(struct run *run, const char *key)
{
	const char              *text = memory_find(run->memory, run->arena, key), *name;
	AUTO(json_freep) json_t *saved = NULL;
	json_t                  *value;

	if (text == NULL || !json_read(str_c(text), SIZE_MAX, &saved, NULL))
		return false;
	set_names(run, json_str(saved, "zone"));
	json_object_foreach(saved, name, value) {
		if (strcmp(name, "zone") != 0)
			vars_set(&run->vars, name, str_c(json_string_value(value)));
	}
	return true;
}

static void remember(struct run *run, const char *key, const struct search *s)
{
	const struct recipe_pairs *save = &run->recipe->zone.save;
	AUTO(json_freep) json_t   *saved = json_object();

	json_put_str(saved, "zone", s->best);
	for (size_t i = 0; i < save->count; i++)
		json_put_str(saved, save->items[i].name, vars_text(&run->vars, save->items[i].name).ptr);
	memory_put(run->memory, key, json_write(run->arena, saved), REMEMBERED_S);
}

static bool under_any(const char *owner, const struct json_strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(owner, list->items[i]) != 0 && name_in_zone(owner, list->items[i]))
			return true;
	return list->count == 0;
}

bool zone_find(struct run *run, const struct provider_value *value, struct err *err)
{
	const struct recipe_zone *z = &run->recipe->zone;
	struct search             s = { .value = value, .configured = value->zone != NULL && value->zone[0] != '\0' };
	const char               *key = key_of(run, value);

	if (s.configured && !name_in_zone(value->owner, value->zone))
		return err_problem(err, ERR_INPUT, "invalid-request", "%s is not in the zone %s", value->owner, value->zone);
	if (z->find == ZONE_OWNER) {
		if (!under_any(value->owner, &z->under))
			return err_problem(err, ERR_CONFIG, "zone-not-found", "%s serves no name like %s", run->recipe->title, value->owner) ||
			       err_hint(err, "the names it serves end in %s", z->under.items[0]);
		set_names(run, s.configured ? value->zone : value->owner);
		return true;
	}
	if (!s.configured && z->find == ZONE_NONE)
		return err_problem(err, ERR_CONFIG, "zone-not-found", "%s has no look-up of zones: the connection must name its zone",
		                   run->recipe->title);
	if (z->find == ZONE_NONE ||
	    (s.configured && z->given != NULL &&
	     vars_text(&run->vars, recipe_credential_find(run->recipe, z->given)->name).len > 0)) {
		set_names(run, value->zone);
		if (z->given != NULL)
			vars_set(&run->vars, z->given_as, vars_text(&run->vars, recipe_credential_find(run->recipe, z->given)->name));
		return true;
	}
	if (recall(run, key))
		return true;
	if (!search(run, &s, err))
		return false;
	set_names(run, s.best);
	run_save(run, &z->save, s.item, false);
	for (size_t i = 0; i < z->save.count; i++)
		if (vars_text(&run->vars, z->save.items[i].name).len == 0)
			return err_problem(err, ERR_PERMANENT, "provider-refused", "the zone %s came without %s", s.best,
			       z->save.items[i].value);
	remember(run, key, &s);
	return true;
}
