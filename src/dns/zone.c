/*
 * dns/zone.c: snapshots of the live TXT set. A hash table of 4096 buckets: a successor copies the
 * table of pointers (32 KiB) and replaces only the buckets and nodes a change touches, so a change
 * costs the same with ten values and with a hundred thousand. What it replaces is listed in the
 * old snapshot and freed with it.
 *
 * A node is a name that exists because of TXT values: it has some, had some (`kept`), or is an
 * empty non-terminal above one that does (`below` > 0).
 */
#include "dns/zone.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/rand.h"

#define BUCKETS  4096u
#define KEPT_MAX 4096u /* named owners without a value that are remembered */

_Static_assert(DNS_VALUES_MAX <= UINT8_MAX, "values_count");

struct dns_node {
	_Atomic uint32_t counted;
	uint32_t         hash, below;
	uint64_t         version;
	bool             kept;
	uint8_t          values_count, name_len;
	uint8_t          bytes[]; /* name in lower case, then values */
};

struct bucket {
	size_t           count;
	struct dns_node *nodes[];
};

/* A name that exists by configuration. */
struct fixed {
	struct dns_name              name;
	const struct dns_nameserver *nameserver; /* NULL: an empty non-terminal above one */
};

/* What all snapshots of one line share. */
struct shared {
	_Atomic unsigned users;
	_Atomic uint64_t versions; /* of nodes; never the same twice, in no line of snapshots */
	struct dns_zones_config config;
	struct dns_zone         zones[DNS_ZONES_MAX];
	struct dns_name         nameservers[DNS_NAMESERVERS_MAX];
	struct fixed            fixed[DNS_NAMESERVERS_MAX * 8 + DNS_ZONES_MAX];
	size_t                  fixed_count;
	uint64_t                seed;
};

struct dns_zones {
	struct shared *shared;
	uint64_t       sequence;
	size_t         values_count, kept_count;
	bool           superseded;
	void         **retired; /* used by this snapshot but not by its successor */
	size_t         retired_count, retired_max;
	struct bucket *buckets[BUCKETS];
};

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* ---- addresses ---- */

bool dns_address_parse(struct str text, struct dns_address *ret, struct err *err)
{
	struct dns_address address = { 0 };
	char               host[64];
	size_t             at = str_index(text, '@');
	uint64_t           port = 0;

	if (at < text.len && (!str_to_u64(str_of(text.ptr + at + 1, text.len - at - 1), &port) ||
	                      port < 1 || port > 65535))
		return err_set(err, ERR_INPUT, "the port behind '@' in \"%.*s\" is not 1..65535",
		               STR_ARG(text));
	address.port = (uint16_t)port;
	if (at > 0 && at < sizeof(host) && !str_has_nul(str_of(text.ptr, at))) {
		memcpy(host, text.ptr, at);
		host[at] = '\0';
		if (inet_pton(AF_INET, host, address.bytes) == 1)
			address.family = AF_INET;
		else if (inet_pton(AF_INET6, host, address.bytes) == 1)
			address.family = AF_INET6;
	}
	if (address.family == 0)
		return err_set(err, ERR_INPUT, "\"%.*s\" is not an IPv4 or IPv6 address",
		               STR_ARG(text));
	*ret = address;
	return true;
}

const char *dns_address_text(const struct dns_address *address, char ret[static 80])
{
	char host[INET6_ADDRSTRLEN] = "?";

	inet_ntop(address->family, address->bytes, host, sizeof(host));
	if (address->port == 0 || address->port == 53)
		snprintf(ret, 80, "%s", host);
	else
		snprintf(ret, 80, "%s port %u", host, address->port);
	return ret;
}

/* ---- configuration ---- */

static bool hostmaster_rname(const char *text, const struct dns_name *zone, struct dns_name *ret)
{
	char   name[2 * NAME_SIZE + 16], zone_text[DNS_TEXT_SIZE];
	size_t at = str_index(str_c(text), '@'), out = 0;

	if (text[0] == '\0') {
		dns_name_text(zone, zone_text);
		return (size_t)snprintf(name, sizeof(name), "hostmaster.%s", zone_text) <
		               sizeof(name) &&
		       dns_name_parse(str_c(name), ret);
	}
	if (text[at] == '\0')
		return dns_name_parse(str_c(text), ret);
	/* RFC 1035 8: the part before '@' is one label, its dots are escaped. */
	for (size_t i = 0; text[i] != '\0'; i++) {
		if (i < at && text[i] == '.')
			name[out++] = '\\';
		name[out++] = i == at ? '.' : text[i];
	}
	return dns_name_parse(str_of(name, out), ret);
}

