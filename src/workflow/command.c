/*
 * workflow/command.c: the frames of the commands, written and read side by side so that they cannot drift apart.
 */
#include "workflow/command.h"

/* A scraper asks again soon: better no answer than a late one. */
#define METRICS_TIMEOUT_MS 2000u

/* ---- pieces ---- */

static void who_write(struct buf *b, const struct command_who *who)
{
	wire_put_c(b, who->project_id);
	wire_put_c(b, who->principal);
}

struct command_who command_who_read(struct wire *w, struct arena *a)
{
	struct command_who who;

	who.project_id = wire_get_c(w, a);
	who.principal = wire_get_c(w, a);
	return who;
}

static void names_write(struct buf *b, const char *const *names, size_t count)
{
	wire_put_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		wire_put_c(b, names[i]);
}

const char *const *command_names_read(struct wire *w, struct arena *a, size_t *ret_count)
{
	uint32_t     count = wire_get_u32(w);
	const char **names;

	*ret_count = 0;
	if (count > COMMAND_NAMES_MAX) {
		w->failed = true;
		count = 0;
	}
	names = arena_alloc_array(a, count > 0 ? count : 1, sizeof(*names));
	for (uint32_t i = 0; i < count; i++)
		names[i] = wire_get_c(w, a);
	*ret_count = count;
	return names;
}

void command_reply_write(struct buf *b, const struct command_reply *r)
{
	wire_put_c(b, r->id);
	wire_put_c(b, r->order_id);
	wire_put_i64(b, r->row_version);
	wire_put_c(b, r->problem);
	wire_put_c(b, r->detail);
	wire_put_c(b, r->hint);
}

static bool reply_read(struct arena *a, struct str body, struct command_reply *ret, struct err *err)
{
	struct wire          w = wire_of(body);
	struct command_reply r;

	r.id = wire_get_c(&w, a);
	r.order_id = wire_get_c(&w, a);
	r.row_version = wire_get_i64(&w);
	r.problem = wire_get_c(&w, a);
	r.detail = wire_get_c(&w, a);
	r.hint = wire_get_c(&w, a);
	if (!wire_done(&w, err))
		return err_in(err, "answer of the worker");
	*ret = r;
	return true;
}

/* Ends the request: sends it, frees its bytes, reads the reply. */
static bool ask(struct ipc_peer *worker, struct arena *a, enum command_type type, struct buf *body, struct command_reply *ret,
                struct err *err)
{
	struct str answer;
	bool       ok;

	if (body->failed) {
		buf_clear(body);
		return err_problem(err, ERR_INPUT, "too-large", "the request is too large for one command");
	}
	ok = ipc_peer_call(worker, type, buf_str(body), -1, COMMAND_TIMEOUT_MS, a, &answer, err);
	buf_clear(body);
	return ok && reply_read(a, answer, ret, err);
}

static void begin(struct buf *b, const struct command_who *who)
{
	buf_init(b, IPC_BODY_MAX);
	who_write(b, who);
}

/* Commands that carry texts only. */
static bool ask_texts(struct ipc_peer *worker, struct arena *a, const struct command_who *who, enum command_type type,
                      const char *const *texts, size_t count, struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	for (size_t i = 0; i < count; i++)
		wire_put_c(&b, texts[i]);
	return ask(worker, a, type, &b, ret, err);
}

/* ---- commands ---- */

bool command_project_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *id,
                         const char *name, struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_PROJECT_ADD, (const char *[]){ id, name }, 2, ret, err);
}

bool command_authority_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct authority *x,
                           struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, x->id);
	wire_put_c(&b, x->name);
	wire_put_c(&b, x->directory_url);
	wire_put_c(&b, x->email);
	wire_put_c(&b, x->eab_kid);
	wire_put_str(&b, x->eab_hmac);
	wire_put_c(&b, x->ca_pem);
	wire_put_c(&b, x->allow_addresses);
	wire_put_c(&b, x->connection_id);
	wire_put_c(&b, x->zone);
	wire_put_c(&b, x->preset);
	wire_put_c(&b, x->profile);
	wire_put_c(&b, x->chain);
	return ask(worker, a, COMMAND_AUTHORITY_ADD, &b, ret, err);
}

