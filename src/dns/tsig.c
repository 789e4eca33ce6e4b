/*
 * dns/tsig.c: the record at the end of a message, and the digest over what is before it. The digest of a request is over
 * the message and the variables of the record; that of an answer begins with the request's MAC.
 */
#include "dns/tsig.h"

#include "base/buf.h"
#include "crypto/secret.h"

#define DIGEST_MAX (DNS_MESSAGE_MAX + 2 * KIB)

static const struct {
	const char *name;
	size_t      size;
} algorithms[HMAC__COUNT] = {
	[HMAC_SHA1] = { "hmac-sha1", 20 },     [HMAC_SHA224] = { "hmac-sha224", 28 }, [HMAC_SHA256] = { "hmac-sha256", 32 },
	[HMAC_SHA384] = { "hmac-sha384", 48 }, [HMAC_SHA512] = { "hmac-sha512", 64 },
};

/* The parts of the rdata. */
struct record {
	struct dns_name algorithm;
	uint64_t        time_s;
	uint16_t        fudge, id, error;
	struct str      mac, other;
};

bool tsig_algorithm_find(struct str text, enum hmac_digest *ret)
{
	if (text.len > 0 && text.ptr[text.len - 1] == '.')
		text.len--;
	for (size_t i = 0; i < HMAC__COUNT; i++) {
		struct str name = str_c(algorithms[i].name);

		if (!str_eq_nocase(text, name) && !str_eq_nocase(text, str_of(name.ptr + 5, name.len - 5)))
			continue;
		*ret = (enum hmac_digest)i;
		return true;
	}
	return false;
}

static void algorithm_name(enum hmac_digest algorithm, struct dns_name *ret)
{
	(void)!dns_name_parse(str_c(algorithms[algorithm].name), ret); /* the names of the table are names */
}

/* ---- bytes ---- */

static void add_u16(struct buf *b, unsigned v)
{
	buf_add_char(b, (char)(v >> 8));
	buf_add_char(b, (char)v);
}

static void add_time(struct buf *b, uint64_t time_s)
{
	for (int shift = 40; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(time_s >> shift));
}

static void add_sized(struct buf *b, struct str bytes)
{
	add_u16(b, (unsigned)bytes.len);
	buf_add(b, bytes.ptr, bytes.len);
}

static void add_lower(struct buf *b, struct dns_name name)
{
	dns_name_lower(&name);
	buf_add(b, name.wire, name.len);
}

/* RFC 8945 4.3.3 */
static void add_variables(struct buf *b, const struct tsig_key *key, const struct record *r)
{
	add_lower(b, key->name);
	add_u16(b, DNS_CLASS_ANY);
	add_u16(b, 0);
	add_u16(b, 0);
	add_lower(b, r->algorithm);
	add_time(b, r->time_s);
	add_u16(b, r->fudge);
	add_u16(b, r->error);
	add_sized(b, r->other);
}

static void record_rdata(struct buf *b, const struct record *r)
{
	buf_add(b, r->algorithm.wire, r->algorithm.len);
	add_time(b, r->time_s);
	add_u16(b, r->fudge);
	add_sized(b, r->mac);
	add_u16(b, r->id);
	add_u16(b, r->error);
	add_sized(b, r->other);
}

