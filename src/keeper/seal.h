/*
 * keeper/seal.h: the seal file: 32 random bytes as 64 hex digits, the one secret outside the database.
 *
 * Shapes   a regular file, mode & 077 == 0, owned by the caller's uid or root, not inside the data directory
 *          (a backup of the data must not contain it). At most one newline behind the digits.
 * Use      the supervisor opens and checks it without reading (seal_open) and hands the descriptor to the
 *          keeper, which reads it once (seal_read).
 * Errors   ERR_CONFIG "sealed"; the hint names the command that repairs it.
 */
#ifndef REEVE_KEEPER_SEAL_H
#define REEVE_KEEPER_SEAL_H

#include "base/err.h"
#include "crypto/secret.h"

#define SEAL_SIZE 32

/* Make a new one, mode 0400, O_EXCL, synced with its directory. An existing file is ERR_CONFLICT. */
MUST_CHECK bool seal_create(const char *path, const char *data_dir, struct err *err);
/* Open for reading, close-on-exec, and check owner, mode and place. */
MUST_CHECK bool seal_open(const char *path, const char *data_dir, int *ret_fd, struct err *err);
/* Check the descriptor again and read the key. The descriptor stays the caller's. */
MUST_CHECK bool seal_read(int fd, struct secret **ret, struct err *err);

#endif
