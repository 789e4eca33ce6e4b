/* Claims, leases, fences and wake-ups. Time is a number here. */
#include "store/job.h"

#include "fixture.h"

static int64_t insert(struct fixture *f, const char *kind, const char *subject, int64_t wake_at)
{
	int64_t id = 0;

	CHECK_OK(job_insert(f->db, kind, subject, "order-1", "project", "first", wake_at, &id, &f->err), f->err);
	CHECK(id > 0);
	return id;
}

static struct job_row *claim(struct fixture *f, const char *owner, int64_t now, int64_t lease_until, size_t max,
                             size_t *ret_count)
{
	struct job_row *rows = NULL;

	CHECK_OK(job_claim(f->db, f->a, owner, now, lease_until, max, &rows, ret_count, &f->err), f->err);
	return rows;
}

static int64_t next_wake(struct fixture *f)
{
	int64_t at = 0;

	CHECK_OK(job_next_wake(f->db, &at, &f->err), f->err);
	return at;
}

TEST(claims_what_is_due_oldest_first)
{
	struct fixture  f;
	struct job_row *rows, row;
	size_t          count = 0;
	int64_t         id;

	fixture_db(&f);
	CHECK_INT(next_wake(&f), INT64_MAX);
	insert(&f, "order", "late", 300);
	insert(&f, "order", "third", 30);
	id = insert(&f, "order", "first", 10);
	insert(&f, "order", "second", 20);
	CHECK_INT(next_wake(&f), 10);
	rows = claim(&f, "node", 100, 160, 2, &count);
	CHECK_INT(count, 2);
	CHECK_STR(rows[0].subject, "first");
	CHECK_STR(rows[1].subject, "second");
	CHECK_INT(rows[0].id, id);
	CHECK_INT(rows[0].fence, 1);
	CHECK_INT(rows[0].claims, 1);
	CHECK_INT(rows[0].wake_at, 10);
	CHECK_STR(rows[0].step, "first");
	CHECK_STR(rows[0].state, "active");
	CHECK_STR(rows[0].order_id, "order-1");
	CHECK_STR(rows[0].project_id, "project");
	CHECK_INT(next_wake(&f), 30);
	rows = claim(&f, "node", 100, 170, 10, &count);
	CHECK_INT(count, 1);
	CHECK_STR(rows[0].subject, "third");
	CHECK_INT(next_wake(&f), 160); /* the end of a lease comes before "late" */
	claim(&f, "node", 159, 170, 10, &count);
	CHECK_INT(count, 0);
	CHECK_OK(job_find(f.db, f.a, id, &row, &f.err), f.err);
	CHECK_INT(row.wake_at, 10);
	CHECK_OK(job_find_live(f.db, f.a, "order", "first", &row, &f.err), f.err);
	CHECK_INT(row.id, id);
	REFUSED(job_find(f.db, f.a, 4711, &row, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(job_find_live(f.db, f.a, "order", "none", &row, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	fixture_close(&f);
}

TEST(a_stale_fence_changes_nothing)
{
	struct fixture  f;
	struct job_row *rows, row;
	size_t          count = 0;
	int64_t         id, old;

	fixture_db(&f);
	id = insert(&f, "order", "x", 10);
	rows = claim(&f, "one", 10, 50, 1, &count);
	old = rows[0].fence;
	CHECK_OK(job_check(f.db, id, old, &f.err), f.err);
	CHECK_OK(job_renew_lease(f.db, id, old, 60, &f.err), f.err);
	claim(&f, "two", 59, 100, 1, &count);
	CHECK_INT(count, 0);
	rows = claim(&f, "two", 60, 100, 1, &count); /* the lease is over */
	CHECK_INT(count, 1);
	CHECK_INT(rows[0].fence, old + 1);
	CHECK_INT(rows[0].claims, 2);
	REFUSED(job_check(f.db, id, old, &f.err), ERR_CONFLICT, "conflict", f.err);
	REFUSED(job_move(f.db, id, old, "evil", &f.err), ERR_CONFLICT, "conflict", f.err);
	REFUSED(job_sleep(f.db, id, old, "evil", 9, 999, &f.err), ERR_CONFLICT, "conflict", f.err);
	REFUSED(job_end(f.db, id, old, "failed", &f.err), ERR_CONFLICT, "conflict", f.err);
	REFUSED(job_renew_lease(f.db, id, old, 9999, &f.err), ERR_CONFLICT, "conflict", f.err);
	CHECK_OK(job_find(f.db, f.a, id, &row, &f.err), f.err);
	CHECK_STR(row.step, "first");
	CHECK_STR(row.state, "active");
	CHECK_INT(next_wake(&f), 100);

	CHECK_OK(job_move(f.db, id, old + 1, "second", &f.err), f.err);
	CHECK_OK(job_find(f.db, f.a, id, &row, &f.err), f.err);
	CHECK_STR(row.step, "second");
	CHECK_INT(row.claims, 0);
	CHECK_OK(job_sleep(f.db, id, old + 1, "third", 2, 200, &f.err), f.err);
	REFUSED(job_check(f.db, id, old + 1, &f.err), ERR_CONFLICT, "conflict", f.err); /* given back */
	CHECK_OK(job_find(f.db, f.a, id, &row, &f.err), f.err);
	CHECK_STR(row.step, "third");
	CHECK_INT(row.attempts, 2);
	CHECK_INT(row.wake_at, 200);
	CHECK_INT(next_wake(&f), 200);
	rows = claim(&f, "two", 200, 300, 1, &count);
	CHECK_INT(count, 1);
	CHECK_OK(job_end(f.db, id, rows[0].fence, "done", &f.err), f.err);
	CHECK_INT(next_wake(&f), INT64_MAX);
	CHECK(insert(&f, "order", "x", 5) != id); /* the old one is history */
	fixture_close(&f);
}

static int64_t sleep_of_claimed(struct fixture *f, int64_t wanted)
{
	struct job_row *rows, row;
	size_t          count = 0;

	rows = claim(f, "node", 1000, 2000, 1, &count);
	CHECK_INT(count, 1);
	CHECK_OK(job_wake(f->db, "order", rows[0].subject, 1500, &f->err), f->err);
	CHECK_OK(job_wake(f->db, "order", rows[0].subject, 1700, &f->err), f->err); /* later: no change */
	CHECK_INT(next_wake(f), 2000); /* a claimed job is nobody's to wake before its lease ends */
	claim(f, "node", 1600, 2000, 1, &count);
	CHECK_INT(count, 0);
	CHECK_OK(job_sleep(f->db, rows[0].id, rows[0].fence, "s", 0, wanted, &f->err), f->err);
	CHECK_OK(job_find(f->db, f->a, rows[0].id, &row, &f->err), f->err);
	CHECK_INT(next_wake(f), row.wake_at);
	return row.wake_at;
}

TEST(a_claimed_job_remembers_a_wake)
{
	struct fixture  f;
	struct job_row *rows, row;
	size_t          count = 0;
	int64_t         id, again = 0;

	fixture_db(&f);
	id = insert(&f, "order", "x", 900);
	CHECK_INT(sleep_of_claimed(&f, 9000), 1500);
	CHECK_OK(job_wake(f.db, "order", "x", 1000, &f.err), f.err);
	CHECK_INT(sleep_of_claimed(&f, 1200), 1200);

	/* Wakes by order and by inserting again count as well; a wake of the claim before does not. */
	CHECK_OK(job_wake_order(f.db, "cleanup", "order-1", 1000, &f.err), f.err);
	CHECK_INT(next_wake(&f), 1200);
	CHECK_OK(job_wake_order(f.db, "", "order-1", 1100, &f.err), f.err);
	rows = claim(&f, "node", 1100, 2000, 1, &count);
	CHECK_INT(count, 1);
	CHECK_OK(job_wake_order(f.db, "order", "order-1", 4000, &f.err), f.err);
	CHECK_OK(job_insert(f.db, "order", "x", "order-1", "project", "other", 3000, &again, &f.err), f.err);
	CHECK_INT(again, id);
	CHECK_OK(job_sleep(f.db, id, rows[0].fence, "s", 0, 8000, &f.err), f.err);
	CHECK_OK(job_find(f.db, f.a, id, &row, &f.err), f.err);
	CHECK_INT(row.wake_at, 3000);
	CHECK_STR(row.step, "s");
	rows = claim(&f, "node", 3000, 4000, 1, &count);
	CHECK_INT(count, 1);
	CHECK_OK(job_sleep(f.db, id, rows[0].fence, "s", 0, 8000, &f.err), f.err);
	CHECK_INT(next_wake(&f), 8000);

	/* Over the end of a lease, too. */
	CHECK_OK(job_wake(f.db, "order", "x", 5000, &f.err), f.err);
	claim(&f, "node", 5000, 5100, 1, &count);
	CHECK_OK(job_wake(f.db, "order", "x", 40, &f.err), f.err);
	CHECK_INT(next_wake(&f), 5100);
	rows = claim(&f, "node", 5100, 5200, 1, &count);
	CHECK_INT(count, 1);
	CHECK_INT(rows[0].wake_at, 40);
	fixture_close(&f);
}

/* A clock that was set forward ends leases of holders that live: they are seen and renewed before anybody claims. */
TEST(a_lease_that_is_over_shows)
{
	struct fixture  f;
	struct job_row *rows;
	size_t          count = 0;
	bool            over = true;

	fixture_db(&f);
	insert(&f, "order", "x", 10);
	CHECK_OK(job_lease_over(f.db, 1000, &over, &f.err), f.err);
	CHECK(!over);
	rows = claim(&f, "node", 20, 80, 1, &count);
	CHECK_INT(count, 1);
	CHECK_OK(job_lease_over(f.db, 79, &over, &f.err), f.err);
	CHECK(!over);
	CHECK_OK(job_lease_over(f.db, 80, &over, &f.err), f.err);
	CHECK(over);
	CHECK_OK(job_renew_lease(f.db, rows[0].id, rows[0].fence, 5000, &f.err), f.err);
	CHECK_OK(job_lease_over(f.db, 4000, &over, &f.err), f.err);
	CHECK(!over);
	claim(&f, "node", 4000, 4060, 1, &count);
	CHECK_INT(count, 0);
	fixture_close(&f);
}

TEST(leases_of_a_node_are_voided)
{
	struct fixture f;
	size_t         count = 0;

	fixture_db(&f);
	insert(&f, "order", "x", 10);
	claim(&f, "one", 10, 1000, 1, &count);
	insert(&f, "order", "y", 12);
	claim(&f, "two", 15, 1000, 1, &count);
	CHECK_OK(job_void_leases(f.db, "one", 18, &f.err), f.err);
	CHECK_INT(next_wake(&f), 10);
	claim(&f, "one", 20, 1000, 9, &count);
	CHECK_INT(count, 1);
	fixture_close(&f);
}

/* ---- the plan of each statement that runs all the time, with many rows ---- */

struct plan {
	struct arena *a;
	const char   *text;
};

static bool plan_read(const struct db_row *row, void *arg)
{
	struct plan *plan = arg;

	plan->text = arena_printf(plan->a, "%s%s\n", plan->text, db_text(row, 3, plan->a));
	return true;
}

static void fill(struct fixture *f)
{
	CHECK_OK(db_script(f->db, STR("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
	                              " INSERT INTO jobs (kind, subject, project_id, step, state, wake_at, created_at)"
	                              " SELECT 'delegation-check', 's' || i, 'p', 'first', 'active', 1000 + i, 1 FROM n"),
	                   &f->err), f->err);
}

TEST(due_work_comes_from_the_index)
{
	static const struct {
		const char *sql, *index;
	} statements[] = {
		{ "EXPLAIN QUERY PLAN UPDATE jobs SET fence = fence + 1 WHERE id IN (SELECT id FROM jobs"
		  " WHERE state = 'active' AND wake_at <= 5 AND lease_owner = '' ORDER BY wake_at LIMIT 4)", "jobs_due" },
		{ "EXPLAIN QUERY PLAN UPDATE jobs SET lease_owner = '' WHERE state = 'active' AND lease_owner <> ''"
		  " AND lease_until <= 5", "jobs_leased" },
		{ "EXPLAIN QUERY PLAN SELECT wake_at FROM jobs WHERE state = 'active' AND lease_owner = ''"
		  " ORDER BY wake_at LIMIT 1", "jobs_due" },
		{ "EXPLAIN QUERY PLAN SELECT lease_until FROM jobs WHERE state = 'active' AND lease_owner <> ''"
		  " ORDER BY lease_until LIMIT 1", "jobs_leased" },
	};
	struct fixture f;

	fixture_db(&f);
	fill(&f);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		struct plan plan = { f.a, "" };

		CHECK_OK(db_each_values(f.db, plan_read, &plan, &f.err, statements[i].sql, NULL, 0), f.err);
		if (strstr(plan.text, statements[i].index) == NULL || strstr(plan.text, "SCAN jobs\n") != NULL ||
		    strstr(plan.text, "TEMP B-TREE") != NULL)
			fail_msg("%s:\n%s", statements[i].sql, plan.text);
	}
	fixture_close(&f);
}

/* The same by behaviour: among 100,000 jobs the real statements do next to nothing. */
TEST(many_jobs_cost_nothing)
{
	struct fixture f;
	size_t         count = 0;
	int64_t        claimed = 0;
	uint64_t       before;

	fixture_db(&f);
	fill(&f);
	before = db_steps(f.db);
	CHECK_INT(next_wake(&f), 1001);
	claim(&f, "node", 1000, 2000, 32, &count);
	CHECK_INT(count, 0);
	CHECK(db_steps(f.db) > before && db_steps(f.db) - before < 300);

	/* All are due: the cost is that of those claimed. */
	before = db_steps(f.db);
	claim(&f, "node", 1000000, 2000000, 32, &count);
	CHECK_INT(count, 32);
	CHECK(db_steps(f.db) - before < 32 * 300);
	CHECK_OK(db_each(f.db, fixture_count, &claimed, &f.err, "SELECT COUNT(*) FROM jobs WHERE lease_owner = 'node'"),
	         f.err);
	CHECK_INT(claimed, 32);

	/* Claimed ones that were woken stand in front of the index, and are only as many as are claimed. */
	for (int i = 1; i <= 32; i++)
		CHECK_OK(job_wake(f.db, "delegation-check", arena_printf(f.a, "s%d", i), 5, &f.err), f.err);
	before = db_steps(f.db);
	CHECK_INT(next_wake(&f), 1033);
	claim(&f, "node", 1000, 2000, 32, &count);
	CHECK_INT(count, 0);
	CHECK_OK(job_void_leases(f.db, "another", 1000, &f.err), f.err);
	CHECK(db_steps(f.db) - before < 32 * 60);
	fixture_close(&f);
}

/* Three deaths in the hands of a holder, and the job pauses: 10 s, 20 s, … an hour. */
TEST(a_job_that_outlives_its_holders_pauses)
{
	struct fixture f;
	int64_t        now = 1000;
	size_t         count;

	fixture_db(&f);
	insert(&f, "order", "x", 10);
	for (int64_t deaths = 1; deaths <= 14; deaths++) {
		int64_t pause = deaths < 3 ? 0 : deaths >= 12 ? 3600000 : (int64_t)10000 << (deaths - 3);

		claim(&f, "one", now, 1000, 1, &count);
		CHECK_INT(count, 1);
		CHECK_OK(job_void_leases(f.db, "one", now, &f.err), f.err);
		CHECK_INT(next_wake(&f), pause == 0 ? 10 : now + pause);
		now += pause;
	}
	fixture_close(&f);
}

TESTS(T(a_job_that_outlives_its_holders_pauses), T(claims_what_is_due_oldest_first), T(a_stale_fence_changes_nothing), T(a_claimed_job_remembers_a_wake),
      T(a_lease_that_is_over_shows), T(leases_of_a_node_are_voided), T(due_work_comes_from_the_index), T(many_jobs_cost_nothing))
