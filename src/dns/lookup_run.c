/*
 * dns/lookup_run.c: one look-up. libunbound (lookup.c) gets the larger part of the time; when it
 * finds nothing out, the rest goes into asking the authoritative servers directly, so that the
 * answer names the server that is to blame.
 */

#include <stdio.h>

#include "base/clock.h"
#include "base/encode.h"
#include "dns/ask.h"
#include "lookup_internal.h"

#define SERVERS_MAX DNS_AUTH_MAX
#define REFERRALS   8

bool lookup_request_read(struct arena *a, uint32_t type, struct str body,
                         struct lookup_request *ret, struct err *err)
{
	struct wire w = wire_of(body);
	struct str  name = wire_get_str(&w);
	char        text[NAME_SIZE], expected[NAME_SIZE] = "";
	uint32_t    qtype = DNS_CNAME;

	if (type != DNS_LOOKUP_CHAIN && type != DNS_LOOKUP && type != DNS_LOOKUP_AUTH)
		return err_set(err, ERR_INPUT, "the resolver role does not know message %u", type);
	if (type == DNS_LOOKUP_CHAIN) {
		struct str target = wire_get_str(&w);
		if (target.len > 0 && !owner_parse(target, expected, err))
			return false;
	} else {
		qtype = wire_get_u32(&w);
	}
	uint32_t deadline_ms = wire_get_u32(&w);
	if (!wire_done(&w, err) || !owner_parse(name, text, err))
		return false;
	if (qtype == 0 || qtype > UINT16_MAX)
		return err_set(err, ERR_INPUT, "%u is not a record type", qtype);
	if (deadline_ms < 100)
		deadline_ms = 100;
	*ret = (struct lookup_request){ .type = type,
		                        .name = arena_strdup(a, text),
		                        .expected = arena_strdup(a, expected),
		                        .qtype = (uint16_t)qtype,
		                        .deadline_ms = deadline_ms < DNS_DEADLINE_MAX_MS
		                                               ? deadline_ms
		                                               : DNS_DEADLINE_MAX_MS };
	return true;
}

void lookup_unknown(const struct lookup_request *request, const char *detail, struct buf *ret)
{
	if (request->type == DNS_LOOKUP_CHAIN)
		dns_chain_write(ret, &(struct dns_chain){ .outcome = DNS_UNKNOWN,
		                                          .final = request->name,
		                                          .rcode = DNS_SERVFAIL,
		                                          .detail = detail });
	else if (request->type == DNS_LOOKUP)
		dns_result_write(ret, &(struct dns_result){ .outcome = DNS_UNKNOWN,
		                                            .canonical = request->name,
		                                            .rcode = DNS_SERVFAIL,
		                                            .detail = detail });
	else
		dns_auth_write(ret, &(struct dns_auth){ .zone = "", .detail = detail });
}

/* ---- the authoritative servers themselves ---- */

struct servers {
	struct dns_name   zone;
	struct dns_target targets[SERVERS_MAX];
	struct dns_reply  replies[SERVERS_MAX];
	size_t            count;
	size_t            left_out; /* addresses that this machine has no route to, in a whole family */
};

static void servers_add(struct look *l, struct servers *s, const char *name,
                        const struct dns_address *address)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct dns_address *a = &s->targets[i].address;
		if (a->family == address->family && a->port == address->port &&
		    memcmp(a->bytes, address->bytes, 16) == 0)
			return;
	}
	if (s->count < SERVERS_MAX && (l->config->stubs_count > 0 || dns_address_public(address)))
		s->targets[s->count++] = (struct dns_target){ name, *address };
}

/* The addresses of a server by name, as far as libunbound finds them quickly. */
static void servers_add_name(struct look *l, struct servers *s, const char *name)
{
	static const struct {
		uint16_t type;
		int      family;
		size_t   len;
	} kinds[] = { { DNS_A, AF_INET, 4 }, { DNS_AAAA, AF_INET6, 16 } };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct dns_result r = view_result(l, name, kinds[k].type, left_ms(l) / 4 + 1);
		for (size_t i = 0; i < r.rdata_count; i++) {
			struct dns_address address = { .family = kinds[k].family };
			if (r.rdata[i].len != kinds[k].len)
				continue;
			memcpy(address.bytes, r.rdata[i].ptr, kinds[k].len);
			servers_add(l, s, name, &address);
		}
	}
}

/* The stubs of the longest zone that holds the name. */
static void servers_stub(struct look *l, const struct dns_name *name, struct servers *s)
{
	for (size_t i = 0; i < l->config->stubs_count; i++) {
		const struct dns_stub *stub = &l->config->stubs[i];
		struct dns_name        zone;
		if (!dns_name_parse(str_c(stub->zone), &zone) || !dns_name_in(name, &zone) ||
		    zone.len < s->zone.len)
			continue;
		if (zone.len > s->zone.len)
			s->count = 0;
		s->zone = zone;
		servers_add(l, s, "", &stub->address);
	}
}

