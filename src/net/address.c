/*
 * net/address.c: the address policy as a table, first match wins. IPv6 is closed but for global unicast: what
 * was not thought of is refused.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

struct range {
	uint8_t     bytes[16];
	uint8_t     prefix;
	const char *kind;
};

static const struct range ranges4[] = {
	{ { 0 }, 8, "the unspecified network" },
	{ { 10 }, 8, "a private network (RFC 1918)" },
	{ { 100, 64 }, 10, "a shared carrier network (RFC 6598)" },
	{ { 127 }, 8, "loopback" },
	{ { 169, 254 }, 16, "link-local, where clouds keep their metadata service" },
	{ { 172, 16 }, 12, "a private network (RFC 1918)" },
	{ { 192, 0, 0 }, 24, "reserved for protocols (RFC 6890)" },
	{ { 192, 88, 99 }, 24, "a 6to4 relay (RFC 7526)" },
	{ { 192, 168 }, 16, "a private network (RFC 1918)" },
	{ { 198, 18 }, 15, "a benchmarking network (RFC 2544)" },
	{ { 224 }, 4, "multicast" },
	{ { 255, 255, 255, 255 }, 32, "broadcast" },
	{ { 240 }, 4, "reserved (RFC 1112)" },
};

static const struct range ranges6[] = {
	{ { 0 }, 128, "the unspecified address" },
	{ { [15] = 1 }, 128, "loopback" },
	{ { [10] = 0xff, [11] = 0xff }, 96, "an IPv4-mapped address" },
	{ { [8] = 0xff, [9] = 0xff }, 96, "an IPv4-translated address (RFC 2765)" },
	{ { 0 }, 96, "an IPv4-compatible address" },
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, "an IPv4 address behind NAT64 (RFC 6052)" },
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, "an IPv4 address behind local NAT64 (RFC 8215)" },
	{ { 0x20, 0x01 }, 32, "an IPv4 address inside Teredo (RFC 4380)" },
	{ { 0x20, 0x01 }, 23, "reserved for protocols (RFC 2928)" },
	{ { 0x20, 0x02 }, 16, "an IPv4 address inside 6to4 (RFC 3056)" },
	{ { 0xfc }, 7, "a private network (ULA, RFC 4193)" },
	{ { 0xfe, 0x80 }, 10, "link-local" },
	{ { 0xfe, 0xc0 }, 10, "site-local (RFC 3879)" },
	{ { 0xff }, 8, "multicast" },
};

static const struct range global6 = { { 0x20 }, 3, "" };

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned prefix)
{
	unsigned whole = prefix / 8, bits = prefix % 8;
	uint8_t  mask = (uint8_t)(0xff00u >> bits);

	return memcmp(a, b, whole) == 0 && (bits == 0 || (a[whole] & mask) == (b[whole] & mask));
}

/* Copied out, not cast: a resolver's buffer need not be aligned for the longer type. */
static bool address_bytes(const struct sockaddr *address, bool *ret_ip6, uint8_t ret[static 16])
{
	memset(ret, 0, 16);
	if (address->sa_family == AF_INET) {
		memcpy(ret, (const char *)address + offsetof(struct sockaddr_in, sin_addr), 4);
		*ret_ip6 = false;
		return true;
	}
	if (address->sa_family == AF_INET6) {
		memcpy(ret, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), 16);
		*ret_ip6 = true;
		return true;
	}
	return false;
}

static void cidr_mask(struct cidr *cidr)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned from = i * 8;

		if (from >= cidr->prefix)
			cidr->bytes[i] = 0;
		else if (cidr->prefix - from < 8)
			cidr->bytes[i] = (uint8_t)(cidr->bytes[i] & (0xff00u >> (cidr->prefix - from)));
	}
}

