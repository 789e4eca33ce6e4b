/*
 * wait.c: long polls of one order. A change of step or problem is said once, with what to change; the same is not said
 * again. A server that restarts in between is asked again until the time is over.
 */
#include "cli/wait.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/connect.h"
#include "cli/output.h"

#define POLL_S      25
#define TERMINAL_S  1 /* a terminal's line shows the time go by */
#define AGAIN_MS    1000
#define LINE_ERASE  "\r\033[K"

static const char *text_of(struct arena *a, const json_t *order, const char *member)
{
	return shown_text(a, json_str(order, member));
}

const char *wait_line(struct arena *a, const json_t *order, int64_t elapsed_ms, int64_t now_ms)
{
	const char *step = text_of(a, order, "step"), *problem = text_of(a, order, "problem");
	const char *line = arena_printf(a, "%9s  %s", shown_offset(a, elapsed_ms), step);

	if (problem[0] != '\0')
		line = arena_printf(a, "%s: %s", line, text_of(a, order, "detail"));
	if (problem[0] != '\0' && json_str(order, "next_try_at") != NULL)
		line = arena_printf(a, "%s (next try %s)", line, shown_distance_of(a, json_str(order, "next_try_at"), now_ms));
	return line;
}

struct waiter {
	struct cli   *cli;
	struct arena *arena; /* of the command; cli->arena is the round's */
	bool          terminal;
	int64_t       start_ms, deadline_ms;
	int64_t       seen; /* row_version of the last answer */
	const char   *said; /* step, problem and detail said last */
};

static void say(struct waiter *w, const json_t *order)
{
	struct arena *a = w->cli->arena;
	const char   *hint = text_of(a, order, "hint");
	const char   *line = wait_line(a, order, clock_mono_ms() - w->start_ms, clock_now_ms());
	const char   *now = arena_printf(a, "%s|%s|%s", text_of(a, order, "step"), text_of(a, order, "problem"), text_of(a, order, "detail"));
	bool          changed = w->said == NULL || strcmp(w->said, now) != 0;

	if (w->terminal)
		fprintf(stderr, LINE_ERASE);
	if (changed) {
		w->said = arena_strdup(w->arena, now);
		/* A problem stays on the screen; a step that goes well is overwritten by the next. */
		if (!w->terminal || text_of(a, order, "problem")[0] != '\0')
			fprintf(stderr, "%s\n", line);
		if (hint[0] != '\0')
			fprintf(stderr, "  fix: %s\n", hint);
	}
	if (w->terminal)
		fprintf(stderr, "%9s  %s …", shown_offset(a, clock_mono_ms() - w->start_ms), text_of(a, order, "step"));
	fflush(stderr);
}

static bool ended(const json_t *order)
{
	const char *status = json_str(order, "status");

	return status != NULL && strcmp(status, "running") != 0;
}

static int finish(struct waiter *w, const json_t *order, const char *order_id)
{
	struct arena *a = w->cli->arena;
	const char   *status = text_of(a, order, "status");

	if (w->terminal)
		fprintf(stderr, LINE_ERASE);
	if (strcmp(status, "issued") == 0) {
		fprintf(stderr, "issued after %s\n", shown_offset(a, clock_mono_ms() - w->start_ms) + 1);
		return EXIT_DONE;
	}
	if (strcmp(status, "rehearsed") == 0) {
		fprintf(stderr, "rehearsed after %s: it would be issued\n", shown_offset(a, clock_mono_ms() - w->start_ms) + 1);
		return EXIT_DONE;
	}
	if (!ended(order)) {
		fprintf(stderr, "reeve: still running: %s\n", wait_line(a, order, clock_mono_ms() - w->start_ms, clock_now_ms()) + 11);
		fprintf(stderr, "  fix: reeve order show %s\n", order_id);
		return EXIT_RUNNING;
	}
	fprintf(stderr, "reeve: the order %s at %s: %s\n", status, text_of(a, order, "step"), text_of(a, order, "detail"));
	if (text_of(a, order, "hint")[0] != '\0')
		fprintf(stderr, "  fix: %s\n", text_of(a, order, "hint"));
	fprintf(stderr, "  more: reeve order show %s\n", order_id);
	return EXIT_FAILED;
}

/* Worth asking again: the server is restarting a part, or itself. */
static bool passing(const struct err *err)
{
	return err->class == ERR_TEMPORARY;
}

/* One question; the exit code when that was the last, else -1. */
static int wait_round(struct waiter *w, const char *order_id, struct cli_reply *ret_last)
{
	struct cli      *cli = w->cli;
	int64_t          left = w->deadline_ms - clock_mono_ms(), wait_s = w->terminal ? TERMINAL_S : POLL_S;
	const char      *path = arena_printf(cli->arena, "/v1/orders/%s", cli_escape(cli->arena, order_id));
	struct cli_reply reply;
	struct err       err = { 0 };
	bool             json = cli->json;

	if (wait_s > (left + 999) / 1000)
		wait_s = (left + 999) / 1000;
	if (w->seen > 0 && wait_s > 0)
		path = arena_printf(cli->arena, "%s?wait=%lld&seen=%lld", path, (long long)wait_s, (long long)w->seen);
	cli->json = false; /* only the last answer is printed as JSON */
	bool ok = cli_ask(cli, "GET", path, NULL, &reply, &err);
	cli->json = json;
	left = w->deadline_ms - clock_mono_ms();
	if (!ok && passing(&err) && left > 0) {
		clock_sleep_ms(left < AGAIN_MS ? left : AGAIN_MS);
		return -1;
	}
	if (!ok) {
		if (w->terminal)
			fprintf(stderr, LINE_ERASE);
		return cli_fail(cli, &err);
	}
	*ret_last = (struct cli_reply){ .status = reply.status, .json = reply.json };
	if (ended(reply.json) || left <= 0)
		return finish(w, reply.json, order_id);
	say(w, reply.json);
	w->seen = json_int(reply.json, "row_version", 0);
	/* A server that does not say its version would be asked in a tight loop. */
	if (w->seen <= 0)
		clock_sleep_ms(AGAIN_MS);
	return -1;
}

int wait_for_order(struct cli *cli, const char *order_id, int64_t timeout_s, struct cli_reply *ret_last)
{
	struct waiter w = { .cli = cli, .arena = cli->arena, .terminal = isatty(STDERR_FILENO) == 1, .start_ms = clock_mono_ms() };
	int           code = -1;

	w.deadline_ms = w.start_ms + timeout_s * 1000;
	/* An arena for each round: a day of waiting must not be a day of answers in memory. */
	while (code < 0) {
		cli->arena = arena_new();
		code = wait_round(&w, order_id, ret_last);
		arena_free(cli->arena);
		cli->arena = w.arena;
	}
	return code;
}
