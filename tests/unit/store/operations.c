/* tests/unit/store/operations.c: operations run once per subject and end once; revoked versions, rolled keys, wishes. */
#include "fixture.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/operation.h"
#include "store/order.h"
#include "store/project.h"

#define MAC STR("mac")

static void world(struct fixture *f)
{
	const struct project     one = { "p1", PROJECT_DEFAULT, 1 };
	const struct authority   ca = { .id = "ca", .project_id = "p1", .name = "test", .directory_url = "https://ca/", .created_at = 3,
	                              .row_version = 1, .mac = MAC, .preset = "step-ca", .profile = "short", .chain = "Root" };
	const struct certificate c = { .id = "c1", .project_id = "p1", .name = "a.test", .names = "a.test", .authority_id = "ca",
	                             .key_type = "p256", .created_at = 4, .row_version = 1, .profile = "x", .chain = "shortest", .valid_s = 60 };
	const struct version     v = { .id = "v1", .project_id = "p1", .certificate_id = "c1", .key_type = "p256", .key_blob = STR("k"),
	                             .created_at = 5, .row_version = 1 };
	const struct account     account = { .id = "a1", .project_id = "p1", .authority_id = "ca", .status = "valid", .url = "https://ca/a",
	                                     .key_blob = STR("old"), .jwk = "{}", .thumbprint = "t", .hosts = "ca", .row_version = 1 };

	fixture_db(f);
	CHECK_OK(project_insert(f->db, &one, &f->err), f->err);
	CHECK_OK(authority_insert(f->db, &ca, &f->err), f->err);
	CHECK_OK(certificate_insert(f->db, &c, &f->err), f->err);
	CHECK_OK(version_insert(f->db, &v, &f->err), f->err);
	CHECK_OK(account_insert(f->db, &account, &f->err), f->err);
}