struct authority command_authority_read(struct wire *w, struct arena *a)
{
	struct authority x = { .row_version = 1 };

	x.id = wire_get_c(w, a);
	x.name = wire_get_c(w, a);
	x.directory_url = wire_get_c(w, a);
	x.email = wire_get_c(w, a);
	x.eab_kid = wire_get_c(w, a);
	x.eab_hmac = arena_dup(a, wire_get_str(w));
	x.ca_pem = wire_get_c(w, a);
	x.allow_addresses = wire_get_c(w, a);
	x.connection_id = wire_get_c(w, a);
	x.zone = wire_get_c(w, a);
	x.preset = wire_get_c(w, a);
	x.profile = wire_get_c(w, a);
	x.chain = wire_get_c(w, a);
	if (x.eab_hmac.len == 0)
		x.eab_hmac = str_of(NULL, 0);
	return x;
}

bool command_authority_default(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                               struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_AUTHORITY_DEFAULT, &name, 1, ret, err);
}

bool command_authority_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                              struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_AUTHORITY_REMOVE, &name, 1, ret, err);
}

bool command_delegation_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                            const struct command_delegation *d, struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_DELEGATION_ADD, (const char *[]){ d->id, d->name, d->target, d->connection }, 4,
	                 ret, err);
}

struct command_delegation command_delegation_read(struct wire *w, struct arena *a)
{
	struct command_delegation d;

	d.id = wire_get_c(w, a);
	d.name = wire_get_c(w, a);
	d.target = wire_get_c(w, a);
	d.connection = wire_get_c(w, a);
	return d;
}

bool command_delegation_check(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                              struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_DELEGATION_CHECK, &name, 1, ret, err);
}

bool command_delegation_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                               struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_DELEGATION_REMOVE, &name, 1, ret, err);
}

static void issue_write(struct buf *b, const struct command_issue *c)
{
	wire_put_c(b, c->certificate_id);
	wire_put_c(b, c->order_id);
	names_write(b, c->names, c->names_count);
	wire_put_c(b, c->authority);
	wire_put_c(b, c->key_type);
	wire_put_c(b, c->profile);
	wire_put_c(b, c->chain);
	wire_put_i64(b, c->valid_s);
	wire_put_u32(b, (uint32_t)c->aliases_count);
	for (size_t i = 0; i < c->aliases_count; i++) {
		wire_put_c(b, c->aliases[i].name);
		wire_put_c(b, c->aliases[i].target);
	}
	wire_put_c(b, c->provider);
	wire_put_c(b, c->alias_provider);
	wire_put_c(b, c->connection);
	wire_put_c(b, c->facade);
	wire_put_bool(b, c->refuse);
	wire_put_bool(b, c->once);
	wire_put_bool(b, c->dry_run);
	wire_put_c(b, c->key_policy);
	wire_put_c(b, c->fallback);
	wire_put_c(b, c->fallback_after);
	wire_put_str(b, c->csr);
	wire_put_c(b, c->csr_spki);
}

bool command_issue(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct command_issue *c,
                   struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	issue_write(&b, c);
	return ask(worker, a, COMMAND_CERTIFICATE_ISSUE, &b, ret, err);
}

struct command_issue command_issue_read(struct wire *w, struct arena *a)
{
	struct command_issue c = { 0 };
	uint32_t             aliases;

