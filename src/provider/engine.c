/*
 * provider/engine.c: adding and removing one value, for the kinds of interface there are: a record per value, a set of
 * values per name (or of a whole zone), and calls that list nothing. How a step becomes a request is in run.c, which zone it is about in zone_find.c.
 */
#include "provider/engine.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/rand.h"
#include "provider/native.h"
#include "provider/path.h"
#include "provider/run.h"
#include "provider/template.h"

#define LOCKS        64u
#define SWAPS_MAX    6u  /* rounds of read, change, write before other writers win */
#define RECORDS_MAX  64u /* records with our very value: more than one is somebody's repetition */

struct engine {
	struct memory  *memory;
	struct ipc_peer *hook, *resolver;
	pthread_mutex_t locks[LOCKS];
};

struct engine *engine_new(struct ipc_peer *hook, struct ipc_peer *resolver)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort(); /* out of memory: base/arena.h */
	e->hook = hook;
	e->resolver = resolver;
	e->memory = memory_new();
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&e->locks[i], NULL);
	return e;
}

void engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&e->locks[i]);
	memory_free(e->memory);
	free(e);
}

void engine_freep(struct engine **e)
{
	engine_free(*e);
	*e = NULL;
}

/* ---- a record per value ---- */

struct records {
	const json_t *found[RECORDS_MAX];
	size_t        count;
};

/* The item of a list, or what the list only names. */
static bool whole_record(struct run *run, const json_t *item, const json_t **ret, struct err *err)
{
	const char   *text = path_text(run->arena, item);
	struct answer answer;

	*ret = item;
	if (!run->recipe->records.has_each)
		return true;
	*ret = NULL;
	if (text == NULL)
		return true;
	vars_set(&run->vars, "item", str_c(text));
	if (!run_step(run, &run->recipe->records.each, &answer, err))
		return false;
	if (answer.means == MEANS_OK)
		*ret = answer.json;
	return answer.means == MEANS_OK || answer.means == MEANS_ABSENT || run_refused(run, &answer, err);
}

static bool records_page(struct run *run, const struct answer *answer, void *arg, struct err *err)
{
	const struct recipe_records *m = &run->recipe->records;
	struct records              *r = arg;
	const json_t               **items;
	size_t                       count = answer->json != NULL ? path_select(run->arena, answer->json, m->at, &items) : 0;

	for (size_t i = 0; i < count; i++) {
		const json_t *record;
		const char   *text;
		bool          fits;

		if (!whole_record(run, items[i], &record, err))
			return false;
		if (record == NULL || (text = path_first(run->arena, record, m->value)) == NULL)
			continue;
		if (!run_fits(run, &m->where, record, &fits, err))
			return false;
		if (fits && str_eq(run_plain(run->arena, text), vars_text(&run->vars, "value")) && r->count < RECORDS_MAX)
			r->found[r->count++] = record;
	}
	return true;
}

static bool records_list(struct run *run, struct records *ret, struct err *err)
{
	struct answer last;

	*ret = (struct records){ 0 };
	return run_pages(run, &run->recipe->records.list, run->recipe->records.at, records_page, ret, &last, err);
}

static bool finish(struct run *run, bool has_after, const struct recipe_step *after, struct err *err)
{
	struct answer answer;

	if (!has_after)
		return true;
	return run_step(run, after, &answer, err) && (answer.means == MEANS_OK || run_refused(run, &answer, err));
}

/* After an unknown outcome: is the value there (`there`) or gone? What went wrong stays the error when it is not. */
static bool records_observe(struct run *run, bool there, struct err *err)
{
	struct records r;

	if (!run->doubt || !records_list(run, &r, NULL))
		return false;
	if ((r.count > 0) != there)
		return false;
	return finish(run, run->recipe->records.has_after, &run->recipe->records.after, err);
}

