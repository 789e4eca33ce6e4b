/*
 * fiber.h: threads, clocks and randomness of the simulator. One operating system thread runs everything.
 *
 * Threads  what the program makes with pthread_create is a fiber here: it runs until it waits (a lock that is held, a
 *          condition, a semaphore, a sleep) or until the simulator takes its turn away. Which of those that could run
 *          goes next is drawn from the seed.
 * Time     stands still while anybody can run; then it jumps to the next moment somebody waits for. There is the boot
 *          clock, and a wall clock that the simulator may set.
 * Process  a fiber belongs to the process of the one that made it. Process 0 is the world; fiber_kill() ends another
 *          one between two instructions of ours, as SIGKILL does: nothing of it runs any more, nothing is cleaned up.
 * Link     the program's own objects are linked with --wrap for every function that fiber.c replaces (meson.build).
 */
#ifndef REEVE_SIM_FIBER_H
#define REEVE_SIM_FIBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define FIBER_WORLD 0u
#define FIBER_FOREVER INT64_MAX

typedef void fiber_fn(void *arg);

/* One seed, one world. `wall_ms` is the wall clock at boot time 0. */
void fiber_init(uint64_t seed, int64_t wall_ms);
void fiber_start(unsigned process, fiber_fn *fn, void *arg, const char *name);
/* Run until `fn`, started by the caller in the world, has returned. */
void fiber_run_until(const bool *done);

void fiber_sleep(int64_t ms);
void fiber_yield(void);
/* Sleep until somebody wakes those who wait for this address. */
void fiber_wait(const void *on);
void fiber_wake(const void *on);
unsigned fiber_process(void); /* of the fiber that runs */

/* The caller may belong to the process: then this does not return. */
void fiber_kill(unsigned process);
/* Nothing of the process runs for so long; its clocks go on (SIGSTOP). */
void fiber_stop(unsigned process, int64_t ms);
/* While shielded the caller is inside another process, which a kill of the caller's does not touch. */
void fiber_shield(int by);

int64_t fiber_mono_ms(void);
int64_t fiber_wall_ms(void);
void    fiber_set_wall(int64_t offset_ms); /* from the true time */
int64_t fiber_wall_offset(void);

/* Draws from the seed: the simulator's own line, apart from what the program draws. */
uint64_t sim_rand(void);
uint64_t sim_below(uint64_t n);         /* 0..n-1; n > 0 */
bool     sim_chance(unsigned per_mille);
/* How many turns were given so far, and at most between two moments: more is a loop that never waits. */
uint64_t fiber_turns(void);
#define FIBER_TURNS_MAX 400000u

/* sim.c: what must not be happened. Ends the seed. */
void sim_violation(const char *invariant, const char *format, ...) NORETURN PRINTF_LIKE(2, 3);

#endif
