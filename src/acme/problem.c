/*
 * acme/problem.c: one table from (type, place, words, status) to a decision, the class of the next try and a hint; the first row that fits
 * wins. A CA's words are only looked at where its types are too coarse, and a miss there costs the better hint,
 * never the decision of the type.
 */
#include "acme/problem.h"

#include <assert.h>

#include "acme/answer.h"
#include "base/buf.h"
#include "base/clock.h"
#include "net/url.h"

#define TYPE_PREFIX "urn:ietf:params:acme:error:"

/* ---- reading ---- */

static const char *type_read(struct arena *a, const char *type)
{
	struct str text = str_c(type), prefix = STR(TYPE_PREFIX);

	if (text.len >= prefix.len && str_eq_nocase(str_of(text.ptr, prefix.len), prefix))
		text = str_of(text.ptr + prefix.len, text.len - prefix.len);
	if (str_eq(text, STR("about:blank"))) /* RFC 7807 4.2: no type but the status */
		return "";
	return acme_text(a, arena_str(a, text), 63);
}

/* A link for people: shown, maybe clicked, never fetched. */
static const char *instance_read(struct arena *a, const char *instance)
{
	struct url url;

	return instance != NULL && url_parse(str_c(instance), &url, NULL) ? arena_strdup(a, instance) : "";
}

static void subproblems_read(struct arena *a, const json_t *list, struct acme_problem *problem)
{
	size_t        i;
	const json_t *item;

	if (!json_is_array(list) || json_array_size(list) == 0)
		return;
	problem->subproblems = arena_alloc_array(a, ACME_SUBPROBLEMS_MAX, sizeof(*problem->subproblems));
	json_array_foreach(list, i, item) {
		struct acme_subproblem *sub = &problem->subproblems[problem->subproblems_count];

		if (problem->subproblems_count == ACME_SUBPROBLEMS_MAX)
			return;
		if (!json_is_object(item))
			continue;
		sub->type = type_read(a, json_str(item, "type"));
		sub->detail = acme_text(a, json_str(item, "detail"), ACME_DETAIL_MAX);
		sub->identifier = acme_text(a, json_str(json_object_get(item, "identifier"), "value"), 255);
		problem->subproblems_count++;
	}
}

static void algorithms_read(struct arena *a, const json_t *list, struct acme_problem *problem)
{
	size_t        i;
	const json_t *item;

	if (!json_is_array(list) || json_array_size(list) == 0)
		return;
	problem->algorithms = arena_alloc_array(a, ACME_ALGORITHMS_MAX, sizeof(char *));
	json_array_foreach(list, i, item)
		if (json_is_string(item) && problem->algorithms_count < ACME_ALGORITHMS_MAX)
			problem->algorithms[problem->algorithms_count++] = acme_text(a, json_string_value(item), 32);
}

void acme_problem_read(struct arena *a, const struct json_t *object, struct acme_problem *ret)
{
	struct acme_problem problem = { .type = "", .title = "", .detail = "", .instance = "" };

	if (json_is_object(object)) {
		int64_t status = json_int(object, "status", 0);

		problem.status = status >= 100 && status <= 599 ? (int)status : 0;
		problem.type = type_read(a, json_str(object, "type"));
		problem.title = acme_text(a, json_str(object, "title"), 256);
		problem.detail = acme_text(a, json_str(object, "detail"), ACME_DETAIL_MAX);
		problem.instance = instance_read(a, json_str(object, "instance"));
		subproblems_read(a, json_object_get(object, "subproblems"), &problem);
		algorithms_read(a, json_object_get(object, "algorithms"), &problem);
	}
	*ret = problem;
}

void acme_problem_parse(struct arena *a, int http_status, struct str body, struct acme_problem *ret)
{
	AUTO(json_freep) json_t *json = NULL;

	if (!json_read(body, ACME_ANSWER_MAX, &json, NULL))
		json = NULL;
	acme_problem_read(a, json, ret);
	ret->status = http_status; /* what was sent counts, not what the body says about it */
}

bool acme_problem_is(const struct acme_problem *problem, const char *type)
{
	return strcmp(problem->type, type) == 0;
}

/* ---- deciding ---- */

#define AT(where)  (1u << (where))
#define ANYWHERE   0u
#define NO_STATUS  0

