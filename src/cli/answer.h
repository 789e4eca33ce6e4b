/*
 * cli/answer.h: an HTTP/1.1 answer as it arrives, piece by piece. RFC 9112 sections 4 to 8.
 *
 * Shapes   status line and headers up to 32 KiB; a body of Content-Length, chunked, or up to the end of the stream.
 *          Interim answers (1xx) are skipped.
 * Bounds   CLI_ANSWER_MAX bytes of body.
 * Errors   ERR_TEMPORARY "unavailable": what came is not HTTP, or too long, or ended early.
 */
#ifndef REEVE_CLI_ANSWER_H
#define REEVE_CLI_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CLI_ANSWER_MAX (16 * MIB)
#define CLI_HEAD_MAX   (32 * KIB)

enum cli_answer_state {
	ANSWER_HEAD,
	ANSWER_BODY,       /* `left` bytes of a body with a length */
	ANSWER_STREAM,     /* a body up to the end of the stream */
	ANSWER_CHUNK_SIZE, /* the line with the size of the next chunk */
	ANSWER_CHUNK,
	ANSWER_CHUNK_END, /* the empty line behind a chunk */
	ANSWER_TRAILER,
	ANSWER_DONE,
};

struct cli_answer {
	enum cli_answer_state state;
	int                   status;
	bool                  problem; /* the type is application/problem+json */
	char                  etag[128], certificate[64]; /* ETag, Reeve-Certificate; "" when absent or too long */
	uint64_t              version;                    /* Reeve-Version; 0 when absent */
	uint64_t              left;
	struct buf            line; /* head or line being collected */
	struct buf            body;
};

void cli_answer_init(struct cli_answer *answer);
void cli_answer_clear(struct cli_answer *answer);
/* Bytes behind the end of the answer are ignored. */
MUST_CHECK bool cli_answer_feed(struct cli_answer *answer, struct str bytes, struct err *err);
/* The stream ended: true when the answer is whole. */
MUST_CHECK bool cli_answer_end(struct cli_answer *answer, struct err *err);

#endif