/* The nearest zone above (or at) the name whose NS libunbound can tell. */
static void servers_ns(struct look *l, const struct dns_name *name, struct servers *s)
{
	struct dns_name at = *name;

	for (; at.len > 1 && s->count == 0 && left_ms(l) > 0; dns_name_parent(&at, &at)) {
		char text[DNS_TEXT_SIZE];
		dns_name_text(&at, text);
		struct dns_result r =
			view_result(l, arena_strdup(l->a, text), DNS_NS, left_ms(l) / 3 + 1);
		/* Behind a CNAME they would be those of another zone. */
		bool own = strcmp(r.canonical, text) == 0;
		for (size_t i = 0; own && i < r.rdata_count && i < 8; i++) {
			struct dns_name server;
			if (!dns_rdata_name(r.rdata[i], &server))
				continue;
			dns_name_lower(&server);
			dns_name_text(&server, text);
			servers_add_name(l, s, arena_strdup(l->a, text));
		}
		s->zone = at;
	}
}

/* Does the reply send us to the servers of a zone further down? */
static bool referral(struct look *l, const struct dns_reply *reply, const struct dns_name *name,
                     const struct servers *s, struct servers *ret)
{
	const struct dns_message *m = &reply->message;

	if (!reply->answered || m->rcode != DNS_NOERROR || (m->flags & DNS_AA) != 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < m->records_count; i++)
		if (m->records[i].section == DNS_ANSWER)
			return false;
	for (size_t i = 0; i < m->records_count && left_ms(l) > 0; i++) {
		const struct dns_record *r = &m->records[i];
		struct dns_name          server;
		char                     text[DNS_TEXT_SIZE];
		size_t                   before = ret->count;
		if (r->section != DNS_AUTHORITY || r->type != DNS_NS ||
		    !dns_name_in(name, &r->name) || r->name.len <= s->zone.len ||
		    !dns_name_in(&r->name, &s->zone) || !dns_rdata_name(r->rdata, &server))
			continue;
		ret->zone = r->name;
		dns_name_lower(&server);
		dns_name_text(&server, text);
		const char *label = arena_strdup(l->a, text);
		for (size_t g = 0; g < m->records_count; g++) {
			const struct dns_record *glue = &m->records[g];
			struct dns_address       address = { .family = glue->type == DNS_A ? AF_INET
				                                                           : AF_INET6 };
			if (glue->section != DNS_ADDITIONAL || !dns_name_eq(&glue->name, &server) ||
			    !((glue->type == DNS_A && glue->rdata.len == 4) ||
			      (glue->type == DNS_AAAA && glue->rdata.len == 16)))
				continue;
			memcpy(address.bytes, glue->rdata.ptr, glue->rdata.len);
			servers_add(l, ret, label, &address);
		}
		if (ret->count == before)
			servers_add_name(l, ret, label);
	}
	return ret->count > 0;
}

/* Asks all servers of the zone that holds the name; s->replies has what they said. */
static void servers_ask(struct look *l, const struct dns_name *name, uint16_t qtype,
                        struct servers *s)
{
	struct servers *below = arena_alloc(l->a, sizeof(*below));

	memset(s, 0, sizeof(*s));
	servers_stub(l, name, s);
	if (s->count == 0)
		servers_ns(l, name, s);
	for (unsigned depth = 0; s->count > 0; depth++) {
		int64_t wait_ms = left_ms(l) < DIRECT_MS ? left_ms(l) : DIRECT_MS;
		bool    deeper = false;
		dns_ask(l->a, s->targets, s->count, name, qtype, clock_mono_ms() + wait_ms,
		        s->replies);
		for (size_t i = 0; i < s->count && depth < REFERRALS && !deeper; i++)
			deeper = referral(l, &s->replies[i], name, s, below);
		if (!deeper) {
			size_t routed = dns_ask_routed(s->targets, s->replies, s->count);
			s->left_out = s->count - routed;
			s->count = routed;
			return;
		}
		memcpy(s, below, sizeof(*s));
	}
}

static const char *server_text(struct look *l, const struct dns_target *t)
{
	char address[80];

	dns_address_text(&t->address, address);
	return t->name[0] != '\0' ? arena_printf(l->a, "%s (%s)", t->name, address)
	                          : arena_strdup(l->a, address);
}

