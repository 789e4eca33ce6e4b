/*
 * check.c: the invariants, looked at from outside: the database through a reader of its own, the CA and the zone through
 * what they were told. Numbers are those of docs/architecture.md and of README.md beside this file.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/x509.h"
#include "disk.h"
#include "store/driver.h"
#include "store/job.h"
#include "world.h"

#define VERSIONS_MAX 64

static struct db *reader;
static struct {
	char    id[40];
	int64_t version;
} served[VERSIONS_MAX];
static size_t served_count;

void check_open(void)
{
	struct err err = { 0 };

	if (reader == NULL && !db_open(world.store_path, DB_READER, &reader, &err))
		sim_violation("I14", "the database cannot be opened: %s", err.text);
}

void check_close(void)
{
	db_close(reader);
	reader = NULL;
}

static bool take_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = db_int(row, 0);
	return false;
}

#define COUNT(ret, sql, ...)                                                                       \
	do {                                                                                       \
		struct err count_err = { 0 };                                                      \
		check_open();                                                                      \
		if (!db_each(reader, take_int, &(ret), &count_err, sql, __VA_ARGS__))              \
			sim_violation("I14", "%s", count_err.text);                                \
	} while (0)
/* A statement without parameters. */
#define COUNT_ALL(ret, sql)                                                                        \
	do {                                                                                       \
		struct err count_err = { 0 };                                                      \
		check_open();                                                                      \
		if (!db_each_values(reader, take_int, &(ret), &count_err, sql, NULL, 0))           \
			sim_violation("I14", "%s", count_err.text);                                \
	} while (0)

/* ---- at each effect ---- */

void check_publish(const char *owner, const char *value)
{
	int64_t count = 0;

	COUNT(count, "SELECT COUNT(*) FROM txt_records WHERE owner = $1 AND value = $2 AND state IN ('intent', 'live')", DB_T(owner),
	      DB_T(value));
	if (count == 0)
		sim_violation("I1", "a value is published at %s that the ledger does not know", owner);
}

void check_remove(const char *owner, const char *value)
{
	int64_t count = 0;

	COUNT(count, "SELECT COUNT(*) FROM txt_records WHERE owner = $1 AND value = $2 AND state IN ('intent', 'live')", DB_T(owner),
	      DB_T(value));
	if (count > 0)
		sim_violation("I2", "a value at %s is removed that an order still needs", owner);
}

static const char *csr_spki(struct arena *a, struct str der)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	X509_REQ            *req = d2i_X509_REQ(NULL, &at, (long)der.len);
	unsigned char       *spki = NULL;
	uint8_t              digest[32];
	unsigned             digest_len;
	int                  len = req != NULL ? i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &spki) : 0;

	X509_REQ_free(req);
	if (len <= 0)
		return "";
	EVP_Digest(spki, (size_t)len, digest, &digest_len, EVP_sha256(), NULL);
	OPENSSL_free(spki);
	return hex_encode(a, str_of((char *)digest, digest_len));
}

void check_finalize(const char *order_url, struct str csr_der)
{
	struct arena *a = arena_new();
	int64_t       count = 0;

	/* A person may cancel the order between the look and the request. */
	COUNT(count,
	      "SELECT COUNT(*) FROM orders o JOIN versions v ON v.id = o.version_id WHERE o.order_url = $1 AND o.status IN ('running', 'cancelled')"
	      " AND o.csr = $2"
	      " AND v.spki_sha256 = $3 AND LENGTH(v.key_blob) > 32",
	      DB_T(order_url), DB_B(csr_der), DB_T(csr_spki(a, csr_der)));
	arena_free(a);
	if (count != 1)
		sim_violation("I4", "%s is finalized with a key or a request that is not stored", order_url);
}

/* ---- fences: each write of a step comes this way ---- */

static void check_fence(struct db *db, int64_t id, int64_t fence, bool done, const char *what)
{
	int64_t    now = 0;
	struct err err = { 0 };

	if (!done)
		return;
	if (!db_each(db, take_int, &now, &err, "SELECT fence FROM jobs WHERE id = $1", DB_I(id)))
		return;
	if (now != fence)
		sim_violation("I6", "%s of job %lld was accepted with fence %lld, the claim has %lld", what, (long long)id,
		              (long long)fence, (long long)now);
}

bool __real_job_check(struct db *db, int64_t id, int64_t fence, struct err *err);
bool __wrap_job_check(struct db *db, int64_t id, int64_t fence, struct err *err);
bool __wrap_job_check(struct db *db, int64_t id, int64_t fence, struct err *err)
{
	bool ok = __real_job_check(db, id, fence, err);

	check_fence(db, id, fence, ok, "a write");
	return ok;
}