static bool fixed_add(struct shared *s, const struct dns_name *name,
                      const struct dns_nameserver *ns)
{
	for (size_t i = 0; i < s->fixed_count; i++)
		if (dns_name_eq(&s->fixed[i].name, name)) {
			if (ns != NULL)
				s->fixed[i].nameserver = ns;
			return true;
		}
	if (s->fixed_count == ARRAY_LEN(s->fixed))
		return false;
	s->fixed[s->fixed_count++] = (struct fixed){ *name, ns };
	return true;
}

/* The zone with the longest name that holds this one. */
static const struct dns_zone *zone_find(const struct shared *s, const struct dns_name *name)
{
	const struct dns_zone *best = NULL;

	for (size_t i = 0; i < s->config.zones_count; i++)
		if (dns_name_in(name, &s->zones[i].name) &&
		    (best == NULL || s->zones[i].name.len > best->name.len))
			best = &s->zones[i];
	return best;
}

/* A name server inside a zone exists, and so do the names between it and the apex. */
static bool fixed_add_path(struct shared *s, const struct dns_name *name,
                           const struct dns_nameserver *ns)
{
	const struct dns_zone *zone = zone_find(s, name);
	struct dns_name        at = *name;

	if (zone == NULL)
		return true;
	for (const struct dns_nameserver *mark = ns; at.len > zone->name.len; mark = NULL) {
		if (!fixed_add(s, &at, mark))
			return false;
		dns_name_parent(&at, &at);
	}
	return true;
}

static bool default_nameserver(const struct dns_zone *zone, struct dns_name *ret)
{
	*ret = (struct dns_name){ 0 };
	if (zone->name.len + 3 > DNS_NAME_MAX)
		return false;
	memcpy(ret->wire, "\002ns", 3);
	memcpy(ret->wire + 3, zone->name.wire, zone->name.len);
	ret->len = (uint8_t)(zone->name.len + 3);
	return true;
}

static bool zone_prepare(struct shared *s, struct dns_zone *zone, struct err *err)
{
	struct dns_name mname, rname;

	if (s->config.nameservers_count > 0)
		mname = s->nameservers[0];
	else if (!default_nameserver(zone, &mname) || !fixed_add(s, &mname, NULL))
		return err_set(err, ERR_CONFIG,
		               "the name of the zone is too long for a name server below it");
	if (!hostmaster_rname(s->config.hostmaster, &zone->name, &rname))
		return err_set(err, ERR_CONFIG, "hostmaster \"%s\" is not a name or e-mail address",
		               s->config.hostmaster);
	memcpy(zone->soa, mname.wire, mname.len);
	memcpy(zone->soa + mname.len, rname.wire, rname.len);
	zone->soa_len = (size_t)mname.len + rname.len;
	return true;
}

static bool shared_fill(struct shared *s, struct err *err)
{
	struct dns_zones_config *c = &s->config;
	char                     name[NAME_SIZE];

	if (c->zones_count > DNS_ZONES_MAX || c->nameservers_count > DNS_NAMESERVERS_MAX)
		return err_set(err, ERR_CONFIG, "at most %d zones and %d name servers",
		               DNS_ZONES_MAX, DNS_NAMESERVERS_MAX);
	for (size_t i = 0; i < c->zones_count; i++) {
		if (!owner_parse(str_c(c->zones[i]), name, err))
			return err_in(err, "validation zone \"%s\"", c->zones[i]);
		memcpy(c->zones[i], name, NAME_SIZE);
		if (!dns_name_parse(str_c(name), &s->zones[i].name))
			return err_set(err, ERR_CONFIG, "validation zone \"%s\" is not a name",
			               name);
	}
	for (size_t i = 0; i < c->nameservers_count; i++) {
		struct dns_nameserver *ns = &c->nameservers[i];
		if (!owner_parse(str_c(ns->name), name, err))
			return err_in(err, "name server \"%s\"", ns->name);
		memcpy(ns->name, name, NAME_SIZE);
		if (ns->addresses_count > DNS_ADDRESSES_MAX ||
		    !dns_name_parse(str_c(name), &s->nameservers[i]))
			return err_set(err, ERR_CONFIG,
			               "name server \"%s\": a name and at most %d addresses", name,
			               DNS_ADDRESSES_MAX);
		if (zone_find(s, &s->nameservers[i]) != NULL && ns->addresses_count == 0) {
			err_set(err, ERR_CONFIG,
			        "name server \"%s\" is inside a validation zone and has no address",
			        name);
			return err_hint(
				err, "give the public address of this server with the name server");
		}
		if (!fixed_add_path(s, &s->nameservers[i], ns))
			return err_set(err, ERR_CONFIG,
			               "the names of the name servers have too many labels");
	}
	for (size_t i = 0; i < c->zones_count; i++)
		if (!zone_prepare(s, &s->zones[i], err))
			return err_in(err, "validation zone \"%s\"", c->zones[i]);
	return true;
}

