/*
 * notify/event.c: one row per kind: its name, whether it is told without being asked for, and its sentences. In a sentence
 * %n is what it is about, %v the version, %u the end of its validity, %a the authority.
 */
#include "notify/event.h"

#include "base/buf.h"
#include "base/clock.h"

#define SUBJECT_MAX 200

static const struct kind {
	const char *name;
	bool        quiet;            /* told by default */
	const char *happened, *again, *over; /* NULL again: as happened; NULL over: there is none */
	const char *without;          /* what to do when the finding has no hint of its own */
} kinds[NOTIFY__COUNT] = {
	[NOTIFY_ISSUED] = { "issued", false, "%n: certificate issued by %a, valid until %u" },
	[NOTIFY_RENEWED] = { "renewed", false, "%n: certificate renewed by %a, valid until %u" },
	[NOTIFY_ISSUE_FAILED] = { "issue-failed", true, "%n: no certificate was issued",
	                          .without = "change what the reason names, then order it again: reeve certificate renew NAME" },
	[NOTIFY_RENEWAL_FAILED] = { "renewal-failed", true, "%n: renewal failed; the certificate is valid until %u",
	                            "%n: renewal still fails; the certificate is valid until %u", "%n: renewed again, valid until %u",
	                            "nothing, if it was a passing fault: it is tried again by itself" },
	[NOTIFY_EXPIRING] = { "expiring", true, "%n: certificate ends at %u and is not renewed",
	                      "%n: certificate still not renewed, it ends at %u", "%n: renewed in time, valid until %u",
	                      "look at what holds it back: reeve certificate show NAME" },
	[NOTIFY_DELEGATION_BROKEN] = { "delegation-broken", true, "%n: the delegation is broken, renewals will fail",
	                               "%n: the delegation is still broken", "%n: the delegation holds again",
	                               "publish the record again: reeve delegation check NAME prints it" },
	[NOTIFY_DEPLOYMENT_FAILED] = { "deployment-failed", true, "%n: version %v was not delivered", "%n: still not delivered",
	                               "%n: version %v is delivered",
	                               "change what the reason names, then deliver again: reeve deployment run NAME" },
	[NOTIFY_DEBT] = { "debt", true, "TXT values could not be removed for more than an hour", "TXT values still could not be removed",
	                  "all TXT values are removed", "repair the connection, or remove the values by hand: reeve debt list names them" },
	[NOTIFY_CA_INCIDENT] = { "ca-incident", true, "%a asks for early renewals, of %n among others, and explains why",
	                         .without = "nothing: Reeve renews in the window that the authority names" },
	[NOTIFY_CA_UNREACHABLE] = { "ca-unreachable", true, "%n: the authority does not answer", "%n: the authority still does not answer",
	                            "%n: the authority answers again",
	                            "nothing, if the authority is down: what is under way goes on by itself" },
	[NOTIFY_CONNECTION_FAILED] = { "connection-failed", true, "connection %n does not work any more",
	                               "connection %n still does not work", "connection %n works again",
	                               "reeve connection test NAME says what is wrong" },
	[NOTIFY_TEST] = { "test", true, "Reeve can reach you", .without = "nothing: this message was asked for" },
};

const char *notify_kind_name(enum notify_kind kind)
{
	return kinds[kind].name;
}

bool notify_kind_find(struct str name, enum notify_kind *ret, struct err *err)
{
	for (unsigned i = 0; i < NOTIFY__COUNT; i++)
		if (str_eq(name, str_c(kinds[i].name))) {
			*ret = (enum notify_kind)i;
			return true;
		}
	err_problem(err, ERR_INPUT, "invalid-request", "there is no event \"%.*s\"", (int)(name.len < 64 ? name.len : 64), name.ptr);
	return err_hint(err, "events are issued, renewed, issue-failed, renewal-failed, expiring, delegation-broken, deployment-failed,"
	                     " debt, ca-incident, ca-unreachable, connection-failed; default and all stand for several");
}

static unsigned mask_of(bool everything)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < NOTIFY__COUNT; i++)
		if (everything || kinds[i].quiet)
			mask |= 1u << i;
	return mask;
}

bool notify_events_parse(struct str events, unsigned *ret_mask, struct err *err)
{
	struct str       rest = events, name;
	unsigned         mask = 0;
	enum notify_kind kind;

	while (str_next(&rest, ' ', &name)) {
		if (name.len == 0)
			continue;
		if (str_eq(name, STR("default")) || str_eq(name, STR("all")))
			mask |= mask_of(str_eq(name, STR("all")));
		else if (notify_kind_find(name, &kind, err))
			mask |= 1u << kind;
		else
			return false;
	}
	*ret_mask = mask != 0 ? mask | 1u << NOTIFY_TEST : mask_of(false);
	return true;
}

bool notify_wanted(const char *events, enum notify_kind kind)
{
	unsigned mask;

	/* What a newer binary wrote and this one does not know is no reason to be silent. */
	if (!notify_events_parse(str_c(events), &mask, NULL))
		mask = mask_of(false);
	return (mask & 1u << kind) != 0;
}

