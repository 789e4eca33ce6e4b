/* When certificates are renewed: the rule case by case, and two years of ten thousand of them. */
#include "workflow/renewal_plan.h"

#include "acme/renewal_info.h"

#include "test.h"

#define MINUTE ((int64_t)60 * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  (20000 * DAY) /* of each certificate below */

static struct renewal_plan plan_of(int64_t life, const char *policy, const struct renewal *r)
{
	struct certificate  c = { .auto_renew = true, .renew_before = policy };
	struct version      v = { .not_before_at = START, .not_after_at = START + life };
	struct renewal_plan plan;

	renewal_plan(&c, &v, r, &plan);
	return plan;
}

TEST(the_rule)
{
	static const struct {
		int64_t             life;
		const char         *policy;
		struct renewal      r;
		int64_t             due; /* after START */
		enum renewal_reason reason;
	} cases[] = {
		/* without a window: two thirds, half under ten days; earlier by up to a twentieth */
		{ 90 * DAY, "", { 0 }, 60 * DAY, RENEWAL_LIFETIME },
		{ 90 * DAY, "", { .position = 999999 }, 60 * DAY - 9 * DAY / 2 + 389, RENEWAL_LIFETIME },
		{ 10 * DAY, "", { 0 }, 160 * HOUR, RENEWAL_LIFETIME },
		{ 6 * DAY, "", { 0 }, 3 * DAY, RENEWAL_LIFETIME },
		{ HOUR, "", { 0 }, 30 * MINUTE, RENEWAL_LIFETIME },
		/* in the window, also in one that is over */
		{ 90 * DAY, "", { .position = 500000, .drawn_at = START + 61 * DAY }, 61 * DAY, RENEWAL_WINDOW },
		{ 90 * DAY, "", { .drawn_at = START - DAY }, -DAY, RENEWAL_WINDOW },
		/* the CA says later than is safe: a tenth, at least a day, at most a quarter is kept */
		{ 90 * DAY, "", { .drawn_at = START + 89 * DAY }, 81 * DAY, RENEWAL_DEADLINE },
		{ 90 * DAY, "", { .drawn_at = START + 900 * DAY }, 81 * DAY, RENEWAL_DEADLINE },
		{ 6 * DAY, "", { .drawn_at = START + 6 * DAY }, 5 * DAY, RENEWAL_DEADLINE },
		{ 4 * HOUR, "", { .drawn_at = START + 4 * HOUR }, 3 * HOUR, RENEWAL_DEADLINE },
		/* the policy, when it is earlier; a window that is earlier wins */
		{ 90 * DAY, "40d", { 0 }, 50 * DAY, RENEWAL_POLICY },
		{ 90 * DAY, "2d", { 0 }, 88 * DAY, RENEWAL_POLICY },
		{ 90 * DAY, "2/3", { .drawn_at = START + 61 * DAY }, 30 * DAY, RENEWAL_POLICY },
		{ 90 * DAY, "2d", { .drawn_at = START + 61 * DAY }, 61 * DAY, RENEWAL_WINDOW },
		{ 6 * DAY, "50%", { 0 }, 3 * DAY, RENEWAL_POLICY },
		/* a spread of a tenth of a short policy, not of the life */
		{ 90 * DAY, "10d", { .position = 999999 }, 79 * DAY, RENEWAL_POLICY },
		/* held back */
		{ 90 * DAY, "", { .failures = 2, .retry_at = START + 70 * DAY }, 70 * DAY, RENEWAL_RETRY },
		{ 90 * DAY, "", { .failures = 2, .retry_at = START + 50 * DAY }, 60 * DAY, RENEWAL_LIFETIME },
		{ 90 * DAY, "", { .early = 1, .drawn_at = START - DAY, .retry_at = START + HOUR }, HOUR, RENEWAL_EARLY },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct renewal_plan plan = plan_of(cases[i].life, cases[i].policy, &cases[i].r);

		if (plan.due_at != START + cases[i].due || plan.reason != cases[i].reason)
			fail_msg("case %zu: due %lld ms after the start, wanted %lld; %s", i, (long long)(plan.due_at - START),
			         (long long)cases[i].due, renewal_reason_name(plan.reason));
		CHECK(plan.automatic && !plan.policy_unmet);
	}
}