/* "answered REFUSED", "did not answer within 2 s"; *ret_fine: an answer a resolver can use. */
static const char *reply_text(struct look *l, const struct dns_reply *r, bool *ret_fine)
{
	char rcode[16];

	*ret_fine = false;
	if (!r->answered)
		return r->problem != NULL ? r->problem : "was not asked";
	if (r->message.rcode != DNS_NOERROR && r->message.rcode != DNS_NXDOMAIN)
		return arena_printf(l->a, "answered %s", dns_rcode_text(r->message.rcode, rcode));
	if ((r->message.flags & DNS_AA) == 0)
		return "answered without authority (it does not serve this zone)";
	*ret_fine = true;
	return r->message.rcode == DNS_NXDOMAIN ? "answered NXDOMAIN" : "answered";
}

/* One sentence on who is to blame, at most four servers long; "" when all answer well. */
static const char *blame(struct look *l, const char *name, uint16_t qtype)
{
	struct dns_name wire;
	struct servers *s = arena_alloc(l->a, sizeof(*s));
	const char     *text = "";
	size_t          bad = 0;

	if (left_ms(l) == 0 || !dns_name_parse(str_c(name), &wire))
		return "";
	servers_ask(l, &wire, qtype, s);
	if (s->count == 0)
		return "no authoritative server could be found";
	for (size_t i = 0; i < s->count; i++) {
		bool        fine;
		const char *said = reply_text(l, &s->replies[i], &fine);
		if (fine || ++bad > 4)
			continue;
		text = arena_printf(l->a, "%s%s%s %s", text, bad > 1 ? ", " : "",
		                    server_text(l, &s->targets[i]), said);
	}
	return bad > 0 ? text : "its authoritative servers answer well when asked directly";
}

static const char *with_blame(struct look *l, const char *detail, const char *name, uint16_t qtype)
{
	const char *more = blame(l, name, qtype);

	return more[0] != '\0' ? arena_printf(l->a, "%s; %s", detail, more) : detail;
}

/* ---- the three look-ups ---- */

static void chain_end(struct look *l, struct dns_chain *c, const char *name,
                      const struct dns_result *r)
{
	if (c->hops_count > 0) {
		c->outcome = DNS_PRESENT;
		c->detail = arena_printf(l->a, "the chain ends at %s", name);
		return;
	}
	c->outcome = DNS_ABSENT;
	c->nxdomain = r->rcode == DNS_NXDOMAIN;
	c->detail = r->detail;
	if (c->nxdomain)
		return;
	struct dns_result txt = view_result(l, name, DNS_TXT, 0);
	/* Something may have appeared behind us: only a TXT of this very name counts. */
	c->txt_at_first = txt.outcome == DNS_PRESENT && strcmp(txt.canonical, name) == 0;
	if (c->txt_at_first)
		c->detail =
			arena_printf(l->a, "%s has a TXT record where the CNAME should be", name);
}

static void chain_stop(struct dns_chain *c, bool *which, const char *detail)
{
	*which = true;
	c->outcome = DNS_UNKNOWN; /* a resolver gets SERVFAIL from it; nobody may write behind it */
	c->detail = detail;
}

static bool name_known(const struct dns_chain *c, const char *first, const char *name)
{
	if (strcmp(first, name) == 0)
		return true;
	for (size_t i = 0; i < c->hops_count; i++)
		if (strcmp(c->hops[i], name) == 0)
			return true;
	return false;
}

static struct dns_chain chain_get(struct look *l, const char *first, const char *expected)
{
	struct dns_chain c = { .outcome = DNS_UNKNOWN, .final = first, .secure = true };
	const char      *name = first;

	c.hops = arena_alloc_array(l->a, DNS_CHAIN_MAX + 1, sizeof(*c.hops));
	for (;;) {
		struct dns_result r = view_result(l, name, DNS_CNAME, 0);
		struct dns_name   target;
		char              text[DNS_TEXT_SIZE];

		c.rcode = r.rcode;
		c.secure = c.secure && r.secure;
		if (r.outcome == DNS_UNKNOWN) {
			c.outcome = DNS_UNKNOWN;
			c.detail = with_blame(l, r.detail, name, DNS_CNAME);
			return c;
		}
		if (r.outcome == DNS_ABSENT) {
			chain_end(l, &c, name, &r);
			return c;
		}
		if (r.rdata_count != 1 || !dns_rdata_name(r.rdata[0], &target)) {
			c.detail = arena_printf(l->a, "%s has more than one CNAME record", name);
			return c;
		}
		dns_name_lower(&target);
		dns_name_text(&target, text);
		const char *next = arena_strdup(l->a, text);
		if (name_known(&c, first, next)) {
			chain_stop(&c, &c.loop,
			           arena_printf(l->a, "the CNAME of %s leads back to %s: a loop",
			                        name, next));
			return c;
		}
		if (c.hops_count == DNS_CHAIN_MAX) {
			chain_stop(&c, &c.too_long,
			           arena_printf(l->a, "more than %d CNAMEs behind %s",
			                        DNS_CHAIN_MAX, first));
			return c;
		}
		c.hops[c.hops_count++] = c.final = name = next;
		if (strcmp(next, expected) == 0) {
			c.outcome = DNS_PRESENT;
			c.matches_expected = true;
			c.detail = arena_printf(l->a, "%s leads to %s", first, next);
			return c;
		}
	}
}

