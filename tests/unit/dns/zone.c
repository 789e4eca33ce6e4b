/* tests/unit/dns/zone.c: which names exist, before, while and after values live there. */
#include "zones.h"

static struct dns_found find(const struct dns_zones *zones, const char *text)
{
	struct dns_name  name;
	struct dns_found found;

	CHECK(dns_name_parse(str_c(text), &name));
	dns_zones_find(zones, &name, &found);
	return found;
}

static const struct {
	const char *name;
	bool        ours, exists;
} empty_zone[] = {
	{ ZONE, true, true },
	{ "V.EXAMPLE.TEST", true, true },
	{ OWNER, true, true },
	{ "ABCDEFGHIJKLMNOPQRSTUVWX27." ZONE, true, true },
	{ "abcdefghijklmnopqrstuvwx18." ZONE, true, false }, /* 1 and 8 are not base32 */
	{ "abcdefghijklmnopqrstuvwx2." ZONE, true, false },
	{ "abcdefghijklmnopqrstuvwx277." ZONE, true, false },
	{ "x." OWNER, true, false },
	{ OWNER ".other.test", true, false }, /* not directly below the zone */
	{ "_acme-challenge." ZONE, true, true },
	{ "_ACME-challenge.a.b." ZONE, true, true },
	{ "a.b." ZONE, true, false },
	{ "_acme-challengex.a." ZONE, true, false },
	{ "ns1.deep." ZONE, true, true },
	{ "deep." ZONE, true, true },
	{ "ns2.deep." ZONE, true, false },
	{ "www." ZONE, true, false },
	{ "other.test", true, true },
	{ "example.test", false, false },
	{ "test", false, false },
	{ ".", false, false },
};

TEST(names_of_an_empty_zone)
{
	struct dns_zones *zones = zones_make();

	for (size_t i = 0; i < ARRAY_LEN(empty_zone); i++) {
		struct dns_found found = find(zones, empty_zone[i].name);
		if ((found.zone != NULL) != empty_zone[i].ours ||
		    found.exists != empty_zone[i].exists)
			fail_msg("%s: ours %d exists %d", empty_zone[i].name, found.zone != NULL,
			         found.exists);
		CHECK(found.node == NULL);
	}
	dns_zones_free(zones);
}

TEST(values_come_and_go)
{
	struct dns_zones *zones = zones_make();

	zones_change(&zones, DNS_CHANGE_ADD, OWNER, VALUE1);
	zones_change(&zones, DNS_CHANGE_ADD, "ABCDEFGHIJKLMNOPQRSTUVWX27." ZONE ".", VALUE2);
	CHECK_INT(dns_node_values(find(zones, OWNER).node), 2);
	CHECK(dns_zones_has(zones, STR(OWNER), STR(VALUE1)));
	CHECK(!dns_zones_has(zones, STR("other.test"), STR(VALUE1)));
	uint64_t sequence = dns_zones_sequence(zones);
	zones_change(&zones, DNS_CHANGE_ADD, OWNER, VALUE1);
	CHECK_INT(dns_zones_sequence(zones), sequence); /* nothing new */
	zones_change(&zones, DNS_CHANGE_REMOVE, OWNER, VALUE1);
	CHECK_INT(dns_zones_sequence(zones), sequence + 1);
	CHECK(memcmp(dns_node_value(find(zones, OWNER).node, 0), VALUE2, DNS_VALUE_LEN) == 0);
	zones_change(&zones, DNS_CHANGE_REMOVE, OWNER, VALUE2);
	CHECK(find(zones, OWNER).node == NULL && find(zones, OWNER).exists);
	CHECK_INT(dns_zones_values(zones), 0);
	dns_zones_free(zones);
}

TEST(empty_non_terminals_live_as_long_as_what_is_below)
{
	struct dns_zones *zones = zones_make();

	zones_change(&zones, DNS_CHANGE_ADD, "_acme-challenge.a.b." ZONE, VALUE1);
	zones_change(&zones, DNS_CHANGE_ADD, "_acme-challenge.b." ZONE, VALUE1);
	CHECK(find(zones, "a.b." ZONE).exists && find(zones, "b." ZONE).exists);
	zones_change(&zones, DNS_CHANGE_REMOVE, "_acme-challenge.a.b." ZONE, VALUE1);
	CHECK(!find(zones, "a.b." ZONE).exists && find(zones, "b." ZONE).exists);
	zones_change(&zones, DNS_CHANGE_REMOVE, "_acme-challenge.b." ZONE, VALUE1);
	CHECK(!find(zones, "b." ZONE).exists);
	dns_zones_free(zones);
}

TEST(named_owners_are_remembered)
{
	struct dns_zones *zones = zones_make();

	CHECK(!find(zones, "shop.a." ZONE).exists);
	zones_change(&zones, DNS_CHANGE_ADD, "shop.a." ZONE, VALUE1);
	zones_change(&zones, DNS_CHANGE_REMOVE, "shop.a." ZONE, VALUE1);
	CHECK(find(zones, "shop.a." ZONE).exists && find(zones, "a." ZONE).exists);
	CHECK(find(zones, "shop.a." ZONE).node == NULL);
	zones_change(&zones, DNS_CHANGE_ADD, "shop.a." ZONE, VALUE2);
	zones_change(&zones, DNS_CHANGE_REMOVE, "shop.a." ZONE, VALUE2);
	CHECK(find(zones, "a." ZONE).exists);
	dns_zones_free(zones);
}

