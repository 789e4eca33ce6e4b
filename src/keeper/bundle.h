/*
 * keeper/bundle.h: one key with its chain on the way from the keeper to the hook role, in a sealed memfd. The worker,
 * which starts deliveries and speaks to networks, never holds either end of it.
 *
 * Frame    KEEPER_BUNDLE {ticket, deployment} with the descriptor; the answer is empty.
 * Memory   keeper_bundle_read() leaves views into `bytes`, which the caller wipes.
 */
#ifndef REEVE_KEEPER_BUNDLE_H
#define REEVE_KEEPER_BUNDLE_H

#include "base/wire.h"
#include "crypto/secret.h"
#include "keeper/keeper.h"

#define KEEPER_BUNDLE     IPC_TYPE_FIRST /* the only frame of this channel */
#define KEEPER_BUNDLE_MAX (256u * KIB)
#define KEEPER_TICKET_MAX 64u

struct keeper_bundle {
	struct str chain_pem; /* leaf first */
	struct str key_pem;   /* PKCS#8; empty: the key is not Reeve's to deliver */
	struct str pkcs12;    /* DER with an empty password; empty when it was not asked for */
};

MUST_CHECK bool keeper_bundle_fd(const struct keeper_bundle *bundle, int *ret_fd, struct err *err);
/* The descriptor stays the caller's. */
MUST_CHECK bool keeper_bundle_send(struct ipc_peer *hook, const char *ticket, const struct keeper_deployment *deployment,
                                   int fd, struct err *err);

/* ---- the hook role's side ---- */

MUST_CHECK bool keeper_bundle_frame_read(struct arena *a, struct str body, const char **ret_ticket,
                                         struct keeper_deployment *ret, struct err *err);
/* From any offset; *ret_bytes is what *ret looks into. */
MUST_CHECK bool keeper_bundle_read(int fd, struct secret **ret_bytes, struct keeper_bundle *ret, struct err *err);

#endif
