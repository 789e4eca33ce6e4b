/*
 * fiber.c: see the header. A lock is one word inside the program's own pthread object; who waits is found by the
 * address it waits for, so nothing is allocated and nothing is left behind by a process that was killed.
 */
#include "fiber.h"

#include <assert.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <ucontext.h>

#if defined(__has_feature)
#define SIM_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#else
#define SIM_ASAN 0
#endif
#if SIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#define FIBERS_MAX 256
#define STACK_SIZE (512u * KIB)
#define KEYS_MAX   8
#define LOCAL_MAX  256 /* bytes of the program's thread-local variables */
#define PROCESSES_MAX 4096

struct fiber {
	ucontext_t  context;
	char       *stack;
	fiber_fn   *fn;
	void     *(*main)(void *); /* of pthread_create */
	void       *arg;
	const char *name;
	unsigned    process;
	bool        used, done, blocked, woken;
	const void *on;         /* what it waits for */
	int64_t     until;      /* FIBER_FOREVER: no time-out */
	int         shield;
	void       *specific[KEYS_MAX];
	void       *fake_stack; /* of AddressSanitizer */
	char        local[LOCAL_MAX];
};

static struct fiber fibers[FIBERS_MAX];
static size_t       fibers_count; /* the highest that was used */
static struct fiber *current;
static ucontext_t   scheduler;
#if SIM_ASAN
static void        *scheduler_fake;
static const void  *scheduler_stack;
static size_t       scheduler_stack_size;
#endif
static int64_t      stopped_until[PROCESSES_MAX];
static int64_t      now_ms, wall_base_ms, wall_offset_ms;
static uint64_t     turns, turns_at_once;
static uint64_t     line_sim, line_program;
static void       (*key_destructors[KEYS_MAX])(void *);
static bool         keys_used[KEYS_MAX];
static char        *local_block; /* where the program's thread-local variables are */
static size_t       local_size;
static const char  *local_image;
static size_t       local_image_size;
static unsigned     keys_process[KEYS_MAX];

/* ---- randomness: two lines of splitmix64, so that a draw of the program does not move the simulator's ---- */

static uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t sim_rand(void)
{
	return draw(&line_sim);
}

uint64_t sim_below(uint64_t n)
{
	assert(n > 0);
	return sim_rand() % n;
}

bool sim_chance(unsigned per_mille)
{
	return per_mille > 0 && sim_below(1000) < per_mille;
}

ssize_t __wrap_getrandom(void *ret, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *ret, size_t len, unsigned flags UNUSED)
{
	unsigned char *at = ret;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t value = draw(&line_program);

		memcpy(at + i, &value, len - i < 8 ? len - i : 8);
	}
	return (ssize_t)len;
}

/* ---- clocks ---- */

int64_t fiber_mono_ms(void)
{
	return now_ms;
}

int64_t fiber_wall_ms(void)
{
	return wall_base_ms + now_ms + wall_offset_ms;
}

void fiber_set_wall(int64_t offset_ms)
{
	wall_offset_ms = offset_ms;
}

int64_t fiber_wall_offset(void)
{
	return wall_offset_ms;
}

