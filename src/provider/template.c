/*
 * provider/template.c: one parser for checking and rendering, so that what was checked is what is rendered. Filters are
 * a table of functions from text to text.
 */
#include "provider/template.h"

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/digest.h"

#define RENDERED_MAX (1u * MIB)
#define FILTERS_MAX  8u

/* ---- escaping ---- */

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' ||
	       c == '~';
}

static void put_url(struct buf *b, struct str text, bool keep_slash)
{
	for (size_t i = 0; i < text.len; i++) {
		if (unreserved(text.ptr[i]) || (keep_slash && text.ptr[i] == '/'))
			buf_add_char(b, text.ptr[i]);
		else
			buf_printf(b, "%%%02X", (unsigned char)text.ptr[i]);
	}
}

static void put_xml(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.ptr[i]) {
		case '&': buf_add_c(b, "&amp;"); break;
		case '<': buf_add_c(b, "&lt;"); break;
		case '>': buf_add_c(b, "&gt;"); break;
		case '"': buf_add_c(b, "&quot;"); break;
		case '\'': buf_add_c(b, "&apos;"); break;
		default: buf_add_char(b, text.ptr[i]);
		}
	}
}

static void put(struct buf *b, enum template_context context, struct str text)
{
	switch (context) {
	case TEMPLATE_TEXT: buf_add_str(b, text); return;
	case TEMPLATE_URL: put_url(b, text, false); return;
	case TEMPLATE_XML: put_xml(b, text); return;
	}
}

static struct str taken(struct arena *a, struct buf *b)
{
	struct str ret = arena_dup(a, buf_str(b));

	buf_wipe(b);
	return ret;
}

struct str template_escape(struct arena *a, enum template_context context, struct str text)
{
	struct buf b;

	buf_init(&b, RENDERED_MAX);
	put(&b, context, text);
	return taken(a, &b);
}

/* ---- filters ---- */

struct filter_call {
	const struct vars    *vars;
	enum template_context context;
	struct str            argument;
	bool                  escaped; /* by this filter: not once more */
};

typedef bool filter_fn(struct filter_call *c, struct str in, struct str *ret, struct err *err);

static bool filter_upper(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	char *text = arena_str(c->vars->arena, in);

	for (size_t i = 0; i < in.len; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			text[i] = (char)(text[i] - 'a' + 'A');
	*ret = str_of(text, in.len);
	return true;
}

static bool filter_lower(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	char *text = arena_str(c->vars->arena, in);

	str_lower(text);
	*ret = str_of(text, in.len);
	return true;
}

static bool filter_dot(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = str_ends(in, STR(".")) ? in : str_c(arena_printf(c->vars->arena, "%.*s.", STR_ARG(in)));
	return true;
}

static bool filter_quote(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	struct buf b;

	buf_init(&b, RENDERED_MAX);
	buf_add_char(&b, '"');
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == '"' || in.ptr[i] == '\\')
			buf_add_char(&b, '\\');
		buf_add_char(&b, in.ptr[i]);
	}
	buf_add_char(&b, '"');
	*ret = taken(c->vars->arena, &b);
	return true;
}

static bool filter_b64(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = str_c(b64_encode(c->vars->arena, in));
	return true;
}

static bool filter_b64url(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = str_c(b64url_encode(c->vars->arena, in));
	return true;
}

static bool filter_hex(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = str_c(hex_encode(c->vars->arena, in));
	return true;
}

/* Its work is done by template_json_render; in a text a number is its digits. */
static bool filter_int(struct filter_call *c UNUSED, struct str in, struct str *ret, struct err *err)
{
	uint64_t number;

	if (!str_to_u64(in, &number) || number > (uint64_t)JSON_INT_MAX)
		return err_problem(err, ERR_INPUT, "invalid-recipe", "\"%.*s\" is not a whole number", STR_ARG(in));
	*ret = in;
	return true;
}

static bool hashed(struct filter_call *c, enum digest_kind kind, struct str in, struct str *ret)
{
	uint8_t bytes[DIGEST_SIZE_MAX];
	size_t  len = digest(kind, in, bytes);

	*ret = arena_dup(c->vars->arena, str_of(bytes, len));
	return true;
}

