/* store/certificate.h: managed certificates, their routes and numbered versions. */
#ifndef REEVE_STORE_CERTIFICATE_H
#define REEVE_STORE_CERTIFICATE_H

#include "store/db.h"

struct certificate {
	const char *id, *project_id, *name, *names /* space separated */, *authority_id, *key_type, *facade;
	int64_t     version, created_at, row_version;
	/* the policy of renewal */
	bool        auto_renew;
	int64_t     paused_at;    /* 0: not paused */
	const char *renew_before; /* as workflow/renewal_plan.h reads it; "": Reeve's own rule */
	/* whose keys, and who else may issue */
	const char *key_policy;     /* new, reuse */
	const char *csr_spki;       /* a user's request is kept (certificate_csr): its public key; "": Reeve makes the keys */
	const char *fallback_id;    /* the second authority; "": none */
	const char *fallback_after; /* as workflow/failover.h reads it; "": Reeve's own rule */
	/* what its orders ask for; "" and 0: what the authority says */
	const char *profile, *chain;
	int64_t     valid_s;
};
MUST_CHECK bool certificate_insert(struct db *db, const struct certificate *c, struct err *err);
MUST_CHECK bool certificate_find(struct db *db, struct arena *a, const char *id, struct certificate *ret, struct err *err);
/* Rehearsals (store/failure.h) are found by certificate_find() alone.
 * By id or first name within a project; of several with one name the newest. project_id "" with an id: any project. */
MUST_CHECK bool certificate_find_named(struct db *db, struct arena *a, const char *project_id, const char *id_or_name, struct certificate *ret, struct err *err);
/* At most `limit` with id > after ("" from the start), by id. */
MUST_CHECK bool certificate_list(struct db *db, struct arena *a, const char *project_id, const char *after, size_t limit,
                                 struct certificate **ret, size_t *ret_count, struct err *err);
/* What an edit changes: names, authorities, key type and policy, csr_spki, façade members. */
MUST_CHECK bool certificate_update(struct db *db, const struct certificate *c, struct err *err);
/* The user's request, DER; empty when there is none. Setting an empty one removes it. */
MUST_CHECK bool certificate_csr(struct db *db, struct arena *a, const char *id, struct str *ret, struct err *err);
MUST_CHECK bool certificate_set_csr(struct db *db, const char *id, struct str csr, struct err *err);
/* auto_renew, paused_at and renew_before. */
MUST_CHECK bool certificate_set_policy(struct db *db, const struct certificate *c, struct err *err);

struct certificate_route {
	const char *name, *delegation_id;
};
MUST_CHECK bool certificate_route_set(struct db *db, const char *certificate_id, const char *name, const char *delegation_id, struct err *err);
MUST_CHECK bool certificate_route_list(struct db *db, struct arena *a, const char *certificate_id, struct certificate_route **ret, size_t *ret_count, struct err *err);

/* Its routes but these names go. */
MUST_CHECK bool certificate_route_keep(struct db *db, const char *certificate_id, const char *const *names, size_t count, struct err *err);

struct version {
	const char *id, *project_id, *certificate_id, *key_type, *spki_sha256, *chain_pem, *serial;
	const char *authority_id, *names; /* as ordered: what an edit of the certificate does not change */
	const char *ari_id; /* RFC 9773 4.1; "" when the CA cannot be asked about it */
	struct str  key_blob; /* empty: the key is the user's, and was never here */
	int64_t     number, not_before_at, not_after_at, issued_at, created_at, row_version;
	int64_t     key_compromised_at; /* 0: nobody said so */
	int64_t     revoked_at, revoked_reason; /* 0: not revoked; CRLReason */
};
/* The number becomes the next of the certificate; row_version as given (it is bound into the sealed key). */
MUST_CHECK bool version_insert(struct db *db, const struct version *v, struct err *err);
MUST_CHECK bool version_find(struct db *db, struct arena *a, const char *id, struct version *ret, struct err *err);
/* number 0: the one served. ERR_NOT_FOUND before the first. */
MUST_CHECK bool version_find_number(struct db *db, struct arena *a, const char *certificate_id, int64_t number, struct version *ret, struct err *err);
/* ERR_NOT_FOUND when there is none. Stays as it was first. */
MUST_CHECK bool version_set_revoked(struct db *db, const char *id, int64_t reason, int64_t now, struct err *err);
/* The chain as downloaded, not yet trusted. Does not change row_version (the key stays bound to it). */
MUST_CHECK bool version_set_chain(struct db *db, const char *id, const char *chain_pem, struct err *err);
/* Verified: facts in, issued_at set, and certificates.version moved to this number, as one unit. */
MUST_CHECK bool version_store(struct db *db, const char *id, const char *serial, const char *ari_id, int64_t not_before_at, int64_t not_after_at,
                              int64_t now, struct err *err);

/* Somebody else may have this key of the certificate: from now on it is found compromised, whoever asks to use it. */
MUST_CHECK bool version_key_compromise(struct db *db, const char *certificate_id, const char *spki_sha256, int64_t now, struct err *err);
MUST_CHECK bool version_key_compromised(struct db *db, const char *spki_sha256, bool *ret, struct err *err);

#endif
