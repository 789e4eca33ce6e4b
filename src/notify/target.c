/*
 * notify/target.c: the tables of kinds and members. A member says which kinds know it, so a setting that would be ignored
 * is an error instead.
 */
#include "notify/target.h"

#include "net/url.h"

#define SETTINGS_MAX  (48u * KIB)
#define TIMEOUT_S     30
#define TIMEOUT_S_MAX 120
#define TEXT_MAX      255

enum { WEBHOOK = 1 << NOTIFY_WEBHOOK, SMTP = 1 << NOTIFY_SMTP, BOTH = WEBHOOK | SMTP };

static const struct {
	const char *name, *needs; /* a member that must be given */
} targets[NOTIFY_TARGET__COUNT] = {
	[NOTIFY_WEBHOOK] = { "webhook", "url" },
	[NOTIFY_SMTP] = { "smtp", "host" },
};

static const struct {
	const char *name;
	int64_t     port;
} securities[SMTP_SECURITY__COUNT] = {
	[SMTP_STARTTLS] = { "starttls", 587 },
	[SMTP_TLS] = { "tls", 465 },
	[SMTP_PLAIN] = { "none", 25 },
};

static const struct json_field fields[] = {
	{ JSON_FIELD(struct notify_settings, url, STR) },
	{ JSON_FIELD(struct notify_settings, host, STR) },
	{ JSON_FIELD(struct notify_settings, port, INT) },
	{ JSON_FIELD(struct notify_settings, security, STR) },
	{ JSON_FIELD(struct notify_settings, username, STR) },
	{ JSON_FIELD(struct notify_settings, from, STR) },
	{ JSON_FIELD(struct notify_settings, to, STR_ARRAY) },
	{ JSON_FIELD(struct notify_settings, ca_pem, STR) },
	{ JSON_FIELD(struct notify_settings, timeout_s, INT) },
	{ JSON_FIELD(struct notify_settings, allow_addresses, STR_ARRAY) },
};

/* In the order of `fields`: who knows it. */
static const unsigned known_by[] = { WEBHOOK, SMTP, SMTP, SMTP, SMTP, SMTP, SMTP, BOTH, BOTH, BOTH };
_Static_assert(ARRAY_LEN(fields) == ARRAY_LEN(known_by), "a row for each member");

bool notify_target_find(const char *name, enum notify_target *ret, struct err *err)
{
	for (size_t i = 0; i < NOTIFY_TARGET__COUNT; i++)
		if (strcmp(targets[i].name, name) == 0) {
			*ret = (enum notify_target)i;
			return true;
		}
	err_set(err, ERR_INPUT, "there is no kind of notifier \"%s\"", name);
	return err_hint(err, "kind is webhook or smtp");
}

static bool address_check_text(const char *what, const char *address, struct err *err)
{
	if (smtp_address_valid(address))
		return true;
	err_set(err, ERR_INPUT, "%s \"%.80s\" is not a mail address", what, address);
	return err_hint(err, "write it as local@domain in ASCII, without a name; an international domain in its xn-- form");
}

static bool smtp_check(struct notify_settings *s, struct err *err)
{
	size_t at = 0;

	while (at < SMTP_SECURITY__COUNT && strcmp(securities[at].name, s->security) != 0)
		at++;
	if (at == SMTP_SECURITY__COUNT) {
		err_set(err, ERR_INPUT, "security \"%.32s\" is not known", s->security);
		return err_hint(err, "starttls (the default, port 587), tls (port 465) or none");
	}
	s->security_is = (enum smtp_security)at;
	if (s->port == 0)
		s->port = securities[at].port;
	if (s->port < 1 || s->port > 65535)
		return err_set(err, ERR_INPUT, "port must be between 1 and 65535");
	if (!smtp_host_valid(s->host)) {
		err_set(err, ERR_INPUT, "host \"%.80s\" is not the name of a server", s->host);
		return err_hint(err, "\"host\": \"mail.example.org\"; the port is a member of its own");
	}
	if (s->username[0] != '\0' && s->security_is == SMTP_PLAIN) {
		err_set(err, ERR_INPUT, "a password is not sent without encryption");
		return err_hint(err, "security \"starttls\" or \"tls\", or no username");
	}
	if (strlen(s->username) > TEXT_MAX)
		return err_set(err, ERR_INPUT, "username is longer than %d bytes", TEXT_MAX);
	if (s->from[0] == '\0' && smtp_address_valid(s->username))
		s->from = s->username;
	if (s->from[0] == '\0') {
		err_set(err, ERR_INPUT, "settings: the sender is missing");
		return err_hint(err, "\"from\": \"reeve@example.org\"");
	}
	if (!address_check_text("from", s->from, err))
		return false;
	if (s->to.count > SMTP_RECIPIENTS_MAX)
		return err_set(err, ERR_INPUT, "more than %d recipients", SMTP_RECIPIENTS_MAX);
	for (size_t i = 0; i < s->to.count; i++)
		if (!address_check_text("to", s->to.items[i], err))
			return false;
	return true;
}

static bool check(enum notify_target kind, struct notify_settings *s, struct err *err)
{
	struct url url;

	if (s->timeout_s < 1 || s->timeout_s > TIMEOUT_S_MAX)
		return err_set(err, ERR_INPUT, "timeout_s must be between 1 and %d", TIMEOUT_S_MAX);
	if (kind == NOTIFY_WEBHOOK && !url_parse_https(str_c(s->url), &url, err))
		return err_in(err, "url");
	if (kind == NOTIFY_SMTP && !smtp_check(s, err))
		return false;
	if (s->allow_addresses.count > NOTIFY_CIDRS_MAX)
		return err_set(err, ERR_INPUT, "more than %d allow_addresses", NOTIFY_CIDRS_MAX);
	for (size_t i = 0; i < s->allow_addresses.count; i++)
		if (!cidr_parse(str_c(s->allow_addresses.items[i]), &s->cidrs[s->cidrs_count++], err))
			return err_in(err, "allow_addresses");
	return true;
}

bool notify_settings_bind(struct arena *a, enum notify_target kind, const json_t *object, struct notify_settings *ret,
                          struct err *err)
{
	struct notify_settings s = { .url = "", .host = "", .security = "starttls", .username = "", .from = "", .ca_pem = "",
		                     .timeout_s = TIMEOUT_S };
	const char            *needed;

	if (!json_bind(a, object, fields, ARRAY_LEN(fields), true, &s, err))
		return err_in(err, "settings");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if ((known_by[i] & 1u << kind) == 0 && json_object_get(object, fields[i].name) != NULL)
			return err_problem(err, ERR_INPUT, "unknown-member", "settings: a notifier of kind %s knows no \"%s\"", targets[kind].name,
			                   fields[i].name);
	needed = json_str(object, targets[kind].needs);
	if (needed == NULL || needed[0] == '\0')
		return err_set(err, ERR_INPUT, "settings: a notifier of kind %s needs \"%s\"", targets[kind].name, targets[kind].needs);
	if (!check(kind, &s, err))
		return err_in(err, "settings");
	*ret = s;
	return true;
}

bool notify_settings_parse(struct arena *a, enum notify_target kind, const char *json, struct notify_settings *ret, struct err *err)
{
	AUTO(json_freep) json_t *object = NULL;

	/* The strings that json_bind hands out live in the arena, not in the object. */
	return json_read(str_c(json), SETTINGS_MAX, &object, err) && notify_settings_bind(a, kind, object, ret, err);
}
