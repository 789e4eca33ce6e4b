/*
 * provider/recipe_reader.h: the recipe under construction, and readers of the small parts. For recipe.c and recipe_step.c.
 *
 * All return false with the error set and `at` on the member that is wrong.
 */
#ifndef REEVE_PROVIDER_RECIPE_READER_H
#define REEVE_PROVIDER_RECIPE_READER_H

#include "provider/recipe.h"

/* The recipe under construction; `at` is the member that is wrong once something is. */
struct reader {
	struct recipe *recipe;
	struct arena  *arena;
	struct vars    known;  /* what templates may name at this point */
	const char    *at;
	struct err    *err;
};

PRINTF_LIKE(3, 4) bool reader_bad(struct reader *r, const char *at, const char *format, ...);
const char *reader_under(struct reader *r, const char *at, const char *member);
bool reader_bind(struct reader *r, const char *at, const json_t *object, const struct json_field *fields,
                size_t count, void *ret);

/* A variable that something must use from here on; know_own: one of the engine's. */
bool reader_know(struct reader *r, const char *at, const char *name);
void reader_know_own(struct reader *r, const char *name);

bool reader_template(struct reader *r, const char *at, const char *text); /* NULL is fine; likewise below */
bool reader_path(struct reader *r, const char *at, const char *path);
bool reader_pairs(struct reader *r, const char *at, const json_t *object, struct recipe_pairs *ret);
bool reader_templates(struct reader *r, const char *at, const struct recipe_pairs *pairs);
/* name -> path: each name becomes a variable. */
bool reader_saves(struct reader *r, const char *at, const struct recipe_pairs *pairs);
/* path -> text. */
bool reader_where(struct reader *r, const char *at, const struct recipe_pairs *pairs);
bool reader_rules(struct reader *r, const char *at, const json_t *list, struct recipe_rule **ret, size_t *ret_count);

enum step_may { STEP_PLAIN = 0, STEP_PAGED = 1, STEP_SAVES = 2, STEP_SAVES_HEADERS = 4, STEP_NUMBERED = 8 };

/* What the step saves is known from here on. */
bool reader_step(struct reader *r, const char *at, const json_t *json, unsigned may, struct recipe_step *ret);

#endif
