/*
 * world.h: what a simulated world consists of, as its files share it.
 *
 * sim.c draws the plan and drives; peers.c stands where the channels between the roles are (the keeper and the dns role
 * behind them are the real ones); ca.c is the authority; check.c looks whether the invariants hold.
 */
#ifndef REEVE_SIM_WORLD_H
#define REEVE_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ipc.h"
#include "base/str.h"
#include "fiber.h"

#define SIM_ZONE     "v.sim.test"
#define SIM_CA_HOST  "ca.sim.test"
#define SIM_HOUR_MS  ((int64_t)3600 * 1000)
#define SIM_DAY_MS   (24 * SIM_HOUR_MS)

struct worker;
struct keeper;
struct dns_role;

/* Drawn from the seed, printed by --verbose. Chances are per thousand. */
struct plan {
	unsigned certificates, threads;
	unsigned crash_point, crash_sync, power; /* of a crash: it is a power failure */
	unsigned stop;                           /* of a call: the worker stands still for minutes */
	unsigned dns_restart;                    /* of a call: the dns role loses its memory */
	unsigned outage;                         /* of a moment: the CA cannot be reached until the next one */
	unsigned ca_unreachable, ca_lost, ca_error, ca_busy, ca_nonce, ca_nonsense, ca_wrong_key, ca_forgets, ca_refuses;
	unsigned lookup_unknown, lookup_absent, peer_lost;
	unsigned jumps;   /* of the wall clock, at most one in each round */
	int64_t  phase_ms;  /* with faults; then the same without, until everything is settled */
	int64_t  life_ms, validation_ms, issuing_ms;
	bool     ari, order_reuse, authorization_reuse, retry_after, shared_target, backdated;
};

struct world {
	uint64_t        seed;
	struct plan     plan;
	bool            verbose, faults; /* faults: on in the first phase */
	struct arena   *arena;           /* as long as the world */
	const char     *project_id, *store_path;
	struct worker  *worker;          /* NULL while it is down */
	unsigned        process;         /* of the worker */
	struct keeper  *keeper;
	struct dns_role *dns;
	struct ipc_peer *api;            /* the api role's end to the worker */
	bool            dns_loaded;
	/* what happened, for the bounds of the invariants and for the coverage */
	uint64_t        crashes, powers, lost, stops, dns_restarts, jumps, forgotten;
	int64_t         skewed_until;    /* the wall clock was wrong until then */
};
extern struct world world;

/* One line of the trace. */
void sim_trace(const char *format, ...) PRINTF_LIKE(1, 2);
/* A point where the worker's process may end, when this fault is on; does not return then. */
void sim_may_crash(const char *where, unsigned per_mille);
/* A fault of this chance, while faults are on. */
bool sim_fault(unsigned per_mille);

/* sim.c: the person who reads which record is asked for; the first start of the worker */
void person_publishes(const char *name);
void world_worker_begin(void);

/* years.c */
extern unsigned years_certificates, years_days; /* certificates 0: a seed is run instead */
int64_t         years_life_ms(const char *names);
void            years_run(void *done);

/* peers.c */
void peers_start(void);
void peers_worker_up(struct worker *w); /* attach the worker's ends */
void peers_dns_restart(void);
/* The resolver's and the CA's view: where the challenge of a name is written; NULL: no CNAME. */
const char *zone_cname(const char *name);
void        zone_set_cname(const char *name, const char *target);
bool        dns_serves(const char *owner, const char *value);
/* The CA asked: the worker hears of it. */
void        dns_was_asked(const char *owner);

/* ca.c */
void     ca_start(void);
uint64_t ca_orders(void);       /* newOrder requests that made an order */
uint64_t ca_issued(void);
uint64_t ca_peak_orders(void);  /* newOrder requests of the busiest hour */
uint64_t ca_requests(void);
uint64_t ca_peak_minute(void);  /* requests of the busiest minute */
void     ca_outage(bool on);

/* check.c */
void check_open(void);
void check_close(void);
void check_publish(const char *owner, const char *value);
void check_remove(const char *owner, const char *value);
void check_finalize(const char *order_url, struct str csr_der);
void check_step(void);      /* cheap: after each commit */
void check_restart(void);   /* after a crash */
int64_t check_unserved(void); /* certificates without a version */
bool check_settled(void);   /* nothing is left to do before the next renewal */
void check_end(void);
void check_expired(int64_t day); /* is a certificate that is served over? */

#endif