struct reaction {
	const char    *type;   /* NULL: any */
	unsigned       at;     /* set of AT(…), or ANYWHERE */
	const char    *words;  /* the detail contains them, case ignored; NULL: whatever it says */
	int            status; /* HTTP status, or NO_STATUS: any */
	enum err_class class;
	enum acme_again again;
	uint32_t       retry_s; /* when the CA states nothing; at least this for serverInternal */
	const char    *hint;    /* NULL: nothing to change */
};

static const char eab_hint[] = "the EAB credentials are expired, used up, of another directory, or not copied whole: "
			       "get new ones from the CA and set eab_kid and eab_hmac_key of the authority";
static const char dnssec_hint[] = "repair DNSSEC of the zone (DS record at the parent, signatures), then retry; "
				  "`reeve doctor NAME` shows where the chain breaks";
static const char value_hint[] = "the CA did not find the value where it looked: run `reeve doctor NAME` to compare the "
				 "CNAME of _acme-challenge with the delegation on every name server";
static const char reach_hint[] = "the CA's resolvers must reach every name server of the name, for TXT and CAA: "
				 "`reeve doctor NAME` asks each of them";
static const char caa_hint[] = "add a CAA record that names this CA (0 issue \"…\", 0 issuewild \"…\" for wildcards), or "
			       "remove the one that forbids it; `reeve doctor NAME` shows the record";
static const char name_hint[] = "the CA's policy forbids a name: remove it from the certificate or use another authority";
static const char contact_hint[] = "correct or remove the e-mail of the authority";
static const char new_order_hint[] = "the authorizations or names of this order are not (or no more) those of the "
				     "request: a new order is needed";

/* The letters of the classes, for the table. */
#define I ACME_AGAIN_NOW
#define T ACME_AGAIN_LATER
#define W ACME_AGAIN_STATED
#define C ACME_AGAIN_CHANGE
#define H ACME_AGAIN_PERSON
#define F ACME_AGAIN_NEVER

