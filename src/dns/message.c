/*
 * dns/message.c: the codec. One cursor reads everything; a pointer must point before the place
 * where the name (or the previous pointer's target) began, so every chain of pointers ends.
 * Writing compresses against the question name only: in our answers all other names are its
 * ancestors or appear once.
 */
#include "dns/message.h"

#include <assert.h>
#include <stdio.h>

struct cursor {
	const uint8_t *ptr;
	size_t         len, at;
	bool           failed;
};

static bool take(struct cursor *c, size_t n)
{
	if (c->failed || c->len - c->at < n) {
		c->failed = true;
		return false;
	}
	return true;
}

static uint16_t take_u16(struct cursor *c)
{
	if (!take(c, 2))
		return 0;
	uint16_t v = (uint16_t)(c->ptr[c->at] << 8 | c->ptr[c->at + 1]);
	c->at += 2;
	return v;
}

static uint32_t take_u32(struct cursor *c)
{
	uint32_t high = take_u16(c);

	return high << 16 | take_u16(c);
}

/* Reads a name at the cursor and moves behind it; pointers may reach anywhere before in the message. */
static bool take_name(struct cursor *c, struct dns_name *ret)
{
	size_t at = c->at, limit = c->at, len = 0;
	bool   jumped = false;

	if (c->failed)
		return false;
	for (;;) {
		if (at >= c->len)
			break;
		unsigned n = c->ptr[at];
		if (n < 64) {
			if (c->len - at < n + 1u || len + n + 1u > DNS_NAME_MAX)
				break;
			memcpy(ret->wire + len, c->ptr + at, n + 1u);
			len += n + 1u;
			at += n + 1u;
			if (n > 0)
				continue;
			ret->len = (uint8_t)len;
			if (!jumped)
				c->at = at;
			return true;
		}
		if (n < 192 || c->len - at < 2)
			break; /* 0x40 and 0x80 were never used */
		size_t target = (n & 63u) << 8 | c->ptr[at + 1];
		if (target >= limit || target < DNS_HEADER_SIZE)
			break;
		if (!jumped)
			c->at = at + 2;
		jumped = true;
		at = limit = target;
	}
	c->failed = true;
	ret->len = 0;
	return false;
}

/* ---- names ---- */

static bool name_add_label(struct dns_name *name, size_t *len, const uint8_t *label,
                           size_t label_len)
{
	if (label_len == 0 || label_len > 63 || *len + label_len + 2 > DNS_NAME_MAX)
		return false;
	name->wire[(*len)++] = (uint8_t)label_len;
	memcpy(name->wire + *len, label, label_len);
	*len += label_len;
	return true;
}

bool dns_name_parse(struct str text, struct dns_name *ret)
{
	struct dns_name name = { 0 };
	uint8_t         label[64];
	size_t          label_len = 0, len = 0;

	if (text.len == 0)
		return false;
	if (text.len == 1 && text.ptr[0] == '.') {
		*ret = (struct dns_name){ .len = 1 };
		return true;
	}
	for (size_t i = 0; i < text.len; i++) {
		unsigned c = (uint8_t)text.ptr[i];
		if (c == '.') {
			if (!name_add_label(&name, &len, label, label_len))
				return false;
			label_len = 0;
			continue;
		}
		if (c == '\\') {
			if (++i == text.len)
				return false;
			c = (uint8_t)text.ptr[i];
			if (c >= '0' && c <= '9') {
				if (text.len - i < 3)
					return false;
				c = 0;
				for (size_t end = i + 3; i < end; i++) {
					if (text.ptr[i] < '0' || text.ptr[i] > '9')
						return false;
					c = c * 10 + (unsigned)(text.ptr[i] - '0');
				}
				i--;
				if (c > 255)
					return false;
			}
		}
		if (label_len == 63)
			return false;
		label[label_len++] = (uint8_t)c;
	}
	if (label_len > 0 && !name_add_label(&name, &len, label, label_len))
		return false;
	name.len = (uint8_t)(len + 1); /* the root label is already 0 */
	*ret = name;
	return true;
}