	c.certificate_id = wire_get_c(w, a);
	c.order_id = wire_get_c(w, a);
	c.names = command_names_read(w, a, &c.names_count);
	c.authority = wire_get_c(w, a);
	c.key_type = wire_get_c(w, a);
	c.profile = wire_get_c(w, a);
	c.chain = wire_get_c(w, a);
	c.valid_s = wire_get_i64(w);
	aliases = wire_get_u32(w);
	if (aliases > COMMAND_NAMES_MAX) {
		w->failed = true;
		aliases = 0;
	}
	c.aliases = arena_alloc_array(a, aliases > 0 ? aliases : 1, sizeof(*c.aliases));
	for (uint32_t i = 0; i < aliases; i++) {
		c.aliases[i].name = wire_get_c(w, a);
		c.aliases[i].target = wire_get_c(w, a);
	}
	c.aliases_count = aliases;
	c.provider = wire_get_c(w, a);
	c.alias_provider = wire_get_c(w, a);
	c.connection = wire_get_c(w, a);
	c.facade = wire_get_c(w, a);
	c.refuse = wire_get_bool(w);
	c.once = wire_get_bool(w);
	c.dry_run = wire_get_bool(w);
	c.key_policy = wire_get_c(w, a);
	c.fallback = wire_get_c(w, a);
	c.fallback_after = wire_get_c(w, a);
	c.csr = arena_dup(a, wire_get_str(w));
	c.csr_spki = wire_get_c(w, a);
	return c;
}

bool command_edit(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct command_edit *c,
                  struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, c->certificate);
	wire_put_bool(&b, c->has_fallback);
	wire_put_bool(&b, c->has_fallback_after);
	wire_put_bool(&b, c->has_csr);
	wire_put_bool(&b, c->compromised);
	issue_write(&b, &c->issue);
	return ask(worker, a, COMMAND_CERTIFICATE_EDIT, &b, ret, err);
}

struct command_edit command_edit_read(struct wire *w, struct arena *a)
{
	struct command_edit c;

	c.certificate = wire_get_c(w, a);
	c.has_fallback = wire_get_bool(w);
	c.has_fallback_after = wire_get_bool(w);
	c.has_csr = wire_get_bool(w);
	c.compromised = wire_get_bool(w);
	c.issue = command_issue_read(w, a);
	return c;
}

bool command_renew(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *certificate,
                   const char *order_id, struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_CERTIFICATE_RENEW, (const char *[]){ certificate, order_id }, 2, ret, err);
}

bool command_rehearse(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *certificate,
                      const char *order_id, struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_CERTIFICATE_REHEARSE, (const char *[]){ certificate, order_id }, 2, ret, err);
}

bool command_limits(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct command_limits *c,
                    struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, c->authority);
	wire_put_bool(&b, c->has_staging);
	wire_put_c(&b, c->staging);
	wire_put_bool(&b, c->has_rehearse_after);
	wire_put_i64(&b, c->rehearse_after);
	wire_put_bool(&b, c->has_limits);
	wire_put_c(&b, c->limits);
	return ask(worker, a, COMMAND_AUTHORITY_LIMITS, &b, ret, err);
}

struct command_limits command_limits_read(struct wire *w, struct arena *a)
{
	struct command_limits c;

	c.authority = wire_get_c(w, a);
	c.has_staging = wire_get_bool(w);
	c.staging = wire_get_c(w, a);
	c.has_rehearse_after = wire_get_bool(w);
	c.rehearse_after = wire_get_i64(w);
	c.has_limits = wire_get_bool(w);
	c.limits = wire_get_c(w, a);
	return c;
}

bool command_policy(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct command_policy *c,
                    struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, c->certificate);
	wire_put_bool(&b, c->has_auto_renew);
	wire_put_bool(&b, c->auto_renew);
	wire_put_bool(&b, c->has_paused);
	wire_put_bool(&b, c->paused);
	wire_put_bool(&b, c->has_renew_before);
	wire_put_c(&b, c->renew_before);
	return ask(worker, a, COMMAND_CERTIFICATE_SET, &b, ret, err);
}

struct command_policy command_policy_read(struct wire *w, struct arena *a)
{
	struct command_policy c;

	c.certificate = wire_get_c(w, a);
	c.has_auto_renew = wire_get_bool(w);
	c.auto_renew = wire_get_bool(w);
	c.has_paused = wire_get_bool(w);
	c.paused = wire_get_bool(w);
	c.has_renew_before = wire_get_bool(w);
	c.renew_before = wire_get_c(w, a);
	return c;
}

