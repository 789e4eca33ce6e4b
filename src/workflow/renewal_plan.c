/*
 * workflow/renewal_plan.c: see the header. The API computes the same plan from the same rows as the job that acts upon
 * it, so what is shown is what will happen.
 */
#include "workflow/renewal_plan.h"

#include <assert.h>

#include "base/clock.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define SHORT_MS  (10 * DAY_MS) /* a life shorter than this is renewed at its half */
#define SPREAD    20            /* a twentieth of the life */

/* ---- the policy ---- */

static bool policy_refuse(struct str text, struct err *err)
{
	err_problem(err, ERR_INPUT, "invalid-request", "renew_before: \"%.*s\" is neither a duration nor a part of the life",
	            (int)(text.len < 64 ? text.len : 64), text.ptr != NULL ? text.ptr : "");
	return err_hint(err, "for example 30d, 36h, 90m, 1/3 or 33%%; \"\" leaves it to the CA and to Reeve");
}

bool renewal_policy_parse(struct str text, struct renewal_policy *ret, struct err *err)
{
	static const struct {
		char    unit;
		int64_t ms;
	} units[] = { { 'd', DAY_MS }, { 'h', HOUR_MS }, { 'm', MINUTE_MS } };
	struct renewal_policy policy = { 0 };
	size_t                slash = str_index(text, '/');
	uint64_t              number;
	char                  last;

	if (text.len == 0) {
		*ret = policy;
		return true;
	}
	if (slash < text.len) {
		if (!str_to_u64(str_of(text.ptr, slash), &policy.part) ||
		    !str_to_u64(str_of(text.ptr + slash + 1, text.len - slash - 1), &policy.whole))
			return policy_refuse(text, err);
		if (policy.part == 0 || policy.part >= policy.whole || policy.whole > 10000)
			return policy_refuse(text, err);
		*ret = policy;
		return true;
	}
	last = text.ptr[text.len - 1];
	/* 100 years in minutes: more is no duration, and nothing below overflows. */
	if (!str_to_u64(str_of(text.ptr, text.len - 1), &number) || number == 0 || number > 52596000)
		return policy_refuse(text, err);
	if (last == '%' && number < 100) {
		*ret = (struct renewal_policy){ .part = number, .whole = 100 };
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (last != units[i].unit || number > 36525 * (uint64_t)(DAY_MS / units[i].ms))
			continue;
		*ret = (struct renewal_policy){ .before_ms = (int64_t)number * units[i].ms };
		return true;
	}
	return policy_refuse(text, err);
}

static int64_t policy_before_ms(const struct renewal_policy *policy, int64_t life_ms)
{
	return policy->whole != 0 ? life_ms / (int64_t)policy->whole * (int64_t)policy->part : policy->before_ms;
}

static const char *duration_text(int64_t ms, char ret[static 32])
{
	if (ms >= 2 * DAY_MS)
		snprintf(ret, 32, "%lld days", (long long)(ms / DAY_MS));
	else if (ms >= 2 * HOUR_MS)
		snprintf(ret, 32, "%lld hours", (long long)(ms / HOUR_MS));
	else
		snprintf(ret, 32, "%lld minutes", (long long)(ms / MINUTE_MS));
	return ret;
}

/* Left for a second try, whatever the policy says. */
static int64_t least_before_ms(int64_t life_ms)
{
	return life_ms / 10 < DAY_MS ? life_ms / 10 : DAY_MS;
}

bool renewal_policy_check(const struct renewal_policy *policy, int64_t life_ms, struct err *err)
{
	int64_t before = policy_before_ms(policy, life_ms), most = life_ms / 10 * 9, least = least_before_ms(life_ms);
	char    before_text[32], life_text[32], bound[32];

	if (policy->before_ms == 0 && policy->whole == 0)
		return true;
	if (before > most) {
		err_problem(err, ERR_INPUT, "invalid-request",
		            "renewing %s before the end can never be met: the certificate lives %s, so each new one would be due at once",
		            duration_text(before, before_text), duration_text(life_ms, life_text));
		return err_hint(err, "choose at most %s, or a part of the life such as 1/3", duration_text(most, bound));
	}
	if (before < least) {
		err_problem(err, ERR_INPUT, "invalid-request", "renewing %s before the end leaves no time for a second try",
		            duration_text(before, before_text));
		return err_hint(err, "choose at least %s, or a part of the life such as 1/3", duration_text(least, bound));
	}
	return true;
}

