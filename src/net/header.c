/*
 * net/header.c: header values by hand-written readers; all of them see only bounded bytes (net/client.h).
 */
#include "net/header.h"

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool http_header_split(struct str line, struct str *ret_name, struct str *ret_value)
{
	size_t     colon = str_index(line, ':');
	struct str value;

	if (colon == 0 || colon >= line.len)
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!is_token_char(line.ptr[i]))
			return false;
	value = str_trim(str_of(line.ptr + colon + 1, line.len - colon - 1));
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	*ret_name = str_of(line.ptr, colon);
	*ret_value = value;
	return true;
}

/* ---- dates: RFC 9110 5.6.7 ---- */

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t days_from(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool number(struct str s, size_t digits, int64_t *ret)
{
	uint64_t value;

	if (s.len != digits || !str_to_u64(s, &value))
		return false;
	*ret = (int64_t)value;
	return true;
}

static bool month_read(struct str s, int64_t *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (size_t i = 0; s.len == 3 && i < 12; i++)
		if (memcmp(names + i * 3, s.ptr, 3) == 0) {
			*ret = (int64_t)i + 1;
			return true;
		}
	return false;
}

static bool time_read(struct str s, int64_t *ret_s)
{
	int64_t h, m, sec;

	if (s.len != 8 || s.ptr[2] != ':' || s.ptr[5] != ':' || !number(str_of(s.ptr, 2), 2, &h) ||
	    !number(str_of(s.ptr + 3, 2), 2, &m) || !number(str_of(s.ptr + 6, 2), 2, &sec) || h > 23 || m > 59 ||
	    sec > 60)
		return false;
	*ret_s = h * 3600 + m * 60 + sec;
	return true;
}

static bool date_join(int64_t year, int64_t month, int64_t day, int64_t time_s, int64_t *ret_at_s)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (year < 1970 || year > 9999 || day < 1 || day > days[month - 1] || (month == 2 && day == 29 && !leap))
		return false;
	*ret_at_s = days_from(year, month, day) * 86400 + time_s;
	return true;
}

/* "08-Nov-94": the two digits mean the year within 50 years of now. */
static bool rfc850_read(struct str date, struct str clock, int64_t now_at_s, int64_t *ret_at_s)
{
	int64_t year, month, day, time_s, now_year = 1970 + now_at_s / 31556952;

	if (date.len != 9 || date.ptr[2] != '-' || date.ptr[6] != '-' || !number(str_of(date.ptr, 2), 2, &day) ||
	    !month_read(str_of(date.ptr + 3, 3), &month) || !number(str_of(date.ptr + 7, 2), 2, &year) ||
	    !time_read(clock, &time_s))
		return false;
	year += now_year - now_year % 100;
	if (year > now_year + 50)
		year -= 100;
	return date_join(year, month, day, time_s, ret_at_s);
}

static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun",
	                                "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
	                                "Sunday" };

static bool weekday_known(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(weekdays); i++)
		if (str_eq(s, str_c(weekdays[i])))
			return true;
	return false;
}

bool http_date_parse(struct str text, int64_t now_at_s, int64_t *ret_at_s)
{
	struct str word[6], rest = str_trim(text), day;
	size_t     words = 0;
	int64_t    d, month, year, time_s;

	if (rest.len > 40)
		return false;
	while (words < ARRAY_LEN(word) && str_next(&rest, ' ', &word[words]))
		if (word[words].len > 0) /* asctime pads the day with a second blank */
			words++;
	if (rest.len > 0 || words < 4)
		return false;
	day = word[0];
	if (day.len > 0 && day.ptr[day.len - 1] == ',')
		day.len--;
	if (!weekday_known(day))
		return false;
	if (words == 6) /* Sun, 06 Nov 1994 08:49:37 GMT */
		return str_eq(word[5], STR("GMT")) && number(word[1], 2, &d) && month_read(word[2], &month) &&
		       number(word[3], 4, &year) && time_read(word[4], &time_s) &&
		       date_join(year, month, d, time_s, ret_at_s);
	if (words == 4) /* Sunday, 06-Nov-94 08:49:37 GMT */
		return str_eq(word[3], STR("GMT")) && rfc850_read(word[1], word[2], now_at_s, ret_at_s);
	/* Sun Nov  6 08:49:37 1994 */
	return month_read(word[1], &month) && (number(word[2], 1, &d) || number(word[2], 2, &d)) &&
	       time_read(word[3], &time_s) && number(word[4], 4, &year) &&
	       date_join(year, month, d, time_s, ret_at_s);
}

