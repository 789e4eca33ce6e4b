/*
 * provider/rfc2136.c: dynamic updates with TSIG. RFC 2136, 8945. The zone is what the server itself says, asked with the
 * key, so that a wrong key shows before anything is written. A removal names the value: nothing else can go with it.
 */
#include "base/clock.h"
#include "base/encode.h"
#include "base/rand.h"
#include "crypto/secret.h"
#include "dns/exchange.h"
#include "dns/tsig.h"
#include "provider/native.h"

#define TIMEOUT_MS 10000u
#define WALK_MAX   32u

struct update {
	struct run     *run;
	struct tsig_key key; /* name.len 0: none */
	uint8_t         bytes[DNS_EDNS_UDP + TSIG_SECRET_MAX];
	struct dns_writer w;
};

static const char *server(const struct update *u)
{
	return native_text(u->run, "nameserver");
}

/* ---- the key ---- */

static bool key_read(struct update *u, struct err *err)
{
	const char *name = native_text(u->run, "tsig_key"), *secret = native_text(u->run, "tsig_secret");
	const char *algorithm = native_text(u->run, "tsig_algorithm");

	if (name[0] == '\0' && secret[0] == '\0')
		return true;
	if (name[0] == '\0' || secret[0] == '\0')
		return err_problem(err, ERR_INPUT, "invalid-request", "tsig_key and tsig_secret are given together, or neither");
	if (!tsig_algorithm_find(str_c(algorithm), &u->key.algorithm)) {
		err_problem(err, ERR_INPUT, "invalid-request", "\"%.40s\" is no algorithm for a TSIG key", algorithm);
		return err_hint(err, "one of hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512, as in the server's configuration");
	}
	if (!dns_name_parse(str_c(name), &u->key.name))
		return err_problem(err, ERR_INPUT, "invalid-request", "\"%.260s\" is no name of a TSIG key", name);
	if (!b64_any_decode(u->run->arena, str_c(secret), &u->key.secret) || u->key.secret.len == 0 ||
	    u->key.secret.len > TSIG_SECRET_MAX)
		return err_problem(err, ERR_INPUT, "invalid-request", "tsig_secret is not base64 of 1 to %u bytes", TSIG_SECRET_MAX);
	return true;
}

/* On the heap: a message is too large for every stack. */
static bool begin(struct run *run, struct update **ret, struct err *err)
{
	struct update *u = arena_alloc(run->arena, sizeof(*u));

	u->run = run;
	*ret = u;
	return key_read(u, err);
}

static void end(struct update *u)
{
	if (u->key.secret.len > 0)
		wipe((void *)(uintptr_t)u->key.secret.ptr, u->key.secret.len);
}

static bool check(const struct run *run, struct err *err)
{
	struct update  u = { .run = (struct run *)(uintptr_t)run };
	const char    *host, *port;
	bool           ok = key_read(&u, err) && dns_server_parse(run->arena, server(&u), &host, &port, err);

	end(&u);
	return ok;
}

/* ---- one exchange ---- */

static void start(struct update *u, uint16_t flags, const struct dns_name *name, uint16_t type)
{
	const struct dns_question q = { *name, type, DNS_IN };

	/* The room behind is the signature's. */
	dns_write_begin(&u->w, u->bytes, DNS_EDNS_UDP, (uint16_t)rand_u64(), flags);
	dns_write_question(&u->w, &q);
}

static const char *key_shown(const struct update *u)
{
	char text[DNS_TEXT_SIZE], name[32];

	if (u->key.name.len == 0)
		return "without a key";
	dns_name_text(&u->key.name, text);
	snprintf(name, sizeof(name), "%s", native_text(u->run, "tsig_algorithm"));
	return arena_printf(u->run->arena, "with the key %.255s (%s)", text, name);
}

