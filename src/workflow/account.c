/*
 * workflow/account.c: the job that makes the ACME account of a (project, authority). RFC 8555 7.3.
 *
 * The key is on disk before the CA hears of it; `sent` is written before the request, so that a second run looks for
 * the account (onlyReturnExisting) before it registers another one. Orders that need the account wait in their step
 * `account` and are woken by the outcome.
 */
#include "acme/account.h"
#include "base/id.h"
#include "net/url.h"
#include "workflow/session.h"
#include "workflow/steps.h"

/* ---- the hosts the key may sign for: those of the directory ---- */

static size_t directory_hosts(struct arena *a, const struct authority *x, const struct acme_directory *d,
                              const char *ret[static KEEPER_HOSTS_MAX])
{
	const char *urls[] = { x->directory_url, d->new_nonce, d->new_account, d->new_order, d->revoke_cert, d->key_change };
	size_t      count = 0;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		char   host[URL_HOST_SIZE];
		size_t k = 0;

		if (urls[i] == NULL || !url_host(str_c(urls[i]), host))
			continue;
		while (k < count && strcmp(ret[k], host) != 0)
			k++;
		if (k == count && count < KEEPER_HOSTS_MAX)
			ret[count++] = arena_strdup(a, host);
	}
	return count;
}

/* The orders that wait show the reason as their own. */
static enum outcome late(struct job *job, const struct err *err)
{
	account_problem_set(job->worker, job->row.subject, err);
	return job_outcome(err);
}

static bool write_account(struct db *db, void *arg, struct err *err)
{
	return account_insert(db, arg, err);
}

enum outcome run_account_key(struct job *job, struct err *err)
{
	struct session            s;
	struct keeper_account_key key;
	const char               *hosts[KEEPER_HOSTS_MAX];
	char                      id[ID_SIZE];
	size_t                    count;
	struct buf                list;
	struct account           *account;

	if (!session_open(job, job->row.subject, &s, err))
		return late(job, err);
	if (s.account.id[0] != '\0')
		return OUT_DONE;
	count = directory_hosts(job->arena, &s.authority, &s.directory, hosts);
	id_new(id);
	account = arena_alloc(job->arena, sizeof(*account));
	*account = (struct account){ .id = arena_strdup(job->arena, id), .project_id = job->row.project_id,
		                     .authority_id = s.authority.id, .status = "key", .url = "", .problem = "",
		                     .row_version = 1, .created_at = clock_now_ms() };
	struct record_id record = { account->project_id, KEEPER_COLUMN_ACCOUNT_KEY, account->id, 1 };
	if (!keeper_account_key_new(job->worker->keeper, &record, KEY_P256, hosts, count, job->arena, &key, err))
		return late(job, err);
	account->key_blob = key.blob;
	account->jwk = key.jwk;
	account->thumbprint = key.thumbprint;
	buf_init(&list, KEEPER_HOSTS_MAX * URL_HOST_SIZE);
	for (size_t i = 0; i < count; i++)
		buf_printf(&list, "%s%s", i > 0 ? " " : "", hosts[i]);
	account->hosts = arena_str(job->arena, buf_str(&list));
	buf_clear(&list);
	job->facts = write_account;
	job->facts_arg = account;
	return OUT_DONE;
}

struct account_status {
	const char *id, *authority_id, *status, *url, *problem;
	bool        wake;
};

static bool write_status(struct db *db, void *arg, struct err *err)
{
	struct account_status *x = arg;

	return account_set_status(db, x->id, x->status, x->url, x->problem, err) &&
	       (!x->wake || schedule_wake_authority(db, x->authority_id, steps[STEP_ACCOUNT].name, clock_now_ms(), err));
}

static bool register_account(struct session *s, bool observe, struct err *err)
{
	if (observe) {
		struct err missing = { 0 };

		if (session_new_account(s, true, &missing))
			return true;
		if (missing.class == ERR_TEMPORARY || strcmp(missing.problem, "accountDoesNotExist") != 0) {
			*err = missing;
			return false;
		}
	}
	return session_new_account(s, false, err);
}

enum outcome run_account_register(struct job *job, struct err *err)
{
	struct session         s;
	struct acme_account    answer;
	struct account_status *x = arena_alloc(job->arena, sizeof(*x));
	bool                   observe;

