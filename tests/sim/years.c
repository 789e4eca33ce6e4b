/*
 * years.c: `reeve-sim --years CERTIFICATES --days DAYS`: many certificates, nobody who does anything, and a CA that is away
 * for three days in the middle.
 *
 * One in twenty lives 160 hours (what CAs sell as six days), the others 45 and 90 days in equal parts. Nothing may expire, and
 * the CA may not be asked for more orders in an hour than a steady flow, or the recovery from the outage, explains.
 */
#include <stdlib.h>

#include "store/driver.h"
#include "workflow/command.h"
#include "world.h"

#define ISSUE_DAYS  10
#define OUTAGE_MS   (72 * SIM_HOUR_MS)
#define SHORT_MS    (160 * SIM_HOUR_MS)
/* The busiest hour: this many times the mean, and some more for luck with few certificates. */
#define PEAK_TIMES  6
#define PEAK_MORE   12

unsigned years_certificates, years_days = 730;

int64_t years_life_ms(const char *names)
{
	switch (names[0]) {
	case 's':
		return SHORT_MS;
	case 'm':
		return 45 * SIM_DAY_MS;
	default:
		return 90 * SIM_DAY_MS;
	}
}

static void issue_one(unsigned i, const struct command_who *who)
{
	char                 id[ID_SIZE], order_id[ID_SIZE];
	const char          *name = arena_printf(world.arena, "%c%u.sim.example", i % 20 == 0 ? 's' : i % 2 == 0 ? 'm' : 'l', i);
	struct command_issue issue = { .certificate_id = id, .order_id = order_id, .names = &name, .names_count = 1, .authority = "",
		                       .key_type = "", .provider = "", .alias_provider = "", .connection = "", .facade = "" };
	struct command_reply reply;
	struct err           err = { 0 };

	id_new(id);
	id_new(order_id);
	if (!command_issue(world.api, world.arena, who, &issue, &reply, &err))
		sim_violation("set-up", "%s", err.text);
	person_publishes(name);
}

/* Orders of an hour when nothing is special. */
static double mean_per_hour(void)
{
	double all = years_certificates, hours[] = { 80, 30 * 24, 60 * 24 };

	return all / 20 / hours[0] + all * 19 / 40 / hours[1] + all * 19 / 40 / hours[2];
}

void years_run(void *done)
{
	struct command_who who = { world.project_id, "sim" };
	int64_t            day_ms = fiber_mono_ms(), outage_day = years_days * 2 / 3;
	uint64_t           peak = 0, peak_after = 0, hour_orders = ca_orders();
	double             mean = mean_per_hour();

	world_worker_begin();
	for (unsigned i = 0; i < years_certificates; i++) {
		issue_one(i, &who);
		fiber_sleep(ISSUE_DAYS * SIM_DAY_MS / years_certificates);
	}
	day_ms = fiber_mono_ms();
	for (int64_t hour = 0; hour < (int64_t)years_days * 24; hour++) {
		int64_t since = hour - outage_day * 24;

		ca_outage(since >= 0 && since * SIM_HOUR_MS < OUTAGE_MS);
		fiber_sleep(day_ms + (hour + 1) * SIM_HOUR_MS - fiber_mono_ms());
		uint64_t orders = ca_orders() - hour_orders;
		hour_orders = ca_orders();
		if (since >= 0 && since < 24 * 14)
			peak_after = orders > peak_after ? orders : peak_after;
		else if (hour > 24)
			peak = orders > peak ? orders : peak;
		if (hour % 6 == 0)
			check_expired(hour / 24);
	}
	printf("%u certificates, %u days: %llu issued, %.2f orders an hour, at most %llu; %llu after an outage of 72 hours\n",
	       years_certificates, years_days, (unsigned long long)ca_issued(), mean, (unsigned long long)peak,
	       (unsigned long long)peak_after);
	if ((double)peak > mean * PEAK_TIMES + PEAK_MORE)
		sim_violation("I13", "%llu orders in one hour", (unsigned long long)peak);
	/* What was held up comes back spread over hours, not all at once. */
	if ((double)peak_after > mean * 72 / 3 + PEAK_MORE)
		sim_violation("I13", "%llu orders in one hour after the outage", (unsigned long long)peak_after);
	check_restart();
	*(bool *)done = true;
}
