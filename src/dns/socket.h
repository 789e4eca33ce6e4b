/* dns/socket.h: sockets to name servers, non-blocking, with deadlines on the monotonic clock. For ask.c and exchange.c. */
#ifndef REEVE_DNS_SOCKET_H
#define REEVE_DNS_SOCKET_H

#include "dns/zone.h"

/* A connected, non-blocking socket (SOCK_STREAM: connecting), or -1 with errno. Port 0 is 53. */
int dns_socket(const struct dns_address *to, int type);
/* False when the time is over. */
bool dns_socket_wait(int fd, short events, int64_t until_ms);
/* Exactly n bytes, or false with errno (0: the time is over or the peer closed). */
bool dns_tcp_move(int fd, uint8_t *bytes, size_t n, bool sending, int64_t until_ms);

#endif
