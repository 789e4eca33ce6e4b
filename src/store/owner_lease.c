/*
 * store/owner_lease.c: see the header. A row per owner name that is being written; none means free.
 */
#include "store/owner_lease.h"

#include "store/rows.h"

bool owner_lease_take(struct db *db, const char *connection_id, const char *zone, const char *owner, int64_t job_id, int64_t now,
                      int64_t until, bool *ret_taken, struct err *err)
{
	int64_t holder = 0;

	if (!db_each(db, rows_int, &holder, err,
	             "INSERT INTO owner_leases (connection_id, zone, owner, job_id, lease_until) VALUES ($1, $2, $3, $4, $5)"
	             " ON CONFLICT (connection_id, zone, owner) DO UPDATE SET job_id = excluded.job_id,"
	             " lease_until = excluded.lease_until"
	             " WHERE owner_leases.job_id = excluded.job_id OR owner_leases.lease_until <= $6 RETURNING job_id",
	             DB_C(connection_id), DB_C(zone), DB_C(owner), DB_I(job_id), DB_I(until), DB_I(now)))
		return false;
	*ret_taken = holder == job_id;
	return true;
}

bool owner_lease_give(struct db *db, int64_t job_id, struct err *err)
{
	return db_exec(db, NULL, err, "DELETE FROM owner_leases WHERE job_id = $1", DB_I(job_id));
}