/* A failure is repeated later, not at once; await and download count their polls as attempts, which have a pace of their own. */
bool __real_job_sleep(struct db *db, int64_t id, int64_t fence, const char *step, int64_t attempts, int64_t wake_at, struct err *err);
bool __wrap_job_sleep(struct db *db, int64_t id, int64_t fence, const char *step, int64_t attempts, int64_t wake_at, struct err *err);
bool __wrap_job_sleep(struct db *db, int64_t id, int64_t fence, const char *step, int64_t attempts, int64_t wake_at, struct err *err)
{
	if (attempts > 0 && wake_at - fiber_wall_ms() < 500 && strcmp(step, "await") != 0 && strcmp(step, "download") != 0)
		sim_violation("I8", "job %lld repeats its step %s after %lld ms", (long long)id, step, (long long)(wake_at - fiber_wall_ms()));
	return __real_job_sleep(db, id, fence, step, attempts, wake_at, err);
}

/* ---- after each commit ---- */

static bool check_version(const struct db_row *row, void *arg)
{
	struct arena *a = arg;
	const char   *id = db_text(row, 0, a);
	int64_t       version = db_int(row, 1);
	size_t        i = 0;

	while (i < served_count && strcmp(served[i].id, id) != 0)
		i++;
	if (i == served_count) {
		if (i == VERSIONS_MAX)
			return true;
		served_count++;
		snprintf(served[i].id, sizeof(served[i].id), "%s", id);
	}
	if (version < served[i].version)
		sim_violation("I9", "certificate %s went from version %lld to %lld", id, (long long)served[i].version, (long long)version);
	served[i].version = version;
	return true;
}

void check_step(void)
{
	static const struct {
		const char *invariant, *text, *sql;
	} rules[] = {
		{ "I1", "values to be removed that no job owes",
		  "SELECT COUNT(*) FROM txt_records t WHERE t.state = 'removing' AND NOT EXISTS (SELECT 1 FROM jobs j"
		  " WHERE j.kind = 'cleanup' AND j.subject = t.order_id AND j.state = 'active')" },
		{ "I1", "values of orders that have ended",
		  "SELECT COUNT(*) FROM txt_records t JOIN orders o ON o.id = t.order_id WHERE o.status <> 'running'"
		  " AND t.state IN ('intent', 'live')" },
		{ "I3", "certificates with two orders",
		  "SELECT COUNT(*) FROM (SELECT 1 FROM orders WHERE status = 'running' GROUP BY certificate_id HAVING COUNT(*) > 1)" },
		{ "I7", "orders that no job moves",
		  "SELECT COUNT(*) FROM orders o WHERE o.status = 'running' AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'order'"
		  " AND j.subject = o.id AND j.state = 'active')" },
		{ "I7", "certificates that nobody would renew",
		  "SELECT COUNT(*) FROM certificates c WHERE c.version > 0 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE"
		  " j.kind = 'renewal-info' AND j.subject = c.id AND j.state = 'active')" },
		{ "I9", "certificates served without a chain",
		  "SELECT COUNT(*) FROM certificates c WHERE c.version > 0 AND NOT EXISTS (SELECT 1 FROM versions v WHERE"
		  " v.certificate_id = c.id AND v.number = c.version AND v.chain_pem <> '' AND v.issued_at IS NOT NULL)" },
	};
	struct arena *a = arena_new();
	struct err    err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		int64_t count = 0;

		COUNT_ALL(count, rules[i].sql);
		if (count > 0)
			sim_violation(rules[i].invariant, "%lld %s", (long long)count, rules[i].text);
	}
	if (!db_each_values(reader, check_version, a, &err, "SELECT id, version FROM certificates", NULL, 0))
		sim_violation("I14", "%s", err.text);
	arena_free(a);
	if (ca_peak_minute() > 600)
		sim_violation("I8", "%llu requests in one minute", (unsigned long long)ca_peak_minute());
}

/* ---- after a crash ---- */