static bool records_add(struct run *run, const struct provider_value *value, struct err *err)
{
	const struct recipe_records *m = &run->recipe->records;
	struct answer                answer;
	struct records               r;

	if (!records_list(run, &r, err))
		return false;
	/* A run before this one may have ended between the record and what follows it. */
	if (r.count > 0)
		return finish(run, m->has_after, &m->after, err);
	if (!run_step(run, &m->create, &answer, err))
		return records_observe(run, true, err);
	if (answer.means == MEANS_ABSENT)
		zone_forget(run, value);
	if (answer.means != MEANS_OK && answer.means != MEANS_EXISTS) {
		bool doubt = run->doubt;

		run_refused(run, &answer, err);
		run->doubt = doubt;
		return records_observe(run, true, err);
	}
	return finish(run, m->has_after, &m->after, err);
}

static bool records_remove(struct run *run, struct err *err)
{
	const struct recipe_records *m = &run->recipe->records;
	struct answer                answer;
	struct records               r;

	if (!records_list(run, &r, err))
		return false;
	for (size_t i = 0; i < r.count; i++) {
		run_save(run, &m->save, r.found[i], false);
		for (size_t k = 0; k < m->save.count; k++)
			if (vars_text(&run->vars, m->save.items[k].name).len == 0)
				return err_problem(err, ERR_PERMANENT, "provider-refused", "a record came without %s",
				                   m->save.items[k].value);
		if (!run_step(run, &m->remove, &answer, err))
			return records_observe(run, false, err);
		if (answer.means != MEANS_OK && answer.means != MEANS_ABSENT) {
			run_refused(run, &answer, err);
			return records_observe(run, false, err);
		}
	}
	/* Also when there was nothing: a run before this one may have ended right before it. */
	return finish(run, m->has_after, &m->after, err);
}

/* ---- a set of values per name ---- */

struct set {
	bool           exists, ours;
	const json_t **elements;
	size_t         count;
	size_t         ours_at;
};

static const char *element_value(struct run *run, const json_t *element)
{
	const json_t **found;
	size_t         count = path_select(run->arena, element, run->recipe->rrset.value, &found);
	const char    *ret = "";

	for (size_t i = 0; i < count; i++) {
		const char *text = path_text(run->arena, found[i]);
		struct str  plain = text != NULL ? run_plain(run->arena, text) : STR("");

		ret = arena_printf(run->arena, "%s%.*s", ret, STR_ARG(plain));
	}
	return ret;
}

static bool pick_set(struct run *run, const json_t *json, const json_t **ret, struct err *err)
{
	const struct recipe_rrset *m = &run->recipe->rrset;
	const json_t             **sets;
	size_t                     count = path_select(run->arena, json, m->at != NULL ? m->at : "", &sets);

	*ret = NULL;
	for (size_t i = 0; i < count && *ret == NULL; i++) {
		bool fits;

		if (!run_fits(run, &m->where, sets[i], &fits, err))
			return false;
		if (fits)
			*ret = sets[i];
	}
	return true;
}

/* What is to be written back as a whole must have been read as a whole. */
static bool set_is_zone(struct run *run, const struct set *set, struct err *err)
{
	const struct recipe_pairs *save = &run->recipe->rrset.get.save;
	const char                *missing = set->count == 0 ? "a record" : NULL;

	for (size_t i = 0; i < save->count && missing == NULL; i++)
		if (vars_text(&run->vars, save->items[i].name).len == 0)
			missing = save->items[i].value;
	if (missing == NULL)
		return true;
	err_problem(err, ERR_CONFIG, "provider-refused", "%s listed the zone %s without %s; a change would replace the whole zone, so "
	            "nothing is written", run->recipe->title, vars_text(&run->vars, "zone").ptr, missing);
	return err_hint(err, "see that the zone has at least one record there and that its name servers are those of %s",
	                run->recipe->title);
}

