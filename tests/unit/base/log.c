/* Unit tests of base/log.h: standard error is a pipe while a line is written. */
#include <unistd.h>

#include "base/log.h"
#include "test.h"

static char   captured[16384];
static size_t captured_len;

#define CAPTURE(call)                                                                              \
	do {                                                                                       \
		int ends_[2], saved_ = dup(STDERR_FILENO);                                         \
		CHECK(pipe(ends_) == 0);                                                           \
		dup2(ends_[1], STDERR_FILENO);                                                     \
		close(ends_[1]);                                                                   \
		call;                                                                              \
		dup2(saved_, STDERR_FILENO);                                                       \
		close(saved_);                                                                     \
		ssize_t n_ = read(ends_[0], captured, sizeof(captured) - 1);                       \
		captured_len = n_ > 0 ? (size_t)n_ : 0;                                            \
		captured[captured_len] = '\0';                                                     \
		close(ends_[0]);                                                                   \
	} while (0)

TEST(one_escaped_line)
{
	log_init("worker", LOG_LEVEL_INFO);
	CAPTURE(log_warn("job=%d cause=\"%s\"", 17, "a\nb\x1b[0m"));
	CHECK(strstr(captured, " level=warn role=worker job=17 cause=\"a?b?[0m\"\n") != NULL);
	CHECK(strncmp(captured, "time=20", 7) == 0);
	CHECK(strchr(captured, '\n') == captured + captured_len - 1);
}

TEST(levels)
{
	enum log_level level = LOG_LEVEL_ERROR;

	log_init("worker", LOG_LEVEL_WARN);
	CAPTURE(log_info("x"));
	CHECK_INT(captured_len, 0);
	CAPTURE(log_error("x"));
	CHECK(captured_len > 0);
	CHECK(log_level_parse("debug", &level) && level == LOG_LEVEL_DEBUG);
	CHECK(!log_level_parse("loud", &level));
}

TEST(long_lines_are_cut)
{
	char text[9000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_init("worker", LOG_LEVEL_INFO);
	CAPTURE(log_info("%s", text));
	CHECK(captured_len <= 4096 && captured_len > 4000);
	CHECK(captured[captured_len - 1] == '\n');
}

TESTS(T(one_escaped_line), T(levels), T(long_lines_are_cut))
