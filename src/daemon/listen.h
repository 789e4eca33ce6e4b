/*
 * daemon/listen.h: addresses as people write them, and the sockets bound to them.
 *
 * Shapes   "127.0.0.1:8080", "[::1]:8080"; no host names: what is served where must not depend on DNS. Port 0 lets
 *          the kernel choose.
 * Bind     all sockets are close-on-exec. A UNIX socket of any path length is bound and reached through its
 *          directory, since the kernel's own limit is 107 bytes.
 * Errors   ERR_CONFIG "configuration" with the sentence for people; the hint says what to change.
 */
#ifndef REEVE_DAEMON_LISTEN_H
#define REEVE_DAEMON_LISTEN_H

#include <sys/socket.h>

#include "base/err.h"

#define LISTEN_TEXT_SIZE 64

struct listen_address {
	struct sockaddr_storage address;
	socklen_t               len;
};

MUST_CHECK bool listen_address_parse(const char *text, struct listen_address *ret, struct err *err);
/* The address a socket is bound to, in the same form. */
const char *listen_text(int fd, char ret[static LISTEN_TEXT_SIZE]);

MUST_CHECK bool listen_tcp(const char *text, int *ret_fd, struct err *err);
/* One TCP listener and `count` UDP sockets that share the same port. */
MUST_CHECK bool listen_dns(const char *text, int *ret_tcp, int *ret_udp, unsigned count, struct err *err);
/* Mode 0600. A socket that nobody serves any more is replaced; one that is served is refused. */
MUST_CHECK bool listen_unix(const char *path, int *ret_fd, struct err *err);
/* The other side of it; ret < 0 and errno when it cannot be reached. */
int listen_unix_connect(const char *path);

#endif
