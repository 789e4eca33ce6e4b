/* deploy/program.c: finding and running it. */
#include "deploy/program.h"

#include "deploy/delivery.h"
#include "deploy/run.h"

static bool run_it(struct arena *a, const struct hook_config *config, const struct program_order *order, int cancel_fd,
                   struct program_result *ret, struct err *err)
{
	const char          *argv[PROGRAM_TEXTS_MAX + 2], *directory = arena_printf(a, "%s/" PROGRAM_DIRECTORY, config->directory);
	struct program_texts environment = order->environment;
	struct run_result    result;
	const char          *path;
	bool                 ok;

	if (!hook_file(a, directory, order->name, &path, err) ||
	    !program_text_add(&environment, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", err) ||
	    !program_text_add(&environment, "LANG=C", err))
		return false;
	argv[0] = path;
	memcpy(argv + 1, order->arguments.items, (order->arguments.count + 1) * sizeof(*argv));
	const struct run_program program = { .path = path, .argv = argv, .environment = environment.items, .directory = "/", .fd = -1,
		                             .timeout_s = order->timeout_s, .cancel_fd = cancel_fd };
	ok = run_program(a, &program, &result, err);
	ret->output = result.output;
	return ok;
}

void program_do(struct arena *a, const struct hook_config *config, const struct program_order *order, int cancel_fd,
                struct program_result *ret)
{
	*ret = (struct program_result){ .output = "" };
	ret->done = run_it(a, config, order, cancel_fd, ret, &ret->cause);
}