static bool set_read(struct run *run, struct set *ret, struct err *err)
{
	const struct recipe_rrset *m = &run->recipe->rrset;
	const json_t              *found = NULL;
	struct answer              answer;

	*ret = (struct set){ 0 };
	if (!run_step(run, &m->get, &answer, err))
		return false;
	if (answer.means != MEANS_OK && answer.means != MEANS_ABSENT)
		return run_refused(run, &answer, err);
	if (answer.means == MEANS_OK && answer.json != NULL && !pick_set(run, answer.json, &found, err))
		return false;
	run_save(run, &m->get.save, found, false);
	if (found == NULL)
		return !m->whole || set_is_zone(run, ret, err);
	ret->count = path_select(run->arena, found, m->elements, &ret->elements);
	ret->exists = !json_is_array(found) || json_array_size(found) > 0;
	if (m->whole && !set_is_zone(run, ret, err))
		return false;
	for (size_t i = 0; i < ret->count && !ret->ours; i++) {
		bool mine = true;

		if (!run_fits(run, &m->mine, ret->elements[i], &mine, err))
			return false;
		if (!mine || !str_eq(str_c(element_value(run, ret->elements[i])), vars_text(&run->vars, "value")))
			continue;
		ret->ours = true;
		ret->ours_at = i;
	}
	return true;
}

/* {elements} or {old_elements}: their JSON for a JSON body, their texts for any other. `extra` comes last. */
static void set_elements(struct run *run, const char *name, const struct set *set, size_t without, const json_t *extra)
{
	json_t     *list = json_array();
	struct var *var;

	for (size_t i = 0; i < set->count; i++)
		if (i != without)
			json_array_append(list, (json_t *)(uintptr_t)set->elements[i]);
	if (extra != NULL)
		json_array_append(list, (json_t *)(uintptr_t)extra);
	json_array_append_new(run->kept, list);
	var = vars_set_list(&run->vars, name, json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *element = json_array_get(list, i);
		const char   *text = path_text(run->arena, element);

		var->items[i] = str_c(text != NULL ? text : json_write(run->arena, element));
	}
	var->json = list;
}

/* The set as it is to be goes into the variables; false when it is so already. */
static bool set_change(struct run *run, const struct set *set, bool add, bool *ret_needed, struct err *err)
{
	json_t *element = NULL;

	*ret_needed = set->ours != add;
	if (!*ret_needed)
		return true;
	if (add) {
		if (!template_json_render(&run->vars, run->recipe->rrset.element, &element, err))
			return false;
		json_array_append_new(run->kept, element);
	}
	set_elements(run, "old_elements", set, SIZE_MAX, NULL);
	set_elements(run, "elements", set, add ? SIZE_MAX : set->ours_at, element);
	return true;
}

static const struct recipe_step *set_step(const struct run *run, const struct set *set, bool add)
{
	const struct recipe_rrset *m = &run->recipe->rrset;

	if (m->whole)
		return &m->replace;
	if (add)
		return set->exists ? &m->replace : &m->create;
	return set->count > 1 ? &m->replace : &m->remove;
}

/* After a write whose answer does not settle it. */
static bool set_is(struct run *run, bool add, bool *ret, struct err *err)
{
	struct set set;

	if (!set_read(run, &set, err))
		return false;
	*ret = set.ours == add;
	return true;
}

enum swap { SWAP_DONE, SWAP_AGAIN, SWAP_FAILED };

static enum swap swap_settle(struct run *run, const struct answer *answer, bool add, struct err *err)
{
	bool doubt = run->doubt, is = false;

	switch (answer->means) {
	case MEANS_OK:
		if (run->recipe->rrset.compares)
			return SWAP_DONE;
		/* Without compare-and-swap another writer's copy of the old set may have replaced ours. */
		if (!set_is(run, add, &is, err))
			return SWAP_FAILED;
		return is ? SWAP_DONE : SWAP_AGAIN;
	case MEANS_EXISTS:
	case MEANS_CONFLICT: return SWAP_AGAIN;
	case MEANS_ABSENT:
		if (!add)
			return SWAP_AGAIN;
		break;
	case MEANS_RETRY:
	case MEANS_AUTH:
	case MEANS_DENIED:
	case MEANS_FAIL:
	case MEANS__COUNT: break;
	}
	run_refused(run, answer, err);
	if (doubt && set_is(run, add, &is, NULL) && is)
		return SWAP_DONE;
	return SWAP_FAILED;
}

