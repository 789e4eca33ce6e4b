/*
 * crypto/record.h: how a secret looks in the database, and the MAC of rows that grant power.
 *
 * Record   0x01 version | 0x01 XAES-256-GCM | key id u64 | nonce 24 | ciphertext | tag 16: 50 bytes more than
 *          the secret. The associated data names the row it belongs to: "RV1" | version | alg | key id |
 *          LP(instance) | LP(project) | LP("table.column") | LP(row id) | u64 row version, LP = u16 length +
 *          bytes, all big-endian. A blob pasted into another row, column or version does not open.
 * Wrap     a key sealed by a key: like a record, with a commitment to the wrapping key before the ciphertext,
 *          since GCM alone opens one ciphertext under several keys.
 * Errors   anything that does not open is "tampered" (ERR_PERMANENT), with no further reason.
 * Purity   no I/O, no clock; safe from any thread.
 */
#ifndef REEVE_CRYPTO_RECORD_H
#define REEVE_CRYPTO_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/secret.h"

#define RECORD_OVERHEAD 50
#define RECORD_MAX      (60u * KIB) /* the longest secret: it must fit into one frame */
#define WRAP_SIZE       (1 + 1 + 8 + 24 + 32 + 32 + 16)

/* Names one sealed value. Each text is at most 255 bytes; none is NULL. */
struct record_id {
	const char *project_id;
	const char *column; /* "table.column" */
	const char *row_id;
	int64_t     row_version; /* of the row as it will be stored: 1 for a new one */
};

/* Seal `plain` with a 32 byte key. The blob lives in the arena. */
MUST_CHECK bool record_seal(const struct secret *key, uint64_t key_id, const char *instance_id,
                            const struct record_id *id, struct str plain, struct arena *a,
                            struct str *ret, struct err *err);
MUST_CHECK bool record_open(const struct secret *key, uint64_t key_id, const char *instance_id,
                            const struct record_id *id, struct str blob, struct secret **ret,
                            struct err *err);
/* Which key opens this blob or wrap. */
MUST_CHECK bool record_key_id(struct str blob, uint64_t *ret, struct err *err);

/* u32 length | bytes | zeros up to a multiple of 64: the blob does not tell how long a credential is. */
struct secret  *record_pad(struct str plain);
MUST_CHECK bool record_unpad(const struct secret *padded, struct secret **ret, struct err *err);

/* `purpose` ("root", "project") is bound like the owner of a record. The wrap is WRAP_SIZE bytes. */
MUST_CHECK bool key_wrap(const struct secret *by, uint64_t key_id, const char *instance_id,
                         const char *project_id, const char *purpose, const struct secret *key,
                         struct arena *a, struct str *ret, struct err *err);
/* "sealed" when `by` is not the key it was wrapped with, "tampered" when the wrap was changed. */
MUST_CHECK bool key_unwrap(const struct secret *by, uint64_t key_id, const char *instance_id,
                           const char *project_id, const char *purpose, struct str wrap,
                           struct secret **ret, struct err *err);

/*
 * Row MACs. Columns are appended in the order the table declares them, each with its name and type, so that
 * no two rows have the same bytes. `b` was made with buf_init and is checked once, by row_mac's caller.
 */
#define ROW_MAC_SIZE 32
void row_text(struct buf *b, const char *column, struct str value);
void row_int(struct buf *b, const char *column, int64_t value);
void row_bytes(struct buf *b, const char *column, struct str value);
void row_null(struct buf *b, const char *column);
void row_mac(const struct secret *key, const char *table, struct str columns, int64_t row_version,
             uint8_t ret[static ROW_MAC_SIZE]);

#endif