TEST(operations_run_once_per_subject)
{
	struct fixture   f;
	struct operation o = { .id = "o1", .project_id = "p1", .kind = "account-rollover", .subject = "a1", .authority_id = "ca", .request = "{}",
		               .created_at = 10 }, found, *list;
	size_t           count = 0;

	world(&f);
	CHECK_OK(operation_insert(f.db, &o, &f.err), f.err);
	o.id = "o2";
	o.created_at = 11;
	CHECK(!operation_insert(f.db, &o, &f.err) && f.err.class == ERR_CONFLICT);
	CHECK_OK(operation_set_key(f.db, "o1", STR("new"), "{\"k\":1}", "t2", &f.err), f.err);
	CHECK_OK(operation_set_sent(f.db, "o1", &f.err), f.err);
	CHECK_OK(operation_set_wait(f.db, "o1", "ca-unreachable", "down", "wait", 99, &f.err), f.err);
	CHECK_OK(operation_find(f.db, f.a, "o1", &found, &f.err), f.err);
	CHECK_STR(found.state, "sent");
	CHECK(str_eq(found.key_blob, STR("new")));
	CHECK_STR(found.problem, "ca-unreachable");
	CHECK_INT(found.next_try_at, 99);
	/* A failed rollover keeps the key: nobody knows what the CA knows. */
	CHECK_OK(operation_end(f.db, "o1", "failed", "", "unauthorized", "no", "", 20, &f.err), f.err);
	CHECK_OK(operation_end(f.db, "o1", "done", "{}", "", "", "", 21, &f.err), f.err);
	CHECK_OK(operation_find(f.db, f.a, "o1", &found, &f.err), f.err);
	CHECK_STR(found.state, "failed");
	CHECK(str_eq(found.key_blob, STR("new")));
	CHECK_INT(found.ended_at, 20);
	CHECK(!operation_set_sent(f.db, "o1", &f.err));
	/* It ended: the next one may run, and forgets its key when it is done. */
	CHECK_OK(operation_insert(f.db, &o, &f.err), f.err);
	CHECK_OK(operation_set_key(f.db, "o2", STR("newer"), "{}", "t3", &f.err), f.err);
	CHECK_OK(operation_end(f.db, "o2", "done", "{}", "", "", "", 30, &f.err), f.err);
	CHECK_OK(operation_find(f.db, f.a, "o2", &found, &f.err), f.err);
	CHECK(found.key_blob.len == 0);
	CHECK_OK(operation_list(f.db, f.a, "p1", 10, &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK_STR(list[0].id, "o2");
	fixture_close(&f);
}

TEST(rolled_keys_and_contacts)
{
	struct fixture   f;
	struct account   account;
	struct authority x;

	world(&f);
	CHECK_OK(account_set_key(f.db, "a1", STR("new"), "{\"k\":2}", "t2", 2, &f.err), f.err);
	CHECK_OK(account_find(f.db, f.a, "p1", "ca", &account, &f.err), f.err);
	CHECK(str_eq(account.key_blob, STR("new")));
	CHECK_STR(account.thumbprint, "t2");
	CHECK_INT(account.row_version, 2);
	CHECK_STR(account.url, "https://ca/a");
	CHECK_OK(authority_set_email(f.db, "ca", "b@c.test", STR("mac2"), &f.err), f.err);
	CHECK_OK(authority_find(f.db, f.a, "ca", &x, &f.err), f.err);
	CHECK_STR(x.email, "b@c.test");
	CHECK(str_eq(x.mac, STR("mac2")));
	CHECK_STR(x.preset, "step-ca");
	CHECK_STR(x.profile, "short");
	CHECK_STR(x.chain, "Root");
	CHECK_OK(authority_set_wishes(f.db, "ca", "", "shortest", &f.err), f.err);
	CHECK_OK(authority_find(f.db, f.a, "ca", &x, &f.err), f.err);
	CHECK_STR(x.profile, "");
	CHECK_STR(x.chain, "shortest");
	fixture_close(&f);
}

TEST(revoked_once)
{
	struct fixture     f;
	struct version     v;
	struct certificate c;

	world(&f);
	CHECK_OK(certificate_find(f.db, f.a, "c1", &c, &f.err), f.err);
	CHECK_STR(c.profile, "x");
	CHECK_STR(c.chain, "shortest");
	CHECK_INT(c.valid_s, 60);
	CHECK_OK(version_set_revoked(f.db, "v1", 4, 100, &f.err), f.err);
	CHECK_OK(version_set_revoked(f.db, "v1", 1, 200, &f.err), f.err);
	CHECK_OK(version_find(f.db, f.a, "v1", &v, &f.err), f.err);
	CHECK_INT(v.revoked_at, 100);
	CHECK_INT(v.revoked_reason, 4);
	CHECK(!version_set_revoked(f.db, "v9", 4, 100, &f.err) && f.err.class == ERR_NOT_FOUND);
	fixture_close(&f);
}

TEST(unused_authorities)
{
	struct fixture     f;
	const struct order o = { .id = "o1", .project_id = "p1", .certificate_id = "c1", .authority_id = "ca", .version_id = "v1", .status = "running",
		                 .step = "key", .created_at = 10, .row_version = 1 };
	int64_t            open = -1;
	bool               used;

	world(&f);
	CHECK_OK(authority_unused(f.db, "ca", &f.err), f.err);
	CHECK_OK(order_insert(f.db, &o, &f.err), f.err);
	CHECK(!authority_unused(f.db, "ca", &f.err) && f.err.class == ERR_CONFLICT);
	CHECK_OK(authority_orders_open(f.db, "ca", &open, &f.err), f.err);
	CHECK_INT(open, 0);
	CHECK_OK(order_set_urls(f.db, "o1", "https://ca/o/1", "https://ca/f/1", &f.err), f.err);
	CHECK_OK(authority_orders_open(f.db, "ca", &open, &f.err), f.err);
	CHECK_INT(open, 1);
	CHECK_OK(order_set_version(f.db, "o1", "v1", &f.err), f.err);
	CHECK_OK(authorization_insert(f.db, "o1", "https://ca/a/1", &open, &f.err), f.err);
	CHECK_OK(authorization_url_used(f.db, "ca", "https://ca/a/1", &used, &f.err), f.err);
	CHECK(used);
	CHECK_OK(authorization_url_used(f.db, "other", "https://ca/a/1", &used, &f.err), f.err);
	CHECK(!used);
	CHECK_OK(order_end(f.db, "o1", "cancelled", "", "", "", 5, &f.err), f.err);
	CHECK_OK(authorization_url_used(f.db, "ca", "https://ca/a/1", &used, &f.err), f.err);
	CHECK(!used);
	fixture_close(&f);
}

TESTS(T(operations_run_once_per_subject), T(rolled_keys_and_contacts), T(revoked_once), T(unused_authorities))
