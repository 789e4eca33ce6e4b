/*
 * workflow/renewal.c: the job that asks the CA when to renew (RFC 9773) and places the order when it is due.
 *
 * What the CA answers never makes the job fail: without a good answer the last window stays, without a window the
 * rule of renewal_plan.h holds. The order is inserted in the transaction of the job's own outcome, so that a crash
 * places one or none, and only when none is running.
 */
#include "workflow/renewal.h"

#include "acme/renewal_info.h"
#include "base/id.h"
#include "base/rand.h"
#include "store/certificate.h"
#include "store/project.h"
#include "workflow/failover.h"
#include "workflow/issue.h"
#include "workflow/notification.h"
#include "workflow/renewal_plan.h"
#include "workflow/session.h"
#include "workflow/steps.h"

#define KIND            "renewal-info"
#define ASK_S           (6 * 3600)        /* without a Retry-After, and after a lasting error */
#define ASK_NOBODY_MS   (24 * 3600 * (int64_t)1000) /* this CA, or this certificate, has no renewal information */
#define ASK_TIMEOUT_MS  15000
#define HOLD_LEAST_MS   60000
#define JITTER          20
#define CLOCK_WAIT_MS   (600 * (int64_t)1000)

struct look {
	struct job        *job;
	struct certificate certificate;
	struct version     version;
	struct renewal     renewal;
	struct renewal_plan plan;
	bool               asked, place;
	bool                late;     /* its end is near, or came */
	const char         *incident; /* what the CA explains now; NULL: nothing new */
	int64_t            ask_later_at; /* not 0: others are asking this CA */
	const char        *order_id;
	int64_t            now;
};

/* ---- what others tell ---- */

static bool wake(struct db *db, const char *certificate_id, const char *project_id, int64_t now, struct err *err)
{
	int64_t job;

	return job_insert(db, KIND, certificate_id, "", project_id, steps[STEP_RENEWAL_LOOK].name, now, &job, err);
}

bool renewal_wake(struct db *db, const char *certificate_id, int64_t now, struct err *err)
{
	return job_wake(db, KIND, certificate_id, now, err);
}

/* Not there is no error: certificates without a version have none. */
static bool find_maybe(struct db *db, struct arena *a, const char *certificate_id, struct renewal *ret, bool *ret_found, struct err *err)
{
	struct err missing = { 0 };

	*ret_found = renewal_find(db, a, certificate_id, ret, &missing);
	if (*ret_found || missing.class == ERR_NOT_FOUND)
		return true;
	*err = missing;
	return false;
}

bool renewal_stored(struct db *db, const char *certificate_id, const char *project_id, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct renewal                  old = { 0 }, fresh = { .certificate_id = certificate_id, .ask_at = now };
	struct version                  v;
	int64_t                         hold, most;
	bool                            found;

	if (!find_maybe(db, a, certificate_id, &old, &found, err) || !version_find_number(db, a, certificate_id, 0, &v, err))
		return false;
	fresh.position = (int64_t)(rand_u64() % RENEWAL_POSITIONS);
	fresh.early = old.early;
	/* However often it was renewed too soon: a short life keeps half of what is left to be renewed in. */
	hold = renewal_early_ms(old.early);
	most = (v.not_after_at - now) / 2 > HOLD_LEAST_MS ? (v.not_after_at - now) / 2 : HOLD_LEAST_MS;
	if (hold > 0)
		fresh.retry_at = now + (hold < most ? hold : most);
	return renewal_begin(db, &fresh, err) && wake(db, certificate_id, project_id, now, err);
}

bool renewal_failed(struct db *db, const char *certificate_id, bool cancelled, int64_t next_at, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct renewal                  r;
	struct version                  v;
	bool                            found;
	int64_t                         wait_ms;

	if (!find_maybe(db, a, certificate_id, &r, &found, err))
		return false;
	if (!found)
		return true;
	if (!version_find_number(db, a, certificate_id, 0, &v, err))
		return false;
	if (!cancelled)
		r.failures++;
	/* A cancelled order waits as long as many failed ones: somebody wants it stopped. */
	wait_ms = renewal_retry_ms(cancelled ? INT64_MAX : r.failures, v.not_after_at - now);
	r.retry_at = !cancelled && next_at > now && next_at != JOB_NEVER ? next_at : now + rand_jitter(wait_ms, JITTER);
	return renewal_set_tries(db, &r, err) && renewal_wake(db, certificate_id, now, err);
}

