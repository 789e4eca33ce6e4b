/*
 * provider/program.h: programs that add and remove values, run by the hook role: a process of their own with limits, no
 * descriptors of ours and exactly the environment given. The worker runs nothing itself.
 *
 * Which    a file of the `dns` directory inside of the hooks directory, by its name; it and the directory belong to root or
 *          to us, and nobody else may change them.
 * Frame    PROGRAM_RUN {program_order}; the answer is {program_result}.
 * Bounds   PROGRAM_TEXTS_MAX arguments and variables each; variables that say what a program loads are refused.
 */
#ifndef REEVE_PROVIDER_PROGRAM_H
#define REEVE_PROVIDER_PROGRAM_H

#include "base/buf.h"
#include "base/ipc.h"

#define PROGRAM_RUN           (IPC_TYPE_FIRST + 40)
#define PROGRAM_TEXTS_MAX     64u
#define PROGRAM_TIMEOUT_MAX_S 600u

struct program_texts {
	const char *items[PROGRAM_TEXTS_MAX + 1]; /* NULL ends them */
	size_t      count;
};

struct program_order {
	const char          *name;
	struct program_texts arguments, environment; /* NAME=value */
	uint32_t             timeout_s;
};

struct program_result {
	bool        done;
	struct err  cause; /* when it is not */
	const char *output;
};

/* ERR_INPUT when there are too many, or for a variable that is not for this. */
MUST_CHECK bool program_text_add(struct program_texts *texts, const char *text, struct err *err);
MUST_CHECK bool program_variable_check(const char *variable, struct err *err);

void            program_order_write(struct buf *b, const struct program_order *order);
MUST_CHECK bool program_order_read(struct arena *a, struct str body, struct program_order *ret, struct err *err);
void            program_result_write(struct buf *b, const struct program_result *result);
MUST_CHECK bool program_result_read(struct arena *a, struct str body, struct program_result *ret, struct err *err);

/* True: it ran and ended with 0. */
MUST_CHECK bool program_run(struct ipc_peer *hook, struct arena *a, const struct program_order *order, struct program_result *ret,
                            struct err *err);

#endif
