/*
 * dns/answer.c: decides, then encodes. Everything a resolver may ask gets the answer RFC 8906
 * wants: no silence, no NOTIMP for a type, SOA with every negative answer.
 */
#include "dns/answer.h"

#include <assert.h>

/* COOKIE option with our server cookie: code, length, 24 bytes. */
#define OPT_FIXED  11u
#define OPT_COOKIE (4u + DNS_COOKIE_SIZE)

struct reply {
	struct dns_writer w;
	size_t            limit; /* without the room for OPT */
	uint8_t           options[OPT_COOKIE];
	size_t            options_len;
	bool              edns;
};

static size_t opt_size(const struct reply *r)
{
	return r->edns ? OPT_FIXED + r->options_len : 0;
}

static void reply_begin(struct reply *r, const struct dns_query *q, uint8_t *ret, size_t limit)
{
	r->limit = limit;
	dns_write_begin(&r->w, ret, limit - opt_size(r), q->id,
	                DNS_QR | (q->flags & (0x7800 | DNS_RD)));
	if (q->has_question)
		dns_write_question(&r->w, &q->question);
}

static size_t reply_end(struct reply *r, uint16_t flags, uint16_t rcode)
{
	dns_write_flags(&r->w, flags, rcode);
	if (r->edns) {
		r->w.max = r->limit;
		r->w.full = false;
		bool fits = dns_write_opt(&r->w, DNS_EDNS_UDP, rcode, false,
		                          str_of(r->options, r->options_len));
		assert(fits);
	}
	return r->w.len;
}

static void put_soa(struct reply *r, const struct dns_zones *zones, const struct dns_zone *zone,
                    enum dns_section section)
{
	uint8_t rdata[640];
	/* RFC 2308 5: in a negative answer the TTL is the smaller one of SOA and MINIMUM. */
	uint32_t ttl = section == DNS_ANSWER ? DNS_SOA_TTL : DNS_NEGATIVE_TTL;

	dns_write_record(&r->w, section, &zone->name, DNS_SOA, DNS_IN, ttl,
	                 dns_zones_soa(zones, zone, rdata));
}

static bool put_addresses(struct reply *r, enum dns_section section, const struct dns_name *name,
                          const struct dns_nameserver *ns, bool v4, bool v6)
{
	bool any = false;

	for (size_t i = 0; i < ns->addresses_count; i++) {
		const struct dns_address *a = &ns->addresses[i];
		bool                      is_v4 = a->family == AF_INET;
		if (is_v4 ? !v4 : !v6)
			continue;
		dns_write_record(&r->w, section, name, is_v4 ? DNS_A : DNS_AAAA, DNS_IN, DNS_NS_TTL,
		                 str_of(a->bytes, is_v4 ? 4 : 16));
		any = true;
	}
	return any;
}

static void put_nameservers(struct reply *r, const struct dns_zones *zones,
                            const struct dns_zone *zone)
{
	struct dns_name  names[DNS_NAMESERVERS_MAX];
	size_t           count = dns_zones_nameservers(zones, zone, names, DNS_NAMESERVERS_MAX);
	struct dns_found found;

	for (size_t i = 0; i < count; i++)
		dns_write_record(&r->w, DNS_ANSWER, &zone->name, DNS_NS, DNS_IN, DNS_NS_TTL,
		                 str_of(names[i].wire, names[i].len));
	bool answered = !r->w.full;
	for (size_t i = 0; i < count && answered; i++) {
		dns_zones_find(zones, &names[i], &found);
		if (found.nameserver != NULL)
			put_addresses(r, DNS_ADDITIONAL, &names[i], found.nameserver, true, true);
	}
	if (answered)
		r->w.full = false; /* glue that does not fit is left out, RFC 2181 9 */
}

/* RFC 8482 4.2. */
static void put_hinfo(struct reply *r, const struct dns_name *name)
{
	static const char rdata[] = "\007RFC8482"; /* the final NUL is the empty second string */

	dns_write_record(&r->w, DNS_ANSWER, name, DNS_HINFO, DNS_IN, DNS_NS_TTL,
	                 str_of(rdata, sizeof(rdata)));
}

