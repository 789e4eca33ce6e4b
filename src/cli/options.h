/*
 * cli/options.h: one table of commands, and the reader of argv that it feeds. Dispatch, usage errors and every level of
 * --help come from the same rows.
 *
 * Memory   a call points into argv and the arena.
 * Errors   ERR_INPUT "invalid-request" with the sentence for people; the hint names the help to read. Exit code 2.
 */
#ifndef REEVE_CLI_OPTIONS_H
#define REEVE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

struct cli_option {
	const char *name;  /* without "--"; NULL ends a list */
	const char *value; /* what follows, for help; NULL: a switch */
	const char *about;
	bool        repeat;
};

struct cli;

struct cli_command {
	const char              *noun, *verb; /* verb "": the noun alone is the command */
	const char              *args;        /* "NAME…", for help */
	unsigned                 args_min, args_max;
	const char              *about;
	const struct cli_option *options; /* NULL: only the common ones */
	int (*run)(struct cli *cli);
	bool                     hidden;
	const char              *more; /* a paragraph under the help of the command, or NULL */
};

extern const struct cli_option cli_common_options[];

#define CLI_VALUES_MAX 512

struct cli_call {
	const struct cli_command *command; /* NULL: help is wanted, of `noun` or of everything */
	const char               *noun;    /* NULL: everything */
	bool                      help;
	const char              **args;
	size_t                    args_count;
	struct {
		const struct cli_option *option;
		const char              *value; /* "" for a switch */
	} values[CLI_VALUES_MAX];
	size_t values_count;
};

MUST_CHECK bool cli_parse(struct arena *a, const struct cli_command *commands, size_t commands_count, int argc, char **argv,
                          struct cli_call *ret, struct err *err);
/* The last one given, or NULL. */
const char *cli_value(const struct cli_call *call, const char *name);
bool        cli_given(const struct cli_call *call, const char *name);
/* The i-th of a repeatable option, or NULL. */
const char *cli_value_at(const struct cli_call *call, const char *name, size_t i);

void cli_help(FILE *out, const struct cli_command *commands, size_t commands_count, const struct cli_call *call);

#endif
