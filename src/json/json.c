/*
 * json/json.c: jansson behind our bounds. A scan over the text counts and measures first, because jansson would
 * build the whole tree before anybody could object, and only the scan knows line and column of what is too much.
 * The scan needs to be right for valid JSON only: what is not JSON, jansson refuses.
 */
#include "json/json.h"

#include "base/buf.h"

struct scan {
	struct str text;
	size_t     at;
	size_t     values, values_max;
	unsigned   depth;
	uint32_t   line;
	size_t     line_start;
};

static bool refuse(const struct scan *s, size_t at, struct err *err, const char *reason)
{
	size_t column = 1;

	/* Characters, as jansson counts them: bytes that do not continue one. */
	for (size_t i = s->line_start; i < at && i < s->text.len; i++)
		column += ((unsigned char)s->text.ptr[i] & 0xc0) != 0x80;
	return err_problem(err, ERR_INPUT, "invalid-json", "line %u, column %zu: %s", s->line,
	                   column, reason);
}

/* Bytes of UTF-8 that the four digits behind \u give; each half of a surrogate pair gives half of four. */
static size_t escape_len(struct str digits)
{
	char     text[5] = { 0 };
	unsigned value;

	memcpy(text, digits.ptr, digits.len < 4 ? digits.len : 4);
	value = (unsigned)strtoul(text, NULL, 16);
	if (value < 0x80)
		return 1;
	return value < 0x800 || (value >= 0xd800 && value <= 0xdfff) ? 2 : 3;
}

/* From the opening quote to behind the closing one; *ret_len is the length once unescaped. */
static void scan_string(struct scan *s, size_t *ret_len)
{
	size_t len = 0;

	for (s->at++; s->at < s->text.len && s->text.ptr[s->at] != '"'; s->at++, len++) {
		if (s->text.ptr[s->at] != '\\' || s->at + 1 >= s->text.len)
			continue;
		s->at++;
		if (s->text.ptr[s->at] == 'u') {
			size_t left = s->text.len - s->at - 1;

			len += escape_len(str_of(s->text.ptr + s->at + 1, left)) - 1;
			s->at += left < 4 ? left : 4;
		}
	}
	if (s->at < s->text.len)
		s->at++;
	*ret_len = len;
}

static bool is_key(const struct scan *s)
{
	for (size_t i = s->at; i < s->text.len; i++) {
		char c = s->text.ptr[i];

		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return c == ':';
	}
	return false;
}

static bool scan_text(struct scan *s, struct err *err)
{
	size_t start = s->at, len;

	scan_string(s, &len);
	if (is_key(s)) {
		s->values--; /* the member is its value's, not one more */
		return len <= JSON_KEY_MAX ||
		       refuse(s, start, err, "the name of the member is over 256 bytes");
	}
	return len <= JSON_STRING_MAX || refuse(s, start, err, "the string is over 64 KiB");
}

/* A number, or one of the words true, false and null: everything up to the next punctuation. */
static bool scan_plain(struct scan *s, struct err *err)
{
	size_t     start = s->at;
	struct str word;
	uint64_t   size;
	bool       integer = true;

	while (s->at < s->text.len && strchr(" \t\r\n,:[]{}\"", s->text.ptr[s->at]) == NULL)
		s->at++;
	/* strchr finds a NUL too, and a stray byte must still move the scan on. */
	if (s->at == start)
		s->at++;
	word = str_of(s->text.ptr + start, s->at - start);
	if (str_starts(word, STR("-")))
		word = str_of(word.ptr + 1, word.len - 1);
	for (size_t i = 0; i < word.len; i++)
		integer = integer && word.ptr[i] >= '0' && word.ptr[i] <= '9';
	if (word.len == 0 || !integer)
		return true;
	if (!str_to_u64(word, &size) || size > (uint64_t)JSON_INT_MAX)
		return refuse(s, start, err, "the integer is beyond 2^53");
	return true;
}

