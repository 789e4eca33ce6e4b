/*
 * workflow/limits.c: see limits.h. The numbers of Let's Encrypt are those it publishes; a CA that is not in the table is
 * taken as it comes: its refusals are obeyed, and limits can be set for its authority.
 */
#include "workflow/limits.h"

#include <assert.h>
#include <libpsl.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/sha256.h"
#include "net/url.h"

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)
#define SET_KEY_MAX 200
#define COUNT_MAX   1000000
#define WINDOW_MAX  (3650 * DAY_MS)

const struct limit_kind limit_kinds[LIMIT__COUNT] = {
	[LIMIT_NEW_ORDERS] = { "new-orders", "new orders", false, LIMIT_KEY_NONE, true, false, true, "new orders" },
	[LIMIT_DOMAIN] = { "certificates-per-domain", "certificates per registered domain", true, LIMIT_KEY_DOMAIN, true, true, true,
	                   "already issued for \"" },
	[LIMIT_SET] = { "exact-set", "certificates for the same names", true, LIMIT_KEY_SET, true, true, false,
	                "exact set of" },
	[LIMIT_FAILED] = { "failed-validations", "failed validations of a name", false, LIMIT_KEY_NAME, false, false, false,
	                   "failed authorizations" },
	[LIMIT_CONSECUTIVE] = { "consecutive-failures", "failed validations of a name in a row", false, LIMIT_KEY_NAME, false, false,
	                        false, "prevented from requesting" },
	[LIMIT_REQUESTS] = { "requests", "requests", false, LIMIT_KEY_NONE, true, false, false, NULL },
};

static const struct {
	const char   *host;
	struct limits x;
} known[] = {
	{ "acme-v02.api.letsencrypt.org",
	  { .limit = { [LIMIT_NEW_ORDERS] = { 300, 3 * HOUR_MS }, [LIMIT_DOMAIN] = { 50, 7 * DAY_MS },
		       [LIMIT_SET] = { 5, 7 * DAY_MS }, [LIMIT_FAILED] = { 5, HOUR_MS },
		       [LIMIT_CONSECUTIVE] = { 1152, 1152 * DAY_MS } },
	    .window_exempt = true, .staging_url = "https://acme-staging-v02.api.letsencrypt.org/directory" } },
	{ "acme-staging-v02.api.letsencrypt.org",
	  { .limit = { [LIMIT_NEW_ORDERS] = { 1500, 3 * HOUR_MS }, [LIMIT_SET] = { 30000, 7 * DAY_MS },
		       [LIMIT_FAILED] = { 200, HOUR_MS }, [LIMIT_CONSECUTIVE] = { 3600, 3600 * 6 * HOUR_MS } },
	    .window_exempt = true } },
	{ "dv.acme-v02.api.pki.goog", { .staging_url = "https://dv.acme-v02.test-api.pki.goog/directory" } },
};

void limits_known(const char *directory_url, struct limits *ret)
{
	char host[URL_HOST_SIZE];

	*ret = (struct limits){ 0 };
	if (!url_host(str_c(directory_url), host))
		return;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].host, host) == 0)
			*ret = known[i].x;
}

/* ---- the text of a setting ---- */

static bool window_parse(struct str text, int64_t *ret)
{
	static const struct {
		char    unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', HOUR_MS }, { 'd', DAY_MS } };
	uint64_t number;

	if (text.len < 2 || !str_to_u64(str_of(text.ptr, text.len - 1), &number) || number == 0 || number > WINDOW_MAX / 1000)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].unit != text.ptr[text.len - 1])
			continue;
		if ((int64_t)number > WINDOW_MAX / units[i].ms)
			return false;
		*ret = (int64_t)number * units[i].ms;
		return true;
	}
	return false;
}

static bool limit_parse(struct str text, struct limit *ret)
{
	struct str number;
	uint64_t   count;

	if (str_eq(text, STR("off"))) {
		*ret = (struct limit){ 0 };
		return true;
	}
	if (!str_next(&text, '/', &number) || !str_to_u64(number, &count) || count == 0 || count > COUNT_MAX ||
	    !window_parse(text, &ret->window_ms))
		return false;
	ret->count = (int64_t)count;
	return ret->window_ms >= ret->count;
}

static bool kind_find(struct str name, enum limit_id *ret)
{
	for (unsigned i = 0; i < LIMIT__COUNT; i++)
		if (i != LIMIT_REQUESTS && str_eq(name, str_c(limit_kinds[i].name))) {
			*ret = (enum limit_id)i;
			return true;
		}
	return false;
}