void dns_name_text(const struct dns_name *name, char ret[static DNS_TEXT_SIZE])
{
	size_t at = 0, out = 0;

	while (at < name->len && name->wire[at] != 0) {
		size_t n = name->wire[at++];
		if (out > 0)
			ret[out++] = '.';
		for (; n > 0; n--, at++) {
			unsigned c = name->wire[at];
			if (c == '.' || c == '\\') {
				ret[out++] = '\\';
				ret[out++] = (char)c;
			} else if (c <= ' ' || c >= 127) {
				ret[out++] = '\\';
				ret[out++] = (char)('0' + c / 100);
				ret[out++] = (char)('0' + c / 10 % 10);
				ret[out++] = (char)('0' + c % 10);
			} else {
				ret[out++] = (char)c;
			}
		}
	}
	if (out == 0)
		ret[out++] = '.';
	ret[out] = '\0';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Length bytes are below 64, so lowering them changes nothing. */
static bool wire_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && wire_eq(a->wire, b->wire, a->len);
}

bool dns_name_in(const struct dns_name *name, const struct dns_name *zone)
{
	size_t at = 0;

	if (name->len < zone->len || zone->len == 0)
		return false;
	while (name->len - at > zone->len)
		at += name->wire[at] + 1u;
	return name->len - at == zone->len && wire_eq(name->wire + at, zone->wire, zone->len);
}

void dns_name_lower(struct dns_name *name)
{
	for (size_t i = 0; i < name->len; i++)
		name->wire[i] = lower(name->wire[i]);
}

unsigned dns_name_labels(const struct dns_name *name)
{
	unsigned count = 0;

	for (size_t at = 0; at < name->len && name->wire[at] != 0; at += name->wire[at] + 1u)
		count++;
	return count;
}

void dns_name_parent(const struct dns_name *name, struct dns_name *ret)
{
	size_t          cut = name->len > 1 ? name->wire[0] + 1u : 0;
	struct dns_name parent = { .len = (uint8_t)(name->len - cut) };

	memcpy(parent.wire, name->wire + cut, parent.len);
	*ret = parent;
}

/* ---- reading ---- */

static bool take_question(struct cursor *c, struct dns_question *ret)
{
	if (!take_name(c, &ret->name))
		return false;
	ret->type = take_u16(c);
	ret->class = take_u16(c);
	return !c->failed;
}

struct raw_record {
	struct dns_name name;
	uint16_t        type, class;
	uint32_t        ttl;
	size_t          rdata_at, rdata_len;
};

static bool take_record(struct cursor *c, struct raw_record *ret)
{
	if (!take_name(c, &ret->name))
		return false;
	ret->type = take_u16(c);
	ret->class = take_u16(c);
	ret->ttl = take_u32(c);
	ret->rdata_len = take_u16(c);
	if (!take(c, ret->rdata_len))
		return false;
	ret->rdata_at = c->at;
	c->at += ret->rdata_len;
	return true;
}

/* RFC 6891 6.1: owner is the root, the options fill the rdata exactly. */
static bool edns_read(const struct cursor *c, const struct raw_record *r, struct dns_edns *ret)
{
	struct cursor options = { c->ptr + r->rdata_at, r->rdata_len, 0, false };

	if (r->name.len != 1 || ret->present)
		return false;
	while (options.at < options.len) {
		(void)take_u16(&options);
		size_t n = take_u16(&options);
		if (!take(&options, n))
			return false;
		options.at += n;
	}
	*ret = (struct dns_edns){
		.present = true,
		.dnssec_ok = (r->ttl & 0x8000) != 0,
		.version = (uint8_t)(r->ttl >> 16),
		.udp_size = r->class,
		.options = str_of(options.ptr, options.len),
	};
	return true;
}

/* How many names open the rdata, after how many bytes; the rest is copied. */
struct rdata_shape {
	uint16_t type;
	uint8_t  skip, names;
};
static const struct rdata_shape rdata_shapes[] = {
	{ DNS_NS, 0, 1 }, { DNS_CNAME, 0, 1 }, { DNS_SOA, 0, 2 }, { DNS_PTR, 0, 1 },
	{ DNS_MX, 2, 1 }, { DNS_DNAME, 0, 1 }, { DNS_SRV, 6, 1 },
};

