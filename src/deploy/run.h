/*
 * deploy/run.h: one program, run with limits and without a shell, and everything it started ended with it.
 *
 * Limits   wall time as given, then SIGTERM to its process group, two seconds later SIGKILL to every descendant, also to
 *          those that left the group; 60 s of CPU, files of 64 MiB, 1024 processes of the user, no core, no new
 *          privileges. RUN_OUTPUT_MAX bytes of standard output and error are kept, the rest is read and dropped.
 * Child    a session of its own; standard input is /dev/null, descriptor 3 the one given, no other is open; argv is as
 *          given, or the path alone; the environment is exactly `environment`.
 * Threads  the caller has one thread and no other children: it adopts what the program leaves behind.
 */
#ifndef REEVE_DEPLOY_RUN_H
#define REEVE_DEPLOY_RUN_H

#include "base/arena.h"
#include "base/err.h"

#define RUN_OUTPUT_MAX (60u * KIB) /* with the rest of the answer it fits into a frame */

struct run_program {
	const char        *path; /* absolute */
	const char *const *environment; /* NULL ends it */
	const char        *directory;   /* working directory */
	int                fd;          /* becomes 3; -1: none */
	uint32_t           timeout_s;
	int                cancel_fd;   /* its end-of-file ends the run; -1: none */
	const char *const *argv;        /* from the name on; NULL ends it. NULL: the path alone */
};

struct run_result {
	int         exit_code; /* -1 unless it exited by itself */
	const char *output;    /* in the arena; control bytes but line ends are '?' */
	int64_t     took_ms;
};

/* True: it exited with 0. False: the reason is in err; *ret is written in every case. */
MUST_CHECK bool run_program(struct arena *a, const struct run_program *program, struct run_result *ret, struct err *err);

#endif