	if (!session_open(job, job->row.subject, &s, err))
		return late(job, err);
	if (strcmp(s.account.status, "valid") == 0)
		return OUT_DONE; /* asked for twice at once */
	if (strcmp(s.account.status, "deactivated") == 0) {
		err_problem(err, ERR_PERMANENT, "ca-refused", "the account at %s was deactivated", s.authority.name);
		err_hint(err, "remove the authority and add it again: a new account is made");
		return late(job, err);
	}
	*x = (struct account_status){ s.account.id, s.authority.id, "sent", "", "", false };
	observe = strcmp(s.account.status, "key") != 0;
	if (!observe && !job_write(job, write_status, x, err))
		return late(job, err);
	if (!register_account(&s, observe, err) ||
	    !acme_account_parse(job->arena, s.response.location, s.response.body, &answer, err)) {
		err_in(err, "account at %s", s.authority.name);
		return late(job, err);
	}
	CRASH_POINT(ACCOUNT_SENT);
	if (answer.status != ACME_ACCOUNT_VALID) {
		err_problem(err, ERR_PERMANENT, "ca-refused", "the account at %s is %s", s.authority.name,
		            acme_account_status_name(answer.status));
		err_hint(err, "remove the authority and add it again: a new account is made");
		return late(job, err);
	}
	account_problem_set(job->worker, job->row.subject, &(struct err){ 0 });
	x->status = "valid";
	x->url = answer.url;
	x->wake = true;
	job->facts = write_status;
	job->facts_arg = x;
	return OUT_DONE;
}

/* ---- the order's side ---- */

struct account_wanted {
	struct job *job;
	const char *authority_id;
};

static bool write_wanted(struct db *db, void *arg, struct err *err)
{
	struct account_wanted *x = arg;
	struct arena          *a = arena_new();
	struct account         account;
	struct job_row         running;
	struct err             missing = { 0 };
	int64_t                id;
	bool                   valid, live = false;

	/* Another order's account job may have ended since the step looked. */
	valid = account_find(db, a, x->job->row.project_id, x->authority_id, &account, &missing) &&
	        strcmp(account.status, "valid") == 0;
	if (missing.class == ERR_NONE || missing.class == ERR_NOT_FOUND) {
		missing = (struct err){ 0 };
		live = !valid && job_find_live(db, a, "account", x->authority_id, &running, &missing);
	}
	arena_free(a);
	if (missing.class != ERR_NONE && missing.class != ERR_NOT_FOUND) {
		*err = missing;
		return false;
	}
	if (valid)
		return job_wake_order(db, "order", x->job->row.order_id, clock_now_ms(), err);
	/* One that waits after a failure keeps its pace, however many orders ask. */
	return live || job_insert(db, "account", x->authority_id, "", x->job->row.project_id, steps[STEP_ACCOUNT_KEY].name,
	                  clock_now_ms(), &id, err);
}

/* attempts says whether the account was asked for, so a failure to look may not count. */
static enum outcome look_again(struct job *job, const struct err *err)
{
	job->attempts = job->row.attempts;
	return job_wait(job, clock_now_ms() + 1000, "%s", err->text);
}

/*
 * Pure but for asking for the account job once (attempts counts that). A refusal ends the order with the CA's words.
 */
enum outcome run_account(struct job *job, struct err *err)
{
	struct account_wanted *x = arena_alloc(job->arena, sizeof(*x));
	struct order           order;
	struct authority       authority;
	struct account         account = { .status = "" };
	struct job_row         running;
	struct err             missing = { 0 };
	struct db             *db;

	if (!job_reader(job, &db, err) || !order_find(db, job->arena, job->row.order_id, &order, err) ||
	    !authority_find(db, job->arena, order.authority_id, &authority, err))
		return look_again(job, err);
	if (!account_find(db, job->arena, job->row.project_id, order.authority_id, &account, &missing) &&
	    missing.class != ERR_NOT_FOUND)
		return look_again(job, &missing);
	if (strcmp(account.status, "valid") == 0)
		return OUT_DONE;
	missing = (struct err){ 0 };
	if (job->row.attempts > 0 && !job_find_live(db, job->arena, "account", order.authority_id, &running, &missing)) {
		if (missing.class != ERR_NOT_FOUND)
			return look_again(job, &missing);
		missing = (struct err){ 0 };
		/* It may have become valid between the two reads: one more look before giving up. */
		if (!account_find(db, job->arena, job->row.project_id, order.authority_id, &account, &missing) ||
		    strcmp(account.status, "valid") != 0) {
			account_problem_get(job->worker, order.authority_id, err);
			if (err->class == ERR_NONE)
				err_problem(err, ERR_PERMANENT, "ca-refused", "%s",
				            missing.class == ERR_NONE && account.problem[0] != '\0' ? account.problem
				                                                                   : "its job ended without one");
			if (err->hint[0] == '\0')
				err_hint(err, "remove the authority and add it again with what the CA asks for");
			err_in(err, "no account at %s", authority.name);
			return OUT_FAIL;
		}
		return OUT_DONE;
	}
	*x = (struct account_wanted){ job, order.authority_id };
	job->facts = write_wanted;
	job->facts_arg = x;
	job->attempts = 1;
	account_problem_get(job->worker, order.authority_id, &job->shown);
	return job_wait(job, clock_now_ms() + 60000, "waiting for the account at %s", authority.name);
}