static bool rdata_read(struct arena *a, const struct cursor *c, const struct raw_record *r,
                       struct str *ret)
{
	struct cursor             in = { c->ptr, r->rdata_at + r->rdata_len, r->rdata_at, false };
	uint8_t                   out[6 + 2 * DNS_NAME_MAX];
	size_t                    len = 0;
	const struct rdata_shape *shape = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rdata_shapes); i++)
		if (rdata_shapes[i].type == r->type)
			shape = &rdata_shapes[i];
	/* RFC 2136 2.4, 2.5: a record that only names a set has no rdata. */
	if (shape == NULL || (r->rdata_len == 0 && (r->class == DNS_NONE || r->class == DNS_CLASS_ANY))) {
		*ret = arena_dup(a, str_of(c->ptr + r->rdata_at, r->rdata_len));
		return true;
	}
	if (!take(&in, shape->skip))
		return false;
	memcpy(out, in.ptr + in.at, shape->skip);
	len = shape->skip;
	in.at += shape->skip;
	for (unsigned i = 0; i < shape->names; i++) {
		struct dns_name name;
		if (!take_name(&in, &name))
			return false;
		memcpy(out + len, name.wire, name.len);
		len += name.len;
	}
	size_t rest = in.len - in.at;
	if (r->type == DNS_SOA ? rest != 20 : rest != 0)
		return false;
	char *copy = arena_alloc(a, len + rest + 1);
	memcpy(copy, out, len);
	memcpy(copy + len, in.ptr + in.at, rest);
	*ret = str_of(copy, len + rest);
	return true;
}

bool dns_message_parse(struct arena *a, struct str bytes, struct dns_message *ret)
{
	struct cursor      c = { (const uint8_t *)bytes.ptr, bytes.len, 0, false };
	struct dns_message m = { 0 };
	uint16_t           counts[4];

	if (bytes.len < DNS_HEADER_SIZE || bytes.len > DNS_MESSAGE_MAX)
		return false;
	m.id = take_u16(&c);
	m.flags = take_u16(&c);
	m.rcode = m.flags & 15;
	m.flags &= 0xfff0;
	for (unsigned i = 0; i < 4; i++)
		counts[i] = take_u16(&c);
	size_t total = (size_t)counts[1] + counts[2] + counts[3];
	/* A record takes at least 11 bytes: the count cannot make us allocate more than was sent. */
	if (counts[0] > 1 || total > DNS_RECORDS_MAX || total > bytes.len / 11)
		return false;
	if (counts[0] == 1) {
		if (!take_question(&c, &m.question))
			return false;
		m.has_question = true;
	}
	m.records = arena_alloc_array(a, total + 1, sizeof(*m.records));
	for (unsigned section = 0; section < 3; section++) {
		for (unsigned i = 0; i < counts[section + 1]; i++) {
			struct raw_record  raw;
			struct dns_record *r = &m.records[m.records_count];

			if (!take_record(&c, &raw))
				return false;
			if (raw.type == DNS_OPT) {
				if (section != DNS_ADDITIONAL || !edns_read(&c, &raw, &m.edns))
					return false;
				m.rcode |= (uint16_t)((raw.ttl >> 24) << 4);
				m.edns.options = arena_dup(a, m.edns.options);
				continue;
			}
			*r = (struct dns_record){ .section = section,
				                  .name = raw.name,
				                  .type = raw.type,
				                  .class = raw.class,
				                  .ttl = raw.ttl };
			if (!rdata_read(a, &c, &raw, &r->rdata))
				return false;
			m.records_count++;
		}
	}
	if (c.failed || c.at != c.len)
		return false;
	*ret = m;
	return true;
}

bool dns_message_tail(struct str bytes, size_t *ret_at)
{
	struct cursor       c = { (const uint8_t *)bytes.ptr, bytes.len, 4, false };
	struct dns_question question;
	struct raw_record   record;
	unsigned            questions, records = 0;
	size_t              at = 0;

	if (bytes.len < DNS_HEADER_SIZE || bytes.len > DNS_MESSAGE_MAX)
		return false;
	questions = take_u16(&c);
	for (unsigned i = 0; i < 3; i++)
		records += take_u16(&c);
	for (unsigned i = 0; i < questions; i++)
		if (!take_question(&c, &question))
			return false;
	for (unsigned i = 0; i < records; i++) {
		at = c.at;
		if (!take_record(&c, &record))
			return false;
	}
	if (at == 0 || c.at != c.len)
		return false;
	*ret_at = at;
	return true;
}