static bool key_refused(const struct update *u, const struct tsig_check *c, struct err *err)
{
	long long apart = c->their_time_s - clock_now_ms() / 1000;

	switch (c->error) {
	case TSIG_BADKEY:
		err_problem(err, ERR_CONFIG, "provider-credential", "%s knows no key like ours (BADKEY), asked %s", server(u), key_shown(u));
		return err_hint(err, "name and algorithm of the key must be as in the configuration of the name server");
	case TSIG_BADTIME:
		err_problem(err, ERR_CONFIG, "provider-credential", "%s refuses the time of our signature (BADTIME)%s", server(u),
		            c->their_time_s > 0 ? arena_printf(u->run->arena, ": its clock is %lld seconds %s of ours", apart < 0 ? -apart : apart,
		                                               apart < 0 ? "behind" : "ahead")
		                                : "");
		return err_hint(err, "let both machines set their clocks by NTP; at most %d seconds may lie between them", TSIG_FUDGE_S);
	case TSIG_BADSIG:
		err_problem(err, ERR_CONFIG, "provider-credential", "%s finds our signature wrong (BADSIG), asked %s", server(u), key_shown(u));
		return err_hint(err, "tsig_secret is not the secret of this key on the name server");
	default:
		return err_problem(err, ERR_CONFIG, "provider-credential", "%s refuses our signature (TSIG error %u), asked %s", server(u),
		                   (unsigned)c->error, key_shown(u));
	}
}

/* What was written, signed and sent; the answer is the key holder's, or an error that says why not. */
static bool ask(struct update *u, struct dns_exchanged *ret, struct err *err)
{
	const struct engine_account *account = u->run->account;
	struct dns_exchange          x = { .server = server(u), .allowed = account->allowed, .allowed_count = account->allowed_count,
		                           .timeout_ms = account->timeout_ms > 0 && account->timeout_ms < TIMEOUT_MS ? account->timeout_ms
		                                                                                                     : TIMEOUT_MS };
	struct tsig_check            c = { .state = TSIG_NONE };
	struct tsig_mac              mac;
	size_t                       len = u->w.len;

	if (u->w.full || (u->key.name.len > 0 && !tsig_sign(u->bytes, &len, sizeof(u->bytes), &u->key, clock_now_ms() / 1000, &mac)))
		return err_problem(err, ERR_PERMANENT, "provider-refused", "the request does not fit into a message");
	x.request = str_of(u->bytes, len);
	if (!dns_exchange(u->run->arena, &x, ret, err))
		return false;
	if (u->key.name.len == 0)
		return true;
	tsig_check(u->run->arena, ret->bytes, &u->key, &mac, clock_now_ms() / 1000, &c);
	if (c.state == TSIG_ERROR)
		return key_refused(u, &c, err);
	if (c.state == TSIG_BAD)
		return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "the answer of %s does not have the signature of our key", server(u));
	/* A server that refuses before it looks at the key does not sign that. */
	if (c.state == TSIG_NONE && ret->message.rcode == DNS_NOERROR)
		return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "the answer of %s is not signed, though it was asked %s", server(u),
		                   key_shown(u));
	return true;
}

/* ---- zone ---- */

static bool refused(const struct update *u, uint16_t rcode, const char *what, struct err *err)
{
	char text[16];

	dns_rcode_text(rcode, text);
	switch (rcode) {
	case DNS_REFUSED:
		err_problem(err, ERR_CONFIG, "provider-denied", "%s refuses %s (REFUSED), asked %s", server(u), what, key_shown(u));
		return err_hint(err, "the server must permit it: BIND update-policy or allow-update, Knot an acl with action: update; TXT only is enough");
	case DNS_NOTAUTH:
	case DNS_NOTZONE:
		err_problem(err, ERR_CONFIG, "zone-not-found", "%s is not authoritative for that zone (%s): %s", server(u), text, what);
		return err_hint(err, "name the primary server of the zone, and check the zone of the connection");
	case DNS_NOTIMP:
		err_problem(err, ERR_CONFIG, "provider-refused", "%s does not do dynamic updates (NOTIMP)", server(u));
		return err_hint(err, "enable RFC 2136 updates there, or name the server that takes them");
	case DNS_SERVFAIL: return err_problem(err, ERR_TEMPORARY, "provider-unavailable", "%s answered SERVFAIL to %s", server(u), what);
	default: return err_problem(err, ERR_PERMANENT, "provider-refused", "%s answered %s to %s", server(u), text, what);
	}
}