bool limits_parse(struct str text, struct limits *x, struct err *err)
{
	struct limits out = *x;
	struct str    one;

	while (str_next(&text, ',', &one)) {
		struct str    name, rest = str_trim(one);
		enum limit_id id;

		if (rest.len == 0)
			continue;
		(void)str_next(&rest, '=', &name);
		if (!kind_find(name, &id)) {
			err_problem(err, ERR_INPUT, "invalid-request", "there is no limit \"%.*s\"", STR_ARG(name));
			return err_hint(err, "use new-orders, certificates-per-domain, exact-set, failed-validations or "
					     "consecutive-failures");
		}
		if (!limit_parse(rest, &out.limit[id])) {
			err_problem(err, ERR_INPUT, "invalid-request", "\"%.*s\" is not a limit", STR_ARG(rest));
			return err_hint(err, "write COUNT/TIME, as 300/3h or 5/7d, or off");
		}
	}
	*x = out;
	return true;
}

enum limit_id limits_from_words(const char *detail)
{
	for (unsigned i = 0; i < LIMIT__COUNT; i++)
		if (limit_kinds[i].words != NULL && strcasestr(detail, limit_kinds[i].words) != NULL)
			return (enum limit_id)i;
	return LIMIT_REQUESTS;
}

const char *limit_text(struct arena *a, const struct limit *l)
{
	if (l->window_ms % DAY_MS == 0)
		return arena_printf(a, "%lld in %lld d", (long long)l->count, l->window_ms / DAY_MS);
	if (l->window_ms % HOUR_MS == 0)
		return arena_printf(a, "%lld in %lld h", (long long)l->count, l->window_ms / HOUR_MS);
	return arena_printf(a, "%lld in %lld s", (long long)l->count, (long long)l->window_ms / 1000);
}

/* ---- GCRA ---- */

int64_t limit_cost_ms(const struct limit *l)
{
	assert(l->count > 0);
	return l->window_ms / l->count;
}

int64_t limit_next_at(const struct limit *l, int64_t full_at, int64_t now)
{
	int64_t next = limit_take(l, full_at, now) - l->window_ms;

	return next > now ? next : now;
}

int64_t limit_take(const struct limit *l, int64_t full_at, int64_t now)
{
	return (full_at > now ? full_at : now) + limit_cost_ms(l);
}

int64_t limit_left(const struct limit *l, int64_t full_at, int64_t now)
{
	int64_t used = full_at > now ? full_at - now : 0;

	return used >= l->window_ms ? 0 : (l->window_ms - used) / limit_cost_ms(l);
}

/* ---- keys ---- */

static pthread_once_t psl_once = PTHREAD_ONCE_INIT;
static psl_ctx_t     *psl;

/* The system's list, which its packages keep new; else the one built into the library. */
static void psl_read(void)
{
	psl = psl_latest(NULL);
}

static const char *registered_domain(struct arena *a, const char *name)
{
	const char *found;

	pthread_once(&psl_once, psl_read);
	found = psl != NULL ? psl_registrable_domain(psl, name) : NULL;
	/* A public suffix has none: it counts for itself. */
	return found != NULL ? arena_strdup(a, found) : name;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, distinct; a long set is told by its digest. */
static const char *set_key(struct arena *a, const char **names, size_t count)
{
	const char *text = "";
	char        hex[SHA256_HEX_SIZE];

	for (size_t i = 0; i < count; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? " " : "", names[i]);
	if (strlen(text) <= SET_KEY_MAX)
		return text;
	sha256_hex(str_c(text), hex);
	return arena_printf(a, "%zu names, sha256:%s", count, hex);
}

void limit_keys(struct arena *a, enum limit_key key, const struct identifier *names, size_t names_count, const char ***ret,
                size_t *ret_count)
{
	const char **keys = arena_alloc_array(a, names_count > 0 ? names_count : 1, sizeof(*keys));
	size_t       count = 0;

	for (size_t i = 0; i < names_count; i++) {
		const char *base = identifier_base(&names[i]);

		switch (key) {
		case LIMIT_KEY_NONE:
			break;
		case LIMIT_KEY_DOMAIN:
			keys[count++] = registered_domain(a, base);
			break;
		case LIMIT_KEY_SET:
			keys[count++] = names[i].value;
			break;
		case LIMIT_KEY_NAME:
			keys[count++] = base;
			break;
		}
	}
	if (key == LIMIT_KEY_NONE) {
		keys[0] = "";
		count = 1;
	}
	qsort(keys, count, sizeof(*keys), by_text);
	size_t distinct = 0;
	for (size_t i = 0; i < count; i++)
		if (distinct == 0 || strcmp(keys[distinct - 1], keys[i]) != 0)
			keys[distinct++] = keys[i];
	if (key == LIMIT_KEY_SET) {
		keys[0] = set_key(a, keys, distinct);
		distinct = 1;
	}
	*ret = keys;
	*ret_count = distinct;
}