static bool cookie_find(struct str options, struct str *ret)
{
	struct cursor c = { (const uint8_t *)options.ptr, options.len, 0, false };

	while (c.at < c.len) {
		unsigned code = take_u16(&c);
		size_t   n = take_u16(&c);
		assert(!c.failed && c.len - c.at >= n); /* edns_read looked */
		if (code == DNS_OPTION_COOKIE) {
			if (n != 8 && (n < 16 || n > 40))
				return false; /* RFC 7873 5.2.2 */
			if (ret->len == 0)    /* the first counts, RFC 7873 5.2 */
				*ret = str_of(c.ptr + c.at, n);
		}
		c.at += n;
	}
	return true;
}

enum dns_query_state dns_query_parse(struct str bytes, struct dns_query *ret)
{
	struct cursor c = { (const uint8_t *)bytes.ptr, bytes.len, 0, false };
	uint16_t      counts[4];

	*ret = (struct dns_query){ 0 };
	if (bytes.len < DNS_HEADER_SIZE || bytes.len > DNS_MESSAGE_MAX)
		return DNS_QUERY_DROP;
	ret->id = take_u16(&c);
	ret->flags = take_u16(&c);
	for (unsigned i = 0; i < 4; i++)
		counts[i] = take_u16(&c);
	if ((ret->flags & DNS_QR) != 0)
		return DNS_QUERY_DROP;
	if ((ret->flags & 0x7800) != 0)
		return DNS_QUERY_NOTIMP;
	/* RFC 9619: a query has exactly one question. No real query has more than a few records (OPT, TSIG). */
	if (counts[0] != 1 || (size_t)counts[1] + counts[2] + counts[3] > 8)
		return DNS_QUERY_FORMERR;
	if (!take_question(&c, &ret->question))
		return DNS_QUERY_FORMERR;
	ret->has_question = true;
	for (unsigned section = 1; section < 4; section++) {
		for (unsigned i = 0; i < counts[section]; i++) {
			struct raw_record raw;
			if (!take_record(&c, &raw))
				return DNS_QUERY_FORMERR;
			if (raw.type == DNS_OPT &&
			    (section != 3 || !edns_read(&c, &raw, &ret->edns)))
				return DNS_QUERY_FORMERR;
		}
	}
	if (c.at != c.len)
		return DNS_QUERY_FORMERR;
	if (ret->edns.present && ret->edns.version != 0)
		return DNS_QUERY_BADVERS;
	if (!cookie_find(ret->edns.options, &ret->cookie))
		return DNS_QUERY_FORMERR;
	return DNS_QUERY_OK;
}

/* ---- writing ---- */

static void put(struct dns_writer *w, const void *bytes, size_t n)
{
	if (w->full || w->max - w->len < n) {
		w->full = true;
		return;
	}
	if (n > 0)
		memcpy(w->ptr + w->len, bytes, n);
	w->len += n;
}

