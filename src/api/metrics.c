/*
 * api/metrics.c: figures in Prometheus' text form (version 0.0.4). A token of one project sees that project's; the worker's own
 * are for tokens of all projects. Whatever needs a look at every certificate is not here: scrapers come often.
 */
#include "api/call.h"
#include "base/clock.h"
#include "store/schedule.h"
#include "store/txt_record.h"

static void figure(struct buf *b, const char *name, const char *type, const char *help, int64_t value)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name, (long long)value);
}

bool metrics_get(struct call *call, struct err *err)
{
	AUTO(buf_clear) struct buf b;
	const char            *project = call->grant.project_id;
	struct command_metrics worker = { 0 };
	struct debt_summary    debt;
	struct err             away = { 0 };
	int64_t                now = clock_now_ms(), running, due;
	bool                   up = command_metrics(call_worker(call), call->arena, &call->who, &worker, &away);

	if (!txt_record_debt(call->db, project, now, &debt, err) || !schedule_load(call->db, project, now, &running, &due, err))
		return false;
	buf_init(&b, 64 * KIB);
	buf_add_c(&b, "# HELP reeve_build_info The version that answers.\n# TYPE reeve_build_info gauge\nreeve_build_info{version=\"" REEVE_VERSION "\"} 1\n");
	figure(&b, "reeve_worker_up", "gauge", "1 when the process that runs the workflow answers.", up);
	figure(&b, "reeve_orders_running", "gauge", "Orders under way.", running);
	figure(&b, "reeve_jobs_due", "gauge", "Jobs whose time has come and that no thread has yet.", due);
	figure(&b, "reeve_debt_values", "gauge", "TXT values that should be gone and are not.", debt.count);
	figure(&b, "reeve_debt_given_up_values", "gauge", "Those of them that are not tried again by themselves.", debt.given_up);
	figure(&b, "reeve_debt_oldest_seconds", "gauge", "Age of the oldest of them.", debt.count > 0 ? (now - debt.oldest_at) / 1000 : 0);
	if (up && project[0] == '\0') {
		figure(&b, "reeve_store_commits_total", "counter", "Write transactions since the start of the worker.", (int64_t)worker.commits);
		figure(&b, "reeve_step_threads", "gauge", "Threads that run steps.", (int64_t)worker.threads);
		figure(&b, "reeve_step_threads_busy", "gauge", "Those of them that have a job.", (int64_t)worker.threads_busy);
	}
	return call_text(call, 200, "text/plain; version=0.0.4; charset=utf-8", arena_dup(call->arena, buf_str(&b)));
}
