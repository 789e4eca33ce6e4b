/*
 * workflow/clock_guard.h: is the wall clock to be believed before anything is renewed by it?
 *
 * Rule     the wall clock may not move against the boot clock by more than CLOCK_JUMP_MS; once it did, it is doubted
 *          until a CA's Date header agrees with it (then the jump was a correction) or it has jumped back. A Date that
 *          disagrees raises doubt only while no other has agreed: one CA with a wrong clock stops nobody.
 * Purity   no clock of its own, no lock: the caller passes the times and serialises.
 */
#ifndef REEVE_WORKFLOW_CLOCK_GUARD_H
#define REEVE_WORKFLOW_CLOCK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_JUMP_MS (3600 * (int64_t)1000)

struct clock_guard {
	bool    known, doubted, confirmed;
	int64_t offset_ms; /* wall - boot, when it was last believed */
};

/* Look at both clocks; true when the wall clock is believed. */
bool clock_guard_look(struct clock_guard *g, int64_t wall_ms, int64_t boot_ms);
/* The Date of an answer that came just now. */
void clock_guard_witness(struct clock_guard *g, int64_t wall_ms, int64_t boot_ms, int64_t date_ms);

#endif
