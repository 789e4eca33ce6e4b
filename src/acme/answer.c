/*
 * acme/answer.c: the few member readers that every CA object needs. Strict where a mistake would be acted upon
 * (URLs, status), lenient where it would only be shown (times, texts).
 */
#include "acme/answer.h"

#include "base/clock.h"
#include "net/url.h"

bool acme_nonsense(struct err *err, const char *format, ...)
{
	char    text[768];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_problem(err, ERR_PERMANENT, "ca-nonsense", "%s", text);
}

bool acme_answer_read(const char *what, struct str body, json_t **ret, struct err *err)
{
	AUTO(json_freep) json_t *json = NULL;
	struct err               cause = { 0 };

	if (!json_read(body, ACME_ANSWER_MAX, &json, &cause))
		return acme_nonsense(err, "%s: %s", what, cause.text);
	if (!json_is_object(json))
		return acme_nonsense(err, "%s: not a JSON object", what);
	*ret = TAKE(json);
	return true;
}

bool acme_url_check(struct arena *a, const char *what, const char *member, const char *url, const char **ret,
                    struct err *err)
{
	struct url read;
	struct err cause = { 0 };

	if (url == NULL || url[0] == '\0')
		return acme_nonsense(err, "%s: no URL in '%s'", what, member);
	if (!url_parse_https(str_c(url), &read, &cause))
		return acme_nonsense(err, "%s: '%s': %s", what, member, cause.text);
	*ret = arena_strdup(a, url);
	return true;
}

bool acme_answer_url(struct arena *a, const char *what, const json_t *object, const char *member,
                     const char **ret, struct err *err)
{
	return acme_url_check(a, what, member, json_str(object, member), ret, err);
}

const char *acme_answer_url_maybe(struct arena *a, const json_t *object, const char *member)
{
	const char *url = json_str(object, member), *copy;

	return url != NULL && acme_url_check(a, "", member, url, &copy, NULL) ? copy : NULL;
}

const char *acme_people_url(struct arena *a, const json_t *object, const char *member)
{
	const char *text = json_str(object, member);
	struct str  whole = str_c(text), before = whole;
	struct url  url;

	before.len = str_index(whole, '#');
	if (text == NULL || whole.len > URL_MAX || !url_parse(before, &url, NULL))
		return NULL;
	for (size_t i = before.len; i < whole.len; i++)
		if (whole.ptr[i] <= ' ' || whole.ptr[i] > '~' || strchr("\"<>\\`", whole.ptr[i]) != NULL)
			return NULL;
	return arena_str(a, whole);
}

int64_t acme_answer_time(const json_t *object, const char *member)
{
	const char *text = json_str(object, member);
	int64_t     at_ms;

	return text != NULL && clock_parse_rfc3339(str_c(text), &at_ms) && at_ms > 0 ? at_ms : 0;
}

bool acme_answer_status(const char *what, const json_t *object, const char *const *names, size_t names_count,
                        unsigned *ret, struct err *err)
{
	const char *status = json_str(object, "status");

	if (status == NULL)
		return acme_nonsense(err, "%s: no status", what);
	for (size_t i = 0; i < names_count; i++)
		if (strcmp(names[i], status) == 0) {
			*ret = (unsigned)i;
			return true;
		}
	return acme_nonsense(err, "%s: unknown status '%.32s'", what, status);
}

const char *acme_text(struct arena *a, const char *text, size_t max)
{
	size_t len = text != NULL ? strlen(text) : 0;
	char  *copy;

	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	copy = arena_str(a, str_of(len > 0 ? text : "", len));
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)copy[i] < ' ' || copy[i] == 0x7f)
			copy[i] = '?';
	return copy;
}
