/*
 * dns/protocol.c: the values of the protocol as bytes and back. The resolver's answers come from a
 * process that parsed what strangers sent: every count is bounded before anything is made.
 */
#include "dns/protocol.h"

#include <stdio.h>

static const char *const outcome_names[] = {
	[DNS_PRESENT] = "present",
	[DNS_ABSENT] = "absent",
	[DNS_UNKNOWN] = "unknown",
};

const char *dns_outcome_name(enum dns_outcome outcome)
{
	return outcome_names[outcome];
}

void dns_seen_write(struct buf *b, const struct dns_seen *seen)
{
	wire_put_c(b, seen->owner);
	wire_put_c(b, seen->network);
	wire_put_u32(b, seen->values);
}

bool dns_seen_read(struct str body, struct dns_seen *ret, struct err *err)
{
	struct wire w = wire_of(body);
	struct str  owner = wire_get_str(&w), network = wire_get_str(&w);
	uint32_t    values = wire_get_u32(&w);

	if (!wire_done(&w, err))
		return false;
	if (owner.len >= sizeof(ret->owner) || network.len >= sizeof(ret->network) ||
	    str_has_nul(owner) || str_has_nul(network))
		return err_set(err, ERR_INPUT, "a SEEN frame with too long names");
	snprintf(ret->owner, sizeof(ret->owner), "%.*s", STR_ARG(owner));
	snprintf(ret->network, sizeof(ret->network), "%.*s", STR_ARG(network));
	ret->values = values;
	return true;
}

static enum dns_outcome get_outcome(struct wire *w)
{
	uint8_t v = wire_get_u8(w);

	if (v > DNS_UNKNOWN) {
		w->failed = true;
		return DNS_UNKNOWN;
	}
	return (enum dns_outcome)v;
}

/* A count of things that take at least four bytes each. */
static size_t get_count(struct wire *w, size_t max)
{
	uint32_t n = wire_get_u32(w);

	if (n > max || n > w->left / 4) {
		w->failed = true;
		return 0;
	}
	return n;
}

static void put_texts(struct buf *b, const char *const *texts, size_t count)
{
	wire_put_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		wire_put_c(b, texts[i]);
}

static const char **get_texts(struct wire *w, struct arena *a, size_t max, size_t *ret_count)
{
	size_t       count = get_count(w, max);
	const char **texts = arena_alloc_array(a, count + 1, sizeof(*texts));

	for (size_t i = 0; i < count; i++)
		texts[i] = wire_get_c(w, a);
	*ret_count = count;
	return texts;
}

void dns_chain_write(struct buf *b, const struct dns_chain *c)
{
	wire_put_u8(b, (uint8_t)c->outcome);
	put_texts(b, (const char *const *)c->hops, c->hops_count);
	wire_put_c(b, c->final);
	wire_put_bool(b, c->matches_expected);
	wire_put_bool(b, c->txt_at_first);
	wire_put_bool(b, c->nxdomain);
	wire_put_bool(b, c->loop);
	wire_put_bool(b, c->too_long);
	wire_put_bool(b, c->secure);
	wire_put_u32(b, c->rcode);
	wire_put_c(b, c->detail);
}

bool dns_chain_read(struct arena *a, struct str body, struct dns_chain *ret, struct err *err)
{
	struct wire      w = wire_of(body);
	struct dns_chain c = { .outcome = get_outcome(&w) };

	c.hops = get_texts(&w, a, DNS_CHAIN_MAX + 1, &c.hops_count);
	c.final = wire_get_c(&w, a);
	c.matches_expected = wire_get_bool(&w);
	c.txt_at_first = wire_get_bool(&w);
	c.nxdomain = wire_get_bool(&w);
	c.loop = wire_get_bool(&w);
	c.too_long = wire_get_bool(&w);
	c.secure = wire_get_bool(&w);
	c.rcode = (uint16_t)wire_get_u32(&w);
	c.detail = wire_get_c(&w, a);
	if (!wire_done(&w, err))
		return err_in(err, "answer of the resolver");
	*ret = c;
	return true;
}

void dns_result_write(struct buf *b, const struct dns_result *r)
{
	wire_put_u8(b, (uint8_t)r->outcome);
	wire_put_u32(b, r->rcode);
	wire_put_bool(b, r->secure);
	wire_put_bool(b, r->bogus);
	wire_put_c(b, r->canonical);
	wire_put_u32(b, (uint32_t)r->rdata_count);
	for (size_t i = 0; i < r->rdata_count; i++)
		wire_put_str(b, r->rdata[i]);
	wire_put_c(b, r->detail);
}

bool dns_result_read(struct arena *a, struct str body, struct dns_result *ret, struct err *err)
{
	struct wire       w = wire_of(body);
	struct dns_result r = { .outcome = get_outcome(&w) };

	r.rcode = (uint16_t)wire_get_u32(&w);
	r.secure = wire_get_bool(&w);
	r.bogus = wire_get_bool(&w);
	r.canonical = wire_get_c(&w, a);
	r.rdata_count = get_count(&w, DNS_RDATA_MAX);
	r.rdata = arena_alloc_array(a, r.rdata_count + 1, sizeof(*r.rdata));
	for (size_t i = 0; i < r.rdata_count; i++)
		r.rdata[i] = arena_dup(a, wire_get_str(&w));
	r.detail = wire_get_c(&w, a);
	if (!wire_done(&w, err))
		return err_in(err, "answer of the resolver");
	*ret = r;
	return true;
}

void dns_auth_write(struct buf *b, const struct dns_auth *r)
{
	wire_put_c(b, r->zone);
	wire_put_u32(b, (uint32_t)r->servers_count);
	for (size_t i = 0; i < r->servers_count; i++) {
		const struct dns_auth_server *s = &r->servers[i];
		wire_put_c(b, s->name);
		wire_put_c(b, s->address);
		wire_put_bool(b, s->answered);
		wire_put_bool(b, s->authoritative);
		wire_put_u32(b, s->rcode);
		wire_put_u32(b, s->took_ms);
		put_texts(b, (const char *const *)s->values, s->values_count);
		wire_put_c(b, s->detail);
	}
	wire_put_u32(b, (uint32_t)r->left_out);
	wire_put_c(b, r->detail);
}

bool dns_auth_read(struct arena *a, struct str body, struct dns_auth *ret, struct err *err)
{
	struct wire     w = wire_of(body);
	struct dns_auth r = { .zone = wire_get_c(&w, a) };

	r.servers_count = get_count(&w, DNS_AUTH_MAX);
	r.servers = arena_alloc_array(a, r.servers_count + 1, sizeof(*r.servers));
	for (size_t i = 0; i < r.servers_count; i++) {
		struct dns_auth_server *s = &r.servers[i];
		s->name = wire_get_c(&w, a);
		s->address = wire_get_c(&w, a);
		s->answered = wire_get_bool(&w);
		s->authoritative = wire_get_bool(&w);
		s->rcode = (uint16_t)wire_get_u32(&w);
		s->took_ms = wire_get_u32(&w);
		s->values = get_texts(&w, a, DNS_RDATA_MAX, &s->values_count);
		s->detail = wire_get_c(&w, a);
	}
	r.left_out = wire_get_u32(&w);
	r.detail = wire_get_c(&w, a);
	if (!wire_done(&w, err))
		return err_in(err, "answer of the resolver");
	*ret = r;
	return true;
}