/* ---- the plan ---- */

static int64_t life_of(const struct version *v)
{
	return v->not_after_at > v->not_before_at ? v->not_after_at - v->not_before_at : 1;
}

/* Kept free behind every window for further tries. */
static int64_t reserve_ms(int64_t life_ms)
{
	int64_t reserve = life_ms / 10 > DAY_MS ? life_ms / 10 : DAY_MS;

	return reserve < life_ms / 4 ? reserve : life_ms / 4;
}

static void take_earlier(struct renewal_plan *plan, int64_t at, enum renewal_reason reason)
{
	if (at >= plan->due_at)
		return;
	plan->due_at = at;
	plan->reason = reason;
}

void renewal_plan(const struct certificate *c, const struct version *v, const struct renewal *r, struct renewal_plan *ret)
{
	int64_t               life = life_of(v), spread, before;
	struct renewal_policy policy = { 0 };
	struct renewal_plan   plan = { .due_at = INT64_MAX, .automatic = c->auto_renew && c->paused_at == 0 && v->revoked_at == 0 };
	struct err            ignored = { 0 };
	bool                  wished = false;

	spread = life / SPREAD / RENEWAL_POSITIONS * (r != NULL ? r->position : 0) +
	         life / SPREAD % RENEWAL_POSITIONS * (r != NULL ? r->position : 0) / RENEWAL_POSITIONS;
	/* A policy that was good for the life before may not be for this one: the CA decides how long it is. */
	if (renewal_policy_parse(str_c(c->renew_before), &policy, &ignored) && (policy.before_ms != 0 || policy.whole != 0)) {
		wished = renewal_policy_check(&policy, life, &ignored);
		plan.policy_unmet = !wished;
	}
	if (wished) {
		before = policy_before_ms(&policy, life);
		take_earlier(&plan, v->not_after_at - before - (spread < before / 10 ? spread : before / 10), RENEWAL_POLICY);
	}
	if (r != NULL && r->drawn_at != 0) {
		take_earlier(&plan, r->drawn_at, RENEWAL_WINDOW);
		take_earlier(&plan, v->not_after_at - reserve_ms(life) - spread, RENEWAL_DEADLINE);
	} else if (!wished) {
		take_earlier(&plan, v->not_after_at - (life < SHORT_MS ? life / 2 : life / 3) - spread, RENEWAL_LIFETIME);
	}
	if (r != NULL && r->retry_at > plan.due_at) {
		plan.due_at = r->retry_at;
		plan.reason = r->early > 0 && r->failures == 0 ? RENEWAL_EARLY : RENEWAL_RETRY;
	}
	if (!plan.automatic)
		plan.reason = v->revoked_at != 0 ? RENEWAL_REVOKED : c->paused_at != 0 ? RENEWAL_PAUSED : RENEWAL_OFF;
	*ret = plan;
}

bool renewal_needed(const struct certificate *c, const struct version *v, const struct renewal *r, int64_t now)
{
	struct renewal      free_one = { 0 };
	struct renewal_plan plan;

	if (r != NULL)
		free_one = *r;
	free_one.retry_at = 0;
	renewal_plan(c, v, r != NULL ? &free_one : NULL, &plan);
	return now >= plan.due_at;
}

