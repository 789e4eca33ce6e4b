/* The ledger of TXT values: who owes what since when, and who may write at an owner name. */
#include "fixture.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/connection.h"
#include "store/job.h"
#include "store/order.h"
#include "store/owner_lease.h"
#include "store/project.h"
#include "store/txt_record.h"

#define NOW ((int64_t)1800000000000)

static const char *connection;

/* Two projects with an order each: o1 of p1, o2 of p2. */
static void world(struct fixture *f)
{
	static const char *const zones[] = { "acme.example" };
	static const char *const projects[] = { "p1", "p2" };
	struct connection       *list;
	size_t                   count = 0;

	fixture_db(f);
	CHECK_OK(connection_sync_builtin(f->db, zones, 1, 5, &f->err), f->err);
	for (size_t i = 0; i < ARRAY_LEN(projects); i++) {
		const struct project     p = { projects[i], projects[i], 1 };
		const struct authority   ca = { .id = i == 0 ? "ca1" : "ca2", .project_id = p.id, .name = "test", .directory_url = "https://ca/",
		                                .created_at = 3, .row_version = 1, .mac = STR("mac") };
		const struct certificate c = { .id = i == 0 ? "c1" : "c2", .project_id = p.id, .name = "example.org", .names = "example.org",
		                               .authority_id = ca.id, .key_type = "ec-p256", .created_at = 4, .row_version = 1 };
		const struct order       o = { .id = i == 0 ? "o1" : "o2", .project_id = p.id, .certificate_id = c.id, .authority_id = ca.id,
		                               .status = "running", .step = "key", .created_at = 10, .row_version = 1 };

		CHECK_OK(project_insert(f->db, &p, &f->err), f->err);
		CHECK_OK(authority_insert(f->db, &ca, &f->err), f->err);
		CHECK_OK(certificate_insert(f->db, &c, &f->err), f->err);
		CHECK_OK(order_insert(f->db, &o, &f->err), f->err);
	}
	CHECK_OK(connection_list(f->db, f->a, "p1", CONNECTION_BUILTIN, &list, &count, &f->err), f->err);
	connection = list[0].id;
}

static int64_t add(struct fixture *f, const char *order, int64_t authorization, const char *value)
{
	struct txt_record r = { .connection_id = connection, .zone = "acme.example", .owner = "x.acme.example", .value = value,
	                        .order_id = order, .authorization_id = authorization, .intent_at = NOW };
	int64_t           id = 0;
	bool              again = true;

	CHECK_OK(txt_record_intend(f->db, &r, &id, &again, &f->err), f->err);
	CHECK(!again);
	CHECK_OK(txt_record_set_state(f->db, id, "live", NOW, &f->err), f->err);
	return id;
}

static const char *state_of(struct fixture *f, const char *order, int64_t id)
{
	struct txt_record *list;
	size_t             count = 0;

	CHECK_OK(txt_record_list_order(f->db, f->a, order, &list, &count, &f->err), f->err);
	for (size_t i = 0; i < count; i++)
		if (list[i].id == id)
			return list[i].state;
	return "absent";
}

TEST(a_value_goes_with_its_own_authorization)
{
	struct fixture f;
	int64_t        one, two, other, owed = 0;

	world(&f);
	one = add(&f, "o1", 1, "v1");
	two = add(&f, "o1", 2, "v2");
	other = add(&f, "o2", 3, "v3"); /* the same owner name, another order */
	CHECK_OK(txt_record_retire(f.db, "o1", 1, NOW + 1, &owed, &f.err), f.err);
	CHECK_INT(owed, 1);
	CHECK_STR(state_of(&f, "o1", one), "removing");
	CHECK_STR(state_of(&f, "o1", two), "live");
	CHECK_STR(state_of(&f, "o2", other), "live");
	CHECK_OK(txt_record_retire(f.db, "o1", 0, NOW + 2, &owed, &f.err), f.err);
	CHECK_INT(owed, 2);
	CHECK_STR(state_of(&f, "o1", two), "removing");
	CHECK_STR(state_of(&f, "o2", other), "live");
	fixture_close(&f);
}

static void expect_debt(struct fixture *f, const char *project, int64_t now, int64_t count, int64_t given_up, bool alert)
{
	struct debt_summary s;
	struct txt_record  *list;
	size_t              listed = 0;

	CHECK_OK(txt_record_debt(f->db, project, now, &s, &f->err), f->err);
	CHECK_INT(s.count, count);
	CHECK_INT(s.given_up, given_up);
	CHECK_INT(s.alert, alert);
	CHECK_OK(txt_record_list_debt(f->db, f->a, project, now, 1000, &list, &listed, &f->err), f->err);
	CHECK_INT((int64_t)listed, count);
	for (size_t i = 1; i < listed; i++)
		CHECK(list[i - 1].retired_at <= list[i].retired_at);
}

