/*
 * deploy/webhook.h: telling somebody's server that there is a new certificate. JSON, signed, without any key.
 *
 * Signature  X-Reeve-Signature: t=<unix>,v1=<hex of HMAC-SHA256(secret, "<t>." + body)>, and the same as
 *            X-CertMate-Signature for receivers that know that one. The keeper computes it.
 * Success    a status of 200..299. 408, 425, 429 and 5xx are worth another try; the others say that the request is wrong.
 */
#ifndef REEVE_DEPLOY_WEBHOOK_H
#define REEVE_DEPLOY_WEBHOOK_H

#include "crypto/record.h"
#include "crypto/x509.h"
#include "deploy/target.h"
#include "net/client.h"
#include "store/deployment.h"

struct webhook_message {
	const struct delivery   *delivery;
	const struct deployment *deployment;
	const char              *certificate_name, *names; /* space separated */
	const struct cert_info  *leaf;
};

const char *webhook_body(struct arena *a, const struct webhook_message *m, int64_t now_ms);

struct ipc_peer;

/* A signed POST to somebody's server. */
struct webhook_post {
	const char        *url, *ca_pem;
	const struct cidr *allowed;
	size_t             allowed_count;
	int64_t            timeout_s;
	const char        *id_header, *id; /* the same for each try: receivers drop what they had */
	struct record_id   secret_id;
	struct str         secret;         /* sealed; empty: not signed */
	struct str         body;
};
/* *ret_status is 200..299. */
MUST_CHECK bool webhook_post(struct http_client *http, struct ipc_peer *keeper, struct arena *a, const struct webhook_post *post,
                             int *ret_status, struct err *err);

MUST_CHECK bool webhook_send(struct http_client *http, struct ipc_peer *keeper, struct arena *a, const struct deploy_settings *s,
                             const struct webhook_message *m, struct err *err);

#endif
