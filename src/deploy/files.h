/*
 * deploy/files.h: one certificate in a versioned directory, replaced by one atomic switch.
 *
 *   <directory>/.reeve          whose directory this is: another certificate is refused
 *   <directory>/<n>/            version n: cert.pem chain.pem fullchain.pem privkey.pem combined.pem, bundle.p12 if wanted
 *   <directory>/current -> <n>  what services read; renamed over, so a reader finds the old or the new, never a mixture
 *
 * Order    everything is written into a directory of another name, synced, read back and compared with the certificate
 *          before `current` changes; then the link is replaced and synced. A second run of the same version finds the
 *          first one's traces and ends in the same place.
 * Paths    no component may be a symbolic link; the last one is made when its parent is there.
 * Errors   ERR_CONFIG for what a person must change (a link, a file in the way, no permission, a read-only or full file
 *          system); ERR_TEMPORARY for the rest. After any error `current` is what it was (but for an I/O error of the
 *          very last sync, which the next run repeats).
 */
#ifndef REEVE_DEPLOY_FILES_H
#define REEVE_DEPLOY_FILES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define FILES_CURRENT "current"

struct files_bundle {
	struct str cert, chain, fullchain, key; /* PEM; key is PKCS#8, "" leaves out privkey.pem and combined.pem */
	struct str pkcs12;                      /* "" for none */
	struct str pkcs1;                       /* "" for none; the key as "RSA PRIVATE KEY" or "EC PRIVATE KEY" */
};

struct files_target {
	const char *directory;
	const char *certificate_id; /* what .reeve says */
	const char *owner, *group;  /* "" for the process's own */
	unsigned    key_mode;
	unsigned    keep;
};

/* Leaf and rest of a chain. */
MUST_CHECK bool files_bundle_make(struct str chain_pem, struct str key_pem, struct str pkcs12, struct files_bundle *ret,
                                  struct err *err);

/* *ret_previous is the number `current` named before, "" for none. A dry run does everything but the switch. */
MUST_CHECK bool files_deliver(struct arena *a, const struct files_target *target, const struct files_bundle *bundle,
                              int64_t number, bool dry_run, const char **ret_previous, struct err *err);
/* Let `current` name `previous` again; "" removes it. */
MUST_CHECK bool files_restore(const struct files_target *target, const char *previous, struct err *err);
/* For programs that read no PKCS#8: sets bundle->pkcs1. For Java, which takes no empty password: bundle->pkcs12 anew. */
MUST_CHECK bool files_bundle_pkcs1(struct arena *a, struct files_bundle *bundle, struct err *err);
MUST_CHECK bool files_bundle_pkcs12(struct arena *a, struct files_bundle *bundle, const char *password, const char *friendly_name,
                                    struct err *err);
/* The same five files (and bundle.p12, privkey-pkcs1.pem) into an open private directory, for a hook to read. */
MUST_CHECK bool files_write_all(int dir, const struct files_target *target, const struct files_bundle *bundle, struct err *err);
/* Does this key belong to this chain? ERR_PERMANENT. An empty one is not looked at: there is no pair to check. */
MUST_CHECK bool files_pair_check(struct arena *a, struct str fullchain, struct str key_pem, struct err *err);
/* Removes a directory of plain files in `dir`; what is not there is fine. */
void files_remove_directory(int dir, const char *name);

#endif
