/* Unit tests of store/connection.h: accounts at providers. What is built in is tested with the nouns. */
#include "fixture.h"
#include "keeper/keeper.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/connection.h"
#include "store/delegation.h"
#include "store/order.h"
#include "store/project.h"
#include "store/txt_record.h"

#define BLOB STR("sealed")

static const struct connection account = { .id = "c1", .project_id = "p1", .provider = "route53", .name = "r53", .zone = "acme.example",
	                                   .zone_id = "", .base_url = "", .proxy = "http://p:3128", .ca_pem = "", .allow_addresses = "",
	                                   .fields = "access_key_id secret_access_key", .credentials = BLOB, .row_version = 1,
	                                   .created_at = 7 };

static void world(struct fixture *f)
{
	static const char *const zones[] = { "builtin.example" };
	const struct project     one = { "p1", PROJECT_DEFAULT, 1 }, two = { "p2", "other", 2 };

	fixture_db(f);
	CHECK_OK(project_insert(f->db, &one, &f->err), f->err);
	CHECK_OK(project_insert(f->db, &two, &f->err), f->err);
	CHECK_OK(connection_sync_builtin(f->db, zones, 1, 5, &f->err), f->err);
	CHECK_OK(connection_insert(f->db, &account, &f->err), f->err);
}