static void auth_values(struct look *l, const struct dns_reply *reply, uint16_t qtype,
                        struct dns_auth_server *ret)
{
	size_t bytes = 0;

	ret->values = arena_alloc_array(l->a, DNS_RDATA_MAX, sizeof(*ret->values));
	for (size_t i = 0; i < reply->message.records_count && ret->values_count < DNS_RDATA_MAX;
	     i++) {
		const struct dns_record *r = &reply->message.records[i];
		struct dns_name          name;
		struct str               txt;
		char                     text[DNS_TEXT_SIZE];
		const char              *value;

		if (r->section != DNS_ANSWER || (r->type != qtype && r->type != DNS_CNAME))
			continue;
		if ((r->type == DNS_CNAME || r->type == DNS_NS) &&
		    dns_rdata_name(r->rdata, &name)) {
			dns_name_lower(&name);
			dns_name_text(&name, text);
			value = arena_strdup(l->a, text);
		} else if (r->type == DNS_TXT && dns_txt_parse(l->a, r->rdata, &txt) &&
		           !str_has_nul(txt)) {
			value = arena_str(l->a, txt);
		} else {
			value = hex_encode(l->a, r->rdata);
		}
		/* All servers together must fit one frame. */
		bytes += strlen(value) + 4;
		if (bytes > 48 * KIB / SERVERS_MAX * (SERVERS_MAX > 4 ? 4 : 1))
			break;
		ret->values[ret->values_count++] = value;
	}
}

static struct dns_auth auth_get(struct look *l, const char *name, uint16_t qtype)
{
	struct dns_auth ret = { .zone = "", .detail = "no authoritative server could be found" };
	struct servers *s = arena_alloc(l->a, sizeof(*s));
	struct dns_name wire;
	char            text[DNS_TEXT_SIZE];
	size_t          fine_count = 0;

	if (!dns_name_parse(str_c(name), &wire))
		return ret;
	servers_ask(l, &wire, qtype, s);
	ret.servers = arena_alloc_array(l->a, s->count + 1, sizeof(*ret.servers));
	for (size_t i = 0; i < s->count; i++) {
		struct dns_auth_server *to = &ret.servers[ret.servers_count++];
		const struct dns_reply *reply = &s->replies[i];
		bool                    fine;
		to->name = s->targets[i].name;
		to->address = arena_strdup(l->a, dns_address_text(&s->targets[i].address, text));
		to->answered = reply->answered;
		to->detail = reply_text(l, reply, &fine);
		fine_count += fine;
		if (!reply->answered)
			continue;
		to->authoritative = (reply->message.flags & DNS_AA) != 0;
		to->rcode = reply->message.rcode;
		to->took_ms = reply->took_ms;
		auth_values(l, reply, qtype, to);
	}
	if (s->count == 0)
		return ret;
	dns_name_text(&s->zone, text);
	ret.zone = arena_strdup(l->a, text);
	ret.left_out = s->left_out;
	ret.detail = arena_printf(l->a, "%zu of %zu servers of %s answered well", fine_count,
	                          s->count, ret.zone);
	return ret;
}

void lookup_run(struct arena *a, const struct resolver_config *config,
                const struct lookup_request *request, struct buf *ret)
{
	const char *problem = NULL;
	struct look l = { .a = a,
		          .config = config,
		          .until_ms = clock_mono_ms() + request->deadline_ms };

	l.ub = view_make(config, &problem);
	if (l.ub == NULL) {
		lookup_unknown(request, problem, ret);
		return;
	}
	if (request->type == DNS_LOOKUP_CHAIN) {
		struct dns_chain c = chain_get(&l, request->name, request->expected);
		dns_chain_write(ret, &c);
	} else if (request->type == DNS_LOOKUP) {
		struct dns_result r = view_result(&l, request->name, request->qtype, 0);
		if (r.outcome == DNS_UNKNOWN)
			r.detail = with_blame(&l, r.detail, r.canonical, request->qtype);
		dns_result_write(ret, &r);
	} else {
		struct dns_auth r = auth_get(&l, request->name, request->qtype);
		dns_auth_write(ret, &r);
	}
	/* The context is not deleted: the process ends now, and that is faster. */
}
