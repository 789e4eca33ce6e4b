/*
 * keeper/message.h: the parts of messages that the client writes and the server reads: one pair of functions each,
 * so that the two sides cannot drift apart. Private to this folder.
 *
 * Errors   a get_* marks the wire as failed for anything out of bounds; wire_done() tells once at the end.
 */
#ifndef REEVE_KEEPER_MESSAGE_H
#define REEVE_KEEPER_MESSAGE_H

#include "base/wire.h"
#include "keeper/keeper.h"

void put_record(struct buf *b, const struct record_id *id);
void get_record(struct wire *w, struct arena *a, struct record_id *ret);

void put_names(struct buf *b, const char *const *names, size_t count);
void get_names(struct wire *w, struct arena *a, size_t count_max, const char *const **ret, size_t *ret_count);

void put_token(struct buf *b, const struct keeper_token *row);
void get_token(struct wire *w, struct arena *a, struct keeper_token *ret);

void put_deployment(struct buf *b, const struct keeper_deployment *row);
void get_deployment(struct wire *w, struct arena *a, struct keeper_deployment *ret);

/* The fields of a grant without its proof. */
void put_grant(struct buf *b, const struct keeper_grant *grant);
void get_grant(struct wire *w, struct arena *a, struct keeper_grant *ret);

/* An enum as one byte, below `count`. */
unsigned get_enum(struct wire *w, unsigned count);

#endif
