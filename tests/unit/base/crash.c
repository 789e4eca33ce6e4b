/* Unit tests of base/crash.h: each case runs in a child that may die. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "test.h"

static char dir[] = "/tmp/reeve-crash-XXXXXX";

/* Runs points 0 and 1 (1 twice) in a child; its wait status. */
static int run(const char *at, const char *once, const char *trace)
{
	int   status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		if (at != NULL)
			setenv("REEVE_CRASH_AT", at, 1);
		if (once != NULL)
			setenv("REEVE_CRASH_ONCE", once, 1);
		if (trace != NULL)
			setenv("REEVE_CRASH_TRACE", trace, 1);
		crash_init();
		CRASH_POINT(KEY_COMMIT_BEFORE);
		CRASH_POINT(KEY_COMMIT_AFTER);
		CRASH_POINT(KEY_COMMIT_AFTER);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST(names_are_unique)
{
	for (int i = 0; i < CRASH__COUNT; i++) {
		for (int j = 0; j < i; j++)
			assert_string_not_equal(crash_point_name((enum crash_point)i), crash_point_name((enum crash_point)j));
	}
	CHECK(crash_point_name(CRASH__COUNT) == NULL);
}

TEST(kills_where_armed)
{
	CHECK_INT(run(NULL, NULL, NULL), 0);
	CHECK(killed(run("order.key.commit-after", NULL, NULL)));
	CHECK_INT(run("cleanup.remove.done", NULL, NULL), 0);
}

TEST(unknown_point_is_loud)
{
	int status = run("order.key.commit-aftr", NULL, NULL);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

TEST(kills_once)
{
	char once[64];

	snprintf(once, sizeof(once), "%s/once", dir);
	CHECK(killed(run("order.key.commit-before", once, NULL)));
	CHECK_INT(run("order.key.commit-before", once, NULL), 0);
	unlink(once);
}

TEST(traces_each_point_once)
{
	char  trace[64], text[256] = "";
	FILE *f;

	snprintf(trace, sizeof(trace), "%s/trace", dir);
	CHECK_INT(run(NULL, NULL, trace), 0);
	f = fopen(trace, "r");
	CHECK(f != NULL);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	CHECK_STR(text, "order.key.commit-before\norder.key.commit-after\n");
	unlink(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(names_are_unique), T(kills_where_armed), T(unknown_point_is_loud),
		                            T(kills_once), T(traces_each_point_once) };
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
