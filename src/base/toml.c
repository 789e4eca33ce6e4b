/*
 * base/toml.c: a reader for the configuration file, line by line. It knows the subset of the header and refuses the
 * rest of TOML with the place, so that nobody's setting is silently something else.
 */
#include "base/toml.h"

#include "base/buf.h"

#define ENTRIES_MAX 4096u
#define ITEMS_MAX   4096u
#define STRING_MAX  65536u

struct reader {
	struct arena      *arena;
	struct str         text;
	size_t             at;
	uint32_t           line;
	size_t             line_start;
	const char        *section;
	const char       **sections; /* seen so far */
	size_t             sections_count;
	struct toml_entry *entries;
	size_t             entries_count;
	struct err        *err;
};

/* The byte under the cursor; '\0' at the end (and for a NUL, which no rule accepts). */
static char peek(const struct reader *r)
{
	return r->at < r->text.len ? r->text.ptr[r->at] : '\0';
}

static bool at_end(const struct reader *r)
{
	return r->at >= r->text.len;
}

static uint32_t column(const struct reader *r)
{
	return (uint32_t)(r->at - r->line_start + 1);
}

static bool refuse(const struct reader *r, const char *reason)
{
	return err_problem(r->err, ERR_INPUT, "invalid-request", "line %u, column %u: %s", r->line,
	                   column(r), reason);
}

static void skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t')
		r->at++;
}

static bool is_newline(const struct reader *r)
{
	return peek(r) == '\n' ||
	       (peek(r) == '\r' && r->at + 1 < r->text.len && r->text.ptr[r->at + 1] == '\n');
}

static void take_newline(struct reader *r)
{
	r->at += peek(r) == '\r' ? 2 : 1;
	r->line++;
	r->line_start = r->at;
}

/* A control byte or broken UTF-8 is refused in comments too, as TOML does. */
static bool take_character(struct reader *r)
{
	size_t len = str_utf8(str_of(r->text.ptr + r->at, r->text.len - r->at));

	if (len == 0)
		return refuse(r, "not UTF-8");
	if ((unsigned char)peek(r) < 0x20 && peek(r) != '\t')
		return refuse(r, "a control character");
	if (peek(r) == 0x7f)
		return refuse(r, "a control character");
	r->at += len;
	return true;
}

static bool skip_comment(struct reader *r)
{
	if (peek(r) != '#')
		return true;
	while (!at_end(r) && !is_newline(r)) {
		if (!take_character(r))
			return false;
	}
	return true;
}

/* What may stand behind a value or a section: blanks, a comment, the end of the line. */
static bool finish_line(struct reader *r)
{
	skip_blanks(r);
	if (!skip_comment(r))
		return false;
	if (at_end(r))
		return true;
	if (!is_newline(r))
		return refuse(r, "the line should end here");
	take_newline(r);
	return true;
}

/* Blanks, comments and line ends: between the items of an array. */
static bool skip_space(struct reader *r)
{
	for (;;) {
		skip_blanks(r);
		if (!skip_comment(r))
			return false;
		if (!is_newline(r))
			return true;
		take_newline(r);
	}
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static bool read_bare(struct reader *r, const char *reason, const char **ret)
{
	size_t start = r->at;

	while (is_bare(peek(r)))
		r->at++;
	if (r->at == start)
		return refuse(r, reason);
	*ret = arena_str(r->arena, str_of(r->text.ptr + start, r->at - start));
	return true;
}

static bool read_unicode(struct reader *r, size_t digits, struct buf *b)
{
	uint32_t value = 0;

	for (size_t i = 0; i < digits; i++, r->at++) {
		char c = peek(r);

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value << 4 | (uint32_t)(c - 'A' + 10);
		else
			return refuse(r, "a hexadecimal digit should be here");
	}
	if (value == 0)
		return refuse(r, "a string cannot have a NUL inside");
	if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return refuse(r, "not a Unicode character");
	buf_add_utf8(b, value);
	return true;
}

static bool read_escape(struct reader *r, struct buf *b)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char       *at;

	r->at++;
	if (peek(r) == 'u' || peek(r) == 'U')
		return read_unicode(r, r->text.ptr[r->at++] == 'u' ? 4 : 8, b);
	at = peek(r) != '\0' ? strchr(from, peek(r)) : NULL;
	if (at == NULL)
		return refuse(r, "not an escape of TOML; write \\\\ for a backslash, or use '…'");
	buf_add_char(b, to[at - from]);
	r->at++;
	return true;
}

