/*
 * role.c: how a role begins and ends. It takes settings, descriptors and ends of channels from the supervisor, limits
 * itself, runs its role file's main, and from role_run() on obeys the control socket. What a role does is its file's.
 */
#include "daemon/role.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/wire.h"
#include "daemon/control.h"

#define FDS_MAX  1024
#define NAME_MAX_LEN 16
#define WATCH_MS 1000
#define READY_MS      10000
#define READY_LOOK_MS 2

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const struct role_row {
	int (*main)(struct role *role);
	bool secrets; /* its memory holds keys, credentials or tokens: no core dump, nobody may look */
} rows[ROLE_ID__COUNT] = {
	[ROLE_KEEPER] = { role_keeper, true },
	[ROLE_WORKER] = { role_worker, true },
	[ROLE_RESOLVER] = { role_resolver, false },
	[ROLE_API] = { role_api, true },
	[ROLE_DNS] = { role_dns, false },
	[ROLE_HOOK] = { role_hook, true },
};

struct end {
	struct ipc_peer   *peer;
	struct ipc_server *server;
	int                as;
	int                waiting; /* an end that came before anybody asked for it; -1 */
};

struct role {
	enum role_id  id;
	int           control;
	struct arena *arena;
	struct config config;
	struct {
		char name[NAME_MAX_LEN];
		int  fd;
	} fds[FDS_MAX];
	size_t     fds_count;
	struct end ends[CHANNEL__COUNT];
	bool (*healthy)(const void *ctx);
	const void *healthy_ctx;
	bool      (*ready)(void *ctx);
	void       *ready_ctx;
	struct ipc_frame frame;
};

const struct config *role_config(const struct role *role)
{
	return &role->config;
}

int role_take_fd(struct role *role, const char *name)
{
	for (size_t i = 0; i < role->fds_count; i++)
		if (role->fds[i].fd >= 0 && strcmp(role->fds[i].name, name) == 0) {
			int fd = role->fds[i].fd;

			role->fds[i].fd = -1;
			return fd;
		}
	return -1;
}

/* ---- channels ---- */

static void end_attach(struct end *end, int fd)
{
	if (end->peer != NULL)
		ipc_peer_attach(end->peer, fd);
	else if (end->server != NULL)
		ipc_server_attach(end->server, end->as, fd);
	else {
		if (end->waiting >= 0)
			close(end->waiting);
		end->waiting = fd;
	}
}

static void end_registered(struct end *end)
{
	int fd = end->waiting;

	end->waiting = -1;
	if (fd >= 0)
		end_attach(end, fd);
}

void role_asks(struct role *role, enum channel channel, struct ipc_peer *peer)
{
	assert(channel_ends[channel].asks == role->id);
	role->ends[channel].peer = peer;
	end_registered(&role->ends[channel]);
}

void role_serves(struct role *role, enum channel channel, struct ipc_server *server, int as)
{
	assert(channel_ends[channel].answers == role->id);
	role->ends[channel].server = server;
	role->ends[channel].as = as;
	end_registered(&role->ends[channel]);
}

void role_watch(struct role *role, bool (*healthy)(const void *ctx), const void *ctx)
{
	role->healthy = healthy;
	role->healthy_ctx = ctx;
}

/* ---- frames from the supervisor ---- */

static bool take_channel(struct role *role, const struct ipc_frame *frame, struct err *err)
{
	struct wire w = wire_of(str_of(frame->body, frame->len));
	uint32_t    channel = wire_get_u32(&w);

	if (!wire_done(&w, err) || channel >= CHANNEL__COUNT || frame->fd < 0)
		return err_set(err, ERR_INPUT, "a channel without its end");
	if (channel_ends[channel].asks != role->id && channel_ends[channel].answers != role->id)
		return err_set(err, ERR_INPUT, "a channel of another role");
	end_attach(&role->ends[channel], frame->fd);
	return true;
}

static bool take_descriptor(struct role *role, const struct ipc_frame *frame, struct err *err)
{
	struct wire w = wire_of(str_of(frame->body, frame->len));
	struct str  name = wire_get_str(&w);

	if (!wire_done(&w, err) || frame->fd < 0 || name.len >= NAME_MAX_LEN || role->fds_count == FDS_MAX)
		return err_set(err, ERR_INPUT, "a descriptor that cannot be taken");
	memcpy(role->fds[role->fds_count].name, name.ptr, name.len);
	role->fds[role->fds_count].name[name.len] = '\0';
	role->fds[role->fds_count++].fd = frame->fd;
	return true;
}

