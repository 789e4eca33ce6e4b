/*
 * provider/acme_dns.c: an account of an acme-dns server. It can write at one name, its full domain, and the server keeps the
 * two newest values there; nothing is ever removed. The same value sent twice would take both places, so the server's own
 * name server is asked before anything is sent.
 */
#include "net/url.h"
#include "provider/native.h"

#define HOLDS     2u
#define VALUE_LEN 43u

/* ---- whose name it is ---- */

static bool check(const struct run *run, struct err *err)
{
	const char *username = native_text(run, "username"), *password = native_text(run, "password");
	const char *subdomain = native_text(run, "subdomain"), *full = native_text(run, "fulldomain");
	size_t      len = strlen(subdomain);

	if (username[0] == '\0' && password[0] == '\0' && subdomain[0] == '\0' && full[0] == '\0')
		return true; /* to be registered */
	if (username[0] == '\0' || password[0] == '\0' || subdomain[0] == '\0') {
		err_problem(err, ERR_INPUT, "invalid-request", "an account of acme-dns is username, password and subdomain together");
		return err_hint(err, "give all three, and fulldomain; or none of them, and an account is registered");
	}
	if (full[0] != '\0' && (strncasecmp(full, subdomain, len) != 0 || full[len] != '.'))
		return err_problem(err, ERR_INPUT, "invalid-request", "fulldomain %.253s does not begin with the subdomain %.64s", full, subdomain);
	return true;
}

/* Without the full domain the first label tells: it is a UUID. */
static bool ours(const struct run *run, const char *owner)
{
	const char *full = native_text(run, "fulldomain"), *subdomain = native_text(run, "subdomain");
	size_t      len = strlen(subdomain);

	if (full[0] != '\0')
		return run_same_name(owner, full);
	return len > 0 && strncasecmp(owner, subdomain, len) == 0 && owner[len] == '.';
}

static bool must_be_ours(const struct run *run, const char *owner, struct err *err)
{
	const char *full = native_text(run, "fulldomain"), *subdomain = native_text(run, "subdomain");

	if (ours(run, owner))
		return true;
	if (subdomain[0] == '\0')
		return err_problem(err, ERR_CONFIG, "provider-credential", "the connection has no account at the acme-dns server yet");
	err_problem(err, ERR_CONFIG, "zone-not-found", "the account can write at %s%s only, not at %s", full[0] != '\0' ? full : subdomain,
	            full[0] != '\0' ? "" : ".…", owner);
	return err_hint(err, "an acme-dns account serves one name: the CNAME must lead to it; add a connection for each further name");
}

/* ---- what the server has ---- */

static bool healthy(struct run *run, struct err *err)
{
	struct answer answer;

	return native_post(run, "/health", NULL, READS_TEXT, false, &answer, err);
}

/* Its name server is the host of the interface unless the connection says otherwise. */
static bool served(struct run *run, const struct provider_value *value, bool *ret, struct err *err)
{
	const char *server = native_text(run, "name_server");
	const char *base = run->account->base_url != NULL && run->account->base_url[0] != '\0' ? run->account->base_url
	                                                                                       : native_text(run, "api_url");
	struct url  url;

	if (server[0] == '\0') {
		if (!url_parse(str_c(base), &url, err))
			return false;
		server = arena_printf(run->arena, url.ip6 ? "[%s]" : "%s", url.host);
	}
	return native_served(run, server, value, ret, err);
}

static bool zone(struct run *run, const struct provider_value *value, struct err *err)
{
	if (!healthy(run, err) || !must_be_ours(run, value->owner, err))
		return false;
	vars_set(&run->vars, "zone", str_c(value->owner));
	return true;
}

/* Where the name server cannot be asked, what the interface confirmed counts. */
static bool present(struct run *run, const struct provider_value *value, bool *ret, struct err *err)
{
	*ret = false;
	if (!ours(run, value->owner))
		return healthy(run, err);
	if (!served(run, value, ret, NULL))
		*ret = true;
	return true;
}

/* ---- changes ---- */

static bool add(struct run *run, const struct provider_value *value, struct err *err)
{
	struct answer answer;
	const char   *confirmed;
	json_t       *body;
	bool          there = false;

	if (!must_be_ours(run, value->owner, err))
		return false;
	if (strlen(value->value) != VALUE_LEN)
		return err_problem(err, ERR_INPUT, "invalid-request", "acme-dns takes values of %u characters, as CAs ask for them", VALUE_LEN);
	if (served(run, value, &there, NULL) && there)
		return true;
	body = json_object();
	json_put_str(body, "subdomain", "{subdomain}");
	json_put_str(body, "txt", "{value}");
	if (!native_post(run, "/update", body, READS_JSON, true, &answer, err))
		return run->doubt && served(run, value, &there, NULL) && there;
	confirmed = answer.json != NULL ? json_str(answer.json, "txt") : NULL;
	return (confirmed != NULL && strcmp(confirmed, value->value) == 0) ||
	       err_problem(err, ERR_PERMANENT, "provider-refused", "%s did not confirm the value", answer.place);
}

/* There is no removal: the next values push this one out. */
static bool remove_value(struct run *run, const struct provider_value *value, struct err *err)
{
	(void)run;
	(void)value;
	(void)err;
	return true;
}

static bool enroll(struct run *run, struct err *err)
{
	static const char *const members[] = { "username", "password", "subdomain", "fulldomain" };
	struct answer            answer;
	char                     full[NAME_SIZE];

	if (native_text(run, "username")[0] != '\0') {
		/* One that was registered elsewhere writes at its own name too. */
		if (native_text(run, "fulldomain")[0] != '\0' && owner_parse(str_c(native_text(run, "fulldomain")), full, err))
			vars_set(&run->vars, "zone", str_c(full));
		return err == NULL || err->class == ERR_NONE;
	}
	if (!native_post(run, "/register", json_object(), READS_JSON, false, &answer, err))
		return err_in(err, "registration");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *text = answer.json != NULL ? json_str(answer.json, members[i]) : NULL;

		if (text == NULL || text[0] == '\0' || strlen(text) > 253)
			return err_problem(err, ERR_PERMANENT, "provider-refused", "%s registered an account without %s", answer.place, members[i]);
		vars_set(&run->vars, members[i], str_c(text))->secret = strcmp(members[i], "password") == 0;
	}
	if (!owner_parse(vars_text(&run->vars, "fulldomain"), full, err) || !check(run, err))
		return err_in(err, "registration");
	vars_set(&run->vars, "zone", str_c(full));
	return true;
}

const struct native native_acme_dns = { .id = "acme-dns", .holds = HOLDS, .enroll = enroll, .check = check, .zone = zone,
	                                .add = add, .remove = remove_value, .present = present };