void check_restart(void)
{
	int64_t bad = 0;

	COUNT_ALL(bad, "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
	if (bad > 0)
		sim_violation("I14", "the database is damaged");
	COUNT_ALL(bad, "SELECT COUNT(*) FROM pragma_foreign_key_check");
	if (bad > 0)
		sim_violation("I14", "%lld rows refer to nothing", (long long)bad);
}

bool check_settled(void)
{
	int64_t left = 0;

	COUNT_ALL(left, "SELECT (SELECT COUNT(*) FROM orders WHERE status = 'running')"
	                " + (SELECT COUNT(*) FROM txt_records WHERE gone_at IS NULL)"
	                " + (SELECT COUNT(*) FROM jobs WHERE state = 'active' AND kind NOT IN ('renewal-info', 'delegation-check', 'reaper', 'connection-check'))");
	return left == 0;
}

int64_t check_unserved(void)
{
	int64_t count = 0;

	COUNT_ALL(count, "SELECT COUNT(*) FROM certificates c WHERE c.version = 0 OR EXISTS (SELECT 1 FROM orders o WHERE"
	                 " o.certificate_id = c.id AND o.status <> 'issued' AND o.rowid = (SELECT MAX(rowid) FROM orders n"
	                 " WHERE n.certificate_id = c.id))");
	return count;
}

/* ---- at the end ---- */

static bool check_gone(const struct db_row *row, void *arg)
{
	const char *owner = db_text(row, 0, arg), *value = db_text(row, 1, arg);

	if (dns_serves(owner, value))
		sim_violation("I1", "a value at %s is still served", owner);
	return true;
}

/* Key, names and chain of one version belong together. */
static bool check_pair(const struct db_row *row, void *arg)
{
	struct arena     *a = arg;
	const char       *spki = db_text(row, 0, a), *pem = db_text(row, 1, a);
	struct str        rest = str_c(db_text(row, 2, a)), name;
	struct cert_chain chain;
	struct err        err = { 0 };
	size_t            count = 0;

	if (!chain_parse(a, str_c(pem), &chain, &err))
		sim_violation("I5", "%s", err.text);
	if (strcmp(chain.certs[0].spki_sha256, spki) != 0)
		sim_violation("I5", "a certificate is stored with the key of another");
	while (str_next(&rest, ' ', &name))
		count++;
	if (chain.certs[0].names_count != count)
		sim_violation("I5", "a certificate is stored with other names than were ordered");
	return true;
}

void check_end(void)
{
	struct arena *a = arena_new();
	struct err    err = { 0 };
	int64_t       placed = 0, unknown = 0, again = 0, audited = 0, orders = 0;

	check_restart();
	if (!db_each_values(reader, check_gone, a, &err, "SELECT owner, value FROM txt_records", NULL, 0) ||
	    !db_each_values(reader, check_pair, a, &err,
	                    "SELECT v.spki_sha256, v.chain_pem, c.names FROM versions v JOIN certificates c ON c.id = v.certificate_id"
	                    " WHERE v.issued_at IS NOT NULL",
	                    NULL, 0))
		sim_violation("I14", "%s", err.text);
	arena_free(a);
	COUNT_ALL(placed, "SELECT COALESCE(SUM(new_orders), 0) FROM orders");
	COUNT_ALL(unknown, "SELECT COUNT(*) FROM orders WHERE order_url <> ''");
	/* The zone was away while the CA validated, or the CA forgot: said in the timeline. */
	COUNT_ALL(again, "SELECT COUNT(*) FROM history WHERE text LIKE '%; a new order is placed' OR text LIKE '%; a new one is placed'");
	if ((int64_t)ca_orders() > placed)
		sim_violation("I3", "%llu orders at the CA, %lld were meant", (unsigned long long)ca_orders(), (long long)placed);
	if ((int64_t)ca_orders() - unknown > again + (int64_t)(world.lost + world.crashes))
		sim_violation("I3", "%llu orders at the CA, %lld are known, and less was lost", (unsigned long long)ca_orders(),
		              (long long)unknown);
	COUNT_ALL(orders, "SELECT COUNT(*) FROM orders");
	COUNT_ALL(audited, "SELECT COUNT(*) FROM audit WHERE action IN ('certificate-issue', 'certificate-renew')");
	if (orders != audited)
		sim_violation("I10", "%lld orders, %lld of them in the audit log", (long long)orders, (long long)audited);
	/* The version and the algorithm at the start of every PKCS#8 key of this kind. */
	if (disk_has_bytes(STR("PRIVATE KEY")) ||
	    disk_has_bytes(str_of("\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 14)))
		sim_violation("I11", "a private key is on the disk as it is");
}

void check_expired(int64_t day)
{
	int64_t count = 0;

	COUNT(count,
	      "SELECT COUNT(*) FROM certificates c JOIN versions v ON v.certificate_id = c.id AND v.number = c.version"
	      " WHERE v.not_after_at <= $1",
	      DB_I(fiber_wall_ms()));
	if (count > 0)
		sim_violation("I7", "%lld certificates expired by day %lld", (long long)count, (long long)day);
}
