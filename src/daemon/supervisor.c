/*
 * supervisor.c: starts, watches, restarts and stops the roles. Single-threaded, holds descriptors and nothing else,
 * and reads from roles only frames without content (READY) or with two sentences (REFUSED).
 *
 * Starting     sockets are bound and the seal is opened first; each role is forked and re-executed with a clean
 *              environment and one control socket, and gets the rest as frames (daemon/control.h).
 * Restarting   at once, then after 100 ms doubling to 10 s, from the beginning again after a life of 60 s. Each channel
 *              of the dead role is made anew and handed to both sides.
 * Silence      a role that serves is asked now and then whether it is there; one that does not answer for silent_s is killed,
 *              so that a stopped or stuck process does not hold its work for ever. Time that the supervisor itself was
 *              stopped is nobody's silence.
 * Stopping     api, then hook, then worker, then the others, so that nobody is asked for work by a role that is still up.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wire.h"
#include "daemon/backoff.h"
#include "daemon/control.h"
#include "daemon/listen.h"
#include "daemon/role.h"
#include "keeper/seal.h"

#define CONTROL_FD   3
#define SOCKETS_MAX  1024
#define UDP_MAX      16 /* UDP sockets, and threads, per address */
#define ASKS_PER_SILENCE 6
#define SEND_LIMIT_S 2  /* a role that does not read its control socket for so long is dead */

enum state { DOWN, STARTING, SERVING };

struct child {
	pid_t          pid;     /* 0: none */
	int            control; /* -1: none */
	enum state     state;
	bool           stopping;
	int64_t        started_at, restart_at, kill_at; /* monotonic milliseconds; 0: not set */
	int64_t        ask_at, asked_at; /* the next ASK; the one without an answer */
	struct backoff backoff;
};

struct socket {
	const char  *name; /* as role_take_fd() knows it */
	enum role_id role;
	int          fd;
};

struct supervisor {
	const struct config *config;
	struct child         children[ROLE_ID__COUNT];
	struct socket        sockets[SOCKETS_MAX];
	size_t               sockets_count;
	int                  signals, ready_fd, code;
	int                  stage; /* of stop_stages; -1: serving */
	int64_t              looked_at; /* when take_time() was here last */
	bool                 announced;
	char                 listening[4096]; /* the file; "" before it is written */
	struct ipc_frame     frame;
};

/* Who stops when: a stage begins when the one before has ended, by itself or by force after limit_ms. */
static const struct {
	unsigned roles;
	int64_t  limit_ms;
} stop_stages[] = {
	{ 1u << ROLE_API, 10000 },
	/* A hook may have minutes to go: its delivery is ended here and is done anew after the next start. */
	{ 1u << ROLE_HOOK, 10000 },
	{ 1u << ROLE_WORKER, 35000 },
	{ 1u << ROLE_DNS | 1u << ROLE_RESOLVER | 1u << ROLE_KEEPER, 5000 },
};

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- sockets and files ---- */

static bool socket_add(struct supervisor *s, const char *name, enum role_id role, int fd, struct err *err)
{
	if (s->sockets_count == SOCKETS_MAX) {
		close(fd);
		return err_problem(err, ERR_CONFIG, "configuration", "more than %d listening sockets", SOCKETS_MAX);
	}
	s->sockets[s->sockets_count++] = (struct socket){ name, role, fd };
	return true;
}

static bool open_dns(struct supervisor *s, const char *text, struct err *err)
{
	long     cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = cores < 1 ? 1 : cores > UDP_MAX ? UDP_MAX : (unsigned)cores;
	int      udp[UDP_MAX], tcp;

	if (!listen_dns(text, &tcp, udp, count, err))
		return false;
	bool ok = socket_add(s, "dns-tcp", ROLE_DNS, tcp, err);
	for (unsigned i = 0; i < count; i++)
		ok = socket_add(s, "dns-udp", ROLE_DNS, udp[i], err) && ok;
	return ok;
}

