/*
 * deploy/run.c: see the header. The caller becomes the reaper of whatever the program orphans, so "kill them all" is a
 * loop over its own children: who forks away from a killed parent becomes a child, and is next.
 */
#include "deploy/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define TERM_MS   2000 /* between asking and killing */
#define KILL_MS   5000 /* until what cannot be killed is given up */
#define DRAIN_MS  1000 /* for output of those that outlive the program */
#define OUT_HIGH  64   /* descriptors wait up here while 0 to 4 are set */

/* ---- the child ---- */

static void limit(int what, rlim_t value)
{
	const struct rlimit both = { value, value };

	(void)setrlimit((__rlimit_resource_t)what, &both);
}

NORETURN static void become(const struct run_program *p, int out, int report, pid_t parent)
{
	static const int defaults[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGCHLD };
	const char *const alone[] = { p->path, NULL }, *const *argv = p->argv != NULL ? p->argv : alone;
	sigset_t          none;
	int               number;

	/* The group is what SIGTERM goes to; the terminal of whoever started us is not the program's. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	limit(RLIMIT_CPU, 60);
	limit(RLIMIT_FSIZE, 64 * (rlim_t)MIB);
	limit(RLIMIT_NPROC, 1024);
	limit(RLIMIT_CORE, 0);
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		signal(defaults[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(077);

	int high_out = fcntl(out, F_DUPFD, OUT_HIGH), high_report = fcntl(report, F_DUPFD, OUT_HIGH);
	int high_fd = p->fd >= 0 ? fcntl(p->fd, F_DUPFD, OUT_HIGH) : -1;
	int null = open("/dev/null", O_RDWR);
	bool ok = high_out >= 0 && high_report >= 0 && null >= 0 && (null == 0 || dup2(null, 0) == 0) && dup2(high_out, 1) == 1 &&
	          dup2(high_out, 2) == 2 && dup2(high_report, 4) == 4 && fcntl(4, F_SETFD, FD_CLOEXEC) == 0;
	if (high_fd >= 0)
		ok = ok && dup2(high_fd, 3) == 3;
	else
		close(3);
	close_range(5, ~0u, 0);
	if (ok && chdir(p->directory) == 0)
		execve(p->path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)p->environment);
	number = errno;
	(void)!write(4, &number, sizeof(number));
	_exit(127);
}

/* ---- ending ---- */

/* Every child of ours, adopted ones too. */
static void children_kill(void)
{
	char  path[64];
	FILE *list;
	long  pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
	list = fopen(path, "re");
	if (list == NULL)
		return;
	while (fscanf(list, "%ld", &pid) == 1)
		(void)kill((pid_t)pid, SIGKILL);
	fclose(list);
}

static void kill_all(pid_t group)
{
	int64_t until = clock_mono_ms() + KILL_MS;

	while (clock_mono_ms() < until) {
		int waited;

		(void)kill(-group, SIGKILL);
		children_kill();
		while ((waited = (int)waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (waited < 0 && errno == ECHILD)
			return;
		clock_sleep_ms(2);
	}
}

/* ---- watching ---- */

struct watch {
	const struct run_program *program;
	pid_t                     pid;
	int                       pidfd, out;
	struct buf                output;
	bool                      cut, exited, timed_out, cancelled;
	int                       status;
};

/* What there is; false at the end of the output. */
static bool output_read(struct watch *w)
{
	char    block[8192];
	ssize_t n = read(w->out, block, sizeof(block));
	size_t  room = RUN_OUTPUT_MAX - w->output.len;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	w->cut = w->cut || (size_t)n > room;
	buf_add(&w->output, block, (size_t)n < room ? (size_t)n : room);
	return true;
}

static void watch_run(struct watch *w)
{
	int64_t deadline = clock_mono_ms() + (int64_t)w->program->timeout_s * 1000;
	bool    open = true;

	while (!w->exited || open) {
		struct pollfd p[] = { { .fd = open ? w->out : -1, .events = POLLIN },
			              { .fd = w->exited ? -1 : w->pidfd, .events = POLLIN },
			              { .fd = w->program->cancel_fd, .events = POLLIN } };
		int64_t       left = deadline - clock_mono_ms();

		if (left <= 0 && !w->exited) {
			w->timed_out = true;
			return;
		}
		if (left <= 0)
			return;
		if (poll(p, ARRAY_LEN(p), left > 1000 ? 1000 : (int)left) < 0)
			continue;
		if (p[2].revents != 0) {
			w->cancelled = true;
			return;
		}
		if (open && p[0].revents != 0)
			open = output_read(w);
		if (!w->exited && p[1].revents != 0 && waitpid(w->pid, &w->status, WNOHANG) == w->pid) {
			w->exited = true;
			deadline = clock_mono_ms() + DRAIN_MS;
		}
	}
}

/* Time to end by itself after SIGTERM. */
static void ask_to_end(struct watch *w)
{
	int64_t until = clock_mono_ms() + TERM_MS;

	(void)kill(-w->pid, SIGTERM);
	while (clock_mono_ms() < until && waitpid(w->pid, &w->status, WNOHANG) == 0) {
		struct pollfd p = { .fd = w->out, .events = POLLIN };

		if (poll(&p, 1, 20) > 0 && !output_read(w))
			clock_sleep_ms(20);
	}
}

static const char *output_text(struct arena *a, struct watch *w)
{
	char *text;

	if (w->cut)
		text = arena_printf(a, "%.*s\n[the rest was dropped]\n", (int)w->output.len, w->output.ptr);
	else
		text = arena_str(a, buf_str(&w->output));
	/* A NUL would have ended the text above; other bytes must not drive a terminal. */
	for (char *line = text; *line != '\0';) {
		char *end = line + strcspn(line, "\n\t"), stop = *end;

		*end = '\0';
		str_escape(line);
		*end = stop;
		line = stop == '\0' ? end : end + 1;
	}
	return text;
}

static bool verdict(const struct watch *w, struct err *err)
{
	const char *path = w->program->path;

	if (w->cancelled)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "%s was ended because Reeve is stopping", path);
	if (w->timed_out) {
		err_problem(err, ERR_TEMPORARY, "timeout", "%s ran for %u s and was ended with all its processes", path, w->program->timeout_s);
		return err_hint(err, "find out what it waits for, or allow more with timeout_s");
	}
	if (WIFSIGNALED(w->status))
		return err_problem(err, ERR_TEMPORARY, "refused", "%s was killed by SIG%s", path, sigabbrev_np(WTERMSIG(w->status)));
	if (WEXITSTATUS(w->status) != 0)
		return err_problem(err, ERR_TEMPORARY, "refused", "%s ended with exit code %d", path, WEXITSTATUS(w->status));
	return true;
}

bool run_program(struct arena *a, const struct run_program *p, struct run_result *ret, struct err *err)
{
	struct watch w = { .program = p };
	int          out[2], report[2], number = 0;
	int64_t      began = clock_mono_ms();
	pid_t        self = getpid();

	*ret = (struct run_result){ .exit_code = -1, .output = "" };
	if (pipe2(out, O_CLOEXEC) != 0)
		return err_errno(err, errno, "pipe");
	if (pipe2(report, O_CLOEXEC) != 0) {
		close(out[0]);
		close(out[1]);
		return err_errno(err, errno, "pipe");
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	w.pid = fork();
	if (w.pid == 0)
		become(p, out[1], report[1], self);
	number = w.pid < 0 ? errno : 0;
	close(out[1]);
	close(report[1]);
	w.out = out[0];
	/* The report's end-of-file is the successful exec. */
	bool reported = w.pid > 0 && read(report[0], &number, sizeof(number)) == (ssize_t)sizeof(number);
	close(report[0]);
	if (w.pid < 0 || reported) {
		if (w.pid > 0)
			kill_all(w.pid);
		close(out[0]);
		err_problem(err, number == ENOENT || number == EACCES || number == ENOEXEC ? ERR_CONFIG : ERR_TEMPORARY, "configuration",
		            "%s cannot be run: %s", p->path, strerror(number));
		return err_hint(err, "it must be there, be executable, and begin with #! and its interpreter when it is a script");
	}
	buf_init(&w.output, RUN_OUTPUT_MAX + 1);
	w.pidfd = pidfd_open(w.pid, 0);
	watch_run(&w);
	if (w.timed_out || w.cancelled) {
		ask_to_end(&w);
		kill_all(w.pid);
	} else {
		/* What it left in its group ends with it; a service that it started has a session of its own and stays. */
		(void)kill(-w.pid, SIGKILL);
	}
	if (w.pidfd >= 0)
		close(w.pidfd);
	close(out[0]);
	ret->output = output_text(a, &w);
	ret->took_ms = clock_mono_ms() - began;
	if (w.exited && WIFEXITED(w.status))
		ret->exit_code = WEXITSTATUS(w.status);
	buf_clear(&w.output);
	return verdict(&w, err);
}