static void put_u16(struct dns_writer *w, unsigned v)
{
	put(w, (const uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void count_up(struct dns_writer *w, unsigned index)
{
	uint8_t *at = w->ptr + 4 + 2 * index;
	unsigned count = ((unsigned)at[0] << 8 | at[1]) + 1;

	at[0] = (uint8_t)(count >> 8);
	at[1] = (uint8_t)count;
}

/* Labels until the rest equals a suffix of the question name, then a pointer into it. */
static void put_name(struct dns_writer *w, const struct dns_name *name)
{
	const struct dns_name *q = &w->question;
	size_t                 at = 0;

	while (name->wire[at] != 0) {
		size_t rest = name->len - at, in_question = 0;
		while (q->len != 0 && q->len - in_question > rest)
			in_question += q->wire[in_question] + 1u;
		if (q->len - in_question == rest &&
		    wire_eq(name->wire + at, q->wire + in_question, rest)) {
			put(w, name->wire, at);
			put_u16(w, 0xc000u | (unsigned)(DNS_HEADER_SIZE + in_question));
			return;
		}
		at += name->wire[at] + 1u;
	}
	put(w, name->wire, name->len);
}

void dns_write_begin(struct dns_writer *w, uint8_t *ptr, size_t max, uint16_t id, uint16_t flags)
{
	assert(max >= DNS_HEADER_SIZE);
	w->ptr = ptr;
	w->len = 0;
	w->max = max < DNS_MESSAGE_MAX ? max : DNS_MESSAGE_MAX;
	w->full = false;
	w->question.len = 0;
	put_u16(w, id);
	put_u16(w, flags);
	put(w, (const uint8_t[8]){ 0 }, 8);
}

void dns_write_question(struct dns_writer *w, const struct dns_question *q)
{
	put(w, q->name.wire, q->name.len);
	put_u16(w, q->type);
	put_u16(w, q->class);
	if (w->full)
		return;
	count_up(w, 0);
	w->question.len = q->name.len;
	memcpy(w->question.wire, q->name.wire, q->name.len);
}

bool dns_write_record(struct dns_writer *w, enum dns_section section, const struct dns_name *name,
                      uint16_t type, uint16_t class, uint32_t ttl, struct str rdata)
{
	size_t start = w->len;

	assert(rdata.len <= UINT16_MAX);
	put_name(w, name);
	put_u16(w, type);
	put_u16(w, class);
	put_u16(w, ttl >> 16);
	put_u16(w, ttl & 0xffff);
	put_u16(w, (unsigned)rdata.len);
	put(w, rdata.ptr, rdata.len);
	if (w->full) {
		w->len = start;
		return false;
	}
	count_up(w, (unsigned)section + 1);
	return true;
}

bool dns_write_opt(struct dns_writer *w, uint16_t udp_size, uint16_t rcode, bool dnssec_ok,
                   struct str options)
{
	static const struct dns_name root = { .len = 1 };
	uint32_t                     ttl = (uint32_t)(rcode >> 4) << 24 | (dnssec_ok ? 0x8000u : 0);

	return dns_write_record(w, DNS_ADDITIONAL, &root, DNS_OPT, udp_size, ttl, options);
}

void dns_write_flags(struct dns_writer *w, uint16_t set, uint16_t rcode)
{
	w->ptr[2] |= (uint8_t)(set >> 8);
	w->ptr[3] = (uint8_t)((w->ptr[3] & 0xf0) | (set & 0xf0) | (rcode & 15));
}

bool dns_message_write(const struct dns_message *m, uint8_t *ptr, size_t max, size_t *ret_len)
{
	struct dns_writer w;

	if (max < DNS_HEADER_SIZE)
		return false;
	dns_write_begin(&w, ptr, max, m->id, (uint16_t)(m->flags & 0xfff0) | (m->rcode & 15));
	if (m->has_question)
		dns_write_question(&w, &m->question);
	for (size_t i = 0; i < m->records_count; i++) {
		const struct dns_record *r = &m->records[i];
		if (!dns_write_record(&w, r->section, &r->name, r->type, r->class, r->ttl,
		                      r->rdata))
			return false;
	}
	if (m->edns.present) {
		static const struct dns_name root = { .len = 1 };
		uint32_t ttl = (uint32_t)(m->rcode >> 4) << 24 | (uint32_t)m->edns.version << 16 |
		               (m->edns.dnssec_ok ? 0x8000u : 0);
		dns_write_record(&w, DNS_ADDITIONAL, &root, DNS_OPT, m->edns.udp_size, ttl,
		                 m->edns.options);
	}
	if (w.full)
		return false;
	*ret_len = w.len;
	return true;
}

/* ---- rdata and words ---- */

bool dns_txt_parse(struct arena *a, struct str rdata, struct str *ret)
{
	char  *text = arena_alloc(a, rdata.len + 1);
	size_t len = 0, at = 0;

	if (rdata.len == 0)
		return false;
	while (at < rdata.len) {
		size_t n = (uint8_t)rdata.ptr[at++];
		if (rdata.len - at < n)
			return false;
		memcpy(text + len, rdata.ptr + at, n);
		len += n;
		at += n;
	}
	*ret = str_of(text, len);
	return true;
}

bool dns_message_has_txt(struct arena *a, const struct dns_message *m, const struct dns_name *name, struct str value)
{
	for (size_t i = 0; i < m->records_count; i++) {
		const struct dns_record *r = &m->records[i];
		struct str               text;

		if (r->section == DNS_ANSWER && r->type == DNS_TXT && dns_name_eq(&r->name, name) && dns_txt_parse(a, r->rdata, &text) &&
		    str_eq(text, value))
			return true;
	}
	return false;
}

struct str dns_txt_rdata(struct arena *a, struct str value)
{
	char  *out = arena_alloc(a, value.len + value.len / 255 + 2);
	size_t len = 0, at = 0;

	do {
		size_t n = value.len - at < 255 ? value.len - at : 255;
		out[len++] = (char)n;
		if (n > 0)
			memcpy(out + len, value.ptr + at, n);
		len += n;
		at += n;
	} while (at < value.len);
	return str_of(out, len);
}

bool dns_rdata_name(struct str rdata, struct dns_name *ret)
{
	size_t at = 0;

	if (rdata.len == 0 || rdata.len > DNS_NAME_MAX)
		return false;
	for (;;) {
		size_t n = (uint8_t)rdata.ptr[at];
		if (n > 63 || rdata.len - at < n + 1)
			return false;
		at += n + 1;
		if (n == 0)
			break;
		if (at == rdata.len)
			return false;
	}
	if (at != rdata.len)
		return false;
	ret->len = (uint8_t)rdata.len;
	memcpy(ret->wire, rdata.ptr, rdata.len);
	return true;
}

struct word {
	uint16_t    number;
	const char *text;
};
static const struct word types[] = {
	{ DNS_A, "A" },       { DNS_NS, "NS" },       { DNS_CNAME, "CNAME" }, { DNS_SOA, "SOA" },
	{ DNS_PTR, "PTR" },   { DNS_HINFO, "HINFO" }, { DNS_MX, "MX" },       { DNS_TXT, "TXT" },
	{ DNS_AAAA, "AAAA" }, { DNS_SRV, "SRV" },     { DNS_DNAME, "DNAME" }, { DNS_OPT, "OPT" },
	{ DNS_DS, "DS" },     { DNS_IXFR, "IXFR" },   { DNS_AXFR, "AXFR" },   { DNS_ANY, "ANY" },
	{ DNS_CAA, "CAA" },     { DNS_TSIG, "TSIG" },
};
static const struct word rcodes[] = {
	{ DNS_NOERROR, "NOERROR" },
	{ DNS_FORMERR, "FORMERR" },
	{ DNS_SERVFAIL, "SERVFAIL" },
	{ DNS_NXDOMAIN, "NXDOMAIN" },
	{ DNS_NOTIMP, "NOTIMP" },
	{ DNS_REFUSED, "REFUSED" },
	{ 6, "YXDOMAIN" },
	{ DNS_YXRRSET, "YXRRSET" },
	{ DNS_NXRRSET, "NXRRSET" },
	{ DNS_NOTAUTH, "NOTAUTH" },
	{ DNS_NOTZONE, "NOTZONE" },
	{ DNS_BADVERS, "BADVERS" },
	{ DNS_BADCOOKIE, "BADCOOKIE" },
};

static const char *word_text(const struct word *words, size_t count, uint16_t number,
                             const char *otherwise, char ret[static 16])
{
	for (size_t i = 0; i < count; i++)
		if (words[i].number == number) {
			snprintf(ret, 16, "%s", words[i].text);
			return ret;
		}
	snprintf(ret, 16, "%s%u", otherwise, (unsigned)number);
	return ret;
}

const char *dns_type_text(uint16_t type, char ret[static 16])
{
	return word_text(types, ARRAY_LEN(types), type, "TYPE", ret);
}

const char *dns_rcode_text(uint16_t rcode, char ret[static 16])
{
	return word_text(rcodes, ARRAY_LEN(rcodes), rcode, "RCODE", ret);
}

bool dns_type_parse(struct str text, uint16_t *ret)
{
	uint64_t number;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq_nocase(text, str_c(types[i].text))) {
			*ret = types[i].number;
			return true;
		}
	if (text.len <= 4 || !str_eq_nocase(str_of(text.ptr, 4), STR("TYPE")) ||
	    !str_to_u64(str_of(text.ptr + 4, text.len - 4), &number) || number > UINT16_MAX)
		return false;
	*ret = (uint16_t)number;
	return true;
}