static bool open_sockets(struct supervisor *s, struct err *err)
{
	const struct config *c = s->config;
	int                  fd;

	if (mkdir(c->run, 0755) != 0 && errno != EEXIST)
		return err_problem(err, ERR_CONFIG, "configuration", "%s: %s", c->run, strerror(errno)) ||
		       err_hint(err, "run `reeve init`, or make the directory for the user that starts Reeve");
	/* The UNIX socket first: it is what says that another Reeve runs here. */
	if (!listen_unix(c->socket_path, &fd, err) || !socket_add(s, "unix", ROLE_API, fd, err))
		return false;
	for (size_t i = 0; i < c->http_listen.count; i++)
		if (!listen_tcp(c->http_listen.items[i], &fd, err) || !socket_add(s, "http", ROLE_API, fd, err))
			return false;
	for (size_t i = 0; i < c->dns_listen.count && c->zone_names.count > 0; i++)
		if (!open_dns(s, c->dns_listen.items[i], err))
			return false;
	if (!seal_open(c->seal_path, c->var, &fd, err))
		return false;
	return socket_add(s, "seal", ROLE_KEEPER, fd, err);
}

/* What is shown and written, in this order. UDP shares its addresses with TCP. */
static const struct {
	const char *socket, *name;
} shown[] = { { "http", "http" }, { "dns-tcp", "dns" }, { "unix", "socket" } };

static void write_listening(struct supervisor *s, const char *text)
{
	char temporary[4096];
	int  n = snprintf(s->listening, sizeof(s->listening), "%s/listening", s->config->run);

	if (n < 0 || (size_t)n + 5 > sizeof(temporary)) {
		s->listening[0] = '\0';
		return;
	}
	snprintf(temporary, sizeof(temporary), "%.4090s.new", s->listening);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || rename(temporary, s->listening) != 0)
		log_warn("event=listening-file path=%s cause=\"%s\"", s->listening, strerror(errno));
	fd_close(&fd);
}

static void announce(struct supervisor *s)
{
	AUTO(buf_clear) struct buf line;
	AUTO(buf_clear) struct buf file;
	char text[LISTEN_TEXT_SIZE];

	buf_init(&line, 64 * KIB);
	buf_init(&file, 64 * KIB);
	for (size_t k = 0; k < ARRAY_LEN(shown); k++)
		for (size_t i = 0; i < s->sockets_count; i++) {
			const struct socket *at = &s->sockets[i];
			bool                 path = strcmp(at->name, "unix") == 0;

			if (strcmp(at->name, shown[k].socket) != 0)
				continue;
			const char *address = path ? s->config->socket_path : listen_text(at->fd, text);
			buf_printf(&line, "%s%s %s", line.len > 0 ? ", " : "", shown[k].name, address);
			buf_printf(&file, "%s %s\n", shown[k].name, address);
		}
	s->announced = true;
	write_listening(s, file.ptr);
	log_info("reeve " REEVE_VERSION " serving: %s", line.ptr);
	if (s->ready_fd >= 0 && write(s->ready_fd, "ready\n", 6) != 6)
		log_warn("event=ready-fd cause=\"%s\"", strerror(errno));
	fd_close(&s->ready_fd);
}

/* ---- starting a role ---- */

static bool keep_variable(const char *variable)
{
	static const char *const kept[] = { "PATH=", "LANG=", "TZ=", "REEVE_CRASH_",
#ifdef REEVE_ARENA_MALLOC
		                            "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=",
#endif
	};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}

/* In the child: only standard error and the control socket go on. Never returns. */
NORETURN static void become(enum role_id id, int control, pid_t supervisor)
{
	char       *environment[64] = { NULL };
	size_t      count = 0;
	const char *arguments[] = { "reeve", "serve", "--role", role_name(id), "--control-fd", "3", NULL };
	int         null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* A supervisor killed between fork and here leaves no orphan either. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor || null < 0)
		_exit(1);
	for (char **v = environ; *v != NULL && count + 1 < ARRAY_LEN(environment); v++)
		if (keep_variable(*v))
			environment[count++] = *v;
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	/* dup2 of a descriptor to itself would keep its close-on-exec flag. */
	if (control == CONTROL_FD ? fcntl(control, F_SETFD, 0) != 0 : dup2(control, CONTROL_FD) < 0)
		_exit(1);
	close_range(CONTROL_FD + 1, ~0u, 0);
	execve("/proc/self/exe", (char *const *)(uintptr_t)arguments, environment);
	_exit(127);
}

static bool tell(struct child *child, uint32_t type, struct str body, int fd)
{
	struct err err = { 0 };

	if (child->control < 0 || ipc_send(child->control, type, 0, body, fd, &err))
		return child->control >= 0;
	/* Its death, which is certain or near, is handled where it is reaped. */
	log_warn("event=control-send pid=%d cause=\"%s\"", (int)child->pid, err.text);
	kill(child->pid, SIGKILL);
	return false;
}