bool command_cancel(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *order_id,
                    struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_ORDER_CANCEL, &order_id, 1, ret, err);
}

bool command_token_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct token *t,
                       struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, t->id);
	wire_put_c(&b, t->project_id);
	wire_put_c(&b, t->name);
	wire_put_c(&b, t->role);
	wire_put_c(&b, t->certificate_id);
	wire_put_str(&b, t->digest);
	wire_put_str(&b, t->mac);
	wire_put_i64(&b, t->created_at);
	wire_put_i64(&b, t->expires_at);
	wire_put_i64(&b, t->row_version);
	return ask(worker, a, COMMAND_TOKEN_ADD, &b, ret, err);
}

struct token command_token_read(struct wire *w, struct arena *a)
{
	struct token t = { 0 };

	t.id = wire_get_c(w, a);
	t.project_id = wire_get_c(w, a);
	t.name = wire_get_c(w, a);
	t.role = wire_get_c(w, a);
	t.certificate_id = wire_get_c(w, a);
	t.digest = arena_dup(a, wire_get_str(w));
	t.mac = arena_dup(a, wire_get_str(w));
	t.created_at = wire_get_i64(w);
	t.expires_at = wire_get_i64(w);
	t.row_version = wire_get_i64(w);
	return t;
}

bool command_token_revoke(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                          struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_TOKEN_REVOKE, &name, 1, ret, err);
}

bool command_debt_retry(struct ipc_peer *worker, struct arena *a, const struct command_who *who, struct command_reply *ret,
                        struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_DEBT_RETRY, NULL, 0, ret, err);
}

bool command_doctor(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *const *names,
                    size_t names_count, const char **ret_json, struct err *err)
{
	struct str answer;
	struct buf b;
	bool       ok;

	begin(&b, who);
	names_write(&b, names, names_count);
	ok = ipc_peer_call(worker, COMMAND_DOCTOR, buf_str(&b), -1, COMMAND_TIMEOUT_MS, a, &answer, err);
	buf_clear(&b);
	if (ok)
		*ret_json = arena_str(a, answer);
	return ok;
}

bool command_drill(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *after,
                   const char *certificate, const char **ret_json, struct err *err)
{
	struct str answer;
	struct buf b;
	bool       ok;

	begin(&b, who);
	wire_put_c(&b, after);
	wire_put_c(&b, certificate);
	ok = ipc_peer_call(worker, COMMAND_DRILL, buf_str(&b), -1, COMMAND_TIMEOUT_MS, a, &answer, err);
	buf_clear(&b);
	if (ok)
		*ret_json = arena_str(a, answer);
	return ok;
}

bool command_metrics(struct ipc_peer *worker, struct arena *a, const struct command_who *who, struct command_metrics *ret,
                     struct err *err)
{
	struct str  answer;
	struct wire w;
	struct buf  b;
	bool        ok;

	begin(&b, who);
	ok = ipc_peer_call(worker, COMMAND_METRICS, buf_str(&b), -1, METRICS_TIMEOUT_MS, a, &answer, err);
	buf_clear(&b);
	if (!ok)
		return false;
	w = wire_of(answer);
	ret->commits = wire_get_u64(&w);
	ret->threads = wire_get_u64(&w);
	ret->threads_busy = wire_get_u64(&w);
	return wire_done(&w, err);
}

bool command_caa(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name, const char *authority,
                 const char **ret_json, struct err *err)
{
	struct str answer;
	struct buf b;
	bool       ok;

	begin(&b, who);
	wire_put_c(&b, name);
	wire_put_c(&b, authority);
	ok = ipc_peer_call(worker, COMMAND_CAA, buf_str(&b), -1, COMMAND_TIMEOUT_MS, a, &answer, err);
	buf_clear(&b);
	if (ok)
		*ret_json = arena_str(a, answer);
	return ok;
}

