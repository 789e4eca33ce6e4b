/* Migrations: copies, checksums, versions, and that a failed one leaves nothing. */
#include "store/migrate.h"

#include "fixture.h"
#include "store/certificate.h"
#include "store/job.h"
#include "store/renewal.h"

static const struct migration list[] = {
	{ 1, "one", "CREATE TABLE one (id @IDENTITY@, bytes @BLOB@);" },
	{ 2, "two", "CREATE TABLE two (id BIGINT PRIMARY KEY); INSERT INTO two (id) VALUES (2);" },
};
static const struct migration edited[] = {
	{ 1, "one", "CREATE TABLE one (id @IDENTITY@, bytes @BLOB@ NOT NULL);" },
	{ 2, "two", "CREATE TABLE two (id BIGINT PRIMARY KEY); INSERT INTO two (id) VALUES (2);" },
};
static const struct migration failing[] = {
	{ 1, "one", "CREATE TABLE one (id @IDENTITY@, bytes @BLOB@);" },
	{ 2, "two", "CREATE TABLE two (id BIGINT PRIMARY KEY); INSERT INTO two (id) VALUES (2);"
	            "INSERT INTO two (id) VALUES (2);" },
};

static void fixture_empty(struct fixture *f)
{
	fixture_file(f);
	CHECK_OK(db_open(f->path, DB_WRITER, &f->db, &f->err), f->err);
}

static int64_t tables(struct fixture *f, struct db *db, const char *name)
{
	int64_t count = -1;

	CHECK_OK(db_tables(db, name, &count, &f->err), f->err);
	return count;
}