TEST(debt_is_what_failed_or_is_late)
{
	struct fixture f;
	struct err     why = { 0 };
	const char   **orders;
	size_t         orders_count = 0;
	int64_t        one, two, owed = 0;

	world(&f);
	one = add(&f, "o1", 1, "v1");
	two = add(&f, "o2", 2, "v2");
	REFUSED(connection_remove(f.db, connection, NOW, &f.err), ERR_CONFLICT, "conflict", f.err); /* also needed values are owed, one day */
	CHECK_OK(txt_record_retire(f.db, "o1", 0, NOW, &owed, &f.err), f.err);
	expect_debt(&f, "", NOW, 0, 0, false); /* its removal is under way */
	expect_debt(&f, "", NOW + DEBT_GRACE_MS, 1, 0, false);

	err_problem(&why, ERR_TEMPORARY, "provider-unavailable", "it did not answer");
	REFUSED(txt_record_owe(f.db, two, NOW, &why, &f.err), ERR_CONFLICT, "conflict", f.err); /* it may stay */
	CHECK_OK(txt_record_owe(f.db, one, NOW + 1000, &why, &f.err), f.err);
	CHECK_STR(state_of(&f, "o1", one), "debt");
	expect_debt(&f, "", NOW, 1, 0, false);
	expect_debt(&f, "p1", NOW + DEBT_ALERT_MS + 1, 1, 0, true);
	expect_debt(&f, "p2", NOW + DEBT_ALERT_MS + 1, 0, 0, false);
	/* The end of its order changes nothing about it. */
	CHECK_OK(txt_record_retire(f.db, "o1", 0, NOW + 5, &owed, &f.err), f.err);
	CHECK_STR(state_of(&f, "o1", one), "debt");

	CHECK_OK(txt_record_owe(f.db, one, 0, &why, &f.err), f.err);
	expect_debt(&f, "p1", NOW + 1, 1, 1, false);
	CHECK_OK(txt_record_debt_retry(f.db, f.a, "p2", NOW, &orders, &orders_count, &f.err), f.err);
	CHECK_INT((int64_t)orders_count, 0);
	CHECK_OK(txt_record_debt_retry(f.db, f.a, "p1", NOW, &orders, &orders_count, &f.err), f.err);
	CHECK_INT((int64_t)orders_count, 1);
	CHECK_STR(orders[0], "o1");
	expect_debt(&f, "p1", NOW + 1, 1, 0, false);
	REFUSED(txt_record_set_state(f.db, one, "live", NOW, &f.err), ERR_CONFLICT, "conflict", f.err);

	CHECK_OK(txt_record_set_state(f.db, one, "gone", NOW + 9, &f.err), f.err);
	expect_debt(&f, "", NOW + 2 * DEBT_ALERT_MS, 0, 0, false);
	REFUSED(txt_record_owe(f.db, one, NOW, &why, &f.err), ERR_CONFLICT, "conflict", f.err);
	REFUSED(connection_remove(f.db, connection, NOW, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK_OK(txt_record_set_state(f.db, two, "superseded", NOW, &f.err), f.err);
	REFUSED(txt_record_set_state(f.db, two, "gone", NOW, &f.err), ERR_CONFLICT, "conflict", f.err);
	expect_debt(&f, "", NOW + 2 * DEBT_ALERT_MS, 0, 0, false);
	add(&f, "o1", 1, "v2"); /* what has ended is no owner of its value */
	fixture_close(&f);
}

TEST(strays_are_values_nobody_would_remove)
{
	struct fixture           f;
	struct txt_record_stray *strays;
	size_t                   count = 0;
	int64_t                  owed = 0, job = 0;

	world(&f);
	add(&f, "o1", 1, "v1");
	add(&f, "o2", 2, "v2");
	CHECK_OK(txt_record_strays(f.db, f.a, &strays, &count, &f.err), f.err);
	CHECK_INT((int64_t)count, 0); /* their orders run */
	CHECK_OK(order_end(f.db, "o1", "failed", "", "", "", NOW, &f.err), f.err);
	CHECK_OK(txt_record_strays(f.db, f.a, &strays, &count, &f.err), f.err);
	CHECK_INT((int64_t)count, 1);
	CHECK_STR(strays[0].order_id, "o1");
	CHECK_STR(strays[0].project_id, "p1");
	CHECK(!strays[0].retired);
	CHECK_OK(txt_record_retire(f.db, "o1", 0, NOW, &owed, &f.err), f.err);
	CHECK_OK(txt_record_strays(f.db, f.a, &strays, &count, &f.err), f.err);
	CHECK_INT((int64_t)count, 1);
	CHECK(strays[0].retired);
	CHECK_OK(job_insert(f.db, "cleanup", "o1", "o1", "p1", "remove", NOW, &job, &f.err), f.err);
	CHECK_OK(txt_record_strays(f.db, f.a, &strays, &count, &f.err), f.err);
	CHECK_INT((int64_t)count, 0);
	fixture_close(&f);
}

TEST(one_writer_per_owner_name)
{
	struct fixture f;
	bool           taken = false;

	world(&f);
#define TAKE_LEASE(owner, job, now) CHECK_OK(owner_lease_take(f.db, connection, "acme.example", owner, job, now, (now) + 100, &taken, &f.err), f.err)
	TAKE_LEASE("a", 1, NOW);
	CHECK(taken);
	TAKE_LEASE("a", 2, NOW + 50);
	CHECK(!taken);
	TAKE_LEASE("b", 2, NOW + 50);
	CHECK(taken);
	TAKE_LEASE("a", 1, NOW + 60); /* its own, again: a step that runs twice */
	CHECK(taken);
	TAKE_LEASE("a", 2, NOW + 159);
	CHECK(!taken);
	TAKE_LEASE("a", 2, NOW + 160); /* over */
	CHECK(taken);
	TAKE_LEASE("a", 1, NOW + 161);
	CHECK(!taken);
	CHECK_OK(owner_lease_give(f.db, 1, &f.err), f.err); /* has none any more: takes nothing from job 2 */
	TAKE_LEASE("a", 1, NOW + 162);
	CHECK(!taken);
	CHECK_OK(owner_lease_give(f.db, 2, &f.err), f.err);
	TAKE_LEASE("a", 1, NOW + 163);
	CHECK(taken);
	TAKE_LEASE("b", 1, NOW + 163);
	CHECK(taken);
	fixture_close(&f);
}

TESTS(T(a_value_goes_with_its_own_authorization), T(debt_is_what_failed_or_is_late), T(strays_are_values_nobody_would_remove),
      T(one_writer_per_owner_name))
