/*
 * workflow/notification.c: the job of a notifier, which sends what is queued for it, and the commands about notifiers. See
 * notification.h.
 *
 * Before anything leaves, the rows say which message they are part of, so that the next try after a crash is the same
 * message with the same id. Who does not answer gets fewer tries, never a longer queue, and after a day the message is
 * given up.
 */
#include "workflow/notification.h"

#include "base/id.h"
#include "base/rand.h"
#include "keeper/keeper.h"
#include "notify/send.h"
#include "store/project.h"
#include "workflow/steps.h"

#define LIFE_MS          ((int64_t)24 * 3600 * 1000)
#define BACKOFF_FIRST_S  5
#define BACKOFF_MAX_S    3600
#define REFUSED_TRIES    3    /* of a message that the other side does not want */
#define SETTLE_MS        2000 /* a mail waits for what happens at the same time */
#define TURN_MS          1000

/* ---- notifiers ---- */

bool notifier_plan(struct db *db, const struct notifier *n, struct err *err)
{
	int64_t job;

	return notifier_insert(db, n, err) &&
	       job_insert(db, "notification", n->id, "", n->project_id, steps[STEP_NOTIFY].name, JOB_NEVER, &job, err);
}

bool notifier_trusted(struct worker *w, struct arena *a, const struct notifier *n, struct err *err)
{
	return keeper_mac_check(w->keeper, "notifiers", notifier_canonical(a, n), n->row_version, n->mac, err) ||
	       err_in(err, "notifier %s", n->name);
}

/* ---- one message ---- */

struct outbox {
	struct job            *job;
	struct notifier        notifier;
	enum notify_target     kind;
	struct notify_settings settings;
	struct project         project;
	struct notification   *rows; /* unsent, oldest first */
	size_t                 count, taken; /* the first ones are the message; they need not be neighbours */
	struct event          *events;
	const char            *message_id;
	/* what came of it */
	const char *state, *answer;
	struct err  why;
	int64_t     next_try_at;
};

static bool load(struct job *job, struct outbox *x, struct err *err)
{
	struct db *db;

	*x = (struct outbox){ .job = job, .answer = "" };
	return job_reader(job, &db, err) && notifier_find(db, job->arena, job->row.subject, &x->notifier, err) &&
	       notification_list_open(db, job->arena, x->notifier.id, NOTIFICATIONS_OPEN_MAX, &x->rows, &x->count, err);
}

static bool write_cancelled(struct db *db, void *arg, struct err *err)
{
	struct outbox *x = arg;

	return notification_end_open(db, x->notifier.id, INT64_MAX, "cancelled", clock_now_ms(), err);
}

static bool write_given_up(struct db *db, void *arg, struct err *err)
{
	struct outbox *x = arg;
	int64_t        now = clock_now_ms();

	return notification_end_open(db, x->notifier.id, now - LIFE_MS, "failed", now, err) &&
	       notification_forget(db, x->notifier.id, now - NOTIFICATIONS_KEEP_MS, err);
}

/* Which rows are sent together: those of the message that was begun, or the oldest ones for the same recipient. */
static bool take(struct outbox *x, struct err *err)
{
	struct arena *a = x->job->arena;
	size_t        max = notify_events_max(x->kind);
	bool          begun = x->rows[0].message_id[0] != '\0';
	char          id[ID_SIZE];
	struct db    *db;

	if (!job_reader(x->job, &db, err) || !project_find(db, a, x->notifier.project_id, &x->project, err))
		return false;
	id_new(id);
	x->message_id = begun ? x->rows[0].message_id : arena_strdup(a, id);
	x->events = arena_alloc_array(a, max, sizeof(*x->events));
	for (size_t i = 0; i < x->count && x->taken < max; i++) {
		struct notification row = x->rows[i];

		if (begun ? strcmp(row.message_id, x->message_id) != 0
		          : row.message_id[0] != '\0' || strcmp(row.recipient, x->rows[0].recipient) != 0)
			continue;
		if (!event_find(db, a, row.event_id, &x->events[x->taken], err))
			return false;
		x->rows[i] = x->rows[x->taken];
		x->rows[x->taken++] = row;
	}
	return true;
}

static bool write_begin(struct db *db, void *arg, struct err *err)
{
	struct outbox *x = arg;

	for (size_t i = 0; i < x->taken; i++)
		if (!notification_start(db, x->rows[i].id, x->message_id, err))
			return false;
	return true;
}

