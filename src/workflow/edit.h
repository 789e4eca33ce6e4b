/*
 * workflow/edit.h: changing what a certificate is (names, authorities, key, request), and ordering it anew in place.
 *
 * Served   the version that is there stays until the new one is stored, whatever becomes of the order.
 * Running  an order that runs when something is changed that it would issue is cancelled in the transaction of the
 *          edit, and the new one takes its place: what is ordered is always what was asked for last.
 */
#ifndef REEVE_WORKFLOW_EDIT_H
#define REEVE_WORKFLOW_EDIT_H

#include "workflow/command.h"
#include "workflow/engine.h"

/* ret->order_id is "" when nothing had to be ordered. */
MUST_CHECK bool edit_certificate(struct worker *w, struct arena *a, const struct command_who *who, const struct command_edit *c,
                                 struct command_reply *ret, struct err *err);

#endif
