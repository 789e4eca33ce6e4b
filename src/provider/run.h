/*
 * provider/run.h: one call of the engine under way, and one step of it as an HTTP exchange. For the engine's own files.
 *
 * A step that the other side answered is a success of run_step: the meaning of the answer is in `means`, and
 * run_refused turns one that was not hoped for into an error.
 */
#ifndef REEVE_PROVIDER_RUN_H
#define REEVE_PROVIDER_RUN_H

#include "provider/engine.h"
#include "provider/memory.h"

#define RUN_PAGES_MAX        200u
#define RUN_SKEW_TOLERATED_S 20 /* between their clock and ours */

struct run {
	struct memory               *memory;
	struct http_client          *client;
	struct ipc_peer             *hook, *resolver; /* engine_new() */
	const struct engine_account *account;
	const struct recipe         *recipe;
	const struct recipe_auth    *auth; /* the way that fits the credentials; NULL: none is needed */
	struct arena                *arena;
	struct vars                  vars;
	json_t                      *kept;       /* answers, alive until the run ends */
	bool                         session_old; /* the session was remembered: it may have ended early */
	bool                         auth_again;  /* already tried once more after MEANS_AUTH */
	bool                         doubt;       /* the last exchange may have had its effect without our knowing */
	int64_t                      skew_s;      /* their clock less ours, once it mattered */
};

struct answer {
	const struct recipe_step *step;
	enum recipe_means         means;
	int                       status;
	uint32_t                  retry_after_s;
	int64_t                   their_time_s;
	const struct http_header *headers;
	size_t                    headers_count;
	const json_t             *json; /* NULL: an empty body, or not what `reads` says */
	const char               *place; /* "GET api.example.com/v1/zones" */
};

MUST_CHECK bool run_open(struct run *run, struct memory *memory, struct http_client *client,
                         const struct engine_account *account, const struct provider_value *value, struct err *err);
void            run_close(struct run *run);

/* What the recipe's session gives, remembered or made now. */
MUST_CHECK bool run_session(struct run *run, struct err *err);
/* One request; once more after MEANS_AUTH where that can help. `extra` is added to the query, `next` replaces the URL. */
MUST_CHECK bool run_exchange(struct run *run, const struct recipe_step *step, const char *extra, const char *next,
                             struct answer *ret, struct err *err);
MUST_CHECK bool run_step(struct run *run, const struct recipe_step *step, struct answer *ret, struct err *err);
/* run_step for each page; `each` gets the answers that mean ok. An absent first page is no page. */
MUST_CHECK bool run_pages(struct run *run, const struct recipe_step *step, const char *items,
                          bool (*each)(struct run *run, const struct answer *answer, void *arg,
                          struct err *err), void *arg,
                          struct answer *ret_last, struct err *err);
/* The error that an answer is; always false. */
bool run_refused(const struct run *run, const struct answer *answer, struct err *err);

/* Variables from an answer; what is not there is empty. */
void run_save(struct run *run, const struct recipe_pairs *save, const json_t *from, bool secret);
/* Does `item` have, at each path of `where`, one of the texts for it? Names compare as DNS names do. */
MUST_CHECK bool run_fits(struct run *run, const struct recipe_pairs *where, const json_t *item, bool *ret,
                struct err *err);
/* A TXT value as it is: quotes off, chunks joined. */
struct str run_plain(struct arena *a, const char *text);
/* The same name? Case and final dot ignored. */
bool run_same_name(const char *a, const char *b);

/* provider/zone_find.c: sets {zone}, {sub} and what the recipe saves. */
MUST_CHECK bool zone_find(struct run *run, const struct provider_value *value, struct err *err);
/* What was remembered about it is wrong. */
void zone_forget(struct run *run, const struct provider_value *value);

#endif