static bool read_string_into(struct reader *r, struct buf *b)
{
	char quote = peek(r);

	r->at++;
	if (peek(r) == quote && r->at + 1 < r->text.len && r->text.ptr[r->at + 1] == quote)
		return refuse(r, "strings of several lines are not supported");
	while (peek(r) != quote) {
		size_t start = r->at;

		if (at_end(r) || is_newline(r))
			return refuse(r, "the string has no end on its line");
		if (peek(r) == '\\' && quote == '"') {
			if (!read_escape(r, b))
				return false;
			continue;
		}
		if (!take_character(r))
			return false;
		buf_add(b, r->text.ptr + start, r->at - start);
	}
	r->at++;
	return !b->failed || refuse(r, "the string is over 64 KiB");
}

static bool read_string(struct reader *r, const char **ret)
{
	AUTO(buf_wipe) struct buf b;

	buf_init(&b, STRING_MAX);
	if (!read_string_into(r, &b))
		return false;
	*ret = arena_str(r->arena, buf_str(&b));
	return true;
}

static bool read_integer(struct reader *r, int64_t *ret)
{
	bool       negative = peek(r) == '-';
	size_t     start;
	struct str digits;
	uint64_t   value;

	if (negative || peek(r) == '+')
		r->at++;
	start = r->at;
	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	digits = str_of(r->text.ptr + start, r->at - start);
	if (digits.len == 0)
		return refuse(r, "a quoted string, integer, boolean or array should be here");
	if (is_bare(peek(r)) || peek(r) == '.' || peek(r) == ':')
		return refuse(r,
		              "only decimal integers are supported; write other values in quotes");
	if (digits.len > 1 && digits.ptr[0] == '0')
		return refuse(r, "an integer cannot begin with 0");
	if (!str_to_u64(digits, &value) || value > (uint64_t)INT64_MAX)
		return refuse(r, "the integer is too large");
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool read_array(struct reader *r, struct toml_entry *entry)
{
	const char **items = NULL;
	size_t       count = 0, cap = 0;

	r->at++;
	for (;;) {
		if (!skip_space(r))
			return false;
		if (peek(r) == ']')
			break;
		if (peek(r) != '"' && peek(r) != '\'')
			return refuse(r, "a string in quotes or ] should be here");
		if (count == ITEMS_MAX)
			return refuse(r, "more than 4096 items");
		if (count == cap) {
			const char **more = arena_alloc_array(r->arena, cap * 2 + 8, sizeof(*more));

			if (count > 0)
				memcpy(more, items, count * sizeof(*more));
			items = more;
			cap = cap * 2 + 8;
		}
		if (!read_string(r, &items[count++]) || !skip_space(r))
			return false;
		if (peek(r) == ',')
			r->at++;
		else if (peek(r) != ']')
			return refuse(r, "a comma or ] should be here");
	}
	r->at++;
	entry->items = items;
	entry->items_count = count;
	return true;
}

static bool take_word(struct reader *r, struct str word)
{
	struct str rest = str_of(r->text.ptr + r->at, r->text.len - r->at);

	if (!str_starts(rest, word) || (rest.len > word.len && is_bare(rest.ptr[word.len])))
		return false;
	r->at += word.len;
	return true;
}

static bool read_value(struct reader *r, struct toml_entry *entry)
{
	if (peek(r) == '"' || peek(r) == '\'') {
		entry->type = TOML_STRING;
		return read_string(r, &entry->string);
	}
	if (peek(r) == '[') {
		entry->type = TOML_ARRAY;
		return read_array(r, entry);
	}
	entry->type = TOML_BOOLEAN;
	if (take_word(r, STR("true"))) {
		entry->boolean = true;
		return true;
	}
	if (take_word(r, STR("false")))
		return true;
	entry->type = TOML_INTEGER;
	return read_integer(r, &entry->integer);
}

static const struct toml_entry *find(const struct toml_entry *entries, size_t count,
                                     const char *section, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(entries[i].section, section) == 0 && strcmp(entries[i].key, key) == 0)
			return &entries[i];
	}
	return NULL;
}