static void tell_channel(struct child *child, enum channel channel, int fd)
{
	AUTO(buf_clear) struct buf body;

	buf_init(&body, 64);
	wire_put_u32(&body, channel);
	(void)tell(child, CONTROL_CHANNEL, buf_str(&body), fd);
}

/* Each channel of the role whose other side is up; the others are made when that side starts. */
static void make_channels(struct supervisor *s, enum role_id id)
{
	struct err err = { 0 };

	for (unsigned i = 0; i < CHANNEL__COUNT; i++) {
		struct child *asks = &s->children[channel_ends[i].asks], *answers = &s->children[channel_ends[i].answers];
		int           ends[2];

		if ((channel_ends[i].asks != id && channel_ends[i].answers != id) || asks->control < 0 || answers->control < 0)
			continue;
		if (!ipc_pair(ends, &err)) {
			log_error("event=channel cause=\"%s\"", err.text);
			kill(s->children[id].pid, SIGKILL);
			continue;
		}
		tell_channel(asks, (enum channel)i, ends[0]);
		tell_channel(answers, (enum channel)i, ends[1]);
		close(ends[0]);
		close(ends[1]);
	}
}

static void hand_over(struct supervisor *s, enum role_id id)
{
	struct child              *child = &s->children[id];
	AUTO(buf_clear) struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	control_put_config(&body, s->config);
	(void)tell(child, CONTROL_SETTINGS, buf_str(&body), -1);
	for (size_t i = 0; i < s->sockets_count; i++) {
		const struct socket *at = &s->sockets[i];

		if (at->role != id)
			continue;
		/* The offset of the seal is shared with the keeper that read it before. */
		if (id == ROLE_KEEPER)
			lseek(at->fd, 0, SEEK_SET);
		buf_reset(&body);
		wire_put_c(&body, at->name);
		(void)tell(child, CONTROL_DESCRIPTOR, buf_str(&body), at->fd);
	}
	make_channels(s, id);
	(void)tell(child, CONTROL_GO, STR(""), -1);
}

static bool role_start(struct supervisor *s, enum role_id id)
{
	struct child  *child = &s->children[id];
	struct err     err = { 0 };
	struct timeval limit = { .tv_sec = SEND_LIMIT_S };
	pid_t          self = getpid();
	sigset_t       all, before;
	int            ends[2];

	child->restart_at = 0;
	child->started_at = clock_mono_ms();
	if (!ipc_pair(ends, &err)) {
		log_error("child=%s event=start cause=\"%s\"", role_name(id), err.text);
		return false;
	}
	setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		become(id, ends[1], self);
	int number = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (pid < 0) {
		log_error("child=%s event=start cause=\"fork: %s\"", role_name(id), strerror(number));
		close(ends[0]);
		return false;
	}
	child->pid = pid;
	child->control = ends[0];
	child->state = STARTING;
	child->stopping = false;
	child->kill_at = child->ask_at = child->asked_at = 0;
	hand_over(s, id);
	return true;
}

static void start_or_later(struct supervisor *s, enum role_id id)
{
	struct child *child = &s->children[id];

	if (!role_start(s, id))
		child->restart_at = clock_mono_ms() + backoff_next(&child->backoff, 0);
}

/* ---- stopping ---- */

static void stop_stage_begin(struct supervisor *s)
{
	int64_t now = clock_mono_ms();

	for (unsigned i = 0; i < ROLE_ID__COUNT; i++) {
		struct child *child = &s->children[i];

		if ((stop_stages[s->stage].roles & 1u << i) == 0 || child->pid == 0)
			continue;
		child->stopping = true;
		child->kill_at = now + stop_stages[s->stage].limit_ms;
		(void)tell(child, CONTROL_STOP, STR(""), -1);
	}
}

static bool stage_over(const struct supervisor *s)
{
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		if ((stop_stages[s->stage].roles & 1u << i) != 0 && s->children[i].pid != 0)
			return false;
	return true;
}

/* Nobody connects to a Reeve that is going: with our copies closed, the last listener ends with the api role. */
static void close_listeners(struct supervisor *s)
{
	for (size_t i = 0; i < s->sockets_count; i++)
		if (s->sockets[i].role == ROLE_API)
			fd_close(&s->sockets[i].fd);
}

static void stop_begin(struct supervisor *s, int code, const char *why)
{
	if (s->stage >= 0)
		return;
	log_info("event=stopping cause=\"%s\"", why);
	s->code = code;
	s->stage = 0;
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		s->children[i].restart_at = 0;
	close_listeners(s);
	stop_stage_begin(s);
}

