/* Buckets, charges and holds; failures; rehearsals that no list shows; waits that are one row. */
#include "store/limit.h"

#include "fixture.h"
#include "store/authority.h"
#include "store/certificate.h"
#include "store/failure.h"
#include "store/order.h"
#include "store/project.h"
#include "store/schedule.h"

#define NOW 1800000000000

static struct bucket bucket_of(struct fixture *f, const char *key)
{
	struct bucket b;

	CHECK_OK(bucket_find(f->db, f->a, "s", "n", key, &b, &f->err), f->err);
	return b;
}

TEST(buckets)
{
	struct fixture f;
	struct bucket  b, *list;
	size_t         count;

	fixture_db(&f);
	b = bucket_of(&f, "k");
	CHECK_INT(b.full_at, 0);
	b.full_at = NOW + 1000;
	CHECK_OK(bucket_set(f.db, &b, NOW, &f.err), f.err);
	CHECK_INT(bucket_of(&f, "k").full_at, NOW + 1000);
	CHECK_INT(bucket_of(&f, "other").full_at, 0);
	/* A hold stays the later of two, and does not touch what was taken. */
	b.held_until = NOW + 5000;
	b.held_problem = "rateLimited";
	b.held_text = "not now";
	CHECK_OK(bucket_hold(f.db, &b, NOW, &f.err), f.err);
	b.held_until = NOW + 3000;
	b.held_text = "sooner";
	CHECK_OK(bucket_hold(f.db, &b, NOW, &f.err), f.err);
	b = bucket_of(&f, "k");
	CHECK_INT(b.held_until, NOW + 5000);
	CHECK_STR(b.held_text, "not now");
	CHECK_INT(b.full_at, NOW + 1000);
	CHECK_OK(bucket_list(f.db, f.a, "s", NOW, 10, &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_OK(bucket_release(f.db, "s", "n", "k", &f.err), f.err);
	CHECK_INT(bucket_of(&f, "k").held_until, 0);
	CHECK_INT(bucket_of(&f, "k").full_at, NOW + 1000);
	CHECK_OK(bucket_reset(f.db, "s", "n", "k", &f.err), f.err);
	CHECK_INT(bucket_of(&f, "k").full_at, 0);
	/* A row that says nothing any more goes with a later write; an issue is remembered. */
	CHECK_OK(bucket_issued(f.db, "s", "n", "set", NOW, NOW + 100000, &f.err), f.err);
	b = (struct bucket){ .scope = "s", .name = "n", .key = "new", .full_at = NOW + 60000 };
	CHECK_OK(bucket_set(f.db, &b, NOW + 50000, &f.err), f.err);
	CHECK_INT(bucket_of(&f, "set").issued_at, NOW);
	CHECK_OK(bucket_set(f.db, &b, NOW + 200000, &f.err), f.err);
	CHECK_INT(bucket_of(&f, "set").issued_at, 0);
	fixture_close(&f);
}

static void make_order(struct fixture *f, const char *id)
{
	static const struct project   project = { .id = "p", .name = "p", .created_at = NOW };
	static const struct authority authority = { .id = "a", .project_id = "p", .name = "a", .directory_url = "https://a.example/",
		                                    .row_version = 1, .mac = { "m", 1 }, .created_at = NOW };
	struct certificate c = { .id = id, .project_id = "p", .name = id, .names = id, .authority_id = "a", .key_type = "p256",
		                 .facade = "", .created_at = NOW, .row_version = 1, .renew_before = "" };
	struct order       o = { .id = id, .project_id = "p", .certificate_id = id, .version_id = "", .authority_id = "a",
		                 .account_id = "", .status = "running", .step = "key", .order_url = "", .finalize_url = "",
		                 .certificate_url = "", .problem = "", .detail = "", .hint = "", .created_at = NOW, .row_version = 1 };
	struct err         ignored = { 0 };

	if (project_insert(f->db, &project, &ignored))
		CHECK_OK(authority_insert(f->db, &authority, &f->err), f->err);
	CHECK_OK(certificate_insert(f->db, &c, &f->err), f->err);
	CHECK_OK(order_insert(f->db, &o, &f->err), f->err);
}

TEST(charges)
{
	struct fixture f;
	struct bucket  b;
	bool           fresh;

	fixture_db(&f);
	make_order(&f, "o1");
	b = (struct bucket){ .scope = "s", .name = "n", .key = "k", .full_at = NOW + 2000 };
	CHECK_OK(bucket_set(f.db, &b, NOW, &f.err), f.err);
	CHECK_OK(charge_insert(f.db, "o1", &b, 500, &fresh, &f.err), f.err);
	CHECK(fresh);
	/* A second newOrder of the same order takes nothing again. */
	CHECK_OK(charge_insert(f.db, "o1", &b, 500, &fresh, &f.err), f.err);
	CHECK(!fresh);
	CHECK_OK(charge_end(f.db, "o1", true, &f.err), f.err);
	CHECK_INT(bucket_of(&f, "k").full_at, NOW + 1500);
	CHECK_OK(charge_end(f.db, "o1", true, &f.err), f.err);
	CHECK_INT(bucket_of(&f, "k").full_at, NOW + 1500);
	CHECK_OK(charge_insert(f.db, "o1", &b, 500, &fresh, &f.err), f.err);
	CHECK_OK(charge_end(f.db, "o1", false, &f.err), f.err);
	CHECK_INT(bucket_of(&f, "k").full_at, NOW + 1500);
	fixture_close(&f);
}

TEST(failures)
{
	struct fixture f;
	struct failure x, *list;
	size_t         count;

	fixture_db(&f);
	make_order(&f, "c1");
	CHECK_OK(failure_find(f.db, f.a, "c1", "a", "example.com", &x, &f.err), f.err);
	CHECK_INT(x.failures, 0);
	x.failures = 2;
	x.validations = 1;
	x.class = "later";
	x.next_at = INT64_MAX;
	x.failed_at = NOW;
	CHECK_OK(failure_put(f.db, &x, &f.err), f.err);
	CHECK_OK(failure_find(f.db, f.a, "c1", "a", "example.com", &x, &f.err), f.err);
	CHECK_INT(x.failures, 2);
	CHECK(x.next_at == INT64_MAX);
	CHECK_OK(failure_rehearsed(f.db, "c1", "a", NOW + 1, &f.err), f.err);
	CHECK_OK(failure_list(f.db, f.a, "c1", "", &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_INT(list[0].rehearsed_at, NOW + 1);
	CHECK_OK(failure_list(f.db, f.a, "c1", "somebody", &list, &count, &f.err), f.err);
	CHECK_INT(count, 0);
	CHECK_OK(failure_clear(f.db, "c1", &f.err), f.err);
	CHECK_OK(failure_find(f.db, f.a, "c1", "a", "example.com", &x, &f.err), f.err);
	CHECK_INT(x.failures, 0);
	fixture_close(&f);
}

TEST(rehearsals_are_hidden)
{
	struct fixture      f;
	struct certificate *list, c;
	struct rehearsal    r = { "c2", "c2", "c1", NOW };
	size_t              count;

	fixture_db(&f);
	make_order(&f, "c1");
	make_order(&f, "c2");
	CHECK_OK(rehearsal_insert(f.db, &r, &f.err), f.err);
	CHECK_OK(certificate_list(f.db, f.a, "p", "", 10, &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_STR(list[0].id, "c1");
	CHECK(!certificate_find_named(f.db, f.a, "p", "c2", &c, &f.err));
	CHECK_OK(certificate_find(f.db, f.a, "c2", &c, &f.err), f.err);
	CHECK_OK(rehearsal_find(f.db, f.a, "c2", &r, &f.err), f.err);
	CHECK(!rehearsal_find(f.db, f.a, "c1", &r, &f.err));
	CHECK_OK(rehearsal_find_waiting(f.db, f.a, "c1", &r, &f.err), f.err);
	CHECK_STR(r.order_id, "c2");
	fixture_close(&f);
}

/* The same wait again is one row that lasts longer. */
TEST(waits)
{
	struct fixture  f;
	struct history  h = { .job_id = 1, .at = NOW, .order_id = "o1", .kind = "order", .step = "admit", .outcome = "wait",
		              .text = "limit x", .until_at = NOW + 1000 };
	struct history *list;
	size_t          count;

	fixture_db(&f);
	make_order(&f, "o1");
	CHECK_OK(history_note(f.db, &h, &f.err), f.err);
	h.until_at = NOW + 5000;
	h.at = NOW + 1000;
	CHECK_OK(history_note(f.db, &h, &f.err), f.err);
	CHECK_OK(history_list(f.db, f.a, "o1", &list, &count, &f.err), f.err);
	CHECK_INT(count, 1);
	CHECK_INT(list[0].at, NOW);
	CHECK_INT(list[0].until_at, NOW + 5000);
	h.text = "limit y";
	h.until_at = 0;
	CHECK_OK(history_note(f.db, &h, &f.err), f.err);
	CHECK_OK(history_list(f.db, f.a, "o1", &list, &count, &f.err), f.err);
	CHECK_INT(count, 2);
	CHECK_INT(list[1].until_at, 0);
	fixture_close(&f);
}

TESTS(T(buckets), T(charges), T(failures), T(rehearsals_are_hidden), T(waits))
