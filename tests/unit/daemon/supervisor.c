/*
 * The supervisor with roles of our own. This program is what the supervisor re-executes: the role mains below stand in
 * for the real ones, say who they are over every channel, and write down when they were told to stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pthread.h>

#include "base/clock.h"
#include "daemon/control.h"
#include "daemon/listen.h"
#include "daemon/role.h"
#include "test.h"

#define CALL_MS 10000
#define WHO     IPC_TYPE_FIRST

/* ---- the roles ---- */

static void note(const struct role *role, const char *what)
{
	char path[128], line[64];
	int  n = snprintf(line, sizeof(line), "%s\n", what), fd;

	snprintf(path, sizeof(path), "%s/stopped", role_config(role)->run);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static void say_pid(void *ctx, struct ipc_request *request)
{
	char text[64];
	int  n = snprintf(text, sizeof(text), "%s=%d/%d ", (const char *)ctx, (int)getpid(), ipc_request_channel(request));

	ipc_reply_ok(request, str_of(text, (size_t)n));
}

static int serve(struct role *role, const char *name, enum channel first, int second)
{
	char               copy[16];
	struct ipc_server *server;

	snprintf(copy, sizeof(copy), "%s", name);
	server = ipc_server_new(name, 0, say_pid, copy);
	role_serves(role, first, server, 40 + (int)first);
	if (second >= 0)
		role_serves(role, (enum channel)second, server, 40 + second);
	int code = role_run(role);
	ipc_server_free(server);
	note(role, name);
	return code;
}

int role_hook(struct role *role)
{
	return serve(role, "hook", CHANNEL_WORKER_HOOK, CHANNEL_KEEPER_HOOK);
}

int role_keeper(struct role *role)
{
	char digits[4] = "";
	int  fd = role_take_fd(role, "seal");

	/* From the beginning, also after a restart. */
	if (read(fd, digits, 3) != 3 || strcmp(digits, "abc") != 0)
		return 1;
	close(fd);
	return serve(role, "keeper", CHANNEL_WORKER_KEEPER, CHANNEL_API_KEEPER);
}

int role_resolver(struct role *role)
{
	return serve(role, "resolver", CHANNEL_WORKER_RESOLVER, -1);
}

int role_dns(struct role *role)
{
	struct err err = { 0 };

	if (strcmp(role_config(role)->zone_hostmaster, "refuse") == 0) {
		err_problem(&err, ERR_CONFIG, "configuration", "this hostmaster will not do");
		return role_refuse(role, &err);
	}
	return serve(role, "dns", CHANNEL_WORKER_DNS, -1);
}

static struct ipc_peer *worker_peers[4];

static void ask_all(void *ctx, struct ipc_request *request)
{
	struct arena *a = arena_new();
	char          text[512];
	size_t        len = (size_t)snprintf(text, sizeof(text), "worker=%d ", (int)getpid());
	struct err    err = { 0 };

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(worker_peers); i++) {
		struct str answer;

		if (!ipc_peer_call(worker_peers[i], WHO, STR(""), -1, CALL_MS, a, &answer, &err)) {
			ipc_reply_err(request, &err);
			arena_free(a);
			return;
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s", STR_ARG(answer));
	}
	ipc_reply_ok(request, str_of(text, len));
	arena_free(a);
}

int role_worker(struct role *role)
{
	static const enum channel channels[] = { CHANNEL_WORKER_KEEPER, CHANNEL_WORKER_DNS, CHANNEL_WORKER_RESOLVER,
		                           CHANNEL_WORKER_HOOK };
	struct ipc_server        *server = ipc_server_new("worker", 1, ask_all, NULL);

	for (size_t i = 0; i < ARRAY_LEN(channels); i++)
		role_asks(role, channels[i], worker_peers[i] = ipc_peer_new("peer", NULL, NULL, NULL));
	role_serves(role, CHANNEL_API_WORKER, server, 0);
	int code = role_run(role);
	ipc_server_free(server);
	for (size_t i = 0; i < ARRAY_LEN(channels); i++)
		ipc_peer_free(worker_peers[i]);
	note(role, "worker");
	return code;
}

struct door {
	struct ipc_peer *worker, *keeper;
	int              listener;
};

/* One line to whoever connects: everybody's pid, and what came over from the environment. */
static void *answer_door(void *ctx)
{
	struct door *door = ctx;

	for (;;) {
		struct pollfd p = { .fd = door->listener, .events = POLLIN };
		int           fd = poll(&p, 1, -1) == 1 ? accept4(door->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
		struct arena *a = arena_new();
		struct str    worker = STR(""), keeper = STR("");
		struct err    err = { 0 };
		char          text[1024];
		bool          ok;

		if (fd < 0 && errno != EAGAIN && errno != EINTR) {
			arena_free(a);
			return NULL;
		}
		ok = ipc_peer_call(door->worker, WHO, STR(""), -1, CALL_MS, a, &worker, &err) &&
		     ipc_peer_call(door->keeper, WHO, STR(""), -1, CALL_MS, a, &keeper, &err);
		int n = snprintf(text, sizeof(text), "%s api=%d %.*s %.*s path=%d secret=%d\n", ok ? "ok" : err.text, (int)getpid(),
		                 STR_ARG(worker), STR_ARG(keeper), getenv("PATH") != NULL, getenv("SECRET_OF_THE_PARENT") != NULL);
		if (fd >= 0 && write(fd, text, (size_t)n) != n)
			abort();
		if (fd >= 0)
			close(fd);
		arena_free(a);
	}
}

int role_api(struct role *role)
{
	struct door door = { ipc_peer_new("worker", NULL, NULL, NULL), ipc_peer_new("keeper", NULL, NULL, NULL),
		             role_take_fd(role, "unix") };
	pthread_t   thread;
	int         http = role_take_fd(role, "http");

	if (http < 0 || role_take_fd(role, "http") >= 0 || role_take_fd(role, "seal") >= 0)
		return 1;
	close(http);
	role_asks(role, CHANNEL_API_WORKER, door.worker);
	role_asks(role, CHANNEL_API_KEEPER, door.keeper);
	pthread_create(&thread, NULL, answer_door, &door);
	int code = role_run(role);
	note(role, "api");
	/* The thread sits in poll(): this is the end of the process anyway. */
	_exit(code);
}

/* ---- the tests ---- */

struct fixture {
	char          dir[40], seal[64];
	struct config config;
	struct arena *arena;
	pid_t         pid;
};

static void start(struct fixture *f, const char *hostmaster, uint32_t silent_s)
{
	struct err err = { 0 };
	int        ready[2], fd;
	char       text[16] = "";

	*f = (struct fixture){ .dir = "/tmp/reeve-supervisor-XXXXXX", .arena = arena_new() };
	assert_non_null(mkdtemp(f->dir));
	CHECK_OK(config_load(f->arena, f->dir, NULL, &f->config, &err), err);
	f->config.http_listen.items[0] = "127.0.0.1:0";
	f->config.run = f->dir;
	f->config.silent_s = silent_s;
	f->config.socket_path = arena_printf(f->arena, "%s/sock", f->dir);
	f->config.zone_hostmaster = hostmaster;
	snprintf(f->seal, sizeof(f->seal), "%s/seal", f->dir);
	f->config.seal_path = f->seal;
	fd = open(f->seal, O_WRONLY | O_CREAT, 0400);
	assert_int_equal(write(fd, "abc", 3), 3);
	close(fd);
	setenv("SECRET_OF_THE_PARENT", "1", 1);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	f->pid = fork();
	if (f->pid == 0) {
		close(ready[0]);
		_exit(supervisor_main(&f->config, ready[1]));
	}
	close(ready[1]);
	/* End-of-file without "ready" when it could not start. */
	ssize_t n = read(ready[0], text, sizeof(text) - 1);
	CHECK(n == 0 || strcmp(text, "ready\n") == 0);
	CHECK((n == 0) == (hostmaster[0] != '\0'));
	close(ready[0]);
}

static int wait_code(const struct fixture *f)
{
	int status = 0;

	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void finish(struct fixture *f)
{
	static const char *const files[] = { "seal", "stopped", "listening", "sock" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlink(arena_printf(f->arena, "%s/%s", f->dir, files[i]));
	CHECK_INT(rmdir(f->dir), 0);
	arena_free(f->arena);
}

/* What the api role says now; "" when nobody answers. */
static const char *ask(const struct fixture *f)
{
	char    text[1024];
	int     fd = listen_unix_connect(f->config.socket_path);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;

	if (fd >= 0)
		close(fd);
	return arena_str(f->arena, str_of(text, n > 0 ? (size_t)n : 0));
}

static pid_t pid_of(const char *answer, const char *name)
{
	const char *at = strstr(answer, name);

	return at != NULL ? (pid_t)strtol(at + strlen(name), NULL, 10) : 0;
}

static const char *const names[] = { " api=", "worker=", "keeper=", "dns=", "resolver=", "hook=" };

TEST(every_role_reaches_every_other_and_nothing_else_comes_over)
{
	struct fixture f;

	start(&f, "", 60);
	const char *answer = ask(&f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strncmp(answer, "ok", 2) != 0 || pid_of(answer, names[i]) <= 0)
			fail_msg("no %s in \"%s\"", names[i], answer);
	CHECK(strstr(answer, "path=1 secret=0") != NULL);
	/* The answering side was told which channel it is. */
	CHECK(strstr(answer, arena_printf(f.arena, "/%d ", 40 + CHANNEL_WORKER_KEEPER)) != NULL);
	CHECK(strstr(answer, arena_printf(f.arena, "/%d ", 40 + CHANNEL_API_KEEPER)) != NULL);
	kill(f.pid, SIGTERM);
	CHECK_INT(wait_code(&f), 0);
	finish(&f);
}

TEST(a_role_that_dies_is_replaced_on_all_its_channels)
{
	struct fixture f;

	start(&f, "", 60);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pid_t       before = pid_of(ask(&f), names[i]), after = before;
		const char *answer = "";

		CHECK(before > 0);
		kill(before, SIGKILL);
		for (int64_t end = clock_mono_ms() + 20000; clock_mono_ms() < end;) {
			answer = ask(&f);
			after = pid_of(answer, names[i]);
			if (strncmp(answer, "ok", 2) == 0 && after > 0 && after != before)
				break;
			clock_sleep_ms(10);
		}
		if (after == before || strncmp(answer, "ok", 2) != 0)
			fail_msg("%s was not replaced: \"%s\"", names[i], answer);
	}
	kill(f.pid, SIGTERM);
	CHECK_INT(wait_code(&f), 0);
	finish(&f);
}

/* Each role but one is stopped in turn; the last time the supervisor is, which is nobody's fault. */
TEST(a_role_that_does_not_answer_is_replaced)
{
	struct fixture f;

	start(&f, "", 5);
	pid_t worker = pid_of(ask(&f), "worker="), dns = pid_of(ask(&f), "dns="), keeper = pid_of(ask(&f), "keeper=");
	CHECK(worker > 0 && dns > 0 && keeper > 0);
	kill(worker, SIGSTOP);
	kill(dns, SIGSTOP);
	for (int64_t end = clock_mono_ms() + 40000; clock_mono_ms() < end; clock_sleep_ms(50)) {
		if (kill(worker, 0) != 0 && kill(dns, 0) != 0 && strncmp(ask(&f), "ok", 2) == 0)
			break;
	}
	const char *answer = ask(&f);
	CHECK(strncmp(answer, "ok", 2) == 0);
	CHECK(pid_of(answer, "worker=") != worker && pid_of(answer, "dns=") != dns);
	CHECK_INT(pid_of(answer, "keeper="), keeper);

	worker = pid_of(answer, "worker=");
	kill(f.pid, SIGSTOP);
	clock_sleep_ms(7000);
	kill(f.pid, SIGCONT);
	clock_sleep_ms(1000);
	CHECK_INT(pid_of(ask(&f), "worker="), worker);
	kill(f.pid, SIGTERM);
	CHECK_INT(wait_code(&f), 0);
	finish(&f);
}

TEST(roles_stop_in_order_and_files_go)
{
	struct fixture f;
	char           text[128] = "";

	start(&f, "", 60);
	CHECK_INT(access(arena_printf(f.arena, "%s/listening", f.dir), F_OK), 0);
	kill(f.pid, SIGHUP);
	kill(f.pid, SIGINT);
	CHECK_INT(wait_code(&f), 0);
	int fd = open(arena_printf(f.arena, "%s/stopped", f.dir), O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	CHECK(strncmp(text, "api\nhook\nworker\n", 16) == 0);
	CHECK(strstr(text, "dns\n") != NULL && strstr(text, "keeper\n") != NULL && strstr(text, "resolver\n") != NULL);
	CHECK(access(f.config.socket_path, F_OK) != 0);
	CHECK(access(arena_printf(f.arena, "%s/listening", f.dir), F_OK) != 0);
	finish(&f);
}

TEST(a_role_that_refuses_ends_it_all)
{
	struct fixture f;

	start(&f, "refuse", 60);
	CHECK_INT(wait_code(&f), 1);
	finish(&f);
}

TEST(no_role_outlives_its_supervisor)
{
	struct fixture f;

	start(&f, "", 60);
	const char *answer = ask(&f);
	kill(f.pid, SIGKILL);
	CHECK_INT(wait_code(&f), -SIGKILL);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pid_t   pid = pid_of(answer, names[i]);
		int64_t end = clock_mono_ms() + 20000;
		char    path[64], line[256] = "";
		bool    gone = false;

		/* An orphan may stay as a zombie where nobody reaps. */
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		while (!gone && clock_mono_ms() < end) {
			FILE *stat = fopen(path, "re");

			gone = stat == NULL || fgets(line, sizeof(line), stat) == NULL || strstr(line, ") Z ") != NULL;
			if (stat != NULL)
				fclose(stat);
			clock_sleep_ms(5);
		}
		if (!gone)
			fail_msg("%s lives on", names[i]);
	}
	finish(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(every_role_reaches_every_other_and_nothing_else_comes_over),
		T(a_role_that_dies_is_replaced_on_all_its_channels),
		T(a_role_that_does_not_answer_is_replaced),
      T(roles_stop_in_order_and_files_go),
		T(a_role_that_refuses_ends_it_all),
		T(no_role_outlives_its_supervisor),
	};

	if (argc == 6 && strcmp(argv[1], "serve") == 0)
		return role_main(argv[3], (int)strtol(argv[5], NULL, 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
