/*
 * base/ipc.h: typed, bounded frames between the roles over SEQPACKET socketpairs. DESIGN section 3.
 *
 * Shapes   a frame is {u32 type, u64 request id, body}, at most IPC_FRAME_MAX bytes in one packet, with at
 *          most one descriptor. A reply repeats the request id and has type IPC_OK (the body is the answer)
 *          or IPC_ERR (the body is a struct err). A frame with id 0 is a push: it has no reply.
 * Peers    struct ipc_peer is the asking side, struct ipc_server the answering one. The supervisor hands
 *          new ends to both when a role was restarted; requests in flight then fail as ERR_TEMPORARY.
 * Threads  ipc_peer_* and ipc_reply_* may be called from any thread.
 */
#ifndef REEVE_BASE_IPC_H
#define REEVE_BASE_IPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define IPC_FRAME_MAX 65536u
#define IPC_BODY_MAX  (IPC_FRAME_MAX - 16u)

enum { IPC_OK = 1, IPC_ERR = 2, IPC_TYPE_FIRST = 16 }; /* users' types start at IPC_TYPE_FIRST */

struct ipc_frame {
	uint32_t type;
	uint64_t id;
	int      fd; /* -1, or a descriptor the receiver owns */
	size_t   len;
	uint8_t  body[IPC_BODY_MAX];
};

enum ipc_result { IPC_RECEIVED, IPC_EOF, IPC_BROKEN };

/* Two connected ends, close-on-exec. */
MUST_CHECK bool ipc_pair(int ret[2], struct err *err);
MUST_CHECK bool ipc_send(int fd, uint32_t type, uint64_t id, struct str body, int pass_fd, struct err *err);
enum ipc_result ipc_receive(int fd, struct ipc_frame *ret); /* blocks */
/*
 * In a process forked to serve one end: that end becomes descriptor 3, and everything above it is closed, or the peers
 * of the one who forked would not see it end. Returns 3; a failure ends the process.
 */
int ipc_keep_only(int fd);

/* ---- the asking side ---- */

struct ipc_peer;
typedef void (*ipc_push_fn)(void *ctx, const struct ipc_frame *frame); /* called on the reader thread */
typedef void (*ipc_up_fn)(void *ctx); /* a (new) end was attached; called on a thread of its own, may call the peer */

struct ipc_peer *ipc_peer_new(const char *name, ipc_push_fn on_push, ipc_up_fn on_up, void *ctx);
void ipc_peer_free(struct ipc_peer *peer);
/* Use this end from now on; takes fd. -1: no peer for now. */
void ipc_peer_attach(struct ipc_peer *peer, int fd);
/*
 * Ask and wait for the answer, at most timeout_ms (waiting for a peer that is being restarted included).
 * `pass_fd` is -1 or stays the caller's. *ret lives in the arena. An IPC_ERR answer is returned as false + err.
 */
MUST_CHECK bool ipc_peer_call(struct ipc_peer *peer, uint32_t type, struct str body, int pass_fd,
                              uint32_t timeout_ms, struct arena *a, struct str *ret, struct err *err);

/* ---- the answering side ---- */

struct ipc_server;
struct ipc_request; /* one received frame; must be answered exactly once by ipc_reply_* */

/* May answer at once or keep `request` and answer later from any thread. */
typedef void (*ipc_handle_fn)(void *ctx, struct ipc_request *request);

/* `threads` handler threads; 0: frames are handled on the reading thread, one after another. */
struct ipc_server *ipc_server_new(const char *name, unsigned threads, ipc_handle_fn handle, void *ctx);
void ipc_server_free(struct ipc_server *server);
/* Serve this end too; takes fd. Ends that close are forgotten. `channel` comes back with each request. */
void ipc_server_attach(struct ipc_server *server, int channel, int fd);
/* Send a push frame to every end attached as `channel`; lost when the end is full or closed. */
void ipc_server_push(struct ipc_server *server, int channel, uint32_t type, struct str body);

uint32_t   ipc_request_type(const struct ipc_request *r);
int        ipc_request_channel(const struct ipc_request *r);
struct str ipc_request_body(const struct ipc_request *r);
int        ipc_request_take_fd(struct ipc_request *r); /* -1 when none came; the caller owns it */
void       ipc_reply_ok(struct ipc_request *r, struct str body); /* frees r; a body over IPC_BODY_MAX becomes an error */
void       ipc_reply_err(struct ipc_request *r, const struct err *err); /* frees r */

#endif
