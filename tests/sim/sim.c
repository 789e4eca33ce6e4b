/*
 * sim.c: `reeve-sim`: draws a plan from a seed, runs the real worker through it, and looks.
 *
 *   reeve-sim --seeds COUNT [--from N] [--jobs N]   one line and exit code 1 for each seed that fails
 *   reeve-sim --seed N [--verbose]                  one seed; with its trace of events
 *   reeve-sim --years CERTIFICATES [--days DAYS]    two years of many certificates (years.c)
 *
 * A world is made once, with its database, keeper and authority; each seed runs in a fork of it, so that nothing of one
 * reaches the next and a killed worker may leave behind what it likes.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/id.h"
#include "base/log.h"
#include "base/planted.h"
#include "disk.h"
#include "keeper/keeper.h"
#include "store/driver.h"
#include "store/project.h"
#include "store/store.h"
#include "workflow/command.h"
#include "workflow/worker.h"
#include "world.h"

#define START_MS 1767225600000 /* 2026-01-01T00:00:00Z */
#define JOBS_MAX 16
#define CERTIFICATES_MAX 8
#define SETTLE_MS (3 * SIM_DAY_MS)

struct world world;
#ifdef REEVE_PLANTED
int planted_bug;
#endif
static int   seal_fd, first_fd;
static char  folder[64];
static uint64_t commits;

/* A seed is a short process with many small objects: the default keeps hundreds of MiB of them and looks far up the stack. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:malloc_context_size=2:detect_leaks=0";
}

/* ---- what the others call ---- */

