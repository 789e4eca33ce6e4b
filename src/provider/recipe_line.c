/*
 * provider/recipe_line.c: on which line a member stands. The reader of JSON forgets that, so the text, which is valid by
 * then, is walked once more along the path of the member that is wrong.
 */
#include "provider/recipe.h"

struct place {
	struct str text;
	size_t     at;
};

static int look(const struct place *p)
{
	return p->at < p->text.len ? (unsigned char)p->text.ptr[p->at] : -1;
}

static void skip_blank(struct place *p)
{
	while (look(p) == ' ' || look(p) == '\t' || look(p) == '\n' || look(p) == '\r' || look(p) == ',' || look(p) == ':')
		p->at++;
}

/* The string at the reading point, without its quotes, as written. */
static struct str skip_string(struct place *p)
{
	size_t start = ++p->at;

	while (look(p) >= 0 && look(p) != '"')
		p->at += look(p) == '\\' ? 2 : 1;
	if (p->at > p->text.len)
		p->at = p->text.len;
	p->at++;
	return str_of(p->text.ptr + start, p->at - 1 - start);
}

static void skip_value(struct place *p)
{
	unsigned depth = 0;

	do {
		skip_blank(p);
		switch (look(p)) {
		case -1: return;
		case '"': skip_string(p); break;
		case '{':
		case '[':
			depth++;
			p->at++;
			break;
		case '}':
		case ']':
			if (depth == 0)
				return;
			depth--;
			p->at++;
			break;
		default:
			while (look(p) >= 0 && strchr(" \t\r\n,:]}", look(p)) == NULL)
				p->at++;
		}
		skip_blank(p);
	} while (depth > 0);
}

/* From the beginning of an object or array to the value of one member; false when it is not there. */
static bool enter(struct place *p, struct str token)
{
	bool     object = look(p) == '{';
	uint64_t index = 0, wanted = UINT64_MAX;

	if (!object && look(p) != '[')
		return false;
	if (!object && !str_to_u64(token, &wanted))
		return false;
	p->at++;
	for (;; index++) {
		size_t before;

		skip_blank(p);
		if (look(p) < 0 || look(p) == '}' || look(p) == ']')
			return false;
		before = p->at;
		if (object) {
			struct str key = look(p) == '"' ? skip_string(p) : STR("");

			if (str_eq(key, token)) {
				p->at = before;
				return true;
			}
			skip_blank(p);
		} else if (index == wanted) {
			return true;
		}
		skip_value(p);
		if (p->at == before)
			return false;
	}
}

unsigned recipe_line(struct str text, const char *pointer)
{
	struct place p = { .text = text };
	struct str   rest = str_c(pointer), token;
	unsigned     line = 1;

	skip_blank(&p);
	while (str_next(&rest, '/', &token)) {
		size_t before = p.at;

		if (token.len == 0)
			continue;
		/* A key is where the place is shown; go to its value first. */
		if (look(&p) == '"') {
			skip_string(&p);
			skip_blank(&p);
		}
		if (!enter(&p, token)) {
			p.at = before;
			break;
		}
	}
	for (size_t i = 0; i < p.at && i < text.len; i++)
		line += text.ptr[i] == '\n';
	return line;
}
