/* Programs that behave and programs that do not. */
#include "deploy/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

static const struct {
	const char *script;
	uint32_t    timeout_s;
	int         exit_code;
	const char *output, *words; /* NULL words: it succeeds */
} cases[] = {
	{ "#!/bin/sh\necho \"$# $A\"; exit 0\n", 10, 0, "0 b\n", NULL },
	{ "#!/bin/sh\nprintf 'a\\033b\\tc\\n'; echo to stderr >&2\n", 10, 0, "a?b\tc\nto stderr\n", NULL },
	{ "#!/bin/sh\nread x && exit 1; cat <&3\n", 10, 0, "given", NULL },
	{ "#!/bin/sh\nexit 5\n", 10, 5, "", "exit code 5" },
	{ "#!/bin/sh\nkill -9 $$\n", 10, -1, "", "SIGKILL" },
	{ "#!/bin/sh\nsleep 60\n", 1, -1, "", "ran for 1 s" },
	{ "#!/bin/sh\ntrap '' TERM; setsid sleep 61 & while :; do sleep 1; done\n", 1, -1, "", "ran for 1 s" },
	{ "#!/bin/sh\nsleep 62 & exit 0\n", 10, 0, "", NULL }, /* what stays in its group ends with it */
	{ "#!/no/such/interpreter\n", 10, -1, "", "cannot be run" },
};

static void write_script(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0700);
}

/* In a process of its own, as the header asks: this one may have other children. */
static void one(size_t i)
{
	static const char *const environment[] = { "A=b", "PATH=/usr/bin:/bin", NULL };
	struct arena      *a = arena_new();
	struct err         err = { 0 };
	struct run_result  result;
	char               path[] = "/tmp/reeve-run-XXXXXX";
	int                temporary = mkstemp(path), in[2];

	assert_true(temporary >= 0 && pipe(in) == 0);
	close(temporary);
	assert_int_equal(write(in[1], "given", 5), 5);
	close(in[1]);
	write_script(path, cases[i].script);
	const struct run_program program = { path, environment, "/", in[0], cases[i].timeout_s, -1 };
	int64_t began = clock_mono_ms();
	bool    ok = run_program(a, &program, &result, &err);
	unlink(path);
	close(in[0]);
	if (ok != (cases[i].words == NULL) || (!ok && strstr(err.text, cases[i].words) == NULL))
		fail_msg("%zu: %s", i, ok ? "succeeded" : err.text);
	CHECK_INT(result.exit_code, cases[i].exit_code);
	CHECK_STR(result.output, cases[i].output);
	CHECK(clock_mono_ms() - began < 15000);
	/* Nobody is left, adopted ones neither. */
	for (int64_t until = clock_mono_ms() + 5000; waitpid(-1, NULL, WNOHANG) >= 0 && clock_mono_ms() < until;)
		clock_sleep_ms(5);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0);
	arena_free(a);
}

TEST(outcomes)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		one(i);
}

TEST(a_flood_is_cut)
{
	static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };
	struct arena     *a = arena_new();
	struct err        err = { 0 };
	struct run_result result;
	char              path[] = "/tmp/reeve-run-XXXXXX";

	close(mkstemp(path));
	write_script(path, "#!/bin/sh\nhead -c 3000000 /dev/zero\n");
	const struct run_program program = { path, environment, "/", -1, 20, -1 };
	CHECK_OK(run_program(a, &program, &result, &err), err);
	CHECK(strlen(result.output) < RUN_OUTPUT_MAX + 64);
	unlink(path);
	arena_free(a);
}

TEST(a_closed_cancel_end_ends_it)
{
	static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };
	struct arena     *a = arena_new();
	struct err        err = { 0 };
	struct run_result result;
	char              path[] = "/tmp/reeve-run-XXXXXX";
	int               ends[2];

	close(mkstemp(path));
	assert_int_equal(pipe(ends), 0);
	close(ends[1]);
	write_script(path, "#!/bin/sh\nsleep 60\n");
	const struct run_program program = { path, environment, "/", -1, 60, ends[0] };
	CHECK(!run_program(a, &program, &result, &err));
	CHECK_STR(err.problem, "unavailable");
	CHECK(result.took_ms < 10000);
	close(ends[0]);
	unlink(path);
	arena_free(a);
}

TESTS(T(outcomes), T(a_flood_is_cut), T(a_closed_cancel_end_ends_it))