static const struct reaction reactions[] = {
	/* type, at, words, status, class, again, retry_s, hint */
	{ "badNonce", ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, I, 5, NULL },
	{ "accountDoesNotExist", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, I, 0,
	  "the CA does not know the account any more: it is looked up, then registered again; CAA records with accounturi "
	  "must then name the new account" },

	{ "externalAccountRequired", ANYWHERE, NULL, NO_STATUS, ERR_CONFIG, H, 0,
	  "get EAB credentials (key id and HMAC key) from the CA and set eab_kid and eab_hmac_key of the authority" },
	{ "unauthorized", AT(ACME_AT_ACCOUNT), "external account", NO_STATUS, ERR_CONFIG, H, 0, eab_hint },
	{ "unauthorized", AT(ACME_AT_ACCOUNT), "eab", NO_STATUS, ERR_CONFIG, H, 0, eab_hint },
	{ "unauthorized", AT(ACME_AT_ACCOUNT), "invalid mac", NO_STATUS, ERR_CONFIG, H, 0, eab_hint },
	{ "malformed", AT(ACME_AT_ACCOUNT), "external", NO_STATUS, ERR_CONFIG, H, 0, eab_hint },
	{ "malformed", AT(ACME_AT_ACCOUNT), "eab", NO_STATUS, ERR_CONFIG, H, 0, eab_hint },
	{ "malformed", AT(ACME_AT_ACCOUNT), "invalid mac", NO_STATUS, ERR_CONFIG, H, 0, eab_hint },
	{ "malformed", AT(ACME_AT_ACCOUNT), "terms", NO_STATUS, ERR_CONFIG, H, 0,
	  "agree to the CA's terms of service in the authority" },
	{ "userActionRequired", ANYWHERE, NULL, NO_STATUS, ERR_CONFIG, H, 0,
	  "the CA wants a person to act, mostly to agree to new terms of service" },
	{ "invalidContact", ANYWHERE, NULL, NO_STATUS, ERR_CONFIG, F, 0, contact_hint },
	{ "unsupportedContact", ANYWHERE, NULL, NO_STATUS, ERR_CONFIG, F, 0, contact_hint },

	{ "unauthorized", AT(ACME_AT_ACCOUNT), NULL, NO_STATUS, ERR_PERMANENT, H, 0,
	  "the account is deactivated or revoked at the CA: register a new one" },
	{ "unauthorized", AT(ACME_AT_VALIDATION), "dnssec", NO_STATUS, ERR_CONFIG, C, 0, dnssec_hint },
	{ "unauthorized", AT(ACME_AT_VALIDATION), NULL, NO_STATUS, ERR_PERMANENT, T, 0, value_hint },
	{ "unauthorized", AT(ACME_AT_FINALIZE), NULL, NO_STATUS, ERR_PERMANENT, I, 0, new_order_hint },
	{ "unauthorized", AT(ACME_AT_REVOKE), NULL, NO_STATUS, ERR_PERMANENT, F, 0,
	  "only the account that got the certificate, one authorized for all its names, or the certificate's key "
	  "can revoke it" },
	{ "unauthorized", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, H, 0,
	  "the account may not do this: it may be deactivated, or the object belongs to another account" },

	{ "dns", ANYWHERE, "dnssec", NO_STATUS, ERR_CONFIG, C, 0, dnssec_hint },
	{ "dns", ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, T, 60, reach_hint },
	{ "caa", ANYWHERE, NULL, NO_STATUS, ERR_CONFIG, C, 0, caa_hint },
	{ "connection", ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, T, 60, reach_hint },
	{ "tls", ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, T, 60, NULL },
	{ "incorrectResponse", ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, T, 60, value_hint },
	{ "rejectedIdentifier", AT(ACME_AT_VALIDATION), NULL, NO_STATUS, ERR_PERMANENT, T, 0, value_hint }, /* step-ca: another value */
	{ "rejectedIdentifier", ANYWHERE, NULL, NO_STATUS, ERR_CONFIG, C, 0, name_hint },
	{ "unsupportedIdentifier", ANYWHERE, NULL, NO_STATUS, ERR_CONFIG, C, 0, name_hint },

	{ "malformed", AT(ACME_AT_ORDER), "redundant", NO_STATUS, ERR_CONFIG, F, 0,
	  "remove from the certificate the name that its wildcard covers already" },
	{ "malformed", ANYWHERE, NULL, 404, ERR_PERMANENT, I, 0, "the CA knows this object no more: a new order is needed" },
	{ "malformed", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, NULL },
	{ "orderNotReady", ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, I, 5, NULL },
	{ "badCSR", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0,
	  "the CA does not accept the key or the names: choose another key type, or let a new key be made" },
	{ "badPublicKey", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, "choose another key type: EC P-256 or RSA 2048" },
	{ "badSignatureAlgorithm", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0,
	  "the account key is of a type this CA does not take" },
	{ "invalidProfile", ANYWHERE, NULL, NO_STATUS, ERR_CONFIG, C, 0,
	  "choose a profile that the CA's directory lists, or none" },

	{ "rateLimited", ANYWHERE, "prevented from requesting", NO_STATUS, ERR_CONFIG, H, 0,
	  "the CA has paused this name after many failures: repair the name's DNS, then visit the page it names" },
	{ "rateLimited", ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, W, 3600, NULL },
	{ "serverInternal", ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, T, 60, NULL },

	{ "alreadyReplaced", ANYWHERE, NULL, NO_STATUS, ERR_CONFLICT, I, 0, NULL },
	{ "alreadyRevoked", ANYWHERE, NULL, NO_STATUS, ERR_CONFLICT, I, 0, NULL },
	{ "conflict", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, "the new key already belongs to another account" },
	{ "badRevocationReason", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, I, 0, "revoke without a reason, or with another one" },
	{ "onionCAARequired", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, NULL },
	{ "unknownDelegation", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, NULL },
	{ "autoRenewalCanceled", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, NULL },
	{ "autoRenewalExpired", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, NULL },
	{ "autoRenewalRevocationNotSupported", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, NULL },
	{ "badAttestationStatement", ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, F, 0, NULL },

	/* no type, or one of tomorrow: the status decides */
	{ NULL, ANYWHERE, NULL, 408, ERR_TEMPORARY, T, 60, NULL },
	{ NULL, ANYWHERE, NULL, 425, ERR_TEMPORARY, T, 60, NULL },
	{ NULL, ANYWHERE, NULL, 429, ERR_TEMPORARY, W, 3600, NULL },
	{ NULL, ANYWHERE, NULL, NO_STATUS, ERR_PERMANENT, C, 0, NULL },
};

#undef I
#undef T
#undef W
#undef C
#undef H
#undef F

