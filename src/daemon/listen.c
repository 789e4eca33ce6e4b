/*
 * listen.c: the sockets strangers reach us by. They are bound by the supervisor, before anything else runs, and
 * passed on; nothing here accepts or reads.
 */
#include "daemon/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

#define PORT_TRIES 16

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool listen_address_parse(const char *text, struct listen_address *ret, struct err *err)
{
	struct listen_address made = { 0 };
	struct str            s = str_c(text);
	char                  host[INET6_ADDRSTRLEN];
	uint64_t              port;
	const char           *colon = strrchr(text, ':');
	bool                  bracket = s.len > 0 && s.ptr[0] == '[';
	struct str            name;

	if (colon == NULL)
		return err_problem(err, ERR_CONFIG, "configuration", "\"%s\" has no port", text) ||
		       err_hint(err, "write it as 127.0.0.1:8080 or [::1]:8080");
	name = str_of(text, (size_t)(colon - text));
	if (bracket) {
		if (name.len < 3 || name.ptr[name.len - 1] != ']')
			return err_problem(err, ERR_CONFIG, "configuration", "\"%s\" has a '[' without its ']:'", text);
		name = str_of(name.ptr + 1, name.len - 2);
	}
	if (!str_to_u64(str_c(colon + 1), &port) || port > 65535)
		return err_problem(err, ERR_CONFIG, "configuration", "\"%s\" has no port between 0 and 65535", text);
	if (name.len == 0 || name.len >= sizeof(host) || str_has_nul(name))
		return err_problem(err, ERR_CONFIG, "configuration", "\"%s\" has no address", text) ||
		       err_hint(err, "0.0.0.0 and [::] stand for all addresses of this machine");
	memcpy(host, name.ptr, name.len);
	host[name.len] = '\0';

	struct sockaddr_in  *in4 = (struct sockaddr_in *)&made.address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&made.address;
	if (!bracket && inet_pton(AF_INET, host, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons((uint16_t)port);
		made.len = sizeof(*in4);
	} else if (bracket && inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		made.len = sizeof(*in6);
	} else {
		return err_problem(err, ERR_CONFIG, "configuration", "\"%s\" is not an IP address with a port", text) ||
		       err_hint(err, "write it as 127.0.0.1:8080 or [::1]:8080; host names are not looked up");
	}
	*ret = made;
	return true;
}

const char *listen_text(int fd, char ret[static LISTEN_TEXT_SIZE])
{
	struct sockaddr_storage address = { 0 };
	socklen_t               len = sizeof(address);
	char                    host[INET6_ADDRSTRLEN] = "?";

	snprintf(ret, LISTEN_TEXT_SIZE, "?");
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return ret;
	if (address.ss_family == AF_INET) {
		const struct sockaddr_in *in4 = (const struct sockaddr_in *)&address;

		inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
		snprintf(ret, LISTEN_TEXT_SIZE, "%s:%u", host, ntohs(in4->sin_port));
	} else if (address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(ret, LISTEN_TEXT_SIZE, "[%s]:%u", host, ntohs(in6->sin6_port));
	}
	return ret;
}

static bool refuse(const char *text, const char *what, int number, struct err *err)
{
	err_problem(err, ERR_CONFIG, "configuration", "cannot %s %s: %s", what, text, strerror(number));
	if (number == EADDRINUSE)
		return err_hint(err, "something else uses this address: stop it, or choose another in reeve.toml");
	if (number == EACCES)
		return err_hint(err, "ports below 1024 need CAP_NET_BIND_SERVICE (or root)");
	if (number == EADDRNOTAVAIL)
		return err_hint(err, "this machine does not have the address");
	return false;
}

/* Bound; *ret_errno is the reason when it is not. */
static int bound(const struct listen_address *at, int type, bool share, int *ret_errno)
{
	int on = 1;
	int fd = socket(at->address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && at->address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (fd >= 0 && type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd >= 0 && share)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&at->address, at->len) == 0 &&
	    (type != SOCK_STREAM || listen(fd, SOMAXCONN) == 0))
		return fd;
	*ret_errno = errno;
	fd_closep(&fd);
	return -1;
}