bool renewal_resume(struct db *db, const char *certificate_id, int64_t now, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct renewal                  r;
	bool                            found;

	if (!find_maybe(db, a, certificate_id, &r, &found, err))
		return false;
	r.retry_at = 0;
	return !found || (renewal_set_tries(db, &r, err) && renewal_wake(db, certificate_id, now, err));
}

/* ---- asking the CA ---- */

static int64_t ask_again_ms(const struct session *s)
{
	/* The CA's own pace to the second; ours is spread. */
	if (s->response.retry_after_s > 0)
		return (int64_t)acme_retry_after(ACME_RETRY_RENEWAL_INFO, s->response.retry_after_s, ASK_S) * 1000;
	return rand_jitter((int64_t)ASK_S * 1000, JITTER);
}

static void asked_in_vain(struct look *x, const struct err *cause)
{
	static const int64_t first_ms[] = { 60 * 1000, 600 * 1000 };
	int64_t              floor_ms = (int64_t)cause->retry_after_s * 1000, wait_ms = (int64_t)ASK_S * 1000;

	if (cause->class == ERR_TEMPORARY && x->renewal.ask_failures < (int64_t)ARRAY_LEN(first_ms))
		wait_ms = first_ms[x->renewal.ask_failures];
	wait_ms = rand_jitter(wait_ms, JITTER);
	if (wait_ms < floor_ms)
		wait_ms = (int64_t)acme_retry_after(ACME_RETRY_RENEWAL_INFO, cause->retry_after_s, ASK_S) * 1000;
	x->renewal.ask_failures++;
	x->renewal.ask_at = x->now + wait_ms;
	x->renewal.finding = arena_printf(x->job->arena, "the CA could not be asked: %s", cause->text);
	log_info("certificate=%s renewal-info=failed attempt=%lld cause=\"%s\"", x->certificate.id,
	         (long long)x->renewal.ask_failures, cause->text);
}

static void nobody_to_ask(struct look *x, const char *why)
{
	x->renewal.window_start_at = x->renewal.window_end_at = x->renewal.drawn_at = 0;
	x->renewal.explanation_url = "";
	x->renewal.finding = why;
	x->renewal.ask_failures = 0;
	x->renewal.ask_at = x->now + rand_jitter(ASK_NOBODY_MS, JITTER);
}

/* The draw is kept while it fits: a CA that moves its window a little must not make everybody draw again. */
static void take_window(struct look *x, const struct acme_renewal_info *info)
{
	struct renewal *r = &x->renewal;
	bool            same = r->window_start_at == info->start_at && r->window_end_at == info->end_at;

	if (!same && (r->drawn_at < info->start_at || r->drawn_at >= info->end_at))
		r->drawn_at = acme_renewal_info_draw(info->start_at, info->end_at, rand_u64());
	if (info->explanation_url[0] != '\0' && strcmp(info->explanation_url, r->explanation_url) != 0) {
		x->incident = info->explanation_url;
		log_warn("certificate=%s name=%s incident=%s window=%lld..%lld", x->certificate.id, x->certificate.name,
		         info->explanation_url, (long long)info->start_at, (long long)info->end_at);
	}
	r->window_start_at = info->start_at;
	r->window_end_at = info->end_at;
	r->explanation_url = info->explanation_url;
	r->finding = "";
	r->ask_failures = 0;
}

