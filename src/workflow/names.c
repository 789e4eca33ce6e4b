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

/* How many of the left stand on the right; each side has a name once. */
static bool common(struct arena *a, const char *left, const char *right, size_t *ret_count, size_t *ret_left, size_t *ret_right,
                   struct err *err)
{
	const struct identifier *l, *r;

	if (!names_split(a, left, &l, ret_left, err) || !names_split(a, right, &r, ret_right, err))
		return false;
	*ret_count = 0;
	for (size_t i = 0; i < *ret_left; i++)
		for (size_t k = 0; k < *ret_right; k++)
			*ret_count += strcmp(l[i].value, r[k].value) == 0;
	return true;
}

bool names_share(struct arena *a, const char *left, const char *right, bool *ret, struct err *err)
{
	size_t count, l, r;

	if (!common(a, left, right, &count, &l, &r, err))
		return false;
	*ret = count > 0;
	return true;
}

bool names_same(struct arena *a, const char *left, const char *right, bool *ret, struct err *err)
{
	size_t count, l, r;

	if (!common(a, left, right, &count, &l, &r, err))
		return false;
	*ret = count == l && count == r;
	return true;
}
