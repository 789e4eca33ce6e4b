/*
 * provider/engine.h: runs recipes. For every provider the same promises:
 *
 * Sets     add and remove change a set of values: other values at the name stay, an addition of what is there and a
 *          removal of what is not are successes.
 * Replace  APIs that replace the whole set are read, changed and written, with compare-and-swap where the recipe says
 *          so, else read again afterwards. One call at a time per (account, zone, owner) in this process.
 * Whole    a zone that can only be replaced as a whole is written back only when it was read with at least one record.
 * Calls    an interface that lists nothing (recipe.calls) is told again after an unknown outcome, and "present" is
 *          ERR_PERMANENT "not-supported". Where it holds one value per name (recipe.calls.holds), the caller must not
 *          want two at a time.
 * Doubt    after an unknown outcome (time-out, 5xx) the engine looks before it says anything.
 * Limits   the requests of an account are counted; Retry-After silences it for everybody.
 * Errors   ERR_CONFIG "provider-credential", "provider-denied", "zone-not-found", "ambiguous-connection";
 *          ERR_TEMPORARY "provider-unavailable" or "too-many-requests" with retry_after_s; ERR_PERMANENT
 *          "provider-refused" with the words of the other side. No secret of the account is in any text.
 * Threads  any; a client belongs to one thread. They block.
 */
#ifndef REEVE_PROVIDER_ENGINE_H
#define REEVE_PROVIDER_ENGINE_H

#include "provider/provider.h"
#include "provider/recipe.h"

struct engine;

struct engine_credential {
	const char *name, *value; /* the name may be an alias */
};

/* A connection, opened. */
struct engine_account {
	const char                     *id; /* what budgets, sessions and zones are remembered under */
	const struct recipe            *recipe;
	const struct engine_credential *credentials;
	size_t                          credentials_count;
	const char                     *base_url; /* NULL or "": the recipe's */
	const char                     *proxy; /* net/client.h; NULL or "": none */
	struct str                      ca_pem;
	const struct cidr              *allowed;
	size_t                          allowed_count;
	uint32_t                        timeout_ms; /* 0: 30 s */
};

/* hook: who runs programs (provider/program.h); resolver: who looks names up (dns/client.h); NULL: nobody. */
struct engine *engine_new(struct ipc_peer *hook, struct ipc_peer *resolver);
void           engine_free(struct engine *e); /* NULL is fine */
void           engine_freep(struct engine **e);

/* All that is required, nothing unknown, every pattern met: before the first request. ERR_INPUT names the field. */
MUST_CHECK bool engine_account_check(const struct engine_account *account, struct err *err);

/*
 * A provider that hands out credentials is asked for some when the account has none: *ret_count is 0 when there was nothing
 * to do. *ret_zone is the only name that they can write.
 */
MUST_CHECK bool engine_enroll(struct engine *e, struct http_client *client, const struct engine_account *account, struct arena *a,
                              struct engine_credential **ret, size_t *ret_count, const char **ret_zone, struct err *err);

/* `value->zone` may be NULL or "": the longest zone of the account that holds the owner. */
MUST_CHECK bool engine_add(struct engine *e, struct http_client *client, const struct engine_account *account,
                           const struct provider_value *value, struct err *err);
MUST_CHECK bool engine_remove(struct engine *e, struct http_client *client, const struct engine_account *account,
                              const struct provider_value *value, struct err *err);
/* Does the provider's API list the value? What name servers answer is asked elsewhere. */
MUST_CHECK bool engine_present(struct engine *e, struct http_client *client, const struct engine_account *account,
                               const struct provider_value *value, bool *ret, struct err *err);
/* The zone the value would be written in. */
MUST_CHECK bool engine_zone(struct engine *e, struct http_client *client, const struct engine_account *account,
                            const struct provider_value *value, char ret[static NAME_SIZE], struct err *err);

#endif
