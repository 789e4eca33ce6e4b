/* Unit tests of base/err.h and base/problem_codes.h. */
#include <errno.h>

#include "base/err.h"
#include "base/problem_codes.h"
#include "test.h"

TEST(layers)
{
	struct err err = { 0 };

	CHECK(!err_problem(&err, ERR_TEMPORARY, "ca-unreachable", "%d %s", 429, "too many"));
	CHECK(!err_hint(&err, "wait %d s", 60));
	err.retry_after_s = 60;
	CHECK(!err_in(&err, "newOrder for %s", "example.org"));
	CHECK(!err_in(&err, "job %d", 17));
	CHECK_STR(err.text, "job 17: newOrder for example.org: 429 too many");
	CHECK_STR(err.problem, "ca-unreachable");
	CHECK_STR(err.hint, "wait 60 s");
	CHECK_INT(err.class, ERR_TEMPORARY);
	CHECK_INT(err.retry_after_s, 60);
	/* A new error leaves nothing of the old one. */
	err_set(&err, ERR_INPUT, "new");
	CHECK(err.problem[0] == '\0' && err.hint[0] == '\0' && err.retry_after_s == 0);
	/* From itself. */
	err_set(&err, ERR_INPUT, "<%s>", err.text);
	CHECK_STR(err.text, "<new>");
}

TEST(null_is_fine)
{
	CHECK(!err_set(NULL, ERR_INPUT, "x"));
	CHECK(!err_problem(NULL, ERR_INPUT, "x", "x"));
	CHECK(!err_hint(NULL, "x"));
	CHECK(!err_in(NULL, "x"));
	CHECK(!err_errno(NULL, ENOENT, "x"));
}

TEST(bounded_and_escaped)
{
	struct err err = { 0 };
	char       long_text[3000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	err_problem(&err, ERR_INPUT, long_text, "%s", long_text);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	CHECK_INT(strlen(err.problem), sizeof(err.problem) - 1);
	err_in(&err, "%s", long_text);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	err_set(&err, ERR_INPUT, "a\x1b]0;x\x07\n%s", "\xff");
	CHECK_STR(err.text, "a?]0;x???");
	/* A character that the end cuts in two. */
	for (size_t i = 0; i + 2 < sizeof(long_text); i += 2)
		memcpy(long_text + i, "ü", 2);
	err_set(&err, ERR_INPUT, "x%s", long_text + 0);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	err_set(&err, ERR_INPUT, "%s", long_text);
	CHECK_INT(err.text[sizeof(err.text) - 2], '?');
}

TEST(system_errors)
{
	struct err err = { 0 };

	err_errno(&err, ENOENT, "open %s", "file");
	CHECK_INT(err.class, ERR_TEMPORARY);
	CHECK_STR(err.text, "open file: No such file or directory");
}

TEST(problem_rows)
{
	CHECK_INT(problem_code_find("not-found", ERR_NONE)->http_status, 404);
	CHECK_STR(problem_code_find("nonsense", ERR_INPUT)->code, "invalid-request");
	CHECK_STR(problem_code_find("", ERR_TEMPORARY)->code, "unavailable");
	CHECK_STR(problem_code_find(NULL, ERR_DENIED)->code, "forbidden");
	CHECK_STR(problem_code_find("urn:ietf:params:acme:error:rejectedIdentifier", ERR_PERMANENT)->code, "ca-refused");
	for (int class = ERR_NONE; class <= ERR__COUNT; class++) {
		CHECK(problem_code_find("", (enum err_class)class)->title != NULL);
		CHECK(err_class_name((enum err_class)class) != NULL);
	}
	CHECK_STR(problem_code_find("", ERR_NONE)->code, "internal");
}

TESTS(T(layers), T(null_is_fine), T(bounded_and_escaped), T(system_errors), T(problem_rows))
