/* dns/socket.c: see socket.h. */
#include "dns/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

int dns_socket(const struct dns_address *to, int type)
{
	struct sockaddr_in  v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	uint16_t            port = htons(to->port != 0 ? to->port : 53);
	int                 fd = socket(to->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), done;

	if (fd < 0)
		return -1;
	if (to->family == AF_INET) {
		v4.sin_port = port;
		memcpy(&v4.sin_addr, to->bytes, 4);
		done = connect(fd, (struct sockaddr *)&v4, sizeof(v4));
	} else {
		v6.sin6_port = port;
		memcpy(&v6.sin6_addr, to->bytes, 16);
		done = connect(fd, (struct sockaddr *)&v6, sizeof(v6));
	}
	if (done < 0 && errno != EINPROGRESS) {
		int number = errno;
		close(fd);
		errno = number;
		return -1;
	}
	return fd;
}

bool dns_socket_wait(int fd, short events, int64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = until_ms - clock_mono_ms();
		if (left <= 0)
			return false;
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

bool dns_tcp_move(int fd, uint8_t *bytes, size_t n, bool sending, int64_t until_ms)
{
	for (size_t at = 0; at < n;) {
		ssize_t moved = sending ? send(fd, bytes + at, n - at, MSG_NOSIGNAL)
		                        : recv(fd, bytes + at, n - at, 0);
		if (moved > 0) {
			at += (size_t)moved;
			continue;
		}
		if (moved == 0) {
			errno = 0;
			return false;
		}
		if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
			return false;
		if (!dns_socket_wait(fd, sending ? POLLOUT : POLLIN, until_ms)) {
			errno = 0;
			return false;
		}
	}
	return true;
}
