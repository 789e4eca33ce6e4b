/* workflow/doctor.h: what `reeve doctor NAME…` tells: is the delegation there, right, reachable and writable. */
#ifndef REEVE_WORKFLOW_DOCTOR_H
#define REEVE_WORKFLOW_DOCTOR_H

#include "base/buf.h"
#include "store/delegation.h"
#include "workflow/engine.h"

/* The JSON body of GET /v1/doctor. A name that is ill is a success of the report. */
MUST_CHECK bool doctor_report(struct worker *w, struct arena *a, const char *project_id, const char *const *names,
                              size_t names_count, struct buf *ret, struct err *err);

/* ---- parts of it, for the drill ---- */

struct json_t;
/* {check, ok, text, record?} */
void doctor_finding(struct json_t *findings, const char *check, bool ok, const char *text, const char *record);
/* The CNAME as a CA's resolver sees it now. */
MUST_CHECK bool doctor_delegation(struct worker *w, struct arena *a, const struct delegation *d, struct json_t *findings, bool *ret_ok,
                                  struct err *err);
/* Can the connection still write there? */
MUST_CHECK bool doctor_target(struct worker *w, struct arena *a, const struct delegation *d, struct json_t *findings, bool *ret_ok,
                              struct err *err);

#endif
