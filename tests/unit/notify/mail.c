/* A mail byte by byte, and one whose every part wants out. */
#include "notify/mail.h"

#include "test.h"

TEST(plain)
{
	struct arena            *a = arena_new();
	static const char *const to[] = { "a@example.org", "b@example.org" };
	struct mail              m = { .from = "reeve@example.org", .sender_name = "Reeve", .to = to, .to_count = 2, .subject = "[reeve] all is well",
		                       .text = "First.\n\n.\na=b \nlast", .id = "01", .events = "e1 e2", .at_ms = 1700000000000 };

	CHECK_STR(mail_write(a, &m).ptr,
	          "From: Reeve\r\n <reeve@example.org>\r\nTo: <a@example.org>,\r\n <b@example.org>\r\nSubject: [reeve] all is well\r\n"
	          "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID:\r\n <01@example.org>\r\nAuto-Submitted: auto-generated\r\n"
	          "X-Reeve-Event: e1\r\nX-Reeve-Event: e2\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	          "Content-Transfer-Encoding: quoted-printable\r\n\r\nFirst.\r\n\r\n.\r\na=3Db=20\r\nlast\r\n");
	arena_free(a);
}

TEST(words)
{
	static const struct {
		const char *subject, *written;
	} cases[] = {
		{ "gr\xc3\xbc\xc3\x9f", "Subject: =?UTF-8?B?Z3LDvMOf?=\r\n" },
		{ "a\r\nBcc: x", "Subject: =?UTF-8?B?YSAgQmNjOiB4?=\r\n" },
		{ "=?x?", "Subject: =?UTF-8?B?PT94Pw==?=\r\n" },
		{ "\xff", "Subject: =?UTF-8?B?Pw==?=\r\n" },
		{ "", "Subject: \r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena            *a = arena_new();
		static const char *const to[] = { "a@example.org" };
		struct mail              m = { .from = "r@example.org", .sender_name = "", .to = to, .to_count = 1, .subject = cases[i].subject, .text = "",
			                       .id = "01", .events = "" };

		if (strstr(mail_write(a, &m).ptr, cases[i].written) == NULL)
			fail_msg("%s: %s", cases[i].subject, mail_write(a, &m).ptr);
		arena_free(a);
	}
}

TESTS(T(plain), T(words))