const char *renewal_reason_name(enum renewal_reason reason)
{
	static const char *const names[RENEWAL__COUNT] = {
		[RENEWAL_WINDOW] = "window", [RENEWAL_DEADLINE] = "deadline", [RENEWAL_POLICY] = "policy",
		[RENEWAL_LIFETIME] = "lifetime", [RENEWAL_RETRY] = "retry", [RENEWAL_EARLY] = "early",
		[RENEWAL_OFF] = "off", [RENEWAL_PAUSED] = "paused", [RENEWAL_REVOKED] = "revoked",
	};

	assert((unsigned)reason < RENEWAL__COUNT);
	return names[reason];
}

static const char *reason_text(struct arena *a, const struct renewal_plan *plan, const struct certificate *c,
                               const struct version *v, const struct renewal *r)
{
	char start[CLOCK_RFC3339_SIZE], end[CLOCK_RFC3339_SIZE];

	switch (plan->reason) {
	case RENEWAL_WINDOW:
		return arena_printf(a, "drawn in the window that the CA suggests, %s to %s", clock_rfc3339(r->window_start_at, start),
		                    clock_rfc3339(r->window_end_at, end));
	case RENEWAL_DEADLINE:
		return arena_printf(a, "the CA suggests %s to %s, which leaves too little time for a second try",
		                    clock_rfc3339(r->window_start_at, start), clock_rfc3339(r->window_end_at, end));
	case RENEWAL_POLICY:
		return arena_printf(a, "the policy of the certificate: renew_before %s", c->renew_before);
	case RENEWAL_LIFETIME:
		return life_of(v) < SHORT_MS ? "about half of its life is over then" : "about two thirds of its life are over then";
	case RENEWAL_RETRY:
		if (r->failures == 0)
			return "the last order was cancelled";
		return arena_printf(a, "%lld order%s failed in a row; the next try waits for this", (long long)r->failures,
		                    r->failures == 1 ? "" : "s");
	case RENEWAL_EARLY:
		return arena_printf(a, "%lld renewal%s in a row came in the first third of the life; the next one is held back",
		                    (long long)r->early, r->early == 1 ? "" : "s");
	case RENEWAL_OFF:
		return "automatic renewal is off";
	case RENEWAL_PAUSED:
		return "the certificate is paused";
	case RENEWAL_REVOKED:
		return "the version served was revoked; `reeve certificate renew` orders another one";
	case RENEWAL__COUNT:
		break;
	}
	__builtin_unreachable();
}

const char *renewal_plan_text(struct arena *a, const struct renewal_plan *plan, const struct certificate *c,
                              const struct version *v, const struct renewal *r)
{
	const char *text = reason_text(a, plan, c, v, r);
	char        life[32];

	if (!plan->policy_unmet)
		return text;
	return arena_printf(a, "%s; renew_before %s is left out, it does not fit a life of %s", text, c->renew_before,
	                    duration_text(life_of(v), life));
}

/* ---- holding back ---- */

int64_t renewal_retry_ms(int64_t failures, int64_t left_ms)
{
	static const int64_t schedule[] = { MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS, DAY_MS };
	int64_t              last = (int64_t)ARRAY_LEN(schedule) - 1, index = failures > 0 ? failures - 1 : 0;
	int64_t              ms = schedule[index < last ? index : last];

	/* What is past its end is down already: the schedule alone holds. */
	if (left_ms > 0 && ms > left_ms / 4)
		ms = left_ms / 4;
	return ms > MINUTE_MS ? ms : MINUTE_MS;
}

int64_t renewal_early_ms(int64_t early)
{
	static const int64_t schedule[] = { 0, HOUR_MS, 6 * HOUR_MS, DAY_MS };
	int64_t              last = (int64_t)ARRAY_LEN(schedule) - 1;

	return schedule[early < 0 ? 0 : early < last ? early : last];
}

bool renewal_is_early(const struct version *v, int64_t now)
{
	/* From when we got it: a CA that backdates, or a clock ahead of its own, must not use up the brake. */
	int64_t from = v->issued_at > v->not_before_at ? v->issued_at : v->not_before_at;

	return now < from + life_of(v) / 3;
}
