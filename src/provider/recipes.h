/*
 * provider/recipes.h: all recipes there are: those of the binary, and those a user put into `providers.d/`.
 *
 * User     a file *.json replaces the recipe of the same id. A file with an error stops nobody: its provider is listed
 *          with the error, and an embedded recipe of that id stays out of use until the file is right.
 * Names    ids, and aliases as CertMate, Infisical and lego spell them; case ignored. An id is found before any alias.
 * Threads  read by any once loaded.
 */
#ifndef REEVE_PROVIDER_RECIPES_H
#define REEVE_PROVIDER_RECIPES_H

#include "provider/recipe.h"

#define RECIPES_FILES_MAX 1024u

/* The files of providers/, as they were when the binary was built. */
struct recipe_source {
	const char *file, *text;
	size_t      len;
};
extern const struct recipe_source recipe_sources[];
extern const size_t               recipe_sources_count;

struct recipes;

struct recipes_row {
	const char          *id, *file;
	const struct recipe *recipe; /* NULL: unusable, for this reason */
	struct err           err;
};

/* `folder` may be NULL or absent. Fails only when an embedded recipe is wrong or the folder cannot be read. */
MUST_CHECK bool recipes_load(const char *folder, struct recipes **ret, struct err *err);
void            recipes_free(struct recipes *all); /* NULL is fine */
void            recipes_freep(struct recipes **all);

size_t                    recipes_count(const struct recipes *all);
const struct recipes_row *recipes_at(const struct recipes *all, size_t index);
/* ERR_INPUT "no-connection" for an unknown name; the recipe's own error for one that is unusable. */
MUST_CHECK bool recipes_find(const struct recipes *all, const char *name, const struct recipe **ret, struct err *err);

#endif
