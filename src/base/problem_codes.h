/*
 * base/problem_codes.h: every stable problem code, once. DESIGN section 15.
 *
 * Columns  code, HTTP status, CLI exit code, title. The type of a problem document (RFC 9457) is
 *          "urn:reeve:problem:<code>". Codes are part of the interface: added, never renamed.
 */
#ifndef REEVE_BASE_PROBLEM_CODES_H
#define REEVE_BASE_PROBLEM_CODES_H

#include "base/err.h"

#define PROBLEM_CODES(X)                                                                           \
	X("invalid-request", 400, 3, "The request is not valid")                                   \
	X("unknown-member", 400, 3, "The request has a member this interface does not know")       \
	X("invalid-name", 400, 3, "Not a valid domain name")                                       \
	X("invalid-json", 400, 3, "The body is not valid JSON")                                    \
	X("challenge-type-unsupported", 400, 3, "Reeve validates by DNS only")                     \
	X("unauthenticated", 401, 3, "No valid credentials")                                       \
	X("forbidden", 403, 3, "Not permitted")                                                    \
	X("not-found", 404, 3, "There is no such object")                                          \
	X("method-not-allowed", 405, 3, "The path exists, the method does not")                    \
	X("already-exists", 409, 3, "An object with this name exists")                             \
	X("conflict", 409, 3, "The object changed or is in use")                                   \
	X("ambiguous-connection", 409, 3, "More than one connection fits")                         \
	X("target-owned", 409, 3, "The target belongs to another project")                         \
	X("order-running", 409, 3, "An order for this certificate is already running")             \
	X("name-paused", 409, 5, "The certificate authority has paused a name")                    \
	X("paused", 409, 3, "The certificate is paused")                                           \
	X("no-key", 409, 3, "Reeve does not have the key")                                         \
	X("too-large", 413, 3, "The body is too large")                                            \
	X("unsupported-media-type", 415, 3, "The body must be JSON")                               \
	X("delegation-missing", 422, 5, "The delegation record is missing")                        \
	X("delegation-different", 422, 5, "The delegation points elsewhere")                       \
	X("delegation-unknown", 422, 5, "DNS did not answer")                                      \
	X("caa-forbids", 422, 3, "CAA records forbid this certificate")                            \
	X("no-connection", 422, 3, "No connection can write there")                                \
	X("no-route", 422, 3, "Reeve has no place to write the challenge")                         \
	X("no-authority", 422, 3, "No certificate authority is configured")                        \
	X("address-refused", 422, 3, "The address is not permitted")                               \
	X("ca-refused", 422, 1, "The certificate authority refused")                               \
	X("no-staging", 422, 3, "The authority has no staging directory")                          \
	X("rehearsal-failed", 422, 1, "The rehearsal at the staging directory failed")             \
	X("order-failed", 422, 1, "The order ended without a certificate")                         \
	X("configuration", 422, 3, "Configuration or DNS must change first")                       \
	X("refused", 422, 1, "The other side refused")                                             \
	X("not-seen", 422, 1, "The endpoint does not serve what was delivered")                    \
	X("provider-credential", 422, 3, "The DNS provider refuses the credential")                \
	X("provider-denied", 422, 3, "The credential lacks a permission")                          \
	X("zone-not-found", 422, 3, "The account has no such zone")                                \
	X("provider-refused", 422, 1, "The DNS provider refused")                                  \
	X("invalid-recipe", 422, 3, "The recipe of the provider has an error")                     \
	X("provider-unavailable", 502, 5, "The DNS provider did not answer")                       \
	X("limit-reached", 429, 5, "A limit of the certificate authority is used up")              \
	X("too-many-requests", 429, 5, "Too many requests")                                        \
	X("internal", 500, 1, "Internal error")                                                    \
	X("tampered", 500, 1, "A stored record fails its integrity check")                         \
	X("ca-unreachable", 502, 5, "The certificate authority did not answer")                    \
	X("ca-nonsense", 502, 1, "The certificate authority answered nonsense")                    \
	X("unavailable", 503, 5, "A part of Reeve is not available just now")                      \
	X("sealed", 503, 5, "The keeper is sealed")                                                \
	X("storage", 503, 1, "The database cannot be written")                                     \
	X("timeout", 504, 5, "It took too long")

struct problem_code {
	const char *code;
	int         http_status;
	int         exit_code;
	const char *title;
};

/* The row for a code; for an unknown or empty code the row that fits the class (never NULL). */
const struct problem_code *problem_code_find(const char *code, enum err_class class);

#endif
