/*
 * provider/template.c: one parser for checking and rendering, so that what was checked is what is rendered. Filters are
 * a table of functions from text to text.
 */
#include "provider/template.h"

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/rsa_sign.h"
#include "provider/path.h"

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

static bool filter_url(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = template_escape(c->vars->arena, TEMPLATE_URL, in);
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

/* Unix seconds as UTC: %Y %m %d %H %M %S stand for their digits. */
static bool filter_time(struct filter_call *c, struct str in, struct str *ret, struct err *err)
{
	struct tm  tm;
	uint64_t   at;
	time_t     seconds;
	struct buf b;

	if (!str_to_u64(in, &at) || at > INT32_MAX * (uint64_t)16)
		return err_problem(err, ERR_INPUT, "invalid-recipe", "time is for times, as {now}");
	seconds = (time_t)at;
	gmtime_r(&seconds, &tm);
	buf_init(&b, RENDERED_MAX);
	for (size_t i = 0; i < c->argument.len; i++) {
		char letter = c->argument.ptr[i] == '%' && i + 1 < c->argument.len ? c->argument.ptr[++i] : '\0';

		switch (letter) {
		case 'Y': buf_printf(&b, "%04d", tm.tm_year + 1900); break;
		case 'm': buf_printf(&b, "%02d", tm.tm_mon + 1); break;
		case 'd': buf_printf(&b, "%02d", tm.tm_mday); break;
		case 'H': buf_printf(&b, "%02d", tm.tm_hour); break;
		case 'M': buf_printf(&b, "%02d", tm.tm_min); break;
		case 'S': buf_printf(&b, "%02d", tm.tm_sec); break;
		default: buf_add_char(&b, c->argument.ptr[i]); break;
		}
	}
	*ret = taken(c->vars->arena, &b);
	return true;
}

static bool filter_add(struct filter_call *c, struct str in, struct str *ret, struct err *err)
{
	uint64_t number, more;

	if (!str_to_u64(in, &number) || !str_to_u64(c->argument, &more) || number > (uint64_t)JSON_INT_MAX / 2 ||
	    more > (uint64_t)JSON_INT_MAX / 2)
		return err_problem(err, ERR_INPUT, "invalid-recipe", "add is for whole numbers");
	*ret = str_c(arena_printf(c->vars->arena, "%llu", (unsigned long long)(number + more)));
	return true;
}

/* only:VARIABLE=TEXT: the text stays when the variable is so, else nothing does. */
static bool filter_only(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	size_t            equals = str_index(c->argument, '=');
	const struct var *var = vars_find(c->vars, str_of(c->argument.ptr, equals));
	struct str        is = var != NULL && var->count > 0 ? var->items[0] : STR("");
	struct str        wanted = equals < c->argument.len ? str_of(c->argument.ptr + equals + 1, c->argument.len - equals - 1)
	                                                    : STR("");

	*ret = str_eq(is, wanted) ? in : STR("");
	return true;
}

/* The text before the first, behind the first, or behind the last occurrence; the whole text when there is none. */
static bool filter_before(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = in;
	for (size_t i = 0; c->argument.len > 0 && i + c->argument.len <= in.len; i++) {
		if (memcmp(in.ptr + i, c->argument.ptr, c->argument.len) != 0)
			continue;
		*ret = str_of(in.ptr, i);
		break;
	}
	return true;
}

static bool filter_after(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = in;
	for (size_t i = 0; c->argument.len > 0 && i + c->argument.len <= in.len; i++) {
		if (memcmp(in.ptr + i, c->argument.ptr, c->argument.len) != 0)
			continue;
		*ret = str_of(in.ptr + i + c->argument.len, in.len - i - c->argument.len);
		break;
	}
	return true;
}

static bool filter_last(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = in;
	for (size_t i = in.len; c->argument.len > 0 && i >= c->argument.len; i--) {
		if (memcmp(in.ptr + i - c->argument.len, c->argument.ptr, c->argument.len) != 0)
			continue;
		*ret = str_of(in.ptr + i, in.len - i);
		break;
	}
	return true;
}

/* A part of a text that is JSON; for credentials that come as a document. */
static bool filter_json(struct filter_call *c, struct str in, struct str *ret, struct err *err)
{
	AUTO(json_freep) json_t *json = NULL;
	const char              *text;

	if (!json_read(in, RENDERED_MAX, &json, NULL) ||
	    (text = path_first(c->vars->arena, json, arena_str(c->vars->arena, c->argument))) == NULL)
		return err_problem(err, ERR_INPUT, "invalid-request", "a text that should be JSON with %.*s is not", STR_ARG(c->argument));
	*ret = str_c(arena_strdup(c->vars->arena, text));
	return true;
}

static bool filter_length(struct filter_call *c, struct str in, struct str *ret, struct err *err UNUSED)
{
	*ret = str_c(arena_printf(c->vars->arena, "%zu", in.len));
	return true;
}

static bool signed_with(struct filter_call *c, enum rsa_scheme scheme, struct str in, struct str *ret, struct err *err)
{
	const struct var *key = vars_find(c->vars, c->argument);

	return rsa_sign(scheme, key != NULL && key->count > 0 ? key->items[0] : STR(""), in, c->vars->arena, ret, err);
}

#define RSA_FILTER(name, scheme)                                                                                               \
	static bool filter_##name(struct filter_call *c, struct str in, struct str *ret, struct err *err)                      \
	{                                                                                                                      \
		return signed_with(c, scheme, in, ret, err);                                                                   \
	}
RSA_FILTER(rsa_sha256, RSA_SHA256)
RSA_FILTER(rsa_sha512, RSA_SHA512)
RSA_FILTER(rsa_pss256, RSA_PSS256)

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

enum filter_argument {
	ARGUMENT_NONE,
	ARGUMENT_TEXT,
	ARGUMENT_VARIABLE,
	ARGUMENT_VARIABLE_IS, /* NAME=TEXT */
};

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
	{ "url", filter_url },
	{ "int", filter_int },
	{ "md5", filter_md5 },
	{ "sha1", filter_sha1 },
	{ "sha256", filter_sha256 },
	{ "sha512", filter_sha512 },
	{ "hmac-md5", filter_hmac_md5, ARGUMENT_VARIABLE },
	{ "hmac-sha1", filter_hmac_sha1, ARGUMENT_VARIABLE },
	{ "hmac-sha256", filter_hmac_sha256, ARGUMENT_VARIABLE },
	{ "hmac-sha512", filter_hmac_sha512, ARGUMENT_VARIABLE },
	{ "rsa-sha256", filter_rsa_sha256, ARGUMENT_VARIABLE },
	{ "rsa-sha512", filter_rsa_sha512, ARGUMENT_VARIABLE },
	{ "rsa-pss256", filter_rsa_pss256, ARGUMENT_VARIABLE },
	{ "http-date", filter_http_date },
	{ "time", filter_time, ARGUMENT_TEXT },
	{ "add", filter_add, ARGUMENT_TEXT },
	{ "only", filter_only, ARGUMENT_VARIABLE_IS },
	{ "before", filter_before, ARGUMENT_TEXT },
	{ "after", filter_after, ARGUMENT_TEXT },
	{ "last", filter_last, ARGUMENT_TEXT },
	{ "json", filter_json, ARGUMENT_TEXT },
	{ "length", filter_length },
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

/* The variable that a filter names; empty: none. */
static struct str argument_name(const struct part *part, size_t index)
{
	struct str argument = part->filters[index].argument;

	switch (part->filters[index].filter->argument) {
	case ARGUMENT_VARIABLE: return argument;
	case ARGUMENT_VARIABLE_IS: return str_of(argument.ptr, str_index(argument, '='));
	case ARGUMENT_NONE:
	case ARGUMENT_TEXT: break;
	}
	return STR("");
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
			struct str name = argument_name(&part, i);

			if (name.len == 0)
				continue;
			if ((var = vars_find(known, name)) == NULL)
				return err_problem(err, ERR_INPUT, "invalid-recipe",
				                   "\"%.200s\": there is no variable \"%.*s\" here", text, STR_ARG(name));
			var->used = true;
		}
	}
	return true;
}

bool template_is_secret(const struct vars *vars, const char *text)
{
	struct part part;
	struct err  ignored;
	size_t      at = 0;

	while (text[at] != '\0' && parse_part(text, &at, &part, &ignored)) {
		const struct var *var = part.name.len > 0 ? vars_find(vars, part.name) : NULL;

		if (var != NULL && var->secret)
			return true;
		for (size_t i = 0; i < part.filters_count; i++) {
			struct str name = argument_name(&part, i);

			if (name.len > 0 && (var = vars_find(vars, name)) != NULL && var->secret)
				return true;
		}
	}
	return false;
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