/* The records of this type at this name; false: there are none. */
static bool put_answer(struct reply *r, const struct dns_zones *zones,
                       const struct dns_found *found, const struct dns_question *q,
                       struct dns_noted *noted)
{
	switch (q->type) {
	case DNS_TXT:
		if (found->node == NULL)
			return false;
		for (unsigned i = 0; i < dns_node_values(found->node); i++) {
			char rdata[1 + DNS_VALUE_LEN] = { DNS_VALUE_LEN };
			memcpy(rdata + 1, dns_node_value(found->node, i), DNS_VALUE_LEN);
			dns_write_record(&r->w, DNS_ANSWER, &q->name, DNS_TXT, DNS_IN, DNS_TXT_TTL,
			                 str_of(rdata, sizeof(rdata)));
		}
		noted->node = found->node;
		noted->name = q->name;
		return true;
	case DNS_SOA:
		if (found->apex)
			put_soa(r, zones, found->zone, DNS_ANSWER);
		return found->apex;
	case DNS_NS:
		if (found->apex)
			put_nameservers(r, zones, found->zone);
		return found->apex;
	case DNS_A:
	case DNS_AAAA:
		return found->nameserver != NULL &&
		       put_addresses(r, DNS_ANSWER, &q->name, found->nameserver, q->type == DNS_A,
		                     q->type == DNS_AAAA);
	case DNS_ANY: put_hinfo(r, &q->name); return true;
	default: return false;
	}
}

static size_t answer_question(struct reply *r, const struct dns_zones *zones,
                              const struct dns_query *q, uint8_t *ret, struct dns_noted *noted)
{
	struct dns_found found;

	if (q->question.class != DNS_IN || q->question.type == DNS_AXFR ||
	    q->question.type == DNS_IXFR)
		return reply_end(r, 0, DNS_REFUSED);
	dns_zones_find(zones, &q->question.name, &found);
	if (found.zone == NULL)
		return reply_end(r, 0, DNS_REFUSED);
	if (!found.exists || !put_answer(r, zones, &found, &q->question, noted))
		put_soa(r, zones, found.zone, DNS_AUTHORITY);
	if (r->w.full) { /* only what is whole: the resolver comes back over TCP */
		noted->node = NULL;
		reply_begin(r, q, ret, r->limit);
		return reply_end(r, DNS_AA | DNS_TC, found.exists ? DNS_NOERROR : DNS_NXDOMAIN);
	}
	return reply_end(r, DNS_AA, found.exists ? DNS_NOERROR : DNS_NXDOMAIN);
}

static size_t size_limit(const struct dns_query *q, const struct dns_asked *asked, size_t max)
{
	size_t limit = 512;

	if (asked->tcp)
		limit = DNS_MESSAGE_MAX;
	else if (q->edns.present && q->edns.udp_size > 512)
		limit = q->edns.udp_size < DNS_EDNS_UDP ? q->edns.udp_size : DNS_EDNS_UDP;
	return limit < max ? limit : max;
}

size_t dns_answer(struct dns_answerer *with, const struct dns_zones *zones, struct str query,
                  const struct dns_asked *asked, uint8_t *ret, size_t max,
                  struct dns_noted *ret_noted)
{
	struct dns_query     q;
	struct reply         r;
	enum dns_query_state state = dns_query_parse(query, &q);
	enum dns_limited     limited = DNS_LIMIT_PASS;
	uint32_t             now_s = (uint32_t)(asked->now_ms / 1000);
	bool                 trusted = asked->tcp;

	assert(max >= 512);
	ret_noted->node = NULL;
	ret_noted->limited = false;
	r.edns = false;
	r.options_len = 0;
	if (state == DNS_QUERY_DROP)
		return 0;
	r.edns = q.edns.present;
	if (state == DNS_QUERY_OK && q.cookie.len > 0) {
		trusted |= dns_cookie_valid(with->cookie, q.cookie, &asked->client, now_s);
		memcpy(r.options, (const uint8_t[]){ 0, DNS_OPTION_COOKIE, 0, DNS_COOKIE_SIZE }, 4);
		dns_cookie_make(with->cookie, q.cookie, &asked->client, now_s, r.options + 4);
		r.options_len = OPT_COOKIE;
	}
	if (!trusted && with->limit != NULL &&
	    (with->limit_loopback || !dns_address_loopback(&asked->client)))
		limited = dns_limit_check(with->limit, &asked->client, asked->now_ms);
	ret_noted->limited = limited != DNS_LIMIT_PASS;
	if (limited == DNS_LIMIT_DROP || (limited == DNS_LIMIT_SLIP && state != DNS_QUERY_OK))
		return 0;

	reply_begin(&r, &q, ret, size_limit(&q, asked, max));
	switch (state) {
	case DNS_QUERY_NOTIMP: return reply_end(&r, 0, DNS_NOTIMP);
	case DNS_QUERY_FORMERR: return reply_end(&r, 0, DNS_FORMERR);
	case DNS_QUERY_BADVERS: return reply_end(&r, 0, DNS_BADVERS);
	case DNS_QUERY_OK:
		if (limited == DNS_LIMIT_SLIP)
			return reply_end(&r, DNS_TC, DNS_NOERROR);
		return answer_question(&r, zones, &q, ret, ret_noted);
	case DNS_QUERY_DROP: break;
	}
	return 0;
}
