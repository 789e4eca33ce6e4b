/* workflow/issue.h: from a request to a stored certificate, its routes and its first order. */
#ifndef REEVE_WORKFLOW_ISSUE_H
#define REEVE_WORKFLOW_ISSUE_H

#include "store/certificate.h"
#include "workflow/command.h"
#include "workflow/delegation.h"

MUST_CHECK bool issue_certificate(struct worker *w, struct arena *a, const struct command_who *who,
                                  const struct command_issue *c, struct command_reply *ret, struct err *err);
MUST_CHECK bool issue_renewal(struct worker *w, struct arena *a, const struct command_who *who, const char *certificate,
                              const char *order_id, struct command_reply *ret, struct err *err);
/* An order for its names at the staging directory; nothing of it is kept. */
MUST_CHECK bool issue_rehearsal(struct worker *w, struct arena *a, const struct command_who *who, const char *certificate,
                                const char *order_id, struct command_reply *ret, struct err *err);
/* The order and its job, for the names, authority and routes of the certificate as they are. Inside a write. */
MUST_CHECK bool order_start(struct db *db, const struct certificate *c, const char *order_id, struct err *err);
/* The same at another authority than the certificate's own. Inside a write. */
MUST_CHECK bool order_start_at(struct db *db, const struct certificate *c, const char *authority_id, const char *order_id,
                               struct err *err);
/* ERR_CONFIG "no-authority" when it was removed. */
MUST_CHECK bool issue_authority_there(struct db *db, struct arena *a, const struct certificate *c, struct err *err);
/* X of `domain_alias` as an owner: _acme-challenge.X, or X itself when it starts so. DESIGN section 5. */
MUST_CHECK bool issue_target(const char *text, char ret[static NAME_SIZE], struct err *err);
/* Is the route good? *ret_finding has class ERR_NONE when it is. order.c */
MUST_CHECK bool preflight_route(struct worker *w, struct arena *a, const char *project_id,
                                const struct certificate_route *route, struct delegation *ret_d, struct err *ret_finding,
                                struct err *err);

#endif
