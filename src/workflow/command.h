/*
 * workflow/command.h: what the api role asks of the worker: typed commands, each answered after its durable commit.
 *
 * Ids      the sender makes the object's id; the same id again is the same command (its first answer is given).
 * Errors   come back as struct err with a problem code of base/problem_codes.h.
 * Pushes   COMMAND_CHANGED {kind, id}: the row changed; parked requests are run again. Kinds: order, delegation,
 *          authority, certificate, delivery, operation.
 * Strings  are never NULL after decoding; "" means not given.
 */
#ifndef REEVE_WORKFLOW_COMMAND_H
#define REEVE_WORKFLOW_COMMAND_H

#include "base/buf.h"
#include "base/id.h"
#include "base/ipc.h"
#include "base/wire.h"
#include "store/authority.h"
#include "store/connection.h"
#include "store/deployment.h"
#include "store/notification.h"
#include "store/token.h"

#define COMMAND_TIMEOUT_MS 60000u
#define COMMAND_CHANNEL_API 0 /* the channel of worker_server() that gets the pushes */
#define COMMAND_NAMES_MAX  100u

enum command_type {
	COMMAND_PROJECT_ADD = IPC_TYPE_FIRST,
	COMMAND_AUTHORITY_ADD,
	COMMAND_AUTHORITY_DEFAULT,
	COMMAND_AUTHORITY_REMOVE,
	COMMAND_DELEGATION_ADD,
	COMMAND_DELEGATION_CHECK,
	COMMAND_DELEGATION_REMOVE,
	COMMAND_CERTIFICATE_ISSUE,
	COMMAND_CERTIFICATE_RENEW,
	COMMAND_CERTIFICATE_SET,
	COMMAND_ORDER_CANCEL,
	COMMAND_TOKEN_ADD,
	COMMAND_TOKEN_REVOKE,
	COMMAND_DOCTOR,
	COMMAND_AUDIT,
	COMMAND_DEPLOYMENT_ADD,
	COMMAND_DEPLOYMENT_REMOVE,
	COMMAND_DEPLOYMENT_RUN,
	COMMAND_CERTIFICATE_EDIT,
	COMMAND_DEBT_RETRY,
	COMMAND_CONNECTION_ADD,
	COMMAND_CONNECTION_UPDATE,
	COMMAND_CONNECTION_REMOVE,
	COMMAND_CONNECTION_TEST,
	COMMAND_AUTHORITY_LIMITS,
	COMMAND_CERTIFICATE_REHEARSE,
	COMMAND_DRILL,
	COMMAND_METRICS,
	COMMAND_NOTIFIER_ADD,
	COMMAND_NOTIFIER_UPDATE,
	COMMAND_NOTIFIER_REMOVE,
	COMMAND_NOTIFIER_TEST,
	COMMAND_OPERATION_START,
	COMMAND_AUTHORITY_SET,
	COMMAND_CAA,
	COMMAND__END,
	COMMAND_CHANGED = 200, /* push, worker to api */
};

/* Who asks. project_id is the project the command works in. */
struct command_who {
	const char *project_id, *principal;
};

struct command_reply {
	const char *id;          /* of the object made or changed */
	const char *order_id;    /* issue, renew and edit */
	int64_t     row_version;
	/* issue: why the order is parked in preflight, "" when it runs on; a detail without a problem is a warning */
	const char *problem, *detail, *hint;
};

MUST_CHECK bool command_project_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *id,
                                    const char *name, struct command_reply *ret, struct err *err);

/* `x` carries id, name, directory_url, email, eab_kid, eab_hmac (sealed for row_version 1), ca_pem, allow_addresses,
 * connection_id (or its name), zone, preset, profile and chain;
 * the rest is ignored. The worker checks the URL form and the lists. */
MUST_CHECK bool command_authority_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                      const struct authority *x, struct command_reply *ret, struct err *err);
/* name: id or name. */
MUST_CHECK bool command_authority_default(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                          struct command_reply *ret, struct err *err);
MUST_CHECK bool command_authority_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                         struct command_reply *ret, struct err *err);

struct command_delegation {
	const char *id;         /* new */
	const char *name;       /* as typed; "*.x" is taken as x */
	const char *target;     /* "" : generated in the default zone of the connection */
	const char *connection; /* name or id; "" : the one whose zone holds the target, else the default */
};
MUST_CHECK bool command_delegation_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                       const struct command_delegation *d, struct command_reply *ret, struct err *err);
/* Look now; the health is stored. An unhealthy delegation is a success of the check. name: id or name. */
MUST_CHECK bool command_delegation_check(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                         struct command_reply *ret, struct err *err);
MUST_CHECK bool command_delegation_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                          struct command_reply *ret, struct err *err);