static bool note(struct db *db, const struct outbox *x, const struct event *e, int64_t now, struct err *err)
{
	bool           sent = strcmp(x->state, "sent") == 0;
	struct history h = { .job_id = x->job->row.id, .at = now, .order_id = e->order_id, .kind = "notification",
		             .step = steps[STEP_NOTIFY].name, .outcome = sent ? "done" : strcmp(x->state, "failed") == 0 ? "fail" : "retry" };

	h.text = sent ? arena_printf(x->job->arena, "%s was told of %s: %s", x->notifier.name, e->kind, x->answer)
	              : arena_printf(x->job->arena, "%s could not be told of %s: %s", x->notifier.name, e->kind, x->why.text);
	return e->order_id[0] == '\0' || history_note(db, &h, err);
}

static bool write_sent(struct db *db, void *arg, struct err *err)
{
	struct outbox *x = arg;
	int64_t        now = clock_now_ms();
	bool           sent = strcmp(x->state, "sent") == 0, ended = x->next_try_at == 0;

	for (size_t i = 0; i < x->taken; i++) {
		struct notification n = { .id = x->rows[i].id, .state = x->state, .problem = x->why.problem,
			                  .detail = sent ? x->answer : x->why.text, .hint = x->why.hint, .next_try_at = x->next_try_at,
			                  .ended_at = ended ? now : 0 };
		if (!notification_set(db, &n, err) || !note(db, x, &x->events[i], now, err))
			return false;
	}
	if (sent && x->notifier.dropped > 0 && !notifier_told_dropped(db, x->notifier.id, x->notifier.dropped, err))
		return false;
	return !ended || notification_forget(db, x->notifier.id, now - NOTIFICATIONS_KEEP_MS, err);
}

static int64_t backoff_ms(int64_t attempts, uint32_t floor_s)
{
	int64_t s = (int64_t)BACKOFF_FIRST_S << (attempts < 9 ? attempts : 9);

	s = s < BACKOFF_MAX_S ? s : BACKOFF_MAX_S;
	return rand_jitter((s > floor_s ? s : floor_s) * 1000, 20);
}

/* Everybody may be slow to listen; orders always find threads. */
static bool turn_take(struct worker *w)
{
	unsigned most = w->settings.threads / 4 > 0 ? w->settings.threads / 4 : 1;

	if (__atomic_add_fetch(&w->notifying, 1, __ATOMIC_RELAXED) <= most)
		return true;
	__atomic_sub_fetch(&w->notifying, 1, __ATOMIC_RELAXED);
	return false;
}

static void turn_give(struct worker *w)
{
	__atomic_sub_fetch(&w->notifying, 1, __ATOMIC_RELAXED);
}

static bool send_now(struct outbox *x, struct err *err)
{
	struct job           *job = x->job;
	struct notify_message m = { .notifier = &x->notifier, .project = x->project.name, .message_id = x->message_id,
		                    .recipient = x->rows[0].recipient, .events = x->events, .events_count = x->taken,
		                    .dropped = x->notifier.dropped };

	return notifier_trusted(job->worker, job->arena, &x->notifier, err) &&
	       notify_target_find(x->notifier.kind, &x->kind, err) &&
	       notify_settings_parse(job->arena, x->kind, x->notifier.settings, &x->settings, err) &&
	       notify_send(job->thread->http, job->worker->keeper, job->arena, x->kind, &x->settings, &m, &x->answer, err);
}

static enum outcome attempt(struct outbox *x, struct err *err)
{
	struct job *job = x->job;
	int64_t     attempts = x->rows[0].attempts, now;
	bool        refused;

	CRASH_POINT(NOTIFY_INTENT_BEFORE);
	if (!job_write(job, write_begin, x, err))
		return job_outcome(err);
	CRASH_POINT(NOTIFY_INTENT_AFTER);
	job->facts = write_sent;
	job->facts_arg = x;
	if (send_now(x, &x->why)) {
		x->state = "sent";
		log_info("notifier=%s message=%s events=%zu outcome=sent answer=\"%s\"", x->notifier.name, x->message_id, x->taken, x->answer);
		/* What came meanwhile has woken this job. */
		return job_wait(job, x->count > x->taken ? 0 : JOB_NEVER, "sent");
	}
	now = clock_now_ms();
	refused = (x->why.class == ERR_PERMANENT || x->why.class == ERR_INPUT) && attempts + 1 >= REFUSED_TRIES;
	x->state = refused ? "failed" : "waiting";
	x->next_try_at = refused ? 0 : now + backoff_ms(attempts, x->why.retry_after_s);
	log_warn("notifier=%s message=%s events=%zu attempt=%lld outcome=%s problem=%s cause=\"%s\"", x->notifier.name, x->message_id, x->taken,
	         (long long)attempts + 1, x->state, x->why.problem, x->why.text);
	return job_wait(job, refused ? now : x->next_try_at, "%s", x->why.text);
}

