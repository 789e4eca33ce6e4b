/*
 * options.c: argv by table. getopt_long does the reading; the words for what is wrong and the help are made here.
 */
#include "cli/options.h"

#include <getopt.h>
#include <string.h>

#include "base/buf.h"

#define OPTIONS_MAX 64
#define HELP_ID     1000

const struct cli_option cli_common_options[] = {
	{ "home", "DIR", "everything of this Reeve is under DIR: etc, var, run (REEVE_HOME)" },
	{ "config", "FILE", "read this file instead of reeve.toml (REEVE_CONFIG)" },
	{ "socket", "PATH", "the server's UNIX socket (REEVE_SOCKET)" },
	{ "url", "URL", "talk to the server at this URL, with a token (REEVE_URL; https may trust REEVE_CA_FILE)" },
	{ "token-file", "FILE", "the API token; or REEVE_TOKEN in the environment" },
	{ "project", "NAME", "work in this project (REEVE_PROJECT)" },
	{ "json", NULL, "print the answer of the interface (docs/api.md) as it came" },
	{ "help", NULL, "show this" },
	{ NULL },
};

/* ---- which words are meant ---- */

static size_t distance(const char *a, const char *b)
{
	size_t row[33], lb = strlen(b);

	if (lb > 32 || strlen(a) > 32)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = change < least ? change : least;
		}
	}
	return row[lb];
}

static void keep_nearest(const char *typed, const char *word, const char **best, size_t *best_distance)
{
	size_t d = distance(typed, word);

	if (d < *best_distance && d * 2 <= strlen(word)) {
		*best = word;
		*best_distance = d;
	}
}

static bool usage(struct err *err, const char *help_of, const char *nearest, const char *format, ...) PRINTF_LIKE(4, 5);
static bool usage(struct err *err, const char *help_of, const char *nearest, const char *format, ...)
{
	char    text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_problem(err, ERR_INPUT, "invalid-request", "%s", text);
	if (nearest != NULL)
		return err_hint(err, "did you mean `%s`?", nearest);
	return err_hint(err, "see `reeve%s%s --help`", help_of[0] != '\0' ? " " : "", help_of);
}

/* ---- options ---- */

struct reader {
	struct arena            *arena;
	const struct cli_option *known[OPTIONS_MAX];
	struct option            longs[OPTIONS_MAX + 1];
	int                      count;
	const char              *help_of;
};

static void reader_add(struct reader *r, const struct cli_option *options)
{
	for (; options != NULL && options->name != NULL && r->count < OPTIONS_MAX; options++) {
		r->longs[r->count] = (struct option){
			.name = options->name,
			.has_arg = options->value != NULL ? required_argument : no_argument,
			.val = HELP_ID + r->count,
		};
		r->known[r->count++] = options;
	}
	r->longs[r->count] = (struct option){ 0 };
}

static bool value_add(const struct reader *r, struct cli_call *call, const struct cli_option *option, const char *value,
                      struct err *err)
{
	if (!option->repeat && cli_given(call, option->name))
		return usage(err, r->help_of, NULL, "--%s was given twice", option->name);
	if (call->values_count == CLI_VALUES_MAX)
		return usage(err, r->help_of, NULL, "more than %d options", CLI_VALUES_MAX);
	call->values[call->values_count].option = option;
	call->values[call->values_count++].value = value != NULL ? value : "";
	return true;
}

static bool unknown_option(const struct reader *r, const char *typed, struct err *err)
{
	const char *best = NULL;
	size_t      best_distance = 4;
	const char *name = typed[0] == '-' && typed[1] == '-' ? typed + 2 : typed + 1;
	char       *bare = arena_str(r->arena, str_of(name, strcspn(name, "=")));

	for (int i = 0; i < r->count; i++)
		keep_nearest(bare, r->known[i]->name, &best, &best_distance);
	if (best != NULL)
		best = arena_printf(r->arena, "--%s", best);
	return usage(err, r->help_of, best, "there is no option %s", typed);
}