static bool read_entry(struct reader *r)
{
	struct toml_entry entry = { .section = r->section, .line = r->line, .column = column(r) };

	if (!read_bare(r, "a key, a [section] or a comment should be here", &entry.key))
		return false;
	if (find(r->entries, r->entries_count, entry.section, entry.key) != NULL)
		return toml_refuse(&entry, r->err, "\"%s\" was set before", entry.key);
	skip_blanks(r);
	if (peek(r) == '.')
		return refuse(r, "dotted keys are not supported; use a [section]");
	if (peek(r) != '=')
		return refuse(r, "= should be here");
	r->at++;
	skip_blanks(r);
	if (!read_value(r, &entry))
		return false;
	if (r->entries_count == ENTRIES_MAX)
		return refuse(r, "more than 4096 settings");
	r->entries[r->entries_count++] = entry;
	return finish_line(r);
}

static bool read_section(struct reader *r)
{
	const char *name;

	r->at++;
	if (peek(r) == '[')
		return refuse(r, "arrays of tables are not supported");
	skip_blanks(r);
	if (!read_bare(r, "the name of a section should be here", &name))
		return false;
	for (size_t i = 0; i < r->sections_count; i++) {
		if (strcmp(r->sections[i], name) == 0)
			return refuse(r, "this section was there before");
	}
	skip_blanks(r);
	if (peek(r) == '.')
		return refuse(r, "nested sections are not supported");
	if (peek(r) != ']')
		return refuse(r, "] should be here");
	r->at++;
	if (r->sections_count == ENTRIES_MAX)
		return refuse(r, "more than 4096 sections");
	r->sections[r->sections_count++] = name;
	r->section = name;
	return finish_line(r);
}

bool toml_parse(struct arena *a, struct str text, struct toml *ret, struct err *err)
{
	struct reader r = { .arena = a, .text = text, .line = 1, .section = "", .err = err };
	size_t        lines = 1;

	if (text.len > TOML_SIZE_MAX)
		return err_problem(err, ERR_INPUT, "too-large",
		                   "%zu bytes of configuration; at most %u are read", text.len,
		                   TOML_SIZE_MAX);
	/* A setting or section takes a line, so the lines bound both. */
	for (size_t i = 0; i < text.len && lines < ENTRIES_MAX; i++)
		lines += text.ptr[i] == '\n';
	r.entries = arena_alloc_array(a, lines, sizeof(*r.entries));
	r.sections = arena_alloc_array(a, lines, sizeof(*r.sections));
	while (!at_end(&r)) {
		skip_blanks(&r);
		if (peek(&r) == '[') {
			if (!read_section(&r))
				return false;
		} else if (peek(&r) == '#' || is_newline(&r) || at_end(&r)) {
			if (!finish_line(&r))
				return false;
		} else if (!read_entry(&r)) {
			return false;
		}
	}
	*ret = (struct toml){ .entries = r.entries, .entries_count = r.entries_count };
	return true;
}

const struct toml_entry *toml_find(const struct toml *toml, const char *section, const char *key)
{
	return find(toml->entries, toml->entries_count, section, key);
}

bool toml_refuse(const struct toml_entry *entry, struct err *err, const char *format, ...)
{
	char    reason[512];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return err_problem(err, ERR_INPUT, "invalid-request", "line %u, column %u: %s", entry->line,
	                   entry->column, reason);
}

const char *toml_type_name(enum toml_type type)
{
	switch (type) {
	case TOML_STRING: return "a string";
	case TOML_INTEGER: return "an integer";
	case TOML_BOOLEAN: return "true or false";
	case TOML_ARRAY: return "an array of strings";
	}
	return "a value";
}