static void kill_all(struct supervisor *s)
{
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		if (s->children[i].pid != 0)
			kill(s->children[i].pid, SIGKILL);
}

/* ---- what happens ---- */

static int64_t ask_every_ms(const struct supervisor *s)
{
	return (int64_t)s->config->silent_s * 1000 / ASKS_PER_SILENCE;
}

static void exit_text(int status, char ret[static 64])
{
	if (WIFSIGNALED(status))
		snprintf(ret, 64, "signal=%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(ret, 64, "status=%d", WEXITSTATUS(status));
}

static void take_frame(struct supervisor *s, enum role_id id)
{
	struct child     *child = &s->children[id];
	struct ipc_frame *frame = &s->frame;
	struct arena     *a;

	if (child->control < 0)
		return;
	if (ipc_receive(child->control, frame) != IPC_RECEIVED) {
		/* It closed its end: dead, or about to be. */
		fd_close(&child->control);
		return;
	}
	if (frame->fd >= 0)
		close(frame->fd);
	if (frame->type == CONTROL_READY && child->state == STARTING) {
		child->state = SERVING;
		child->ask_at = clock_mono_ms() + ask_every_ms(s);
		log_debug("child=%s pid=%d event=ready after_ms=%lld", role_name(id), (int)child->pid,
		          (long long)(clock_mono_ms() - child->started_at));
	} else if (frame->type == CONTROL_ALIVE) {
		child->asked_at = 0;
		child->ask_at = clock_mono_ms() + ask_every_ms(s);
	} else if (frame->type == CONTROL_REFUSED) {
		struct wire w = wire_of(str_of(frame->body, frame->len));

		a = arena_new();
		const char *text = wire_get_c(&w, a);
		const char *hint = wire_get_c(&w, a);
		log_error("child=%s event=refused cause=\"%s\"%s%s%s", role_name(id), text, hint[0] != '\0' ? " fix=\"" : "", hint,
		          hint[0] != '\0' ? "\"" : "");
		arena_free(a);
	}
}

static void reaped(struct supervisor *s, enum role_id id, int status)
{
	struct child *child = &s->children[id];
	char          how[64];
	int64_t       now = clock_mono_ms(), life = now - child->started_at, delay;
	bool          config = WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_CONFIG;

	/* A refusal was sent before the exit. */
	if (config && child->control >= 0)
		take_frame(s, id);
	exit_text(status, how);
	child->pid = 0;
	child->state = DOWN;
	fd_close(&child->control);
	if (s->stage >= 0) {
		if (!child->stopping || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			log_warn("child=%s event=exit %s life_ms=%lld", role_name(id), how, (long long)life);
		return;
	}
	if (config) {
		log_error("child=%s event=exit %s", role_name(id), how);
		stop_begin(s, 1, "a role cannot start until its configuration changes");
		return;
	}
	delay = backoff_next(&child->backoff, life);
	log_error("child=%s event=exit %s life_ms=%lld restart_ms=%lld", role_name(id), how, (long long)life, (long long)delay);
	child->restart_at = now + delay;
}

static void reap(struct supervisor *s)
{
	int   status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
			if (s->children[i].pid == pid)
				reaped(s, (enum role_id)i, status);
}

static void take_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue; /* several may have become one: reap() looks at them all */
		if (info.ssi_signo == SIGHUP) {
			log_info("event=signal signal=HUP outcome=ignored");
			continue;
		}
		if (s->stage < 0) {
			stop_begin(s, 0, info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
		} else {
			log_warn("event=signal signal=%s outcome=killed", sigabbrev_np((int)info.ssi_signo));
			kill_all(s);
		}
	}
}

/* Ask a role whether it is there, and end one that does not say so; returns when to look again. */
static int64_t take_silence(struct supervisor *s, enum role_id id, int64_t now)
{
	struct child *child = &s->children[id];
	int64_t       limit_ms = (int64_t)s->config->silent_s * 1000;

	if (child->pid == 0 || child->state != SERVING || child->stopping || (child->ask_at == 0 && child->asked_at == 0))
		return INT64_MAX;
	/* We were stopped ourselves, or had no processor: the answer may be waiting. */
	if (child->asked_at != 0 && now - s->looked_at > ask_every_ms(s) * 2)
		child->asked_at = now;
	if (child->asked_at != 0 && now - child->asked_at >= limit_ms) {
		log_error("child=%s pid=%d event=kill cause=\"it did not answer for %u s\"", role_name(id), (int)child->pid,
		          s->config->silent_s);
		kill(child->pid, SIGKILL);
		child->ask_at = child->asked_at = 0;
		return INT64_MAX;
	}
	if (child->asked_at == 0 && child->ask_at <= now) {
		child->asked_at = now;
		(void)tell(child, CONTROL_ASK, STR(""), -1);
	}
	/* Look often enough to know how long we were away. */
	return child->asked_at != 0 ? now + ask_every_ms(s) : child->ask_at;
}

/* Everything whose time has come; returns how long to sleep, -1 for ever. */
static int take_time(struct supervisor *s)
{
	int64_t now = clock_mono_ms(), next = INT64_MAX;

	for (unsigned i = 0; i < ROLE_ID__COUNT; i++) {
		int64_t at = take_silence(s, (enum role_id)i, now);

		next = at < next ? at : next;
	}
	s->looked_at = now;
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++) {
		struct child *child = &s->children[i];

		if (child->restart_at != 0 && child->restart_at <= now)
			start_or_later(s, (enum role_id)i);
		if (child->pid != 0 && child->kill_at != 0 && child->kill_at <= now) {
			log_warn("child=%s event=kill cause=\"did not stop in time\"", role_name((enum role_id)i));
			kill(child->pid, SIGKILL);
			child->kill_at = 0;
		}
		if (child->restart_at != 0 && child->restart_at < next)
			next = child->restart_at;
		if (child->pid != 0 && child->kill_at != 0 && child->kill_at < next)
			next = child->kill_at;
	}
	if (next == INT64_MAX)
		return -1;
	return next <= now ? 0 : next - now > 60000 ? 60000 : (int)(next - now);
}

