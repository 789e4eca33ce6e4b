/*
 * disk.h: the disk of the simulator: files in memory, as SQLite's default VFS.
 *
 * Writes   are seen at once by whoever reads the file, and durable after xSync only. A killed process loses nothing of
 *          them (the kernel has them), a power failure loses some of those since the last sync, drawn one by one.
 * Locks    are those of a process: they go with it.
 */
#ifndef REEVE_SIM_DISK_H
#define REEVE_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

void disk_killed(void);     /* locks and shared memory of the dead are gone */
void disk_power_lost(void); /* the same, and what was not synced */
/* Called before each sync takes effect: the simulator may end the process there, or after. */
void disk_on_sync(void (*fn)(bool after));
/* Does any file hold these bytes? */
bool disk_has_bytes(struct str needle);

#endif
