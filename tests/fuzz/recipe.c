/* Fuzz target: a recipe that is accepted has what the engine relies on; one that is not says where it is wrong. */
#include <assert.h>

#include "provider/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_step(const struct recipe_step *step)
{
	assert(step->url != NULL && step->url[0] != '\0' && strchr(step->url, '?') == NULL);
	assert(step->method != HTTP_GET || step->body == BODY_NONE);
	assert((step->content_type != NULL) == (step->body == BODY_TEXT));
	assert((step->json != NULL) == (step->body == BODY_JSON));
	for (size_t i = 0; i < step->rules_count; i++)
		assert(step->rules[i].status_min >= 200 && step->rules[i].status_max <= 599 &&
		       step->rules[i].status_min <= step->rules[i].status_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(recipe_freep) struct recipe *recipe = NULL;
	struct err                        err = { 0 };

	if (!recipe_read(str_of(data, size), "f", &recipe, &err)) {
		assert(recipe == NULL && err.class == ERR_INPUT && err.text[0] == 'f');
		return 0;
	}
	assert(recipe->id[0] != '\0' && recipe->ttl > 0);
	assert((recipe->zone.find == ZONE_NONE || recipe->zone.find == ZONE_OWNER) == (recipe->zone.step.url == NULL));
	if (recipe->zone.step.url != NULL)
		check_step(&recipe->zone.step);
	if (recipe->model == MODEL_RECORDS) {
		check_step(&recipe->records.list);
		check_step(&recipe->records.create);
		check_step(&recipe->records.remove);
	} else if (recipe->model == MODEL_CALLS) {
		check_step(&recipe->calls.add);
		check_step(&recipe->calls.remove);
		assert(recipe->calls.holds >= 0);
	} else {
		check_step(&recipe->rrset.get);
		check_step(&recipe->rrset.replace);
		/* A whole zone is only ever replaced, and only what is ours is ever changed in it. */
		assert(recipe->rrset.whole == (recipe->rrset.create.url == NULL) && recipe->rrset.whole == (recipe->rrset.mine.count > 0));
		if (!recipe->rrset.whole) {
			check_step(&recipe->rrset.create);
			check_step(&recipe->rrset.remove);
		}
	}
	return 0;
}