static bool all_serving(const struct supervisor *s)
{
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		if (s->children[i].state != SERVING)
			return false;
	return true;
}

static void wait_for_something(struct supervisor *s, int timeout_ms)
{
	struct pollfd p[ROLE_ID__COUNT + 1];

	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		p[i] = (struct pollfd){ .fd = s->children[i].control, .events = POLLIN };
	p[ROLE_ID__COUNT] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	if (poll(p, ROLE_ID__COUNT + 1, timeout_ms) <= 0)
		return;
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		if (p[i].revents != 0)
			take_frame(s, (enum role_id)i);
	if (p[ROLE_ID__COUNT].revents != 0)
		take_signal(s);
	reap(s);
}

static void run(struct supervisor *s)
{
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		start_or_later(s, (enum role_id)i);
	for (;;) {
		int timeout_ms = take_time(s);

		while (s->stage >= 0 && stage_over(s)) {
			if ((size_t)++s->stage == ARRAY_LEN(stop_stages))
				return;
			stop_stage_begin(s);
		}
		if (!s->announced && s->stage < 0 && all_serving(s))
			announce(s);
		wait_for_something(s, timeout_ms);
	}
}

static bool open_signals(struct supervisor *s, struct err *err)
{
	sigset_t taken;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&taken);
	sigaddset(&taken, SIGCHLD);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGINT);
	sigaddset(&taken, SIGHUP);
	sigprocmask(SIG_BLOCK, &taken, NULL);
	s->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals >= 0 || err_errno(err, errno, "signalfd");
}

static void supervisor_clear(struct supervisor *s, bool ours)
{
	for (size_t i = 0; i < s->sockets_count; i++)
		fd_close(&s->sockets[i].fd);
	if (ours)
		unlink(s->config->socket_path);
	if (s->listening[0] != '\0')
		unlink(s->listening);
	fd_close(&s->signals);
	fd_close(&s->ready_fd);
}

int supervisor_main(const struct config *config, int ready_fd)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	struct err         err = { 0 };

	if (s == NULL)
		abort();
	*s = (struct supervisor){ .config = config, .signals = -1, .ready_fd = ready_fd, .stage = -1 };
	for (unsigned i = 0; i < ROLE_ID__COUNT; i++)
		s->children[i].control = -1;
	log_init("supervisor", config->log_level);
	/* A descriptor somebody left open must not reach the roles by chance. */
	if (ready_fd >= 0)
		fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	if (config_check(config, &err) && open_sockets(s, &err) && open_signals(s, &err)) {
		run(s);
		log_info("event=stopped");
	} else {
		fprintf(stderr, "reeve: %s\n", err.text);
		if (err.hint[0] != '\0')
			fprintf(stderr, "  fix: %s\n", err.hint);
		s->code = 1;
	}
	int code = s->code;
	supervisor_clear(s, s->sockets_count > 0);
	free(s);
	return code;
}