static bool hmac_of(struct filter_call *c, enum digest_kind kind, struct str in, struct str *ret)
{
	const struct var *key = vars_find(c->vars, c->argument);
	uint8_t           bytes[DIGEST_SIZE_MAX];
	size_t            len = digest_hmac(kind, key != NULL && key->count > 0 ? key->items[0] : STR(""), in, bytes);

	*ret = arena_dup(c->vars->arena, str_of(bytes, len));
	return true;
}

#define DIGEST_FILTERS(name, kind)                                                                                             \
	static bool filter_##name(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)               \
	{                                                                                                                      \
		return hashed(c, kind, in, ret);                                                                               \
	}                                                                                                                      \
	static bool filter_hmac_##name(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)          \
	{                                                                                                                      \
		return hmac_of(c, kind, in, ret);                                                                              \
	}
DIGEST_FILTERS(md5, DIGEST_MD5)
DIGEST_FILTERS(sha1, DIGEST_SHA1)
DIGEST_FILTERS(sha256, DIGEST_SHA256)
DIGEST_FILTERS(sha512, DIGEST_SHA512)

/* RFC 9110 5.6.7, from Unix seconds. */
static bool filter_http_date(struct filter_call *c, struct str in, struct str *ret, struct err *err)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm                tm;
	uint64_t                 at;
	time_t                   seconds;

	if (!str_to_u64(in, &at) || at > INT32_MAX * (uint64_t)16)
		return err_problem(err, ERR_INPUT, "invalid-recipe", "http-date is for times, as {now}");
	seconds = (time_t)at;
	gmtime_r(&seconds, &tm);
	*ret = str_c(arena_printf(c->vars->arena, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
	                          months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec));
	return true;
}

static bool filter_or(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = in.len > 0 ? in : c->argument;
	return true;
}

static bool filter_strip(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = str_starts(in, c->argument) ? str_of(in.ptr + c->argument.len, in.len - c->argument.len) : in;
	return true;
}

static bool filter_path(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	struct buf b;

	c->escaped = true;
	buf_init(&b, RENDERED_MAX);
	put_url(&b, in, true);
	*ret = taken(c->vars->arena, &b);
	return true;
}

static bool filter_wrap(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	size_t     comma = str_index(c->argument, ',');
	struct buf b;

	*ret = in;
	if (in.len == 0)
		return true; /* nothing around nothing */
	buf_init(&b, RENDERED_MAX);
	buf_add(&b, c->argument.ptr, comma);
	put(&b, c->escaped ? TEMPLATE_TEXT : c->context, in);
	if (comma < c->argument.len)
		buf_add(&b, c->argument.ptr + comma + 1, c->argument.len - comma - 1);
	c->escaped = true;
	*ret = taken(c->vars->arena, &b);
	return true;
}

enum filter_argument { ARGUMENT_NONE, ARGUMENT_TEXT, ARGUMENT_VARIABLE };

static const struct filter {
	const char          *name;
	filter_fn           *run;
	enum filter_argument argument;
} filters[] = {
	{ "upper", filter_upper },
	{ "lower", filter_lower },
	{ "dot", filter_dot },
	{ "quote", filter_quote },
	{ "b64", filter_b64 },
	{ "b64url", filter_b64url },
	{ "hex", filter_hex },
	{ "int", filter_int },
	{ "md5", filter_md5 },
	{ "sha1", filter_sha1 },
	{ "sha256", filter_sha256 },
	{ "sha512", filter_sha512 },
	{ "hmac-md5", filter_hmac_md5, ARGUMENT_VARIABLE },
	{ "hmac-sha1", filter_hmac_sha1, ARGUMENT_VARIABLE },
	{ "hmac-sha256", filter_hmac_sha256, ARGUMENT_VARIABLE },
	{ "hmac-sha512", filter_hmac_sha512, ARGUMENT_VARIABLE },
	{ "http-date", filter_http_date },
	{ "or", filter_or, ARGUMENT_TEXT },
	{ "strip", filter_strip, ARGUMENT_TEXT },
	{ "path", filter_path },
	{ "wrap", filter_wrap, ARGUMENT_TEXT },
};