struct command_alias {
	const char *name;   /* the base name this target is for; "" : all names without their own */
	const char *target; /* X of `domain_alias`: the owner is _acme-challenge.X unless it starts with that */
};

struct command_issue {
	const char           *certificate_id, *order_id; /* new */
	const char *const    *names;                     /* as typed */
	size_t                names_count;
	const char           *authority;                 /* id or name; "" : the project's default */
	const char           *key_type;                  /* "" : p256 */
	const char           *profile, *chain;           /* "" : the authority's */
	int64_t               valid_s;                   /* 0: the CA's choice */
	struct command_alias *aliases;
	size_t                aliases_count;
	const char           *provider, *alias_provider; /* "" : any; else the provider id, e.g. "builtin" */
	const char           *connection;                /* name or id; "" : by zone, else the default */
	const char           *facade;                    /* CertMate's members as JSON, kept with the certificate; "" from /v1 */
	bool                  refuse;                    /* a delegation that does not hold (of an edit: a new one) refuses instead of parking */
	bool                  once;                      /* a certificate with this first name exists: already-exists */
	const char           *key_policy;                /* "" : new */
	const char           *fallback;                  /* the second authority, id or name; "" : none */
	const char           *fallback_after;            /* as workflow/failover.h reads it; "" : Reeve's own rule */
	struct str            csr;                       /* a user's request, DER, as csr_parse() accepted it; empty: Reeve makes the key */
	const char           *csr_spki;                  /* its public key */
	bool                  dry_run;                   /* an order at the staging directory; what comes back is discarded */
};
MUST_CHECK bool command_issue(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                              const struct command_issue *c, struct command_reply *ret, struct err *err);
MUST_CHECK bool command_renew(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *certificate,
                              const char *order_id, struct command_reply *ret, struct err *err);

/* A rehearsal of a certificate that is there: its names, key type and routes, at the staging directory. */
MUST_CHECK bool command_rehearse(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *certificate,
                                 const char *order_id, struct command_reply *ret, struct err *err);

/* The limits of an authority and its rehearsals. What is not given stays. */
struct command_limits {
	const char *authority; /* id or name */
	bool        has_staging, has_rehearse_after, has_limits;
	const char *staging;   /* id or name of an authority; "" : none */
	int64_t     rehearse_after;
	const char *limits;    /* as workflow/limits.h reads it; "" : the known ones */
};
MUST_CHECK bool command_limits(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct command_limits *c,
                               struct command_reply *ret, struct err *err);

/* A page of the report as the JSON body of /v1/drill: certificates with id > after. */
MUST_CHECK bool command_drill(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *after,
                              const char *certificate, const char **ret_json, struct err *err);

/* What is not given stays. */
struct command_policy {
	const char *certificate; /* id or name */
	bool        has_auto_renew, auto_renew, has_paused, paused, has_renew_before;
	const char *renew_before; /* as workflow/renewal_plan.h reads it; "" : Reeve's own rule */
};
MUST_CHECK bool command_policy(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                               const struct command_policy *c, struct command_reply *ret, struct err *err);

/* What the certificate is to be. In `issue` what is not given stays: names_count 0, "", and the members with a flag here. */
struct command_edit {
	const char          *certificate; /* id or name */
	bool                 has_fallback, has_fallback_after, has_csr;
	bool                 compromised; /* the key of the version served is never used again */
	struct command_issue issue;       /* certificate_id, facade, once, profile, chain and valid_s are not used */
};
MUST_CHECK bool command_edit(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct command_edit *c,
                             struct command_reply *ret, struct err *err);
MUST_CHECK bool command_cancel(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *order_id,
                               struct command_reply *ret, struct err *err);

/* All debts of the project are due at once. */
MUST_CHECK bool command_debt_retry(struct ipc_peer *worker, struct arena *a, const struct command_who *who, struct command_reply *ret,
                                   struct err *err);

/* The row as the keeper made it (digest, mac). */
MUST_CHECK bool command_token_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const struct token *t,
                                  struct command_reply *ret, struct err *err);
MUST_CHECK bool command_token_revoke(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                     struct command_reply *ret, struct err *err);

/* The report as the JSON body of /v1/doctor. */
MUST_CHECK bool command_doctor(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *const *names,
                               size_t names_count, const char **ret_json, struct err *err);

/* The report as the JSON body of /v1/caa. authority "" : the project's default. */
MUST_CHECK bool command_caa(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                            const char *authority, const char **ret_json, struct err *err);

/* Written durably before it returns: for key downloads. */
MUST_CHECK bool command_audit(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *action,
                              const char *object, const char *detail, struct err *err);

