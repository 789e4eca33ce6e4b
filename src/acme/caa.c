/*
 * acme/caa.c: the evaluator. Parameters are read as RFC 8659 4.2 and RFC 8657 write them; a record that cannot be read grants
 * nothing.
 */
#include "acme/caa.h"

#include <strings.h>

#define FLAGS_CRITICAL (128u | 1u) /* bit 0 counts from the left; some count from the right */
#define SHOWN_MAX      4

bool acme_caa_parse(struct arena *a, struct str rdata, struct acme_caa *ret, struct err *err)
{
	const unsigned char *bytes = (const unsigned char *)rdata.ptr;
	struct acme_caa      caa = { 0 };
	char                *tag, *value;
	size_t               tag_len;

	if (rdata.len < 3 || bytes[1] == 0 || (size_t)bytes[1] + 2 > rdata.len)
		return err_problem(err, ERR_PERMANENT, "ca-nonsense", "a CAA record without a tag");
	tag_len = bytes[1];
	tag = arena_str(a, str_of(rdata.ptr + 2, tag_len));
	str_lower(tag);
	if (strspn(tag, "abcdefghijklmnopqrstuvwxyz0123456789") != tag_len)
		return err_problem(err, ERR_PERMANENT, "ca-nonsense", "a CAA record whose tag is no word");
	value = arena_alloc(a, rdata.len - 2 - tag_len + 1);
	for (size_t i = 0; i < rdata.len - 2 - tag_len; i++) {
		unsigned char c = bytes[2 + tag_len + i];

		value[i] = (c >= ' ' && c <= '~') || c == '\t' ? (char)c : '?';
	}
	value[rdata.len - 2 - tag_len] = '\0';
	caa.flags = bytes[0];
	caa.tag = tag;
	caa.value = value;
	*ret = caa;
	return true;
}

const char *acme_caa_text(struct arena *a, const struct acme_caa *record)
{
	return arena_printf(a, "%u %s \"%s\"", record->flags, record->tag, record->value);
}

const char *acme_caa_line(struct arena *a, const char *identity, const char *account_url, bool wildcard)
{
	return arena_printf(a, "0 %s \"%s; validationmethods=" ACME_CAA_METHOD "%s%s\"", wildcard ? "issuewild" : "issue", identity,
	                    account_url != NULL ? "; accounturi=" : "", account_url != NULL ? account_url : "");
}

/* ---- one record ---- */

struct grant {
	struct str domain, account, methods;
	bool       has_account, has_methods;
};

static bool tag_valid(struct str tag)
{
	for (size_t i = 0; i < tag.len; i++)
		if (!((tag.ptr[i] >= 'a' && tag.ptr[i] <= 'z') || (tag.ptr[i] >= 'A' && tag.ptr[i] <= 'Z') ||
		      (tag.ptr[i] >= '0' && tag.ptr[i] <= '9')))
			return false;
	return tag.len > 0;
}

static bool value_valid(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] <= ' ' || value.ptr[i] > '~' || value.ptr[i] == ';')
			return false;
	return true;
}

static bool parameter_read(struct str text, struct grant *g)
{
	size_t     equal = str_index(text, '=');
	struct str tag, value;

	if (equal == text.len)
		return false;
	tag = str_trim(str_of(text.ptr, equal));
	value = str_trim(str_of(text.ptr + equal + 1, text.len - equal - 1));
	if (!tag_valid(tag) || !value_valid(value))
		return false;
	if (str_eq_nocase(tag, STR("accounturi"))) {
		if (g->has_account)
			return false;
		g->has_account = true;
		g->account = value;
	} else if (str_eq_nocase(tag, STR("validationmethods"))) {
		if (g->has_methods)
			return false;
		g->has_methods = true;
		g->methods = value;
	}
	return true;
}

