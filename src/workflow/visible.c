/* workflow/visible.c: see visible.h. A server that does not answer counts as one that has not the value: the CA may ask it. */
#include "workflow/visible.h"

#include "base/rand.h"
#include "dns/client.h"
#include "dns/message.h"

#define WAIT_FIRST_MS 500
#define WAIT_MAX_MS   45000
#define ASK_EACH      6

static bool has(const struct dns_auth_server *s, const char *value)
{
	if (!s->answered || !s->authoritative)
		return false;
	for (size_t i = 0; i < s->values_count; i++)
		if (strcmp(s->values[i], value) == 0)
			return true;
	return false;
}

static const char *why_not(struct arena *a, const struct dns_auth_server *s)
{
	if (!s->answered)
		return s->detail;
	if (!s->authoritative)
		return "it does not answer with authority";
	return s->values_count > 0 ? arena_printf(a, "it has %zu other value%s", s->values_count, s->values_count == 1 ? "" : "s")
	                           : "it has no value yet";
}

bool visible_look(struct worker *w, struct arena *a, const char *owner, const char *value, struct visible *ret, struct err *err)
{
	const struct dns_auth_server *missing = NULL;
	struct dns_auth               auth;
	size_t                        count = 0;

	if (!dns_lookup_auth(w->resolver, a, owner, DNS_TXT, w->settings.resolver_timeout_ms, &auth, err))
		return err_in(err, "name servers of %s", owner);
	for (size_t i = 0; i < auth.servers_count; i++) {
		if (has(&auth.servers[i], value))
			count++;
		else if (missing == NULL)
			missing = &auth.servers[i];
	}
	*ret = (struct visible){ .everywhere = auth.servers_count > 0 && missing == NULL };
	if (auth.servers_count == 0)
		ret->detail = arena_printf(a, "no name server of %s was found: %s", owner, auth.detail);
	else if (missing == NULL)
		ret->detail = arena_printf(a, "every server of %s answers with it (%zu)", auth.zone, count);
	else
		ret->detail = arena_printf(a, "%zu of %zu name servers of %s have the value at %s; not %s%s%s: %s", count, auth.servers_count,
		                           auth.zone, owner, missing->name, missing->name[0] != '\0' ? " " : "", missing->address,
		                           why_not(a, missing));
	return true;
}

int64_t visible_wait_ms(int64_t looks)
{
	int64_t ms = WAIT_FIRST_MS;

	for (int64_t i = 0; i < looks && ms < WAIT_MAX_MS; i++)
		ms += ms / 2;
	return rand_jitter(ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS, 10);
}

bool visible_ask_provider(int64_t looks)
{
	return looks > 0 && looks % ASK_EACH == 0;
}