static enum swap set_swap(struct run *run, const struct provider_value *value, bool add, struct err *err)
{
	struct answer answer;
	struct set    set;
	bool          needed, is = false;

	if (!set_read(run, &set, err) || !set_change(run, &set, add, &needed, err))
		return SWAP_FAILED;
	if (!needed)
		return SWAP_DONE;
	if (!run_step(run, set_step(run, &set, add), &answer, err)) {
		bool doubt = run->doubt;

		return doubt && set_is(run, add, &is, NULL) && is ? SWAP_DONE : SWAP_FAILED;
	}
	if (answer.means == MEANS_ABSENT)
		zone_forget(run, value);
	return swap_settle(run, &answer, add, err);
}

static bool rrset_change(struct run *run, const struct provider_value *value, bool add, struct err *err)
{
	for (unsigned i = 0; i < SWAPS_MAX; i++) {
		switch (set_swap(run, value, add, err)) {
		case SWAP_DONE: return finish(run, run->recipe->rrset.has_after, &run->recipe->rrset.after, err);
		case SWAP_FAILED: return false;
		case SWAP_AGAIN: clock_sleep_ms(rand_jitter(20 << i, 50)); break;
		}
	}
	return err_problem(err, ERR_TEMPORARY, "conflict", "others kept changing the TXT values of %s: %u rounds",
	       value->owner,
	                   SWAPS_MAX);
}

/* ---- calls that list nothing ---- */

/* Without a look afterwards an unknown outcome is settled by doing it again, once. */
static bool calls_change(struct run *run, bool add, struct err *err)
{
	const struct recipe_step *step = add ? &run->recipe->calls.add : &run->recipe->calls.remove;
	enum recipe_means         also = add ? MEANS_EXISTS : MEANS_ABSENT;
	struct answer             answer;

	for (unsigned i = 0; i < 2; i++) {
		bool answered = run_step(run, step, &answer, err);

		if (answered && (answer.means == MEANS_OK || answer.means == also))
			return true;
		if (answered)
			run_refused(run, &answer, err);
		if (!run->doubt)
			return false;
	}
	return false;
}

/* ---- what others call ---- */

static pthread_mutex_t *lock_of(struct engine *e, const struct engine_account *account,
                const struct provider_value *value)
{
	bool        whole = account->recipe->rrset.whole; /* each change is one of everything */
	const char *texts[] = { account->id, whole || value->zone == NULL ? "" : value->zone, whole ? "" : value->owner };
	uint32_t    hash = 2166136261u;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (const char *p = texts[i]; *p != '\0'; p++)
			hash = (hash ^ (unsigned char)*p) * 16777619u;
	return &e->locks[hash % LOCKS];
}

enum action { ACTION_ADD, ACTION_REMOVE, ACTION_PRESENT, ACTION_ZONE };

static bool act(struct run *run, enum action action, const struct provider_value *value, bool *ret, struct err *err)
{
	bool           records = run->recipe->model == MODEL_RECORDS, calls = run->recipe->model == MODEL_CALLS;
	struct records r;
	struct set     set;

	if (!zone_find(run, value, err))
		return false;
	switch (action) {
	case ACTION_ADD:
		return calls ? calls_change(run, true, err) : records ? records_add(run, value, err) : rrset_change(run, value, true, err);
	case ACTION_REMOVE:
		return calls ? calls_change(run, false, err) : records ? records_remove(run, err) : rrset_change(run, value, false, err);
	case ACTION_PRESENT:
		if (calls)
			return err_problem(err, ERR_PERMANENT, "not-supported", "the interface of %s lists no values", run->recipe->title);
		if (!(records ? records_list(run, &r, err) : set_read(run, &set, err)))
			return false;
		*ret = records ? r.count > 0 : set.ours;
		return true;
	case ACTION_ZONE: return true;
	}
	return false;
}

