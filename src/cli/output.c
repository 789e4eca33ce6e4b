/*
 * output.c: tables and times for people. Nothing here knows what is printed.
 */
#include "cli/output.h"

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

const char *shown_text(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text != NULL ? text : "");

	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	/* C1 controls in UTF-8: 0xc2 0x80..0x9f. */
	for (unsigned char *p = (unsigned char *)copy; *p != '\0'; p++)
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			*p = p[1] = '?';
	return copy;
}

size_t shown_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* ---- tables ---- */

void table_init(struct table *t, struct arena *a, const char *const *head, size_t columns)
{
	*t = (struct table){ .arena = a, .head = head, .columns = columns };
}

void table_cell(struct table *t, const char *text)
{
	if (t->count == t->cap) {
		size_t       cap = t->cap == 0 ? 64 : t->cap * 2;
		const char **cells = arena_alloc_array(t->arena, cap, sizeof(*cells));

		if (t->count > 0)
			memcpy(cells, t->cells, t->count * sizeof(*cells));
		t->cells = cells;
		t->cap = cap;
	}
	t->cells[t->count++] = text != NULL && text[0] != '\0' ? shown_text(t->arena, text) : "-";
}

void table_cellf(struct table *t, const char *format, ...)
{
	char    text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	table_cell(t, text);
}

static void print_row(const struct table *t, FILE *out, const char *const *row, const size_t *widths, unsigned indent)
{
	size_t last = t->columns, blanks = indent;

	/* Blanks are owed until something stands behind them: no line ends in one. */
	while (last > 0 && row[last - 1][strspn(row[last - 1], " ")] == '\0')
		last--;
	for (size_t i = 0; i < last; i++) {
		fprintf(out, "%*s%s", (int)blanks, "", row[i]);
		blanks = widths[i] - shown_width(row[i]) + 2;
	}
	fputc('\n', out);
}

void table_print(const struct table *t, FILE *out, unsigned indent)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 };

	for (size_t i = 0; t->head != NULL && i < t->columns; i++)
		widths[i] = shown_width(t->head[i]);
	for (size_t i = 0; i < t->count; i++) {
		size_t width = shown_width(t->cells[i]);

		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	if (t->head != NULL)
		print_row(t, out, t->head, widths, indent);
	for (size_t i = 0; i + t->columns <= t->count; i += t->columns)
		print_row(t, out, t->cells + i, widths, indent);
}

/* ---- times ---- */

const char *shown_time(struct arena *a, const char *rfc3339)
{
	char    text[CLOCK_RFC3339_SIZE];
	int64_t at;

	if (rfc3339 == NULL || !clock_parse_rfc3339(str_c(rfc3339), &at))
		return "-";
	clock_rfc3339(at, text);
	return arena_printf(a, "%.10s %.5s UTC", text, text + 11);
}

static const char *units(struct arena *a, int64_t count, const char *unit)
{
	return arena_printf(a, "%lld %s%s", (long long)count, unit, count == 1 ? "" : "s");
}

const char *shown_distance(struct arena *a, int64_t at_ms, int64_t now_ms)
{
	int64_t     ms = at_ms > now_ms ? at_ms - now_ms : now_ms - at_ms;
	const char *text;

	if (ms < SECOND_MS)
		return "now";
	if (ms < 2 * MINUTE_MS)
		text = units(a, ms / SECOND_MS, "second");
	else if (ms < 2 * HOUR_MS)
		text = units(a, ms / MINUTE_MS, "minute");
	else if (ms < 2 * DAY_MS)
		text = units(a, (ms + HOUR_MS / 2) / HOUR_MS, "hour");
	else
		text = units(a, (ms + DAY_MS / 2) / DAY_MS, "day");
	return arena_printf(a, at_ms > now_ms ? "in %s" : "%s ago", text);
}

const char *shown_distance_of(struct arena *a, const char *rfc3339, int64_t now_ms)
{
	int64_t at;

	if (rfc3339 == NULL || !clock_parse_rfc3339(str_c(rfc3339), &at))
		return "-";
	return shown_distance(a, at, now_ms);
}

const char *shown_offset(struct arena *a, int64_t ms)
{
	const char *sign = ms < 0 ? "-" : "+";
	long long   n = ms < 0 ? -(long long)ms : (long long)ms;

	if (n < 2 * MINUTE_MS)
		return arena_printf(a, "%s%lld.%03lld s", sign, n / SECOND_MS, n % SECOND_MS);
	if (n < 2 * HOUR_MS)
		return arena_printf(a, "%s%lld min %02lld s", sign, n / MINUTE_MS, n % MINUTE_MS / SECOND_MS);
	if (n < 2 * DAY_MS)
		return arena_printf(a, "%s%lld h %02lld min", sign, n / HOUR_MS, n % HOUR_MS / MINUTE_MS);
	return arena_printf(a, "%s%lld d %02lld h", sign, n / DAY_MS, n % DAY_MS / HOUR_MS);
}
