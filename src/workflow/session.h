/*
 * workflow/session.h: talking to one CA for one job: directory, nonces, signed requests. RFC 8555 6.
 *
 * Shared   what is known of a CA (struct ca: directory, nonce pool, learned poll delays) is kept per authority for
 *          the life of the process and used by all jobs.
 * Counting each signed request adds 1 to job->requests; newNonce and directory are not counted.
 * Errors   as acme/problem.h decides; session.status is the HTTP status of the last answer, 0 without one.
 */
#ifndef REEVE_WORKFLOW_SESSION_H
#define REEVE_WORKFLOW_SESSION_H

#include "acme/directory.h"
#include "acme/nonce.h"
#include "acme/problem.h"
#include "keeper/keeper.h"
#include "store/authority.h"
#include "workflow/engine.h"

#define CIDRS_MAX 32
#define CA_ASKING_MAX   4
#define CA_ASK_PAUSE_MS 60000

struct ca {
	struct ca             *next;
	struct arena          *arena; /* the id; the directory has its own */
	const char            *authority_id;
	pthread_mutex_t        lock;
	struct arena          *directory_arena;
	struct acme_directory  directory;
	int64_t                directory_at; /* monotonic ms; 0: not fetched */
	struct acme_nonce_pool nonces;
	/* Learned: how long after the challenge, and after finalize, the order tends to be done. */
	int64_t                validation_ms, finalize_ms;
	/* Why the account is not there yet: what orders that wait for it show. */
	struct err             account_problem;
	/* Questions that no order waits for: at most CA_ASKING_MAX at once, none for a while after one without an answer. */
	unsigned               asking;
	int64_t                asks_from; /* monotonic ms */
	/* The row as the keeper last confirmed it: canonical columns, version and MAC. */
	struct buf             trusted;
};

struct session {
	struct job           *job;
	struct authority      authority;
	struct account        account; /* id "" when there is none yet */
	struct cidr           cidrs[CIDRS_MAX];
	size_t                cidrs_count;
	struct ca            *ca;
	struct acme_directory directory; /* a copy whose strings live in the job's arena */
	int                   status;
	struct http_response  response;
};

/* Load authority and account, check the row's MAC, have a directory no older than a day. */
MUST_CHECK bool session_open(struct job *job, const char *authority_id, struct session *ret, struct err *err);
/* A signed POST with the account's URL; payload "" is POST-as-GET. The answer is in session->response. */
MUST_CHECK bool session_post(struct session *s, enum acme_where where, const char *url, struct str payload, struct err *err);
/* revokeCert signed by the key of the certificate: RFC 8555 7.6. nonce and url of `revocation` are the session's. */
MUST_CHECK bool session_revoke_by_key(struct session *s, struct keeper_revocation revocation, struct err *err);
/* keyChange: nonce, url, kid and the old key are the session's. RFC 8555 7.3.5 */
MUST_CHECK bool session_key_change(struct session *s, const struct record_id *new_record, struct str new_blob, struct err *err);
/* A plain GET, unsigned and not counted, with this authority's trust and addresses; any status but 200 is an error. */
MUST_CHECK bool session_get(struct session *s, const char *url, uint32_t timeout_ms, struct err *err);
/* A slow CA must not hold the threads that orders of other CAs need. False: ask again after *ret_wait_ms. */
MUST_CHECK bool ca_ask_begin(struct worker *w, const char *authority_id, int64_t *ret_wait_ms);
void            ca_ask_end(struct worker *w, const char *authority_id, bool answered);
/* Is the wall clock good enough to renew by? A CA that is asked anything is a witness. */
bool session_clock_believed(struct worker *w);
/* newAccount: registers, or only looks for an existing account. */
MUST_CHECK bool session_new_account(struct session *s, bool only_existing, struct err *err);
/* After a poll: what was learned of this CA's pace. */
void    session_learned(struct session *s, bool validation, bool was_done);
int64_t session_delay_ms(struct session *s, bool validation);

/* The directory again, whatever is cached: for `authority test` and after a 404. The session has the new one. */
MUST_CHECK bool session_directory_fresh(struct session *s, struct err *err);

/* Fetch and read a directory once, for `authority add`: with this row's trust and addresses. */
MUST_CHECK bool authority_probe(struct http_client *http, struct arena *a, const struct authority *x,
                                struct acme_directory *ret, struct err *err);
/* "10.0.0.0/8,…" as ranges. */
MUST_CHECK bool authority_cidrs(const char *list, struct cidr ret[static CIDRS_MAX], size_t *ret_count, struct err *err);

/* The account's job says why it is late (class ERR_NONE: it is not); the orders that wait ask. */
void account_problem_set(struct worker *w, const char *authority_id, const struct err *problem);
void account_problem_get(struct worker *w, const char *authority_id, struct err *ret);

void cas_free(struct worker *w);

#endif