uint64_t fiber_turns(void)
{
	return turns;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int64_t ms = clock == CLOCK_REALTIME ? fiber_wall_ms() : now_ms;

	ret->tv_sec = (time_t)(ms / 1000);
	ret->tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *t, struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock UNUSED, int flags UNUSED, const struct timespec *t, struct timespec *left UNUSED)
{
	fiber_sleep((int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000);
	return 0;
}

/* ---- switching ---- */

static void to_scheduler(void)
{
	struct fiber *f = current;

#if SIM_ASAN
	__sanitizer_start_switch_fiber(&f->fake_stack, scheduler_stack, scheduler_stack_size);
#endif
	swapcontext(&f->context, &scheduler);
#if SIM_ASAN
	__sanitizer_finish_switch_fiber(f->fake_stack, &scheduler_stack, &scheduler_stack_size);
#endif
}

static void fiber_main(void)
{
	struct fiber *f = current;

#if SIM_ASAN
	__sanitizer_finish_switch_fiber(NULL, &scheduler_stack, &scheduler_stack_size);
#endif
	if (f->main != NULL)
		(void)f->main(f->arg);
	else
		f->fn(f->arg);
	for (size_t i = 0; i < KEYS_MAX; i++) {
		void *value = f->specific[i];

		f->specific[i] = NULL;
		if (value != NULL && keys_used[i] && key_destructors[i] != NULL)
			key_destructors[i](value);
	}
	f->done = true;
	for (size_t i = 0; i < fibers_count; i++)
		if (fibers[i].used && fibers[i].blocked && fibers[i].on == f)
			fibers[i].woken = true;
	/* A detached one is nobody's: its place is free. */
	if (f->main == NULL)
		f->used = false;
	to_scheduler();
	abort();
}

/* A stack is used again: by then nobody is on it. */
static char *stack_of(const struct fiber *f)
{
	char *stack = f->stack;

	if (stack == NULL)
		stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert(stack != MAP_FAILED);
	return stack;
}

/* The first object is the program itself. */
static int local_find(struct dl_phdr_info *info, size_t size UNUSED, void *arg UNUSED)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_TLS || p->p_memsz == 0)
			continue;
		assert(p->p_memsz <= LOCAL_MAX);
		local_block = info->dlpi_tls_data;
		local_size = p->p_memsz;
		local_image = (const char *)(info->dlpi_addr + p->p_vaddr);
		local_image_size = p->p_filesz;
	}
	return 1;
}

static struct fiber *fiber_new(unsigned process, const char *name)
{
	struct fiber *f = NULL;

	for (size_t i = 0; i < FIBERS_MAX && f == NULL; i++)
		if (!fibers[i].used)
			f = &fibers[i];
	assert(f != NULL && process < PROCESSES_MAX);
	if ((size_t)(f - fibers) >= fibers_count)
		fibers_count = (size_t)(f - fibers) + 1;
	*f = (struct fiber){ .stack = stack_of(f), .used = true, .process = process, .name = name, .until = FIBER_FOREVER };
	if (local_image_size > 0)
		memcpy(f->local, local_image, local_image_size);
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = STACK_SIZE;
	f->context.uc_link = NULL;
	makecontext(&f->context, fiber_main, 0);
	return f;
}

void fiber_init(uint64_t seed, int64_t wall_ms)
{
	line_sim = seed * 2 + 1;
	line_program = ~seed;
	wall_base_ms = wall_ms;
	if (local_block == NULL)
		dl_iterate_phdr(local_find, NULL);
}

void fiber_start(unsigned process, fiber_fn *fn, void *arg, const char *name)
{
	struct fiber *f = fiber_new(process, name);

	f->fn = fn;
	f->arg = arg;
}

static bool runnable(const struct fiber *f)
{
	return f->used && !f->done && (!f->blocked || f->woken || f->until <= now_ms) && stopped_until[f->process] <= now_ms;
}

/* When something can happen next. */
static int64_t next_moment(void)
{
	int64_t next = FIBER_FOREVER;

	for (size_t i = 0; i < fibers_count; i++) {
		const struct fiber *f = &fibers[i];
		int64_t             at = f->until;

		if (!f->used || f->done)
			continue;
		if (!f->blocked || f->woken)
			at = now_ms;
		if (at < stopped_until[f->process])
			at = stopped_until[f->process];
		if (at < next)
			next = at;
	}
	return next;
}

static void turn(struct fiber *f)
{
	current = f;
	f->blocked = false;
	turns++;
	if (++turns_at_once > FIBER_TURNS_MAX)
		sim_violation("I7", "%s and others go round without ever waiting", f->name);
	if (local_size > 0)
		memcpy(local_block, f->local, local_size);
#if SIM_ASAN
	__sanitizer_start_switch_fiber(&scheduler_fake, f->stack, STACK_SIZE);
#endif
	swapcontext(&scheduler, &f->context);
#if SIM_ASAN
	__sanitizer_finish_switch_fiber(scheduler_fake, NULL, NULL);
#endif
	if (local_size > 0)
		memcpy(f->local, local_block, local_size);
	current = NULL;
}

