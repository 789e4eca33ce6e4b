/*
 * notify/target.h: the kinds of notifiers and what each can be told; settings are read here once, for the api that takes
 * them and for the worker that acts on them.
 *
 * Kinds    "webhook": signed JSON over https. "smtp": mail.
 * Bounds   timeout_s 1..120 (30); port 1..65535 (587 with STARTTLS, 465 with TLS, 25 without).
 * Memory   results live in the arena.
 */
#ifndef REEVE_NOTIFY_TARGET_H
#define REEVE_NOTIFY_TARGET_H

#include "json/json.h"
#include "net/address.h"
#include "net/smtp.h"

#define NOTIFY_CIDRS_MAX 16

enum notify_target { NOTIFY_WEBHOOK, NOTIFY_SMTP, NOTIFY_TARGET__COUNT };

struct notify_settings {
	/* webhook */
	const char *url;
	/* smtp */
	const char         *host;
	int64_t             port;
	const char         *security; /* "starttls" (default), "tls", "none" */
	enum smtp_security  security_is;
	const char         *username; /* "" : no password either */
	const char         *from;     /* by default the username, when that is an address */
	struct json_strings to;       /* none: the account e-mail of the event's authority */
	/* both */
	const char         *ca_pem;
	int64_t             timeout_s;
	struct json_strings allow_addresses;
	struct cidr         cidrs[NOTIFY_CIDRS_MAX];
	size_t              cidrs_count;
};

MUST_CHECK bool notify_target_find(const char *name, enum notify_target *ret, struct err *err);
/* ERR_INPUT names the member. Unknown members, and members of another kind, are refused. */
MUST_CHECK bool notify_settings_bind(struct arena *a, enum notify_target kind, const json_t *object, struct notify_settings *ret,
                                     struct err *err);
MUST_CHECK bool notify_settings_parse(struct arena *a, enum notify_target kind, const char *json, struct notify_settings *ret,
                                      struct err *err);

#endif