TEST(rows)
{
	struct fixture    f;
	struct connection c, second = account, *list;
	size_t            count;

	world(&f);
	CHECK_OK(connection_find_named(f.db, f.a, "p1", "r53", &c, &f.err), f.err);
	CHECK(c.is_default && str_eq(c.credentials, BLOB) && c.row_version == 1 && c.created_at == 7);
	CHECK_STR(c.fields, account.fields);
	CHECK_STR(c.health, "");
	CHECK_STR(c.proxy, account.proxy);
	REFUSED(connection_find_named(f.db, f.a, "p2", "r53", &c, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	second.id = "c2";
	REFUSED(connection_insert(f.db, &second, &f.err), ERR_CONFLICT, "already-exists", f.err);
	second.name = "again";
	CHECK_OK(connection_insert(f.db, &second, &f.err), f.err);
	CHECK_OK(connection_list(f.db, f.a, "p1", "route53", &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK(list[0].is_default && !list[1].is_default);
	CHECK_OK(connection_list(f.db, f.a, "p2", "", &list, &count, &f.err), f.err);
	CHECK_INT(count, 1); /* the built-in one */
	fixture_close(&f);
}

TEST(changes)
{
	struct fixture    f;
	struct connection c, second = account;

	world(&f);
	second.id = "c2";
	second.name = "again";
	CHECK_OK(connection_insert(f.db, &second, &f.err), f.err);
	CHECK_OK(connection_set_health(f.db, "c2", "bad", "provider-credential", "no", "yes", 9, &f.err), f.err);
	second.row_version = 2;
	second.zone = "b.example";
	second.is_default = true;
	REFUSED(connection_update(f.db, &second, 2, 10, &f.err), ERR_CONFLICT, "conflict", f.err); /* seen by somebody else */
	CHECK_OK(connection_update(f.db, &second, 1, 10, &f.err), f.err);
	CHECK_OK(connection_find(f.db, f.a, "c2", &c, &f.err), f.err);
	CHECK_INT(c.row_version, 2);
	CHECK(c.is_default);
	CHECK_STR(c.zone, "b.example");
	CHECK_STR(c.health, ""); /* what was found of the old credentials says nothing of the new */
	CHECK_OK(connection_find(f.db, f.a, "c1", &c, &f.err), f.err);
	CHECK(!c.is_default);
	second.name = "r53"; /* taken */
	REFUSED(connection_update(f.db, &second, 2, 10, &f.err), ERR_CONFLICT, "conflict", f.err);
	fixture_close(&f);
}

/* Each setting that says where a credential is sent is part of what it is sealed for; its name and health are not. */
TEST(seals)
{
	struct arena    *a = arena_new();
	struct record_id first, other;
	struct connection c = account;
	const char     **bound[] = { &c.provider, &c.zone, &c.zone_id, &c.base_url, &c.proxy, &c.ca_pem, &c.allow_addresses, &c.fields, &c.id };

	connection_record(a, &account, &first);
	CHECK_STR(first.column, KEEPER_COLUMN_CREDENTIALS);
	CHECK_STR(first.project_id, "p1");
	for (size_t i = 0; i < ARRAY_LEN(bound); i++) {
		c = account;
		*bound[i] = "evil";
		connection_record(a, &c, &other);
		CHECK(strcmp(first.row_id, other.row_id) != 0);
	}
	c = account;
	c.name = "renamed";
	c.health = "bad";
	c.is_default = true;
	connection_record(a, &c, &other);
	CHECK_STR(first.row_id, other.row_id);
	/* Settings cannot borrow from their neighbours. */
	c = account;
	c.zone = "";
	c.zone_id = "acme.example";
	connection_record(a, &c, &other);
	CHECK(strcmp(first.row_id, other.row_id) != 0);
	arena_free(a);
}

TEST(zone_specs)
{
	static const struct {
		const char *spec, *zone, *id;
	} cases[] = { { "", "", "" }, { "a.example", "a.example", "" }, { "a.example/Z1", "a.example", "Z1" }, { "/Z1", "", "Z1" },
		      { "a.example/x/y", "a.example", "x/y" } };
	struct arena     *a = arena_new();
	struct connection c = account;
	const char       *zone, *id;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		zone_spec_split(a, cases[i].spec, &zone, &id);
		CHECK_STR(zone, cases[i].zone);
		CHECK_STR(id, cases[i].id);
	}
	CHECK_STR(connection_zone(a, &c), "acme.example");
	c.zone_id = "Z1";
	CHECK_STR(connection_zone(a, &c), "acme.example/Z1");
	arena_free(a);
}

TEST(what_is_owed_or_used_stays)
{
	const struct authority   ca = { .id = "ca", .project_id = "p1", .name = "test", .directory_url = "https://ca/", .created_at = 3,
	                              .row_version = 1, .mac = STR("m") };
	const struct certificate cert = { .id = "k1", .project_id = "p1", .name = "example.org", .names = "example.org",
	                                .authority_id = "ca", .key_type = "p256", .created_at = 4, .row_version = 1 };
	const struct order       order = { .id = "o1", .project_id = "p1", .certificate_id = "k1", .authority_id = "ca",
	                             .status = "running", .step = "key", .created_at = 10, .row_version = 1 };
	const struct txt_record  owed = { .connection_id = "c1", .zone = "acme.example", .owner = "x.acme.example", .value = "v",
	                                .order_id = "o1", .state = "intent", .intent_at = 1 };
	const struct delegation  d = { .id = "d1", .project_id = "p1", .name = "example.org", .target = "x.acme.example", .kind = "named",
	                             .connection_id = "c1", .zone = "", .health = "planned", .created_at = 1, .row_version = 1,
	                             .mac = STR("m") };
	struct fixture           f;
	struct connection        c;
	int64_t                  id;
	bool                     again;

	world(&f);
	CHECK_OK(authority_insert(f.db, &ca, &f.err), f.err);
	CHECK_OK(certificate_insert(f.db, &cert, &f.err), f.err);
	CHECK_OK(order_insert(f.db, &order, &f.err), f.err);
	CHECK_OK(txt_record_intend(f.db, &owed, &id, &again, &f.err), f.err);
	REFUSED(connection_remove(f.db, "c1", 20, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK(strstr(f.err.text, "x.acme.example") != NULL);
	CHECK_OK(txt_record_set_state(f.db, id, "removing", 21, &f.err), f.err);
	REFUSED(connection_remove(f.db, "c1", 22, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK_OK(txt_record_set_state(f.db, id, "gone", 23, &f.err), f.err);
	CHECK_OK(target_claim(f.db, "x.acme.example", "p1", "named", 1, &f.err), f.err);
	CHECK_OK(delegation_insert(f.db, &d, &f.err), f.err);
	REFUSED(connection_remove(f.db, "c1", 24, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK(strstr(f.err.text, "example.org") != NULL);
	CHECK_OK(delegation_remove(f.db, "d1", 25, &f.err), f.err);
	CHECK_OK(connection_remove(f.db, "c1", 26, &f.err), f.err);
	CHECK_OK(connection_find(f.db, f.a, "c1", &c, &f.err), f.err);
	CHECK(c.removed_at == 26 && c.credentials.len == 0);
	REFUSED(connection_remove(f.db, "c1", 27, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	fixture_close(&f);
}

TESTS(T(rows), T(changes), T(seals), T(zone_specs), T(what_is_owed_or_used_stays))
