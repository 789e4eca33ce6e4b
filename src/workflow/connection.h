/*
 * workflow/connection.h: connections in use: from a row to what a provider can be asked with, and the looks at whether a
 * connection still works.
 *
 * Secrets  the credentials are opened by connection_use_open() and wiped by connection_use_close(): they live for one call.
 * Errors   of open: ERR_CONFIG "invalid-recipe" or "no-connection" for a provider that is not usable, "tampered" for a row
 *          that was changed outside of Reeve; else those of provider/provider.h.
 */
#ifndef REEVE_WORKFLOW_CONNECTION_H
#define REEVE_WORKFLOW_CONNECTION_H

#include "provider/book.h"
#include "provider/engine.h"
#include "store/connection.h"
#include "workflow/engine.h"

struct connection_use {
	struct worker            *w;
	const struct provider    *provider;
	struct provider_context   context;
	const char               *zone; /* for struct provider_value */
	struct engine_account     account;
	struct engine_credential *credentials; /* as opened; the account may have a zone id besides */
	size_t                    credentials_count;
	struct book_page         *page;
	struct arena             *arena;
	bool                      turn;    /* one of the threads that providers may hold is ours */
	bool                      outside; /* not our own zone: the value is looked for at the name servers */
};

/*
 * `spec`: the zone the route names; "" for the connection's. While a built-in one is open no reset of the dns role happens.
 * With a client it may be refused for a second ("too-many-requests"): providers together never hold all step threads.
 */
MUST_CHECK bool connection_use_open(struct worker *w, struct http_client *http, const struct connection *c, const char *spec,
                                    struct connection_use *ret, struct err *err);
void            connection_use_close(struct connection_use *use);

/* What it can do, without opening it. */
const struct provider *connection_kind(const struct connection *c);

/* A provider by any of its names: the id that is stored. "" stays "". */
MUST_CHECK bool connection_provider(struct worker *w, struct arena *a, const char *name, const char **ret, struct err *err);

/* Settings and credentials fit the recipe; before the row is written. */
MUST_CHECK bool connection_check(struct worker *w, const struct connection *c, struct err *err);

/*
 * A provider that hands out credentials is asked for some when none were given; they are sealed for the row, whose zone
 * becomes the name they can write. Before the row is written: a crash leaves an account behind that nobody uses.
 */
MUST_CHECK bool connection_enroll(struct worker *w, struct arena *a, struct connection *c, struct err *err);

/* How many values fit at the one name it can write, its zone (acme-dns); 0: any number at any name. */
unsigned connection_holds(struct worker *w, const struct connection *c);

/*
 * What a domain_alias means where accounts can write one name each: the full domain of the account whose full domain or
 * subdomain it is. *ret stays as it is for all other providers. ERR_INPUT names both.
 */
MUST_CHECK bool connection_alias(struct worker *w, struct arena *a, const char *project_id, const char *provider,
                                 const char *connection, const char *alias, char ret[static NAME_SIZE], struct err *err);

/*
 * Ask the provider now, and store what came of it as the health. Reads only, unless `probe`: then a value of our own is
 * written at _reeve-test.ZONE and removed again. An unhealthy connection is a success with *ret_finding set.
 */
MUST_CHECK bool connection_look(struct worker *w, struct http_client *http, const struct connection *c, bool probe,
                                struct err *ret_finding, struct err *err);
/*
 * What a provider's refusal is for a step: people see it at the connection too; a request that may not be sent yet is waited
 * for and is no failure; what a person has to change first is tried again, at once when the connection is updated.
 */
enum outcome connection_outcome(struct job *job, const struct connection *c, const struct err *why);

/* The part of it that people see at the connection: a credential or a zone that is refused. Blocks for a write. */
void connection_refused(struct worker *w, const struct connection *c, const struct err *why);
/* The request was not sent: it may not be, for why->retry_after_s. */
bool connection_told_to_wait(const struct err *why);

/* The row and its job; inside a write. */
MUST_CHECK bool connection_plan(struct db *db, const struct connection *c, struct err *err);

#endif
