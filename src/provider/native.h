/*
 * provider/native.h: providers that are no web interface. Their recipe declares names, credentials and advice like any
 * other; "native" in it names the functions here, which run in the place of its steps.
 *
 * Contract that of provider.h, per call, with the run's credentials as variables. zone sets {zone}, reads only, and is what
 *          a connection without a zone is tested with: "zone-not-found" shows a good credential.
 * Values   `holds` is how many values fit at the one owner a connection can write (0: any number at any name); no value is
 *          ever removed there, newer ones push older ones out.
 * Answers  present is ERR_PERMANENT "not-supported" where nobody there can be asked.
 */
#ifndef REEVE_PROVIDER_NATIVE_H
#define REEVE_PROVIDER_NATIVE_H

#include "provider/run.h"

struct native {
	const char *id; /* in recipes */
	unsigned    holds;
	bool        local; /* runs what the installation has on this machine: not for a tenant to set up */
	/*
	 * Credentials that the other side hands out: with none given, ask for some, and set them and {zone}. Before anything is
	 * stored: what a crash leaves behind there is an account that nobody uses.
	 */
	bool (*enroll)(struct run *run, struct err *err);
	bool (*check)(const struct run *run, struct err *err); /* what patterns cannot; NULL: nothing more */
	bool (*zone)(struct run *run, const struct provider_value *value, struct err *err);
	bool (*add)(struct run *run, const struct provider_value *value, struct err *err);
	bool (*remove)(struct run *run, const struct provider_value *value, struct err *err);
	bool (*present)(struct run *run, const struct provider_value *value, bool *ret, struct err *err);
};

/* NULL when there is none of this id. */
const struct native *native_find(const char *id);

/* A credential or the connection's base URL; "" when it was not given and has no default. */
const char *native_text(const struct run *run, const char *name);
/* The connection's own zone, or the parent of the owner where only a name is needed. ERR_INPUT for one outside of it. */
MUST_CHECK bool native_zone_configured(struct run *run, const struct provider_value *value, struct err *err);

/* One exchange with the recipe's base and authentication; the answer's meaning is ok, or an error says why not. */
MUST_CHECK bool native_post(struct run *run, const char *path, json_t *body, enum recipe_reads reads, bool auth, struct answer *ret,
                            struct err *err);
/* Without a signature: does this server answer with the value at the owner? False when it cannot be found out. */
MUST_CHECK bool native_served(struct run *run, const char *server, const struct provider_value *value, bool *ret, struct err *err);

extern const struct native native_acme_dns, native_exec, native_manual, native_rfc2136;

#endif
