/*
 * cli/output.h: what people read: aligned tables, times as people say them.
 *
 * Bytes    text from a server is printed with its control bytes as '?': it must not drive the terminal.
 * Times    `now_ms` is a parameter, so that the words can be tested.
 */
#ifndef REEVE_CLI_OUTPUT_H
#define REEVE_CLI_OUTPUT_H

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

#define TABLE_COLUMNS_MAX 10

struct table {
	struct arena      *arena;
	const char *const *head; /* NULL: without */
	size_t             columns;
	const char       **cells; /* row after row */
	size_t             count, cap;
};

void table_init(struct table *t, struct arena *a, const char *const *head, size_t columns);
/* One cell after the other; NULL and "" show as "-". */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *format, ...) PRINTF_LIKE(2, 3);
/* Two blanks between the columns, `indent` in front, nothing behind. */
void table_print(const struct table *t, FILE *out, unsigned indent);

/* The text without control bytes; NULL is "". */
const char *shown_text(struct arena *a, const char *text);
/* Columns on a terminal: UTF-8 sequences count once. */
size_t shown_width(const char *text);

/* "2026-11-22 14:03 UTC"; "-" for NULL and for what is no time. */
const char *shown_time(struct arena *a, const char *rfc3339);
/* "in 59 days", "3 minutes ago", "now". */
const char *shown_distance(struct arena *a, int64_t at_ms, int64_t now_ms);
const char *shown_distance_of(struct arena *a, const char *rfc3339, int64_t now_ms);
/* "+0.012 s", "+4 min 03 s", "+2 h 05 min". */
const char *shown_offset(struct arena *a, int64_t ms);

#endif