enum outcome run_notify(struct job *job, struct err *err)
{
	struct outbox *x = arena_alloc(job->arena, sizeof(*x));
	int64_t        now = clock_now_ms();
	enum outcome   outcome;

	if (!load(job, x, err))
		return OUT_RETRY;
	if (x->notifier.removed_at != 0) {
		job->facts = write_cancelled;
		job->facts_arg = x;
		return OUT_DONE;
	}
	if (x->count == 0)
		return job_wait(job, JOB_NEVER, "nothing to send");
	if (x->rows[0].created_at < now - LIFE_MS) {
		log_error("notifier=%s outcome=given-up cause=\"not delivered within a day: %s\" fix=\"reeve notify test %s\"", x->notifier.name,
		          x->rows[0].detail, x->notifier.name);
		job->facts = write_given_up;
		job->facts_arg = x;
		return job_wait(job, now, "given up");
	}
	if (x->rows[0].next_try_at > now)
		return job_wait(job, x->rows[0].next_try_at, "waits for the next try");
	if (!notify_target_find(x->notifier.kind, &x->kind, err))
		return OUT_RETRY;
	if (x->kind == NOTIFY_SMTP && x->rows[0].message_id[0] == '\0' && x->rows[0].created_at + SETTLE_MS > now)
		return job_wait(job, x->rows[0].created_at + SETTLE_MS, "waits for what happens at the same time");
	if (!take(x, err))
		return OUT_RETRY;
	if (!turn_take(job->worker))
		return job_wait(job, now + rand_jitter(TURN_MS, 50), "waits for other notifications");
	outcome = attempt(x, err);
	turn_give(job->worker);
	return outcome;
}

/* ---- commands ---- */

struct notifier_write {
	const struct command_who *who;
	struct notifier           n;
	int64_t                   seen_version, now;
	const char               *detail;
};

static bool audit(struct db *db, const struct notifier_write *x, const char *action, struct err *err)
{
	return audit_insert(db, x->now, x->who->project_id, x->who->principal, action, x->n.id, x->detail != NULL ? x->detail : x->n.name, err);
}

static bool write_add(struct db *db, void *arg, struct err *err)
{
	struct notifier_write *x = arg;

	return notifier_plan(db, &x->n, err) && audit(db, x, "notifier-add", err);
}

/* What waits is tried at once with what was changed. */
static bool write_update(struct db *db, void *arg, struct err *err)
{
	struct notifier_write *x = arg;

	return notifier_update(db, &x->n, x->seen_version, err) && notification_retry(db, x->n.id, err) &&
	       job_wake(db, "notification", x->n.id, x->now, err) && audit(db, x, "notifier-update", err);
}

static bool write_remove(struct db *db, void *arg, struct err *err)
{
	struct notifier_write *x = arg;

	return notifier_remove(db, x->n.id, x->now, err) && job_wake(db, "notification", x->n.id, x->now, err) &&
	       audit(db, x, "notifier-remove", err);
}

static bool write_tested(struct db *db, void *arg, struct err *err)
{
	return audit(db, arg, "notifier-test", err);
}

static bool settings_check(struct arena *a, const struct notifier *n, struct err *err)
{
	struct notify_settings s;
	enum notify_target     kind;
	unsigned               mask;

	return notify_target_find(n->kind, &kind, err) && notify_settings_parse(a, kind, n->settings, &s, err) &&
	       notify_events_parse(str_c(n->events), &mask, err);
}

static bool sign_row(struct worker *w, struct arena *a, struct notifier *n, struct err *err)
{
	uint8_t mac[ROW_MAC_SIZE];

	if (!keeper_mac(w->keeper, "notifiers", notifier_canonical(a, n), n->row_version, mac, err))
		return false;
	n->mac = arena_dup(a, str_of(mac, sizeof(mac)));
	return true;
}

static bool name_check(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (len >= 1 && len <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len)
		return true;
	err_problem(err, ERR_INPUT, "invalid-request", "\"%s\" is not a name for a notifier", name);
	return err_hint(err, "use 1 to 64 of a-z, 0-9 and -");
}