/* ---- parsing ---- */

/* A literal, or a variable with its filters. */
struct part {
	struct str literal;
	struct str name; /* empty: a literal */
	size_t     filters_count;
	struct {
		const struct filter *filter;
		struct str           argument;
	} filters[FILTERS_MAX];
};

static bool bad(struct err *err, const char *text, const char *reason)
{
	return err_problem(err, ERR_INPUT, "invalid-recipe", "\"%.200s\": %s", text, reason);
}

static bool parse_filter(const char *text, struct str word, struct part *part, struct err *err)
{
	size_t     colon = str_index(word, ':');
	struct str name = str_of(word.ptr, colon);

	if (part->filters_count == FILTERS_MAX)
		return bad(err, text, "more than 8 filters");
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		if (!str_eq(str_c(filters[i].name), name))
			continue;
		if ((colon < word.len) != (filters[i].argument != ARGUMENT_NONE))
			return bad(err, text, colon < word.len ? "a filter without an argument has one"
			                                       : "a filter that needs an argument has none");
		part->filters[part->filters_count].filter = &filters[i];
		part->filters[part->filters_count++].argument =
			colon < word.len ? str_of(word.ptr + colon + 1, word.len - colon - 1) : STR("");
		return true;
	}
	return err_problem(err, ERR_INPUT, "invalid-recipe", "\"%.200s\": there is no filter \"%.*s\"", text, STR_ARG(name));
}

static bool parse_variable(const char *text, struct str inside, struct part *part, struct err *err)
{
	struct str word;

	if (str_ends(inside, STR("|")) || !str_next(&inside, '|', &word) || word.len == 0)
		return bad(err, text, "a variable or a filter has no name");
	part->name = word;
	while (str_next(&inside, '|', &word))
		if (!parse_filter(text, word, part, err))
			return false;
	return true;
}

/* The part at text[*at], and behind it. */
static bool parse_part(const char *text, size_t *at, struct part *ret, struct err *err)
{
	const char *start = text + *at, *end;

	*ret = (struct part){ .literal = STR("") };
	if (start[0] != '{' && start[0] != '}') {
		size_t len = strcspn(start, "{}");

		ret->literal = str_of(start, len);
		*at += len;
		return true;
	}
	if (start[1] == start[0]) {
		ret->literal = str_of(start, 1);
		*at += 2;
		return true;
	}
	if (start[0] == '}' || (end = strchr(start, '}')) == NULL)
		return bad(err, text, "a brace stands alone (write {{ or }} for a brace itself)");
	*at += (size_t)(end - start) + 1;
	return parse_variable(text, str_of(start + 1, (size_t)(end - start) - 1), ret, err);
}

bool template_check(const char *text, struct vars *known, struct err *err)
{
	struct part part;
	size_t      at = 0;

	while (text[at] != '\0') {
		struct var *var;

		if (!parse_part(text, &at, &part, err))
			return false;
		if (part.name.len == 0)
			continue;
		if ((var = vars_find(known, part.name)) == NULL)
			return err_problem(err, ERR_INPUT, "invalid-recipe", "\"%.200s\": there is no variable \"%.*s\" here", text,
			                   STR_ARG(part.name));
		var->used = true;
		for (size_t i = 0; i < part.filters_count; i++) {
			if (part.filters[i].filter->argument != ARGUMENT_VARIABLE)
				continue;
			if ((var = vars_find(known, part.filters[i].argument)) == NULL)
				return err_problem(err, ERR_INPUT, "invalid-recipe",
				                   "\"%.200s\": there is no variable \"%.*s\" here", text,
				                   STR_ARG(part.filters[i].argument));
			var->used = true;
		}
	}
	return true;
}

static bool render_item(const struct vars *vars, const struct part *part, enum template_context context,
                struct str item,
                        struct buf *out, struct err *err)
{
	struct filter_call call = { .vars = vars, .context = context };

	for (size_t i = 0; i < part->filters_count; i++) {
		call.argument = part->filters[i].argument;
		if (!part->filters[i].filter->run(&call, item, &item, err))
			return false;
	}
	put(out, call.escaped ? TEMPLATE_TEXT : context, item);
	return true;
}