/* Everything up to GO. */
static bool role_receive(struct role *role, struct err *err)
{
	struct ipc_frame *frame = &role->frame;
	bool              settings = false, ok = true;

	while (ok) {
		if (ipc_receive(role->control, frame) != IPC_RECEIVED)
			return err_set(err, ERR_TEMPORARY, "the supervisor is gone");
		switch (frame->type) {
		case CONTROL_SETTINGS:
			ok = settings = control_get_config(role->arena, str_of(frame->body, frame->len), &role->config, err);
			break;
		case CONTROL_DESCRIPTOR:
			ok = take_descriptor(role, frame, err);
			break;
		case CONTROL_CHANNEL:
			ok = take_channel(role, frame, err);
			break;
		case CONTROL_GO:
			return settings || err_set(err, ERR_INPUT, "no settings from the supervisor");
		case CONTROL_STOP:
			return err_set(err, ERR_TEMPORARY, "stopped while starting");
		default:
			ok = err_set(err, ERR_INPUT, "frame type %u from the supervisor", frame->type);
		}
	}
	return false;
}

void role_ready_when(struct role *role, bool (*ready)(void *ctx), void *ctx)
{
	role->ready = ready;
	role->ready_ctx = ctx;
}

/* Ends of channels arrive all the while, and being ready may depend on them. */
static bool tell_ready(struct role *role, int64_t until_ms, bool *told)
{
	struct err err = { 0 };

	if (*told || (role->ready != NULL && clock_mono_ms() < until_ms && !role->ready(role->ready_ctx)))
		return true;
	*told = true;
	return ipc_send(role->control, CONTROL_READY, 0, STR(""), -1, &err);
}

int role_run(struct role *role)
{
	struct ipc_frame *frame = &role->frame;
	struct err        err = { 0 };
	int64_t           until_ms = clock_mono_ms() + READY_MS;
	bool              told = false;

	for (;;) {
		struct pollfd p = { .fd = role->control, .events = POLLIN };
		int           n;

		if (!tell_ready(role, until_ms, &told))
			return 1;
		n = poll(&p, 1, !told ? READY_LOOK_MS : role->healthy != NULL ? WATCH_MS : -1);
		if (role->healthy != NULL && !role->healthy(role->healthy_ctx)) {
			log_error("event=unhealthy cause=\"the role cannot go on and is started anew\"");
			return 1;
		}
		if (n <= 0)
			continue;
		/* End-of-file: the supervisor is gone, and nobody would restart us or tell us of our peers. */
		if (ipc_receive(role->control, frame) != IPC_RECEIVED || frame->type == CONTROL_STOP)
			return 0;
		if (frame->type == CONTROL_ASK) {
			if (!ipc_send(role->control, CONTROL_ALIVE, 0, STR(""), -1, &err))
				return 1;
			continue;
		}
		if (frame->type != CONTROL_CHANNEL || !take_channel(role, frame, &err)) {
			log_error("event=control-broken type=%u cause=\"%s\"", frame->type, err.text);
			return 1;
		}
	}
}

int role_refuse(struct role *role, const struct err *err)
{
	AUTO(buf_clear) struct buf body = { 0 };

	if (err->class == ERR_TEMPORARY) {
		log_error("event=start-failed cause=\"%s\"", err->text);
		return 1;
	}
	buf_init(&body, IPC_BODY_MAX);
	wire_put_c(&body, err->text);
	wire_put_c(&body, err->hint);
	if (!ipc_send(role->control, CONTROL_REFUSED, 0, buf_str(&body), -1, NULL))
		log_error("event=start-failed cause=\"%s\"", err->text);
	return ROLE_EXIT_CONFIG;
}

/* ---- the beginning ---- */

/* Signals are the supervisor's: a Ctrl-C reaches the whole group, but roles stop in order, when they are told. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	sigset_t         none;

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void protect_secrets(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int role_main(const char *name, int control_fd)
{
	struct err   err = { 0 };
	enum role_id id;
	int          code;

	if (!role_find(name, &id) || fcntl(control_fd, F_SETFD, FD_CLOEXEC) != 0) {
		fprintf(stderr, "reeve: roles are started by `reeve serve`\n");
		return 2;
	}
	log_init(name, LOG_LEVEL_INFO);
	crash_init();
	ignore_signals();
	if (rows[id].secrets)
		protect_secrets();

	struct role *role = calloc(1, sizeof(*role));
	if (role == NULL)
		abort();
	role->id = id;
	role->control = control_fd;
	role->arena = arena_new();
	for (size_t i = 0; i < CHANNEL__COUNT; i++)
		role->ends[i].waiting = -1;
	if (role_receive(role, &err)) {
		log_init(name, role->config.log_level);
		code = rows[id].main(role);
	} else {
		log_error("event=start-failed cause=\"%s\"", err.text);
		code = 1;
	}
	for (size_t i = 0; i < role->fds_count; i++)
		if (role->fds[i].fd >= 0)
			close(role->fds[i].fd);
	for (size_t i = 0; i < CHANNEL__COUNT; i++)
		if (role->ends[i].waiting >= 0)
			close(role->ends[i].waiting);
	arena_free(role->arena);
	free(role);
	/* The leak check at exit traces its own process, which an undumpable one refuses. */
	if (SANITIZED)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return code;
}
