/*
 * dns/caa.c: see caa.h. A set without a property for the kind of name asked for permits; `issuewild` hides `issue`
 * for wildcards.
 */
#include "dns/caa.h"

#define CRITICAL 0x80

struct property {
	uint8_t    flags;
	struct str tag, domain, parameters;
};

/* RFC 8659 4.1, 4.2: flags, length of the tag, tag, value "domain; name=value …". */
static bool property_parse(struct str rdata, struct property *ret)
{
	size_t     tag_len;
	struct str value;

	if (rdata.len < 2)
		return false;
	tag_len = (uint8_t)rdata.ptr[1];
	if (tag_len == 0 || tag_len > rdata.len - 2)
		return false;
	ret->flags = (uint8_t)rdata.ptr[0];
	ret->tag = str_of(rdata.ptr + 2, tag_len);
	value = str_of(rdata.ptr + 2 + tag_len, rdata.len - 2 - tag_len);
	ret->domain = (struct str){ 0 };
	(void)str_next(&value, ';', &ret->domain);
	ret->domain = str_trim(ret->domain);
	ret->parameters = value;
	return true;
}

static bool tag_is(const struct property *p, const char *tag)
{
	return str_eq_nocase(p->tag, str_c(tag));
}

static bool lists(struct str list, const char *wanted)
{
	struct str one;

	while (str_next(&list, ',', &one))
		if (str_eq_nocase(str_trim(one), str_c(wanted)))
			return true;
	return false;
}

/* RFC 8657: accounturi and validationmethods narrow the permission. */
static bool parameters_fit(struct str parameters, const struct caa_question *q, const char **ret_why)
{
	struct str one;

	while (str_next(&parameters, ';', &one)) {
		struct str name, value = str_trim(one);

		(void)str_next(&value, '=', &name);
		name = str_trim(name);
		value = str_trim(value);
		if (str_eq_nocase(name, STR("validationmethods")) && !lists(value, "dns-01")) {
			*ret_why = "it permits other validation methods than dns-01 only";
			return false;
		}
		if (str_eq_nocase(name, STR("accounturi")) && q->account[0] != '\0' && !str_eq(value, str_c(q->account))) {
			*ret_why = "it permits another account of this CA only";
			return false;
		}
	}
	return true;
}

static bool named(const struct property *p, const struct caa_question *q)
{
	for (size_t i = 0; i < q->identities_count; i++)
		if (str_eq_nocase(p->domain, str_c(q->identities[i])))
			return true;
	/* Nobody knows what this CA calls itself: any issuer may be it. */
	return q->identities_count == 0 && p->domain.len > 0;
}

void caa_judge(struct arena *a, const struct str *rdata, size_t count, const struct caa_question *q, struct caa_verdict *ret)
{
	const char *tag = "issue", *why = NULL;
	bool        any = false;

	*ret = (struct caa_verdict){ .permitted = true, .text = "no CAA record speaks of it" };
	for (size_t i = 0; q->wildcard && i < count; i++) {
		struct property p;

		if (property_parse(rdata[i], &p) && tag_is(&p, "issuewild"))
			tag = "issuewild";
	}
	for (size_t i = 0; i < count; i++) {
		struct property p;

		if (!property_parse(rdata[i], &p) || ((p.flags & CRITICAL) != 0 && !tag_is(&p, "issue") && !tag_is(&p, "issuewild") &&
		                                      !tag_is(&p, "iodef") && !tag_is(&p, "issuemail"))) {
			*ret = (struct caa_verdict){ .text = "a CAA record is critical and not understood, which forbids every CA" };
			return;
		}
	}
	for (size_t i = 0; i < count; i++) {
		struct property p;

		if (!property_parse(rdata[i], &p) || !tag_is(&p, tag))
			continue;
		any = true;
		if (named(&p, q) && parameters_fit(p.parameters, q, &why)) {
			ret->text = arena_printf(a, "CAA %s permits %.*s", tag, STR_ARG(p.domain));
			return;
		}
	}
	if (!any)
		return;
	ret->permitted = false;
	ret->text = arena_printf(a, "CAA %s forbids it%s%s", tag, why != NULL ? ": " : "", why != NULL ? why : "");
	if (q->identities_count > 0)
		ret->record = arena_printf(a, "CAA 0 %s \"%s\"", tag, q->identities[0]);
}
