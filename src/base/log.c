/*
 * base/log.c: log lines. A line is made on the stack and written at once, so lines of several roles that share
 * standard error never mix; what does not fit LINE_SIZE is cut.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

/* PIPE_BUF: up to here a write to a pipe is one piece. */
#define LINE_SIZE 4096

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static char           log_role[32] = "reeve";
static enum log_level log_level = LOG_LEVEL_INFO;

void log_init(const char *role, enum log_level level)
{
	snprintf(log_role, sizeof(log_role), "%s", role);
	log_level = level;
}

bool log_level_parse(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (strcmp(level_names[i], name) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static PRINTF_LIKE(2, 0) void write_line(enum log_level level, const char *format, va_list args)
{
	char   line[LINE_SIZE], time[CLOCK_RFC3339_SIZE];
	size_t len, done = 0;
	int    saved = errno;

	if (level > log_level)
		return;
	snprintf(line, sizeof(line), "time=%s level=%s role=%s ",
	         clock_rfc3339(clock_now_ms(), time), level_names[level], log_role);
	len = strlen(line);
	/* %m in the format must see the errno of the caller. */
	errno = saved;
	if (vsnprintf(line + len, sizeof(line) - 1 - len, format, args) < 0)
		line[len] = '\0';
	str_escape(line);
	len = strlen(line);
	line[len++] = '\n';
	while (done < len) {
		ssize_t n = write(STDERR_FILENO, line + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		/* Nobody is left to tell. */
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	errno = saved;
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		write_line(level, format, args);                                                   \
		va_end(args);                                                                      \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
