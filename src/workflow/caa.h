/*
 * workflow/caa.h: may this CA issue for these names? Asked of DNS before the CA hears of an order. RFC 8659 3.
 *
 * Unknown  is not absent: a CA that cannot look CAA up refuses, so an order waits (ERR_TEMPORARY "delegation-unknown").
 * Bounds   CAA_BUDGET_MS for one order; names beyond it are left to the CA.
 */
#ifndef REEVE_WORKFLOW_CAA_H
#define REEVE_WORKFLOW_CAA_H

#include "workflow/session.h"

#define CAA_BUDGET_MS 20000

/* A directory without caaIdentities cannot be checked against: true. ERR_CONFIG "caa-forbids" names the record. */
MUST_CHECK bool caa_check(struct session *s, const struct identifier *names, size_t count, struct err *err);
/* For one name, outside of an order. What stands at a parent is looked up once per climb, which lives as long as the arena. */
struct caa_climb;
struct caa_climb *caa_climb_new(struct worker *w, struct arena *a);
/* account_url "": not known yet. A CA without caaIdentities is forbidden by a set that names no CA only.
 * ERR_CONFIG "caa-forbids"; ERR_TEMPORARY "delegation-unknown". */
MUST_CHECK bool caa_allows(struct caa_climb *c, const struct identifier *id, const struct acme_directory *d, const char *account_url,
                           struct err *err);
/* What `reeve caa` shows, as the JSON body of /v1/caa. authority "": the project's default. */
MUST_CHECK bool caa_report(struct worker *w, struct arena *a, const char *project_id, const char *name, const char *authority,
                           struct buf *ret, struct err *err);

#endif
