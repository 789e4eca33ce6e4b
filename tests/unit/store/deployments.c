/* Deployments and deliveries: once per version, one at a time at one place, and what is deployed is the newest that was. */
#include "store/deployment.h"

#include "fixture.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/project.h"

#define NOW 1700000000000

static void base(struct fixture *f)
{
	const struct project   project = { "p1", "default", NOW };
	const struct authority authority = { .id = "a1", .project_id = "p1", .name = "ca", .directory_url = "https://ca.test/", .email = "",
		                             .eab_kid = "", .ca_pem = "", .allow_addresses = "", .created_at = NOW, .row_version = 1,
		                             .mac = STR("mac") };
	struct certificate     certificate = { "c1", "p1", "x.test", "x.test", "a1", "p256", "", 0, NOW, 1 };
	struct version         version = { .id = "v1", .project_id = "p1", .certificate_id = "c1", .key_type = "p256", .spki_sha256 = "00",
		                           .chain_pem = "", .serial = "", .key_blob = STR("blob"), .created_at = NOW, .row_version = 1 };

	CHECK_OK(project_insert(f->db, &project, &f->err), f->err);
	CHECK_OK(authority_insert(f->db, &authority, &f->err), f->err);
	CHECK_OK(certificate_insert(f->db, &certificate, &f->err), f->err);
	CHECK_OK(version_insert(f->db, &version, &f->err), f->err);
	version.id = "v2";
	CHECK_OK(version_insert(f->db, &version, &f->err), f->err);
	certificate.id = "c2";
	CHECK_OK(certificate_insert(f->db, &certificate, &f->err), f->err);
}

static struct deployment deployment_of(const char *id, const char *name, const char *certificate_id)
{
	return (struct deployment){ .id = id, .project_id = "p1", .name = name, .certificate_id = certificate_id, .kind = "files",
		                    .settings = "{}", .created_at = NOW, .row_version = 1, .mac = STR("mac") };
}

static struct delivery delivery_of(const char *id, const char *version_id, int64_t number, const char *event)
{
	return (struct delivery){ .id = id, .deployment_id = "d1", .project_id = "p1", .certificate_id = "c1", .version_id = version_id,
		                  .number = number, .order_id = "", .event = event, .created_at = NOW + number };
}

TEST(deployments)
{
	struct fixture     f;
	struct deployment  one = deployment_of("d1", "one", "c1"), all = deployment_of("d2", "all", ""), found, *list;
	struct err         err;
	size_t             count;

	fixture_db(&f);
	base(&f);
	CHECK_OK(deployment_insert(f.db, &one, &f.err), f.err);
	CHECK_OK(deployment_insert(f.db, &all, &f.err), f.err);
	CHECK_OK(deployment_find_named(f.db, f.a, "p1", "one", &found, &f.err), f.err);
	CHECK_STR(found.id, "d1");
	CHECK(found.secret.ptr == NULL && str_eq(found.mac, STR("mac")));
	REFUSED(deployment_find_named(f.db, f.a, "p2", "one", &found, &err), ERR_NOT_FOUND, "not-found", err);
	CHECK_OK(deployment_list(f.db, f.a, "p1", "c1", &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK_OK(deployment_list(f.db, f.a, "p1", "c2", &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(list[0].id, "d2");
	CHECK_OK(deployment_remove(f.db, "d1", NOW, &f.err), f.err);
	REFUSED(deployment_remove(f.db, "d1", NOW, &err), ERR_NOT_FOUND, "not-found", err);
	CHECK_OK(deployment_find(f.db, f.a, "d1", &found, &f.err), f.err);
	CHECK_INT(found.removed_at, NOW);
	one.id = "d3"; /* the name is free again */
	CHECK_OK(deployment_insert(f.db, &one, &f.err), f.err);
	fixture_close(&f);
}

TEST(deliveries)
{
	struct fixture    f;
	struct deployment one = deployment_of("d1", "one", "c1");
	struct delivery   first = delivery_of("x1", "v1", 1, "created"), second = delivery_of("x2", "v2", 2, "renewed"), found;
	struct err        err;
	bool              made, busy;

	fixture_db(&f);
	base(&f);
	CHECK_OK(deployment_insert(f.db, &one, &f.err), f.err);
	CHECK_OK(delivery_insert(f.db, &first, &made, &f.err), f.err);
	CHECK(made);
	first.id = "x1-again";
	CHECK_OK(delivery_insert(f.db, &first, &made, &f.err), f.err);
	CHECK(!made); /* once per version */
	first.event = "manual";
	CHECK_OK(delivery_insert(f.db, &first, &made, &f.err), f.err);
	CHECK(made); /* by hand as often as anybody likes */
	CHECK_OK(delivery_insert(f.db, &second, &made, &f.err), f.err);

	CHECK_OK(delivery_start(f.db, "x1", NOW, &f.err), f.err);
	CHECK_OK(delivery_start(f.db, "x1", NOW, &f.err), f.err); /* itself, after a crash */
	CHECK_OK(delivery_busy(f.db, &second, &busy, &f.err), f.err);
	CHECK(busy);
	REFUSED(delivery_start(f.db, "x2", NOW, &err), ERR_CONFLICT, "conflict", err);
	REFUSED(delivery_find_deployed(f.db, f.a, "d1", "c1", "", &found, &err), ERR_NOT_FOUND, "not-found", err);
	CHECK_OK(delivery_set_deployed(f.db, "x1", "done", 0, "out", NOW + 1, &f.err), f.err);
	CHECK_OK(delivery_find(f.db, f.a, "x1", &found, &f.err), f.err);
	CHECK_INT(found.attempts, 2);
	CHECK_INT(found.exit_code, 0);
	CHECK_STR(found.output, "out");

	CHECK_OK(delivery_start(f.db, "x2", NOW, &f.err), f.err);
	CHECK_OK(delivery_set_deployed(f.db, "x2", "probing", -1, "", NOW + 2, &f.err), f.err);
	CHECK_OK(delivery_find_deployed(f.db, f.a, "d1", "c1", "", &found, &f.err), f.err);
	CHECK_STR(found.id, "x2");
	CHECK_OK(delivery_find_deployed(f.db, f.a, "d1", "c1", "x2", &found, &f.err), f.err);
	CHECK_STR(found.id, "x1");
	/* Taken back, the one before it is what is there. */
	CHECK_OK(delivery_end(f.db, "x2", "failed", "not-seen", "why", "", true, NOW + 3, &f.err), f.err);
	CHECK_OK(delivery_find_deployed(f.db, f.a, "d1", "c1", "", &found, &f.err), f.err);
	CHECK_STR(found.id, "x1");
	REFUSED(delivery_find_seen(f.db, f.a, "d1", "c1", &found, &err), ERR_NOT_FOUND, "not-found", err);
	CHECK_OK(delivery_set_seen(f.db, "x1", NOW + 4, &f.err), f.err);
	CHECK_OK(delivery_find_seen(f.db, f.a, "d1", "c1", &found, &f.err), f.err);
	CHECK_INT(found.exit_code, 0);
	fixture_close(&f);
}

TESTS(T(deployments), T(deliveries))
