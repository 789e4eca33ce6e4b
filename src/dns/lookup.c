/*
 * dns/lookup.c: the CA's view of DNS: libunbound set up as Let's Encrypt runs it: fresh
 * cache, 0x20, no minimisation, no cut at NXDOMAIN, DNSSEC.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "lookup_internal.h"

#define ROOT_KEY   "/usr/share/dns/root.key"
#define ROOT_HINTS "/usr/share/dns/root.hints"

int64_t left_ms(const struct look *l)
{
	int64_t left = l->until_ms - clock_mono_ms();

	return left > 0 ? left : 0;
}

struct option {
	const char *name, *value;
};
/* As jsha/unboundtest states Let's Encrypt's configuration; caches are off since a context lives for one look-up. */
static const struct option options[] = {
	{ "use-caps-for-id:", "yes" },      { "qname-minimisation:", "no" },
	{ "harden-below-nxdomain:", "no" }, { "harden-dnssec-stripped:", "yes" },
	{ "harden-glue:", "yes" },          { "cache-max-ttl:", "0" },
	{ "cache-max-negative-ttl:", "0" }, { "edns-buffer-size:", "1232" },
	{ "val-sig-skew-min:", "0" },       { "val-sig-skew-max:", "0" },
	{ "msg-cache-size:", "1m" },        { "rrset-cache-size:", "1m" },
	{ "aggressive-nsec:", "no" },       { "use-syslog:", "no" },
};
/* Where no stranger's delegation may send us; not with stubs, which are on such addresses in tests and offices. */
static const char *const private_networks[] = {
	"0.0.0.0/8",     "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",   "::/127",      "fc00::/7",
	"fe80::/10",     "ff00::/8",       "::ffff:0:0/96",
};

static bool root_stub(const struct resolver_config *c)
{
	for (size_t i = 0; i < c->stubs_count; i++)
		if (strcmp(c->stubs[i].zone, ".") == 0)
			return true;
	return false;
}

/* Names that libunbound otherwise answers itself (RFC 6761); with a stub above them they are ordinary ones. */
static const char *const special_names[] = { "test.", "invalid.", "onion.", "localhost.",
	                                     "home.arpa." };

static int ub_unblock(struct ub_ctx *ub, const char *zone)
{
	char text[NAME_SIZE + 32];
	int  problem = 0;

	if (strcmp(zone, ".") != 0) {
		snprintf(text, sizeof(text), "%s. transparent", zone);
		return ub_ctx_set_option(ub, "local-zone:", text);
	}
	for (size_t i = 0; i < ARRAY_LEN(special_names) && problem == 0; i++) {
		snprintf(text, sizeof(text), "%s nodefault", special_names[i]);
		problem = ub_ctx_set_option(ub, "local-zone:", text);
	}
	return problem;
}

static int ub_stubs(struct ub_ctx *ub, const struct resolver_config *c)
{
	int problem = 0;

	for (size_t i = 0; i < c->stubs_count && problem == 0; i++) {
		const struct dns_stub *s = &c->stubs[i];
		char                   host[INET6_ADDRSTRLEN], at[INET6_ADDRSTRLEN + 8];
		inet_ntop(s->address.family, s->address.bytes, host, sizeof(host));
		snprintf(at, sizeof(at), "%s@%u", host,
		         s->address.port != 0 ? s->address.port : 53);
		problem = ub_ctx_set_stub(ub, s->zone, at, 0);
		/* The operator's word outranks the root's: a stub may be for a name that does not exist outside. */
		if (problem == 0)
			problem = ub_ctx_set_option(ub, "domain-insecure:", s->zone);
		if (problem == 0)
			problem = ub_unblock(ub, s->zone);
	}
	return problem;
}

struct ub_ctx *view_make(const struct resolver_config *c, const char **ret_problem)
{
	struct ub_ctx *ub = ub_ctx_create();
	const char    *key = c->root_key != NULL ? c->root_key : ROOT_KEY;
	const char    *hints = c->root_hints != NULL ? c->root_hints : ROOT_HINTS;
	int            problem = 0;

	if (ub == NULL) {
		*ret_problem = "libunbound could not start";
		return NULL;
	}
	ub_ctx_debugout(ub, NULL);
	for (size_t i = 0; i < ARRAY_LEN(options) && problem == 0; i++)
		problem = ub_ctx_set_option(ub, options[i].name, options[i].value);
	if (c->stubs_count > 0 && problem == 0)
		problem = ub_ctx_set_option(ub, "do-not-query-localhost:", "no");
	for (size_t i = 0; i < ARRAY_LEN(private_networks) && c->stubs_count == 0 && problem == 0;
	     i++) {
		problem = ub_ctx_set_option(ub, "private-address:", private_networks[i]);
		if (problem == 0)
			problem =
				ub_ctx_set_option(ub, "do-not-query-address:", private_networks[i]);
	}
	if (problem == 0)
		problem = ub_stubs(ub, c);
	if (problem == 0 && !root_stub(c) && access(hints, R_OK) == 0)
		problem = ub_ctx_set_option(ub, "root-hints:", hints);
	if (problem == 0 && !root_stub(c) && access(key, R_OK) == 0)
		problem = ub_ctx_add_ta_file(ub, key);
	if (problem == 0)
		problem = ub_ctx_async(ub, 1);
	if (problem != 0) {
		*ret_problem = ub_strerror(problem);
		ub_ctx_delete(ub);
		return NULL;
	}
	return ub;
}