bool command_audit(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *action,
                   const char *object, const char *detail, struct err *err)
{
	struct command_reply ignored;

	return ask_texts(worker, a, who, COMMAND_AUDIT, (const char *[]){ action, object, detail }, 3, &ignored, err);
}

bool command_deployment_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct deployment *d,
                            struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, d->id);
	wire_put_c(&b, d->name);
	wire_put_c(&b, d->certificate_id);
	wire_put_c(&b, d->kind);
	wire_put_c(&b, d->settings);
	wire_put_str(&b, d->secret);
	wire_put_i64(&b, d->created_at);
	wire_put_str(&b, d->mac);
	return ask(worker, a, COMMAND_DEPLOYMENT_ADD, &b, ret, err);
}

struct deployment command_deployment_read(struct wire *w, struct arena *a)
{
	struct deployment d = { .row_version = 1 };

	d.id = wire_get_c(w, a);
	d.name = wire_get_c(w, a);
	d.certificate_id = wire_get_c(w, a);
	d.kind = wire_get_c(w, a);
	d.settings = wire_get_c(w, a);
	d.secret = arena_dup(a, wire_get_str(w));
	d.created_at = wire_get_i64(w);
	d.mac = arena_dup(a, wire_get_str(w));
	if (d.secret.len == 0)
		d.secret = str_of(NULL, 0);
	return d;
}

bool command_deployment_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                               struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_DEPLOYMENT_REMOVE, &name, 1, ret, err);
}

bool command_deployment_run(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                            const struct command_deployment_run *run, struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, run->name);
	wire_put_c(&b, run->certificate);
	wire_put_i64(&b, run->version);
	wire_put_bool(&b, run->dry_run);
	return ask(worker, a, COMMAND_DEPLOYMENT_RUN, &b, ret, err);
}

struct command_deployment_run command_deployment_run_read(struct wire *w, struct arena *a)
{
	struct command_deployment_run run;

	run.name = wire_get_c(w, a);
	run.certificate = wire_get_c(w, a);
	run.version = wire_get_i64(w);
	run.dry_run = wire_get_bool(w);
	return run;
}

static bool ask_connection(struct ipc_peer *worker, struct arena *a, const struct command_who *who, enum command_type type,
                           const struct command_connection *in, struct command_reply *ret, struct err *err)
{
	const struct connection *c = &in->c;
	const char *const        texts[] = { c->id, c->name, c->provider, c->zone, c->zone_id, c->base_url, c->proxy, c->ca_pem,
		                     c->allow_addresses, c->fields };
	struct buf               b;

	begin(&b, who);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		wire_put_c(&b, texts[i]);
	wire_put_str(&b, c->credentials);
	wire_put_i64(&b, c->row_version);
	wire_put_bool(&b, c->is_default);
	wire_put_i64(&b, in->seen_version);
	return ask(worker, a, type, &b, ret, err);
}

struct command_connection command_connection_read(struct wire *w, struct arena *a)
{
	struct command_connection in = { 0 };
	const char              **texts[] = { &in.c.id, &in.c.name, &in.c.provider, &in.c.zone, &in.c.zone_id, &in.c.base_url, &in.c.proxy, &in.c.ca_pem,
		                  &in.c.allow_addresses, &in.c.fields };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = wire_get_c(w, a);
	in.c.credentials = arena_dup(a, wire_get_str(w));
	in.c.row_version = wire_get_i64(w);
	in.c.is_default = wire_get_bool(w);
	in.seen_version = wire_get_i64(w);
	in.c.project_id = in.c.health = in.c.problem = in.c.finding = in.c.hint = "";
	return in;
}

bool command_connection_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                            const struct command_connection *in, struct command_reply *ret, struct err *err)
{
	return ask_connection(worker, a, who, COMMAND_CONNECTION_ADD, in, ret, err);
}

bool command_connection_update(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                               const struct command_connection *in, struct command_reply *ret, struct err *err)
{
	return ask_connection(worker, a, who, COMMAND_CONNECTION_UPDATE, in, ret, err);
}

