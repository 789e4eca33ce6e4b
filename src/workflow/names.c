/* workflow/names.c: see names.h. */
#include "workflow/names.h"

#include "acme/order.h"

bool names_split(struct arena *a, const char *names, const struct identifier **ret, size_t *ret_count, struct err *err)
{
	struct identifier *list = arena_alloc_array(a, ACME_IDENTIFIERS_MAX, sizeof(*list));
	struct str         rest = str_c(names), field;
	size_t             count = 0;

	while (str_next(&rest, ' ', &field)) {
		if (count == ACME_IDENTIFIERS_MAX)
			return err_problem(err, ERR_INPUT, "invalid-request", "more than %d names", ACME_IDENTIFIERS_MAX);
		if (!identifier_parse(field, &list[count], err))
			return false;
		count++;
	}
	*ret = list;
	*ret_count = count;
	return true;
}

const char *names_join(struct arena *a, const struct identifier *names, size_t count)
{
	const char *joined = "";

	for (size_t i = 0; i < count; i++)
		joined = arena_printf(a, "%s%s%s", joined, i > 0 ? " " : "", names[i].value);
	return joined;
}
