/* workflow/doctor.h: what `reeve doctor NAME…` tells: is the delegation there, right, reachable and writable. */
#ifndef REEVE_WORKFLOW_DOCTOR_H
#define REEVE_WORKFLOW_DOCTOR_H

#include "base/buf.h"
#include "workflow/engine.h"

/* The JSON body of GET /v1/doctor. A name that is ill is a success of the report. */
MUST_CHECK bool doctor_report(struct worker *w, struct arena *a, const char *project_id, const char *const *names,
                              size_t names_count, struct buf *ret, struct err *err);

#endif