bool listen_tcp(const char *text, int *ret_fd, struct err *err)
{
	struct listen_address at;
	int                   number = 0;

	if (!listen_address_parse(text, &at, err))
		return false;
	int fd = bound(&at, SOCK_STREAM, false, &number);
	if (fd < 0)
		return refuse(text, "listen on", number, err);
	*ret_fd = fd;
	return true;
}

/* The TCP socket comes first: SO_REUSEPORT would let a second Reeve share the UDP port in silence, TCP refuses it. */
static bool dns_try(const struct listen_address *at, int *ret_tcp, int *ret_udp, unsigned count, int *ret_errno)
{
	struct listen_address same = *at;
	AUTO(fd_closep) int   tcp = bound(at, SOCK_STREAM, false, ret_errno);
	unsigned              made = 0;

	same.len = sizeof(same.address);
	if (tcp < 0 || getsockname(tcp, (struct sockaddr *)&same.address, &same.len) != 0)
		return false;
	while (made < count && (ret_udp[made] = bound(&same, SOCK_DGRAM, true, ret_errno)) >= 0)
		made++;
	if (made < count) {
		while (made > 0)
			fd_closep(&ret_udp[--made]);
		return false;
	}
	*ret_tcp = tcp;
	tcp = -1;
	return true;
}

bool listen_dns(const char *text, int *ret_tcp, int *ret_udp, unsigned count, struct err *err)
{
	struct listen_address at;
	int                   number = 0;

	if (!listen_address_parse(text, &at, err))
		return false;
	/* A port the kernel chose for TCP may be taken for UDP: choose again. */
	bool chosen = ((const struct sockaddr_in *)&at.address)->sin_port == 0;
	for (int i = 0; i < (chosen ? PORT_TRIES : 1); i++)
		if (dns_try(&at, ret_tcp, ret_udp, count, &number))
			return true;
	return refuse(text, "listen on", number, err);
}

/* The address of `path`, by its directory's descriptor when it is too long; *ret_dir is to be closed after use. */
static bool unix_address(const char *path, struct sockaddr_un *ret, int *ret_dir)
{
	char        dir[4096];
	const char *slash = strrchr(path, '/');

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*ret_dir = -1;
	if (strlen(path) < sizeof(ret->sun_path)) {
		memcpy(ret->sun_path, path, strlen(path) + 1);
		return true;
	}
	errno = ENAMETOOLONG;
	if (slash == NULL || (size_t)(slash - path) >= sizeof(dir) || strlen(slash) > 64)
		return false;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	*ret_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return false;
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d%s", *ret_dir, slash);
	return true;
}

int listen_unix_connect(const char *path)
{
	struct sockaddr_un  at;
	AUTO(fd_closep) int dir = -1;
	int                 fd = -1, number;

	if (!unix_address(path, &at, &dir))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		number = errno;
		fd_closep(&fd);
		errno = number;
	}
	return fd;
}

bool listen_unix(const char *path, int *ret_fd, struct err *err)
{
	struct sockaddr_un  at;
	struct stat         st;
	AUTO(fd_closep) int dir = -1;
	AUTO(fd_closep) int fd = -1;
	AUTO(fd_closep) int other = listen_unix_connect(path);

	if (other >= 0 || errno == EAGAIN)
		return err_problem(err, ERR_CONFIG, "configuration", "another Reeve is serving %s", path) ||
		       err_hint(err, "stop it first, or give this one a directory of its own with --home");
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return err_problem(err, ERR_CONFIG, "configuration", "%s exists and is not a socket", path) ||
			       err_hint(err, "move it away, or choose another [server] socket");
		if (unlink(path) != 0)
			return refuse(path, "replace the stale socket", errno, err);
	}
	if (!unix_address(path, &at, &dir))
		return refuse(path, "listen on", errno, err);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before = umask(0177);
	bool   ok = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, SOMAXCONN) == 0;
	int    number = errno;
	umask(before);
	if (!ok)
		return refuse(path, "listen on", number, err);
	*ret_fd = fd;
	fd = -1;
	return true;
}