/* False: the CA was not reached. */
static bool ask_ca(struct look *x)
{
	struct arena            *a = x->job->arena;
	struct acme_renewal_info info;
	struct session           s;
	struct err               err = { 0 };

	if (!session_open(x->job, x->version.authority_id, &s, &err)) {
		asked_in_vain(x, &err);
		return err.class != ERR_TEMPORARY;
	}
	if (s.directory.renewal_info == NULL) {
		nobody_to_ask(x, "the CA offers no renewal information");
		return true;
	}
	if (!session_get(&s, acme_renewal_info_url(a, s.directory.renewal_info, x->version.ari_id), ASK_TIMEOUT_MS, &err) ||
	    !acme_renewal_info_parse(a, s.response.body, &info, &err)) {
		asked_in_vain(x, &err);
		return s.status != 0;
	}
	x->renewal.asked_at = x->now;
	x->renewal.ask_at = x->now + ask_again_ms(&s);
	take_window(x, &info);
	return true;
}

/* Who issued the version knows it; that may be another authority than the next order's. */
static void ask(struct look *x)
{
	const char *authority_id = x->version.authority_id;
	int64_t     wait_ms;

	if (x->version.ari_id[0] == '\0') {
		x->asked = true;
		nobody_to_ask(x, "the certificate names no authority key, by which the CA would know it");
	} else if (ca_ask_begin(x->job->worker, authority_id, &wait_ms)) {
		x->asked = true;
		ca_ask_end(x->job->worker, authority_id, ask_ca(x));
	} else {
		x->ask_later_at = x->now + wait_ms + rand_jitter(wait_ms / 2, 100);
	}
}

/* Nothing is renewed by a clock that jumped: the CA is asked for the time, and its answer is heard by the session. */
static bool clock_believed(struct look *x)
{
	const char    *authority_id = x->certificate.authority_id;
	struct session s;
	struct err     err = { 0 };
	int64_t        wait_ms;
	bool           answered;

	if (session_clock_believed(x->job->worker))
		return true;
	/* After a jump every certificate asks: few at once, and none while the CA does not answer. */
	if (ca_ask_begin(x->job->worker, authority_id, &wait_ms)) {
		answered = session_open(x->job, authority_id, &s, &err) &&
			   session_get(&s, s.authority.directory_url, ASK_TIMEOUT_MS, &err);
		ca_ask_end(x->job->worker, authority_id, answered);
		if (answered && session_clock_believed(x->job->worker))
			return true;
	}
	x->asked = true;
	x->renewal.finding = "the clock of this machine has jumped, or differs from the CA's by more than an hour: nothing is renewed"
			     " by itself until they agree";
	log_warn("certificate=%s renewal=held cause=\"%s\" asked=\"%s\" fix=\"set the clock, or wait until it is\"",
	         x->certificate.id, x->renewal.finding, err.text);
	return false;
}

/* The next order's authority may have been removed after the version was issued: a person has to name another. */
static bool authority_there(struct look *x, struct err *err)
{
	struct db *db;

	if (!job_reader(x->job, &db, err))
		return false;
	if (issue_authority_there(db, x->job->arena, &x->certificate, err))
		return true;
	x->asked = true;
	x->renewal.finding = arena_strdup(x->job->arena, err->text);
	log_warn("certificate=%s renewal=held cause=\"%s\" fix=\"%s\"", x->certificate.id, err->text, err->hint);
	return false;
}

/* ---- acting ---- */

static bool note_order(struct db *db, const struct look *x, const char *text, struct err *err)
{
	struct history h = { .job_id = x->job->row.id, .at = x->now, .order_id = x->order_id, .kind = KIND,
		             .step = steps[STEP_RENEWAL_LOOK].name, .outcome = "note", .text = text };

	return history_insert(db, &h, err);
}

static bool place_order(struct db *db, struct look *x, struct err *err)
{
	struct arena *a = x->job->arena;
	const char   *why = renewal_plan_text(a, &x->plan, &x->certificate, &x->version, &x->renewal);

	if (x->renewal.failures == 0)
		x->renewal.early = renewal_is_early(&x->version, x->now) ? x->renewal.early + 1 : 0;
	if (!failover_order_start(db, &x->certificate, x->order_id, err) || !renewal_set_tries(db, &x->renewal, err) ||
	    !note_order(db, x, arena_printf(a, "renewal of version %lld: %s", (long long)x->version.number, why), err))
		return false;
	if (x->renewal.explanation_url[0] != '\0' &&
	    !note_order(db, x, arena_printf(a, "incident: the CA explains the renewal at %s", x->renewal.explanation_url), err))
		return false;
	return audit_insert(db, x->now, x->certificate.project_id, "renewal", "certificate-renew", x->certificate.id, why, err);
}