bool cidr_parse(struct str text, struct cidr *ret, struct err *err)
{
	struct cidr cidr = { 0 }, masked;
	size_t      slash = str_index(text, '/');
	char        address[INET6_ADDRSTRLEN], shown[CIDR_SIZE];
	struct str  bits = slash < text.len ? str_of(text.ptr + slash + 1, text.len - slash - 1) : (struct str){ 0 };
	uint64_t    prefix;

	if (text.len >= CIDR_SIZE)
		text.len = CIDR_SIZE - 1, slash = CIDR_SIZE;
	if (slash < sizeof(address) && !str_has_nul(text)) {
		memcpy(address, text.ptr, slash);
		address[slash] = '\0';
	} else {
		address[0] = '\0';
	}
	if (inet_pton(AF_INET, address, cidr.bytes) == 1)
		prefix = 32;
	else if (inet_pton(AF_INET6, address, cidr.bytes) == 1)
		prefix = 128, cidr.ip6 = true;
	else
		return err_problem(err, ERR_INPUT, "invalid-request", "'%.*s' is not an address or address/prefix",
		                   STR_ARG(text));
	if (slash < text.len && (bits.len > 3 || (bits.len > 1 && bits.ptr[0] == '0') || !str_to_u64(bits, &prefix) ||
	                         prefix > (cidr.ip6 ? 128u : 32u)))
		return err_problem(err, ERR_INPUT, "invalid-request", "'%.*s': the prefix is not a number from 0 to %d",
		                   STR_ARG(text), cidr.ip6 ? 128 : 32);
	cidr.prefix = (uint8_t)prefix;
	masked = cidr;
	cidr_mask(&masked);
	if (memcmp(masked.bytes, cidr.bytes, sizeof(cidr.bytes)) != 0) {
		err_problem(err, ERR_INPUT, "invalid-request", "'%.*s' has bits set behind its prefix", STR_ARG(text));
		return err_hint(err, "write %s for that range, or the address alone", cidr_write(&masked, shown));
	}
	*ret = cidr;
	return true;
}

const char *cidr_write(const struct cidr *cidr, char ret[static CIDR_SIZE])
{
	char address[INET6_ADDRSTRLEN] = "?";

	inet_ntop(cidr->ip6 ? AF_INET6 : AF_INET, cidr->bytes, address, sizeof(address));
	snprintf(ret, CIDR_SIZE, "%s/%u", address, (unsigned)cidr->prefix);
	return ret;
}

bool cidr_contains(const struct cidr *cidr, const struct sockaddr *address)
{
	uint8_t bytes[16];
	bool    ip6;

	return address_bytes(address, &ip6, bytes) && ip6 == cidr->ip6 &&
	       prefix_equal(bytes, cidr->bytes, cidr->prefix);
}

const char *address_write(const struct sockaddr *address, char ret[static ADDRESS_SIZE])
{
	uint8_t bytes[16];
	bool    ip6;

	if (!address_bytes(address, &ip6, bytes) ||
	    inet_ntop(ip6 ? AF_INET6 : AF_INET, bytes, ret, ADDRESS_SIZE) == NULL)
		snprintf(ret, ADDRESS_SIZE, "?");
	return ret;
}

static const char *range_find(const struct range *ranges, size_t count, const uint8_t *bytes)
{
	for (size_t i = 0; i < count; i++)
		if (prefix_equal(bytes, ranges[i].bytes, ranges[i].prefix))
			return ranges[i].kind;
	return NULL;
}

const char *address_kind(const struct sockaddr *address)
{
	uint8_t     bytes[16];
	bool        ip6;
	const char *kind;

	if (!address_bytes(address, &ip6, bytes))
		return "neither IPv4 nor IPv6";
	if (!ip6)
		return range_find(ranges4, ARRAY_LEN(ranges4), bytes);
	kind = range_find(ranges6, ARRAY_LEN(ranges6), bytes);
	if (kind == NULL && !prefix_equal(bytes, global6.bytes, global6.prefix))
		kind = "not a global unicast address";
	return kind;
}

bool address_check(const struct sockaddr *address, const struct cidr *allowed, size_t allowed_count,
                   struct err *err)
{
	const char *kind = address_kind(address);
	char        shown[ADDRESS_SIZE];

	if (kind == NULL)
		return true;
	for (size_t i = 0; i < allowed_count; i++)
		if (cidr_contains(&allowed[i], address))
			return true;
	address_write(address, shown);
	err_problem(err, ERR_CONFIG, "address-refused", "address %s is refused: it is %s", shown, kind);
	return err_hint(err, "if it is meant to be reached, an administrator adds %s/%d to allow_addresses of the "
	                "authority or connection", shown, address->sa_family == AF_INET6 ? 128 : 32);
}
