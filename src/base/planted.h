/*
 * base/planted.h: bugs on purpose, for the simulator to find (tests/sim/README.md has the list).
 *
 * PLANTED(n) is the constant false in every build but that of reeve-sim-planted, whose objects are compiled apart.
 */
#ifndef REEVE_BASE_PLANTED_H
#define REEVE_BASE_PLANTED_H

#ifdef REEVE_PLANTED
extern int planted_bug;
#define PLANTED(n) (planted_bug == (n))
#else
#define PLANTED(n) 0
#endif

#endif