static bool digits_only(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return s.len > 0;
}

bool http_retry_after(struct str value, int64_t now_at_s, uint32_t *ret_s)
{
	struct str text = str_trim(value);
	uint64_t   delta;
	int64_t    at_s;

	if (text.len == 0)
		return false;
	if (!str_to_u64(text, &delta)) {
		if (http_date_parse(text, now_at_s, &at_s))
			delta = at_s > now_at_s ? (uint64_t)(at_s - now_at_s) : 0;
		else if (digits_only(text))
			delta = HTTP_RETRY_AFTER_MAX_S; /* more digits than fit: very long */
		else
			return false;
	}
	if (delta < 1)
		delta = 1;
	if (delta > HTTP_RETRY_AFTER_MAX_S)
		delta = HTTP_RETRY_AFTER_MAX_S;
	*ret_s = (uint32_t)delta;
	return true;
}

/* ---- links: RFC 8288 3 ---- */

static void skip_space(struct str *s)
{
	while (s->len > 0 && (s->ptr[0] == ' ' || s->ptr[0] == '\t'))
		*s = str_of(s->ptr + 1, s->len - 1);
}

static char take_char(struct str *s)
{
	char c = s->ptr[0];

	*s = str_of(s->ptr + 1, s->len - 1);
	return c;
}

/* A token or a quoted string, cut off as it stands: only a `rel` is worth a copy. */
static struct str parameter_cut(struct str *s)
{
	struct str value = str_of(s->ptr, 0);
	bool       quoted = s->len > 0 && s->ptr[0] == '"';

	if (!quoted) {
		while (s->len > 0 && is_token_char(s->ptr[0])) {
			take_char(s);
			value.len++;
		}
		return value;
	}
	take_char(s);
	value = str_of(s->ptr, 0);
	while (s->len > 0) {
		char c = take_char(s);

		if (c == '"')
			break;
		value.len++;
		if (c == '\\' && s->len > 0) {
			take_char(s);
			value.len++;
		}
	}
	return value;
}

/* One row per relation: rel="a b" is two links. RFC 8288 3.3. */
static void link_add(struct arena *a, const char *url, const char *rels, struct http_link *links, size_t *count)
{
	struct str rest = str_c(rels), rel;

	while (str_next(&rest, ' ', &rel) && *count < HTTP_LINKS_MAX) {
		char *name;

		if (rel.len == 0)
			continue;
		name = arena_str(a, rel);
		str_lower(name);
		links[(*count)++] = (struct http_link){ .rel = name, .url = url };
	}
}

void http_links_parse(struct arena *a, struct str value, struct http_link links[static HTTP_LINKS_MAX],
                      size_t *count)
{
	while (value.len > 0 && *count < HTTP_LINKS_MAX) {
		const char *rels = NULL, *url;
		size_t      end;

		skip_space(&value);
		if (value.len > 0 && value.ptr[0] == ',') {
			take_char(&value);
			continue;
		}
		end = str_index(value, '>');
		if (value.len == 0 || value.ptr[0] != '<' || end == value.len)
			return;
		url = arena_str(a, str_of(value.ptr + 1, end - 1));
		value = str_of(value.ptr + end + 1, value.len - end - 1);
		for (skip_space(&value); value.len > 0 && value.ptr[0] == ';'; skip_space(&value)) {
			struct str  name;
			struct str text = { 0 };

			take_char(&value);
			skip_space(&value);
			name = str_of(value.ptr, 0);
			while (value.len > 0 && is_token_char(value.ptr[0])) {
				take_char(&value);
				name.len++;
			}
			skip_space(&value);
			if (value.len > 0 && value.ptr[0] == '=') {
				take_char(&value);
				skip_space(&value);
				text = parameter_cut(&value);
			}
			if (rels == NULL && str_eq_nocase(name, STR("rel")))
				rels = arena_str(a, text); /* only the first counts */
		}
		if (rels != NULL)
			link_add(a, url, rels, links, count);
		if (value.len > 0 && value.ptr[0] != ',')
			return; /* not a list of links any more */
	}
}

const char *http_media_type(struct arena *a, struct str content_type)
{
	char *text;

	content_type.len = str_index(content_type, ';');
	text = arena_str(a, str_trim(content_type));
	str_lower(text);
	return text;
}