/* The zone of an authoritative answer: the owner of its SOA. */
static bool soa_of(const struct dns_message *m, const struct dns_name *name, struct dns_name *ret)
{
	for (size_t i = 0; i < m->records_count; i++) {
		const struct dns_record *r = &m->records[i];

		if ((m->flags & DNS_AA) == 0 || r->type != DNS_SOA || r->section == DNS_ADDITIONAL || !dns_name_in(name, &r->name))
			continue;
		*ret = r->name;
		return true;
	}
	return false;
}

static bool referral(const struct dns_message *m)
{
	for (size_t i = 0; i < m->records_count; i++)
		if (m->records[i].section == DNS_AUTHORITY && m->records[i].type == DNS_NS && (m->flags & DNS_AA) == 0)
			return m->rcode == DNS_NOERROR;
	return false;
}

/* From the owner up, until the server says that it has the zone. */
static bool walk(struct update *u, const char *owner, struct dns_name *ret, struct err *err)
{
	struct dns_name      name, parent;
	struct dns_exchanged answer;

	if (!dns_name_parse(str_c(owner), &name))
		return err_problem(err, ERR_INPUT, "invalid-name", "\"%s\" is no name", owner);
	for (unsigned i = 0; i < WALK_MAX && dns_name_labels(&name) > 1; i++) {
		start(u, 0, &name, DNS_SOA);
		if (!ask(u, &answer, err))
			return false;
		if (soa_of(&answer.message, &name, ret))
			return true;
		if (answer.message.rcode == DNS_SERVFAIL)
			return refused(u, DNS_SERVFAIL, "the look for the zone", err);
		if (referral(&answer.message)) {
			err_problem(err, ERR_CONFIG, "zone-not-found", "%s has handed %s over to other name servers", server(u), owner);
			return err_hint(err, "give the connection the primary name server of the zone that holds %s", owner);
		}
		dns_name_parent(&name, &parent);
		name = parent;
	}
	err_problem(err, ERR_CONFIG, "zone-not-found", "%s has no zone that holds %s", server(u), owner);
	return err_hint(err, "give the connection the primary name server of that zone; was asked %s", key_shown(u));
}

static bool zone_of(struct update *u, const struct provider_value *value, struct dns_name *ret, struct err *err)
{
	char text[DNS_TEXT_SIZE];

	if (value->zone != NULL && value->zone[0] != '\0')
		return native_zone_configured(u->run, value, err) &&
		       (dns_name_parse(str_c(value->zone), ret) || err_problem(err, ERR_INPUT, "invalid-name", "\"%s\" is no name", value->zone));
	if (!walk(u, value->owner, ret, err))
		return false;
	dns_name_lower(ret);
	dns_name_text(ret, text);
	vars_set(&u->run->vars, "zone", str_c(text));
	return true;
}

/* A configured zone is looked at too: the server must have it. */
static bool zone(struct run *run, const struct provider_value *value, struct err *err)
{
	struct dns_exchanged answer;
	struct dns_name      name, found;
	struct update       *u;
	bool                 ok = begin(run, &u, err) && zone_of(u, value, &name, err);

	if (ok && value->zone != NULL && value->zone[0] != '\0') {
		start(u, 0, &name, DNS_SOA);
		ok = ask(u, &answer, err);
		if (ok && !(soa_of(&answer.message, &name, &found) && dns_name_eq(&found, &name)))
			ok = answer.message.rcode == DNS_REFUSED ? refused(u, DNS_REFUSED, "a question about the zone", err)
			                                         : refused(u, DNS_NOTAUTH, value->zone, err);
	}
	end(u);
	return ok;
}

/* ---- present ---- */

static bool listed(struct update *u, const struct provider_value *value, bool *ret, struct err *err)
{
	struct dns_exchanged answer;
	struct dns_name      owner;

	if (!dns_name_parse(str_c(value->owner), &owner))
		return err_problem(err, ERR_INPUT, "invalid-name", "\"%s\" is no name", value->owner);
	start(u, 0, &owner, DNS_TXT);
	if (!ask(u, &answer, err))
		return false;
	if (answer.message.rcode != DNS_NOERROR && answer.message.rcode != DNS_NXDOMAIN)
		return refused(u, answer.message.rcode, arena_printf(u->run->arena, "a question about %s", value->owner), err);
	*ret = dns_message_has_txt(u->run->arena, &answer.message, &owner, str_c(value->value));
	return true;
}