/* The CA went to a life that the policy was not made for: nothing is renewed in a circle. */
TEST(a_policy_that_the_life_outran)
{
	struct renewal      r = { 0 };
	struct renewal_plan plan = plan_of(6 * DAY, "30d", &r);

	CHECK(plan.policy_unmet);
	CHECK_INT(plan.due_at, START + 3 * DAY);
	CHECK_INT(plan.reason, RENEWAL_LIFETIME);
}

TEST(off_and_paused)
{
	struct certificate  c = { .auto_renew = false, .renew_before = "" };
	struct version      v = { .not_before_at = START, .not_after_at = START + 90 * DAY };
	struct renewal_plan plan;

	renewal_plan(&c, &v, NULL, &plan);
	CHECK(!plan.automatic);
	CHECK_INT(plan.reason, RENEWAL_OFF);
	CHECK_INT(plan.due_at, START + 60 * DAY);
	c.auto_renew = true;
	c.paused_at = START;
	renewal_plan(&c, &v, NULL, &plan);
	CHECK(!plan.automatic);
	CHECK_INT(plan.reason, RENEWAL_PAUSED);
}

/* What was edited is due until there is a version of it; what holds back holds this back too. */
TEST(a_version_that_is_not_what_was_asked_for)
{
	static const struct {
		const char *names, *key_type, *authority_id, *csr_spki, *fallback_id;
		int64_t     compromised_at;
		bool        sealed, changed;
	} cases[] = {
		{ "a.test b.test", "p256", "ca", "", "", 0, true, false },
		{ "b.test a.test", "p256", "ca", "", "", 0, true, false },
		{ "a.test c.test", "p256", "ca", "", "", 0, true, true },
		{ "a.test", "p256", "ca", "", "", 0, true, true },
		{ "a.test b.test c.test", "p256", "ca", "", "", 0, true, true },
		{ "a.test b.test", "p384", "ca", "", "", 0, true, true },
		{ "a.test b.test", "p256", "other", "", "", 0, true, true },
		/* its second authority issued it */
		{ "a.test b.test", "p256", "other", "", "ca", 0, true, false },
		{ "a.test b.test", "p256", "ca", "bb", "", 0, true, true },
		{ "a.test b.test", "p256", "ca", "aa", "", 0, false, false },
		/* Reeve is to make the key again */
		{ "a.test b.test", "p256", "ca", "", "", 0, false, true },
		{ "a.test b.test", "p256", "ca", "", "", START, true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct certificate  c = { .auto_renew = true, .renew_before = "", .names = cases[i].names, .key_type = cases[i].key_type,
			                  .authority_id = cases[i].authority_id, .csr_spki = cases[i].csr_spki, .fallback_id = cases[i].fallback_id };
		struct version      v = { .not_before_at = START, .not_after_at = START + 90 * DAY, .issued_at = START + HOUR,
			                  .names = "a.test b.test", .key_type = "p256", .authority_id = "ca", .spki_sha256 = "aa",
			                  .key_blob = cases[i].sealed ? STR("sealed") : STR(""), .key_compromised_at = cases[i].compromised_at };
		struct renewal      r = { .failures = 1, .retry_at = START + DAY };
		struct renewal_plan plan;

		renewal_plan(&c, &v, NULL, &plan);
		if ((plan.reason == RENEWAL_CHANGED) != cases[i].changed)
			fail_msg("case %zu: %s", i, renewal_reason_name(plan.reason));
		CHECK_INT(plan.due_at, cases[i].changed ? START + HOUR : START + 60 * DAY);
		CHECK_INT(renewal_needed(&c, &v, NULL, START + 2 * HOUR), cases[i].changed);
		renewal_plan(&c, &v, &r, &plan);
		CHECK_INT(plan.due_at, cases[i].changed ? START + DAY : START + 60 * DAY);
	}
}

TEST(policies)
{
	static const struct {
		const char *text;
		int64_t     life;
		bool        read, met;
	} cases[] = {
		{ "", DAY, true, true }, { "30d", 90 * DAY, true, true }, { "36h", 6 * DAY, true, true },
		{ "1/3", 6 * DAY, true, true }, { "33%", HOUR, true, true }, { "90m", 4 * HOUR, true, true },
		/* never met */
		{ "30d", 6 * DAY, true, false }, { "6d", 6 * DAY, true, false }, { "99%", 90 * DAY, true, false },
		{ "999/1000", DAY, true, false }, { "100d", 90 * DAY, true, false },
		/* no second try */
		{ "1h", 90 * DAY, true, false }, { "1%", 90 * DAY, true, false }, { "1m", HOUR, true, false },
		/* nothing */
		{ "30", 0, false, false }, { "d", 0, false, false }, { "0d", 0, false, false }, { "-1d", 0, false, false },
		{ "1.5d", 0, false, false }, { "30w", 0, false, false }, { "30 d", 0, false, false }, { "100%", 0, false, false },
		{ "0%", 0, false, false }, { "0/3", 0, false, false }, { "3/3", 0, false, false }, { "1/", 0, false, false },
		{ "/3", 0, false, false }, { "1/3/4", 0, false, false }, { "1/20000", 0, false, false },
		{ "99999999999999999999d", 0, false, false }, { "36526d", 0, false, false }, { "52596001m", 0, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct renewal_policy policy = { .before_ms = 7 };
		struct err            err = { 0 };
		bool                  read = renewal_policy_parse(str_c(cases[i].text), &policy, &err);

		if (read != cases[i].read)
			fail_msg("\"%s\" was %sread", cases[i].text, read ? "" : "not ");
		if (!read) {
			CHECK_INT(policy.before_ms, 7);
			CHECK(err.class == ERR_INPUT && err.text[0] != '\0' && err.hint[0] != '\0');
			continue;
		}
		if (renewal_policy_check(&policy, cases[i].life, &err) != cases[i].met)
			fail_msg("\"%s\" of %lld ms: %s", cases[i].text, (long long)cases[i].life, err.text);
		CHECK(cases[i].met || (err.class == ERR_INPUT && err.text[0] != '\0' && err.hint[0] != '\0'));
	}
}

TEST(back_off_saturates)
{
	static const int64_t wanted[] = { MINUTE, 10 * MINUTE, 100 * MINUTE, DAY, DAY };

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		CHECK_INT(renewal_retry_ms((int64_t)i + 1, 90 * DAY), wanted[i]);
	CHECK_INT(renewal_retry_ms(INT64_MAX, 90 * DAY), DAY);
	CHECK_INT(renewal_retry_ms(0, 90 * DAY), MINUTE);
	/* the end comes nearer, and so do the tries; never closer than a minute */
	CHECK_INT(renewal_retry_ms(9, 8 * HOUR), 2 * HOUR);
	CHECK_INT(renewal_retry_ms(9, 1), MINUTE);
	/* what is over keeps to the schedule */
	CHECK_INT(renewal_retry_ms(9, -DAY), DAY);
	CHECK_INT(renewal_early_ms(0), 0);
	CHECK_INT(renewal_early_ms(1), HOUR);
	CHECK_INT(renewal_early_ms(INT64_MAX), DAY);
}

TEST(every_reason_has_words)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct certificate c = { .renew_before = "30d" };
	struct version     v = { .not_before_at = START, .not_after_at = START + 6 * DAY };
	struct renewal     r = { .window_start_at = START, .window_end_at = START + HOUR, .failures = 1, .early = 1 };

	for (enum renewal_reason reason = 0; reason < RENEWAL__COUNT; reason++) {
		struct renewal_plan plan = { .reason = reason };

		CHECK(renewal_reason_name(reason)[0] != '\0');
		CHECK(strlen(renewal_plan_text(a, &plan, &c, &v, &r)) > 10);
		plan.policy_unmet = true;
		assert_non_null(strstr(renewal_plan_text(a, &plan, &c, &v, &r), "renew_before 30d is left out, it does not fit a life of 6 days"));
	}
}

/* ---- two years ---- */

#define CERTIFICATES 10000
#define YEARS_2      (730 * DAY)
#define ORDER_FAILS  (70 * MINUTE) /* how long an order tries by itself before it fails */

static uint64_t seed;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

struct world {
	int64_t life;
	bool    windows;               /* the CA suggests, as Let's Encrypt does */
	int64_t outage_from, outage_to; /* after START */
	unsigned *by_hour;
	size_t  issued, failed;
};

static void suggest(const struct world *w, const struct version *v, struct renewal *r)
{
	int64_t life = v->not_after_at - v->not_before_at;
	int64_t centre = v->not_after_at - (life < 10 * DAY ? life / 2 : life / 3);

	if (!w->windows)
		return;
	r->window_start_at = centre - life / 100;
	r->window_end_at = centre + life / 100;
	r->drawn_at = acme_renewal_info_draw(r->window_start_at, r->window_end_at, next_random());
}

/* What renewal.c does, with the time given. */
static void live(struct world *w)
{
	struct certificate c = { .auto_renew = true, .renew_before = "" };
	struct version     v = { .not_before_at = START, .not_after_at = START + w->life };
	struct renewal     r = { .position = (int64_t)(next_random() % RENEWAL_POSITIONS) };
	int64_t            now = START;

	suggest(w, &v, &r);
	for (;;) {
		struct renewal_plan plan;

		renewal_plan(&c, &v, &r, &plan);
		now = plan.due_at > now ? plan.due_at : now;
		if (now >= START + YEARS_2)
			return;
		w->by_hour[(now - START) / HOUR]++;
		if (now - START >= w->outage_from && now - START < w->outage_to) {
			int64_t wait;

			w->failed++;
			now += ORDER_FAILS;
			wait = renewal_retry_ms(++r.failures, v.not_after_at - now);
			r.retry_at = now + wait * 4 / 5 + (int64_t)(next_random() % (uint64_t)(wait * 2 / 5));
			continue;
		}
		if (now >= v.not_after_at)
			fail_msg("life %lld h: expired %lld minutes before it was renewed", (long long)(w->life / HOUR),
			         (long long)((now - v.not_after_at) / MINUTE));
		w->issued++;
		v = (struct version){ .not_before_at = now, .not_after_at = now + w->life };
		r = (struct renewal){ .position = (int64_t)(next_random() % RENEWAL_POSITIONS) };
		suggest(w, &v, &r);
	}
}

/* All of them begin in the same moment, which is the worst there is. */
TEST(two_years_without_expiry_and_without_a_herd)
{
	static const struct {
		int64_t life;
		bool    windows, outage;
		unsigned peak; /* orders in an hour, at most */
	} cases[] = {
		/* spread over a twentieth of the life: 108 h, 54 h, 7.2 h */
		{ 90 * DAY, false, false, 150 }, { 45 * DAY, false, false, 280 }, { 6 * DAY, false, false, 1600 },
		/* the width of the window is the CA's: 43 h, 22 h, 2.9 h */
		{ 90 * DAY, true, false, 320 }, { 45 * DAY, true, false, 600 }, { 6 * DAY, true, false, 4000 },
		/* 72 hours without the CA, from the first renewal on */
		{ 90 * DAY, false, true, 600 }, { 45 * DAY, false, true, 1000 }, { 6 * DAY, false, true, 6000 },
		{ 90 * DAY, true, true, 1500 }, { 45 * DAY, true, true, 2500 }, { 6 * DAY, true, true, 9000 },
	};
	unsigned *by_hour = malloc(sizeof(*by_hour) * (YEARS_2 / HOUR));

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w = { .life = cases[i].life, .windows = cases[i].windows, .by_hour = by_hour };
		unsigned     peak = 0;
		size_t       at = 0;

		seed = 0x9e3779b97f4a7c15;
		memset(by_hour, 0, sizeof(*by_hour) * (YEARS_2 / HOUR));
		if (cases[i].outage) {
			w.outage_from = (w.life < 10 * DAY ? w.life / 2 : w.life * 2 / 3) - w.life / 40;
			w.outage_to = w.outage_from + 72 * HOUR;
		}
		for (unsigned k = 0; k < CERTIFICATES; k++)
			live(&w);
		for (size_t h = 0; h < YEARS_2 / HOUR; h++)
			if (by_hour[h] > peak)
				peak = by_hour[at = h];
		print_message("# life %lld d, %s, %s: %zu renewals, %zu failed, peak %u in hour %zu\n", (long long)(w.life / DAY),
		              w.windows ? "windows" : "no windows", cases[i].outage ? "outage" : "no outage", w.issued, w.failed,
		              peak, at);
		CHECK(peak <= cases[i].peak);
		CHECK_INT(w.failed > 0, cases[i].outage);
		/* Not more often than the life asks for: a renewal at three fifths at the earliest. */
		CHECK(w.issued <= (size_t)CERTIFICATES * (size_t)(YEARS_2 / (w.life * (w.life < 10 * DAY ? 44 : 60) / 100) + 1));
	}
	free(by_hour);
}

TESTS(T(a_version_that_is_not_what_was_asked_for), T(the_rule), T(a_policy_that_the_life_outran), T(off_and_paused), T(policies), T(back_off_saturates),
      T(every_reason_has_words), T(two_years_without_expiry_and_without_a_herd))