void fiber_run_until(const bool *done)
{
	while (!*done) {
		struct fiber *ready[FIBERS_MAX];
		size_t        count = 0;

		for (size_t i = 0; i < fibers_count; i++)
			if (runnable(&fibers[i]))
				ready[count++] = &fibers[i];
		if (count > 0) {
			turn(ready[count == 1 ? 0 : sim_below(count)]);
			continue;
		}
		int64_t next = next_moment();
		if (next == FIBER_FOREVER)
			sim_violation("I7", "everybody waits for somebody else");
		now_ms = next;
		turns_at_once = 0;
	}
}

unsigned fiber_process(void)
{
	return current != NULL ? current->process : FIBER_WORLD;
}

void fiber_shield(int by)
{
	current->shield += by;
}

void fiber_kill(unsigned process)
{
	assert(process != FIBER_WORLD && process < PROCESSES_MAX);
	for (size_t i = 0; i < KEYS_MAX; i++)
		if (keys_used[i] && keys_process[i] == process)
			keys_used[i] = false;
	for (size_t i = 0; i < fibers_count; i++)
		if (fibers[i].used && fibers[i].process == process && &fibers[i] != current)
			fibers[i].used = false;
	if (current != NULL && current->process == process) {
		current->used = false;
		to_scheduler();
		abort();
	}
}

void fiber_stop(unsigned process, int64_t ms)
{
	stopped_until[process] = now_ms + ms;
}

/* Wait for `on`, or until a moment; true when woken. */
static bool block(const void *on, int64_t until)
{
	struct fiber *f = current;

	assert(f != NULL && f->shield == 0);
	f->on = on;
	f->until = until;
	f->woken = false;
	f->blocked = true;
	to_scheduler();
	f->on = NULL;
	f->until = FIBER_FOREVER;
	return f->woken;
}

static void wake(const void *on, bool all)
{
	struct fiber *waiting[FIBERS_MAX];
	size_t        count = 0;

	for (size_t i = 0; i < fibers_count; i++) {
		struct fiber *f = &fibers[i];

		if (!f->used || !f->blocked || f->woken || f->on != on)
			continue;
		if (all)
			f->woken = true;
		else
			waiting[count++] = f;
	}
	if (count > 0)
		waiting[count == 1 ? 0 : sim_below(count)]->woken = true;
}

void fiber_sleep(int64_t ms)
{
	if (ms <= 0)
		fiber_yield();
	else
		(void)block(NULL, now_ms + ms);
}

void fiber_yield(void)
{
	(void)block(NULL, now_ms);
}

void fiber_wait(const void *on)
{
	(void)block(on, FIBER_FOREVER);
}

void fiber_wake(const void *on)
{
	wake(on, true);
}

/* ---- pthreads ---- */

struct lock {
	int64_t held;    /* of a semaphore: its value; of a rwlock: readers */
	int64_t writing; /* of a rwlock */
};
_Static_assert(sizeof(struct lock) <= sizeof(pthread_mutex_t) && sizeof(struct lock) <= sizeof(sem_t) &&
	       sizeof(struct lock) <= sizeof(pthread_rwlock_t), "the program's objects have room for ours");

static struct lock *lock_of(void *object)
{
	return object;
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr UNUSED, void *(*fn)(void *), void *arg)
{
	struct fiber *f = fiber_new(fiber_process(), "thread");

	f->main = fn;
	f->arg = arg;
	*ret = (pthread_t)f;
	return 0;
}

int __wrap_pthread_join(pthread_t thread, void **ret);
int __wrap_pthread_join(pthread_t thread, void **ret UNUSED)
{
	struct fiber *f = (struct fiber *)thread;

	while (!f->done)
		(void)block(f, FIBER_FOREVER);
	f->used = false;
	return 0;
}