TEST(refuses_what_must_not_be_served)
{
	static const struct {
		const char *owner, *value;
	} refused[] = {
		{ "example.test", VALUE1 },
		{ "xv.example.test", VALUE1 },
		{ "", VALUE1 },
		{ "*." ZONE, VALUE1 },
		{ OWNER, "" },
		{ OWNER, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		{ OWNER, VALUE1 "1" },
		{ OWNER, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=" },
		{ OWNER, "aaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaaaaaaaa" },
	};
	struct dns_zones *zones = zones_make(), *again = NULL;

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct err err = { 0 };
		CHECK(!dns_zones_change(zones, DNS_CHANGE_ADD, str_c(refused[i].owner),
		                        str_c(refused[i].value), &again, &err));
		CHECK(err.class == ERR_INPUT && err.text[0] != '\0' && again == NULL);
	}
	dns_zones_free(zones);
}

TEST(so_many_values_and_no_more)
{
	struct dns_zones *zones = zones_make(), *again;
	char              value[DNS_VALUE_LEN + 1] = VALUE1;
	struct err        err = { 0 };

	for (unsigned i = 0; i < DNS_VALUES_MAX; i++) {
		value[0] = (char)('a' + i % 26);
		value[1] = (char)('a' + i / 26);
		zones_change(&zones, DNS_CHANGE_ADD, OWNER, value);
	}
	CHECK_INT(dns_node_values(find(zones, OWNER).node), DNS_VALUES_MAX);
	CHECK(!dns_zones_change(zones, DNS_CHANGE_ADD, STR(OWNER), STR(VALUE2), &again, &err));
	CHECK_INT(err.class, ERR_CONFLICT);
	dns_zones_free(zones);
}

/* The same random changes on a plain list must lead to the same answers. */
TEST(many_changes_agree_with_a_list)
{
	enum { OWNERS = 64, STEPS = 20000 };
	struct dns_zones *zones = zones_make();
	bool              live[OWNERS] = { 0 };
	uint32_t          random = 1;

	for (unsigned step = 0; step < STEPS; step++) {
		char owner[NAME_SIZE];
		random = random * 1664525u + 1013904223u;
		unsigned i = (random >> 16) % OWNERS;
		snprintf(owner, sizeof(owner), "_acme-challenge.n%u.g%u." ZONE, i, i % 7);
		zones_change(&zones, live[i] ? DNS_CHANGE_REMOVE : DNS_CHANGE_ADD, owner, VALUE1);
		live[i] = !live[i];
		if (step % 500 != 0)
			continue;
		bool group[7] = { 0 };
		for (unsigned n = 0; n < OWNERS; n++) {
			snprintf(owner, sizeof(owner), "n%u.g%u." ZONE, n, n % 7);
			CHECK_INT(find(zones, owner).exists, live[n]);
			group[n % 7] |= live[n];
		}
		for (unsigned g = 0; g < 7; g++) {
			snprintf(owner, sizeof(owner), "g%u." ZONE, g);
			CHECK_INT(find(zones, owner).exists, group[g]);
		}
	}
	dns_zones_free(zones);
}

TEST(configuration_mistakes_are_said)
{
	struct dns_zones_config c = zones_config();
	struct dns_zones       *zones = NULL;
	struct err              err = { 0 };

	c.nameservers[0].addresses_count = 0;
	CHECK(!dns_zones_new(&c, &zones, &err));
	CHECK(err.class == ERR_CONFIG && strstr(err.text, "ns1.deep") != NULL &&
	      err.hint[0] != '\0');
	c = zones_config();
	snprintf(c.zones[1], NAME_SIZE, "bad name");
	CHECK(!dns_zones_new(&c, &zones, &err));
	CHECK(zones == NULL);
}

TEST(addresses)
{
	struct dns_address a;
	struct err         err = { 0 };
	char               text[80];

	CHECK_OK(dns_address_parse(STR("127.53.0.1@5301"), &a, &err), err);
	CHECK_STR(dns_address_text(&a, text), "127.53.0.1 port 5301");
	CHECK_OK(dns_address_parse(STR("2001:db8::1"), &a, &err), err);
	CHECK_STR(dns_address_text(&a, text), "2001:db8::1");
	CHECK(!dns_address_parse(STR("127.0.0.1@0"), &a, &err));
	CHECK(!dns_address_parse(STR("127.0.0.1@65536"), &a, &err));
	CHECK(!dns_address_parse(STR("localhost"), &a, &err));
	CHECK(!dns_address_parse(STR(""), &a, &err));
}

TESTS(T(names_of_an_empty_zone), T(values_come_and_go),
      T(empty_non_terminals_live_as_long_as_what_is_below), T(named_owners_are_remembered),
      T(refuses_what_must_not_be_served), T(so_many_values_and_no_more),
      T(many_changes_agree_with_a_list), T(configuration_mistakes_are_said), T(addresses))