struct answered {
	bool              done;
	int               problem;
	struct ub_result *result;
};

static void ub_done(void *arg, int problem, struct ub_result *result)
{
	struct answered *ret = arg;

	ret->done = true;
	ret->problem = problem;
	ret->result = result;
}

static struct ub_result *view_ask(struct look *l, const char *name, uint16_t qtype,
                                  int64_t budget_ms, const char **ret_problem)
{
	struct answered answered = { 0 };
	int64_t         until_ms = clock_mono_ms() + budget_ms;
	int             id = 0, problem;

	problem = ub_resolve_async(l->ub, name, qtype, DNS_IN, &answered, ub_done, &id);
	while (problem == 0 && !answered.done) {
		struct pollfd p = { .fd = ub_fd(l->ub), .events = POLLIN };
		int64_t       left = until_ms - clock_mono_ms();
		if (left <= 0) {
			(void)ub_cancel(l->ub, id);
			*ret_problem = arena_printf(l->a, "no answer within %.1f s",
			                            (double)budget_ms / 1000);
			return NULL;
		}
		if (poll(&p, 1, (int)left) > 0)
			problem = ub_process(l->ub);
	}
	if (problem == 0)
		problem = answered.problem;
	if (problem != 0) {
		*ret_problem = arena_printf(l->a, "libunbound: %s", ub_strerror(problem));
		return NULL;
	}
	return answered.result;
}

struct dns_result view_result(struct look *l, const char *name, uint16_t qtype, int64_t budget_ms)
{
	int64_t left = left_ms(l), keep = left * 2 / 5 < DIRECT_MS ? left * 2 / 5 : DIRECT_MS;
	struct dns_result r = { .outcome = DNS_UNKNOWN, .rcode = DNS_SERVFAIL, .canonical = name };
	const char       *problem = NULL;
	struct ub_result *u =
		view_ask(l, name, qtype, budget_ms > 0 ? budget_ms : left - keep, &problem);
	char type[16], rcode[16];

	dns_type_text(qtype, type);
	if (u == NULL) {
		r.detail = arena_printf(l->a, "%s of %s: %s", type, name, problem);
		return r;
	}
	r.rcode = (uint16_t)u->rcode;
	r.secure = u->secure != 0;
	r.bogus = u->bogus != 0;
	if (u->canonname != NULL && u->canonname[0] != '\0') {
		size_t len = strlen(u->canonname);
		char  *canonical =
			arena_str(l->a,
		                  str_of(u->canonname,
		                         len > 1 && u->canonname[len - 1] == '.' ? len - 1 : len));
		str_lower(canonical);
		r.canonical = canonical;
	}
	if (r.bogus) {
		r.detail =
			arena_printf(l->a, "%s of %s: DNSSEC validation says bogus: %s", type, name,
		                     u->why_bogus != NULL ? u->why_bogus : "no reason given");
	} else if (u->rcode == DNS_NXDOMAIN) {
		r.outcome = DNS_ABSENT;
		r.detail = arena_printf(l->a, "%s does not exist (NXDOMAIN)", r.canonical);
	} else if (u->rcode != DNS_NOERROR) {
		r.detail = arena_printf(l->a, "%s of %s: %s", type, name,
		                        dns_rcode_text(r.rcode, rcode));
	} else if (!u->havedata) {
		r.outcome = DNS_ABSENT;
		r.detail = arena_printf(l->a, "%s has no %s record", r.canonical, type);
	} else {
		r.outcome = DNS_PRESENT;
		r.rdata = arena_alloc_array(l->a, DNS_RDATA_MAX, sizeof(*r.rdata));
		/* The frame is bounded: what does not fit in 48 KiB is left out. */
		for (size_t bytes = 0;
		     u->data[r.rdata_count] != NULL && r.rdata_count < DNS_RDATA_MAX;
		     r.rdata_count++) {
			size_t len = (size_t)u->len[r.rdata_count];
			bytes += len + 4;
			if (bytes > 48 * KIB)
				break;
			r.rdata[r.rdata_count] =
				arena_dup(l->a, str_of(u->data[r.rdata_count], len));
		}
		r.detail = arena_printf(l->a, "%s has %zu %s record%s", r.canonical, r.rdata_count,
		                        type, r.rdata_count == 1 ? "" : "s");
	}
	ub_resolve_free(u);
	return r;
}
