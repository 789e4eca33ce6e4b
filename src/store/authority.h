/* store/authority.h: upstream ACME CAs and our accounts there. */
#ifndef REEVE_STORE_AUTHORITY_H
#define REEVE_STORE_AUTHORITY_H

#include "store/db.h"

struct authority {
	const char *id, *project_id, *name, *directory_url, *email, *eab_kid, *ca_pem, *allow_addresses,
		*connection_id, *zone; /* where challenges go by default; zone "ZONE", "ZONE/ID" or "/ID" */
	struct str  eab_hmac; /* sealed; NULL without EAB */
	bool        is_default;
	/* wishes, not under the MAC: preset of acme/preset.h ("": by the URL), profile, preferred chain */
	const char *preset, *profile, *chain;
	int64_t     created_at, removed_at, row_version;
	struct str  mac;
};

/* The columns the row MAC covers, canonically: length-prefixed, in table order, without is_default, mac, row_version, removed_at. */
struct str authority_canonical(struct arena *a, const struct authority *x);

/* The first authority of a project becomes its default. "already-exists" for a taken name. */
MUST_CHECK bool authority_insert(struct db *db, const struct authority *x, struct err *err);
MUST_CHECK bool authority_find(struct db *db, struct arena *a, const char *id, struct authority *ret, struct err *err); /* removed too */
/* Live, by id or name within the project. */
MUST_CHECK bool authority_find_named(struct db *db, struct arena *a, const char *project_id, const char *id_or_name, struct authority *ret, struct err *err);
MUST_CHECK bool authority_find_default(struct db *db, struct arena *a, const char *project_id, struct authority *ret, struct err *err);
MUST_CHECK bool authority_list(struct db *db, struct arena *a, const char *project_id, struct authority **ret, size_t *ret_count, struct err *err);
/* The contact of the account and the MAC that goes with it. */
MUST_CHECK bool authority_set_email(struct db *db, const char *id, const char *email, struct str mac, struct err *err);
/* Profile and chain for certificates that name none. */
MUST_CHECK bool authority_set_wishes(struct db *db, const char *id, const char *profile, const char *chain, struct err *err);
MUST_CHECK bool authority_set_default(struct db *db, const char *project_id, const char *id, struct err *err);
/* ERR_CONFLICT naming the order while an order of it is running. */
MUST_CHECK bool authority_unused(struct db *db, const char *id, struct err *err);
/* How many running orders are known to the CA by now: each signs with the account's key. */
MUST_CHECK bool authority_orders_open(struct db *db, const char *id, int64_t *ret, struct err *err);
/* Marks it removed; ERR_CONFLICT naming the order while an order of it is running. */
MUST_CHECK bool authority_remove(struct db *db, const char *id, int64_t now, struct err *err);

struct account {
	const char *id, *project_id, *authority_id, *status /* key, sent, valid, refused, deactivated */, *url, *jwk, *thumbprint, *hosts, *problem;
	struct str  key_blob;
	int64_t     row_version, created_at;
};
MUST_CHECK bool account_insert(struct db *db, const struct account *x, struct err *err);
/* ERR_NOT_FOUND when there is none yet. */
MUST_CHECK bool account_find(struct db *db, struct arena *a, const char *project_id, const char *authority_id, struct account *ret, struct err *err);
MUST_CHECK bool account_find_id(struct db *db, struct arena *a, const char *id, struct account *ret, struct err *err);
/* The key of a rollover takes the place of the old one; `row_version` is what it was sealed for. */
MUST_CHECK bool account_set_key(struct db *db, const char *id, struct str key_blob, const char *jwk, const char *thumbprint,
                                int64_t row_version, struct err *err);
MUST_CHECK bool account_set_status(struct db *db, const char *id, const char *status, const char *url, const char *problem, struct err *err);

#endif