/* Reads options from *at on; `stop` at the first word, else words go to call->args. */
static bool read_options(struct reader *r, struct cli_call *call, int argc, char **argv, int *at, bool stop, struct err *err)
{
	int base = *at - 1, c;

	/* getopt starts behind argv[0]: the word before stands in for it. */
	optind = 0;
	opterr = 0;
	for (;;) {
		int here = optind == 0 ? 1 : optind;

		/* '-' hands out words in their place, ':' tells a missing value from an unknown option. */
		c = getopt_long(argc - base, argv + base, stop ? "+:h" : "-:h", r->longs, NULL);
		if (c == -1)
			break;
		if (c == 1)
			call->args[call->args_count++] = optarg;
		else if (c == 'h')
			call->help = true;
		else if (c == ':')
			return usage(err, r->help_of, NULL, "%s needs a value", argv[base + optind - 1]);
		else if (c == '?')
			return unknown_option(r, argv[base + (optind > here ? optind - 1 : here)], err);
		else if (strcmp(r->known[c - HELP_ID]->name, "help") == 0)
			call->help = true;
		else if (!value_add(r, call, r->known[c - HELP_ID], optarg, err))
			return false;
	}
	*at = base + optind;
	while (!stop && *at < argc)
		call->args[call->args_count++] = argv[(*at)++];
	return true;
}

/* ---- noun and verb ---- */

static bool unknown_noun(struct arena *a, const struct cli_command *commands, size_t count, const char *noun, struct err *err)
{
	const char *best = NULL;
	size_t      best_distance = 4;

	for (size_t i = 0; i < count; i++)
		if (!commands[i].hidden)
			keep_nearest(noun, commands[i].noun, &best, &best_distance);
	if (best != NULL)
		best = arena_printf(a, "reeve %s", best);
	return usage(err, "", best, "there is no command \"%s\"", noun);
}

static bool unknown_verb(struct arena *a, const struct cli_command *commands, size_t count, const char *noun, const char *verb,
                         struct err *err)
{
	const char *best = NULL;
	size_t      best_distance = 4;

	for (size_t i = 0; i < count; i++)
		if (strcmp(commands[i].noun, noun) == 0)
			keep_nearest(verb, commands[i].verb, &best, &best_distance);
	if (best != NULL)
		best = arena_printf(a, "reeve %s %s", noun, best);
	return usage(err, noun, best, "there is no command \"%s %s\"", noun, verb);
}

static const struct cli_command *find(const struct cli_command *commands, size_t count, const char *noun, const char *verb)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(commands[i].noun, noun) == 0 && (verb == NULL || strcmp(commands[i].verb, verb) == 0))
			return &commands[i];
	return NULL;
}

static bool find_command(struct reader *r, const struct cli_command *commands, size_t count, int argc, char **argv, int *at,
                         struct cli_call *call, struct err *err)
{
	const struct cli_command *first = find(commands, count, argv[*at], NULL);

	if (first == NULL)
		return unknown_noun(r->arena, commands, count, argv[*at], err);
	call->noun = first->noun;
	r->help_of = first->noun;
	++*at;
	if (first->verb[0] == '\0') {
		call->command = first;
		return true;
	}
	if (!read_options(r, call, argc, argv, at, true, err))
		return false;
	if (*at >= argc) {
		if (call->help)
			return true;
		return usage(err, call->noun, NULL, "`reeve %s` needs a verb", call->noun);
	}
	call->command = find(commands, count, call->noun, argv[*at]);
	if (call->command == NULL)
		return unknown_verb(r->arena, commands, count, call->noun, argv[*at], err);
	r->help_of = arena_printf(r->arena, "%s %s", call->noun, call->command->verb);
	++*at;
	return true;
}

static bool check_args(const struct cli_call *call, const char *help_of, struct err *err)
{
	if (call->args_count < call->command->args_min)
		return usage(err, help_of, NULL, "`reeve %s` needs %s", help_of, call->command->args);
	if (call->args_count > call->command->args_max)
		return usage(err, help_of, NULL, "`reeve %s` does not take \"%s\"", help_of, call->args[call->command->args_max]);
	return true;
}

bool cli_parse(struct arena *a, const struct cli_command *commands, size_t commands_count, int argc, char **argv,
               struct cli_call *ret, struct err *err)
{
	struct reader r = { .arena = a, .help_of = "" };
	int           at = 1;

