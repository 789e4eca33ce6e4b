/*
 * Growing arrays in an arena and the three sentences every noun needs: not there, not met, taken already.
 */
#include "store/rows.h"

void *rows_add(struct rows *rows)
{
	if (rows->count == rows->capacity) {
		size_t capacity = rows->capacity == 0 ? 4 : rows->capacity * 2;
		char  *items = arena_alloc_array(rows->a, capacity, rows->size);

		if (rows->count > 0)
			memcpy(items, rows->items, rows->count * rows->size);
		rows->items = items;
		rows->capacity = capacity;
	}
	return rows->items + rows->size * rows->count++;
}

bool rows_first(const struct rows *rows, void *ret, struct err *err, const char *noun, const char *name)
{
	if (rows->count == 0)
		return rows_changed(0, err, noun, name);
	memcpy(ret, rows->items, rows->size);
	return true;
}

bool rows_changed(int64_t changed, struct err *err, const char *noun, const char *name)
{
	if (changed > 0)
		return true;
	return err_problem(err, ERR_NOT_FOUND, "not-found", "there is no %s%s%s", noun,
	                   name[0] != '\0' ? " " : "", name);
}

bool rows_inserted(int64_t changed, struct err *err, const char *noun, const char *name)
{
	if (changed > 0)
		return true;
	return err_problem(err, ERR_CONFLICT, "already-exists", "there is %s %s already", noun, name);
}

bool rows_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = db_int(row, 0);
	return true;
}