/* The row as the api made it, with the MAC of keeper_deployment_mac() and a sealed secret or none. */
MUST_CHECK bool command_deployment_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                       const struct deployment *d, struct command_reply *ret, struct err *err);
MUST_CHECK bool command_deployment_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                          struct command_reply *ret, struct err *err);

struct command_deployment_run {
	const char *name;        /* of the deployment, or its id */
	const char *certificate; /* id or first name; "" : the deployment's own */
	int64_t     version;     /* 0: the one served */
	bool        dry_run;
};
/* ret->id is the delivery's. It is queued, not done. */
MUST_CHECK bool command_deployment_run(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                       const struct command_deployment_run *run, struct command_reply *ret, struct err *err);

struct command_connection {
	/* id, name, provider, zone, zone_id, base_url, proxy, ca_pem, allow_addresses, fields, credentials, row_version,
	 * is_default;
	 * the credentials are sealed to these settings (store/connection.h). */
	struct connection c;
	int64_t           seen_version; /* update: of the row it was made from */
};
MUST_CHECK bool command_connection_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                       const struct command_connection *in, struct command_reply *ret, struct err *err);
MUST_CHECK bool command_connection_update(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                          const struct command_connection *in, struct command_reply *ret, struct err *err);
MUST_CHECK bool command_connection_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                          struct command_reply *ret, struct err *err);
/* Ask the provider now; with `probe` by writing too. What it found is in the reply; problem "" : all is well. */
MUST_CHECK bool command_connection_test(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                        bool probe, struct command_reply *ret, struct err *err);
struct command_notifier {
	struct notifier n;            /* id, name, kind, settings, events, secret (sealed), secret_version, row_version */
	int64_t         seen_version; /* update: of the row it was made from */
};
MUST_CHECK bool command_notifier_add(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                     const struct command_notifier *in, struct command_reply *ret, struct err *err);
MUST_CHECK bool command_notifier_update(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                        const struct command_notifier *in, struct command_reply *ret, struct err *err);
MUST_CHECK bool command_notifier_remove(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                        struct command_reply *ret, struct err *err);
/* A message now. problem "": it was taken, and detail is the other side's answer. */
MUST_CHECK bool command_notifier_test(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                      struct command_reply *ret, struct err *err);

/* What only the worker knows of itself. */
struct command_metrics {
	uint64_t commits;              /* write transactions since its start */
	uint64_t threads, threads_busy; /* that run steps */
};
MUST_CHECK bool command_metrics(struct ipc_peer *worker, struct arena *a, const struct command_who *who, struct command_metrics *ret,
                                struct err *err);
struct command_operation {
	const char *id, *order_id; /* new; the order only when one is placed */
	const char *kind;          /* workflow/operation.c */
	const char *authority;     /* id or name; "" : none, or the certificate's */
	const char *certificate;   /* id or name; "" : none */
	int64_t     version;       /* of the certificate; 0: the one served */
	const char *request;       /* JSON object */
};
/* ret->id is the operation's. It is queued, not done. */
MUST_CHECK bool command_operation(struct ipc_peer *worker, struct arena *a, const struct command_who *who,
                                  const struct command_operation *c, struct command_reply *ret, struct err *err);

/* Profile and preferred chain of an authority, both. name: id or name. */
MUST_CHECK bool command_authority_set(struct ipc_peer *worker, struct arena *a, const struct command_who *who, const char *name,
                                      const char *profile, const char *chain, struct command_reply *ret, struct err *err);

/* ---- the worker's side reads what the functions above wrote ---- */

struct command_who   command_who_read(struct wire *w, struct arena *a);
struct authority     command_authority_read(struct wire *w, struct arena *a);
struct command_delegation command_delegation_read(struct wire *w, struct arena *a);
/* At most COMMAND_NAMES_MAX names and aliases; more make the wire fail. */
struct command_issue command_issue_read(struct wire *w, struct arena *a);
struct command_edit  command_edit_read(struct wire *w, struct arena *a);
struct command_policy command_policy_read(struct wire *w, struct arena *a);
struct command_limits command_limits_read(struct wire *w, struct arena *a);
struct deployment    command_deployment_read(struct wire *w, struct arena *a);
struct command_deployment_run command_deployment_run_read(struct wire *w, struct arena *a);
struct command_connection command_connection_read(struct wire *w, struct arena *a);
struct command_notifier command_notifier_read(struct wire *w, struct arena *a);
struct command_operation command_operation_read(struct wire *w, struct arena *a);
struct token         command_token_read(struct wire *w, struct arena *a);
const char *const   *command_names_read(struct wire *w, struct arena *a, size_t *ret_count);
void                 command_reply_write(struct buf *b, const struct command_reply *reply);

/* COMMAND_CHANGED. */
MUST_CHECK bool command_changed_decode(struct arena *a, struct str body, const char **ret_kind, const char **ret_id, struct err *err);

#endif
