/*
 * deploy/target.h: the kinds of targets and what each can be told, as tables; settings are read here once, for the api
 * that takes them and for the role that acts on them.
 *
 * Kinds    "files": a versioned directory on this machine, and a hook after the switch if wanted. "hook": an executable
 *          of the hooks directory. "webhook": a signed JSON message without keys.
 * Bounds   timeout_s 1..600 (120), keep 1..100 (3), probe_wait_s 1..600 (30).
 * Memory   results live in the arena.
 */
#ifndef REEVE_DEPLOY_TARGET_H
#define REEVE_DEPLOY_TARGET_H

#include "json/json.h"
#include "net/address.h"
#include "net/starttls.h"

#define DEPLOY_CIDRS_MAX 16

enum deploy_kind { DEPLOY_FILES, DEPLOY_HOOK, DEPLOY_WEBHOOK, DEPLOY__COUNT };

struct deploy_settings {
	/* files */
	const char *directory; /* absolute */
	const char *owner, *group; /* names or numbers; "": the hook role's own */
	const char *key_mode;  /* octal text */
	unsigned    key_mode_bits;
	bool        pkcs12;
	const char *pkcs12_password; /* "" : none. It stands beside the key itself and protects nothing: Java wants one */
	bool        pkcs1;
	int64_t     keep;      /* numbered directories that stay */
	/* files (after the switch), hook */
	const char *hook;      /* an id: a file name in the hooks directory; "" for none */
	int64_t     timeout_s;
	/* webhook */
	const char *url, *ca_pem;
	/* all */
	const char         *probe;      /* "host:port" of a TLS server, "smtp://host:port" of one that speaks STARTTLS; "" for none */
	const char         *probe_name; /* asked for by SNI; "": the certificate's first name */
	int64_t             probe_wait_s;
	struct json_strings allow_addresses; /* of url and probe: as an authority's */
	struct cidr         cidrs[DEPLOY_CIDRS_MAX];
	size_t              cidrs_count;
};

const char     *deploy_kind_name(enum deploy_kind kind); /* stored */
MUST_CHECK bool deploy_kind_find(const char *name, enum deploy_kind *ret, struct err *err);

/* ERR_INPUT names the member. Unknown members, and members of another kind, are refused. */
MUST_CHECK bool deploy_settings_bind(struct arena *a, enum deploy_kind kind, const json_t *object, struct deploy_settings *ret,
                                     struct err *err);
MUST_CHECK bool deploy_settings_parse(struct arena *a, enum deploy_kind kind, const char *json, struct deploy_settings *ret,
                                      struct err *err);

/* A file name without a path: 1..64 of [A-Za-z0-9._-], not beginning with a dot. */
bool deploy_hook_id_valid(const char *id);
/* The directory a certificate has in a target of the whole project: its first name, "*" written as "_". */
const char *deploy_directory_name(struct arena *a, const char *certificate_name);
/* "host:port" or "[v6]:port". */
MUST_CHECK bool deploy_probe_split(struct arena *a, const char *text, enum starttls *ret_starttls, const char **ret_host,
                                   const char **ret_port, struct err *err);

#endif
