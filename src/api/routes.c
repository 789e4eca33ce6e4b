/*
 * api/routes.c: every path this server answers, who may ask, and who answers. The dispatcher, the OpenAPI page and
 * the test that calls each route without a token all read this table.
 */
#include "api/call.h"

#define SMALL KIB /* "{}" or nothing */
#define BODY(name) .fields = name, .fields_count = &name##_count

const struct route routes[] = {
	/* method    path                                       needs         body      handler */
	{ "GET",    "/healthz",                               PERM_PUBLIC, 0,        health_get,
	  .status = 200, .summary = "Is the server there?" },
	{ "GET",    "/v1/version",                            PERM_READ,   0,        version_get,
	  .status = 200, .summary = "The version of the server" },
	{ "GET",    "/v1/openapi.json",                       PERM_READ,   0,        openapi_get,
	  .status = 200, .summary = "This page" },

	{ "POST",   "/v1/projects",                           PERM_ROOT,   4 * KIB,  project_create,
	  .status = 201, .summary = "Make a project", BODY(project_fields) },
	{ "GET",    "/v1/projects",                           PERM_READ,   0,        project_list_get,
	  .status = 200, .summary = "The projects the caller may see" },

	{ "POST",   "/v1/authorities",                        PERM_ADMIN,  128 * KIB, authority_create, .slow = true,
	  .status = 201, .summary = "Add a certificate authority", BODY(authority_fields) },
	{ "GET",    "/v1/authorities",                        PERM_READ,   0,        authority_list_get,
	  .status = 200, .summary = "The authorities of the project" },
	{ "GET",    "/v1/authorities/{x}",                    PERM_READ,   0,        authority_get,
	  .status = 200, .summary = "One authority, by id or name" },
	{ "PUT",    "/v1/authorities/{x}/default",            PERM_ADMIN,  SMALL,    authority_default_put,
	  .status = 200, .summary = "Make it the default of the project" },
	{ "GET",    "/v1/authorities/{x}/limits",             PERM_READ,   0,        limits_get,
	  .status = 200, .summary = "The limits of its CA, what is left of them, and its staging directory" },
	{ "PATCH",  "/v1/authorities/{x}/limits",             PERM_ADMIN,  4 * KIB,  limits_patch,
	  .status = 200, .summary = "Set limits, staging directory and rehearsals", BODY(limits_fields) },
	{ "DELETE", "/v1/authorities/{x}",                    PERM_ADMIN,  0,        authority_delete,
	  .status = 204, .summary = "Remove an authority" },

	{ "POST",   "/v1/delegations",                        PERM_WRITE,  4 * KIB,  delegation_create, .slow = true,
	  .status = 201, .summary = "Add a delegation", BODY(delegation_fields) },
	{ "GET",    "/v1/delegations",                        PERM_READ,   0,        delegation_list_get,
	  .status = 200, .summary = "The delegations of the project" },
	{ "GET",    "/v1/delegations/{x}",                    PERM_READ,   0,        delegation_get,
	  .status = 200, .summary = "One delegation, by id or name" },
	{ "POST",   "/v1/delegations/{x}/check",              PERM_WRITE,  SMALL,    delegation_check, .slow = true,
	  .status = 200, .summary = "Look at DNS now" },
	{ "DELETE", "/v1/delegations/{x}",                    PERM_WRITE,  0,        delegation_delete,
	  .status = 204, .summary = "Remove a delegation" },

	{ "POST",   "/v1/certificates",                       PERM_WRITE,  64 * KIB, certificate_create, .slow = true,
	  .status = 202, .summary = "Order a certificate", BODY(certificate_fields) },
	{ "GET",    "/v1/certificates",                       PERM_READ,   0,        certificate_list_get,
	  .status = 200, .summary = "The certificates of the project", .query = "after limit" },
	{ "GET",    "/v1/certificates/{x}",                   PERM_READ,   0,        certificate_get,
	  .status = 200, .summary = "One certificate, by id or first name" },
	{ "POST",   "/v1/certificates/{x}/renew",             PERM_WRITE,  SMALL,    certificate_renew, .slow = true,
	  .status = 202, .summary = "Renew it now" },
	{ "POST",   "/v1/certificates/{x}/rehearse",          PERM_WRITE,  SMALL,    certificate_rehearse, .slow = true,
	  .status = 202, .summary = "Rehearse its renewal at the staging directory; what comes back is discarded" },
	{ "PATCH",  "/v1/certificates/{x}",                   PERM_WRITE,  4 * KIB,  certificate_patch,
	  .status = 200, .summary = "Change its renewal: off, on, paused, when", BODY(policy_fields) },
	{ "GET",    "/v1/certificates/{x}/download",          PERM_READ,   0,        certificate_download,
	  .status = 200, .summary = "PEM; parts with the key need an operator", .query = "part version" },

	{ "GET",    "/v1/orders",                             PERM_READ,   0,        order_list_get,
	  .status = 200, .summary = "Orders, newest first", .query = "certificate limit" },
	{ "GET",    "/v1/orders/{id}",                        PERM_READ,   0,        order_get,
	  .status = 200, .summary = "One order with its timeline; `wait` follows it", .query = "wait seen" },

	{ "POST",   "/v1/orders/{id}/cancel",                 PERM_WRITE,  SMALL,    order_cancel,
	  .status = 200, .summary = "End a running order" },
	{ "POST",   "/v1/deployments",                        PERM_ADMIN,  64 * KIB, deployment_create,
	  .status = 201, .summary = "Add a place that certificates are delivered to; files and hook need an administrator of all projects",
	  BODY(deployment_fields) },
	{ "GET",    "/v1/deployments",                        PERM_READ,   0,        deployment_list_get,
	  .status = 200, .summary = "The deployments of the project", .query = "certificate" },
	{ "GET",    "/v1/deployments/{x}",                    PERM_READ,   0,        deployment_get,
	  .status = 200, .summary = "One deployment with its newest deliveries", .query = "limit" },
	{ "POST",   "/v1/deployments/{x}/run",                PERM_WRITE,  4 * KIB,  deployment_run_post,
	  .status = 202, .summary = "Deliver now", BODY(deployment_run_fields) },
	{ "DELETE", "/v1/deployments/{x}",                    PERM_ADMIN,  0,        deployment_delete,
	  .status = 204, .summary = "Remove a deployment; what was delivered stays" },
	{ "GET",    "/v1/deliveries/{id}",                    PERM_READ,   0,        delivery_get,
	  .status = 200, .summary = "One delivery; `wait` waits for its end", .query = "wait" },

	{ "POST",   "/v1/tokens",                             PERM_ADMIN,  4 * KIB,  token_create,
	  .status = 201, .summary = "Make a token", BODY(token_fields) },
	{ "GET",    "/v1/tokens",                             PERM_ADMIN,  0,        token_list_get,
	  .status = 200, .summary = "The tokens of the project" },
	{ "DELETE", "/v1/tokens/{x}",                         PERM_ADMIN,  0,        token_delete,
	  .status = 204, .summary = "Revoke a token" },

	{ "GET",    "/v1/doctor",                             PERM_WRITE,  0,        doctor_get, .slow = true,
	  .status = 200, .summary = "Preflight of names", .query = "name" },

	{ "GET",    "/v1/drill",                              PERM_WRITE,  0,        drill_get, .slow = true,
	  .status = 200, .summary = "Would the renewals pass tonight?", .query = "after certificate" },

	/* CertMate. `create` and `jobs` come before the domain, as they do there. */
	{ "POST",   "/api/certificates/create",               PERM_WRITE,  64 * KIB, certmate_create, .slow = true,
	  .status = 201, .summary = "CertMate: issue", .query = "async" },
	{ "GET",    "/api/certificates/jobs",                 PERM_WRITE,  0,        certmate_jobs,
	  .status = 200, .summary = "CertMate: jobs that run" },
	{ "GET",    "/api/certificates/jobs/{job_id}",        PERM_WRITE,  0,        certmate_job,
	  .status = 200, .summary = "CertMate: one job" },
	{ "GET",    "/api/certificates",                      PERM_READ,   0,        certmate_list,
	  .status = 200, .summary = "CertMate: all certificates" },
	{ "GET",    "/api/certificates/{domain}",             PERM_READ,   0,        certmate_get,
	  .status = 200, .summary = "CertMate: one certificate" },
	{ "POST",   "/api/certificates/{domain}/renew",       PERM_WRITE,  4 * KIB,  certmate_renew, .slow = true,
	  .status = 200, .summary = "CertMate: renew", .query = "async" },
	{ "PUT",    "/api/certificates/{domain}/auto-renew",  PERM_WRITE,  4 * KIB,  certmate_auto_renew,
	  .status = 200, .summary = "CertMate: automatic renewal on or off" },
	{ "POST",   "/api/certificates/{domain}/deploy",      PERM_ADMIN,  4 * KIB,  certmate_deploy,
	  .status = 200, .summary = "CertMate: run all deployments of a certificate now" },
	{ "GET",    "/api/certificates/{domain}/download",    PERM_READ,   0,        certmate_download,
	  .status = 200, .summary = "CertMate: files", .query = "file format key_format include_private" },
	{ "GET",    "/api/certificates/{domain}/download/{part}", PERM_READ, 0,      certmate_download_part,
	  .status = 200, .summary = "CertMate: one file", .query = "key_format" },
};
const size_t routes_count = ARRAY_LEN(routes);
