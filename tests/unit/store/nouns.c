/* Each domain function of each noun, and each rule a constraint keeps. */
#include "fixture.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/connection.h"
#include "store/delegation.h"
#include "store/order.h"
#include "store/project.h"
#include "store/renewal.h"
#include "store/token.h"
#include "store/txt_record.h"

#define MAC STR("mac")
#define KEY STR("k\0ey")

/* What everything else hangs on: two projects, a built-in zone, an authority, a certificate. */
static void world(struct fixture *f)
{
	static const char *const zones[] = { "acme.example" };
	const struct project     one = { "p1", PROJECT_DEFAULT, 1 }, two = { "p2", "other", 2 };
	const struct authority   ca = { .id = "ca", .project_id = "p1", .name = "test", .directory_url = "https://ca/",
	                              .created_at = 3, .row_version = 1, .mac = MAC };
	const struct certificate c = { .id = "c1", .project_id = "p1", .name = "example.org",
	                             .names = "example.org *.example.org", .authority_id = "ca",
	                             .key_type = "ec-p256", .created_at = 4, .row_version = 1 };

	fixture_db(f);
	CHECK_OK(project_insert(f->db, &one, &f->err), f->err);
	CHECK_OK(project_insert(f->db, &two, &f->err), f->err);
	CHECK_OK(connection_sync_builtin(f->db, zones, 1, 5, &f->err), f->err);
	CHECK_OK(authority_insert(f->db, &ca, &f->err), f->err);
	CHECK_OK(certificate_insert(f->db, &c, &f->err), f->err);
}

static const char *builtin(struct fixture *f)
{
	struct connection *list;
	size_t             count = 0;

	CHECK_OK(connection_list(f->db, f->a, "p1", CONNECTION_BUILTIN, &list, &count, &f->err), f->err);
	CHECK_INT(count, 1);
	return list[0].id;
}

static void order_make(struct fixture *f, const char *id, const char *certificate_id)
{
	const struct order o = { .id = id, .project_id = "p1", .certificate_id = certificate_id, .authority_id = "ca",
	                       .status = "running", .step = "key", .created_at = 10, .row_version = 1 };

	CHECK_OK(order_insert(f->db, &o, &f->err), f->err);
}

