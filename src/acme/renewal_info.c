/*
 * acme/renewal_info.c: the suggested window, read strictly where it is acted upon (the two times) and leniently where
 * it is shown (the explanation). When to ask and what to do about the answer is the workflow's.
 */
#include "acme/renewal_info.h"

#include <assert.h>

#include "acme/answer.h"
#include "base/clock.h"

#define YEAR_2000_MS 946684800000
#define YEAR_2200_MS 7258118400000

static bool time_read(const json_t *window, const char *member, int64_t *ret, struct err *err)
{
	const char *text = json_str(window, member);
	int64_t     at;

	if (text == NULL)
		return acme_nonsense(err, "renewalInfo: no '%s' in the suggested window", member);
	if (!clock_parse_rfc3339(str_c(text), &at) || at < YEAR_2000_MS || at >= YEAR_2200_MS)
		return acme_nonsense(err, "renewalInfo: '%s' is \"%.64s\", not a time of this age", member, text);
	*ret = at;
	return true;
}

bool acme_renewal_info_parse(struct arena *a, struct str body, struct acme_renewal_info *ret, struct err *err)
{
	struct acme_renewal_info info = { 0 };
	AUTO(json_freep) json_t *json = NULL;
	const json_t            *window;

	if (!acme_answer_read("renewalInfo", body, &json, err))
		return false;
	window = json_object_get(json, "suggestedWindow");
	if (!json_is_object(window))
		return acme_nonsense(err, "renewalInfo: no suggested window");
	if (!time_read(window, "start", &info.start_at, err) || !time_read(window, "end", &info.end_at, err))
		return false;
	if (info.end_at <= info.start_at)
		return acme_nonsense(err, "renewalInfo: the window ends at %s, not after its start", json_str(window, "end"));
	if (info.end_at - info.start_at > RENEWAL_WINDOW_MAX_MS)
		return acme_nonsense(err, "renewalInfo: a window of more than five years, from %s to %s", json_str(window, "start"),
		                     json_str(window, "end"));
	info.explanation_url = acme_people_url(a, json, "explanationURL");
	if (info.explanation_url == NULL)
		info.explanation_url = "";
	*ret = info;
	return true;
}

const char *acme_renewal_info_url(struct arena *a, const char *renewal_info, const char *certificate_id)
{
	return arena_printf(a, "%s%s%s", renewal_info, str_ends(str_c(renewal_info), STR("/")) ? "" : "/", certificate_id);
}

int64_t acme_renewal_info_draw(int64_t start_at, int64_t end_at, uint64_t random)
{
	assert(end_at > start_at && end_at - start_at <= RENEWAL_WINDOW_MAX_MS);
	/* 64 random bits over less than 38: the bias cannot be seen. */
	return start_at + (int64_t)(random % (uint64_t)(end_at - start_at));
}
