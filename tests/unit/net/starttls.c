/* The dialogs before TLS: what is said when, and servers that talk nonsense or never stop. */
#include "net/starttls.h"

#include "test.h"

/* Feeds `in`; what was said is in `out`, with " | " between. */
static enum starttls_state feed(struct starttls_dialog *d, const char *in, size_t len, char *out, size_t size, struct err *err)
{
	size_t used = 0, at = 0;

	out[0] = '\0';
	while (d->state != STARTTLS_GO && d->state != STARTTLS_FAILED) {
		if (d->state == STARTTLS_SAY) {
			struct str s = starttls_say(d);

			used += (size_t)snprintf(out + used, size - used, "%.*s|", (int)(s.len > 1 ? s.len - 2 : 0), s.ptr);
		} else if (at == len) {
			break;
		} else {
			starttls_take(d, in[at++], err);
		}
	}
	return d->state;
}

TEST(names)
{
	for (unsigned i = STARTTLS_NONE + 1; i < STARTTLS__COUNT; i++) {
		enum starttls again = STARTTLS_NONE;

		CHECK(starttls_parse(str_c(starttls_name((enum starttls)i)), &again));
		CHECK_INT(again, i);
	}
	enum starttls untouched = STARTTLS_IMAP;
	CHECK(!starttls_parse(STR(""), &untouched) && !starttls_parse(STR("https"), &untouched) && untouched == STARTTLS_IMAP);
}

TEST(what_is_said)
{
	static const struct {
		enum starttls       protocol;
		const char         *in, *out;
		enum starttls_state state;
	} cases[] = {
		{ STARTTLS_NONE, "", "", STARTTLS_GO },
		{ STARTTLS_SMTP, "220 x\r\n250-x\r\n250 starttls\r\n220\r\n", "EHLO probe.invalid|STARTTLS|", STARTTLS_GO },
		{ STARTTLS_SMTP, "220 x\n250 STARTTLS\n220 ok\n", "EHLO probe.invalid|STARTTLS|", STARTTLS_GO },
		{ STARTTLS_SMTP, "220 x\r\n250-STARTTLS\r\n", "EHLO probe.invalid|", STARTTLS_LISTEN },
		{ STARTTLS_SMTP, "220 x\r\n250 STARTTLSX\r\n", "EHLO probe.invalid|", STARTTLS_FAILED },
		{ STARTTLS_SMTP, "220x y\r\n", "", STARTTLS_FAILED },
		{ STARTTLS_SMTP, "220 x\r\n250 STARTTLS\r\n454 later\r\n", "EHLO probe.invalid|STARTTLS|", STARTTLS_FAILED },
		{ STARTTLS_IMAP, "* ok x\r\na ok\r\n", "a STARTTLS|", STARTTLS_GO },
		{ STARTTLS_IMAP, "* BYE x\r\n", "", STARTTLS_FAILED },
		{ STARTTLS_IMAP, "\r\n", "", STARTTLS_FAILED },
		{ STARTTLS_IMAP, "* OK\r\nb OK\r\n", "a STARTTLS|", STARTTLS_FAILED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct starttls_dialog d;
		struct err             err = { 0 };
		char                   out[256];

		starttls_begin(&d, cases[i].protocol);
		if (feed(&d, cases[i].in, strlen(cases[i].in), out, sizeof(out), &err) != cases[i].state || strcmp(out, cases[i].out) != 0)
			fail_msg("%zu: state %d, said \"%s\", \"%s\"", i, d.state, out, err.text);
		CHECK((d.state == STARTTLS_FAILED) == (err.class == ERR_TEMPORARY));
	}
}

TEST(nobody_talks_for_ever)
{
	static char            endless[2 * STARTTLS_BYTES_MAX];
	struct starttls_dialog d;
	struct err             err = { 0 };
	char                   out[256];

	memset(endless, 'x', sizeof(endless));
	starttls_begin(&d, STARTTLS_IMAP);
	CHECK_INT(feed(&d, endless, sizeof(endless), out, sizeof(out), &err), STARTTLS_FAILED);
	CHECK(d.total <= STARTTLS_LINE_MAX + 1);
	for (size_t i = 0; i < sizeof(endless); i++)
		endless[i] = "220-x\n"[i % 6];
	starttls_begin(&d, STARTTLS_SMTP);
	CHECK_INT(feed(&d, endless, sizeof(endless), out, sizeof(out), &err), STARTTLS_FAILED);
	CHECK_INT((int64_t)d.total, STARTTLS_BYTES_MAX + 1);
	/* Its words are shown without what a terminal would obey. */
	starttls_begin(&d, STARTTLS_SMTP);
	CHECK_INT(feed(&d, "\033[2J\a\r\n", 7, out, sizeof(out), &err), STARTTLS_FAILED);
	CHECK(strchr(err.text, '\033') == NULL && strstr(err.text, "?[2J?") != NULL);
}

TESTS(T(names), T(what_is_said), T(nobody_talks_for_ever))
