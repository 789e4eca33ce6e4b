/*
 * workflow/cleanup.c: removes the TXT values of an order whose authorizations are final. Never gives up: what is owed
 * stays in the ledger as `removing` until the provider has confirmed that it is gone.
 */
#include "store/connection.h"
#include "store/txt_record.h"
#include "workflow/connection.h"
#include "workflow/steps.h"

struct gone_write {
	const char        *order_id;
	struct txt_record *records;
	size_t             count;
};

static bool write_gone(struct db *db, void *arg, struct err *err)
{
	struct gone_write *g = arg;

	struct arena      *a = arena_new();
	struct txt_record *all;
	size_t             count;
	bool               ok = true;

	for (size_t i = 0; ok && i < g->count; i++)
		ok = txt_record_set_state(db, g->records[i].id, "gone", clock_now_ms(), err);
	/* A value retired while this run removed others is owed by this same job: it must not end. */
	ok = ok && txt_record_list_order(db, a, g->order_id, &all, &count, err);
	for (size_t i = 0; ok && i < count; i++)
		if (strcmp(all[i].state, "removing") == 0)
			ok = err_set(err, ERR_CONFLICT, "another value of the order became due meanwhile");
	arena_free(a);
	return ok;
}

static bool remove_value(struct job *job, const struct connection *c, const struct txt_record *r, struct err *err)
{
	struct provider_value value = { .owner = r->owner, .value = r->value };
	struct connection_use use;
	bool                  removed;

	/* A reset of the dns role has either loaded the value before this removal, or does not contain it. */
	if (!connection_use_open(job->worker, job->thread->http, c, r->zone, &use, err))
		return false;
	value.zone = use.zone;
	removed = use.provider->remove(&use.context, &value, err);
	connection_use_close(&use);
	return removed;
}

/* Whatever the reason is, the value is owed. */
static enum outcome owed(struct job *job, const struct connection *c, const struct txt_record *r, struct err *err)
{
	err_in(err, "removal of the TXT value at %s", r->owner);
	return connection_outcome(job, c, err) == OUT_WAIT ? OUT_WAIT : OUT_RETRY;
}

enum outcome run_remove(struct job *job, struct err *err)
{
	struct gone_write *g = arena_alloc(job->arena, sizeof(*g));
	struct txt_record *all;
	struct connection  c;
	struct db         *db;
	size_t             count;

	CRASH_POINT(CLEANUP_INTENT_AFTER);
	if (!job_reader(job, &db, err) || !txt_record_list_order(db, job->arena, job->row.order_id, &all, &count, err))
		return OUT_RETRY;
	g->order_id = job->row.order_id;
	g->records = arena_alloc_array(job->arena, count > 0 ? count : 1, sizeof(*g->records));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i].state, "removing") != 0)
			continue;
		if (!connection_find(db, job->arena, all[i].connection_id, &c, err))
			return OUT_RETRY;
		if (!remove_value(job, &c, &all[i], err))
			return owed(job, &c, &all[i], err);
		g->records[g->count++] = all[i];
	}
	job->facts = write_gone;
	job->facts_arg = g;
	job_note(job, "%zu TXT value%s removed", g->count, g->count == 1 ? "" : "s");
	return OUT_DONE;
}
