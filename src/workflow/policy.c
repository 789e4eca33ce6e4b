/*
 * workflow/policy.c: see policy.h. What is temporary was tried again within its order before it came here (engine.c); this
 * is about the next order.
 */
#include "workflow/policy.h"

#include <assert.h>

#include "base/clock.h"
#include "workflow/renewal_plan.h"

#define STATED_MS (3600 * (int64_t)1000) /* a limit without a time */

static const struct {
	const char *name, *sentence; /* followed by the time of the next try */
} classes[ACME_AGAIN__COUNT] = {
	[ACME_AGAIN_NOW]    = { "now", "it is tried again" },
	[ACME_AGAIN_LATER]  = { "later", "it may pass by itself: it is tried again" },
	[ACME_AGAIN_STATED] = { "stated", "the CA asks to wait: it is tried again" },
	[ACME_AGAIN_CHANGE] = { "change", "configuration or DNS must change first: it is tried again after that, and looked at again" },
	[ACME_AGAIN_PERSON] = { "person", "a person must act at the CA first: it is looked at again" },
	[ACME_AGAIN_NEVER]  = { "never", "the CA will not accept this request as it is: change it; it is looked at again" },
};
static const char pause_sentence[] = "a person must act at the CA first: nothing is asked for until `reeve certificate resume`";

const char *policy_class_name(enum acme_again class)
{
	assert((unsigned)class < ACME_AGAIN__COUNT);
	return classes[class].name;
}

bool policy_is_pause(const struct err *cause)
{
	return strcmp(cause->problem, "rateLimited") == 0 && cause->class == ERR_CONFIG;
}

/* A fifth to both sides; what the CA stated is never undercut. */
static int64_t spread(enum acme_again class, int64_t ms, int64_t draw)
{
	if (class == ACME_AGAIN_STATED)
		return ms + ms / 10 * draw / 1000000;
	return ms - ms / 5 + ms / 5 * 2 * draw / 1000000;
}

static int64_t wait_ms(enum acme_again class, const struct err *cause, const struct policy_context *c)
{
	int64_t left_ms = c->left_ms > 0 ? c->left_ms : INT64_MAX / 2;
	int64_t stated_ms = (int64_t)cause->retry_after_s * 1000, ms = 0;

	switch (class) {
	case ACME_AGAIN_NOW:
		ms = c->failures <= POLICY_NOW_MAX ? renewal_retry_ms(1, left_ms) : renewal_retry_ms(c->failures, left_ms);
		break;
	case ACME_AGAIN_LATER:
		ms = renewal_retry_ms(c->failures, left_ms);
		break;
	case ACME_AGAIN_STATED:
		/* A short life does not shorten what the CA demands. */
		return stated_ms > 0 ? stated_ms : STATED_MS;
	case ACME_AGAIN_CHANGE:
	case ACME_AGAIN_PERSON:
	case ACME_AGAIN_NEVER:
		ms = renewal_retry_ms(INT64_MAX, left_ms);
		break;
	case ACME_AGAIN__COUNT:
		break;
	}
	return ms > stated_ms ? ms : stated_ms;
}

void policy_react(const struct err *cause, const struct policy_context *c, struct policy_reaction *ret)
{
	enum acme_again class = acme_problem_again(cause->problem, cause->text, cause->class, c->where);
	char            at[CLOCK_RFC3339_SIZE];

	ret->class = class;
	if (policy_is_pause(cause)) {
		ret->next_at = POLICY_NEVER;
		snprintf(ret->sentence, sizeof(ret->sentence), "%s", pause_sentence);
		return;
	}
	ret->next_at = c->now_ms + spread(class, wait_ms(class, cause, c), c->draw);
	snprintf(ret->sentence, sizeof(ret->sentence), "%s at %s", classes[class].sentence, clock_rfc3339(ret->next_at, at));
}
