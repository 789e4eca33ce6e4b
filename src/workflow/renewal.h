/*
 * workflow/renewal.h: what the rest of the workflow tells the job that renews. One job per certificate, made with its
 * first version; nothing scans certificates, the job sleeps until the CA may be asked again or the renewal is due.
 *
 * All run inside a write, in the transaction of what they tell.
 */
#ifndef REEVE_WORKFLOW_RENEWAL_H
#define REEVE_WORKFLOW_RENEWAL_H

#include "store/order.h"

/* A version was stored: its renewal begins, the CA is asked at once. */
MUST_CHECK bool renewal_stored(struct db *db, const char *certificate_id, const char *project_id, int64_t now, struct err *err);
/* An order ended without a certificate: the next one waits until next_at (workflow/policy.h; not ahead: longer each time). The version
 * that is there stays served. */
MUST_CHECK bool renewal_failed(struct db *db, const char *certificate_id, bool cancelled, int64_t next_at, int64_t now, struct err *err);
/* A person says that it goes on: nothing holds it back any more. */
MUST_CHECK bool renewal_resume(struct db *db, const char *certificate_id, int64_t now, struct err *err);
/* The policy changed: look again. */
MUST_CHECK bool renewal_wake(struct db *db, const char *certificate_id, int64_t now, struct err *err);

#endif