static void shared_drop(struct shared *s)
{
	if (atomic_fetch_sub(&s->users, 1) == 1)
		free(s);
}

bool dns_zones_new(const struct dns_zones_config *config, struct dns_zones **ret, struct err *err)
{
	struct shared *s = must(calloc(1, sizeof(*s)));

	s->users = 1;
	s->config = *config;
	s->seed = rand_u64();
	if (!shared_fill(s, err)) {
		shared_drop(s);
		return false;
	}
	struct dns_zones *zones = must(calloc(1, sizeof(*zones)));
	zones->shared = s;
	zones->sequence = 1;
	*ret = zones;
	return true;
}

struct dns_zones *dns_zones_empty(const struct dns_zones *like)
{
	struct dns_zones *zones = must(calloc(1, sizeof(*zones)));

	zones->shared = like->shared;
	atomic_fetch_add(&zones->shared->users, 1);
	zones->sequence = 1;
	return zones;
}

void dns_zones_free(struct dns_zones *zones)
{
	if (zones == NULL)
		return;
	for (size_t i = 0; i < zones->retired_count; i++)
		free(zones->retired[i]);
	free(zones->retired);
	for (size_t i = 0; i < BUCKETS && !zones->superseded; i++) {
		struct bucket *b = zones->buckets[i];
		for (size_t n = 0; b != NULL && n < b->count; n++)
			free(b->nodes[n]);
		free(b);
	}
	shared_drop(zones->shared);
	free(zones);
}

uint64_t dns_zones_sequence(const struct dns_zones *zones)
{
	return zones->sequence;
}

void dns_zones_set_sequence(struct dns_zones *zones, uint64_t sequence)
{
	zones->sequence = sequence;
}

size_t dns_zones_values(const struct dns_zones *zones)
{
	return zones->values_count;
}

/* ---- nodes ---- */

static uint32_t name_hash(const struct shared *s, const uint8_t *wire, size_t len)
{
	uint64_t h = s->seed ^ 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ wire[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

/* `name` in lower case. */
static struct dns_node *node_find(const struct dns_zones *z, const struct dns_name *name)
{
	uint32_t             hash = name_hash(z->shared, name->wire, name->len);
	const struct bucket *b = z->buckets[hash % BUCKETS];

	for (size_t i = 0; b != NULL && i < b->count; i++) {
		struct dns_node *n = b->nodes[i];
		if (n->hash == hash && n->name_len == name->len &&
		    memcmp(n->bytes, name->wire, name->len) == 0)
			return n;
	}
	return NULL;
}

static void retire(struct dns_zones *old, void *p)
{
	if (p == NULL)
		return;
	if (old->retired_count == old->retired_max) {
		old->retired_max = old->retired_max == 0 ? 8 : 2 * old->retired_max;
		old->retired =
			must(realloc(old->retired, old->retired_max * sizeof(*old->retired)));
	}
	old->retired[old->retired_count++] = p;
}

/* A copy with room for one value more. */
static struct dns_node *node_copy(struct shared *s, const struct dns_node *from,
                                  const struct dns_name *name)
{
	size_t           values = from != NULL ? from->values_count : 0;
	struct dns_node *n = must(calloc(1, sizeof(*n) + name->len + (values + 1) * DNS_VALUE_LEN));

	n->hash = name_hash(s, name->wire, name->len);
	n->name_len = name->len;
	n->version = atomic_fetch_add(&s->versions, 1) + 1;
	memcpy(n->bytes, name->wire, name->len);
	if (from != NULL) {
		n->below = from->below;
		n->kept = from->kept;
		n->values_count = from->values_count;
		memcpy(n->bytes + n->name_len, from->bytes + from->name_len,
		       values * DNS_VALUE_LEN);
	}
	return n;
}

/* Put `node` (NULL: nothing) where `before` (NULL: nothing) was; what it replaces ends with `old`. */
static void node_replace(struct dns_zones *old, struct dns_zones *z, uint32_t hash,
                         struct dns_node *before, struct dns_node *node)
{
	struct bucket *from = z->buckets[hash % BUCKETS], *to = NULL;
	size_t         count = from != NULL ? from->count : 0;

	if (count + 1 > (before != NULL) + (size_t)(node == NULL)) {
		to = must(malloc(sizeof(*to) + (count + 1) * sizeof(to->nodes[0])));
		to->count = 0;
		for (size_t i = 0; i < count; i++)
			if (from->nodes[i] != before)
				to->nodes[to->count++] = from->nodes[i];
		if (node != NULL)
			to->nodes[to->count++] = node;
	}
	z->buckets[hash % BUCKETS] = to;
	retire(old, from);
	retire(old, before);
}

static unsigned value_index(const struct dns_node *n, struct str value)
{
	unsigned i = 0;

	while (n != NULL && i < n->values_count &&
	       memcmp(n->bytes + n->name_len + i * DNS_VALUE_LEN, value.ptr, DNS_VALUE_LEN) != 0)
		i++;
	return i;
}

bool dns_label_shaped(struct str label)
{
	if (label.len != DNS_LABEL_LEN)
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = label.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7')))
			return false;
	}
	return true;
}

/* Names that exist whether or not anything was ever written there. `name` is below the apex. */
static bool exists_by_shape(const struct dns_zone *zone, const struct dns_name *name)
{
	struct str label = str_of(name->wire + 1, name->wire[0]);

	if (str_eq_nocase(label, STR("_acme-challenge")))
		return true;
	return name->len == zone->name.len + label.len + 1 && dns_label_shaped(label);
}

bool dns_zones_check(const struct dns_zones *zones, struct str owner, struct str value,
                     struct err *err)
{
	struct dns_name name;
	char            text[NAME_SIZE];

	if (!owner_parse(owner, text, err))
		return false;
	if (!dns_name_parse(str_c(text), &name) || zone_find(zones->shared, &name) == NULL)
		return err_problem(err, ERR_INPUT, "no-route",
		                   "\"%s\" is not inside a validation zone of this server", text);
	if (value.len != DNS_VALUE_LEN)
		return err_set(err, ERR_INPUT, "a challenge value has %d characters, not %zu",
		               DNS_VALUE_LEN, value.len);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_'))
			return err_set(err, ERR_INPUT, "a challenge value is base64url");
	}
	return true;
}