TEST(migrates_step_by_step_with_a_copy)
{
	struct fixture f;
	char           copy[128];
	struct stat    st;
	struct db     *old = NULL;

	fixture_empty(&f);
	snprintf(copy, sizeof(copy), "%s.before-0002", f.path);
	CHECK_OK(migrate_up(f.db, list, 1, &f.err), f.err);
	CHECK(access(copy, F_OK) != 0); /* nothing was in it yet */
	CHECK_OK(migrate_check(f.db, list, 1, &f.err), f.err);
	REFUSED(migrate_check(f.db, list, 2, &f.err), ERR_CONFIG, "storage", f.err);

	CHECK_OK(migrate_up(f.db, list, 2, &f.err), f.err);
	CHECK_OK(migrate_up(f.db, list, 2, &f.err), f.err);
	CHECK_INT(tables(&f, f.db, "two"), 1);
	CHECK(stat(copy, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK_OK(db_open(copy, DB_READER, &old, &f.err), f.err);
	CHECK_INT(tables(&f, old, "one"), 1);
	CHECK_INT(tables(&f, old, "two"), 0);
	db_close(old);
	fixture_close(&f);
}

TEST(newer_database_is_refused)
{
	struct fixture f;

	fixture_empty(&f);
	CHECK_OK(migrate_up(f.db, list, 2, &f.err), f.err);
	REFUSED(migrate_up(f.db, list, 1, &f.err), ERR_CONFIG, "storage", f.err);
	assert_non_null(strstr(f.err.text, "version 2 (two)"));
	assert_non_null(strstr(f.err.text, "version 1 "));
	CHECK(f.err.hint[0] != '\0');
	REFUSED(migrate_check(f.db, list, 1, &f.err), ERR_CONFIG, "storage", f.err);
	fixture_close(&f);
}

TEST(edited_migration_is_refused)
{
	struct fixture f;

	fixture_empty(&f);
	CHECK_OK(migrate_up(f.db, list, 1, &f.err), f.err);
	REFUSED(migrate_up(f.db, edited, 2, &f.err), ERR_CONFIG, "storage", f.err);
	assert_non_null(strstr(f.err.text, "migration 1 (one)"));
	CHECK_INT(tables(&f, f.db, "two"), 0);
	fixture_close(&f);
}

TEST(failed_migration_leaves_nothing)
{
	struct fixture f;

	fixture_empty(&f);
	CHECK_OK(migrate_up(f.db, failing, 1, &f.err), f.err);
	CHECK(!migrate_up(f.db, failing, 2, &f.err));
	assert_non_null(strstr(f.err.text, "migration 2 (two)"));
	CHECK_INT(tables(&f, f.db, "two"), 0);
	CHECK_OK(migrate_check(f.db, failing, 1, &f.err), f.err);
	CHECK_OK(migrate_up(f.db, list, 2, &f.err), f.err);
	fixture_close(&f);
}

TEST(foreign_database_is_refused)
{
	struct fixture f;

	fixture_empty(&f);
	CHECK_OK(db_begin(f.db, true, &f.err) && db_script(f.db, STR("CREATE TABLE photos (id BIGINT)"), &f.err) &&
	         db_commit(f.db, &f.err), f.err);
	REFUSED(migrate_up(f.db, list, 2, &f.err), ERR_CONFIG, "storage", f.err);
	CHECK_INT(tables(&f, f.db, NULL), 1);
	fixture_close(&f);
}

TEST(store_refuses_a_newer_database)
{
	struct fixture f;
	struct store  *store = NULL;

	fixture_db(&f);
	CHECK_OK(db_exec(f.db, NULL, &f.err,
	                 "INSERT INTO schema_migrations (number, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
	                 DB_I(9999), DB_T("later"), DB_T("00"), DB_I(1)) && db_commit(f.db, &f.err), f.err);
	db_close(f.db);
	f.db = NULL;
	REFUSED(store_open(f.path, STORE_WRITE, &store, &f.err), ERR_CONFIG, "storage", f.err);
	REFUSED(store_open(f.path, STORE_READ, &store, &f.err), ERR_CONFIG, "storage", f.err);
	assert_null(store);
	fixture_close(&f);
}

/* 0002: what was issued before is renewed too. */
TEST(certificates_from_before_renewal)
{
	struct fixture     f;
	struct certificate c;
	struct renewal     r;
	struct job_row     job;

	fixture_empty(&f);
	CHECK_OK(migrate_up(f.db, migrations, 1, &f.err), f.err);
	CHECK_OK(db_begin(f.db, true, &f.err) &&
	         db_script(f.db, STR("INSERT INTO projects VALUES ('p', 'default', 1);"
	                             "INSERT INTO authorities (id, project_id, name, directory_url, email, eab_kid, ca_pem,"
	                             " allow_addresses, is_default, created_at, row_version, mac)"
	                             " VALUES ('ca', 'p', 'ca', 'https://ca/', '', '', '', '', 1, 1, 1, 'mac');"
	                             "INSERT INTO certificates (id, project_id, name, names, authority_id, key_type, facade, version,"
	                             " created_at, row_version) VALUES ('old', 'p', 'a.test', 'a.test', 'ca', 'p256', '', 1,"
	                             " 1795348800123, 1), ('none', 'p', 'b.test', 'b.test', 'ca', 'p256', '', 0, 1, 1)"), &f.err) &&
	         db_commit(f.db, &f.err), f.err);
	CHECK_OK(migrate_up(f.db, migrations, migrations_count, &f.err), f.err);
	CHECK_OK(certificate_find(f.db, f.a, "old", &c, &f.err), f.err);
	CHECK(c.auto_renew && c.paused_at == 0 && c.renew_before[0] == '\0');
	CHECK_OK(renewal_find(f.db, f.a, "old", &r, &f.err), f.err);
	CHECK(r.position >= 0 && r.position < 1000000);
	CHECK_OK(job_find_live(f.db, f.a, "renewal-info", "old", &job, &f.err), f.err);
	CHECK_STR(job.step, "look");
	CHECK_STR(job.project_id, "p");
	/* Nothing was issued: nothing is renewed. */
	REFUSED(renewal_find(f.db, f.a, "none", &r, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	REFUSED(job_find_live(f.db, f.a, "renewal-info", "none", &job, &f.err), ERR_NOT_FOUND, "not-found", f.err);
	fixture_close(&f);
}

TESTS(T(migrates_step_by_step_with_a_copy), T(newer_database_is_refused), T(edited_migration_is_refused),
      T(failed_migration_leaves_nothing), T(foreign_database_is_refused), T(store_refuses_a_newer_database),
      T(certificates_from_before_renewal))
