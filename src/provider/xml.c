/*
 * provider/xml.c: a small strict reader of documents, elements, attributes, text, CDATA, comments and processing
 * instructions. It never expands anything and never looks outside of the text.
 */
#include "provider/xml.h"

#include "base/buf.h"

#define NAME_MAX_LEN 128u
#define TEXT_MAX     JSON_STRING_MAX

struct xml {
	struct str   text;
	size_t       at;
	size_t       nodes;
	struct err  *err;
};

static bool bad(const struct xml *x, const char *reason)
{
	unsigned line = 1;

	for (size_t i = 0; i < x->at && i < x->text.len; i++)
		line += x->text.ptr[i] == '\n';
	return err_problem(x->err, ERR_INPUT, "invalid-request", "XML, line %u: %s", line, reason);
}

static int peek(const struct xml *x)
{
	return x->at < x->text.len ? (unsigned char)x->text.ptr[x->at] : -1;
}

static bool ahead(const struct xml *x, struct str what)
{
	return str_starts(str_of(x->text.ptr + x->at, x->text.len - x->at), what);
}

static bool space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct xml *x)
{
	while (space(peek(x)))
		x->at++;
}

static bool skip_past(struct xml *x, struct str end, const char *reason)
{
	for (; x->at < x->text.len; x->at++) {
		if (ahead(x, end)) {
			x->at += end.len;
			return true;
		}
	}
	return bad(x, reason);
}

/* Comments, processing instructions and white space outside of the root. */
static bool skip_misc(struct xml *x)
{
	for (;;) {
		skip_space(x);
		if (ahead(x, STR("<!--"))) {
			if (!skip_past(x, STR("-->"), "a comment has no end"))
				return false;
		} else if (ahead(x, STR("<?"))) {
			if (!skip_past(x, STR("?>"), "a processing instruction has no end"))
				return false;
		} else if (ahead(x, STR("<!"))) {
			return bad(x, "a document type is refused");
		} else {
			return true;
		}
	}
}

static bool name_char(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
	       c == '.' ||
	       c == ':' || c >= 0x80;
}

static struct str local(struct str name)
{
	size_t colon = str_index(name, ':');

	return colon < name.len ? str_of(name.ptr + colon + 1, name.len - colon - 1) : name;
}

/* "name" or "prefix:name"; both begin as names do. */
static bool read_name(struct xml *x, struct str *ret)
{
	size_t     start = x->at;
	struct str parts[2];

	while (name_char(peek(x)))
		x->at++;
	*ret = str_of(x->text.ptr + start, x->at - start);
	parts[0] = *ret;
	parts[1] = local(*ret);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].len == 0 || parts[i].len > NAME_MAX_LEN || strchr("0123456789-.:", parts[i].ptr[0]) != NULL)
			return bad(x, "a name is expected here");
	if (str_index(parts[1], ':') < parts[1].len)
		return bad(x, "a name with two colons");
	return true;
}