static bool scan_value(struct scan *s, struct err *err)
{
	char c = s->text.ptr[s->at];

	if (++s->values > s->values_max) {
		char reason[64];

		snprintf(reason, sizeof(reason), "more than %zu values", s->values_max);
		return refuse(s, s->at, err, reason);
	}
	if (c == '"')
		return scan_text(s, err);
	if (c != '{' && c != '[')
		return scan_plain(s, err);
	if (++s->depth > JSON_DEPTH_MAX)
		return refuse(s, s->at, err, "more than 16 levels deep");
	s->at++;
	return true;
}

static bool scan(struct scan *s, struct err *err)
{
	while (s->at < s->text.len) {
		switch (s->text.ptr[s->at]) {
		case '\n':
			s->line++;
			s->line_start = ++s->at;
			break;
		case '}':
		case ']': s->depth -= s->depth > 0; FALLTHROUGH;
		case ' ':
		case '\t':
		case '\r':
		case ',':
		case ':': s->at++; break;
		default:
			if (!scan_value(s, err))
				return false;
		}
	}
	return true;
}

bool json_read(struct str text, size_t size_max, json_t **ret, struct err *err)
{
	return json_read_many(text, size_max, JSON_VALUES_MAX, ret, err);
}

bool json_read_many(struct str text, size_t size_max, size_t values_max, json_t **ret, struct err *err)
{
	struct scan  s = { .text = text, .line = 1, .values_max = values_max };
	json_error_t why = { 0 };
	json_t      *json;

	if (text.len > size_max)
		return err_problem(err, ERR_INPUT, "too-large",
		                   "%zu bytes of JSON; at most %zu are read", text.len, size_max);
	if (!scan(&s, err))
		return false;
	/* jansson wants a pointer even for nothing. */
	json = json_loadb(text.len > 0 ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &why);
	if (json == NULL)
		return err_problem(err, ERR_INPUT, "invalid-json", "line %d, column %d: %s",
		                   why.line > 0 ? why.line : 1, why.column > 0 ? why.column : 1,
		                   why.text);
	*ret = json;
	return true;
}

static int add_to_buf(const char *bytes, size_t len, void *buf)
{
	buf_add(buf, bytes, len);
	return 0;
}

static char *write_with(struct arena *a, const json_t *json, size_t flags, const char *end)
{
	struct buf b;
	char      *ret;

	buf_init(&b, SIZE_MAX / 4);
	/* Our own values always have a text: jansson checked the UTF-8 when they were made. */
	if (json_dump_callback(json, add_to_buf, &b, flags | JSON_ENCODE_ANY) != 0)
		abort();
	buf_add_c(&b, end);
	ret = arena_str(a, buf_str(&b));
	buf_wipe(&b);
	return ret;
}

char *json_write(struct arena *a, const json_t *json)
{
	return write_with(a, json, JSON_COMPACT | JSON_REAL_PRECISION(15), "");
}

char *json_write_pretty(struct arena *a, const json_t *json)
{
	return write_with(a, json, JSON_INDENT(2), "\n");
}

const char *json_str(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
		return NULL;
	return json_string_value(value);
}

int64_t json_int(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool json_bool(const json_t *object, const char *key, bool otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

void json_put(json_t *object, const char *key, json_t *value)
{
	/* Fails for a value that could not be made or an object that is none: bugs, or no memory. */
	if (json_object_set_new(object, key, value) != 0)
		abort();
}

void json_put_str(json_t *object, const char *key, const char *value)
{
	json_t *json = value != NULL ? json_string(value) : json_null();

	if (json == NULL) {
		char *copy = strdup(value);

		if (copy == NULL)
			abort();
		str_escape(copy);
		json = json_string(copy);
		free(copy);
	}
	json_put(object, key, json);
}

void json_put_int(json_t *object, const char *key, int64_t value)
{
	json_put(object, key, json_integer(value));
}

void json_put_bool(json_t *object, const char *key, bool value)
{
	json_put(object, key, json_boolean(value));
}
