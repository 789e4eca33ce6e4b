/* workflow/drill.h: would every renewal pass tonight? Everything an order needs is looked at; the CA is asked for its directory only. */
#ifndef REEVE_WORKFLOW_DRILL_H
#define REEVE_WORKFLOW_DRILL_H

#include "base/buf.h"
#include "workflow/engine.h"

/*
 * The JSON body of GET /v1/drill: a page of the project's certificates with id > after, or the one named. `next` is the
 * `after` of the next page, null at the end. A certificate that is ill is a success of the report.
 */
MUST_CHECK bool drill_report(struct worker *w, struct arena *a, const char *project_id, const char *after, const char *certificate,
                             struct buf *ret, struct err *err);

#endif
