/* provider/vars.c: a small flat set; redaction walks it. */
#include "provider/vars.h"

#include <assert.h>

#include "provider/template.h"

#define REDACT_MIN 4u /* shorter texts are in every sentence by chance */

struct var *vars_find(const struct vars *vars, struct str name)
{
	for (size_t i = 0; i < vars->count; i++)
		if (str_eq(str_c(vars->items[i].name), name))
			return (struct var *)(uintptr_t)&vars->items[i];
	return NULL;
}

struct str vars_text(const struct vars *vars, const char *name)
{
	const struct var *var = vars_find(vars, str_c(name));

	return var != NULL && var->count > 0 ? var->items[0] : STR("");
}

struct var *vars_set_list(struct vars *vars, const char *name, size_t count)
{
	struct var *var = vars_find(vars, str_c(name));

	if (var == NULL) {
		assert(vars->count < VARS_MAX);
		var = &vars->items[vars->count++];
		*var = (struct var){ .name = arena_strdup(vars->arena, name) };
	}
	var->items = arena_alloc_array(vars->arena, count + 1, sizeof(*var->items));
	var->count = count;
	var->json = NULL;
	return var;
}

struct var *vars_set(struct vars *vars, const char *name, struct str text)
{
	struct var *var = vars_set_list(vars, name, 1);

	var->items[0] = arena_dup(vars->arena, text);
	return var;
}

static void redact(char *text, struct str secret)
{
	char *at;

	if (secret.len < REDACT_MIN || str_has_nul(secret))
		return;
	while ((at = strstr(text, secret.ptr)) != NULL) {
		memset(at, '*', 3);
		memmove(at + 3, at + secret.len, strlen(at + secret.len) + 1);
	}
}

void vars_redact(const struct vars *vars, struct err *err)
{
	if (err == NULL)
		return;
	for (size_t i = 0; i < vars->count; i++) {
		const struct var *var = &vars->items[i];

		for (size_t k = 0; var->secret && k < var->count; k++) {
			struct str url = template_escape(vars->arena, TEMPLATE_URL, var->items[k]);

			redact(err->text, var->items[k]);
			redact(err->hint, var->items[k]);
			redact(err->text, url);
			redact(err->hint, url);
		}
	}
}
