/*
 * workflow/clock_guard.c: see the header. A clock that is slewed creeps, so each look that believes moves the mark.
 */
#include "workflow/clock_guard.h"

static bool far(int64_t a, int64_t b)
{
	int64_t difference;

	return __builtin_sub_overflow(a, b, &difference) || difference > CLOCK_JUMP_MS || difference < -CLOCK_JUMP_MS;
}

bool clock_guard_look(struct clock_guard *g, int64_t wall_ms, int64_t boot_ms)
{
	int64_t offset = wall_ms - boot_ms;

	if (g->known && far(offset, g->offset_ms)) {
		g->doubted = true;
		g->confirmed = false;
		return false;
	}
	/* Doubt that came from a Date does not go by itself; doubt that came from a jump ends when it is undone. */
	if (g->doubted && !g->known)
		return false;
	g->known = true;
	g->doubted = false;
	g->offset_ms = offset;
	return true;
}

void clock_guard_witness(struct clock_guard *g, int64_t wall_ms, int64_t boot_ms, int64_t date_ms)
{
	if (!far(wall_ms, date_ms)) {
		*g = (struct clock_guard){ .known = true, .confirmed = true, .offset_ms = wall_ms - boot_ms };
	} else if (!g->confirmed) {
		/* No mark is left to return to: only a Date that agrees helps. */
		g->doubted = true;
		g->known = false;
	}
}