static bool present(struct run *run, const struct provider_value *value, bool *ret, struct err *err)
{
	struct update *u;
	bool           ok = begin(run, &u, err) && listed(u, value, ret, err);

	end(u);
	return ok;
}

/* ---- add and remove ---- */

static void write_change(struct update *u, const struct dns_name *in, const struct dns_name *owner, struct str rdata, bool adding)
{
	start(u, DNS_UPDATE, in, DNS_SOA);
	if (adding) {
		/* RFC 2136 3.4.2.2 drops an addition beside a CNAME without a word: no CNAME may be there. */
		dns_write_record(&u->w, DNS_ANSWER, owner, DNS_CNAME, DNS_NONE, 0, STR(""));
		dns_write_record(&u->w, DNS_AUTHORITY, owner, DNS_TXT, DNS_IN, (uint32_t)u->run->recipe->ttl, rdata);
	} else {
		/* Without a set there is nothing to do; of a set only this very value goes. */
		dns_write_record(&u->w, DNS_ANSWER, owner, DNS_TXT, DNS_CLASS_ANY, 0, STR(""));
		dns_write_record(&u->w, DNS_AUTHORITY, owner, DNS_TXT, DNS_NONE, 0, rdata);
	}
}

/* Does the server have the zone, and take our key when it is only asked? */
static bool serves(struct update *u, const struct dns_name *in)
{
	struct dns_exchanged answer;
	struct dns_name      found;

	start(u, 0, in, DNS_SOA);
	return ask(u, &answer, NULL) && soa_of(&answer.message, in, &found) && dns_name_eq(&found, in);
}

static bool give(const struct err *why, struct err *err)
{
	if (err != NULL)
		*err = *why;
	return false;
}

static bool change(struct update *u, const struct provider_value *value, bool adding, struct err *err)
{
	const char          *what = arena_printf(u->run->arena, "the update of %s", value->owner);
	struct dns_exchanged answer;
	struct dns_name      in, owner;
	struct err           why = { 0 };
	bool                 is;

	if (!zone_of(u, value, &in, err))
		return false;
	if (!dns_name_parse(str_c(value->owner), &owner))
		return err_problem(err, ERR_INPUT, "invalid-name", "\"%s\" is no name", value->owner);
	write_change(u, &in, &owner, dns_txt_rdata(u->run->arena, str_c(value->value)), adding);
	if (!ask(u, &answer, &why)) {
		/* The update may have been done. */
		if (why.class == ERR_TEMPORARY && listed(u, value, &is, NULL) && is == adding)
			return true;
		/* Knot says BADKEY for a key that may not. */
		if (strcmp(why.problem, "provider-credential") == 0 && serves(u, &in))
			return refused(u, DNS_REFUSED, what, err);
		return give(&why, err);
	}
	if (answer.message.rcode == DNS_NOERROR || (!adding && answer.message.rcode == DNS_NXRRSET))
		return true;
	if (adding && answer.message.rcode == DNS_YXRRSET) {
		err_problem(err, ERR_CONFIG, "provider-refused", "%s has a CNAME: no TXT value can stand beside it", value->owner);
		return err_hint(err, "remove that CNAME, or let the value be written where it leads (domain_alias)");
	}
	/* … and NOTAUTH where the address alone would have to be permitted. */
	if (answer.message.rcode == DNS_NOTAUTH && serves(u, &in))
		return refused(u, DNS_REFUSED, what, err);
	return refused(u, answer.message.rcode, what, err);
}

static bool add(struct run *run, const struct provider_value *value, struct err *err)
{
	struct update *u;
	bool           ok = begin(run, &u, err) && change(u, value, true, err);

	end(u);
	return ok;
}

static bool remove_value(struct run *run, const struct provider_value *value, struct err *err)
{
	struct update *u;
	bool           ok = begin(run, &u, err) && change(u, value, false, err);

	end(u);
	return ok;
}

const struct native native_rfc2136 = { .id = "rfc2136", .check = check, .zone = zone, .add = add,
	                               .remove = remove_value, .present = present };