static bool render_into(const struct vars *vars, const char *text, enum template_context context, struct buf *out,
                        struct err *err)
{
	struct part part;
	size_t      at = 0;

	while (text[at] != '\0') {
		const struct var *var;

		if (!parse_part(text, &at, &part, err))
			return false;
		if (part.name.len == 0) {
			buf_add_str(out, part.literal);
			continue;
		}
		if ((var = vars_find(vars, part.name)) == NULL)
			return err_problem(err, ERR_INPUT, "invalid-recipe", "\"%.200s\": no answer gave \"%.*s\"", text,
			                   STR_ARG(part.name));
		/* What is not there is an empty text to the filters (or:…), but an empty list is nothing. */
		if (var->count == 0 && var->json == NULL && !render_item(vars, &part, context, STR(""), out, err))
			return false;
		for (size_t i = 0; i < var->count; i++)
			if (!render_item(vars, &part, context, var->items[i], out, err))
				return false;
	}
	return !out->failed || err_problem(err, ERR_INPUT, "too-large", "a request text of more than %u bytes", RENDERED_MAX);
}

bool template_render(const struct vars *vars, const char *text, enum template_context context, struct str *ret,
                     struct err *err)
{
	struct buf b;
	bool       ok;

	buf_init(&b, RENDERED_MAX);
	ok = render_into(vars, text, context, &b, err);
	if (ok)
		*ret = arena_dup(vars->arena, buf_str(&b));
	buf_wipe(&b);
	return ok;
}

/* ---- JSON ---- */

bool template_json_check(const json_t *json, struct vars *known, struct err *err)
{
	const char *key;
	json_t     *value;

	if (json_is_string(json))
		return template_check(json_string_value(json), known, err);
	for (size_t i = 0; i < json_array_size(json); i++)
		if (!template_json_check(json_array_get(json, i), known, err))
			return false;
	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		if (!template_json_check(value, known, err))
			return false;
	}
	return true;
}

/* "{name…}" and nothing else. */
static bool alone(const char *text, struct part *ret)
{
	struct err ignored;
	size_t     at = 0;

	return text[0] == '{' && parse_part(text, &at, ret, &ignored) && text[at] == '\0' && ret->name.len > 0;
}

static bool render_string(const struct vars *vars, const char *text, json_t **ret, struct err *err)
{
	struct part       part;
	const struct var *var;
	struct str        rendered;
	uint64_t          number;
	bool              single = alone(text, &part);

	if (single && part.filters_count == 0 && (var = vars_find(vars, part.name)) != NULL && var->json != NULL) {
		*ret = json_deep_copy(var->json);
		return true;
	}
	if (!template_render(vars, text, TEMPLATE_TEXT, &rendered, err))
		return false;
	if (single && part.filters_count > 0 && part.filters[part.filters_count - 1].filter->run == filter_int &&
	    str_to_u64(rendered, &number)) {
		*ret = json_integer((json_int_t)number);
		return true;
	}
	*ret = json_stringn(rendered.ptr, rendered.len);
	return *ret != NULL || err_problem(err, ERR_INPUT, "invalid-recipe", "\"%.200s\" gives bytes that are no text", text);
}

bool template_json_render(const struct vars *vars, const json_t *json, json_t **ret, struct err *err)
{
	AUTO(json_freep) json_t *out = NULL;
	const char              *key;
	json_t                  *value, *part;

	if (json_is_string(json))
		return render_string(vars, json_string_value(json), ret, err);
	if (!json_is_array(json) && !json_is_object(json)) {
		*ret = json_deep_copy(json);
		return true;
	}
	out = json_is_array(json) ? json_array() : json_object();
	for (size_t i = 0; i < json_array_size(json); i++) {
		if (!template_json_render(vars, json_array_get(json, i), &part, err))
			return false;
		json_array_append_new(out, part);
	}
	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		if (!template_json_render(vars, value, &part, err))
			return false;
		json_put(out, key, part);
	}
	*ret = TAKE(out);
	return true;
}