void sim_trace(const char *format, ...)
{
	va_list args;
	char    at[CLOCK_RFC3339_SIZE];

	if (!world.verbose)
		return;
	printf("%s p%u ", clock_rfc3339(fiber_wall_ms() - fiber_wall_offset(), at), fiber_process());
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void sim_violation(const char *invariant, const char *format, ...)
{
	va_list args;

	printf("seed %llu: %s: ", (unsigned long long)world.seed, invariant);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(1);
}

bool sim_fault(unsigned per_mille)
{
	return world.faults && sim_chance(per_mille);
}

/* ---- the worker's process ---- */

static void worker_process(void *arg UNUSED)
{
	static const char *const zones[] = { SIM_ZONE };
	struct worker_settings   settings = { .store_path = world.store_path, .zones = zones, .zones_count = 1,
		                              .threads = world.plan.threads, .resolver_timeout_ms = 5000 };
	struct worker           *w = NULL;
	struct err               err = { 0 };

	if (!worker_new(&settings, &w, &err))
		sim_violation("I14", "the worker does not start: %s", err.text);
	world.worker = w;
	peers_worker_up(w);
	if (!worker_start(w, &err))
		sim_violation("I14", "the worker does not start: %s", err.text);
	sim_trace("worker: started");
}

static void worker_begin(void)
{
	world.process++;
	fiber_start(world.process, worker_process, NULL, "worker");
}

void world_worker_begin(void)
{
	worker_begin();
}

static void restart(void *arg UNUSED)
{
	struct err err = { 0 };

	fiber_sleep(50 + (int64_t)sim_below(3000));
	if (world.keeper == NULL && !keeper_new(seal_fd, &world.keeper, &err))
		sim_violation("set-up", "%s", err.text);
	worker_begin();
	fiber_sleep(20);
	check_restart();
}

static void crash(const char *where)
{
	unsigned process = world.process;
	bool     power = sim_chance(world.plan.power);

	sim_trace("worker: %s at %s", power ? "power failure" : "killed", where);
	world.crashes++;
	world.worker = NULL;
	check_close();
	if (power) {
		world.powers++;
		disk_power_lost();
		world.keeper = NULL; /* its thread stays behind and waits for ever */
		peers_dns_restart();
	} else {
		disk_killed();
	}
	/* As the kernel does: the lock of the store goes with the process. */
	close_range((unsigned)first_fd, ~0u, 0);
	fiber_start(FIBER_WORLD, restart, NULL, "restart");
	fiber_kill(process);
}

void sim_may_crash(const char *where, unsigned per_mille)
{
	if (world.worker != NULL && fiber_process() == world.process && sim_fault(per_mille))
		crash(where);
}

void __wrap_crash_reached(enum crash_point point);
void __wrap_crash_reached(enum crash_point point)
{
	sim_trace("at %s", crash_point_name(point));
	sim_may_crash(crash_point_name(point), world.plan.crash_point);
	if (sim_chance(200))
		fiber_sleep((int64_t)sim_below(20));
}

static void on_sync(bool after)
{
	if (after) {
		commits++;
		fiber_wake(&commits);
	}
	sim_may_crash(after ? "after a sync" : "before a sync", world.plan.crash_sync);
}

/* Looks after each commit, at some turn after it. */
static void auditor(void *arg UNUSED)
{
	for (;;) {
		fiber_wait(&commits);
		check_step();
	}
}

/* ---- the first world ---- */

static bool fill(struct db *db, void *arg, struct err *err)
{
	const struct keeper_init *keys = arg;
	struct project            project = { .id = world.project_id, .name = PROJECT_DEFAULT, .created_at = START_MS };
	struct project_key        key = { KEEPER_KEY_FIRST, world.project_id, keys->project_wrap };

	return project_insert(db, &project, err) && seal_insert(db, "seal", "file", keys->root_wrap, START_MS, err) &&
	       project_key_insert(db, &key, START_MS, err) && meta_set(db, "instance_id", "sim", err) &&
	       meta_set(db, "node_id", "node", err);
}

static void must(bool ok, const struct err *err)
{
	if (!ok)
		sim_violation("set-up", "%s", err->text);
}

static void make_world(void *arg)
{
	struct store      *store = NULL;
	struct keeper_init keys;
	struct command_who who;
	struct authority   authority = { .id = "authority", .name = "sim", .directory_url = "https://" SIM_CA_HOST "/directory",
		                         .email = "ops@sim.test", .eab_kid = "", .ca_pem = "", .allow_addresses = "", .row_version = 1 };
	struct command_reply reply;
	struct err           err = { 0 };
	char                 id[ID_SIZE];

	id_new(id);
	world.project_id = arena_strdup(world.arena, id);
	seal_fd = memfd_create("seal", MFD_CLOEXEC);
	assert(seal_fd >= 0 && fchmod(seal_fd, 0400) == 0);
	for (int i = 0; i < 64; i++)
		assert(write(seal_fd, "7", 1) == 1);
	must(keeper_init_offline(seal_fd, "sim", world.project_id, KEEPER_KEY_FIRST, world.arena, &keys, &err), &err);
	must(store_open(world.store_path, STORE_CREATE, &store, &err), &err);
	must(store_write(store, fill, &keys, &err), &err);
	store_close(store);
	must(keeper_new(seal_fd, &world.keeper, &err), &err);
	ca_start();
	peers_start();
	who = (struct command_who){ world.project_id, "sim" };
	worker_begin();
	must(command_authority_add(world.api, world.arena, &who, &authority, &reply, &err), &err);
	worker_stop(world.worker);
	worker_free(world.worker);
	world.worker = NULL;
	*(bool *)arg = true;
}

/* ---- one seed ---- */

static unsigned often(unsigned most)
{
	/* Half of the worlds know nothing of a fault, the others differ in how much. */
	return sim_chance(500) ? 0 : (unsigned)sim_below(most) + 1;
}

static void draw_plan(struct plan *p)
{
	static const int64_t lives[] = { 6, 45, 90 };

	*p = (struct plan){
		.certificates = 1 + (unsigned)sim_below(4), .threads = 1 + (unsigned)sim_below(4),
		.crash_point = often(60), .crash_sync = often(20), .power = often(1000), .stop = often(10), .dns_restart = often(15),
		.outage = often(200), .ca_unreachable = often(100), .ca_lost = often(100), .ca_error = often(60), .ca_busy = often(60), .ca_nonce = often(100),
		.ca_nonsense = often(20), .ca_wrong_key = often(200), .ca_forgets = often(30), .ca_refuses = often(200),
		.lookup_unknown = often(300), .lookup_absent = often(200), .peer_lost = often(40), .jumps = often(500),
		.phase_ms = (int64_t)(1 + sim_below(12)) * 60 * 1000, .life_ms = lives[sim_below(3)] * SIM_DAY_MS,
		.validation_ms = 1 + (int64_t)sim_below(20000), .issuing_ms = (int64_t)sim_below(20000),
		.ari = sim_chance(500), .order_reuse = sim_chance(500), .authorization_reuse = sim_chance(300),
		.retry_after = sim_chance(500), .shared_target = sim_chance(300), .backdated = sim_chance(500),
	};
}

struct certificate_case {
	char        id[ID_SIZE], order_id[ID_SIZE];
	const char *name, *names[2];
	size_t      names_count;
	bool        made, cname;
};
static struct certificate_case cases[CERTIFICATES_MAX];

static bool take_text(const struct db_row *row, void *arg)
{
	const char **ret = arg;

	*ret = db_text(row, 0, world.arena);
	return false;
}

void person_publishes(const char *name)
{
	const char *target = NULL;
	struct db  *db = NULL;
	struct err  err = { 0 };

	if (!db_open(world.store_path, DB_READER, &db, &err) ||
	    !db_each(db, take_text, &target, &err, "SELECT target FROM delegations WHERE name = $1 AND removed_at IS NULL ORDER BY created_at",
	             DB_T(name)))
		sim_violation("I14", "%s", err.text);
	db_close(db);
	if (target == NULL)
		return;
	zone_set_cname(arena_printf(world.arena, "_acme-challenge.%s", name), target);
	sim_trace("person: published _acme-challenge.%s CNAME %s", name, target);
}

static void publish_cname(struct certificate_case *c)
{
	person_publishes(c->name);
	c->cname = zone_cname(arena_printf(world.arena, "_acme-challenge.%s", c->name)) != NULL;
}

static void do_issue(struct certificate_case *c, const struct command_who *who)
{
	struct command_alias alias = { "", "shared." SIM_ZONE };
	struct command_issue issue = { .certificate_id = c->id, .order_id = c->order_id, .names = c->names,
		                       .names_count = c->names_count, .authority = "", .key_type = "", .provider = "",
		                       .alias_provider = "", .connection = "", .facade = "",
		                       .aliases = world.plan.shared_target ? &alias : NULL, .aliases_count = world.plan.shared_target };
	struct command_reply reply;
	struct err           err = { 0 };

	c->made = command_issue(world.api, world.arena, who, &issue, &reply, &err) || c->made;
	sim_trace("person: issue %s: %s", c->name, err.class == ERR_NONE ? "taken" : err.text);
}

static void act(struct certificate_case *c, const struct command_who *who)
{
	struct command_policy policy = { .certificate = c->id, .has_paused = true, .paused = sim_chance(300), .renew_before = "" };
	struct command_reply  reply;
	struct err            err = { 0 };
	bool                  ok;

	if (!c->made) {
		do_issue(c, who);
		return;
	}
	if (!c->cname) {
		publish_cname(c);
		return;
	}
	switch (sim_below(4)) {
	case 0:
	case 1:
		id_new(c->order_id);
		ok = command_renew(world.api, world.arena, who, c->id, c->order_id, &reply, &err);
		sim_trace("person: renew %s: %s", c->name, ok ? "taken" : err.text);
		break;
	case 2:
		ok = command_cancel(world.api, world.arena, who, c->order_id, &reply, &err);
		sim_trace("person: cancel %s: %s", c->name, ok ? "done" : err.text);
		break;
	default:
		ok = command_policy(world.api, world.arena, who, &policy, &reply, &err);
		sim_trace("person: %s %s: %s", policy.paused ? "pause" : "resume", c->name, ok ? "done" : err.text);
		break;
	}
}

static void trouble(void)
{
	if (sim_chance(world.plan.jumps / 10)) {
		static const int64_t jumps[] = { 90 * 60 * 1000, -90 * 60 * 1000, 40 * SIM_DAY_MS, -40 * SIM_DAY_MS, 400 * SIM_DAY_MS };

		fiber_set_wall(fiber_wall_offset() != 0 ? 0 : jumps[sim_below(ARRAY_LEN(jumps))]);
		world.jumps++;
		sim_trace("clock: the wall clock is %lld h off", (long long)(fiber_wall_offset() / SIM_HOUR_MS));
	}
	ca_outage(sim_chance(world.plan.outage));
	if (sim_chance(world.plan.stop) && world.worker != NULL) {
		int64_t ms = 61000 + (int64_t)sim_below(600000);

		world.stops++;
		fiber_stop(world.process, ms);
		sim_trace("worker: stands still for %lld s", (long long)ms / 1000);
	}
}

static void wait_settled(const char *phase)
{
	int64_t until = fiber_mono_ms() + SETTLE_MS;

	while (world.worker == NULL || !check_settled()) {
		if (fiber_mono_ms() > until)
			sim_violation("I7", "%s: not settled after three days without a fault", phase);
		fiber_sleep(5000);
	}
}

static void run_seed(void *arg)
{
	struct command_who who = { world.project_id, "sim" };
	int64_t            until = fiber_mono_ms() + world.plan.phase_ms;
	struct err         err;

	fiber_start(FIBER_WORLD, auditor, NULL, "auditor");
	world.faults = true;
	worker_begin();
	for (unsigned i = 0; i < world.plan.certificates; i++) {
		struct certificate_case *c = &cases[i];

		id_new(c->id);
		id_new(c->order_id);
		c->name = arena_printf(world.arena, "c%u.sim.example", sim_chance(900) ? i : 0);
		c->names[c->names_count++] = c->name;
		if (sim_chance(300))
			c->names[c->names_count++] = arena_printf(world.arena, "*.%s", c->name);
		if (world.plan.shared_target)
			zone_set_cname(arena_printf(world.arena, "_acme-challenge.%s", c->name), "_acme-challenge.shared." SIM_ZONE);
		c->cname = world.plan.shared_target;
	}
	while (fiber_mono_ms() < until) {
		act(&cases[sim_below(world.plan.certificates)], &who);
		trouble();
		fiber_sleep((int64_t)sim_below(60000));
	}
	/* Without faults everything has to come to its end. */
	world.faults = false;
	fiber_set_wall(0);
	ca_outage(false);
	sim_trace("---- no faults any more ----");
	/* Also what was issued although its answer was lost. */
	for (unsigned i = 0; i < world.plan.certificates && !world.plan.shared_target; i++)
		publish_cname(&cases[i]);
	wait_settled("first");
	for (unsigned i = 0; i < world.plan.certificates; i++) {
		struct certificate_case *c = &cases[i];
		struct command_policy    policy = { .certificate = c->id, .has_paused = true, .renew_before = "" };
		struct command_reply     reply;

		err = (struct err){ 0 };
		if (!c->made)
			do_issue(c, &who);
		if (!c->cname)
			publish_cname(c);
		if (!command_policy(world.api, world.arena, &who, &policy, &reply, &err))
			sim_violation("I7", "%s cannot be resumed: %s", c->name, err.text);
		id_new(c->order_id);
		if (!command_renew(world.api, world.arena, &who, c->id, c->order_id, &reply, &err) && err.class != ERR_CONFLICT)
			sim_violation("I7", "%s cannot be renewed: %s", c->name, err.text);
	}
	wait_settled("second");
	int64_t failed = check_unserved();
	if (failed > 0)
		sim_violation("I7", "%lld certificates were not issued although nothing was in the way", (long long)failed);
	check_end();
	*(bool *)arg = true;
}

static int seed_main(uint64_t seed, unsigned slot)
{
	bool done = false;

	world.seed = seed;
	world.store_path = arena_printf(world.arena, "%s/%u/reeve.db", folder, slot);
	fiber_init(seed, START_MS);
	if (years_certificates > 0) {
		world.plan = (struct plan){ .threads = 8, .validation_ms = 2000, .issuing_ms = 2000 };
		fiber_start(FIBER_WORLD, years_run, &done, "years");
	} else {
		draw_plan(&world.plan);
		disk_on_sync(on_sync);
		fiber_start(FIBER_WORLD, run_seed, &done, "plan");
	}
	fiber_run_until(&done);
	sim_trace("requests=%llu orders=%llu issued=%llu crashes=%llu power=%llu turns=%llu", (unsigned long long)ca_requests(),
	          (unsigned long long)ca_orders(), (unsigned long long)ca_issued(), (unsigned long long)world.crashes,
	          (unsigned long long)world.powers, (unsigned long long)fiber_turns());
	fflush(stdout);
	return 0;
}

/* ---- many seeds ---- */

static int run_seeds(uint64_t from, uint64_t count, unsigned jobs, bool stop)
{
	pid_t    pids[JOBS_MAX] = { 0 };
	uint64_t seeds[JOBS_MAX], next = from, failed = 0, running = 0;

	while (next < from + count || running > 0) {
		for (unsigned i = 0; i < jobs && next < from + count && !(stop && failed > 0); i++) {
			if (pids[i] != 0)
				continue;
			seeds[i] = next++;
			fflush(stdout);
			pids[i] = fork();
			assert(pids[i] >= 0);
			if (pids[i] == 0)
				_exit(seed_main(seeds[i], i));
			running++;
		}
		if (running == 0)
			break;
		int   status;
		pid_t pid = wait(&status);
		for (unsigned i = 0; i < jobs; i++) {
			if (pids[i] != pid)
				continue;
			pids[i] = 0;
			running--;
			failed += status != 0;
			if (WIFSIGNALED(status))
				printf("seed %llu: signal %d\n", (unsigned long long)seeds[i], WTERMSIG(status));
			else if (status != 0 && WEXITSTATUS(status) != 1)
				printf("seed %llu: exit code %d\n", (unsigned long long)seeds[i], WEXITSTATUS(status));
		}
	}
	printf("%llu seeds, %llu failed\n", (unsigned long long)(next - from), (unsigned long long)failed);
	fflush(stdout);
	return failed > 0 ? 1 : 0;
}

static void make_folder(unsigned jobs)
{
	const char *base = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/reeve-sim.XXXXXX", base != NULL ? base : "/tmp");
	assert(mkdtemp(folder) != NULL);
	for (unsigned i = 0; i <= jobs; i++) {
		const char *path = arena_printf(world.arena, "%s/%u", folder, i);
		int         fd;

		assert(mkdir(path, 0700) == 0);
		/* store.c looks whether the file is there before SQLite does; what is in it is in memory. The last is made. */
		fd = i < jobs ? open(arena_printf(world.arena, "%s/reeve.db", path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;
		if (fd >= 0)
			close(fd);
	}
	world.store_path = arena_printf(world.arena, "%s/%u/reeve.db", folder, jobs);
}

static void remove_folder(unsigned jobs)
{
	for (unsigned i = 0; i <= jobs; i++) {
		unlink(arena_printf(world.arena, "%s/%u/reeve.db", folder, i));
		unlink(arena_printf(world.arena, "%s/%u/lock", folder, i));
		rmdir(arena_printf(world.arena, "%s/%u", folder, i));
	}
	rmdir(folder);
}

static uint64_t number(const char *text)
{
	uint64_t n = 0;

	if (text == NULL || !str_to_u64(str_c(text), &n)) {
		fprintf(stderr, "usage: reeve-sim --seed N [--verbose] | --seeds COUNT [--from N] [--jobs N] [--stop] [--planted N]"
		        " | --years CERTIFICATES [--days DAYS]\n");
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	uint64_t from = 1, count = 1;
	unsigned jobs = 1;
	bool     stop = false, made = false;
	int      code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seed") == 0)
			from = number(argv[++i]);
		else if (strcmp(argv[i], "--seeds") == 0)
			count = number(argv[++i]);
		else if (strcmp(argv[i], "--from") == 0)
			from = number(argv[++i]);
		else if (strcmp(argv[i], "--jobs") == 0)
			jobs = (unsigned)number(argv[++i]);
		else if (strcmp(argv[i], "--verbose") == 0)
			world.verbose = true;
		else if (strcmp(argv[i], "--years") == 0)
			years_certificates = (unsigned)number(argv[++i]);
		else if (strcmp(argv[i], "--days") == 0)
			years_days = (unsigned)number(argv[++i]);
		else if (strcmp(argv[i], "--stop") == 0)
			stop = true;
#ifdef REEVE_PLANTED
		else if (strcmp(argv[i], "--planted") == 0)
			planted_bug = (int)number(argv[++i]);
#endif
		else
			(void)number(NULL);
	}
	jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
	log_init("sim", world.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	world.arena = arena_new();
	make_folder(jobs);
	fiber_init(0, START_MS);
	world.plan = (struct plan){ .threads = 1, .life_ms = SIM_DAY_MS, .validation_ms = 1 };
	fiber_start(FIBER_WORLD, make_world, &made, "first");
	fiber_run_until(&made);
	first_fd = dup(seal_fd) + 1;
	code = run_seeds(from, count, jobs, stop);
	remove_folder(jobs);
	return code;
}