static bool write_look(struct db *db, void *arg, struct err *err)
{
	struct look       *x = arg;
	struct certificate now;
	struct order       running;
	struct err         missing = { 0 };

	/* What changed the certificate meanwhile has woken this job: it looks again at once. */
	if (!certificate_find(db, x->job->arena, x->certificate.id, &now, err))
		return false;
	if (now.row_version != x->certificate.row_version)
		return true;
	if (x->asked && !renewal_set_asked(db, &x->renewal, err))
		return false;
	if (x->incident != NULL && !notify_incident(db, &now, x->version.authority_id, x->incident, x->now, err))
		return false;
	if (x->late && !notify_expiring(db, &now, &x->version, &x->renewal, x->plan.automatic && !x->place ? x->plan.due_at : 0, x->now, err))
		return false;
	if (!x->place)
		return true;
	if (order_find_running(db, x->job->arena, x->certificate.id, &running, &missing))
		return true; /* placed by hand meanwhile; its end wakes this job */
	if (missing.class != ERR_NOT_FOUND) {
		*err = missing;
		return false;
	}
	return place_order(db, x, err);
}

static bool load(struct job *job, struct look *x, bool *ret_running, struct err *err)
{
	struct order running;
	struct err   missing = { 0 };
	struct db   *db;

	x->job = job;
	x->now = clock_now_ms();
	if (!job_reader(job, &db, err) || !certificate_find(db, job->arena, job->row.subject, &x->certificate, err) ||
	    !version_find_number(db, job->arena, x->certificate.id, 0, &x->version, err) ||
	    !renewal_find(db, job->arena, x->certificate.id, &x->renewal, err))
		return false;
	*ret_running = order_find_running(db, job->arena, x->certificate.id, &running, &missing);
	if (!*ret_running && missing.class != ERR_NOT_FOUND) {
		*err = missing;
		return false;
	}
	return true;
}

enum outcome run_renewal_look(struct job *job, struct err *err)
{
	struct look *x = arena_alloc(job->arena, sizeof(*x));
	char         order_id[ID_SIZE], due[CLOCK_RFC3339_SIZE];
	int64_t      wake_at = JOB_NEVER;
	bool         running, expired, held;
	int64_t      late_at;

	if (!load(job, x, &running, err))
		return job_outcome(err);
	/* RFC 9773 4.3: a certificate that is over is not asked about any more. */
	expired = x->now >= x->version.not_after_at;
	if (!expired && x->now >= x->renewal.ask_at)
		ask(x);
	renewal_plan(&x->certificate, &x->version, &x->renewal, &x->plan);
	x->place = x->plan.automatic && !running && x->plan.due_at <= x->now;
	held = x->place && (!authority_there(x, &(struct err){ 0 }) || !clock_believed(x));
	x->place = x->place && !held;
	if (x->place) {
		id_new(order_id);
		x->order_id = arena_strdup(job->arena, order_id);
		log_info("certificate=%s name=%s order=%s renewal=placed reason=%s", x->certificate.id, x->certificate.name,
		         x->order_id, renewal_reason_name(x->plan.reason));
	}
	late_at = notify_expiring_at(&x->version, &x->renewal, &x->plan);
	x->late = x->now >= late_at;
	if (x->asked || x->place || x->late) {
		job->facts = write_look;
		job->facts_arg = x;
	}
	if (!expired)
		wake_at = x->ask_later_at != 0 ? x->ask_later_at : x->renewal.ask_at;
	if (held)
		x->plan.due_at = x->now + rand_jitter(CLOCK_WAIT_MS, JITTER);
	if (x->plan.automatic && !running && !x->place && x->plan.due_at < wake_at)
		wake_at = x->plan.due_at;
	late_at = notify_expiring_next(&x->version, late_at, x->now);
	wake_at = late_at < wake_at ? late_at : wake_at;
	return job_wait(job, wake_at, "renewal at %s (%s)", clock_rfc3339(x->plan.due_at, due), renewal_reason_name(x->plan.reason));
}
