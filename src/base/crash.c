/*
 * base/crash.c: dying on purpose, see the header. Nothing here costs more than one comparison while the environment
 * arms nothing.
 */
#include "base/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/attr.h"

static const char *const names[CRASH__COUNT] = {
#define X(id, name) [CRASH_##id] = name,
	CRASH_POINTS(X)
#undef X
};

static enum crash_point armed_at = CRASH__COUNT;
static const char      *once;
static bool             kill_group;
static int              trace_fd = -1;
static atomic_bool      traced[CRASH__COUNT];

static NORETURN void refuse(const char *what, const char *value)
{
	/* A test that arms nothing would pass for the wrong reason. */
	fprintf(stderr, "%s: %s\n", what, value);
	_exit(2);
}

void crash_init(void)
{
	const char *at = getenv("REEVE_CRASH_AT"), *trace = getenv("REEVE_CRASH_TRACE");

	once = getenv("REEVE_CRASH_ONCE");
	kill_group = getenv("REEVE_CRASH_ALL") != NULL;
	armed_at = CRASH__COUNT;
	if (at != NULL && at[0] != '\0') {
		for (size_t i = 0; i < CRASH__COUNT; i++) {
			if (strcmp(names[i], at) == 0)
				armed_at = (enum crash_point)i;
		}
		if (armed_at == CRASH__COUNT)
			refuse("REEVE_CRASH_AT names no crash point", at);
	}
	/* Opened now: the sandbox of the role may not let us later. */
	if (trace != NULL && trace[0] != '\0') {
		trace_fd = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (trace_fd < 0)
			refuse("REEVE_CRASH_TRACE cannot be opened", trace);
	}
}

static void write_trace(enum crash_point point)
{
	char    line[128];
	int     len = snprintf(line, sizeof(line), "%s\n", names[point]);
	ssize_t written;

	if (atomic_exchange(&traced[point], true))
		return;
	/* One write with O_APPEND: the lines of several roles do not mix. */
	written = write(trace_fd, line, (size_t)len);
	(void)written;
}

void crash_reached(enum crash_point point)
{
	if (trace_fd >= 0)
		write_trace(point);
	if (point != armed_at)
		return;
	if (once != NULL && once[0] != '\0') {
		int fd = open(once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

		if (fd < 0)
			return;
		close(fd);
	}
	kill(kill_group ? 0 : getpid(), SIGKILL);
	/* SIGKILL to ourselves is delivered before kill() returns; another thread may see these lines, briefly. */
	for (;;)
		pause();
}

const char *crash_point_name(enum crash_point point)
{
	return point < CRASH__COUNT ? names[point] : NULL;
}