bool command_connection_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                               struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_CONNECTION_REMOVE, &name, 1, ret, err);
}

bool command_connection_test(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name, bool probe,
                             struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, name);
	wire_put_bool(&b, probe);
	return ask(worker, a, COMMAND_CONNECTION_TEST, &b, ret, err);
}

static bool ask_notifier(struct ipc_peer *worker, struct arena *a, const struct command_who *who, enum command_type type,
                         const struct command_notifier *in, struct command_reply *ret, struct err *err)
{
	const struct notifier *n = &in->n;
	struct buf             b;

	begin(&b, who);
	wire_put_c(&b, n->id);
	wire_put_c(&b, n->name);
	wire_put_c(&b, n->kind);
	wire_put_c(&b, n->settings);
	wire_put_c(&b, n->events);
	wire_put_str(&b, n->secret);
	wire_put_i64(&b, n->secret_version);
	wire_put_i64(&b, n->row_version);
	wire_put_i64(&b, in->seen_version);
	return ask(worker, a, type, &b, ret, err);
}

struct command_notifier command_notifier_read(struct wire *w, struct arena *a)
{
	struct command_notifier in = { 0 };

	in.n.id = wire_get_c(w, a);
	in.n.name = wire_get_c(w, a);
	in.n.kind = wire_get_c(w, a);
	in.n.settings = wire_get_c(w, a);
	in.n.events = wire_get_c(w, a);
	in.n.secret = arena_dup(a, wire_get_str(w));
	in.n.secret_version = wire_get_i64(w);
	in.n.row_version = wire_get_i64(w);
	in.seen_version = wire_get_i64(w);
	in.n.project_id = "";
	if (in.n.secret.len == 0)
		in.n.secret = str_of(NULL, 0);
	return in;
}

bool command_notifier_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                          const struct command_notifier *in, struct command_reply *ret, struct err *err)
{
	return ask_notifier(worker, a, who, COMMAND_NOTIFIER_ADD, in, ret, err);
}

bool command_notifier_update(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                             const struct command_notifier *in, struct command_reply *ret, struct err *err)
{
	return ask_notifier(worker, a, who, COMMAND_NOTIFIER_UPDATE, in, ret, err);
}

bool command_notifier_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                             struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_NOTIFIER_REMOVE, &name, 1, ret, err);
}

bool command_notifier_test(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                           struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_NOTIFIER_TEST, &name, 1, ret, err);
}

bool command_operation(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct command_operation *c,
                       struct command_reply *ret, struct err *err)
{
	struct buf b;

	begin(&b, who);
	wire_put_c(&b, c->id);
	wire_put_c(&b, c->order_id);
	wire_put_c(&b, c->kind);
	wire_put_c(&b, c->authority);
	wire_put_c(&b, c->certificate);
	wire_put_i64(&b, c->version);
	wire_put_c(&b, c->request);
	return ask(worker, a, COMMAND_OPERATION_START, &b, ret, err);
}

struct command_operation command_operation_read(struct wire *w, struct arena *a)
{
	struct command_operation c;

	c.id = wire_get_c(w, a);
	c.order_id = wire_get_c(w, a);
	c.kind = wire_get_c(w, a);
	c.authority = wire_get_c(w, a);
	c.certificate = wire_get_c(w, a);
	c.version = wire_get_i64(w);
	c.request = wire_get_c(w, a);
	return c;
}

bool command_authority_set(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                           const char *profile, const char *chain, struct command_reply *ret, struct err *err)
{
	return ask_texts(worker, a, who, COMMAND_AUTHORITY_SET, (const char *[]){ name, profile, chain }, 3, ret, err);
}

bool command_changed_decode(struct arena *a, struct str body, const char **ret_kind, const char **ret_id, struct err *err)
{
	struct wire w = wire_of(body);
	const char *kind = wire_get_c(&w, a);
	const char *id = wire_get_c(&w, a);

	if (!wire_done(&w, err))
		return false;
	*ret_kind = kind;
	*ret_id = id;
	return true;
}
