/*
 * api/zip.h: archives of a few small files, stored without compression (APPNOTE 6.3, method 0).
 *
 * Bounds   names 1..255 bytes, files and archive below 4 GiB (the caller's buf has its own maximum).
 * Memory   the archive lives in the buf; it may hold keys: wipe it.
 */
#ifndef REEVE_API_ZIP_H
#define REEVE_API_ZIP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct zip_file {
	const char *name;
	struct str  bytes;
};

/* at_s: Unix seconds, the time every file carries (UTC). */
void zip_write(struct buf *b, const struct zip_file *files, size_t files_count, int64_t at_s);

#endif