static bool act_natively(struct run *run, enum action action, const struct provider_value *value, bool *ret, struct err *err)
{
	const struct native *n = run->recipe->native;

	/* A test of a connection counts too: it is a request like others. */
	if (!memory_request(run->memory, run->account->id, run->recipe->requests, run->recipe->per_s, err))
		return false;
	switch (action) {
	case ACTION_ADD: return n->add(run, value, err);
	case ACTION_REMOVE: return n->remove(run, value, err);
	case ACTION_PRESENT: return n->present(run, value, ret, err);
	case ACTION_ZONE: return n->zone(run, value, err);
	}
	return false;
}

static bool call(struct engine *e, struct http_client *client, const struct engine_account *account, enum action action,
                 const struct provider_value *value, bool *ret, char *ret_zone, struct err *err)
{
	pthread_mutex_t *lock = lock_of(e, account, value);
	struct run       run;
	bool             ok;

	if (!run_open(&run, e->memory, client, account, value, err))
		return err_in(err, "%s", account->recipe->title);
	run.hook = e->hook;
	run.resolver = e->resolver;
	pthread_mutex_lock(lock);
	ok = (run.recipe->native != NULL ? act_natively : act)(&run, action, value, ret, err);
	pthread_mutex_unlock(lock);
	if (ok && ret_zone != NULL)
		snprintf(ret_zone, NAME_SIZE, "%s", vars_text(&run.vars, "zone").ptr);
	if (!ok) {
		vars_redact(&run.vars, err);
		err_in(err, "%s", account->recipe->title);
	}
	run_close(&run);
	return ok;
}

bool engine_add(struct engine *e, struct http_client *client, const struct engine_account *account,
                const struct provider_value *value, struct err *err)
{
	return call(e, client, account, ACTION_ADD, value, NULL, NULL, err);
}

bool engine_remove(struct engine *e, struct http_client *client, const struct engine_account *account,
                   const struct provider_value *value, struct err *err)
{
	return call(e, client, account, ACTION_REMOVE, value, NULL, NULL, err);
}

bool engine_present(struct engine *e, struct http_client *client, const struct engine_account *account,
                    const struct provider_value *value, bool *ret, struct err *err)
{
	bool present = false;

	if (!call(e, client, account, ACTION_PRESENT, value, &present, NULL, err))
		return false;
	*ret = present;
	return true;
}

bool engine_zone(struct engine *e, struct http_client *client, const struct engine_account *account,
                 const struct provider_value *value, char ret[static NAME_SIZE], struct err *err)
{
	return call(e, client, account, ACTION_ZONE, value, NULL, ret, err);
}

bool engine_enroll(struct engine *e, struct http_client *client, const struct engine_account *account, struct arena *a,
                   struct engine_credential **ret, size_t *ret_count, const char **ret_zone, struct err *err)
{
	const struct recipe        *recipe = account->recipe;
	const struct provider_value none = { "", "", "" };
	struct engine_credential   *list = arena_alloc_array(a, recipe->credentials_count + 1, sizeof(*list));
	struct run                  run;
	size_t                      count = 0;
	bool                        ok;

	*ret_count = 0;
	if (recipe->native == NULL || recipe->native->enroll == NULL)
		return true;
	if (!run_open(&run, e->memory, client, account, &none, err))
		return err_in(err, "%s", recipe->title);
	ok = recipe->native->enroll(&run, err);
	for (size_t i = 0; ok && i < recipe->credentials_count; i++) {
		struct str text = vars_text(&run.vars, recipe->credentials[i].name);

		if (text.len > 0)
			list[count++] = (struct engine_credential){ recipe->credentials[i].name, arena_str(a, text) };
	}
	if (ok && vars_find(&run.vars, STR("zone")) != NULL) {
		*ret = list;
		*ret_count = count;
		*ret_zone = arena_str(a, vars_text(&run.vars, "zone"));
	}
	if (!ok) {
		vars_redact(&run.vars, err);
		err_in(err, "%s", recipe->title);
	}
	run_close(&run);
	return ok;
}
