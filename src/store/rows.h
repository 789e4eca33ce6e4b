/*
 * store/rows.h: the rows of a query as an array of structs in an arena.
 *
 * Use      struct rows rows = ROWS(a, struct order); db_each(db, order_read, &rows, …); order_read fills
 *          the struct rows_add() gives. Then rows_take() the array or rows_first() the only one.
 */
#ifndef REEVE_STORE_ROWS_H
#define REEVE_STORE_ROWS_H

#include "store/db.h"

struct rows {
	struct arena *a;
	size_t        size, count, capacity;
	char         *items;
};

#define ROWS(arena, type) ((struct rows){ .a = (arena), .size = sizeof(type) })

void *rows_add(struct rows *rows); /* zeroed */
/* rows_take(&rows, ret, ret_count): hands over the array; true, so that a list can end with it. */
#define rows_take(rows, ret, ret_count)                                                            \
	(*(ret) = (void *)(rows)->items, *(ret_count) = (rows)->count, true)
/* Copies the first struct to ret; none is ERR_NOT_FOUND "there is no <noun> <name>". */
MUST_CHECK bool rows_first(const struct rows *rows, void *ret, struct err *err, const char *noun,
                           const char *name);

/* For statements that must have met a row: true unless changed is 0, then ERR_NOT_FOUND. */
MUST_CHECK bool rows_changed(int64_t changed, struct err *err, const char *noun, const char *name);
/* The same for INSERT … ON CONFLICT DO NOTHING: ERR_CONFLICT "already-exists". */
MUST_CHECK bool rows_inserted(int64_t changed, struct err *err, const char *noun, const char *name);

/* A db_row_fn: keeps column 0 in an int64_t. */
bool rows_int(const struct db_row *row, void *arg);

#endif