TEST(projects_and_facts)
{
	struct fixture      f;
	struct project      p, *projects;
	struct project_key *keys;
	struct str          wrapped;
	const char         *value = NULL;
	size_t              count = 0;
	const struct project same = { "p3", PROJECT_DEFAULT, 1 };
	const struct project_key key = { UINT64_C(0xfedcba9876543210), "p1", KEY };

	world(&f);
	REFUSED(project_insert(f.db, &same, &f.err), ERR_CONFLICT, "already-exists", f.err);
	CHECK_OK(project_find(f.db, f.a, PROJECT_DEFAULT, &p, &f.err), f.err);
	CHECK_STR(p.id, "p1");
	CHECK_OK(project_find(f.db, f.a, "p2", &p, &f.err), f.err);
	CHECK_STR(p.name, "other");
	CHECK_INT(p.created_at, 2);
	REFUSED(project_find(f.db, f.a, "none", &p, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(project_list(f.db, f.a, &projects, &count, &f.err), f.err);
	CHECK_INT(count, 2);

	CHECK_OK(meta_get(f.db, f.a, "instance_id", &value, &f.err), f.err);
	CHECK_STR(value, "");
	CHECK_OK(meta_set(f.db, "instance_id", "a", &f.err), f.err);
	CHECK_OK(meta_set(f.db, "instance_id", "b", &f.err), f.err);
	CHECK_OK(meta_get(f.db, f.a, "instance_id", &value, &f.err), f.err);
	CHECK_STR(value, "b");

	REFUSED(seal_find(f.db, f.a, &wrapped, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(seal_insert(f.db, "s1", "file", STR("old"), 1, &f.err), f.err);
	CHECK_OK(seal_insert(f.db, "s2", "file", KEY, 2, &f.err), f.err);
	CHECK_OK(seal_find(f.db, f.a, &wrapped, &f.err), f.err);
	CHECK(str_eq(wrapped, KEY));

	CHECK_OK(project_key_insert(f.db, &key, 1, &f.err), f.err);
	CHECK_OK(project_key_list(f.db, f.a, &keys, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK(keys[0].key_id == key.key_id && str_eq(keys[0].wrapped, KEY));
	CHECK_STR(keys[0].project_id, "p1");
	CHECK_OK(audit_insert(f.db, 1, "p1", "admin", "token.create", "t", "", &f.err), f.err);
	fixture_close(&f);
}

TEST(tokens)
{
	struct fixture     f;
	struct token       t, *list;
	size_t             count = 0;
	const struct token first = { .id = "t1", .project_id = "p1", .name = "ci", .role = "admin", .digest = STR("d"),
	                           .mac = MAC, .created_at = 1, .expires_at = 2, .row_version = 1 };
	struct token       second = first;

	world(&f);
	second.id = "t2";
	CHECK_OK(token_insert(f.db, &first, &f.err), f.err);
	REFUSED(token_insert(f.db, &second, &f.err), ERR_CONFLICT, "already-exists", f.err);
	CHECK_OK(token_revoke(f.db, "t1", 50, STR("mac of the revoked"), &f.err), f.err);
	REFUSED(token_revoke(f.db, "t1", 60, MAC, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(token_revoke(f.db, "none", 60, MAC, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(token_find_named(f.db, f.a, "p1", "ci", &t, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(token_insert(f.db, &second, &f.err), f.err); /* the name is free again */
	CHECK_OK(token_find_named(f.db, f.a, "p1", "ci", &t, &f.err), f.err);
	CHECK_STR(t.id, "t2");
	REFUSED(token_find_named(f.db, f.a, "p2", "t2", &t, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(token_find(f.db, f.a, "t1", &t, &f.err), f.err);
	CHECK_INT(t.revoked_at, 50);
	CHECK(str_eq(t.digest, STR("d")) && str_eq(t.mac, STR("mac of the revoked")));
	CHECK_STR(t.role, "admin");
	CHECK_OK(token_list(f.db, f.a, "", &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK_OK(token_list(f.db, f.a, "p2", &list, &count, &f.err), f.err);
	CHECK_INT(count, 0);
	fixture_close(&f);
}

TEST(builtin_connections_follow_the_zones)
{
	static const char *const two[] = { "b.example", "acme.example" }, *const one[] = { "b.example" };
	struct fixture           f;
	struct connection       *list, c;
	const char              *id;
	size_t                   count = 0;

	world(&f);
	id = builtin(&f);
	CHECK_OK(connection_find(f.db, f.a, id, &c, &f.err), f.err);
	CHECK(c.is_default);
	CHECK_STR(c.project_id, "");
	CHECK_STR(c.zone, "acme.example");
	CHECK_OK(connection_sync_builtin(f.db, two, 2, 6, &f.err), f.err);
	CHECK_OK(connection_list(f.db, f.a, "p2", "", &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK_STR(list[0].zone, "b.example"); /* the default comes first */
	CHECK(list[0].is_default && !list[1].is_default);
	CHECK_STR(list[1].id, id);
	CHECK_OK(connection_sync_builtin(f.db, one, 1, 7, &f.err), f.err);
	CHECK_OK(connection_list(f.db, f.a, "p1", "", &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_OK(connection_find(f.db, f.a, id, &c, &f.err), f.err); /* cleanup still needs it */
	CHECK_OK(connection_sync_builtin(f.db, two, 2, 8, &f.err), f.err);
	CHECK_OK(connection_list(f.db, f.a, "p1", CONNECTION_BUILTIN, &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK_STR(list[1].id, id);
	CHECK_OK(connection_list(f.db, f.a, "p1", "other", &list, &count, &f.err), f.err);
	CHECK_INT(count, 0);
	REFUSED(connection_find(f.db, f.a, "none", &c, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	fixture_close(&f);
}

TEST(authorities_and_accounts)
{
	struct fixture   f;
	struct authority x, *list, second = { .id = "ca2", .project_id = "p1", .name = "second", .directory_url = "u",
	                                    .email = "e@example.org", .eab_kid = "kid", .eab_hmac = KEY, .created_at = 3,
	                                    .row_version = 1, .mac = MAC };
	struct account   account = { .id = "a1", .project_id = "p1", .authority_id = "ca", .status = "key",
	                         .key_blob = KEY, .jwk = "{}", .thumbprint = "t", .hosts = "ca", .row_version = 1,
	                         .created_at = 1 }, found;
	size_t           count = 0;

	world(&f);
	CHECK_OK(authority_insert(f.db, &second, &f.err), f.err);
	second.id = "ca3";
	REFUSED(authority_insert(f.db, &second, &f.err), ERR_CONFLICT, "already-exists", f.err);
	CHECK_OK(authority_find_default(f.db, f.a, "p1", &x, &f.err), f.err);
	CHECK_STR(x.id, "ca");
	CHECK_STR(x.ca_pem, "");
	CHECK(x.eab_hmac.ptr == NULL);
	CHECK_OK(authority_find_named(f.db, f.a, "p1", "second", &x, &f.err), f.err);
	CHECK_STR(x.id, "ca2");
	CHECK(!x.is_default && str_eq(x.eab_hmac, KEY));
	CHECK_OK(authority_set_default(f.db, "p1", "ca2", &f.err), f.err);
	CHECK_OK(authority_find_default(f.db, f.a, "p1", &x, &f.err), f.err);
	CHECK_STR(x.id, "ca2");
	REFUSED(authority_set_default(f.db, "p2", "ca2", &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(authority_find_default(f.db, f.a, "p2", &x, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(authority_list(f.db, f.a, "p1", &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);

	/* A moved boundary between two columns is a different row; flags outside are not. */
	second = list[0];
	CHECK(str_eq(authority_canonical(f.a, &second), authority_canonical(f.a, &list[0])));
	second.is_default = !second.is_default;
	second.row_version = 77;
	CHECK(str_eq(authority_canonical(f.a, &second), authority_canonical(f.a, &list[0])));
	second.name = "secon";
	second.directory_url = "du";
	CHECK(!str_eq(authority_canonical(f.a, &second), authority_canonical(f.a, &list[0])));

	order_make(&f, "o1", "c1");
	REFUSED(authority_remove(f.db, "ca", 9, &f.err), ERR_CONFLICT, "conflict", f.err);
	assert_non_null(strstr(f.err.text, "o1"));
	CHECK_OK(order_end(f.db, "o1", "failed", "ca-refused", "", "", 9, &f.err), f.err);
	CHECK_OK(authority_remove(f.db, "ca", 9, &f.err), f.err);
	REFUSED(authority_remove(f.db, "ca", 9, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(authority_find_named(f.db, f.a, "p1", "ca", &x, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(authority_find(f.db, f.a, "ca", &x, &f.err), f.err);
	CHECK_INT(x.removed_at, 9);

	REFUSED(account_find(f.db, f.a, "p1", "ca", &found, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(account_insert(f.db, &account, &f.err), f.err);
	account.id = "a2";
	REFUSED(account_insert(f.db, &account, &f.err), ERR_CONFLICT, "already-exists", f.err);
	CHECK_OK(account_set_status(f.db, "a1", "valid", "https://ca/acct/1", "", &f.err), f.err);
	CHECK_OK(account_find(f.db, f.a, "p1", "ca", &found, &f.err), f.err);
	CHECK_STR(found.status, "valid");
	CHECK_STR(found.url, "https://ca/acct/1");
	CHECK_STR(found.hosts, account.hosts);
	CHECK(str_eq(found.key_blob, account.key_blob));
	CHECK_INT(found.row_version, 1); /* the key is sealed for it */
	CHECK_OK(account_find_id(f.db, f.a, "a1", &found, &f.err), f.err);
	REFUSED(account_find_id(f.db, f.a, "a2", &found, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	fixture_close(&f);
}

TEST(targets_are_never_shared_or_reused)
{
	struct fixture f;

	world(&f);
	CHECK_OK(target_claim(f.db, "n.acme.example", "p1", "named", 1, &f.err), f.err);
	CHECK_OK(target_claim(f.db, "n.acme.example", "p1", "named", 2, &f.err), f.err);
	REFUSED(target_claim(f.db, "n.acme.example", "p2", "named", 1, &f.err), ERR_CONFLICT, "target-owned", f.err);
	assert_null(strstr(f.err.text, "p1"));
	REFUSED(target_claim(f.db, "n.acme.example", "p1", "generated", 1, &f.err), ERR_CONFLICT, "target-owned", f.err);
	CHECK_OK(target_claim(f.db, "g.acme.example", "p1", "generated", 1, &f.err), f.err);
	REFUSED(target_claim(f.db, "g.acme.example", "p1", "generated", 1, &f.err), ERR_CONFLICT, "target-owned", f.err);
	REFUSED(target_claim(f.db, "g.acme.example", "p1", "named", 1, &f.err), ERR_CONFLICT, "target-owned", f.err);
	fixture_close(&f);
}

TEST(delegations)
{
	struct fixture    f;
	struct delegation d = { .id = "d1", .project_id = "p1", .name = "example.org", .target = "a.acme.example",
	                      .kind = "named", .health = "planned", .created_at = 5, .row_version = 1, .mac = MAC },
	                  other, found, *list;
	size_t            count = 0;

	world(&f);
	d.connection_id = builtin(&f);
	REFUSED(delegation_insert(f.db, &d, &f.err), ERR_CONFLICT, "target-owned", f.err); /* nobody claimed it */
	CHECK_OK(target_claim(f.db, "a.acme.example", "p1", "named", 1, &f.err), f.err);
	CHECK_OK(target_claim(f.db, "b.acme.example", "p1", "generated", 1, &f.err), f.err);
	CHECK_OK(delegation_insert(f.db, &d, &f.err), f.err);
	other = d;
	other.id = "d2";
	REFUSED(delegation_insert(f.db, &other, &f.err), ERR_CONFLICT, "already-exists", f.err);
	other.project_id = "p2";
	REFUSED(delegation_insert(f.db, &other, &f.err), ERR_CONFLICT, "target-owned", f.err);
	other.project_id = "p1";
	other.target = "b.acme.example";
	other.created_at = 6;
	CHECK_OK(delegation_insert(f.db, &other, &f.err), f.err);

	CHECK_OK(delegation_find_named(f.db, f.a, "p1", "example.org", &found, &f.err), f.err);
	CHECK_STR(found.id, "d2"); /* the newest */
	CHECK_OK(delegation_set_health(f.db, "d1", "verified", "", "", 20, &f.err), f.err);
	CHECK_OK(delegation_find_named(f.db, f.a, "p1", "example.org", &found, &f.err), f.err);
	CHECK_STR(found.id, "d1"); /* the verified */
	CHECK_INT(found.verified_at, 20);
	CHECK_OK(delegation_set_health(f.db, "d1", "broken", "delegation-missing", "no CNAME", 30, &f.err), f.err);
	CHECK_OK(delegation_find(f.db, f.a, "d1", &found, &f.err), f.err);
	CHECK_INT(found.verified_at, 20);
	CHECK_INT(found.checked_at, 30);
	CHECK_STR(found.problem, "delegation-missing");
	CHECK_STR(found.finding, "no CNAME");
	CHECK_STR(found.health, "broken");
	CHECK(str_eq(delegation_canonical(f.a, &found), delegation_canonical(f.a, &d)));
	CHECK(!str_eq(delegation_canonical(f.a, &found), delegation_canonical(f.a, &other)));
	REFUSED(delegation_set_health(f.db, "none", "broken", "", "", 1, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(delegation_find_named(f.db, f.a, "p1", "d2", &found, &f.err), f.err);
	CHECK_OK(delegation_find_target(f.db, f.a, "p1", "example.org", "a.acme.example", &found, &f.err), f.err);
	CHECK_STR(found.id, "d1");
	REFUSED(delegation_find_named(f.db, f.a, "p2", "d1", &found, &f.err), ERR_NOT_FOUND, "not-found", f.err);

	CHECK_OK(certificate_route_set(f.db, "c1", "example.org", "d1", &f.err), f.err);
	order_make(&f, "o1", "c1");
	REFUSED(delegation_remove(f.db, "d1", 40, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK_OK(order_end(f.db, "o1", "issued", "", "", "", 41, &f.err), f.err);
	CHECK_OK(delegation_remove(f.db, "d1", 42, &f.err), f.err);
	REFUSED(delegation_remove(f.db, "d1", 43, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(delegation_list(f.db, f.a, "p1", &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_OK(delegation_find(f.db, f.a, "d1", &found, &f.err), f.err);
	CHECK_INT(found.removed_at, 42);
	REFUSED(target_claim(f.db, "a.acme.example", "p2", "named", 50, &f.err), ERR_CONFLICT, "target-owned", f.err);
	fixture_close(&f);
}

TEST(certificates)
{
	struct fixture            f;
	struct certificate        c, later, *list;
	struct certificate_route *routes;
	struct delegation         d = { .id = "d1", .project_id = "p1", .name = "example.org", .target = "a.acme.example",
	                              .kind = "named", .health = "planned", .created_at = 5, .row_version = 1, .mac = MAC };
	size_t                    count = 0;

	world(&f);
	CHECK_OK(certificate_find(f.db, f.a, "c1", &c, &f.err), f.err);
	CHECK_STR(c.facade, "");
	CHECK_STR(c.names, "example.org *.example.org");
	later = c;
	later.id = "c2";
	later.created_at = 100;
	CHECK_OK(certificate_insert(f.db, &later, &f.err), f.err);
	REFUSED(certificate_insert(f.db, &later, &f.err), ERR_CONFLICT, "already-exists", f.err);
	CHECK_OK(certificate_find_named(f.db, f.a, "p1", "example.org", &c, &f.err), f.err);
	CHECK_STR(c.id, "c2");
	CHECK_OK(certificate_find_named(f.db, f.a, "", "c1", &c, &f.err), f.err);
	CHECK_STR(c.id, "c1");
	REFUSED(certificate_find_named(f.db, f.a, "p2", "c1", &c, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(certificate_find_named(f.db, f.a, "", "example.org", &c, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(certificate_list(f.db, f.a, "p1", "", 1, &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(list[0].id, "c1");
	CHECK_OK(certificate_list(f.db, f.a, "p1", "c1", 9, &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(list[0].id, "c2");
	later.key_type = "rsa-2048";
	CHECK_OK(certificate_update(f.db, &later, &f.err), f.err);
	REFUSED(certificate_update(f.db, &later, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK_OK(certificate_find(f.db, f.a, "c2", &c, &f.err), f.err);
	CHECK_STR(c.key_type, "rsa-2048");
	CHECK_INT(c.row_version, 2);
	later.id = "c3";
	later.project_id = "nobody";
	REFUSED(certificate_insert(f.db, &later, &f.err), ERR_CONFLICT, "conflict", f.err);

	d.connection_id = builtin(&f);
	CHECK_OK(target_claim(f.db, d.target, "p1", "named", 1, &f.err), f.err);
	CHECK_OK(delegation_insert(f.db, &d, &f.err), f.err);
	d.id = "d2";
	d.name = "www.example.org";
	CHECK_OK(delegation_insert(f.db, &d, &f.err), f.err);
	CHECK_OK(certificate_route_set(f.db, "c1", "example.org", "d1", &f.err), f.err);
	CHECK_OK(certificate_route_set(f.db, "c1", "example.org", "d2", &f.err), f.err);
	CHECK_OK(certificate_route_list(f.db, f.a, "c1", &routes, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(routes[0].delegation_id, "d2");
	fixture_close(&f);
}

TEST(versions)
{
	struct fixture     f;
	struct version     v = { .id = "v1", .project_id = "p1", .certificate_id = "c1", .key_type = "ec-p256",
	                       .spki_sha256 = "00", .key_blob = KEY, .created_at = 1, .row_version = 7 }, found;
	struct certificate c;

	world(&f);
	CHECK_OK(version_insert(f.db, &v, &f.err), f.err);
	v.id = "v2";
	CHECK_OK(version_insert(f.db, &v, &f.err), f.err);
	REFUSED(version_find_number(f.db, f.a, "c1", 0, &found, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(version_find_number(f.db, f.a, "c1", 2, &found, &f.err), f.err);
	CHECK_STR(found.id, "v2");
	CHECK_INT(found.issued_at, 0);
	CHECK_OK(version_set_chain(f.db, "v2", "PEM", &f.err), f.err);
	REFUSED(version_set_chain(f.db, "none", "PEM", &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(version_store(f.db, "v2", "0a", "", 10, 20, 15, &f.err), f.err);
	CHECK_OK(version_store(f.db, "v2", "0a", "aki.serial", 10, 20, 16, &f.err), f.err);
	CHECK_OK(version_store(f.db, "v1", "09", "", 1, 2, 17, &f.err), f.err); /* late: the newer one stays */
	CHECK_OK(version_find_number(f.db, f.a, "c1", 0, &found, &f.err), f.err);
	CHECK_STR(found.id, "v2");
	CHECK_INT(found.number, 2);
	CHECK_STR(found.chain_pem, "PEM");
	CHECK_STR(found.serial, "0a");
	CHECK_STR(found.ari_id, "aki.serial");
	CHECK_INT(found.not_before_at, 10);
	CHECK_INT(found.not_after_at, 20);
	CHECK_INT(found.issued_at, 15);
	CHECK_INT(found.row_version, 7);
	CHECK(str_eq(found.key_blob, KEY));
	CHECK_OK(version_find(f.db, f.a, "v1", &found, &f.err), f.err);
	CHECK_INT(found.number, 1);
	CHECK_OK(certificate_find(f.db, f.a, "c1", &c, &f.err), f.err);
	CHECK_INT(c.version, 2);
	REFUSED(version_store(f.db, "none", "", "", 1, 2, 3, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	fixture_close(&f);
}

TEST(compromised_keys)
{
	struct fixture     f;
	struct version     v = { .id = "v1", .project_id = "p1", .certificate_id = "c1", .key_type = "p256", .spki_sha256 = "aa",
	                         .authority_id = "ca", .names = "a.test b.test", .created_at = 1, .row_version = 1 }, found;
	bool               compromised = true;

	world(&f);
	CHECK_OK(version_insert(f.db, &v, &f.err), f.err);
	CHECK_OK(version_find(f.db, f.a, "v1", &found, &f.err), f.err);
	CHECK_INT(found.key_blob.len, 0);
	CHECK_STR(found.authority_id, "ca");
	CHECK_STR(found.names, "a.test b.test");
	CHECK_OK(version_key_compromised(f.db, "aa", &compromised, &f.err), f.err);
	CHECK(!compromised && found.key_compromised_at == 0);
	CHECK_OK(version_key_compromise(f.db, "c1", "aa", 5, &f.err), f.err);
	CHECK_OK(version_key_compromise(f.db, "c1", "aa", 6, &f.err), f.err);
	CHECK_OK(version_find(f.db, f.a, "v1", &found, &f.err), f.err);
	CHECK_INT(found.key_compromised_at, 5);
	CHECK_OK(version_key_compromised(f.db, "aa", &compromised, &f.err), f.err);
	CHECK(compromised);
	CHECK_OK(version_key_compromised(f.db, "bb", &compromised, &f.err), f.err);
	CHECK(!compromised);
	fixture_close(&f);
}

TEST(edited_certificates)
{
	static const char *const  kept[] = { "b.test" };
	struct fixture            f;
	struct certificate        c, again;
	struct certificate_route *routes;
	struct delegation         d = { .id = "d1", .project_id = "p1", .name = "b.test", .target = "t.example.org", .kind = "named",
	                                .health = "planned", .problem = "", .finding = "", .created_at = 1, .row_version = 1,
	                                .mac = KEY };
	struct str                csr;
	size_t                    count;

	world(&f);
	CHECK_OK(certificate_find(f.db, f.a, "c1", &c, &f.err), f.err);
	CHECK_STR(c.key_policy, "new");
	CHECK_STR(c.fallback_id, "");
	CHECK_OK(certificate_csr(f.db, f.a, "c1", &csr, &f.err), f.err);
	CHECK_INT(csr.len, 0);
	c.names = "b.test";
	c.key_policy = "reuse";
	c.csr_spki = "aa";
	c.fallback_id = "second";
	c.fallback_after = "2d";
	CHECK_OK(certificate_update(f.db, &c, &f.err), f.err);
	CHECK_OK(certificate_set_csr(f.db, "c1", STR("DER"), &f.err), f.err);
	CHECK_OK(certificate_find(f.db, f.a, "c1", &again, &f.err), f.err);
	CHECK_STR(again.names, "b.test");
	CHECK_STR(again.key_policy, "reuse");
	CHECK_STR(again.csr_spki, "aa");
	CHECK_STR(again.fallback_id, "second");
	CHECK_STR(again.fallback_after, "2d");
	CHECK_INT(again.row_version, c.row_version + 1);
	REFUSED(certificate_update(f.db, &c, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK_OK(certificate_csr(f.db, f.a, "c1", &csr, &f.err), f.err);
	CHECK(str_eq(csr, STR("DER")));
	CHECK_OK(certificate_set_csr(f.db, "c1", STR(""), &f.err), f.err);
	CHECK_OK(certificate_csr(f.db, f.a, "c1", &csr, &f.err), f.err);
	CHECK_INT(csr.len, 0);
	d.connection_id = builtin(&f);
	CHECK_OK(target_claim(f.db, d.target, "p1", "named", 1, &f.err), f.err);
	CHECK_OK(delegation_insert(f.db, &d, &f.err), f.err);
	CHECK_OK(certificate_route_set(f.db, "c1", "a.test", "d1", &f.err), f.err);
	CHECK_OK(certificate_route_set(f.db, "c1", "b.test", "d1", &f.err), f.err);
	CHECK_OK(certificate_route_keep(f.db, "c1", kept, 1, &f.err), f.err);
	CHECK_OK(certificate_route_list(f.db, f.a, "c1", &routes, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(routes[0].name, "b.test");
	fixture_close(&f);
}

/* Failing is from the first retry behind the last good step on. */
TEST(orders_that_fail)
{
	static const struct {
		const char *step, *outcome;
		int64_t     failing;
	} rows[] = {
		{ "key", "done", 0 },         { "new-order", "retry", 2 },  { "new-order", "retry", 2 },
		{ "new-order", "done", 0 },   { "await", "wait", 0 },       { "finalize", "retry", 6 },
		{ "account", "done", 0 },     { "account", "wait", 8 },     { "new-order", "retry", 8 },
		{ "admit", "done", 8 },       { "admit", "wait", 8 },       { "new-order", "done", 0 },
		{ "admit", "wait", 0 },       { "admit", "retry", 14 },
	};
	struct fixture f;
	int64_t        failing = -1;

	world(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct history h = { .at = (int64_t)i + 1, .order_id = "o1", .kind = "order", .step = rows[i].step,
			             .outcome = rows[i].outcome, .text = "" };

		CHECK_OK(history_insert(f.db, &h, &f.err), f.err);
		CHECK_OK(history_failing_since(f.db, "o1", &failing, &f.err), f.err);
		CHECK_INT(failing, rows[i].failing);
	}
	fixture_close(&f);
}

TEST(orders)
{
	struct fixture f;
	struct order   o, *list, second;
	size_t         count = 0;

	world(&f);
	REFUSED(order_find_running(f.db, f.a, "c1", &o, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	order_make(&f, "o1", "c1");
	CHECK_OK(order_find_running(f.db, f.a, "c1", &o, &f.err), f.err);
	second = o;
	second.id = "o2";
	second.created_at = 11;
	REFUSED(order_insert(f.db, &second, &f.err), ERR_CONFLICT, "order-running", f.err);
	CHECK_OK(order_set_version(f.db, "o1", "v1", &f.err), f.err);
	CHECK_OK(order_set_account(f.db, "o1", "a1", &f.err), f.err);
	CHECK_OK(order_count_new_order(f.db, "o1", &f.err), f.err);
	CHECK_OK(order_set_urls(f.db, "o1", "u1", "u2", &f.err), f.err);
	CHECK_OK(order_set_csr(f.db, "o1", KEY, &f.err), f.err);
	CHECK_OK(order_set_certificate_url(f.db, "o1", "u3", &f.err), f.err);
	CHECK_OK(order_set_progress(f.db, "o1", "await", "timeout", "slow", "wait", 99, 3, &f.err), f.err);
	CHECK_OK(order_set_progress(f.db, "o1", "await", "timeout", "slow", "wait", 99, 2, &f.err), f.err);
	CHECK_OK(order_find(f.db, f.a, "o1", &o, &f.err), f.err);
	CHECK_STR(o.version_id, "v1");
	CHECK_STR(o.account_id, "a1");
	CHECK_STR(o.order_url, "u1");
	CHECK_STR(o.finalize_url, "u2");
	CHECK_STR(o.certificate_url, "u3");
	CHECK(str_eq(o.csr, KEY));
	CHECK_INT(o.new_orders, 1);
	CHECK_INT(o.requests, 5);
	CHECK_STR(o.step, "await");
	CHECK_STR(o.problem, "timeout");
	CHECK_STR(o.detail, "slow");
	CHECK_STR(o.hint, "wait");
	CHECK_INT(o.next_try_at, 99);
	CHECK_INT(o.row_version, 9);
	CHECK_OK(order_forget_urls(f.db, "o1", &f.err), f.err);
	CHECK_OK(order_end(f.db, "o1", "issued", "", "", "", 77, &f.err), f.err);
	REFUSED(order_end(f.db, "o1", "failed", "", "", "", 78, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK_OK(order_find(f.db, f.a, "o1", &o, &f.err), f.err);
	CHECK_STR(o.order_url, "");
	CHECK_STR(o.certificate_url, "");
	CHECK(o.csr.ptr == NULL);
	CHECK_STR(o.status, "issued");
	CHECK_INT(o.ended_at, 77);
	CHECK_INT(o.next_try_at, 0);
	CHECK_OK(order_insert(f.db, &second, &f.err), f.err);
	CHECK_OK(order_list(f.db, f.a, "p1", "", 9, &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK_STR(list[0].id, "o2");
	CHECK_OK(order_list(f.db, f.a, "p1", "c1", 1, &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(list[0].id, "o2");
	CHECK_OK(order_list(f.db, f.a, "p2", "c1", 9, &list, &count, &f.err), f.err);
	CHECK_INT(count, 0);
	REFUSED(order_set_csr(f.db, "none", KEY, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	fixture_close(&f);
}

TEST(authorizations_and_history)
{
	struct fixture        f;
	struct authorization  x, *list;
	struct history       *lines;
	const struct history  line = { .order_id = "o1", .job_id = 3, .kind = "order", .step = "key", .outcome = "done",
	                             .at = 5, .text = "made" };
	size_t                count = 0;
	int64_t               id = 0, again = 0, other = 0, pending = 0;

	world(&f);
	order_make(&f, "o1", "c1");
	CHECK_OK(authorization_insert(f.db, "o1", "u1", &id, &f.err), f.err);
	CHECK_OK(authorization_insert(f.db, "o1", "u2", &other, &f.err), f.err);
	CHECK_OK(authorization_insert(f.db, "o1", "u1", &again, &f.err), f.err);
	CHECK(id == again && id != other && id > 0);
	CHECK_OK(authorization_pending(f.db, "o1", &pending, &f.err), f.err);
	CHECK_INT(pending, 2);
	CHECK_OK(authorization_set_challenge(f.db, id, "example.org", true, "c", "value", &f.err), f.err);
	CHECK_OK(authorization_set_route(f.db, id, "x.acme.example", "conn", "acme.example/Z1", &f.err), f.err);
	CHECK_OK(authorization_set_status(f.db, id, "responded", 40, &f.err), f.err);
	CHECK_OK(authorization_set_status(f.db, id, "valid", 50, &f.err), f.err);
	CHECK_OK(authorization_find(f.db, f.a, id, &x, &f.err), f.err);
	CHECK_STR(x.name, "example.org");
	CHECK(x.wildcard);
	CHECK_STR(x.challenge_url, "c");
	CHECK_STR(x.value, "value");
	CHECK_STR(x.owner, "x.acme.example");
	CHECK_STR(x.connection_id, "conn");
	CHECK_STR(x.zone, "acme.example/Z1");
	CHECK_STR(x.status, "valid");
	CHECK_INT(x.responded_at, 40);
	CHECK_OK(authorization_pending(f.db, "o1", &pending, &f.err), f.err);
	CHECK_INT(pending, 1);
	CHECK_OK(authorization_list(f.db, f.a, "o1", &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK_OK(authorization_add_republished(f.db, id, &f.err), f.err);
	CHECK_OK(authorization_add_republished(f.db, id, &f.err), f.err);
	CHECK_OK(authorization_find(f.db, f.a, id, &x, &f.err), f.err);
	CHECK_INT(x.republished, 2);
	REFUSED(authorization_set_route(f.db, 999, "", "", "", &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(authorization_find(f.db, f.a, 999, &x, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	CHECK_OK(order_forget_urls(f.db, "o1", &f.err), f.err);
	CHECK_OK(authorization_list(f.db, f.a, "o1", &list, &count, &f.err), f.err);
	CHECK_INT(count, 0);

	CHECK_OK(history_insert(f.db, &line, &f.err), f.err);
	CHECK_OK(history_insert(f.db, &line, &f.err), f.err);
	CHECK_OK(history_list(f.db, f.a, "o1", &lines, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK(lines[0].id < lines[1].id);
	CHECK_STR(lines[1].text, "made");
	CHECK_INT(lines[1].job_id, 3);
	fixture_close(&f);
}

TEST(one_ledger_row_per_value)
{
	struct fixture      f;
	struct txt_record   r = { .zone = "acme.example", .owner = "x.acme.example", .value = "v", .order_id = "o1",
	                        .authorization_id = 1, .intent_at = 5 }, *list;
	struct certificate  c;
	const char        **ids;
	size_t              count = 0;
	int64_t             id = 0, again = 0, retired = 0;
	bool                twice = true;

	world(&f);
	CHECK_OK(certificate_find(f.db, f.a, "c1", &c, &f.err), f.err);
	c.id = "c2";
	CHECK_OK(certificate_insert(f.db, &c, &f.err), f.err);
	order_make(&f, "o1", "c1");
	order_make(&f, "o2", "c2");
	r.connection_id = builtin(&f);
	CHECK_OK(txt_record_intend(f.db, &r, &id, &twice, &f.err), f.err);
	CHECK_OK(txt_record_intend(f.db, &r, &again, &twice, &f.err), f.err);
	CHECK(id == again && id > 0 && twice);
	r.order_id = "o2";
	REFUSED(txt_record_intend(f.db, &r, &again, &twice, &f.err), ERR_CONFLICT, "conflict", f.err);
	r.value = "w";
	CHECK_OK(txt_record_intend(f.db, &r, &again, &twice, &f.err), f.err); /* another value at the same owner */

	CHECK_OK(txt_record_list_live(f.db, f.a, CONNECTION_BUILTIN, &list, &count, &f.err), f.err);
	CHECK_INT(count, 0);
	CHECK_OK(txt_record_set_state(f.db, id, "live", 10, &f.err), f.err);
	CHECK_OK(txt_record_set_state(f.db, id, "live", 11, &f.err), f.err);
	CHECK_OK(txt_record_list_live(f.db, f.a, CONNECTION_BUILTIN, &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(list[0].value, "v");
	CHECK_INT(list[0].live_at, 10);
	CHECK_OK(txt_record_list_live(f.db, f.a, "other", &list, &count, &f.err), f.err);
	CHECK_INT(count, 0);

	CHECK_OK(txt_record_seen(f.db, f.a, "x.acme.example", 20, 2, &ids, &count, &f.err), f.err);
	CHECK_INT(count, 1); /* only what is live was answered */
	CHECK_STR(ids[0], "o1");
	CHECK_OK(txt_record_seen(f.db, f.a, "x.acme.example", 30, 3, &ids, &count, &f.err), f.err);
	CHECK_OK(txt_record_seen(f.db, f.a, "y.acme.example", 30, 3, &ids, &count, &f.err), f.err);
	CHECK_INT(count, 0);

	CHECK_OK(txt_record_retire(f.db, "o1", 0, 35, &retired, &f.err), f.err);
	CHECK_INT(retired, 1);
	REFUSED(txt_record_set_state(f.db, id, "live", 40, &f.err), ERR_CONFLICT, "conflict", f.err);
	r.order_id = "o1";
	r.value = "v";
	REFUSED(txt_record_intend(f.db, &r, &again, &twice, &f.err), ERR_TEMPORARY, "conflict", f.err);
	CHECK_OK(txt_record_set_state(f.db, id, "gone", 50, &f.err), f.err);
	CHECK_OK(txt_record_set_state(f.db, id, "gone", 60, &f.err), f.err);
	REFUSED(txt_record_set_state(f.db, id, "removing", 70, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK_OK(txt_record_list_order(f.db, f.a, "o1", &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(list[0].state, "gone");
	CHECK_INT(list[0].gone_at, 50);
	CHECK_INT(list[0].seen_at, 20);
	CHECK_INT(list[0].seen_networks, 3);
	CHECK_OK(txt_record_retire(f.db, "o1", 0, 35, &retired, &f.err), f.err);
	CHECK_INT(retired, 0);
	CHECK_OK(txt_record_intend(f.db, &r, &again, &twice, &f.err), f.err); /* gone: the value may come again */
	CHECK(again != id);
	fixture_close(&f);
}

TEST(renewals)
{
	struct fixture f;
	struct renewal r = { .certificate_id = "c1", .position = 999999, .ask_at = 5, .retry_at = 6, .early = 2 }, again;
	struct certificate c;

	world(&f);
	REFUSED(renewal_find(f.db, f.a, "c1", &again, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(renewal_set_asked(f.db, &r, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(renewal_set_tries(f.db, &r, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	f.err = (struct err){ 0 };
	CHECK_OK(renewal_begin(f.db, &r, &f.err), f.err);
	CHECK_OK(renewal_find(f.db, f.a, "c1", &again, &f.err), f.err);
	CHECK_INT(again.position, 999999);
	CHECK_INT(again.window_start_at, 0);
	CHECK_STR(again.explanation_url, "");
	CHECK_INT(again.retry_at, 6);
	CHECK_INT(again.early, 2);
	/* each write touches its own half */
	r = (struct renewal){ .certificate_id = "c1", .window_start_at = 10, .window_end_at = 20, .drawn_at = 15,
		              .explanation_url = "https://x", .asked_at = 7, .ask_at = 8, .ask_failures = 1, .finding = "f" };
	CHECK_OK(renewal_set_asked(f.db, &r, &f.err), f.err);
	r = (struct renewal){ .certificate_id = "c1", .failures = 3, .early = 1 };
	CHECK_OK(renewal_set_tries(f.db, &r, &f.err), f.err);
	CHECK_OK(renewal_find(f.db, f.a, "c1", &again, &f.err), f.err);
	CHECK_INT(again.position, 999999);
	CHECK_INT(again.drawn_at, 15);
	CHECK_INT(again.window_start_at, 10);
	CHECK_INT(again.window_end_at, 20);
	CHECK_STR(again.explanation_url, "https://x");
	CHECK_INT(again.asked_at, 7);
	CHECK_INT(again.ask_at, 8);
	CHECK_INT(again.ask_failures, 1);
	CHECK_STR(again.finding, "f");
	CHECK_INT(again.failures, 3);
	CHECK_INT(again.retry_at, 0);
	CHECK_INT(again.early, 1);
	/* a new version begins anew */
	CHECK_OK(renewal_begin(f.db, &r, &f.err), f.err);
	CHECK_OK(renewal_find(f.db, f.a, "c1", &again, &f.err), f.err);
	CHECK_INT(again.drawn_at, 0);
	CHECK_STR(again.finding, "");
	/* the policy */
	CHECK_OK(certificate_find(f.db, f.a, "c1", &c, &f.err), f.err);
	CHECK_STR(c.renew_before, "");
	c.auto_renew = true;
	c.paused_at = 9;
	c.renew_before = "1/3";
	CHECK_OK(certificate_set_policy(f.db, &c, &f.err), f.err);
	REFUSED(certificate_set_policy(f.db, &c, &f.err), ERR_CONFLICT, "conflict", f.err);
	f.err = (struct err){ 0 };
	CHECK_OK(certificate_find(f.db, f.a, "c1", &c, &f.err), f.err);
	CHECK(c.auto_renew);
	CHECK_INT(c.paused_at, 9);
	CHECK_STR(c.renew_before, "1/3");
	fixture_close(&f);
}

TESTS(T(projects_and_facts), T(tokens), T(builtin_connections_follow_the_zones), T(authorities_and_accounts),
      T(targets_are_never_shared_or_reused), T(delegations), T(certificates), T(versions), T(compromised_keys),
      T(edited_certificates), T(orders_that_fail), T(orders),
      T(authorizations_and_history), T(one_ledger_row_per_value), T(renewals))