static bool owner_name(struct str owner, struct dns_name *ret)
{
	if (!dns_name_parse(owner, ret))
		return false;
	dns_name_lower(ret);
	return true;
}

bool dns_zones_has(const struct dns_zones *zones, struct str owner, struct str value)
{
	struct dns_name name;

	if (value.len != DNS_VALUE_LEN || !owner_name(owner, &name))
		return false;
	const struct dns_node *n = node_find(zones, &name);
	return n != NULL && value_index(n, value) < n->values_count;
}

/* The owner began or ended to exist: so do the names between it and the apex. */
static void ancestors_count(struct dns_zones *old, struct dns_zones *z, const struct dns_zone *zone,
                            const struct dns_name *owner, bool up)
{
	struct dns_name at;

	for (dns_name_parent(owner, &at); at.len > zone->name.len; dns_name_parent(&at, &at)) {
		struct dns_node *before = node_find(z, &at), *n = node_copy(z->shared, before, &at);
		uint32_t         hash = n->hash;

		if (before != NULL) { /* its own values did not change */
			n->version = before->version;
			n->counted = atomic_load(&before->counted);
		}
		n->below = up ? n->below + 1 : n->below - 1;
		if (n->below == 0 && n->values_count == 0 && !n->kept) {
			free(n);
			n = NULL;
		}
		node_replace(old, z, hash, before, n);
	}
}

bool dns_zones_change(struct dns_zones *old, enum dns_change change, struct str owner,
                      struct str value, struct dns_zones **ret, struct err *err)
{
	char            text[NAME_SIZE];
	struct dns_name name;

	assert(!old->superseded);
	if (!dns_zones_check(old, owner, value, err) || !owner_parse(owner, text, err))
		return false;
	bool is_name = owner_name(str_c(text), &name);
	assert(is_name); /* dns_zones_check looked */
	const struct dns_zone *zone = zone_find(old->shared, &name);
	struct dns_node       *before = node_find(old, &name);
	unsigned count = before != NULL ? before->values_count : 0, at = value_index(before, value);

	if ((change == DNS_CHANGE_ADD) == (at < count)) {
		*ret = old;
		return true;
	}
	if (change == DNS_CHANGE_ADD && count == DNS_VALUES_MAX)
		return err_set(err, ERR_CONFLICT, "\"%s\" already has %d values", text,
		               DNS_VALUES_MAX);

