/*
 * base/ipc_internal.h: what ipc.c lends to ipc_peer.c and ipc_server.c; nobody else includes it.
 *
 * An end is one socket and the count of those who use it. It is shut down at once when it is given up, which wakes
 * whoever reads or writes, but closed by the last user only: a number is never reused under somebody's feet.
 */
#ifndef REEVE_BASE_IPC_INTERNAL_H
#define REEVE_BASE_IPC_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/ipc.h"

#define IPC_NOTHING ((enum ipc_result)100) /* of ipc_receive_flags with MSG_DONTWAIT only */

enum ipc_sent { IPC_SENT, IPC_SEND_CLOSED, IPC_SEND_FULL, IPC_SEND_REFUSED };

struct ipc_end {
	int             fd;
	int             channel;
	atomic_uint     refs;
	struct ipc_end *next; /* in the list of its server */
};

/* Like ipc_send, but waits for room until a moment of clock_mono_ms() at most. */
enum ipc_sent   ipc_send_until(int fd, uint32_t type, uint64_t id, struct str body, int pass_fd, int64_t deadline_ms,
                               struct err *err);
enum ipc_result ipc_receive_flags(int fd, struct ipc_frame *ret, int flags);

struct ipc_end *ipc_end_new(int fd, int channel); /* takes fd; one reference */
struct ipc_end *ipc_end_ref(struct ipc_end *end);
void            ipc_end_unref(struct ipc_end *end); /* NULL is fine */
void            ipc_end_shut(struct ipc_end *end);

#endif