	*ret = (struct cli_call){ .args = arena_alloc_array(a, (size_t)argc + 1, sizeof(*ret->args)) };
	reader_add(&r, cli_common_options);
	if (!read_options(&r, ret, argc, argv, &at, true, err))
		return false;
	if (at >= argc) {
		ret->help = true;
		return true;
	}
	if (!find_command(&r, commands, commands_count, argc, argv, &at, ret, err))
		return false;
	if (ret->command == NULL)
		return true;
	reader_add(&r, ret->command->options);
	if (!read_options(&r, ret, argc, argv, &at, false, err))
		return false;
	return ret->help || check_args(ret, r.help_of, err);
}

const char *cli_value_at(const struct cli_call *call, const char *name, size_t i)
{
	for (size_t n = 0; n < call->values_count; n++)
		if (strcmp(call->values[n].option->name, name) == 0 && i-- == 0)
			return call->values[n].value;
	return NULL;
}

const char *cli_value(const struct cli_call *call, const char *name)
{
	return cli_value_at(call, name, 0);
}

bool cli_given(const struct cli_call *call, const char *name)
{
	return cli_value(call, name) != NULL;
}

/* ---- help ---- */

static void help_options(FILE *out, const char *title, const struct cli_option *options)
{
	if (options == NULL)
		return;
	fprintf(out, "\n%s\n", title);
	for (; options->name != NULL; options++) {
		char left[64];

		if (options->about == NULL)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", options->name, options->value != NULL ? " " : "",
		         options->value != NULL ? options->value : "");
		fprintf(out, "  %-26s %s%s\n", left, options->about, options->repeat ? "; repeatable" : "");
	}
}

static void help_row(FILE *out, const struct cli_command *c)
{
	char left[96];

	snprintf(left, sizeof(left), "%s%s%s%s%s", c->noun, c->verb[0] != '\0' ? " " : "", c->verb, c->args[0] != '\0' ? " " : "",
	         c->args);
	/* "…" is one column and three bytes. */
	int extra = strstr(left, "…") != NULL ? 2 : 0;
	fprintf(out, "  %-*s %s\n", 28 + extra, left, c->about);
}

static void help_commands(FILE *out, const struct cli_command *commands, size_t count, const char *noun)
{
	const char *last = "";

	for (size_t i = 0; i < count; i++) {
		if (commands[i].hidden || (noun != NULL && strcmp(noun, commands[i].noun) != 0))
			continue;
		if (noun == NULL && last[0] != '\0' && strcmp(last, commands[i].noun) != 0 &&
		    (commands[i].verb[0] != '\0' || find(commands, count, last, "") == NULL))
			fputc('\n', out);
		last = commands[i].noun;
		help_row(out, &commands[i]);
	}
}

void cli_help(FILE *out, const struct cli_command *commands, size_t commands_count, const struct cli_call *call)
{
	const struct cli_command *c = call->command;

	if (c != NULL) {
		fprintf(out, "Usage: reeve %s%s%s%s%s [options]\n\n%s\n", c->noun, c->verb[0] != '\0' ? " " : "", c->verb,
		        c->args[0] != '\0' ? " " : "", c->args, c->about);
		if (c->more != NULL)
			fprintf(out, "\n%s\n", c->more);
		help_options(out, "Options:", c->options);
		help_options(out, "Common options:", cli_common_options);
		return;
	}
	if (call->noun == NULL)
		fprintf(out, "Reeve issues, renews and delivers TLS certificates through delegated DNS challenges.\n\n");
	fprintf(out, "Usage: reeve %s [options]\n\n", call->noun != NULL ? call->noun : "<noun> <verb>");
	help_commands(out, commands, commands_count, call->noun);
	help_options(out, "Common options:", cli_common_options);
	if (call->noun == NULL)
		fprintf(out, "\nExit codes: 0 done, 1 failed, 2 usage, 3 refused or not found, 4 no server, 5 still running or "
		             "temporary.\nMore about a command: reeve <noun> <verb> --help\n");
}