	struct dns_zones *z = must(malloc(sizeof(*z)));
	memcpy(z, old, sizeof(*z));
	atomic_fetch_add(&z->shared->users, 1);
	z->retired = NULL;
	z->retired_count = z->retired_max = 0;
	z->sequence = old->sequence + 1;

	struct dns_node *n = node_copy(z->shared, before, &name);
	uint8_t         *values = n->bytes + n->name_len;
	uint32_t         hash = n->hash;
	bool             existed = before != NULL && (count > 0 || before->kept);
	if (change == DNS_CHANGE_ADD) {
		memcpy(values + count * DNS_VALUE_LEN, value.ptr, DNS_VALUE_LEN);
		n->values_count++;
		z->values_count++;
		if (!n->kept && name.len > zone->name.len && !exists_by_shape(zone, &name) &&
		    z->kept_count < KEPT_MAX) {
			n->kept = true;
			z->kept_count++;
		}
	} else {
		memmove(values + at * DNS_VALUE_LEN, values + (at + 1) * DNS_VALUE_LEN,
		        (count - at - 1) * DNS_VALUE_LEN);
		n->values_count--;
		z->values_count--;
	}
	bool exists = n->values_count > 0 || n->kept;
	if (!exists && n->below == 0) {
		free(n);
		n = NULL;
	}
	node_replace(old, z, hash, before, n);
	if (existed != exists)
		ancestors_count(old, z, zone, &name, exists);
	old->superseded = true;
	*ret = z;
	return true;
}

/* ---- looking up ---- */

void dns_zones_find(const struct dns_zones *zones, const struct dns_name *question,
                    struct dns_found *ret)
{
	const struct shared *s = zones->shared;
	struct dns_name      name;

	*ret = (struct dns_found){ .zone = zone_find(s, question) };
	if (ret->zone == NULL)
		return;
	name.len = question->len;
	memcpy(name.wire, question->wire, question->len);
	dns_name_lower(&name);
	ret->apex = name.len == ret->zone->name.len;

	const struct dns_node *n = node_find(zones, &name);
	if (n != NULL && n->values_count > 0)
		ret->node = n;
	ret->exists = n != NULL || ret->apex || exists_by_shape(ret->zone, &name);
	for (size_t i = 0; i < s->fixed_count; i++)
		if (dns_name_eq(&s->fixed[i].name, &name)) {
			ret->exists = true;
			ret->nameserver = s->fixed[i].nameserver;
		}
	if (ret->apex) /* a name server may be named like the zone */
		for (size_t i = 0; i < s->config.nameservers_count; i++)
			if (dns_name_eq(&s->nameservers[i], &name))
				ret->nameserver = &s->config.nameservers[i];
}

unsigned dns_node_values(const struct dns_node *node)
{
	return node->values_count;
}

const char *dns_node_value(const struct dns_node *node, unsigned i)
{
	assert(i < node->values_count);
	return (const char *)node->bytes + node->name_len + i * DNS_VALUE_LEN;
}

uint64_t dns_node_version(const struct dns_node *node)
{
	return node->version;
}

bool dns_node_count(const struct dns_node *node, unsigned max)
{
	/* The only thing in a snapshot that changes: a statistic, not part of any answer. */
	_Atomic uint32_t *counted = (_Atomic uint32_t *)(uintptr_t)&node->counted;

	if (atomic_load_explicit(counted, memory_order_relaxed) >= max)
		return false;
	return atomic_fetch_add_explicit(counted, 1, memory_order_relaxed) < max;
}

size_t dns_zones_nameservers(const struct dns_zones *zones, const struct dns_zone *zone,
                             struct dns_name *ret, size_t max)
{
	const struct shared *s = zones->shared;
	size_t               count = 0;

	if (s->config.nameservers_count == 0 && max > 0)
		return default_nameserver(zone, &ret[0]) ? 1 : 0;
	for (; count < s->config.nameservers_count && count < max; count++)
		ret[count] = s->nameservers[count];
	return count;
}

struct str dns_zones_soa(const struct dns_zones *zones, const struct dns_zone *zone,
                         uint8_t ret[static 640])
{
	const uint32_t numbers[5] = { (uint32_t)zones->sequence, 3600, 600, 86400,
		                      DNS_NEGATIVE_TTL };
	size_t         len = zone->soa_len;

	memcpy(ret, zone->soa, len);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		for (int shift = 24; shift >= 0; shift -= 8)
			ret[len++] = (uint8_t)(numbers[i] >> shift);
	return str_of(ret, len);
}