/* issuer-domain-name *( ";" tag "=" value ). "ca.example;" is fine, a ';' behind real parameters is not. */
static bool grant_read(const char *value, struct grant *ret)
{
	struct str   rest = str_c(value), part;
	size_t       semicolon = str_index(rest, ';');
	struct grant g = { .domain = str_trim(str_of(rest.ptr, semicolon)) };

	if (semicolon < rest.len) {
		rest = str_of(rest.ptr + semicolon + 1, rest.len - semicolon - 1);
		if (str_index(rest, ';') == rest.len && str_trim(rest).len == 0) {
			*ret = g;
			return true;
		}
		for (bool more = true; more;) {
			size_t end = str_index(rest, ';');

			part = str_trim(str_of(rest.ptr, end));
			more = end < rest.len;
			if (more)
				rest = str_of(rest.ptr + end + 1, rest.len - end - 1);
			if (!parameter_read(part, &g))
				return false;
		}
	}
	*ret = g;
	return true;
}

static bool method_listed(struct str methods)
{
	struct str rest = methods, one;
	bool       found = false;

	while (str_next(&rest, ',', &one)) {
		if (one.len == 0)
			return false;
		for (size_t i = 0; i < one.len; i++)
			if (one.ptr[i] != '-' && !tag_valid(str_of(one.ptr + i, 1)))
				return false;
		found = found || str_eq(one, STR(ACME_CAA_METHOD));
	}
	return found;
}

/* Why this record does not grant it; NULL: it does. */
static const char *refusal(struct arena *a, const struct acme_caa *record, const struct acme_caa_order *order)
{
	struct grant g;
	bool         ours;

	if (!grant_read(record->value, &g))
		return "cannot be read, so it grants nothing (is there a ';' at its end?)";
	/* Nobody knows what this CA calls itself: any issuer may be it. */
	ours = order->identities_count == 0 && g.domain.len > 0;
	for (size_t i = 0; i < order->identities_count; i++)
		ours = ours || str_eq(g.domain, str_c(order->identities[i]));
	if (!ours)
		return g.domain.len == 0 ? "forbids every CA" : "names another CA";
	if (g.has_account && (order->account_url == NULL || !str_eq(g.account, str_c(order->account_url))))
		return arena_printf(a, "is for another account than %s", order->account_url != NULL ? order->account_url : "the one to be made");
	if (g.has_methods && !method_listed(g.methods))
		return "does not permit " ACME_CAA_METHOD;
	return NULL;
}

/* ---- the set ---- */

static bool tag_known(const char *tag)
{
	static const char *const known[] = { "issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], tag) == 0)
			return true;
	return false;
}

static size_t with_tag(const struct acme_caa *set, size_t count, const char *tag)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += strcmp(set[i].tag, tag) == 0;
	return found;
}

bool acme_caa_allows(struct arena *a, const struct acme_caa *set, size_t count, const struct acme_caa_order *order,
                     const char *name, const char *at, struct err *err)
{
	const char *tag = order->wildcard && with_tag(set, count, "issuewild") > 0 ? "issuewild" : "issue", *said = "", *why;
	size_t      shown = 0;

	for (size_t i = 0; i < count; i++) {
		if (tag_known(set[i].tag) || (set[i].flags & FLAGS_CRITICAL) == 0)
			continue;
		err_problem(err, ERR_CONFIG, "caa-forbids", "%s: the CAA record %s of %s is critical, and no CA knows it", name,
		            acme_caa_text(a, &set[i]), at);
		return err_hint(err, "remove the record, or its critical flag");
	}
	if (with_tag(set, count, tag) == 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(set[i].tag, tag) != 0)
			continue;
		why = refusal(a, &set[i], order);
		if (why == NULL)
			return true;
		if (shown++ < SHOWN_MAX)
			said = arena_printf(a, "%s%s%s %s", said, shown > 1 ? "; " : "", acme_caa_text(a, &set[i]), why);
	}
	err_problem(err, ERR_CONFIG, "caa-forbids", "the CAA records of %s forbid a certificate for %s: %s", at, name, said);
	if (order->identities_count == 0)
		return err_hint(err, "add a CAA record to %s that names this CA; its documentation says which name is its own", at);
	return err_hint(err, "add this CAA record to %s: %s", at,
	                acme_caa_line(a, order->identities[0], order->account_url, strcmp(tag, "issuewild") == 0));
}
