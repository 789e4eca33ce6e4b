/*
 * base/ipc.c: one frame in, one frame out. Who waits for which answer is ipc_peer.c, who answers is ipc_server.c.
 *
 * A frame is one SEQPACKET packet: 16 bytes of header (u32 type, u64 id, u32 length of the body) and the body. The
 * kernel keeps packets whole, so there is nothing to reassemble and a cut packet is a broken peer.
 */
#include "base/ipc.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc_internal.h"

#define HEADER_SIZE 16u
#define SOCKET_SIZE (1 << 20)
#define FDS_MAX     4 /* room to see, and close, more than the one that is allowed */

_Static_assert(HEADER_SIZE + IPC_BODY_MAX == IPC_FRAME_MAX,
               "the header takes what the body leaves");

bool ipc_pair(int ret[2], struct err *err)
{
	int ends[2], size = SOCKET_SIZE;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_errno(err, errno, "socketpair");
	for (int i = 0; i < 2; i++) {
		/* The kernel may grant less (net.core.wmem_max); its default already holds a frame. */
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	ret[0] = ends[0];
	ret[1] = ends[1];
	return true;
}

static void put_number(uint8_t *at, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static uint64_t get_number(const uint8_t *at, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | at[i];
	return value;
}

/* 0, or the errno of the one attempt. */
static int send_once(int fd, uint32_t type, uint64_t id, struct str body, int pass_fd, bool wait)
{
	uint8_t      header[HEADER_SIZE];
	struct iovec parts[2] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)body.ptr, .iov_len = body.len },
	};
	union {
		struct cmsghdr header;
		char           bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	put_number(header, type, 4);
	put_number(header + 4, id, 8);
	put_number(header + 12, body.len, 4);
	if (pass_fd >= 0) {
		struct cmsghdr *c;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	for (;;) {
		if (sendmsg(fd, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0)
			return 0;
		if (errno != EINTR)
			return errno;
	}
}

static bool send_failed(int number, struct err *err)
{
	err_errno(err, number, "sending a frame");
	if (err != NULL)
		snprintf(err->problem, sizeof(err->problem), "unavailable");
	return false;
}

static bool check_size(struct str body, struct err *err)
{
	return body.len <= IPC_BODY_MAX ||
	       err_problem(err, ERR_INPUT, "too-large", "%zu bytes do not fit into a frame of %u",
	                   body.len, IPC_BODY_MAX);
}

bool ipc_send(int fd, uint32_t type, uint64_t id, struct str body, int pass_fd, struct err *err)
{
	int number;

	if (!check_size(body, err))
		return false;
	number = send_once(fd, type, id, body, pass_fd, true);
	return number == 0 || send_failed(number, err);
}

enum ipc_sent ipc_send_until(int fd, uint32_t type, uint64_t id, struct str body, int pass_fd,
                             int64_t deadline_ms, struct err *err)
{
	if (!check_size(body, err))
		return IPC_SEND_REFUSED;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		int           number = send_once(fd, type, id, body, pass_fd, false);
		int64_t       left;

		if (number == 0)
			return IPC_SENT;
		if (number == EPIPE || number == ECONNRESET || number == ENOTCONN) {
			send_failed(number, err);
			return IPC_SEND_CLOSED;
		}
		/* ENOBUFS and ENOMEM pass like a full socket does; ETOOMANYREFS when descriptors are in flight. */
		if (number != EAGAIN && number != ENOBUFS && number != ENOMEM &&
		    number != ETOOMANYREFS) {
			send_failed(number, err);
			return IPC_SEND_REFUSED;
		}
		left = deadline_ms - clock_mono_ms();
		if (left <= 0) {
			err_problem(err, ERR_TEMPORARY, "unavailable",
			            "the receiver does not read");
			return IPC_SEND_FULL;
		}
		if (number == EAGAIN)
			poll(&p, 1, left > 1000 ? 1000 : (int)left);
		else
			clock_sleep_ms(left > 10 ? 10 : left);
	}
}

/* The one descriptor that may come along goes to *ret; false when there were more. All others are closed. */
static bool take_descriptors(struct msghdr *message, int *ret)
{
	size_t count = 0;

	*ret = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0);
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (count++ == 0)
				*ret = fd;
			else
				close(fd);
		}
	}
	if (count <= 1)
		return true;
	close(*ret);
	*ret = -1;
	return false;
}

enum ipc_result ipc_receive_flags(int fd, struct ipc_frame *ret, int flags)
{
	uint8_t      header[HEADER_SIZE];
	struct iovec parts[2] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_base = ret->body, .iov_len = sizeof(ret->body) },
	};
	union {
		struct cmsghdr header;
		char           bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;
	bool    whole;

	ret->fd = -1;
	do
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return IPC_NOTHING;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return IPC_EOF;
	if (n < 0)
		return IPC_BROKEN;
	/*
	 * MSG_CTRUNC is not an error of the sender: our own table of descriptors may be full. The frame is handed
	 * on without its descriptor, and the one who needs it says so.
	 */
	whole = take_descriptors(&message, &ret->fd) && (message.msg_flags & MSG_TRUNC) == 0 &&
	        n >= (ssize_t)HEADER_SIZE;
	if (whole) {
		ret->type = (uint32_t)get_number(header, 4);
		ret->id = get_number(header + 4, 8);
		ret->len = get_number(header + 12, 4);
	}
	if (!whole || ret->len != (size_t)n - HEADER_SIZE) {
		if (ret->fd >= 0)
			close(ret->fd);
		ret->fd = -1;
		ret->len = 0;
		return IPC_BROKEN;
	}
	return IPC_RECEIVED;
}

enum ipc_result ipc_receive(int fd, struct ipc_frame *ret)
{
	return ipc_receive_flags(fd, ret, 0);
}

struct ipc_end *ipc_end_new(int fd, int channel)
{
	struct ipc_end *end = calloc(1, sizeof(*end));

	if (end == NULL)
		abort();
	end->fd = fd;
	end->channel = channel;
	atomic_init(&end->refs, 1);
	return end;
}

struct ipc_end *ipc_end_ref(struct ipc_end *end)
{
	atomic_fetch_add(&end->refs, 1);
	return end;
}

void ipc_end_unref(struct ipc_end *end)
{
	if (end == NULL || atomic_fetch_sub(&end->refs, 1) != 1)
		return;
	close(end->fd);
	free(end);
}

void ipc_end_shut(struct ipc_end *end)
{
	shutdown(end->fd, SHUT_RDWR);
}

int ipc_keep_only(int fd)
{
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(1);
	if (close_range(4, ~0u, 0) < 0)
		_exit(1);
	return 3;
}