/* Whatever stands in the body of a 5xx: the next try may find the CA well again. */
static const struct reaction server_down = { NULL, ANYWHERE, NULL, NO_STATUS, ERR_TEMPORARY, ACME_AGAIN_LATER, 60, NULL };

static const struct reaction *reaction_find(const char *type, const char *detail, int status, enum acme_where where)
{
	bool server = status >= 500;

	for (size_t i = 0; i < ARRAY_LEN(reactions); i++) {
		const struct reaction *r = &reactions[i];

		if ((r->type != NULL && strcmp(r->type, type) != 0) || (r->at != ANYWHERE && (r->at & AT(where)) == 0) ||
		    (r->status != NO_STATUS && r->status != status) ||
		    (r->words != NULL && strcasestr(detail, r->words) == NULL))
			continue;
		/* A CA that is down says "malformed" at times; only what waits for a person outlives that. */
		if (server && r->class != ERR_TEMPORARY && (r->class != ERR_CONFIG || r->type == NULL))
			return &server_down;
		return r;
	}
	__builtin_unreachable(); /* the last row fits all */
}

/* compound: as bad as its worst part, where what waits for a person hides what waits for time. */
static const struct reaction *compound_find(const struct acme_problem *problem, enum acme_where where)
{
	const struct reaction *worst = NULL;

	for (size_t i = 0; i < problem->subproblems_count; i++) {
		const struct acme_subproblem *sub = &problem->subproblems[i];
		const struct reaction        *r = reaction_find(sub->type, sub->detail, 0, where);

		if (worst == NULL || r->class == ERR_PERMANENT ||
		    (r->class == ERR_CONFIG && worst->class == ERR_TEMPORARY))
			worst = r;
		if (worst->class == ERR_PERMANENT)
			break;
	}
	return worst;
}

static void sentence(const struct acme_problem *problem, struct buf *text)
{
	if (problem->status != 0)
		buf_printf(text, "%d ", problem->status);
	buf_add_c(text, problem->type[0] != '\0' ? problem->type : "without a problem document");
	if (problem->detail[0] != '\0' || problem->title[0] != '\0')
		buf_printf(text, ": %.600s", problem->detail[0] != '\0' ? problem->detail : problem->title);
	for (size_t i = 0; i < problem->subproblems_count && text->len < 700; i++) {
		const struct acme_subproblem *sub = &problem->subproblems[i];

		buf_printf(text, "; %s%s%s: %.200s", sub->identifier, sub->identifier[0] != '\0' ? ": " : "", sub->type,
		           sub->detail);
	}
}

static void hint_write(const struct acme_problem *problem, const struct reaction *reaction, struct buf *hint)
{
	if (reaction->hint != NULL)
		buf_add_c(hint, reaction->hint);
	for (size_t i = 0; acme_problem_is(problem, "badSignatureAlgorithm") && i < problem->algorithms_count; i++)
		buf_printf(hint, "%s%s", i == 0 ? "; it takes " : ", ", problem->algorithms[i]);
	if (problem->instance[0] != '\0')
		buf_printf(hint, "%s%s", hint->len > 0 ? "; see " : "see ", problem->instance);
}

bool acme_problem_err(const struct acme_problem *problem, enum acme_where where, uint32_t retry_after_s,
                      struct err *err)
{
	AUTO(buf_clear) struct buf text = { 0 };
	AUTO(buf_clear) struct buf hint = { 0 };
	const struct reaction *reaction = NULL;
	const char            *code = problem->type;

	assert((unsigned)where < ACME_AT__COUNT);
	if (err == NULL)
		return false;
	buf_init(&text, 4096);
	buf_init(&hint, 4096);
	if (acme_problem_is(problem, "compound"))
		reaction = compound_find(problem, where);
	if (reaction == NULL)
		reaction = reaction_find(problem->type, problem->detail, problem->status, where);
	if (code[0] == '\0')
		code = reaction->class == ERR_TEMPORARY ? "ca-unreachable" : "ca-refused";

