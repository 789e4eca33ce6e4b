/*
 * workflow/chain.h: which of the chains a CA offers is kept. RFC 8555 7.4.2.
 *
 * Wish     "" takes what the CA gives; "shortest" the one with the fewest certificates; anything else is the common name
 *          of the root a chain should lead to (the issuer of its last certificate, or that certificate itself).
 * Cost     alternates are fetched only when the default is not what is wished.
 */
#ifndef REEVE_WORKFLOW_CHAIN_H
#define REEVE_WORKFLOW_CHAIN_H

#include "crypto/x509.h"
#include "workflow/session.h"
#include "workflow/wish.h"

/* Does it lead to a root of this common name? Case does not matter. */
bool chain_leads_to(const struct cert_chain *chain, const char *root);
/*
 * `chain` is the default, just downloaded from `url`; the session's last answer is that download. *chain becomes what is
 * wished, or stays: a chain that cannot be had never ends an order. Returns what became of the wish, for the timeline.
 */
const char *chain_choose(struct session *s, const char *url, const char *wish, struct cert_chain *chain);

#endif