const char *notify_events_write(struct arena *a, unsigned mask)
{
	const char *text = "";

	for (unsigned i = 0; i < NOTIFY__COUNT; i++)
		if ((mask & 1u << i) != 0 && i != NOTIFY_TEST)
			text = arena_printf(a, "%s%s%s", text, text[0] != '\0' ? " " : "", kinds[i].name);
	return text;
}

/* ---- words ---- */

/* One line of valid UTF-8: nothing in it can end a line, a header or a terminal's colour. */
static const char *clean(struct arena *a, const char *text)
{
	struct buf b;
	struct str rest = str_c(text);
	char      *line;

	buf_init(&b, 16 * KIB);
	while (rest.len > 0) {
		size_t len = str_utf8(rest);

		/* C0, DEL, C1 (U+0080..9F) and the line ends of Unicode (U+2028, U+2029). */
		if (len == 0 || (len == 1 && ((unsigned char)rest.ptr[0] < ' ' || rest.ptr[0] == 127)) ||
		    (len == 2 && (unsigned char)rest.ptr[0] == 0xc2 && (unsigned char)rest.ptr[1] < 0xa0) ||
		    (len == 3 && memcmp(rest.ptr, "\xe2\x80", 2) == 0 && ((unsigned char)rest.ptr[2] & 0xfe) == 0xa8))
			buf_add_char(&b, ' ');
		else
			buf_add(&b, rest.ptr, len);
		len = len > 0 ? len : 1;
		rest = str_of(rest.ptr + len, rest.len - len);
	}
	line = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return line;
}

static const char *when(struct arena *a, int64_t at_ms)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(at_ms / 60000 * 60000, text);
	return arena_printf(a, "%.10s %.5s UTC", text, text + 11);
}

static const char *fill(struct arena *a, const char *sentence, const struct event *e)
{
	struct buf  b;
	const char *text;

	buf_init(&b, 4 * KIB);
	for (const char *p = sentence; *p != '\0'; p++) {
		if (p[0] != '%') {
			buf_add_char(&b, *p);
			continue;
		}
		switch (*++p) {
		case 'n':
			buf_add_c(&b, clean(a, e->name));
			break;
		case 'a':
			buf_add_c(&b, clean(a, e->authority));
			break;
		case 'u':
			buf_add_c(&b, when(a, e->not_after_at));
			break;
		case 'v':
			buf_printf(&b, "%lld", (long long)e->version);
			break;
		}
	}
	text = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return text;
}

/* A kind of a newer binary is told by its name. */
static const struct kind *kind_of(const struct event *e)
{
	static const struct kind unknown = { "?", true, "%n: something happened that this version has no words for" };
	enum notify_kind         kind;

	return notify_kind_find(str_c(e->kind), &kind, NULL) ? &kinds[kind] : &unknown;
}

static const char *sentence_of(const struct event *e)
{
	const struct kind *kind = kind_of(e);

	if (strcmp(e->state, "over") == 0 && kind->over != NULL)
		return kind->over;
	return strcmp(e->state, "again") == 0 && kind->again != NULL ? kind->again : kind->happened;
}

const char *event_subject(struct arena *a, const struct event *e)
{
	const char *text = fill(a, sentence_of(e), e);
	size_t      len = strlen(text);

	if (len <= SUBJECT_MAX)
		return text;
	/* Never in the middle of a character. */
	for (len = SUBJECT_MAX - 3; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
		;
	return arena_printf(a, "%.*s...", (int)len, text);
}

const char *event_text(struct arena *a, const struct event *e)
{
	const struct kind *kind = kind_of(e);
	bool               over = strcmp(e->state, "over") == 0;
	const char        *hint = e->hint[0] != '\0' ? clean(a, e->hint) : over ? NULL : kind->without, *text;
	struct buf         b;

	buf_init(&b, 32 * KIB);
	buf_printf(&b, "%s.\n", fill(a, sentence_of(e), e));
	if (e->detail[0] != '\0')
		buf_printf(&b, "\n%s%s%s%s%s\n", over ? "It was:      " : "Why:         ", clean(a, e->detail), e->problem[0] != '\0' ? " [" : "",
		           clean(a, e->problem), e->problem[0] != '\0' ? "]" : "");
	if (e->url[0] != '\0')
		buf_printf(&b, "%sExplained:   %s\n", e->detail[0] != '\0' ? "" : "\n", clean(a, e->url));
	if (hint != NULL)
		buf_printf(&b, "%sTo do:       %s\n", e->detail[0] != '\0' || e->url[0] != '\0' ? "" : "\n", hint);
	if (e->next_try_at != 0 && !over)
		buf_printf(&b, "Tried again: %s\n", when(a, e->next_try_at));
	buf_add_c(&b, "\n");
	if (e->certificate_id[0] != '\0')
		buf_printf(&b, "Certificate: reeve certificate show %s\n", clean(a, e->certificate_id));
	if (e->order_id[0] != '\0')
		buf_printf(&b, "Order:       reeve order show %s\n", clean(a, e->order_id));
	if (e->authority[0] != '\0')
		buf_printf(&b, "Authority:   %s\n", clean(a, e->authority));
	buf_printf(&b, "Event:       %s %s, %s\n", clean(a, e->kind), e->id, when(a, e->at));
	text = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return text;
}