	sentence(problem, &text);
	if (retry_after_s != 0)
		buf_printf(&text, "; the CA asks for %u s", retry_after_s);
	hint_write(problem, reaction, &hint);
	err_problem(err, reaction->class, code, "%.*s", STR_ARG(buf_str(&text)));
	if (hint.len > 0)
		err_hint(err, "%.*s", STR_ARG(buf_str(&hint)));
	if (reaction->class == ERR_TEMPORARY) {
		err->retry_after_s = acme_retry_after(ACME_RETRY_REFUSED, retry_after_s, reaction->retry_s);
		if (acme_problem_is(problem, "serverInternal") && err->retry_after_s < reaction->retry_s)
			err->retry_after_s = reaction->retry_s;
	}
	return false;
}

/* The sentence of acme_problem_err() has the status in front of the type. */
static int status_in(const char *text, const char *type)
{
	const char *at = type[0] != '\0' ? strstr(text, type) : NULL;

	if (at == NULL || at - text < 4 || at[-1] != ' ' || strspn(at - 4, "0123456789") != 3)
		return 0;
	return (at[-4] - '0') * 100 + (at[-3] - '0') * 10 + (at[-2] - '0');
}

enum acme_again acme_problem_again(const char *type, const char *text, enum err_class class, enum acme_where where)
{
	const struct reaction *r = NULL;

	assert((unsigned)where < ACME_AT__COUNT);
	if (strcmp(type, "compound") != 0)
		r = reaction_find(type, text, status_in(text, type), where);
	/* Its parts, or the status of the answer, have decided the class; the type alone would say something else. */
	if (r == NULL || r->type == NULL || (class == ERR_TEMPORARY && r->again >= ACME_AGAIN_CHANGE)) {
		if (class == ERR_TEMPORARY)
			return ACME_AGAIN_LATER;
		return r == NULL && class == ERR_PERMANENT ? ACME_AGAIN_NEVER : ACME_AGAIN_CHANGE;
	}
	return r->again;
}

bool acme_problem_url(const char *text, struct str *ret)
{
	const char *found = strstr(text, "https://");
	struct str  all;
	struct url  url;
	size_t      len;

	if (found == NULL)
		return false;
	len = strcspn(found, " \t\"'<>");
	while (len > 0 && strchr(".,;)", found[len - 1]) != NULL)
		len--;
	all = str_of(found, len);
	if (!url_parse(all, &url, NULL))
		return false;
	*ret = all;
	return true;
}

/* ---- the questions of the request engine ---- */

bool acme_should_retry_nonce(const struct acme_problem *problem)
{
	return acme_problem_is(problem, "badNonce");
}

bool acme_account_lost(const struct acme_problem *problem)
{
	return acme_problem_is(problem, "accountDoesNotExist");
}

bool acme_should_drop_replaces(const struct acme_problem *problem)
{
	/* 409 alone too: a code of RFC 9773 that CAs spell differently; 401 and 403: not our predecessor. */
	return acme_problem_is(problem, "alreadyReplaced") ||
	       (problem->status == 409 && !acme_problem_is(problem, "conflict")) ||
	       (acme_problem_is(problem, "unauthorized") && (problem->status == 401 || problem->status == 403)) ||
	       (acme_problem_is(problem, "malformed") && strcasestr(problem->detail, "replace") != NULL);
}

bool acme_problem_retry_at(const struct acme_problem *problem, int64_t *ret_at_ms)
{
	static const char words[] = "retry after ";
	const char       *found = strcasestr(problem->detail, words);
	char              text[21];

	if (found == NULL || strlen(found) < sizeof(words) - 1 + 19)
		return false;
	found += sizeof(words) - 1;
	snprintf(text, sizeof(text), "%.10sT%.8sZ", found, found + 11);
	return clock_parse_rfc3339(str_c(text), ret_at_ms);
}

uint32_t acme_retry_after(enum acme_retry purpose, uint32_t retry_after_s, uint32_t otherwise_s)
{
	static const struct {
		uint32_t min_s, max_s;
	} bounds[ACME_RETRY__COUNT] = {
		[ACME_RETRY_POLL] = { 1, 60 },
		[ACME_RETRY_REFUSED] = { 1, 14 * 86400 },
		[ACME_RETRY_RENEWAL_INFO] = { 60, 86400 },
	};
	uint32_t value = retry_after_s != 0 ? retry_after_s : otherwise_s;

	assert((unsigned)purpose < ACME_RETRY__COUNT);
	if (value < bounds[purpose].min_s)
		return bounds[purpose].min_s;
	return value < bounds[purpose].max_s ? value : bounds[purpose].max_s;
}
