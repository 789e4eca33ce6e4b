/*
 * provider/pages.c: a listing, page by page. A page is an exchange of its own; where the next one is, the answer says, and
 * it must be on the same host.
 */
#include "base/buf.h"
#include "net/url.h"
#include "provider/path.h"
#include "provider/run.h"
#include "provider/template.h"

struct pages {
	const struct recipe_page *page;
	int64_t                   number;
	const char               *extra, *next;
};

static void pages_first(struct run *run, struct pages *p)
{
	if (p->page->kind == PAGE_NUMBER) {
		p->number = p->page->first;
		p->extra = arena_printf(run->arena, "%s=%lld", p->page->number, (long long)p->number);
	}
}

static void next_by_cursor(struct run *run, struct pages *p, const json_t *json, bool *ret_more)
{
	const char *text;
	struct buf  b;

	*ret_more = false;
	if (p->page->more != NULL) {
		text = path_first(run->arena, json, p->page->more);
		if (text == NULL || strcmp(text, "true") != 0)
			return;
	}
	buf_init(&b, URL_MAX);
	for (size_t i = 0; i < p->page->cursor.count; i++) {
		struct str value;

		text = path_first(run->arena, json, p->page->cursor.items[i].value);
		if (text == NULL || text[0] == '\0')
			continue;
		value = template_escape(run->arena, TEMPLATE_URL, str_c(text));
		buf_printf(&b, "%s%s=%.*s", b.len > 0 ? "&" : "", p->page->cursor.items[i].name, STR_ARG(value));
	}
	*ret_more = b.len > 0 && !b.failed;
	p->extra = arena_str(run->arena, buf_str(&b));
	buf_clear(&b);
}

static bool pages_next(struct run *run, struct pages *p, const json_t *json, size_t items)
{
	const char *text;
	uint64_t    last;
	bool        more = false;

	switch (p->page->kind) {
	case PAGE_NONE: return false;
	case PAGE_NEXT:
		p->next = json != NULL ? path_first(run->arena, json, p->page->next) : NULL;
		return p->next != NULL && p->next[0] != '\0';
	case PAGE_CURSOR:
		if (json != NULL)
			next_by_cursor(run, p, json, &more);
		return more;
	case PAGE_NUMBER:
		if (p->page->last != NULL) {
			text = json != NULL ? path_first(run->arena, json, p->page->last) : NULL;
			more = text != NULL && str_to_u64(str_c(text), &last) && last > (uint64_t)p->number + (p->page->first == 0);
		} else {
			more = items >= (size_t)p->page->size;
		}
		p->number += p->page->step;
		p->extra = arena_printf(run->arena, "%s=%lld", p->page->number, (long long)p->number);
		return more;
	}
	return false;
}

/* A cursor names a place in the listing: it takes the place of the parameter of the first request. */
static const struct recipe_step *without_cursor(struct run *run, const struct recipe_step *step)
{
	struct recipe_step *copy = arena_alloc(run->arena, sizeof(*copy));

	*copy = *step;
	copy->query.items = arena_alloc_array(run->arena, step->query.count + 1, sizeof(*copy->query.items));
	copy->query.count = 0;
	for (size_t i = 0; i < step->query.count; i++) {
		bool replaced = false;

		for (size_t k = 0; k < step->page.cursor.count; k++)
			replaced = replaced || strcmp(step->page.cursor.items[k].name, step->query.items[i].name) == 0;
		if (!replaced)
			copy->query.items[copy->query.count++] = step->query.items[i];
	}
	return copy;
}

bool run_pages(struct run *run, const struct recipe_step *step, const char *items,
               bool (*each)(struct run *run, const struct answer *answer, void *arg, struct err *err), void *arg,
               struct answer *ret_last, struct err *err)
{
	const struct recipe_step *follow = step->page.kind == PAGE_CURSOR ? without_cursor(run, step) : step;
	struct pages              p = { .page = &step->page };

	pages_first(run, &p);
	for (unsigned i = 0; i < RUN_PAGES_MAX; i++) {
		const json_t **found;
		size_t         count = 0;

		if (!run_exchange(run, i == 0 ? step : follow, p.extra, p.next, ret_last, err))
			return false;
		if (ret_last->means == MEANS_ABSENT && i == 0)
			return true;
		if (ret_last->means != MEANS_OK)
			return run_refused(run, ret_last, err);
		if (!each(run, ret_last, arg, err))
			return false;
		if (items != NULL && ret_last->json != NULL)
			count = path_select(run->arena, ret_last->json, items, &found);
		if (!pages_next(run, &p, ret_last->json, count))
			return true;
	}
	return err_problem(err, ERR_PERMANENT, "provider-refused", "%s has more than %u pages", ret_last->place,
	       RUN_PAGES_MAX);
}