bool notifier_command_add(struct worker *w, struct arena *a, const struct command_who *who, const struct command_notifier *in,
                          struct command_reply *ret, struct err *err)
{
	struct notifier_write x = { .who = who, .n = in->n, .now = clock_now_ms() };
	struct notifier       existing;
	struct db            *db = store_reader(w->store, err);

	if (db == NULL)
		return false;
	ret->id = x.n.id;
	if (notifier_find(db, a, x.n.id, &existing, NULL))
		return true; /* the same command again */
	x.n.project_id = who->project_id;
	x.n.created_at = x.now;
	x.n.row_version = 1;
	if (!name_check(x.n.name, err) || !settings_check(a, &x.n, err) || !sign_row(w, a, &x.n, err))
		return false;
	if (store_write(w->store, write_add, &x, err))
		return true;
	if (err->class == ERR_CONFLICT)
		err_hint(err, "choose another name, or `reeve notify remove %s` first", x.n.name);
	return false;
}

bool notifier_command_update(struct worker *w, struct arena *a, const struct command_who *who, const struct command_notifier *in,
                             struct command_reply *ret, struct err *err)
{
	struct notifier_write x = { .who = who, .seen_version = in->seen_version, .now = clock_now_ms() };
	struct db            *db = store_reader(w->store, err);

	if (db == NULL || !notifier_find_named(db, a, who->project_id, in->n.id, &x.n, err))
		return false;
	x.n.settings = in->n.settings;
	x.n.events = in->n.events;
	x.n.secret = in->n.secret;
	x.n.secret_version = in->n.secret_version;
	x.n.row_version = in->seen_version + 1;
	ret->id = x.n.id;
	if (!settings_check(a, &x.n, err) || !sign_row(w, a, &x.n, err) || !store_write(w->store, write_update, &x, err))
		return false;
	worker_kick(w, x.now);
	return true;
}

bool notifier_command_remove(struct worker *w, struct arena *a, const struct command_who *who, const char *name,
                             struct command_reply *ret, struct err *err)
{
	struct notifier_write x = { .who = who, .now = clock_now_ms() };
	struct db            *db = store_reader(w->store, err);

	if (db == NULL || !notifier_find_named(db, a, who->project_id, name, &x.n, err) || !store_write(w->store, write_remove, &x, err))
		return false;
	ret->id = x.n.id;
	worker_kick(w, x.now);
	return true;
}

bool notifier_command_test(struct worker *w, struct arena *a, const struct command_who *who, const char *name,
                           struct command_reply *ret, struct err *err)
{
	struct notifier_write  x = { .who = who, .now = clock_now_ms() };
	struct notify_settings s;
	enum notify_target     kind;
	struct authority       authority = { .email = "" };
	struct project         project;
	struct err             why = { 0 };
	struct http_client    *http;
	const char            *answer = "";
	char                   id[ID_SIZE];
	struct db             *db = store_reader(w->store, err);
	bool                   sent;

	if (db == NULL || !notifier_find_named(db, a, who->project_id, name, &x.n, err) || !project_find(db, a, who->project_id, &project, err) ||
	    !notifier_trusted(w, a, &x.n, err) || !notify_target_find(x.n.kind, &kind, err) ||
	    !notify_settings_parse(a, kind, x.n.settings, &s, err))
		return false;
	if (!authority_find_default(db, a, who->project_id, &authority, NULL))
		authority.email = "";
	id_new(id);
	struct event          e = { .id = id, .project_id = who->project_id, .kind = notify_kind_name(NOTIFY_TEST), .state = "happened", .name = "",
		                    .certificate_id = "", .order_id = "", .authority = "", .problem = "", .url = "", .hint = "", .at = x.now,
		                    .detail = arena_printf(a, "%s asked for a test", who->principal) };
	struct notify_message m = { .notifier = &x.n, .project = project.name, .message_id = id, .recipient = authority.email, .events = &e,
		                    .events_count = 1 };
	http = http_client_new();
	sent = notify_send(http, w->keeper, a, kind, &s, &m, &answer, &why);
	http_client_free(http);
	ret->id = x.n.id;
	ret->problem = arena_strdup(a, sent ? "" : why.problem[0] != '\0' ? why.problem : "refused");
	ret->detail = sent ? answer : arena_strdup(a, why.text);
	ret->hint = arena_strdup(a, why.hint);
	x.detail = ret->detail;
	return store_write(w->store, write_tested, &x, err);
}
