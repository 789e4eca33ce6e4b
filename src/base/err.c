/*
 * base/err.c: filling in errors. Every text is formatted aside first, so that an error may be worded from parts of
 * itself, and escaped afterwards, so that a truncated character is caught too.
 */
#include "base/err.h"

#include "base/str.h"

static PRINTF_LIKE(3, 0) void word(char *ret, size_t size, const char *format, va_list args)
{
	int len = vsnprintf(ret, size, format, args);

	if (len < 0)
		ret[0] = '\0';
	str_escape(ret);
}

static void fill(struct err *err, enum err_class class, const char *problem, const char *text)
{
	char code[sizeof(err->problem)];

	snprintf(code, sizeof(code), "%s", problem != NULL ? problem : "");
	str_escape(code);
	memset(err, 0, sizeof(*err));
	err->class = class;
	memcpy(err->problem, code, sizeof(code));
	snprintf(err->text, sizeof(err->text), "%s", text);
}

bool err_set(struct err *err, enum err_class class, const char *format, ...)
{
	char    text[sizeof(err->text)];
	va_list args;

	if (err == NULL)
		return false;
	va_start(args, format);
	word(text, sizeof(text), format, args);
	va_end(args);
	fill(err, class, NULL, text);
	return false;
}

bool err_problem(struct err *err, enum err_class class, const char *problem, const char *format,
                 ...)
{
	char    text[sizeof(err->text)];
	va_list args;

	if (err == NULL)
		return false;
	va_start(args, format);
	word(text, sizeof(text), format, args);
	va_end(args);
	fill(err, class, problem, text);
	return false;
}

bool err_hint(struct err *err, const char *format, ...)
{
	char    hint[sizeof(err->hint)];
	va_list args;

	if (err == NULL)
		return false;
	va_start(args, format);
	word(hint, sizeof(hint), format, args);
	va_end(args);
	memcpy(err->hint, hint, sizeof(hint));
	return false;
}

bool err_in(struct err *err, const char *format, ...)
{
	char    where[sizeof(err->text)], text[sizeof(err->text)];
	va_list args;
	size_t  len;

	if (err == NULL)
		return false;
	va_start(args, format);
	word(where, sizeof(where), format, args);
	va_end(args);
	len = strlen(where);
	memcpy(text, err->text, sizeof(text));
	snprintf(err->text, sizeof(err->text), "%s", where);
	if (len < sizeof(err->text))
		snprintf(err->text + len, sizeof(err->text) - len, "%s%s",
		         text[0] != '\0' ? ": " : "", text);
	str_escape(err->text);
	return false;
}

bool err_errno(struct err *err, int number, const char *format, ...)
{
	char        text[sizeof(err->text)];
	char        reason_buf[128];
	const char *reason;
	va_list     args;

	if (err == NULL)
		return false;
	va_start(args, format);
	word(text, sizeof(text), format, args);
	va_end(args);
	reason = strerror_r(number, reason_buf, sizeof(reason_buf));
	return err_set(err, ERR_TEMPORARY, "%s: %s", text, reason);
}

const char *err_class_name(enum err_class class)
{
	switch (class) {
	case ERR_NONE: return "none";
	case ERR_NOT_FOUND: return "not-found";
	case ERR_INPUT: return "input";
	case ERR_DENIED: return "denied";
	case ERR_CONFLICT: return "conflict";
	case ERR_CONFIG: return "config";
	case ERR_TEMPORARY: return "temporary";
	case ERR_PERMANENT: return "permanent";
	case ERR__COUNT: break;
	}
	return "unknown";
}