static uint64_t number(struct str *rest, size_t bytes, bool *ok)
{
	uint64_t v = 0;

	if (rest->len < bytes) {
		*ok = false;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | (uint8_t)rest->ptr[i];
	*rest = str_of(rest->ptr + bytes, rest->len - bytes);
	return v;
}

static struct str sized(struct str *rest, bool *ok)
{
	size_t     len = (size_t)number(rest, 2, ok);
	struct str ret;

	if (!*ok || rest->len < len) {
		*ok = false;
		return STR("");
	}
	ret = str_of(rest->ptr, len);
	*rest = str_of(rest->ptr + len, rest->len - len);
	return ret;
}

static bool record_read(struct str rdata, struct record *ret)
{
	size_t len = 0;
	bool   ok = true;

	while (len < rdata.len && rdata.ptr[len] != 0)
		len += (uint8_t)rdata.ptr[len] + 1u;
	if (len >= rdata.len || !dns_rdata_name(str_of(rdata.ptr, len + 1), &ret->algorithm))
		return false;
	rdata = str_of(rdata.ptr + len + 1, rdata.len - len - 1);
	ret->time_s = number(&rdata, 6, &ok);
	ret->fudge = (uint16_t)number(&rdata, 2, &ok);
	ret->mac = sized(&rdata, &ok);
	ret->id = (uint16_t)number(&rdata, 2, &ok);
	ret->error = (uint16_t)number(&rdata, 2, &ok);
	ret->other = sized(&rdata, &ok);
	return ok && rdata.len == 0;
}

/* ---- the request ---- */

bool tsig_sign(uint8_t *message, size_t *len, size_t max, const struct tsig_key *key, int64_t now_s, struct tsig_mac *ret)
{
	struct record     r = { .time_s = (uint64_t)now_s, .fudge = TSIG_FUDGE_S, .id = (uint16_t)(message[0] << 8 | message[1]) };
	struct dns_writer w = { .ptr = message, .len = *len, .max = max };
	struct buf        b;
	bool              fits;

	algorithm_name(key->algorithm, &r.algorithm);
	buf_init(&b, DIGEST_MAX);
	buf_add(&b, message, *len);
	add_variables(&b, key, &r);
	ret->len = hmac(key->algorithm, key->secret, buf_str(&b), ret->bytes);
	r.mac = str_of(ret->bytes, ret->len);
	buf_reset(&b);
	record_rdata(&b, &r);
	/* The writer knows no question, so the name is not compressed. */
	fits = dns_write_record(&w, DNS_ADDITIONAL, &key->name, DNS_TSIG, DNS_CLASS_ANY, 0, buf_str(&b));
	*len = w.len;
	buf_clear(&b);
	return fits;
}

/* ---- the answer ---- */

static bool mac_good(struct str bytes, size_t at, const struct tsig_key *key, const struct record *r, const struct tsig_mac *request)
{
	uint8_t    head[DNS_HEADER_SIZE], mac[HMAC_SIZE_MAX];
	unsigned   count = ((unsigned)(uint8_t)bytes.ptr[10] << 8 | (uint8_t)bytes.ptr[11]) - 1;
	struct buf b;
	size_t     len;

	memcpy(head, bytes.ptr, sizeof(head));
	head[0] = (uint8_t)(r->id >> 8);
	head[1] = (uint8_t)r->id;
	head[10] = (uint8_t)(count >> 8);
	head[11] = (uint8_t)count;
	buf_init(&b, DIGEST_MAX);
	add_sized(&b, str_of(request->bytes, request->len));
	buf_add(&b, head, sizeof(head));
	buf_add(&b, bytes.ptr + sizeof(head), at - sizeof(head));
	add_variables(&b, key, r);
	len = hmac(key->algorithm, key->secret, buf_str(&b), mac);
	buf_clear(&b);
	return r->mac.len == len && ct_equal(r->mac.ptr, mac, len);
}

static int64_t time_of(struct str other)
{
	bool ok = true;

	return other.len == 6 ? (int64_t)number(&other, 6, &ok) : 0;
}

void tsig_check(struct arena *a, struct str bytes, const struct tsig_key *key, const struct tsig_mac *request, int64_t now_s,
                struct tsig_check *ret)
{
	const struct dns_record *last;
	struct dns_message       m;
	struct dns_name          algorithm;
	struct record            r;
	size_t                   at;

	*ret = (struct tsig_check){ .state = TSIG_BAD };
	if (!dns_message_parse(a, bytes, &m))
		return;
	last = m.records_count > 0 ? &m.records[m.records_count - 1] : NULL;
	if (last == NULL || last->type != DNS_TSIG || last->section != DNS_ADDITIONAL || !dns_message_tail(bytes, &at)) {
		ret->state = TSIG_NONE;
		return;
	}
	if (last->class != DNS_CLASS_ANY || last->ttl != 0 || !record_read(last->rdata, &r))
		return;
	/* An OPT record behind it would have been taken out of the list. */
	if (!str_eq(str_of(bytes.ptr + bytes.len - last->rdata.len, last->rdata.len), last->rdata))
		return;
	if (r.error != 0) {
		ret->state = TSIG_ERROR;
		ret->error = r.error;
		ret->their_time_s = r.error == TSIG_BADTIME ? time_of(r.other) : 0;
		return;
	}
	algorithm_name(key->algorithm, &algorithm);
	if (!dns_name_eq(&last->name, &key->name) || !dns_name_eq(&r.algorithm, &algorithm) ||
	    !mac_good(bytes, at, key, &r, request))
		return;
	if (now_s - (int64_t)r.time_s <= r.fudge && (int64_t)r.time_s - now_s <= r.fudge)
		ret->state = TSIG_GOOD;
}