static bool char_number(struct str digits, uint32_t *ret)
{
	bool     hex = str_starts(digits, STR("x"));
	uint32_t c = 0;

	if (digits.len < (hex ? 2u : 1u) || digits.len > 8)
		return false;
	for (size_t i = hex ? 1 : 0; i < digits.len; i++) {
		char     d = digits.ptr[i];
		uint32_t v = d >= '0' && d <= '9' ? (uint32_t)(d - '0') : (uint32_t)((d | 0x20) - 'a' + 10);

		if ((!hex && (d < '0' || d > '9')) ||
		    (hex && !(d >= '0' && d <= '9') && !((d | 0x20) >= 'a' && (d | 0x20) <= 'f')))
			return false;
		c = c * (hex ? 16 : 10) + v;
	}
	*ret = c;
	return (c >= 0x20 || c == '\t' || c == '\n' || c == '\r') && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* "&…;" at the reading point. */
static bool read_reference(struct xml *x, struct buf *out)
{
	static const struct {
		const char *name;
		char        c;
	} known[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' } };
	struct str rest = str_of(x->text.ptr + x->at + 1, x->text.len - x->at - 1);
	size_t     len = str_index(rest, ';');
	struct str name = str_of(rest.ptr, len);
	uint32_t   c;

	if (len < rest.len && len <= 10) {
		for (size_t i = 0; i < ARRAY_LEN(known); i++) {
			if (!str_eq(name, str_c(known[i].name)))
				continue;
			buf_add_char(out, known[i].c);
			x->at += len + 2;
			return true;
		}
		if (str_starts(name, STR("#")) && char_number(str_of(name.ptr + 1, name.len - 1), &c)) {
			buf_add_utf8(out, c);
			x->at += len + 2;
			return true;
		}
	}
	return bad(x, "an entity that is not one of the five");
}

static json_t *text_value(struct xml *x, const struct buf *b)
{
	json_t *value;

	if (b->failed || memchr(b->len > 0 ? b->ptr : "", '\0', b->len) != NULL)
		return NULL;
	value = json_stringn(b->len > 0 ? b->ptr : "", b->len);
	if (value == NULL)
		bad(x, "text that is not UTF-8");
	return value;
}

/* Takes `value`; a name that repeats makes an array. */
static bool put_child(struct xml *x, json_t *object, struct str name, bool attribute, json_t *value)
{
	char    key[NAME_MAX_LEN + 2];
	json_t *before;

	snprintf(key, sizeof(key), "%s%.*s", attribute ? "@" : "", STR_ARG(name));
	if (++x->nodes > XML_NODES_MAX) {
		json_decref(value);
		return bad(x, "more than 65536 elements and attributes");
	}
	before = json_object_get(object, key);
	if (before == NULL) {
		bool ok = json_object_set_new(object, key, value) == 0;

		return ok || bad(x, "a name that is not UTF-8");
	}
	if (attribute) {
		json_decref(value);
		return bad(x, "an attribute twice");
	}
	if (!json_is_array(before)) {
		json_t *list = json_array();

		json_array_append(list, before);
		json_put(object, key, list);
		before = list;
	}
	json_array_append_new(before, value);
	return true;
}

static bool read_attribute(struct xml *x, json_t *object)
{
	struct str name;
	struct buf text;
	json_t    *value = NULL;
	int        quote;
	bool       ok = true;

	if (!read_name(x, &name))
		return false;
	skip_space(x);
	if (peek(x) != '=')
		return bad(x, "an attribute has no value");
	x->at++;
	skip_space(x);
	quote = peek(x);
	if (quote != '"' && quote != '\'')
		return bad(x, "the value of an attribute is not in quotes");
	x->at++;
	buf_init(&text, TEXT_MAX);
	while (ok && peek(x) != quote) {
		if (peek(x) < 0 || peek(x) == '<')
			ok = bad(x, "the value of an attribute has no end");
		else if (peek(x) == '&')
			ok = read_reference(x, &text);
		else
			buf_add_char(&text, x->text.ptr[x->at++]);
	}
	if (ok && (value = text_value(x, &text)) == NULL)
		ok = bad(x, "the value of an attribute is too long or no text");
	buf_clear(&text);
	if (!ok)
		return false;
	x->at++;
	/* Declarations of namespaces say nothing to us: local names are enough. */
	if (str_starts(name, STR("xmlns")) || str_starts(local(name), STR("xmlns"))) {
		json_decref(value);
		return true;
	}
	return put_child(x, object, local(name), true, value);
}

static bool read_element(struct xml *x, unsigned depth, struct str *ret_name, json_t **ret);

/* Between "<a>" and "</a>": text, or children into `object`. */
static bool read_content(struct xml *x, unsigned depth, json_t *object, struct buf *text, bool *ret_children)
{
	while (!ahead(x, STR("</"))) {
		if (peek(x) < 0)
			return bad(x, "an element has no end");
		if (ahead(x, STR("<![CDATA["))) {
			size_t start = x->at + 9;

			if (!skip_past(x, STR("]]>"), "CDATA has no end"))
				return false;
			if (x->at - 3 > start)
				buf_add(text, x->text.ptr + start, x->at - 3 - start);
		} else if (ahead(x, STR("<!--")) || ahead(x, STR("<?")) || ahead(x, STR("<!"))) {
			if (!skip_misc(x))
				return false;
		} else if (peek(x) == '<') {
			struct str name;
			json_t    *child;

			if (!read_element(x, depth + 1, &name, &child) || !put_child(x, object, local(name), false, child))
				return false;
			*ret_children = true;
		} else if (peek(x) == '&') {
			if (!read_reference(x, text))
				return false;
		} else {
			buf_add_char(text, x->text.ptr[x->at++]);
		}
	}
	return true;
}

static bool read_end(struct xml *x, struct str name)
{
	struct str end;

	x->at += 2;
	if (!read_name(x, &end))
		return false;
	skip_space(x);
	if (!str_eq(end, name) || peek(x) != '>')
		return bad(x, "an end that does not fit its beginning");
	x->at++;
	return true;
}

static bool read_inside(struct xml *x, unsigned depth, struct str name, json_t *object, json_t **ret)
{
	bool       children = false, ok;
	json_t    *value = NULL;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	ok = read_content(x, depth, object, &text, &children) && read_end(x, name);
	if (ok && !children && (value = text_value(x, &text)) == NULL)
		ok = bad(x, "a text is too long or no text");
	buf_clear(&text);
	if (!ok)
		return false;
	if (children) {
		*ret = json_incref(object);
	} else if (json_object_size(object) == 0) {
		*ret = value;
	} else {
		json_put(object, "#", value);
		*ret = json_incref(object);
	}
	return true;
}

static bool read_element(struct xml *x, unsigned depth, struct str *ret_name, json_t **ret)
{
	AUTO(json_freep) json_t *object = json_object();

	if (depth > XML_DEPTH_MAX)
		return bad(x, "more than 16 levels deep");
	x->at++;
	if (!read_name(x, ret_name))
		return false;
	for (;;) {
		bool spaced = space(peek(x));

		skip_space(x);
		if (ahead(x, STR("/>"))) {
			x->at += 2;
			if (json_object_size(object) == 0) {
				*ret = json_string("");
				return true;
			}
			json_put_str(object, "#", "");
			*ret = TAKE(object);
			return true;
		}
		if (peek(x) == '>') {
			x->at++;
			return read_inside(x, depth, *ret_name, object, ret);
		}
		if (!spaced)
			return bad(x, "a tag has no end");
		if (!read_attribute(x, object))
			return false;
	}
}

bool xml_read(struct str text, json_t **ret, struct err *err)
{
	AUTO(json_freep) json_t *root = json_object();
	struct err               own = { 0 };
	struct xml               x = { .text = text, .err = err != NULL ? err : &own };
	struct str               name;
	json_t                  *value;

	if (ahead(&x, STR("\xef\xbb\xbf")))
		x.at += 3;
	if (!skip_misc(&x))
		return false;
	if (peek(&x) != '<')
		return bad(&x, "this is not XML");
	if (!read_element(&x, 1, &name, &value) || !put_child(&x, root, local(name), false, value) || !skip_misc(&x))
		return false;
	if (x.at != x.text.len)
		return bad(&x, "something follows the document");
	*ret = TAKE(root);
	return true;
}