pthread_t __wrap_pthread_self(void);
pthread_t __wrap_pthread_self(void)
{
	return (pthread_t)current;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_pthread_setname_np(pthread_t thread UNUSED, const char *name)
{
	current->name = name;
	return 0;
}

int __wrap_pthread_key_create(pthread_key_t *ret, void (*destructor)(void *));
int __wrap_pthread_key_create(pthread_key_t *ret, void (*destructor)(void *))
{
	for (unsigned i = 0; i < KEYS_MAX; i++) {
		if (keys_used[i])
			continue;
		keys_used[i] = true;
		keys_process[i] = fiber_process();
		key_destructors[i] = destructor;
		*ret = i;
		return 0;
	}
	return EAGAIN;
}

int __wrap_pthread_key_delete(pthread_key_t key);
int __wrap_pthread_key_delete(pthread_key_t key)
{
	keys_used[key] = false;
	for (size_t i = 0; i < fibers_count; i++)
		fibers[i].specific[key] = NULL;
	return 0;
}

void *__wrap_pthread_getspecific(pthread_key_t key);
void *__wrap_pthread_getspecific(pthread_key_t key)
{
	return current->specific[key];
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	memcpy(&current->specific[key], &value, sizeof(value));
	return 0;
}

int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr UNUSED)
{
	memset(m, 0, sizeof(*m));
	return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *m);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *m UNUSED)
{
	return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	while (lock_of(m)->held != 0)
		(void)block(m, FIBER_FOREVER);
	lock_of(m)->held = 1;
	return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
	lock_of(m)->held = 0;
	wake(m, true);
	return 0;
}

int __wrap_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr);
int __wrap_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr UNUSED)
{
	memset(c, 0, sizeof(*c));
	return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *c);
int __wrap_pthread_cond_destroy(pthread_cond_t *c UNUSED)
{
	return 0;
}

static int cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t until)
{
	bool woken;

	lock_of(m)->held = 0;
	wake(m, true);
	woken = block(c, until);
	(void)__wrap_pthread_mutex_lock(m);
	return woken ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	return cond_wait(c, m, FIBER_FOREVER);
}

/* All of ours that have a time-out count by CLOCK_MONOTONIC. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	return cond_wait(c, m, (int64_t)until->tv_sec * 1000 + (until->tv_nsec + 999999) / 1000000);
}

int __wrap_pthread_cond_signal(pthread_cond_t *c);
int __wrap_pthread_cond_signal(pthread_cond_t *c)
{
	wake(c, false);
	return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *c);
int __wrap_pthread_cond_broadcast(pthread_cond_t *c)
{
	wake(c, true);
	return 0;
}

int __wrap_pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr);
int __wrap_pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr UNUSED)
{
	memset(l, 0, sizeof(*l));
	return 0;
}

int __wrap_pthread_rwlock_destroy(pthread_rwlock_t *l);
int __wrap_pthread_rwlock_destroy(pthread_rwlock_t *l UNUSED)
{
	return 0;
}

int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *l);
int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
	while (lock_of(l)->writing != 0)
		(void)block(l, FIBER_FOREVER);
	lock_of(l)->held++;
	return 0;
}

int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *l);
int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
	while (lock_of(l)->writing != 0 || lock_of(l)->held != 0)
		(void)block(l, FIBER_FOREVER);
	lock_of(l)->writing = 1;
	return 0;
}

int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *l);
int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *l)
{
	if (lock_of(l)->writing != 0)
		lock_of(l)->writing = 0;
	else
		lock_of(l)->held--;
	wake(l, true);
	return 0;
}

int __wrap_sem_init(sem_t *s, int shared, unsigned value);
int __wrap_sem_init(sem_t *s, int shared UNUSED, unsigned value)
{
	memset(s, 0, sizeof(*s));
	lock_of(s)->held = value;
	return 0;
}

int __wrap_sem_destroy(sem_t *s);
int __wrap_sem_destroy(sem_t *s UNUSED)
{
	return 0;
}

int __wrap_sem_wait(sem_t *s);
int __wrap_sem_wait(sem_t *s)
{
	while (lock_of(s)->held == 0)
		(void)block(s, FIBER_FOREVER);
	lock_of(s)->held--;
	return 0;
}

int __wrap_sem_post(sem_t *s);
int __wrap_sem_post(sem_t *s)
{
	lock_of(s)->held++;
	wake(s, true);
	return 0;
}
