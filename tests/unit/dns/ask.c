/* Unit tests of dns/ask.h: what counts when this machine has no route to some of the servers. */
#include "dns/ask.h"

#include <sys/socket.h>

#include "test.h"

#define V4(last) { "ns", { .family = AF_INET, .bytes = { 192, 0, 2, last } } }
#define V6(last) { "ns", { .family = AF_INET6, .bytes = { 0x20, 1, 0xd, 0xb8, [15] = last } } }

TEST(a_family_without_a_route_says_nothing_about_a_server)
{
	struct dns_target targets[] = { V6(1), V4(1), V6(2), V4(2) };
	struct dns_reply  replies[] = { { .unrouted = true }, { .answered = true }, { .unrouted = true }, { .problem = "late" } };

	CHECK_INT(dns_ask_routed(targets, replies, 4), 2);
	CHECK(targets[0].address.bytes[3] == 1 && replies[0].answered);
	CHECK(targets[1].address.bytes[3] == 2 && !replies[1].answered); /* one that is silent still counts */
}

TEST(one_address_without_a_route_is_not_a_family)
{
	struct dns_target targets[] = { V6(1), V4(1), V6(2) };
	struct dns_reply  replies[] = { { .unrouted = true }, { .answered = true }, { .answered = true } };

	CHECK_INT(dns_ask_routed(targets, replies, 3), 3);
}

TEST(the_last_addresses_stay)
{
	struct dns_target targets[] = { V6(1), V6(2) };
	struct dns_reply  replies[] = { { .unrouted = true }, { .unrouted = true } };

	CHECK_INT(dns_ask_routed(targets, replies, 2), 2);
	CHECK_INT(dns_ask_routed(targets, replies, 0), 0);
}

TESTS(T(a_family_without_a_route_says_nothing_about_a_server), T(one_address_without_a_route_is_not_a_family), T(the_last_addresses_stay))
