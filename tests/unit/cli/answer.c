/* The reader of HTTP answers: every framing, every cut of the stream, and what is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "cli/answer.h"
#include "test.h"

static const struct {
	const char *text;
	int         status;
	const char *body;
	bool        problem;
} good[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", 200, "hello", false },
	{ "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, "hi", false },
	{ "HTTP/1.1 204 No Content\r\n\r\n", 204, "", false },
	{ "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "", false },
	{ "HTTP/1.0 200 OK\r\n\r\nup to the end", 200, "up to the end", false },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", 200, "abc0123456789", false },
	{ "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n1\r\n\n\r\n0\r\nTrailer: x\r\n\r\n", 200, "\n", false },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\nx", 201, "x", false },
	{ "HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}", 404, "{}", true },
	{ "\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 200, "x", false },
};

static const char *const bad[] = {
	"",
	"HTTP/1.1 200 OK\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
	"HTTP/2 200 OK\r\n\r\n",
	"SSH-2.0-OpenSSH_9.2\r\n\r\n",
	"HTTP/1.1 2x0 OK\r\n\r\n",
	"HTTP/1.1 099 OK\r\n\r\n",
	"HTTP/1.1 600 OK\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/1.1 101 Switching\r\n\r\n",
	"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
	"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
	"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
	"HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
};

/* The whole in pieces of `step` bytes. */
static bool feed(struct cli_answer *answer, const char *text, size_t step, struct err *err)
{
	size_t len = strlen(text);

	cli_answer_init(answer);
	for (size_t at = 0; at < len; at += step)
		if (!cli_answer_feed(answer, str_of(text + at, len - at < step ? len - at : step), err))
			return false;
	return cli_answer_end(answer, err);
}

TEST(good_answers_in_any_cut)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		for (size_t step = 1; step < 90; step++) {
			struct cli_answer answer;
			struct err        err = { 0 };

			if (!feed(&answer, good[i].text, step, &err))
				fail_msg("%zu in steps of %zu: %s", i, step, err.text);
			CHECK_INT(answer.status, good[i].status);
			CHECK(answer.problem == good[i].problem);
			CHECK(str_eq(buf_str(&answer.body), str_c(good[i].body)));
			cli_answer_clear(&answer);
		}
}

TEST(bad_answers_in_any_cut)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		for (size_t step = 1; step < 90; step++) {
			struct cli_answer answer;
			struct err        err = { 0 };

			if (feed(&answer, bad[i], step, &err))
				fail_msg("%zu in steps of %zu was accepted", i, step);
			CHECK(err.class == ERR_TEMPORARY && err.text[0] != '\0');
			cli_answer_clear(&answer);
		}
}

TEST(bounds)
{
	struct cli_answer answer;
	struct err        err = { 0 };
	bool              ok = true;
	char             *block = malloc(MIB);

	memset(block, 'x', MIB);
	cli_answer_init(&answer);
	CHECK(!cli_answer_feed(&answer, str_of(block, MIB), &err)); /* a head without end */
	cli_answer_clear(&answer);
	cli_answer_init(&answer);
	CHECK(cli_answer_feed(&answer, STR("HTTP/1.1 200 OK\r\n\r\n"), &err));
	for (int i = 0; i < 17 && ok; i++)
		ok = cli_answer_feed(&answer, str_of(block, MIB), &err);
	CHECK(!ok);
	cli_answer_clear(&answer);
	free(block);
}

TESTS(T(good_answers_in_any_cut), T(bad_answers_in_any_cut), T(bounds))
